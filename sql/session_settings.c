/* sql/session_settings.c: the settings of a session: what follows when one changes, and those whose
 * value is the transaction's or the connection's. */
#include "sql/session_state.h"

#include "pool/txn.h"
#include "sql/settings.h"

#include <strings.h>

static const char *const isolation_names[] = {
    [TXN_READ_COMMITTED] = "read committed",
    [TXN_REPEATABLE_READ] = "repeatable read",
    [TXN_SERIALIZABLE] = "serializable",
};

static enum txn_isolation isolation_of(const char *value)
{
    return value[0] == 's'   ? TXN_SERIALIZABLE
           : value[2] == 'p' ? TXN_REPEATABLE_READ
                             : TXN_READ_COMMITTED;
}

static struct txn_modes default_modes(const struct sql_session *sql)
{
    return (struct txn_modes){
        .isolation = isolation_of(sql_setting(sql, "default_transaction_isolation")),
        .read_only = settings_bool(sql->settings, "default_transaction_read_only"),
    };
}

static void changed(void *arg, const struct setting_row *row, const char *value)
{
    struct sql_session *sql = arg;

    if ((row->flags & SETTING_REPORTED) != 0 && sql->ops->parameter_status != NULL) {
        sql->ops->parameter_status(sql->host, row->name, value);
    }
    if (sql->session == NULL) {
        return;
    }
    if (strcmp(row->name, "lock_timeout") == 0) {
        session_set_lock_timeout(sql->session, settings_us(sql->settings, row->name));
    } else if (strncmp(row->name, "default_transaction_", strlen("default_transaction_")) == 0) {
        txn_set_default_modes(sql->session, default_modes(sql));
    }
    if (strcmp(row->name, "work_mem") == 0 && sql->session != NULL) {
        session_set_work_mem(sql->session, (size_t)settings_bytes(sql->settings, row->name));
    }
}

static bool in_transaction(const struct sql_session *sql)
{
    return sql->session != NULL && txn_is_explicit(sql->session);
}

static const char *get_live(void *arg, const char *name)
{
    const struct sql_session *sql = arg;

    if (strcmp(name, "session_authorization") == 0) {
        return sql->ops->user(sql->host);
    }
    if (strcmp(name, "transaction_isolation") == 0) {
        return in_transaction(sql)
                   ? isolation_names[txn_modes(sql->session).isolation]
                   : settings_get(sql->settings, view_of_str("default_transaction_isolation"));
    }
    if (strcmp(name, "transaction_read_only") == 0) {
        bool on = in_transaction(sql)
                      ? txn_modes(sql->session).read_only
                      : settings_bool(sql->settings, "default_transaction_read_only");
        return on ? "on" : "off";
    }
    return NULL;
}

static int set_live(void *arg, const char *name, const char *value, struct failure *f)
{
    struct sql_session *sql = arg;
    bool is_role = strcmp(name, "role") == 0;

    if (is_role || strcmp(name, "session_authorization") == 0) {
        bool known = value == NULL || (is_role && strcasecmp(value, "none") == 0) ||
                     strcmp(value, sql->ops->user(sql->host)) == 0;
        return known ? 0 : failure_set(f, "22023", "role \"%s\" does not exist", value);
    }
    if (!in_transaction(sql)) {
        return 0; /* the transaction that it concerns is over with this statement */
    }
    struct txn_modes modes = txn_modes(sql->session);
    if (strcmp(name, "transaction_isolation") == 0) {
        modes.isolation = isolation_of(value != NULL ? value : get_live(sql, name));
    } else if (strcmp(name, "transaction_read_only") == 0) {
        modes.read_only = value != NULL && strcmp(value, "on") == 0;
    }
    return txn_set_modes(sql->session, modes, f);
}

int settings_create(struct sql_session *sql, struct failure *f)
{
    struct settings_host host = {
        .arg = sql, .style = &sql->style, .changed = changed, .get = get_live, .set = set_live
    };

    return settings_create_for(&host, &sql->settings) == 0 ? 0 : failure_set_nomem(f);
}

void settings_transaction_ended(struct sql_session *sql, bool committed)
{
    settings_end(sql->settings, committed);
}

int sql_set_startup(struct sql_session *sql, const char *name, const char *value, struct failure *f)
{
    return settings_set(sql->settings, view_of_str(name), value, SCOPE_STARTUP, f);
}

const char *sql_setting(const struct sql_session *sql, const char *name)
{
    return settings_get(sql->settings, view_of_str(name));
}

bool sql_setting_is_on(const struct sql_session *sql, const char *name)
{
    const char *value = sql_setting(sql, name);

    return value != NULL && strcmp(value, "on") == 0;
}

int64_t sql_setting_us(const struct sql_session *sql, const char *name)
{
    return settings_us(sql->settings, name);
}

void sql_each_reported(const struct sql_session *sql,
                       void (*fn)(void *arg, const char *name, const char *value), void *arg)
{
    settings_each_reported(sql->settings, fn, arg);
}
