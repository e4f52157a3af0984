#include "daemon/printer.h"

#include "base/alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct page {
    struct buf buf;
    struct printer printer;
};

static int setup(void **state)
{
    struct page *page = calloc(1, sizeof(*page));

    buf_init(&page->buf, 1000);
    page->printer.out = &page->buf;
    *state = page;
    return 0;
}

static int teardown(void **state)
{
    struct page *page = *state;

    buf_finish(&page->buf);
    free(page);
    return 0;
}

#define assert_printed(page, text)                                    \
    do {                                                              \
        assert_int_equal((page)->printer.result, 0);                  \
        assert_int_equal((page)->buf.len, strlen(text));              \
        assert_memory_equal((page)->buf.data, text, (page)->buf.len); \
        buf_clear(&(page)->buf);                                      \
    } while (0)

static void texts_and_numbers_follow_each_other(void **state)
{
    struct page *page = *state;

    print_text(&page->printer, "a");
    printf_to(&page->printer, "%d-%s", 1, "b");
    print_text(&page->printer, "");
    assert_printed(page, "a1-b");
}

static void microseconds_become_seconds(void **state)
{
    static const struct {
        uint64_t us;
        const char *text;
    } times[] = { { 0, "0.000000" },
                  { 1, "0.000001" },
                  { 1500000, "1.500000" },
                  { UINT64_MAX, "18446744073709.551615" } };
    struct page *page = *state;

    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        print_seconds(&page->printer, times[i].us);
        assert_printed(page, times[i].text);
    }
}

static void nothing_ends_a_json_string_or_a_script_too_early(void **state)
{
    struct page *page = *state;
    static const char text[] = "a\"b\\c\n\t\x01\x7f</script>&\xc3\xa4\0z";

    print_json(&page->printer, view_of(text, sizeof(text) - 1));
    assert_printed(page,
                   "\"a\\\"b\\\\c\\u000a\\u0009\\u0001\\u007f\\u003c/script\\u003e\\u0026\xc3\xa4"
                   "\\u0000z\"");
    print_json(&page->printer, view_of_str(""));
    assert_printed(page, "\"\"");
}

static void a_label_is_quoted_as_prometheus_reads_it(void **state)
{
    struct page *page = *state;

    print_label(&page->printer, "a\"b\\c\nd\t<e>");
    assert_printed(page, "\"a\\\"b\\\\c\\nd\t<e>\"");
}

static void one_that_is_full_stays_so(void **state)
{
    struct page *page = *state;
    char many[900];

    memset(many, 'x', sizeof(many));
    print_json(&page->printer, view_of(many, sizeof(many)));
    print_json(&page->printer, view_of(many, sizeof(many)));
    assert_int_equal(page->printer.result, BUF_FULL);
    size_t len = page->buf.len;
    print_text(&page->printer, "y");
    printf_to(&page->printer, "%d", 1);
    assert_int_equal(page->buf.len, len);
    assert_int_equal(page->printer.result, BUF_FULL);
}

static void a_format_that_gives_too_much_is_not_cut_silently(void **state)
{
    struct page *page = *state;

    printf_to(&page->printer, "%300d", 1);
    assert_int_equal(page->printer.result, BUF_FULL);
    assert_int_equal(page->buf.len, 0);
}

static void no_memory_is_told(void **state)
{
    struct page *page = *state;

    mem_fail_at(1, true);
    print_text(&page->printer, "a");
    print_label(&page->printer, "b");
    mem_fail_at(0, false);
    assert_int_equal(page->printer.result, -ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(texts_and_numbers_follow_each_other, setup, teardown),
        cmocka_unit_test_setup_teardown(microseconds_become_seconds, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_ends_a_json_string_or_a_script_too_early, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_label_is_quoted_as_prometheus_reads_it, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_is_full_stays_so, setup, teardown),
        cmocka_unit_test_setup_teardown(a_format_that_gives_too_much_is_not_cut_silently, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(no_memory_is_told, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
