/* Words, verbs and weights of SQLite texts; texts that end in the middle of something. */
#include "pool/sqltext.h"

#include "pool/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void tokens_are_told_apart(void **state)
{
    static const struct {
        enum sqltext_kind kind;
        const char *text;
    } wanted[] = {
        { SQLTEXT_WORD, "SELECT" },
        { SQLTEXT_WORD, "a$1" },
        { SQLTEXT_OTHER, "." },
        { SQLTEXT_NAME, "\"b\"\"c\"" },
        { SQLTEXT_OTHER, "," },
        { SQLTEXT_NAME, "[d]]" },
        { SQLTEXT_OTHER, "," },
        { SQLTEXT_NAME, "`e``f`" },
        { SQLTEXT_STRING, "'it''s -- \"'" },
        { SQLTEXT_OTHER, "12ab" },
        { SQLTEXT_OTHER, "-" },
        { SQLTEXT_WORD, "\xc3\xa4" },
    };
    struct view text = view_of_str(
        "  SELECT /* a /* b */ a$1.\"b\"\"c\",-- x'\n [d]],`e``f` 'it''s -- \"'12ab - \xc3\xa4 ");

    (void)state;
    /* "[d]]": brackets have no escape, so the name ends at the first; the second is a byte of its
     * own */
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        struct sqltext_token token = sqltext_next(&text);

        assert_int_equal(token.kind, wanted[i].kind);
        if (i == 5) {
            assert_true(view_equal_str(token.text, "[d]"));
            token = sqltext_next(&text);
            assert_true(sqltext_is_byte(&token, ']'));
        } else {
            assert_true(view_equal_str(token.text, wanted[i].text));
        }
    }
    assert_int_equal(sqltext_next(&text).kind, SQLTEXT_END);
    assert_int_equal(sqltext_next(&text).kind, SQLTEXT_END);
}

/* Every beginning of a text, in memory of its very length, so that reading past it is seen. */
static void truncated_texts_end_where_they_end(void **state)
{
    static const char whole[] =
        "WITH a AS (SELECT 'x''y', \"z\" FROM [t] -- c\n /* d */ WHERE `e` = CASE 1 END) DELETE";

    (void)state;
    for (size_t len = 0; len < sizeof(whole); len++) {
        char *copy = malloc(len == 0 ? 1 : len);
        struct view text = view_of(copy, len);
        struct sqltext_token token;
        char name[4];
        char verb[8];
        size_t tokens = 0;

        memcpy(copy, whole, len);
        sqltext_verb(text, verb, sizeof(verb));
        assert_true(sqltext_weigh(text).depth < 10);
        while ((token = sqltext_next(&text)).kind != SQLTEXT_END) {
            sqltext_identifier(&token, name, sizeof(name));
            assert_true(strlen(name) < sizeof(name));
            tokens++;
        }
        assert_true(tokens <= len);
        free(copy);
    }
}

static void verbs_are_postgresqls(void **state)
{
    static const char *const cases[][2] = {
        { "select 1", "SELECT" },
        { " -- c\n/* d */ insert into t", "INSERT" },
        { "REPLACE INTO t", "INSERT" },
        { "WITH a AS (SELECT 1), b AS (DELETE) UPDATE t", "UPDATE" },
        { "WITH a(x) AS MATERIALIZED (INSERT) SELECT", "SELECT" },
        { "create temp table x", "CREATE TABLE" },
        { "CREATE UNIQUE INDEX x", "CREATE INDEX" },
        { "DROP VIEW v", "DROP VIEW" },
        { "ALTER TABLE t", "ALTER TABLE" },
        { "vacuum", "VACUUM" },
        { "", "" },
        { "'x'", "" },
    };
    char verb[32];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        sqltext_verb(view_of_str(cases[i][0]), verb, sizeof(verb));
        assert_string_equal(verb, cases[i][1]);
    }
    sqltext_verb(view_of_str("CREATE TABLE x"), verb, 9); /* no room for the second word */
    assert_true(strlen(verb) < 9);
}

static void weights_bound_what_unfolds(void **state)
{
    static const struct {
        const char *sql;
        size_t nesting;
        size_t depth;
    } cases[] = {
        { "SELECT 1", 0, 0 },
        { "SELECT a+b+c, d*e FROM t", 0, 2 },
        { "SELECT ((a+b)+c)", 0, 4 },
        { "SELECT a+b FROM (SELECT c+d+e AS a FROM t)", 1, 3 },
        { "SELECT 1 FROM (SELECT 1), (SELECT 1+1+1)", 1, 2 },
        { "SELECT 1 FROM (SELECT 1 FROM (SELECT 1))", 2, 0 },
        { "WITH a AS (SELECT 1+1), b AS (SELECT 1-1-1) SELECT * FROM b", 3, 4 },
        { "WITH a AS MATERIALIZED (SELECT 1) SELECT 2", 2, 0 },
        { "SELECT a=1 OR b=2 OR c=3", 0, 3 },
        { "SELECT CASE WHEN a+b THEN 1 ELSE c+d+e END + 1", 0, 4 },
        { "SELECT a COLLATE x COLLATE y", 0, 2 },
        { "SELECT '(SELECT a+b', \"(SELECT\" /* (SELECT 1+1 */", 0, 0 },
        { "CREATE TABLE t(a, b AS (a+1), c GENERATED ALWAYS AS (b+1+1))", 0, 4 },
        { "SELECT x FROM t UNION SELECT a+b FROM u", 0, 1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sqltext_weight weight = sqltext_weigh(view_of_str(cases[i].sql));

        if (weight.nesting != cases[i].nesting || weight.depth != cases[i].depth) {
            fail_msg("%s: nesting %zu, depth %zu", cases[i].sql, weight.nesting, weight.depth);
        }
    }
}

static void more_parentheses_than_frames_do_no_harm(void **state)
{
    enum { deep = 100000 };
    char *text = malloc(2 * deep);

    (void)state;
    memset(text, '(', deep);
    memset(text + deep, ')', deep);
    (void)sqltext_weigh(view_of(text, deep));
    (void)sqltext_weigh(view_of(text + deep, deep));
    assert_true(sqltext_weigh(view_of(text, (size_t)2 * deep)).depth > 200);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_told_apart),
        cmocka_unit_test(truncated_texts_end_where_they_end),
        cmocka_unit_test(verbs_are_postgresqls),
        cmocka_unit_test(weights_bound_what_unfolds),
        cmocka_unit_test(more_parentheses_than_frames_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
