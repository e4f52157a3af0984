/* pool/waits.c: see waits.h. Before each wait all that it would lead to is looked through, nearest
 * first, so that of several circles the shortest is told; there can be none that does not lead
 * through the new wait. */
#include "pool/waits.h"

#include "pool/advisory.h"
#include "pool/clone.h"
#include "pool/session_state.h"

#include <stdio.h>

STAILQ_HEAD(session_queue, session);

struct search {
    uint64_t number; /* of this search: what it has seen has it */
    struct session_queue queue;
    struct session *from; /* whose blockers are being looked at */
    struct session *first;
    struct session *last; /* of the circle: it waits for the first; NULL: none was found */
};

static void visit(void *arg, struct session *blocker)
{
    struct search *search = arg;

    if (blocker == search->first) {
        search->last = search->last == NULL ? search->from : search->last;
        return;
    }
    if (blocker->waits.seen == search->number) {
        return;
    }
    blocker->waits.seen = search->number;
    blocker->waits.from = search->from;
    STAILQ_INSERT_TAIL(&search->queue, blocker, waits.next);
}

void session_each_writer(const struct session *session,
                         void (*fn)(void *arg, const struct session *writer, bool granted,
                                    int64_t since_us),
                         void *arg)
{
    const struct line *line = clone_writers(session->clone);
    const struct session *holder = clone_holder(session->clone);
    const struct line_place *place;

    if (holder != NULL) {
        fn(arg, holder, true, holder->place_since_us);
    }
    if (line_is_empty(line)) {
        return;
    }
    TAILQ_FOREACH (place, &line->places, entry) {
        const struct session *waiter = place->item;

        fn(arg, waiter, false, waiter->waits_since_us);
    }
}

/* The one who has the place, and those in front, who will have it before. */
static void visit_writers(struct search *search, struct session *session)
{
    const struct line *line = clone_writers(session->clone);
    const struct line_place *place;

    if (clone_holder(session->clone) != NULL) {
        visit(search, clone_holder(session->clone));
    }
    if (line_is_empty(line)) {
        return;
    }
    TAILQ_FOREACH (place, &line->places, entry) {
        if (place->item == session) {
            return;
        }
        visit(search, place->item);
    }
}

static void visit_blockers(struct search *search, struct session *session)
{
    search->from = session;
    if (session->waits_for_place) {
        visit_writers(search, session);
    }
    if (session->waits_for_lock != NULL) {
        advisory_each_blocker(session->waits_for_lock, visit, search);
    }
}

/* ---- what is told ---- */

static void say_what(const struct session *session, char *out, size_t size)
{
    if (session->waits_for_lock == NULL) {
        snprintf(out, size, "the writer's place of the database");
        return;
    }
    struct advisory_request want = advisory_wanted(session->waits_for_lock);

    snprintf(out, size, "%s on advisory lock [%u,%u,%d]",
             want.mode == ADVISORY_SHARED ? "ShareLock" : "ExclusiveLock",
             (uint32_t)((uint64_t)want.key.number >> 32), (uint32_t)want.key.number,
             want.key.pair ? 2 : 1);
}

/* From the last one back to the first, so the text grows at its front. */
static int fail_circle(const struct search *search, struct failure *ret_failure)
{
    char detail[600] = "", longer[sizeof(detail)], what[80];
    const struct session *next = search->first;

    for (const struct session *s = search->last;; s = s->waits.from) {
        say_what(s, what, sizeof(what));
        int len = snprintf(longer, sizeof(longer),
                           "Process %d waits for %s; blocked by process %d.%s%s", session_pid(s),
                           what, session_pid(next), detail[0] == '\0' ? "" : "\n", detail);
        if (len > 0 && (size_t)len < sizeof(longer)) {
            memcpy(detail, longer, (size_t)len + 1);
        }
        if (s == search->first) {
            break;
        }
        next = s;
    }
    failure_set(ret_failure, "40P01", "deadlock detected");
    failure_add(ret_failure, FIELD_DETAIL, "%s", detail);
    failure_add(ret_failure, FIELD_HINT, "Take locks in the same order everywhere, or try again.");
    return FAILED;
}

int waits_check_circle(struct session *session, struct failure *ret_failure)
{
    static _Thread_local uint64_t searches;
    struct search search = { .number = ++searches, .first = session };
    struct session *next;

    STAILQ_INIT(&search.queue);
    visit_blockers(&search, session);
    while (search.last == NULL && (next = STAILQ_FIRST(&search.queue)) != NULL) {
        STAILQ_REMOVE_HEAD(&search.queue, waits.next);
        visit_blockers(&search, next);
    }
    return search.last == NULL ? 0 : fail_circle(&search, ret_failure);
}
