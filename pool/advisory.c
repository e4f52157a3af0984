/* pool/advisory.c: see advisory.h.
 *
 * A lock is there while somebody has it or waits for it. A hold is what one session has of one lock
 * in one mode, by both scopes. Holds and locks are charged to the clone, whose cap they count
 * against: they outlive the statement that asked. A waiter brings the hold that he will have, so
 * that nothing can fail when his turn comes. */
#include "pool/advisory_impl.h"

#include "base/alloc.h"
#include "pool/clone_impl.h"
#include "pool/page.h"
#include "pool/session_state.h"
#include "pool/waits.h"

#include <assert.h>
#include <errno.h>

/* ---- locks ---- */

static size_t bucket_of(struct advisory_key key)
{
    uint64_t mixed = (uint64_t)key.number * UINT64_C(0x9E3779B97F4A7C15);

    return (size_t)(mixed >> 58) % advisory_buckets;
}

static struct advisory_lock *find_lock(const struct clone *clone, struct advisory_key key)
{
    struct advisory_lock *lock;

    if (clone->advisory == NULL) {
        return NULL;
    }
    LIST_FOREACH (lock, &clone->advisory->buckets[bucket_of(key)], entry) {
        if (lock->key.number == key.number && lock->key.pair == key.pair) {
            return lock;
        }
    }
    return NULL;
}

static void *alloc_of(struct clone *clone, size_t size)
{
    return page_owner_is_full(clone->owner) ? NULL : page_owner_alloc(clone->owner, size);
}

static struct advisory_lock *make_lock(struct clone *clone, struct advisory_key key)
{
    struct advisory_lock *lock = alloc_of(clone, sizeof(*lock));

    if (lock != NULL && clone->advisory == NULL) {
        clone->advisory = alloc_of(clone, sizeof(*clone->advisory));
        if (clone->advisory == NULL) {
            mem_free(lock);
            return NULL;
        }
        *clone->advisory = (struct advisory){ .count = 0 };
    }
    if (lock != NULL) {
        *lock = (struct advisory_lock){ .clone = clone, .key = key };
        LIST_INSERT_HEAD(&clone->advisory->buckets[bucket_of(key)], lock, entry);
        clone->advisory->count++;
    }
    return lock;
}

/* The lock of that key, or a new one. NULL: no memory. */
static struct advisory_lock *get_lock(struct clone *clone, struct advisory_key key)
{
    struct advisory_lock *lock = find_lock(clone, key);

    return lock != NULL ? lock : make_lock(clone, key);
}

static void drop_if_unused(struct advisory_lock *lock)
{
    struct clone *clone = lock->clone;

    if (!LIST_EMPTY(&lock->holds) || lock->waiting > 0) {
        return;
    }
    LIST_REMOVE(lock, entry);
    mem_free(lock);
    if (--clone->advisory->count == 0) {
        mem_free(take_ptr(clone->advisory));
    }
}

/* ---- who may have it ---- */

static struct advisory_hold *hold_of(const struct advisory_lock *lock,
                                     const struct session *session, enum advisory_mode mode)
{
    struct advisory_hold *hold;

    LIST_FOREACH (hold, &lock->holds, of_lock) {
        if (hold->session == session && hold->mode == mode) {
            return hold;
        }
    }
    return NULL;
}

bool advisory_has(const struct advisory_lock *lock, const struct session *session)
{
    return hold_of(lock, session, ADVISORY_SHARED) != NULL ||
           hold_of(lock, session, ADVISORY_EXCLUSIVE) != NULL;
}

static bool others_hold(const struct advisory_lock *lock, const struct session *session,
                        enum advisory_mode mode)
{
    const struct advisory_hold *hold;

    LIST_FOREACH (hold, &lock->holds, of_lock) {
        if (hold->session != session && advisory_modes_conflict(hold->mode, mode)) {
            return true;
        }
    }
    return false;
}

/* Does one who stands before `end` (NULL: anyone) want it in a mode that conflicts? */
static bool others_wait(const struct advisory_lock *lock, const struct line_place *end,
                        enum advisory_mode mode)
{
    const struct line_place *place;

