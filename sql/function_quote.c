/* sql/function_quote.c: quote_ident(), quote_literal(), quote_nullable() and format(). */
#include "sql/function_string.h"

#include <ctype.h>

/* ---- quoting ---- */

static int append_quoted(struct buf *out, struct view s, uint8_t quote)
{
    int r = buf_append_byte(out, quote);

    for (size_t i = 0; i < s.len && r == 0; i++) {
        r = buf_append_byte(out, s.data[i]);
        r = r == 0 && s.data[i] == quote ? buf_append_byte(out, quote) : r;
    }
    return r == 0 ? buf_append_byte(out, quote) : r;
}

/* PostgreSQL also quotes its keywords: those that a name is likely to be. */
static bool is_reserved(struct view s)
{
    static const char *const words[] = {
        "all",
        "and",
        "any",
        "array",
        "as",
        "asc",
        "between",
        "bigint",
        "boolean",
        "both",
        "case",
        "cast",
        "char",
        "check",
        "coalesce",
        "collate",
        "column",
        "constraint",
        "create",
        "cross",
        "current_date",
        "current_time",
        "current_timestamp",
        "current_user",
        "date",
        "dec",
        "decimal",
        "default",
        "desc",
        "distinct",
        "do",
        "else",
        "end",
        "except",
        "exists",
        "extract",
        "false",
        "fetch",
        "float",
        "for",
        "foreign",
        "from",
        "full",
        "grant",
        "group",
        "having",
        "ilike",
        "in",
        "inner",
        "int",
        "integer",
        "intersect",
        "interval",
        "into",
        "is",
        "isnull",
        "join",
        "lateral",
        "leading",
        "left",
        "like",
        "limit",
        "natural",
        "not",
        "notnull",
        "null",
        "nullif",
        "numeric",
        "offset",
        "on",
        "only",
        "or",
        "order",
        "outer",
        "over",
        "overlaps",
        "position",
        "primary",
        "real",
        "references",
        "returning",
        "right",
        "row",
        "select",
        "session_user",
        "similar",
        "smallint",
        "some",
        "substring",
        "symmetric",
        "table",
        "then",
        "time",
        "timestamp",
        "to",
        "trailing",
        "treat",
        "trim",
        "true",
        "union",
        "unique",
        "user",
        "using",
        "values",
        "varchar",
        "when",
        "where",
        "window",
        "with",
    };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (view_equal_str(s, words[i])) {
            return true;
        }
    }
    return false;
}

int quote_append_ident(struct buf *out, struct view s)
{
    bool plain = s.len > 0 && !isdigit(s.data[0]) && s.data[0] != '$' && !is_reserved(s);

    for (size_t i = 0; i < s.len; i++) {
        plain &= islower(s.data[i]) || isdigit(s.data[i]) || s.data[i] == '_';
    }
    return plain ? buf_append_view(out, s) : append_quoted(out, s, '"');
}

/* 'it''s', or E'a\\b' when there is a backslash in it. */
static int append_literal(struct buf *out, struct view s)
{
    if (s.len == 0 || memchr(s.data, '\\', s.len) == NULL) {
        return append_quoted(out, s, '\'');
    }
    int r = buf_append_str(out, "E'");
    for (size_t i = 0; i < s.len && r == 0; i++) {
        r = buf_append_byte(out, s.data[i]);
        r = r == 0 && (s.data[i] == '\'' || s.data[i] == '\\') ? buf_append_byte(out, s.data[i])
                                                               : r;
    }
    return r == 0 ? buf_append_byte(out, '\'') : r;
}

void function_quote_ident(sqlite3_context *c, int n, sqlite3_value **v)
{
    cleanup(buf_finish) struct buf out = { .max = fn_result_max };

    if (!fn_any_null(n, v)) {
        fn_result_buf(c, &out, quote_append_ident(&out, fn_text(v[0])));
    }
}

void function_quote_literal(sqlite3_context *c, int n, sqlite3_value **v)
{
    cleanup(buf_finish) struct buf out = { .max = fn_result_max };

    if (!fn_any_null(n, v)) {
        fn_result_buf(c, &out, append_literal(&out, fn_text(v[0])));
    }
}

