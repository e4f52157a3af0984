/* daemon/listener.c */
#include "daemon/listener.h"

#include "async/await.h"
#include "async/loop.h"
#include "async/task.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "daemon/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { accepted_max = 200 };

struct fixture {
    char folder[32];
    struct loop *loop;
    struct listener *listener;
    struct failure failure;
    int fds[accepted_max];
    struct address from[accepted_max];
    size_t accepted;
    size_t wanted;
    size_t room; /* 0: no end to it */
};

/* So many times 127.0.0.2 has the port in use that is free at 127.0.0.1. */
static int taken_at_second;

/* Stands before the C library's. */
int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
    const struct sockaddr_in *in = address.__sockaddr_in__;

    if (taken_at_second > 0 && in->sin_family == AF_INET &&
        in->sin_addr.s_addr == htonl(INADDR_LOOPBACK + 1)) {
        taken_at_second--;
        errno = EADDRINUSE;
        return -1;
    }
    return (int)syscall(SYS_bind, fd, in, len);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct loop_options options = { 0 };

    strcpy(f->folder, "/tmp/pond-test-XXXXXX");
    *state = f;
    return mkdtemp(f->folder) == NULL ? -1 : loop_create(&options, &f->loop);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    listener_close(f->listener);
    for (size_t i = 0; i < f->accepted; i++) {
        close(f->fds[i]);
    }
    loop_destroy(f->loop);
    int r = rmdir(f->folder); /* fails when a socket or lock file was left behind */
    free(f);
    return r;
}

static void accepted(void *owner, int fd, const struct address *from)
{
    struct fixture *f = owner;

    assert_true(f->accepted < accepted_max);
    f->from[f->accepted] = *from;
    f->fds[f->accepted++] = fd;
}

static bool has_room(void *owner)
{
    const struct fixture *f = owner;

    return f->room == 0 || f->accepted < f->room;
}

static int try_open(struct fixture *f, const char *addresses, uint16_t port, const char *folder,
                    struct listener **ret_listener)
{
    struct listener_options options = { .addresses = addresses,
                                        .port = port,
                                        .unix_socket_dir = folder,
                                        .accepted = accepted,
                                        .has_room = has_room,
                                        .owner = f };

    memset(&f->failure, 0, sizeof(f->failure));
    return listener_open(f->loop, &options, ret_listener, &f->failure);
}

static void open_listener(struct fixture *f, const char *addresses, const char *folder)
{
    assert_int_equal(try_open(f, addresses, 0, folder, &f->listener), 0);
    assert_int_equal(listener_accept(f->listener), 0);
    assert_int_not_equal(listener_port(f->listener), 0);
}

/* Turns the loop until so many clients were accepted. */
static void wait_task(void *arg)
{
    struct fixture *f = arg;

    for (int i = 0; i < 60000 && f->accepted < f->wanted; i++) {
        assert_int_equal(await_until(loop_now_us(f->loop) + 1000), 0);
    }
}

static void await_accepted(struct fixture *f, size_t count)
{
    f->wanted = count;
    assert_int_equal(task_spawn(f->loop, "wait", wait_task, f, NULL), 0);
    assert_int_equal(loop_run_until_idle(f->loop), 0);
    assert_int_equal(f->accepted, count);
}

static int connect_tcp(const struct fixture *f)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(listener_port(f->listener)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void unix_address(const struct fixture *f, struct sockaddr_un *address, uint16_t port)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    snprintf(address->sun_path, sizeof(address->sun_path), "%s/.s.PGSQL.%u", f->folder, port);
}

