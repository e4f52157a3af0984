/* sql/violation_print.c: keys and rows as PostgreSQL's DETAIL has them: values as their types
 * print, those of a row cut at 64 bytes. */
#include "sql/violation_impl.h"

#include "protocol/utf8.h"
#include "protocol/value.h"
#include "sql/function_string.h"
#include "sql/session_state.h"

enum { row_value_bytes = 64 }; /* PostgreSQL's maxfieldlen */

static const char *value(struct violation *v, const struct type *type, const struct cell *cell)
{
    cleanup(buf_finish) struct buf out = { 0 };
    struct failure ignored;

    if (cell->kind == CELL_NULL) {
        return "null";
    }
    int r =
        value_encode(type->oid, type->typmod, FORMAT_TEXT, cell, &v->sql->style, &out, &ignored);
    return r == 0 ? violation_copy(v, buf_view(&out)) : violation_give_up(v, FAILED);
}

/* ---- keys ---- */

static const char *column_name(struct violation *v, const char *name, bool quoted)
{
    cleanup(buf_finish) struct buf out = { 0 };

    if (!quoted) {
        return name;
    }
    int r = quote_append_ident(&out, view_of_str(name));
    return r == 0 ? violation_copy(v, buf_view(&out)) : violation_give_up(v, r);
}

/* a, "B", lower(c), lower(d::text) of a varchar. */
static const char *part_name(struct violation *v, const struct violated_key *key, size_t i,
                             bool quoted)
{
    const struct violated_column *column = key->columns[i];
    const char *name = column_name(v, column->name, quoted);
    const char *call = key->calls[i];

    return call == NULL
               ? name
               : violation_print(v, "%s(%s%s)", call + (call[0] == 'p' ? strlen("pond_") : 0), name,
                                 column->type.oid == OID_TEXT ? "" : "::text");
}

struct key_answer {
    const struct violated_key *key;
    bool quoted;
    const char *told;
    size_t count;
};

static int take_key(struct violation *v, const struct cell *cells, void *arg)
{
    static const struct type text = { .oid = OID_TEXT, .typmod = -1 };
    struct key_answer *answer = arg;
    const struct violated_key *key = answer->key;
    const char *names = "", *values = "";

    if (answer->count++ > 0) {
        answer->told = NULL; /* it may have been the one or the other */
        return CURSOR_END;
    }
    for (size_t i = 0; i < key->count; i++) {
        const struct type *type = key->calls[i] != NULL ? &text : &key->columns[i]->type;
        const char *between = i > 0 ? ", " : "";

        names = violation_print(v, "%s%s%s", names, between, part_name(v, key, i, answer->quoted));
        values = violation_print(v, "%s%s%s", values, between, value(v, type, &cells[i]));
    }
    answer->told = violation_print(v, "Key (%s)=(%s)", names, values);
    return v->r;
}

int violation_ask_key(struct violation *v, const char *question, const struct violated_key *key,
                      bool quoted, const char **ret_told)
{
    struct key_answer answer = { .key = key, .quoted = quoted };
    int r = violation_ask(v, question, take_key, &answer);

    *ret_told = r == CURSOR_END ? answer.told : NULL;
    return r;
}

/* ---- rows ---- */

static int tell_row(struct violation *v, const struct cell *cells, void *arg)
{
    cleanup(buf_finish) struct buf out = { 0 };
    int r = 0;

    for (size_t i = 0; i < v->count && r == 0; i++) {
        struct view whole = view_of_str(value(v, &v->columns[i].type, &cells[i]));
        struct view cut = utf8_cut(whole, row_value_bytes);

        r = buf_printf(&out, "%s%.*s%s", i > 0 ? ", " : "", (int)cut.len, (const char *)cut.data,
                       cut.len < whole.len ? "..." : "");
    }
    if (r != 0 || v->r != 0) {
        return FAILED;
    }
    failure_add(arg, FIELD_DETAIL, "Failing row contains (%.*s).", (int)out.len,
                (const char *)out.data);
    return CURSOR_END;
}

int violation_ask_row(struct violation *v, const char *question, struct failure *failure)
{
    return violation_ask(v, question, tell_row, failure);
}
