/* sql/function_lock.c: advisory locks (pool/advisory.h), pg_locks, and pg_sleep().
 *
 * They wait inside of sqlite3_step(): the statement keeps the root that it reads, and the next one
 * sees what was committed meanwhile. */
#include "sql/function_support.h"

#include "async/await.h"
#include "pool/advisory.h"
#include "pool/session.h"
#include "sql/listing.h"
#include "sql/verb_support.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

/* ---- advisory locks ---- */

static bool read_half(sqlite3_context *c, sqlite3_value *v, int32_t *ret_half)
{
    int64_t n = sqlite3_value_int64(v);

    if (n < INT32_MIN || n > INT32_MAX) {
        fn_fail(c, "22003", "integer out of range");
        return false;
    }
    *ret_half = (int32_t)n;
    return true;
}

/* False: there is none, or it is no key and the function has failed. */
static bool read_key(sqlite3_context *c, int n, sqlite3_value **v, struct advisory_key *ret_key)
{
    int32_t upper, lower;

    if (fn_any_null(n, v)) {
        return false;
    }
    if (n == 1) {
        *ret_key = (struct advisory_key){ .number = sqlite3_value_int64(v[0]) };
        return true;
    }
    if (!read_half(c, v[0], &upper) || !read_half(c, v[1], &lower)) {
        return false;
    }
    uint64_t both = (uint64_t)(uint32_t)upper << 32 | (uint32_t)lower;
    *ret_key = (struct advisory_key){ .number = (int64_t)both, .pair = true };
    return true;
}

static void lock(sqlite3_context *c, int n, sqlite3_value **v, enum advisory_mode mode,
                 enum advisory_scope scope)
{
    struct advisory_request request = { .mode = mode, .scope = scope };
    struct failure failure = { 0 };

    if (!read_key(c, n, v, &request.key)) {
        return;
    }
    if (advisory_lock(fn_sql(c)->session, request, &failure) == 0) {
        fn_result_text(c, "", 0); /* void */
    } else {
        function_fail(c, &failure);
    }
}

static void try_lock(sqlite3_context *c, int n, sqlite3_value **v, enum advisory_mode mode,
                     enum advisory_scope scope)
{
    struct advisory_request request = { .mode = mode, .scope = scope };
    struct failure failure = { 0 };
    bool got;

    if (!read_key(c, n, v, &request.key)) {
        return;
    }
    if (advisory_try(fn_sql(c)->session, request, &got, &failure) == 0) {
        sqlite3_result_int(c, got);
    } else {
        function_fail(c, &failure);
    }
}

static const char *mode_name(enum advisory_mode mode)
{
    return mode == ADVISORY_SHARED ? "ShareLock" : "ExclusiveLock";
}

static void unlock(sqlite3_context *c, int n, sqlite3_value **v, enum advisory_mode mode)
{
    struct sql_session *sql = fn_sql(c);
    struct advisory_key key;

    if (!read_key(c, n, v, &key)) {
        return;
    }
    bool had = advisory_unlock(sql->session, key, mode);
    if (!had) {
        verb_notice(sql, SEVERITY_WARNING, "01000", "you don't own a lock of type %s",
                    mode_name(mode));
    }
    sqlite3_result_int(c, had);
}

FN(lock_exclusive)
{
    lock(c, n, v, ADVISORY_EXCLUSIVE, ADVISORY_SESSION);
}

FN(lock_shared)
{
    lock(c, n, v, ADVISORY_SHARED, ADVISORY_SESSION);
}

FN(xact_lock_exclusive)
{
    lock(c, n, v, ADVISORY_EXCLUSIVE, ADVISORY_TRANSACTION);
}

FN(xact_lock_shared)
{
    lock(c, n, v, ADVISORY_SHARED, ADVISORY_TRANSACTION);
}

FN(try_exclusive)
{
    try_lock(c, n, v, ADVISORY_EXCLUSIVE, ADVISORY_SESSION);
}

FN(try_shared)
{
    try_lock(c, n, v, ADVISORY_SHARED, ADVISORY_SESSION);
}

FN(try_xact_exclusive)
{
    try_lock(c, n, v, ADVISORY_EXCLUSIVE, ADVISORY_TRANSACTION);
}

FN(try_xact_shared)
{
    try_lock(c, n, v, ADVISORY_SHARED, ADVISORY_TRANSACTION);
}

FN(unlock_exclusive)
{
    unlock(c, n, v, ADVISORY_EXCLUSIVE);
}

FN(unlock_shared)
{
    unlock(c, n, v, ADVISORY_SHARED);
}

FN(unlock_all)
{
    (void)n;
    (void)v;
    advisory_unlock_all(fn_sql(c)->session);
    fn_result_text(c, "", 0);
}

/* ---- pg_locks: those of the connection's own database ---- */

struct locks {
    struct listing listing;
    const char *database;
    uint32_t oid;
    int64_t wall_us; /* now */
    int64_t loop_us; /* the same by the loop's clock */
};

static void find_oid(void *arg, const struct database_row *row)
{
    struct locks *locks = arg;

    if (strcmp(row->name, locks->database) == 0) {
        locks->oid = row->oid;
    }
}

static void list_database(struct locks *locks)
{
    if (locks->oid == 0) {
        listing_null(&locks->listing);
    } else {
        listing_int(&locks->listing, locks->oid);
    }
}

static void list_nulls(struct locks *locks, int count)
{
    for (int i = 0; i < count; i++) {
        listing_null(&locks->listing);
    }
}

