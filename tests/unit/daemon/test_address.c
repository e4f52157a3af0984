/* daemon/address.c */
#include "daemon/address.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* A listening socket; -1: there is no IPv6 here. */
static int listen_on(int family, struct address *ret_at)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct address any = { .any.sa_family = (sa_family_t)family };
    int off = 0;

    if (fd < 0) {
        return -1;
    }
    if (family == AF_INET6) {
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), 0);
    }
    assert_int_equal(bind(fd, &any.any, sizeof(any)), 0);
    assert_int_equal(listen(fd, 1), 0);
    address_of_socket(fd, ret_at);
    return fd;
}

/* Who comes by IPv4 from that port; his own socket. */
static int come(const struct address *to, int32_t *ret_port)
{
    struct address at = { .in = { .sin_family = AF_INET, .sin_port = to->in.sin_port } };
    struct address me;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, &at.any, sizeof(at.in)), 0);
    address_of_socket(fd, &me);
    *ret_port = address_port(&me);
    return fd;
}

static void comes_and_is_known(int family)
{
    struct address at;
    struct address from;
    char room[address_text_bytes];
    int listener = listen_on(family, &at);
    int32_t port;

    if (listener < 0) {
        skip();
    }
    int client = come(&at, &port);
    int fd = address_accept(listener, &from);
    assert_true(fd >= 0);
    assert_string_equal(address_in_words(&from, room), "127.0.0.1");
    assert_int_equal(address_port(&from), port);
    assert_int_equal(from.any.sa_family, AF_INET);
    assert_false(address_is_unix(&from));
    close(fd);
    close(client);
    close(listener);
}

static void one_who_comes_by_tcp_is_known(void **state)
{
    (void)state;
    comes_and_is_known(AF_INET);
}

static void one_who_comes_to_a_socket_of_ipv6_is_of_ipv4(void **state)
{
    (void)state;
    comes_and_is_known(AF_INET6);
}

/* The kernel itself says nothing any more. */
static void one_who_has_left_before_he_is_accepted_is_known(void **state)
{
    struct linger reset = { .l_onoff = 1 };
    struct address at;
    struct address from;
    struct sockaddr_storage asked;
    socklen_t len = sizeof(asked);
    char room[address_text_bytes];
    int listener = listen_on(AF_INET, &at);
    int32_t port;
    int client = come(&at, &port);

    (void)state;
    assert_int_equal(setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    close(client);
    int fd = address_accept(listener, &from);
    assert_true(fd >= 0);
    assert_int_equal(getpeername(fd, (struct sockaddr *)&asked, &len), -1);
    assert_int_equal(errno, ENOTCONN);
    assert_string_equal(address_in_words(&from, room), "127.0.0.1");
    assert_int_equal(address_port(&from), port);
    close(fd);
    close(listener);
}

static void one_of_ipv6_has_its_words(void **state)
{
    const struct address a = { .in6 = { .sin6_family = AF_INET6,
                                        .sin6_port = htons(4711),
                                        .sin6_addr = IN6ADDR_LOOPBACK_INIT } };
    char room[address_text_bytes];

    (void)state;
    assert_string_equal(address_in_words(&a, room), "::1");
    assert_int_equal(address_port(&a), 4711);
}

/* His socket may have a name, longer than an address. */
static void one_by_a_unix_socket_is_local(void **state)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    struct sockaddr_un own = { .sun_family = AF_UNIX };
    socklen_t len = sizeof(name);
    struct address from;
    char room[address_text_bytes];
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    memset(own.sun_path + 1, 'x', sizeof(own.sun_path) - 1); /* abstract: no file */
    assert_int_equal(bind(listener, (struct sockaddr *)&name, sizeof(sa_family_t)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&name, &len), 0);
    assert_int_equal(bind(client, (struct sockaddr *)&own, sizeof(own)), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&name, len), 0);
    int fd = address_accept(listener, &from);
    assert_true(fd >= 0);
    assert_true(address_is_unix(&from));
    assert_true(address_is_unix(&address_local));
    assert_string_equal(address_in_words(&from, room), "[local]");
    assert_int_equal(address_port(&from), -1);
    close(fd);
    close(client);
    close(listener);
}

static void nobody_is_accepted_who_is_not_there(void **state)
{
    struct address at;
    struct address from = address_local;
    int listener = listen_on(AF_INET, &at);

    (void)state;
    assert_int_equal(address_accept(listener, &from), -EAGAIN);
    assert_true(address_is_unix(&from));
    close(listener);
    assert_int_equal(address_accept(-1, &from), -EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_who_comes_by_tcp_is_known),
        cmocka_unit_test(one_who_comes_to_a_socket_of_ipv6_is_of_ipv4),
        cmocka_unit_test(one_who_has_left_before_he_is_accepted_is_known),
        cmocka_unit_test(one_of_ipv6_has_its_words),
        cmocka_unit_test(one_by_a_unix_socket_is_local),
        cmocka_unit_test(nobody_is_accepted_who_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
