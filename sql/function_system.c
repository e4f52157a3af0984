/* sql/function_system.c: who, where and when: the session, its settings, the clock's readings of a
 * transaction. */
#include "sql/function_support.h"

#include "sql/listening.h"
#include "sql/session_state.h"
#include "sql/settings.h"

enum { postgres_epoch_s = UNIX_TO_2000_S };

/* ---- the clock ---- */

static int64_t since_2000(int64_t unix_us)
{
    return unix_us - (int64_t)postgres_epoch_s * USECS_PER_SEC;
}

FN(now)
{
    (void)n;
    (void)v;
    (void)fn_result_timestamp(c, since_2000(sql_now_us(fn_sql(c))), true);
}

FN(statement_time)
{
    struct sql_session *sql = fn_sql(c);
    int64_t us = sql->statement_start_us != 0 ? sql->statement_start_us : sql_now_us(sql);

    (void)n;
    (void)v;
    (void)fn_result_timestamp(c, since_2000(us), true);
}

FN(clock_time)
{
    struct sql_session *sql = fn_sql(c);

    (void)n;
    (void)v;
    (void)fn_result_timestamp(c, since_2000(sql->ops->wall_us(sql->host)), true);
}

/* now() as the session's zone shows it. */
static int64_t local_now(sqlite3_context *c)
{
    struct sql_session *sql = fn_sql(c);
    int64_t us = since_2000(sql_now_us(sql));

    return us + style_offset_at(&sql->style, us, false) * USECS_PER_SEC;
}

FN(local_timestamp)
{
    (void)n;
    (void)v;
    (void)fn_result_timestamp(c, local_now(c), false);
}

static int64_t day_of(int64_t us)
{
    return us / USECS_PER_DAY - (us % USECS_PER_DAY < 0);
}

FN(today)
{
    (void)n;
    (void)v;
    fn_result_date(c, day_of(local_now(c)));
}

FN(local_time)
{
    char text[datetime_bytes];
    int64_t us = local_now(c);

    (void)n;
    (void)v;
    fn_result_text(c, text, time_write(us - day_of(us) * USECS_PER_DAY, text));
}

FN(current_time)
{
    struct sql_session *sql = fn_sql(c);
    char text[datetime_bytes];
    int64_t us = local_now(c);
    int32_t offset = style_offset_at(&sql->style, since_2000(sql_now_us(sql)), false);

    (void)n;
    (void)v;
    fn_result_text(c, text, timetz_write(us - day_of(us) * USECS_PER_DAY, offset, text));
}

/* ---- the session ---- */

FN(version)
{
    (void)n;
    (void)v;
    fn_result_str(c, "PostgreSQL 15.8 (pond " POND_VERSION
                     ") on x86_64-pc-linux-gnu, compiled by gcc, 64-bit");
}

FN(database)
{
    struct sql_session *sql = fn_sql(c);

    (void)n;
    (void)v;
    fn_result_str(c, sql->ops->database(sql->host));
}

FN(user)
{
    struct sql_session *sql = fn_sql(c);

    (void)n;
    (void)v;
    fn_result_str(c, sql->ops->user(sql->host));
}

FN(schema)
{
    (void)n;
    (void)v;
    fn_result_str(c, "public");
}

FN(backend_pid)
{
    struct sql_session *sql = fn_sql(c);

    (void)n;
    (void)v;
    sqlite3_result_int(c, sql->ops->backend_pid(sql->host));
}

FN(txid)
{
    struct sql_session *sql = fn_sql(c);

    (void)n;
    (void)v;
    sqlite3_result_int64(c, (sqlite3_int64)(sql->txn_number + 1));
}

FN(no)
{
    (void)n;
    (void)v;
    sqlite3_result_int(c, 0);
}

FN(yes)
{
    (void)n;
    (void)v;
    sqlite3_result_int(c, 1);
}

FN(null)
{
    (void)n;
    (void)v;
    sqlite3_result_null(c);
}

/* NULL is as good as an empty text. */
FN(notify)
{
    struct view channel = fn_text(v[0]);
    struct failure failure = { 0 };

    (void)n;
    if (channel.len == 0) {
        fn_fail(c, "22023", "channel name cannot be empty");
    } else if (channel.len > channel_name_most) {
        fn_fail(c, "22023", "channel name too long");
    } else if (listening_notify(fn_sql(c), channel, fn_text(v[1]), &failure) != 0) {
        function_fail(c, &failure);
    } else {
        fn_result_text(c, "", 0);
    }
}

/* ---- settings ---- */

FN(current_setting)
{
    struct sql_session *sql = fn_sql(c);
    struct failure failure = { 0 };
    const char *value = NULL;

    if (fn_any_null(n, v)) {
        return;
    }
    if (settings_show(sql->settings, fn_text(v[0]), NULL, &value, &failure) == 0) {
        fn_result_str(c, value);
    } else if (n < 2 || sqlite3_value_int(v[1]) == 0) {
        function_fail(c, &failure);
    }
}

FN(set_config)
{
    struct sql_session *sql = fn_sql(c);
    struct failure failure = { 0 };
    bool local = sqlite3_value_int(v[2]) != 0;
    const char *value = NULL;

    if (sqlite3_value_type(v[0]) == SQLITE_NULL) {
        fn_fail(c, "22004", "SET requires parameter name");
        return;
    }
    (void)n;
    struct view name = fn_text(v[0]);
    int r = settings_set(sql->settings, name, (const char *)sqlite3_value_text(v[1]),
                         local ? SCOPE_LOCAL : SCOPE_SESSION, &failure);
    if (r == 0) {
        r = settings_show(sql->settings, name, NULL, &value, &failure);
    }
    if (r == 0) {
        fn_result_str(c, value);
    } else {
        function_fail(c, &failure);
    }
}

