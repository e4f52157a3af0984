/* client/connect.c: from a connection string to ReadyForQuery: each host in turn, each of its
 * addresses in turn, until one takes us. */
#include "async/await.h"
#include "base/alloc.h"
#include "client/attempt.h"
#include "client/conninfo.h"
#include "client/connection.h"
#include "client/error.h"
#include "client/pairs.h"
#include "protocol/startup.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

/* ---- addresses ---- */

struct lookup {
    const char *name;
    const char *port;
    int flags;
    int result;
    struct addrinfo *found;
};

static void look_up(void *arg)
{
    struct lookup *l = arg;
    const struct addrinfo hints = { .ai_flags = l->flags | AI_NUMERICSERV,
                                    .ai_socktype = SOCK_STREAM };

    l->found = NULL;
    l->result = getaddrinfo(l->name, l->port, &hints, &l->found);
}

/* Numbers at once; a name may take long, and is looked up by a helper thread. */
static int find_addresses(const struct conninfo_host *host, struct addrinfo **ret_found,
                          struct pond_error *error)
{
    struct lookup l = { .name = host->hostaddr[0] != '\0' ? host->hostaddr : host->host,
                        .port = host->port,
                        .flags = AI_NUMERICHOST };

    look_up(&l);
    if (l.result == EAI_NONAME && host->hostaddr[0] == '\0') {
        l.flags = 0;
        if (await_offload(look_up, &l) != 0) {
            return error_no_thread(error);
        }
    }
    if (l.result != 0) {
        return error_set(error, POND_CONNECT, "08001",
                         "could not translate host name \"%s\" to address: %s", l.name,
                         gai_strerror(l.result));
    }
    *ret_found = l.found;
    return 0;
}

static void addresses_freep(struct addrinfo **found)
{
    if (*found != NULL) {
        freeaddrinfo(*found);
    }
}

static int socket_address(const struct conninfo_host *host, struct sockaddr_storage *ret_address,
                          struct pond_error *error)
{
    struct sockaddr_un *un = (struct sockaddr_un *)ret_address;

    *un = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (snprintf(un->sun_path, sizeof(un->sun_path), "%s/.s.PGSQL.%s", host->host, host->port) >=
        (int)sizeof(un->sun_path)) {
        return error_set(error, POND_USAGE, "", "the socket's path is too long: \"%s\"",
                         host->host);
    }
    return 0;
}

/* Where the path begins with @, it is a name of the abstract namespace, without a NUL at its end.
 */
