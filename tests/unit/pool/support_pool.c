/* See support_pool.h. */
#include "support_pool.h"

#include "async/await.h"
#include "pool/users.h"

void pool_begin(struct pool *pool, struct world *world, const struct database_options *options,
                size_t user_limit)
{
    const struct database_options none = { .max_waiters = SIZE_MAX };
    struct database_options all = options == NULL ? none : *options;
    size_t limit = pool->sessions.limit;

    all.name = "shop";
    all.template_ = world->template_;
    pool->loops[0] = world->loop;
    gate_init(&pool->gate);
    pool->sessions = (struct budget){ .name = "all", .limit = limit };
    if (user_limit > 0) {
        assert_int_equal(users_create(&pool->gate, user_limit, &pool->users), 0);
    }
    struct registry_options registry = {
        .world = { .gate = &pool->gate,
                   .loops = pool->loops,
                   .loop_count = 1,
                   .sessions = limit > 0 ? &pool->sessions : NULL,
                   .users = pool->users },
        .max_clones = 3,
        .max_templates = 2,
    };
    assert_int_equal(registry_create(&registry, &pool->registry), 0);
    assert_int_equal(registry_add(pool->registry, &all), 0);
    pool->database = registry_find(pool->registry, view_of_str("shop"));
    assert_non_null(pool->database);
}

static void has_closed(void *closed)
{
    *(bool *)closed = true;
}

void pool_end(struct pool *pool)
{
    registry_close(pool->registry, has_closed, &pool->closed);
    while (!pool->closed) {
        assert_int_equal(await_turn(), 0);
    }
    assert_int_equal(await_turn(), 0); /* who has closed it ends */
    registry_destroy(pool->registry);
    users_destroy(pool->users);
    gate_finish(&pool->gate);
    *pool = (struct pool){ .closed = false };
}

void take_lease(struct pool *pool, struct lease *ret_lease)
{
    const struct lease_request request = { .user = "tester" };
    struct failure f;

    assert_int_equal(lease_acquire(pool->database, &request, ret_lease, &f), 0);
}

void take_named(struct named *named, struct lease *ret_lease)
{
    const struct lease_request request = { .user = "tester" };
    struct failure f;

    assert_int_equal(lease_acquire_named(named, &request, ret_lease, &f), 0);
}

struct named *make_named(struct pool *pool, const char *name, bool lasting)
{
    struct named_options options = {
        .name = name,
        .attributes = { .owner = "tester", .allows_connections = true, .connection_limit = -1 },
        .database = pool->database,
        .template_ = database_options(pool->database)->template_,
        .oid = registry_next_oid(pool->registry),
        .lasting = lasting,
    };
    struct named *named;

    assert_int_equal(named_create(&options, &named), 0);
    assert_int_equal(registry_put(pool->registry, named), 0);
    named_unref(named); /* the registry's is left */
    return named;
}
