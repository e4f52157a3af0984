/* See support_vfs.h. */
#include "support_vfs.h"

#include "pool/sqlite_setup.h"
#include "pool/vfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int setup_sqlite(void **state maybe_unused)
{
    return sqlite_setup();
}

sqlite3 *db_open(struct clone *clone)
{
    sqlite3 *db = NULL;

    assert_int_equal(vfs_open_clone(clone, &db), SQLITE_OK);
    return db;
}

int db_try(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

void db_exec(sqlite3 *db, const char *sql)
{
    int rc = db_try(db, sql);

    if (rc != SQLITE_OK) {
        fail_msg("%s\n  by: %.300s", sqlite3_errmsg(db), sql);
    }
}

void db_execf(sqlite3 *db, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *sql = sqlite3_vmprintf(format, args);
    va_end(args);
    assert_non_null(sql);
    db_exec(db, sql);
    sqlite3_free(sql);
}

int64_t db_int(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int64_t value = 0;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        fail_msg("%s\n  by: %s", sqlite3_errmsg(db), sql);
    }
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        value = sqlite3_column_int64(stmt, 0);
    }
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    return value;
}

static void append_rows(sqlite3 *db, const char *sql, sqlite3_str *out)
{
    sqlite3_stmt *stmt = NULL;
    int rc;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        fail_msg("%s\n  by: %s", sqlite3_errmsg(db), sql);
    }
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            const char *text = (const char *)sqlite3_column_text(stmt, i);
            sqlite3_str_appendf(out, "%s%s", i == 0 ? "" : "|", text == NULL ? "(null)" : text);
        }
        sqlite3_str_appendchar(out, 1, '\n');
    }
    if (rc != SQLITE_DONE) {
        fail_msg("%s\n  by: %s", sqlite3_errmsg(db), sql);
    }
    sqlite3_finalize(stmt);
}

static char *finish_str(sqlite3_str *str)
{
    char *text = sqlite3_str_finish(str);

    return text == NULL ? sqlite3_mprintf("") : text;
}

char *db_rows(sqlite3 *db, const char *sql)
{
    sqlite3_str *out = sqlite3_str_new(NULL);

    append_rows(db, sql, out);
    return finish_str(out);
}

char *db_dump(sqlite3 *db)
{
    sqlite3_str *out = sqlite3_str_new(NULL);
    sqlite3_stmt *tables = NULL;

    append_rows(db, "SELECT type,name,tbl_name,sql FROM sqlite_schema ORDER BY 1,2", out);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT name FROM sqlite_schema WHERE type='table' AND "
                                        "name NOT LIKE 'sqlite_%' ORDER BY 1",
                                        -1, &tables, NULL),
                     SQLITE_OK);
    while (sqlite3_step(tables) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(tables, 0);
        char *sql = sqlite3_mprintf("SELECT '%q',* FROM \"%w\" ORDER BY 2", name, name);
        append_rows(db, sql, out);
        sqlite3_free(sql);
    }
    assert_int_equal(sqlite3_finalize(tables), SQLITE_OK);
    append_rows(db, "PRAGMA integrity_check", out);
    return finish_str(out);
}

void assert_integrity(sqlite3 *db)
{
    char *said = db_rows(db, "PRAGMA integrity_check");

    assert_string_equal(said, "ok\n");
    sqlite3_free(said);
}

struct clone *clone_of(struct template *template_, size_t memory)
{
    struct clone_limits limits = { .memory = memory };
    struct clone *clone = NULL;

    assert_int_equal(clone_create(template_, &limits, &clone), 0);
    return clone;
}

struct template *template_of(const char *sql)
{
    struct template *empty = NULL;
    struct template *sealed = NULL;

    assert_int_equal(template_create_empty(&empty), 0);
    struct clone *clone = clone_of(empty, 0);
    sqlite3 *db = db_open(clone);
    db_exec(db, sql);
    sqlite3_close(db);
    assert_int_equal(template_seal(clone, &sealed), 0);
    clone_unref(clone);
    template_unref(empty);
    return sealed;
}

uint64_t test_seed(void)
{
    const char *given = getenv("POND_TEST_SEED");
    uint64_t seed = given == NULL ? (uint64_t)time(NULL) : strtoull(given, NULL, 10);

    print_message("POND_TEST_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

unsigned test_rounds(unsigned modest)
{
    const char *given = getenv("POND_TEST_ROUNDS");

    return given == NULL ? modest : (unsigned)strtoul(given, NULL, 10);
}

/* splitmix64: small, seedable with anything. */
uint32_t rnd(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) >> 16);
}

uint32_t rnd_below(uint64_t *state, uint32_t n)
{
    return rnd(state) % n;
}
