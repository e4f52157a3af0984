/* daemon/manager_socket.c */
#include "daemon/manager_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A manager that listens at a name that is in no folder, and that the kernel found for it: a number
 * of our own may be another's, whose processes are counted apart. */
struct fixture {
    int fd;
    struct manager_socket sock;
    char note[64];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    socklen_t len = sizeof(address);
    char name[64];

    *state = f;
    f->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (bind(f->fd, (const struct sockaddr *)&address, sizeof(sa_family_t)) != 0 ||
        getsockname(f->fd, (struct sockaddr *)&address, &len) != 0) {
        return -1;
    }
    len -= (socklen_t)offsetof(struct sockaddr_un, sun_path) + 1;
    snprintf(name, sizeof(name), "@%.*s", (int)len, address.sun_path + 1);
    setenv("NOTIFY_SOCKET", name, 1);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    manager_socket_close(&f->sock);
    close(f->fd);
    unsetenv("NOTIFY_SOCKET");
    free(f);
    return 0;
}

/* The next note, or "". */
static const char *note(struct fixture *f)
{
    ssize_t n = recv(f->fd, f->note, sizeof(f->note) - 1, 0);

    f->note[n < 0 ? 0 : n] = '\0';
    return f->note;
}

static void a_note_is_a_datagram(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(manager_socket_open(&f->sock), 0);
    assert_int_equal(manager_socket_send(&f->sock, "READY=1\nSTATUS=well"), 0);
    assert_int_equal(manager_socket_send(&f->sock, "STOPPING=1"), 0);
    assert_string_equal(note(f), "READY=1\nSTATUS=well");
    assert_string_equal(note(f), "STOPPING=1");
}

static void a_manager_that_does_not_read_is_not_waited_for(void **state)
{
    struct fixture *f = *state;
    int count = 0;
    int r;

    assert_int_equal(manager_socket_open(&f->sock), 0);
    while ((r = manager_socket_send(&f->sock, "X=1")) == 0) {
        count++;
    }
    assert_int_equal(r, -EAGAIN);
    while (*note(f) != '\0') {
        count--;
    }
    assert_int_equal(count, 0);
    assert_int_equal(manager_socket_send(&f->sock, "X=2"), 0);
    assert_string_equal(note(f), "X=2");
}

static void one_that_has_gone_wants_nothing(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(manager_socket_open(&f->sock), 0);
    close(f->fd);
    assert_int_equal(manager_socket_send(&f->sock, "X=1"), 0);
    f->fd = -1;
}

static void without_a_manager_nobody_is_told(void **state)
{
    struct fixture *f = *state;
    char path[200];

    memset(path, '/', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    const char *const names[] = { "", "/", "relative", "vsock:2:1234", path };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        assert_int_equal(manager_socket_open(&f->sock), 0);
        assert_int_equal(f->sock.address_len, 0);
        assert_int_equal(manager_socket_send(&f->sock, "X=1"), 0);
    }
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(manager_socket_open(&f->sock), 0);
    assert_int_equal(manager_socket_send(&f->sock, "X=1"), 0);
    assert_string_equal(note(f), "");
}

static void one_that_was_not_opened_may_be_closed(void **state)
{
    struct manager_socket sock = { 0 };

    (void)state;
    manager_socket_close(&sock);
    assert_int_not_equal(fcntl(0, F_GETFD), -1); /* its zero is no descriptor */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_note_is_a_datagram),
        TEST(a_manager_that_does_not_read_is_not_waited_for),
        TEST(one_that_has_gone_wants_nothing),
        TEST(without_a_manager_nobody_is_told),
        TEST(one_that_was_not_opened_may_be_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
