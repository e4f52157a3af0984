/* A gate between loops of several threads: no budget is ever over its limit, no place gets lost,
 * and nobody waits for ever, whatever grants, time-outs and cancels meet on their way. */
#include "support.h"

#include "async/gate.h"
#include "async/thread.h"

#include <stdatomic.h>
#include <stdio.h>

enum { loops_max = 4, guests_per_loop = 12, budgets_max = 5 };

static struct gate gate;
static struct budget budgets[budgets_max];
static const size_t limits[budgets_max] = { 3, 4, 2, 6, 9 };

/* What the guests themselves count. */
static atomic_size_t inside[budgets_max];
static atomic_size_t served, late, cancelled, refused, shut;
static size_t closing_time; /* after so many were served; 0: never */
static atomic_bool bad;

static void check(bool good)
{
    if (!good) {
        atomic_store(&bad, true); /* cmocka's asserts are for its own thread only */
    }
}

struct guest {
    struct loop *loop;
    unsigned random;
    size_t visits;
    struct task *task; /* NULL: gone home */
};

static unsigned below(struct guest *g, unsigned n)
{
    return (unsigned)rand_r(&g->random) % n;
}

static void count_inside(const struct permit *permit, bool in)
{
    for (size_t i = 0; i < permit->count; i++) {
        size_t budget = (size_t)(permit->budgets[i] - budgets);

        if (in) {
            check(atomic_fetch_add(&inside[budget], 1) < limits[budget]);
        } else {
            check(atomic_fetch_sub(&inside[budget], 1) > 0);
        }
    }
}

/* Whoever was cancelled has his turn a little earlier. */
static void take_turn(void)
{
    int r = await_turn();

    check(r == 0 || r == -ECANCELED);
}

static void leave(void *arg)
{
    struct permit *permit = arg;

    count_inside(permit, false);
    gate_release(permit);
}

/* Stays for a while, then gives the place back, now and then by another thread's hand. */
static void stay(struct guest *g, struct permit *permit)
{
    count_inside(permit, true);
    for (unsigned turns = below(g, 3); turns > 0; turns--) {
        take_turn();
    }
    if (below(g, 8) == 0) {
        check(await_offload(leave, permit) == 0);
    } else {
        leave(permit);
    }
}

static void count_result(int r)
{
    atomic_fetch_add(r == -ETIMEDOUT   ? &late
                     : r == -ECANCELED ? &cancelled
                     : r == GATE_FULL  ? &refused
                     : r == -ESHUTDOWN ? &shut
                                       : &served,
                     1);
    check(r == 0 || r == -ETIMEDOUT || r == -ECANCELED || r == GATE_FULL || r == -ESHUTDOWN);
}

static void visit(struct guest *g)
{
    unsigned first = below(g, budgets_max);
    size_t count = 1 + below(g, 3);
    struct budget *wanted[3];
    struct permit permit;

    for (size_t i = 0; i < count; i++) {
        wanted[i] = &budgets[(first + i) % budgets_max];
    }
    int64_t deadline_us =
        below(g, 3) == 0 ? loop_now_us(g->loop) + 1 + below(g, 200) : DEADLINE_NONE;
    int r =
        await_gate(&gate, wanted, count, below(g, 10) == 0 ? 2 : SIZE_MAX, deadline_us, &permit);
    count_result(r);
    if (closing_time != 0 && atomic_load(&served) >= closing_time) {
        gate_close(&gate, &budgets[0]);
    }
    if (r == 0) {
        stay(g, &permit);
    }
    task_uncancel(task_current());
}

static void come_and_go(void *arg)
{
    struct guest *g = arg;

    for (size_t i = 0; i < g->visits; i++) {
        visit(g);
        take_turn();
        task_uncancel(task_current());
    }
    g->task = NULL;
}

/* Cancels somebody of its own loop, again and again, until all have gone home. */
static void disturb(void *arg)
{
    struct guest *guests = arg;

    for (unsigned seed = guests->random, away = 0; away < guests_per_loop;) {
        struct guest *g = &guests[(unsigned)rand_r(&seed) % guests_per_loop];

        if (g->task != NULL) {
            task_cancel(g->task, 1);
        }
        check(await_until(loop_now_us(g->loop) + 20) == 0);
        for (away = 0; away < guests_per_loop && guests[away].task == NULL; away++) {
        }
    }
}

static void serve_a_loop(void *arg)
{
    unsigned seed = *(unsigned *)arg;
    struct guest guests[guests_per_loop];
    struct loop *loop = NULL;

    check(loop_create(NULL, &loop) == 0);
    for (size_t i = 0; i < guests_per_loop; i++) {
        guests[i] = (struct guest){
            .loop = loop,
            .random = seed * 100 + (unsigned)i,
            .visits = rounds(20000) / (loops_max * guests_per_loop),
        };
        check(task_spawn(loop, "guest", come_and_go, &guests[i], &guests[i].task) == 0);
    }
    check(task_spawn(loop, "disturber", disturb, guests, NULL) == 0);
    check(loop_run_until_idle(loop) == 0);
    loop_destroy(loop);
}

static void run_loops(void)
{
    struct thread *threads[loops_max];
    unsigned seeds[loops_max];

    for (size_t i = 0; i < loops_max; i++) {
        seeds[i] = (unsigned)i + 1;
        assert_int_equal(thread_start("guests", serve_a_loop, &seeds[i], &threads[i]), 0);
    }
    for (size_t i = 0; i < loops_max; i++) {
        thread_join(threads[i]);
    }
}

static int setup(void **state)
{
    (void)state;
    gate_init(&gate);
    for (size_t i = 0; i < budgets_max; i++) {
        budgets[i] = (struct budget){ .limit = limits[i] };
    }
    served = late = cancelled = refused = shut = 0;
    closing_time = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gate_finish(&gate);
    return 0;
}

static void let_all_come(void)
{
    printf("seeds 1 to %d\n", loops_max);
    run_loops();
    assert_false(bad);
    for (size_t i = 0; i < budgets_max; i++) {
        struct gate_stats stats;

        gate_stats(&gate, &budgets[i], &stats);
        assert_int_equal(stats.used, 0);
        assert_int_equal(stats.waiting, 0);
        assert_int_equal(inside[i], 0);
    }
    printf("served %zu, late %zu, cancelled %zu, refused %zu, shut %zu\n", served, late, cancelled,
           refused, shut);
}

static void no_place_is_lost_and_none_used_twice(void **state)
{
    (void)state;
    let_all_come();
    assert_true(served > 0 && late > 0 && cancelled > 0);
    assert_int_equal(shut, 0);
}

static void nobody_waits_for_what_is_closed(void **state)
{
    (void)state;
    closing_time = rounds(20000) / 10;
    let_all_come();
    assert_true(shut > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_place_is_lost_and_none_used_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_waits_for_what_is_closed, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
