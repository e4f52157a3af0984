/* sql/schema_column.c: see schema_column.h. Behind the type a column's parts come in any order;
 * each begins with a word that has its row in `parts`. */
#include "sql/schema_column.h"

#include "pool/sqltext.h"
#include "sql/ddl.h"
#include "sql/source.h"

#include <string.h>

struct reading {
    struct schema_column column;
    struct view rest;                /* what is still to be read */
    char pending[schema_text_bytes]; /* the name of the constraint that comes */
    bool known;
    int r;
};

/* ---- pieces of a text ---- */

struct view schema_trim(struct view text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.data[0]) != NULL) {
        view_advance(&text, 1);
    }
    while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]) != NULL) {
        text.len--;
    }
    return text;
}

struct view schema_take_group(struct view *rest)
{
    struct view ahead = *rest;
    struct sqltext_token token = sqltext_next(&ahead);
    const uint8_t *start = token.text.data + token.text.len;
    int depth = sqltext_is_byte(&token, '(');

    if (depth == 0) {
        return (struct view){ 0 };
    }
    while (depth > 0 && token.kind != SQLTEXT_END) {
        token = sqltext_next(&ahead);
        depth += sqltext_is_byte(&token, '(') - sqltext_is_byte(&token, ')');
    }
    *rest = ahead;
    return view_of(start, (size_t)(token.text.data - start));
}

static struct sqltext_token peek(const struct view *rest)
{
    struct view ahead = *rest;

    return sqltext_next(&ahead);
}

/* With its sign. */
static struct view take_literal(struct view *rest)
{
    struct sqltext_token token = sqltext_next(rest);
    const uint8_t *start = token.text.data;

    if (sqltext_is_byte(&token, '-') || sqltext_is_byte(&token, '+')) {
        token = sqltext_next(rest);
    }
    if (sqltext_is(&token, "X") && rest->len > 0 && rest->data[0] == '\'') {
        token = sqltext_next(rest); /* a blob */
    }
    while (peek(rest).kind == SQLTEXT_OTHER && token.kind == SQLTEXT_OTHER) {
        token = sqltext_next(rest); /* a number's point and the rest of it */
    }
    return view_of(start, (size_t)(token.text.data + token.text.len - start));
}

/* ---- parts ---- */

static void take_constraint(struct reading *r)
{
    struct sqltext_token name = sqltext_next(&r->rest);

    sqltext_identifier(&name, r->pending, sizeof(r->pending));
}

static void take_not(struct reading *r)
{
    struct sqltext_token what = sqltext_next(&r->rest);

    r->column.not_null = r->column.not_null || sqltext_is(&what, "NULL");
}

static void take_default(struct reading *r)
{
    r->column.default_ = schema_take_group(&r->rest);
    if (r->column.default_.data == NULL) {
        r->column.default_ = take_literal(&r->rest);
    }
}

static void take_generated(struct reading *r)
{
    r->column.generated = schema_take_group(&r->rest);
}

static void take_primary(struct reading *r)
{
    r->column.primary = true;
    memcpy(r->column.primary_name, r->pending, sizeof(r->pending));
}

static void take_counts(struct reading *r)
{
    r->column.counts = true;
}

static void take_unique(struct reading *r)
{
    r->column.unique = true;
}

static void take_collation(struct reading *r)
{
    struct sqltext_token name = sqltext_next(&r->rest);

    sqltext_identifier(&name, r->column.collation, sizeof(r->column.collation));
}

static void take_check(struct reading *r)
{
    struct view group = schema_take_group(&r->rest);
    struct buf *out = &r->column.checks;
    bool known = true;

    if (r->r == 0 && r->pending[0] != '\0') {
        r->r = buf_append_str(out, " CONSTRAINT ");
        r->r = r->r == 0 ? verb_ident(out, r->pending) : r->r;
    }
    r->r = r->r == 0 ? buf_append_str(out, " CHECK (") : r->r;
    r->r = r->r == 0 ? source_read(group, out, &known) : r->r;
    r->r = r->r == 0 ? buf_append_str(out, ")") : r->r;
    r->known = r->known && known;
}

