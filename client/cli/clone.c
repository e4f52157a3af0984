/* client/cli/clone.c: see clone.h. The first who connects to DB~NAME makes it; with pond.owner it
 * is his, and the server says whether he was the first. */
#include "client/cli/clone.h"

#include "async/await.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/secret.h"
#include "client/conninfo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

enum {
    name_letters = 8,
    attempts_most = 3,
    end_timeout_ms = 10000,
    sign_of_life_us = 2000000,
};

/* ---- the connection string ---- */

static const char *env_of_process(void *arg, const char *name)
{
    (void)arg;
    return getenv(name);
}

/* What the connection string, the service file and the environment come to for `database`. */
static int complete(struct cli *cli, const char *database, struct conninfo *info,
                    struct pond_error *error)
{
    int r = cli_check(cli, database, error);
    cleanup(mem_freep) char *text = cli_conninfo(cli, database);

    if (r == 0 && text == NULL) {
        return pond_error_set(error, POND_NOMEM, "out of memory");
    }
    cli_set_defaults(cli);
    r = r == 0 ? conninfo_parse(info, text, error) : r;
    return r == 0 ? conninfo_complete(info, env_of_process, NULL, error) : r;
}

static char *join(const char *a, const char *between, const char *b)
{
    char *text = mem_alloc(strlen(a) + strlen(between) + strlen(b) + 1);

    if (text != NULL) {
        stpcpy(stpcpy(stpcpy(text, a), between), b);
    }
    return text;
}

static int dial(struct cli *cli, const char *database, const char *name,
                struct pond_conn **ret_conn, struct pond_error *error)
{
    cleanup(conninfo_finish) struct conninfo info = { 0 };
    int r = complete(cli, database, &info, error);

    if (r != 0) {
        return r;
    }
    const char *options = info.value[KEY_OPTIONS];
    cleanup(mem_freep) char *whole = join(info.value[KEY_DBNAME], "~", name);
    cleanup(mem_freep) char *owner = join(options == NULL ? "" : options, " ", "-c pond.owner=on");
    const struct cli_word words[] = { { "dbname", whole }, { "options", owner } };
    cleanup(mem_freep) char *conninfo =
        whole == NULL || owner == NULL ? NULL
                                       : cli_conninfo_with(cli, database, words, ARRAY_LEN(words));
    if (conninfo == NULL) {
        return pond_error_set(error, POND_NOMEM, "out of memory");
    }
    return cli_dial(cli, conninfo, ret_conn, error);
}

/* ---- opening ---- */

static int ask_whether_ours(struct pond_conn *conn, bool *ret_ours, struct pond_error *error)
{
    cleanup(cli_result_destroyp) struct pond_result *result = NULL;
    const char *text = "";
    int r = pond_exec(conn, "SHOW pond.owner", &result, error);

    if (r == 0 && pond_row_text(pond_result_row(result, 0), 0, &text, NULL) != 0) {
        text = "";
    }
    *ret_ours = r == 0 && strcmp(text, "on") == 0;
    return r;
}

/* 0 and no connection in *ret_conn: somebody else has a database of that name. */
static int open_ours(struct cli *cli, const char *database, const char *name,
                     struct pond_conn **ret_conn, struct pond_error *error)
{
    struct pond_conn *conn = NULL;
    bool ours = false;
    int r = dial(cli, database, name, &conn, error);

    if (r == 0) {
        r = ask_whether_ours(conn, &ours, error);
    }
    if (r != 0 || !ours) {
        pond_conn_destroy(conn);
        return r;
    }
    *ret_conn = conn;
    return 0;
}

static void make_name(char name[name_letters + 1])
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* 32 of them, all distinct */
    unsigned char bytes[name_letters];

    if (getentropy(bytes, sizeof(bytes)) != 0) {
        memset(bytes, 0, sizeof(bytes)); /* the server tells when it is taken */
    }
    for (int i = 0; i < name_letters; i++) {
        name[i] = letters[bytes[i] % 32];
    }
    name[name_letters] = '\0';
}

static int open_random(struct cli *cli, const char *database, struct pond_conn **ret_conn,
                       struct pond_error *error)
{
    char name[name_letters + 1];
    int r = 0;

    for (int i = 0; r == 0 && *ret_conn == NULL && i < attempts_most; i++) {
        make_name(name);
        r = open_ours(cli, database, name, ret_conn, error);
    }
    return r;
}

/* The program that is run needs it as well, and does not know what we were told. */
static int keep_password(struct cli *cli, const char *database, struct clone *clone,
                         struct pond_error *error)
{
    cleanup(conninfo_finish) struct conninfo info = { 0 };
    int r = complete(cli, database, &info, error);

