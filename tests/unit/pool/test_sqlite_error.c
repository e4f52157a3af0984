/* Codes, texts and constraints in PostgreSQL's words. */
#include "support_session.h"

#include "pool/sqlite_error.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- every code of sqlite3.h ---- */

/* "#define SQLITE_IOERR_READ (SQLITE_IOERR | (1<<8))" or "#define SQLITE_BUSY 5": the code, or -1.
 */
static int code_of_line(const char *line)
{
    char name[64];
    char base[64];
    int number;
    int shift;

    if (sscanf(line, "#define %63s (%63[A-Z_] | (%d<<%d))", name, base, &number, &shift) == 4 &&
        shift == 8) {
        static const struct {
            const char *name;
            int code;
        } bases[] = {
            { "SQLITE_OK", 0 },          { "SQLITE_ERROR", 1 },    { "SQLITE_ABORT", 4 },
            { "SQLITE_BUSY", 5 },        { "SQLITE_LOCKED", 6 },   { "SQLITE_READONLY", 8 },
            { "SQLITE_IOERR", 10 },      { "SQLITE_CORRUPT", 11 }, { "SQLITE_CANTOPEN", 14 },
            { "SQLITE_CONSTRAINT", 19 }, { "SQLITE_AUTH", 23 },    { "SQLITE_NOTICE", 27 },
            { "SQLITE_WARNING", 28 },
        };
        for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
            if (strcmp(bases[i].name, base) == 0) {
                return bases[i].code | number << 8;
            }
        }
        fail_msg("a code on an unknown base: %s", line);
    }
    return -1;
}

static void every_code_has_a_row(void **state)
{
    char line[256];
    size_t codes = 0;
    FILE *header = fopen("/usr/include/sqlite3.h", "r");

    (void)state;
    assert_non_null(header);
    while (fgets(line, sizeof(line), header) != NULL) {
        int code = code_of_line(line);

        if (code >= 0) {
            codes++;
            if (sqlite_error_has_row(code) == false) {
                fail_msg("no row: %s", line);
            }
        }
    }
    fclose(header);
    assert_true(codes > 60);
    for (int code = 0; code <= 28; code++) {
        assert_true(sqlite_error_has_row(code));
    }
    assert_true(sqlite_error_has_row(SQLITE_ROW) && sqlite_error_has_row(SQLITE_DONE));
}

static void codes_are_sorted_and_well_formed(void **state)
{
    static const int some[] = { 1, 5, 517, 261, 6, 15, 13, 7, 9, 787, 2067, 1555, 1299, 275 };
    static const char *const wanted[] = { "42601", "55P03", "40001", "55P03", "55006",
                                          "55P03", "53100", "53200", "57014", "23503",
                                          "23505", "23505", "23502", "23514" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(some); i++) {
        assert_string_equal(sqlite_error_sqlstate(some[i]), wanted[i]);
    }
    assert_string_equal(sqlite_error_sqlstate(SQLITE_BUSY | 99 << 8),
                        "55P03"); /* of a later SQLite */
    assert_string_equal(sqlite_error_sqlstate(77), "XX000");
    for (int code = 0; code < 1 << 14; code++) {
        assert_int_equal(strlen(sqlite_error_sqlstate(code)), 5);
    }
}

/* ---- texts ---- */

