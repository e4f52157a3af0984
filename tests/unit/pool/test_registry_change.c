/* What a reload makes of the databases: pool/registry_change.c, and the editions under it. */
#include "support_pool.h"

#include "async/await.h"
#include "base/alloc.h"
#include "pool/clone.h"
#include "pool/registry_change.h"
#include "pool/template.h"
#include "pool/users.h"

#include <errno.h>
#include <string.h>

static const struct database_options shop_options = { .name = "shop", .max_waiters = SIZE_MAX };

/* The world's template with so many more rows in t. */
static struct template *template_with(struct world *w, int rows)
{
    struct clone_limits limits = { 0 };
    struct template *template_ = NULL;
    struct clone *clone;

    assert_int_equal(clone_create(w->template_, &limits, &clone), 0);
    struct session *session = session_on(clone, NULL);
    for (int i = 0; i < rows; i++) {
        run(session, "INSERT INTO t(n) VALUES (1)");
    }
    session_close(session);
    assert_int_equal(template_seal(clone, &template_), 0);
    clone_unref(clone);
    return template_;
}

static int64_t rows_in(struct session *session)
{
    return query_int(session, "SELECT count(*) FROM t");
}

static struct registry_wish wish_for(const struct database_options *databases, size_t count)
{
    return (struct registry_wish){ .databases = databases, .count = count };
}

static struct registry_change *prepare(struct pool *pool, const struct database_options *databases,
                                       size_t count)
{
    const struct registry_wish wish = wish_for(databases, count);
    struct registry_change *change;
    struct failure f;

    assert_int_equal(registry_change_create(pool->registry, &wish, &change, &f), 0);
    return change;
}

static void install(struct registry_change *change)
{
    registry_change_install(change);
    registry_change_install_here(change);
    registry_change_destroy(change);
}

static struct database *find(struct pool *pool, const char *name)
{
    return registry_find(pool->registry, view_of_str(name));
}

static void settle(void)
{
    for (int i = 0; i < 10; i++) {
        assert_int_equal(await_turn(), 0);
    }
}

static int64_t rows_of_new_lease(struct pool *pool)
{
    struct lease lease;

    take_lease(pool, &lease);
    int64_t rows = rows_in(lease.session);
    lease_release(&lease);
    return rows;
}

/* ---- templates ---- */

static void swapped(struct world *w)
{
    struct pool pool = { .closed = false };
    struct database_options options = shop_options;
    struct lease old;

    pool_begin(&pool, w, NULL, 0);
    take_lease(&pool, &old);
    int64_t before = rows_in(old.session);
    assert_int_equal(rows_of_new_lease(&pool), before); /* leaves a warm one */
    struct named *named = make_named(&pool, "shop~a", false);

    options.template_ = template_with(w, 2);
    struct registry_change *change = prepare(&pool, &options, 1);
    assert_int_equal(rows_of_new_lease(&pool), before);
    install(change);
    template_unref(options.template_);
    settle();

    struct database_stats stats;
    database_stats(pool.database, &stats);
    assert_int_equal(stats.idle, 0);
    assert_int_equal(rows_of_new_lease(&pool), before + 2);
    assert_int_equal(rows_in(old.session), before);
    lease_release(&old);
    settle();
    database_stats(pool.database, &stats);
    assert_int_equal(stats.idle, 1); /* the new one */
    assert_int_equal(rows_of_new_lease(&pool), before + 2);
    take_named(named, &old);
    assert_int_equal(rows_in(old.session), before);
    lease_release(&old);
    pool_end(&pool);
}

static void a_new_template_is_for_those_who_come(void **state)
{
    in_task(*state, swapped);
}

static void kept(struct world *w)
{
    struct pool pool = { .closed = false };
    struct database_options options = shop_options;
    struct database_stats stats;

    pool_begin(&pool, w, NULL, 0);
    (void)rows_of_new_lease(&pool);
    options.template_ = w->template_;
    options.max_marks = 7;
    install(prepare(&pool, &options, 1));
    settle();
    database_stats(pool.database, &stats);
    assert_int_equal(stats.idle, 1);
    assert_int_equal(database_options(pool.database)->max_marks, 7);
    options.clone_memory = 1 << 20; /* is the clone's, made with it */
    install(prepare(&pool, &options, 1));
    settle();
    database_stats(pool.database, &stats);
    assert_int_equal(stats.idle, 0);
    pool_end(&pool);
}

static void warm_sessions_of_the_same_template_stay_warm(void **state)
{
    in_task(*state, kept);
}

/* ---- limits ---- */

struct waiter {
    struct pool *pool;
    struct lease lease;
    struct failure failure;
    int result;
};

