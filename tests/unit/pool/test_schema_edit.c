/* A table's text in the schema, exchanged for another one: all or nothing, and only for us. */
#include "support_session.h"

#include "base/alloc.h"

static const char checked[] = "CREATE TABLE e (a INTEGER, b TEXT DEFAULT 'new', CHECK (a < 10))";

static void hold_writers_place(struct world *w)
{
    begin(w->session, TXN_READ_COMMITTED);
    run(w->session, "CREATE TABLE e (a INTEGER)");
    run(w->session, "INSERT INTO e VALUES (1)");
}

static void exchange(struct world *w)
{
    struct failure failure = { 0 };

    hold_writers_place(w);
    assert_int_equal(session_edit_schema(w->session, false, "e", checked, &failure), 0);
    run(w->session, "INSERT INTO e (a) VALUES (2)");
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM e WHERE b = 'new'"), 2);
    fails(w->session, "INSERT INTO e (a) VALUES (10)", "23514", NULL);
    rollback(w->session);
    fails(w->session, "SELECT a FROM e", "42P01", NULL);
}

static void the_new_text_counts_and_the_rows_stay(void **state)
{
    in_task(*state, exchange);
}

static void refuse(struct world *w)
{
    struct failure failure = { 0 };

    hold_writers_place(w);
    assert_int_equal(session_edit_schema(w->session, false, "e", "CREATE TABLE e (", &failure),
                     FAILED);
    assert_int_equal(query_int(w->session, "SELECT a FROM e"), 1);
    commit(w->session);
    assert_int_equal(query_int(w->session, "SELECT a FROM e"), 1);
    fails(w->session, "UPDATE sqlite_schema SET sql = ''", "42501", NULL);
}

static void a_text_that_sqlite_cannot_read_changes_nothing(void **state)
{
    in_task(*state, refuse);
}

static void without_memory(struct world *w)
{
    unsigned failed = 0;

    for (uint64_t n = 1;; n++) {
        struct failure failure = { 0 };

        hold_writers_place(w);
        mem_fail_at(n, false);
        int r = session_edit_schema(w->session, false, "e", checked, &failure);
        bool hit = mem_fail_hit();
        mem_fail_at(0, false);
        failed += r != 0;
        if (r != 0) {
            assert_string_equal(failure.sqlstate, "53200");
        }
        rollback(w->session);
        if (!hit) {
            break;
        }
    }
    assert_true(failed > 5);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);
    fails(w->session, "UPDATE sqlite_schema SET sql = ''", "42501", NULL);
}

static void each_allocation_that_fails_changes_nothing(void **state)
{
    in_task(*state, without_memory);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, setup_world, teardown_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_new_text_counts_and_the_rows_stay),
        WORLD_TEST(a_text_that_sqlite_cannot_read_changes_nothing),
        WORLD_TEST(each_allocation_that_fails_changes_nothing),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
