/* Marks, and templates that are built once: what the host is asked, where it is not asked at all,
 * and what a session sees after a rewind under its own statement. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/defs.h"
#include "pool/clone.h"
#include "pool/session.h"
#include "support_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *call, *log, *row;
} calls[] = {
    { "pond_mark('a b')", "mark a b; ", "\n" },
    { "pond_rewind('a' || 'b')", "rewind ab; ", "\n" },
    { "pond_reset()", "reset -; ", "\n" },
    { "pond_keep()", "keep; ", "\n" },
    { "pond_template('new')", "claim new from -; ", "t\n" },
    { "pond_template('shop')", "claim shop from -; ", "f\n" },
    { "pond_template('new', 'shop')", "claim new from shop; ", "t\n" },
    { "pond_template_ready('new')", "ready new; ", "\n" },
    { "pond_template_failed('new')", "failed new; ", "\n" },
};

static const char *select(char text[128], const char *format, const char *call)
{
    (void)snprintf(text, 128, format, call);
    return text;
}

static void asked_body(struct test_session *t)
{
    char text[128];

    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        assert_string_equal(rows(t, select(text, "SELECT %s", calls[i].call)), calls[i].row);
        assert_string_equal(fake_log(), calls[i].log);
    }
    rows(t, "SELECT pond_mark('x'), pond_template('x')");
    assert_string_equal(t->types, "pond_mark:2278 pond_template:16");
    assert_string_equal(t->tag, "SELECT 1");
    fake_log();
    rows(t, "PREPARE p AS SELECT pond_rewind($1)");
    assert_string_equal(fake_log(), "");
    rows(t, "EXECUTE p('one')");
    assert_string_equal(fake_log(), "rewind one; ");
    rows(t, "SELECT pond_mark(x) FROM (VALUES ('1'), ('2')) v(x)");
    assert_string_equal(fake_log(), "mark 1; mark 2; ");
    fake.sqlstate = "42704";
    assert_string_equal(state(t, "SELECT pond_rewind('x')"), "42704");
}

static void the_host_is_asked_at_once(void **state)
{
    (void)state;
    with_fake_host(asked_body);
}

static void refused_body(struct test_session *t)
{
    char text[128];

    rows(t, "CREATE TABLE t (v text)");
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        rows(t, "BEGIN");
        assert_string_equal(state(t, select(text, "SELECT %s", calls[i].call)), "25001");
        rows(t, "ROLLBACK");
        assert_string_equal(state(t, select(text, "SELECT %s; SELECT 1", calls[i].call)), "25001");
        assert_string_equal(
            state(t, select(text, "INSERT INTO t SELECT 'x' WHERE %s IS NOT NULL", calls[i].call)),
            "25001");
    }
    assert_string_equal(failure_get(&t->failure, FIELD_MESSAGE),
                        "pond_template_failed() cannot run in a statement that writes");
    assert_string_equal(rows(t, "SELECT count(*) FROM t"), "0\n");
    rows(t, "INSERT INTO t VALUES ('x')");
    assert_string_equal(state(t, "SELECT pond_mark('x') FROM t FOR UPDATE"), "25001");
    rows(t, "SET default_transaction_read_only = on");
    assert_string_equal(state(t, "SELECT pond_reset()"), "25006");
    assert_string_equal(fake_log(), "");
}

static void none_of_it_runs_in_a_transaction(void **state)
{
    (void)state;
    with_fake_host(refused_body);
}

static void names_body(struct test_session *t)
{
    static const char *const pairs[][2] = {
        { "SELECT pond_mark(NULL)", "22004" },
        { "SELECT pond_mark('')", "42602" },
        { "SELECT pond_mark(repeat('x', 64))", "42622" },
        { "SELECT pond_template(NULL)", "22004" },
        { "SELECT pond_template('a~b')", "42602" },
        { "SELECT pond_template('a', '')", "42602" },
        { "SELECT pond_template_ready('')", "42602" },
        { "SELECT pond_mark()", "42883" },
    };

    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        assert_string_equal(state(t, pairs[i][0]), pairs[i][1]);
    }
    rows(t, "SELECT pond_mark(repeat('x', 63))");
    assert_non_null(strstr(fake_log(), "mark xxxxx"));
}

static void names_are_looked_at(void **state)
{
    (void)state;
    with_fake_host(names_body);
}

static void plans_body(struct test_session *t)
{
    static const char *const texts[] = { "SELECT pond_mark('x')", "SELECT 1 + 1",
                                         "SELECT a FROM (SELECT pond_reset() AS a) s" };
    struct plan *plan = NULL;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_int_equal(sql_prepare(t->sql, view_of_str(texts[i]), NULL, 0, &plan, &t->failure),
                         0);
        assert_int_equal(sql_plan_runs_alone(plan), i != 1);
        sql_plan_unref(plan);
    }
    assert_string_equal(fake_log(), ""); /* nothing is called when a statement is prepared */
}

