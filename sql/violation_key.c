/* sql/violation_key.c: which row of an INSERT or UPDATE has a key that is there already.
 *
 * An INSERT is looked through in its order: the first row that meets one of the table's, or one
 * before it, is the one that failed. In which order an UPDATE came to its rows is not known, and a
 * key may have been free by then: so it is told only if no other could have failed. */
#include "sql/violation_impl.h"

#include "pool/session.h"
#include "pool/sqlite_error.h"

/* The rows with the first and last of those of the same key, as far as a partial index has them. */
static const char *numbered(struct violation *v, const struct violated_key *key)
{
    return violation_print(v,
                           "(SELECT *, min(" violation_id
                           ") OVER same AS \"pond least\", max(" violation_id
                           ") OVER same AS \"pond most\" FROM " violation_new " %s WINDOW same AS "
                           "(PARTITION BY %s)) AS n",
                           key->where, violation_parts(v, key, "", "", ", "));
}

/* The table has n's key, in another row. */
static const char *is_there(struct violation *v, const struct violated_key *key)
{
    bool update = v->dml.verb == DML_UPDATE;

    return violation_print(v, "EXISTS (SELECT 1 FROM (SELECT %s* FROM %s %s) AS o WHERE %s = %s%s)",
                           update ? "rowid AS " violation_id ", " : "",
                           violation_name(v, v->dml.table), key->where,
                           violation_tuple(v, key, "o."), violation_tuple(v, key, "n."),
                           update ? " AND o." violation_id " <> n." violation_id : "");
}

/* Another row has n's key: one before it, of an UPDATE any. */
static const char *is_doubled(struct violation *v, const struct violated_key *key)
{
    return violation_print(v, "%s AND %s",
                           v->dml.verb == DML_UPDATE ? "\"pond least\" <> \"pond most\""
                                                     : "\"pond least\" < n." violation_id,
                           violation_parts(v, key, "n.", " IS NOT NULL", " AND "));
}

/* Whether a row before it was inserted hangs on others: none that may have been has its key. */
static const char *none_is_doubled(struct violation *v, const struct violated_key *key,
                                   const struct violated_key *target)
{
    return violation_print(v,
                           " AND NOT EXISTS (SELECT 1 FROM " violation_new
                           " AS d WHERE %s AND NOT %s GROUP BY %s HAVING count(*) > 1)",
                           violation_parts(v, key, "d.", " IS NOT NULL", " AND "),
                           violation_is_taken(v, target, "d."),
                           violation_parts(v, key, "d.", "", ", "));
}

/* target: that of ON CONFLICT; NULL: there is none. Of an UPDATE's keys two are enough. */
static const char *question(struct violation *v, const struct violated_key *key,
                            const struct violated_key *target)
{
    bool update = v->dml.verb == DML_UPDATE;
    const char *rows = violation_rows(v, violation_new, VIOLATION_IN_ORDER);
    const char *condition =
        target == NULL
            ? violation_print(v, "%s OR %s", is_there(v, key), is_doubled(v, key))
            : violation_print(v, "%s%s%s", is_there(v, key), violation_is_inserted(v, target),
                              none_is_doubled(v, key, target));

    return violation_print(v, "%s SELECT %s%s FROM %s WHERE %s %s", violation_with(v, rows),
                           update ? "DISTINCT " : "", violation_parts(v, key, "n.", "", ", "),
                           numbered(v, key), condition,
                           update ? "LIMIT 2" : "ORDER BY n." violation_id " LIMIT 1");
}

static int ask(struct violation *v, const struct violated_key *key,
               const struct violated_key *target, struct failure *failure)
{
    const char *told;

    violation_want(v, key);
    violation_want_mentioned(v, view_of_str(key->where));
    if (target != NULL) {
        violation_want_more(target);
    }
    int r = violation_ask_key(v, question(v, key, target), key, true, &told);
    if (told != NULL) {
        failure_add(failure, FIELD_DETAIL, "%s already exists.", told);
    }
    return r;
}

/* ---- which key was it? ---- */

static int ask_failed(struct violation *v, const struct violated_key *key, struct failure *failure)
{
    struct violated_key target;

    for (size_t i = 0; i < key->count; i++) {
        if (!violation_conflict_leaves(v, key->columns[i], false)) {
            return CURSOR_END;
        }
    }
    if (v->dml.conflict.text.len == 0) {
        return ask(v, key, NULL, failure);
    }
    return violation_conflict_target(v, &target) ? ask(v, key, &target, failure) : CURSOR_END;
}

struct search {
    const char *name; /* of the key that SQLite tells */
    struct failure *failure;
};

/* PostgreSQL looks at the oldest key first, SQLite at the youngest: of one row that meets several,
 * the oldest is told. False: it was that one. */
static bool look_at(struct violation *v, const char *name, const struct violated_key *key,
                    void *arg)
{
    struct search *search = arg;
    bool told_by_sqlite = strcmp(name, search->name) == 0;
    struct failure *failure = search->failure;

    if (key != NULL && told_by_sqlite) {
        (void)!ask_failed(v, key, failure);
    } else if (key != NULL && v->dml.one_row && v->dml.conflict.text.len == 0) {
        struct failure told;

        constraint_tell_duplicate(v->dml.table, name, &told);
        (void)!ask(v, key, NULL, &told);
        *failure = failure_get(&told, FIELD_DETAIL) != NULL ? told : *failure;
    }
    return !told_by_sqlite && failure_get(failure, FIELD_DETAIL) == NULL;
}

/* Then the rows among themselves cannot be compared byte by byte. (int4 and others are the width of
 * a rowid: sql/types.h.) */
static bool collates(struct violation *v)
{
    return !violation_has_none(
        v,
        "SELECT 1 FROM pragma_index_list(?1) AS i, pragma_index_xinfo(i.name) AS x WHERE "
        "i.\"unique\" AND lower(x.coll) NOT IN ('binary', 'int2', 'int4', 'int8')",
        v->dml.table);
}

int violation_unique(struct violation *v, struct failure *failure)
{
    const char *name = failure_get(failure, FIELD_CONSTRAINT);
    struct search search = { .failure = failure };

    if (name == NULL || (!v->dml.one_row && collates(v))) {
        return CURSOR_END;
    }
    search.name = violation_copy(v, view_of_str(name)); /* the failure may become another one */
    return v->r == 0 ? violation_each_key(v, look_at, &search) : v->r;
}
