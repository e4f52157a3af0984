/* sql/ddl_text.c: the text of a table, cut into its columns and constraints, and put back in place.
 *
 * SQLite reads a table's shape from its CREATE text alone, so NOT NULL, DEFAULT, CHECK, FOREIGN KEY
 * and further columns can be changed there without touching a row. What the rows must then satisfy
 * is checked by the caller before. */
#include "sql/ddl.h"

#include "base/alloc.h"
#include "pool/session.h"
#include "pool/sqltext.h"

#include <errno.h>
#include <stdio.h>

static struct view between(const uint8_t *from, const uint8_t *to)
{
    return view_of(from, (size_t)(to - from));
}

/* ---- cutting ---- */

static int add_element(struct table_text *t, struct view element)
{
    struct view *bigger = mem_realloc(t->elements, (t->count + 1) * sizeof *bigger);

    if (bigger == NULL) {
        return -ENOMEM;
    }
    t->elements = bigger;
    t->elements[t->count++] = element;
    return 0;
}

int table_text_cut(struct table_text *t)
{
    struct view rest = view_of_str(t->sql);
    const uint8_t *start = NULL;
    int depth = 0, r = 0;

    for (struct sqltext_token token = sqltext_next(&rest); token.kind != SQLTEXT_END && r == 0;
         token = sqltext_next(&rest)) {
        if (sqltext_is_byte(&token, '(') && ++depth == 1) {
            start = token.text.data + 1;
            t->head = between((const uint8_t *)t->sql, start);
        } else if (sqltext_is_byte(&token, ',') && depth == 1) {
            r = add_element(t, between(start, token.text.data));
            start = token.text.data + 1;
        } else if (sqltext_is_byte(&token, ')') && --depth == 0) {
            r = add_element(t, between(start, token.text.data));
            t->tail = view_of_str((const char *)token.text.data);
            return r;
        }
    }
    return r;
}

void table_text_finish(struct table_text *t)
{
    mem_free(t->sql);
    mem_free(t->elements);
    *t = (struct table_text){ 0 };
}

static int load_sql(struct sql_session *sql, const char *schema, const char *quoted, char **ret_sql,
                    struct failure *f)
{
    return verb_query_text(
        sql, ret_sql, f,
        "SELECT sql FROM %s.sqlite_master WHERE type = 'table' AND name = %s COLLATE NOCASE",
        schema, quoted);
}

int table_text_load(struct sql_session *sql, const char *table, struct table_text *ret_text,
                    struct failure *f)
{
    cleanup(buf_finish) struct buf q = { 0 };
    struct table_text t = { 0 };

    if (verb_quote(&q, table) != 0 || buf_append_byte(&q, 0) != 0) {
        return failure_set_nomem(f);
    }
    int r = load_sql(sql, "temp", (const char *)q.data, &t.sql, f);
    t.temp = t.sql != NULL;
    if (r == 0 && t.sql == NULL) {
        r = load_sql(sql, "main", (const char *)q.data, &t.sql, f);
    }
    if (r == 0 && t.sql == NULL) {
        return failure_set(f, "42P01", "relation \"%s\" does not exist", table);
    }
    if (r == 0 && table_text_cut(&t) != 0) {
        r = failure_set_nomem(f);
    }
    if (r == 0 && t.tail.data == NULL) {
        r = failure_set(f, "0A000", "cannot alter table \"%s\"", table);
    }
    if (r != 0) {
        table_text_finish(&t);
        return r;
    }
    *ret_text = t;
    return 0;
}

/* ---- looking ---- */

static bool starts_constraint(const struct sqltext_token *token)
{
    return token->kind == SQLTEXT_WORD &&
           (sqltext_is(token, "CONSTRAINT") || sqltext_is(token, "PRIMARY") ||
            sqltext_is(token, "UNIQUE") || sqltext_is(token, "CHECK") ||
            sqltext_is(token, "FOREIGN"));
}

bool table_text_name(struct view element, char *name, size_t size, bool *ret_constraint)
{
    struct sqltext_token token = sqltext_next(&element);

    *ret_constraint = starts_constraint(&token);
    name[0] = '\0';
    if (*ret_constraint && !sqltext_is(&token, "CONSTRAINT")) {
        return false; /* it has no name */
    }
    if (*ret_constraint) {
        token = sqltext_next(&element);
    }
    sqltext_identifier(&token, name, size);
    return true;
}

/* A constraint named inside a column's element: the primary key that is the rowid. */
static bool has_inner_constraint(struct view element, const char *name)
{
    char found[256];

    for (struct sqltext_token t = sqltext_next(&element); t.kind != SQLTEXT_END;
         t = sqltext_next(&element)) {
        if (sqltext_is(&t, "CONSTRAINT")) {
            t = sqltext_next(&element);
            sqltext_identifier(&t, found, sizeof found);
            if (sqltext_names_equal(found, name)) {
                return true;
            }
        }
    }
    return false;
}

