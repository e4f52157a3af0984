/* sql/violation_foreign.c: which foreign key a statement has violated, and with which values.
 *
 * SQLite counts the rows that violate one, of all keys together, and says no more than that there
 * are some at the statement's end. So each key that comes into question is looked at: rows without
 * a parent, and rows that are gone and are still referred to. */
#include "sql/violation_impl.h"

#include "pool/session.h"
#include "pool/sqlite_error.h"
#include "pool/sqltext.h"
#include "sql/session_state.h"

#include <stdio.h>
#include <string.h>

static int take_reference(struct violation *v, const struct cell *cells, void *arg)
{
    struct references *all = arg;
    struct reference *one = arena_alloc(&v->arena, sizeof(*one));

    if (one == NULL) {
        return FAILED;
    }
    *one = (struct reference){
        .child = violation_text(v, &cells[0]),
        .parent = violation_text(v, &cells[1]),
        .columns = violation_text(v, &cells[2]),
        .targets = violation_text(v, &cells[3]),
        .on_delete = violation_text(v, &cells[4]),
        .on_update = violation_text(v, &cells[5]),
        .deferred = cells[6].i != 0,
    };
    *all->tail = one;
    all->tail = &one->next;
    return 0;
}

/* In the order in which they were declared: SQLite numbers them backward. */
#define REFERENCES(of)                                                                           \
    "SELECT m.name, k.\"table\", group_concat(k.\"from\", ', '), group_concat(k.\"to\", ', '), " \
    "k.on_delete, k.on_update, instr(upper(m.sql), 'DEFERRED') FROM sqlite_schema AS m, "        \
    "pragma_foreign_key_list(m.name) AS k "                                                      \
    "WHERE m.type = 'table' AND " of                                                             \
    " = ?1 COLLATE nocase GROUP BY m.name, k.id ORDER BY m.rowid, k.id DESC"

int violation_references(struct violation *v, bool of_child, struct references *ret_all)
{
    struct cell name = { .kind = CELL_TEXT, .bytes = view_of_str(v->dml.table) };
    const char *question = of_child ? REFERENCES("m.name") : REFERENCES("k.\"table\"");

    *ret_all = (struct references){ .first = NULL };
    ret_all->tail = &ret_all->first;
    return violation_ask(v, view_of_str(question), &name, 1, take_reference, ret_all);
}

/* ---- the questions ---- */

/* a."x" = b."y" AND ...; b's names have the prefix. */
static void put_equal(struct violation_query *q, const char *a, const char *a_names, const char *b,
                      const char *b_names, const char *prefix)
{
    char x[table_name_bytes], y[table_name_bytes];
    bool first = true;

    while (violation_next_name(&a_names, x) && violation_next_name(&b_names, y)) {
        violation_put(q, first ? "" : " AND ");
        violation_put(q, a);
        violation_put_name(q, "", x);
        violation_put(q, " = ");
        violation_put(q, b);
        violation_put_name(q, prefix, y);
        first = false;
    }
}

static void put_selected(struct violation_query *q, const struct violated_key *key,
                         const char *prefix)
{
    violation_put(q, " SELECT ");
    for (size_t i = 0; i < key->count; i++) {
        violation_put(q, i > 0 ? ", n." : "n.");
        violation_put_name(q, prefix, key->columns[i]->name);
    }
    violation_put(q, " FROM " violation_rows " AS n WHERE ");
}

static int tell(struct violation *v, const struct cell *cells, void *arg)
{
    struct reference_answer *answer = arg;
    const struct reference *ref = answer->reference;
    struct failure told = *answer->failure;
    char end[2 * table_name_bytes];

    constraint_tell_foreign_key(session_sqlite(v->sql->session), ref->child, ref->parent,
                                ref->columns, answer->of_child, &told);
    snprintf(end, sizeof end,
             answer->of_child ? "is not present in table \"%s\"."
                              : "is still referenced from table \"%s\".",
             answer->of_child ? ref->parent : ref->child);
    if (violation_tell_key(v, answer->key, false, cells, end, &told) != 0) {
        return FAILED;
    }
    *answer->failure = told;
    answer->told = true;
    return CURSOR_END;
}

