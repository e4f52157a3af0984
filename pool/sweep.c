/* pool/sweep.c: see sweep.h. */
#include "pool/sweep.h"

#include "async/await.h"
#include "async/offload.h"
#include "async/task.h"
#include "pool/page.h"
#include "pool/pagemap.h"

enum { at_once = 256 }; /* pages: less than it costs to wake another thread */

struct sweep {
    struct page_owner *owner;
    struct pagemap_remains remains;
};

static _Atomic size_t sweeps; /* of all owners */

static void sweep_begin(struct page_owner *owner)
{
    page_owner_ref(owner);
    atomic_fetch_add_explicit(&owner->sweeps, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&sweeps, 1, memory_order_relaxed);
}

/* Whoever sees the numbers go down sees the memory back. */
static void sweep_end(struct sweep *sweep)
{
    struct page_owner *owner = sweep->owner;

    mem_free(sweep);
    atomic_fetch_sub_explicit(&owner->sweeps, 1, memory_order_release);
    page_owner_unref(owner);
    atomic_fetch_sub_explicit(&sweeps, 1, memory_order_release);
}

static void sweep_run(void *arg)
{
    struct sweep *sweep = arg;

    (void)pagemap_free_some(&sweep->remains, SIZE_MAX);
    sweep_end(sweep);
}

/* False: here and now, then. */
static bool sweep_later(struct page_owner *owner, struct pagemap_remains remains)
{
    struct sweep *sweep = page_owner_alloc(owner, sizeof(*sweep));

    if (sweep == NULL) {
        return false;
    }
    *sweep = (struct sweep){ .owner = owner, .remains = remains };
    sweep_begin(owner);
    if (offload_later(sweep_run, sweep) == 0) {
        return true;
    }
    sweep_end(sweep);
    return false;
}

void sweep_map(struct pagemap *map, struct page_owner *owner)
{
    struct pagemap_remains remains = pagemap_let_go(map);

    if (!pagemap_free_some(&remains, at_once) && !sweep_later(owner, remains)) {
        (void)pagemap_free_some(&remains, SIZE_MAX);
    }
}

bool sweep_await(struct page_owner *owner)
{
    bool some = false;

    while (atomic_load_explicit(&owner->sweeps, memory_order_acquire) > 0) {
        if (task_current() == NULL || await_turn() != 0) {
            return some;
        }
        some = true;
    }
    return some;
}

size_t sweep_count(void)
{
    return atomic_load_explicit(&sweeps, memory_order_acquire);
}
