/* tests/unit/daemon/support_client.c: the client waits in a task of the server's own loop. */
#include "support_client.h"

#include "async/await.h"
#include "async/loop.h"
#include "async/task.h"
#include "conf/hba.h"
#include "daemon/address.h"
#include "pool/registry.h"
#include "pool/sqlite_setup.h"
#include "pool/template.h"
#include "sql/timezone.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct conf test_conf;
struct server test_server;
struct worker *test_worker;

static const int64_t patience_us = 60000000;
static size_t used_before;
static struct hba *everybody;

int server_setup(void **state)
{
    const struct zone *zone;
    struct failure failure;

    (void)state;
    assert_int_equal(sqlite_setup(), 0);
    /* Time zones stay for good, once read. */
    assert_int_equal(timezone_find(view_of_str("Europe/Berlin"), &zone), 0);
    used_before = mem_used_total();
    assert_int_equal(hba_parse("rules", view_of_str("local all all trust\nhost all all all trust"),
                               &everybody, &failure),
                     0);
    test_conf = (struct conf){ .loops = 1,
                               .hba = everybody,
                               .time_slice_us = 1000,
                               .max_client_conn = 100,
                               .max_packet_size = 1024 * 1024,
                               .output_buffer = 64 * 1024,
                               .log_min_duration_us = -1 };
    assert_int_equal(server_open(&test_server, &test_conf), 0);
    test_server.runs = true;
    test_worker = server_main(&test_server);

    struct template *template_;
    assert_int_equal(template_create_empty(&template_), 0);
    struct database_options database = { .name = "shop", .template_ = template_, .pool_size = 50 };
    assert_int_equal(registry_add(test_server.registry, &database), 0);
    template_unref(template_);
    return 0;
}

static void drain_task(void *arg)
{
    (void)arg;
    server_drain(&test_server);
}

int server_teardown(void **state)
{
    (void)state;
    connections_shutdown(test_worker, true);
    server_await_empty();
    assert_int_equal(task_spawn(test_worker->loop, "drain", drain_task, NULL, NULL), 0);
    assert_int_equal(loop_run(test_worker->loop), 0); /* which the drain stops */
    assert_int_equal(loop_run_until_idle(test_worker->loop), 0);
    server_close(&test_server);
    hba_unref(everybody);
    assert_int_equal(test_server.account.used, 0);
    assert_int_equal(mem_used_total(), used_before);
    return 0;
}

static struct client *client_over(const int fds[2], const struct address *from)
{
    struct client *client = calloc(1, sizeof(*client));

    assert_non_null(client);
    client->fd = fds[0];
    client->w = writer_over(&client->out);
    (void)!connection_start(test_worker, fds[1], from);
    return client;
}

struct client *client_open(void)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    return client_over(fds, &address_local);
}

struct client *client_open_tcp(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int fds[2] = { socket(AF_INET, SOCK_STREAM, 0), -1 };
    struct address from;

    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(connect(fds[0], (struct sockaddr *)&address, size), 0);
    fds[1] = address_accept(listener, &from);
    assert_true(fds[1] >= 0);
    close(listener);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    return client_over(fds, &from);
}

void client_close(struct client *client)
{
    close(client->fd);
    buf_finish(&client->out);
    free(client);
}

