/* Names and values in one buffer. */
#include "support.h"

#include "client/pairs.h"

#include <string.h>

static int set(struct buf *pairs, const char *name, const char *value)
{
    return pairs_set(pairs, view_of_str(name), view_of_str(value));
}

static void a_value_is_found_by_its_whole_name(void **state)
{
    struct buf pairs = { 0 };

    (void)state;
    assert_null(pairs_find(&pairs, "a"));
    assert_int_equal(set(&pairs, "ab", "1"), 0);
    assert_int_equal(set(&pairs, "a", ""), 0);
    assert_int_equal(set(&pairs, "1", "ab"), 0);
    assert_string_equal(pairs_find(&pairs, "ab"), "1");
    assert_string_equal(pairs_find(&pairs, "a"), "");
    assert_string_equal(pairs_find(&pairs, "1"), "ab");
    assert_null(pairs_find(&pairs, "abc"));
    buf_finish(&pairs);
}

static void a_new_value_replaces_the_old_one(void **state)
{
    struct buf pairs = { 0 };

    (void)state;
    assert_int_equal(set(&pairs, "a", "first"), 0);
    assert_int_equal(set(&pairs, "b", "other"), 0);
    assert_int_equal(set(&pairs, "a", "x"), 0);
    assert_string_equal(pairs_find(&pairs, "a"), "x");
    assert_string_equal(pairs_find(&pairs, "b"), "other");
    assert_int_equal(pairs.len, strlen("a.x.b.other."));
    buf_finish(&pairs);
}

static void what_does_not_fit_leaves_the_others(void **state)
{
    struct buf pairs = { .max = 8 };

    (void)state;
    assert_int_equal(set(&pairs, "a", "1"), 0);
    assert_int_equal(set(&pairs, "b", "1234567"), BUF_FULL);
    assert_null(pairs_find(&pairs, "b"));
    assert_string_equal(pairs_find(&pairs, "a"), "1");
    buf_finish(&pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_found_by_its_whole_name),
        cmocka_unit_test(a_new_value_replaces_the_old_one),
        cmocka_unit_test(what_does_not_fit_leaves_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
