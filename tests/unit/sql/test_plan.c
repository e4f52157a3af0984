/* Plans: literals taken out, the caches, what a schema change does. */
#include "sql/plan.h"

#include "async/loop.h"
#include "async/task.h"
#include "base/alloc.h"
#include "base/defs.h"
#include "pool/clone.h"
#include "pool/session.h"
#include "sql/normal.h"
#include "sql/plan_cache.h"
#include "tests/unit/sql/support_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char schema[] = "CREATE TABLE t (id integer COLLATE int4 PRIMARY KEY, a int4, b text)";

/* ---- literals out ---- */

static const char *taken(const char *text)
{
    static char out[4096];
    struct normal normal;
    size_t used;

    if (!normal_take(view_of_str(text), &normal)) {
        return "-";
    }
    used = (size_t)snprintf(out, sizeof(out), "%.*s", (int)normal.len, (const char *)normal.text);
    for (size_t i = 0; i < normal.count; i++) {
        used += (size_t)snprintf(out + used, sizeof(out) - used, " | %.*s:%u",
                                 (int)normal.literals[i].len, (const char *)normal.literals[i].data,
                                 normal.oids[i] & 0xfffff);
    }
    return out;
}

static void literals_are_taken_where_they_are_but_values(void **state)
{
    static const char *const cases[][2] = {
        { "SELECT a FROM t WHERE id = 5", "SELECT a FROM t WHERE id = $1 | 5:23" },
        { "select a from t where id=5 and b='x''y'",
          "select a from t where id=$1 and b=$2 | 5:23 | 'x''y':705" },
        { "INSERT INTO t VALUES (1, -2, 1.5, 5000000000)",
          "INSERT INTO t VALUES ($1, -$2, $3, $4) | 1:23 | 2:23 | 1.5:1700 | 5000000000:20" },
        { "SELECT a\n  FROM t -- c\n WHERE id = 5", "SELECT a FROM t WHERE id = $1 | 5:23" },
        { "SELECT a FROM t ORDER BY 1 LIMIT 2", "SELECT a FROM t ORDER BY 1 LIMIT $1 | 2:23" },
        { "SELECT a, 7 FROM t GROUP BY 1, 2", "SELECT a, $1 FROM t GROUP BY 1, 2 | 7:23" },
        { "SELECT x::numeric(5, 2), 1", "SELECT x::numeric(5, 2), $1 | 1:23" },
        { "SELECT date '2024-01-01', 1", "SELECT date '2024-01-01', $1 | 1:23" },
        { "SELECT a FROM t WHERE b LIKE 'x%' AND a = 1",
          "SELECT a FROM t WHERE b LIKE 'x%' AND a = $1 | 1:23" },
        { "SELECT a / 2 + 3 FROM t", "SELECT a / 2 + $1 FROM t | 3:23" },
        { "SELECT a FROM t WHERE a = ANY('{1}') AND a = 2",
          "SELECT a FROM t WHERE a = ANY('{1}') AND a = $1 | 2:23" },
        { "SELECT a FROM t WHERE id = $1", "-" },
        { "SELECT a FROM t", "-" },
        { "BEGIN", "-" },
        { "SELECT 'x", "-" },
        { "WITH x AS (SELECT 1) SELECT 2", "-" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_string_equal(taken(cases[i][0]), cases[i][1]);
    }
}

static void a_text_with_too_many_literals_is_left_alone(void **state)
{
    char text[1024] = "SELECT 1";

    (void)state;
    for (size_t i = 1; i < normal_literals; i++) {
        strcat(text, ",1");
    }
    assert_string_not_equal(taken(text), "-");
    strcat(text, ",1");
    assert_string_equal(taken(text), "-");
}

/* ---- the cache ---- */

static struct plan *empty_plan(void)
{
    struct plan *plan = mem_zalloc(sizeof(*plan));

    assert_non_null(plan);
    plan->refs = 1;
    return plan;
}

static void the_least_recently_used_goes_first(void **state)
{
    struct plan_cache *cache = NULL;
    struct plan_key keys[4];
    struct plan *plan = empty_plan();
    struct plan *found = NULL;
    static const char *const texts[] = { "a", "b", "c", "d" };

    (void)state;
    assert_int_equal(plan_cache_create(3, 1 << 20, &cache), 0);
    for (size_t i = 0; i < 4; i++) {
        keys[i] = (struct plan_key){ .text = view_of_str(texts[i]) };
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(plan_cache_put(cache, &keys[i], plan), 0);
    }
    assert_true(plan_cache_find(cache, &keys[0], &found));
    assert_ptr_equal(found, plan);
    assert_int_equal(plan_cache_put(cache, &keys[3], NULL), 0);
    assert_int_equal(plan_cache_count(cache), 3);
    assert_false(plan_cache_find(cache, &keys[1], &found));
    assert_true(plan_cache_find(cache, &keys[0], &found));
    assert_true(plan_cache_find(cache, &keys[3], &found));
    assert_null(found);
    plan_cache_destroy(cache);
    assert_int_equal(plan->refs, 1);
    sql_plan_unref(plan);
}

static void oids_and_style_are_part_of_the_key(void **state)
{
    static const uint32_t int4[] = { 23 };
    struct plan_key a = { .text = view_of_str("x"), .oids = int4, .oid_count = 1 };
    struct plan_key b = { .text = view_of_str("x") };
    struct plan_key c = { .text = view_of_str("x"), .oids = int4, .oid_count = 1, .style = 8 };
    struct plan_cache *cache = NULL;
    struct plan *found;

    (void)state;
    assert_int_equal(plan_cache_create(3, 1 << 20, &cache), 0);
    (void)mem_fail_at(1, false);
    assert_int_not_equal(plan_cache_put(cache, &a, NULL), 0);
    (void)mem_fail_at(0, false);
    assert_int_equal(plan_cache_put(cache, &a, NULL), 0);
    assert_true(plan_cache_find(cache, &a, &found));
    assert_false(plan_cache_find(cache, &b, &found));
    assert_false(plan_cache_find(cache, &c, &found));
    plan_cache_destroy(cache);
}

static struct plan *plan_of(struct test_session *t, const char *text)
{
    struct plan *plan = NULL;

    failure_clear(&t->failure);
    assert_int_equal(sql_prepare(t->sql, view_of_str(text), NULL, 0, &plan, &t->failure), 0);
    return plan;
}

static void check_shared(struct test_session *t)
{
    struct test_session *other = second_session(t);
    struct plan *a = plan_of(t, "SELECT 1");
    struct plan *b = plan_of(t, "SELECT 2");
    struct plan *c = plan_of(other, "SELECT 33");
    struct plan *d = plan_of(other, "SELECT 5000000000");

    assert_non_null(a->base);
    assert_ptr_equal(a->base, b->base);
    assert_ptr_equal(a->base, c->base);
    assert_ptr_not_equal(a->base, d->base);
    assert_string_equal(rows(other, "SELECT 77"), "77\n");
    assert_string_equal(rows(t, "SELECT 'it''s' || 'x'"), "it'sx\n");
    sql_plan_unref(a);
    sql_plan_unref(b);
    sql_plan_unref(c);
    sql_plan_unref(d);
    second_session_close(other);
    assert_string_equal(rows(t, "SELECT 78"), "78\n");
}

static void sessions_of_one_template_share_plans(void **state)
{
    (void)state;
    with_session(check_shared);
}

static void check_renewed(struct test_session *t)
{
    struct test_session *other = second_session(t);
    struct plan *plan;
    struct plan *again = NULL;

    (void)rows(t, "CREATE TABLE x (a int)");
    plan = plan_of(t, "SELECT * FROM x");
    assert_int_equal(sql_statement_put(t->sql, view_of_str("s"), plan, &t->failure), 0);
    assert_int_equal(sql_statement_put(t->sql, view_of_str("s"), plan, &t->failure), FAILED);
    assert_string_equal(t->failure.sqlstate, "42P05");
    sql_plan_unref(plan);
    assert_int_equal(sql_statement_get(t->sql, view_of_str("s"), &again, &t->failure), 0);
    (void)rows(t, "CREATE TABLE y (a int)");
    assert_int_equal(sql_statement_get(t->sql, view_of_str("s"), &again, &t->failure), 0);
    (void)rows(t, "ALTER TABLE x ADD COLUMN b text");
    assert_int_equal(sql_statement_get(t->sql, view_of_str("s"), &again, &t->failure), FAILED);
    assert_string_equal(t->failure.sqlstate, "0A000");
    assert_string_equal(failure_get(&t->failure, FIELD_MESSAGE),
                        "cached plan must not change result type");
    assert_string_equal(failure_get(&t->failure, FIELD_ROUTINE), "RevalidateCachedQuery");
    assert_int_equal(sql_statement_get(t->sql, view_of_str("nope"), &again, &t->failure), FAILED);
    assert_string_equal(t->failure.sqlstate, "26000");
    assert_string_equal(state(other, "SELECT * FROM x"), "42P01");
    second_session_close(other);
}

static void ddl_renews_plans_and_stays_in_its_session(void **state_)
{
    (void)state_;
    with_session(check_renewed);
}

static void check_rolled_back(struct test_session *t)
{
    (void)rows(t, "BEGIN; CREATE TABLE x (a int); INSERT INTO x VALUES (1)");
    assert_string_equal(rows(t, "SELECT * FROM x"), "1\n");
    (void)rows(t, "ROLLBACK");
    assert_string_equal(state(t, "SELECT * FROM x"), "42P01");
    (void)rows(t, "CREATE TABLE x (b text)");
    assert_string_equal(rows(t, "SELECT * FROM x"), "");
    assert_string_equal(t->types, "b:25");
}

static void rolled_back_ddl_is_forgotten(void **state_)
{
    (void)state_;
    with_session(check_rolled_back);
}

static void put_named(struct test_session *t, const char *name, const char *text)
{
    struct plan *plan = plan_of(t, text);

    assert_int_equal(sql_statement_put(t->sql, view_of_str(name), plan, &t->failure), 0);
    sql_plan_unref(plan);
}

/* Its SQLSTATE, "" if it can be had. */
static const char *named_state(struct test_session *t, const char *name)
{
    struct plan *plan = NULL;

    failure_clear(&t->failure);
    return sql_statement_get(t->sql, view_of_str(name), &plan, &t->failure) == 0
               ? ""
               : t->failure.sqlstate;
}

/* Literals and inner statements are the old schema's, too. */
static void check_named(struct test_session *t)
{
    (void)rows(t, "CREATE TABLE x (a int, b text); INSERT INTO x VALUES (1, '2024-01-02')");
    put_named(t, "literals", "SELECT * FROM x WHERE a = 1");
    put_named(t, "other columns", "SELECT a FROM x WHERE b = '2024-01-02' AND a = 1");
    put_named(t, "parameters", "INSERT INTO x VALUES ($1, $2)");
    put_named(t, "verb", "EXPLAIN SELECT b FROM x");
    (void)rows(t, "PREPARE rows AS SELECT * FROM x; PREPARE one AS SELECT a FROM x;"
                  "PREPARE put AS INSERT INTO x VALUES (2, '2024-01-03');"
                  "PREPARE typed AS INSERT INTO x VALUES (3, $1)");
    (void)rows(t, "DROP TABLE x; CREATE TABLE x (a int, b date)");
    assert_string_equal(named_state(t, "literals"), "0A000");
    assert_string_equal(named_state(t, "other columns"), "");
    assert_string_equal(named_state(t, "parameters"), "42804"); /* $2 is text for its client */
    assert_string_equal(rows(t, "EXECUTE put; EXECUTE one"), "2\n");
    assert_string_equal(rows(t, "SELECT b - 1 FROM x WHERE b = '2024-01-03'"), "2024-01-02\n");
    assert_string_equal(state(t, "EXECUTE rows"), "0A000");
    assert_string_equal(state(t, "EXECUTE typed ('2024-01-03')"), "42804");
    (void)rows(t, "ALTER TABLE x DROP COLUMN b");
    assert_string_equal(named_state(t, "verb"), "42703");
    assert_string_equal(named_state(t, "other columns"), "42703");
    assert_string_equal(state(t, "EXECUTE put"), "42601");
    assert_string_equal(rows(t, "EXECUTE one"), "2\n");
}

static void named_statements_are_made_again_with_all_that_is_in_them(void **state_)
{
    (void)state_;
    with_session(check_named);
}

/* What a neighbour's plan knows of x: its columns. */
static const char *columns_of_x(struct test_session *t)
{
    (void)rows(t, "SELECT * FROM x");
    return t->types;
}

static void check_neighbour(struct test_session *t)
{
    struct test_session *other = neighbour_session(t);
    struct clone *clone = session_clone(t->session);
    struct clone_mark *mark = NULL;

    (void)rows(t, "CREATE TABLE x (a int)");
    assert_string_equal(columns_of_x(other), "a:23");
    assert_int_equal(clone_mark(clone, &mark), 0);
    (void)rows(t, "ALTER TABLE x ADD COLUMN b text");
    assert_string_equal(columns_of_x(other), "a:23 b:25");
    assert_int_equal(clone_rewind(clone, mark), 0);
    assert_string_equal(columns_of_x(other), "a:23");
    assert_string_equal(columns_of_x(t), "a:23");
    (void)rows(other, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM x");
    (void)rows(t, "ALTER TABLE x ADD COLUMN c bool");
    assert_string_equal(columns_of_x(other), "a:23");
    (void)rows(other, "COMMIT");
    assert_string_equal(columns_of_x(other), "a:23 c:16");
    clone_mark_destroy(mark);
    second_session_close(other);
}

static void a_schema_that_others_change_renews_plans(void **state_)
{
    (void)state_;
    with_session(check_neighbour);
}

/* SQLite alone would say "no such table: main.kept" for ever: it does not look whether its parsed
 * schema is an old one when it is a trigger that misses a table. */
static void check_trigger(struct test_session *t)
{
    struct test_session *other = neighbour_session(t);

    (void)rows(t,
               "CREATE TABLE x (a int); CREATE TABLE kept (a int); INSERT INTO x VALUES (1), (2)");
    raw(t, "CREATE TRIGGER keep AFTER DELETE ON x BEGIN INSERT INTO kept VALUES (old.a); END");
    (void)rows(t, "DROP TABLE kept");
    assert_string_equal(state(other, "DELETE FROM x WHERE a = 1"), "42P01");
    (void)rows(t, "CREATE TABLE kept (a int)");
    (void)rows(other, "DELETE FROM x WHERE a = 1");
    assert_string_equal(rows(t, "SELECT a FROM kept"), "1\n");
    (void)rows(t, "DROP TABLE kept");
    assert_string_equal(state(other, "DELETE FROM x"), "42P01");
    (void)rows(other, "BEGIN");
    (void)rows(t, "CREATE TABLE kept (a int)");
    (void)rows(other, "DELETE FROM x; COMMIT");
    assert_string_equal(rows(t, "SELECT a FROM kept"), "2\n");
    second_session_close(other);
}

static void a_trigger_finds_a_table_that_others_made(void **state_)
{
    (void)state_;
    with_session(check_trigger);
}

/* ---- long texts ---- */

struct meanwhile {
    struct test_session *neighbour;
    bool over;
};

static void change_schema(void *arg)
{
    struct meanwhile *meanwhile = arg;

    (void)rows(meanwhile->neighbour, "ALTER TABLE x ADD COLUMN b text");
    meanwhile->over = true;
}

static char *long_text(const char *text, size_t len)
{
    char *padded = calloc(1, len + 1);

    assert_non_null(padded);
    memset(stpcpy(padded, text), ' ', len - strlen(text));
    memcpy(padded + len - 9, "/* end */", 9);
    return padded;
}

/* Parsed on a helper thread; others have their turns, and what they did counts. */
static void check_long(struct test_session *t)
{
    struct meanwhile meanwhile = { .neighbour = neighbour_session(t) };
    char *text = NULL;

    (void)rows(t, "CREATE TABLE x (a int)");
    assert_string_equal(rows(meanwhile.neighbour, "SELECT * FROM x"), "");
    text = long_text("SELECT * FROM x", 20000);
    assert_int_equal(task_spawn(loop_current(), "meanwhile", change_schema, &meanwhile, NULL), 0);
    assert_string_equal(rows(t, text), "");
    assert_true(meanwhile.over);
    assert_string_equal(t->types, "a:23 b:25");
    free(text);
    text = long_text("SELECT * FROM nowhere", 20000);
    assert_string_equal(state(t, text), "42P01");
    assert_int_equal(t->failure.position, 15);
    free(text);
    text = long_text("SELECT * FORM x", 20000);
    assert_string_equal(state(t, text), "42601");
    free(text);
    second_session_close(meanwhile.neighbour);
}

static void others_have_their_turns_while_a_long_text_is_parsed(void **state_)
{
    (void)state_;
    with_session(check_long);
}

static void check_memory(struct test_session *t)
{
    uint64_t asked;

    raw(t, schema);
    (void)rows(t, "SELECT count(*) FROM t WHERE a = 0");
    (void)mem_fail_at(0, false);
    (void)rows(t, "SELECT a, b FROM t WHERE id = 1 AND b = 'x' ORDER BY a");
    asked = mem_fail_at(0, false);
    for (uint64_t n = 1; n <= asked; n++) {
        char text[128];

        (void)snprintf(text, sizeof(text),
                       "SELECT a, b AS b%u FROM t WHERE id = 1 AND b = 'x' ORDER BY a",
                       (unsigned)n);
        (void)mem_fail_at(n, false);
        if (!run(t, text)) {
            assert_string_equal(t->failure.sqlstate, "53200");
        }
        (void)mem_fail_at(0, false);
        assert_string_equal(rows(t, text), "");
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
        cmocka_unit_test(literals_are_taken_where_they_are_but_values),
        cmocka_unit_test(a_text_with_too_many_literals_is_left_alone),
        cmocka_unit_test(the_least_recently_used_goes_first),
        cmocka_unit_test(oids_and_style_are_part_of_the_key),
        cmocka_unit_test(sessions_of_one_template_share_plans),
        cmocka_unit_test(ddl_renews_plans_and_stays_in_its_session),
        cmocka_unit_test(named_statements_are_made_again_with_all_that_is_in_them),
        cmocka_unit_test(rolled_back_ddl_is_forgotten),
        cmocka_unit_test(a_schema_that_others_change_renews_plans),
        cmocka_unit_test(a_trigger_finds_a_table_that_others_made),
        cmocka_unit_test(others_have_their_turns_while_a_long_text_is_parsed),
        cmocka_unit_test(each_lost_allocation_ends_one_statement_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
