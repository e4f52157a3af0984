#include "daemon/crowd.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

/* A connection whose server side sees that address at its other end. */
static void connect_from(int family, const char *from, int ends[2])
{
    struct sockaddr_in6 any6 = { .sin6_family = AF_INET6 };
    struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_in me4 = { .sin_family = AF_INET };
    int listener = socket(family, SOCK_STREAM, 0);
    int off = 0;

    if (family == AF_INET6) {
        setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
        assert_int_equal(bind(listener, (struct sockaddr *)&any6, sizeof(any6)), 0);
    } else {
        assert_int_equal(bind(listener, (struct sockaddr *)&to4, sizeof(to4)), 0);
    }
    assert_int_equal(listen(listener, 1), 0);
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    to4.sin_port = family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                      : ((struct sockaddr_in *)&at)->sin_port;
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(inet_pton(AF_INET, from, &me4.sin_addr), 1);
    assert_int_equal(bind(ends[0], (struct sockaddr *)&me4, sizeof(me4)), 0);
    assert_int_equal(connect(ends[0], (struct sockaddr *)&to4, sizeof(to4)), 0);
    ends[1] = accept(listener, NULL, NULL);
    assert_true(ends[1] >= 0);
    close(listener);
}

static void hang_up(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

static void each_address_has_its_own_limit(void **state)
{
    struct crowd *crowd;
    struct crowd_place *places[3] = { NULL };
    int a[2];
    int b[2];

    (void)state;
    assert_int_equal(crowd_create(&crowd), 0);
    connect_from(AF_INET, "127.0.0.1", a);
    connect_from(AF_INET, "127.0.0.2", b);
    assert_int_equal(crowd_enter(crowd, a[1], 2, &places[0]), 0);
    assert_int_equal(crowd_enter(crowd, a[1], 2, &places[1]), 0);
    assert_int_equal(crowd_enter(crowd, a[1], 2, &places[2]), CROWD_FULL);
    assert_null(places[2]);
    assert_int_equal(crowd_enter(crowd, b[1], 2, &places[2]), 0);
    crowd_leave(crowd, places[0]);
    assert_int_equal(crowd_enter(crowd, a[1], 2, &places[0]), 0);
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        crowd_leave(crowd, places[i]);
    }
    crowd_leave(crowd, NULL);
    crowd_destroy(crowd);
    hang_up(a);
    hang_up(b);
}

static void one_that_comes_by_ipv6_is_the_same(void **state)
{
    struct crowd *crowd;
    struct crowd_place *place = NULL;
    struct crowd_place *other = NULL;
    int probe = socket(AF_INET6, SOCK_STREAM, 0);
    int a[2];
    int b[2];

    (void)state;
    if (probe < 0) {
        skip();
    }
    close(probe);
    assert_int_equal(crowd_create(&crowd), 0);
    connect_from(AF_INET, "127.0.0.1", a);
    connect_from(AF_INET6, "127.0.0.1", b);
    assert_int_equal(crowd_enter(crowd, a[1], 1, &place), 0);
    assert_int_equal(crowd_enter(crowd, b[1], 1, &other), CROWD_FULL);
    crowd_leave(crowd, place);
    crowd_destroy(crowd);
    hang_up(a);
    hang_up(b);
}

static void one_who_has_gone_again_is_nobody(void **state)
{
    struct crowd *crowd;
    struct crowd_place *place = NULL;

    (void)state;
    assert_int_equal(crowd_create(&crowd), 0);
    assert_int_equal(crowd_enter(crowd, -1, 1, &place), -EBADF);
    assert_null(place);
    crowd_destroy(crowd);
    crowd_destroy(NULL);
}

static void without_memory_nobody_is_counted(void **state)
{
    struct crowd *crowd;
    struct crowd_place *place = NULL;
    int a[2];

    (void)state;
    mem_fail_at(1, false);
    assert_int_equal(crowd_create(&crowd), -ENOMEM);
    mem_fail_at(0, false);
    assert_int_equal(crowd_create(&crowd), 0);
    connect_from(AF_INET, "127.0.0.1", a);
    mem_fail_at(1, false);
    assert_int_equal(crowd_enter(crowd, a[1], 1, &place), -ENOMEM);
    mem_fail_at(0, false);
    assert_int_equal(crowd_enter(crowd, a[1], 1, &place), 0);
    crowd_leave(crowd, place);
    crowd_destroy(crowd);
    hang_up(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_has_its_own_limit),
        cmocka_unit_test(one_that_comes_by_ipv6_is_the_same),
        cmocka_unit_test(one_who_has_gone_again_is_nobody),
        cmocka_unit_test(without_memory_nobody_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
