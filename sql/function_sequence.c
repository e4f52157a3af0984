/* sql/function_sequence.c: nextval(), currval(), setval(), lastval() over pond_sequence and
 * SQLite's AUTOINCREMENT.
 *
 * They run small statements inside the client's, on the same connection; the rewriter has marked
 * that one as a writer. What a session's currval() and lastval() say is kept in a list of the
 * session. */
#include "sql/function_support.h"

#include "base/alloc.h"
#include "pool/session.h"
#include "sql/sequence.h"
#include "sql/session_state.h"

#include <stdio.h>
#include <string.h>

enum { name_max = 128, currvals_max = 1000 };

struct currval {
    struct currval *next;
    int64_t value;
    char name[];
};

static void finalizep(sqlite3_stmt **stmt)
{
    sqlite3_finalize(*stmt);
}

/* ---- what this session got last ---- */

void sequences_discard(struct sql_session *sql)
{
    while (sql->currvals != NULL) {
        struct currval *gone = sql->currvals;
        sql->currvals = gone->next;
        mem_free(gone);
    }
}

static struct currval *find_currval(struct sql_session *sql, const char *name)
{
    struct currval *k = sql->currvals;

    while (k != NULL && strcmp(k->name, name) != 0) {
        k = k->next;
    }
    return k;
}

/* The youngest is the first: lastval(). */
static bool note_currval(sqlite3_context *c, const char *name, int64_t value)
{
    struct sql_session *sql = fn_sql(c);
    size_t count = 0;

    for (struct currval **at = &sql->currvals; *at != NULL; at = &(*at)->next, count++) {
        if (strcmp((*at)->name, name) == 0) {
            struct currval *known = *at;
            known->value = value;
            *at = known->next;
            known->next = sql->currvals;
            sql->currvals = known;
            return true;
        }
    }
    struct currval *k = count >= currvals_max ? NULL : mem_zalloc(sizeof *k + strlen(name) + 1);
    if (k == NULL) {
        sqlite3_result_error_nomem(c);
        return false;
    }
    k->value = value;
    strcpy(k->name, name);
    k->next = sql->currvals;
    sql->currvals = k;
    return true;
}

/* ---- names ---- */

/* "public.s", '"S"', "s": the last part, folded unless quoted. */
static void sequence_name(struct view text, char name[name_max])
{
    size_t used = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.len && used + 1 < name_max; i++) {
        char ch = (char)text.data[i];
        if (ch == '"') {
            quoted = !quoted;
        } else if (ch == '.' && !quoted) {
            used = 0;
        } else {
            name[used++] = quoted || ch < 'A' || ch > 'Z' ? ch : (char)(ch + 32);
        }
    }
    name[used] = '\0';
}

static bool prepare(sqlite3_context *c, const char *text, const char *name, sqlite3_stmt **ret_stmt)
{
    struct sqlite3 *db = sqlite3_context_db_handle(c);

    if (sqlite3_prepare_v2(db, text, -1, ret_stmt, NULL) != SQLITE_OK) {
        return false; /* there is no such table: no sequence was ever made */
    }
    sqlite3_bind_text(*ret_stmt, 1, name, -1, SQLITE_STATIC);
    return true;
}

/* "t_id_seq" of a serial primary key: its table. */
static bool find_serial(sqlite3_context *c, const char *name, char table[name_max])
{
    cleanup(finalizep) sqlite3_stmt *stmt = NULL;

    if (!prepare(
            c,
            "SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) i WHERE m.type = "
            "'table' AND "
            "i.pk = 1 AND m.sql LIKE '%AUTOINCREMENT%' AND m.name || '_' || i.name || '_seq' = ?1",
            name, &stmt) ||
        sqlite3_step(stmt) != SQLITE_ROW) {
        return false;
    }
    snprintf(table, name_max, "%s", (const char *)sqlite3_column_text(stmt, 0));
    return true;
}

static void no_sequence(sqlite3_context *c, const char *name)
{
    fn_fail(c, "42P01", "relation \"%s\" does not exist", name);
}

/* ---- SQLite's own ---- */

