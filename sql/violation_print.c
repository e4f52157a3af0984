/* sql/violation_print.c: keys and rows as PostgreSQL's DETAIL has them: values as their types
 * print, those of a row cut at 64 bytes. */
#include "sql/violation_impl.h"

#include "protocol/utf8.h"
#include "protocol/value.h"
#include "sql/function_string.h"
#include "sql/session_state.h"

#include <errno.h>

enum { row_value_bytes = 64 }; /* PostgreSQL's maxfieldlen */

static int print_value(const struct violation *v, const struct violated_column *column,
                       const struct cell *cell, struct buf *out)
{
    struct failure ignored;

    if (cell->kind == CELL_NULL) {
        return buf_append_str(out, "null");
    }
    int r = value_encode(column->type.oid, column->type.typmod, FORMAT_TEXT, cell, &v->sql->style,
                         out, &ignored);
    return r == 0 ? 0 : -EINVAL;
}

static int print_cut(struct buf *out, size_t from)
{
    struct view value = view_of(out->data + from, out->len - from);

    if (value.len <= row_value_bytes) {
        return 0;
    }
    out->len = from + utf8_cut(value, row_value_bytes).len;
    return buf_append_str(out, "...");
}

/* a, "B", lower(c), lower(d::text) of a varchar. */
static int print_name(const struct violated_key *key, size_t i, bool quoted, struct buf *out)
{
    const struct violated_column *column = key->columns[i];
    const char *call = key->calls[i];
    int r =
        call == NULL ? 0 : buf_printf(out, "%s(", call + (call[0] == 'p' ? strlen("pond_") : 0));

    if (r == 0) {
        struct view name = view_of_str(column->name);
        r = quoted ? quote_append_ident(out, name) : buf_append_view(out, name);
    }
    if (call == NULL || r != 0) {
        return r;
    }
    return buf_append_str(out, column->type.oid == OID_TEXT ? ")" : "::text)");
}

static int print_part(const struct violation *v, const struct violated_key *key, size_t i,
                      const struct cell *cell, struct buf *out)
{
    static const struct violated_column text = { .type = { .oid = OID_TEXT, .typmod = -1 } };

    return print_value(v, key->calls[i] != NULL ? &text : key->columns[i], cell, out);
}

struct key_answer {
    const struct violated_key *key;
    bool quoted;
    const char *told;
    size_t count;
};

static int print_key(struct violation *v, const struct key_answer *answer, const struct cell *cells,
                     struct buf *out)
{
    const struct violated_key *key = answer->key;
    int r = buf_append_str(out, "Key (");

    for (size_t i = 0; i < key->count && r == 0; i++) {
        r = i > 0 ? buf_append_str(out, ", ") : 0;
        r = r == 0 ? print_name(key, i, answer->quoted, out) : r;
    }
    r = r == 0 ? buf_append_str(out, ")=(") : r;
    for (size_t i = 0; i < key->count && r == 0; i++) {
        r = i > 0 ? buf_append_str(out, ", ") : 0;
        r = r == 0 ? print_part(v, key, i, &cells[i], out) : r;
    }
    return r == 0 ? buf_append_byte(out, ')') : r;
}

static int take_key(struct violation *v, const struct cell *cells, void *arg)
{
    cleanup(buf_finish) struct buf out = { 0 };
    struct key_answer *answer = arg;

    if (answer->count++ > 0) {
        answer->told = NULL; /* it may have been the one or the other */
        return CURSOR_END;
    }
    int r = print_key(v, answer, cells, &out);
    answer->told = r == 0 ? arena_strndup(&v->arena, out.data, out.len) : NULL;
    return answer->told == NULL ? FAILED : 0;
}

int violation_ask_key(struct violation *v, const char *question, const struct violated_key *key,
                      bool quoted, const char **ret_told)
{
    struct key_answer answer = { .key = key, .quoted = quoted };
    int r = violation_ask(v, question, take_key, &answer);

    *ret_told = r == CURSOR_END ? answer.told : NULL;
    return r;
}

static int print_row(struct violation *v, const struct cell *cells, struct buf *out)
{
    int r = 0;

    for (size_t i = 0; i < v->count && r == 0; i++) {
        r = i > 0 ? buf_append_str(out, ", ") : 0;
        size_t from = out->len;
        r = r == 0 ? print_value(v, &v->columns[i], &cells[i], out) : r;
        r = r == 0 ? print_cut(out, from) : r;
    }
    return r;
}

static int tell_row(struct violation *v, const struct cell *cells, void *arg)
{
    cleanup(buf_finish) struct buf out = { 0 };
    int r = print_row(v, cells, &out);

    if (r == 0) {
        failure_add(arg, FIELD_DETAIL, "Failing row contains (%.*s).", (int)out.len,
                    (const char *)out.data);
    }
    return r == 0 ? CURSOR_END : r;
}

int violation_ask_row(struct violation *v, const char *question, struct failure *failure)
{
    return violation_ask(v, question, tell_row, failure);
}
