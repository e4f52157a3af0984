/* generate_series in FROM: which one it is, all its values and no more, a row at a time. The
 * results are PostgreSQL 15's; tests/clients/same.sql has many more of them. */
#include "support_session.h"

#include "base/alloc.h"
#include "base/defs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *call;
    const char *type; /* the column's oid */
    const char *rows; /* comma for the line's end */
} series[] = {
    { "1, 3", "23", "1,2,3," },
    { "1, 3::int8", "20", "1,2,3," },
    { "1::int2, 3", "23", "1,2,3," },
    { "1, '3'", "23", "1,2,3," },
    { "'1', '3', 1", "23", "1,2,3," },
    { "1, 3.5", "1700", "1,2,3," },
    { "3, 1", "23", "" },
    { "5, 1, -2", "23", "5,3,1," },
    { "1, 5, -1", "23", "" },
    { "NULL, 3", "23", "" },
    { "1, NULL::int8", "20", "" },
    { "1, 3, NULL", "23", "" },
    { "2147483640, 2147483647, 5", "23", "2147483640,2147483645," },
    { "9223372036854775800, 9223372036854775807, 5", "20",
      "9223372036854775800,9223372036854775805," },
    { "-9223372036854775800, -9223372036854775807, -5", "20",
      "-9223372036854775800,-9223372036854775805," },
    { "0.1, 1.0, 0.1", "1700", "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1.0," },
    { "0.35, 0.04999, -0.1", "1700", "0.35,0.25,0.15,0.05," },
    { "-0.35, -0.06, 0.1", "1700", "-0.35,-0.25,-0.15," },
    { "100000000000000000000::numeric, 200000000000000000000, 100000000000000000000", "1700",
      "100000000000000000000,200000000000000000000," },
    { "9223372036854775806::numeric, 9223372036854775807", "1700",
      "9223372036854775806,9223372036854775807," },
    { "date '2024-02-28', '2024-03-01', '1 day'", "1184",
      "2024-02-28 00:00:00+00,2024-02-29 00:00:00+00,2024-03-01 00:00:00+00," },
    { "date '2024-01-01', timestamp '2024-01-02', '1 day'", "1114",
      "2024-01-01 00:00:00,2024-01-02 00:00:00," },
    { "'2024-01-01', '2024-01-02', interval '1 day'", "1184",
      "2024-01-01 00:00:00+00,2024-01-02 00:00:00+00," },
    { "timestamp '2024-01-31', '2024-04-30', '1 month'", "1114",
      "2024-01-31 00:00:00,2024-02-29 00:00:00,2024-03-29 00:00:00,2024-04-29 00:00:00," },
    { "timestamp '2024-01-01', '2023-12-31', '-12 hours'", "1114",
      "2024-01-01 00:00:00,2023-12-31 12:00:00,2023-12-31 00:00:00," },
    { "timestamp 'infinity', '2024-01-01', '1 day'", "1114", "" },
    { "timestamp '2024-01-01', '-infinity', '1 day'", "1114", "" },
};

static const char *with_commas(const char *lines)
{
    static char text[1024];

    (void)snprintf(text, sizeof(text), "%s", lines);
    for (char *at = text; *at != '\0'; at++) {
        *at = *at == '\n' ? ',' : *at;
    }
    return text;
}

static void check_series(struct test_session *t)
{
    for (size_t i = 0; i < ARRAY_LEN(series); i++) {
        char text[256];
        char types[32];

        (void)snprintf(text, sizeof(text), "SELECT g FROM generate_series(%s) AS g",
                       series[i].call);
        (void)snprintf(types, sizeof(types), "g:%s", series[i].type);
        assert_string_equal(with_commas(rows(t, text)), series[i].rows);
        assert_string_equal(t->types, types);
    }
}

static void each_type_counts_as_postgresql_counts(void **state_)
{
    (void)state_;
    with_session(check_series);
}