static void their_plans_say_so(void **state)
{
    (void)state;
    with_fake_host(plans_body);
}

/* ---- over a real clone ---- */

static struct clone_mark *kept;

static int real_mark(void *host, enum mark_op op, const char *name, struct failure *f)
{
    struct test_session *t = host;
    struct clone *clone = session_clone(t->session);
    int r = clone_await_writer(clone, t->session, DEADLINE_NONE);

    (void)name;
    if (r == 0) {
        r = op == MARK_SET      ? clone_mark(clone, &kept)
            : op == MARK_REWIND ? clone_rewind(clone, kept)
                                : clone_reset(clone);
        clone_release_writer(clone, t->session);
    }
    return r == 0 ? 0 : failure_set(f, "XX000", "%d", r);
}

static void rewind_body(struct test_session *t)
{
    rows(t, "CREATE TABLE x (a int); INSERT INTO x VALUES (1)");
    rows(t, "SELECT pond_mark('m')");
    for (int i = 0; i < 3; i++) {
        rows(t, "INSERT INTO x VALUES (2); ALTER TABLE x ADD COLUMN b text DEFAULT 'new'");
        assert_string_equal(rows(t, "SELECT * FROM x"), "1|new\n2|new\n");
        /* the statement goes on with what it began with */
        assert_string_equal(rows(t, "SELECT a, pond_rewind('m') FROM x"), "1|\n2|\n");
        assert_string_equal(rows(t, "SELECT * FROM x"), "1\n");
        assert_string_equal(t->types, "a:23");
    }
    rows(t, "SELECT pond_reset()");
    assert_string_equal(state(t, "SELECT * FROM x"), "42P01");
    clone_mark_destroy(kept);
    kept = NULL;
}

static void a_rewind_is_seen_by_the_next_statement(void **state)
{
    struct host_ops ops = test_host;

    (void)state;
    ops.mark = real_mark;
    with_host(&ops, rewind_body);
}

static void bare_body(struct test_session *t)
{
    char text[128];

    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        assert_string_equal(state(t, select(text, "SELECT %s", calls[i].call)), "0A000");
    }
}

static void a_host_without_them_refuses(void **state)
{
    (void)state;
    with_session(bare_body);
}

static void memory_body(struct test_session *t)
{
    static const char text[] = "SELECT pond_template('new', 'shop')";

    (void)mem_fail_at(0, false);
    rows(t, text);
    uint64_t allocations = mem_fail_at(0, false);
    for (uint64_t n = 1; n <= allocations; n++) {
        (void)mem_fail_at(n, false);
        bool done = run(t, text);
        (void)mem_fail_at(0, false);
        assert_string_equal(done ? t->rows : t->failure.sqlstate, done ? "t\n" : "53200");
    }
}

static void each_lost_allocation_ends_the_statement_only(void **state)
{
    (void)state;
    with_fake_host(memory_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_host_is_asked_at_once),
        cmocka_unit_test(none_of_it_runs_in_a_transaction),
        cmocka_unit_test(names_are_looked_at),
        cmocka_unit_test(their_plans_say_so),
        cmocka_unit_test(a_rewind_is_seen_by_the_next_statement),
        cmocka_unit_test(a_host_without_them_refuses),
        cmocka_unit_test(each_lost_allocation_ends_the_statement_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
