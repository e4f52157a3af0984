/* pool/session_stop.c: where a session gives up its turn, and how a statement is stopped.
 *
 * SQLite asks on_progress() every progress_steps steps of its machine: that is where a statement
 * sees its deadline and its stop, and where it gives up its turn. Nothing in it touches SQLite, as
 * it is in the middle of a step. */
#include "pool/session_state.h"

#include "async/await.h"
#include "async/loop.h"
#include "async/task.h"

#include <errno.h>

enum { progress_steps = 1000 };

int64_t session_now_us(void)
{
    struct loop *loop = loop_current();

    return loop == NULL ? clock_now_us(&clock_system) : loop_now_us(loop);
}

int64_t session_lock_deadline(const struct session *session)
{
    int64_t timeout = session->options.lock_timeout_us;
    int64_t now = session_now_us();

    return timeout <= 0 || timeout > DEADLINE_NONE - now ? DEADLINE_NONE : now + timeout;
}

static enum stop_reason ask_owner(const struct session *session)
{
    if (session->options.should_stop == NULL) {
        return STOP_NONE;
    }
    return session->options.should_stop(session->options.owner);
}

/* The end of a time slice. While other tasks run, this session's account is not current. */
static void give_turn(struct session *session)
{
    struct account *own = account_swap(session->outer);
    enum stop_reason reason = ask_owner(session);
    int r = reason == STOP_NONE ? await_turn() : 0;

    account_swap(own);
    if (r < 0 && reason == STOP_NONE) {
        reason = ask_owner(session);
        reason = reason == STOP_NONE ? STOP_SHUTDOWN : reason; /* the task itself is told to end */
    }
    if (session->stop == STOP_NONE) {
        session->stop = reason;
    }
}

void session_run_blocking(void *owner, void (*fn)(void *arg), void *arg)
{
    struct session *session = owner;
    int r = -ENOTSUP;

    if (task_current() != NULL && task_stack_used() > 0) {
        struct account *own =
            session->entered > 0 ? account_swap(session->outer) : account_current();

        r = await_offload(fn, arg);
        account_swap(own);
    }
    if (r != 0) {
        fn(arg);
    }
}

static bool out_of_steps(struct session *session)
{
    session->steps += progress_steps;
    return session->steps_most != 0 && session->steps > session->steps_most;
}

static int on_progress(void *arg)
{
    struct session *session = arg;
    struct task *task = task_current();

    if (session->stop == STOP_NONE && session->deadline_us != DEADLINE_NONE &&
        session_now_us() >= session->deadline_us) {
        session->stop = STOP_STATEMENT_TIMEOUT;
    }
    /* on the loop's own stack (sql/ asks the schema while it plans) nobody may await */
    if (session->stop == STOP_NONE && task != NULL && task_stack_used() > 0 &&
        task_slice_over(task)) {
        give_turn(session);
    }
    bool spent = out_of_steps(session);
    return session->unstoppable == 0 && (session->stop != STOP_NONE || spent);
}

void session_watch(struct session *session)
{
    sqlite3_progress_handler(session->db, progress_steps, on_progress, session);
}

void session_stop_statement(struct session *session, enum stop_reason reason)
{
    if (session->stop != STOP_NONE || reason == STOP_NONE) {
        return;
    }
    session->stop = reason;
    if (session->waiter != NULL && task_cancel_reason(session->waiter) == 0) {
        session->waiter_stopped = true;
        task_cancel(session->waiter, (int)reason);
    }
}

void session_limit_steps(struct session *session, uint64_t steps)
{
    session->steps_most = steps;
    session->steps = 0;
}

void session_statement_begin(struct session *session, int64_t deadline_us)
{
    session->deadline_us = deadline_us;
    session->stop = STOP_NONE;
}

int session_fail_stopped(struct session *session, struct failure *ret_failure)
{
    static const struct {
        const char *sqlstate;
        enum failure_severity severity;
        const char *message;
    } answers[] = {
        [STOP_NONE] = { "57014", SEVERITY_ERROR, "canceling statement due to user request" },
        [STOP_CANCEL] = { "57014", SEVERITY_ERROR, "canceling statement due to user request" },
        [STOP_STATEMENT_TIMEOUT] = { "57014", SEVERITY_ERROR,
                                     "canceling statement due to statement timeout" },
        [STOP_SHUTDOWN] = { "57P01", SEVERITY_FATAL,
                            "terminating connection due to administrator command" },
        [STOP_HANGUP] = { "08006", SEVERITY_FATAL, "connection to client lost" },
    };

    failure_set(ret_failure, answers[session->stop].sqlstate, "%s", answers[session->stop].message);
    if (ret_failure != NULL) {
        ret_failure->severity = (uint8_t)answers[session->stop].severity;
    }
    return FAILED;
}

int session_breathe(struct session *session, struct failure *ret_failure)
{
    session_enter(session);
    bool stop = on_progress(session);
    session_leave(session);
    return stop ? session_fail_stopped(session, ret_failure) : 0;
}

bool session_waits_for_lock(const struct session *session)
{
    return session->waits_for_lock != NULL;
}

bool session_waits_for_place(const struct session *session)
{
    return session->waits_for_place;
}

int session_await(struct session *session, int (*wait)(void *arg, int64_t deadline_us), void *arg,
                  struct failure *ret_failure)
{
    int r = 0;

    if (session->stop == STOP_NONE) {
        session->waiter = task_current();
        r = wait(arg, session->deadline_us);
        if (session->waiter_stopped) {
            task_uncancel(session->waiter); /* it was meant for this wait alone */
        }
        session->waiter_stopped = false;
        session->waiter = NULL;
    }
    if (r == -ETIMEDOUT) {
        session->stop = STOP_STATEMENT_TIMEOUT;
    } else if (r == -ECANCELED && session->stop == STOP_NONE) {
        session->stop = STOP_SHUTDOWN; /* the task itself is told to end */
    }
    return session->stop != STOP_NONE ? session_fail_stopped(session, ret_failure) : r;
}

static int wait_readable(void *fd, int64_t deadline_us)
{
    return await_readable(*(int *)fd, deadline_us);
}

int session_await_readable(struct session *session, int fd, struct failure *ret_failure)
{
    return session_await(session, wait_readable, &fd, ret_failure);
}
