/* sql/ddl_create.c: CREATE TABLE.
 *
 * A table's text has its columns first (ddl_column.c), and then every constraint with its name
 * (ddl_constraint.c), so that errors can name it and ALTER TABLE can find it. What a column's text
 * depends on is learnt before: names, types, the primary key. */
#include "sql/ddl.h"

#include "sql/grammar.h"
#include "sql/sequence.h"

/* ---- the table ---- */

/* Deferrability stands behind its constraint as a node of its own. */
static void settle_deferrable(PgQuery__Node **constraints, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        PgQuery__Constraint *k = constraints[i - 1]->constraint, *attr = constraints[i]->constraint;
        bool is_attr = attr->contype >= CONSTR(ATTR_DEFERRABLE);
        if (!is_attr) {
            continue;
        }
        for (size_t j = i; j-- > 0 && k->contype >= CONSTR(ATTR_DEFERRABLE);) {
            k = constraints[j]->constraint;
        }
        k->deferrable |=
            attr->contype == CONSTR(ATTR_DEFERRABLE) || attr->contype == CONSTR(ATTR_DEFERRED);
        k->initdeferred |= attr->contype == CONSTR(ATTR_DEFERRED);
    }
}

static void note_primary(struct ddl_table *t, const PgQuery__Constraint *k,
                         const PgQuery__ColumnDef *column)
{
    if (t->primary != NULL) {
        rewrite_fail(t->r, k->location, "42P16",
                     "multiple primary keys for table \"%s\" are not allowed", t->name);
    }
    t->primary = k;
    if (column != NULL && type_is_integer(relation_find(t->relation, column->colname)->type.oid) &&
        ddl_column_constraint(column, CONSTR(GENERATED)) == NULL &&
        (ddl_column_constraint(column, CONSTR(DEFAULT)) == NULL)) {
        t->rowid = column;
    }
}

static const PgQuery__ColumnDef *find_column(const PgQuery__CreateStmt *stmt, const char *name)
{
    for (size_t i = 0; i < stmt->n_table_elts; i++) {
        if (stmt->table_elts[i]->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF &&
            strcmp(stmt->table_elts[i]->column_def->colname, name) == 0) {
            return stmt->table_elts[i]->column_def;
        }
    }
    return NULL;
}

void ddl_learn_column(struct ddl_table *t, const PgQuery__ColumnDef *column)
{
    struct type type = TYPE_NONE;

    if (t->relation == NULL) {
        return; /* failed */
    }
    if (relation_find(t->relation, column->colname) != NULL) {
        rewrite_fail(t->r, -1, "42701", "column \"%s\" specified more than once", column->colname);
    }
    if (!t->r->failed && type_of_name(column->type_name, &type, t->r->failure) != 0) {
        t->r->failed = true;
    }
    settle_deferrable(column->constraints, column->n_constraints);
    (void)relation_add(t->r, t->relation, column->colname, type);
}

enum { columns_most = 1600 }; /* PostgreSQL's */

/* First all names and types, then the primary key: a column's text depends on them. */
static void learn_table(struct ddl_table *t, const PgQuery__CreateStmt *stmt)
{
    t->relation = relation_new(t->r, t->name);
    if (t->relation == NULL) {
        rewrite_fail_nomem(t->r);
        return;
    }
    /* every column's name is compared with all others, and nobody can stop it */
    if (stmt->n_table_elts > 2 * columns_most) {
        rewrite_fail(t->r, -1, "54011", "tables can have at most %d columns", columns_most);
        return;
    }
    for (size_t i = 0; i < stmt->n_table_elts && !t->r->failed; i++) {
        const PgQuery__Node *e = stmt->table_elts[i];
        if (e->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) {
            ddl_learn_column(t, e->column_def);
        } else if (e->node_case == PG_QUERY__NODE__NODE_TABLE_LIKE_CLAUSE) {
            rewrite_unsupported(t->r, -1, "CREATE TABLE ... LIKE");
        }
    }
    for (size_t i = 0; i < stmt->n_table_elts && !t->r->failed; i++) {
        const PgQuery__Node *e = stmt->table_elts[i];
        if (e->node_case == PG_QUERY__NODE__NODE_CONSTRAINT &&
            e->constraint->contype == CONSTR(PRIMARY)) {
            const PgQuery__Constraint *k = e->constraint;
            note_primary(t, k, k->n_keys == 1 ? find_column(stmt, node_string(k->keys[0])) : NULL);
        } else if (e->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) {
            const PgQuery__Constraint *k = ddl_column_constraint(e->column_def, CONSTR(PRIMARY));
            if (k != NULL) {
                note_primary(t, k, e->column_def);
            }
        }
    }
}

