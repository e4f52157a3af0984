/* sql/function_like.c: ILIKE, letter by letter. (LIKE is SQLite's own.) */
#include "sql/function_string.h"

#include <wchar.h>
#include <wctype.h>

/* One character of each, letters alike. */
static bool same_letter(struct view a, size_t i, struct view b, size_t k)
{
    wchar_t x = 0, y = 0;
    mbstate_t state = { 0 };
    locale_t l = function_locale();

    if (a.data[i] < 0x80 && b.data[k] < 0x80) {
        uint8_t p = a.data[i], q = b.data[k];
        return p == q || ((p ^ q) == 32 && (p | 32) >= 'a' && (p | 32) <= 'z');
    }
    if (l == (locale_t)0) {
        return view_equal(view_of(a.data + i, utf8_step(a, i)),
                          view_of(b.data + k, utf8_step(b, k)));
    }
    locale_t before = uselocale(l);
    (void)mbrtowc(&x, (const char *)a.data + i, a.len - i, &state);
    state = (mbstate_t){ 0 };
    (void)mbrtowc(&y, (const char *)b.data + k, b.len - k, &state);
    uselocale(before);
    return towlower_l((wint_t)x, l) == towlower_l((wint_t)y, l);
}

/* Goes back to the last % only, which is enough. */
static bool ilike(struct view s, struct view p, int escape, bool *bad)
{
    size_t i = 0, k = 0, star = SIZE_MAX, retry = 0;

    while (i < s.len || k < p.len) {
        if (k < p.len && p.data[k] == '%' && escape != '%') {
            star = ++k;
            retry = i;
            continue;
        }
        bool literal = k < p.len && escape != 0 && p.data[k] == escape;
        size_t at = k + literal;
        if (literal && at >= p.len) {
            *bad = true;
            return false;
        }
        bool any = at < p.len && !literal && p.data[at] == '_';
        if (i < s.len && at < p.len && (any || same_letter(s, i, p, at))) {
            i += utf8_step(s, i);
            k = at + (any ? 1 : utf8_step(p, at));
            continue;
        }
        if (star == SIZE_MAX || retry >= s.len) {
            return false;
        }
        retry += utf8_step(s, retry);
        i = retry;
        k = star;
    }
    return true;
}

void function_ilike(sqlite3_context *c, int n, sqlite3_value **v)
{
    bool bad = false;

    if (fn_any_null(n, v)) {
        return;
    }
    struct view escape = n > 2 ? fn_text(v[2]) : view_of_str("\\");
    struct view pattern = fn_text(v[1]);
    if (pattern.len > function_pattern_max) {
        fn_fail(c, "54000", "LIKE pattern is too long");
        return;
    }
    bool match = ilike(fn_text(v[0]), pattern, escape.len == 0 ? 0 : escape.data[0], &bad);
    if (bad) {
        fn_fail(c, "22025", "LIKE pattern must not end with escape character");
    } else {
        sqlite3_result_int(c, match);
    }
}
