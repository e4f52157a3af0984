/* sql/verb_prepare.c: PREPARE, EXECUTE, DEALLOCATE, EXPLAIN: statements about statements. */
#include "sql/verb_support.h"

#include "base/alloc.h"
#include "pool/names.h"
#include "pool/session.h"
#include "sql/rewrite.h"

#include <errno.h>
#include <stdio.h>

/* ---- PREPARE ---- */

enum { prepare_types_max = 1664 };

int prepare_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
                 struct failure *f)
{
    const PgQuery__PrepareStmt *stmt = node->prepare_stmt;
    struct planner inner = *planner;
    struct plan *made = NULL;

    if (stmt->n_argtypes > prepare_types_max) {
        return failure_set(f, "54000", "too many parameter types");
    }
    size_t known = planner->param_count; /* made again: all are known */
    size_t count = stmt->n_argtypes > known ? stmt->n_argtypes : known;
    uint32_t *oids = arena_alloc(&plan->arena, (count + 1) * sizeof *oids);
    if (oids == NULL) {
        return failure_set_nomem(f);
    }
    if (known > 0) {
        memcpy(oids, planner->param_oids, known * sizeof *oids);
    }
    for (size_t i = 0; i < stmt->n_argtypes; i++) {
        struct type type = TYPE_NONE;
        int r = type_of_name(stmt->argtypes[i]->type_name, &type, f);
        if (r != 0) {
            return r;
        }
        oids[i] = type.oid;
    }
    inner.param_oids = oids;
    inner.param_count = count;
    int r = plan_node(&inner, stmt->query, &made, f);
    if (r != 0) {
        return r;
    }
    plan_take_inner(plan, made);
    made->flags |= PLAN_OF_PREPARE;
    made->schema = planner->sql->schema_changes;
    return plan_keep_text(made, &inner) ? 0 : failure_set_nomem(f);
}

int prepare_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    const char *name = verb_node(portal)->prepare_stmt->name;

    (void)sink;
    (void)max_rows;
    struct plan *inner = sql_plan_ref(plan_whole(portal->plan)->extra);
    int r = sql_statement_put(portal->sql, view_of_str(name), inner, f);
    sql_plan_unref(inner);
    return r;
}

/* ---- EXECUTE ---- */

static int find_statement(struct sql_session *sql, const char *name, struct plan **ret_plan,
                          struct failure *f)
{
    return sql_statement_get(sql, view_of_str(name), ret_plan, f);
}

static int check_count(const PgQuery__ExecuteStmt *stmt, size_t wanted, struct failure *f)
{
    if (stmt->n_params == wanted) {
        return 0;
    }
    failure_set(f, "42601", "wrong number of parameters for prepared statement \"%s\"", stmt->name);
    failure_add(f, FIELD_DETAIL, "Expected %zu parameters but got %zu.", wanted, stmt->n_params);
    return FAILED;
}

/* The values are an SQLite SELECT, each converted to its parameter's type. */
static int plan_values(struct planner *planner, const PgQuery__ExecuteStmt *stmt,
                       const uint32_t *oids, struct plan *plan, struct failure *f)
{
    struct rewriter r;

    rewriter_init(&r, planner->sql, &plan->arena, planner->text, f);
    rewrite_str(&r, "SELECT ");
    for (size_t i = 0; i < stmt->n_params; i++) {
        char name[24];
        snprintf(name, sizeof name, "$%zu", i + 1);
        rewrite_str(&r, i > 0 ? ", " : "");
        rewrite_assigned(&r, stmt->params[i], TYPE_OF(oids[i]), name);
    }
    bool ok = !r.failed && plan_set_sql(plan, buf_view(&r.out));
    bool failed = r.failed;
    rewriter_finish(&r);
    return ok ? 0 : failed ? FAILED : failure_set_nomem(f);
}