static void print_elements(struct ddl_table *t, const PgQuery__CreateStmt *stmt)
{
    bool first = true;

    if (t->rowid != NULL) { /* its name stands in the column's own text */
        const char *part = NULL;
        ddl_choose_name(t, t->primary, part, "pkey", t->rowid_constraint);
    }
    for (size_t i = 0; i < stmt->n_table_elts && !t->r->failed; i++) {
        const PgQuery__Node *e = stmt->table_elts[i];
        if (e->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) {
            rewrite_str(t->r, first ? "\n  " : ",\n  ");
            ddl_column(t, e->column_def);
            first = false;
        }
    }
    for (size_t i = 0; i < stmt->n_table_elts && !t->r->failed; i++) {
        const PgQuery__Node *e = stmt->table_elts[i];
        if (e->node_case == PG_QUERY__NODE__NODE_CONSTRAINT) {
            ddl_constraint(t, e->constraint, NULL);
        }
    }
}

static void print_table(struct ddl_job *job)
{
    const PgQuery__CreateStmt *stmt = job->stmt;
    struct rewriter *r = &job->rewriter;
    struct ddl_table *t = job->arg;
    struct query_scope scope = { .unqualified = true };
    bool temp = stmt->relation->relpersistence[0] == 't';

    t->r = r;
    t->name = stmt->relation->relname;
    learn_table(t, stmt);
    if (r->failed) {
        return;
    }
    if (t->relation->count == 0) {
        rewrite_unsupported(r, -1, "a table without columns");
        return;
    }
    scope_push(r, &scope);
    scope_add(&scope, t->relation);
    rewrite_printf(r, "CREATE %sTABLE ", temp ? "TEMP " : "");
    rewrite_ident(r, t->name);
    rewrite_str(r, " (");
    print_elements(t, stmt);
    if (!r->failed && buf_append_view(&r->out, buf_view(&t->constraints)) != 0) {
        rewrite_fail_nomem(r);
    }
    rewrite_str(r, "\n)");
    scope_pop(r);
}

static int refuse_unsupported(const PgQuery__CreateStmt *stmt, struct failure *f)
{
    return stmt->n_inh_relations > 0   ? verb_unsupported("table inheritance", f)
           : stmt->partspec != NULL    ? verb_unsupported("PARTITION BY", f)
           : stmt->partbound != NULL   ? verb_unsupported("PARTITION OF", f)
           : stmt->of_typename != NULL ? verb_unsupported("CREATE TABLE ... OF", f)
           : stmt->oncommit > PG_QUERY__ON_COMMIT_ACTION__ONCOMMIT_PRESERVE_ROWS
               ? verb_unsupported("ON COMMIT DELETE ROWS or DROP", f)
               : 0;
}

static int create_sequences(struct sql_session *sql, const struct ddl_table *t, struct failure *f)
{
    int r = 0;

    for (size_t at = 0; at < t->sequences.len && r == 0;) {
        const char *name = (const char *)t->sequences.data + at;
        struct sequence seq = { 0 };
        r = sequence_options(&seq, NULL, 0, true, f);
        r = r == 0 ? sequence_create(sql, name, &seq, t->name, f) : r;
        at += strlen(name) + 1;
    }
    return r;
}

int create_table_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                     struct failure *f)
{
    const PgQuery__CreateStmt *stmt = verb_node(portal)->create_stmt;
    struct sql_session *sql = portal->sql;
    struct ddl_table table = { 0 };
    struct ddl_job job = { .arg = &table };
    bool skip = false;

    (void)sink;
    (void)max_rows;
    int r = ddl_begin(sql, f);
    r = r == 0 ? refuse_unsupported(stmt, f) : r;
    if (r == 0) {
        r = ddl_check_new(sql, stmt->relation, stmt->if_not_exists, &skip, f);
    }
    if (r != 0 || skip) {
        return r;
    }
    r = ddl_job_run(&job, portal, print_table, stmt, f);
    if (r == 0) {
        r = create_sequences(sql, &table, f);
    }
    if (r == 0) {
        r = verb_execute_buf(sql, &job.rewriter.out, CURSOR_WRITES, NULL, f);
    }
    sql->has_temp |= r == 0 && stmt->relation->relpersistence[0] == 't';
    buf_finish(&table.constraints);
    buf_finish(&table.sequences);
    ddl_job_finish(&job);
    sql_schema_changed(sql);
    return r;
}
