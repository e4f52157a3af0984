/* sql/function_letters.c: letters as Unicode has them: upper and lower case, and their codes. */
#include "sql/function_string.h"

#include "protocol/utf8.h"

#include <wctype.h>

static size_t decode(struct view s, size_t at, uint32_t *ret_code)
{
    size_t step = utf8_step(s, at);
    uint8_t lead = s.data[at];
    uint32_t code = step == 1   ? lead
                    : step == 2 ? lead & 0x1f
                    : step == 3 ? lead & 0x0f
                                : lead & 0x07;

    for (size_t i = 1; i < step; i++) {
        code = code << 6 | (s.data[at + i] & 0x3f);
    }
    *ret_code = code;
    return step;
}

static int append_code(struct buf *out, uint32_t code)
{
    uint8_t bytes[4];

    return buf_append(out, bytes, utf8_put(bytes, code));
}

locale_t function_locale(void)
{
    static _Atomic(locale_t) kept;
    locale_t l = kept;

    if (l == (locale_t)0) {
        l = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0); /* two threads may both: one stays */
        kept = l;
    }
    return l;
}

enum letters { LETTERS_UPPER, LETTERS_LOWER, LETTERS_INITCAP };

static void change_letters(sqlite3_context *c, int n, sqlite3_value **v, enum letters how)
{
    cleanup(buf_finish) struct buf out = { .max = fn_result_max };
    locale_t l = function_locale();
    bool in_word = false;
    int r = 0;

    if (fn_any_null(n, v)) {
        return;
    }
    struct view s = fn_text(v[0]);
    for (size_t at = 0; at < s.len && r == 0;) {
        uint32_t code = 0;
        at += decode(s, at, &code);
        bool upper = how == LETTERS_UPPER || (how == LETTERS_INITCAP && !in_word);
        wint_t w = l == (locale_t)0 ? (wint_t)code
                   : upper          ? towupper_l(code, l)
                                    : towlower_l(code, l);
        in_word = l != (locale_t)0 && iswalnum_l(code, l) != 0;
        r = append_code(&out, (uint32_t)w);
    }
    fn_result_buf(c, &out, r);
}

void function_upper(sqlite3_context *c, int n, sqlite3_value **v)
{
    change_letters(c, n, v, LETTERS_UPPER);
}

void function_lower(sqlite3_context *c, int n, sqlite3_value **v)
{
    change_letters(c, n, v, LETTERS_LOWER);
}

void function_initcap(sqlite3_context *c, int n, sqlite3_value **v)
{
    change_letters(c, n, v, LETTERS_INITCAP);
}

void function_ascii(sqlite3_context *c, int n, sqlite3_value **v)
{
    uint32_t code = 0;

    if (!fn_any_null(n, v)) {
        struct view s = fn_text(v[0]);
        if (s.len > 0) {
            (void)decode(s, 0, &code);
        }
        sqlite3_result_int64(c, code);
    }
}

void function_chr(sqlite3_context *c, int n, sqlite3_value **v)
{
    cleanup(buf_finish) struct buf out = { .max = 8 };

    if (fn_any_null(n, v)) {
        return;
    }
    int64_t code = sqlite3_value_int64(v[0]);
    if (code == 0) {
        fn_fail(c, "54000", "null character not permitted");
    } else if (code < 0 || code > 0x10ffff) {
        fn_fail(c, "54000", "requested character too large for encoding: %lld", (long long)code);
    } else if (code >= 0xd800 && code <= 0xdfff) {
        fn_fail(c, "54000", "requested character not valid for encoding: %lld", (long long)code);
    } else {
        fn_result_buf(c, &out, append_code(&out, (uint32_t)code));
    }
}
