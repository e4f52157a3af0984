/* sql/function_backend.c: connections: the list of them for pg_stat_activity (rewrite_system.c),
 * and the functions that end them or what they do. VOLATILE: see function_database.c. */
#include "sql/function_support.h"

#include "sql/listing.h"
#include "sql/role.h"
#include "sql/verb_support.h"

/* ---- pg_stat_activity ---- */

static void list_backend(void *arg, const struct backend_row *row)
{
    static const char *const states[BACKEND_STATES] = {
        [BACKEND_IDLE] = "idle",
        [BACKEND_ACTIVE] = "active",
        [BACKEND_IN_TRANSACTION] = "idle in transaction",
        [BACKEND_IN_FAILED] = "idle in transaction (aborted)",
    };
    struct listing *l = arg;

    listing_row(l);
    if (row->database == NULL) {
        listing_null(l);
    } else {
        listing_int(l, row->database_oid);
    }
    listing_str(l, row->database);
    listing_int(l, row->pid);
    listing_null(l); /* leader_pid */
    listing_int(l, role_oid(row->user));
    listing_str(l, row->user);
    listing_str(l, row->application_name);
    listing_str(l, row->client_address);
    listing_null(l); /* client_hostname */
    listing_int(l, row->client_port);
    listing_time(l, row->backend_start_us);
    listing_time(l, row->transaction_start_us);
    listing_time(l, row->query_start_us);
    listing_time(l, row->state_change_us);
    listing_str(l, row->wait_event_type);
    listing_str(l, row->wait_event);
    listing_str(l, states[row->state]);
    listing_null(l); /* backend_xid, backend_xmin, query_id */
    listing_null(l);
    listing_null(l);
    listing_text(l, row->query);
    listing_str(l, "client backend");
}

FN(list_backends)
{
    struct sql_session *sql = fn_sql(c);
    struct failure failure = { 0 };
    struct listing listing;

    (void)n;
    (void)v;
    if (sql->ops->each_backend == NULL) {
        fn_fail(c, "0A000", "a list of connections is not available here");
        return;
    }
    listing_begin(&listing);
    int r = sql->ops->each_backend(sql->host, list_backend, &listing, &failure);
    listing_end(&listing, c);
    if (r != 0) {
        function_fail(c, &failure);
    }
}

/* ---- signals ---- */

static void send_signal(sqlite3_context *c, int32_t pid, enum backend_signal signal)
{
    struct sql_session *sql = fn_sql(c);
    struct failure failure = { 0 };
    bool found = false;

    if (sql->ops->backend_signal == NULL) {
        fn_fail(c, "0A000", "signalling connections is not available here");
        return;
    }
    if (sql->ops->backend_signal(sql->host, pid, signal, &found, &failure) != 0) {
        function_fail(c, &failure);
        return;
    }
    if (!found) {
        verb_notice(sql, SEVERITY_WARNING, "01000", "PID %d is not a PostgreSQL backend process",
                    pid);
    }
    sqlite3_result_int(c, found);
}

FN(cancel_backend)
{
    if (!fn_any_null(n, v)) {
        send_signal(c, sqlite3_value_int(v[0]), BACKEND_CANCEL);
    }
}

FN(terminate_backend)
{
    if (fn_any_null(n, v)) {
        return;
    }
    int64_t timeout_ms = n > 1 ? sqlite3_value_int64(v[1]) : 0;
    if (timeout_ms < 0) {
        fn_fail(c, "22003", "\"timeout\" must not be negative");
    } else if (timeout_ms > 0) {
        fn_fail(c, "0A000", "pg_terminate_backend() with a timeout is not supported by pond yet");
    } else {
        send_signal(c, sqlite3_value_int(v[0]), BACKEND_TERMINATE);
    }
}

/* clang-format off */
#define VO FUNCTION_VOLATILE
#define LIST (FUNCTION_VOLATILE | FUNCTION_INTERNAL)
static const struct function rows[] = {
    { "pond_backends", 0, 0, { 0 }, RESULT_FIXED, OID_TEXT, LIST, NULL, list_backends, NULL, NULL },
    { "pg_cancel_backend", 1, 1, { OID_INT4 }, RESULT_FIXED, OID_BOOL, VO, NULL, cancel_backend, NULL, NULL },
    { "pg_terminate_backend", 1, 2, { OID_INT4, OID_INT8 }, RESULT_FIXED, OID_BOOL, VO, NULL, terminate_backend, NULL, NULL },
};
/* clang-format on */

FUNCTION_TABLE(function_backend_table, rows);
