#include "protocol/utf8.h"

#include "support.h"

static void what_unicode_allows_is_valid(void **state)
{
    (void)state;
    assert_true(utf8_valid(view_of(NULL, 0)));
    assert_true(utf8_valid(BYTES("plain ASCII, longer than eight bytes\x7f")));
    assert_true(utf8_valid(BYTES("\xc2\x80\xdf\xbf")));
    assert_true(utf8_valid(BYTES("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf")));
    assert_true(utf8_valid(BYTES("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")));
}

static void what_it_does_not_is_found_where_it_starts(void **state)
{
    static const struct {
        struct view text;
        size_t at;
    } bad[] = {
        { { (const uint8_t *)"abc\0def", 7 }, 3 },
        { { (const uint8_t *)"abcdefgh\0", 9 }, 8 },
        { { (const uint8_t *)"0123456789abcde\x80", 16 }, 15 },
        { { (const uint8_t *)"\xc0\x80", 2 }, 0 },
        { { (const uint8_t *)"\xc1\xbf", 2 }, 0 },
        { { (const uint8_t *)"\xe0\x9f\xbf", 3 }, 0 },
        { { (const uint8_t *)"a\xed\xa0\x80", 4 }, 1 }, /* a surrogate */
        { { (const uint8_t *)"\xf0\x8f\xbf\xbf", 4 }, 0 },
        { { (const uint8_t *)"\xf4\x90\x80\x80", 4 }, 0 }, /* past U+10FFFF */
        { { (const uint8_t *)"\xf5\x80\x80\x80", 4 }, 0 },
        { { (const uint8_t *)"\xe2\x82", 2 }, 0 }, /* cut off */
        { { (const uint8_t *)"\xe2\x82x", 3 }, 0 },
        { { (const uint8_t *)"\xff", 1 }, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(utf8_invalid_at(bad[i].text), bad[i].at);
        assert_false(utf8_valid(bad[i].text));
    }
}

static void the_failure_shows_the_bytes(void **state)
{
    struct failure f = { 0 };

    (void)state;
    assert_int_equal(utf8_check(BYTES("fine"), &f), 0);
    assert_int_equal(utf8_check(BYTES("a\xe2\x28\xa1z"), &f), FAILED);
    assert_string_equal(f.sqlstate, "22021");
    assert_string_equal(failure_get(&f, FIELD_MESSAGE),
                        "invalid byte sequence for encoding \"UTF8\": 0xe2 0x28 0xa1");
    assert_int_equal(utf8_check(BYTES("a\0"), &f), FAILED);
    assert_string_equal(failure_get(&f, FIELD_MESSAGE),
                        "invalid byte sequence for encoding \"UTF8\": 0x00");
    assert_int_equal(utf8_check(BYTES("\xf0\x9f"), &f), FAILED);
    assert_string_equal(failure_get(&f, FIELD_MESSAGE),
                        "invalid byte sequence for encoding \"UTF8\": 0xf0 0x9f");
}

/* Every code point, encoded by hand, at every offset in a word. */
static void every_code_point_is_judged_right(void **state)
{
    (void)state;
    for (uint32_t c = 1; c <= 0x110400; c += c < 0x3000 || (c > 0xd700 && c < 0xe100) ? 1 : 61) {
        uint8_t text[16] = "aaaaaaaaaaaaaaa";
        size_t at = c % 8;
        size_t n = 0;

        if (c < 0x80) {
            text[at + n++] = (uint8_t)c;
        } else if (c < 0x800) {
            text[at + n++] = (uint8_t)(0xc0 | c >> 6);
            text[at + n++] = (uint8_t)(0x80 | (c & 63));
        } else if (c < 0x10000) {
            text[at + n++] = (uint8_t)(0xe0 | c >> 12);
            text[at + n++] = (uint8_t)(0x80 | (c >> 6 & 63));
            text[at + n++] = (uint8_t)(0x80 | (c & 63));
        } else {
            text[at + n++] = (uint8_t)(0xf0 | c >> 18);
            text[at + n++] = (uint8_t)(0x80 | (c >> 12 & 63));
            text[at + n++] = (uint8_t)(0x80 | (c >> 6 & 63));
            text[at + n++] = (uint8_t)(0x80 | (c & 63));
        }
        bool want = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
        uint8_t bytes[4];

        assert_int_equal(utf8_put(bytes, c), n);
        assert_memory_equal(bytes, text + at, n);
        assert_int_equal(utf8_valid(view_of(text, 15)), want);
    }
}

static void text_is_cut_behind_a_whole_letter(void **state)
{
    (void)state;
    static const char text[] = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"; /* 1, 2, 3 and 4 bytes */
    static const size_t kept[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10 };
    char name[sizeof(text)];

    for (size_t most = 0; most < ARRAY_LEN(kept); most++) {
        assert_int_equal(utf8_cut(view_of_str(text), most).len, kept[most]);
    }
    for (size_t bytes = 1; bytes <= sizeof(name); bytes++) {
        memset(name, 'x', sizeof(name));
        utf8_copy_name(name, bytes, text);
        assert_int_equal(strlen(name), kept[bytes - 1]);
        assert_memory_equal(name, text, kept[bytes - 1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_unicode_allows_is_valid),
        cmocka_unit_test(what_it_does_not_is_found_where_it_starts),
        cmocka_unit_test(the_failure_shows_the_bytes),
        cmocka_unit_test(every_code_point_is_judged_right),
        cmocka_unit_test(text_is_cut_behind_a_whole_letter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
