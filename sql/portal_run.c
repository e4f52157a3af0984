/* sql/portal_run.c: running plans. A portal of ordinary SQL is a cursor of the pool's; one of a
 * verb is what run() does. */
#include "sql/portal.h"

#include "pool/names.h"
#include "pool/session.h"
#include "pool/txn.h"
#include "sql/verb.h"
#include "sql/violation.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- tags ---- */

void portal_set_tag(struct portal *portal, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(portal->tag, sizeof(portal->tag), format, args);
    va_end(args);
}

/* What RETURNING gives row by row counts as its rows do: those of this Execute. */
static void set_plan_tag(struct portal *portal, const struct plan *plan, int64_t changes)
{
    changes = plan->column_count > 0 ? portal->rows : changes;
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

/* A tag's number becomes that of this Execute: "FETCH 5" in two pages is "FETCH 2" at last. */
static void set_tag_count(struct portal *portal, int64_t count)
{
    size_t len = strlen(portal->tag);
    size_t end = len;

    while (len > 0 && portal->tag[len - 1] >= '0' && portal->tag[len - 1] <= '9') {
        len--;
    }
    if (len < end) {
        (void)snprintf(portal->tag + len, sizeof(portal->tag) - len, "%lld", (long long)count);
    }
}

/* ---- cursors ---- */

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
    if (result == 0) {
        cursor_set_depth(portal->cursor, portal->depth);
    }
    return result;
}

int portal_open(struct portal *portal, struct failure *ret_failure)
{
    return open_cursor(portal, plan_whole(portal->plan), portal->params, portal->param_count,
                       ret_failure);
}

/* While it is being filled, EXECUTE's rows are a cursor's. */
static bool has_store(const struct portal *portal)
{
    return portal->store != NULL && !portal->filling;
}

int portal_next(struct portal *portal, const struct cell **ret_cells, struct failure *ret_failure)
{
    return has_store(portal) ? portal_store_next(portal->store, ret_cells, ret_failure)
                             : cursor_next(portal->cursor, ret_cells, ret_failure);
}

/* Rows until the end or the page's. */
static int pump(struct portal *portal, size_t columns, struct row_sink *sink, int64_t max_rows,
                struct failure *ret_failure)
{
    const struct cell *cells;
    int result;

