/* sql/regex_posix.c */
#include "sql/regex_posix.h"

#include "base/alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_posix(const char *pattern, const char *expected)
{
    cleanup(buf_finish) struct buf out = { 0 };

    assert_int_equal(regex_to_posix(view_of_str(pattern), &out), 0);
    assert_string_equal(out.data, expected);
    assert_int_equal(out.len, strlen(expected) + 1);
}

static void check_similar(const char *pattern, int escape, const char *expected)
{
    cleanup(buf_finish) struct buf out = { 0 };

    assert_int_equal(regex_similar_to_posix(view_of_str(pattern), escape, &out), 0);
    assert_true(view_equal_str(buf_view(&out), expected));
}

static void shorthands_are_written_out(void **state)
{
    (void)state;
    check_posix("", "");
    check_posix("^a.c+$", "^a.c+$");
    check_posix("\\d\\D\\w\\s", "[0-9][^0-9]\\w\\s");
    check_posix("\\mone\\M\\y\\Y\\Atwo\\Z", "\\<one\\>\\b\\B^two$");
    check_posix("a\\n\\t\\rb", "a\n\t\rb");
    check_posix("\\.\\\\", "\\.\\\\");
    check_posix("(?:ab)+(c)", "(ab)+(c)");
}

static void inside_of_brackets_they_are_sets(void **state)
{
    (void)state;
    check_posix("[\\d_][\\w\\s]", "[0-9_][[:alnum:]_[:space:]]");
    check_posix("[(?:]", "[(?:]");
    check_posix("[]\\d]\\d", "[]0-9][0-9]");
    check_posix("[^]\\d]\\d", "[^]0-9][0-9]");
}

static void what_is_escaped_in_brackets_is_a_letter(void **state)
{
    (void)state;
    check_posix("[a\\]b]", "[a[.].]b]");
    check_posix("[a\\-z]", "[a[.-.]z]");
    check_posix("[\\^a]", "[[.^.]a]");
    check_posix("[\\[]\\d", "[[.[.]][0-9]");
    check_posix("[\\\\x\\n]", "[\\x\n]");
}

static void a_class_in_brackets_does_not_end_them(void **state)
{
    (void)state;
    check_posix("[[:alpha:]\\d]\\d", "[[:alpha:]0-9][0-9]");
    check_posix("[[.].]\\w]\\d", "[[.].][:alnum:]_][0-9]");
    check_posix("[a[]\\d", "[a[][0-9]");
    check_posix("[[:alpha", "[[:alpha");
}

static void what_brackets_cannot_say_is_told(void **state)
{
    static const char *const patterns[] = { "[\\D]", "[a\\W]", "[^\\S]" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        cleanup(buf_finish) struct buf out = { 0 };

        assert_int_equal(regex_to_posix(view_of_str(patterns[i]), &out), REGEX_NOT_IN_SET);
    }
}

/* What is cut off is the library's to refuse. */
static void one_that_is_cut_off_stays_so(void **state)
{
    (void)state;
    check_posix("a\\", "a\\");
    check_posix("(?", "(?");
    check_posix("[a", "[a");
}

static void similar_to_matches_all_of_a_text(void **state)
{
    (void)state;
    check_similar("", '\\', "^()$");
    check_similar("a%b_", '\\', "^(a.*b.)$");
    check_similar("(a|b)+", '\\', "^((a|b)+)$");
    check_similar(".^$", '\\', "^(\\.\\^\\$)$");
    check_similar("10!%", '!', "^(10\\%)$");
    check_similar("a\\b", 0, "^(a\\\\b)$");
    check_similar("a!", '!', "^(a!)$");
}

static void one_too_long_for_its_room_is_refused(void **state)
{
    cleanup(buf_finish) struct buf out = { .max = 4 };

    (void)state;
    assert_int_equal(regex_to_posix(view_of_str("\\d"), &out), BUF_FULL);
    buf_clear(&out);
    assert_int_equal(regex_similar_to_posix(view_of_str("a%"), '\\', &out), BUF_FULL);
}

static void without_memory_there_is_none(void **state)
{
    cleanup(buf_finish) struct buf out = { 0 };

    (void)state;
    mem_fail_at(1, true);
    assert_int_equal(regex_to_posix(view_of_str("a"), &out), -ENOMEM);
    assert_int_equal(regex_similar_to_posix(view_of_str("a"), '\\', &out), -ENOMEM);
    mem_fail_at(0, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shorthands_are_written_out),
        cmocka_unit_test(inside_of_brackets_they_are_sets),
        cmocka_unit_test(what_is_escaped_in_brackets_is_a_letter),
        cmocka_unit_test(a_class_in_brackets_does_not_end_them),
        cmocka_unit_test(what_brackets_cannot_say_is_told),
        cmocka_unit_test(one_that_is_cut_off_stays_so),
        cmocka_unit_test(similar_to_matches_all_of_a_text),
        cmocka_unit_test(one_too_long_for_its_room_is_refused),
        cmocka_unit_test(without_memory_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
