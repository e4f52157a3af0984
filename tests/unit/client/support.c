#include "support.h"

#include "async/await.h"
#include "async/loop.h"
#include "base/alloc.h"
#include "protocol/startup.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { steps_max = 64, expect_max = 32 };

struct step {
    char expect[expect_max];
    struct buf send;
};

struct pond_loop *test_loop;
struct pond_error test_error;

static size_t used_before;
static struct step steps[steps_max];
static size_t step_count;
static struct writer writer;
static bool lingers;
static size_t cut_bytes, sent_bytes;
static unsigned cancels;
static int listener = -1;
static char conninfo[128];

/* ---- script ---- */

static struct step *step_new(void)
{
    assert_true(step_count < steps_max);
    steps[step_count] = (struct step){ 0 };
    return &steps[step_count++];
}

void script_expect(const char *types)
{
    struct step *step = step_new();

    snprintf(step->expect, sizeof(step->expect), "%s", types);
    writer = writer_over(&step->send);
}

struct writer *script_writer(void)
{
    return &writer;
}

void script_bytes(const void *bytes, size_t len)
{
    writer_bytes(&writer, view_of(bytes, len));
}

void script_ready(char status)
{
    backend_ready_for_query(&writer, status);
}

void script_greet(void)
{
    script_expect("0");
    backend_authentication_ok(&writer);
    backend_parameter_status(&writer, "server_version", "15.5");
    backend_key_data(&writer, 77, view_of("\1\2\3\4", 4));
    script_ready('I');
}

void script_columns(const char *const *names, const uint32_t *types, uint16_t count)
{
    backend_row_description(&writer, count);
    for (uint16_t i = 0; i < count; i++) {
        backend_row_field(&writer, &(struct row_field){ .name = view_of_str(names[i]),
                                                        .type_oid = types[i],
                                                        .type_len = -1,
                                                        .typmod = -1 });
    }
    writer_end(&writer);
}

void script_row(const char *const *values, uint16_t count)
{
    writer_begin(&writer, 'D');
    writer_u16(&writer, count);
    for (uint16_t i = 0; i < count; i++) {
        if (values[i] == NULL) {
            writer_null(&writer);
        } else {
            writer_value(&writer, view_of_str(values[i]));
        }
    }
    writer_end(&writer);
}

void script_int_rows(int first, int last)
{
    for (int n = first; n <= last; n++) {
        char text[16];
        const char *values[] = { text };

        snprintf(text, sizeof(text), "%d", n);
        script_row(values, 1);
    }
}

void script_tag(const char *tag)
{
    backend_command_complete(&writer, view_of_str(tag));
}

void script_error(const char *sqlstate, const char *message)
{
    struct failure failure;

    failure_set(&failure, sqlstate, "%s", message);
    backend_error(&writer, &failure);
}

void script_linger(void)
{
    lingers = true;
}

void script_cut(size_t bytes)
{
    cut_bytes = bytes;
}

size_t script_sent(void)
{
    return sent_bytes;
}

unsigned script_cancels(void)
{
    return cancels;
}

void script_clear(void)
{
    for (size_t i = 0; i < step_count; i++) {
        buf_finish(&steps[i].send);
    }
    step_count = 0;
    cut_bytes = SIZE_MAX;
    sent_bytes = 0;
    cancels = 0;
    lingers = false;
}

/* ---- server ---- */

struct peer {
    int fd;
    struct buf in;
};

static int peer_read(struct peer *p)
{
    for (;;) {
        if (buf_reserve(&p->in, 4096) != 0) {
            return -1;
        }
        ssize_t n = recv(p->fd, p->in.data + p->in.len, p->in.cap - p->in.len, 0);

        if (n > 0) {
            p->in.len += (size_t)n;
            return 0;
        }
        if (n == 0 || errno != EAGAIN || await_readable(p->fd, DEADLINE_NONE) != 0) {
            return -1;
        }
    }
}