static const struct {
    const char *sql;
    const char *sqlstate;
    const char *message;
} texts[] = {
    { "SELECT * FROM nosuch", "42P01", "relation \"nosuch\" does not exist" },
    { "SELECT * FROM main.nosuch", "42P01", "relation \"nosuch\" does not exist" },
    { "SELECT nosuch FROM t", "42703", "column \"nosuch\" does not exist" },
    { "SELECT t.nosuch FROM t", "42703", "column t.nosuch does not exist" },
    { "SELECT nosuch(1)", "42883", "function nosuch does not exist" },
    { "SELECT abs()", "42883", "function abs with these arguments does not exist" },
    { "SELEC 1", "42601", "syntax error at or near \"SELEC\"" },
    { "SELECT 1 +", "42601", "syntax error at end of input" },
    { "SELECT 'abc", "42601", "unterminated quoted string at or near \"'abc\"" },
    { "CREATE TABLE t(a)", "42P07", "relation \"t\" already exists" },
    { "CREATE VIEW t AS SELECT 1", "42P07", "relation \"t\" already exists" },
    { "CREATE TABLE u(a, a)", "42701", "column \"a\" specified more than once" },
    { "CREATE TABLE sqlite_x(a)", "42939", "unacceptable name \"sqlite_x\"" },
    { "CREATE TABLE u(a PRIMARY KEY, b PRIMARY KEY)", "42P16",
      "multiple primary keys for table \"u\" are not allowed" },
    { "SELECT id FROM t, parent", "42702", "column reference \"id\" is ambiguous" },
    { "INSERT INTO t(nosuch) VALUES(1)", "42703",
      "column \"nosuch\" of relation \"t\" does not exist" },
    { "INSERT INTO t(id, n) VALUES(1)", "42601",
      "INSERT has another number of expressions than target columns" },
    { "INSERT INTO t VALUES(1)", "42601",
      "INSERT has another number of expressions than relation \"t\" has columns" },
    { "SELECT (SELECT 1, 2)", "42601", "subquery must return only one column" },
    { "SELECT 1 UNION SELECT 1, 2", "42601",
      "each UNION query must have the same number of columns" },
    { "VALUES (1), (1, 2)", "42601", "VALUES lists must all be the same length" },
    { "SELECT 1 WHERE count(*) > 1", "42803", "aggregate functions are not allowed here" },
    { "SELECT 1 ORDER BY 2", "42P10", "ORDER BY position is not in select list" },
    { "DROP TABLE nosuch", "42P01", "relation \"nosuch\" does not exist" },
    { "DROP INDEX nosuch", "42704", "index \"nosuch\" does not exist" },
    { "DROP VIEW t", "42809", "\"t\" is not a view" },
    { "SELECT abs(-9223372036854775808)", "22003", "bigint out of range" },
    { "SELECT json('{')", "22P02", "invalid input syntax for type json" },
    { "INSERT INTO t VALUES('x', 1, 1)", "42804", "datatype mismatch" },
    { "SELECT zeroblob(2000000000)", "54000", "string or blob too big" },
    { "SELECT * FROM t ORDER BY s COLLATE nosuch", "42704",
      "collation \"nosuch\" for encoding \"UTF8\" does not exist" },
    { "DELETE FROM sqlite_schema", "42501", "permission denied for table sqlite_master" },
    { "INSERT INTO t VALUES(1, 1, 1) ON CONFLICT (s) DO NOTHING", "42P10",
      "there is no unique or exclusion constraint matching the ON CONFLICT specification" },
};

static void translate_texts(struct world *w)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct failure f = { .sqlstate = "" };

        assert_int_equal(try(w->session, texts[i].sql, &f), FAILED);
        if (strcmp(f.sqlstate, texts[i].sqlstate) != 0 ||
            strcmp(failure_get(&f, FIELD_MESSAGE), texts[i].message) != 0) {
            fail_msg("%s: %s %s", texts[i].sql, f.sqlstate, failure_get(&f, FIELD_MESSAGE));
        }
    }
}

static void texts_are_postgresqls(void **state)
{
    in_task(*state, translate_texts);
}

static void positions(struct world *w)
{
    struct failure f;

    assert_int_equal(try(w->session, "SELECT 'ä€', nosuch FROM t", &f), FAILED);
    assert_int_equal(f.position, 14); /* characters, from 1 */
    assert_int_equal(try(w->session, "SELECT 1 FROM FROM t", &f), FAILED);
    assert_int_equal(f.position, 15);
    assert_int_equal(try(w->session, "INSERT INTO t VALUES(1, 1, 1)", &f), FAILED);
    assert_int_equal(f.position, 0);
}

static void positions_count_characters(void **state)
{
    in_task(*state, positions);
}

/* ---- constraints ---- */

