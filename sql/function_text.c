/* sql/function_text.c: the table of functions of strings, and those that give parts of one.
 * Positions and lengths count characters; https://www.postgresql.org/docs/15/functions-string.html
 */
#include "sql/function_support.h"

#include "sql/function_string.h"

/* ---- parts ---- */

FN(left)
{
    if (fn_any_null(n, v)) {
        return;
    }
    struct view s = fn_text(v[0]);
    int64_t count = sqlite3_value_int64(v[1]);
    if (count < 0) {
        count += (int64_t)utf8_chars(s);
    }
    fn_result_text(c, s.data, count <= 0 ? 0 : utf8_offset(s, (size_t)count));
}

FN(right)
{
    if (fn_any_null(n, v)) {
        return;
    }
    struct view s = fn_text(v[0]);
    int64_t count = sqlite3_value_int64(v[1]), chars = (int64_t)utf8_chars(s);
    int64_t skip = count < 0 ? -count : chars - count;
    size_t at = skip <= 0 ? 0 : utf8_offset(s, (size_t)skip);
    fn_result_text(c, s.data + at, s.len - at);
}

/* substring(s, from [, for]) by characters, or by bytes of a bytea. */
FN(substring)
{
    if (fn_any_null(n, v)) {
        return;
    }
    bool blob = sqlite3_value_type(v[0]) == SQLITE_BLOB;
    struct view s =
        blob ? view_of(sqlite3_value_blob(v[0]), (size_t)sqlite3_value_bytes(v[0])) : fn_text(v[0]);
    int64_t from = sqlite3_value_int(v[1]), count = INT32_MAX;
    if (n > 2) {
        count = sqlite3_value_int(v[2]);
        if (count < 0) {
            fn_fail(c, "22011", "negative substring length not allowed");
            return;
        }
    }
    int64_t end = from + count; /* the first character not in it */
    from = from < 1 ? 1 : from;
    if (end <= from) {
        end = from;
    }
    size_t first = blob ? ((size_t)from - 1 < s.len ? (size_t)from - 1 : s.len)
                        : utf8_offset(s, (size_t)from - 1);
    view_advance(&s, first);
    size_t len = (size_t)(end - from);
    len = blob ? (len < s.len ? len : s.len) : utf8_offset(s, len);
    if (blob) {
        sqlite3_result_blob64(c, s.data == NULL ? (const void *)"" : s.data, len, SQLITE_TRANSIENT);
    } else {
        fn_result_text(c, s.data, len);
    }
}

static size_t find_bytes(struct view in, struct view what)
{
    if (what.len == 0) {
        return 0;
    }
    const uint8_t *at = in.len < what.len ? NULL : memmem(in.data, in.len, what.data, what.len);
    return at == NULL ? SIZE_MAX : (size_t)(at - in.data);
}

FN(strpos)
{
    if (fn_any_null(n, v)) {
        return;
    }
    struct view s = fn_text(v[0]);
    size_t at = find_bytes(s, fn_text(v[1]));
    sqlite3_result_int64(c, at == SIZE_MAX ? 0 : (int64_t)utf8_chars(view_of(s.data, at)) + 1);
}

static size_t count_fields(struct view s, struct view by)
{
    size_t fields = 1;

    for (size_t at = 0; (at = find_bytes(s, by)) != SIZE_MAX; fields++) {
        view_advance(&s, at + by.len);
    }
    return fields;
}

FN(split_part)
{
    if (fn_any_null(n, v)) {
        return;
    }
    struct view s = fn_text(v[0]), by = fn_text(v[1]);
    int64_t field = sqlite3_value_int64(v[2]);
    if (field == 0) {
        fn_fail(c, "22023", "field position must not be zero");
        return;
    }
    if (by.len == 0) {
        fn_result_text(c, s.data, field == 1 || field == -1 ? s.len : 0);
        return;
    }
    if (field < 0) {
        field += (int64_t)count_fields(s, by) + 1;
    }
    for (size_t at = 0; field > 1 && (at = find_bytes(s, by)) != SIZE_MAX; field--) {
        view_advance(&s, at + by.len);
    }
    size_t end = find_bytes(s, by);
    fn_result_text(c, s.data, field != 1 ? 0 : end == SIZE_MAX ? s.len : end);
}