static const struct {
    const char *call;
    const char *sqlstate;
    const char *message;
} mistakes[] = {
    { "1, 3, 0", "22023", "step size cannot equal zero" },
    { "1.0, 3, 0", "22023", "step size cannot equal zero" },
    { "now(), now(), '0'", "22023", "step size cannot equal zero" },
    { "now(), now(), '1 month -30 days'", "22023", "step size cannot equal zero" },
    { "'NaN'::numeric, 'NaN'", "22023", "start value cannot be NaN" },
    { "1, 'infinity'::numeric", "22023", "stop value cannot be infinity" },
    { "1, 2, '-infinity'::numeric", "22023", "step size cannot be infinity" },
    { "1e20::numeric, 1e30, 1e-30", "22003", "numeric value has more than 15 significant digits" },
    { "timestamp '294276-12-31', 'infinity', '1 day'", "22008", "timestamp out of range" },
    { "'1', '3'", "42725", "function generate_series(unknown, unknown) is not unique" },
    { "'2024-01-01', '2024-01-02', '1 day'", "42725",
      "function generate_series(unknown, unknown, unknown) is not unique" },
    { "1::int2, 3::int2", "42725", "function generate_series(smallint, smallint) is not unique" },
    { "1, 3::float8", "42883",
      "function generate_series(integer, double precision) does not exist" },
    { "date '2024-01-01', date '2024-01-02'", "42883",
      "function generate_series(date, date) does not exist" },
    { "date '2024-01-01', date '2024-01-02', 1", "42883",
      "function generate_series(date, date, integer) does not exist" },
    { "1", "42883", "function generate_series(integer) does not exist" },
    { "1, 2, 3, 4", "42883",
      "function generate_series(integer, integer, integer, integer) does not exist" },
    { "1, count(*)", "42803", "aggregate functions are not allowed in functions in FROM" },
    { "1, 'x'", "22P02", "invalid input syntax for type integer: \"x\"" },
};

static void check_mistakes(struct test_session *t)
{
    for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
        char text[256];

        (void)snprintf(text, sizeof(text), "SELECT g FROM generate_series(%s) AS g",
                       mistakes[i].call);
        assert_string_equal(state(t, text), mistakes[i].sqlstate);
        assert_string_equal(failure_get(&t->failure, FIELD_MESSAGE), mistakes[i].message);
    }
}

static void mistakes_are_postgresqls(void **state_)
{
    (void)state_;
    with_session(check_mistakes);
}

/* ---- where it may stand ---- */

static void check_neighbours(struct test_session *t)
{
    (void)rows(t, "CREATE TABLE t (n int, start int)");
    (void)rows(t, "INSERT INTO t VALUES (1, 2), (3, 3), (0, 9)");
    assert_string_equal(rows(t, "SELECT n, g FROM t, generate_series(1, n) g ORDER BY n, g"),
                        "1|1\n3|1\n3|2\n3|3\n");
    assert_string_equal(
        rows(t, "SELECT n, g FROM t LEFT JOIN generate_series(start, 3) g ON true ORDER BY 1, 2"),
        "0|~\n1|2\n1|3\n3|3\n");
    assert_string_equal(
        rows(t, "SELECT n, (SELECT sum(g) FROM generate_series(1, n) g) FROM t ORDER BY 1"),
        "0|~\n1|1\n3|6\n");
    assert_string_equal(rows(t, "SELECT * FROM t JOIN generate_series(1, 3) g(n) USING (n)"),
                        "1|2\n3|3\n");
    assert_string_equal(rows(t, "SELECT * FROM generate_series(5, 6) WITH ORDINALITY AS x(a, b)"),
                        "5|1\n6|2\n");
    assert_string_equal(rows(t, "SELECT ordinality FROM generate_series(6, 5, -1) WITH ORDINALITY"),
                        "1\n2\n");
    assert_string_equal(state(t, "SELECT 1 FROM t RIGHT JOIN generate_series(1, n) g ON true"),
                        "42P10");
    assert_string_equal(failure_get(&t->failure, FIELD_MESSAGE),
                        "invalid reference to FROM-clause entry for table \"t\"");
    assert_string_equal(state(t, "SELECT 1 FROM generate_series(1, t.n) g, t"), "42P01");
    assert_string_equal(state(t, "SELECT 1 FROM t JOIN generate_series(1, t.n) g(n) USING (n)"),
                        "0A000");
    assert_string_equal(state(t, "SELECT 1 FROM generate_series(1, 2) AS g(a, b)"), "42P10");
    assert_string_equal(state(t, "SELECT 1 FROM generate_series(1, 2) AS g(a int)"), "42601");
}

