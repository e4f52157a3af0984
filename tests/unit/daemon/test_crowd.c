#include "daemon/crowd.h"

#include "base/alloc.h"
#include "daemon/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct address address_of(const char *ip)
{
    struct address a = { .any.sa_family = strchr(ip, ':') != NULL ? AF_INET6 : AF_INET };
    bool is_v6 = a.any.sa_family == AF_INET6;
    void *bytes = is_v6 ? (void *)&a.in6.sin6_addr : &a.in.sin_addr;

    assert_int_equal(inet_pton(a.any.sa_family, ip, bytes), 1);
    return a;
}

static void each_address_has_its_own_limit(void **state)
{
    struct crowd *crowd;
    struct crowd_place *places[3] = { NULL };
    struct address a = address_of("192.0.2.1");
    struct address b = address_of("192.0.2.2");

    (void)state;
    assert_int_equal(crowd_create(&crowd), 0);
    assert_int_equal(crowd_enter(crowd, &a, 2, &places[0]), 0);
    assert_int_equal(crowd_enter(crowd, &a, 2, &places[1]), 0);
    assert_int_equal(crowd_enter(crowd, &a, 2, &places[2]), CROWD_FULL);
    assert_null(places[2]);
    assert_int_equal(crowd_enter(crowd, &b, 2, &places[2]), 0);
    crowd_leave(crowd, places[0]);
    assert_int_equal(crowd_enter(crowd, &a, 2, &places[0]), 0);
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        crowd_leave(crowd, places[i]);
    }
    crowd_leave(crowd, NULL);
    crowd_destroy(crowd);
}

static void an_ipv6_address_is_another_and_a_port_is_not(void **state)
{
    struct crowd *crowd;
    struct crowd_place *place = NULL;
    struct crowd_place *other = NULL;
    struct address a = address_of("2001:db8::1");
    struct address b = address_of("2001:db8::2");

    (void)state;
    assert_int_equal(crowd_create(&crowd), 0);
    assert_int_equal(crowd_enter(crowd, &a, 1, &place), 0);
    a.in6.sin6_port = htons(4711);
    assert_int_equal(crowd_enter(crowd, &a, 1, &other), CROWD_FULL);
    assert_int_equal(crowd_enter(crowd, &b, 1, &other), 0);
    crowd_leave(crowd, place);
    crowd_leave(crowd, other);
    crowd_destroy(crowd);
    crowd_destroy(NULL);
}

static void without_memory_nobody_is_counted(void **state)
{
    struct crowd *crowd;
    struct crowd_place *place = NULL;
    struct address a = address_of("192.0.2.1");

    (void)state;
    mem_fail_at(1, false);
    assert_int_equal(crowd_create(&crowd), -ENOMEM);
    mem_fail_at(0, false);
    assert_int_equal(crowd_create(&crowd), 0);
    mem_fail_at(1, false);
    assert_int_equal(crowd_enter(crowd, &a, 1, &place), -ENOMEM);
    mem_fail_at(0, false);
    assert_int_equal(crowd_enter(crowd, &a, 1, &place), 0);
    crowd_leave(crowd, place);
    crowd_destroy(crowd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_has_its_own_limit),
        cmocka_unit_test(an_ipv6_address_is_another_and_a_port_is_not),
        cmocka_unit_test(without_memory_nobody_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
