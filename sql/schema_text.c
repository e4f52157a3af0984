/* sql/schema_text.c: CREATE TABLE, from SQLite's text to PostgreSQL's.
 *
 * pond's own tables have one form (ddl_create.c): columns, then each constraint with its name.
 * Those that came in an SQLite file have their constraints anywhere, and are read as well. */
#include "sql/schema_list.h"

#include "base/alloc.h"
#include "pool/sqltext.h"
#include "sql/ddl.h"
#include "sql/source.h"

#include <errno.h>
#include <stdio.h>

struct table {
    struct schema_list *list;
    const char *name;
    struct buf out;     /* CREATE TABLE */
    struct buf columns; /* "a", "b": those that COPY fills */
    bool first;
    bool known;
    int r;
};

enum { text_bytes = 256 };

enum note { NOTE_NONE, NOTE_SERIAL, NOTE_ALWAYS, NOTE_BY_DEFAULT };

struct table_column {
    char name[text_bytes];
    char collation[text_bytes];
    char pending[text_bytes]; /* the name of the constraint that comes */
    char primary_name[text_bytes];
    struct view declared;
    struct view default_;
    struct view generated;
    struct view foreign; /* REFERENCES ... */
    struct buf checks;
    enum note note;
    bool not_null;
    bool primary;
    bool counts; /* AUTOINCREMENT */
    bool unique;
};

static void say(struct table *t, const char *text)
{
    t->r = t->r == 0 ? buf_append_str(&t->out, text) : t->r;
}

static void say_ident(struct table *t, const char *name)
{
    t->r = t->r == 0 ? verb_ident(&t->out, name) : t->r;
}

static void say_view(struct table *t, struct view text)
{
    t->r = t->r == 0 ? buf_append_view(&t->out, text) : t->r;
}

static void say_source(struct table *t, struct view text)
{
    bool known = true;

    t->r = t->r == 0 ? source_read(text, &t->out, &known) : t->r;
    t->known = t->known && known;
}

static struct view trimmed(struct view text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.data[0]) != NULL) {
        view_advance(&text, 1);
    }
    while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]) != NULL) {
        text.len--;
    }
    return text;
}

/* The inside of the parentheses that come next; empty when none do. */
static struct view take_group(struct view *rest)
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

/* ---- a column's text ---- */

/* A literal, with its sign. */
static struct view take_literal(struct view *rest)
{
    struct sqltext_token token = sqltext_next(rest);
    const uint8_t *start = token.text.data;

    if (sqltext_is_byte(&token, '-') || sqltext_is_byte(&token, '+')) {
        token = sqltext_next(rest);
    }
    while (peek(rest).kind == SQLTEXT_OTHER && token.kind == SQLTEXT_OTHER) {
        token = sqltext_next(rest); /* a number's point and the rest of it */
    }
    return view_of(start, (size_t)(token.text.data + token.text.len - start));
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
static struct view take_foreign(struct view *rest)
{
    const uint8_t *start = rest->data;
    struct sqltext_token token = sqltext_next(rest);
    const uint8_t *end = token.text.data + token.text.len;

    if (take_group(rest).data != NULL) {
        end = rest->data;
    }
    for (bool set = false; (token = peek(rest)), continues_foreign(&token, set);) {
        set = sqltext_is(&token, "SET");
        end = token.text.data + token.text.len;
        (void)sqltext_next(rest);
    }
    return view_of(start, (size_t)(end - start));
}

static void take_check(struct table *t, struct table_column *c, struct view *rest)
{
    struct view group = take_group(rest);
    bool known = true;
    int r = t->r;

    if (r == 0 && c->pending[0] != '\0') {
        r = buf_append_str(&c->checks, " CONSTRAINT ");
        r = r == 0 ? verb_ident(&c->checks, c->pending) : r;
    }
    r = r == 0 ? buf_append_str(&c->checks, " CHECK (") : r;
    r = r == 0 ? source_read(group, &c->checks, &known) : r;
    t->r = r == 0 ? buf_append_str(&c->checks, ")") : r;
    t->known = t->known && known;
}

static void read_part(struct table *t, struct table_column *c, const struct sqltext_token *token,
                      struct view *rest)
{
    struct sqltext_token next;

