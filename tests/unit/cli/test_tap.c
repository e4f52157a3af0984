/* TAP: numbers, escapes, and what is quoted of a file. */
#include "client/cli/tap.h"

#include "base/alloc.h"
#include "base/fd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static struct output out;
static struct tap tap;

static int begin(void **state)
{
    (void)state;
    output_init(&out, memfd_create("tap", MFD_CLOEXEC), "a file");
    tap_begin(&tap, &out, 3);
    return 0;
}

static int end(void **state)
{
    (void)state;
    close(out.fd);
    return 0;
}

/* All that was written behind the first two lines; to be freed. */
static char *written(void)
{
    static const char first[] = "TAP version 13\n1..3\n";
    char *text = calloc(1, 1 << 20);

    output_flush(&out);
    assert_true(pread(out.fd, text, (1 << 20) - 1, 0) > 0);
    assert_memory_equal(text, first, strlen(first));
    memmove(text, text + strlen(first), strlen(text + strlen(first)) + 1);
    return text;
}

static void check(const char *expected)
{
    char *text = written();

    assert_string_equal(text, expected);
    free(text);
}

static void tests_are_numbered_and_counted(void **state)
{
    (void)state;
    tap_test(&tap, true, "a");
    tap_test(&tap, false, "b c");
    tap_test(&tap, true, "");
    assert_int_equal(tap.number, 3);
    assert_int_equal(tap.failed, 1);
    check("ok 1 - a\nnot ok 2 - b c\nok 3 - \n");
}

static void a_description_stays_one_and_on_its_line(void **state)
{
    (void)state;
    tap_test(&tap, true, "x # TODO \\ \n\t\x7f \xc3\xbc");
    tap_bail_out(&tap, "a\nb");
    check("ok 1 - x \\# TODO \\\\ ??? \xc3\xbc\nBail out! a?b\n");
}

static void each_line_of_a_note_is_one(void **state)
{
    (void)state;
    tap_note(&tap, "%d\n%s", 1, "two");
    check("# 1\n# two\n");
}

static void a_file_is_quoted_with_or_without_its_last_newline(void **state)
{
    cleanup(fd_closep) int fd = memfd_create("quoted", MFD_CLOEXEC);

    (void)state;
    tap_file(&tap, fd);
    assert_int_equal(write(fd, "a\n\nb", 4), 4);
    tap_file(&tap, fd);
    assert_int_equal(write(fd, "\n", 1), 1);
    tap_file(&tap, fd);
    check("# a\n# \n# b\n# a\n# \n# b\n");
}

static void of_a_long_file_the_end_is_quoted(void **state)
{
    cleanup(fd_closep) int fd = memfd_create("quoted", MFD_CLOEXEC);

    (void)state;
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(dprintf(fd, "line %4d\n", i), 10);
    }
    tap_file(&tap, fd);
    char *text = written();
    assert_ptr_equal(strstr(text, "# [the first 34464 bytes are left out]\n"), text);
    assert_null(strstr(text, "line 3445\n"));
    assert_non_null(strstr(text, "# line 3447\n"));
    assert_string_equal(text + strlen(text) - 12, "# line 9999\n");
    free(text);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(tests_are_numbered_and_counted),
        test(a_description_stays_one_and_on_its_line),
        test(each_line_of_a_note_is_one),
        test(a_file_is_quoted_with_or_without_its_last_newline),
        test(of_a_long_file_the_end_is_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
