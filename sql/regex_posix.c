/* sql/regex_posix.c: see the header. */
#include "sql/regex_posix.h"

static int append_escape(struct buf *out, uint8_t ch, bool in_set)
{
    switch (ch) {
    case 'd':
        return buf_append_str(out, in_set ? "0-9" : "[0-9]");
    case 'D':
        return buf_append_str(out, "[^0-9]");
    case 'w':
    case 's':
        if (in_set) {
            return buf_append_str(out, ch == 'w' ? "[:alnum:]_" : "[:space:]");
        }
        break;
    case 'm':
        return buf_append_str(out, "\\<");
    case 'M':
        return buf_append_str(out, "\\>");
    case 'y':
        return buf_append_str(out, "\\b");
    case 'Y':
        return buf_append_str(out, "\\B");
    case 'A':
        return buf_append_byte(out, '^');
    case 'Z':
        return buf_append_byte(out, '$');
    case 'n':
        return buf_append_byte(out, '\n');
    case 't':
        return buf_append_byte(out, '\t');
    case 'r':
        return buf_append_byte(out, '\r');
    default:
        break;
    }
    int r = in_set ? 0 : buf_append_byte(out, '\\');
    return r == 0 ? buf_append_byte(out, ch) : r;
}

int regex_to_posix(struct view in, struct buf *out)
{
    bool in_set = false;
    int r = 0;

    for (size_t i = 0; i < in.len && r == 0; i++) {
        uint8_t ch = in.data[i];
        if (ch == '\\' && i + 1 < in.len) {
            r = append_escape(out, in.data[++i], in_set);
            continue;
        }
        if (!in_set && ch == '(' && in.len - i > 2 && in.data[i + 1] == '?' &&
            in.data[i + 2] == ':') {
            i += 2; /* a group that does not count: it does here, and only \1 could tell */
        }
        if (ch == '[') {
            in_set = true;
        } else if (ch == ']' && i > 0 && in.data[i - 1] != '[' &&
                   !(in.data[i - 1] == '^' && i > 1 && in.data[i - 2] == '[')) {
            in_set = false;
        }
        r = buf_append_byte(out, ch);
    }
    return r == 0 ? buf_append_byte(out, 0) : r;
}

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
