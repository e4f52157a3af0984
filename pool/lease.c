/* pool/lease.c: see the header. Every lease has a place in the budgets of its database, its user
 * and the daemon. Sessions on private clones of its template come from the database's pool, which
 * has such a place itself; those on other clones are opened and closed. */
#include "pool/lease.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "pool/clone.h"
#include "pool/database_impl.h"
#include "pool/named_impl.h"
#include "pool/session_state.h"
#include "pool/users.h"

#include <errno.h>

/* Other than the database's own. */
enum { budgets_most = gate_budgets_max - 1 };

struct lease_hold {
    struct user *user;
    struct pooled *pooled; /* a session of the database's pool; NULL: one of its own */
    struct permit permit;  /* of such a one */
};

/* ---- what one counts against ---- */

static size_t other_budgets(const struct database_world *world, const struct lease_hold *hold,
                            struct budget **ret_budgets)
{
    size_t count = 0;

    if (hold->user != NULL) {
        ret_budgets[count++] = user_budget(hold->user);
    }
    if (world->sessions != NULL) {
        ret_budgets[count++] = world->sessions;
    }
    return count;
}

static int hold_create(const struct database_world *world, const char *user,
                       struct lease_hold **ret_hold)
{
    cleanup(mem_freep) struct lease_hold *hold = mem_zalloc(sizeof(*hold));

    if (hold == NULL || (world->users != NULL && users_ref(world->users, user, &hold->user) != 0)) {
        return -ENOMEM;
    }
    *ret_hold = take_ptr(hold);
    return 0;
}

static void hold_destroy(const struct database_world *world, struct lease_hold *hold)
{
    if (world->users != NULL) {
        users_unref(world->users, hold->user);
    }
    mem_free(hold);
}

/* ---- waiting in vain ---- */

struct wait {
    struct database *database;
    struct budget *others[budgets_most];
    size_t other_count;
    int64_t since_us;
    int64_t deadline_us;
};

static void add_who_waits(const struct gate_stats *stats, struct failure *f)
{
    double first_s = stats->first_since_us == DEADLINE_NONE
                         ? 0
                         : (double)(session_now_us() - stats->first_since_us) / 1e6;

    if (stats->waiting == 0) {
        failure_add(f, FIELD_DETAIL, "All of its %zu sessions are in use.", stats->used);
        return;
    }
    failure_add(f, FIELD_DETAIL,
                "All of its %zu sessions are in use; %zu clients wait, the first for %.1f s.",
                stats->used, stats->waiting, first_s);
}

/* The budget that is full is to blame; when none is any more, the database's that was. */
static int fail_full(const struct wait *wait, const char *hint, struct failure *ret_failure)
{
    const struct database_world *world = wait->database->world;
    struct budget *own = respool_budget(wait->database->sessions);
    const struct budget *full = gate_find_full(world->gate, wait->others, wait->other_count);
    struct gate_stats stats;

    gate_stats(world->gate, own, &stats);
    if (stats.paused) {
        return failure_set(ret_failure, "57P03", "database \"%s\" is paused", wait->database->name);
    }
    if (full == NULL) {
        failure_set(ret_failure, "53300", "too many connections for database \"%s\"",
                    wait->database->name);
    } else if (full == world->sessions) {
        failure_set(ret_failure, "53300", "too many sessions");
    } else {
        failure_set(ret_failure, "53300", "too many connections for user \"%s\"", full->name);
    }
    gate_stats(world->gate, full == NULL ? own : full, &stats);
    add_who_waits(&stats, ret_failure);
    if (hint != NULL) {
        failure_add(ret_failure, FIELD_HINT, "%s", hint);
    }
    return FAILED;
}

/* What the pool or the gate said. */
static int fail_wait(const struct wait *wait, int r, struct failure *ret_failure)
{
    switch (r) {
    case FAILED:
    case -ECANCELED:
        return r;
    case GATE_FULL:
        return fail_full(wait, NULL, ret_failure);
    case -ETIMEDOUT:
        return fail_full(wait, "A client waits for a session no longer than query_wait_timeout.",
                         ret_failure);
    case -ESHUTDOWN:
        return failure_set(ret_failure, "57P03", "the database system is shutting down");
    default:
        return failure_set_nomem(ret_failure);
    }
}

static struct wait wait_begin(struct database *database, const struct lease_hold *hold)
{
    int64_t timeout_us = database_options(database)->query_wait_timeout_us;
    struct wait wait = { .database = database, .since_us = session_now_us() };

    wait.other_count = other_budgets(database->world, hold, wait.others);
    wait.deadline_us = timeout_us == 0 || timeout_us > DEADLINE_NONE - wait.since_us
                           ? DEADLINE_NONE
                           : wait.since_us + timeout_us;
    return wait;
}

/* ---- private clones ---- */

