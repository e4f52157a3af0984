/* sql/ddl_index.c: CREATE INDEX, with the names that PostgreSQL would choose. */
#include "sql/ddl.h"

#include "base/alloc.h"
#include "pool/session.h"
#include "sql/source.h"
#include "sql/violation.h"

#include <errno.h>
#include <stdio.h>

/* What an index element contributes to the name. */
static const char *element_label(const PgQuery__IndexElem *e)
{
    if (e->name[0] != '\0') {
        return e->name;
    }
    if (e->expr != NULL && e->expr->node_case == PG_QUERY__NODE__NODE_FUNC_CALL) {
        const PgQuery__FuncCall *call = e->expr->func_call;
        return call->funcname[call->n_funcname - 1]->string->sval;
    }
    return "expr";
}

static int choose_name(struct sql_session *sql, const PgQuery__IndexStmt *stmt,
                       char name[ddl_name_bytes], struct failure *f)
{
    char middle[256] = "";
    size_t used = 0;
    const char *kind = "";

    for (size_t i = 0; i < stmt->n_index_params && used < sizeof middle; i++) {
        used += (size_t)snprintf(middle + used, sizeof middle - used, "%s%s", i > 0 ? "_" : "",
                                 element_label(stmt->index_params[i]->index_elem));
    }
    for (unsigned number = 0; kind != NULL; number++) {
        ddl_object_name(name, stmt->relation->relname, middle, "idx", number);
        int r = ddl_kind(sql, name, &kind, f);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

struct index_job {
    const char *name;
    bool temp;
};

static void print_element(struct rewriter *r, const PgQuery__IndexElem *e, struct relation *table)
{
    if (e->name[0] != '\0') {
        if (relation_find(table, e->name) == NULL) {
            rewrite_fail(r, -1, "42703", "column \"%s\" does not exist", e->name);
        }
        rewrite_ident(r, e->name);
    } else {
        size_t from = r->out.len;
        (void)rewrite_expr(r, e->expr, TYPE_NONE);
        source_note(r, from, e->expr);
    }
    if (e->ordering == PG_QUERY__SORT_BY_DIR__SORTBY_DESC) {
        rewrite_str(r, " DESC");
    }
}

static void print_index(struct ddl_job *job)
{
    const PgQuery__IndexStmt *stmt = job->stmt;
    const struct index_job *index = job->arg;
    struct rewriter *r = &job->rewriter;
    struct query_scope scope = { .unqualified = true };
    struct relation *table = scope_table(r, stmt->relation->relname);

    if (table == NULL) {
        rewrite_fail(r, -1, "42P01", "relation \"%s\" does not exist", stmt->relation->relname);
        return;
    }
    scope_push(r, &scope);
    scope_add(&scope, table);
    rewrite_printf(r, "CREATE %sINDEX %s", stmt->unique ? "UNIQUE " : "",
                   index->temp ? "temp." : "");
    rewrite_ident(r, index->name);
    rewrite_str(r, " ON ");
    rewrite_ident(r, stmt->relation->relname);
    rewrite_str(r, " (");
    for (size_t i = 0; i < stmt->n_index_params; i++) {
        rewrite_str(r, i > 0 ? ", " : "");
        print_element(r, stmt->index_params[i]->index_elem, table);
    }
    rewrite_str(r, ")");
    if (stmt->where_clause != NULL) {
        rewrite_str(r, " WHERE ");
        size_t from = r->out.len;
        rewrite_condition(r, stmt->where_clause, "WHERE");
        source_note(r, from, stmt->where_clause);
    }
    scope_pop(r);
}

int create_index_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                     struct failure *f)
{
    const PgQuery__IndexStmt *stmt = verb_node(portal)->index_stmt;
    struct sql_session *sql = portal->sql;
    char name[ddl_name_bytes];
    struct index_job index = { .name = name };
    struct ddl_job job = { .arg = &index };
    struct table_text text = { 0 };
    PgQuery__RangeVar named = *stmt->relation;
    bool skip = false;

    (void)sink;
    (void)max_rows;
    int r = ddl_begin(sql, f);
    r = r == 0 && stmt->concurrent ? verb_stand_alone(sql, "CREATE INDEX CONCURRENTLY", f) : r;
    r = r == 0 ? table_text_load(sql, stmt->relation->relname, &text, f) : r;
    index.temp = text.temp;
    table_text_finish(&text);
    if (r == 0 && stmt->idxname[0] == '\0') {
        r = choose_name(sql, stmt, name, f);
    } else if (r == 0) {
        snprintf(name, sizeof name, "%s", stmt->idxname);
        named.relname = name;
        r = ddl_check_new(sql, &named, stmt->if_not_exists, &skip, f);
    }
    if (r != 0 || skip) {
        return r;
    }
    r = ddl_job_run(&job, portal, print_index, stmt, f);
    if (r == 0) {
        r = verb_execute_buf(sql, &job.rewriter.out, CURSOR_WRITES, NULL, f);
        r = violation_index(sql, buf_view(&job.rewriter.out), r, f);
    }
    ddl_job_finish(&job);
    sql_schema_changed(sql);
    return r;
}
