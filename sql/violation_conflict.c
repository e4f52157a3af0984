/* sql/violation_conflict.c: INSERT ... ON CONFLICT: a row that meets another one of the target's
 * key is not inserted; with DO UPDATE the other one is changed, and that can violate something,
 * too. */
#include "sql/violation_impl.h"

#include "pool/session.h"
#include "pool/sqltext.h"

#include <string.h>

bool violation_conflict_target(const struct violation *v, struct violated_key *ret_key)
{
    struct view list = v->dml.conflict.target;
    struct violated_key key = { .count = 0 };
    struct view item;
    char name[table_name_bytes];

    while (dml_list_next(&list, &item)) {
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
    return key.count > 0 && !v->dml.conflict.partial;
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
    struct view list = v->dml.conflict.set;
    struct view item, value;
    char name[table_name_bytes];

    while (dml_list_next(&list, &item)) {
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

void violation_put_not_taken(const struct violation *v, const struct violated_key *target,
                             struct violation_query *q)
{
    violation_put(q, " AND NOT EXISTS (SELECT 1 FROM ");
    violation_put_name(q, "", v->dml.table);
    violation_put(q, " AS o WHERE ");
    violation_put_equal(q, target, "o.", "n.");
    violation_put(q, ") AND NOT EXISTS (SELECT 1 FROM " violation_rows " AS e WHERE e." violation_at
                     " < n." violation_at " AND ");
    violation_put_equal(q, target, "e.", "n.");
    violation_put(q, ")");
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
    struct violation_query q = { .r = 0 };
    struct violation_wish wish = { .key = target, .is_new = true };

    violation_put_rows(v, &wish, &q);
    violation_put(&q, " SELECT EXISTS (SELECT 1 FROM " violation_rows " AS n, ");
    violation_put_name(&q, "", v->dml.table);
    violation_put(&q, " AS o WHERE ");
    violation_put_equal(&q, target, "o.", "n.");
    violation_put(&q, ")");
    int r = violation_run(v, &q, note_taken, ret_taken);
    return r == CURSOR_END ? 0 : r;
}

/* ---- the UPDATE ---- */

/* WITH ... "excluded" AS (the row), as far as DO UPDATE speaks of it. */
static int keep_excluded(struct violation *v, const struct violated_key *target,
                         struct view *ret_with)
{
    struct violation_query q = { .r = 0 };
    struct violated_key all = *target;
    struct violation_wish wish = { .key = &all, .is_new = true, .name = "\"excluded\"" };

    if (!violation_key_mentioned(v, v->dml.conflict.set, &all) ||
        !violation_key_mentioned(v, v->dml.conflict.where, &all)) {
        return FAILED;
    }
    violation_put_rows(v, &wish, &q);
    return violation_keep(v, &q, ret_with);
}

/* WHERE "t"."a" = "excluded"."a" AND (...). */
static int keep_where(struct violation *v, const struct violated_key *target,
                      struct view *ret_where)
{
    struct violation_query q = { .r = 0 };
    struct view condition = v->dml.conflict.where;

    violation_put(&q, "WHERE ");
    for (size_t i = 0; i < target->count; i++) {
        violation_put(&q, i > 0 ? " AND " : "");
        violation_put_name(&q, "", v->dml.alias);
        violation_put(&q, ".");
        violation_put_name(&q, "", target->columns[i]->name);
        violation_put(&q, " = \"excluded\".");
        violation_put_name(&q, "", target->columns[i]->name);
    }
    if (sqltext_next(&condition).kind != SQLTEXT_END) {
        violation_put(&q, " AND (");
        violation_put_view(&q, condition);
        violation_put(&q, ")");
    }
    return violation_keep(v, &q, ret_where);
}

static int become_update(struct violation *v, const struct violated_key *target)
{
    struct view with, where;
    int r = keep_excluded(v, target, &with);

    r = r == 0 ? keep_where(v, target, &where) : r;
    if (r != 0) {
        return r;
    }
    v->dml.verb = DML_UPDATE;
    v->dml.with = with;
    v->dml.set = v->dml.conflict.set;
    v->dml.from = view_of_str("\"excluded\"");
    v->dml.where = where;
    v->dml.conflict = (struct dml_conflict){ .updates = false };
    return 0;
}

int violation_conflict_settle(struct violation *v)
{
    struct violated_key target;
    bool taken = false;
    int r = 0;

    if (v->dml.conflict.updates) {
        r = violation_conflict_target(v, &target) ? is_taken(v, &target, &taken) : CURSOR_END;
    }
    if (r == 0 && taken) {
        return become_update(v, &target);
    }
    if (r == 0) {
        v->dml.conflict =
            (struct dml_conflict){ .updates = false }; /* it has failed, so it was not left out */
    }
    return r;
}