/* The type of the next message, '0' for a start-up packet, 'K' for a cancel request; 0: the end. */
static char peer_message(struct peer *p, bool is_first)
{
    size_t head = is_first ? 4 : 5;

    for (;;) {
        if (p->in.len >= head) {
            uint32_t len;

            memcpy(&len, p->in.data + head - 4, 4);
            len = ntohl(len);
            if (p->in.len >= head - 4 + len) {
                bool is_cancel = is_first && len == 16 && p->in.data[4] == 4;
                char type = is_cancel ? 'K' : is_first ? '0' : (char)p->in.data[0];

                buf_consume(&p->in, head - 4 + len);
                return type;
            }
        }
        if (peer_read(p) != 0) {
            return 0;
        }
    }
}

static bool peer_send(struct peer *p, struct view bytes)
{
    bool all = bytes.len <= cut_bytes - sent_bytes;

    if (!all) {
        bytes.len = cut_bytes - sent_bytes;
    }
    while (bytes.len > 0) {
        ssize_t n = send(p->fd, bytes.data, bytes.len, MSG_NOSIGNAL);

        if (n > 0) {
            sent_bytes += (size_t)n;
            view_advance(&bytes, (size_t)n);
        } else if (errno != EAGAIN || await_writable(p->fd, DEADLINE_NONE) != 0) {
            return false;
        }
    }
    return all;
}

static bool play_step(struct peer *p, const struct step *step, bool *is_first)
{
    for (const char *type = step->expect; *type != '\0'; type++) {
        char got = peer_message(p, *is_first);

        if (got == 'K') {
            cancels++;
        }
        if (got != *type) {
            return false;
        }
        *is_first = false;
    }
    return peer_send(p, buf_view(&step->send));
}

static int play(void *arg, struct pond_error *error)
{
    struct peer p = { .fd = (int)(intptr_t)arg };
    bool is_first = true, on = true;

    (void)error;
    for (size_t i = 0; on && i < step_count; i++) {
        on = play_step(&p, &steps[i], &is_first);
    }
    while (on && lingers && peer_read(&p) == 0) {
        buf_clear(&p.in);
    }
    close(p.fd);
    buf_finish(&p.in);
    return 0;
}

static int serve(void *arg, struct pond_error *error)
{
    (void)arg;
    while (await_readable(listener, DEADLINE_NONE) == 0) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0 && pond_spawn(NULL, play, (void *)(intptr_t)fd, NULL, error) != 0) {
            close(fd);
        }
    }
    return 0;
}

/* ---- a test ---- */

static int server_open(void)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(in);

    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&in, len) != 0 ||
        listen(listener, 16) != 0 || getsockname(listener, (struct sockaddr *)&in, &len) != 0) {
        return -1;
    }
    snprintf(conninfo, sizeof(conninfo),
             "host=127.0.0.1 port=%d user=tester dbname=d sslmode=disable", ntohs(in.sin_port));
    return 0;
}

/* What the one who runs the tests has set for his own connections is not for these. */
static void forget_environment(void)
{
    for (char **at = environ; *at != NULL;) {
        char name[64] = "";

        strncat(name, *at, strcspn(*at, "=") < sizeof(name) ? strcspn(*at, "=") : 0);
        if (strncmp(name, "PG", 2) == 0) {
            unsetenv(name); /* the next one is here now */
        } else {
            at++;
        }
    }
}

int client_setup(void **state)
{
    (void)state;
    forget_environment();
    used_before = mem_used_total();
    test_error = (struct pond_error){ 0 };
    script_clear();
    if (server_open() != 0 || pond_loop_create(&test_loop, &test_error) != 0) {
        return -1;
    }
    return pond_spawn(test_loop, serve, NULL, NULL, &test_error);
}

int client_teardown(void **state)
{
    (void)state;
    pond_loop_destroy(test_loop);
    close(listener);
    script_clear();
    return mem_used_total() == used_before ? 0 : -1;
}

const char *server_conninfo(void)
{
    return conninfo;
}

struct pond_conn *connect_to_server(void)
{
    struct pond_conn *conn = NULL;

    int r = pond_conn_open(test_loop, conninfo, &conn, &test_error);
    if (r != 0) {
        print_error("%s\n", test_error.message);
    }
    assert_int_equal(r, 0);
    return conn;
}
