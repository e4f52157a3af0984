/* sql/violation_key.c: which row of an INSERT or UPDATE has a key that is there already.
 *
 * An INSERT is looked through in its order: the first row that meets one of the table's, or one
 * before it, is the one that failed. In which order an UPDATE came to its rows is not known, and a
 * key may have been free by then: so it is told only if no other could have failed. */
#include "sql/violation_impl.h"

#include "pool/session.h"
#include "pool/sqlite_error.h"
#include "pool/sqltext.h"
#include "sql/session_state.h"

struct asking {
    struct violation *v;
    const struct violated_key *key;
    struct violation_query q;
};

static void put(struct asking *a, const char *text)
{
    violation_put(&a->q, text);
}

static void put_parts(struct asking *a, const char *of, const char *behind, const char *between)
{
    violation_put_parts(&a->q, a->key, of, behind, between);
}

/* As far as a partial index has them. */
static void put_where(struct asking *a)
{
    if (a->key->where.len > 0) {
        put(a, " WHERE ");
        violation_put_view(&a->q, a->key->where);
    }
}

/* The rows, numbered among those of the same key; of an UPDATE the first and last of these. */
static void put_rows(struct asking *a)
{
    if (a->v->dml.verb == DML_INSERT) {
        put(a, "(SELECT *, row_number() OVER (PARTITION BY ");
        put_parts(a, "", "", ", ");
        put(a, " ORDER BY " violation_at ") AS \"pond nth\"");
    } else {
        put(a, "(SELECT *, min(" violation_rowid ") OVER (PARTITION BY ");
        put_parts(a, "", "", ", ");
        put(a, ") AS \"pond least\", max(" violation_rowid ") OVER (PARTITION BY ");
        put_parts(a, "", "", ", ");
        put(a, ") AS \"pond most\"");
    }
    put(a, " FROM " violation_rows);
    put_where(a);
    put(a, ") AS n");
}

/* ---- the questions ---- */

/* The table has n's key, in another row. */
static void put_taken(struct asking *a)
{
    bool update = a->v->dml.verb == DML_UPDATE;

    put(a, update ? "EXISTS (SELECT 1 FROM (SELECT rowid AS " violation_rowid ", * FROM "
                  : "EXISTS (SELECT 1 FROM (SELECT * FROM ");
    violation_put_name(&a->q, "", a->v->dml.table);
    put_where(a);
    put(a, ") AS o WHERE ");
    violation_put_equal(&a->q, a->key, "o.", "n.");
    put(a, update ? " AND o." violation_rowid " <> n." violation_rowid ")" : ")");
}

/* Another row has n's key: one before it, of an UPDATE any. */
static void put_doubled(struct asking *a)
{
    put(a, a->v->dml.verb == DML_UPDATE ? "(n.\"pond least\" <> n.\"pond most\" AND "
                                        : "(n.\"pond nth\" > 1 AND ");
    put_parts(a, "n.", " IS NOT NULL", " AND ");
    put(a, ")");
}

/* Whether a row before it was inserted hangs on others: none that may have been has its key. */
static void put_no_doubles(struct asking *a, const struct violated_key *target)
{
    put(a, " AND NOT EXISTS (SELECT 1 FROM (SELECT row_number() OVER (PARTITION BY ");
    put_parts(a, "d.", "", ", ");
    put(a, ") AS nth FROM " violation_rows " AS d WHERE ");
    put_parts(a, "d.", " IS NOT NULL", " AND ");
    put(a, " AND NOT EXISTS (SELECT 1 FROM ");
    violation_put_name(&a->q, "", a->v->dml.table);
    put(a, " AS o WHERE ");
    violation_put_equal(&a->q, target, "o.", "d.");
    put(a, ")) WHERE nth > 1)");
}

