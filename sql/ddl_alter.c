/* sql/ddl_alter.c: ALTER TABLE, command by command.
 *
 * What SQLite has (DROP COLUMN, RENAME) it does; the rest is a change of the table's text
 * (ddl_text.c), after a look at the rows that the change would concern. Keys that are added become
 * unique indexes. */
#include "sql/ddl_depend.h"

#include "base/alloc.h"
#include "pool/session.h"
#include "sql/expr.h"
#include "sql/sequence.h"

#include <errno.h>
#include <stdio.h>

enum { commands_most = 100 }; /* of one ALTER TABLE */

#define AT(name)     PG_QUERY__ALTER_TABLE_TYPE__AT_##name
#define CONSTR(name) PG_QUERY__CONSTR_TYPE__CONSTR_##name

struct alter {
    struct portal *portal;
    struct sql_session *sql;
    const char *table;
    const PgQuery__AlterTableCmd *cmd;
    struct table_text text; /* fresh for each command */
    struct ddl_table made;  /* what the job printed */
    struct buf column;      /* its column element */
    struct buf query;       /* a statement that the change needs: looks at rows, or changes them */
};

static const struct view nothing;

/* ---- steps ---- */

static int install(struct alter *a, size_t at, struct view replacement, struct view column,
                   struct view constraint, struct failure *f)
{
    cleanup(buf_finish) struct buf out = { 0 };
    int r = table_text_print(&a->text, at, replacement, column, constraint, &out);

    return r != 0 ? failure_set_nomem(f)
                  : table_text_install(a->sql, a->table, a->text.temp, &out, f);
}

/* Puts `by` in the place of some bytes of an element. */
static int install_part(struct alter *a, size_t at, struct view part, const char *by,
                        struct failure *f)
{
    cleanup(buf_finish) struct buf element = { 0 };
    struct view old = a->text.elements[at];
    size_t before = (size_t)(part.data - old.data);

    if (buf_append(&element, old.data, before) != 0 || buf_append_str(&element, by) != 0 ||
        buf_append(&element, part.data + part.len, old.len - before - part.len) != 0) {
        return failure_set_nomem(f);
    }
    return install(a, at, buf_view(&element), nothing, nothing, f);
}

static int find_column(struct alter *a, size_t *ret_at, struct failure *f)
{
    *ret_at = table_text_find(&a->text, a->cmd->name, false);
    if (*ret_at == SIZE_MAX) {
        return failure_set(f, "42703", "column \"%s\" of relation \"%s\" does not exist",
                           a->cmd->name, a->table);
    }
    return 0;
}

/* 1 in *ret_found when the query has a row. */
static int has_row(struct alter *a, const struct buf *query, bool *ret_found, struct failure *f)
{
    cleanup(mem_freep) char *text = NULL;
    int r = verb_query_text(a->sql, &text, f, "SELECT 'x' WHERE EXISTS (%.*s)", (int)query->len,
                            (const char *)query->data);

    *ret_found = text != NULL;
    return r;
}

static int null_values(struct alter *a, const char *column, bool *ret_found, struct failure *f)
{
    cleanup(buf_finish) struct buf q = { 0 };

    if (buf_append_str(&q, "SELECT 1 FROM ") != 0 || verb_ident(&q, a->table) != 0 ||
        buf_append_str(&q, " WHERE typeof(") != 0 || verb_ident(&q, column) != 0 ||
        buf_append_str(&q, ") = 'null'") !=
            0) { /* SQLite believes a NOT NULL, and looks no further */
        return failure_set_nomem(f);
    }
    return has_row(a, &q, ret_found, f);
}

static int set_not_null(struct alter *a, const char *column, struct failure *f)
{
    size_t at = table_text_find(&a->text, column, false);
    bool found = false;

    if (at == SIZE_MAX) {
        return failure_set(f, "42703", "column \"%s\" of relation \"%s\" does not exist", column,
                           a->table);
    }
    struct view part = element_part(a->text.elements[at], PART_NOT_NULL);
    if (part.len > 0) {
        return 0;
    }
    int r = null_values(a, column, &found, f);
    if (r == 0 && found) {
        failure_set(f, "23502", "column \"%s\" of relation \"%s\" contains null values", column,
                    a->table);
        failure_add(f, FIELD_SCHEMA, "public");
        failure_add(f, FIELD_TABLE, "%s", a->table);
        failure_add(f, FIELD_COLUMN, "%s", column);
        return FAILED;
    }
    return r == 0 ? install_part(a, at, part, " NOT NULL", f) : r;
}