    if (sqltext_is(token, "CONSTRAINT")) {
        next = sqltext_next(rest);
        sqltext_identifier(&next, c->pending, sizeof(c->pending));
        return;
    }
    if (sqltext_is(token, "NOT")) {
        next = sqltext_next(rest);
        c->not_null = c->not_null || sqltext_is(&next, "NULL");
    } else if (sqltext_is(token, "DEFAULT")) {
        c->default_ = take_group(rest);
        c->default_ = c->default_.data == NULL ? take_literal(rest) : c->default_;
    } else if (sqltext_is(token, "AS")) {
        c->generated = take_group(rest);
    } else if (sqltext_is(token, "PRIMARY")) {
        (void)sqltext_next(rest);
        c->primary = true;
        memcpy(c->primary_name, c->pending, sizeof(c->pending));
    } else if (sqltext_is(token, "AUTOINCREMENT")) {
        c->counts = true;
    } else if (sqltext_is(token, "UNIQUE")) {
        c->unique = true;
    } else if (sqltext_is(token, "CHECK")) {
        take_check(t, c, rest);
    } else if (sqltext_is(token, "REFERENCES")) {
        c->foreign = take_foreign(rest);
    } else if (sqltext_is(token, "COLLATE")) {
        next = sqltext_next(rest);
        sqltext_identifier(&next, c->collation, sizeof(c->collation));
    }
    c->pending[0] = '\0';
}

static bool ends_with(struct view text, const char *end)
{
    size_t len = strlen(end);

    return text.len >= len && memcmp(text.data + text.len - len, end, len) == 0;
}

static enum note note_of(struct view element)
{
    return ends_with(element, "/* serial */")                ? NOTE_SERIAL
           : ends_with(element, "/* identity always */")     ? NOTE_ALWAYS
           : ends_with(element, "/* identity by default */") ? NOTE_BY_DEFAULT
                                                             : NOTE_NONE;
}

static void read_column(struct table *t, struct view element, struct table_column *c)
{
    struct view rest = element;
    struct sqltext_token token = sqltext_next(&rest);

    sqltext_identifier(&token, c->name, sizeof(c->name));
    c->declared = trimmed(element_part(element, PART_TYPE));
    c->note = note_of(element);
    rest = view_of(c->declared.data + c->declared.len,
                   (size_t)(element.data + element.len - c->declared.data) - c->declared.len);
    while ((token = sqltext_next(&rest)).kind != SQLTEXT_END && t->r == 0) {
        read_part(t, c, &token, &rest);
    }
}

/* ---- a column, as PostgreSQL has it ---- */

static struct type type_of(const struct table_column *c)
{
    char declared[text_bytes];

    snprintf(declared, sizeof(declared), "%.*s", (int)c->declared.len,
             (const char *)c->declared.data);
    return type_of_declared(c->declared.len == 0 ? NULL : declared,
                            c->collation[0] == '\0' ? NULL : c->collation);
}

static bool is_rowid(const struct table_column *c)
{
    return c->primary && c->declared.len == 7 &&
           strncasecmp((const char *)c->declared.data, "INTEGER", 7) == 0;
}

/* nextval('t_c_seq') with the name that the column's own sequence would have again. */
static bool is_own_sequence(const struct table *t, const struct table_column *c,
                            char name[ddl_name_bytes])
{
    struct view rest = c->default_;
    struct sqltext_token token = sqltext_next(&rest);
    char found[text_bytes];

    ddl_object_name(name, t->name, c->name, "seq", 0);
    if (!sqltext_is(&token, "NEXTVAL")) {
        return false;
    }
    (void)sqltext_next(&rest);
    token = sqltext_next(&rest);
    sqltext_identifier(&token, found, sizeof(found));
    return strcmp(found, name) == 0;
}

/* Does the column make its values by itself? */
static enum note generator_of(struct table *t, const struct table_column *c)
{
    char sequence[ddl_name_bytes];