static void it_sees_what_stands_left_of_it(void **state_)
{
    (void)state_;
    with_session(check_neighbours);
}

static void check_kept(struct test_session *t)
{
    (void)rows(t, "CREATE VIEW v AS SELECT g, g * 2 AS h FROM generate_series(1, 3) g");
    assert_string_equal(rows(t, "SELECT * FROM v WHERE g > 1"), "2|4\n3|6\n");
    assert_string_equal(t->types, "g:23 h:23");
    (void)rows(t, "CREATE TABLE t AS SELECT g FROM generate_series(1, 3) g");
    (void)rows(t, "ALTER TABLE t RENAME TO u"); /* SQLite reads all views again */
    (void)rows(t, "INSERT INTO u SELECT * FROM generate_series(4, 5)");
    assert_string_equal(rows(t, "SELECT count(*), sum(g) FROM u"), "5|15\n");
    assert_string_equal(state(t, "SELECT * FROM pond_series"), "42P01");
    assert_string_equal(state(t, "SELECT * FROM pond_series(23, 1, 2, 1)"), "42883");
}

static void views_and_tables_are_made_of_it(void **state_)
{
    (void)state_;
    with_session(check_kept);
}

static void check_elsewhere(struct test_session *t)
{
    static const char *const texts[] = {
        "SELECT generate_series(1, 3)",
        "SELECT generate_series(1, 3) + 1 AS a",
        "SELECT 1 WHERE generate_series(1, 3) = 1",
        "SELECT coalesce(generate_series(1, 3), 1)",
        "SELECT sum(generate_series(1, 3))",
        "SELECT g FROM generate_series(1, generate_series(1, 2)) g",
        "VALUES (generate_series(1, 3))",
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_string_equal(state(t, texts[i]), "0A000");
        assert_string_equal(failure_get(&t->failure, FIELD_MESSAGE),
                            "generate_series outside of FROM is not supported by pond yet");
        assert_string_equal(failure_get(&t->failure, FIELD_HINT),
                            "Move it into FROM: SELECT g FROM generate_series(1, 3) AS g.");
    }
}

static void outside_of_from_it_says_where_to_put_it(void **state_)
{
    (void)state_;
    with_session(check_elsewhere);
}

/* ---- a row at a time ---- */

/* Each of them would take years if it looked at all values. */
static void check_lazy(struct test_session *t)
{
    static const char *const cases[][2] = {
        { "SELECT g FROM generate_series(1, 9223372036854775807) g LIMIT 2", "1\n2\n" },
        { "SELECT g FROM generate_series(1, 9223372036854775807) g WHERE g = 5000000000",
          "5000000000\n" },
        { "SELECT g FROM generate_series(9223372036854775807, 1, -1) g WHERE g <= 2", "2\n1\n" },
        { "SELECT g FROM generate_series(0, 9223372036854775807, 3) g WHERE g >= 4 AND g < 11",
          "6\n9\n" },
        { "SELECT count(*) FROM generate_series(1, 9223372036854775807) g WHERE g BETWEEN 7 AND 9",
          "3\n" },
        { "SELECT g, n FROM generate_series(10, 9223372036854775807, 10) WITH ORDINALITY x(g, n) "
          "WHERE g IN (30, 31, 70)",
          "30|3\n70|7\n" },
        { "SELECT a FROM generate_series(1, 3) a JOIN generate_series(2, 9223372036854775807) b "
          "ON a = b",
          "2\n3\n" },
        { "SELECT EXISTS (SELECT 1 FROM generate_series(1, 9223372036854775807))", "t\n" },
        { "SELECT g FROM generate_series(timestamp '2024-01-01', 'infinity', '1 second') g LIMIT 1",
          "2024-01-01 00:00:00\n" },
        { "SELECT g FROM generate_series(timestamp 'infinity', 'infinity', '1 day') g LIMIT 2",
          "infinity\ninfinity\n" },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_string_equal(rows(t, cases[i][0]), cases[i][1]);
    }
}

