/* sql/violation_conflict.c: INSERT ... ON CONFLICT: a row that meets another one of the target's
 * key is not inserted; with DO UPDATE the other one is changed, and that can violate something,
 * too. */
#include "sql/violation_impl.h"

#include "pool/session.h"
#include "pool/sqltext.h"

#include <string.h>

bool violation_conflict_target(struct violation *v, struct violated_key *ret_key)
{
    return !v->dml.conflict.partial && violation_key_read(v, v->dml.conflict.target, ret_key);
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

bool violation_conflict_leaves(const struct violation *v, const struct violated_column *column,
                               bool or_as_given)
{
    struct view list = v->dml.conflict.set;
    struct view item, value;
    char name[table_name_bytes];

    while (dml_list_next(&list, &item)) {
        if (!dml_assignment(item, name, sizeof name, &value)) {
            return false;
        }
        if (sqltext_names_equal(column->name, name) && !(or_as_given && is_as_given(value, name))) {
            return false;
        }
    }
    return true;
}

/* ---- was it inserted? ---- */

const char *violation_is_taken(struct violation *v, const struct violated_key *key, const char *of)
{
    return violation_print(v, "EXISTS (SELECT 1 FROM %s AS o WHERE %s = %s)",
                           violation_name(v, v->dml.table), violation_tuple(v, key, "o."),
                           violation_tuple(v, key, of));
}

const char *violation_is_inserted(struct violation *v, const struct violated_key *target)
{
    return violation_print(v,
                           " AND NOT %s AND NOT EXISTS (SELECT 1 FROM " violation_new
                           " AS e WHERE e." violation_id " < n." violation_id " AND %s = %s)",
                           violation_is_taken(v, target, "n."), violation_tuple(v, target, "e."),
                           violation_tuple(v, target, "n."));
}

static int note_taken(struct violation *v, const struct cell *cells, void *arg)
{
    bool *taken = arg;

    (void)v;
    (void)cells;
    *taken = true;
    return CURSOR_END;
}

static int find_taken(struct violation *v, const struct violated_key *target, bool *ret_taken)
{
    violation_want(v, target);
    const char *rows = violation_rows(v, violation_new, VIOLATION_NEW);
    const char *question =
        violation_print(v, "%s SELECT 1 FROM " violation_new " AS n WHERE %s",
                        violation_with(v, rows), violation_is_taken(v, target, "n."));
    int r = violation_ask(v, question, note_taken, ret_taken);
    return r == CURSOR_END ? 0 : r;
}

/* ---- the UPDATE ---- */

/* WITH "excluded" AS (the row) UPDATE t SET ... FROM "excluded" WHERE t.a = "excluded".a AND ... */
static int become_update(struct violation *v, const struct violated_key *target)
{
    struct dml_text *dml = &v->dml;
    const char *table = violation_print(v, "%s.", violation_name(v, dml->alias));
    struct view condition = dml->conflict.where;
    bool has_more = sqltext_next(&condition).kind != SQLTEXT_END; /* WHERE */

    violation_want(v, target);
    violation_want_mentioned(v, dml->conflict.set);
    violation_want_mentioned(v, condition);
    const char *with = violation_with(v, violation_rows(v, "\"excluded\"", VIOLATION_NEW));
    const char *where =
        violation_print(v, has_more ? "WHERE %s = %s AND (%s)" : "WHERE %s = %s%s",
                        violation_tuple(v, target, table),
                        violation_tuple(v, target, "\"excluded\"."), violation_copy(v, condition));
    dml->verb = DML_UPDATE;
    dml->with = view_of_str(with);
    dml->set = dml->conflict.set;
    dml->from = view_of_str("\"excluded\"");
    dml->where = view_of_str(where);
    dml->conflict = (struct dml_conflict){ .updates = false };
    violation_read_values(v);
    return v->r;
}

int violation_conflict_settle(struct violation *v)
{
    struct violated_key target;
    bool taken = false;
    int r = 0;

    if (v->dml.conflict.updates) {
        r = violation_conflict_target(v, &target) ? find_taken(v, &target, &taken) : CURSOR_END;
    }
    if (r == 0 && taken) {
        return become_update(v, &target);
    }
    if (r == 0) { /* it has failed, so it was not left out */
        v->dml.conflict = (struct dml_conflict){ .updates = false };
    }
    return r;
}
