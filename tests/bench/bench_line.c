/* tests/bench/bench_line.c: a thousand tasks of four loops in line for eight things of a pool: how
 * long a place is nobody's, from the release to the return of the next one's await; and whether
 * they are served in their order.
 *
 * usage: bench_line [microseconds that a thing is held, 1000] [leases, 20000]
 *
 * The n-th lease after the first eight is matched with the n-th release. Wall time: on a busy
 * machine the highest of these numbers are the machine's. */
#include "async/await.h"
#include "async/loop.h"
#include "async/respool.h"
#include "async/task.h"
#include "async/thread.h"
#include "base/alloc.h"
#include "base/clock.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { loop_count = 4, waiters = 1000, places = 8, leases_most = 1000000 };

static struct gate gate;
static struct respool *pool;
static struct loop *loops[loop_count];
static long hold_us, lease_count;
static atomic_long loops_ready, tickets, leases, releases, ends;
static _Atomic int64_t released_ns[leases_most];
static int64_t handed_ns[leases_most];
static long displaced[leases_most]; /* by how many places a lease was out of order */

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void must(int r)
{
    if (r != 0) {
        fprintf(stderr, "bench_line: error %d\n", r);
        exit(1);
    }
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

static void pool_ended(void *context)
{
    (void)context;
    atomic_store(&ends, 1);
}

static const struct respool_ops thing_ops = { .create = thing_create,
                                              .destroy = thing_destroy,
                                              .ended = pool_ended };

static void open_pool(void)
{
    must(respool_create(&(struct respool_options){ .ops = &thing_ops,
                                                   .gate = &gate,
                                                   .loops = loops,
                                                   .loop_count = loop_count,
                                                   .max = places,
                                                   .max_idle = places,
                                                   .max_waiters = SIZE_MAX },
                        &pool));
}

/* ---- those who wait ---- */

static void note_lease(long ticket, int64_t at_ns)
{
    long number = atomic_fetch_add(&leases, 1);
    int64_t from_ns = number < places ? at_ns : atomic_load(&released_ns[number - places]);

    handed_ns[number] = from_ns == 0 || from_ns > at_ns ? 0 : at_ns - from_ns;
    displaced[number] = labs(ticket - number);
}

static void note_release(void)
{
    long number = atomic_fetch_add(&releases, 1);

    atomic_store(&released_ns[number], now_ns());
}

static void wait_in_line(void *arg)
{
    const struct respool_request request = { .deadline_us = DEADLINE_NONE };
    struct respool_item *item;
    long ticket;

    (void)arg;
    while ((ticket = atomic_fetch_add(&tickets, 1)) < lease_count) {
        must(respool_await_item(pool, &request, &item));
        note_lease(ticket, now_ns());
        must(await_until(loop_now_us(loop_current()) + hold_us));
        note_release();
        respool_release(item);
    }
    if (ticket == lease_count + waiters - 1) {
        respool_close(pool);
    }
    while (atomic_load(&ends) == 0) { /* messages of the close may still be on their way */
        must(await_until(loop_now_us(loop_current()) + 10000));
    }
}

static void serve_a_loop(void *arg)
{
    unsigned number = *(unsigned *)arg;

    must(loop_create(&(struct loop_options){ .number = number, .cached_stacks = waiters },
                     &loops[number]));
    for (int i = 0; i < waiters / loop_count; i++) {
        must(task_spawn(loops[number], "waiter", wait_in_line, NULL, NULL));
    }
    if (atomic_fetch_add(&loops_ready, 1) == loop_count - 1) {
        open_pool();
        atomic_fetch_add(&loops_ready, 1);
    }
    while (atomic_load(&loops_ready) <= loop_count) { /* all loops, then the pool */
        sched_yield();
    }
    must(loop_run_until_idle(loops[number]));
    loop_destroy(loops[number]);
}

/* ---- the table ---- */

static int compare(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

static void report(void)
{
    long count = lease_count - places - waiters; /* not the end, when the line runs dry */
    int64_t *handed = handed_ns + places;
    long most = 0;

    for (long i = places; i < places + count; i++) {
        most = displaced[i] > most ? displaced[i] : most;
    }
    qsort(handed, (size_t)count, sizeof(*handed), compare);
    printf(
        "%ld hand-overs, microseconds: p50 %.1f p99 %.1f p99.9 %.1f most %.1f; out of order by at "
        "most %ld\n",
        count, (double)handed[count / 2] / 1e3, (double)handed[count * 99 / 100] / 1e3,
        (double)handed[count * 999 / 1000] / 1e3, (double)handed[count - 1] / 1e3, most);
}

int main(int argc, char **argv)
{
    struct thread *threads[loop_count];
    unsigned numbers[loop_count];

    hold_us = argc > 1 ? atol(argv[1]) : 1000;
    lease_count = argc > 2 ? atol(argv[2]) : 20000;
    if (lease_count <= places + waiters || lease_count > leases_most) {
        must(-1);
    }
    gate_init(&gate);
    for (size_t i = 0; i < loop_count; i++) {
        numbers[i] = (unsigned)i;
        must(thread_start("loop", serve_a_loop, &numbers[i], &threads[i]));
    }
    for (size_t i = 0; i < loop_count; i++) {
        thread_join(threads[i]);
    }
    report();
    respool_destroy(pool);
    gate_finish(&gate);
    return 0;
}
