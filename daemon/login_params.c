/* daemon/login_params.c: what a start-up packet and the database's section say about settings. */
#include "daemon/login.h"

#include "conf/conf_user.h"
#include "daemon/connection_impl.h"
#include "pool/database.h"
#include "protocol/startup.h"
#include "protocol/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

static const int64_t named_lock_timeout_us = 5000000;

/* Parameters that the start-up itself understands. */
static const char *const own_params[] = { "user", "database", "options", "replication" };

/* Parameters that clients send and that need no setting of that name behind them. */
static const char *const harmless_params[] = {
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "application_name",
    "client_encoding",
    "extra_float_digits",
    "fallback_application_name",
    "geqo",
    "idle_in_transaction_session_timeout",
    "lock_timeout",
    "search_path",
    "statement_timeout",
};

static bool is_one_of(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static int set_one(struct connection *conn, const char *name, const char *value,
                   struct failure *ret_failure)
{
    int r = utf8_check(view_of_str(value), ret_failure);

    if (r == 0) {
        r = sql_set_startup(conn->sql, name, value, ret_failure);
    }
    if (r == FAILED && strcmp(ret_failure->sqlstate, "42704") == 0 &&
        is_one_of(harmless_params, ARRAY_LEN(harmless_params), name)) {
        return 0;
    }
    return r;
}

/* Where others share the clone, nobody waits for them for ever unless he says so. */
static int64_t lock_timeout_us(const struct connection *conn,
                               const struct database_options *options)
{
    return options->lock_timeout_us == 0 && conn->lease.named != NULL ? named_lock_timeout_us
                                                                      : options->lock_timeout_us;
}

enum { work_mem_preset = 4 << 20 };

static int set_work_mem(struct connection *conn, size_t bytes, struct failure *ret_failure)
{
    char value[32];

    if (bytes == 0 || bytes == work_mem_preset) {
        return 0; /* as it is: a setting that differs costs memory */
    }
    snprintf(value, sizeof(value), "%zukB", bytes / 1024);
    return set_one(conn, "work_mem", value, ret_failure);
}

/* What the sections of database and user say is what the session starts with and RESET goes back
 * to. */
static int set_database_defaults(struct connection *conn, struct failure *ret_failure)
{
    const struct database_options *options = database_options(conn->lease.database);
    const struct conf_user *user = conf_user_find(conn->worker->conf, conn->user);
    int64_t most_us = user == NULL ? 0 : user->statement_timeout_us;
    const struct {
        const char *name;
        int64_t us;
    } defaults[] = {
        { "statement_timeout", most_us > 0 ? most_us : options->statement_timeout_us },
        { "lock_timeout", lock_timeout_us(conn, options) },
        { "idle_in_transaction_session_timeout", options->idle_in_transaction_timeout_us },
    };

    conn->statement_most_us = most_us;
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
        char value[32];
        int r = 0;

        snprintf(value, sizeof(value), "%lldms", (long long)((defaults[i].us + 999) / 1000));
        if (defaults[i].us > 0) {
            r = set_one(conn, defaults[i].name, value, ret_failure);
        }
        if (r != 0) {
            return r;
        }
    }
    return set_work_mem(conn, options->work_mem, ret_failure);
}

/* The parameter `options`: -c name=value and the like. */
static int set_options(struct connection *conn, const struct startup *startup,
                       struct failure *ret_failure)
{
    const char *iter = startup_param_find(startup, "options");
    cleanup(buf_finish) struct buf scratch = { 0 };
    const char *name;
    const char *value;
    int r = 0;

    while (iter != NULL && r == 0) {
        r = startup_option_next(&iter, &scratch, &name, &value, ret_failure);
        if (r == STARTUP_END) {
            return 0;
        }
        if (r == 0) {
            r = set_one(conn, name, value, ret_failure);
        }
    }
    return r == -ENOMEM ? failure_set_nomem(ret_failure) : r;
}

int login_set_params(struct connection *conn, const struct startup *startup,
                     struct failure *ret_failure)
{
    struct view iter = startup->params;
    const char *name;
    const char *value;
    int r = set_database_defaults(conn, ret_failure);

    if (r == 0) {
        r = set_options(conn, startup, ret_failure);
    }
    while (r == 0 && startup_param_next(&iter, &name, &value)) {
        if (!is_one_of(own_params, ARRAY_LEN(own_params), name) && strncmp(name, "_pq_.", 5) != 0) {
            r = set_one(conn, name, value, ret_failure);
        }
    }
    return r;
}

int login_settle_owner(struct connection *conn, struct failure *ret_failure)
{
    conn->owns_clone = conn->made_clone && sql_setting_is_on(conn->sql, "pond.owner");
    return conn->owns_clone || !sql_setting_is_on(conn->sql, "pond.owner")
               ? 0
               : set_one(conn, "pond.owner", "off", ret_failure);
}

int login_refuse_replication(const struct startup *startup, struct failure *ret_failure)
{
    static const char *const off[] = { "false", "off", "no", "0", "f", "n" };
    const char *value = startup_param_find(startup, "replication");

    if (value == NULL || is_one_of(off, ARRAY_LEN(off), value)) {
        return 0;
    }
    return failure_set(ret_failure, "0A000", "replication connections are not supported");
}
