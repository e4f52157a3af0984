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

static void sweep_run(void *arg)
{
    struct sweep *sweep = arg;
    struct page_owner *owner = sweep->owner;

    (void)pagemap_free_some(&sweep->remains, SIZE_MAX);
    mem_free(sweep);
    atomic_fetch_sub_explicit(&owner->sweeps, 1, memory_order_release);
    page_owner_unref(owner);
}

/* False: here and now, then. */
static bool sweep_later(struct page_owner *owner, struct pagemap_remains remains)
{
    struct sweep *sweep = page_owner_alloc(owner, sizeof(*sweep));

    if (sweep == NULL) {
        return false;
    }
    *sweep = (struct sweep){ .owner = page_owner_ref(owner), .remains = remains };
    atomic_fetch_add_explicit(&owner->sweeps, 1, memory_order_relaxed);
    if (offload_later(sweep_run, sweep) == 0) {
        return true;
    }
    atomic_fetch_sub_explicit(&owner->sweeps, 1, memory_order_relaxed);
    page_owner_unref(owner);
    mem_free(sweep);
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
