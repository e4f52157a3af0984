/* sql/ddl_view.c: CREATE VIEW. */
#include "sql/ddl.h"

#include "pool/session.h"
#include "sql/source.h"

/* Behind the types, which the body begins with. */
static void note_source(struct rewriter *r, const PgQuery__SelectStmt *select,
                        const struct relation *columns)
{
    const char **names = arena_alloc(r->arena, (columns->count + 1) * sizeof(*names));
    const uint8_t *types =
        r->failed ? NULL
                  : memmem(r->out.data, r->out.len, view_types_mark, strlen(view_types_mark));
    const uint8_t *end =
        types == NULL ? NULL : memmem(types, (size_t)(r->out.data + r->out.len - types), " */ ", 4);

    if (names == NULL || end == NULL) {
        return;
    }
    for (size_t i = 0; i < columns->count; i++) {
        names[i] = columns->columns[i].name;
    }
    source_note_view(r, (size_t)(end - r->out.data) + 4, select, names, columns->count);
}

static void print_view(struct ddl_job *job)
{
    const PgQuery__ViewStmt *stmt = job->stmt;
    struct rewriter *r = &job->rewriter;
    struct relation columns = { 0 };

    rewrite_printf(r, "CREATE %sVIEW ", stmt->view->relpersistence[0] == 't' ? "TEMP " : "");
    rewrite_ident(r, stmt->view->relname);
    for (size_t i = 0; i < stmt->n_aliases; i++) {
        rewrite_str(r, i == 0 ? " (" : ", ");
        rewrite_ident(r, stmt->aliases[i]->string->sval);
    }
    rewrite_str(r, stmt->n_aliases > 0 ? ") AS " : " AS ");
    if (stmt->query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
        rewrite_unsupported(r, -1, "a view that is no SELECT");
        return;
    }
    rewrite_view_body(r, stmt->query->select_stmt, &columns);
    note_source(r, stmt->query->select_stmt, &columns);
}

int create_view_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                    struct failure *f)
{
    const PgQuery__ViewStmt *stmt = verb_node(portal)->view_stmt;
    struct sql_session *sql = portal->sql;
    struct ddl_job job = { 0 };
    const char *kind = NULL;
    bool skip = false;

    (void)sink;
    (void)max_rows;
    int r = ddl_begin(sql, f);
    r = r == 0 ? ddl_check_schema(stmt->view->schemaname, f) : r;
    r = r == 0 && stmt->replace ? ddl_kind(sql, stmt->view->relname, &kind, f) : r;
    if (r == 0 && kind != NULL && strcmp(kind, "view") != 0) {
        return failure_set(f, "42809", "\"%s\" is not a view", stmt->view->relname);
    }
    if (r == 0 && kind == NULL) {
        r = ddl_check_new(sql, stmt->view, false, &skip, f);
    }
    r = r == 0 ? ddl_job_run(&job, portal, print_view, stmt, f) : r;
    if (r == 0 && kind != NULL) {
        cleanup(buf_finish) struct buf drop = { 0 };
        r = buf_append_str(&drop, "DROP VIEW ") == 0 && verb_ident(&drop, stmt->view->relname) == 0
                ? verb_execute_buf(sql, &drop, CURSOR_WRITES, NULL, f)
                : failure_set_nomem(f);
    }
    r = r == 0 ? verb_execute_buf(sql, &job.rewriter.out, CURSOR_WRITES, NULL, f) : r;
    sql->has_temp |= r == 0 && stmt->view->relpersistence[0] == 't';
    ddl_job_finish(&job);
    sql_schema_changed(sql);
    return r;
}
