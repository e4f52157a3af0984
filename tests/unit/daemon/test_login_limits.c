#include "daemon/login_limits.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct login_limits *limits;

static int setup(void **state)
{
    (void)state;
    limits = calloc(1, sizeof(*limits));
    login_limits_init(limits);
    return limits == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    login_limits_finish(limits);
    free(limits);
    return 0;
}

static struct login_key address(const char *text)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

    if (strchr(text, ':') == NULL) {
        assert_int_equal(inet_pton(AF_INET, text, &in.sin_addr), 1);
        return login_key_of_address((struct sockaddr *)&in);
    }
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return login_key_of_address((struct sockaddr *)&in6);
}

static bool allowed(struct login_key key, int64_t now_us)
{
    return login_limits_allow(limits, &key, 3, now_us);
}

static void fail_times(struct login_key key, int times, int64_t now_us)
{
    for (int i = 0; i < times; i++) {
        login_limits_count(limits, &key, now_us);
    }
}

static void the_limit_is_reached_and_the_window_ends(void **state)
{
    struct login_key key = address("10.0.0.1");

    (void)state;
    assert_true(allowed(key, 0));
    fail_times(key, 2, 1000);
    assert_true(allowed(key, 2000));
    fail_times(key, 1, 3000);
    assert_false(allowed(key, 3000));
    fail_times(key, 100, 4000); /* does not begin anew */
    assert_false(allowed(key, 1000 + login_limit_window_us - 1));
    assert_true(allowed(key, 1000 + login_limit_window_us));
    fail_times(key, 1, 1000 + login_limit_window_us);
    assert_true(allowed(key, 1000 + login_limit_window_us));
}

static void without_a_limit_all_may_try(void **state)
{
    struct login_key key = address("10.0.0.1");

    (void)state;
    fail_times(key, 1000, 0);
    assert_true(login_limits_allow(limits, &key, 0, 0));
    assert_false(login_limits_allow(limits, &key, 1000, 0));
    assert_true(login_limits_allow(limits, &key, 1001, 0));
}

static void addresses_networks_and_users_are_told_apart(void **state)
{
    (void)state;
    fail_times(address("10.0.0.1"), 3, 0);
    fail_times(address("2001:db8:1:2:3::4"), 3, 0);
    fail_times(login_key_of_uid(1000), 3, 0);
    assert_false(allowed(address("10.0.0.1"), 0));
    assert_true(allowed(address("10.0.0.2"), 0));
    assert_false(allowed(address("2001:db8:1:2:ffff::1"), 0)); /* the same network */
    assert_true(allowed(address("2001:db8:1:3:3::4"), 0));
    assert_false(allowed(login_key_of_uid(1000), 0));
    assert_true(allowed(login_key_of_uid(1001), 0));
    assert_true(allowed(login_key_of_uid(0), 0));
}

static void more_than_there_is_room_for_forget_the_oldest(void **state)
{
    struct in_addr in;
    char text[INET_ADDRSTRLEN];

    (void)state;
    for (uint32_t i = 0; i < 10 * login_limit_sets * login_limit_ways; i++) {
        in.s_addr = htonl(0x0a000000 + i);
        inet_ntop(AF_INET, &in, text, sizeof(text));
        fail_times(address(text), 3, (int64_t)i);
    }
    assert_false(allowed(address(text), 20000)); /* the last one */
    assert_true(allowed(address("10.0.0.0"), 20000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_limit_is_reached_and_the_window_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_limit_all_may_try, setup, teardown),
        cmocka_unit_test_setup_teardown(addresses_networks_and_users_are_told_apart, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(more_than_there_is_room_for_forget_the_oldest, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
