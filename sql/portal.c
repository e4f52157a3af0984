/* sql/portal.c: running plans. A portal of ordinary SQL is a cursor of the pool's; one of a verb is
 * what run() does. */
#include "sql/portal.h"

#include "base/alloc.h"
#include "pool/names.h"
#include "pool/session.h"
#include "pool/txn.h"
#include "sql/verb.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void portal_set_tag(struct portal *portal, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(portal->tag, sizeof(portal->tag), format, args);
    va_end(args);
}

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
    if (portal->verb_state_destroy != NULL) {
        portal->verb_state_destroy(portal->verb_state);
    }
    sql_plan_unref(portal->plan);
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

/* ---- running ---- */

static void set_plan_tag(struct portal *portal, const struct plan *plan, int64_t changes)
{
    switch (plan->tag_kind) {
    case TAG_FIXED:
        if (portal->tag[0] == '\0') {
            portal_set_tag(portal, "%s", plan->tag);
        }
        break;
    case TAG_ROWS:
        portal_set_tag(portal, "%s %lld", plan->tag, (long long)portal->rows);
        break;
    case TAG_INSERT:
        portal_set_tag(portal, "INSERT 0 %lld", (long long)changes);
        break;
    case TAG_CHANGES:
    case TAG_COUNTED:
        portal_set_tag(portal, "%s %lld", plan->tag, (long long)changes);
        break;
    }
}

/* Opens the cursor; once more when all that it wanted were pond's functions. */
static int open_cursor(struct portal *portal, const struct plan *plan, const struct cell *params,
                       size_t param_count, struct failure *ret_failure)
{
    struct sql_session *sql = portal->sql;
    unsigned scrolls = portal->rewinds ? CURSOR_REWINDS : portal->scrolls ? CURSOR_SCROLL : 0;
    unsigned flags =
        plan->cursor_flags | scrolls | (portal->declared_by != NULL ? (unsigned)CURSOR_PARKED : 0);
    int result;

    if (sql_plan_ready(sql, plan, ret_failure) != 0) {
        return FAILED;
    }
    result = cursor_open(sql->session, plan->sql, params, param_count, flags, &portal->cursor,
                         ret_failure);
    if (result == FAILED && sql_functions_missing(sql, failure_get(ret_failure, FIELD_MESSAGE))) {
        failure_clear(ret_failure);
        result = cursor_open(sql->session, plan->sql, params, param_count, flags, &portal->cursor,
                             ret_failure);
    }
    return result;
}

int portal_open(struct portal *portal, struct failure *ret_failure)
{
    return open_cursor(portal, plan_whole(portal->plan), portal->params, portal->param_count,
                       ret_failure);
}

/* Rows until the end or the page's. */
static int pump(struct portal *portal, const struct plan *plan, struct row_sink *sink,
                int64_t max_rows, struct failure *ret_failure)
{
    size_t columns = cursor_columns(portal->cursor);
    const struct cell *cells;
    int result;

    columns =
        plan->column_count < columns ? plan->column_count : columns; /* SELECT without columns */
    while (max_rows == 0 || portal->rows < max_rows) {
        result = cursor_next(portal->cursor, &cells, ret_failure);
        if (result != 0) {
            return result;
        }
        portal->rows++;
        portal->pos++;
        result = sink->row(sink, cells, columns, ret_failure);
        if (result != 0) {
            return result;
        }
    }
    return SQL_SUSPENDED;
}

static int run_cursor(struct portal *portal, const struct plan *plan, const struct cell *params,
                      size_t param_count, struct row_sink *sink, int64_t max_rows,
                      struct failure *ret_failure)
{
    int result = 0;

