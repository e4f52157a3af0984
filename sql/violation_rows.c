/* sql/violation_rows.c: the rows that a failed statement was about to write or to drop, as a query.
 *
 * Only the columns that are wanted are in it: the others may have values that cannot be known. */
#include "sql/violation_impl.h"

#include "pool/sqltext.h"

/* ---- which columns ---- */

void violation_want_all(struct violation *v)
{
    for (size_t i = 0; i < v->count; i++) {
        v->columns[i].wanted = true;
    }
}

void violation_want(struct violation *v, const struct violated_key *key)
{
    for (size_t i = 0; i < v->count; i++) {
        v->columns[i].wanted = false;
    }
    violation_want_more(key);
}

void violation_want_more(const struct violated_key *key)
{
    for (size_t i = 0; i < key->count; i++) {
        key->columns[i]->wanted = true;
    }
}

struct violated_column *violation_next_mentioned(const struct violation *v, struct view *text)
{
    struct violated_column *column = NULL;
    struct sqltext_token token;
    char name[table_name_bytes];

    while (column == NULL && (token = sqltext_next(text)).kind != SQLTEXT_END) {
        if (token.kind == SQLTEXT_WORD || token.kind == SQLTEXT_NAME) {
            sqltext_identifier(&token, name, sizeof name);
            column = violation_column(v, name);
        }
    }
    return column;
}

void violation_want_mentioned(struct violation *v, struct view text)
{
    struct violated_column *column;

    while ((column = violation_next_mentioned(v, &text)) != NULL) {
        column->wanted = true;
    }
}

/* ---- what the statement gives ---- */

/* INSERT: the source has them under the columns' names. */
static void read_given(struct violation *v)
{
    struct view list = v->dml.columns;
    struct view item;
    char name[table_name_bytes];

    while (dml_list_next(&list, &item)) {
        struct sqltext_token token = sqltext_next(&item);

        sqltext_identifier(&token, name, sizeof name);
        struct violated_column *column = violation_column(v, name);
        if (column != NULL) {
            column->value = violation_name(v, name);
        }
    }
}

static void read_set(struct violation *v)
{
    struct view list = v->dml.set;
    struct view item, value;
    char name[table_name_bytes];

    while (!v->hides && dml_list_next(&list, &item)) {
        v->hides = !dml_assignment(item, name, sizeof name, &value);
        struct violated_column *column = v->hides ? NULL : violation_column(v, name);
        if (column != NULL) {
            column->value = violation_copy(v, value);
        }
    }
}

void violation_read_values(struct violation *v)
{
    v->hides = false;
    for (size_t i = 0; i < v->count; i++) {
        v->columns[i].value = NULL;
    }
    if (v->dml.verb == DML_INSERT) {
        read_given(v);
    } else {
        read_set(v);
    }
}

/* Are there the values that a generated column's expression names? An INSERT's source has those
 * that are given, the table those that an UPDATE leaves alone. */
static bool is_computable(const struct violation *v, const struct violated_column *generated)
{
    struct view expression = view_of_str(generated->fallback);
    bool insert = v->dml.verb == DML_INSERT;
    const struct violated_column *c;

    while ((c = violation_next_mentioned(v, &expression)) != NULL) {
        if (c->generated || (insert && c->rowid) || insert != (c->value != NULL)) {
            return false;
        }
    }
    return generated->fallback != NULL;
}

/* ---- INSERT ---- */

/* SQLite's next number, as it would have counted it for the row. */
static const char *next_rowid(struct violation *v, const struct violated_column *column)
{
    const char *counted =
        v->counts ? violation_print(v,
                                    "coalesce((SELECT seq FROM sqlite_sequence WHERE name = %s "
                                    "COLLATE nocase), 0), ",
                                    violation_string(v, v->dml.table))
                  : "";

    return violation_print(
        v, "max(%s0, coalesce((SELECT max(%s) FROM %s), 0)) + row_number() OVER ()", counted,
        violation_name(v, column->name), violation_name(v, v->dml.table));
}

