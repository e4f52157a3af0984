/* sql/violation_query.c: the texts of questions about a statement's rows. */
#include "sql/violation_impl.h"

#include "pool/session.h"
#include "sql/params.h"
#include "sql/verb_support.h"

#include <errno.h>
#include <stdio.h>

void violation_put(struct violation_query *q, const char *text)
{
    q->r = q->r == 0 ? buf_append_str(&q->text, text) : q->r;
}

void violation_put_view(struct violation_query *q, struct view text)
{
    q->r = q->r == 0 ? buf_append_view(&q->text, text) : q->r;
}

void violation_put_name(struct violation_query *q, const char *prefix, const char *name)
{
    char whole[sizeof(violation_old) + table_name_bytes];

    snprintf(whole, sizeof whole, "%s%s", prefix, name);
    q->r = q->r == 0 ? verb_ident(&q->text, whole) : q->r;
}

void violation_put_part(struct violation_query *q, const struct violated_key *key, size_t i,
                        const char *a)
{
    if (key->calls[i] != NULL) {
        violation_put(q, key->calls[i]);
        violation_put(q, "(");
    }
    violation_put(q, a);
    violation_put_name(q, "", key->columns[i]->name);
    violation_put(q, key->calls[i] != NULL ? ")" : "");
}

void violation_put_parts(struct violation_query *q, const struct violated_key *key, const char *a,
                         const char *behind, const char *between)
{
    for (size_t i = 0; i < key->count; i++) {
        violation_put(q, i > 0 ? between : "");
        violation_put_part(q, key, i, a);
        violation_put(q, behind);
    }
}

void violation_put_equal(struct violation_query *q, const struct violated_key *key, const char *a,
                         const char *b)
{
    for (size_t i = 0; i < key->count; i++) {
        violation_put(q, i > 0 ? " AND " : "");
        violation_put_part(q, key, i, a);
        violation_put(q, " = ");
        violation_put_part(q, key, i, b);
    }
}

int violation_run(struct violation *v, struct violation_query *q, violation_row_fn *fn, void *arg)
{
    cleanup(buf_finish) struct buf text = q->text;

    q->text = (struct buf){ 0 };
    if (q->r != 0 || buf_append_byte(&text, '\0') != 0) {
        return q->r != 0 ? q->r : -ENOMEM;
    }
    size_t len = params_shorten((char *)text.data, text.len - 1);
    return violation_ask(v, view_of(text.data, len), v->params, v->param_count, fn, arg);
}

int violation_keep(struct violation *v, struct violation_query *q, struct view *ret_text)
{
    cleanup(buf_finish) struct buf text = q->text;

    q->text = (struct buf){ 0 };
    if (q->r != 0) {
        return q->r;
    }
    const char *copy = arena_strndup(&v->arena, text.data, text.len);
    *ret_text = view_of(copy, text.len);
    return copy == NULL ? -ENOMEM : 0;
}