/* pg_typeof(x): the type's oid comes behind the value. */
FN(type_of)
{
    const struct pgtype *row =
        n < 2 ? NULL : pgtype_by_oid(type_of_code((uint32_t)sqlite3_value_int64(v[1])).oid);

    fn_result_str(c, row == NULL ? "unknown" : row->sql_name);
}

/* clang-format off */
#define T OID_TEXT
#define TZ OID_TIMESTAMPTZ
#define VO FUNCTION_VOLATILE
static const struct function rows[] = {
    { "now", 0, 0, { 0 }, RESULT_FIXED, TZ, VO, NULL, now, NULL, NULL },
    { "transaction_timestamp", 0, 0, { 0 }, RESULT_FIXED, TZ, VO, "now", NULL, NULL, NULL },
    { "current_timestamp", 0, 0, { 0 }, RESULT_FIXED, TZ, VO, "now", NULL, NULL, NULL },
    { "statement_timestamp", 0, 0, { 0 }, RESULT_FIXED, TZ, VO, NULL, statement_time, NULL, NULL },
    { "clock_timestamp", 0, 0, { 0 }, RESULT_FIXED, TZ, VO, NULL, clock_time, NULL, NULL },
    { "localtimestamp", 0, 0, { 0 }, RESULT_FIXED, OID_TIMESTAMP, VO, NULL, local_timestamp, NULL, NULL },
    { "current_date", 0, 0, { 0 }, RESULT_FIXED, OID_DATE, VO, "pond_current_date", today, NULL, NULL },
    { "localtime", 0, 0, { 0 }, RESULT_FIXED, OID_TIME, VO, NULL, local_time, NULL, NULL },
    { "current_time", 0, 0, { 0 }, RESULT_FIXED, OID_TIMETZ, VO, "pond_current_time", current_time, NULL, NULL },
    { "version", 0, 0, { 0 }, RESULT_FIXED, T, 0, NULL, version, NULL, NULL },
    { "current_database", 0, 0, { 0 }, RESULT_FIXED, OID_NAME, VO, NULL, database, NULL, NULL },
    { "current_catalog", 0, 0, { 0 }, RESULT_FIXED, OID_NAME, VO, "current_database", NULL, NULL, NULL },
    { "current_schema", 0, 0, { 0 }, RESULT_FIXED, OID_NAME, 0, NULL, schema, NULL, NULL },
    { "current_user", 0, 0, { 0 }, RESULT_FIXED, OID_NAME, VO, NULL, user, NULL, NULL },
    { "current_role", 0, 0, { 0 }, RESULT_FIXED, OID_NAME, VO, "current_user", NULL, NULL, NULL },
    { "session_user", 0, 0, { 0 }, RESULT_FIXED, OID_NAME, VO, "current_user", NULL, NULL, NULL },
    { "user", 0, 0, { 0 }, RESULT_FIXED, OID_NAME, VO, "current_user", NULL, NULL, NULL },
    { "pg_backend_pid", 0, 0, { 0 }, RESULT_FIXED, OID_INT4, VO, NULL, backend_pid, NULL, NULL },
    { "txid_current", 0, 0, { 0 }, RESULT_FIXED, OID_INT8, VO, NULL, txid, NULL, NULL },
    { "txid_current_if_assigned", 0, 0, { 0 }, RESULT_FIXED, OID_INT8, VO, "txid_current", NULL, NULL, NULL },
    { "pg_current_xact_id", 0, 0, { 0 }, RESULT_FIXED, OID_INT8, VO, "txid_current", NULL, NULL, NULL },
    { "pg_is_in_recovery", 0, 0, { 0 }, RESULT_FIXED, OID_BOOL, 0, "pond_no", no, NULL, NULL },
    { "pg_notify", 2, 2, { T, T }, RESULT_FIXED, OID_VOID, VO, NULL, notify, NULL, NULL },
    { "obj_description", 1, 2, { 0 }, RESULT_FIXED, T, 0, "pond_null", null, NULL, NULL },
    { "col_description", 2, 2, { 0 }, RESULT_FIXED, T, 0, "pond_null2", null, NULL, NULL },
    { "shobj_description", 2, 2, { 0 }, RESULT_FIXED, T, 0, "pond_null2", NULL, NULL, NULL },
    { "has_database_privilege", 2, 3, { 0 }, RESULT_FIXED, OID_BOOL, 0, "pond_yes", yes, NULL, NULL },
    { "has_schema_privilege", 2, 3, { 0 }, RESULT_FIXED, OID_BOOL, 0, "pond_yes", NULL, NULL, NULL },
    { "has_table_privilege", 2, 3, { 0 }, RESULT_FIXED, OID_BOOL, 0, "pond_yes", NULL, NULL, NULL },
    { "current_setting", 1, 2, { T, OID_BOOL }, RESULT_FIXED, T, VO, NULL, current_setting, NULL, NULL },
    { "set_config", 3, 3, { T, T, OID_BOOL }, RESULT_FIXED, T, VO, NULL, set_config, NULL, NULL },
    { "pg_typeof", 1, 1, { 0 }, RESULT_FIXED, T, FUNCTION_PASS_TYPES, NULL, type_of, NULL, NULL },
};
/* clang-format on */

FUNCTION_TABLE(function_system_table, rows);