static void put_insert(struct asking *a, const struct violated_key *target)
{
    put(a, " SELECT ");
    put_parts(a, "n.", "", ", ");
    put(a, " FROM ");
    put_rows(a);
    put(a, " WHERE (");
    put_taken(a);
    if (target == NULL) {
        put(a, " OR ");
        put_doubled(a);
    }
    put(a, ")");
    if (target != NULL) {
        violation_put_not_taken(a->v, target, &a->q);
        put_no_doubles(a, target);
    }
    put(a, " ORDER BY n." violation_at " LIMIT 1");
}

static void put_update(struct asking *a)
{
    put(a, " SELECT DISTINCT ");
    put_parts(a, "n.", "", ", ");
    put(a, " FROM ");
    put_rows(a);
    put(a, " WHERE (");
    put_taken(a);
    put(a, " OR ");
    put_doubled(a);
    put(a, ") LIMIT 2");
}

struct answer {
    const struct violated_key *key;
    struct failure *failure;
    struct failure untold; /* the failure without a DETAIL */
    size_t count;
};

static int tell(struct violation *v, const struct cell *cells, void *arg)
{
    struct answer *answer = arg;

    if (answer->count++ > 0) {
        *answer->failure = answer->untold; /* it may have been the one or the other */
        return CURSOR_END;
    }
    return violation_tell_key(v, answer->key, true, cells, "already exists.", answer->failure);
}

static int ask(struct violation *v, const struct violated_key *key, struct violated_key *target,
               struct failure *failure)
{
    struct asking a = { .v = v, .key = key };
    struct violated_key all = { .count = 0 };
    struct violation_wish wish = { .key = &all, .is_new = true, .numbered = true };
    struct answer answer = { .key = key, .failure = failure, .untold = *failure };

    if (!violation_key_join(&all, key) || (target != NULL && !violation_key_join(&all, target)) ||
        !violation_key_mentioned(v, key->where, &all)) {
        return CURSOR_END;
    }
    violation_put_rows(v, &wish, &a.q);
    if (v->dml.verb == DML_INSERT) {
        put_insert(&a, target);
    } else {
        put_update(&a);
    }
    return violation_run(v, &a.q, tell, &answer);
}

/* ---- which key was it? ---- */

/* False: it was that one. */
static bool look_at_older(struct violation *v, const char *name, void *arg)
{
    struct failure *failure = arg;
    struct violated_key key;
    struct failure told;

    if (violation_find_key(v, name, &key) != 0) {
        return true;
    }
    constraint_tell_duplicate(v->dml.table, name, &told);
    (void)!ask(v, &key, NULL, &told);
    if (failure_get(&told, FIELD_DETAIL) == NULL) {
        return true;
    }
    *failure = told;
    return false;
}

/* PostgreSQL looks at the oldest key first, SQLite at the youngest: of one row that meets several,
 * the oldest is told. */
static int ask_in_order(struct violation *v, const char *name, const struct violated_key *key,
                        struct failure *failure)
{
    if (v->dml.verb == DML_INSERT && v->dml.one_row) {
        (void)!violation_each_older(v, name, look_at_older, failure);
    }
    return failure_get(failure, FIELD_DETAIL) == NULL ? ask(v, key, NULL, failure) : CURSOR_END;
}

int violation_unique(struct violation *v, struct failure *failure)
{
    const char *told = failure_get(failure, FIELD_CONSTRAINT);
    const char *name = told == NULL ? NULL : arena_strdup(&v->arena, told);
    struct violated_key key, target;

    if (name == NULL || violation_find_key(v, name, &key) != 0 ||
        (v->collates && !v->dml.one_row)) {
        return CURSOR_END; /* the rows among themselves are compared byte by byte */
    }
    if (v->dml.conflict.text.len == 0) {
        return ask_in_order(v, name, &key, failure);
    }
    return violation_conflict_target(v, &target) && violation_conflict_leaves(v, &key, false)
               ? ask(v, &key, &target, failure)
               : CURSOR_END;
}
