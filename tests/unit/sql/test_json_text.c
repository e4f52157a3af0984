/* JSON is walked over as text. */
#include "sql/json_text.h"

#include "base/alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char object[] =
    " { \"a\" : [1, {\"b\": \"]\"}, -2.5e3] , \"q\\\"\\u00e4\\ud83d\\ude00\":null,\"a\":\"\\n\" } ";

static void assert_view(struct view found, const char *wanted)
{
    assert_int_equal(found.len, strlen(wanted));
    assert_memory_equal(found.data, wanted, found.len);
}

static void members_are_found_and_the_last_of_several_counts(void **state)
{
    struct view json = view_of_str(object), value;

    (void)state;
    assert_true(json_get_key(json, view_of_str("a"), &value));
    assert_view(value, "\"\\n\"");
    assert_true(json_get_key(json, view_of_str("q\"ä😀"), &value));
    assert_view(value, "null");
    assert_false(json_get_key(json, view_of_str("b"), &value));
    assert_false(json_get_key(view_of_str("[1]"), view_of_str("b"), &value));
    assert_false(json_get_key(view_of_str(""), view_of_str("b"), &value));
}

static void items_are_counted_from_both_ends(void **state)
{
    struct view json = view_of_str("[1, {\"b\": \"]\"}, -2.5e3]"), value;

    (void)state;
    assert_int_equal(json_array_length(json), 3);
    assert_int_equal(json_array_length(view_of_str("[]")), 0);
    assert_int_equal(json_array_length(view_of_str("{}")), -1);
    assert_true(json_get_index(json, 1, &value));
    assert_view(value, "{\"b\": \"]\"}");
    assert_true(json_get_index(json, -1, &value));
    assert_view(value, "-2.5e3");
    assert_false(json_get_index(json, 3, &value));
    assert_false(json_get_index(json, -4, &value));
}

/* No text's end is passed, wherever it is. */
static void cut_off_texts_end_where_they_end(void **state)
{
    (void)state;
    for (size_t len = 1; len < sizeof(object); len++) {
        uint8_t *copy = mem_alloc(len);
        struct view json = view_of(copy, len), name, value;

        memcpy(copy, object, len);
        (void)json_get_key(json, view_of_str("a"), &value);
        (void)json_get_index(json, 0, &value);
        if (json_open(&json, '{')) {
            while (json_next_member(&json, &name, &value)) {
                assert_true(name.data + name.len <= copy + len);
            }
        }
        mem_free(copy);
    }
}

static void strings_need_memory_and_room(void **state)
{
    struct buf full = { .max = 2 };
    struct buf out = { 0 };

    (void)state;
    assert_int_equal(json_unquote(view_of_str("\"abc\""), &full), BUF_FULL);
    buf_finish(&full);
    (void)mem_fail_at(1, false);
    assert_int_equal(json_unquote(view_of_str("\"abc\""), &out), -ENOMEM);
    (void)mem_fail_at(0, false);
    assert_int_equal(json_unquote(view_of_str("\"a\\tb\\/\""), &out), 0);
    assert_view(buf_view(&out), "a\tb/");
    buf_finish(&out);
}

/* To compare is no reason to run out of memory: that would be the answer "there is none". */
static void names_and_strings_are_compared_without_memory(void **state)
{
    struct view json = view_of_str(object), value;

    (void)state;
    (void)mem_fail_at(1, true);
    assert_true(json_get_key(json, view_of_str("q\"ä😀"), &value));
    assert_true(json_get_member(json, view_of_str("\"q\\u0022\\u00E4😀\""), &value));
    assert_false(json_get_member(json, view_of_str("\"q\""), &value));
    assert_true(json_string_is(view_of_str("\"\\/a\""), view_of_str("/a")));
    assert_false(json_string_is(view_of_str("\"ab\""), view_of_str("a")));
    assert_false(json_string_is(view_of_str("\"a\""), view_of_str("ab")));
    assert_true(json_strings_equal(view_of_str("\"\\u00e4\""), view_of_str("\"ä\"")));
    assert_true(json_strings_equal(view_of_str("\"\""), view_of_str("\"\"")));
    assert_false(json_strings_equal(view_of_str("\"\""), view_of_str("\"\\u0000\"")));
    (void)mem_fail_at(0, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_and_the_last_of_several_counts),
        cmocka_unit_test(items_are_counted_from_both_ends),
        cmocka_unit_test(cut_off_texts_end_where_they_end),
        cmocka_unit_test(strings_need_memory_and_room),
        cmocka_unit_test(names_and_strings_are_compared_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
