/* sql/violation_query.c: the texts of questions are put together from smaller ones, all of them in
 * the arena; once one cannot be, none is. */
#include "sql/violation_impl.h"

#include "sql/verb_support.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

const char *violation_give_up(struct violation *v, int r)
{
    v->r = v->r == 0 ? r : v->r;
    return "";
}

const char *violation_copy(struct violation *v, struct view text)
{
    const char *copy = arena_strndup(&v->arena, text.data, text.len);

    return copy != NULL ? copy : violation_give_up(v, -ENOMEM);
}

const char *violation_print(struct violation *v, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = len < 0 || v->r != 0 ? NULL : arena_alloc(&v->arena, (size_t)len + 1);
    if (text == NULL) {
        return violation_give_up(v, -ENOMEM);
    }
    va_start(args, format);
    (void)vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

static const char *quoted(struct violation *v, const char *text,
                          int (*quote)(struct buf *out, const char *text))
{
    cleanup(buf_finish) struct buf out = { 0 };

    return quote(&out, text) == 0 ? violation_copy(v, buf_view(&out))
                                  : violation_give_up(v, -ENOMEM);
}

const char *violation_name(struct violation *v, const char *name)
{
    return quoted(v, name, verb_ident);
}

const char *violation_string(struct violation *v, const char *text)
{
    return quoted(v, text, verb_quote);
}

const char *violation_parts(struct violation *v, const struct violated_key *key, const char *of,
                            const char *behind, const char *between)
{
    const char *parts = "";

    for (size_t i = 0; i < key->count; i++) {
        const char *call = key->calls[i] == NULL ? "" : key->calls[i];

        parts = violation_print(v, "%s%s%s(%s%s)%s", parts, i > 0 ? between : "", call, of,
                                violation_name(v, key->columns[i]->name), behind);
    }
    return parts;
}

const char *violation_tuple(struct violation *v, const struct violated_key *key, const char *of)
{
    return violation_print(v, "(%s)", violation_parts(v, key, of, "", ", "));
}

const char *violation_tuple_of(struct violation *v, const char *names, const char *of)
{
    const char *row = "";
    char name[table_name_bytes];

    while (violation_next_name(&names, name)) {
        row = violation_print(v, "%s%s%s%s", row, row[0] != '\0' ? ", " : "", of,
                              violation_name(v, name));
    }
    return violation_print(v, "(%s)", row);
}
