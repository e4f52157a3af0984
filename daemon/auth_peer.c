/* daemon/auth_peer.c: who is at the other end of a unix socket. His name is looked up by a helper
 * thread: it may be a directory of the network that knows it. Should that hang, half of these
 * threads are left for all else that they do. */
#include "daemon/auth_impl.h"

#include "async/await.h"
#include "daemon/connection_impl.h"
#include "daemon/log.h"

#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- what the kernel says ---- */

static bool peer_of(int fd, struct ucred *ret_peer)
{
    socklen_t size = sizeof(*ret_peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret_peer, &size) == 0;
}

bool auth_peer(const struct connection *conn, struct ucred *ret_peer)
{
    return address_is_unix(&conn->from) && peer_of(conn->fd, ret_peer);
}

bool auth_is_owner(int fd)
{
    struct ucred peer;

    return peer_of(fd, &peer) && (peer.uid == geteuid() || peer.uid == 0);
}

/* Only such a socket has no name: one that was accepted has that of its listener. The process
 * number alone would not do: with socket activation, a client may have connected and died before we
 * got it. */
bool auth_is_own(const struct connection *conn)
{
    struct sockaddr_storage name = { .ss_family = AF_UNSPEC };
    socklen_t size = sizeof(name);
    struct ucred peer;

    return auth_peer(conn, &peer) && peer.pid == getpid() &&
           getsockname(conn->fd, (struct sockaddr *)&name, &size) == 0 &&
           name.ss_family == AF_UNIX && size == sizeof(sa_family_t);
}

/* ---- his name ---- */

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

/* In the turn of those who are looked up. */
static int await_lookup(struct connection *conn, struct lookup *lookup, struct failure *ret_failure)
{
    struct budget *lookups = &conn->server->lookups;
    struct permit permit;
    int r = await_gate(&conn->server->gate, &lookups, 1, SIZE_MAX, DEADLINE_NONE, &permit);

    if (r != 0) {
        return r;
    }
    r = await_offload(look_up, lookup);
    gate_release(&permit);
    return r == 0 ? 0 : failure_set_no_thread(ret_failure);
}

int auth_check_peer(struct connection *conn, struct failure *ret_failure)
{
    struct lookup lookup = { .name = "" };
    struct ucred peer;

    if (auth_peer(conn, &peer)) {
        lookup.uid = peer.uid;
        int r = await_lookup(conn, &lookup, ret_failure);
        if (r != 0) {
            return r;
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
