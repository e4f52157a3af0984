/* daemon/console_do.h: the commands of the console that change something. They send no more than
 * notices; 0, FAILED or CONSOLE_UNKNOWN (console_show.h). They may await. Serving task. */
#pragma once

#include "base/failure.h"

struct connection;
struct console_words;

typedef int console_do_fn(struct connection *conn, const struct console_words *words,
                          struct failure *ret_failure);

/* console_kill.c */
console_do_fn console_kill;
/* console_pause.c */
console_do_fn console_pause, console_resume;
/* console_reload.c */
console_do_fn console_reload, console_set;
/* console_shutdown.c */
console_do_fn console_shutdown;

/* console.c: what a command says that was cancelled where it waits. FAILED, or CONNECTION_END when
 * the connection was told to end, not the command. */
int console_stopped(struct connection *conn, struct failure *ret_failure);
