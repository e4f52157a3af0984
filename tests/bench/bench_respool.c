/* tests/bench/bench_respool.c: what a lease costs, and how long a place takes from hand to hand;
 * CPU time on one loop. Each row is the best of several runs. */
#include "async/await.h"
#include "async/gate.h"
#include "async/loop.h"
#include "async/respool.h"
#include "async/task.h"
#include "async/thread.h"
#include "base/alloc.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { runs = 5, waiters = 1000, places = 8 };

static int64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void must(int r)
{
    if (r != 0) {
        fprintf(stderr, "bench_respool: error %d\n", r);
        exit(1);
    }
}

static struct loop *loop;
static struct gate gate;
static struct respool *pool;
static long left; /* of what is measured */

static void run(size_t tasks, task_fn *fn)
{
    for (size_t i = 0; i < tasks; i++) {
        must(task_spawn(loop, "bench", fn, NULL, NULL));
    }
    must(loop_run_until_idle(loop));
}

/* ---- a pool of things that cost nothing ---- */

static int thing_create(void *context, const struct respool_request *request,
                        struct respool_item **ret_item)
{
    (void)context;
    (void)request;
    *ret_item = mem_zalloc(sizeof(**ret_item));
    return *ret_item == NULL ? -1 : 0;
}

static void thing_destroy(void *context, struct respool_item *item)
{
    (void)context;
    mem_free(item);
}

static const struct respool_ops thing_ops = { .create = thing_create, .destroy = thing_destroy };

static void open_pool(void)
{
    must(respool_create(
        &(struct respool_options){
            .ops = &thing_ops,
            .gate = &gate,
            .loops = &loop,
            .loop_count = 1,
            .max = places,
            .max_idle = places,
            .max_waiters = SIZE_MAX,
            .idle_timeout_us = 600000000,
            .lifetime_us = 3600000000,
        },
        &pool));
}

static void lease(int64_t deadline_us, struct budget *const *budgets, size_t count)
{
    struct respool_request request = {
        .deadline_us = deadline_us,
        .budgets = budgets,
        .budget_count = count,
    };
    struct respool_item *item;

    must(respool_await_item(pool, &request, &item));
    respool_release(item);
}

static void lease_each(void *arg)
{
    (void)arg;
    while (left-- > 0) {
        lease(DEADLINE_NONE, NULL, 0);
    }
}

static void leases(long count)
{
    left = count;
    run(1, lease_each);
}

static struct budget user = { .limit = 100 }, whole = { .limit = 100 };

static void lease_each_late(void *arg)
{
    struct budget *budgets[] = { &user, &whole };

    (void)arg;
    while (left-- > 0) {
        lease(loop_now_us(loop) + 1000000, budgets, ARRAY_LEN(budgets));
    }
}

static void leases_with_deadline(long count)
{
    left = count;
    run(1, lease_each_late);
}

static void lease_and_stay(void *arg)
{
    struct respool_request request = { .deadline_us = DEADLINE_NONE };
    struct respool_item *item;

    (void)arg;
    while (left-- > 0) {
        must(respool_await_item(pool, &request, &item));
        must(await_turn());
        respool_release(item);
    }
}

static void leases_by_many(long count)
{
    left = count;
    run(waiters, lease_and_stay);
}

/* ---- the gate alone ---- */

static struct budget database = { .limit = places }, other = { .limit = 1 };

static void pass(struct budget *const *budgets, size_t count, bool stays)
{
    struct permit permit;

    must(await_gate(&gate, budgets, count, SIZE_MAX, DEADLINE_NONE, &permit));
    if (stays) {
        must(await_turn());
    }
    gate_release(&permit);
}

static void pass_each(void *arg)
{
    struct budget *budgets[] = { &database };

    (void)arg;
    while (left-- > 0) {
        pass(budgets, 1, false);
    }
}

static void passes(long count)
{
    left = count;
    run(1, pass_each);
}

static void pass_and_stay(void *arg)
{
    struct budget *budgets[] = { &database };

    (void)arg;
    while (left-- > 0) {
        pass(budgets, 1, true);
    }
}

static void passes_by_many(long count)
{
    left = count;
    run(waiters, pass_and_stay);
}

static void turn_each(void *arg)
{
    (void)arg;
    while (left-- > 0) {
        must(await_turn());
    }
}

/* What the turn that a holder stays costs: to be taken off the rows of many. */
static void turns(long count)
{
    left = count;
    run(places, turn_each);
}

static void wait_for_other(void *arg)
{
    struct budget *budgets[] = { &other, &whole };

    (void)arg;
    pass(budgets, ARRAY_LEN(budgets), false);
}

/* One place goes to and fro, while many wait for something else. */
static void pass_by_a_line(void *arg)
{
    struct budget *budgets[] = { &other };
    struct permit permit;

    (void)arg;
    must(await_gate(&gate, budgets, 1, SIZE_MAX, DEADLINE_NONE, &permit));
    must(await_turn()); /* they come */
    pass_and_stay(NULL);
    gate_release(&permit);
}

static void passes_by_a_line(long count)
{
    left = count;
    must(task_spawn(loop, "bench", pass_by_a_line, NULL, NULL));
    run(waiters, wait_for_other);
}

static const struct row {
    const char *what;
    void (*run)(long count);
    long count;
} rows[] = {
    { "gate: in and out", passes, 2000000 },
    { "gate: a turn, for the next two rows", turns, 500000 },
    { "gate: 1,000 tasks for 8 places, a turn each", passes_by_many, 500000 },
    { "gate: in, a turn, out, past 1,000 held back by another", passes_by_a_line, 200000 },
    { "pool: lease and release", leases, 2000000 },
    { "pool: the same, with a deadline and three budgets", leases_with_deadline, 2000000 },
    { "pool: 1,000 tasks for 8 things, a turn each", leases_by_many, 500000 },
};

static double best_ns(const struct row *row)
{
    double best = 1e18;

    for (int i = 0; i < runs; i++) {
        int64_t start = cpu_ns();

        row->run(row->count);
        double each = (double)(cpu_ns() - start) / (double)row->count;
        if (each < best) {
            best = each;
        }
    }
    return best;
}

static void nothing(void *arg)
{
    (void)arg;
}

/* The C library takes its locks by cheaper instructions until there has been a second thread. */
static void be_many_threads(void)
{
    struct thread *thread;

    must(thread_start("nothing", nothing, NULL, &thread));
    thread_join(thread);
}

static void close_pool(void *arg)
{
    (void)arg;
    respool_close(pool);
}

int main(void)
{
    must(loop_create(&(struct loop_options){ .cached_stacks = waiters + places }, &loop));
    be_many_threads();
    gate_init(&gate);
    open_pool();
    printf("%-60s %10s\n", "what", "CPU ns");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        printf("%-60s %10.1f\n", rows[i].what, best_ns(&rows[i]));
        fflush(stdout);
    }
    run(1, close_pool);
    respool_destroy(pool);
    gate_finish(&gate);
    loop_destroy(loop);
    return 0;
}
