/* daemon/startup.c: from the first byte to the first ReadyForQuery.
 * https://www.postgresql.org/docs/15/protocol-flow.html#id-1.10.6.7.3
 *
 * SSLRequest and GSSENCRequest are declined, CancelRequest is done without a word, and who starts
 * up is taken at his word (trust). */
#include "daemon/connection_impl.h"

#include "async/await.h"
#include "async/loop.h"
#include "daemon/databases.h"
#include "daemon/log.h"
#include "pool/registry.h"
#include "pool/template.h"
#include "protocol/backend.h"
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

/* What the section says is what the session starts with and RESET goes back to. */
static int set_database_defaults(struct connection *conn, struct failure *ret_failure)
{
    const struct database_options *options = database_options(conn->lease.database);
    const struct {
        const char *name;
        int64_t us;
    } defaults[] = {
        { "statement_timeout", options->statement_timeout_us },
        { "lock_timeout", lock_timeout_us(conn, options) },
        { "idle_in_transaction_session_timeout", options->idle_in_transaction_timeout_us },
    };

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

static int set_params(struct connection *conn, const struct startup *startup,
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

static void free_names(void *arg)
{
    struct connection *conn = arg;

    mem_free(take_ptr(conn->user));
    mem_free(take_ptr(conn->database));
}

static const char *database_of(const struct startup *startup)
{
    const char *user = startup_param_find(startup, "user");
    const char *database = startup_param_find(startup, "database");

    return database == NULL || database[0] == '\0' ? user : database;
}

/* What CREATE DATABASE makes of a long name. With a `~` it stays, and is refused for its length:
 * two clients whose names differ in what would be cut must not share a database. */
static struct view known_name(const char *name)
{
    struct view whole = view_of_str(name);

    return strchr(name, '~') == NULL ? utf8_cut(whole, database_name_bytes - 1) : whole;
}

/* Once: a connection that has moved here brings them along. */
static int take_names(struct connection *conn, const struct startup *startup,
                      struct failure *ret_failure)
{
    const char *user = startup_param_find(startup, "user");
    const char *database = database_of(startup);

    if (conn->database != NULL) {
        return 0;
    }
    if (user == NULL || user[0] == '\0') {
        return failure_set(ret_failure, "28000",
                           "no PostgreSQL user name specified in startup packet");
    }
    int r = utf8_check(view_of_str(user), ret_failure);
    if (r == 0) {
        r = utf8_check(view_of_str(database), ret_failure);
    }
    if (r != 0) {
        return r;
    }
    struct view user_known = utf8_cut(view_of_str(user), database_name_bytes - 1);
    struct view database_known = known_name(database);
    conn->user = mem_strndup(user_known.data, user_known.len);
    conn->database = mem_strndup(database_known.data, database_known.len);
    if (scope_defer(&conn->scope, free_names, conn) != 0 || conn->user == NULL ||
        conn->database == NULL) {
        return failure_set_nomem(ret_failure);
    }
    return 0;
}

static int refuse_replication(const struct startup *startup, struct failure *ret_failure)
{
    static const char *const off[] = { "false", "off", "no", "0", "f", "n" };
    const char *value = startup_param_find(startup, "replication");

    if (value == NULL || is_one_of(off, ARRAY_LEN(off), value)) {
        return 0;
    }
    return failure_set(ret_failure, "0A000", "replication connections are not supported");
}

static void close_sql(void *arg)
{
    struct connection *conn = arg;

    sql_close(take_ptr(conn->sql));
}

static void release_lease(void *arg)
{
    struct connection *conn = arg;

    lease_release(&conn->lease);
}

/* After the lease was released, or never acquired. */
static void leave_named(void *arg)
{
    struct connection *conn = arg;
    struct named *named = take_ptr(conn->named);

    databases_left(conn, named);
    named_unref(named);
}

static int fail_closed(const char *name, struct failure *ret_failure)
{
    return failure_set(ret_failure, "55000",
                       "database \"%s\" is not currently accepting connections", name);
}

/* 55000 and 53300: what ALTER DATABASE may have said. */
static int check_named(const struct connection *conn, const struct named *named,
                       struct failure *ret_failure)
{
    struct named_attributes attributes = registry_attributes(conn->server->registry, named);

    if (!attributes.allows_connections) {
        return fail_closed(named_name(named), ret_failure);
    }
    if (attributes.connection_limit >= 0 &&
        named_leases(named) >= (size_t)attributes.connection_limit) {
        return failure_set(ret_failure, "53300", "too many connections for database \"%s\"",
                           named_name(named));
    }
    return 0;
}

/* Takes the reference. */
static int enter_named(struct connection *conn, struct named *named, struct failure *ret_failure)
{
    conn->named = named;
    return scope_defer(&conn->scope, leave_named, conn) == 0 ? 0 : failure_set_nomem(ret_failure);
}

/* What the name in the start-up packet stands for. */
struct meant {
    struct database *database; /* a private clone of its template, or of `frozen` */
    struct template *frozen;   /* counted; NULL: none */
    struct named *named;       /* the clone that others use too; NULL: none */
    uint32_t oid;
    bool closed; /* `frozen` lets nobody in */
};

static void meant_finish(struct meant *meant)
{
    template_unref(meant->frozen);
}

static bool find_meant(const struct connection *conn, struct meant *ret_meant)
{
    struct registry *registry = conn->server->registry;
    struct view name = view_of_str(conn->database);
    struct database *database = registry_find(registry, name);
    struct named *named = NULL;
    struct frozen frozen;

    if (database != NULL) {
        *ret_meant = (struct meant){ .database = database, .oid = database_options(database)->oid };
    } else if (registry_frozen(registry, name, &frozen)) {
        *ret_meant = (struct meant){ .database = frozen.database,
                                     .frozen = frozen.template_,
                                     .oid = frozen.oid,
                                     .closed = !frozen.allows_connections };
    } else if ((named = registry_named(registry, name)) != NULL) {
        *ret_meant = (struct meant){ .named = named, .oid = named_oid(named) };
    } else {
        return false;
    }
    return true;
}

static int acquire_lease(struct connection *conn, const struct meant *meant,
                         struct failure *ret_failure)
{
    const struct lease_request request = {
        .user = conn->user,
        .options = { .parent = &conn->server->account,
                     .should_stop = connection_should_stop,
                     .who = connection_who,
                     .owner = conn },
    };

    if (meant->named != NULL) {
        return lease_acquire_named(meant->named, &request, &conn->lease, ret_failure);
    }
    return meant->frozen != NULL
               ? lease_acquire_copy(meant->database, meant->frozen, &request, &conn->lease,
                                    ret_failure)
               : lease_acquire(meant->database, &request, &conn->lease, ret_failure);
}

/* May take its time: client_login_timeout is for clients, not for us. */
static int lease_session(struct connection *conn, const struct meant *meant,
                         struct failure *ret_failure)
{
    conn->deadline_us = DEADLINE_NONE;
    conn->in_line = true;
    int r = acquire_lease(conn, meant, ret_failure);
    conn->in_line = false;

    if (r == 0 && scope_defer(&conn->scope, release_lease, conn) != 0) {
        return failure_set_nomem(ret_failure);
    }
    return r;
}

static int lease_database(struct connection *conn, struct failure *ret_failure)
{
    cleanup(meant_finish) struct meant meant = { .database = NULL };
    int r = 0;

    if (!find_meant(conn, &meant)) {
        return failure_set(ret_failure, "3D000", "database \"%s\" does not exist", conn->database);
    }
    conn->database_oid = meant.oid;
    if (meant.closed) {
        return fail_closed(conn->database, ret_failure);
    }
    if (meant.named != NULL && conn->named == NULL) {
        r = enter_named(conn, named_ref(meant.named), ret_failure);
    }
    if (r == 0 && meant.named != NULL) {
        r = check_named(conn, meant.named, ret_failure);
    }
    return r == 0 ? lease_session(conn, &meant, ret_failure) : r;
}

static int open_session(struct connection *conn, struct failure *ret_failure)
{
    int64_t start_us = loop_now_us(conn->worker->loop);
    int r = lease_database(conn, ret_failure);

    if (r == 0) {
        r = sql_open(conn->lease.session, &connection_host_ops, conn, &conn->sql, ret_failure);
    }
    if (r == 0 && scope_defer(&conn->scope, close_sql, conn) != 0) {
        return failure_set_nomem(ret_failure);
    }
    conn->opening_us = loop_now_us(conn->worker->loop) - start_us;
    conn->opening = true;
    return r;
}

static void free_activity(void *arg)
{
    struct connection *conn = arg;

    mem_free(take_ptr(conn->activity));
}

static int note_activity(struct connection *conn, struct failure *ret_failure)
{
    conn->activity = mem_zalloc(sizeof(*conn->activity));
    if (conn->activity == NULL || scope_defer(&conn->scope, free_activity, conn) != 0) {
        return failure_set_nomem(ret_failure);
    }
    conn->activity->backend_start_us = clock_wall_us(loop_clock(conn->worker->loop));
    return 0;
}

static void forget_key(void *arg)
{
    cancel_key_remove(arg);
}

static int take_key(struct connection *conn, struct failure *ret_failure)
{
    int r = cancel_key_add(&conn->worker->cancel_keys, &conn->cancel_key);

    if (r == 0) {
        r = scope_defer(&conn->scope, forget_key, &conn->cancel_key);
    }
    return r == 0 ? 0 : failure_set_nomem(ret_failure);
}

static int check_room(const struct connection *conn, struct failure *ret_failure)
{
    if (conn->refused) {
        return failure_set(ret_failure, "53300", "sorry, too many clients already");
    }
    if (atomic_load(&conn->server->draining)) {
        return failure_set(ret_failure, "57P03", "the database system is shutting down");
    }
    return 0;
}

static int log_in(struct connection *conn, const struct startup *startup,
                  struct failure *ret_failure)
{
    int r = refuse_replication(startup, ret_failure);

    if (r == 0 && conn->goodbye != GOODBYE_NONE) {
        return -ECANCELED; /* told to go since it was routed: it must not wait in line any more */
    }
    if (r == 0) {
        r = take_key(conn, ret_failure);
    }
    if (r == 0) {
        r = note_activity(conn, ret_failure);
    }
    if (r == 0) {
        r = open_session(conn, ret_failure);
    }
    if (r == 0) {
        r = set_params(conn, startup, ret_failure);
    }
    if (r == 0) {
        conn->owns_clone = conn->made_clone && sql_setting_is_on(conn->sql, "pond.owner");
    }
    return r;
}

/* ---- which worker? ---- */

/* 0 when it is served here, CONNECTION_MOVES, FAILED or what else goes wrong. */
static int route(struct connection *conn, const struct startup *startup,
                 struct failure *ret_failure)
{
    struct named *made = NULL;
    int r = check_room(conn, ret_failure);

    if (r == 0) {
        r = take_names(conn, startup, ret_failure);
    }
    if (r == 0) {
        r = databases_route(conn->worker, conn->database, conn->user, &conn->destination, &made,
                            ret_failure);
    }
    if (r == 0 && made != NULL) {
        conn->made_clone = true;
        r = enter_named(conn, made, ret_failure); /* it goes with us if we do not get in */
    }
    return r == 0 && conn->destination != conn->worker ? CONNECTION_MOVES : r;
}

static void send_parameter(void *arg, const char *name, const char *value)
{
    backend_parameter_status(arg, name, value);
}

static int welcome(struct connection *conn)
{
    struct writer w = reply_begin(conn);

    backend_authentication_ok(&w);
    sql_each_reported(conn->sql, send_parameter, &w);
    backend_key_data(&w, conn->cancel_key.pid,
                     view_of(conn->cancel_key.secret, sizeof(conn->cancel_key.secret)));
    int r = reply_done(conn, &w);
    if (r == 0) {
        r = reply_ready(conn);
    }
    conn->ready = r == 0;
    if (conn->ready && conn->server->conf->log_connections) {
        log_line(LEVEL_LOG, "[%d] connection authorized: user=%s database=%s", conn->cancel_key.pid,
                 conn->user, conn->database);
    }
    return r;
}

/* Told to end while it waited for a session: by its client, or by us. */
static int on_cancelled(const struct connection *conn)
{
    return conn->goodbye == GOODBYE_NONE ? CONNECTION_END : 0; /* the goodbye comes next */
}

static int on_message(struct connection *conn, const struct startup *startup)
{
    struct failure failure;
    int r = route(conn, startup, &failure);

    if (r == CONNECTION_MOVES) {
        return r;
    }
    struct writer w = reply_begin(conn);
    startup_negotiate(&w, startup);
    int told = reply_done(conn, &w);
    if (told != 0) {
        return told;
    }
    if (r == 0) {
        r = log_in(conn, startup, &failure);
    }
    if (r == FAILED) {
        return reply_fatal(conn, &failure);
    }
    return r == -ECANCELED ? on_cancelled(conn) : r < 0 ? r : welcome(conn);
}

/* One byte, at once: the client waits for it. What it sent behind its request in plain text would
 * be taken for the encrypted stream's by a careless server: it closes the connection. */
static int decline(struct connection *conn, bool *asked)
{
    struct failure failure;

    if (*asked) {
        failure_set(&failure, "08P01", "invalid start-up packet");
        return reply_fatal(conn, &failure);
    }
    *asked = true;
    if (conn->input.ahead.len > 0) {
        return CONNECTION_END;
    }
    int r = buf_append_byte(&conn->output.buf, 'N');
    return r == 0 ? output_flush(&conn->output) : -ENOMEM;
}

struct cancel_request {
    const struct startup *startup;
    struct worker *worker; /* that the number is of */
};

static void cancel_there(void *arg)
{
    const struct cancel_request *request = arg;
    const struct startup *startup = request->startup;
    struct cancel_key *key =
        cancel_key_find(&request->worker->cancel_keys, startup->cancel_pid, startup->cancel_key);

    if (key != NULL) {
        connection_cancel_statement(container_of(key, struct connection, cancel_key));
    }
}

static int on_cancel(struct connection *conn, const struct startup *startup)
{
    struct cancel_request request = {
        .startup = startup,
        .worker = server_worker_of_pid(conn->server, startup->cancel_pid),
    };

    if (request.worker != NULL) {
        await_call(request.worker->loop, cancel_there, &request);
    }
    return CONNECTION_END;
}

static int take_packet(struct connection *conn, const struct startup *startup)
{
    switch (startup->kind) {
    case STARTUP_MESSAGE:
        return on_message(conn, startup);
    case STARTUP_SSL:
        return decline(conn, &conn->ssl_asked);
    case STARTUP_GSSENC:
        return decline(conn, &conn->gssenc_asked);
    case STARTUP_CANCEL:
        return on_cancel(conn, startup);
    }
    return CONNECTION_END;
}

int startup_work(struct connection *conn)
{
    int r = 0;

    while (r == 0 && !conn->ready && conn->goodbye == GOODBYE_NONE) {
        struct view before = conn->input.ahead;
        struct startup startup;
        struct failure failure;

        r = startup_next(&conn->input.ahead, &startup, &failure);
        if (r == STARTUP_MORE) {
            return 0;
        }
        r = r == FAILED ? reply_fatal(conn, &failure) : take_packet(conn, &startup);
        if (r == CONNECTION_MOVES) {
            conn->input.ahead = before; /* read again where it goes */
        }
    }
    return r;
}