void client_send(struct client *client, const void *bytes, size_t len)
{
    assert_int_equal(send(client->fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

void client_flush(struct client *client)
{
    assert_int_equal(writer_result(&client->w), 0);
    client_send(client, client->out.data, client->out.len);
    buf_clear(&client->out);
    client->w = writer_over(&client->out);
}

void client_forget(struct client *client)
{
    client->len = 0;
    client->listed = 0;
    client->types[0] = '\0';
    memset(client->counts, 0, sizeof(client->counts));
}

/* ---- waiting ---- */

static void receive(struct client *client)
{
    ssize_t n;

    while ((n = recv(client->fd, client->got + client->len, client_got_bytes - client->len, 0)) >
           0) {
        client->len += (size_t)n;
    }
    client->eof = n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

static void list_types(struct client *client)
{
    struct view rest = view_of(client->got + client->listed, client->len - client->listed);
    struct frame frame;
    size_t count = strlen(client->types);

    while (frame_next(&rest, SIDE_BACKEND, client_got_bytes, &frame) == 0) {
        client->counts[frame.type]++;
        if (count < sizeof(client->types) - 1) {
            client->types[count++] = (char)frame.type;
            client->types[count] = '\0';
        }
    }
    client->listed = client->len - rest.len;
}

struct wish {
    struct client *client;
    char type; /* 0: the end of the stream */
    size_t count;
    bool fulfilled;
};

static bool is_fulfilled(const struct wish *wish)
{
    return wish->client->eof ||
           (wish->type != 0 && wish->client->counts[(uint8_t)wish->type] >= wish->count);
}

static void wait_task(void *arg)
{
    struct wish *wish = arg;
    int64_t deadline_us = loop_now_us(test_worker->loop) + patience_us;

    while (!is_fulfilled(wish) && await_readable(wish->client->fd, deadline_us) == 0) {
        receive(wish->client);
        list_types(wish->client);
    }
    wish->fulfilled = is_fulfilled(wish);
}

struct job {
    task_fn *fn;
    void *arg;
};

static void job_task(void *arg)
{
    struct job *job = arg;

    job->fn(job->arg);
    loop_stop(test_worker->loop);
}

void server_run(task_fn *fn, void *arg)
{
    struct job job = { .fn = fn, .arg = arg };

    assert_int_equal(task_spawn(test_worker->loop, "client", job_task, &job, NULL), 0);
    assert_int_equal(loop_run(test_worker->loop), 0);
}

void client_await(struct client *client, char type, size_t count)
{
    struct wish wish = { .client = client, .type = type, .count = count };

    server_run(wait_task, &wish);
    assert_true(wish.fulfilled);
}

void client_await_end(struct client *client)
{
    client_await(client, 0, 0);
    assert_true(client->eof);
}

static void empty_task(void *arg)
{
    int64_t deadline_us = loop_now_us(test_worker->loop) + patience_us;

    while (!TAILQ_EMPTY(&test_worker->connections) &&
           loop_now_us(test_worker->loop) < deadline_us) {
        if (await_until(loop_now_us(test_worker->loop) + 1000) != 0) {
            break;
        }
    }
    *(bool *)arg = TAILQ_EMPTY(&test_worker->connections);
}

void server_await_empty(void)
{
    bool empty = false;

    server_run(empty_task, &empty);
    assert_true(empty);
}

struct fail_job {
    uint64_t n;
    bool empty;
    bool hit;
};

static void fail_task(void *arg)
{
    struct fail_job *job = arg;

    mem_fail_at(job->n, false);
    empty_task(&job->empty);
    job->hit = mem_fail_hit();
    mem_fail_at(0, false);
}

bool server_fail_until_empty(uint64_t n)
{
    struct fail_job job = { .n = n };

    server_run(fail_task, &job);
    assert_true(job.empty);
    return job.hit;
}

/* Some time each, and a look at what has come: the time may have passed before it is waited for. */
static void turns_task(void *arg)
{
    for (int i = 0; i < *(int *)arg; i++) {
        if (await_until(loop_now_us(test_worker->loop) + 100) != 0 || await_turn() != 0) {
            break;
        }
    }
}

void server_run_turns(int turns)
{
    server_run(turns_task, &turns);
}

/* ---- talking ---- */

struct client *client_login(const char *const *params)
{
    struct client *client = client_open();

    startup_message(&client->w);
    for (; *params != NULL; params += 2) {
        startup_param(&client->w, params[0], params[1]);
    }
    assert_int_equal(startup_message_end(&client->w), 0);
    client_flush(client);
    client_await(client, 'Z', 1);
    return client;
}

struct client *client_shop(void)
{
    static const char *const params[] = { "user", "tester", "database", "shop", NULL };
    struct client *client = client_login(params);

    assert_false(client->eof);
    client_forget(client);
    return client;
}

void client_query(struct client *client, const char *sql)
{
    client_forget(client);
    frontend_query(&client->w, view_of_str(sql));
    client_flush(client);
    client_await(client, 'Z', 1);
}

void client_message(struct client *client, char type, size_t n, struct backend_message *ret)
{
    struct view rest = view_of(client->got, client->len);
    struct failure failure;
    struct frame frame;

    while (frame_next(&rest, SIDE_BACKEND, client_got_bytes, &frame) == 0) {
        if (frame.type == (uint8_t)type && n-- == 0) {
            assert_int_equal(backend_read(&frame, ret, &failure), 0);
            return;
        }
    }
    fail_msg("no such message '%c' in \"%s\"", type, client->types);
}

char client_status(struct client *client)
{
    struct backend_message message;

    client_message(client, 'Z', client->counts['Z'] - 1, &message);
    return message.status;
}

void expect_types(struct client *client, const char *types)
{
    if (strcmp(client->types, types) != 0 && strchr(client->types, 'E') != NULL &&
        strchr(types, 'E') == NULL) {
        struct backend_message message;
        struct failure failure;

        client_message(client, 'E', 0, &message);
        error_parse(message.fields, &failure);
        print_error("%s %s\n", failure.sqlstate, failure_get(&failure, FIELD_MESSAGE));
    }
    assert_string_equal(client->types, types);
}

void expect_error(struct client *client, const char *severity, const char *sqlstate,
                  const char *text)
{
    struct backend_message message;
    struct failure failure;

    client_message(client, 'E', 0, &message);
    error_parse(message.fields, &failure);
    assert_string_equal(failure_get(&failure, FIELD_MESSAGE), text);
    assert_string_equal(failure.sqlstate, sqlstate);
    assert_string_equal(failure_severity_name(&failure), severity);
}

void expect_first(struct client *client, size_t n, const char *text)
{
    struct backend_message message;
    struct value_param value;

    client_message(client, 'D', n, &message);
    struct value_iter it = row_values(&message.data_row);
    assert_true(value_next(&it, &value));
    if (text == NULL) {
        assert_true(value.is_null);
        return;
    }
    if (!view_equal_str(value.bytes, text)) {
        fail_msg("\"%.*s\" is not \"%s\"", (int)value.bytes.len, (const char *)value.bytes.data,
                 text);
    }
}