int execute_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
                 struct failure *f)
{
    const PgQuery__ExecuteStmt *stmt = node->execute_stmt;
    struct plan *inner = NULL;
    const uint32_t *oids = NULL;

    int r = find_statement(planner->sql, stmt->name, &inner, f);
    if (r == 0) {
        r = check_count(stmt, sql_plan_params(inner, &oids), f);
    }
    if (r == 0 && stmt->n_params > 0) {
        r = plan_values(planner, stmt, oids, plan, f);
    }
    if (r == 0 && !plan_copy_columns(plan, plan_whole(inner))) {
        r = failure_set_nomem(f);
    }
    return r;
}

static void cursor_closep(struct cursor **cursor)
{
    cursor_close(*cursor);
}

static int copy_cells(struct arena *arena, const struct cell *from, size_t count,
                      struct cell **ret_cells, struct failure *f)
{
    struct cell *cells = arena_alloc(arena, (count + 1) * sizeof *cells);

    if (cells == NULL) {
        return failure_set_nomem(f);
    }
    for (size_t i = 0; i < count; i++) {
        cells[i] = from[i];
        if (from[i].kind == CELL_TEXT || from[i].kind == CELL_BLOB) {
            char *bytes = arena_strndup(arena, from[i].bytes.data, from[i].bytes.len);
            if (bytes == NULL) {
                return failure_set_nomem(f);
            }
            cells[i].bytes = view_of(bytes, from[i].bytes.len);
        }
    }
    *ret_cells = cells;
    return 0;
}

static int run_values(struct portal *portal, struct arena *arena, struct cell **ret_cells,
                      struct failure *f)
{
    cleanup(cursor_closep) struct cursor *cursor = NULL;
    const struct cell *cells = NULL;
    struct view sql = plan_whole(portal->plan)->sql;

    if (sql.len == 0) {
        return copy_cells(arena, NULL, 0, ret_cells, f);
    }
    int r =
        cursor_open(portal->sql->session, sql, portal->params, portal->param_count, 0, &cursor, f);
    if (r == 0) {
        r = cursor_next(cursor, &cells, f);
    }
    return r != 0 ? r : copy_cells(arena, cells, cursor_columns(cursor), ret_cells, f);
}

int execute_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    const PgQuery__ExecuteStmt *stmt = verb_node(portal)->execute_stmt;
    cleanup(arena_finish) struct arena arena = { 0 };
    cleanup(plan_unrefp) struct plan *inner = NULL;
    struct plan *lent = NULL;
    struct cell *params = NULL;
    const uint32_t *oids = NULL;

    int r = find_statement(portal->sql, stmt->name, &lent, f);
    if (r == 0) {
        inner = sql_plan_ref(lent);
        r = check_count(stmt, sql_plan_params(inner, &oids), f);
    }
    if (r == 0 && !plan_gives_types_of(inner, portal->plan)) {
        r = cursor_fail_stale(f); /* another one has the name since the portal was bound */
    }
    if (r == 0) {
        r = run_values(portal, &arena, &params, f);
    }
    return r != 0 ? r : portal_run_plan(portal, inner, params, stmt->n_params, sink, max_rows, f);
}

/* ---- DEALLOCATE ---- */

int deallocate_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
                    struct failure *f)
{
    (void)planner;
    (void)f;
    plan->tag = node->deallocate_stmt->name[0] == '\0' ? "DEALLOCATE ALL" : "DEALLOCATE";
    return 0;
}

int deallocate_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                   struct failure *f)
{
    const char *name = verb_node(portal)->deallocate_stmt->name;
    struct plan *plan = NULL;

    (void)sink;
    (void)max_rows;
    if (name[0] == '\0') {
        names_clear(portal->sql->statements);
        return 0;
    }
    int r = find_statement(portal->sql, name, &plan, f);
    if (r == 0) {
        sql_statement_close(portal->sql, view_of_str(name));
    }
    return r;
}

/* ---- EXPLAIN ---- */

