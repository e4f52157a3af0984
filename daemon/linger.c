/* daemon/linger.c: one timer for each clone that was left. When it fires it looks whether somebody
 * uses the clone: then the next one who leaves starts another; or has used it since: then it waits
 * for the rest. */
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
    int64_t linger_us;
    struct event timer;
};

static void forget(struct lingering *lingering)
{
    event_del(&lingering->timer);
    LIST_REMOVE(lingering, entry);
    named_set_keeper(lingering->named, NULL);
    named_unref(lingering->named);
    mem_free(lingering);
}

static int wait_for(struct lingering *lingering, int64_t us)
{
    const struct timeval wait = { .tv_sec = us / 1000000, .tv_usec = us % 1000000 };

    return event_add(&lingering->timer, &wait) == 0 ? 0 : -ENOMEM;
}

static void look(evutil_socket_t fd, short what, void *arg)
{
    struct lingering *lingering = arg;
    struct worker *worker = lingering->worker;
    struct named *named = lingering->named;
    int64_t end_us = named_left_us(named) + lingering->linger_us;
    int64_t rest_us = end_us - loop_now_us(worker->loop);

    (void)fd, (void)what;
    if (named_leases(named) == 0 && rest_us > 0 && wait_for(lingering, rest_us) == 0) {
        return;
    }
    if (named_leases(named) == 0) {
        registry_drop(worker->server->registry, named);
    }
    forget(lingering);
}

static struct lingering *lingering_new(struct worker *worker, struct named *named)
{
    struct lingering *lingering = mem_zalloc(sizeof(*lingering));

    if (lingering != NULL) {
        lingering->worker = worker;
        lingering->named = named_ref(named);
        named_set_keeper(named, lingering);
        LIST_INSERT_HEAD(&worker->lingering, lingering, entry);
        event_assign(&lingering->timer, loop_base(worker->loop), -1, 0, look, lingering);
    }
    return lingering;
}

int linger_begin(struct worker *worker, struct named *named, int64_t linger_us)
{
    if (named_keeper(named) != NULL) {
        return 0;
    }
    struct lingering *lingering = lingering_new(worker, named);
    if (lingering == NULL) {
        return -ENOMEM;
    }
    lingering->linger_us = linger_us;
    int r = wait_for(lingering, linger_us);
    if (r != 0) {
        forget(lingering);
    }
    return r;
}

void linger_end(struct named *named)
{
    struct lingering *lingering = named_keeper(named);

    if (lingering != NULL) {
        forget(lingering);
    }
}

void linger_finish(struct worker *worker)
{
    struct lingering *lingering;

    while ((lingering = LIST_FIRST(&worker->lingering)) != NULL) {
        forget(lingering);
    }
}