static int connect_unix(const struct fixture *f)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    unix_address(f, &address, listener_port(f->listener));
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void clients_of_both_kinds_come_with_their_sockets_set(void **state)
{
    struct fixture *f = *state;
    int on = 0;
    socklen_t len = sizeof(on);

    open_listener(f, "127.0.0.1", f->folder);
    int tcp = connect_tcp(f);
    await_accepted(f, 1);
    int local = connect_unix(f);
    await_accepted(f, 2);
    assert_false(address_is_unix(&f->from[0]));
    assert_true(address_is_unix(&f->from[1]));
    assert_int_equal(getsockopt(f->fds[0], IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    assert_int_not_equal(on, 0);
    for (size_t i = 0; i < 2; i++) {
        assert_true(fcntl(f->fds[i], F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(f->fds[i], F_GETFD) & FD_CLOEXEC);
    }
    close(tcp);
    close(local);
}

static void the_addresses_are_described_as_connection_strings(void **state)
{
    struct fixture *f = *state;
    struct buf text;
    char expected[256];

    buf_init(&text, 0);
    open_listener(f, " 127.0.0.1 , 127.0.0.2", f->folder);
    unsigned port = listener_port(f->listener);
    snprintf(expected, sizeof(expected),
             "host=127.0.0.1 port=%u\nhost=127.0.0.2 port=%u\nhost=%s port=%u\n", port, port,
             f->folder, port);
    assert_int_equal(listener_describe(f->listener, &text), 0);
    cleanup(mem_freep) char *got = buf_take_str(&text);
    assert_string_equal(got, expected);
    buf_finish(&text);
}

static void a_name_of_several_addresses_needs_one_that_the_machine_has(void **state)
{
    struct fixture *f = *state;
    struct listener *none = NULL;

    open_listener(f, "localhost", "");
    int tcp = connect_tcp(f);
    await_accepted(f, 1);
    close(tcp);
    assert_int_equal(try_open(f, "192.0.2.1", 0, "", &none), FAILED); /* an address of nobody */
    assert_string_equal(failure_get(&f->failure, FIELD_MESSAGE),
                        "192.0.2.1 port 0: cannot listen: Cannot assign requested address");
}

static void one_address_too_many_is_refused(void **state)
{
    struct fixture *f = *state;
    struct listener *none = NULL;
    char list[33 * 16] = "127.0.1.1";

    for (int i = 2; i <= 33; i++) {
        snprintf(list + strlen(list), sizeof(list) - strlen(list), ",127.0.1.%d", i);
    }
    assert_int_equal(try_open(f, list, 0, "", &none), FAILED);
    assert_string_equal(failure_get(&f->failure, FIELD_MESSAGE),
                        "more than 32 addresses to listen on");
    *strrchr(list, ',') = '\0';
    open_listener(f, list, "");
}

static void a_unix_socket_alone_finds_a_free_port(void **state)
{
    struct fixture *f = *state;

    open_listener(f, "", f->folder);
    int local = connect_unix(f);
    await_accepted(f, 1);
    close(local);
}

static void a_port_in_use_is_an_error_that_names_it_and_leaves_nothing_open(void **state)
{
    struct fixture *f = *state;
    struct listener *second = NULL;
    char expected[128];

    open_listener(f, "127.0.0.1", "");
    uint16_t port = listener_port(f->listener);
    assert_int_equal(try_open(f, "127.0.0.2,127.0.0.1", port, f->folder, &second), FAILED);
    assert_null(second);
    snprintf(expected, sizeof(expected), "127.0.0.1 port %u: cannot listen: Address already in use",
             port);
    assert_string_equal(failure_get(&f->failure, FIELD_MESSAGE), expected);
}

static void a_free_port_is_free_at_all_addresses(void **state)
{
    struct fixture *f = *state;
    struct listener *none = NULL;
    char expected[64];

    taken_at_second = 2;
    open_listener(f, "127.0.0.1,127.0.0.2", "");
    assert_int_equal(taken_at_second, 0);
    struct buf text;
    buf_init(&text, 0);
    unsigned port = listener_port(f->listener);
    snprintf(expected, sizeof(expected), "host=127.0.0.1 port=%u\nhost=127.0.0.2 port=%u\n", port,
             port);
    assert_int_equal(listener_describe(f->listener, &text), 0);
    cleanup(mem_freep) char *got = buf_take_str(&text);
    assert_string_equal(got, expected);
    buf_finish(&text);

    taken_at_second = 1000; /* nor are ports tried for ever */
    assert_int_equal(try_open(f, "127.0.0.1,127.0.0.2", 0, "", &none), FAILED);
    assert_non_null(strstr(failure_get(&f->failure, FIELD_MESSAGE), "Address already in use"));
    assert_in_range(taken_at_second, 900, 999);
    taken_at_second = 0;
}

static void an_address_that_is_none_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct listener *listener = NULL;

    assert_int_equal(try_open(f, "127.0.0.1,300.1.2.3.4", 0, "", &listener), FAILED);
    assert_non_null(strstr(failure_get(&f->failure, FIELD_MESSAGE), "listen_addr: 300.1.2.3.4: "));
}

static void a_socket_file_that_nobody_serves_is_replaced(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un address;
    int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    unix_address(f, &address, 5);
    assert_int_equal(bind(dead, (struct sockaddr *)&address, sizeof(address)), 0);
    close(dead); /* the file stays, as after a kill */
    assert_int_equal(try_open(f, "", 5, f->folder, &f->listener), 0);
    assert_int_equal(listener_accept(f->listener), 0);
    int local = connect_unix(f);
    await_accepted(f, 1);
    close(local);
}

static void a_socket_that_another_pondd_serves_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct listener *second = NULL;

    open_listener(f, "", f->folder);
    assert_int_equal(try_open(f, "", listener_port(f->listener), f->folder, &second), FAILED);
    assert_non_null(
        strstr(failure_get(&f->failure, FIELD_MESSAGE), "another pondd serves this socket"));
    int local = connect_unix(f);
    await_accepted(f, 1);
    close(local);
}

static void a_socket_that_another_server_serves_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un address;
    struct listener *listener = NULL;
    int other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    unix_address(f, &address, 6);
    assert_int_equal(bind(other, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(other, 5), 0);
    assert_int_equal(try_open(f, "", 6, f->folder, &listener), FAILED);
    assert_non_null(strstr(failure_get(&f->failure, FIELD_MESSAGE), "Address already in use"));
    assert_int_equal(access(address.sun_path, F_OK), 0);
    close(other);
    unlink(address.sun_path);
}

static void a_path_too_long_for_a_socket_is_refused(void **state)
{
    struct fixture *f = *state;
    struct listener *listener = NULL;
    char folder[200];

    memset(folder, 'x', sizeof(folder));
    folder[0] = '/';
    folder[sizeof(folder) - 1] = '\0';
    assert_int_equal(try_open(f, "", 5, folder, &listener), FAILED);
    assert_non_null(
        strstr(failure_get(&f->failure, FIELD_MESSAGE), "longer than a socket's path may be"));
}

/* The limit that leaves so many: what the test was started with may lie anywhere between them. */
static rlim_t limit_for_more(int count)
{
    int fd = 0;

    for (; count > 0; fd++) {
        count -= fcntl(fd, F_GETFD) < 0;
    }
    return (rlim_t)fd;
}

/* With no descriptor left the listener pauses; the clients wait in the backlog and come in
 * afterwards. */
static void out_of_descriptors_it_waits_and_then_goes_on(void **state)
{
    struct fixture *f = *state;
    struct rlimit old;
    int clients[8];

    open_listener(f, "127.0.0.1", "");
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        clients[i] = connect_tcp(f);
    }
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    struct rlimit tight = { .rlim_cur = limit_for_more(2), .rlim_max = old.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    await_accepted(f, 2);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    await_accepted(f, ARRAY_LEN(clients));
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        close(clients[i]);
    }
}

