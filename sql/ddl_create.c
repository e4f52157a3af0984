/* sql/ddl_create.c: CREATE TABLE.
 *
 * A table's text has its columns first, each with its type, NOT NULL and DEFAULT, and then every
 * constraint with its name, so that errors can name it and ALTER TABLE can find it. A single
 * integer primary key becomes SQLite's rowid. */
#include "sql/ddl.h"

#include "base/alloc.h"
#include "pool/session.h"
#include "sql/expr.h"
#include "sql/sequence.h"
#include "sql/source.h"

#include <errno.h>
#include <stdio.h>

#define CONSTR(name) PG_QUERY__CONSTR_TYPE__CONSTR_##name

/* ---- names of constraints ---- */

static bool name_taken(const struct ddl_table *t, const char *name)
{
    for (size_t i = 0; i < t->name_count; i++) {
        if (strcmp(t->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void take_name(struct ddl_table *t, const char *name)
{
    char(*names)[ddl_name_bytes] = arena_alloc(t->r->arena, (t->name_count + 1) * sizeof *names);

    if (names == NULL) {
        rewrite_fail_nomem(t->r);
        return;
    }
    if (t->name_count > 0) {
        memcpy(names, t->names, t->name_count * sizeof *names);
    }
    snprintf(names[t->name_count++], ddl_name_bytes, "%s", name);
    t->names = names;
}

/* The constraint's own name, or the one that PostgreSQL would give it. */
static void choose_name(struct ddl_table *t, const PgQuery__Constraint *k, const char *part,
                        const char *label, char out[ddl_name_bytes])
{
    if (k->conname[0] != '\0') {
        snprintf(out, ddl_name_bytes, "%s", k->conname);
        if (name_taken(t, out)) {
            rewrite_fail(t->r, -1, "42710", "constraint \"%s\" for relation \"%s\" already exists",
                         out, t->name);
        }
    } else {
        unsigned number = 0;
        do {
            ddl_object_name(out, t->name, part, label, number++);
        } while (name_taken(t, out));
    }
    take_name(t, out);
}

/* ---- lists of columns ---- */

static const char *string_of(const PgQuery__Node *node)
{
    return node->node_case == PG_QUERY__NODE__NODE_STRING ? node->string->sval : "";
}

static void print_columns(struct ddl_table *t, PgQuery__Node *const *keys, size_t count,
                          const char *column)
{
    rewrite_str(t->r, "(");
    if (count == 0 && column != NULL) {
        rewrite_ident(t->r, column);
    }
    for (size_t i = 0; i < count; i++) {
        rewrite_str(t->r, i > 0 ? ", " : "");
        rewrite_ident(t->r, string_of(keys[i]));
    }
    rewrite_str(t->r, ")");
}

static void check_columns(struct ddl_table *t, PgQuery__Node *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (relation_find(t->relation, string_of(keys[i])) == NULL) {
            rewrite_fail(t->r, -1, "42703", "column \"%s\" named in key does not exist",
                         string_of(keys[i]));
        }
    }
}

/* "a_b": the middle of a generated name. */
static const char *join_names(struct ddl_table *t, PgQuery__Node *const *keys, size_t count,
                              const char *column)
{
    const char *joined = count == 0 && column != NULL ? column : "";

    for (size_t i = 0; i < count; i++) {
        joined =
            i == 0 ? string_of(keys[i]) : rewrite_text(t->r, "%s_%s", joined, string_of(keys[i]));
    }
    return joined;
}

/* ---- constraints ---- */

static void deferrable(struct ddl_table *t, const PgQuery__Constraint *k)
{
    if (k->initdeferred) {
        rewrite_str(t->r, " DEFERRABLE INITIALLY DEFERRED");
    } else if (k->deferrable) {
        rewrite_str(t->r, " DEFERRABLE INITIALLY IMMEDIATE");
    }
}

/* SQLite cannot add a key to a table, but an index that does the same; the comment says what it
 * stands for. */
static void key_index(struct ddl_table *t, const PgQuery__Constraint *k, const char *name,
                      const char *column)
{
    struct buf saved = t->r->out;

    t->r->out = t->indexes;
    rewrite_str(t->r, "CREATE UNIQUE INDEX ");
    rewrite_ident(t->r, name);
    rewrite_str(t->r,
                k->contype == CONSTR(PRIMARY) ? " /* primary key */ ON " : " /* unique */ ON ");
    rewrite_ident(t->r, t->name);
    print_columns(t, k->keys, k->n_keys, column);
    if (!t->r->failed && buf_append_byte(&t->r->out, 0) != 0) {
        rewrite_fail_nomem(t->r);
    }
    t->indexes = t->r->out;
    t->r->out = saved;
}

static void key_constraint(struct ddl_table *t, const PgQuery__Constraint *k, const char *column)
{
    bool primary = k->contype == CONSTR(PRIMARY);
    char name[ddl_name_bytes];

    check_columns(t, k->keys, k->n_keys);
    if (primary && t->rowid != NULL) {
        return; /* in the column's own text */
    }
    choose_name(t, k, primary ? NULL : join_names(t, k->keys, k->n_keys, column),
                primary ? "pkey" : "key", name);
    if (t->keys_as_indexes) {
        key_index(t, k, name, column);
        return;
    }
    rewrite_str(t->r, ",\n  CONSTRAINT ");
    rewrite_ident(t->r, name);
    rewrite_str(t->r, primary ? " PRIMARY KEY " : " UNIQUE ");
    print_columns(t, k->keys, k->n_keys, column);
}

struct only_column {
    const char *name;
    bool several;
};

static void note_column(void *arg, const char *name)
{
    struct only_column *only = arg;

    only->several |= only->name != NULL && strcmp(only->name, name) != 0;
    only->name = name;
}

static void check_constraint(struct ddl_table *t, const PgQuery__Constraint *k)
{
    struct only_column only = { 0 };
    char name[ddl_name_bytes];

    ddl_each_column(k->raw_expr, note_column, &only);
    choose_name(t, k, only.several ? NULL : only.name, "check", name);
    rewrite_str(t->r, ",\n  CONSTRAINT ");
    rewrite_ident(t->r, name);
    rewrite_str(t->r, " CHECK (");
    size_t from = t->r->out.len;
    rewrite_condition(t->r, k->raw_expr, "CHECK");
    source_note(t->r, from, k->raw_expr);
    rewrite_str(t->r, ")");
}

static const char *action_of(const char *letter)
{
    return letter[0] == 'r'   ? "RESTRICT"
           : letter[0] == 'c' ? "CASCADE"
           : letter[0] == 'n' ? "SET NULL"
           : letter[0] == 'd' ? "SET DEFAULT"
                              : "NO ACTION";
}

/* The referenced table's primary key, when the constraint names no columns. */
static void parent_key(struct ddl_table *t, const PgQuery__Constraint *k)
{
    const char *parent = k->pktable->relname;

    if (strcmp(parent, t->name) == 0 && t->primary != NULL) {
        print_columns(t, t->primary->keys, t->primary->n_keys,
                      t->relation->count > 0 && t->rowid != NULL ? t->rowid->colname : NULL);
        return;
    }
    const char *key = table_primary_key(t->r, parent);
    if (key == NULL) {
        rewrite_fail(t->r, -1, "42704", "there is no primary key for referenced table \"%s\"",
                     parent);
        return;
    }
    rewrite_printf(t->r, "(%s)", key);
}

static void foreign_constraint(struct ddl_table *t, const PgQuery__Constraint *k,
                               const char *column)
{
    char name[ddl_name_bytes];
    const char *parent = k->pktable->relname;

    for (size_t i = 0; i < k->n_fk_attrs; i++) {
        if (relation_find(t->relation, string_of(k->fk_attrs[i])) == NULL) {
            rewrite_fail(t->r, -1, "42703",
                         "column \"%s\" referenced in foreign key constraint does not exist",
                         string_of(k->fk_attrs[i]));
        }
    }
    if (strcmp(parent, t->name) != 0 && scope_table(t->r, parent) == NULL) {
        rewrite_fail(t->r, -1, "42P01", "relation \"%s\" does not exist", parent);
    }
    choose_name(t, k, join_names(t, k->fk_attrs, k->n_fk_attrs, column), "fkey", name);
    rewrite_str(t->r, ",\n  CONSTRAINT ");
    rewrite_ident(t->r, name);
    rewrite_str(t->r, " FOREIGN KEY ");
    print_columns(t, k->fk_attrs, k->n_fk_attrs, column);
    rewrite_str(t->r, " REFERENCES ");
    rewrite_ident(t->r, parent);
    rewrite_str(t->r, " ");
    if (k->n_pk_attrs > 0) {
        table_check_unique(t->r, parent, strcmp(parent, t->name) == 0, k->pk_attrs, k->n_pk_attrs);
        print_columns(t, k->pk_attrs, k->n_pk_attrs, NULL);
    } else {
        parent_key(t, k);
    }
    if (k->fk_upd_action[0] != '\0' && k->fk_upd_action[0] != 'a') {
        rewrite_printf(t->r, " ON UPDATE %s", action_of(k->fk_upd_action));
    }
    if (k->fk_del_action[0] != '\0' && k->fk_del_action[0] != 'a') {
        rewrite_printf(t->r, " ON DELETE %s", action_of(k->fk_del_action));
    }
    deferrable(t, k);
}

void ddl_constraint(struct ddl_table *t, const PgQuery__Constraint *k, const char *column)
{
    struct buf saved = t->r->out;

    t->r->out = t->constraints;
    switch (k->contype) {
    case CONSTR(PRIMARY):
    case CONSTR(UNIQUE):
        key_constraint(t, k, column);
        break;
    case CONSTR(CHECK):
        check_constraint(t, k);
        break;
    case CONSTR(FOREIGN):
        foreign_constraint(t, k, column);
        break;
    case CONSTR(EXCLUSION):
        rewrite_unsupported(t->r, -1, "an EXCLUDE constraint");
        break;
    default:
        break;
    }
    t->constraints = t->r->out;
    t->r->out = saved;
}

/* ---- columns ---- */

static const PgQuery__Constraint *column_constraint(const PgQuery__ColumnDef *column,
                                                    PgQuery__ConstrType type)
{
    for (size_t i = 0; i < column->n_constraints; i++) {
        if (column->constraints[i]->constraint->contype == type) {
            return column->constraints[i]->constraint;
        }
    }
    return NULL;
}

bool ddl_column_generates(const PgQuery__ColumnDef *column)
{
    return (column->type_name != NULL && type_name_is_serial(column->type_name)) ||
           column_constraint(column, CONSTR(IDENTITY)) != NULL;
}

static bool in_keys(const PgQuery__Constraint *k, const char *column)
{
    for (size_t i = 0; i < k->n_keys; i++) {
        if (strcmp(string_of(k->keys[i]), column) == 0) {
            return true;
        }
    }
    return false;
}

/* A comment in the text says what made the column's values, for those who describe the table. */
static const char *generator_note(const PgQuery__ColumnDef *column)
{
    const PgQuery__Constraint *identity = column_constraint(column, CONSTR(IDENTITY));

    return identity == NULL                     ? " /* serial */"
           : identity->generated_when[0] == 'a' ? " /* identity always */"
                                                : " /* identity by default */";
}

static void rowid_column(struct ddl_table *t, const PgQuery__ColumnDef *column, struct type type)
{
    rewrite_printf(t->r, "INTEGER COLLATE %s NOT NULL CONSTRAINT ",
                   type.oid == OID_INT2   ? "int2"
                   : type.oid == OID_INT8 ? "int8"
                                          : "int4");
    rewrite_ident(t->r, t->rowid_constraint);
    rewrite_str(t->r, " PRIMARY KEY");
    if (ddl_column_generates(column)) {
        rewrite_printf(t->r, " AUTOINCREMENT%s", generator_note(column));
    }
}

static void sequence_default(struct ddl_table *t, const PgQuery__ColumnDef *column)
{
    char name[ddl_name_bytes];

    ddl_object_name(name, t->name, column->colname, "seq", 0);
    rewrite_str(t->r, " DEFAULT (nextval(");
    rewrite_quoted(t->r, name, strlen(name));
    rewrite_printf(t->r, "))%s", generator_note(column));
    if (buf_append(&t->sequences, name, strlen(name) + 1) != 0) {
        rewrite_fail_nomem(t->r);
    }
}

static void print_default(struct ddl_table *t, const PgQuery__ColumnDef *column, struct type type)
{
    const PgQuery__Constraint *d = column_constraint(column, CONSTR(DEFAULT));
    const PgQuery__Constraint *g = column_constraint(column, CONSTR(GENERATED));

    if (g != NULL) {
        rewrite_str(t->r, " GENERATED ALWAYS AS (");
        size_t from = t->r->out.len;
        rewrite_assigned(t->r, g->raw_expr, type, column->colname);
        source_note(t->r, from, g->raw_expr);
        rewrite_str(t->r, ") STORED");
    } else if (d != NULL) {
        struct query_scope none = { 0 }; /* a default sees no columns */
        scope_push(t->r, &none);
        rewrite_str(t->r, " DEFAULT (");
        size_t from = t->r->out.len;
        rewrite_assigned(t->r, d->raw_expr, type, column->colname);
        source_note(t->r, from, d->raw_expr);
        rewrite_str(t->r, ")");
        scope_pop(t->r);
    } else if (ddl_column_generates(column)) {
        sequence_default(t, column);
    }
}

static void print_type(struct rewriter *r, struct type type)
{
    if (!r->failed && type_declare(type, &r->out) != 0) {
        rewrite_fail_nomem(r);
    }
}

void ddl_column(struct ddl_table *t, const PgQuery__ColumnDef *column)
{
    const struct relation_column *known = relation_find(t->relation, column->colname);
    struct type type = known == NULL ? TYPE_NONE : known->type;
    bool not_null =
        column_constraint(column, CONSTR(NOTNULL)) != NULL || ddl_column_generates(column);

    if (not_null && column_constraint(column, CONSTR(NULL)) != NULL) {
        rewrite_fail(t->r, -1, "42601",
                     "conflicting NULL/NOT NULL declarations for column \"%s\" of table \"%s\"",
                     column->colname, t->name);
    }
    for (size_t i = 0; i < column->n_constraints; i++) {
        ddl_constraint(t, column->constraints[i]->constraint, column->colname);
    }
    rewrite_ident(t->r, column->colname);
    rewrite_str(t->r, " ");
    if (column == t->rowid) {
        rowid_column(t, column, type);
        return;
    }
    print_type(t->r, type);
    not_null |= t->primary != NULL && in_keys(t->primary, column->colname);
    not_null |= column_constraint(column, CONSTR(PRIMARY)) != NULL;
    rewrite_str(t->r, not_null ? " NOT NULL" : "");
    print_default(t, column, type);
}

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
        column_constraint(column, CONSTR(GENERATED)) == NULL &&
        (column_constraint(column, CONSTR(DEFAULT)) == NULL)) {
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

static void learn_column(struct ddl_table *t, const PgQuery__ColumnDef *column)
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

void ddl_learn_column(struct ddl_table *t, const PgQuery__ColumnDef *column)
{
    learn_column(t, column);
}

void ddl_take_name(struct ddl_table *t, const char *name)
{
    take_name(t, name);
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
            learn_column(t, e->column_def);
        } else if (e->node_case == PG_QUERY__NODE__NODE_TABLE_LIKE_CLAUSE) {
            rewrite_unsupported(t->r, -1, "CREATE TABLE ... LIKE");
        }
    }
    for (size_t i = 0; i < stmt->n_table_elts && !t->r->failed; i++) {
        const PgQuery__Node *e = stmt->table_elts[i];
        if (e->node_case == PG_QUERY__NODE__NODE_CONSTRAINT &&
            e->constraint->contype == CONSTR(PRIMARY)) {
            const PgQuery__Constraint *k = e->constraint;
            note_primary(t, k, k->n_keys == 1 ? find_column(stmt, string_of(k->keys[0])) : NULL);
        } else if (e->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) {
            const PgQuery__Constraint *k = column_constraint(e->column_def, CONSTR(PRIMARY));
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
        choose_name(t, t->primary, part, "pkey", t->rowid_constraint);
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
