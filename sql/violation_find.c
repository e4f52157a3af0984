/* sql/violation_find.c: a table's unique keys, with their names and columns. Constraints are in the
 * text of their table, other indexes have texts of their own. */
#include "sql/violation_impl.h"

#include "pool/session.h"
#include "pool/sqlite_error.h"
#include "pool/sqltext.h"

#include <stdio.h>
#include <string.h>

static bool add_column(const struct violation *v, const char *name, struct violated_key *key)
{
    struct violated_column *column = violation_column(v, name);

    if (column == NULL || key->count == violation_key_columns) {
        return false;
    }
    key->columns[key->count++] = column;
    return true;
}

bool violation_next_name(const char **names, char name[table_name_bytes])
{
    const char *comma = strstr(*names, ", ");
    size_t len = comma == NULL ? strlen(*names) : (size_t)(comma - *names);

    snprintf(name, table_name_bytes, "%.*s", (int)len, *names);
    *names += comma == NULL ? len : len + 2;
    return len > 0;
}

bool violation_key_of(const struct violation *v, const char *names, struct violated_key *ret_key)
{
    struct violated_key key = { .where = "" };
    char name[table_name_bytes];

    while (violation_next_name(&names, name)) {
        if (!add_column(v, name, &key)) {
            return false;
        }
    }
    *ret_key = key;
    return key.count > 0;
}

static const char *find_call(struct view function)
{
    static const char *const calls[] = { "pond_lower", "pond_upper", "lower", "upper" };

    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        if (view_equal_str(function, calls[i])) {
            return calls[i];
        }
    }
    return NULL;
}

/* "a" or lower("a") DESC; only calls with texts, so that the result is one. */
static bool read_element(struct violation *v, struct view element, struct violated_key *key)
{
    struct sqltext_token token = sqltext_next(&element);
    const char *call = find_call(token.text);
    struct view inside;
    char name[table_name_bytes];

    if (call != NULL && dml_parentheses(&element, &inside)) {
        token = sqltext_next(&inside);
        if (sqltext_next(&inside).kind != SQLTEXT_END) {
            return false;
        }
    } else {
        call = NULL;
    }
    sqltext_identifier(&token, name, sizeof name);
    token = sqltext_next(&element);
    if (sqltext_is(&token, "ASC") || sqltext_is(&token, "DESC")) {
        token = sqltext_next(&element);
    }
    if (token.kind != SQLTEXT_END || !add_column(v, name, key)) {
        return false;
    }
    key->calls[key->count - 1] = call;
    return call == NULL || type_is_string(key->columns[key->count - 1]->type.oid);
}

bool violation_key_read(struct violation *v, struct view list, struct violated_key *ret_key)
{
    struct violated_key key = { .where = "" };
    struct view element;

    while (dml_list_next(&list, &element)) {
        if (!read_element(v, element, &key)) {
            return false;
        }
    }
    *ret_key = key;
    return key.count > 0;
}

bool violation_key_read_index(struct violation *v, struct view text, struct violated_key *ret_key)
{
    static const char *const begin[] = { "(", NULL };
    struct view list;

    (void)dml_take_until(&text, begin);
    if (!dml_parentheses(&text, &list) || !violation_key_read(v, list, ret_key)) {
        return false;
    }
    ret_key->where = violation_copy(v, text);
    return v->r == 0;
}

/* ---- in their order ---- */

struct search {
    violated_key_fn *fn;
    void *arg;
    bool goes_on;
};

static void give_constraints(struct violation *v, struct search *search,
                             enum table_constraint_kind kind)
{
    struct table_text text;
    struct table_constraint c;
    struct violated_key key;
    char made_up[constraint_name_bytes];
    bool primary = kind == TABLE_PRIMARY_KEY;

    table_text_init(&text, view_of_str(v->table_sql));
    while (search->goes_on && table_text_next(&text, &c)) {
        if (c.kind == kind) {
            constraint_make_name(v->dml.table, primary ? "" : c.columns, primary ? "pkey" : "key",
                                 made_up, sizeof made_up);
            search->goes_on =
                search->fn(v, c.name[0] != '\0' ? c.name : made_up,
                           violation_key_of(v, c.columns, &key) ? &key : NULL, search->arg);
        }
    }
}

static int give_index(struct violation *v, const struct cell *cells, void *arg)
{
    struct search *search = arg;
    struct violated_key key;
    struct view text = view_of_str(violation_text(v, &cells[1]));

    search->goes_on =
        search->fn(v, violation_text(v, &cells[0]),
                   violation_key_read_index(v, text, &key) ? &key : NULL, search->arg);
    return search->goes_on ? 0 : CURSOR_END;
}

/* PostgreSQL makes the primary key's index first. */
int violation_each_key(struct violation *v, violated_key_fn *fn, void *arg)
{
    static const char indexes[] =
        "SELECT m.name, m.sql FROM " violation_schema " AS m, pragma_index_list(m.tbl_name) AS i "
        "WHERE m.type = 'index' AND m.tbl_name = ?1 COLLATE nocase AND i.name = m.name AND "
        "i.\"unique\" AND m.sql IS NOT NULL ORDER BY m.number";
    struct search search = { .fn = fn, .arg = arg, .goes_on = true };

    give_constraints(v, &search, TABLE_PRIMARY_KEY);
    give_constraints(v, &search, TABLE_UNIQUE);
    return search.goes_on ? violation_ask_schema(v, indexes, v->dml.table, give_index, &search)
                          : CURSOR_END;
}