/* A number that SQLite may have counted up in some rows and not in others cannot be known: abs() of
 * that one fails, and the query with it. */
static const char *given_rowid(struct violation *v, const struct violated_column *column)
{
    bool refuses_null = dml_count_word(v->dml.source, "pond_not_null") > 0;

    if (refuses_null && (!v->counts || v->dml.one_row)) {
        return column->value;
    }
    return violation_print(v, "coalesce(%s, %s)", column->value,
                           v->dml.one_row ? next_rowid(v, column)
                                          : "abs(-9223372036854775807 - 1)");
}

static const char *inserted(struct violation *v, const struct violated_column *column)
{
    if (column->generated && !is_computable(v, column)) {
        return violation_give_up(v, FAILED);
    }
    if (column->rowid) {
        return column->value != NULL ? given_rowid(v, column) : next_rowid(v, column);
    }
    if (column->value != NULL) {
        return column->value;
    }
    return column->fallback != NULL ? violation_print(v, "(%s)", column->fallback) : "NULL";
}

/* ---- UPDATE, DELETE ---- */

static const char *old(struct violation *v, const struct violated_column *column)
{
    return violation_print(v, "%s.%s", violation_name(v, v->dml.alias),
                           violation_name(v, column->name));
}

static const char *updated(struct violation *v, const struct violated_column *column)
{
    if (column->value != NULL) {
        return column->value;
    }
    return v->hides || (column->generated && !is_computable(v, column))
               ? violation_give_up(v, FAILED)
               : old(v, column);
}

/* ---- all ---- */

/* value AS "a", value AS "b", */
static const char *values(struct violation *v, enum violation_rows which)
{
    cleanup(buf_finish) struct buf out = { 0 };
    int r = 0;

    for (size_t i = 0; i < v->count && r == 0; i++) {
        const struct violated_column *column = &v->columns[i];

        if (column->wanted) {
            r = buf_printf(&out, "%s AS %s, ",
                           which == VIOLATION_OLD      ? old(v, column)
                           : v->dml.verb == DML_INSERT ? inserted(v, column)
                                                       : updated(v, column),
                           violation_name(v, column->name));
        }
    }
    return r == 0 ? violation_copy(v, buf_view(&out)) : violation_give_up(v, r);
}

/* To SQLite's planner each row of VALUES is a query that it would plan for itself. */
static const char *source(struct violation *v)
{
    const struct dml_text *dml = &v->dml;

    if (dml->defaults) {
        return "\"pond source\" AS (SELECT 1)";
    }
    return violation_print(v, "\"pond source\"(%s) AS %s(%s)", violation_copy(v, dml->columns),
                           dml->values ? "MATERIALIZED " : "", violation_copy(v, dml->source));
}

static const char *inserted_rows(struct violation *v, const char *name, enum violation_rows which)
{
    bool in_order = which == VIOLATION_IN_ORDER;

    return violation_print(v, "%s, %s AS %s(SELECT %s%s AS " violation_id " FROM \"pond source\")",
                           source(v), name, in_order ? "MATERIALIZED " : "", values(v, which),
                           in_order ? "row_number() OVER ()" : "NULL");
}

static const char *changed_rows(struct violation *v, const char *name, enum violation_rows which)
{
    const struct dml_text *dml = &v->dml;

    return violation_print(v, "%s AS (SELECT %s%s.rowid AS " violation_id " FROM %s%s%s %s)", name,
                           values(v, which), violation_name(v, dml->alias),
                           violation_copy(v, dml->target), dml->from.len > 0 ? ", " : "",
                           violation_copy(v, dml->from), violation_copy(v, dml->where));
}

const char *violation_rows(struct violation *v, const char *name, enum violation_rows which)
{
    return v->dml.verb == DML_INSERT ? inserted_rows(v, name, which) : changed_rows(v, name, which);
}

const char *violation_with(struct violation *v, const char *rows)
{
    const char *own = violation_copy(v, v->dml.with);

    return violation_print(v, "%s%s", own[0] != '\0' ? violation_print(v, "%s, ", own) : "WITH ",
                           rows);
}