static int reload(struct alter *a, struct failure *f)
{
    table_text_finish(&a->text);
    return table_text_load(a->sql, a->table, &a->text, f);
}

/* ---- the job: what must be printed by the rewriter ---- */

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
static void print_column(struct ddl_job *job)
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

static void print_constraint(struct ddl_job *job)
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
static void print_default(struct ddl_job *job)
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
        rewrite_assigned(r, a->cmd->def, column->type, a->cmd->name);
    }
    rewrite_str(r, ")");
    keep(r, &a->column);
    scope_pop(r);
}

/* TYPE: the new type's name, and the statement that converts the rows. */
static void print_new_type(struct ddl_job *job)
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
        rewrite_fail(r, -1, "53200", "out of memory");
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

static int print(struct alter *a, void (*fn)(struct ddl_job *job), struct failure *f)
{
    struct ddl_job job = { .arg = a };
    int r = ddl_job_run(&job, a->portal, fn, NULL, f);

    a->made.r = NULL;
    ddl_job_finish(&job);
    return r;
}

static int run_indexes(struct alter *a, struct failure *f)
{
    int r = 0;

    for (const char *s = depend_first(&a->made.indexes); r == 0 && s != NULL;
         s = depend_next(&a->made.indexes, s)) {
        r = verb_execute(a->sql, CURSOR_WRITES, f, "%s", s);
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

static int add_column(struct alter *a, struct failure *f)
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
    int r = print(a, print_column, f);
    r = r == 0 ? create_sequences(a, f) : r;
    r = r == 0 ? install(a, SIZE_MAX, nothing, buf_view(&a->column), printed_constraint(a), f) : r;
    if (r != 0) {
        return r;
    }
    sql_schema_changed(a->sql);
    r = fill_rows(a, column, f);
    not_null = element_part(buf_view(&a->column), PART_NOT_NULL).len > 0;
    if (r == 0 && not_null) {
        r = null_values(a, column->colname, &found, f);
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
        r = has_row(a, &a->query, &found, f);
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
        r = has_row(a, &q, &found, f);
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
    return has_row(a, &q, ret_found, f);
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
            r = set_not_null(a, k->keys[i]->string->sval, f);
            r = r == 0 ? reload(a, f) : r;
        }
        sql_schema_changed(a->sql);
    }
    r = r == 0 ? print(a, print_constraint, f) : r;
    return r == 0 ? run_indexes(a, f) : r;
}

static int add_constraint(struct alter *a, struct failure *f)
{
    const PgQuery__Constraint *k = a->cmd->def->constraint;
    char name[ddl_name_bytes];
    bool constraint = false;

    if (k->contype == CONSTR(PRIMARY) || k->contype == CONSTR(UNIQUE)) {
        return add_key(a, k, f);
    }
    int r = print(a, print_constraint, f);
    if (r != 0) {
        return r;
    }
    (void)table_text_name(printed_constraint(a), name, sizeof name, &constraint);
    r = k->contype == CONSTR(CHECK) ? check_rows(a, k, name, f) : 0;
    r = r == 0 ? install(a, SIZE_MAX, nothing, nothing, printed_constraint(a), f) : r;
    return r == 0 && k->contype == CONSTR(FOREIGN) ? check_rows(a, k, name, f) : r;
}

/* ---- DROP ---- */

