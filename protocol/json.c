/* protocol/json.c: a validator that keeps one bit per open bracket: object or array. */
#include "protocol/json.h"

struct json {
    const uint8_t *pos;
    const uint8_t *end;
    uint32_t depth;
    uint8_t is_object[json_depth_max / 8]; /* a bit per level */
};

enum { JSON_BAD = 1, JSON_DEEP = 2 };

static bool is_digit(const struct json *j)
{
    return j->pos < j->end && *j->pos >= '0' && *j->pos <= '9';
}

static bool accept(struct json *j, uint8_t c)
{
    if (j->pos == j->end || *j->pos != c) {
        return false;
    }
    j->pos++;
    return true;
}

static void skip_blanks(struct json *j)
{
    while (j->pos < j->end &&
           (*j->pos == ' ' || *j->pos == '\t' || *j->pos == '\n' || *j->pos == '\r')) {
        j->pos++;
    }
}

static bool in_object(const struct json *j)
{
    uint32_t level = j->depth - 1;

    return j->depth > 0 && (j->is_object[level / 8] >> level % 8 & 1) != 0;
}

static int open_bracket(struct json *j, bool is_object)
{
    if (j->depth == json_depth_max) {
        return JSON_DEEP;
    }
    uint8_t bit = (uint8_t)(1u << j->depth % 8);
    uint8_t *byte = &j->is_object[j->depth / 8];

    *byte = (uint8_t)(is_object ? *byte | bit : *byte & ~bit);
    j->depth++;
    return 0;
}

static bool scan_hex4(struct json *j)
{
    for (int i = 0; i < 4; i++, j->pos++) {
        uint8_t c = j->pos < j->end ? *j->pos : 0;

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) {
            return false;
        }
    }
    return true;
}

/* Behind the opening quote. */
static bool scan_string(struct json *j)
{
    while (j->pos < j->end) {
        uint8_t c = *j->pos++;

        if (c == '"') {
            return true;
        }
        if (c < 0x20) {
            return false;
        }
        if (c != '\\') {
            continue;
        }
        if (accept(j, 'u')) {
            if (!scan_hex4(j)) {
                return false;
            }
        } else if (j->pos == j->end || *j->pos == 0 || strchr("\"\\/bfnrt", *j->pos) == NULL) {
            return false;
        } else {
            j->pos++;
        }
    }
    return false;
}

static bool scan_digits(struct json *j)
{
    bool any = false;

    for (; is_digit(j); j->pos++) {
        any = true;
    }
    return any;
}

static bool scan_number(struct json *j)
{
    accept(j, '-');
    if (!accept(j, '0') && !scan_digits(j)) {
        return false;
    }
    if (accept(j, '.') && !scan_digits(j)) {
        return false;
    }
    if (accept(j, 'e') || accept(j, 'E')) {
        if (!accept(j, '-')) {
            accept(j, '+');
        }
        if (!scan_digits(j)) {
            return false;
        }
    }
    return j->pos == j->end || strchr(" \t\n\r,]}", *j->pos) != NULL;
}

static bool scan_word(struct json *j)
{
    static const char *const words[] = { "true", "false", "null" };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t len = strlen(words[i]);

        if ((size_t)(j->end - j->pos) >= len && memcmp(j->pos, words[i], len) == 0) {
            j->pos += len;
            return true;
        }
    }
    return false;
}

/* "key": */
static bool scan_key(struct json *j)
{
    skip_blanks(j);
    if (!accept(j, '"') || !scan_string(j)) {
        return false;
    }
    skip_blanks(j);
    return accept(j, ':');
}

/* One scalar, or the opening of a container; *ret_open says that its first value comes next. */
static int scan_value(struct json *j, bool *ret_open)
{
    *ret_open = false;
    skip_blanks(j);
    if (accept(j, '"')) {
        return scan_string(j) ? 0 : JSON_BAD;
    }
    bool is_object = accept(j, '{');

    if (is_object || accept(j, '[')) {
        int r = open_bracket(j, is_object);

        skip_blanks(j);
        if (r != 0 || accept(j, is_object ? '}' : ']')) {
            j->depth -= r == 0;
            return r;
        }
        *ret_open = true;
        return is_object && !scan_key(j) ? JSON_BAD : 0;
    }
    if (is_digit(j) || (j->pos < j->end && *j->pos == '-')) {
        return scan_number(j) ? 0 : JSON_BAD;
    }
    return scan_word(j) ? 0 : JSON_BAD;
}

/* Behind a value: closes what ends here. *ret_more says that a comma announced another one. */
static int scan_after(struct json *j, bool *ret_more)
{
    *ret_more = false;
    for (;;) {
        skip_blanks(j);
        if (j->depth == 0) {
            return j->pos == j->end ? 0 : JSON_BAD;
        }
        bool is_object = in_object(j);

        if (accept(j, ',')) {
            *ret_more = true;
            return is_object && !scan_key(j) ? JSON_BAD : 0;
        }
        if (!accept(j, is_object ? '}' : ']')) {
            return JSON_BAD;
        }
        j->depth--;
    }
}

static int scan_document(struct json *j)
{
    for (;;) {
        bool again;
        int r = scan_value(j, &again);

        if (r == 0 && !again) {
            r = scan_after(j, &again);
        }
        if (r != 0 || !again) {
            return r;
        }
    }
}

int json_check(struct view text, struct failure *ret_failure)
{
    struct json j = { .pos = text.data, .end = text.data + text.len };
    int r = scan_document(&j);

    if (r == 0) {
        return 0;
    }
    if (r == JSON_DEEP) {
        return failure_set(ret_failure, "54001", "json is nested deeper than %d levels",
                           json_depth_max);
    }
    failure_set(ret_failure, "22P02", "invalid input syntax for type json");
    if (j.pos >= j.end) {
        failure_add(ret_failure, FIELD_DETAIL, "The input string ended unexpectedly.");
    } else {
        failure_add(ret_failure, FIELD_DETAIL, "The text is not JSON at byte %zu.",
                    (size_t)(j.pos - text.data) + 1);
    }
    return FAILED;
}
