/* Names of databases and of named clones. */
#include "support_pool.h"

#include "pool/clone.h"

#include <errno.h>
#include <string.h>

static bool is_known(struct pool *pool, const char *name)
{
    unsigned loop;

    return registry_locate(pool->registry, view_of_str(name), &loop);
}

static void databases(struct world *w)
{
    struct pool pool = { .closed = false };
    struct database_options again = { .name = "shop", .template_ = w->template_ };

    pool_begin(&pool, w, NULL, 0);
    assert_null(registry_find(pool.registry, view_of_str("sho")));
    assert_null(registry_find(pool.registry, view_of_str("Shop")));
    assert_int_equal(registry_add(pool.registry, &again), -EEXIST);
    assert_string_equal(database_options(pool.database)->name, "shop");
    pool_end(&pool);
    registry_destroy(NULL);
}

static void databases_are_found_by_name(void **state)
{
    in_task(*state, databases);
}

/* ---- named clones ---- */

static void put(struct world *w)
{
    struct pool pool = { .closed = false };
    unsigned loop = 7;

    pool_begin(&pool, w, NULL, 0);
    struct named *a = make_named(&pool, "shop~a", false);
    assert_true(registry_locate(pool.registry, view_of_str("shop~a"), &loop));
    assert_int_equal(loop, 0);
    assert_ptr_equal(registry_named(pool.registry, view_of_str("shop~a")), a);
    assert_null(registry_named(pool.registry, view_of_str("shop~b")));
    assert_false(is_known(&pool, "shop")); /* is a database */

    struct named_options same = { .name = "shop~a",
                                  .database = pool.database,
                                  .template_ = w->template_ };
    struct named *second;
    assert_int_equal(named_create(&same, &second), 0);
    assert_int_equal(registry_put(pool.registry, second), -EEXIST);
    named_unref(second);
    same.name = "shop";
    assert_int_equal(named_create(&same, &second), 0);
    assert_int_equal(registry_put(pool.registry, second), -EEXIST);
    named_unref(second);

    registry_drop(pool.registry, a);
    assert_false(is_known(&pool, "shop~a"));
    pool_end(&pool);
}

static void a_named_clone_is_known_until_it_is_dropped(void **state)
{
    in_task(*state, put);
}

static void too_many(struct world *w)
{
    struct pool pool = { .closed = false };
    struct named *fourth;

    pool_begin(&pool, w, NULL, 0);
    struct named_options options = { .name = "d",
                                     .database = pool.database,
                                     .template_ = w->template_ };
    struct named *a = make_named(&pool, "a", true);
    (void)make_named(&pool, "b", true); /* those that nobody drops go with the registry */
    (void)make_named(&pool, "c", true);
    assert_int_equal(named_create(&options, &fourth), 0);
    assert_int_equal(registry_put(pool.registry, fourth), REGISTRY_FULL);
    registry_drop(pool.registry, a);
    assert_int_equal(registry_put(pool.registry, fourth), 0);
    named_unref(fourth);
    pool_end(&pool);
}

static void there_are_no_more_than_max_clones(void **state)
{
    in_task(*state, too_many);
}

static void other_names(struct world *w)
{
    struct pool pool = { .closed = false };

    pool_begin(&pool, w, NULL, 0);
    struct named *a = make_named(&pool, "a", true);
    (void)make_named(&pool, "b", true);
    assert_int_equal(registry_rename(pool.registry, a, "b"), -EEXIST);
    assert_int_equal(registry_rename(pool.registry, a, "shop"), -EEXIST);
    assert_int_equal(registry_rename(pool.registry, a, "it's \"c\""), 0);
    assert_string_equal(named_name(a), "it's \"c\"");
    assert_false(is_known(&pool, "a"));
    assert_true(is_known(&pool, "it's \"c\""));
    pool_end(&pool);
}

static void a_named_clone_can_have_another_name(void **state)
{
    in_task(*state, other_names);
}

