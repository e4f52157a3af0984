/* sql/ddl_column.c: a column in the text of its table: name, type, NOT NULL, DEFAULT. A single
 * integer primary key becomes SQLite's rowid. */
#include "sql/ddl.h"

#include "sql/grammar.h"
#include "sql/source.h"

const PgQuery__Constraint *ddl_column_constraint(const PgQuery__ColumnDef *column,
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
           ddl_column_constraint(column, CONSTR(IDENTITY)) != NULL;
}

static bool in_keys(const PgQuery__Constraint *k, const char *column)
{
    for (size_t i = 0; i < k->n_keys; i++) {
        if (strcmp(node_string(k->keys[i]), column) == 0) {
            return true;
        }
    }
    return false;
}

/* A comment in the text says what made the column's values, for those who describe the table. */
static const char *generator_note(const PgQuery__ColumnDef *column)
{
    const PgQuery__Constraint *identity = ddl_column_constraint(column, CONSTR(IDENTITY));

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
    const PgQuery__Constraint *d = ddl_column_constraint(column, CONSTR(DEFAULT));
    const PgQuery__Constraint *g = ddl_column_constraint(column, CONSTR(GENERATED));

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
        ddl_column_constraint(column, CONSTR(NOTNULL)) != NULL || ddl_column_generates(column);

    if (not_null && ddl_column_constraint(column, CONSTR(NULL)) != NULL) {
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
    not_null |= ddl_column_constraint(column, CONSTR(PRIMARY)) != NULL;
    rewrite_str(t->r, not_null ? " NOT NULL" : "");
    print_default(t, column, type);
}