static int64_t serial_get(sqlite3_context *c, const char *table)
{
    cleanup(finalizep) sqlite3_stmt *stmt = NULL;

    return prepare(c, "SELECT seq FROM sqlite_sequence WHERE name = ?1", table, &stmt) &&
                   sqlite3_step(stmt) == SQLITE_ROW
               ? sqlite3_column_int64(stmt, 0)
               : 0;
}

static bool run_stmt(sqlite3_context *c, sqlite3_stmt *stmt)
{
    if (sqlite3_step(stmt) == SQLITE_DONE) {
        return true;
    }
    fn_fail(c, "25006", "cannot execute nextval() here: %s",
            sqlite3_errmsg(sqlite3_context_db_handle(c)));
    return false;
}

static bool serial_set(sqlite3_context *c, const char *table, int64_t value)
{
    cleanup(finalizep) sqlite3_stmt *gone = NULL;
    cleanup(finalizep) sqlite3_stmt *put = NULL;

    if (!prepare(c, "DELETE FROM sqlite_sequence WHERE name = ?1", table, &gone) ||
        !prepare(c, "INSERT INTO sqlite_sequence(name, seq) VALUES (?1, ?2)", table, &put)) {
        sqlite3_result_error_nomem(c);
        return false;
    }
    sqlite3_bind_int64(put, 2, value);
    return run_stmt(c, gone) && run_stmt(c, put);
}

/* ---- pond's ---- */

static bool load(sqlite3_context *c, const char *name, struct sequence *s)
{
    cleanup(finalizep) sqlite3_stmt *stmt = NULL;

    if (!prepare(
            c, "SELECT increment, min, max, cycle, last, called FROM pond_sequence WHERE name = ?1",
            name, &stmt) ||
        sqlite3_step(stmt) != SQLITE_ROW) {
        return false;
    }
    *s = (struct sequence){ .increment = sqlite3_column_int64(stmt, 0),
                            .min = sqlite3_column_int64(stmt, 1),
                            .max = sqlite3_column_int64(stmt, 2),
                            .cycle = sqlite3_column_int(stmt, 3) != 0,
                            .last = sqlite3_column_int64(stmt, 4),
                            .called = sqlite3_column_int(stmt, 5) != 0 };
    return true;
}

static bool save(sqlite3_context *c, const char *name, int64_t last, bool called)
{
    cleanup(finalizep) sqlite3_stmt *stmt = NULL;

    if (!prepare(c, "UPDATE pond_sequence SET last = ?2, called = ?3 WHERE name = ?1", name,
                 &stmt)) {
        sqlite3_result_error_nomem(c);
        return false;
    }
    sqlite3_bind_int64(stmt, 2, last);
    sqlite3_bind_int(stmt, 3, called);
    return run_stmt(c, stmt);
}

/* The next number, or a failure at the end of those that do not cycle. */
static bool step(sqlite3_context *c, const char *name, const struct sequence *s, int64_t *ret_next)
{
    bool up = s->increment > 0;
    int64_t next = s->last;

    if (s->called &&
        (__builtin_add_overflow(s->last, s->increment, &next) || next > s->max || next < s->min)) {
        if (!s->cycle) {
            fn_fail(c, "2200H", "nextval: reached %s value of sequence \"%s\" (%lld)",
                    up ? "maximum" : "minimum", name, (long long)(up ? s->max : s->min));
            return false;
        }
        next = up ? s->min : s->max;
    }
    *ret_next = next;
    return true;
}

/* ---- the functions ---- */

FN(nextval)
{
    char name[name_max], table[name_max];
    struct sequence s;
    int64_t next = 0;
    bool ok = false;

    if (fn_any_null(n, v)) {
        return;
    }
    sequence_name(fn_text(v[0]), name);
    if (fn_sql(c)->looks_back) {
        const struct currval *known = find_currval(fn_sql(c), name);

        if (known != NULL) {
            sqlite3_result_int64(c, known->value); /* what it gave to the row that has failed */
        }
        return;
    }
    if (load(c, name, &s)) {
        ok = step(c, name, &s, &next) && save(c, name, next, true);
    } else if (find_serial(c, name, table)) {
        next = serial_get(c, table) + 1;
        ok = serial_set(c, table, next);
    } else {
        no_sequence(c, name);
    }
    if (ok && note_currval(c, name, next)) {
        sqlite3_result_int64(c, next);
    }
}

