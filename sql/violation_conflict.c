/* sql/violation_conflict.c: INSERT ... ON CONFLICT: a row that meets another one of the target's
 * key is not inserted; with DO UPDATE the other one is changed, and that can violate something,
 * too. */
#include "sql/violation_impl.h"

#include "pool/session.h"
#include "pool/sqltext.h"
#include "sql/verb_support.h"

#include <errno.h>
#include <string.h>

/* ---- the text ---- */

/* ON CONFLICT [(...) [WHERE ...]] DO NOTHING | UPDATE SET ... [WHERE ...] */
struct conflict_text {
    struct view target; /* names; empty: none */
    bool partial;
    bool updates;
    struct view set;
    struct view where; /* with its keyword */
};

static void read_action(struct view rest, struct conflict_text *text)
{
    static const char *const where[] = { "WHERE", NULL };
    struct sqltext_token token;

    while ((token = sqltext_next(&rest)).kind != SQLTEXT_END && !sqltext_is(&token, "DO")) {
        text->partial = true; /* WHERE of the index */
    }
    token = sqltext_next(&rest);
    text->updates = sqltext_is(&token, "UPDATE");
    if (text->updates) {
        (void)sqltext_next(&rest); /* SET */
        text->set = dml_take_until(&rest, where);
        text->where = rest;
    }
}

static struct conflict_text read_conflict(struct view rest)
{
    struct conflict_text text = { .partial = false };

    (void)sqltext_next(&rest);
    (void)sqltext_next(&rest);
    (void)dml_parentheses(&rest, &text.target);
    read_action(rest, &text);
    return text;
}

bool violation_conflict_target(const struct violation *v, struct violated_key *ret_key)
{
    struct conflict_text text = read_conflict(v->dml.conflict);
    struct violated_key key = { .count = 0 };
    struct view item;
    char name[table_name_bytes];

    while (dml_list_next(&text.target, &item)) {
        struct sqltext_token token = sqltext_next(&item);
        struct violated_key one = { .count = 1 };

        sqltext_identifier(&token, name, sizeof name);
        one.columns[0] = violation_column(v, name);
        if (sqltext_next(&item).kind != SQLTEXT_END || one.columns[0] == NULL ||
            !violation_key_join(&key, &one)) {
            return false;
        }
    }
    *ret_key = key;
    return key.count > 0 && !text.partial;
}

/* excluded."name". */
static bool is_as_given(struct view value, const char *name)
{
    struct sqltext_token excluded = sqltext_next(&value);
    struct sqltext_token dot = sqltext_next(&value);
    struct sqltext_token token = sqltext_next(&value);
    char table[table_name_bytes], column[table_name_bytes];

    sqltext_identifier(&excluded, table, sizeof table);
    sqltext_identifier(&token, column, sizeof column);
    return strcmp(table, "excluded") == 0 && sqltext_is_byte(&dot, '.') &&
           sqltext_names_equal(column, name) && sqltext_next(&value).kind == SQLTEXT_END;
}

bool violation_conflict_leaves(const struct violation *v, const struct violated_key *key,
                               bool or_as_given)
{
    struct conflict_text text = read_conflict(v->dml.conflict);
    struct view item, value;
    char name[table_name_bytes];

    while (dml_list_next(&text.set, &item)) {
        if (!dml_assignment(item, name, sizeof name, &value)) {
            return false;
        }
        if (or_as_given && is_as_given(value, name)) {
            continue;
        }
        for (size_t i = 0; i < key->count; i++) {
            if (sqltext_names_equal(key->columns[i]->name, name)) {
                return false;
            }
        }
    }
    return true;
}

/* ---- was it inserted? ---- */

/* a."x" = b."x" AND ... */
static int print_equal(const char *a, const char *b, const struct violated_key *key,
                       struct buf *out)
{
    int r = 0;

    for (size_t i = 0; i < key->count && r == 0; i++) {
        r = buf_printf(out, "%s%s.", i > 0 ? " AND " : "", a);
        r = r == 0 ? verb_ident(out, key->columns[i]->name) : r;
        r = r == 0 ? buf_printf(out, " = %s.", b) : r;
        r = r == 0 ? verb_ident(out, key->columns[i]->name) : r;
    }
    return r;
}

int violation_print_not_taken(struct violation *v, const struct violated_key *target,
                              struct buf *out)
{
    int r = buf_append_str(out, " AND NOT EXISTS (SELECT 1 FROM ");

