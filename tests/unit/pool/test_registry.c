/* Databases and leases. */
#include "support_session.h"

#include "pool/registry.h"

#include <errno.h>
#include <string.h>

static struct registry *registry_of(struct world *w, size_t pool_size)
{
    struct registry *registry = NULL;
    struct database_options options = {
        .name = "shop",
        .template_ = w->template_,
        .pool_size = pool_size,
        .session_memory = 4 << 20,
        .lock_timeout_us = 7000,
    };

    assert_int_equal(registry_create(&registry), 0);
    assert_int_equal(registry_add(registry, &options), 0);
    return registry;
}

static struct lease acquire(struct database *database)
{
    struct session_options options = { .memory = 0 };
    struct lease lease = { .session = NULL };
    struct failure f;

    assert_int_equal(lease_acquire(database, &options, &lease, &f), 0);
    return lease;
}

static void names(struct world *w)
{
    struct registry *registry = registry_of(w, 0);

    assert_non_null(registry_find(registry, view_of_str("shop")));
    assert_null(registry_find(registry, view_of_str("sho")));
    assert_null(registry_find(registry, view_of_str("Shop")));
    struct database_options again = { .name = "shop", .template_ = w->template_ };
    assert_int_equal(registry_add(registry, &again), -EEXIST);
    assert_string_equal(database_options(registry_find(registry, view_of_str("shop")))->name,
                        "shop");
    registry_destroy(registry);
    registry_destroy(NULL);
}

static void databases_are_found_by_name(void **state)
{
    in_task(*state, names);
}

static void private(struct world *w)
{
    struct registry *registry = registry_of(w, 0);
    struct database *database = registry_find(registry, view_of_str("shop"));
    struct lease a = acquire(database);
    struct lease b = acquire(database);

    run(a.session, "DELETE FROM t");
    run(a.session, "CREATE TABLE mine(x)");
    assert_int_equal(query_int(b.session, "SELECT count(*) FROM t"), 1000);
    fails(b.session, "SELECT * FROM mine", "42P01", NULL);
    assert_int_equal(session_options(a.session)->lock_timeout_us, 7000);
    assert_int_equal(session_account(a.session)->limit, 4 << 20);
    begin(a.session, TXN_READ_COMMITTED);
    run(a.session, "INSERT INTO mine VALUES(1)");
    struct cursor *open = open_cursor(a.session, "SELECT * FROM mine");
    (void)open; /* closed with its session */
    lease_release(&a);
    lease_release(&a);
    struct lease c = acquire(database);
    assert_int_equal(query_int(c.session, "SELECT count(*) FROM t"), 1000);
    lease_release(&b);
    lease_release(&c);
    registry_destroy(registry);
}

static void each_lease_is_a_clone_of_its_own(void **state)
{
    in_task(*state, private);
}

static void full(struct world *w)
{
    struct registry *registry = registry_of(w, 2);
    struct database *database = registry_find(registry, view_of_str("shop"));
    struct session_options options = { .memory = 0 };
    struct database_stats stats;
    struct lease a = acquire(database);
    struct lease b = acquire(database);
    struct lease c = { .session = NULL };
    struct failure f;

    assert_int_equal(lease_acquire(database, &options, &c, &f), FAILED);
    assert_string_equal(f.sqlstate, "53300");
    assert_non_null(strstr(failure_get(&f, FIELD_MESSAGE), "\"shop\""));
    assert_non_null(strstr(failure_get(&f, FIELD_DETAIL), "pool_size = 2"));
    database_stats(database, &stats);
    assert_int_equal(stats.sessions, 2);
    lease_release(&a);
    c = acquire(database);
    lease_release(&b);
    lease_release(&c);
    database_stats(database, &stats);
    assert_int_equal(stats.sessions, 0);
    assert_int_equal(stats.leases, 3);
    registry_destroy(registry);
}

static void a_full_pool_refuses(void **state)
{
    in_task(*state, full);
}

static void no_memory(struct world *w)
{
    struct registry *registry = registry_of(w, 0);
    struct database *database = registry_find(registry, view_of_str("shop"));
    struct session_options options = { .memory = 0 };
    struct lease lease = { .session = NULL };
    struct database_stats stats;
    struct failure f;
    uint64_t n = 0;
    int r;

    do {
        size_t used = mem_used_total();

        mem_fail_at(++n, false);
        r = lease_acquire(database, &options, &lease, &f);
        mem_fail_at(0, false);
        if (r != 0) {
            assert_string_equal(f.sqlstate, "53200");
            assert_int_equal(mem_used_total(), used);
        }
    } while (r != 0);
    assert_true(n > 20);
    lease_release(&lease);
    database_stats(database, &stats);
    assert_int_equal(stats.sessions, 0);
    registry_destroy(registry);
}

static void a_lease_without_memory_leaves_nothing(void **state)
{
    in_task(*state, no_memory);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, setup_world, teardown_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(databases_are_found_by_name),
        WORLD_TEST(each_lease_is_a_clone_of_its_own),
        WORLD_TEST(a_full_pool_refuses),
        WORLD_TEST(a_lease_without_memory_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
