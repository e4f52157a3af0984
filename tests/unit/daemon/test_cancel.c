/* Keys of CancelRequest. */
#include "daemon/cancel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct view secret_of(const struct cancel_key *key)
{
    return view_of(key->secret, sizeof(key->secret));
}

static void a_key_is_found_by_its_number_and_secret_only(void **state)
{
    struct cancel_keys keys = { 0 };
    struct cancel_key a = { 0 };
    struct cancel_key b = { 0 };
    int32_t next = 1;

    (void)state;
    assert_int_equal(cancel_key_add(&keys, &next, &a), 0);
    assert_int_equal(cancel_key_add(&keys, &next, &b), 0);
    assert_int_not_equal(a.pid, b.pid);
    assert_ptr_equal(cancel_key_find(&keys, a.pid, secret_of(&a)), &a);
    assert_ptr_equal(cancel_key_find(&keys, b.pid, secret_of(&b)), &b);
    assert_null(cancel_key_find(&keys, 77, secret_of(&a)));
    assert_null(cancel_key_find(&keys, a.pid, view_of(a.secret, 3)));
    a.secret[3] ^= 1;
    uint8_t nearly[cancel_key_bytes];
    memcpy(nearly, a.secret, sizeof(nearly));
    a.secret[3] ^= 1;
    assert_null(cancel_key_find(&keys, a.pid, view_of(nearly, sizeof(nearly))));
    cancel_key_remove(&a);
    assert_null(cancel_key_find(&keys, 1, secret_of(&a)));
    cancel_key_remove(&a);
    cancel_key_remove(&b);
}

static void numbers_in_use_are_passed_over_when_they_start_again(void **state)
{
    struct cancel_keys keys = { 0 };
    struct cancel_key a[3] = { 0 };
    int32_t next = INT32_MAX;

    (void)state;
    assert_int_equal(cancel_key_add(&keys, &next, &a[0]), 0);
    assert_int_equal(a[0].pid, INT32_MAX);
    assert_int_equal(cancel_key_add(&keys, &next, &a[1]), 0);
    assert_int_equal(a[1].pid, 1);
    next = INT32_MAX;
    assert_int_equal(cancel_key_add(&keys, &next, &a[2]), 0);
    assert_int_equal(a[2].pid, 2);
    assert_int_equal(next, 3);
    next = -5;
    cancel_key_remove(&a[1]);
    assert_int_equal(cancel_key_add(&keys, &next, &a[1]), 0);
    assert_int_equal(a[1].pid, 1);
}

static void a_key_without_a_number_is_nobodys(void **state)
{
    struct cancel_keys keys = { 0 };
    static const uint8_t zeros[cancel_key_bytes];

    (void)state;
    assert_null(cancel_key_find(&keys, 0, view_of(zeros, sizeof(zeros))));
    assert_null(cancel_key_find(&keys, -1, view_of(zeros, sizeof(zeros))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_found_by_its_number_and_secret_only),
        cmocka_unit_test(numbers_in_use_are_passed_over_when_they_start_again),
        cmocka_unit_test(a_key_without_a_number_is_nobodys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