    if (is_rowid(c)) {
        /* in an SQLite file every such key counts up; pond says so by a note */
        bool foreign = c->collation[0] == '\0';

        return c->note != NOTE_NONE ? c->note : foreign || c->counts ? NOTE_BY_DEFAULT : NOTE_NONE;
    }
    if (c->note == NOTE_NONE || !is_own_sequence(t, c, sequence)) {
        return NOTE_NONE;
    }
    schema_list_imply(t->list, sequence);
    return c->note;
}

static void say_type(struct table *t, const struct table_column *c, enum note generator)
{
    struct type type = type_of(c);

    if (generator == NOTE_SERIAL) {
        say(t, type.oid == OID_INT2   ? "smallserial"
               : type.oid == OID_INT8 ? "bigserial"
                                      : "serial");
        return;
    }
    t->r = t->r == 0 ? type_print(type, &t->out) : t->r;
    say(t, generator == NOTE_ALWAYS       ? " GENERATED ALWAYS AS IDENTITY"
           : generator == NOTE_BY_DEFAULT ? " GENERATED BY DEFAULT AS IDENTITY"
                                          : "");
}

static void say_values(struct table *t, const struct table_column *c, enum note generator)
{
    if (c->generated.data != NULL) {
        say(t, " GENERATED ALWAYS AS (");
        say_source(t, c->generated);
        say(t, ") STORED");
    } else if (c->default_.data != NULL && generator == NOTE_NONE) {
        say(t, " DEFAULT (");
        say_source(t, c->default_);
        say(t, ")");
    }
    say(t, c->not_null ? " NOT NULL" : "");
}

static void say_constraints(struct table *t, const struct table_column *c)
{
    if (c->primary && c->primary_name[0] != '\0') {
        say(t, " CONSTRAINT ");
        say_ident(t, c->primary_name);
    }
    say(t, c->primary ? " PRIMARY KEY" : "");
    say(t, c->unique ? " UNIQUE" : "");
    say_view(t, buf_view(&c->checks));
}

static void note_copied(struct table *t, const struct table_column *c)
{
    if (t->r == 0 && c->generated.data == NULL) {
        t->r = t->columns.len > 0 ? buf_append_str(&t->columns, ", ") : 0;
        t->r = t->r == 0 ? verb_ident(&t->columns, c->name) : t->r;
    }
}

/* ---- foreign keys ---- */

/* ALTER TABLE t ADD constraint; `column`: it stands behind that one. */
static void add_foreign(struct table *t, const char *column, struct view text)
{
    cleanup(buf_finish) struct buf out = { 0 };
    int r = buf_append_str(&out, "ALTER TABLE ");

    r = r == 0 ? verb_ident(&out, t->name) : r;
    r = r == 0 ? buf_append_str(&out, " ADD ") : r;
    if (column != NULL && r == 0) {
        r = buf_append_str(&out, "FOREIGN KEY (");
        r = r == 0 ? verb_ident(&out, column) : r;
        r = r == 0 ? buf_append_str(&out, ") REFERENCES") : r;
    }
    r = r == 0 ? buf_append_view(&out, text) : r;
    r = r == 0 ? buf_append_byte(&out, ';') : r;
    schema_list_add(t->list, SCHEMA_FOREIGN_KEY, t->name, t->name, &out, r, true);
}

/* ---- the table ---- */

static void next_element(struct table *t)
{
    say(t, t->first ? "\n    " : ",\n    ");
    t->first = false;
}

static void add_column(struct table *t, struct view element)
{
    struct table_column c = { 0 };

    read_column(t, element, &c);
    enum note generator = generator_of(t, &c);
    next_element(t);
    say_ident(t, c.name);
    say(t, " ");
    say_type(t, &c, generator);
    say_values(t, &c, generator);
    say_constraints(t, &c);
    note_copied(t, &c);
    if (c.foreign.data != NULL) {
        add_foreign(t, c.name, c.foreign);
    }
    buf_finish(&c.checks);
}

/* Up to a CHECK's parenthesis as it is. */
static void add_constraint(struct table *t, struct view element)
{
    struct view rest = element;
    struct sqltext_token token = sqltext_next(&rest);

    if (sqltext_is(&token, "CONSTRAINT")) {
        (void)sqltext_next(&rest);
        token = sqltext_next(&rest);
    }
    if (sqltext_is(&token, "FOREIGN")) {
        add_foreign(t, NULL, element);
        return;
    }
    next_element(t);
    if (!sqltext_is(&token, "CHECK")) {
        say_view(t, element);
        return;
    }
    say_view(t, view_of(element.data, (size_t)(token.text.data - element.data)));
    say(t, "CHECK (");
    say_source(t, take_group(&rest));
    say(t, ")");
}

static void add_elements(struct table *t, const struct table_text *text)
{
    char name[text_bytes];
    bool is_constraint = false;

    for (size_t i = 0; i < text->count && t->r == 0; i++) {
        struct view element = trimmed(text->elements[i]);

        (void)table_text_name(element, name, sizeof(name), &is_constraint);
        if (is_constraint) {
            add_constraint(t, element);
        } else {
            add_column(t, element);
        }
    }
}

static void add_rows(struct table *t)
{
    cleanup(buf_finish) struct buf out = { 0 };
    int r = buf_append_str(&out, "COPY ");

    r = r == 0 ? verb_ident(&out, t->name) : r;
    r = r == 0 ? buf_append_str(&out, " (") : r;
    r = r == 0 ? buf_append_view(&out, buf_view(&t->columns)) : r;
    r = r == 0 ? buf_append_str(&out, ") FROM stdin;") : r;
    if (t->columns.len > 0) {
        schema_list_add(t->list, SCHEMA_ROWS, t->name, t->name, &out, r, true);
    }
}

void schema_add_table(struct schema_list *list, const char *name, const char *sql)
{
    cleanup(table_text_finish) struct table_text text = { .sql = mem_strdup(sql) };
    struct table t = { .list = list, .name = name, .first = true, .known = true };

    t.r = text.sql == NULL ? -ENOMEM : table_text_cut(&text);
    t.known = text.tail.data != NULL;
    say(&t, "CREATE TABLE ");
    say_ident(&t, name);
    say(&t, " (");
    add_elements(&t, &text);
    say(&t, "\n);");
    schema_list_add(list, SCHEMA_TABLE, name, name, &t.out, t.r, t.known);
    add_rows(&t);
    buf_finish(&t.out);
    buf_finish(&t.columns);
}
