/* daemon/console_shutdown.c: SHUTDOWN, as SIGTERM, and SHUTDOWN WAIT_FOR_CLIENTS. */
#include "daemon/console_do.h"

#include "async/await.h"
#include "async/loop.h"
#include "daemon/connection_impl.h"
#include "daemon/console_parse.h"
#include "daemon/console_show.h"

struct ending {
    struct server *server;
    bool patiently;
    bool begun;
};

static void shut_down(void *arg)
{
    struct ending *ending = arg;

    ending->begun = ending->server->shut_down(ending->server, ending->patiently);
}

int console_shutdown(struct connection *conn, const struct console_words *words,
                     struct failure *ret_failure)
{
    struct ending ending = { .server = conn->server, .patiently = words->count > 1 };

    if (ending.patiently && !console_word_is(words, 1, "WAIT_FOR_CLIENTS")) {
        return CONSOLE_UNKNOWN;
    }
    await_call(server_main(conn->server)->loop, shut_down, &ending);
    return ending.begun ? 0 : failure_set(ret_failure, "55000", "already shutting down");
}
