/* sql/ddl_alter_print.c: ALTER TABLE: what must be printed by the rewriter, as a job on the loop's
 * big stack. */
#include "sql/ddl_alter.h"

#include "sql/expr.h"
#include "sql/source.h"

/* False: failed; the scope is pushed in both cases. */
static bool begin_print(struct ddl_job *job, struct query_scope *scope)
{
    struct alter *a = job->arg;
    struct ddl_table *t = &a->made;
    char name[ddl_name_bytes];
    bool constraint = false;

    t->r = &job->rewriter;
    t->name = a->table;
    t->keys_as_indexes = true;
    t->relation = scope_table(t->r, a->table);
    for (size_t i = 0; i < a->text.count; i++) {
        if (table_text_name(a->text.elements[i], name, sizeof name, &constraint) && constraint) {
            ddl_take_name(t, name);
        }
    }
    scope->unqualified = true;
    scope_push(t->r, scope);
    t->relation = t->relation == NULL ? NULL : relation_copy(t->r, t->relation, a->table);
    if (t->relation == NULL) {
        rewrite_fail(t->r, -1, "42P01", "relation \"%s\" does not exist", a->table);
        return false;
    }
    scope_add(scope, t->relation);
    return !t->r->failed;
}

static void keep(struct rewriter *r, struct buf *out)
{
    *out = r->out;
    r->out = (struct buf){ 0 };
}

/* ADD COLUMN: the column, and what gives old rows a value when its default is no constant. */
void alter_print_column(struct ddl_job *job)
{
    struct query_scope scope = { 0 };
    struct alter *a = job->arg;
    const PgQuery__ColumnDef *column = a->cmd->def->column_def;

    if (begin_print(job, &scope)) {
        ddl_learn_column(&a->made, column);
        ddl_column(&a->made, column);
        keep(&job->rewriter, &a->column);
    }
    scope_pop(&job->rewriter);
}

void alter_print_constraint(struct ddl_job *job)
{
    struct query_scope scope = { 0 };
    struct alter *a = job->arg;
    struct rewriter *r = &job->rewriter;
    const PgQuery__Constraint *k = a->cmd->def->constraint;

    if (begin_print(job, &scope)) {
        ddl_constraint(&a->made, k, NULL);
    }
    if (!r->failed && k->contype == CONSTR(CHECK)) {
        rewrite_str(r, "SELECT 1 FROM ");
        rewrite_ident(r, a->table);
        rewrite_str(r, " WHERE NOT (");
        rewrite_condition(r, k->raw_expr, "CHECK");
        rewrite_str(r, ")");
        keep(r, &a->query);
    }
    scope_pop(r);
}

/* SET DEFAULT: the text behind the word. */
void alter_print_default(struct ddl_job *job)
{
    struct query_scope none = { 0 };
    struct alter *a = job->arg;
    struct rewriter *r = &job->rewriter;
    struct relation *table = scope_table(r, a->table);
    const struct relation_column *column =
        table == NULL ? NULL : relation_find(table, a->cmd->name);

    scope_push(r, &none);
    rewrite_str(r, " DEFAULT (");
    if (column != NULL) {
        size_t from = r->out.len;
        rewrite_assigned(r, a->cmd->def, column->type, a->cmd->name);
        source_note(r, from, a->cmd->def);
    }
    rewrite_str(r, ")");
    keep(r, &a->column);
    scope_pop(r);
}

/* TYPE: the new type's name, and the statement that converts the rows. */
void alter_print_new_type(struct ddl_job *job)
{
    struct query_scope scope = { 0 };
    struct alter *a = job->arg;
    struct rewriter *r = &job->rewriter;
    PgQuery__ColumnDef *column = a->cmd->def->column_def;
    PgQuery__String name = PG_QUERY__STRING__INIT;
    PgQuery__Node name_node = PG_QUERY__NODE__INIT, ref_node = PG_QUERY__NODE__INIT,
                  cast_node = PG_QUERY__NODE__INIT;
    PgQuery__Node *fields[] = { &name_node };
    PgQuery__ColumnRef ref = PG_QUERY__COLUMN_REF__INIT;
    PgQuery__TypeCast cast = PG_QUERY__TYPE_CAST__INIT;
    struct type type = TYPE_NONE;

    if (begin_print(job, &scope) && type_of_name(column->type_name, &type, r->failure) != 0) {
        r->failed = true;
    }
    if (r->failed) {
        return;
    }
    if (!r->failed &&
        (buf_append_byte(&a->column, ' ') != 0 || type_declare(type, &a->column) != 0)) {
        rewrite_fail_nomem(r);
    }
    /* Without USING: CAST(column AS type). */
    name.sval = a->cmd->name;
    name_node.node_case = PG_QUERY__NODE__NODE_STRING;
    name_node.string = &name;
    ref.n_fields = 1;
    ref.fields = fields;
    ref_node.node_case = PG_QUERY__NODE__NODE_COLUMN_REF;
    ref_node.column_ref = &ref;
    cast.arg = column->raw_default != NULL ? column->raw_default : &ref_node;
    cast.type_name = column->type_name;
    cast_node.node_case = PG_QUERY__NODE__NODE_TYPE_CAST;
    cast_node.type_cast = &cast;
    rewrite_str(r, "UPDATE ");
    rewrite_ident(r, a->table);
    rewrite_str(r, " SET ");
    rewrite_ident(r, a->cmd->name);
    rewrite_str(r, " = ");
    (void)rewrite_expr(r, &cast_node, type);
    keep(r, &a->query);
    scope_pop(r);
}

int alter_print(struct alter *a, void (*fn)(struct ddl_job *job), struct failure *f)
{
    struct ddl_job job = { .arg = a };
    int r = ddl_job_run(&job, a->portal, fn, NULL, f);

    a->made.r = NULL;
    ddl_job_finish(&job);
    return r;
}
