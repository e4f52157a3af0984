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

#include <string.h>

static int take_reference(struct violation *v, const struct cell *cells, void *arg)
{
    struct reference ***tail = arg;
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
    };
    v->defers |= cells[6].i != 0;
    **tail = one;
    *tail = &one->next;
    return 0;
}

/* In the order in which they were declared: SQLite numbers them backward. REFERENCES t without
 * columns is its primary key. */
static int load_references(struct violation *v)
{
    static const char question[] =
        "SELECT m.name, k.\"table\", group_concat(k.\"from\", ', '), coalesce(group_concat("
        "k.\"to\", ', '), (SELECT group_concat(name, ', ') FROM (SELECT name FROM "
        "pragma_table_info(k.\"table\") WHERE pk > 0 ORDER BY pk))), k.on_delete, k.on_update, "
        "instr(upper(m.sql), 'DEFERRED') FROM " violation_schema
        " AS m, pragma_foreign_key_list(m.name) AS k WHERE m.type = 'table' AND (m.name = ?1 "
        "COLLATE nocase OR k.\"table\" = ?1 COLLATE nocase) GROUP BY m.place, m.number, k.id "
        "ORDER BY m.place, m.number, k.id DESC";
    struct reference **tail = &v->references;

    return violation_ask_schema(v, question, v->dml.table, take_reference, &tail);
}

/* ---- the questions ---- */

/* The question is for a row of v's table that violates the key. */
static int ask(struct violation *v, const char *question, const struct reference *ref,
               const struct violated_key *key, bool of_child, struct failure *failure)
{
    const char *told;
    int r = violation_ask_key(v, question, key, false, &told);

    if (told != NULL) {
        constraint_tell_foreign_key(session_sqlite(v->sql->session), ref->child, ref->parent,
                                    ref->columns, of_child, failure);
        failure_add(failure, FIELD_DETAIL,
                    of_child ? "%s is not present in table \"%s\"."
                             : "%s is still referenced from table \"%s\".",
                    told, of_child ? ref->parent : ref->child);
    }
    return r;
}

/* The key's columns, and of an upsert those of its target; they are wanted, and those that other
 * rows may have for a parent. False: one is not known. */
static bool gather(struct violation *v, const struct reference *ref, struct violated_key *ret_key,
                   struct violated_key *ret_target)
{
    struct violated_key targets = { .count = 0 };

    *ret_target = targets;
    if (!violation_key_of(v, ref->columns, ret_key) ||
        (sqltext_names_equal(ref->parent, v->dml.table) &&
         !violation_key_of(v, ref->targets, &targets)) ||
        (v->dml.conflict.text.len > 0 && !violation_conflict_target(v, ret_target))) {
        return false;
    }
    violation_want(v, ret_key);
    violation_want_more(&targets);
    violation_want_more(ret_target);
    return true;
}

/* EXISTS (...): a row of `table` has in `columns` what n has in `others`. */
static const char *exists(struct violation *v, const char *table, const char *columns,
                          const char *others, const char *more)
{
    return violation_print(v, "EXISTS (SELECT 1 FROM %s AS o WHERE %s = %s%s)", table,
                           violation_tuple_of(v, columns, "o."),
                           violation_tuple_of(v, others, "n."), more);
}

