/* sql/regex_posix.c: see the header. */
#include "sql/regex_posix.h"

#include <string.h>

/* ---- outside of brackets ---- */

static const char *shorthand(uint8_t letter)
{
    switch (letter) {
    case 'd':
        return "[0-9]";
    case 'D':
        return "[^0-9]";
    case 'm':
        return "\\<";
    case 'M':
        return "\\>";
    case 'y':
        return "\\b";
    case 'Y':
        return "\\B";
    case 'A':
        return "^";
    case 'Z':
        return "$";
    case 'n':
        return "\n";
    case 't':
        return "\t";
    case 'r':
        return "\r";
    default:
        return NULL; /* POSIX has it, or the library its own */
    }
}

static int put_escape(struct buf *out, uint8_t ch)
{
    const char *text = shorthand(ch);
    int r = text != NULL ? buf_append_str(out, text) : buf_append_byte(out, '\\');

    return r == 0 && text == NULL ? buf_append_byte(out, ch) : r;
}

/* ---- brackets ---- */

/* In POSIX a backslash is a letter there: what has a meaning of its own is named instead. */
static int put_set_escape(struct buf *out, uint8_t ch)
{
    switch (ch) {
    case 'd':
        return buf_append_str(out, "0-9");
    case 'w':
        return buf_append_str(out, "[:alnum:]_");
    case 's':
        return buf_append_str(out, "[:space:]");
    case 'D':
    case 'W':
    case 'S':
        return REGEX_NOT_IN_SET;
    case 'n':
    case 't':
    case 'r':
        return buf_append_str(out, shorthand(ch));
    case ']':
    case '[':
    case '^':
    case '-':
        return buf_printf(out, "[.%c.]", ch);
    default:
        return buf_append_byte(out, ch);
    }
}

/* How long [:alpha:], [.-.] or [=a=] is that begins here; 0: none does. */
static size_t class_len(struct view in)
{
    if (in.len < 2 || in.data[0] != '[' || strchr(":.=", in.data[1]) == NULL) {
        return 0;
    }
    for (size_t i = 3; i < in.len; i++) {
        if (in.data[i] == ']' && in.data[i - 1] == in.data[1]) {
            return i + 1;
        }
    }
    return 0;
}

/* `in` begins with the opening bracket; it is behind the closing one then. */
static int put_set(struct view *in, struct buf *out)
{
    size_t start = in->len > 1 && in->data[1] == '^' ? 2 : 1;
    int r;

    start += in->len > start && in->data[start] == ']'; /* the first one is a letter */
    r = buf_append(out, in->data, start);
    view_advance(in, start);
    while (r == 0 && in->len > 0) {
        uint8_t ch = in->data[0];
        size_t len = class_len(*in);

        if (ch == '\\' && in->len > 1) {
            r = put_set_escape(out, in->data[1]);
            view_advance(in, 2);
            continue;
        }
        len = len == 0 ? 1 : len;
        r = buf_append(out, in->data, len);
        view_advance(in, len);
        if (ch == ']') {
            break;
        }
    }
    return r;
}

int regex_to_posix(struct view in, struct buf *out)
{
    int r = 0;

    while (in.len > 0 && r == 0) {
        if (in.data[0] == '[') {
            r = put_set(&in, out);
            continue;
        }
        if (in.data[0] == '\\' && in.len > 1) {
            r = put_escape(out, in.data[1]);
            view_advance(&in, 2);
            continue;
        }
        r = buf_append_byte(out, in.data[0]);
        if (in.len > 2 && memcmp(in.data, "(?:", 3) == 0) {
            view_advance(&in,
                         2); /* a group that does not count: it does here, and only \1 could tell */
        }
        view_advance(&in, 1);
    }
    return r == 0 ? buf_append_byte(out, 0) : r;
}

/* ---- SIMILAR TO ---- */

int regex_similar_to_posix(struct view pattern, int escape, struct buf *out)
{
    int r = buf_append_str(out, "^(");

    for (size_t i = 0; i < pattern.len && r == 0; i++) {
        uint8_t ch = pattern.data[i];
        if (escape != 0 && ch == escape && i + 1 < pattern.len) {
            r = buf_append_byte(out, '\\');
            r = r == 0 ? buf_append_byte(out, pattern.data[++i]) : r;
        } else if (ch == '%') {
            r = buf_append_str(out, ".*");
        } else if (ch == '_') {
            r = buf_append_byte(out, '.');
        } else if (ch == '.' || ch == '^' || ch == '$' || ch == '\\') {
            r = buf_append_byte(out, '\\');
            r = r == 0 ? buf_append_byte(out, ch) : r;
        } else {
            r = buf_append_byte(out, ch);
        }
    }
    return r == 0 ? buf_append_str(out, ")$") : r;
}
