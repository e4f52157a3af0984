/* Parameter types: what Parse said, else cast, column, LIMIT, else text. Literals in their type's
 * storage form. */
#include "tests/unit/sql/support_session.h"

#include "base/defs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const char schema[] =
    "CREATE TABLE t (id integer COLLATE int4 PRIMARY KEY, a int4, c bool, d date, tz timestamptz,"
    " n numeric(10,2), v varchar(3), by bytea, u uuid, j json_text)";

static const char *types_with(struct test_session *t, const char *text, const uint32_t *oids,
                              size_t count)
{
    static char out[256];
    struct plan *plan = NULL;
    const uint32_t *types;
    size_t used = 0;

    out[0] = '\0';
    failure_clear(&t->failure);
    if (sql_prepare(t->sql, view_of_str(text), oids, count, &plan, &t->failure) != 0) {
        return t->failure.sqlstate;
    }
    count = sql_plan_params(plan, &types);
    for (size_t i = 0; i < count; i++) {
        used +=
            (size_t)snprintf(out + used, sizeof(out) - used, "%s%u", i > 0 ? " " : "", types[i]);
    }
    sql_plan_unref(plan);
    return out;
}

static void check_given(struct test_session *t)
{
    static const uint32_t int8_text[] = { 20, 25 };
    static const uint32_t second_only[] = { 0, 1082 };
    static const uint32_t text[] = { 25 };

    raw(t, schema);
    assert_string_equal(types_with(t, "SELECT $1 + 1, $2", int8_text, 2), "20 25");
    assert_string_equal(types_with(t, "SELECT a FROM t WHERE a = $1 AND d = $2", second_only, 2),
                        "23 1082");
    assert_string_equal(types_with(t, "SELECT a FROM t WHERE a = $1", int8_text, 1), "20");
    assert_string_equal(types_with(t, "SELECT a FROM t WHERE a = $1", text, 1), "42883");
    assert_string_equal(types_with(t, "SELECT $2::date, $1", NULL, 0), "25 1082");
    assert_string_equal(types_with(t, "SELECT a FROM t WHERE a = $1 OR $1 > 5", NULL, 0), "23");
    assert_string_equal(types_with(t, "SELECT $65536", NULL, 0), "42P02");
    assert_string_equal(types_with(t, "SELECT $0", NULL, 0), "42P02");
}

static void what_parse_said_wins(void **state)
{
    (void)state;
    with_session(check_given);
}

static void check_storage(struct test_session *t)
{
    raw(t, schema);
    (void)rows(t, "INSERT INTO t VALUES (1, '7', 'yes', '2024-1-2', '2024-01-02 03:04:05+02', "
                  "'1.005', 'abc', '\\x00FF',"
                  " 'A0EEBC999C0B4EF8BB6D6BB9BD380A11', '{\"a\": 5}')");
    assert_string_equal(rows(t, "SELECT * FROM t"),
                        "1|7|t|2024-01-02|2024-01-02 "
                        "01:04:05+00|1.01|abc|\\x00ff|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|"
                        "{\"a\": 5}\n");
    raw(t, "CREATE TABLE kinds AS SELECT typeof(a) AS a, typeof(c) AS c, typeof(d) AS d, typeof(n) "
           "AS n,"
           " typeof(by) AS b, typeof(j) AS j FROM t");
    assert_string_equal(rows(t, "SELECT * FROM kinds"), "integer|integer|text|real|blob|text\n");
    assert_string_equal(
        rows(t, "SELECT id FROM t WHERE c = 'on' AND d = 'Jan 2, 2024' AND by = '\\x00ff'"), "1\n");
    assert_string_equal(
        rows(t, "SELECT id FROM t WHERE d IN ('2024-01-02', '2024-1-3') AND c IN ('t')"), "1\n");
    assert_string_equal(rows(t, "UPDATE t SET c = 'no', by = '\\x' RETURNING c, by"), "f|\\x\n");
}

static void literals_take_their_columns_storage_form(void **state)
{
    (void)state;
    with_session(check_storage);
}

static void check_bad(struct test_session *t)
{
    static const struct {
        const char *text;
        const char *sqlstate;
        int32_t position;
    } cases[] = {
        { "INSERT INTO t (c) VALUES ('maybe')", "22P02", 27 },
        { "INSERT INTO t (by) VALUES ('\\xZZ')", "22023", 28 },
        { "SELECT 1 FROM t WHERE d = '2024-02-30'", "22008", 27 },
        { "SELECT 1 FROM t WHERE u = 'x'", "22P02", 27 },
        { "INSERT INTO t (a) VALUES (99999999999)", "22003", 0 },
        { "INSERT INTO t (v) VALUES ('long')", "22001", 0 },
        { "UPDATE t SET a = 2147483647 + 1", "22003", 0 },
        { "INSERT INTO t (j) VALUES ('{')", "22P02", 27 },
    };

    raw(t, schema);
    raw(t, "INSERT INTO t (id) VALUES (1)");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *sqlstate = state(t, cases[i].text);

        if (strcmp(sqlstate, cases[i].sqlstate) != 0) {
            print_message("%s: %s\n", cases[i].text, failure_get(&t->failure, FIELD_MESSAGE));
        }
        assert_string_equal(sqlstate, cases[i].sqlstate);
        assert_int_equal(t->failure.position, cases[i].position);
    }
    assert_string_equal(rows(t, "SELECT count(*) FROM t"), "1\n");
}

static void bad_values_are_never_stored(void **state_)
{
    (void)state_;
    with_session(check_bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_parse_said_wins),
        cmocka_unit_test(literals_take_their_columns_storage_form),
        cmocka_unit_test(bad_values_are_never_stored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