    if (portal->cursor == NULL) {
        result = open_cursor(portal, plan, params, param_count, ret_failure);
    }
    if (result == 0) {
        result = pump(portal, plan, sink, max_rows, ret_failure);
    }
    if (result == SQL_SUSPENDED) {
        return SQL_SUSPENDED;
    }
    if (result == CURSOR_END) {
        set_plan_tag(portal, plan, cursor_changes(portal->cursor));
        portal->at_end = true;
        result = 0;
    }
    if (portal->declared_by == NULL) {
        cursor_close(portal->cursor);
        portal->cursor = NULL;
    }
    return result;
}

/* The one row says how many rows were changed. */
static int run_counted(struct portal *portal, const struct plan *plan, const struct cell *params,
                       size_t param_count, struct failure *ret_failure)
{
    const struct cell *cells;
    int result = open_cursor(portal, plan, params, param_count, ret_failure);

    if (result == 0) {
        result = cursor_next(portal->cursor, &cells, ret_failure);
    }
    if (result == 0) {
        set_plan_tag(portal, plan, cells[0].i);
    }
    cursor_close(portal->cursor);
    portal->cursor = NULL;
    return result;
}

static int run_plan(struct portal *portal, const struct plan *plan, const struct cell *params,
                    size_t param_count, struct row_sink *sink, int64_t max_rows,
                    struct failure *ret_failure)
{
    int result;

    if (plan->tag_kind == TAG_COUNTED) {
        result = run_counted(portal, plan, params, param_count, ret_failure);
    } else if (plan->verb == NULL || plan->verb->run == NULL) {
        result = run_cursor(portal, plan, params, param_count, sink, max_rows, ret_failure);
    } else {
        if ((plan->flags & PLAN_TXN_CONTROL) == 0 && plan->cursor_flags != 0 &&
            sql_functions_ready(portal->sql, ret_failure) != 0) {
            return FAILED;
        }
        result = plan->verb->run(portal, sink, max_rows, ret_failure);
        if (result == 0 && portal->tag[0] == '\0') {
            set_plan_tag(portal, plan, 0);
        }
    }
    if (result == 0 && (plan->flags & PLAN_CHANGES_SCHEMA) != 0) {
        sql_schema_changed(portal->sql);
    }
    return result;
}

int portal_run_plan(struct portal *portal, struct plan *plan, const struct cell *params,
                    size_t param_count, struct row_sink *sink, int64_t max_rows,
                    struct failure *ret_failure)
{
    return run_plan(portal, plan_whole(plan), params, param_count, sink, max_rows, ret_failure);
}

/* A portal that is through gives no more rows; a statement without rows cannot run twice. */
static int run_again(struct portal *portal, const struct plan *plan, struct failure *ret_failure)
{
    if (plan->tag_kind == TAG_ROWS && portal->state == PORTAL_DONE) {
        portal_set_tag(portal, "%s 0", plan->tag);
        return 0;
    }
    if (portal->state == PORTAL_DONE && plan->column_count > 0) {
        return 0;
    }
    return failure_set(ret_failure, "55000", "portal \"\" cannot be run");
}

static int finish_run(struct portal *portal, int result)
{
    struct sql_session *sql = portal->sql;

    sql->running = NULL;
    sql->txn_failed = sql->txn_failed || result == FAILED;
    portal->state = result == SQL_SUSPENDED ? PORTAL_OPEN
                    : result == 0           ? PORTAL_DONE
                                            : PORTAL_FAILED;
    return result;
}

int sql_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
            struct failure *ret_failure)
{
    const struct plan *plan = plan_whole(portal->plan);

    if (portal->state == PORTAL_DONE || portal->state == PORTAL_FAILED) {
        return run_again(portal, plan, ret_failure);
    }
    portal->rows = 0;
    if (portal->state == PORTAL_READY) {
        portal->tag[0] = '\0';
        portal->sql->statement_start_us = 0;
    }
    if ((plan->flags & PLAN_EMPTY) != 0) {
        return 0;
    }
    portal->sql->running = portal;
    return finish_run(portal, run_plan(portal, plan, portal->params, portal->param_count, sink,
                                       max_rows, ret_failure));
}