static void no_value_is_made_before_it_is_asked_for(void **state_)
{
    (void)state_;
    with_session(check_lazy);
}

/* Bounds that are no integers are left to SQLite, and none may lose a row. */
static void check_bounds(struct test_session *t)
{
    static const char *const cases[][2] = {
        { "g >= 3 AND g <= 5", "3,4,5," },
        { "g > 3 AND g < 5", "4," },
        { "g > 3.5 AND g <= 5.5", "4,5," },
        { "g = 3.0", "3," },
        { "g = 3.5", "" },
        { "g = NULL", "" },
        { "g < 1", "" },
        { "g > 6", "" },
        { "g >= 6", "6," },
        { "g <= 1", "1," },
        { "g >= 5 AND g <= 2", "" },
        { "g BETWEEN -9 AND 2", "1,2," },
        { "g <> 3 AND g > 1", "2,4,5,6," },
        { "g > 4 OR g = 1", "1,5,6," },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char up[160];
        char down[160];

        (void)snprintf(up, sizeof(up), "SELECT g FROM generate_series(1, 6) g WHERE %s",
                       cases[i][0]);
        (void)snprintf(down, sizeof(down),
                       "SELECT g FROM generate_series(6, 1, -1) g WHERE %s ORDER BY g",
                       cases[i][0]);
        assert_string_equal(with_commas(rows(t, up)), cases[i][1]);
        assert_string_equal(with_commas(rows(t, down)), cases[i][1]);
    }
}

static void bounds_skip_nothing_that_is_wanted(void **state_)
{
    (void)state_;
    with_session(check_bounds);
}

/* NULLs, since the sink of the tests allocates for what is none. */
static void check_memory(struct test_session *t)
{
    static const char text[] = "SELECT nullif(g, g) FROM generate_series(1, 1.5, 0.5) g, "
                               "generate_series(timestamp '2024-01-01', '2024-01-02', '1 day') h "
                               "WHERE h > timestamp '2024-01-01'";
    uint64_t asked;

    (void)rows(t, text);
    (void)mem_fail_at(0, false);
    (void)rows(t, text);
    asked = mem_fail_at(0, false);
    for (uint64_t n = 1; n <= asked; n++) {
        (void)mem_fail_at(n, false);
        if (!run(t, text)) {
            assert_string_equal(t->failure.sqlstate, "53200");
        }
        (void)mem_fail_at(0, false);
        assert_string_equal(rows(t, text), "~\n~\n");
    }
}

static void each_lost_allocation_ends_one_statement_only(void **state_)
{
    (void)state_;
    with_session(check_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_counts_as_postgresql_counts),
        cmocka_unit_test(mistakes_are_postgresqls),
        cmocka_unit_test(it_sees_what_stands_left_of_it),
        cmocka_unit_test(views_and_tables_are_made_of_it),
        cmocka_unit_test(outside_of_from_it_says_where_to_put_it),
        cmocka_unit_test(no_value_is_made_before_it_is_asked_for),
        cmocka_unit_test(bounds_skip_nothing_that_is_wanted),
        cmocka_unit_test(each_lost_allocation_ends_one_statement_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
