/* daemon/load.h: a database of the configuration as the pool wants it: what its seed or its file
 * holds, loaded on a helper thread, and its options. For the start and for a reload. */
#pragma once

#include "base/failure.h"

#include <stdatomic.h>
#include <stdbool.h>

struct conf_database;
struct database_options;
struct durable;
struct server;
struct template;

struct loaded {
    struct template *template_; /* counted */
    struct durable *durable;    /* owned; NULL: it is a template */
};
void loaded_finish(struct loaded *loaded);

/* Any task. Does not hold the loop; `stop`, set by any thread, ends it with 57P01. 0, FAILED or
 * -ENOMEM. */
must_check int load_database(struct server *server, const struct conf_database *conf,
                             const _Atomic bool *stop, struct loaded *ret_loaded,
                             struct failure *ret_failure);

/* Borrows from all of its arguments. */
struct database_options load_options(const struct server *server, const struct conf_database *conf,
                                     const struct loaded *loaded);
