/* daemon/durables.c: see durables.h. */
#include "daemon/durables.h"

#include "async/await.h"
#include "daemon/server.h"
#include "pool/durable.h"
#include "pool/registry.h"

static int load_seed(void *arg, struct template **ret_template, struct failure *ret_failure)
{
    return seed_load(arg, ret_template, ret_failure);
}

int durables_open(const struct conf_database *conf, const struct seed_options *seed,
                  struct durable **ret_durable, struct failure *ret_failure)
{
    static const enum durable_sync syncs[] = { DURABLE_FULL, DURABLE_NORMAL, DURABLE_OFF };
    const struct durable_options options = {
        .path = conf->file,
        .sync = syncs[conf->synchronous],
        .memory = (size_t)conf->clone_memory,
        .parent = seed->parent,
        .stop = seed->stop,
        .fill = load_seed,
        .arg = (void *)seed,
    };

    return durable_open(&options, ret_durable, ret_failure);
}

struct starting {
    struct registry *registry;
    struct database *database;
    int result;
};

static void start_there(void *arg)
{
    struct starting *starting = arg;

    starting->result = registry_start_durable(starting->registry, starting->database);
}

/* Behind the main loop first, which has the listeners. */
int durables_start(struct server *server)
{
    const struct conf *conf = server->boot_conf;
    size_t next = 0;
    struct starting starting = { .registry = server->registry };

    for (size_t i = 0; i < conf->database_count && starting.result == 0; i++) {
        if (*conf->databases[i].file == '\0') {
            continue;
        }
        starting.database = registry_find(server->registry, view_of_str(conf->databases[i].name));
        next = (next + 1) % server->worker_count;
        await_call(server->workers[next].loop, start_there, &starting);
    }
    return starting.result;
}
