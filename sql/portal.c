/* sql/portal.c: the table of portals: who is bound, and until when. portal_run.c runs them. */
#include "sql/portal.h"

#include "base/alloc.h"
#include "pool/names.h"
#include "pool/session.h"
#include "pool/txn.h"

/* ---- life ---- */

void portal_destroy(void *object)
{
    struct portal *portal = object;

    if (portal == NULL) {
        return;
    }
    if (portal->sql != NULL && portal->sql->running == portal) {
        portal->next_doomed = portal->sql->doomed; /* it closes itself: CLOSE ALL, DISCARD ALL */
        portal->sql->doomed = portal;
        return;
    }
    cursor_close(portal->cursor);
    portal_store_destroy(portal->store);
    sql_plan_unref(portal->plan);
    sql_plan_unref(portal->told);
    sql_plan_unref(portal->declared_by);
    mem_free(portal->params_owned);
    mem_free(portal->formats);
    mem_free(portal);
}

void portals_sweep(struct sql_session *sql)
{
    while (sql->doomed != NULL) {
        struct portal *portal = sql->doomed;

        sql->doomed = portal->next_doomed;
        portal_destroy(portal);
    }
}

static void portal_destroyp(struct portal **portal)
{
    portal_destroy(*portal);
}

bool portal_is_over(const struct portal *portal)
{
    bool ended = portal->txn != portal->sql->txn_number && !portal->holdable;
    bool gone = portal->cursor != NULL && cursor_is_gone(portal->cursor);

    /* A failed block keeps its portals until its end: to run one is 25P02 and not 34000. */
    return ended || (gone && txn_status(portal->sql->session) != TXN_FAILED);
}

struct savepoint_end {
    struct sql_session *sql;
    size_t number;
};

static bool was_bound_since(void *object, void *arg)
{
    const struct portal *portal = object;
    const struct savepoint_end *end = arg;

    return portal->txn == end->sql->txn_number && portal->depth > end->number &&
           portal != end->sql->running;
}

void portals_rollback_to(struct sql_session *sql, size_t number)
{
    struct savepoint_end end = { sql, number };

    names_sweep(sql->portals, was_bound_since, &end);
}

static void give_to_parent(struct view name, void *object, void *arg)
{
    struct portal *portal = object;
    const struct savepoint_end *end = arg;

    (void)name;
    portal->depth = portal->depth < end->number ? portal->depth : end->number;
}

void portals_release(struct sql_session *sql, size_t number)
{
    struct savepoint_end end = { sql, number };

    names_each(sql->portals, give_to_parent, &end);
}

static bool is_over(void *object, void *arg)
{
    (void)arg;
    return portal_is_over(object);
}

void portals_end(struct sql_session *sql)
{
    names_sweep(sql->portals, is_over, NULL);
}

struct portal *portal_find(struct sql_session *sql, struct view name)
{
    struct portal *portal = names_find(sql->portals, name);

    return portal == NULL || portal_is_over(portal) ? NULL : portal;
}

/* One block: the cells, then their bytes. NULL: no memory. */
static struct cell *copy_params(const struct cell *params, size_t count)
{
    size_t bytes = 0;
    struct cell *copy;
    uint8_t *at;

    for (size_t i = 0; i < count; i++) {
        bytes += params[i].kind >= CELL_TEXT ? params[i].bytes.len : 0;
    }
    copy = mem_alloc(count * sizeof(*copy) + bytes + 1);
    if (copy == NULL) {
        return NULL;
    }
    memcpy(copy, params, count * sizeof(*copy));
    at = (uint8_t *)(copy + count);
    for (size_t i = 0; i < count; i++) {
        if (copy[i].kind >= CELL_TEXT && copy[i].bytes.len > 0) {
            memcpy(at, copy[i].bytes.data, copy[i].bytes.len);
            copy[i].bytes.data = at;
            at += copy[i].bytes.len;
        }
    }
    return copy;
}

static int set_params(struct portal *portal, const struct cell *params, size_t count,
                      struct failure *ret_failure)
{
    const struct plan *plan = portal->plan;

    if (plan->base != NULL && count == 0) {
        portal->params = plan->literals;
        portal->param_count = plan->literal_count;
        return 0;
    }
    if (count != plan->param_count) {
        return failure_set(ret_failure, "08P01",
                           "bind message supplies %zu parameters, but %zu are required", count,
                           plan->param_count);
    }
    if (count > 0) {
        portal->params_owned = copy_params(params, count);
        if (portal->params_owned == NULL) {
            return failure_set_nomem(ret_failure);
        }
    }
    portal->params = portal->params_owned;
    portal->param_count = count;
    return 0;
}

int portal_renew(struct portal *portal, struct failure *ret_failure)
{
    struct plan *fresh cleanup(plan_unrefp) = NULL;
    struct plan *old = portal->plan;

    if (plan_make_again(portal->sql, old, &fresh, ret_failure) != 0) {
        return FAILED;
    }
    if (!plan_gives_types_of(fresh, old)) {
        return cursor_fail_stale(ret_failure);
    }
    sql_plan_unref(portal->told);
    portal->told = old;
    portal->plan = take_ptr(fresh);
    return portal->params_owned != NULL ? 0 : set_params(portal, NULL, 0, ret_failure);
}

int sql_bind(struct sql_session *sql, struct view name, struct plan *plan,
             const struct cell *params, size_t param_count, struct portal **ret_portal,
             struct failure *ret_failure)
{
    struct portal *portal cleanup(portal_destroyp) = mem_zalloc(sizeof(*portal));
    int result;

    portals_sweep(sql);
    if (portal == NULL) {
        return failure_set_nomem(ret_failure);
    }
    if (name.len > 0 && portal_find(sql, name) == NULL) {
        (void)names_remove(sql->portals, name); /* one of a transaction that is over */
    }
    portal->plan = sql_plan_ref(plan);
    portal->txn = sql->txn_number;
    portal->depth = txn_savepoints(sql->session);
    if (set_params(portal, params, param_count, ret_failure) != 0) {
        return FAILED;
    }
    result = names_put(sql->portals, name, portal);
    if (result == NAMES_TAKEN) {
        return failure_set(ret_failure, "42P03", "cursor \"%.*s\" already exists", (int)name.len,
                           (const char *)name.data);
    }
    if (result != 0) {
        return failure_set_nomem(ret_failure);
    }
    portal->sql = sql;
    *ret_portal = take_ptr(portal);
    return 0;
}

int sql_portal_get(struct sql_session *sql, struct view name, struct portal **ret_portal,
                   struct failure *ret_failure)
{
    struct portal *portal = portal_find(sql, name);

    if (portal == NULL) {
        return failure_set(ret_failure, "34000", "portal \"%.*s\" does not exist", (int)name.len,
                           (const char *)name.data);
    }
    *ret_portal = portal;
    return 0;
}

void sql_portal_close(struct sql_session *sql, struct view name)
{
    (void)names_remove(sql->portals, name);
}

const struct plan *sql_portal_plan(const struct portal *portal)
{
    return portal->plan;
}

void sql_portal_set_formats(struct portal *portal, int16_t *formats, size_t count)
{
    mem_free(portal->formats);
    portal->formats = formats;
    portal->format_count = count;
}

const int16_t *sql_portal_formats(const struct portal *portal, size_t *ret_count)
{
    *ret_count = portal->format_count;
    return portal->formats;
}

const char *sql_tag(const struct portal *portal)
{
    return portal->tag;
}