static void wait_for_lease(void *arg)
{
    struct waiter *waiter = arg;
    const struct lease_request request = { .user = "waiter" };

    waiter->result = 99;
    waiter->result =
        lease_acquire(waiter->pool->database, &request, &waiter->lease, &waiter->failure);
}

static void larger(struct world *w)
{
    struct pool pool = { .closed = false };
    struct database_options options = shop_options;
    struct waiter waiter = { .pool = &pool };
    struct lease lease;

    options.pool_size = 1;
    pool_begin(&pool, w, &options, 0);
    take_lease(&pool, &lease);
    start(w, wait_for_lease, &waiter);
    settle();
    assert_int_equal(waiter.result, 99);
    options.template_ = w->template_;
    options.pool_size = 2;
    install(prepare(&pool, &options, 1));
    settle();
    assert_int_equal(waiter.result, 0);
    lease_release(&lease);
    lease_release(&waiter.lease);
    pool_end(&pool);
}

static void a_larger_pool_lets_in_who_waits(void **state)
{
    in_task(*state, larger);
}

static void fewer_clones(struct world *w)
{
    struct pool pool = { .closed = false };
    struct named *named;

    pool_begin(&pool, w, NULL, 0);
    (void)make_named(&pool, "a", true);
    registry_set_limits(pool.registry, 1, 0);
    struct named_options more = { .name = "b",
                                  .database = pool.database,
                                  .template_ = w->template_ };
    assert_int_equal(named_create(&more, &named), 0);
    assert_int_equal(registry_put(pool.registry, named), REGISTRY_FULL);
    registry_set_limits(pool.registry, 2, 0);
    assert_int_equal(registry_put(pool.registry, named), 0);
    named_unref(named);
    pool_end(&pool);
}

static void there_may_be_fewer_named_clones(void **state)
{
    in_task(*state, fewer_clones);
}

static void users_waiting(struct world *w)
{
    struct pool pool = { .closed = false };
    struct waiter waiter[2] = { { .pool = &pool }, { .pool = &pool } };

    pool_begin(&pool, w, NULL, 1);
    start(w, wait_for_lease, &waiter[0]);
    start(w, wait_for_lease, &waiter[1]);
    settle();
    assert_int_equal(waiter[0].result, 0);
    assert_int_equal(waiter[1].result, 99);
    users_set_limit(pool.users, 2);
    settle();
    assert_int_equal(waiter[1].result, 0);
    users_set_limit(pool.users, 1);
    lease_release(&waiter[0].lease);
    start(w, wait_for_lease, &waiter[0]);
    settle();
    assert_int_equal(waiter[0].result, 99);
    lease_release(&waiter[1].lease);
    settle();
    assert_int_equal(waiter[0].result, 0);
    lease_release(&waiter[0].lease);
    pool_end(&pool);
}

static void a_users_limit_can_be_raised_and_lowered(void **state)
{
    in_task(*state, users_waiting);
}

/* ---- databases that come and go ---- */

static void come_and_go(struct world *w)
{
    struct pool pool = { .closed = false };
    struct database_options both[] = { shop_options, { .name = "other", .max_waiters = 1 } };
    struct registry_pool *pools;
    size_t count;

    pool_begin(&pool, w, NULL, 0);
    both[0].template_ = both[1].template_ = w->template_;
    struct registry_change *change = prepare(&pool, both, 2);
    assert_null(find(&pool, "other"));
    install(change);
    struct database *other = find(&pool, "other");
    assert_non_null(other);
    uint32_t oid = database_options(other)->oid;
    assert_int_equal(database_number(other), 1);
    assert_int_equal(registry_count(pool.registry), 2);
    assert_true(oid != 0 && oid != database_options(pool.database)->oid);

    install(prepare(&pool, &both[1], 1));
    assert_null(find(&pool, "shop"));
    assert_int_equal(registry_list_pools(pool.registry, &pools, &count), 0);
    assert_int_equal(count, 1); /* nobody uses shop */
    assert_string_equal(pools[0].name, "other");
    mem_free(pools);

    install(prepare(&pool, both, 1));
    assert_ptr_equal(find(&pool, "shop"), pool.database);
    assert_null(find(&pool, "other"));
    install(prepare(&pool, both, 2));
    assert_ptr_equal(find(&pool, "other"), other);
    assert_int_equal(database_options(other)->oid, oid);
    assert_int_equal(registry_count(pool.registry), 2);
    pool_end(&pool);
}

static void databases_come_and_go_and_come_back(void **state)
{
    in_task(*state, come_and_go);
}

