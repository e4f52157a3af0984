/* protocol/jsonb.c: one pass over a valid text. Members of open objects are noted on a stack; a
 * closing brace puts its object's in order when they are not. */
#include "protocol/jsonb.h"

#include "protocol/number.h"
#include "protocol/utf8.h"

#include <stdlib.h>

struct frame {
    bool is_object;
    size_t start;   /* of what is inside, in `out` */
    size_t members; /* so many were noted before it opened */
};

/* Of an object: where its key's quote is in `out`, and where its value ends. */
struct member {
    size_t at;
    size_t end;
};

struct jsonb {
    const uint8_t *pos;
    const uint8_t *end;
    struct buf *out;
    struct buf frames;
    struct buf members;
    struct failure *failure;
};

static size_t depth(const struct jsonb *j)
{
    return j->frames.len / sizeof(struct frame);
}

static struct frame *innermost(struct jsonb *j)
{
    return (struct frame *)(void *)j->frames.data + depth(j) - 1;
}

static void skip_blanks(struct jsonb *j)
{
    while (j->pos < j->end && strchr(" \t\n\r", *j->pos) != NULL && *j->pos != 0) {
        j->pos++;
    }
}

/* ---- strings ---- */

static uint32_t hex4(struct jsonb *j)
{
    uint32_t n = 0;

    for (int i = 0; i < 4 && j->pos < j->end; i++) {
        uint8_t c = *j->pos++;

        n = n << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return n;
}

static bool is_between(uint32_t n, uint32_t low, uint32_t high)
{
    return n >= low && n <= high;
}

/* A character without what JSON wants escaped in its own form. */
static int put_character(struct jsonb *j, uint32_t c)
{
    static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    uint8_t bytes[4];

    for (size_t i = 0; i + 1 < sizeof(named); i += 2) {
        if (c == (uint8_t)named[i]) {
            return buf_append(j->out, (char[]){ '\\', named[i + 1] }, 2);
        }
    }
    if (c < 0x20) {
        return buf_printf(j->out, "\\u%04x", c);
    }
    return buf_append(j->out, bytes, utf8_put(bytes, c));
}

/* Behind \u. */
static int put_unicode(struct jsonb *j)
{
    uint32_t c = hex4(j);

    if (c == 0) {
        failure_set(j->failure, "22P05", "unsupported Unicode escape sequence");
        failure_add(j->failure, FIELD_DETAIL, "\\u0000 cannot be converted to text.");
        return FAILED;
    }
    if (is_between(c, 0xd800, 0xdbff) && j->end - j->pos >= 6 && j->pos[0] == '\\' &&
        j->pos[1] == 'u') {
        uint32_t low;

        j->pos += 2;
        low = hex4(j);
        if (is_between(low, 0xdc00, 0xdfff)) {
            return put_character(j, 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff)));
        }
    }
    return is_between(c, 0xd800, 0xdfff)
               ? failure_set(j->failure, "22P02", "invalid input syntax for type json")
               : put_character(j, c);
}

static int put_escape(struct jsonb *j)
{
    static const char from[] = "bfnrt";
    static const char to[] = "\b\f\n\r\t";
    uint8_t c = *j->pos++;
    const char *at = strchr(from, c);

    if (c == 'u') {
        return put_unicode(j);
    }
    return put_character(j, at != NULL && c != 0 ? (uint8_t)to[at - from] : c);
}

static int put_string(struct jsonb *j)
{
    int r = buf_append_byte(j->out, '"');

    j->pos++;
    while (r == 0 && j->pos < j->end && *j->pos != '"') {
        const uint8_t *from = j->pos;

        while (j->pos < j->end && *j->pos != '"' && *j->pos != '\\') {
            j->pos++;
        }
        r = buf_append(j->out, from, (size_t)(j->pos - from));
        if (r == 0 && j->pos < j->end && *j->pos == '\\') {
            j->pos++;
            r = put_escape(j);
        }
    }
    j->pos++;
    return r != 0 ? r : buf_append_byte(j->out, '"');
}

/* ---- numbers and words ---- */

/* As numeric prints it: 1.50 stays, 1e2 is 100, there is no minus zero. */
static int put_number(struct jsonb *j, struct view text)
{
    struct decimal d;
    int r;

    if (memchr(text.data, 'e', text.len) == NULL && memchr(text.data, 'E', text.len) == NULL &&
        text.data[0] != '-') {
        return buf_append_view(j->out, text);
    }
    r = decimal_parse(text, &d);
    if (r != 0 || d.cut) {
        return buf_append_view(j->out, text); /* too long for us: as it was written */
    }
    d.negative = d.negative && d.count > 0;
    r = buf_reserve(j->out, decimal_write_bytes(&d));
    if (r == 0) {
        j->out->len += decimal_write(&d, (char *)j->out->data + j->out->len);
    }
    return r;
}

static int put_scalar(struct jsonb *j)
{
    const uint8_t *from = j->pos;

    if (*from == '"') {
        return put_string(j);
    }
    while (j->pos < j->end && strchr(" \t\n\r,]}", *j->pos) == NULL) {
        j->pos++;
    }
    struct view text = view_of(from, (size_t)(j->pos - from));

    return *from == '-' || (*from >= '0' && *from <= '9') ? put_number(j, text)
                                                          : buf_append_view(j->out, text);
}

/* ---- objects ---- */

