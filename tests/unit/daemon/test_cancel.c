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
    struct cancel_keys keys;
    struct cancel_key a = { 0 };
    struct cancel_key b = { 0 };

    (void)state;
    cancel_keys_init(&keys, 1, 1);
    assert_int_equal(cancel_key_add(&keys, &a), 0);
    assert_int_equal(cancel_key_add(&keys, &b), 0);
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
    struct cancel_keys keys;
    struct cancel_key a[3] = { 0 };

    (void)state;
    cancel_keys_init(&keys, 1, 1);
    keys.next_pid = INT32_MAX;
    assert_int_equal(cancel_key_add(&keys, &a[0]), 0);
    assert_int_equal(a[0].pid, INT32_MAX);
    assert_int_equal(cancel_key_add(&keys, &a[1]), 0);
    assert_int_equal(a[1].pid, 1);
    keys.next_pid = INT32_MAX;
    assert_int_equal(cancel_key_add(&keys, &a[2]), 0);
    assert_int_equal(a[2].pid, 2);
    assert_int_equal(keys.next_pid, 3);
}

static void a_key_without_a_number_is_nobodys(void **state)
{
    struct cancel_keys keys;
    static const uint8_t zeros[cancel_key_bytes];

    (void)state;
    cancel_keys_init(&keys, 1, 1);
    assert_null(cancel_key_find(&keys, 0, view_of(zeros, sizeof(zeros))));
    assert_null(cancel_key_find(&keys, -1, view_of(zeros, sizeof(zeros))));
}

static void tables_with_a_step_give_numbers_that_differ(void **state)
{
    struct cancel_keys keys;
    struct cancel_key a[3] = { 0 };

    (void)state;
    cancel_keys_init(&keys, 3, 4);
    for (size_t i = 0; i < ARRAY_LEN(a); i++) {
        assert_int_equal(cancel_key_add(&keys, &a[i]), 0);
        assert_int_equal(a[i].pid, 3 + 4 * i);
    }
    keys.next_pid = INT32_MAX - 4;
    cancel_key_remove(&a[1]);
    assert_int_equal(cancel_key_add(&keys, &a[1]), 0);
    assert_int_equal(a[1].pid, INT32_MAX - 4);
    cancel_key_remove(&a[2]);
    assert_int_equal(cancel_key_add(&keys, &a[2]), 0);
    assert_int_equal(keys.next_pid, 3);
    assert_int_equal(a[2].pid, INT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_with_a_step_give_numbers_that_differ),
        cmocka_unit_test(a_key_is_found_by_its_number_and_secret_only),
        cmocka_unit_test(numbers_in_use_are_passed_over_when_they_start_again),
        cmocka_unit_test(a_key_without_a_number_is_nobodys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
