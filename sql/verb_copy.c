/* sql/verb_copy.c: COPY as far as it can be understood before it runs: its columns, its options,
 * and an inner statement that gives or takes one row at a time. */
#include "sql/copy.h"
#include "sql/grammar.h"
#include "sql/rewrite.h"
#include "sql/verb_support.h"

#include <stdio.h>

static void free_copy(void *extra)
{
    sql_plan_unref(((struct copy_plan *)extra)->inner);
}

/* ---- columns ---- */

static int refuse_view(const struct copying *c)
{
    const char *name = c->stmt->relation->relname;

    failure_set(c->failure, "42809", "cannot copy %s view \"%s\"", c->stmt->is_from ? "to" : "from",
                name);
    failure_add(c->failure, FIELD_HINT, "%s",
                c->stmt->is_from
                    ? "To enable copying to a view, provide an INSTEAD OF INSERT trigger."
                    : "Try the COPY (SELECT ...) TO variant.");
    return FAILED;
}

static int add_column(struct copying *c, const char *name, struct type type)
{
    struct copy_column *column = &c->copy->columns[c->copy->count];
    const struct copy_options *options = &c->copy->options;

    for (size_t i = 0; i < c->copy->count && c->stmt->n_attlist > 0; i++) {
        if (strcmp(c->copy->columns[i].name, name) == 0) {
            return failure_set(c->failure, "42701", "column \"%s\" specified more than once", name);
        }
    }
    *column = (struct copy_column){
        .name = arena_strdup(&c->plan->arena, name),
        .type = type.oid == 0 ? TYPE_OF(OID_TEXT) : type,
        .force_quote = copy_columns_have(&options->force_quote, name),
        .force_not_null = copy_columns_have(&options->force_not_null, name),
        .force_null = copy_columns_have(&options->force_null, name),
    };
    c->copy->count++;
    return column->name != NULL ? 0 : failure_set_nomem(c->failure);
}