FN(setval)
{
    char name[name_max], table[name_max];
    struct sequence s;
    bool ok = false;

    if (fn_any_null(n, v)) {
        return;
    }
    int64_t value = sqlite3_value_int64(v[1]);
    bool called = n < 3 || sqlite3_value_int(v[2]) != 0;
    sequence_name(fn_text(v[0]), name);
    if (load(c, name, &s)) {
        if (value < s.min || value > s.max) {
            fn_fail(c, "22003",
                    "setval: value %lld is out of bounds for sequence \"%s\" (%lld..%lld)",
                    (long long)value, name, (long long)s.min, (long long)s.max);
            return;
        }
        ok = save(c, name, value, called);
    } else if (find_serial(c, name, table)) {
        ok = serial_set(c, table, called ? value : value - 1);
    } else {
        no_sequence(c, name);
    }
    if (ok && (!called || note_currval(c, name, value))) {
        sqlite3_result_int64(c, value);
    }
}

FN(currval)
{
    char name[name_max], table[name_max];
    struct sequence s;

    if (fn_any_null(n, v)) {
        return;
    }
    sequence_name(fn_text(v[0]), name);
    const struct currval *known = find_currval(fn_sql(c), name);
    if (find_serial(c, name, table) &&
        sqlite3_last_insert_rowid(sqlite3_context_db_handle(c)) != 0) {
        sqlite3_result_int64(c,
                             serial_get(c, table)); /* an INSERT took its number without a call */
    } else if (known != NULL) {
        sqlite3_result_int64(c, known->value);
    } else if (load(c, name, &s) || find_serial(c, name, table)) {
        fn_fail(c, "55000", "currval of sequence \"%s\" is not yet defined in this session", name);
    } else {
        no_sequence(c, name);
    }
}

FN(lastval)
{
    const struct sql_session *sql = fn_sql(c);
    int64_t inserted = sqlite3_last_insert_rowid(sqlite3_context_db_handle(c));

    (void)n;
    (void)v;
    if (sql->currvals != NULL) {
        sqlite3_result_int64(c, sql->currvals->value);
    } else if (inserted != 0) {
        sqlite3_result_int64(c, inserted);
    } else {
        fn_fail(c, "55000", "lastval is not yet defined in this session");
    }
}

/* pg_get_serial_sequence('t', 'c') by the name that its sequence has. */
FN(serial_sequence)
{
    char name[name_max], table[name_max], found[name_max];
    struct sequence s;

    if (fn_any_null(n, v)) {
        return;
    }
    sequence_name(fn_text(v[0]), table);
    struct view column = fn_text(v[1]);
    if (snprintf(name, sizeof name, "%s_%.*s_seq", table, (int)column.len,
                 (const char *)column.data) < (int)sizeof name &&
        (load(c, name, &s) || find_serial(c, name, found))) {
        cleanup(buf_finish) struct buf out = { 0 };
        fn_result_buf(c, &out, buf_printf(&out, "public.%s", name));
    }
}

/* clang-format off */
#define T OID_TEXT
#define FL FUNCTION_VOLATILE | FUNCTION_WRITES
static const struct function rows[] = {
    { "nextval", 1, 1, { 0 }, RESULT_FIXED, OID_INT8, FL, NULL, nextval, NULL, NULL },
    { "setval", 2, 3, { 0, OID_INT8, OID_BOOL }, RESULT_FIXED, OID_INT8, FL, NULL, setval, NULL, NULL },
    { "currval", 1, 1, { 0 }, RESULT_FIXED, OID_INT8, FUNCTION_VOLATILE, NULL, currval, NULL, NULL },
    { "lastval", 0, 0, { 0 }, RESULT_FIXED, OID_INT8, FUNCTION_VOLATILE, NULL, lastval, NULL, NULL },
    { "pg_get_serial_sequence", 2, 2, { T, T }, RESULT_FIXED, T, FUNCTION_VOLATILE, NULL, serial_sequence, NULL, NULL },
};
/* clang-format on */

FUNCTION_TABLE(function_sequence_table, rows);
