/* Marks, with one session and with several on one clone. */
#include "support_session.h"

#include "pool/clone.h"
#include "async/await.h"
#include "pool/marks.h"

static void set(struct marks *marks, struct session *session, const char *name)
{
    struct failure f;

    assert_int_equal(marks_set(marks, session, name, 3, &f), 0);
}

static void rewind_to(struct marks *marks, struct session *session, const char *name)
{
    struct failure f;

    assert_int_equal(marks_rewind(marks, session, name, &f), 0);
}

static void back_and_forth(struct world *w)
{
    struct marks marks = { 0 };
    struct failure f;

    set(&marks, w->session, "all");
    run(w->session, "DELETE FROM t WHERE id > 10");
    set(&marks, w->session, "ten");
    run(w->session, "DROP TABLE t");
    rewind_to(&marks, w->session, "ten");
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 10);
    rewind_to(&marks, w->session, "all");
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);
    rewind_to(&marks, w->session, "ten");
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 10);
    assert_int_equal(marks_reset(w->session, &f), 0);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);
    assert_string_equal(clone_schema_is_templates(w->clone) ? "as the template's" : "",
                        "as the template's");
    marks_finish(&marks);
}

static void a_mark_is_gone_back_to_as_often_as_one_likes(void **state)
{
    in_task(*state, back_and_forth);
}

static void errors(struct world *w)
{
    struct marks marks = { 0 };
    struct failure f;

    assert_int_equal(marks_rewind(&marks, w->session, "none", &f), FAILED);
    assert_string_equal(f.sqlstate, "42704");
    set(&marks, w->session, "a");
    set(&marks, w->session, "b");
    set(&marks, w->session, "c");
    assert_int_equal(marks_set(&marks, w->session, "d", 3, &f), FAILED);
    assert_string_equal(f.sqlstate, "53400");
    run(w->session, "DELETE FROM t");
    set(&marks, w->session, "b"); /* moved */
    rewind_to(&marks, w->session, "a");
    rewind_to(&marks, w->session, "b");
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 0);
    marks_finish(&marks);
}

static void an_unknown_mark_and_one_too_many_are_refused(void **state)
{
    in_task(*state, errors);
}

/* ---- beside others ---- */

static void others(struct world *w)
{
    struct session *other = session_on(w->clone, &(struct session_options){ .memory = 0 });
    struct marks marks = { 0 };

    set(&marks, w->session, "before");
    run(other, "DELETE FROM t");
    begin(other, TXN_READ_COMMITTED);
    rewind_to(&marks, w->session, "before"); /* a block in which nothing has run has lost nothing */
    assert_int_equal(query_int(other, "SELECT count(*) FROM t"), 1000);
    rewind_to(&marks, w->session, "before");
    fails(other, "SELECT count(*) FROM t", "40001",
          "could not serialize access due to a rewind of the database");
    rollback(other);
    assert_int_equal(query_int(other, "SELECT count(*) FROM t"), 1000);

    begin(other, TXN_REPEATABLE_READ);
    assert_int_equal(query_int(other, "SELECT count(*) FROM t"), 1000);
    rewind_to(&marks, w->session, "before");
    fails(other, "DELETE FROM t", "40001", NULL);
    rollback(other);
    session_close(other);
    marks_finish(&marks);
}

static void others_see_it_in_their_next_statement_or_lose_their_transaction(void **state)
{
    in_task(*state, others);
}

struct rewinder {
    struct world *world;
    struct marks *marks;
    bool done;
};

static void rewind_task(void *arg)
{
    struct rewinder *r = arg;

    rewind_to(r->marks, r->world->session, "before");
    r->done = true;
}

static void beside_a_writer(struct world *w)
{
    struct session *other = session_on(w->clone, &(struct session_options){ .memory = 0 });
    struct marks marks = { 0 };
    struct rewinder rewinder = { .world = w, .marks = &marks };

    set(&marks, w->session, "before");
    begin(other, TXN_READ_COMMITTED);
    run(other, "DELETE FROM t WHERE id = 1");
    start(w, rewind_task, &rewinder);
    assert_int_equal(await_turn(), 0);
    assert_false(rewinder.done);
    commit(other);
    assert_int_equal(query_int(other, "SELECT count(*) FROM t"), 999);
    while (!rewinder.done) {
        assert_int_equal(await_turn(), 0);
    }
    assert_int_equal(query_int(other, "SELECT count(*) FROM t"), 1000);
    session_close(other);
    marks_finish(&marks);
}

static void a_rewind_waits_for_who_has_written(void **state)
{
    in_task(*state, beside_a_writer);
}

/* ---- no memory ---- */

static void without_memory(struct world *w)
{
    for (uint64_t n = 1;; n++) {
        struct marks marks = { 0 };
        struct failure f;

        mem_fail_at(n, false);
        int r = marks_set(&marks, w->session, "m", 0, &f);
        if (r == 0) {
            r = marks_rewind(&marks, w->session, "m", &f);
        }
        bool hit = mem_fail_hit();
        mem_fail_at(0, false);
        assert_int_equal(r, hit ? FAILED : 0);
        assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);
        marks_finish(&marks);
        if (!hit) {
            assert_true(n > 2);
            break;
        }
        assert_string_equal(f.sqlstate, "53200");
    }
}

static void no_memory_leaves_everything_as_it_was(void **state)
{
    in_task(*state, without_memory);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_world, teardown_world)
    const struct CMUnitTest tests[] = {
        TEST(a_mark_is_gone_back_to_as_often_as_one_likes),
        TEST(an_unknown_mark_and_one_too_many_are_refused),
        TEST(others_see_it_in_their_next_statement_or_lose_their_transaction),
        TEST(a_rewind_waits_for_who_has_written),
        TEST(no_memory_leaves_everything_as_it_was),
    };
    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