static int add_listed(struct copying *c, struct rewriter *rewriter, const struct relation *relation)
{
    for (size_t i = 0; i < c->stmt->n_attlist; i++) {
        const char *name = c->stmt->attlist[i]->string->sval;
        const struct relation_column *column = relation_find(relation, name);

        if (column == NULL) {
            return failure_set(c->failure, "42703",
                               "column \"%s\" of relation \"%s\" does not exist", name,
                               c->stmt->relation->relname);
        }
        if (scope_generated(rewriter, relation->name, column->name)) {
            failure_set(c->failure, "42P10", "column \"%s\" is a generated column", name);
            failure_add(c->failure, FIELD_DETAIL, "Generated columns cannot be used in COPY.");
            return FAILED;
        }
        int r = add_column(c, column->name, column->type);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

static int add_all(struct copying *c, struct rewriter *rewriter, const struct relation *relation)
{
    int r = 0;

    for (size_t i = 0; i < relation->count && r == 0; i++) {
        if (!scope_generated(rewriter, relation->name, relation->columns[i].name)) {
            r = add_column(c, relation->columns[i].name, relation->columns[i].type);
        }
    }
    return r;
}

static bool make_room(struct copying *c, size_t count)
{
    c->copy->columns = arena_alloc(&c->plan->arena, (count + 1) * sizeof(*c->copy->columns));
    return c->copy->columns != NULL;
}

static int add_columns(struct copying *c, struct rewriter *r, const struct relation *relation)
{
    size_t count = c->stmt->n_attlist > relation->count ? c->stmt->n_attlist : relation->count;

    if (relation->is_view) {
        return refuse_view(c);
    }
    if (!make_room(c, count)) {
        return failure_set_nomem(c->failure);
    }
    return c->stmt->n_attlist > 0 ? add_listed(c, r, relation) : add_all(c, r, relation);
}

static bool is_twice(const struct copy_columns *forced, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (strcmp(node_string(forced->names[i]), node_string(forced->names[at])) == 0) {
            return true;
        }
    }
    return false;
}

/* Are the columns of FORCE_... there at all, and once each? */
static int find_forced(const struct copying *c, const struct copy_columns *forced,
                       const struct relation *relation)
{
    for (size_t i = 0; i < forced->count; i++) {
        const char *name = node_string(forced->names[i]);

        if (is_twice(forced, i)) {
            return failure_set(c->failure, "42701", "column \"%s\" specified more than once", name);
        }
        if (relation_find(relation, name) == NULL) {
            return failure_set(c->failure, "42703",
                               "column \"%s\" of relation \"%s\" does not exist", name,
                               c->stmt->relation->relname);
        }
    }
    return 0;
}

static int find_all_forced(const struct copying *c, const struct relation *relation)
{
    const struct copy_options *options = &c->copy->options;
    int r = find_forced(c, &options->force_quote, relation);

    if (r == 0) {
        r = find_forced(c, &options->force_not_null, relation);
    }
    return r == 0 ? find_forced(c, &options->force_null, relation) : r;
}

static void rewriter_finishp(struct rewriter *r)
{
    rewriter_finish(r);
}

/* The table's columns, as far as the statement names them. */
static int look_up_table(struct copying *c)
{
    cleanup(arena_finish) struct arena arena = { 0 };
    cleanup(rewriter_finishp) struct rewriter r = { 0 };
    const char *name = c->stmt->relation->relname;

    if (!rewrite_knows_schema(c->stmt->relation->schemaname)) {
        return failure_set(c->failure, "3F000", "schema \"%s\" does not exist",
                           c->stmt->relation->schemaname);
    }
    rewriter_init(&r, c->planner->sql, &arena, c->planner->text, c->failure);
    rewrite_table(&r, c->stmt->relation);
    const struct relation *relation = r.failed ? NULL : scope_table(&r, name);
    if (r.failed) {
        c->failure->position = 0; /* PostgreSQL gives none here */
        return FAILED;
    }
    if (relation == NULL) {
        return failure_set(c->failure, "42P01", "relation \"%s\" does not exist", name);
    }
    c->copy->table = name;
    int result = add_columns(c, &r, relation);
    return result == 0 ? find_all_forced(c, relation) : result;
}

static int look_up_query(struct copying *c)
{
    const struct plan *inner = plan_whole(c->copy->inner);

    if (inner->column_count == 0 && c->stmt->query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
        return failure_set(c->failure, "0A000", "COPY query must have a RETURNING clause");
    }
    if (!make_room(c, inner->column_count)) {
        return failure_set_nomem(c->failure);
    }
    for (size_t i = 0; i < inner->column_count; i++) {
        const struct column *from = &inner->columns[i];
        struct type type = { .oid = from->type_oid, .typmod = sql_column_typmod(from) };
        int r = add_column(c, from->name, type);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

static int check_forced(const struct copying *c, const struct copy_columns *forced,
                        const char *option)
{
    for (size_t i = 0; i < forced->count; i++) {
        const char *name = node_string(forced->names[i]);
        bool found = false;

        for (size_t at = 0; at < c->copy->count && !found; at++) {
            found = strcmp(c->copy->columns[at].name, name) == 0;
        }
        if (!found && c->copy->table == NULL) {
            return failure_set(c->failure, "42703", "column \"%s\" does not exist", name);
        }
        if (!found) {
            return failure_set(c->failure, "42P10", "%s column \"%s\" not referenced by COPY",
                               option, name);
        }
    }
    return 0;
}

/* ---- the verb ---- */

static int check_statement(const PgQuery__CopyStmt *stmt, struct failure *f)
{
    if (stmt->is_program) {
        failure_set(f, "42501",
                    "must be superuser or have privileges of the pg_execute_server_program role to "
                    "COPY to or from an external program");
    } else if (stmt->filename[0] != '\0') {
        failure_set(f, "42501",
                    stmt->is_from ? "must be superuser or have privileges of the "
                                    "pg_read_server_files role to COPY from a file"
                                  : "must be superuser or have privileges of the "
                                    "pg_write_server_files role to COPY to a file");
    } else {
        return 0;
    }
    failure_add(f, FIELD_HINT,
                "Anyone can COPY to stdout or from stdin. psql's \\copy command also works for "
                "anyone.");
    return FAILED;
}

static int plan_rows(struct copying *c)
{
    const PgQuery__CopyStmt *stmt = c->stmt;

    if (stmt->relation != NULL) {
        int r = look_up_table(c);
        return r == 0 ? copy_plan_table(c) : r;
    }
    if (stmt->query->node_case == PG_QUERY__NODE__NODE_SELECT_STMT &&
        stmt->query->select_stmt->into_clause != NULL) {
        return failure_set(c->failure, "0A000", "COPY (SELECT INTO) is not supported");
    }
    struct planner planner = *c->planner;

    planner.no_params = true;
    int r = plan_node(&planner, stmt->query, &c->copy->inner, c->failure);
    return r == 0 ? look_up_query(c) : r;
}

int copy_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
              struct failure *ret_failure)
{
    const PgQuery__CopyStmt *stmt = node->copy_stmt;
    struct copy_plan *copy = arena_alloc(&plan->arena, sizeof(*copy));
    struct copying c = {
        .planner = planner, .stmt = stmt, .plan = plan, .copy = copy, .failure = ret_failure
    };

    if (copy == NULL) {
        return failure_set_nomem(ret_failure);
    }
    *copy = (struct copy_plan){ 0 };
    plan->extra = copy;
    plan->extra_free = free_copy;
    plan->flags |= PLAN_UNCACHED;
    int r = check_statement(stmt, ret_failure);
    if (r == 0) {
        r = copy_options_read(stmt, planner->text, &plan->arena, &copy->options, ret_failure);
    }
    if (r == 0) {
        r = plan_rows(&c);
    }
    if (r == 0) {
        r = check_forced(&c, &copy->options.force_quote, "FORCE_QUOTE");
    }
    if (r == 0) {
        r = check_forced(&c, &copy->options.force_not_null, "FORCE_NOT_NULL");
    }
    return r == 0 ? check_forced(&c, &copy->options.force_null, "FORCE_NULL") : r;
}

int copy_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
             struct failure *ret_failure)
{
    const struct copy_plan *copy = plan_whole(portal->plan)->extra;

    (void)sink;
    (void)max_rows;
    return verb_node(portal)->copy_stmt->is_from ? copy_from_run(portal, copy, ret_failure)
                                                 : copy_to_run(portal, copy, ret_failure);
}