static int primary_key(struct violation *v, const struct cell *cells, void *arg)
{
    struct reference *reference = arg;

    reference->targets = violation_text(v, &cells[0]);
    return 0;
}

/* REFERENCES t without columns. */
bool violation_targets(struct violation *v, struct reference *reference)
{
    static const char text[] = "SELECT group_concat(name, ', ') FROM (SELECT name FROM "
                               "pragma_table_info(?1) WHERE pk > 0 ORDER BY pk)";
    struct cell name = { .kind = CELL_TEXT, .bytes = view_of_str(reference->parent) };

    return reference->targets[0] != '\0' ||
           (violation_ask(v, view_of_str(text), &name, 1, primary_key, reference) == CURSOR_END &&
            reference->targets[0] != '\0');
}

/* Which columns the question needs: in the end *all. */
static bool gather(struct violation *v, struct reference *ref, struct violated_key *ret_key,
                   struct violated_key *ret_target, struct violated_key *ret_all)
{
    struct violated_key targets;

    if (!violation_targets(v, ref) || !violation_key_of(v, ref->columns, ret_key)) {
        return false;
    }
    *ret_all = *ret_key;
    if (sqltext_names_equal(ref->parent, v->dml.table) &&
        (!violation_key_of(v, ref->targets, &targets) || !violation_key_join(ret_all, &targets))) {
        return false;
    }
    return v->dml.conflict.text.len == 0 ||
           (violation_conflict_target(v, ret_target) && violation_key_join(ret_all, ret_target));
}

/* Without a parent, also among the rows themselves. */
static void put_orphaned(struct violation_query *q, const struct violation *v,
                         const struct reference *ref, const struct violated_key *key)
{
    for (size_t i = 0; i < key->count; i++) {
        violation_put(q, "n.");
        violation_put_name(q, "", key->columns[i]->name);
        violation_put(q, " IS NOT NULL AND ");
    }
    violation_put(q, "NOT EXISTS (SELECT 1 FROM ");
    violation_put_name(q, "", ref->parent);
    violation_put(q, " AS o WHERE ");
    put_equal(q, "o.", ref->targets, "n.", ref->columns, "");
    violation_put(q, ")");
    if (sqltext_names_equal(ref->parent, v->dml.table)) {
        violation_put(q, " AND NOT EXISTS (SELECT 1 FROM " violation_rows " AS e WHERE ");
        put_equal(q, "e.", ref->targets, "n.", ref->columns, "");
        violation_put(q, ")");
    }
}

/* Is it the key that the failure names? */
static bool is_named(struct violation *v, const struct reference *ref,
                     const struct failure *failure)
{
    const char *wanted = failure_get(failure, FIELD_CONSTRAINT);
    char name[constraint_name_bytes];

    constraint_name(session_sqlite(v->sql->session), ref->child, TABLE_FOREIGN_KEY, ref->columns,
                    name, sizeof name);
    return wanted != NULL && strcmp(wanted, name) == 0;
}

static int look_at_child(struct violation *v, struct reference *ref,
                         struct reference_answer *answer)
{
    struct violation_query q = { .r = 0 };
    struct violated_key key, target, all;
    struct violation_wish wish = { .key = &all,
                                   .is_new = true,
                                   .numbered = v->dml.conflict.text.len > 0 };

    if (v->standing && !is_named(v, ref, answer->failure)) {
        return CURSOR_END;
    }
    if (!gather(v, ref, &key, &target, &all)) {
        return FAILED;
    }
    answer->reference = ref;
    answer->key = &key;
    answer->of_child = true;
    violation_put_rows(v, &wish, &q);
    put_selected(&q, &key, "");
    put_orphaned(&q, v, ref, &key);
    if (v->dml.conflict.text.len > 0) {
        violation_put_not_taken(v, &target, &q);
    }
    violation_put(&q, " LIMIT 1");
    return violation_run(v, &q, tell, answer);
}

