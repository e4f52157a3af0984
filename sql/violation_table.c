/* sql/violation_table.c: questions to the session, and what the schema knows of a table's columns.
 */
#include "sql/violation_impl.h"

#include "pool/session.h"
#include "pool/sqltext.h"
#include "sql/params.h"
#include "sql/session_state.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static void cursor_closep(struct cursor **cursor)
{
    cursor_close(*cursor);
}

static int ask(struct violation *v, struct view question, const struct cell *params,
               size_t param_count, violation_row_fn *fn, void *arg)
{
    cleanup(cursor_closep) struct cursor *cursor = NULL;
    const struct cell *cells;
    struct failure ignored;
    int r = cursor_open(v->sql->session, question, params, param_count, 0, &cursor, &ignored);

    while (r == 0 && (r = cursor_next(cursor, &cells, &ignored)) == 0) {
        r = fn(v, cells, arg);
    }
    return r;
}

int violation_ask(struct violation *v, const char *question, violation_row_fn *fn, void *arg)
{
    cleanup(buf_finish) struct buf text = { 0 };
    int r = v->r;

    v->r = 0;
    if (r != 0 || (r = buf_append(&text, question, strlen(question) + 1)) != 0) {
        return r;
    }
    size_t len = params_shorten((char *)text.data, text.len - 1);
    return ask(v, view_of(text.data, len), v->params, v->param_count, fn, arg);
}

int violation_ask_schema(struct violation *v, const char *question, const char *param,
                         violation_row_fn *fn, void *arg)
{
    struct cell cell = { .kind = CELL_TEXT, .bytes = view_of_str(param) };

    return ask(v, view_of_str(question), &cell, 1, fn, arg);
}

const char *violation_text(struct violation *v, const struct cell *cell)
{
    const char *text = cell->kind == CELL_TEXT
                           ? arena_strndup(&v->arena, cell->bytes.data, cell->bytes.len)
                           : NULL;

    return text == NULL ? "" : text;
}

void violation_finish(struct violation *v)
{
    dml_text_finish(&v->dml);
    arena_finish(&v->arena);
}

/* ---- the table ---- */

void violation_take(struct violation *v, enum dml_verb verb, const char *table)
{
    v->dml.verb = verb;
    snprintf(v->dml.table, sizeof(v->dml.table), "%s", table);
    snprintf(v->dml.alias, sizeof(v->dml.alias), "%s", table);
    v->dml.target = view_of_str(violation_name(v, table));
}

static int take_column(struct violation *v, const struct cell *cells, void *arg)
{
    const char *declared = violation_text(v, &cells[1]);

    (void)arg;
    if (v->columns == NULL) {
        v->columns = arena_alloc(&v->arena, (size_t)cells[5].i * sizeof(*v->columns));
    }
    if (v->columns == NULL) {
        return FAILED;
    }
    v->columns[v->count++] = (struct violated_column){
        .name = violation_text(v, &cells[0]),
        .type = type_of_declared(declared, NULL),
        .fallback = cells[2].kind == CELL_NULL ? NULL : violation_text(v, &cells[2]),
        .primary = cells[3].i > 0,
        .rowid = cells[3].i > 0 && strcasecmp(declared, "INTEGER") == 0,
        .generated = cells[4].i == 2 || cells[4].i == 3,
    };
    return 0;
}

static int take_sql(struct violation *v, const struct cell *cells, void *arg)
{
    (void)arg;
    v->table_sql = violation_text(v, &cells[0]);
    return 0;
}

/* One that is more than the width of a rowid (sql/types.h). */
static bool has_collation(const char *sql)
{
    static const char *const widths[] = { "INT2", "INT4", "INT8", "BINARY" };
    struct view text = view_of_str(sql);
    struct sqltext_token token;

    while ((token = sqltext_next(&text)).kind != SQLTEXT_END) {
        bool width = !sqltext_is(&token, "COLLATE");

        token = width ? token : sqltext_next(&text);
        for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
            width = width || sqltext_is(&token, widths[i]);
        }
        if (!width) {
            return true;
        }
    }
    return false;
}

/* "name" type ... AS (expression): NULL when it is not found. */
static const char *expression_of(struct violation *v, struct view element)
{
    struct sqltext_token token;
    struct view inside;

    while ((token = sqltext_next(&element)).kind != SQLTEXT_END) {
        if (sqltext_is(&token, "AS") && dml_parentheses(&element, &inside)) {
            return arena_strndup(&v->arena, inside.data, inside.len);
        }
    }
    return NULL;
}

static void read_generated(struct violation *v)
{
    struct view text = view_of_str(v->table_sql);
    struct view list, element;
    char name[table_name_bytes];

    while (!dml_parentheses(&text, &list)) {
        if (sqltext_next(&text).kind == SQLTEXT_END) {
            return;
        }
    }
    while (dml_list_next(&list, &element)) {
        struct view rest = element;
        struct sqltext_token token = sqltext_next(&rest);

        sqltext_identifier(&token, name, sizeof name);
        for (size_t i = 0; i < v->count; i++) {
            if (v->columns[i].generated && sqltext_names_equal(v->columns[i].name, name)) {
                v->columns[i].fallback = expression_of(v, rest);
            }
        }
    }
}

/* A primary key of several columns is no rowid, nor is there one WITHOUT ROWID. */
static void settle_rowid(struct violation *v)
{
    struct view text = view_of_str(v->table_sql);
    bool has_rowid = dml_count_word(text, "WITHOUT") == 0;
    size_t primary = 0;

    for (size_t i = 0; i < v->count; i++) {
        primary += v->columns[i].primary;
    }
    for (size_t i = 0; i < v->count; i++) {
        v->columns[i].rowid = v->columns[i].rowid && primary == 1 && has_rowid;
    }
    v->counts = dml_count_word(text, "AUTOINCREMENT") > 0;
    v->collates = has_collation(v->table_sql);
}

int violation_load_table(struct violation *v)
{
    static const char columns[] =
        "SELECT name, type, dflt_value, pk, hidden, count(*) OVER () FROM pragma_table_xinfo(?1) "
        "WHERE hidden <> 1";
    static const char text[] =
        "SELECT sql FROM (SELECT sql, 1 AS n FROM sqlite_schema WHERE type = 'table' AND name = ?1 "
        "COLLATE nocase UNION ALL SELECT sql, 2 FROM sqlite_temp_schema WHERE type = 'table' AND "
        "name = ?1 COLLATE nocase ORDER BY n)";

    v->columns = NULL;
    v->count = 0;
    v->table_sql = "";
    int r = violation_ask_schema(v, columns, v->dml.table, take_column, NULL);
    r = r == CURSOR_END ? violation_ask_schema(v, text, v->dml.table, take_sql, NULL) : r;
    if (r != CURSOR_END || v->table_sql[0] == '\0') {
        return FAILED;
    }
    settle_rowid(v);
    read_generated(v);
    violation_read_values(v);
    return 0;
}

struct violated_column *violation_column(const struct violation *v, const char *name)
{
    for (size_t i = 0; i < v->count; i++) {
        if (sqltext_names_equal(v->columns[i].name, name)) {
            return &v->columns[i];
        }
    }
    return NULL;
}
