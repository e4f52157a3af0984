/* daemon/console_kill.c: KILL: ends a client, or a named clone with all of its clients. */
#include "daemon/console_do.h"

#include "daemon/console_parse.h"
#include "daemon/databases.h"
#include "daemon/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* 0: it is no number of a client. */
static int32_t pid_of(const char *word)
{
    char *end;

    errno = 0;
    long pid = strtol(word, &end, 10);
    return errno != 0 || *end != '\0' || word[0] < '0' || word[0] > '9' || pid > INT32_MAX
               ? 0
               : (int32_t)pid;
}

static int fail_unknown(const char *word, struct failure *ret_failure)
{
    return failure_set(ret_failure, "42704", "there is no client or clone \"%s\"", word);
}

static int kill_client(struct connection *conn, const char *word, struct failure *ret_failure)
{
    bool found;
    int r = host_backend_signal(conn, pid_of(word), BACKEND_TERMINATE, &found, ret_failure);

    return r == 0 && !found ? fail_unknown(word, ret_failure) : r;
}

int console_kill(struct connection *conn, const struct console_words *words,
                 struct failure *ret_failure)
{
    const char *word = words->word[1];

    if (pid_of(word) != 0) {
        return kill_client(conn, word, ret_failure);
    }
    int r = databases_drop(conn, word, true, ret_failure);
    return r == FAILED && strcmp(ret_failure->sqlstate, "3D000") == 0
               ? fail_unknown(word, ret_failure)
               : r;
}