struct fields {
    const char *sql;
    const char *sqlstate;
    const char *message;
    const char *table;
    const char *column;
    const char *constraint;
};

static void check_field(const struct failure *f, enum failure_field field, const char *wanted)
{
    const char *text = failure_get(f, field);

    if (wanted == NULL) {
        assert_null(text);
    } else {
        assert_non_null(text);
        assert_string_equal(text, wanted);
    }
}

static void check_fields(struct session *session, const struct fields *wanted)
{
    struct failure f = { .sqlstate = "" };

    assert_int_equal(try(session, wanted->sql, &f), FAILED);
    if (strcmp(failure_get(&f, FIELD_MESSAGE), wanted->message) != 0) {
        fail_msg("%s: %s %s", wanted->sql, f.sqlstate, failure_get(&f, FIELD_MESSAGE));
    }
    assert_string_equal(f.sqlstate, wanted->sqlstate);
    check_field(&f, FIELD_SCHEMA, "public");
    check_field(&f, FIELD_TABLE, wanted->table);
    check_field(&f, FIELD_COLUMN, wanted->column);
    check_field(&f, FIELD_CONSTRAINT, wanted->constraint);
}

#define DUPLICATE(name) "duplicate key value violates unique constraint \"" name "\""

static void uniques(struct world *w)
{
    static const struct fields cases[] = {
        { "INSERT INTO orders VALUES(1, 'y', 5, 9, 9)", "23505", DUPLICATE("orders_pkey"), "orders",
          NULL, "orders_pkey" },
        { "INSERT INTO orders VALUES(2, 'x', 5, 9, 9)", "23505", DUPLICATE("orders_sku_key"),
          "orders", NULL, "orders_sku_key" },
        { "INSERT INTO orders VALUES(2, 'y', 5, 1, 2)", "23505", DUPLICATE("orders_a_b_key"),
          "orders", NULL, "orders_a_b_key" },
        { "INSERT INTO orders VALUES(2, 'y', 1, 1, 3)", "23505", DUPLICATE("by_qty"), "orders",
          NULL, "by_qty" },
        { "INSERT INTO named VALUES(1, 1, 1, 1)", "23505", DUPLICATE("named_pk"), "named", NULL,
          "named_pk" },
        { "INSERT INTO named VALUES(2, 1, 9, 9)", "23505", DUPLICATE("one_b"), "named", NULL,
          "one_b" },
        { "INSERT INTO named VALUES(2, 2, 1, 1)", "23505", DUPLICATE("c and d"), "named", NULL,
          "c and d" },
        { "INSERT INTO plain VALUES('a')", "23505", DUPLICATE("plain_pkey"), "plain", NULL,
          "plain_pkey" },
        { "INSERT INTO comma VALUES('a')", "23505", DUPLICATE("comma_a,_key"), "comma", NULL,
          "comma_a,_key" },
        { "INSERT INTO folding VALUES('A')", "23505", DUPLICATE("folded"), "folding", NULL,
          "folded" },
    };

    run(w->session, "CREATE UNIQUE INDEX by_qty ON orders(qty)");
    run(w->session, "CREATE TABLE named(a INT, b INT CONSTRAINT one_b UNIQUE, c INT, d INT, "
                    "CONSTRAINT \"c and d\" UNIQUE (c, d DESC), CONSTRAINT named_pk PRIMARY KEY "
                    "(a)) WITHOUT ROWID");
    run(w->session, "CREATE TABLE plain(k TEXT PRIMARY KEY)");
    run(w->session, "CREATE TABLE comma(\"a,\" TEXT UNIQUE)");
    run(w->session, "INSERT INTO comma VALUES('a')");
    run(w->session, "CREATE TABLE folding(k TEXT)");
    run(w->session, "CREATE UNIQUE INDEX folded ON folding(lower(k))");
    run(w->session, "INSERT INTO folding VALUES('a')");
    run(w->session, "INSERT INTO orders VALUES(1, 'x', 1, 1, 2)");
    run(w->session, "INSERT INTO named VALUES(1, 1, 1, 1)");
    run(w->session, "INSERT INTO plain VALUES('a')");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        check_fields(w->session, &cases[i]);
    }
}