FN(starts_with)
{
    if (!fn_any_null(n, v)) {
        struct view s = fn_text(v[0]), start = fn_text(v[1]);
        sqlite3_result_int(c, start.len <= s.len && view_equal(view_of(s.data, start.len), start));
    }
}

FN(overlay)
{
    cleanup(buf_finish) struct buf out = { .max = fn_result_max };

    if (fn_any_null(n, v)) {
        return;
    }
    struct view s = fn_text(v[0]), with = fn_text(v[1]);
    int64_t from = sqlite3_value_int(v[2]);
    int64_t count = n > 3 ? sqlite3_value_int(v[3]) : (int64_t)utf8_chars(with);
    if (from <= 0) {
        fn_fail(c, "22011", "negative substring length not allowed");
        return;
    }
    int64_t after = from - 1 + count;
    size_t head = utf8_offset(s, (size_t)from - 1),
           tail = after <= 0 ? 0 : utf8_offset(s, (size_t)after);
    int r = buf_append(&out, s.data, head);
    r = r == 0 ? buf_append_view(&out, with) : r;
    r = r == 0 ? buf_append(&out, s.data + tail, s.len - tail) : r;
    fn_result_buf(c, &out, r);
}

/* ---- sets of characters ---- */

/* Every character of the text may be looked for in the whole set, and nobody can stop it. */
static bool set_fits(sqlite3_context *c, struct view text, struct view set)
{
    static const size_t most = 1 << 27;

    if (set.len == 0 || text.len <= most / set.len) {
        return true;
    }
    fn_fail(c, "54000", "text and set of characters are too long");
    return false;
}

/* Each character of `from` becomes the one of `to` at its place, or nothing. */
FN(translate)
{
    cleanup(buf_finish) struct buf out = { .max = fn_result_max };
    int r = 0;

    if (fn_any_null(n, v)) {
        return;
    }
    struct view s = fn_text(v[0]), from = fn_text(v[1]), to = fn_text(v[2]);
    if (!set_fits(c, s, from)) {
        return;
    }
    for (size_t at = 0, step = 0; at < s.len && r == 0; at += step) {
        step = utf8_step(s, at);
        size_t f = 0, t = 0;
        while (f < from.len && !view_equal(view_of(from.data + f, utf8_step(from, f)),
                                           view_of(s.data + at, step))) {
            f += utf8_step(from, f);
            t += t < to.len ? utf8_step(to, t) : 0;
        }
        if (f >= from.len) {
            r = buf_append(&out, s.data + at, step);
        } else if (t < to.len) {
            r = buf_append(&out, to.data + t, utf8_step(to, t));
        }
    }
    fn_result_buf(c, &out, r);
}

static bool in_set(struct view set, struct view ch)
{
    for (size_t at = 0, step = 0; at < set.len; at += step) {
        step = utf8_step(set, at);
        if (view_equal(view_of(set.data + at, step), ch)) {
            return true;
        }
    }
    return false;
}

static size_t utf8_step_back(struct view s, size_t at)
{
    size_t step = 1;

    while (step < at && step < 4 && (s.data[at - step] & 0xc0) == 0x80) {
        step++;
    }
    return step;
}

static void trim_sides(sqlite3_context *c, int n, sqlite3_value **v, bool left_side,
                       bool right_side)
{
    if (fn_any_null(n, v)) {
        return;
    }
    struct view s = fn_text(v[0]), set = n > 1 ? fn_text(v[1]) : view_of_str(" ");

    if (!set_fits(c, s, set)) {
        return;
    }
    while (left_side && s.len > 0 && in_set(set, view_of(s.data, utf8_step(s, 0)))) {
        view_advance(&s, utf8_step(s, 0));
    }
    while (right_side && s.len > 0) {
        size_t step = utf8_step_back(s, s.len);

        if (!in_set(set, view_of(s.data + s.len - step, step))) {
            break;
        }
        s.len -= step;
    }
    fn_result_text(c, (const char *)s.data, s.len);
}

FN(trim)
{
    trim_sides(c, n, v, true, true);
}

FN(ltrim)
{
    trim_sides(c, n, v, true, false);
}

