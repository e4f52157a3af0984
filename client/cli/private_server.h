/* client/cli/private_server.h: a pondd of one's own, for those who have none: on a unix socket in a
 * folder that only its user can enter, with one database that a seed makes.
 *
 * It ends with pond, however that ends: a guard process, which waits for nothing else, ends it and
 * removes the folder. The program is $POND_PONDD, or pondd beside pond, in ../sbin or in PATH. */
#pragma once

#include "client/cli/cli.h"

#include <sys/types.h>

struct private_server {
    const char *database; /* "test" */
    char folder[96];      /* empty: there is none */
    int log_fd;           /* what it says */
    int life_fd;          /* the guard's sign that we live */
    pid_t guard;          /* 0: none */
};

#define PRIVATE_SERVER_NONE         \
    {                               \
        .log_fd = -1, .life_fd = -1 \
    }

/* Returns when it answers queries, and then the options of cli->common lead to it. 0, or an exit
 * code after a message: what pondd said about the seed, for instance. Before any task, while
 * signals still do what they always do. */
must_check int private_server_start(struct cli *cli, const char *seed,
                                    struct private_server *server);

/* Waits until it has ended and its folder is gone. Fine when there is none. */
void private_server_stop(struct private_server *server);
