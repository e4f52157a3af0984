/* The progress line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "client/cli/progress.h"

static const char *line_of(enum progress_unit unit, uint64_t done, uint64_t total, int64_t ms)
{
    static char line[progress_line_bytes];

    progress_write(line, unit, done, total, ms);
    return line;
}

static void rows_are_counted_with_commas(void **state)
{
    (void)state;
    assert_string_equal(line_of(PROGRESS_ROWS, 0, 0, 1000), "0 rows in 1 s");
    assert_string_equal(line_of(PROGRESS_ROWS, 999, 0, 1999), "999 rows in 1 s");
    assert_string_equal(line_of(PROGRESS_ROWS, 1000, 1234567, 60000),
                        "1,000 of 1,234,567 rows in 60 s");
    assert_string_equal(line_of(PROGRESS_ROWS, UINT64_MAX, UINT64_MAX, INT64_MAX),
                        "18,446,744,073,709,551,615 of 18,446,744,073,709,551,615 rows in "
                        "9223372036854775 s");
}

static void bytes_are_megabytes(void **state)
{
    (void)state;
    assert_string_equal(line_of(PROGRESS_BYTES, 12345678, 0, 2000), "12.3 MB in 2 s");
    assert_string_equal(line_of(PROGRESS_BYTES, 0, 45600000, 2000), "0.0 of 45.6 MB in 2 s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_counted_with_commas),
        cmocka_unit_test(bytes_are_megabytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