FN(rtrim)
{
    trim_sides(c, n, v, false, true);
}

/* ---- lengths ---- */

FN(octet_length)
{
    if (!fn_any_null(n, v)) {
        (void)(sqlite3_value_type(v[0]) == SQLITE_BLOB ? (const void *)sqlite3_value_blob(v[0])
                                                       : (const void *)sqlite3_value_text(v[0]));
        sqlite3_result_int64(c, sqlite3_value_bytes(v[0]));
    }
}

FN(bit_length)
{
    if (!fn_any_null(n, v)) {
        (void)sqlite3_value_text(v[0]);
        sqlite3_result_int64(c, (int64_t)sqlite3_value_bytes(v[0]) * 8);
    }
}

/* clang-format off */
#define T  OID_TEXT
#define I4 OID_INT4
#define BY OID_BYTEA
static const struct function rows[] = {
    { "left", 2, 2, { T, I4 }, RESULT_FIXED, T, 0, "pond_left", left, NULL, NULL },
    { "right", 2, 2, { T, I4 }, RESULT_FIXED, T, 0, "pond_right", right, NULL, NULL },
    { "substring", 2, 3, { T, I4, I4 }, RESULT_FIXED, T, 0, "pond_substring", substring, NULL, NULL },
    { "substring", 2, 3, { BY, I4, I4 }, RESULT_FIXED, BY, 0, "pond_substring", NULL, NULL, NULL },
    { "substring", 2, 2, { T, T }, RESULT_FIXED, T, 0, "pond_regexp_substr", NULL, NULL, NULL },
    { "substr", 2, 3, { T, I4, I4 }, RESULT_FIXED, T, 0, "pond_substring", NULL, NULL, NULL },
    { "substr", 2, 3, { BY, I4, I4 }, RESULT_FIXED, BY, 0, "pond_substring", NULL, NULL, NULL },
    { "strpos", 2, 2, { T, T }, RESULT_FIXED, I4, 0, "pond_strpos", strpos, NULL, NULL },
    { "position", 2, 2, { T, T }, RESULT_FIXED, I4, 0, "pond_strpos", NULL, NULL, NULL },
    { "split_part", 3, 3, { T, T, I4 }, RESULT_FIXED, T, 0, NULL, split_part, NULL, NULL },
    { "starts_with", 2, 2, { T, T }, RESULT_FIXED, OID_BOOL, 0, NULL, starts_with, NULL, NULL },
    { "lpad", 2, 3, { T, I4, T }, RESULT_FIXED, T, 0, NULL, function_lpad, NULL, NULL },
    { "rpad", 2, 3, { T, I4, T }, RESULT_FIXED, T, 0, NULL, function_rpad, NULL, NULL },
    { "repeat", 2, 2, { T, I4 }, RESULT_FIXED, T, 0, NULL, function_repeat, NULL, NULL },
    { "reverse", 1, 1, { T }, RESULT_FIXED, T, 0, NULL, function_reverse, NULL, NULL },
    { "concat", 0, -1, { 0 }, RESULT_FIXED, T, FUNCTION_PASS_TYPES, NULL, function_concat, NULL, NULL },
    { "concat_ws", 1, -1, { T, 0 }, RESULT_FIXED, T, FUNCTION_PASS_TYPES, NULL, function_concat_ws, NULL, NULL },
    { "upper", 1, 1, { T }, RESULT_FIXED, T, 0, "pond_upper", function_upper, NULL, NULL },
    { "lower", 1, 1, { T }, RESULT_FIXED, T, 0, "pond_lower", function_lower, NULL, NULL },
    { "initcap", 1, 1, { T }, RESULT_FIXED, T, 0, NULL, function_initcap, NULL, NULL },
    { "ascii", 1, 1, { T }, RESULT_FIXED, I4, 0, NULL, function_ascii, NULL, NULL },
    { "chr", 1, 1, { I4 }, RESULT_FIXED, T, 0, NULL, function_chr, NULL, NULL },
    { "translate", 3, 3, { T, T, T }, RESULT_FIXED, T, 0, NULL, translate, NULL, NULL },
    { "overlay", 3, 4, { T, T, I4, I4 }, RESULT_FIXED, T, 0, NULL, overlay, NULL, NULL },
    { "btrim", 1, 2, { T, T }, RESULT_FIXED, T, 0, "pond_trim", NULL, NULL, NULL },
    { "trim", 1, 2, { T, T }, RESULT_FIXED, T, 0, "pond_trim", trim, NULL, NULL },
    { "ltrim", 1, 2, { T, T }, RESULT_FIXED, T, 0, "pond_ltrim", ltrim, NULL, NULL },
    { "rtrim", 1, 2, { T, T }, RESULT_FIXED, T, 0, "pond_rtrim", rtrim, NULL, NULL },
    { "replace", 3, 3, { T, T, T }, RESULT_FIXED, T, 0, NULL, NULL, NULL, NULL },
    { "length", 1, 1, { T }, RESULT_FIXED, I4, 0, NULL, NULL, NULL, NULL },
    { "length", 1, 1, { BY }, RESULT_FIXED, I4, 0, NULL, NULL, NULL, NULL },
    { "char_length", 1, 1, { T }, RESULT_FIXED, I4, 0, "length", NULL, NULL, NULL },
    { "character_length", 1, 1, { T }, RESULT_FIXED, I4, 0, "length", NULL, NULL, NULL },
    { "octet_length", 1, 1, { T }, RESULT_FIXED, I4, 0, NULL, octet_length, NULL, NULL },
    { "octet_length", 1, 1, { BY }, RESULT_FIXED, I4, 0, NULL, NULL, NULL, NULL },
    { "bit_length", 1, 1, { 0 }, RESULT_FIXED, I4, 0, NULL, bit_length, NULL, NULL },
    { "to_hex", 1, 1, { OID_INT8 }, RESULT_FIXED, T, 0, NULL, function_to_hex, NULL, NULL },
    { "to_hex", 1, 1, { I4 }, RESULT_FIXED, T, 0, "pond_to_hex4", function_to_hex4, NULL, NULL },
    { "encode", 2, 2, { BY, T }, RESULT_FIXED, T, 0, NULL, function_encode, NULL, NULL },
    { "decode", 2, 2, { T, T }, RESULT_FIXED, BY, 0, NULL, function_decode, NULL, NULL },
    { "md5", 1, 1, { T }, RESULT_FIXED, T, 0, NULL, function_md5, NULL, NULL },
    { "md5", 1, 1, { BY }, RESULT_FIXED, T, 0, NULL, NULL, NULL, NULL },
    { "quote_ident", 1, 1, { T }, RESULT_FIXED, T, 0, NULL, function_quote_ident, NULL, NULL },
    { "quote_literal", 1, 1, { 0 }, RESULT_FIXED, T, 0, NULL, function_quote_literal, NULL, NULL },
    { "quote_nullable", 1, 1, { 0 }, RESULT_FIXED, T, 0, NULL, function_quote_nullable, NULL, NULL },
    { "format", 1, -1, { T, 0 }, RESULT_FIXED, T, 0, "pond_format", function_format, NULL, NULL },
    { "regexp_replace", 3, 4, { T, T, T, T }, RESULT_FIXED, T, 0, NULL, function_regexp_replace, NULL, NULL },
    { "regexp_like", 2, 3, { T, T, T }, RESULT_FIXED, OID_BOOL, 0, NULL, function_regexp_like, NULL, NULL },
    { "regexp_count", 2, 2, { T, T }, RESULT_FIXED, I4, 0, NULL, function_regexp_count, NULL, NULL },
    { "regexp_substr", 2, 2, { T, T }, RESULT_FIXED, T, 0, "pond_regexp_substr", function_regexp_substr, NULL, NULL },
    { "pond_regex_match", 3, 3, { 0 }, RESULT_FIXED, OID_BOOL, FUNCTION_INTERNAL, NULL, function_regex_match, NULL, NULL },
    { "pond_ilike", 2, 3, { 0 }, RESULT_FIXED, OID_BOOL, FUNCTION_INTERNAL, NULL, function_ilike, NULL, NULL },
    { "pond_similar", 2, 3, { 0 }, RESULT_FIXED, OID_BOOL, FUNCTION_INTERNAL, NULL, function_similar, NULL, NULL },
};
/* clang-format on */

FUNCTION_TABLE(function_text_table, rows);