static int drop_index_named(struct alter *a, const char *name, bool *ret_found, struct failure *f)
{
    const char *kind = NULL;
    cleanup(buf_finish) struct buf q = { 0 };
    int r = ddl_kind(a->sql, name, &kind, f);

    *ret_found = r == 0 && kind != NULL && strcmp(kind, "index") == 0;
    if (!*ret_found) {
        return r;
    }
    if (buf_append_str(&q, "DROP INDEX ") != 0 || verb_ident(&q, name) != 0) {
        return failure_set_nomem(f);
    }
    return verb_execute_buf(a->sql, &q, CURSOR_WRITES, NULL, f);
}

/* A key in the table's own text has an index inside the file, which no change of text can take
 * away. */
static bool is_key_element(struct view element)
{
    return element_mentions(element, "UNIQUE") || element_mentions(element, "PRIMARY");
}

static int drop_constraint(struct alter *a, struct failure *f)
{
    size_t at = table_text_find(&a->text, a->cmd->name, true);
    bool found = false;
    int r = 0;

    if (at == SIZE_MAX) {
        r = drop_index_named(a, a->cmd->name, &found, f);
    } else if (is_key_element(a->text.elements[at])) {
        return table_rebuild_without(a->sql, a->table, &a->text, at, a->cmd->name, f);
    } else {
        found = true;
        r = install(a, at, nothing, nothing, nothing, f);
    }
    if (r != 0 || found) {
        return r;
    }
    if (!a->cmd->missing_ok) {
        return failure_set(f, "42704", "constraint \"%s\" of relation \"%s\" does not exist",
                           a->cmd->name, a->table);
    }
    verb_notice(a->sql, SEVERITY_NOTICE, "00000",
                "constraint \"%s\" of relation \"%s\" does not exist, skipping", a->cmd->name,
                a->table);
    return 0;
}

/* Indexes with the column in them. */
static int drop_column_indexes(struct alter *a, struct failure *f)
{
    for (;;) {
        cleanup(buf_finish) struct buf t = { 0 };
        cleanup(buf_finish) struct buf c = { 0 };
        cleanup(mem_freep) char *index = NULL;
        bool found = false;
        if (verb_quote(&t, a->table) != 0 || buf_append_byte(&t, 0) != 0 ||
            verb_quote(&c, a->cmd->name) != 0 || buf_append_byte(&c, 0) != 0) {
            return failure_set_nomem(f);
        }
        int r = verb_query_text(
            a->sql, &index, f,
            "SELECT l.name FROM pragma_index_list(%s) l, pragma_index_info(l.name) i "
            "WHERE i.name = %s COLLATE NOCASE AND l.origin = 'c' LIMIT 1",
            (const char *)t.data, (const char *)c.data);
        if (r != 0 || index == NULL) {
            return r;
        }
        r = drop_index_named(a, index, &found, f);
        if (r != 0) {
            return r;
        }
    }
}

static int drop_column(struct alter *a, struct failure *f)
{
    cleanup(buf_finish) struct buf q = { 0 };
    size_t at = table_text_find(&a->text, a->cmd->name, false);
    bool constraint = false, cut = false;
    char name[ddl_name_bytes];

    if (at == SIZE_MAX && a->cmd->missing_ok) {
        verb_notice(a->sql, SEVERITY_NOTICE, "00000",
                    "column \"%s\" of relation \"%s\" does not exist, skipping", a->cmd->name,
                    a->table);
        return 0;
    }
    int r = find_column(a, &at, f);
    r = r == 0 ? drop_column_indexes(a, f) : r;
    for (size_t i = 0; i < a->text.count && r == 0; i++) {
        if (i != at && table_text_name(a->text.elements[i], name, sizeof name, &constraint) &&
            constraint && element_mentions(a->text.elements[i], a->cmd->name)) {
            if (is_key_element(a->text.elements[i])) {
                r = table_rebuild_without(a->sql, a->table, &a->text, i, name, f);
                return r == 0 && (r = reload(a, f)) == 0 ? drop_column(a, f) : r;
            }
            a->text.elements[i] = nothing;
            cut = true;
        }
    }
    r = r == 0 && cut ? install(a, SIZE_MAX, nothing, nothing, nothing, f) : r;
    if (r != 0) {
        return r;
    }
    if (buf_append_str(&q, "ALTER TABLE ") != 0 || verb_ident(&q, a->table) != 0 ||
        buf_append_str(&q, " DROP COLUMN ") != 0 || verb_ident(&q, a->cmd->name) != 0) {
        return failure_set_nomem(f);
    }
    return verb_execute_buf(a->sql, &q, CURSOR_WRITES, NULL, f);
}