static const char *format_of(const PgQuery__ExplainStmt *stmt)
{
    const PgQuery__DefElem *option = verb_option(stmt->options, stmt->n_options, "format");
    char number[32];
    const char *format = option == NULL ? NULL : verb_const_text(option->arg, number);

    return format == NULL || strcmp(format, "text") == 0 ? "text"
           : strcmp(format, "json") == 0                 ? "json"
                                                         : "";
}

int explain_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
                 struct failure *f)
{
    const PgQuery__ExplainStmt *stmt = node->explain_stmt;
    struct plan *inner = NULL;
    const char *format = format_of(stmt);

    if (verb_option(stmt->options, stmt->n_options, "analyze") != NULL) {
        return verb_unsupported("EXPLAIN ANALYZE", f);
    }
    if (format[0] == '\0') {
        return verb_unsupported("this EXPLAIN format", f);
    }
    int r = plan_node(planner, stmt->query, &inner, f);
    if (r != 0) {
        return r;
    }
    plan_take_inner(plan, inner);
    struct type type = TYPE_OF(format[0] == 'j' ? OID_JSON : OID_TEXT);
    return plan_add_column(plan, "QUERY PLAN", type) ? 0 : failure_set_nomem(f);
}

enum { explain_depth_max = 32 };

/* SQLite gives (id, parent, -, detail); the depth is that of the parent plus one. */
static int explain_line(struct portal *portal, struct row_sink *sink, const struct cell *cells,
                        int64_t *ids, size_t *depth, struct failure *f)
{
    cleanup(buf_finish) struct buf line = { 0 };

    while (*depth > 0 && ids[*depth - 1] != cells[1].i) {
        --*depth;
    }
    size_t indent = *depth;
    if (*depth < explain_depth_max) {
        ids[(*depth)++] = cells[0].i;
    }
    int r = indent > 0 ? buf_printf(&line, "%*s->  ", (int)(indent * 6 - 4), "") : 0;
    if (r == 0) {
        r = buf_append_view(&line, cells[3].bytes);
    }
    if (r != 0 || buf_append_byte(&line, 0) != 0) {
        return failure_set_nomem(f);
    }
    const char *text = (const char *)line.data;
    return verb_row(portal, sink, &text, 1, f);
}

static int explain_rows(struct portal *portal, struct row_sink *sink, struct view sql,
                        struct failure *f)
{
    cleanup(buf_finish) struct buf text = { 0 };
    cleanup(cursor_closep) struct cursor *cursor = NULL;
    const struct cell *cells = NULL;
    int64_t ids[explain_depth_max];
    size_t depth = 0;

    if (buf_append_str(&text, "EXPLAIN QUERY PLAN ") != 0 || buf_append_view(&text, sql) != 0) {
        return failure_set_nomem(f);
    }
    int r = cursor_open(portal->sql->session, buf_view(&text), portal->params, portal->param_count,
                        0, &cursor, f);
    while (r == 0) {
        r = cursor_next(cursor, &cells, f);
        if (r == 0) {
            r = explain_line(portal, sink, cells, ids, &depth, f);
        }
    }
    if (r == CURSOR_END && portal->rows == 0) {
        const char *line = "Result";
        return verb_row(portal, sink, &line, 1, f);
    }
    return r == CURSOR_END ? 0 : r;
}

int explain_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    const PgQuery__ExplainStmt *stmt = verb_node(portal)->explain_stmt;
    const struct plan *inner = plan_whole(plan_whole(portal->plan)->extra);
    const char *line = format_of(stmt)[0] == 'j' ? "[{\"Plan\": {\"Node Type\": \"Result\"}}]"
                                                 : "Utility Statement";

    (void)max_rows;
    if (line[0] == '[' || inner->sql.len == 0) {
        return verb_row(portal, sink, &line, 1, f);
    }
    return explain_rows(portal, sink, inner->sql, f);
}
