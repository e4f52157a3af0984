/* daemon/linger.c: one timer for each time that a clone was left. It looks whether somebody has
 * come since; then the next one who leaves starts another. */
#include "daemon/linger.h"

#include "async/loop.h"
#include "base/alloc.h"
#include "daemon/server.h"
#include "pool/registry.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>

struct lingering {
    LIST_ENTRY(lingering) entry;
    struct worker *worker;
    struct named *named; /* counted */
    uint64_t leases;     /* ever, when it was left */
    struct event timer;
};

static void forget(struct lingering *lingering)
{
    event_del(&lingering->timer);
    LIST_REMOVE(lingering, entry);
    named_unref(lingering->named);
    mem_free(lingering);
}

static void time_is_over(evutil_socket_t fd, short what, void *arg)
{
    struct lingering *lingering = arg;
    struct named *named = lingering->named;

    (void)fd, (void)what;
    if (named_leases(named) == 0 && named_leases_ever(named) == lingering->leases) {
        registry_drop(lingering->worker->server->registry, named);
    }
    forget(lingering);
}

int linger_begin(struct worker *worker, struct named *named, int64_t linger_us)
{
    const struct timeval wait = { .tv_sec = linger_us / 1000000, .tv_usec = linger_us % 1000000 };
    struct lingering *lingering = mem_zalloc(sizeof(*lingering));

    if (lingering == NULL) {
        return -ENOMEM;
    }
    lingering->worker = worker;
    lingering->named = named_ref(named);
    lingering->leases = named_leases_ever(named);
    LIST_INSERT_HEAD(&worker->lingering, lingering, entry);
    event_assign(&lingering->timer, loop_base(worker->loop), -1, 0, time_is_over, lingering);
    if (event_add(&lingering->timer, &wait) != 0) {
        forget(lingering);
        return -ENOMEM;
    }
    return 0;
}

void linger_finish(struct worker *worker)
{
    struct lingering *lingering;

    while ((lingering = LIST_FIRST(&worker->lingering)) != NULL) {
        forget(lingering);
    }
}
