/* daemon/console_show.h: SHOW, and who gives the rows of what it shows. Serving task. */
#pragma once

#include "base/failure.h"

struct connection;
struct console_rows;
struct console_words;

/* An answer: there is no such thing to show, or to do. */
enum { CONSOLE_UNKNOWN = 48 };

/* Sends what the second word names. 0, FAILED, CONSOLE_UNKNOWN or -errno. */
must_check int console_show(struct connection *conn, const struct console_words *words,
                            struct failure *ret_failure);

/* ---- who gives the rows: 0 or -ENOMEM; an overfull `rows` says so itself. They may await. ---- */

typedef int console_rows_fn(struct connection *conn, struct console_rows *rows);

/* console_pools.c */
console_rows_fn console_databases, console_lists, console_pools;
/* console_clients.c */
console_rows_fn console_clients, console_servers;
/* console_clones.c */
console_rows_fn console_clones, console_templates, console_locks;
/* console_stats.c */
console_rows_fn console_stats, console_stats_averages, console_stats_totals;
/* console_daemon.c */
console_rows_fn console_config, console_loops, console_mem, console_version;
