/* A pool between loops of several threads, with things that take their time and fail: each is used
 * by one user at a time and on its own loop, no more than `max` are leased, none is lost. */
#include "support.h"

#include "async/respool.h"
#include "async/thread.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

enum { loops_max = 4, users_per_loop = 10, max = 6, NO_THING = 1 };

struct thing {
    struct respool_item item;
    struct loop *loop;
    bool leased; /* no atomic: TSan sees it when two loops touch it */
};

static struct gate gate;
static struct budget anns = { .name = "ann", .limit = 3 };
static struct respool *pool;
static struct loop *loops[loops_max];
static atomic_size_t loops_made, leased, anns_leased, alive, served, failed, ends, visits_left;
static size_t closing_time; /* when so many visits are left */
static atomic_bool bad;

static void check(bool good)
{
    if (!good) {
        atomic_store(&bad, true); /* cmocka's asserts are for its own thread only */
    }
}

static _Thread_local unsigned random_state;

static unsigned below(unsigned n)
{
    return (unsigned)rand_r(&random_state) % n;
}

/* False: it was cancelled, or just bad luck. */
static bool take_time(unsigned luck)
{
    int r = 0;

    for (unsigned turns = below(3); turns > 0 && r == 0; turns--) {
        r = await_turn();
    }
    check(r == 0 || r == -ECANCELED);
    return r == 0 && below(luck) != 0;
}

static struct thing *thing_of(struct respool_item *item)
{
    struct thing *thing = container_of(item, struct thing, item);

    check(thing->loop == loop_current());
    return thing;
}

static int thing_create(void *context, const struct respool_request *request,
                        struct respool_item **ret_item)
{
    (void)context;
    (void)request;
    if (!take_time(8)) {
        return NO_THING;
    }
    struct thing *thing = mem_zalloc(sizeof(*thing));
    if (thing == NULL) {
        return -ENOMEM;
    }
    thing->loop = loop_current();
    atomic_fetch_add(&alive, 1);
    *ret_item = &thing->item;
    return 0;
}

static bool thing_validate(void *context, struct respool_item *item,
                           const struct respool_request *request)
{
    (void)context;
    (void)request;
    check(!thing_of(item)->leased);
    return take_time(8);
}

static bool thing_reset(void *context, struct respool_item *item)
{
    (void)context;
    check(!thing_of(item)->leased);
    return take_time(8);
}

static void thing_destroy(void *context, struct respool_item *item)
{
    struct thing *thing = thing_of(item);

    (void)context;
    check(!thing->leased);
    (void)take_time(2);
    atomic_fetch_sub(&alive, 1);
    mem_free(thing);
}

static void pool_ended(void *context)
{
    (void)context;
    check(alive == 0);
    atomic_fetch_add(&ends, 1);
}

static const struct respool_ops thing_ops = {
    .create = thing_create,
    .validate = thing_validate,
    .reset = thing_reset,
    .destroy = thing_destroy,
    .ended = pool_ended,
};

struct user {
    bool ann;
    struct task *task; /* NULL: gone home */
};

static void use(struct user *user, struct respool_item *item)
{
    struct thing *thing = thing_of(item);

    check(!thing->leased);
    thing->leased = true;
    check(atomic_fetch_add(&leased, 1) < max);
    check(!user->ann || atomic_fetch_add(&anns_leased, 1) < anns.limit);
    (void)take_time(2);
    thing->leased = false;
    atomic_fetch_sub(&leased, 1);
    if (user->ann) {
        atomic_fetch_sub(&anns_leased, 1);
    }
    respool_release(item);
}

static void visit(struct user *user)
{
    struct budget *budgets[] = { &anns };
    struct respool_request request = {
        .budgets = budgets,
        .budget_count = user->ann ? 1 : 0,
        .deadline_us = below(3) == 0 ? loop_now_us(loop_current()) + 1 + below(300) : DEADLINE_NONE,
    };
    struct respool_item *item = NULL;
    int r = respool_await_item(pool, &request, &item);

    check(r == 0 || r == NO_THING || r == GATE_FULL || r == -ETIMEDOUT || r == -ECANCELED ||
          r == -ESHUTDOWN);
    atomic_fetch_add(r == 0 ? &served : &failed, 1);
    if (r == 0) {
        use(user, item);
    } else if (r == GATE_FULL) {
        r = await_until(loop_now_us(loop_current()) + 100);
        check(r == 0 || r == -ECANCELED);
    }
    task_uncancel(task_current());
}