size_t table_text_find(const struct table_text *text, const char *name, bool constraint)
{
    char found[256];
    bool is_constraint = false;

    for (size_t i = 0; i < text->count; i++) {
        if (table_text_name(text->elements[i], found, sizeof found, &is_constraint) &&
            is_constraint == constraint && sqltext_names_equal(found, name)) {
            return i;
        }
    }
    for (size_t i = 0; i < text->count && constraint; i++) {
        if (has_inner_constraint(text->elements[i], name)) {
            return i;
        }
    }
    return SIZE_MAX;
}

bool element_mentions(struct view element, const char *column)
{
    char found[256];

    for (struct sqltext_token t = sqltext_next(&element); t.kind != SQLTEXT_END;
         t = sqltext_next(&element)) {
        if (t.kind == SQLTEXT_WORD || t.kind == SQLTEXT_NAME) {
            sqltext_identifier(&t, found, sizeof found);
            if (sqltext_names_equal(found, column)) {
                return true;
            }
        }
    }
    return false;
}

/* ---- parts of a column ---- */

static bool ends_type(const struct sqltext_token *t)
{
    static const char *const words[] = { "NOT",        "NULL",    "DEFAULT", "CHECK",
                                         "CONSTRAINT", "PRIMARY", "UNIQUE",  "REFERENCES",
                                         "GENERATED",  "AS",      "COLLATE" };

    for (size_t i = 0; i < ARRAY_LEN(words) && t->kind == SQLTEXT_WORD; i++) {
        if (sqltext_is(t, words[i])) {
            return true;
        }
    }
    return t->kind == SQLTEXT_END;
}

/* The group in parentheses, or the one token (two with a sign), at the start. */
static const uint8_t *skip_value(struct view *rest)
{
    struct sqltext_token t = sqltext_next(rest);
    int depth = sqltext_is_byte(&t, '(');

    if (sqltext_is_byte(&t, '-') || sqltext_is_byte(&t, '+')) {
        t = sqltext_next(rest);
    }
    while (depth > 0 && t.kind != SQLTEXT_END) {
        t = sqltext_next(rest);
        depth += sqltext_is_byte(&t, '(') - sqltext_is_byte(&t, ')');
    }
    return t.text.data + t.text.len;
}

struct view element_part(struct view element, enum column_part part)
{
    struct view rest = element;
    struct sqltext_token t = sqltext_next(&rest); /* the name */
    const uint8_t *type_start = t.text.data + t.text.len, *type_end = type_start;

    t = sqltext_next(&rest);
    for (int depth = 0; depth > 0 || !ends_type(&t); t = sqltext_next(&rest)) {
        depth += sqltext_is_byte(&t, '(') - sqltext_is_byte(&t, ')');
        if (t.kind == SQLTEXT_END) {
            break;
        }
        type_end = t.text.data + t.text.len;
    }
    if (part == PART_TYPE) {
        return between(type_start, type_end);
    }
    for (int depth = 0; t.kind != SQLTEXT_END; t = sqltext_next(&rest)) {
        const uint8_t *start = t.text.data;
        depth += sqltext_is_byte(&t, '(') - sqltext_is_byte(&t, ')');
        if (depth > 0) {
            continue;
        }
        if (part == PART_DEFAULT && sqltext_is(&t, "DEFAULT")) {
            return between(start, skip_value(&rest));
        }
        if (part == PART_NOT_NULL && sqltext_is(&t, "NOT")) {
            struct sqltext_token null = sqltext_next(&rest);
            return between(start, null.text.data + null.text.len);
        }
    }
    return view_of(type_end, 0);
}

/* ---- putting back ---- */

int table_text_print(const struct table_text *t, size_t at, struct view replacement,
                     struct view column, struct view constraint, struct buf *out)
{
    char name[256];
    bool first = true, in_constraints = false;
    int r = buf_append_view(out, t->head);

    for (size_t i = 0; i <= t->count && r == 0; i++) {
        struct view element = i == t->count ? constraint : i == at ? replacement : t->elements[i];
        bool is_constraint = i == t->count;
        if (i < t->count) {
            (void)table_text_name(t->elements[i], name, sizeof name, &is_constraint);
        }
        if (is_constraint && !in_constraints && column.len > 0) {
            r = buf_append_str(out, ",\n  ");
            r = r == 0 ? buf_append_view(out, column) : r;
        }
        in_constraints |= is_constraint;
        if (element.len > 0 && r == 0) {
            r = first ? 0 : buf_append_byte(out, ',');
            r = r == 0 ? buf_append_view(out, element) : r;
            first = false;
        }
    }
    return r == 0 ? buf_append_view(out, t->tail) : r;
}

int table_text_install(struct sql_session *sql, const char *table, bool temp,
                       const struct buf *text, struct failure *f)
{
    cleanup(buf_finish) struct buf plain = { 0 };

    if (buf_append_view(&plain, buf_view(text)) != 0 || buf_append_byte(&plain, 0) != 0) {
        return failure_set_nomem(f);
    }
    int r = verb_execute(sql, CURSOR_LOCKS, f,
                         "SELECT 1"); /* the writer's place, and open portals out of the way */
    return r != 0 ? r : session_edit_schema(sql->session, temp, table, (const char *)plain.data, f);
}