static bool is_refused(const char *action)
{
    return strcmp(action, "NO ACTION") == 0 || strcmp(action, "RESTRICT") == 0;
}

/* Rows that are referred to, and no longer there. */
static int look_at_parent(struct violation *v, struct reference *ref,
                          struct reference_answer *answer)
{
    bool update = v->dml.verb == DML_UPDATE;
    struct violation_query q = { .r = 0 };
    struct violated_key key;
    struct violation_wish wish = { .key = &key, .is_new = update, .is_old = true };

    if (!is_refused(update ? ref->on_update : ref->on_delete)) {
        return CURSOR_END;
    }
    if (!violation_targets(v, ref) || !violation_key_of(v, ref->targets, &key)) {
        return FAILED;
    }
    answer->reference = ref;
    answer->key = &key;
    answer->of_child = false;
    violation_put_rows(v, &wish, &q);
    put_selected(&q, &key, violation_old);
    violation_put(&q, "EXISTS (SELECT 1 FROM ");
    violation_put_name(&q, "", ref->child);
    violation_put(&q, " AS c WHERE ");
    put_equal(&q, "c.", ref->columns, "n.", ref->targets, violation_old);
    if (!update && sqltext_names_equal(ref->child, v->dml.table)) {
        violation_put(&q,
                      " AND c.rowid NOT IN (SELECT " violation_rowid " FROM " violation_rows ")");
    }
    if (update) {
        violation_put(&q, ") AND NOT EXISTS (SELECT 1 FROM " violation_rows " AS e WHERE ");
        put_equal(&q, "e.", ref->targets, "n.", ref->targets, violation_old);
    }
    violation_put(&q, ") LIMIT 1");
    return violation_run(v, &q, tell, answer);
}

/* ---- all of them ---- */

typedef int look_fn(struct violation *v, struct reference *ref, struct reference_answer *answer);

static int look_at_all(struct violation *v, const struct references *all, look_fn *look,
                       struct reference_answer *answer)
{
    int r = CURSOR_END;

    for (struct reference *ref = all->first; r == CURSOR_END && ref != NULL && !answer->told;
         ref = ref->next) {
        r = look(v, ref, answer);
    }
    return r;
}

int violation_parents(struct violation *v, const struct references *to,
                      struct reference_answer *answer)
{
    return look_at_all(v, to, look_at_parent, answer);
}

/* Keys that are INITIALLY DEFERRED are violated here and there without failing, and SQLite does not
 * tell them from others: where there are such, only a key that is alone can be told. Of rows that
 * are there the failure says which. */
static void count_keys(const struct references *all, size_t *count, bool *deferred)
{
    for (const struct reference *ref = all->first; ref != NULL; ref = ref->next) {
        *deferred = *deferred || ref->deferred;
        *count += 1;
    }
}

static bool can_be_told(const struct references *own, const struct references *to)
{
    bool deferred = false;
    size_t count = 0;

    count_keys(own, &count, &deferred);
    count_keys(to, &count, &deferred);
    return !deferred || count == 1;
}

int violation_foreign(struct violation *v, struct failure *failure)
{
    struct reference_answer answer = { .failure = failure };
    struct references own, to = { .first = NULL };
    int r = violation_references(v, true, &own);

    if (r == CURSOR_END && !v->standing) {
        r = violation_references(v, false, &to);
        r = r == CURSOR_END && !can_be_told(&own, &to) ? FAILED : r;
    }
    if (v->dml.verb != DML_DELETE && r == CURSOR_END) {
        r = look_at_all(v, &own, look_at_child, &answer);
    }
    if (v->dml.verb != DML_INSERT && !v->standing && r == CURSOR_END && !answer.told) {
        r = violation_parents(v, &to, &answer);
    }
    if (v->dml.verb == DML_DELETE && r == CURSOR_END && !answer.told) {
        r = violation_cascades(v, &to, &answer);
    }
    return r;
}