int lease_acquire(struct database *database, const struct lease_request *request,
                  struct lease *ret_lease, struct failure *ret_failure)
{
    struct pooled_request pooled = { .options = &request->options, .failure = ret_failure };
    struct lease_hold *hold;
    struct respool_item *item;

    if (hold_create(database->world, request->user, &hold) != 0) {
        return failure_set_nomem(ret_failure);
    }
    struct wait wait = wait_begin(database, hold);
    struct respool_request want = {
        .budgets = wait.others,
        .budget_count = wait.other_count,
        .deadline_us = wait.deadline_us,
        .arg = &pooled,
    };
    int r = respool_await_item(database->sessions, &want, &item);
    if (r != 0) {
        r = fail_wait(&wait, r, ret_failure);
        hold_destroy(database->world, hold);
        return r;
    }
    hold->pooled = container_of(item, struct pooled, item);
    *ret_lease =
        (struct lease){ .session = hold->pooled->session, .database = database, .hold = hold };
    return 0;
}

/* ---- on a clone that is there ---- */

static int await_place(struct database *database, struct lease_hold *hold,
                       struct failure *ret_failure)
{
    struct wait wait = wait_begin(database, hold);
    struct budget *budgets[gate_budgets_max] = { respool_budget(database->sessions) };

    for (size_t i = 0; i < wait.other_count; i++) {
        budgets[1 + i] = wait.others[i];
    }
    int r = await_gate(database->world->gate, budgets, 1 + wait.other_count,
                       database_options(database)->max_waiters, wait.deadline_us, &hold->permit);
    return r == 0 ? 0 : fail_wait(&wait, r, ret_failure);
}

/* 0: the lease is out, but for its `named`. */
static int acquire_on(struct database *database, struct clone *clone,
                      const struct lease_request *request, struct lease *ret_lease,
                      struct failure *ret_failure)
{
    const struct session_options options = database_session_options(database, &request->options);
    struct lease_hold *hold;
    struct session *session;

    if (hold_create(database->world, request->user, &hold) != 0) {
        return failure_set_nomem(ret_failure);
    }
    int r = await_place(database, hold, ret_failure);
    if (r == 0) {
        r = session_open(clone, &options, &session, ret_failure);
    }
    if (r != 0) {
        gate_release(&hold->permit); /* fine when there is none */
        hold_destroy(database->world, hold);
        return r;
    }
    *ret_lease = (struct lease){ .session = session, .database = database, .hold = hold };
    return 0;
}

int lease_acquire_copy(struct database *database, struct template *template_,
                       const struct lease_request *request, struct lease *ret_lease,
                       struct failure *ret_failure)
{
    struct clone_limits limits = { .memory = database_options(database)->clone_memory,
                                   .parent = request->options.parent };
    struct clone *clone;

    if (clone_create(template_, &limits, &clone) != 0) {
        return failure_set_nomem(ret_failure);
    }
    int r = acquire_on(database, clone, request, ret_lease, ret_failure);
    clone_unref(clone); /* its session has it */
    return r;
}

/* ---- named clones ---- */

/* A named clone is not to go while somebody waits for a session on it. */
static void leave(struct named *named)
{
    named->leases--;
    named->left_us = session_now_us();
    named_unref(named);
}

int lease_acquire_named(struct named *named, const struct lease_request *request,
                        struct lease *ret_lease, struct failure *ret_failure)
{
    named_ref(named)->leases++;
    int r = acquire_on(named->database, named->clone, request, ret_lease, ret_failure);

    if (r != 0) {
        leave(named);
        return r;
    }
    ret_lease->named = named;
    return 0;
}

/* ---- the end ---- */

void lease_release(struct lease *lease)
{
    struct lease_hold *hold = lease->hold;

    if (lease->session == NULL) {
        return;
    }
    marks_finish(&lease->own_marks);
    if (hold->pooled != NULL) {
        respool_release(&hold->pooled->item);
    } else {
        session_close(lease->session);
        gate_release(&hold->permit);
    }
    if (lease->named != NULL) {
        leave(lease->named);
    }
    hold_destroy(lease->database->world, hold);
    *lease = (struct lease){ .session = NULL };
}

/* ---- marks ---- */

static struct marks *marks_of(struct lease *lease)
{
    return lease->named == NULL ? &lease->own_marks : &lease->named->marks;
}

int lease_mark(struct lease *lease, const char *name, struct failure *ret_failure)
{
    return marks_set(marks_of(lease), lease->session, name,
                     database_options(lease->database)->max_marks, ret_failure);
}

int lease_rewind(struct lease *lease, const char *name, struct failure *ret_failure)
{
    return marks_rewind(marks_of(lease), lease->session, name, ret_failure);
}

int lease_reset(struct lease *lease, struct failure *ret_failure)
{
    return marks_reset(lease->session, ret_failure);
}
