/* daemon/login.c: who is it, which worker serves him, and all that he has from then on. */
#include "daemon/login.h"

#include "async/loop.h"
#include "daemon/connection_impl.h"
#include "daemon/console.h"
#include "daemon/databases.h"
#include "pool/named.h"
#include "protocol/startup.h"
#include "protocol/utf8.h"

#include <errno.h>
#include <string.h>

/* ---- names ---- */

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

static int take_names(struct connection *conn, const struct startup *startup,
                      struct failure *ret_failure)
{
    const char *user = startup_param_find(startup, "user");
    const char *database = database_of(startup);

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

/* ---- which worker? ---- */

static int check_room(const struct connection *conn, struct failure *ret_failure)
{
    if (conn->crowded) {
        failure_set(ret_failure, "53300", "too many connections from this address");
        failure_add(ret_failure, FIELD_DETAIL, "max_client_conn_per_addr allows %lld.",
                    (long long)conn->worker->conf->max_client_conn_per_addr);
        return FAILED;
    }
    if (conn->refused && !console_is_meant_by_owner(conn)) {
        return failure_set(ret_failure, "53300", "sorry, too many clients already");
    }
    if (atomic_load(&conn->server->draining)) {
        return failure_set(ret_failure, "57P03", "the database system is shutting down");
    }
    return 0;
}

static void free_login(void *arg)
{
    login_finish(arg);
}

int login_accept(struct connection *conn, const struct startup *startup, struct view packet,
                 struct failure *ret_failure)
{
    conn->login = mem_zalloc(sizeof(*conn->login));
    if (conn->login == NULL || scope_defer(&conn->scope, free_login, conn) != 0 ||
        buf_append_view(&conn->login->packet, packet) != 0) {
        return failure_set_nomem(ret_failure);
    }
    int r = take_names(conn, startup, ret_failure);

    return r == 0 ? check_room(conn, ret_failure) : r;
}

void login_finish(struct connection *conn)
{
    struct login *login = take_ptr(conn->login);

    if (login != NULL) {
        buf_finish(&login->packet);
        auth_finish(&login->auth);
        mem_free(login);
    }
}

int login_route(struct connection *conn, struct failure *ret_failure)
{
    struct named *made = NULL;
    int r = check_room(conn, ret_failure);

    conn->destination = conn->worker;
    if (r == 0 && !console_is_meant(conn->database)) {
        r = databases_route(conn->worker, conn->database, conn->user, &conn->destination, &made,
                            ret_failure);
    }
    if (r == 0 && made != NULL) {
        conn->made_clone = true;
        r = login_enter_named(conn, made, ret_failure); /* it goes with us if we do not get in */
    }
    return r == 0 && conn->destination != conn->worker ? CONNECTION_MOVES : r;
}

/* ---- the login itself ---- */

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

/* What it works with: a session, or the console, whose start-up parameters mean nothing. */
static int take_work(struct connection *conn, const struct startup *startup,
                     struct failure *ret_failure)
{
    if (console_is_meant(conn->database)) {
        return console_enter(conn, ret_failure);
    }
    int r = login_open_session(conn, ret_failure);
    if (r == 0) {
        r = login_set_params(conn, startup, ret_failure);
    }
    return r == 0 ? login_settle_owner(conn, ret_failure) : r;
}

int login_begin(struct connection *conn, const struct startup *startup, struct failure *ret_failure)
{
    int r = login_refuse_replication(startup, ret_failure);

    if (r == 0 && conn->goodbye != GOODBYE_NONE) {
        return -ECANCELED; /* told to go since it was routed: it must not wait in line any more */
    }
    if (r == 0) {
        r = take_key(conn, ret_failure);
    }
    if (r == 0) {
        r = note_activity(conn, ret_failure);
    }
    return r == 0 ? take_work(conn, startup, ret_failure) : r;
}