    if (line_is_empty(&lock->line)) {
        return false;
    }
    TAILQ_FOREACH (place, &lock->line.places, entry) {
        const struct advisory_wait *wait = place->item;

        if (place == end) {
            return false;
        }
        if (advisory_modes_conflict(wait->request.mode, mode)) {
            return true;
        }
    }
    return false;
}

static bool is_free_for(const struct advisory_lock *lock, const struct session *session,
                        enum advisory_mode mode, const struct line_place *place)
{
    return !others_hold(lock, session, mode) &&
           (advisory_has(lock, session) || !others_wait(lock, place, mode));
}

/* ---- holds ---- */

static void count_in(struct advisory_hold *hold, enum advisory_scope scope)
{
    size_t depth = txn_savepoints(hold->session);

    if (scope == ADVISORY_SESSION) {
        hold->by_session++;
        return;
    }
    hold->depth = hold->by_transaction && hold->depth < depth ? hold->depth : depth;
    hold->by_transaction = true;
}

/* The session has the lock from now on. Takes `fresh`, or frees it. */
static void grant(struct advisory_lock *lock, struct session *session,
                  struct advisory_request request, struct advisory_hold *fresh)
{
    struct advisory_hold *hold = hold_of(lock, session, request.mode);

    if (hold == NULL) {
        hold = take_ptr(fresh);
        *hold = (struct advisory_hold){ .lock = lock, .session = session, .mode = request.mode };
        LIST_INSERT_HEAD(&lock->holds, hold, of_lock);
        LIST_INSERT_HEAD(&session->advisory, hold, of_session);
    }
    count_in(hold, request.scope);
    mem_free(fresh);
}

/* Calls all who can have it now, in their order. */
static void serve(struct advisory_lock *lock)
{
    struct line_place *place, *next;

    if (line_is_empty(&lock->line)) {
        return;
    }
    for (place = TAILQ_FIRST(&lock->line.places); place != NULL; place = next) {
        struct advisory_wait *wait = place->item;

        next = TAILQ_NEXT(place, entry);
        if (is_free_for(lock, wait->session, wait->request.mode, place)) {
            grant(lock, wait->session, wait->request, take_ptr(wait->hold));
            line_call(&lock->line, place);
        }
    }
}

static void end_hold_if_unused(struct advisory_hold *hold)
{
    struct advisory_lock *lock = hold->lock;

    if (hold->by_session > 0 || hold->by_transaction) {
        return;
    }
    LIST_REMOVE(hold, of_lock);
    LIST_REMOVE(hold, of_session);
    mem_free(hold);
    serve(lock);
    drop_if_unused(lock);
}

/* ---- asking ---- */

static int fail_full(struct failure *ret_failure)
{
    failure_set(ret_failure, "53200", "out of memory for advisory locks");
    failure_add(ret_failure, FIELD_HINT, "Unlock some, or raise clone_memory or memory_limit.");
    return FAILED;
}

/* The lock, and a hold for whoever gets it. 0 or FAILED. */
static int prepare(struct session *session, struct advisory_key key,
                   struct advisory_lock **ret_lock, struct advisory_hold **ret_hold,
                   struct failure *ret_failure)
{
    struct clone *clone = session->clone;

    *ret_hold = alloc_of(clone, sizeof(**ret_hold));
    *ret_lock = *ret_hold == NULL ? NULL : get_lock(clone, key);
    if (*ret_lock == NULL) {
        mem_free(*ret_hold);
        return fail_full(ret_failure);
    }
    return 0;
}

static int wait_in_line(void *arg, int64_t statement_us)
{
    struct advisory_wait *wait = arg;
    bool lock_first = wait->deadline_us < statement_us;

    int r = await_line(&wait->lock->line, wait, lock_first ? wait->deadline_us : statement_us);
    if (r != -ETIMEDOUT || !lock_first) {
        return r;
    }
    wait->lock_timeout = true;
    return 0;
}

static int fail_lock_timeout(struct failure *ret_failure)
{
    failure_set(ret_failure, "55P03", "canceling statement due to lock timeout");
    failure_add(ret_failure, FIELD_HINT,
                "See pg_locks for who has the lock, or raise lock_timeout.");
    return FAILED;
}