/* The next byte of a printed key, its escapes undone; -1 at its end. */
static int key_byte(const uint8_t **at)
{
    static const char from[] = "bfnrt";
    static const char to[] = "\b\f\n\r\t";
    uint8_t c = *(*at)++;
    const char *found;

    if (c != '\\') {
        return c == '"' ? -1 : c;
    }
    c = *(*at)++;
    if (c == 'u') {
        *at += 4;
        return (int)strtol((const char[]){ (char)(*at)[-2], (char)(*at)[-1], 0 }, NULL, 16);
    }
    found = strchr(from, c);
    return found != NULL ? to[found - from] : c;
}

static size_t key_length(const uint8_t *key)
{
    size_t length = 0;

    for (key++; key_byte(&key) >= 0;) {
        length++;
    }
    return length;
}

static int compare_keys(const uint8_t *a, const uint8_t *b)
{
    size_t a_length = key_length(a);
    size_t b_length = key_length(b);
    int x = 0;
    int y = 0;

    if (a_length != b_length) {
        return a_length < b_length ? -1 : 1;
    }
    for (a++, b++; x == y && x >= 0;) {
        x = key_byte(&a);
        y = key_byte(&b);
    }
    return x - y;
}

/* By key, and those that are alike as they came. */
static int compare_members(const void *a, const void *b, void *base)
{
    const struct member *x = a;
    const struct member *y = b;
    int order = compare_keys((uint8_t *)base + x->at, (uint8_t *)base + y->at);

    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static bool in_order(const struct jsonb *j, const struct member *members, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (compare_keys(j->out->data + members[i - 1].at, j->out->data + members[i].at) >= 0) {
            return false;
        }
    }
    return true;
}

/* Writes the object's members anew in order; of those that are alike the last stays. */
static int put_in_order(struct jsonb *j, size_t start, struct member *members, size_t count)
{
    struct buf copy cleanup(buf_finish) = { 0 };
    int r = buf_append(&copy, j->out->data + start, j->out->len - start);
    const uint8_t *base;
    bool first = true;

    if (r != 0) {
        return r;
    }
    qsort_r(members, count, sizeof(*members), compare_members, j->out->data);
    j->out->len = start;
    base = copy.data;
    for (size_t i = 0; i < count && r == 0; i++) {
        const uint8_t *key = base + members[i].at - start;

        if (i + 1 < count && compare_keys(key, base + members[i + 1].at - start) == 0) {
            continue;
        }
        r = first ? 0 : buf_append(j->out, ", ", 2);
        r = r == 0 ? buf_append(j->out, key, members[i].end - members[i].at) : r;
        first = false;
    }
    return r;
}

/* "key": , and notes the member. */
static int put_key(struct jsonb *j)
{
    struct member member = { .at = j->out->len };
    int r = buf_append(&j->members, &member, sizeof(member));

    skip_blanks(j);
    r = r == 0 ? put_string(j) : r;
    skip_blanks(j);
    j->pos++; /* the colon */
    return r != 0 ? r : buf_append(j->out, ": ", 2);
}

static void end_member(struct jsonb *j)
{
    struct member *last =
        (struct member *)(void *)(j->members.data + j->members.len - sizeof(struct member));

    last->end = j->out->len;
}

static int close_container(struct jsonb *j, uint8_t bracket)
{
    struct frame frame = *innermost(j);
    size_t count = j->members.len / sizeof(struct member) - frame.members;
    int r = 0;

    if (count > 1) { /* no members, no array of them: an empty buffer's data is NULL */
        struct member *members = (struct member *)(void *)j->members.data + frame.members;

        if (!in_order(j, members, count)) {
            r = put_in_order(j, frame.start, members, count);
        }
    }
    j->members.len = frame.members * sizeof(struct member);
    j->frames.len -= sizeof(frame);
    return r != 0 ? r : buf_append_byte(j->out, bracket);
}

/* ---- the whole ---- */

/* A scalar, an empty container, or the opening of one; *ret_open: its first value comes next. */
static int put_value(struct jsonb *j, bool *ret_open)
{
    struct frame frame = { .is_object = false };
    int r;

    *ret_open = false;
    skip_blanks(j);
    if (*j->pos != '{' && *j->pos != '[') {
        return put_scalar(j);
    }
    frame.is_object = *j->pos == '{';
    r = buf_append_byte(j->out, *j->pos++);
    frame.start = j->out->len;
    frame.members = j->members.len / sizeof(struct member);
    skip_blanks(j);
    if (r != 0 || *j->pos == '}' || *j->pos == ']') {
        return r != 0 ? r : buf_append_byte(j->out, *j->pos++);
    }
    *ret_open = true;
    r = buf_append(&j->frames, &frame, sizeof(frame));
    return r == 0 && frame.is_object ? put_key(j) : r;
}

/* Behind a value; *ret_more: another one comes. */
static int put_after(struct jsonb *j, bool *ret_more)
{
    *ret_more = false;
    for (;;) {
        int r = 0;

        skip_blanks(j);
        if (depth(j) == 0) {
            return 0;
        }
        bool is_object = innermost(j)->is_object;
        uint8_t c = *j->pos++;

        if (is_object) {
            end_member(j);
        }
        if (c == ',') {
            *ret_more = true;
            r = buf_append(j->out, ", ", 2);
            return r == 0 && is_object ? put_key(j) : r;
        }
        r = close_container(j, c);
        if (r != 0) {
            return r;
        }
    }
}

int jsonb_write(struct view text, struct buf *out, struct failure *ret_failure)
{
    struct jsonb j = { .pos = text.data, .end = text.data + text.len, .out = out };
    bool again = true;
    int r = 0;

    j.failure = ret_failure;
    while (r == 0 && again) {
        r = put_value(&j, &again);
        if (r == 0 && !again) {
            r = put_after(&j, &again);
        }
    }
    buf_finish(&j.frames);
    buf_finish(&j.members);
    return r;
}