static void gone(struct world *w)
{
    struct pool pool = { .closed = false };
    struct database_options options[] = { shop_options, { .name = "other" } };
    struct waiter waiter = { .pool = &pool };
    struct lease lease, named_lease;
    struct registry_pool *pools;
    struct database_stats stats;
    size_t count;

    options[0].pool_size = 1;
    options[0].min_pool_size = 1;
    pool_begin(&pool, w, options, 0);
    struct named *named = make_named(&pool, "shop~a", false);
    take_lease(&pool, &lease);
    start(w, wait_for_lease, &waiter);
    settle();

    options[1].template_ = w->template_;
    install(prepare(&pool, &options[1], 1));
    assert_int_equal(registry_list_pools(pool.registry, &pools, &count), 0);
    assert_int_equal(count, 2);
    assert_true(pools[0].gone && pools[0].database == pool.database);
    assert_int_equal(pools[0].clones, 1);
    mem_free(pools);
    (void)rows_in(lease.session);
    lease_release(&lease);
    settle();
    assert_int_equal(waiter.result, FAILED);
    assert_string_equal(waiter.failure.sqlstate, "3D000");
    database_stats(pool.database, &stats);
    assert_int_equal(stats.idle + stats.sessions, 0);

    take_named(named, &named_lease); /* under its limit, and on what it was */
    start(w, wait_for_lease, &waiter);
    settle();
    assert_int_equal(waiter.result, 99);
    (void)rows_in(named_lease.session);
    lease_release(&named_lease);
    settle();
    assert_int_equal(waiter.result, FAILED);
    pool_end(&pool);
}

static void one_that_is_gone_is_there_for_those_who_have_it(void **state)
{
    in_task(*state, gone);
}

/* ---- names ---- */

static void taken(struct world *w)
{
    struct pool pool = { .closed = false };
    struct database_options options[] = { shop_options, { .name = "new" }, { .name = "mine" } };
    const struct registry_wish wish = wish_for(options, 3);
    struct registry_change *change;
    struct failure f;

    pool_begin(&pool, w, NULL, 0);
    for (size_t i = 0; i < 3; i++) {
        options[i].template_ = w->template_;
    }
    struct named *mine = make_named(&pool, "mine", true);
    assert_int_equal(registry_change_create(pool.registry, &wish, &change, &f), FAILED);
    assert_string_equal(f.sqlstate, "42P04");
    assert_string_equal(failure_get(&f, FIELD_MESSAGE), "database \"mine\" already exists");
    assert_null(find(&pool, "new"));
    assert_int_equal(registry_rename(pool.registry, mine, "new"), 0); /* it is not kept for ever */
    assert_int_equal(registry_rename(pool.registry, mine, "yours"), 0);

    change = prepare(&pool, options, 3);
    assert_int_equal(registry_rename(pool.registry, mine, "new"), -EEXIST);
    install(change);
    assert_non_null(find(&pool, "new"));
    assert_int_equal(registry_rename(pool.registry, mine, "new"), -EEXIST);
    install(prepare(&pool, options, 1));
    assert_int_equal(registry_rename(pool.registry, mine, "new"), 0);
    assert_int_equal(registry_change_create(pool.registry, &wish, &change, &f), FAILED);
    pool_end(&pool);
}

static void a_name_is_a_databases_or_a_named_clones(void **state)
{
    in_task(*state, taken);
}

/* ---- no memory ---- */

static void no_memory(struct world *w)
{
    struct pool pool = { .closed = false };
    struct database_options options[] = { { .name = "new" }, { .name = "newer" } };
    const struct registry_wish wish = wish_for(options, 2);
    bool hit = true;
    uint64_t n;

    pool_begin(&pool, w, NULL, 0);
    options[0].template_ = options[1].template_ = w->template_;
    for (n = 1; hit; n++) {
        struct registry_change *change = NULL;
        struct failure f;

        mem_fail_at(n, true);
        int r = registry_change_create(pool.registry, &wish, &change, &f);
        hit = mem_fail_hit();
        mem_fail_at(0, false);
        assert_int_equal(r, hit ? -ENOMEM : 0);
        registry_change_destroy(change);
        assert_non_null(find(&pool, "shop"));
        assert_null(find(&pool, "new"));
    }
    assert_true(n > 5);
    pool_end(&pool);
}

static void without_memory_nothing_changes(void **state)
{
    in_task(*state, no_memory);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_world, teardown_world)
    const struct CMUnitTest tests[] = {
        TEST(a_new_template_is_for_those_who_come),
        TEST(warm_sessions_of_the_same_template_stay_warm),
        TEST(a_larger_pool_lets_in_who_waits),
        TEST(there_may_be_fewer_named_clones),
        TEST(a_users_limit_can_be_raised_and_lowered),
        TEST(databases_come_and_go_and_come_back),
        TEST(one_that_is_gone_is_there_for_those_who_have_it),
        TEST(a_name_is_a_databases_or_a_named_clones),
        TEST(without_memory_nothing_changes),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