/* virtualtransaction to waitstart. */
static void list_holder(struct locks *locks, const struct session *session, const char *mode,
                        bool granted, int64_t since_us)
{
    struct listing *l = &locks->listing;
    int32_t pid = session_pid(session);
    char transaction[24];

    snprintf(transaction, sizeof(transaction), "%d/0", pid);
    listing_str(l, transaction);
    listing_int(l, pid);
    listing_str(l, mode);
    listing_bool(l, granted);
    listing_bool(l, false); /* fastpath */
    listing_time(l, granted ? 0 : locks->wall_us - (locks->loop_us - since_us));
}

static void list_advisory(void *arg, const struct advisory_row *row)
{
    struct locks *locks = arg;
    uint64_t number = (uint64_t)row->key.number;

    listing_row(&locks->listing);
    listing_str(&locks->listing, "advisory");
    list_database(locks);
    list_nulls(locks, 5); /* relation, page, tuple, virtualxid, transactionid */
    listing_int(&locks->listing, (uint32_t)(number >> 32));
    listing_int(&locks->listing, (uint32_t)number);
    listing_int(&locks->listing, row->key.pair ? 2 : 1);
    list_holder(locks, row->session, mode_name(row->mode), row->granted, row->since_us);
}

/* The writer's place, in the terms of what PostgreSQL's writers wait for: each other's end. */
static void list_writer(void *arg, const struct session *session, bool granted, int64_t since_us)
{
    struct locks *locks = arg;

    listing_row(&locks->listing);
    listing_str(&locks->listing, "transactionid");
    list_nulls(locks, 9); /* database to objsubid */
    list_holder(locks, session, granted ? "ExclusiveLock" : "ShareLock", granted, since_us);
}

FN(list_locks)
{
    struct sql_session *sql = fn_sql(c);
    struct locks locks = { .database = sql->ops->database(sql->host),
                           .wall_us = sql->ops->wall_us(sql->host),
                           .loop_us = session_now_us() };
    struct failure failure = { 0 };
    int r = 0;

    (void)n;
    (void)v;
    listing_begin(&locks.listing);
    if (sql->ops->each_database != NULL) {
        r = sql->ops->each_database(sql->host, find_oid, &locks, &failure);
    }
    session_each_writer(sql->session, list_writer, &locks);
    advisory_each(session_clone(sql->session), list_advisory, &locks);
    listing_end(&locks.listing, c);
    if (r != 0) {
        function_fail(c, &failure);
    }
}

/* ---- pg_sleep() ---- */

static int sleep_until(void *arg, int64_t statement_us)
{
    int64_t end_us = *(const int64_t *)arg;

    if (end_us <= statement_us) {
        return await_until(end_us);
    }
    int r = await_until(statement_us);
    return r == 0 ? -ETIMEDOUT : r;
}

FN(sleep)
{
    struct session *session = fn_sql(c)->session;
    struct failure failure = { 0 };

    if (fn_any_null(n, v)) {
        return;
    }
    double us = sqlite3_value_double(v[0]) * 1e6;
    int64_t now = session_now_us();
    int64_t end_us =
        us < (double)(DEADLINE_NONE - now) ? now + (int64_t)fmax(us, 0) : DEADLINE_NONE;

    if (session_await(session, sleep_until, &end_us, &failure) == 0) {
        fn_result_text(c, "", 0);
    } else {
        function_fail(c, &failure);
    }
}

/* clang-format off */
#define ONE(name, oid, call) { name, 1, 1, { OID_INT8 }, RESULT_FIXED, oid, FUNCTION_VOLATILE, NULL, call, NULL, NULL }
#define TWO(name, oid, call) { name, 2, 2, { OID_INT4, OID_INT4 }, RESULT_FIXED, oid, FUNCTION_VOLATILE, NULL, call, NULL, NULL }
#define BOTH(name, oid, call) ONE(name, oid, call), TWO(name, oid, call)
static const struct function rows[] = {
    BOTH("pg_advisory_lock", OID_VOID, lock_exclusive),
    BOTH("pg_advisory_lock_shared", OID_VOID, lock_shared),
    BOTH("pg_advisory_xact_lock", OID_VOID, xact_lock_exclusive),
    BOTH("pg_advisory_xact_lock_shared", OID_VOID, xact_lock_shared),
    BOTH("pg_try_advisory_lock", OID_BOOL, try_exclusive),
    BOTH("pg_try_advisory_lock_shared", OID_BOOL, try_shared),
    BOTH("pg_try_advisory_xact_lock", OID_BOOL, try_xact_exclusive),
    BOTH("pg_try_advisory_xact_lock_shared", OID_BOOL, try_xact_shared),
    BOTH("pg_advisory_unlock", OID_BOOL, unlock_exclusive),
    BOTH("pg_advisory_unlock_shared", OID_BOOL, unlock_shared),
    { "pg_advisory_unlock_all", 0, 0, { 0 }, RESULT_FIXED, OID_VOID, FUNCTION_VOLATILE, NULL, unlock_all, NULL, NULL },
    { "pg_sleep", 1, 1, { OID_FLOAT8 }, RESULT_FIXED, OID_VOID, FUNCTION_VOLATILE, NULL, sleep, NULL, NULL },
    { "pond_locks", 0, 0, { 0 }, RESULT_FIXED, OID_TEXT, FUNCTION_VOLATILE | FUNCTION_INTERNAL, NULL, list_locks, NULL, NULL },
};
/* clang-format on */

FUNCTION_TABLE(function_lock_table, rows);
