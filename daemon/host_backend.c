/* daemon/host_backend.c: what statements may ask of the daemon about connections, their own and
 * others': pg_stat_activity, pg_cancel_backend() and pg_terminate_backend().
 *
 * Connections of other workers are looked at there: rows are copied on their own loops, and handed
 * out on the asker's. */
#include "daemon/host.h"

#include "async/await.h"
#include "conf/conf_user.h"
#include "daemon/authority.h"
#include "daemon/connection.h"
#include "pool/txn.h"
#include "protocol/utf8.h"

#include <assert.h>
#include <string.h>

enum { name_bytes = 64, application_name_bytes = 64 };

/* A copied row of pg_stat_activity. */
struct backend {
    struct backend_row row; /* its texts are below */
    char database[name_bytes];
    char user[name_bytes];
    char application_name[application_name_bytes];
    char client_address[address_text_bytes];
    uint8_t query[activity_query_bytes];
};

struct backends {
    const char *user; /* for whom */
    struct backend *list;
    size_t count;
    size_t room;
};

static void set_address(struct backend *b, const struct connection *conn)
{
    b->row.client_port = address_port(&conn->from);
    b->row.client_address =
        address_is_unix(&conn->from) ? NULL : address_in_words(&conn->from, b->client_address);
}

static enum backend_state state_of(const struct connection *conn)
{
    if (!conn->ready) {
        return BACKEND_STARTING;
    }
    if (conn->task != NULL) {
        return BACKEND_ACTIVE;
    }
    switch (connection_txn_status(conn)) {
    case TXN_BLOCK:
        return BACKEND_IN_TRANSACTION;
    case TXN_FAILED:
        return BACKEND_IN_FAILED;
    case TXN_IDLE:
        break;
    }
    return BACKEND_IDLE;
}

static void set_wait(struct backend *b, const struct connection *conn)
{
    const struct session *session = conn->lease.session;
    bool writes = session != NULL && session_waits_for_place(session);
    bool waits = writes || (session != NULL && session_waits_for_lock(session));

    b->row.wait_event_type = waits || conn->in_line ? "Lock" : conn->task == NULL ? "Client" : NULL;
    b->row.wait_event = conn->in_line        ? (conn->console ? "pause"
                                                : conn->ready ? "template"
                                                              : "session")
                        : writes             ? "transactionid"
                        : waits              ? "advisory"
                        : conn->task == NULL ? "ClientRead"
                                             : NULL;
}

static void fill(struct backend *b, const struct connection *conn)
{
    const struct activity *activity = conn->activity;
    const char *application =
        conn->ready && conn->sql != NULL ? sql_setting(conn->sql, "application_name") : NULL;
    bool in_transaction =
        conn->ready && conn->lease.session != NULL && txn_is_open(conn->lease.session);

    b->row = (struct backend_row){
        .pid = conn->cancel_key.pid,
        .database = b->database,
        .database_oid = conn->database_oid,
        .user = b->user,
        .application_name = b->application_name,
        .state = state_of(conn),
        .query = view_of(b->query, activity->query_len),
        .backend_start_us = activity->backend_start_us,
        .query_start_us = activity->query_start_us,
        .state_change_us = activity->state_change_us,
    };
    b->row.transaction_start_us =
        in_transaction || b->row.state == BACKEND_ACTIVE ? activity->transaction_start_us : 0;
    utf8_copy_name(b->database, sizeof(b->database), conn->database);
    utf8_copy_name(b->user, sizeof(b->user), conn->user);
    utf8_copy_name(b->application_name, sizeof(b->application_name),
                   application == NULL ? "" : application);
    memcpy(b->query, activity->query, activity->query_len);
    set_address(b, conn);
    set_wait(b, conn);
}

/* In PostgreSQL's words. */
static void hide_query(struct backend *b)
{
    static const char words[] = "<insufficient privilege>";

    static_assert(sizeof(words) <= sizeof(b->query), "it must fit");
    memcpy(b->query, words, sizeof(words) - 1);
    b->row.query = view_of(b->query, sizeof(words) - 1);
}

/* Those who have not said who they are, are in no database. As many as there is room for. */
static void list_backends(struct worker *worker, void *arg)
{
    struct backends *backends = arg;
    const struct conf_user *row = conf_user_find(worker->conf, backends->user);
    const struct connection *conn;

    TAILQ_FOREACH (conn, &worker->connections, entry) {
        if (conn->activity == NULL || backends->count == backends->room) {
            continue;
        }
        struct backend *b = &backends->list[backends->count++];
        fill(b, conn);
        if (!authority_over(row, backends->user, conn)) {
            hide_query(b);
        }
    }
}

int host_each_backend(void *host, backend_fn *fn, void *arg, struct failure *ret_failure)
{
    const struct connection *conn = host;
    struct server *server = conn->server;
    struct backends backends = { .user = conn->user, .room = server_connections(server) + 16 };
    cleanup(mem_freep) struct backend *list = mem_alloc(backends.room * sizeof(*list));

    if (list == NULL) {
        return failure_set_nomem(ret_failure);
    }
    backends.list = list;
    server_each_worker(server, list_backends, &backends);
    for (size_t i = 0; i < backends.count; i++) {
        fn(arg, &list[i].row);
    }
    return 0;
}

struct signalling {
    struct worker *worker;
    const char *user;
    int32_t pid;
    enum backend_signal signal;
    bool found;
    bool denied;
};

static void signal_there(void *arg)
{
    struct signalling *s = arg;
    struct cancel_key *key = cancel_key_of_pid(&s->worker->cancel_keys, s->pid);

    s->found = key != NULL;
    if (key == NULL) {
        return;
    }
    struct connection *conn = container_of(key, struct connection, cancel_key);
    s->denied = !authority_over(conf_user_find(s->worker->conf, s->user), s->user, conn);
    if (s->denied) {
        return;
    }
    if (s->signal == BACKEND_TERMINATE) {
        connection_shutdown(conn, true);
    } else {
        connection_cancel_statement(conn);
    }
}

int host_backend_signal(void *host, int32_t pid, enum backend_signal signal, bool *ret_found,
                        struct failure *ret_failure)
{
    const struct connection *conn = host;
    cleanup(account_restorep) maybe_unused struct account *was = host_charge_daemon(conn);
    struct signalling s = { .worker = server_worker_of_pid(conn->server, pid),
                            .user = conn->user,
                            .pid = pid,
                            .signal = signal };

    if (s.worker != NULL) {
        await_call(s.worker->loop, signal_there, &s);
    }
    if (s.denied) {
        return failure_set(ret_failure, "42501",
                           "must be a member of the role whose %s or member of pg_signal_backend",
                           signal == BACKEND_TERMINATE ? "process is being terminated"
                                                       : "query is being canceled");
    }
    *ret_found = s.found;
    return 0;
}
