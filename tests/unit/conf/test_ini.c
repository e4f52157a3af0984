/* conf/ini.c */
#include "conf/ini.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Writes each item as "section|name|value|line;" */
static int note(void *arg, const struct ini_item *item, struct failure *ret_failure)
{
    (void)ret_failure;
    return buf_printf(arg, "%s|%s|%s|%u;", item->section, item->name == NULL ? "-" : item->name,
                      item->value == NULL ? "-" : item->value, item->line);
}

static int parse(const char *text, size_t len, char **ret_notes, struct failure *failure)
{
    struct buf notes;

    buf_init(&notes, 0);
    memset(failure, 0, sizeof(*failure));
    int r = ini_parse("f", view_of(text, len), note, &notes, failure);
    *ret_notes = buf_take_str(&notes);
    buf_finish(&notes);
    return r;
}

static void assert_notes(const char *text, const char *expected)
{
    cleanup(mem_freep) char *notes = NULL;
    struct failure failure;

    assert_int_equal(parse(text, strlen(text), &notes, &failure), 0);
    assert_string_equal(notes, expected);
}

static void assert_fails(const char *text, size_t len, const char *message)
{
    cleanup(mem_freep) char *notes = NULL;
    struct failure failure;

    assert_int_equal(parse(text, len, &notes, &failure), FAILED);
    assert_string_equal(failure_get(&failure, FIELD_MESSAGE), message);
}

static void sections_names_and_values_are_trimmed(void **state)
{
    (void)state;
    assert_notes("a=1\n[ x ]\n\t b = c d \r\n[y z]\nk=\n",
                 "|a|1|1;x|-|-|2;x|b|c d|3;y z|-|-|4;y z|k||5;");
}

static void comments_and_blank_lines_are_skipped(void **state)
{
    (void)state;
    assert_notes("; one\n\n  # two = 3\n \t\nv = 1 ; not a comment\n", "|v|1 ; not a comment|5;");
}

static void the_last_line_needs_no_end(void **state)
{
    (void)state;
    assert_notes("a=1\nb=2", "|a|1|1;|b|2|2;");
    assert_notes("", "");
}

static void a_line_that_makes_no_sense_is_named(void **state)
{
    (void)state;
    assert_fails("a=1\nnonsense\n", 13, "f:2: expected \"[section]\" or \"name = value\"");
    assert_fails("[open\n", 6, "f:1: expected \"]\" at the end of a section's line");
    assert_fails("[", 1, "f:1: expected \"]\" at the end of a section's line");
    assert_fails("[ ]", 3, "f:1: expected a name between \"[\" and \"]\"");
    assert_fails("\n = 1", 5, "f:2: expected a name before \"=\"");
    assert_fails("a=b\0c\n", 6, "f:1: the line holds a control character");
}

static void a_line_of_the_longest_length_is_kept_whole_and_one_more_refused(void **state)
{
    static char text[ini_line_bytes + 3];
    cleanup(mem_freep) char *notes = NULL;
    struct failure failure;

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, "a=", 2);
    assert_int_equal(parse(text, ini_line_bytes, &notes, &failure), 0);
    assert_int_equal(strlen(notes), ini_line_bytes - 2 + strlen("|a||1;"));
    assert_fails(text, ini_line_bytes + 1, "f:1: the line is longer than 1024 bytes");
    memset(text, '[', sizeof(text));
    text[ini_line_bytes] = ']';
    assert_fails(text, ini_line_bytes + 1, "f:1: the line is longer than 1024 bytes");
}

static void what_the_taker_says_ends_the_parse(void **state)
{
    struct buf small;

    (void)state;
    buf_init(&small, 8);
    assert_int_equal(ini_parse("f", view_of_str("a=1\nb=2\n"), note, &small, NULL), BUF_FULL);
    assert_int_equal(small.len, strlen("|a|1|1;"));
    buf_finish(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_names_and_values_are_trimmed),
        cmocka_unit_test(comments_and_blank_lines_are_skipped),
        cmocka_unit_test(the_last_line_needs_no_end),
        cmocka_unit_test(a_line_that_makes_no_sense_is_named),
        cmocka_unit_test(a_line_of_the_longest_length_is_kept_whole_and_one_more_refused),
        cmocka_unit_test(what_the_taker_says_ends_the_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