/* At closing time, somebody closes the pool while the others are still at it. */
static void come_and_go(void *arg)
{
    struct user *user = arg;

    for (size_t i = rounds(8000) / (loops_max * users_per_loop); i > 0; i--) {
        visit(user);
        (void)take_time(2);
        task_uncancel(task_current());
        if (atomic_fetch_sub(&visits_left, 1) == closing_time) {
            respool_close(pool);
        }
    }
    user->task = NULL;
}

static void disturb(void *arg)
{
    struct user *users = arg;

    for (size_t away = 0; away < users_per_loop;) {
        struct user *user = &users[below(users_per_loop)];

        if (user->task != NULL) {
            task_cancel(user->task, 1);
        }
        check(await_until(loop_now_us(loop_current()) + 30) == 0);
        for (away = 0; away < users_per_loop && users[away].task == NULL; away++) {
        }
    }
    while (atomic_load(&ends) == 0) { /* messages of the close may still be on their way */
        check(await_until(loop_now_us(loop_current()) + 100) == 0);
    }
}

static void make_the_pool(void)
{
    struct respool_options options = {
        .ops = &thing_ops,
        .gate = &gate,
        .loops = loops,
        .loop_count = loops_max,
        .max = max,
        .min = 1,
        .max_idle = 3,
        .max_waiters = 30,
        .idle_timeout_us = 200,
        .lifetime_us = 2000,
    };

    check(respool_create(&options, &pool) == 0);
}

static void serve_a_loop(void *arg)
{
    unsigned number = *(unsigned *)arg;
    struct user users[users_per_loop];

    random_state = number + 1;
    check(loop_create(&(struct loop_options){ .number = number }, &loops[number]) == 0);
    for (size_t i = 0; i < users_per_loop; i++) {
        users[i] = (struct user){ .ann = i % 3 == 0 };
        check(task_spawn(loops[number], "user", come_and_go, &users[i], &users[i].task) == 0);
    }
    check(task_spawn(loops[number], "disturber", disturb, users, NULL) == 0);
    if (atomic_fetch_add(&loops_made, 1) == loops_max - 1) {
        make_the_pool();
        atomic_fetch_add(&loops_made, 1);
    }
    while (atomic_load(&loops_made) <= loops_max) { /* all loops, then the pool */
        sched_yield();
    }
    check(loop_run_until_idle(loops[number]) == 0);
    loop_destroy(loops[number]);
}

static void each_thing_is_used_by_one_at_a_time_on_its_own_loop(void **state)
{
    struct thread *threads[loops_max];
    unsigned numbers[loops_max];
    struct respool_stats stats;

    (void)state;
    gate_init(&gate);
    visits_left = rounds(8000) / (loops_max * users_per_loop) * (loops_max * users_per_loop);
    closing_time = visits_left / 10 + 1;
    printf("seeds 1 to %d\n", loops_max);
    for (size_t i = 0; i < loops_max; i++) {
        numbers[i] = (unsigned)i;
        assert_int_equal(thread_start("users", serve_a_loop, &numbers[i], &threads[i]), 0);
    }
    for (size_t i = 0; i < loops_max; i++) {
        thread_join(threads[i]);
    }
    assert_false(bad);
    assert_int_equal(ends, 1);
    respool_stats(pool, &stats);
    printf("served %zu, failed %zu, created %zu\n", served, failed, (size_t)stats.created);
    assert_int_equal(stats.in_use, 0);
    assert_int_equal(stats.idle, 0);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.leases, served);
    assert_int_equal(stats.created, stats.destroyed);
    assert_int_equal(anns.used, 0);
    assert_int_equal(respool_budget(pool)->used, 0);
    respool_destroy(pool);
    gate_finish(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_thing_is_used_by_one_at_a_time_on_its_own_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