    r = r == 0 ? verb_ident(out, v->dml.table) : r;
    r = r == 0 ? buf_append_str(out, " AS o WHERE ") : r;
    r = r == 0 ? print_equal("o", "n", target, out) : r;
    r = r == 0 ? buf_append_str(out, ") AND NOT EXISTS (SELECT 1 FROM " violation_rows
                                     " AS e WHERE e." violation_at " < n." violation_at " AND ")
               : r;
    r = r == 0 ? print_equal("e", "n", target, out) : r;
    return r == 0 ? buf_append_str(out, ")") : r;
}

static int note_taken(struct violation *v, const struct cell *cells, void *arg)
{
    bool *taken = arg;

    (void)v;
    *taken = cells[0].i != 0;
    return 0;
}

static int is_taken(struct violation *v, const struct violated_key *target, bool *ret_taken)
{
    cleanup(buf_finish) struct buf text = { 0 };
    struct violation_wish wish = { .key = target, .is_new = true };
    int r = violation_print_rows(v, &wish, &text);

    r = r == 0 ? buf_append_str(&text, " SELECT EXISTS (SELECT 1 FROM " violation_rows " AS n, ")
               : r;
    r = r == 0 ? verb_ident(&text, v->dml.table) : r;
    r = r == 0 ? buf_append_str(&text, " AS o WHERE ") : r;
    r = r == 0 ? print_equal("o", "n", target, &text) : r;
    r = r == 0 ? buf_append_byte(&text, ')') : r;
    if (r != 0) {
        return r;
    }
    r = violation_ask_rows(v, &text, note_taken, ret_taken);
    return r == CURSOR_END ? 0 : r;
}

/* ---- the UPDATE ---- */

/* WITH ... "excluded" AS (the row), as far as DO UPDATE speaks of it. */
static int print_excluded(struct violation *v, const struct conflict_text *conflict,
                          const struct violated_key *target, struct buf *out)
{
    struct violated_key all = *target;
    struct violation_wish wish = { .key = &all, .is_new = true, .name = "\"excluded\"" };

    return violation_key_mentioned(v, conflict->set, &all) &&
                   violation_key_mentioned(v, conflict->where, &all)
               ? violation_print_rows(v, &wish, out)
               : CURSOR_END;
}

/* WHERE "t"."a" = "excluded"."a" AND (...). */
static int print_where(struct violation *v, const struct conflict_text *conflict,
                       const struct violated_key *target, struct buf *out)
{
    cleanup(buf_finish) struct buf alias = { 0 };
    struct view condition = conflict->where;
    int r = verb_ident(&alias, v->dml.alias);

    r = r == 0 ? buf_append_byte(&alias, '\0') : r;
    r = r == 0 ? buf_append_str(out, "WHERE ") : r;
    r = r == 0 ? print_equal((const char *)alias.data, "\"excluded\"", target, out) : r;
    if (r == 0 && sqltext_next(&condition).kind != SQLTEXT_END) {
        r = buf_append_str(out, " AND (");
        r = r == 0 ? buf_append_view(out, condition) : r;
        r = r == 0 ? buf_append_byte(out, ')') : r;
    }
    return r;
}

static int keep(struct violation *v, const struct buf *text, struct view *ret_kept)
{
    const char *copy = arena_strndup(&v->arena, text->data, text->len);

    *ret_kept = view_of(copy, text->len);
    return copy == NULL ? -ENOMEM : 0;
}

static int become_update(struct violation *v, const struct conflict_text *conflict,
                         const struct violated_key *target)
{
    cleanup(buf_finish) struct buf with = { 0 };
    cleanup(buf_finish) struct buf where = { 0 };
    struct view kept_with, kept_where;
    int r = print_excluded(v, conflict, target, &with);

    r = r == 0 ? print_where(v, conflict, target, &where) : r;
    r = r == 0 ? keep(v, &with, &kept_with) : r;
    r = r == 0 ? keep(v, &where, &kept_where) : r;
    if (r != 0) {
        return r;
    }
    v->dml.verb = DML_UPDATE;
    v->dml.with = kept_with;
    v->dml.set = conflict->set;
    v->dml.from = view_of_str("\"excluded\"");
    v->dml.where = kept_where;
    v->dml.conflict = view_of_str("");
    return 0;
}

int violation_conflict_settle(struct violation *v)
{
    struct conflict_text conflict = read_conflict(v->dml.conflict);
    struct violated_key target;
    bool taken = false;
    int r = 0;

    if (conflict.updates) {
        r = violation_conflict_target(v, &target) ? is_taken(v, &target, &taken) : CURSOR_END;
    }
    if (r == 0 && taken) {
        return become_update(v, &conflict, &target);
    }
    if (r == 0) {
        v->dml.conflict = view_of_str(""); /* it has failed, so it was not left out */
    }
    return r;
}
