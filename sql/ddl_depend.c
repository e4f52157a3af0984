/* sql/ddl_depend.c: dependants of a table, for DROP, TRUNCATE and ALTER. */
#include "sql/ddl_depend.h"

#include "base/alloc.h"
#include "pool/session.h"
#include "pool/sqltext.h"

#include <errno.h>
#include <stdio.h>

const char *depend_first(const struct buf *names)
{
    return names->len == 0 ? NULL : (const char *)names->data;
}

const char *depend_next(const struct buf *names, const char *name)
{
    const char *next = name + strlen(name) + 1;

    return (size_t)(next - (const char *)names->data) < names->len ? next : NULL;
}

static void cursor_closep(struct cursor **cursor)
{
    cursor_close(*cursor);
}

static int append_cell(struct buf *out, const struct cell *c)
{
    int r = c->kind == CELL_TEXT ? buf_append_view(out, c->bytes) : 0;

    return r == 0 ? buf_append_byte(out, 0) : r;
}

/* A query's first columns; `second` may be NULL. */
static int collect(struct sql_session *sql, const char *query, const char *param, struct buf *first,
                   struct buf *second, struct failure *f)
{
    struct cell p = { .kind = CELL_TEXT, .bytes = view_of_str(param) };
    cleanup(cursor_closep) struct cursor *cursor = NULL;
    const struct cell *c = NULL;
    int r = cursor_open(sql->session, view_of_str(query), &p, 1, 0, &cursor, f);

    while (r == 0) {
        r = cursor_next(cursor, &c, f);
        if (r == 0 && (append_cell(first, &c[0]) != 0 ||
                       (second != NULL && append_cell(second, &c[1]) != 0))) {
            return failure_set_nomem(f);
        }
    }
    return r == CURSOR_END ? 0 : r;
}

int depend_children(struct sql_session *sql, const char *table, struct buf *ret_names,
                    struct failure *f)
{
    return collect(sql,
                   "SELECT DISTINCT m.name FROM sqlite_master m, pragma_foreign_key_list(m.name) k "
                   "WHERE m.type = 'table' AND k.\"table\" = ?1 COLLATE NOCASE AND m.name <> ?1 "
                   "COLLATE NOCASE",
                   table, ret_names, NULL, f);
}

/* Does the view's text name the table behind FROM, JOIN or a comma? */
static bool view_uses(struct view text, const char *table)
{
    char name[256];
    bool after_from = false;

    for (struct sqltext_token t = sqltext_next(&text); t.kind != SQLTEXT_END;
         t = sqltext_next(&text)) {
        if (after_from && (t.kind == SQLTEXT_WORD || t.kind == SQLTEXT_NAME)) {
            sqltext_identifier(&t, name, sizeof name);
            if (sqltext_names_equal(name, table)) {
                return true;
            }
        }
        after_from = sqltext_is(&t, "FROM") || sqltext_is(&t, "JOIN") || sqltext_is_byte(&t, ',') ||
                     (after_from && sqltext_is_byte(&t, '('));
    }
    return false;
}

int depend_views(struct sql_session *sql, const char *table, struct buf *ret_names,
                 struct failure *f)
{
    cleanup(buf_finish) struct buf names = { 0 };
    cleanup(buf_finish) struct buf texts = { 0 };
    int r = collect(sql, "SELECT name, sql FROM sqlite_master WHERE type = 'view' AND name <> ?1",
                    table, &names, &texts, f);

    const char *text = depend_first(&texts);
    for (const char *name = depend_first(&names); r == 0 && name != NULL;
         name = depend_next(&names, name)) {
        if (view_uses(view_of_str(text), table) &&
            buf_append(ret_names, name, strlen(name) + 1) != 0) {
            return failure_set_nomem(f);
        }
        text = depend_next(&texts, text);
    }
    return r;
}

static bool refers_to(struct view element, const char *parent)
{
    char name[256];

    for (struct sqltext_token t = sqltext_next(&element); t.kind != SQLTEXT_END;
         t = sqltext_next(&element)) {
        if (sqltext_is(&t, "REFERENCES")) {
            t = sqltext_next(&element);
            sqltext_identifier(&t, name, sizeof name);
            return sqltext_names_equal(name, parent);
        }
    }
    return false;
}

int depend_strip(struct sql_session *sql, const char *child, const char *parent, bool apply,
                 char ret_name[ddl_name_bytes], struct failure *f)
{
    cleanup(table_text_finish) struct table_text text = { 0 };
    cleanup(buf_finish) struct buf out = { 0 };
    bool constraint = false;
    size_t stripped = 0;

    ret_name[0] = '\0';
    int r = table_text_load(sql, child, &text, f);
    for (size_t i = 0; r == 0 && i < text.count; i++) {
        char name[ddl_name_bytes];
        if (table_text_name(text.elements[i], name, sizeof name, &constraint) && constraint &&
            refers_to(text.elements[i], parent)) {
            memcpy(ret_name, name, sizeof name);
            text.elements[i] = (struct view){ 0 };
            stripped++;
        }
    }
    if (r != 0 || stripped == 0 || !apply) {
        return r;
    }
    r = table_text_print(&text, SIZE_MAX, (struct view){ 0 }, (struct view){ 0 },
                         (struct view){ 0 }, &out);
    return r != 0 ? failure_set_nomem(f) : table_text_install(sql, child, text.temp, &out, f);
}