void function_quote_nullable(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (sqlite3_value_type(v[0]) == SQLITE_NULL) {
        fn_result_str(c, "NULL");
    } else {
        function_quote_literal(c, n, v);
    }
}

/* ---- format(): %s %I %L %%, with n$, - and a width ---- */

struct format_spec {
    int arg; /* 0: the next */
    int width;
    bool left;
    char kind;
};

static bool read_number(struct view *at, int *number)
{
    *number = 0;
    size_t digits = 0;
    for (; at->len > 0 && isdigit(at->data[0]) && digits < 6; digits++) {
        *number = *number * 10 + (at->data[0] - '0');
        view_advance(at, 1);
    }
    return digits > 0;
}

static bool read_spec(struct view *at, struct format_spec *spec)
{
    struct view before = *at;
    int number = 0;

    *spec = (struct format_spec){ 0 };
    if (read_number(at, &number) && at->len > 0 && at->data[0] == '$') {
        spec->arg = number;
        view_advance(at, 1);
    } else {
        *at = before;
    }
    while (at->len > 0 && at->data[0] == '-') {
        spec->left = true;
        view_advance(at, 1);
    }
    (void)read_number(at, &spec->width);
    if (at->len == 0) {
        return false;
    }
    spec->kind = (char)at->data[0];
    view_advance(at, 1);
    return true;
}

static int append_format(sqlite3_context *c, struct buf *out, const struct format_spec *spec,
                         sqlite3_value *value)
{
    cleanup(buf_finish) struct buf text = { .max = fn_result_max };
    bool null = sqlite3_value_type(value) == SQLITE_NULL;
    int r = 0;

    if (spec->kind == 'I' && null) {
        fn_fail(c, "22004", "null values cannot be formatted as an SQL identifier");
        return FAILED;
    }
    if (spec->kind == 'L') {
        r = null ? buf_append_str(&text, "NULL") : append_literal(&text, fn_text(value));
    } else if (!null) {
        r = spec->kind == 'I' ? quote_append_ident(&text, fn_text(value))
                              : buf_append_view(&text, fn_text(value));
    }
    size_t chars = utf8_chars(buf_view(&text)), width = (size_t)spec->width;
    for (size_t i = chars; i < width && !spec->left && r == 0; i++) {
        r = buf_append_byte(out, ' ');
    }
    r = r == 0 ? buf_append_view(out, buf_view(&text)) : r;
    for (size_t i = chars; i < width && spec->left && r == 0; i++) {
        r = buf_append_byte(out, ' ');
    }
    if (r != 0) {
        sqlite3_result_error_nomem(c);
    }
    return r;
}

static int format_one(sqlite3_context *c, struct buf *out, struct view *at, int *next, int n,
                      sqlite3_value **v)
{
    struct format_spec spec;

    view_advance(at, 1);
    if (!read_spec(at, &spec)) {
        fn_fail(c, "22023", "unterminated format() type specifier");
        return FAILED;
    }
    if (spec.kind == '%') {
        return buf_append_byte(out, '%');
    }
    if (strchr("sIL", spec.kind) == NULL) {
        fn_fail(c, "22023", "unrecognized format() type specifier \"%c\"", spec.kind);
        return FAILED;
    }
    int arg = spec.arg > 0 ? spec.arg : *next;
    if (arg >= n) {
        fn_fail(c, "22023", "too few arguments for format()");
        return FAILED;
    }
    *next = arg + 1;
    return append_format(c, out, &spec, v[arg]);
}

void function_format(sqlite3_context *c, int n, sqlite3_value **v)
{
    cleanup(buf_finish) struct buf out = { .max = fn_result_max };
    int next = 1, r = 0;

    if (fn_any_null(1, v)) {
        return;
    }
    for (struct view at = fn_text(v[0]); at.len > 0 && r == 0;) {
        if (at.data[0] == '%') {
            r = format_one(c, &out, &at, &next, n, v);
        } else {
            r = buf_append_byte(&out, at.data[0]);
            view_advance(&at, 1);
        }
    }
    if (r == 0) {
        fn_result_buf(c, &out, 0);
    }
}