/* Both may be asked for in a statement, while its session pays for what it takes. */
static void paid_by_others(struct world *w)
{
    struct pool pool = { .closed = false };
    struct account session = { .limit = 0 };

    pool_begin(&pool, w, NULL, 0);
    struct account *was = account_swap(&session);
    struct named *a = make_named(&pool, "a", true);
    assert_int_equal(registry_rename(pool.registry, a, "b"), 0);
    account_swap(was);
    assert_int_equal(session.used, 0);
    pool_end(&pool);
}

static void who_makes_or_renames_a_named_clone_does_not_pay_for_it(void **state)
{
    in_task(*state, paid_by_others);
}

static void listing(struct world *w)
{
    struct pool pool = { .closed = false };
    struct registry_row *rows;
    struct registry_pool *pools;
    struct registry_stats stats;
    size_t count;

    pool_begin(&pool, w, NULL, 0);
    struct named *a = make_named(&pool, "shop~a", false);
    struct named_attributes attributes = registry_attributes(pool.registry, a);
    assert_string_equal(attributes.owner, "tester");
    attributes.is_template = true;
    registry_set_attributes(pool.registry, a, &attributes);

    assert_int_equal(registry_list(pool.registry, &rows, &count), 0);
    assert_int_equal(count, 2);
    assert_string_equal(rows[0].name, "shop");
    assert_false(rows[0].named);
    assert_true(rows[0].bytes >= 4096);
    assert_string_equal(rows[1].name, "shop~a");
    assert_true(rows[1].named && rows[1].attributes.is_template);
    assert_int_not_equal(rows[0].oid, rows[1].oid);
    mem_free(rows);
    registry_stats(pool.registry, &stats);
    assert_int_equal(stats.clones, 1);
    assert_int_equal(registry_list_pools(pool.registry, &pools, &count), 0);
    assert_int_equal(count, 1);
    assert_string_equal(pools[0].name, "shop");
    assert_int_equal(pools[0].clones, 1);
    assert_int_equal(pools[0].stats.waiting, 0);
    assert_true(pools[0].stats.first_since_us == DEADLINE_NONE);
    mem_free(pools);
    pool_end(&pool);
}

static void all_are_listed(void **state)
{
    in_task(*state, listing);
}

static void no_memory(struct world *w)
{
    struct pool pool = { .closed = false };
    struct named_options options = { .name = "a", .template_ = w->template_ };
    struct registry_row *rows;
    struct registry_pool *pools;
    struct named *named = NULL;
    size_t count;
    int r;

    pool_begin(&pool, w, NULL, 0);
    options.database = pool.database;
    for (uint64_t n = 1; named == NULL; n++) {
        size_t used = mem_used_total();

        mem_fail_at(n, false);
        r = named_create(&options, &named);
        mem_fail_at(0, false);
        assert_int_equal(r, named == NULL ? -ENOMEM : 0);
        assert_true(r == 0 || mem_used_total() == used);
    }
    assert_int_equal(registry_put(pool.registry, named), 0);
    mem_fail_at(1, true);
    assert_int_equal(registry_rename(pool.registry, named, "b"), -ENOMEM);
    assert_int_equal(registry_list(pool.registry, &rows, &count), -ENOMEM);
    assert_int_equal(registry_list_pools(pool.registry, &pools, &count), -ENOMEM);
    mem_fail_at(0, false);
    assert_true(is_known(&pool, "a"));
    named_unref(named);
    pool_end(&pool);
}

static void no_memory_changes_nothing(void **state)
{
    in_task(*state, no_memory);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, setup_world, teardown_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(databases_are_found_by_name),
        WORLD_TEST(a_named_clone_is_known_until_it_is_dropped),
        WORLD_TEST(there_are_no_more_than_max_clones),
        WORLD_TEST(a_named_clone_can_have_another_name),
        WORLD_TEST(who_makes_or_renames_a_named_clone_does_not_pay_for_it),
        WORLD_TEST(all_are_listed),
        WORLD_TEST(no_memory_changes_nothing),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