    while (max_rows == 0 || portal->rows < max_rows) {
        result = portal_next(portal, &cells, ret_failure);
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

/* SELECT without columns has one under SQLite. */
static size_t columns_of(const struct portal *portal, const struct plan *plan)
{
    size_t columns = cursor_columns(portal->cursor);

    return plan->column_count < columns ? plan->column_count : columns;
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
        result = pump(portal, columns_of(portal, plan), sink, max_rows, ret_failure);
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

/* ---- verbs ---- */

/* 0 or FAILED. */
static int verb_ready(struct portal *portal, const struct plan *plan, struct failure *ret_failure)
{
    return (plan->flags & PLAN_TXN_CONTROL) == 0 && plan->cursor_flags != 0
               ? sql_functions_ready(portal->sql, ret_failure)
               : 0;
}

static int run_verb(struct portal *portal, const struct plan *plan, struct row_sink *sink,
                    int64_t max_rows, struct failure *ret_failure)
{
    if (verb_ready(portal, plan, ret_failure) != 0) {
        return FAILED;
    }
    int result = plan->verb->run(portal, sink, max_rows, ret_failure);
    if (result == 0 && portal->tag[0] == '\0') {
        set_plan_tag(portal, plan, 0);
    }
    portal->at_end = portal->at_end || result == 0;
    return result;
}

int portal_run_verb(struct portal *portal, struct row_sink *sink, struct failure *ret_failure)
{
    return run_verb(portal, plan_whole(portal->plan), sink, 0, ret_failure);
}

static int give_stored(struct portal *portal, const struct plan *plan, struct row_sink *sink,
                       int64_t max_rows, struct failure *ret_failure)
{
    int result = 0;

    if (portal->store == NULL) {
        result = portal_store_fill(portal, ret_failure);
    }
    if (result == 0) {
        result = pump(portal, plan->column_count, sink, max_rows, ret_failure);
    }
    if (result == CURSOR_END) {
        set_tag_count(portal, portal->rows);
        portal->at_end = true;
        return 0;
    }
    return result;
}

/* Does the client want not all rows that the verb gives at once? */
static bool is_stored(const struct portal *portal, const struct plan *plan, int64_t max_rows)
{
    return has_store(portal) || (max_rows > 0 && plan->column_count > 0 && !plan->verb->pages);
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
    } else if (is_stored(portal, plan, max_rows)) {
        result = give_stored(portal, plan, sink, max_rows, ret_failure);
    } else {
        result = run_verb(portal, plan, sink, max_rows, ret_failure);
    }
    if (result == 0 && (plan->flags & PLAN_CHANGES_SCHEMA) != 0) {
        sql_schema_changed(portal->sql);
    }
    if (result == FAILED && plan->verb == NULL) {
        violation_explain(portal->sql, plan->sql, params, param_count, ret_failure);
    }
    return result;
}

int portal_run_plan(struct portal *portal, struct plan *plan, const struct cell *params,
                    size_t param_count, struct row_sink *sink, int64_t max_rows,
                    struct failure *ret_failure)
{
    return run_plan(portal, plan_whole(plan), params, param_count, sink, max_rows, ret_failure);
}

/* ---- Execute ---- */

struct search {
    const struct portal *portal;
    struct view name;
};

static void look_for(struct view name, void *object, void *arg)
{
    struct search *search = arg;

    search->name = object == search->portal ? name : search->name;
}

int portal_refuse_run(const struct portal *portal, struct failure *ret_failure)
{
    struct search search = { .portal = portal };

    names_each(portal->sql->portals, look_for, &search);
    return failure_set(ret_failure, "55000", "portal \"%.*s\" cannot be run", (int)search.name.len,
                       (const char *)search.name.data);
}

/* A portal that is through gives no more rows; a statement without rows cannot run twice. */
static int run_again(struct portal *portal, struct failure *ret_failure)
{
    if (portal->state != PORTAL_DONE || !sql_plan_returns_rows(portal->plan)) {
        return portal_refuse_run(portal, ret_failure);
    }
    set_tag_count(portal, 0);
    return 0;
}

/* Others have changed the schema while it waited for its turn to write. Nobody else can now. */
static int run_anew(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                    struct failure *ret_failure)
{
    struct sql_session *sql = portal->sql;

    failure_clear(ret_failure);
    portal->tag[0] = '\0';
    int result = portal_renew(portal, ret_failure);
    if (result == 0) {
        result = run_plan(portal, plan_whole(portal->plan), portal->params, portal->param_count,
                          sink, max_rows, ret_failure);
    }
    if (portal->cursor == NULL) {
        txn_leave(sql->session);
    }
    return result;
}

static int run_first(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                     struct failure *ret_failure)
{
    struct sql_session *sql = portal->sql;
    const struct plan *plan = plan_whole(portal->plan);

    if (plan->text.len > 0) {
        txn_expect_schema(sql->session, sql->schema_version);
    }
    int result =
        run_plan(portal, plan, portal->params, portal->param_count, sink, max_rows, ret_failure);
    bool moved = result == FAILED && txn_schema_moved(sql->session);
    txn_expect_no_schema(sql->session);
    if (moved && portal->cursor == NULL && portal->store == NULL) {
        return run_anew(portal, sink, max_rows, ret_failure);
    }
    if (moved) {
        txn_leave(sql->session);
    }
    return result;
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
        return run_again(portal, ret_failure);
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
    return finish_run(portal, run_first(portal, sink, max_rows, ret_failure));
}
