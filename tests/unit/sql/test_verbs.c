/* Verbs: transactions, settings, prepared statements and tidying up, in PostgreSQL's words. */
#include "sql/verb_support.h"
#include "support_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char *tag(struct test_session *t, const char *text)
{
    if (!run(t, text)) {
        print_error("%s: %s\n", text, failure_get(&t->failure, FIELD_MESSAGE));
        fail();
    }
    return t->tag;
}

static void tags_body(struct test_session *t)
{
    static const char *const pairs[][2] = {
        { "START TRANSACTION", "START TRANSACTION" },
        { "SAVEPOINT a", "SAVEPOINT" },
        { "ROLLBACK TO a", "ROLLBACK" },
        { "RELEASE a", "RELEASE" },
        { "END", "COMMIT" },
        { "BEGIN", "BEGIN" },
        { "ABORT", "ROLLBACK" },
        { "SET jit = on", "SET" },
        { "RESET jit", "RESET" },
        { "SHOW jit", "SHOW" },
        { "DISCARD ALL", "DISCARD ALL" },
        { "DISCARD TEMP", "DISCARD TEMP" },
        { "CLOSE ALL", "CLOSE CURSOR ALL" },
        { "LISTEN x", "LISTEN" },
        { "NOTIFY x, 'y'", "NOTIFY" },
        { "UNLISTEN *", "UNLISTEN" },
        { "DEALLOCATE ALL", "DEALLOCATE ALL" },
        { "VACUUM", "VACUUM" },
        { "ANALYZE", "ANALYZE" },
        { "CHECKPOINT", "CHECKPOINT" },
        { "CREATE SCHEMA IF NOT EXISTS public", "CREATE SCHEMA" },
        { "CREATE TABLE t (a int)", "CREATE TABLE" },
        { "GRANT ALL ON t TO x", "GRANT" },
        { "REVOKE ALL ON t FROM x", "REVOKE" },
        { "COMMENT ON TABLE t IS 'x'", "COMMENT" },
        { "TRUNCATE t", "TRUNCATE TABLE" },
        { "CREATE TABLE u AS SELECT 1 AS a UNION ALL SELECT 2", "SELECT 2" },
        { "EXPLAIN SELECT 1", "EXPLAIN" },
        { "DROP TABLE t, u", "DROP TABLE" },
    };

    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        assert_string_equal(tag(t, pairs[i][0]), pairs[i][1]);
    }
}

static void transactions_body(struct test_session *t)
{
    tag(t, "CREATE TABLE t (a int)");
    tag(t, "BEGIN; INSERT INTO t VALUES (1); SAVEPOINT s; INSERT INTO t VALUES (2)");
    tag(t, "ROLLBACK TO s; INSERT INTO t VALUES (3); COMMIT");
    assert_string_equal(rows(t, "SELECT a FROM t ORDER BY a"), "1\n3\n");
    tag(t, "BEGIN");
    assert_string_equal(state(t, "SELECT 1/0"), "22012");
    assert_string_equal(tag(t, "COMMIT"), "ROLLBACK");
    assert_string_equal(state(t, "SAVEPOINT s"), "25P01");
    assert_string_equal(state(t, "COMMIT AND CHAIN"), "25P01");
    tag(t, "BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY");
    assert_string_equal(rows(t, "SHOW transaction_isolation"), "serializable\n");
    assert_string_equal(rows(t, "SHOW transaction_read_only"), "on\n");
    tag(t, "COMMIT AND CHAIN");
    assert_string_equal(rows(t, "SHOW TRANSACTION ISOLATION LEVEL"), "serializable\n");
    assert_string_equal(state(t, "INSERT INTO t VALUES (4)"), "25006");
    tag(t, "ROLLBACK");
}

