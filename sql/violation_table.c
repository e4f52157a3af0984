/* sql/violation_table.c: questions to the session, and what the schema knows of a table's columns.
 */
#include "sql/violation_impl.h"

#include "pool/session.h"
#include "pool/sqltext.h"
#include "sql/params.h"
#include "sql/session_state.h"

#include <stdio.h>
#include <string.h>

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

static int refuse(struct violation *v, const struct cell *cells, void *arg)
{
    (void)v;
    (void)cells;
    (void)arg;
    return FAILED;
}

bool violation_has_none(struct violation *v, const char *question, const char *param)
{
    return violation_ask_schema(v, question, param, refuse, NULL) == CURSOR_END;
}

const char *violation_text(struct violation *v, const struct cell *cell)
{
    return cell->kind == CELL_TEXT ? violation_copy(v, cell->bytes) : "";
}

void violation_finish(struct violation *v)
{
    dml_text_finish(&v->dml);
    arena_finish(&v->arena);
}

/* ---- the table ---- */

void violation_stand_for(struct violation *v, enum dml_verb verb, const char *table)
{
    v->dml.verb = verb;
    snprintf(v->dml.table, sizeof(v->dml.table), "%s", table);
    snprintf(v->dml.alias, sizeof(v->dml.alias), "%s", table);
    v->dml.target = view_of_str(violation_name(v, table));
}

static int take_column(struct violation *v, const struct cell *cells, void *arg)
{
    (void)arg;
    if (v->columns == NULL) {
        v->table_sql = violation_text(v, &cells[5]);
        v->columns = arena_alloc(&v->arena, (size_t)cells[6].i * sizeof(*v->columns));
    }
    if (v->columns == NULL) {
        return FAILED;
    }
    v->columns[v->count++] = (struct violated_column){
        .name = violation_text(v, &cells[0]),
        .type = type_of_declared(violation_text(v, &cells[1]), NULL),
        .fallback = cells[2].kind == CELL_NULL ? NULL : violation_text(v, &cells[2]),
        .generated = cells[3].i != 0,
        .rowid = cells[4].i != 0,
    };
    return 0;
}

/* "name" type ... AS (expression) */
static void read_generated(struct violation *v)
{
    static const char *const begin[] = { "(", NULL };
    static const char *const as[] = { "AS", NULL };
    struct view text = view_of_str(v->table_sql);
    struct view list = view_of_str(""), element, expression;
    char name[table_name_bytes];

    (void)dml_take_until(&text, begin);
    (void)dml_parentheses(&text, &list);
    while (dml_list_next(&list, &element)) {
        struct sqltext_token token = sqltext_next(&element);

        sqltext_identifier(&token, name, sizeof name);
        struct violated_column *column = violation_column(v, name);
        if (column != NULL && column->generated) {
            (void)dml_take_until(&element, as);
            (void)sqltext_next(&element);
            column->fallback =
                dml_parentheses(&element, &expression) ? violation_copy(v, expression) : NULL;
        }
    }
}

int violation_load_table(struct violation *v)
{
    static const char question[] =
        "SELECT name, type, dflt_value, hidden IN (2, 3), pk > 0 AND type = 'INTEGER' COLLATE "
        "nocase AND sum(pk > 0) OVER () = 1 AND NOT (SELECT max(wr) FROM pragma_table_list(?1)), "
        "(SELECT sql FROM " violation_schema " WHERE type = 'table' AND name = ?1 COLLATE nocase "
        "ORDER BY place), count(*) OVER () FROM pragma_table_xinfo(?1) WHERE hidden <> 1";
    int r = violation_ask_schema(v, question, v->dml.table, take_column, NULL);

    if (r != CURSOR_END || v->r != 0 || v->count == 0 || v->table_sql[0] == '\0') {
        return FAILED;
    }
    v->counts = dml_count_word(view_of_str(v->table_sql), "AUTOINCREMENT") > 0;
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