static void unique_constraints_have_postgresqls_names(void **state)
{
    in_task(*state, uniques);
}

static void rows(struct world *w)
{
    static const struct fields cases[] = {
        { "INSERT INTO orders VALUES(1, 'x', NULL, 1, 2)", "23502",
          "null value in column \"qty\" of relation \"orders\" violates not-null constraint",
          "orders", "qty", NULL },
        { "INSERT INTO orders VALUES(1, 'x', 0, 1, 2)", "23514",
          "new row for relation \"orders\" violates check constraint \"orders_qty_check\"",
          "orders", NULL, "orders_qty_check" },
        { "INSERT OR ABORT INTO main.checks VALUES(2, 1)", "23514",
          "new row for relation \"checks\" violates check constraint \"checks_check\"", "checks",
          NULL, "checks_check" },
        { "UPDATE checks SET b = 12", "23514",
          "new row for relation \"checks\" violates check constraint \"small\"", "checks", NULL,
          "small" },
        { "INSERT INTO strict VALUES('x')", "42804",
          "column \"i\" is of type INTEGER but expression is of type TEXT", "strict", "i", NULL },
    };

    run(w->session,
        "CREATE TABLE checks(a INT, b INT, CHECK (a < b), CONSTRAINT small CHECK (b < 10))");
    run(w->session, "CREATE TABLE strict(i INTEGER) STRICT");
    run(w->session, "INSERT INTO checks VALUES(1, 2)");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        check_fields(w->session, &cases[i]);
    }
}

static void not_null_check_and_datatype(void **state)
{
    in_task(*state, rows);
}

static void keys(struct world *w)
{
    static const struct fields cases[] = {
        { "INSERT INTO kid VALUES(2, 5)", "23503",
          "insert or update on table \"kid\" violates foreign key constraint \"kid_p_fkey\"", "kid",
          NULL, "kid_p_fkey" },
        { "UPDATE kid SET p = 5", "23503",
          "insert or update on table \"kid\" violates foreign key constraint \"kid_p_fkey\"", "kid",
          NULL, "kid_p_fkey" },
        { "DELETE FROM mother", "23503",
          "update or delete on table \"mother\" violates foreign key constraint \"kid_p_fkey\" on "
          "table \"kid\"",
          "kid", NULL, "kid_p_fkey" },
        { "UPDATE mother SET id = 3", "23503",
          "update or delete on table \"mother\" violates foreign key constraint \"kid_p_fkey\" on "
          "table \"kid\"",
          "kid", NULL, "kid_p_fkey" },
        { "INSERT INTO pair VALUES(8, 9)", "23503",
          "insert or update on table \"pair\" violates foreign key constraint \"to two\"", "pair",
          NULL, "to two" },
        { "INSERT INTO both VALUES(8, 9)", "23503",
          "insert, update or delete on table \"both\" violates foreign key constraint", "both",
          NULL, NULL },
        /* its own key is CASCADE: that of the table below it was violated */
        { "DELETE FROM top", "23503",
          "insert, update or delete on table \"top\" violates foreign key constraint", "top", NULL,
          NULL },
        { "DELETE FROM held", "23503",
          "update or delete on table \"held\" violates foreign key constraint \"holder_p_fkey\" on "
          "table \"holder\"",
          "holder", NULL, "holder_p_fkey" },
        { "UPDATE held SET id = 3", "23503",
          "update or delete on table \"held\" violates foreign key constraint \"holder_p_fkey\" on "
          "table \"holder\"",
          "holder", NULL, "holder_p_fkey" },
    };

    run(w->session, "CREATE TABLE mother(id INTEGER PRIMARY KEY)");
    run(w->session, "CREATE TABLE kid(id INTEGER PRIMARY KEY, p INT REFERENCES mother)");
    run(w->session, "CREATE TABLE two(x INT, y INT, PRIMARY KEY(x, y))");
    run(w->session, "CREATE TABLE pair(x INT, y INT, CONSTRAINT \"to two\" FOREIGN KEY (x, y) "
                    "REFERENCES two(x, y))");
    run(w->session, "CREATE TABLE both(x INT REFERENCES parent, y INT REFERENCES parent)");
    run(w->session, "INSERT INTO mother VALUES(1)");
    run(w->session, "INSERT INTO kid VALUES(1, 1)");
    run(w->session, "CREATE TABLE top(id INTEGER PRIMARY KEY)");
    run(w->session,
        "CREATE TABLE middle(id INTEGER PRIMARY KEY, p INT REFERENCES top ON DELETE CASCADE)");
    run(w->session, "CREATE TABLE below(p INT REFERENCES middle)");
    run(w->session, "INSERT INTO top VALUES(1)");
    run(w->session, "INSERT INTO middle VALUES(1, 1)");
    run(w->session, "INSERT INTO below VALUES(1)");
    run(w->session, "CREATE TABLE held(id INTEGER PRIMARY KEY)");
    run(w->session,
        "CREATE TABLE holder(p INT REFERENCES held ON DELETE RESTRICT ON UPDATE RESTRICT)");
    run(w->session, "INSERT INTO held VALUES(1)");
    run(w->session, "INSERT INTO holder VALUES(1)");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        check_fields(w->session, &cases[i]);
    }
}

