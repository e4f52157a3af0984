/* pool/session.c: a session's life, its accounts, and what went wrong in PostgreSQL's words.
 * session_connect.c opens its connection, session_prepare.c prepares, session_stop.c stops. */
#include "pool/session_state.h"

#include "base/clock.h"
#include "pool/clone.h"
#include "pool/spool.h"
#include "pool/sqlite_error.h"
#include "pool/vfs.h"

#include <assert.h>
#include <stdio.h>

enum { work_mem_bytes = 4 << 20 };

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
    struct sqlite3 *db = stmt == NULL ? session->db : sqlite3_db_handle(stmt);
    struct sqlite_error error = {
        .db = db,
        .code = code,
        .message = message,
        .offset = sqlite3_error_offset(db),
        .sql = sql,
    };

    snprintf(message, sizeof(message), "%s", sqlite3_errmsg(db));
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
    session->temp.run = session_run_blocking;
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
    int rc = session_connect(session);
    session_leave(session);
    if (rc == SQLITE_OK) {
        session->schema_version = session_schema_version(session);
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
    session->unstoppable++;
    cursor_close_all(session);
    (void)!txn_rollback(session, NULL); /* a ROLLBACK that found no memory: see session_reset */
    advisory_end_session(session);
    txn_finish(session);
    stmt_cache_finish(&session->cache);
    session->unstoppable--;
    assert(session->siblings == 0);
    clone_release_writer(session->clone, session);
}

static void forget_lease(struct session *session)
{
    stmt_cache_init(&session->cache);
    session->user = NULL;
    session->equip = NULL;
    session->stop = STOP_NONE;
    session->deadline_us = DEADLINE_NONE;
    session->guard = (struct guard){ 0 };
    session_limit_steps(session, 0);
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

int32_t session_pid(const struct session *session)
{
    return session->options.who == NULL ? 0 : session->options.who(session->options.owner).pid;
}

/* Who has changed the schema and taken it back leaves SQLite with the one that he saw, until a
 * statement reads: the next lease's plans would be made for that. */
static bool forget_schema(struct session *session)
{
    uint32_t version = session_schema_version(session);

    if (version == session->schema_version) {
        return true;
    }
    session->schema_version = version;
    return session_read_schema(session, &version, NULL) == 0;
}

bool session_reset(struct session *session)
{
    session_enter(session);
    end_lease(session);
    forget_lease(session);
    session_leave(session);
    if (session->has_temporary || !sqlite3_get_autocommit(session->db) ||
        !clone_schema_is_templates(session->clone) || clone_reset(session->clone) != 0 ||
        !forget_schema(session)) {
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

void session_set_work_mem(struct session *session, size_t bytes)
{
    session->options.work_mem = bytes;
}

bool session_sees_newest(const struct session *session, uint64_t *ret_version)
{
    return vfs_sees_newest(session->db, ret_version);
}

void session_allow_functions(struct session *session, bool (*allows)(const char *function))
{
    session->guard.allows = allows;
}

void session_set_user(struct session *session, void *user,
                      int (*equip)(void *user, unsigned registered))
{
    session->user = user;
    session->equip = equip;
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
