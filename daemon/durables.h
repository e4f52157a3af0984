/* daemon/durables.h: the durable databases of the configuration: opened before the loops run,
 * started on one of them each. */
#pragma once

#include "daemon/seed.h"

struct conf;
struct conf_database;
struct durable;
struct server;

/* Opens the file of a durable database; what it does not find there it fills with the seed. Blocks,
 * on a helper thread. 0 or FAILED. */
must_check int durables_open(const struct conf_database *conf, const struct seed_options *seed,
                             struct durable **ret_durable, struct failure *ret_failure);

/* Gives each to a worker. Once they run; awaits. 0 or -ENOMEM. */
must_check int durables_start(struct server *server);