static int await_lock(struct advisory_wait *wait, struct failure *ret_failure)
{
    struct session *session = wait->session;

    session->waits_for_lock = wait;
    int r = waits_check_circle(session, ret_failure);
    if (r == 0) {
        r = session_await(session, wait_in_line, wait, ret_failure);
    }
    session->waits_for_lock = NULL;
    if (r == 0 && wait->lock_timeout) {
        r = fail_lock_timeout(ret_failure);
    }
    return r;
}

int advisory_lock(struct session *session, struct advisory_request request,
                  struct failure *ret_failure)
{
    struct advisory_wait wait = {
        .session = session,
        .request = request,
        .since_us = session_now_us(),
        .deadline_us = session_lock_deadline(session),
    };

    if (prepare(session, request.key, &wait.lock, &wait.hold, ret_failure) != 0) {
        return FAILED;
    }
    if (is_free_for(wait.lock, session, request.mode, NULL)) {
        grant(wait.lock, session, request, wait.hold);
        return 0;
    }
    wait.lock->waiting++;
    int r = await_lock(&wait, ret_failure);
    wait.lock->waiting--;
    if (wait.hold == NULL && r != 0) {
        /* Given in the same turn in which the statement was told to stop: it goes to the next. */
        struct advisory_hold *hold = hold_of(wait.lock, session, request.mode);

        hold->by_session -= request.scope == ADVISORY_SESSION ? 1 : 0;
        end_hold_if_unused(hold);
    } else if (r != 0) {
        mem_free(wait.hold);
        serve(wait.lock); /* who stood behind it */
        drop_if_unused(wait.lock);
    }
    return r;
}

int advisory_try(struct session *session, struct advisory_request request, bool *ret_got,
                 struct failure *ret_failure)
{
    struct advisory_lock *lock;
    struct advisory_hold *hold;

    if (prepare(session, request.key, &lock, &hold, ret_failure) != 0) {
        return FAILED;
    }
    *ret_got = is_free_for(lock, session, request.mode, NULL);
    if (*ret_got) {
        grant(lock, session, request, hold);
        return 0;
    }
    mem_free(hold);
    drop_if_unused(lock);
    return 0;
}

bool advisory_unlock(struct session *session, struct advisory_key key, enum advisory_mode mode)
{
    struct advisory_lock *lock = find_lock(session->clone, key);
    struct advisory_hold *hold = lock == NULL ? NULL : hold_of(lock, session, mode);

    if (hold == NULL || hold->by_session == 0) {
        return false;
    }
    hold->by_session--;
    end_hold_if_unused(hold);
    return true;
}

/* ---- ends ---- */

/* Which holds are to lose what. */
struct ending {
    bool session;
    bool transaction;
    size_t depth; /* of those of the transaction: only from here on */
};

static void end_some(struct session *session, struct ending ending)
{
    struct advisory_hold *hold, *next;

    for (hold = LIST_FIRST(&session->advisory); hold != NULL; hold = next) {
        next = LIST_NEXT(hold, of_session);
        hold->by_session = ending.session ? 0 : hold->by_session;
        hold->by_transaction =
            hold->by_transaction && !(ending.transaction && hold->depth >= ending.depth);
        end_hold_if_unused(hold);
    }
}

void advisory_unlock_all(struct session *session)
{
    end_some(session, (struct ending){ .session = true });
}

void advisory_end_transaction(struct session *session)
{
    end_some(session, (struct ending){ .transaction = true });
}

void advisory_rollback_to(struct session *session, size_t number)
{
    end_some(session, (struct ending){ .transaction = true, .depth = number + 1 });
}

void advisory_release(struct session *session, size_t number)
{
    struct advisory_hold *hold;

    LIST_FOREACH (hold, &session->advisory, of_session) {
        hold->depth = hold->depth < number ? hold->depth : number;
    }
}

void advisory_end_session(struct session *session)
{
    end_some(session, (struct ending){ .session = true, .transaction = true });
}
