/* daemon/auth_peer.c: the name of the user who runs the other end of a unix socket. It is looked up
 * by a helper thread: it may be a directory of the network that knows it. */
#include "daemon/auth_impl.h"

#include "async/await.h"
#include "daemon/connection_impl.h"
#include "daemon/log.h"

#include <pwd.h>

struct lookup {
    uid_t uid;
    char name[256]; /* empty: there is none */
};

static void look_up(void *arg)
{
    struct lookup *lookup = arg;
    struct passwd user, *found = NULL;
    char text[4096];

    if (getpwuid_r(lookup->uid, &user, text, sizeof(text), &found) == 0 && found != NULL &&
        strlen(user.pw_name) < sizeof(lookup->name)) {
        strcpy(lookup->name, user.pw_name);
    }
}

int auth_check_peer(struct connection *conn, struct failure *ret_failure)
{
    struct lookup lookup = { .name = "" };
    struct ucred peer;

    if (auth_peer(conn, &peer)) {
        lookup.uid = peer.uid;
        if (await_offload(look_up, &lookup) != 0) {
            return failure_set_nomem(ret_failure);
        }
    }
    if (lookup.name[0] != '\0' && strcmp(lookup.name, conn->user) == 0) {
        return 0;
    }
    const struct log_about about = connection_about(conn);
    log_about(LEVEL_LOG, &about, "user \"%s\" is \"%s\" at the other end of the unix socket",
              conn->user, lookup.name);
    return failure_set(ret_failure, "28000", "Peer authentication failed for user \"%s\"",
                       conn->user);
}
