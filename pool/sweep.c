/* pool/sweep.c: see sweep.h. */
#include "pool/sweep.h"

#include "async/await.h"
#include "async/loop.h"
#include "async/task.h"
#include "pool/page.h"
#include "pool/pagemap.h"

#include <sys/queue.h>

enum {
    at_once = 256, /* pages: it costs less to free them than to switch to the task and back */
    step = 32,     /* pages between two looks at the clock */
    turn_us = 100, /* nobody waits for the sweep: it leaves the loop sooner than others do */
};

struct sweep {
    LIST_ENTRY(sweep) entry;
    struct page_owner *owner;
    struct pagemap_remains remains;
};

/* One for each thread, so for each loop. */
static _Thread_local struct {
    LIST_HEAD(, sweep) list;
    bool running; /* there is a task that works through the list */
} own;

static _Atomic size_t sweeps; /* of all threads */

/* Whoever sees the count go down sees the memory back. */
static void sweep_end(struct sweep *sweep)
{
    struct page_owner *owner = sweep->owner;

    LIST_REMOVE(sweep, entry);
    mem_free(sweep);
    page_owner_unref(owner);
    atomic_fetch_sub_explicit(&sweeps, 1, memory_order_release);
}

/* A cancel is for others: nothing is left behind. */
static void sweep_task(void *arg maybe_unused)
{
    struct sweep *sweep;

    while ((sweep = LIST_FIRST(&own.list)) != NULL) {
        if (pagemap_free_some(&sweep->remains, step)) {
            sweep_end(sweep);
        }
        if (task_held_us(task_current()) >= turn_us) {
            int r maybe_unused = await_turn();
        }
    }
    own.running = false;
}

/* False: there is nobody who could do it. */
static bool start_task(void)
{
    struct loop *loop = loop_current();

    if (!own.running && loop != NULL) {
        struct account *was = account_swap(NULL);

        own.running = task_spawn(loop, "sweep", sweep_task, NULL, NULL) == 0;
        account_swap(was);
    }
    return own.running;
}

static bool sweep_later(struct page_owner *owner, struct pagemap_remains remains)
{
    struct sweep *sweep = start_task() ? page_owner_alloc(owner, sizeof(*sweep)) : NULL;

    if (sweep == NULL) {
        return false;
    }
    *sweep = (struct sweep){ .owner = page_owner_ref(owner), .remains = remains };
    LIST_INSERT_HEAD(&own.list, sweep, entry);
    atomic_fetch_add_explicit(&sweeps, 1, memory_order_relaxed);
    return true;
}

void sweep_map(struct pagemap *map, struct page_owner *owner)
{
    struct pagemap_remains remains = pagemap_let_go(map);

    if (!pagemap_free_some(&remains, at_once) && !sweep_later(owner, remains)) {
        (void)pagemap_free_some(&remains, SIZE_MAX);
    }
}

bool sweep_now(const struct page_owner *owner)
{
    struct sweep *sweep, *next;
    bool some = false;

    for (sweep = LIST_FIRST(&own.list); sweep != NULL; sweep = next) {
        next = LIST_NEXT(sweep, entry);
        if (owner == NULL || sweep->owner == owner) {
            (void)pagemap_free_some(&sweep->remains, SIZE_MAX);
            sweep_end(sweep);
            some = true;
        }
    }
    return some;
}

size_t sweep_count(void)
{
    return atomic_load_explicit(&sweeps, memory_order_acquire);
}

void sweep_finish(struct loop *loop)
{
    if (sweep_now(NULL) || own.running) {
        int r maybe_unused = loop_run_until_idle(loop);
    }
}