static bool continues_foreign(const struct sqltext_token *token, bool after_set)
{
    static const char *const words[] = { "ON",      "DELETE",     "UPDATE",    "SET",
                                         "CASCADE", "RESTRICT",   "NO",        "ACTION",
                                         "MATCH",   "DEFERRABLE", "INITIALLY", "DEFERRED",
                                         "SIMPLE",  "IMMEDIATE" };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (sqltext_is(token, words[i])) {
            return true;
        }
    }
    return after_set && (sqltext_is(token, "NULL") || sqltext_is(token, "DEFAULT"));
}

/* From the table's name on. */
static void take_foreign(struct reading *r)
{
    const uint8_t *start = r->rest.data;
    struct sqltext_token token = sqltext_next(&r->rest);
    const uint8_t *end = token.text.data + token.text.len;

    if (schema_take_group(&r->rest).data != NULL) {
        end = r->rest.data;
    }
    for (bool set = false; token = peek(&r->rest), continues_foreign(&token, set);) {
        set = sqltext_is(&token, "SET");
        end = token.text.data + token.text.len;
        (void)sqltext_next(&r->rest);
    }
    r->column.foreign = view_of(start, (size_t)(end - start));
}

/* Words that have no row, such as KEY, STORED and ON CONFLICT's, say nothing that is wanted. */
static const struct part {
    const char *word;
    void (*take)(struct reading *r);
} parts[] = {
    { "AS", take_generated },
    { "AUTOINCREMENT", take_counts },
    { "CHECK", take_check },
    { "COLLATE", take_collation },
    { "CONSTRAINT", take_constraint },
    { "DEFAULT", take_default },
    { "NOT", take_not },
    { "PRIMARY", take_primary },
    { "REFERENCES", take_foreign },
    { "UNIQUE", take_unique },
};

static void take_part(struct reading *r, const struct sqltext_token *token)
{
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (sqltext_is(token, parts[i].word)) {
            parts[i].take(r);
            if (parts[i].take != take_constraint) {
                r->pending[0] = '\0';
            }
            return;
        }
    }
}

/* ---- the column ---- */

static bool ends_with(struct view text, const char *end)
{
    size_t len = strlen(end);

    return text.len >= len && memcmp(text.data + text.len - len, end, len) == 0;
}

static enum schema_note note_of(struct view element)
{
    return ends_with(element, "/* serial */")                ? SCHEMA_NOTE_SERIAL
           : ends_with(element, "/* identity always */")     ? SCHEMA_NOTE_ALWAYS
           : ends_with(element, "/* identity by default */") ? SCHEMA_NOTE_BY_DEFAULT
                                                             : SCHEMA_NOTE_NONE;
}

int schema_column_read(struct view element, struct schema_column *ret_column, bool *ret_known)
{
    struct reading r = { .rest = element, .known = true };
    struct schema_column *c = &r.column;
    struct sqltext_token token = sqltext_next(&r.rest);

    sqltext_identifier(&token, c->name, sizeof(c->name));
    c->declared = schema_trim(element_part(element, PART_TYPE));
    c->note = note_of(element);
    const uint8_t *type_end = c->declared.data + c->declared.len;
    r.rest = view_of(type_end, (size_t)(element.data + element.len - type_end));
    while ((token = sqltext_next(&r.rest)).kind != SQLTEXT_END && r.r == 0) {
        take_part(&r, &token);
    }
    if (r.r != 0) {
        schema_column_finish(c);
        return r.r;
    }
    *ret_column = r.column;
    *ret_known = r.known;
    return 0;
}

void schema_column_finish(struct schema_column *column)
{
    buf_finish(&column->checks);
}