/* Without a parent, also among the rows themselves. */
static const char *is_orphaned(struct violation *v, const struct reference *ref,
                               const struct violated_key *key)
{
    const char *among = "";

    if (sqltext_names_equal(ref->parent, v->dml.table)) {
        among = violation_print(v, " AND NOT %s",
                                exists(v, violation_new, ref->targets, ref->columns, ""));
    }
    return violation_print(
        v, "%s AND NOT %s%s", violation_parts(v, key, "n.", " IS NOT NULL", " AND "),
        exists(v, violation_name(v, ref->parent), ref->targets, ref->columns, ""), among);
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

static int look_at_child(struct violation *v, const struct reference *ref, struct failure *failure)
{
    bool upsert = v->dml.conflict.text.len > 0;
    struct violated_key key, target;

    if (v->dml.verb == DML_DELETE || !sqltext_names_equal(ref->child, v->dml.table) ||
        (v->standing && !is_named(v, ref, failure))) {
        return CURSOR_END;
    }
    if (!gather(v, ref, &key, &target)) {
        return FAILED;
    }
    const char *rows =
        violation_rows(v, violation_new, upsert ? VIOLATION_IN_ORDER : VIOLATION_NEW);
    const char *question =
        violation_print(v, "%s SELECT %s FROM " violation_new " AS n WHERE %s%s LIMIT 1",
                        violation_with(v, rows), violation_parts(v, &key, "n.", "", ", "),
                        is_orphaned(v, ref, &key), upsert ? violation_is_inserted(v, &target) : "");
    return ask(v, question, ref, &key, true, failure);
}

static bool is_refused(const char *action)
{
    return strcmp(action, "NO ACTION") == 0 || strcmp(action, "RESTRICT") == 0;
}

/* Rows that are referred to by others than those that go, and that no other takes the place of. */
static const char *is_missed(struct violation *v, const struct reference *ref)
{
    bool itself = sqltext_names_equal(ref->child, v->dml.table);
    const char *child = violation_name(v, ref->child);

    if (v->dml.verb == DML_DELETE) {
        return exists(
            v, child, ref->columns, ref->targets,
            itself ? " AND o.rowid NOT IN (SELECT " violation_id " FROM " violation_old ")" : "");
    }
    return violation_print(v, "%s AND NOT %s", exists(v, child, ref->columns, ref->targets, ""),
                           exists(v, violation_new, ref->targets, ref->targets, ""));
}

static int look_at_parent(struct violation *v, const struct reference *ref, struct failure *failure)
{
    bool update = v->dml.verb == DML_UPDATE;
    struct violated_key key;

    if (v->dml.verb == DML_INSERT || v->standing ||
        !sqltext_names_equal(ref->parent, v->dml.table) ||
        !is_refused(update ? ref->on_update : ref->on_delete)) {
        return CURSOR_END;
    }
    if (!violation_key_of(v, ref->targets, &key)) {
        return FAILED;
    }
    violation_want(v, &key);
    const char *rows = violation_rows(v, violation_old, VIOLATION_OLD);
    if (update) {
        rows = violation_print(v, "%s, %s", rows, violation_rows(v, violation_new, VIOLATION_NEW));
    }
    const char *question = violation_print(
        v, "%s SELECT %s FROM " violation_old " AS n WHERE %s LIMIT 1", violation_with(v, rows),
        violation_parts(v, &key, "n.", "", ", "), is_missed(v, ref));
    return ask(v, question, ref, &key, false, failure);
}

/* ---- all of them ---- */

/* Keys that are INITIALLY DEFERRED are violated here and there without failing, and SQLite does not
 * tell them from others: where there are such, only a key that is alone can be told. Of rows that
 * are there the failure says which. */
static bool can_be_told(const struct violation *v)
{
    return !v->defers || v->standing || v->references->next == NULL;
}

static int look_at_all(struct violation *v,
                       int (*look)(struct violation *v, const struct reference *ref,
                                   struct failure *failure),
                       struct failure *failure)
{
    int r = CURSOR_END;

    for (const struct reference *ref = v->references;
         r == CURSOR_END && ref != NULL && failure_get(failure, FIELD_DETAIL) == NULL;
         ref = ref->next) {
        r = look(v, ref, failure);
    }
    return r;
}

int violation_foreign(struct violation *v, struct failure *failure)
{
    int r = load_references(v);

    r = r == CURSOR_END && !can_be_told(v) ? FAILED : r;
    r = r == CURSOR_END ? look_at_all(v, look_at_child, failure) : r;
    r = r == CURSOR_END ? look_at_all(v, look_at_parent, failure) : r;
    return r == CURSOR_END ? look_at_all(v, violation_look_below, failure) : r;
}
