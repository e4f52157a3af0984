/* pool/advisory_list.c: looking at advisory locks: for pg_locks, and for who waits for whom. */
#include "pool/advisory_impl.h"
#include "pool/clone_impl.h"

struct advisory_request advisory_wanted(const struct advisory_wait *wait)
{
    return wait->request;
}

void advisory_each_blocker(const struct advisory_wait *wait,
                           void (*fn)(void *arg, struct session *session), void *arg)
{
    const struct advisory_lock *lock = wait->lock;
    const struct advisory_hold *hold;
    const struct line_place *place;

    LIST_FOREACH (hold, &lock->holds, of_lock) {
        if (hold->session != wait->session &&
            advisory_modes_conflict(hold->mode, wait->request.mode)) {
            fn(arg, hold->session);
        }
    }
    if (line_is_empty(&lock->line) || advisory_has(lock, wait->session)) {
        return;
    }
    TAILQ_FOREACH (place, &lock->line.places, entry) {
        const struct advisory_wait *other = place->item;

        if (other == wait) {
            break;
        }
        if (advisory_modes_conflict(other->request.mode, wait->request.mode)) {
            fn(arg, other->session);
        }
    }
}

static void each_of_lock(const struct advisory_lock *lock,
                         void (*fn)(void *arg, const struct advisory_row *row), void *arg)
{
    const struct advisory_hold *hold;
    const struct line_place *place;

    LIST_FOREACH (hold, &lock->holds, of_lock) {
        fn(arg, &(struct advisory_row){ hold->session, lock->key, hold->mode, true, 0 });
    }
    if (line_is_empty(&lock->line)) {
        return;
    }
    TAILQ_FOREACH (place, &lock->line.places, entry) {
        const struct advisory_wait *wait = place->item;

        fn(arg, &(struct advisory_row){ wait->session, lock->key, wait->request.mode, false,
                                        wait->since_us });
    }
}

void advisory_each(const struct clone *clone, void (*fn)(void *arg, const struct advisory_row *row),
                   void *arg)
{
    const struct advisory_lock *lock;

    for (size_t i = 0; clone->advisory != NULL && i < advisory_buckets; i++) {
        LIST_FOREACH (lock, &clone->advisory->buckets[i], entry) {
            each_of_lock(lock, fn, arg);
        }
    }
}