/* ---- ALTER COLUMN ---- */

static int alter_default(struct alter *a, struct failure *f)
{
    size_t at = 0;
    int r = find_column(a, &at, f);

    if (r == 0 && a->cmd->def != NULL) {
        r = print(a, print_default, f);
        r = r == 0 && buf_append_byte(&a->column, 0) != 0 ? failure_set_nomem(f) : r;
    }
    if (r != 0) {
        return r;
    }
    struct view part = element_part(a->text.elements[at], PART_DEFAULT);
    return install_part(a, at, part, a->cmd->def == NULL ? "" : (const char *)a->column.data, f);
}

static int alter_not_null(struct alter *a, struct failure *f)
{
    size_t at = 0;
    int r = find_column(a, &at, f);

    if (r != 0) {
        return r;
    }
    if (a->cmd->subtype == AT(SetNotNull)) {
        return set_not_null(a, a->cmd->name, f);
    }
    return install_part(a, at, element_part(a->text.elements[at], PART_NOT_NULL), "", f);
}

static int alter_type(struct alter *a, struct failure *f)
{
    size_t at = 0;
    int r = find_column(a, &at, f);

    r = r == 0 ? print(a, print_new_type, f) : r;
    if (r == 0 && element_mentions(a->text.elements[at], "PRIMARY")) {
        return 0; /* the rowid: an integer of any width */
    }
    if (r == 0 && buf_append_byte(&a->column, 0) != 0) {
        return failure_set_nomem(f);
    }
    r = r == 0 ? install_part(a, at, element_part(a->text.elements[at], PART_TYPE),
                              (const char *)a->column.data, f)
               : r;
    return r == 0 ? verb_execute_buf(a->sql, &a->query, CURSOR_WRITES, NULL, f) : r;
}

/* ADD GENERATED ... AS IDENTITY, as pg_dump writes it: a sequence's default. */
static int add_identity(struct alter *a, struct failure *f)
{
    const PgQuery__Constraint *k = a->cmd->def->constraint;
    const PgQuery__DefElem *named = verb_option(k->options, k->n_options, "sequence_name");
    struct sequence seq = { 0 };
    char name[ddl_name_bytes], text[ddl_name_bytes * 2 + 32];
    size_t at = 0;

    ddl_object_name(name, a->table, a->cmd->name, "seq", 0);
    if (named != NULL && named->arg != NULL && named->arg->node_case == PG_QUERY__NODE__NODE_LIST) {
        const PgQuery__List *list = named->arg->list;
        snprintf(name, sizeof name, "%s", list->items[list->n_items - 1]->string->sval);
    }
    int r = find_column(a, &at, f);
    r = r == 0 ? sequence_options(&seq, k->options, k->n_options, true, f) : r;
    r = r == 0 ? sequence_create(a->sql, name, &seq, a->table, f) : r;
    if (r != 0) {
        return r;
    }
    cleanup(buf_finish) struct buf q = { 0 };
    if (verb_quote(&q, name) != 0 || buf_append_byte(&q, 0) != 0) {
        return failure_set_nomem(f);
    }
    snprintf(text, sizeof text, " DEFAULT (nextval(%s)) /* identity %s */", (const char *)q.data,
             k->generated_when[0] == 'a' ? "always" : "by default");
    return install_part(a, at, element_part(a->text.elements[at], PART_DEFAULT), text, f);
}

static int accept(struct alter *a, struct failure *f)
{
    (void)a;
    (void)f;
    return 0;
}

