/* What a suite runs: lines, and the words of commands. */
#include "client/cli/suite_item.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void lines_that_are_blank_are_left_out(void **state)
{
    char text[] = "one\n\n  \t\r\n two \nlast";
    size_t count = 99;
    char **lines = suite_lines(text, &count);

    (void)state;
    assert_int_equal(count, 3);
    assert_string_equal(lines[0], "one");
    assert_string_equal(lines[1], " two ");
    assert_string_equal(lines[2], "last");
    assert_null(lines[3]);
    mem_free(lines);
    lines = suite_lines((char[]){ "" }, &count);
    assert_int_equal(count, 0);
    assert_null(lines[0]);
    mem_free(lines);
}

static void check_words(char *const *command, const char *item, bool is_file,
                        const char *const *expected)
{
    char **words = suite_words(command, item, is_file);
    size_t i = 0;

    assert_non_null(words);
    for (; expected[i] != NULL; i++) {
        assert_non_null(words[i]);
        assert_string_equal(words[i], expected[i]);
    }
    assert_null(words[i]);
    mem_free(words);
}

#define WORDS(...)   ((const char *[]){ __VA_ARGS__, NULL })
#define COMMAND(...) ((char *[]){ __VA_ARGS__, NULL })

static void the_item_takes_the_place_of_braces_or_comes_last(void **state)
{
    (void)state;
    check_words(COMMAND("a", "b"), "x y", true, WORDS("a", "b", "x y"));
    check_words(COMMAND("a", "{}", "c{}d{}"), "x", false, WORDS("a", "x", "cxdx"));
    check_words(COMMAND("a"), "{}", false, WORDS("a", "{}"));
    check_words(COMMAND("{}{}"), "{}", false, WORDS("{}{}"));
    check_words(COMMAND("a", "", "{"), "", false, WORDS("a", "", "{", ""));
}

static void without_a_command_the_item_is_one(void **state)
{
    (void)state;
    check_words(NULL, "t.sh", true, WORDS("./t.sh"));
    check_words(COMMAND(NULL), "tests/t.sh", true, WORDS("tests/t.sh"));
    check_words(NULL, "/t.sh", true, WORDS("/t.sh"));
    check_words(NULL, "a && b", false, WORDS("sh", "-c", "a && b"));
}

static void without_memory_there_is_none(void **state)
{
    struct account account = { .limit = 1 };
    struct account *was = account_swap(&account);
    char text[] = "a\nb";
    size_t count;

    (void)state;
    assert_null(suite_lines(text, &count));
    assert_null(suite_words(COMMAND("a"), "b", false));
    assert_null(suite_words(NULL, "b", false));
    account_swap(was);
    account_finish(&account);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_are_blank_are_left_out),
        cmocka_unit_test(the_item_takes_the_place_of_braces_or_comes_last),
        cmocka_unit_test(without_a_command_the_item_is_one),
        cmocka_unit_test(without_memory_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
