/* sql/ddl_table_as.c: CREATE TABLE AS and SELECT INTO: a table of the query's columns, and its
 * rows. */
#include "sql/ddl.h"

#include "pool/session.h"

int create_table_as_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
                         struct failure *f)
{
    const PgQuery__CreateTableAsStmt *stmt = node->create_table_as_stmt;
    struct plan *inner = NULL;

    if (stmt->objtype != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE) {
        return verb_unsupported("CREATE MATERIALIZED VIEW", f);
    }
    if (stmt->query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
        return verb_unsupported("CREATE TABLE AS EXECUTE", f);
    }
    int r = plan_node(planner, stmt->query, &inner, f);
    if (r == 0) {
        plan_take_inner(plan, inner);
        plan_share_params(plan, inner);
    }
    return r;
}

static int print_columns(const PgQuery__IntoClause *into, const struct plan *inner, bool temp,
                         struct buf *out, struct failure *f)
{
    int r = buf_printf(out, "CREATE %sTABLE ", temp ? "TEMP " : "");

    r = r == 0 ? verb_ident(out, into->rel->relname) : r;
    for (size_t i = 0; i < inner->column_count && r == 0; i++) {
        const char *name =
            i < into->n_col_names ? into->col_names[i]->string->sval : inner->columns[i].name;
        struct type type = { .oid = inner->columns[i].type_oid,
                             .typmod = inner->columns[i].typmod };
        r = buf_append_str(out, i == 0 ? " (\n  " : ",\n  ");
        r = r == 0 ? verb_ident(out, name) : r;
        r = r == 0 ? buf_append_byte(out, ' ') : r;
        r = r == 0 ? type_declare(type, out) : r;
    }
    r = r == 0 ? buf_append_str(out, "\n)") : r;
    return r == 0 ? 0 : failure_set_nomem(f);
}

static int fill_new_table(struct portal *portal, const PgQuery__IntoClause *into,
                          bool if_not_exists, struct failure *f)
{
    const struct plan *inner = plan_whole(plan_whole(portal->plan)->extra);
    struct sql_session *sql = portal->sql;
    bool temp = into->rel->relpersistence[0] == 't', skip = false;
    cleanup(buf_finish) struct buf create = { 0 };
    cleanup(buf_finish) struct buf insert = { 0 };
    int64_t changes = 0;

    portal_set_tag(portal, "CREATE TABLE AS");
    int r = ddl_begin(sql, f);
    r = r == 0 ? ddl_check_new(sql, into->rel, if_not_exists, &skip, f) : r;
    if (r != 0 || skip) {
        return r;
    }
    r = print_columns(into, inner, temp, &create, f);
    r = r == 0 ? verb_execute_buf(sql, &create, CURSOR_WRITES, NULL, f) : r;
    sql->has_temp |= r == 0 && temp;
    sql_schema_changed(sql);
    if (r != 0 || into->skip_data) {
        return r;
    }
    if (buf_append_str(&insert, "INSERT INTO ") != 0 ||
        verb_ident(&insert, into->rel->relname) != 0 || buf_append_byte(&insert, ' ') != 0 ||
        buf_append_view(&insert, inner->sql) != 0) {
        return failure_set_nomem(f);
    }
    r = session_execute(sql->session, buf_view(&insert), portal->params, portal->param_count,
                        inner->cursor_flags | CURSOR_WRITES, &changes, f);
    if (r == 0) {
        portal_set_tag(portal, "SELECT %lld", (long long)changes);
    }
    return r;
}

int create_table_as_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                        struct failure *f)
{
    const PgQuery__CreateTableAsStmt *stmt = verb_node(portal)->create_table_as_stmt;

    (void)sink;
    (void)max_rows;
    return fill_new_table(portal, stmt->into, stmt->if_not_exists, f);
}

/* SELECT ... INTO t: the same, with the table's name inside the query. */
int select_into_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
                     struct failure *f)
{
    PgQuery__SelectStmt select = *node->select_stmt;
    PgQuery__Node query = *node;
    struct plan *inner = NULL;

    select.into_clause = NULL;
    query.select_stmt = &select; /* a plan of SQLite's text keeps nothing of its tree */
    int r = plan_node(planner, &query, &inner, f);
    if (r == 0) {
        plan_take_inner(plan, inner);
        plan_share_params(plan, inner);
    }
    return r;
}

int select_into_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                    struct failure *f)
{
    (void)sink;
    (void)max_rows;
    return fill_new_table(portal, verb_node(portal)->select_stmt->into_clause, false, f);
}