static void settings_body(struct test_session *t)
{
    tag(t, "BEGIN; SET LOCAL statement_timeout = '1s'");
    assert_string_equal(rows(t, "SHOW statement_timeout"), "1s\n");
    tag(t, "COMMIT");
    assert_string_equal(rows(t, "SHOW statement_timeout"), "0\n");
    tag(t, "BEGIN; SET application_name = 'x'; SAVEPOINT s; SET application_name = 'y'; ROLLBACK "
           "TO s");
    assert_string_equal(rows(t, "SHOW application_name"), "x\n");
    tag(t, "ROLLBACK");
    assert_string_equal(rows(t, "SHOW application_name"), "\n");
    tag(t, "SET search_path = a, \"B c\", 'd'");
    assert_string_equal(rows(t, "SHOW search_path"), "a, \"B c\", d\n");
    assert_string_equal(rows(t, "SELECT set_config('my.v', '5', false), current_setting('my.v')"),
                        "5|5\n");
    assert_string_equal(state(t, "SELECT current_setting('my.w')"), "42704");
    assert_string_equal(rows(t, "SELECT current_setting('my.w', true)"), "~\n");
    assert_string_equal(state(t, "SET statement_timeout TO 1, 2"), "22023");
    assert_string_equal(state(t, "SHOW nonsense"), "42704");
    tag(t, "SET TIME ZONE 'Asia/Tokyo'");
    assert_string_equal(rows(t, "SHOW timezone"), "Asia/Tokyo\n");
    tag(t, "SET TIME ZONE INTERVAL '-08:30' HOUR TO MINUTE");
    assert_string_equal(rows(t, "SHOW timezone"), "<-08:30>+08:30\n");
    tag(t, "RESET ALL");
    assert_string_equal(rows(t, "SHOW timezone"), "UTC\n");
    tag(t, "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    assert_string_equal(rows(t, "SHOW default_transaction_isolation"), "repeatable read\n");
    tag(t, "CREATE TABLE t (a int)");
    tag(t, "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY");
    assert_string_equal(state(t, "INSERT INTO t VALUES (1)"), "25006");
    tag(t, "BEGIN; SET default_transaction_read_only = off; ROLLBACK");
    assert_string_equal(state(t, "INSERT INTO t VALUES (1)"), "25006");
    tag(t, "BEGIN READ WRITE; INSERT INTO t VALUES (1); COMMIT");
    tag(t, "RESET ALL");
    assert_string_equal(tag(t, "INSERT INTO t VALUES (1)"), "INSERT 0 1");
}

static void prepared_body(struct test_session *t)
{
    tag(t, "CREATE TABLE t (a int, b text)");
    tag(t, "PREPARE p (int) AS SELECT $1 + 1");
    assert_string_equal(rows(t, "EXECUTE p(41)"), "42\n");
    assert_string_equal(state(t, "EXECUTE p"), "42601");
    assert_string_equal(state(t, "PREPARE p AS SELECT 1"), "42P05");
    tag(t, "PREPARE q AS INSERT INTO t VALUES ($1, $2)");
    assert_string_equal(tag(t, "EXECUTE q('7', 'seven')"), "INSERT 0 1");
    assert_string_equal(rows(t, "SELECT a, b FROM t"), "7|seven\n");
    tag(t, "DEALLOCATE p");
    assert_string_equal(state(t, "EXECUTE p(1)"), "26000");
    assert_string_equal(state(t, "DEALLOCATE p"), "26000");
    tag(t, "DISCARD ALL");
    assert_string_equal(state(t, "EXECUTE q(1, 'x')"), "26000");
}

static void refusals_body(struct test_session *t)
{
    static const char *const pairs[][2] = {
        { "DISCARD ALL", "25001" },
        { "VACUUM", "25001" },
        { "SET TRANSACTION SNAPSHOT 'x'", "0A000" },
        { "LOCK TABLE nope", "42P01" },
        { "PREPARE TRANSACTION 'x'", "0A000" },
        { "RELEASE nope", "3B001" },
        { "CLOSE nope", "34000" },
        { "EXPLAIN ANALYZE SELECT 1", "0A000" },
        { "CREATE EXTENSION nope", "0A000" },
        { "CREATE SCHEMA other", "0A000" },
        { "CREATE SCHEMA public", "42P06" },
        { "SET ROLE nobody_here", "22023" },
        { "DO $$ BEGIN END $$", "0A000" },
        { "CREATE DATABASE x", "25001" },
        { "VACUUM nope", "25001" },
        { "ANALYZE nope", "42P01" },
    };

    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        tag(t, "BEGIN");
        assert_string_equal(state(t, pairs[i][0]), pairs[i][1]);
        tag(t, "ROLLBACK");
    }
    tag(t, "BEGIN");
    tag(t, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    assert_string_equal(rows(t, "SHOW transaction_isolation"), "repeatable read\n");
    tag(t, "SAVEPOINT a");
    assert_string_equal(state(t, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"), "25001");
    tag(t, "ROLLBACK");
    tag(t, "BEGIN");
    assert_string_equal(rows(t, "SELECT 1"), "1\n");
    assert_string_equal(state(t, "BEGIN ISOLATION LEVEL SERIALIZABLE"), "25001");
    tag(t, "ROLLBACK");
    assert_string_equal(state(t, "LOCK TABLE nope"), "25P01");
}

static void temporary_body(struct test_session *t)
{
    tag(t, "CREATE TEMP TABLE a (x int); CREATE TEMP TABLE b (x int); INSERT INTO a VALUES (1)");
    assert_string_equal(rows(t, "SELECT x FROM a"), "1\n");
    tag(t, "DISCARD TEMP");
    assert_string_equal(state(t, "SELECT x FROM a"), "42P01");
    assert_string_equal(state(t, "SELECT x FROM b"), "42P01");
}

static void explain_body(struct test_session *t)
{
    tag(t, "CREATE TABLE t (a int PRIMARY KEY, b text)");
    assert_non_null(strstr(rows(t, "EXPLAIN SELECT b FROM t WHERE a = 1"),
                           "SEARCH t USING INTEGER PRIMARY KEY"));
    assert_non_null(strstr(rows(t, "EXPLAIN (FORMAT JSON) SELECT 1"), "\"Plan\""));
    assert_string_equal(t->types, "QUERY PLAN:114");
}

#define BODY(name)                        \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        with_session(name##_body);        \
    }

BODY(tags)
BODY(transactions)
BODY(settings)
BODY(prepared)
BODY(refusals)
BODY(temporary)
BODY(explain)

static void test_names_are_quoted(void **state)
{
    struct buf b = { 0 };

    (void)state;
    assert_int_equal(verb_ident(&b, "a\"b"), 0);
    assert_int_equal(verb_quote(&b, "it's"), 0);
    assert_true(view_equal_str(buf_view(&b), "\"a\"\"b\"'it''s'"));
    buf_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags),     cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_settings), cmocka_unit_test(test_prepared),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_temporary),
        cmocka_unit_test(test_explain),  cmocka_unit_test(test_names_are_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
