/* sql/violation_key.c: which row of an INSERT or UPDATE has a key that is there already.
 *
 * An INSERT is looked through in its order: the first row that meets one of the table's, or one
 * before it, is the one that failed. In which order an UPDATE came to its rows is not known, and a
 * key may have been free by then: so it is told only if no other could have failed. */
#include "sql/violation_impl.h"

#include "pool/session.h"
#include "pool/sqltext.h"
#include "sql/session_state.h"
#include "sql/verb_support.h"

#include <errno.h>

struct query {
    struct violation *v;
    const struct violated_key *key;
    struct buf text;
    int r;
};

static void put(struct query *q, const char *text)
{
    q->r = q->r == 0 ? buf_append_str(&q->text, text) : q->r;
}

/* a."x" = b."x" AND ... */
static void put_equal(struct query *q, const char *a, const char *b, const struct violated_key *key)
{
    for (size_t i = 0; i < key->count; i++) {
        put(q, i > 0 ? " AND " : "");
        q->r = q->r == 0 ? violation_print_part(key, i, a, &q->text) : q->r;
        put(q, " = ");
        q->r = q->r == 0 ? violation_print_part(key, i, b, &q->text) : q->r;
    }
}

/* a."x", lower(a."y") with something behind each. */
static void put_parts(struct query *q, const char *a, const char *behind, const char *between)
{
    for (size_t i = 0; i < q->key->count; i++) {
        put(q, i > 0 ? between : "");
        q->r = q->r == 0 ? violation_print_part(q->key, i, a, &q->text) : q->r;
        put(q, behind);
    }
}

/* As far as a partial index has them. */
static void put_where(struct query *q)
{
    if (q->key->where.len > 0) {
        put(q, " WHERE ");
        q->r = q->r == 0 ? buf_append_view(&q->text, q->key->where) : q->r;
    }
}

/* The rows, numbered among those of the same key; of an UPDATE the first and last of these. */
static void put_rows(struct query *q)
{
    if (q->v->dml.verb == DML_INSERT) {
        put(q, "(SELECT *, row_number() OVER (PARTITION BY ");
        put_parts(q, "", "", ", ");
        put(q, " ORDER BY " violation_at ") AS \"pond nth\"");
    } else {
        put(q, "(SELECT *, min(" violation_rowid ") OVER (PARTITION BY ");
        put_parts(q, "", "", ", ");
        put(q, ") AS \"pond least\", max(" violation_rowid ") OVER (PARTITION BY ");
        put_parts(q, "", "", ", ");
        put(q, ") AS \"pond most\"");
    }
    put(q, " FROM " violation_rows);
    put_where(q);
    put(q, ") AS n");
}

/* ---- the questions ---- */

/* The table has n's key, in another row. */
static void put_taken(struct query *q)
{
    bool update = q->v->dml.verb == DML_UPDATE;

    put(q, update ? "EXISTS (SELECT 1 FROM (SELECT rowid AS " violation_rowid ", * FROM "
                  : "EXISTS (SELECT 1 FROM (SELECT * FROM ");
    q->r = q->r == 0 ? verb_ident(&q->text, q->v->dml.table) : q->r;
    put_where(q);
    put(q, ") AS o WHERE ");
    put_equal(q, "o.", "n.", q->key);
    put(q, update ? " AND o." violation_rowid " <> n." violation_rowid ")" : ")");
}

/* Another row has n's key: one before it, of an UPDATE any. */
static void put_doubled(struct query *q)
{
    put(q, q->v->dml.verb == DML_UPDATE ? "(n.\"pond least\" <> n.\"pond most\" AND "
                                        : "(n.\"pond nth\" > 1 AND ");
    put_parts(q, "n.", " IS NOT NULL", " AND ");
    put(q, ")");
}

/* Whether a row before it was inserted hangs on others: none that may have been has its key. */
static void put_no_doubles(struct query *q, const struct violated_key *target)
{
    put(q, " AND NOT EXISTS (SELECT 1 FROM (SELECT row_number() OVER (PARTITION BY ");
    put_parts(q, "d.", "", ", ");
    put(q, ") AS nth FROM " violation_rows " AS d WHERE ");
    put_parts(q, "d.", " IS NOT NULL", " AND ");
    put(q, " AND NOT EXISTS (SELECT 1 FROM ");
    q->r = q->r == 0 ? verb_ident(&q->text, q->v->dml.table) : q->r;
    put(q, " AS o WHERE ");
    put_equal(q, "o.", "d.", target);
    put(q, ")) WHERE nth > 1)");
}

static void put_insert(struct query *q, const struct violated_key *target)
{
    put(q, " SELECT ");
    put_parts(q, "n.", "", ", ");
    put(q, " FROM ");
    put_rows(q);
    put(q, " WHERE (");
    put_taken(q);
    if (target == NULL) {
        put(q, " OR ");
        put_doubled(q);
    }
    put(q, ")");
    if (target != NULL) {
        q->r = q->r == 0 ? violation_print_not_taken(q->v, target, &q->text) : q->r;
        put_no_doubles(q, target);
    }
    put(q, " ORDER BY n." violation_at " LIMIT 1");
}

static void put_update(struct query *q)
{
    put(q, " SELECT DISTINCT ");
    put_parts(q, "n.", "", ", ");
    put(q, " FROM ");
    put_rows(q);
    put(q, " WHERE (");
    put_taken(q);
    put(q, " OR ");
    put_doubled(q);
    put(q, ") LIMIT 2");
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
    cleanup(buf_finish) struct buf text = { 0 };
    struct query q = { .v = v, .key = key };
    struct violated_key all = { .count = 0 };
    struct violation_wish wish = { .key = &all, .is_new = true, .numbered = true };
    struct answer answer = { .key = key, .failure = failure, .untold = *failure };

    if (!violation_key_join(&all, key) || (target != NULL && !violation_key_join(&all, target)) ||
        !violation_key_mentioned(v, key->where, &all)) {
        return CURSOR_END;
    }
    q.r = violation_print_rows(v, &wish, &q.text);
    if (v->dml.verb == DML_INSERT) {
        put_insert(&q, target);
    } else {
        put_update(&q);
    }
    text = q.text;
    return q.r != 0 ? q.r : violation_ask_rows(v, &text, tell, &answer);
}

/* ---- which key was it? ---- */

static void set_duplicate(const struct violation *v, const char *name, struct failure *failure)
{
    failure_set(failure, "23505", "duplicate key value violates unique constraint \"%s\"", name);
    failure_add(failure, FIELD_SCHEMA, "public");
    failure_add(failure, FIELD_TABLE, "%s", v->dml.table);
    failure_add(failure, FIELD_CONSTRAINT, "%s", name);
}

/* False: it was that one. */
static bool look_at_older(struct violation *v, const char *name, void *arg)
{
    struct failure *failure = arg;
    struct violated_key key;
    struct failure told;

    if (violation_find_key(v, name, &key) != 0) {
        return true;
    }
    set_duplicate(v, name, &told);
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
    if (v->dml.conflict.len == 0) {
        return ask_in_order(v, name, &key, failure);
    }
    return violation_conflict_target(v, &target) && violation_conflict_leaves(v, &key, false)
               ? ask(v, &key, &target, failure)
               : CURSOR_END;
}
