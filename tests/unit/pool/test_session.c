/* Sessions: opening, statements, stopping, time slices, accounts, the cache of statements. */
#include "support_session.h"

#include "async/await.h"
#include "pool/vfs.h"

static void first_steps(struct world *w)
{
    assert_int_equal(query_int(w->session, "SELECT 1"), 1);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);
    assert_int_equal(run(w->session, "UPDATE t SET n = 0 WHERE id <= 3"), 3);
    assert_int_equal(run(w->session, "UPDATE t SET n = 0 WHERE id < 0"), 0);
    assert_int_equal(query_int(w->session, "SELECT sum(n) FROM t WHERE id <= 4"), 40);
}

static void runs_statements(void **state)
{
    in_task(*state, first_steps);
}

static void like_is_case_sensitive(struct world *w)
{
    assert_int_equal(query_int(w->session, "SELECT 'ABC' LIKE 'a%'"), 0);
    assert_int_equal(query_int(w->session, "SELECT 'ABC' LIKE 'A%'"), 1);
    fails(w->session, "SELECT \"nothing\"", "42703", "column \"nothing\" does not exist");
    assert_int_equal(query_int(w->session, "PRAGMA foreign_keys"), 1);
}

static void speaks_as_postgresql_does(void **state)
{
    in_task(*state, like_is_case_sensitive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_statements, setup_world, teardown_world),
        cmocka_unit_test_setup_teardown(speaks_as_postgresql_does, setup_world, teardown_world),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
