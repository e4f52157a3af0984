/* pool/session.c: opens SQLite on a clone, stops what runs too long, and says what went wrong in
 * PostgreSQL's words; session_prepare.c prepares.
 *
 * SQLite asks on_progress() every progress_steps steps of its machine: that is where a statement
 * sees its deadline and its stop, and where it gives up its turn. Nothing in it touches SQLite, as
 * it is in the middle of a step. */
#include "pool/session_state.h"

#include "async/await.h"
#include "async/loop.h"
#include "async/task.h"
#include "pool/clone.h"
#include "pool/guard.h"
#include "pool/spool.h"
#include "pool/sqlite_error.h"
#include "pool/vfs.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

enum { progress_steps = 1000, work_mem_bytes = 4 << 20 };

/* ---- accounts ---- */

void session_enter(struct session *session)
{
    if (session->entered++ == 0) {
        session->outer = account_swap(&session->account);
    }
}

void session_leave(struct session *session)
{
    assert(session->entered > 0);
    if (--session->entered == 0) {
        account_swap(session->outer);
        session->outer = NULL;
    }
}

int64_t session_now_us(void)
{
    struct loop *loop = loop_current();

    return loop == NULL ? clock_now_us(&clock_system) : loop_now_us(loop);
}

/* ---- stopping ---- */

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

/* Runs what blocks on a helper thread, for the session's temporary files; at once where nobody may
 * await. */
