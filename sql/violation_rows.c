/* sql/violation_rows.c: the rows that a failed statement was about to write or to drop, as a query.
 *
 * Only the columns that are wanted are in it: the others may have values that cannot be known. */
#include "sql/violation_impl.h"

#include "pool/session.h"
#include "pool/sqltext.h"
#include "sql/verb_support.h"

struct printing {
    struct violation *v;
    const struct violation_wish *wish;
    struct violation_query *q;
};

static void put(struct printing *p, const char *text)
{
    violation_put(p->q, text);
}

static void put_view(struct printing *p, struct view text)
{
    violation_put_view(p->q, text);
}

static void put_ident(struct printing *p, const char *name)
{
    violation_put_name(p->q, "", name);
}

/* It cannot be known. */
static void give_up(struct printing *p)
{
    p->q->r = p->q->r == 0 ? FAILED : p->q->r;
}

static const struct violated_column *wanted(const struct printing *p, size_t i)
{
    const struct violated_key *key = p->wish->key;

    return key != NULL ? key->columns[i] : &p->v->columns[i];
}

static size_t wanted_count(const struct printing *p)
{
    return p->wish->key != NULL ? p->wish->key->count : p->v->count;
}

/* ---- names ---- */

static bool is_numbered(const struct printing *p)
{
    return p->wish->numbered && p->v->dml.verb == DML_INSERT;
}

static void put_names(struct printing *p)
{
    bool insert = p->v->dml.verb == DML_INSERT;

    put(p, p->wish->name != NULL ? p->wish->name : violation_rows);
    put(p, !insert ? "(" violation_rowid : is_numbered(p) ? "(" violation_at : "(\"pond none\"");
    for (size_t i = 0; i < wanted_count(p); i++) {
        if (p->wish->is_new) {
            put(p, ", ");
            put_ident(p, wanted(p, i)->name);
        }
        if (p->wish->is_old) {
            put(p, ", ");
            violation_put_name(p->q, violation_old, wanted(p, i)->name);
        }
    }
    put(p, ")");
}

/* ---- INSERT ---- */

static bool is_given(const struct violation *v, const struct violated_column *column)
{
    struct view list = v->dml.columns;
    struct view item;
    char name[table_name_bytes];

    while (dml_list_next(&list, &item)) {
        struct sqltext_token token = sqltext_next(&item);

        sqltext_identifier(&token, name, sizeof name);
        if (sqltext_names_equal(name, column->name)) {
            return true;
        }
    }
    return false;
}

/* SQLite's next number, as it would have counted it for the row. */
static void put_next_rowid(struct printing *p, const struct violated_column *column)
{
    const struct violation *v = p->v;

    put(p, "max(");
    if (v->counts) {
        put(p, "coalesce((SELECT seq FROM sqlite_sequence WHERE name = ");
        p->q->r = p->q->r == 0 ? verb_quote(&p->q->text, v->dml.table) : p->q->r;
        put(p, " COLLATE nocase), 0), ");
    }
    put(p, "0, coalesce((SELECT max(");
    put_ident(p, column->name);
    put(p, ") FROM ");
    put_ident(p, v->dml.table);
    put(p, "), 0)) + row_number() OVER ()");
}

/* ---- generated columns ---- */

/* Are all the columns that the expression mentions so? */
static bool all_are(const struct violation *v, const char *expression,
                    bool (*so)(const struct violation *v, const struct violated_column *column))
{
    struct violated_key key = { .count = 0 };

    if (expression == NULL || !violation_key_mentioned(v, view_of_str(expression), &key)) {
        return false;
    }
    for (size_t i = 0; i < key.count; i++) {
        if (key.columns[i]->generated || !so(v, key.columns[i])) {
            return false;
        }
    }
    return true;
}

/* The source has the value under the column's name. */
static bool is_plainly_given(const struct violation *v, const struct violated_column *column)
{
    return !column->rowid && is_given(v, column);
}

/* A number that SQLite may have counted up in some rows and not in others cannot be known: abs() of
 * that one fails, and the query with it. */
static void put_given_rowid(struct printing *p, const struct violated_column *column)
{
    const struct violation *v = p->v;
    bool refuses_null = dml_count_word(v->dml.source, "pond_not_null") > 0;
    bool counted = !refuses_null || (v->counts && !v->dml.one_row);

    put(p, counted ? "coalesce(" : "");
    put_ident(p, column->name);
    if (counted && v->dml.one_row) {
        put(p, ", ");
        put_next_rowid(p, column);
    }
    put(p, !counted ? "" : v->dml.one_row ? ")" : ", abs(-9223372036854775807 - 1))");
}