static socklen_t finish_socket_address(struct sockaddr_storage *address)
{
    struct sockaddr_un *un = (struct sockaddr_un *)address;
    size_t len = strlen(un->sun_path);

    if (un->sun_path[0] != '@') {
        return sizeof(*un);
    }
    un->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* ---- start-up ---- */

static void write_startup(struct writer *w, const struct conninfo *info)
{
    static const struct {
        enum conninfo_key key;
        const char *name;
    } rows[] = {
        { KEY_USER, "user" },
        { KEY_DBNAME, "database" },
        { KEY_APPLICATION_NAME, "application_name" },
        { KEY_OPTIONS, "options" },
    };

    startup_message(w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *value = info->value[rows[i].key];

        if (value != NULL && *value != '\0') {
            startup_param(w, rows[i].name, value);
        }
    }
    startup_param(w, "client_encoding", "UTF8");
    writer_check(w, startup_message_end(w));
}

static int keep_key(struct pond_conn *conn, const struct msg_key_data *data,
                    struct pond_error *error)
{
    conn->pid = data->pid;
    buf_clear(&conn->key);
    return buf_append_view(&conn->key, data->key) == 0 ? 0 : error_nomem(error);
}

int conn_refused(struct pond_conn *conn, const struct backend_message *m, struct pond_error *error)
{
    struct failure failure;

    conn->refused = true;
    error_parse(m->fields, &failure);
    error_of_failure(error, POND_CONNECT, &failure);
    snprintf(error->message, sizeof(error->message), "%s%s:  %.700s", conn->where, error->severity,
             failure_get(&failure, FIELD_MESSAGE));
    return POND_CONNECT;
}

/* Authentication, keys and parameters, until the server is ready. */
int conn_greet(struct pond_conn *conn, struct pond_error *error)
{
    struct backend_message m;
    bool trusted = false;

    conn->login.proved = conn->login.bound = false; /* an earlier attempt's is none of this one's */
    for (;;) {
        int r = conn_receive(conn, &m, error);

        if (r != 0) {
            return r;
        }
        if (m.type == 'E') {
            return conn_refused(conn, &m, error);
        } else if (m.type == 'R' && m.authentication.kind != AUTH_OK) {
            r = trusted ? conn_unexpected(conn, m.type, error)
                        : login_answer(conn, &m.authentication, error);
        } else if (m.type == 'R') {
            r = login_check(conn, error);
            trusted = true;
        } else if (m.type == 'K' && trusted) {
            r = keep_key(conn, &m.key_data, error);
        } else if (m.type == 'Z' && trusted) {
            return 0;
        } else if (m.type != 'v') { /* 3.0 is what we asked for: nothing to negotiate */
            return conn_unexpected(conn, m.type, error);
        }
        if (r != 0) {
            return r;
        }
    }
}

int conn_start(struct pond_conn *conn, const struct conninfo *info, struct pond_error *error)
{
    struct writer w = conn_writer(conn);

    write_startup(&w, info);
    conn->owed = 1;
    int r = conn_flush(conn, &w, error);
    return r == 0 ? conn_greet(conn, error) : r;
}

/* ---- one after the other ---- */

static int try_host(struct pond_conn *conn, const struct conninfo *info,
                    const struct conninfo_host *host, struct pond_error *error)
{
    cleanup(addresses_freep) struct addrinfo *found = NULL;
    int r;

    if (host->hostaddr[0] == '\0' && (host->host[0] == '/' || host->host[0] == '@')) {
        r = socket_address(host, &conn->address, error);
        if (r != 0) {
            return r;
        }
        conn->address_len = finish_socket_address(&conn->address);
        return attempt_address(conn, info, host, error);
    }
    r = find_addresses(host, &found, error);
    for (struct addrinfo *a = found; a != NULL; a = a->ai_next) {
        memcpy(&conn->address, a->ai_addr, a->ai_addrlen);
        conn->address_len = a->ai_addrlen;
        r = attempt_address(conn, info, host, error);
        if (r != POND_CONNECT || conn->fd >= 0) {
            break;
        }
    }
    return r;
}

static const char *env_of_process(void *arg, const char *name)
{
    (void)arg;
    return getenv(name);
}

/* libpq's: 0 or nothing is for ever, and for each host anew. */
static int64_t host_deadline(const struct pond_conn *conn, const struct conninfo *info)
{
    const char *text = info->value[KEY_CONNECT_TIMEOUT];
    long seconds = text == NULL ? 0 : strtol(text, NULL, 10);

    return seconds <= 0 || seconds > 1000000
               ? DEADLINE_NONE
               : client_deadline_us(conn->loop, (int64_t)seconds * 1000000);
}

static int check_timeout(const struct conninfo *info, struct pond_error *error)
{
    const char *text = info->value[KEY_CONNECT_TIMEOUT];
    char *end = NULL;

    if (text != NULL && *text != '\0') {
        (void)strtol(text, &end, 10);
        if (end == text || *end != '\0') {
            return error_set(error, POND_USAGE, "",
                             "invalid integer value \"%s\" for connection option "
                             "\"connect_timeout\"",
                             text);
        }
    }
    return 0;
}

/* For pond_conn_setting(). */
static int keep_settings(struct pond_conn *conn, const struct conninfo *info,
                         const struct conninfo_host *host, struct pond_error *error)
{
    const struct {
        const char *name;
        const char *value;
    } rows[] = {
        { "host", host->host },
        { "hostaddr", host->hostaddr },
        { "port", host->port },
        { "user", info->value[KEY_USER] },
        { "dbname", info->value[KEY_DBNAME] },
        { "sslmode", info->value[KEY_SSLMODE] },
        { "sslrootcert", info->value[KEY_SSLROOTCERT] },
        { "sslcert", info->value[KEY_SSLCERT] },
        { "sslkey", info->value[KEY_SSLKEY] },
        { "sslcrl", info->value[KEY_SSLCRL] },
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(rows); i++) {
        if (rows[i].value != NULL) {
            r = pairs_set(&conn->settings, view_of_str(rows[i].name), view_of_str(rows[i].value));
        }
    }
    return r == 0 ? 0 : error_nomem(error);
}

static int try_hosts(struct pond_conn *conn, struct conninfo *info, struct pond_error *error)
{
    struct conninfo_host hosts[conninfo_hosts_max];
    struct pond_error all = { 0 };
    size_t count = 0;
    int r = conninfo_hosts(info, hosts, &count, error);

    for (size_t i = 0; r == 0 && i < count; i++) {
        struct pond_error one = { 0 };

        conn->call_deadline_us = host_deadline(conn, info);
        int tried = login_begin(conn, info, &hosts[i], &one);
        if (tried == 0) {
            tried = try_host(conn, info, &hosts[i], &one);
        }
        login_end(conn);
        if (tried == 0) {
            return keep_settings(conn, info, &hosts[i], error);
        }
        attempt_add_line(&all, &one);
        if (tried == POND_CANCELLED || tried == POND_NOMEM || i + 1 == count) {
            r = tried;
            *error = all;
        }
    }
    return r;
}

int conn_connect(struct pond_conn *conn, const char *conninfo, struct pond_error *error)
{
    cleanup(conninfo_finish) struct conninfo info = { 0 };
    int r = conninfo_parse(&info, conninfo, error);

    if (r == 0) {
        r = conninfo_complete(&info, env_of_process, NULL, error);
    }
    if (r == 0) {
        r = check_timeout(&info, error);
    }
    return r == 0 ? try_hosts(conn, &info, error) : r;
}