static void run_blocking(void *owner, void (*fn)(void *arg), void *arg)
{
    struct session *session = owner;
    int r = -ENOTSUP;

    if (task_current() != NULL && task_stack_used() > 0 && !session->closing) {
        struct account *own =
            session->entered > 0 ? account_swap(session->outer) : account_current();

        r = await_offload(fn, arg);
        account_swap(own);
    }
    if (r != 0) {
        fn(arg);
    }
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
    return session->unstoppable == 0 && session->stop != STOP_NONE;
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

/* ---- failures ---- */

static int fail_denied(struct session *session, struct failure *ret_failure)
{
    struct guard_denial *denial = &session->guard.denial;

    failure_set(ret_failure, denial->sqlstate, "%s", denial->message);
    denial->sqlstate[0] = '\0';
    return FAILED;
}

static int fail_nomem(struct session *session, struct failure *ret_failure)
{
    failure_set_nomem(ret_failure);
    if (session->account.limit != 0 && atomic_load(&session->account.refused) > 0) {
        failure_add(ret_failure, FIELD_DETAIL, "The session may use %zu bytes.",
                    session->account.limit);
        failure_add(ret_failure, FIELD_HINT, "Raise session_memory of this database.");
    }
    return FAILED;
}

int session_fail(struct session *session, int code, struct view sql, sqlite3_stmt *stmt,
                 struct failure *ret_failure)
{
    char message[sqlite_message_bytes];
    struct sqlite_error error = {
        .db = session->db,
        .code = code,
        .message = message,
        .offset = sqlite3_error_offset(session->db),
        .sql = sql,
    };

    snprintf(message, sizeof(message), "%s", sqlite3_errmsg(session->db));
    if (stmt != NULL) {
        sqlite3_reset(stmt);
    }
    txn_check_lost(session);
    if (session->guard.denial.sqlstate[0] != '\0') { /* the code is not always SQLITE_AUTH */
        return fail_denied(session, ret_failure);
    }
    switch (code & 0xff) {
    case SQLITE_INTERRUPT:
        return session_fail_stopped(session, ret_failure);
    case SQLITE_NOMEM:
        return fail_nomem(session, ret_failure);
    default:
        break;
    }
    session->internal++;
    session->unstoppable++;
    int r = sqlite_error_translate(&error, ret_failure);
    session->unstoppable--;
    session->internal--;
    return r;
}

int session_run_internal(struct session *session, const char *sql)
{
    session->internal++;
    int rc = sqlite3_exec(session->db, sql, NULL, NULL, NULL);
    session->internal--;
    return rc;
}

/* ---- life ---- */

static int set_up(struct session *session)
{
    static const struct {
        int option;
        int value;
    } settings[] = {
        { SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
        { SQLITE_DBCONFIG_DEFENSIVE, 1 },
        { SQLITE_DBCONFIG_DQS_DML, 0 },
        { SQLITE_DBCONFIG_DQS_DDL, 0 },
        { SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
        { SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0 },
    };
    int rc = SQLITE_OK;

    for (size_t i = 0; rc == SQLITE_OK && i < ARRAY_LEN(settings); i++) {
        rc = sqlite3_db_config(session->db, settings[i].option, settings[i].value, (int *)NULL);
    }
    sqlite3_extended_result_codes(session->db, 1);
    /* Temporary files stay files (in our VFS): that is SQLite's default here. With a small cache a
     * sort goes to them in small parts, between which it can be stopped; pages are lent by the VFS,
     * the cache holds but dirty ones. LIKE is PostgreSQL's; nothing of what is deleted needs to be
     * wiped in memory. */
    if (rc == SQLITE_OK) {
        rc = session_run_internal(
            session, "PRAGMA case_sensitive_like=1;PRAGMA secure_delete=0;PRAGMA cache_size=-512");
    }
    if (rc == SQLITE_OK) {
        rc = guard_install(session);
    }
    if (rc == SQLITE_OK) {
        sqlite3_progress_handler(session->db, progress_steps, on_progress, session);
    }
    return rc;
}

static void take_temp_options(struct session *session)
{
    session->temp.dir = session->options.temp_dir;
    session->temp.limit = session->options.temp_file_limit;
}

static struct session *session_new(struct clone *clone, const struct session_options *options)
{
    struct session *session = mem_zalloc(sizeof(*session));

    if (session == NULL) {
        return NULL;
    }
    session->clone = clone_ref(clone);
    session->options = *options;
    session->account.parent = options->parent;
    session->account.limit = options->memory;
    session->deadline_us = DEADLINE_NONE;
    session->temp.run = run_blocking;
    session->temp.owner = session;
    take_temp_options(session);
    TAILQ_INIT(&session->cursors);
    stmt_cache_init(&session->cache);
    return session;
}

int session_open(struct clone *clone, const struct session_options *options,
                 struct session **ret_session, struct failure *ret_failure)
{
    struct session *session = session_new(clone, options);

    if (session == NULL) {
        return failure_set_nomem(ret_failure);
    }
    session_enter(session);
    int rc = vfs_open_clone(clone, &session->db);
    if (rc == SQLITE_OK) {
        rc = set_up(session);
    }
    session_leave(session);
    if (rc == SQLITE_OK) {
        *ret_session = session;
        return 0;
    }
    if ((rc & 0xff) == SQLITE_NOMEM) {
        (void)fail_nomem(session, ret_failure);
    } else {
        failure_set(ret_failure, sqlite_error_sqlstate(rc), "could not open a session: %s",
                    sqlite3_errstr(rc));
    }
    session_close(session);
    return FAILED;
}

/* Afterwards nothing of the lease is active on the connection. */
static void end_lease(struct session *session)
{
    session->closing = true;
    session->unstoppable++;
    cursor_close_all(session);
    (void)!txn_rollback(session, NULL); /* a ROLLBACK that found no memory: see session_reset */
    txn_finish(session);
    stmt_cache_finish(&session->cache);
    session->unstoppable--;
    session->closing = false;
    clone_release_writer(session->clone, session);
}

static void forget_lease(struct session *session)
{
    stmt_cache_init(&session->cache);
    session->user = NULL;
    session->stop = STOP_NONE;
    session->deadline_us = DEADLINE_NONE;
    session->guard = (struct guard){ 0 };
    session->txn = (struct txn){ 0 };
    session->options.should_stop = NULL;
    session->options.who = NULL;
    session->options.owner = NULL;
    atomic_store(&session->account.refused, 0);
    sqlite3_set_last_insert_rowid(session->db, 0);
}

/* Cached pages, and what else only a running statement needs. */
static void give_memory(struct session *session)
{
    session_enter(session);
    sqlite3_db_release_memory(session->db);
    session_leave(session);
}

bool session_reset(struct session *session)
{
    session_enter(session);
    end_lease(session);
    forget_lease(session);
    session_leave(session);
    if (session->has_temporary || !sqlite3_get_autocommit(session->db) ||
        !clone_schema_is_templates(session->clone) || clone_reset(session->clone) != 0) {
        return false;
    }
    give_memory(session);
    return true;
}

void session_lend(struct session *session, const struct session_options *options)
{
    session->options = *options;
    session->account.limit = options->memory;
    take_temp_options(session);
}

void session_close(struct session *session)
{
    if (session == NULL) {
        return;
    }
    session_enter(session);
    if (session->db != NULL) {
        end_lease(session);
    }
    maybe_unused int rc = sqlite3_close(session->db);
    assert(rc == SQLITE_OK);
    session_leave(session);
    clone_unref(session->clone);
    assert(atomic_load(&session->account.used) == 0);
    mem_free(session);
}

struct sqlite3 *session_sqlite(const struct session *session)
{
    return session->db;
}

struct clone *session_clone(const struct session *session)
{
    return session->clone;
}

struct account *session_account(struct session *session)
{
    return &session->account;
}

const struct session_options *session_options(const struct session *session)
{
    return &session->options;
}

void session_set_lock_timeout(struct session *session, int64_t timeout_us)
{
    session->options.lock_timeout_us = timeout_us;
}

void session_set_user(struct session *session, void *user)
{
    session->user = user;
}

void *session_user(const struct session *session)
{
    return session->user;
}

unsigned session_registered(const struct session *session)
{
    return session->registered;
}

void session_set_registered(struct session *session, unsigned registered)
{
    session->registered = registered;
}

void session_spool_init(struct session *session, struct spool *spool)
{
    size_t memory = session->options.work_mem;

    spool_init(spool, memory == 0 ? work_mem_bytes : memory, &session->temp);
}