static void put_inserted(struct printing *p, const struct violated_column *column)
{
    bool given = is_given(p->v, column);

    if (column->generated && !all_are(p->v, column->fallback, is_plainly_given)) {
        give_up(p);
    } else if (column->rowid && given) {
        put_given_rowid(p, column);
    } else if (column->rowid) {
        put_next_rowid(p, column);
    } else if (given) {
        put_ident(p, column->name);
    } else {
        put(p, "(");
        put(p, column->fallback == NULL ? "NULL" : column->fallback);
        put(p, ")");
    }
}

static void put_source(struct printing *p)
{
    const struct dml_text *dml = &p->v->dml;

    put(p, "\"pond source\"(");
    if (dml->defaults) {
        put(p, "\"pond nothing\"");
    }
    put_view(p, dml->columns);
    /* to SQLite's planner each row of VALUES is a query that it would plan for itself */
    put(p, dml->values ? ") AS MATERIALIZED (" : ") AS (");
    put_view(p, dml->defaults ? view_of_str("SELECT 1") : dml->source);
    put(p, "), ");
}

static void put_insert(struct printing *p)
{
    put_source(p);
    put_names(p);
    put(p, is_numbered(p) ? " AS MATERIALIZED (SELECT row_number() OVER ()" : " AS (SELECT NULL");
    for (size_t i = 0; i < wanted_count(p); i++) {
        put(p, ", ");
        put_inserted(p, wanted(p, i));
    }
    put(p, " FROM \"pond source\")");
}

/* ---- UPDATE, DELETE ---- */

static void put_old(struct printing *p, const struct violated_column *column)
{
    put_ident(p, p->v->dml.alias);
    put(p, ".");
    put_ident(p, column->name);
}

/* "a" = value: value. False: there is none, or it is not known (*ret_known). */
static bool find_value(const struct violation *v, const struct violated_column *column,
                       struct view *ret_value, bool *ret_known)
{
    struct view list = v->dml.set;
    struct view item;
    char name[table_name_bytes];

    *ret_known = true;
    while (dml_list_next(&list, &item)) {
        if (!dml_assignment(item, name, sizeof name, ret_value)) {
            *ret_known = false; /* (a, b) = (SELECT ...) */
            return false;
        }
        if (sqltext_names_equal(name, column->name)) {
            return true;
        }
    }
    return false;
}

static bool is_not_set(const struct violation *v, const struct violated_column *column)
{
    struct view value;
    bool known;

    return !find_value(v, column, &value, &known) && known;
}

static void put_updated(struct printing *p, const struct violated_column *column)
{
    struct view value;
    bool known;

    if (find_value(p->v, column, &value, &known)) {
        put_view(p, value);
    } else if (!known || (column->generated && !all_are(p->v, column->fallback, is_not_set))) {
        give_up(p);
    } else {
        put_old(p, column);
    }
}

static void put_change(struct printing *p)
{
    const struct dml_text *dml = &p->v->dml;

    put_names(p);
    put(p, " AS (SELECT ");
    put_ident(p, dml->alias);
    put(p, ".rowid");
    for (size_t i = 0; i < wanted_count(p); i++) {
        if (p->wish->is_new) {
            put(p, ", ");
            put_updated(p, wanted(p, i));
        }
        if (p->wish->is_old) {
            put(p, ", ");
            put_old(p, wanted(p, i));
        }
    }
    put(p, " FROM ");
    put_view(p, dml->target);
    put(p, dml->from.len > 0 ? ", " : " ");
    put_view(p, dml->from);
    put(p, " ");
    put_view(p, dml->where);
    put(p, ")");
}

/* ---- all ---- */

void violation_put_rows(struct violation *v, const struct violation_wish *wish,
                        struct violation_query *q)
{
    struct printing p = { .v = v, .wish = wish, .q = q };

    if (v->dml.with.len > 0) {
        put_view(&p, v->dml.with);
        put(&p, ", ");
    } else {
        put(&p, "WITH ");
    }
    if (v->dml.verb == DML_INSERT) {
        put_insert(&p);
    } else {
        put_change(&p);
    }
}
