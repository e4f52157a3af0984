/* sql/ddl_alter_add.c: ALTER TABLE ... ADD: columns and constraints. Keys become unique indexes. */
#include "sql/ddl_alter.h"

#include "base/alloc.h"
#include "pool/session.h"
#include "sql/sequence.h"
#include "sql/violation.h"

static const struct view nothing;

static int run_indexes(struct alter *a, struct failure *f)
{
    int r = 0;

    for (const char *s = depend_first(&a->made.indexes); r == 0 && s != NULL;
         s = depend_next(&a->made.indexes, s)) {
        r = verb_execute(a->sql, CURSOR_WRITES, f, "%s", s);
        r = violation_index(a->sql, view_of_str(s), r, f);
    }
    return r;
}

/* The printed constraint's element, without the comma in front. */
static struct view printed_constraint(const struct alter *a)
{
    struct view v = buf_view(&a->made.constraints);

    if (v.len > 0) {
        view_advance(&v, 1);
    }
    return v;
}

/* ---- ADD COLUMN ---- */

static bool has_constraint(const PgQuery__ColumnDef *column, PgQuery__ConstrType type)
{
    for (size_t i = 0; i < column->n_constraints; i++) {
        if (column->constraints[i]->constraint->contype == type) {
            return true;
        }
    }
    return false;
}

/* Rows that were there before: a constant default is read for them by SQLite, any other must be
 * written. */
static int fill_rows(struct alter *a, const PgQuery__ColumnDef *column, struct failure *f)
{
    cleanup(buf_finish) struct buf q = { 0 };
    struct view part = element_part(buf_view(&a->column), PART_DEFAULT);

    if (part.len <= strlen("DEFAULT ") && !has_constraint(column, CONSTR(GENERATED))) {
        return 0;
    }
    int r = buf_append_str(&q, "UPDATE ");
    r = r == 0 ? verb_ident(&q, a->table) : r;
    r = r == 0 ? buf_append_str(&q, " SET ") : r;
    if (has_constraint(column, CONSTR(GENERATED))) {
        r = r == 0 ? buf_append_str(&q, "rowid = rowid") : r; /* makes SQLite compute it */
    } else {
        view_advance(&part, strlen("DEFAULT "));
        r = r == 0 ? verb_ident(&q, column->colname) : r;
        r = r == 0 ? buf_append_str(&q, " = ") : r;
        r = r == 0 ? buf_append_view(&q, part) : r;
    }
    return r != 0 ? failure_set_nomem(f) : verb_execute_buf(a->sql, &q, CURSOR_WRITES, NULL, f);
}

static int create_sequences(struct alter *a, struct failure *f)
{
    int r = 0;

    for (const char *s = depend_first(&a->made.sequences); r == 0 && s != NULL;
         s = depend_next(&a->made.sequences, s)) {
        struct sequence seq = { 0 };
        r = sequence_options(&seq, NULL, 0, true, f);
        r = r == 0 ? sequence_create(a->sql, s, &seq, a->table, f) : r;
    }
    return r;
}

int alter_add_column(struct alter *a, struct failure *f)
{
    const PgQuery__ColumnDef *column = a->cmd->def->column_def;
    bool not_null = false, found = false;

    if (table_text_find(&a->text, column->colname, false) != SIZE_MAX) {
        if (!a->cmd->missing_ok) {
            return failure_set(f, "42701", "column \"%s\" of relation \"%s\" already exists",
                               column->colname, a->table);
        }
        verb_notice(a->sql, SEVERITY_NOTICE, "42701",
                    "column \"%s\" of relation \"%s\" already exists, skipping", column->colname,
                    a->table);
        return 0;
    }
    int r = alter_print(a, alter_print_column, f);
    r = r == 0 ? create_sequences(a, f) : r;
    r = r == 0 ? alter_install(a, SIZE_MAX, nothing, buf_view(&a->column), printed_constraint(a), f)
               : r;
    if (r != 0) {
        return r;
    }
    sql_schema_changed(a->sql);
    r = fill_rows(a, column, f);
    not_null = element_part(buf_view(&a->column), PART_NOT_NULL).len > 0;
    if (r == 0 && not_null) {
        r = alter_null_values(a, column->colname, &found, f);
    }
    if (r == 0 && found) {
        failure_set(f, "23502", "column \"%s\" of relation \"%s\" contains null values",
                    column->colname, a->table);
        failure_add(f, FIELD_SCHEMA, "public");
        failure_add(f, FIELD_TABLE, "%s", a->table);
        failure_add(f, FIELD_COLUMN, "%s", column->colname);
        return FAILED;
    }
    return r == 0 ? run_indexes(a, f) : r;
}

