/* sql/schema_index.c: CREATE INDEX and CREATE VIEW, from SQLite's text to PostgreSQL's. */
#include "sql/schema_list.h"

#include "pool/sqltext.h"
#include "sql/rewrite.h"
#include "sql/source.h"
#include "sql/verb_support.h"

/* ---- indexes ---- */

struct index_text {
    struct view rest; /* what is still to be read */
    struct buf out;
    bool known;
    int r;
};

static void say(struct index_text *x, const char *text)
{
    x->r = x->r == 0 ? buf_append_str(&x->out, text) : x->r;
}

static void say_ident(struct index_text *x, const char *name)
{
    x->r = x->r == 0 ? verb_ident(&x->out, name) : x->r;
}

static void say_source(struct index_text *x, struct view text)
{
    bool known = true;

    x->r = x->r == 0 ? source_read(text, &x->out, &known) : x->r;
    x->known = x->known && known;
}

/* A column's name with an order behind it, or an expression. */
static bool read_column(struct view element, char *name, size_t size, bool *ret_descending)
{
    struct sqltext_token token = sqltext_next(&element);

    if (token.kind != SQLTEXT_WORD && token.kind != SQLTEXT_NAME) {
        return false;
    }
    sqltext_identifier(&token, name, size);
    token = sqltext_next(&element);
    if (sqltext_is(&token, "COLLATE")) {
        (void)sqltext_next(&element);
        token = sqltext_next(&element);
    }
    *ret_descending = sqltext_is(&token, "DESC");
    if (*ret_descending || sqltext_is(&token, "ASC")) {
        token = sqltext_next(&element);
    }
    return token.kind == SQLTEXT_END;
}

static struct view without_order(struct view element, bool *ret_descending)
{
    struct view rest = element;
    struct view before = element;
    struct sqltext_token token;

    *ret_descending = false;
    while ((token = sqltext_next(&rest)).kind != SQLTEXT_END) {
        *ret_descending = sqltext_is(&token, "DESC");
        if (*ret_descending || sqltext_is(&token, "ASC")) {
            before.len = (size_t)(token.text.data - element.data);
        } else {
            before = element;
        }
    }
    return before;
}

static void say_element(struct index_text *x, struct view element, bool first)
{
    char name[256];
    bool descending = false;

    say(x, first ? "" : ", ");
    if (read_column(element, name, sizeof(name), &descending)) {
        say_ident(x, name);
    } else {
        say(x, "(");
        say_source(x, without_order(element, &descending));
        say(x, ")");
    }
    say(x, descending ? " DESC" : "");
}

/* "(a, b)": up to the closing parenthesis. */
static void say_elements(struct index_text *x)
{
    const uint8_t *start = x->rest.data;
    bool first = true;
    int depth = 1;

    while (depth > 0) {
        struct sqltext_token token = sqltext_next(&x->rest);

        if (token.kind == SQLTEXT_END) {
            x->known = false;
            return;
        }
        depth += sqltext_is_byte(&token, '(') - sqltext_is_byte(&token, ')');
        if (depth == 0 || (depth == 1 && sqltext_is_byte(&token, ','))) {
            say_element(x, view_of(start, (size_t)(token.text.data - start)), first);
            start = token.text.data + 1;
            first = false;
        }
    }
}

/* What stands for a constraint says so in a comment (ddl_create.c). */
static const char *constraint_of(const char *sql)
{
    return strstr(sql, " /* primary key */ ON ") != NULL ? "PRIMARY KEY"
           : strstr(sql, " /* unique */ ON ") != NULL    ? "UNIQUE"
                                                         : NULL;
}

static void begin(struct index_text *x, const char *name, const char *table, const char *kind,
                  bool unique)
{
    if (kind != NULL) {
        say(x, "ALTER TABLE ");
        say_ident(x, table);
        say(x, " ADD CONSTRAINT ");
        say_ident(x, name);
        say(x, " ");
        say(x, kind);
    } else {
        say(x, unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
        say_ident(x, name);
        say(x, " ON ");
        say_ident(x, table);
    }
    say(x, " (");
}

void schema_add_index(struct schema_list *list, const char *name, const char *table,
                      const char *sql)
{
    struct index_text x = { .rest = view_of_str(sql), .known = true };
    const char *kind = constraint_of(sql);
    struct sqltext_token token = sqltext_next(&x.rest); /* CREATE */

    token = sqltext_next(&x.rest);
    begin(&x, name, table, kind, sqltext_is(&token, "UNIQUE"));
    while (token.kind != SQLTEXT_END && !sqltext_is_byte(&token, '(')) {
        token = sqltext_next(&x.rest);
    }
    say_elements(&x);
    say(&x, ")");
    token = sqltext_next(&x.rest);
    if (sqltext_is(&token, "WHERE")) {
        say(&x, " WHERE ");
        say_source(&x, x.rest);
    }
    say(&x, ";");
    schema_list_add(list, kind != NULL ? SCHEMA_KEY : SCHEMA_INDEX, name, table, &x.out, x.r,
                    x.known);
    buf_finish(&x.out);
}

/* ---- views ---- */

/* Behind the types of its columns. */
static struct view body_of(struct view text)
{
    const uint8_t *types = memmem(text.data, text.len, view_types_mark, strlen(view_types_mark));
    const uint8_t *end =
        types == NULL || types > text.data + 1 ? NULL : memmem(types, text.len, " */ ", 4);

    if (end != NULL) {
        view_advance(&text, (size_t)(end + 4 - text.data));
    }
    return text;
}

/* From behind the name: "(a, b)" and AS. */
static void say_columns(struct index_text *x)
{
    const uint8_t *start = x->rest.data;
    struct sqltext_token token = sqltext_next(&x->rest);

    while (token.kind != SQLTEXT_END && !sqltext_is(&token, "AS")) {
        token = sqltext_next(&x->rest);
    }
    x->known = token.kind != SQLTEXT_END;
    x->r = x->r == 0 ? source_put_words(view_of(start, (size_t)(token.text.data - start)), &x->out)
                     : x->r;
}

void schema_add_view(struct schema_list *list, const char *name, const char *sql)
{
    struct index_text x = { .rest = view_of_str(sql), .known = true };
    struct sqltext_token token;

    do { /* CREATE VIEW name */
        token = sqltext_next(&x.rest);
    } while (token.kind != SQLTEXT_END && !sqltext_is(&token, "VIEW"));
    (void)sqltext_next(&x.rest);
    say(&x, "CREATE VIEW ");
    say_ident(&x, name);
    say_columns(&x);
    say(&x, " AS\n");
    say_source(&x, body_of(x.rest));
    say(&x, ";");
    schema_list_add(list, SCHEMA_VIEW, name, NULL, &x.out, x.r, x.known);
    buf_finish(&x.out);
}
