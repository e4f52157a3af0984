/* Text as a terminal shows it. */
#include "support.h"

#include "client/cli/text.h"

#include <string.h>

static const char *shown(const char *s, size_t len, int most, int *ret_width)
{
    out_begin();
    *ret_width = text_put(&test_out, s, len, most);
    return out_text();
}

static void expect(const char *s, size_t len, int most, const char *expected, int width)
{
    int got;

    assert_string_equal(shown(s, len, most, &got), expected);
    assert_int_equal(got, width);
    if (most == 0) {
        assert_int_equal(text_width(s, len), width);
    }
}

#define expect_str(s, most, expected, width) expect(s, strlen(s), most, expected, width)

static int setup(void **state)
{
    (void)state;
    text_init();
    return 0;
}

static void widths_are_those_of_a_terminal(void **state)
{
    (void)state;
    expect_str("", 0, "", 0);
    expect_str("plain", 0, "plain", 5);
    expect_str("héllo", 0, "héllo", 5);
    expect_str("e\u0301", 0, "e\u0301", 1); /* combining */
    expect_str("漢字", 0, "漢字", 4);
    expect_str("ｆｕｌｌ", 0, "ｆｕｌｌ", 8);
    expect_str("😀", 0, "😀", 2);
    expect_str("한", 0, "한", 2);
}

static void what_a_terminal_would_obey_is_escaped(void **state)
{
    (void)state;
    expect_str("a\nb\tc\r\a\b\v\f", 0, "a\\nb\\tc\\r\\a\\b\\v\\f", 17);
    expect_str("\033[31m", 0, "\\x1b[31m", 8);
    expect_str("\x7f", 0, "\\x7f", 4);
    expect_str("\xc2\x85\xc2\x9b", 0, "\\u0085\\u009b", 12);
    expect_str("\u202ebad\u2066", 0, "\\u202ebad\\u2066", 15);
    expect("\0", 1, 0, "\\x00", 4);
    expect_str("\u0378\U0001fffe", 0, "\\u0378\\U0001fffe", 16); /* nobody has a picture of these */
}

static void what_is_not_utf8_is_escaped_byte_by_byte(void **state)
{
    (void)state;
    expect_str("\xff", 0, "\\xff", 4);
    expect_str("a\xc3", 0, "a\\xc3", 5);                           /* cut */
    expect_str("\xc0\x80", 0, "\\xc0\\x80", 8);                    /* too long a form */
    expect_str("\xed\xa0\x80", 0, "\\xed\\xa0\\x80", 12);          /* a surrogate */
    expect_str("\xf4\x90\x80\x80", 0, "\\xf4\\x90\\x80\\x80", 16); /* behind the last one */
    expect_str("\xf8\x88\x80\x80\x80", 0, "\\xf8\\x88\\x80\\x80\\x80", 20);
    expect_str("\x80z", 0, "\\x80z", 5);
}

static void what_is_too_wide_ends_with_an_ellipsis(void **state)
{
    (void)state;
    expect_str("abcdef", 6, "abcdef", 6);
    expect_str("abcdefg", 6, "abcde…", 6);
    expect_str("漢字漢字", 8, "漢字漢字", 8);
    expect_str("漢字漢字", 7, "漢字漢…", 7);
    expect_str("漢字漢字", 6, "漢字…", 5); /* half a character is none */
    expect_str("abe\u0301xy", 4, "abe\u0301…", 4);
    expect_str("ab\ncd", 5, "ab\\n…", 5);
    expect_str("ab\ncd", 4, "ab…", 3); /* nor is half an escape */
    expect_str("abc", 1, "…", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths_are_those_of_a_terminal),
        cmocka_unit_test(what_a_terminal_would_obey_is_escaped),
        cmocka_unit_test(what_is_not_utf8_is_escaped_byte_by_byte),
        cmocka_unit_test(what_is_too_wide_ends_with_an_ellipsis),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
