/* sql/sql.c: a session's life: what its connection knows of pond, its transactions' ends. From a
 * text to a plan: prepare.c. */
#include "sql/sequence.h"
#include "sql/session_state.h"

#include "base/alloc.h"
#include "pool/names.h"
#include "pool/session.h"
#include "pool/txn.h"
#include "sql/cast.h"
#include "sql/functions.h"
#include "sql/listening.h"
#include "sql/plan_cache.h"
#include "sql/portal.h"
#include "sql/rows_function.h"
#include "sql/series_table.h"

#include <sqlite3.h>

/* ---- life ---- */

static void unref_plan(void *plan)
{
    sql_plan_unref(plan);
}

static void sql_closep(struct sql_session **sql)
{
    sql_close(*sql);
}

static bool is_registered(const struct sql_session *sql, unsigned what)
{
    return (session_registered(sql->session) & what) != 0;
}

static void set_registered(struct sql_session *sql, unsigned what)
{
    session_set_registered(sql->session, session_registered(sql->session) | what);
}

/* What the schema itself may name. */
static int names_ready(struct sql_session *sql)
{
    if (is_registered(sql, REGISTERED_NAMES)) {
        return 0;
    }
    int r = casts_open(sql);
    if (r == 0) {
        r = series_table_register(sql);
    }
    if (r == 0) {
        r = image_table_register(sql);
    }
    if (r == 0) {
        r = schema_table_register(sql);
    }
    if (r == 0) {
        set_registered(sql, REGISTERED_NAMES);
    }
    return r;
}

/* A fresh connection gets what the one before it had. */
static int equip(void *user, unsigned registered)
{
    struct sql_session *sql = user;
    int r = names_ready(sql);

    if (r == 0 && (registered & REGISTERED_CASTS) != 0) {
        r = sql_casts_ready(sql, NULL);
    }
    if (r == 0 && (registered & REGISTERED_FUNCTIONS) != 0) {
        r = sql_functions_ready(sql, NULL);
    }
    return r;
}

int sql_open(struct session *session, const struct host_ops *ops, void *host,
             struct sql_session **ret_sql, struct failure *ret_failure)
{
    struct sql_session *sql cleanup(sql_closep) = mem_zalloc(sizeof(*sql));

    if (sql == NULL) {
        return failure_set_nomem(ret_failure);
    }
    sql->session = session;
    session_set_user(session, sql, equip);
    sql->schema_version = session_schema_version(session);
    sql->ops = ops;
    sql->host = host;
    if (names_create(unref_plan, &sql->statements) != 0 ||
        names_create(portal_destroy, &sql->portals) != 0 || names_ready(sql) != 0) {
        return failure_set_nomem(ret_failure);
    }
    if (settings_create(sql, ret_failure) != 0) {
        return FAILED;
    }
    *ret_sql = take_ptr(sql);
    return 0;
}

void sql_close(struct sql_session *sql)
{
    if (sql == NULL) {
        return;
    }
    sql->running = NULL;
    listening_end(sql);
    portals_sweep(sql);
    names_destroy(sql->portals);
    names_destroy(sql->statements);
    plan_cache_destroy(sql->cache);
    settings_destroy(sql->settings);
    sequences_discard(sql);
    mem_free(sql);
}

const struct value_style *sql_value_style(const struct sql_session *sql)
{
    return &sql->style;
}

int64_t sql_now_us(struct sql_session *sql)
{
    if (sql->txn_start_us == 0) {
        sql->txn_start_us = sql->ops->wall_us(sql->host);
    }
    return sql->txn_start_us;
}

/* ---- pond's functions, at their first use ---- */

struct sql_session *sql_of_function(struct sqlite3_context *context)
{
    return session_user(sqlite3_user_data(context));
}

int sql_casts_ready(struct sql_session *sql, struct failure *ret_failure)
{
    if (!is_registered(sql, REGISTERED_CASTS) && casts_register(sql, ret_failure) != 0) {
        return FAILED;
    }
    set_registered(sql, REGISTERED_CASTS);
    return 0;
}

int sql_functions_ready(struct sql_session *sql, struct failure *ret_failure)
{
    if (is_registered(sql, REGISTERED_FUNCTIONS)) {
        return 0;
    }
    if (sql_casts_ready(sql, ret_failure) != 0 || functions_register(sql, ret_failure) != 0) {
        return FAILED;
    }
    set_registered(sql, REGISTERED_FUNCTIONS);
    return 0;
}

int sql_plan_ready(struct sql_session *sql, const struct plan *plan, struct failure *ret_failure)
{
    if ((plan->flags & PLAN_FUNCTIONS) != 0) {
        return sql_functions_ready(sql, ret_failure);
    }
    return (plan->flags & PLAN_CASTS) != 0 ? sql_casts_ready(sql, ret_failure) : 0;
}

bool sql_functions_missing(struct sql_session *sql, const char *message)
{
    if (is_registered(sql, REGISTERED_FUNCTIONS) || message == NULL ||
        strstr(message, "function") == NULL) {
        return false;
    }
    return sql_functions_ready(sql, NULL) == 0;
}

/* ---- changes ---- */

void sql_schema_changed(struct sql_session *sql)
{
    sql->schema_changes++;
    if (sql->cache != NULL) {
        plan_cache_clear(sql->cache);
    }
}

void sql_transaction_over(struct sql_session *sql, bool committed)
{
    settings_transaction_ended(sql, committed);
    listening_transaction_ended(sql, committed);
    if (!committed && sql->schema_changes != sql->txn_schema_changes) {
        sql_schema_changed(sql);
    }
    sql->txn_schema_changes = sql->schema_changes;
    sql->txn_failed = false;
    sql->txn_number++;
    sql->txn_start_us = 0;
}

int sql_implicit_end(struct sql_session *sql, struct failure *ret_failure)
{
    int r = txn_implicit_end(sql->session, ret_failure);

    sql->txn_failed = sql->txn_failed || r != 0;
    return r;
}

void sql_transaction_ended(struct sql_session *sql)
{
    portals_sweep(sql);
    if (txn_is_explicit(sql->session)) {
        return;
    }
    sql_transaction_over(sql, !sql->txn_failed);
    portals_end(sql);
}