    clone->password = r == 0 ? take_ptr(info.value[KEY_PASSWORD]) : NULL;
    return r;
}

int clone_open(struct cli *cli, const char *database, const char *name, struct clone *ret_clone,
               struct pond_error *error)
{
    struct pond_conn *conn = NULL;
    int r = name == NULL ? open_random(cli, database, &conn, error)
                         : open_ours(cli, database, name, &conn, error);

    if (r == 0 && conn == NULL) {
        return pond_error_set(error, POND_USAGE, "there is a copy named \"%s\" already",
                              name == NULL ? "?" : name);
    }
    if (r == 0) {
        r = keep_password(cli, database, ret_clone, error);
    }
    if (r != 0) {
        pond_conn_destroy(conn);
        return r;
    }
    pond_conn_set_deadline_in(conn, -1);
    ret_clone->conn = conn;
    return 0;
}

/* ---- what becomes of it ---- */

int clone_keep(struct clone *clone, struct pond_error *error)
{
    return pond_exec(clone->conn, "SELECT pond_keep()", NULL, error);
}

static int watch(int epoll_fd, int fd, bool is_connection)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u32 = is_connection };

    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

enum came { CAME_NOTHING, CAME_DESCRIPTOR, CAME_CONNECTION };

/* The descriptor comes first. CAME_NOTHING after a while, or a kind. */
static int await_one(int epoll_fd, struct pond_error *error)
{
    struct epoll_event events[2];
    int r = await_readable(epoll_fd, clock_after_us(&clock_system, sign_of_life_us));
    int count = epoll_wait(epoll_fd, events, ARRAY_LEN(events), 0);

    if (r != 0 && r != -ETIMEDOUT) {
        return pond_error_set(error, POND_CANCELLED, "could not wait: %s", strerror(-r));
    }
    for (int i = 0; i < count; i++) {
        if (events[i].data.u32 == 0) {
            return CAME_DESCRIPTOR;
        }
    }
    return count > 0 ? CAME_CONNECTION : CAME_NOTHING;
}

/* What has come unasked is looked at without sending anything, which might fail first. */
static int check(struct pond_conn *conn, struct pond_error *error)
{
    pond_conn_set_timeout(conn, 1);
    int r = pond_conn_await_notification(conn, error);
    pond_conn_set_timeout(conn, 0);
    return r == POND_TIMEOUT ? 0 : r;
}

/* Two descriptors, and an epoll of both is one to await. */
int clone_await(struct clone *clone, int fd, struct pond_error *error)
{
    cleanup(fd_closep) int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int r = epoll_fd < 0 ? -errno : watch(epoll_fd, fd, false);

    r = r != 0 ? r : watch(epoll_fd, pond_conn_socket(clone->conn), true);
    if (r != 0) {
        return pond_error_set(error, POND_NOMEM, "could not wait: %s", strerror(-r));
    }
    while (r == 0) {
        r = await_one(epoll_fd, error);
        if (r == CAME_DESCRIPTOR) {
            return 0;
        }
        /* a server may send those away who say nothing for long (client_idle_timeout) */
        r = r == CAME_CONNECTION ? check(clone->conn, error)
            : r == CAME_NOTHING  ? pond_exec(clone->conn, "", NULL, error)
                                 : r;
    }
    return r;
}

int clone_end(struct clone *clone, struct pond_error *error)
{
    int r = 0;

    if (clone->conn != NULL) {
        pond_conn_set_deadline_in(clone->conn, end_timeout_ms);
        r = pond_conn_hang_up(clone->conn, error);
    }
    pond_conn_destroy(take_ptr(clone->conn));
    secret_free(take_ptr(clone->password));
    return r;
}

struct place clone_place(const struct clone *clone)
{
    const char *number = pond_conn_setting(clone->conn, "hostaddr");

    return (struct place){
        .host = number[0] != '\0' ? number : pond_conn_setting(clone->conn, "host"),
        .port = pond_conn_setting(clone->conn, "port"),
        .user = pond_conn_setting(clone->conn, "user"),
        .database = pond_conn_setting(clone->conn, "dbname"),
        .sslmode = pond_conn_setting(clone->conn, "sslmode"),
        .sslrootcert = pond_conn_setting(clone->conn, "sslrootcert"),
        .sslcert = pond_conn_setting(clone->conn, "sslcert"),
        .sslkey = pond_conn_setting(clone->conn, "sslkey"),
        .sslcrl = pond_conn_setting(clone->conn, "sslcrl"),
        .password = clone->password,
    };
}
