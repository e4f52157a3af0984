/* Rows as cells, against what SQLite's own column functions say. */
#include "pool/stmt_row.h"

#include "base/alloc.h"
#include "pool/sqlite_setup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { most_columns = 60 };

static sqlite3 *open_filled(void)
{
    sqlite3 *db;

    assert_int_equal(sqlite_setup(), SQLITE_OK);
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c);"
                     "INSERT INTO t SELECT n, n * 2, 'text ' || n, n / 3.0 FROM"
                     " (WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s LIMIT 50)"
                     " SELECT n FROM s);"
                     "INSERT INTO t VALUES (100, NULL, x'00ff', ''), (101, 1 << 40, x'', 'x');"
                     "CREATE TABLE u (id INTEGER PRIMARY KEY, a)",
                     NULL, NULL, NULL),
        SQLITE_OK);
    return db;
}

static void assert_same(sqlite3_stmt *stmt, int i, const struct cell *cell)
{
    switch (sqlite3_column_type(stmt, i)) {
    case SQLITE_INTEGER:
        assert_int_equal(cell->kind, CELL_INT);
        assert_int_equal(cell->i, sqlite3_column_int64(stmt, i));
        return;
    case SQLITE_FLOAT:
        assert_int_equal(cell->kind, CELL_REAL);
        assert_true(cell->r == sqlite3_column_double(stmt, i));
        return;
    case SQLITE_NULL:
        assert_int_equal(cell->kind, CELL_NULL);
        return;
    default:
        assert_int_equal(cell->kind,
                         sqlite3_column_type(stmt, i) == SQLITE_TEXT ? CELL_TEXT : CELL_BLOB);
        assert_true(view_equal(cell->bytes, view_of(sqlite3_column_blob(stmt, i),
                                                    (size_t)sqlite3_column_bytes(stmt, i))));
    }
}

static size_t compare_rows(sqlite3_stmt *stmt, struct stmt_row *row)
{
    size_t rows = 0;

    for (; sqlite3_step(stmt) == SQLITE_ROW; rows++) {
        assert_true(stmt_row_read(row, stmt));
        for (size_t i = 0; i < row->columns; i++) {
            assert_same(stmt, (int)i, &row->cells[i]);
        }
    }
    return rows;
}

static void each_way_to_make_rows_gives_sqlites_values(void **state)
{
    static const char *const texts[] = {
        "SELECT * FROM t",
        "SELECT c, b, a, id FROM t ORDER BY b DESC",
        "SELECT id FROM t",
        "SELECT a, b FROM t UNION ALL SELECT c, 7 FROM t UNION ALL SELECT NULL, id FROM t",
        "SELECT a, b FROM t UNION SELECT c, 7 FROM t ORDER BY 1",
        "SELECT DISTINCT a, b FROM t",
        "SELECT 1, id, 'x', a FROM t WHERE id IN (SELECT id FROM t WHERE id > 10)",
        "SELECT x.id, y.b FROM t AS x LEFT JOIN t AS y ON y.id = x.id + 60",
        "SELECT id, sum(id) OVER (ORDER BY id), lag(b) OVER (ORDER BY id) FROM t",
        "SELECT b, count(*), max(c) FROM t GROUP BY b",
        "VALUES (1, 'a'), (2.5, NULL), (x'01', 'b'), (NULL, NULL)",
        ("WITH RECURSIVE s(n, m) AS (SELECT 1, 'a' UNION ALL SELECT n + 1, m || 'a' FROM s LIMIT 9)"
         " SELECT m, n FROM s"),
        "INSERT INTO u SELECT id, b FROM t WHERE true RETURNING a, id, 5",
        "EXPLAIN SELECT * FROM t",
        "PRAGMA table_info(t)",
        "SELECT *, * FROM (SELECT *, * FROM t AS p JOIN t AS q USING (id))",
    };
    sqlite3 *db = open_filled();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char room[most_columns * stmt_row_bytes_per_column] __attribute__((aligned(16)));
        struct stmt_row row;
        sqlite3_stmt *stmt;

        assert_int_equal(sqlite3_prepare_v2(db, texts[i], -1, &stmt, NULL), SQLITE_OK);
        stmt_row_init(&row, room, (size_t)sqlite3_column_count(stmt));
        assert_true(compare_rows(stmt, &row) > 1);
        assert_false(row.scattered);
        sqlite3_reset(stmt);
        assert_int_equal(sqlite3_exec(db, "DELETE FROM u", NULL, NULL, NULL), SQLITE_OK);
        assert_true(compare_rows(stmt, &row) > 1); /* once more, with values found before */
        sqlite3_finalize(stmt);
        assert_int_equal(sqlite3_exec(db, "DELETE FROM u", NULL, NULL, NULL), SQLITE_OK);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The statement is prepared anew by SQLite itself, and its values lie elsewhere. */
static void a_plan_made_anew_is_looked_at_anew(void **state)
{
    char room[most_columns * stmt_row_bytes_per_column] __attribute__((aligned(16)));
    sqlite3 *db = open_filled();
    struct stmt_row row;
    sqlite3_stmt *stmt;

    (void)state;
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT a, b FROM t ORDER BY b", -1, &stmt, NULL),
                     SQLITE_OK);
    stmt_row_init(&row, room, 2);
    assert_int_equal(compare_rows(stmt, &row), 52);
    sqlite3_reset(stmt);
    assert_int_equal(sqlite3_exec(db, "CREATE INDEX i ON t (b, a)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(compare_rows(stmt, &row), 52);
    sqlite3_finalize(stmt);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* What would be so if SQLite kept its values in another way: each is asked for in each row. */
static void values_at_uneven_distances_are_not_kept(void **state)
{
    char room[3 * stmt_row_bytes_per_column] __attribute__((aligned(16)));
    sqlite3 *db = open_filled();
    struct stmt_row row;
    sqlite3_stmt *stmt;

    (void)state;
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT id, a, b FROM t", -1, &stmt, NULL), SQLITE_OK);
    stmt_row_init(&row, room, 3);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_true(stmt_row_read(&row, stmt));
    row.scattered = true;
    row.values[1] = row.values[2];
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_true(stmt_row_read(&row, stmt));
    assert_int_equal(row.cells[1].i, 4);
    sqlite3_finalize(stmt);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A text that SQLite keeps as UTF-16 has to be converted to be handed out. */
static void no_memory_for_a_text_is_said(void **state)
{
    char room[stmt_row_bytes_per_column] __attribute__((aligned(16)));
    struct account account = { .limit = 1 << 20 };
    struct stmt_row row;
    sqlite3_stmt *stmt;
    sqlite3 *db;

    (void)state;
    assert_int_equal(sqlite_setup(), SQLITE_OK);
    struct account *was = account_swap(&account);

    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA encoding='UTF-16'", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT printf('%50000c', 'x')", -1, &stmt, NULL),
                     SQLITE_OK);
    stmt_row_init(&row, room, 1);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    account.limit = 1;
    assert_false(stmt_row_read(&row, stmt));
    account.limit = 1 << 20;
    sqlite3_finalize(stmt);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    account_swap(was);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_to_make_rows_gives_sqlites_values),
        cmocka_unit_test(a_plan_made_anew_is_looked_at_anew),
        cmocka_unit_test(values_at_uneven_distances_are_not_kept),
        cmocka_unit_test(no_memory_for_a_text_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
