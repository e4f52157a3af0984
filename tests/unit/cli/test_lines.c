/* A file, line by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "client/cli/lines.h"

static char path[] = "/tmp/pond-lines.XXXXXX";

static void put(const char *data, size_t len)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void assert_next(struct lines *lines, const char *expected)
{
    struct view line;

    assert_int_equal(lines_next(lines, &line), LINES_LINE);
    assert_int_equal(line.len, strlen(expected));
    assert_memory_equal(line.data, expected, line.len);
}

static void lines_come_with_their_ends(void **state)
{
    struct lines lines;
    struct view line;

    (void)state;
    put("one\n\nthree\r\nlast", 16);
    assert_int_equal(lines_open(&lines, path), 0);
    assert_next(&lines, "one\n");
    assert_next(&lines, "\n");
    assert_int_equal(lines.number, 2);
    assert_next(&lines, "three\r\n");
    assert_next(&lines, "last");
    assert_int_equal(lines_next(&lines, &line), 0);
    assert_int_equal(lines_next(&lines, &line), 0);
    assert_int_equal(lines.bytes, 16);
    lines_close(&lines);
    lines_close(&lines);
}

static void an_empty_file_has_none(void **state)
{
    struct lines lines;
    struct view line;

    (void)state;
    put("", 0);
    assert_int_equal(lines_open(&lines, path), 0);
    assert_int_equal(lines_peek(&lines, 16, &line), 0);
    assert_int_equal(line.len, 0);
    assert_int_equal(lines_next(&lines, &line), 0);
    lines_close(&lines);
}

static void a_peek_takes_nothing(void **state)
{
    struct lines lines;
    struct view bytes;

    (void)state;
    put("SQLite\nformat", 13);
    assert_int_equal(lines_open(&lines, path), 0);
    assert_int_equal(lines_peek(&lines, 6, &bytes), 0);
    assert_int_equal(bytes.len, 6);
    assert_memory_equal(bytes.data, "SQLite", 6);
    assert_int_equal(lines_peek(&lines, 100, &bytes), 0);
    assert_int_equal(bytes.len, 13);
    assert_next(&lines, "SQLite\n");
    lines_close(&lines);
}

/* Longer than a piece, and pieces that end inside of lines. */
static void long_lines_come_whole(void **state)
{
    enum { bytes = 300 * 1000, count = 3 };
    char *text = mem_alloc(bytes * count + 1);
    struct lines lines;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', bytes * count);
    for (int i = 1; i <= count; i++) {
        text[i * bytes - 1] = '\n';
    }
    put(text, bytes * count);
    text[bytes] = '\0';
    assert_int_equal(lines_open(&lines, path), 0);
    for (int i = 0; i < count; i++) {
        assert_next(&lines, text);
    }
    assert_in_range(lines.data.cap, bytes, 4 * bytes);
    lines_close(&lines);
    mem_free(text);
}

static void what_cannot_be_read_is_told(void **state)
{
    struct lines lines;
    struct view line;

    (void)state;
    assert_int_not_equal(lines_open(&lines, "/nowhere/at all"), 0);
    lines_close(&lines);
    assert_int_equal(lines_open(&lines, "/"), 0);
    assert_true(lines_next(&lines, &line) < 0);
    lines_close(&lines);
    put("x\n", 2);
    assert_int_equal(lines_open(&lines, path), 0);
    mem_fail_at(1, false);
    assert_true(lines_next(&lines, &line) < 0);
    mem_fail_at(0, false);
    lines_close(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_with_their_ends),  cmocka_unit_test(an_empty_file_has_none),
        cmocka_unit_test(a_peek_takes_nothing),        cmocka_unit_test(long_lines_come_whole),
        cmocka_unit_test(what_cannot_be_read_is_told),
    };
    int fd = mkstemp(path);

    close(fd);
    int r = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return r;
}