/* ---- ADD CONSTRAINT ---- */

static int check_rows(struct alter *a, const PgQuery__Constraint *k, const char *name,
                      struct failure *f)
{
    cleanup(buf_finish) struct buf q = { 0 };
    bool found = false;
    int r = 0;

    if (k->skip_validation) {
        return 0;
    }
    if (k->contype == CONSTR(CHECK)) {
        r = alter_has_row(a, &a->query, &found, f);
        if (r == 0 && found) {
            failure_set(f, "23514",
                        "check constraint \"%s\" of relation \"%s\" is violated by some row", name,
                        a->table);
        }
    } else {
        if (buf_append_str(&q, "SELECT 1 FROM pragma_foreign_key_check(") != 0 ||
            verb_quote(&q, a->table) != 0 || buf_append_str(&q, ")") != 0) {
            return failure_set_nomem(f);
        }
        r = alter_has_row(a, &q, &found, f);
        if (r == 0 && found) {
            failure_set(f, "23503",
                        "insert or update on table \"%s\" violates foreign key constraint \"%s\"",
                        a->table, name);
        }
    }
    if (!found || r != 0) {
        return r;
    }
    failure_add(f, FIELD_SCHEMA, "public");
    failure_add(f, FIELD_TABLE, "%s", a->table);
    failure_add(f, FIELD_CONSTRAINT, "%s", name);
    if (k->contype == CONSTR(FOREIGN)) {
        violation_explain_rows(a->sql, a->table, f);
    }
    return FAILED;
}

static int primary_exists(struct alter *a, bool *ret_found, struct failure *f)
{
    cleanup(buf_finish) struct buf q = { 0 };

    if (buf_append_str(&q, "SELECT 1 FROM pragma_table_info(") != 0 ||
        verb_quote(&q, a->table) != 0 ||
        buf_append_str(
            &q, ") WHERE pk > 0 UNION ALL SELECT 1 FROM sqlite_master WHERE type = 'index' AND "
                "sql LIKE '%/* primary key */%' AND tbl_name = ") != 0 ||
        verb_quote(&q, a->table) != 0) {
        return failure_set_nomem(f);
    }
    return alter_has_row(a, &q, ret_found, f);
}

static int add_key(struct alter *a, const PgQuery__Constraint *k, struct failure *f)
{
    bool found = false;
    int r = 0;

    if (k->indexname[0] != '\0') {
        return verb_unsupported("ADD CONSTRAINT ... USING INDEX", f);
    }
    if (k->contype == CONSTR(PRIMARY)) {
        r = primary_exists(a, &found, f);
        if (r == 0 && found) {
            return failure_set(f, "42P16", "multiple primary keys for table \"%s\" are not allowed",
                               a->table);
        }
        for (size_t i = 0; i < k->n_keys && r == 0; i++) {
            r = alter_set_not_null(a, k->keys[i]->string->sval, f);
            r = r == 0 ? alter_reload(a, f) : r;
        }
        sql_schema_changed(a->sql);
    }
    r = r == 0 ? alter_print(a, alter_print_constraint, f) : r;
    return r == 0 ? run_indexes(a, f) : r;
}

int alter_add_constraint(struct alter *a, struct failure *f)
{
    const PgQuery__Constraint *k = a->cmd->def->constraint;
    char name[ddl_name_bytes];
    bool constraint = false;

    if (k->contype == CONSTR(PRIMARY) || k->contype == CONSTR(UNIQUE)) {
        return add_key(a, k, f);
    }
    int r = alter_print(a, alter_print_constraint, f);
    if (r != 0) {
        return r;
    }
    (void)table_text_name(printed_constraint(a), name, sizeof name, &constraint);
    r = k->contype == CONSTR(CHECK) ? check_rows(a, k, name, f) : 0;
    r = r == 0 ? alter_install(a, SIZE_MAX, nothing, nothing, printed_constraint(a), f) : r;
    return r == 0 && k->contype == CONSTR(FOREIGN) ? check_rows(a, k, name, f) : r;
}