static void foreign_keys_are_named_where_there_is_one(void **state)
{
    in_task(*state, keys);
}

/* ---- errors of functions and triggers ---- */

static void raise(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct failure f;

    (void)argc;
    (void)argv;
    failure_set(&f, "22012", "division by zero");
    failure_add(&f, FIELD_DETAIL, "There was %d.", 0);
    failure_add(&f, FIELD_HINT, "Try one.");
    sqlite_error_raise(context, &f);
}

static void raise_long(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct failure f;

    (void)argc;
    (void)argv;
    failure_set(&f, "22023", "%01000d", 0);
    failure_add(&f, FIELD_DETAIL, "%0300d", 0);
    failure_add(&f, FIELD_HINT, "Try one.");
    sqlite_error_raise(context, &f);
}

static void raised(struct world *w)
{
    struct failure f;

    sqlite3_create_function(session_sqlite(w->session), "fail", 0, SQLITE_UTF8, NULL, raise, NULL,
                            NULL);
    assert_int_equal(try(w->session, "SELECT id, fail() FROM t", &f), FAILED);
    assert_string_equal(f.sqlstate, "22012");
    assert_string_equal(failure_get(&f, FIELD_MESSAGE), "division by zero");
    assert_string_equal(failure_get(&f, FIELD_DETAIL), "There was 0.");
    assert_string_equal(failure_get(&f, FIELD_HINT), "Try one.");
    sqlite3_create_function(session_sqlite(w->session), "fail_long", 0, SQLITE_UTF8, NULL,
                            raise_long, NULL, NULL);
    assert_int_equal(try(w->session, "SELECT fail_long()", &f), FAILED);
    assert_int_equal(strlen(failure_get(&f, FIELD_DETAIL)), 300);
    assert_string_equal(failure_get(&f, FIELD_HINT), "Try one.");
    run(w->session,
        "CREATE TRIGGER no AFTER INSERT ON parent BEGIN SELECT raise(ABORT, 'not today'); END");
    fails(w->session, "INSERT INTO parent VALUES(1)", "P0001", "not today");
}

static void functions_and_triggers_raise_their_own(void **state)
{
    in_task(*state, raised);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, setup_world, teardown_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_row),
        cmocka_unit_test(codes_are_sorted_and_well_formed),
        WORLD_TEST(texts_are_postgresqls),
        WORLD_TEST(positions_count_characters),
        WORLD_TEST(unique_constraints_have_postgresqls_names),
        WORLD_TEST(not_null_check_and_datatype),
        WORLD_TEST(foreign_keys_are_named_where_there_is_one),
        WORLD_TEST(functions_and_triggers_raise_their_own),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