static const struct {
    PgQuery__AlterTableType type;
    int (*run)(struct alter *a, struct failure *f);
} commands[] = {
    { AT(AddColumn), add_column },
    { AT(DropColumn), drop_column },
    { AT(AddConstraint), add_constraint },
    { AT(DropConstraint), drop_constraint },
    { AT(ColumnDefault), alter_default },
    { AT(SetNotNull), alter_not_null },
    { AT(DropNotNull), alter_not_null },
    { AT(AlterColumnType), alter_type },
    { AT(AddIdentity), add_identity },
    /* what pond has no need of */
    { AT(ValidateConstraint), accept },
    { AT(SetStatistics), accept },
    { AT(SetOptions), accept },
    { AT(ResetOptions), accept },
    { AT(SetStorage), accept },
    { AT(SetCompression), accept },
    { AT(ChangeOwner), accept },
    { AT(ClusterOn), accept },
    { AT(DropCluster), accept },
    { AT(SetLogged), accept },
    { AT(SetUnLogged), accept },
    { AT(SetAccessMethod), accept },
    { AT(SetTableSpace), accept },
    { AT(SetRelOptions), accept },
    { AT(ResetRelOptions), accept },
    { AT(ReplicaIdentity), accept },
    { AT(EnableTrigAll), accept },
    { AT(DisableTrigAll), accept },
    { AT(EnableTrigUser), accept },
    { AT(DisableTrigUser), accept },
    { AT(DisableRowSecurity), accept },
};

static int run_command(struct alter *a, struct failure *f)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (commands[i].type == a->cmd->subtype) {
            int r = table_text_load(a->sql, a->table, &a->text, f);
            r = r == 0 ? commands[i].run(a, f) : r;
            sql_schema_changed(a->sql);
            return r;
        }
    }
    return verb_unsupported("this form of ALTER TABLE", f);
}

static void finish(struct alter *a)
{
    table_text_finish(&a->text);
    buf_finish(&a->made.constraints);
    buf_finish(&a->made.indexes);
    buf_finish(&a->made.sequences);
    buf_finish(&a->column);
    buf_finish(&a->query);
}

/* ALTER INDEX, VIEW or SEQUENCE ... (OWNER, SET): nothing of it is kept. */
int alter_table_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
                     struct failure *f)
{
    PgQuery__ObjectType type = node->alter_table_stmt->objtype;

    plan->tag = type == PG_QUERY__OBJECT_TYPE__OBJECT_INDEX      ? "ALTER INDEX"
                : type == PG_QUERY__OBJECT_TYPE__OBJECT_VIEW     ? "ALTER VIEW"
                : type == PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE ? "ALTER SEQUENCE"
                                                                 : "ALTER TABLE";
    return ddl_plan(planner, node, plan, f);
}

int alter_table_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                    struct failure *f)
{
    const PgQuery__AlterTableStmt *stmt = verb_node(portal)->alter_table_stmt;
    struct sql_session *sql = portal->sql;
    const char *kind = NULL;

    (void)sink;
    (void)max_rows;
    int r = ddl_begin(sql, f);
    r = r == 0 ? ddl_kind(sql, stmt->relation->relname, &kind, f) : r;
    if (r == 0 && kind == NULL) {
        if (!stmt->missing_ok) {
            return failure_set(f, "42P01", "relation \"%s\" does not exist",
                               stmt->relation->relname);
        }
        verb_notice(sql, SEVERITY_NOTICE, "00000", "relation \"%s\" does not exist, skipping",
                    stmt->relation->relname);
        return 0;
    }
    if (r == 0 && strcmp(kind, "table") != 0) {
        return stmt->objtype == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE &&
                       stmt->cmds[0]->alter_table_cmd->subtype != AT(ChangeOwner)
                   ? failure_set(f, "42809", "\"%s\" is not a table", stmt->relation->relname)
                   : 0;
    }
    /* each command may write the table's text anew */
    if (r == 0 && stmt->n_cmds > commands_most) {
        return failure_set(f, "54000", "ALTER TABLE can have at most %d commands", commands_most);
    }
    for (size_t i = 0; i < stmt->n_cmds && r == 0; i++) {
        struct alter a = { .portal = portal,
                           .sql = sql,
                           .table = stmt->relation->relname,
                           .cmd = stmt->cmds[i]->alter_table_cmd };
        r = run_command(&a, f);
        finish(&a);
    }
    return r;
}
