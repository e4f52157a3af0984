/* client/pairs.c: see pairs.h. */
#include "client/pairs.h"

#include "protocol/reader.h"

#include <stdbool.h>

struct pair {
    size_t at;
    size_t end;
    const char *value;
};

static bool find(const struct buf *pairs, struct view name, struct pair *ret_pair)
{
    struct reader r = reader_over(buf_view(pairs));

    while (reader_left(&r) > 0) {
        size_t at = pairs->len - reader_left(&r);
        struct view found = reader_cstr(&r);
        const char *value = (const char *)reader_cstr(&r).data;

        if (found.len == name.len && memcmp(found.data, name.data, name.len) == 0) {
            *ret_pair =
                (struct pair){ .at = at, .end = pairs->len - reader_left(&r), .value = value };
            return true;
        }
    }
    return false;
}

const char *pairs_find(const struct buf *pairs, const char *name)
{
    struct pair pair;

    return find(pairs, view_of_str(name), &pair) ? pair.value : NULL;
}

static void put(struct buf *pairs, struct view text)
{
    memcpy(pairs->data + pairs->len, text.data, text.len);
    pairs->data[pairs->len + text.len] = '\0';
    pairs->len += text.len + 1;
}

int pairs_set(struct buf *pairs, struct view name, struct view value)
{
    struct pair old;

    if (find(pairs, name, &old)) {
        memmove(pairs->data + old.at, pairs->data + old.end, pairs->len - old.end);
        pairs->len -= old.end - old.at;
    }
    int r = buf_reserve(pairs, name.len + value.len + 2);
    if (r == 0) {
        put(pairs, name);
        put(pairs, value);
    }
    return r;
}