/* The loop looks at its descriptors at least once. */
static void look_task(void *arg)
{
    struct fixture *f = arg;

    for (int i = 0; i < 3; i++) {
        assert_int_equal(await_until(loop_now_us(f->loop) + 1000), 0);
    }
}

static void those_who_come_before_it_accepts_wait(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(try_open(f, "127.0.0.1", 0, f->folder, &f->listener), 0);
    int tcp = connect_tcp(f);
    int local = connect_unix(f);
    assert_int_equal(task_spawn(f->loop, "look", look_task, f, NULL), 0);
    assert_int_equal(loop_run_until_idle(f->loop), 0);
    assert_int_equal(f->accepted, 0);
    assert_int_equal(listener_accept(f->listener), 0);
    await_accepted(f, 2);
    close(tcp);
    close(local);
}

static void without_room_it_waits_and_then_goes_on(void **state)
{
    struct fixture *f = *state;
    int clients[8];

    f->room = 3;
    open_listener(f, "127.0.0.1", "");
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        clients[i] = connect_tcp(f);
    }
    await_accepted(f, 3);
    f->room = 5;
    await_accepted(f, 5);
    f->room = 0;
    await_accepted(f, ARRAY_LEN(clients));
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        close(clients[i]);
    }
}

static void without_memory_it_does_not_open(void **state)
{
    struct fixture *f = *state;

    for (uint64_t n = 1; f->listener == NULL; n++) {
        mem_fail_at(n, false);
        int r = try_open(f, "127.0.0.1", 0, f->folder, &f->listener);
        bool hit = mem_fail_hit();
        mem_fail_at(0, false);
        assert_int_equal(r, hit ? -ENOMEM : 0);
        assert_true(n < 100);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(clients_of_both_kinds_come_with_their_sockets_set),
        TEST(the_addresses_are_described_as_connection_strings),
        TEST(a_name_of_several_addresses_needs_one_that_the_machine_has),
        TEST(one_address_too_many_is_refused),
        TEST(a_unix_socket_alone_finds_a_free_port),
        TEST(a_port_in_use_is_an_error_that_names_it_and_leaves_nothing_open),
        TEST(a_free_port_is_free_at_all_addresses),
        TEST(an_address_that_is_none_is_an_error),
        TEST(a_socket_file_that_nobody_serves_is_replaced),
        TEST(a_socket_that_another_pondd_serves_is_left_alone),
        TEST(a_socket_that_another_server_serves_is_left_alone),
        TEST(a_path_too_long_for_a_socket_is_refused),
        TEST(out_of_descriptors_it_waits_and_then_goes_on),
        TEST(those_who_come_before_it_accepts_wait),
        TEST(without_room_it_waits_and_then_goes_on),
        TEST(without_memory_it_does_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
