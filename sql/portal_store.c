/* sql/portal_store.c: a verb's rows in a spool, read forward only. */
#include "sql/portal.h"

#include "base/alloc.h"
#include "pool/session.h"
#include "pool/spool.h"

enum { filling_most = 16 }; /* FETCH from a portal that is a FETCH from a portal ... */

struct portal_store {
    struct row_sink sink; /* while it is filled */
    struct spool spool;
    size_t columns;
    struct cell cells[];
};

static int keep_row(struct row_sink *sink, const struct cell *cells, size_t count,
                    struct failure *f)
{
    struct portal_store *store = container_of(sink, struct portal_store, sink);

    int r = spool_put(&store->spool, cells, count);

    return r == 0 ? 0 : spool_fail(&store->spool, r, f);
}

static struct portal_store *store_new(const struct portal *portal)
{
    size_t columns = plan_whole(portal->plan)->column_count;
    struct portal_store *store = mem_zalloc(sizeof(*store) + columns * sizeof(struct cell));

    if (store != NULL) {
        store->sink.row = keep_row;
        store->columns = columns;
        session_spool_init(portal->sql->session, &store->spool);
    }
    return store;
}

int portal_store_fill(struct portal *portal, struct failure *ret_failure)
{
    struct sql_session *sql = portal->sql;

    if (sql->filling == filling_most) {
        return failure_set(ret_failure, "54001", "stack depth limit exceeded");
    }
    portal->store = store_new(portal);
    if (portal->store == NULL) {
        return failure_set_nomem(ret_failure);
    }
    portal->filling = true;
    sql->filling++;
    int r = portal_run_verb(portal, &portal->store->sink, ret_failure);
    sql->filling--;
    portal->filling = false;
    portal->rows = 0;
    portal->at_end = false;
    return r;
}

int portal_store_next(struct portal_store *store, const struct cell **ret_cells,
                      struct failure *ret_failure)
{
    int r = spool_get(&store->spool, store->cells, store->columns);

    if (r == 0) {
        *ret_cells = store->cells;
        return 0;
    }
    return r == SPOOL_END ? CURSOR_END : spool_fail(&store->spool, r, ret_failure);
}

void portal_store_destroy(struct portal_store *store)
{
    if (store != NULL) {
        spool_finish(&store->spool);
        mem_free(store);
    }
}
