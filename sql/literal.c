/* sql/literal.c: protocol/value.h reads the client's text, we print the cell that comes of it. */
#include "sql/literal.h"

#include "protocol/value.h"
#include "sql/session_state.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static const char *real_text(struct rewriter *r, double value)
{
    char digits[40];

    if (isnan(value)) {
        return "'NaN'";
    }
    if (isinf(value)) {
        return value > 0 ? "9e999" : "-9e999";
    }
    for (int precision = 15; precision <= 17; precision++) {
        (void)snprintf(digits, sizeof(digits), "%.*g", precision, value);
        if (strtod(digits, NULL) == value) {
            break;
        }
    }
    return rewrite_text(r, "%s%s", digits, strpbrk(digits, ".e") == NULL ? ".0" : "");
}

static const char *blob_text(struct rewriter *r, struct view bytes)
{
    static const char hex[] = "0123456789abcdef";
    char *text = arena_alloc(r->arena, 2 * bytes.len + 4);
    char *at = text;

    if (text == NULL) {
        rewrite_fail_nomem(r);
        return "";
    }
    *at++ = 'x';
    *at++ = '\'';
    for (size_t i = 0; i < bytes.len; i++) {
        *at++ = hex[bytes.data[i] >> 4];
        *at++ = hex[bytes.data[i] & 15];
    }
    *at = '\'';
    return text;
}

const char *literal_cell_text(struct rewriter *r, const struct cell *cell)
{
    switch (cell->kind) {
    case CELL_INT:
        return cell->i == INT64_MIN ? "(-9223372036854775807 - 1)"
                                    : rewrite_text(r, "%lld", (long long)cell->i);
    case CELL_REAL:
        return real_text(r, cell->r);
    case CELL_TEXT:
        return rewrite_quoted_text(r, (const char *)cell->bytes.data, cell->bytes.len);
    case CELL_BLOB:
        return blob_text(r, cell->bytes);
    case CELL_NULL:
        break;
    }
    return "NULL";
}

const char *literal_text(struct rewriter *r, const char *s, struct type type, int32_t location)
{
    static const struct value_style plain = { 0 };
    struct buf scratch cleanup(buf_finish) = { 0 };
    struct failure failure = { 0 };
    struct cell cell;
    int result;

    if (r->failed) {
        return "";
    }
    if (type.oid == OID_TEXT) {
        return rewrite_quoted_text(r, s, strlen(s));
    }
    result = value_decode(type.oid, type.typmod, FORMAT_TEXT, view_of_str(s),
                          r->sql != NULL ? &r->sql->style : &plain, &scratch, &cell, &failure);
    if (result != 0) {
        if (result != FAILED) {
            (void)failure_set_nomem(&failure);
        }
        rewrite_fail(r, location, failure.sqlstate, "%s", failure_get(&failure, FIELD_MESSAGE));
        return "";
    }
    return literal_cell_text(r, &cell);
}

int literal_scale(struct view text)
{
    const uint8_t *point = memchr(text.data, '.', text.len);
    int scale = 0;

    for (size_t i = 0; i < text.len; i++) {
        if ((text.data[i] | 0x20) == 'e') {
            return -1;
        }
        scale += point != NULL && text.data + i > point;
    }
    return scale;
}

struct expr literal_number(struct rewriter *r, const char *s)
{
    char *end;
    long long integer;

    if (strpbrk(s, ".eE") != NULL) {
        return expr_make(r, type_numeric(literal_scale(view_of_str(s))), PREC_PRIMARY, "%s",
                         real_text(r, strtod(s, NULL)));
    }
    errno = 0;
    integer = strtoll(s, &end, 10);
    if (errno == 0 && *end == '\0') {
        return expr_make(r, TYPE_OF(OID_INT8), PREC_PRIMARY, "%lld", integer);
    }
    return expr_make(r, TYPE_OF(OID_NUMERIC), PREC_PRIMARY, "%s", real_text(r, strtod(s, NULL)));
}

/* ---- array literals ---- */

/* One element into `out`; gives where it ended, NULL when it is malformed. */
static const char *array_element(const char *at, struct buf *out, bool *ret_quoted)
{
    *ret_quoted = *at == '"';
    if (*ret_quoted) {
        at++;
    }
    while (*at != '\0' && (*ret_quoted ? *at != '"' : *at != ',' && *at != '}')) {
        if (*at == '\\' && at[1] != '\0') {
            at++;
        } else if (!*ret_quoted && (*at == '{' || *at == '"')) {
            return NULL;
        }
        if (buf_append_byte(out, (uint8_t)*at++) != 0) {
            return NULL;
        }
    }
    if (*ret_quoted && *at++ != '"') {
        return NULL;
    }
    at += strspn(at, " ");
    return buf_append_byte(out, 0) == 0 ? at : NULL;
}

static void fail_array(struct rewriter *r, const char *s, int32_t location)
{
    rewrite_fail(r, location, "22P02", "malformed array literal: \"%s\"", s);
}

bool literal_array(struct rewriter *r, const char *s, struct type element, int32_t location,
                   const char ***ret_texts, size_t *ret_count)
{
    struct buf item cleanup(buf_finish) = { 0 };
    const char **texts = arena_alloc(r->arena, (strlen(s) + 1) * sizeof(*texts));
    const char *at = s + strspn(s, " ");
    size_t count = 0;

    if (texts == NULL || *at != '{') {
        fail_array(r, s, location);
        return false;
    }
    at++;
    at += strspn(at, " ");
    while (*at != '}' || count > 0) {
        bool quoted;

        buf_clear(&item);
        at = array_element(at + strspn(at, " "), &item, &quoted);
        if (at == NULL || (item.len == 1 && !quoted)) {
            fail_array(r, s, location);
            return false;
        }
        texts[count++] = !quoted && strcasecmp((const char *)item.data, "null") == 0
                             ? "NULL"
                             : literal_text(r, (const char *)item.data, element, location);
        if (*at == '}') {
            break;
        }
        if (*at++ != ',') {
            fail_array(r, s, location);
            return false;
        }
    }
    *ret_texts = texts;
    *ret_count = count;
    return !r->failed;
}
