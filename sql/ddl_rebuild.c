/* sql/ddl_rebuild.c: a table copied into another shape, for the one change that its text alone
 * cannot make: taking away a PRIMARY KEY or UNIQUE whose index SQLite keeps inside. */
#include "sql/ddl_depend.h"

#include "base/alloc.h"
#include "pool/session.h"

#include <errno.h>

#define TEMPORARY_NAME "pond_rebuild"

static void cursor_closep(struct cursor **cursor)
{
    cursor_close(*cursor);
}

/* The statements that make the table's own indexes, each with a NUL behind. */
static int load_indexes(struct sql_session *sql, const char *table, struct buf *out,
                        struct failure *f)
{
    static const char query[] =
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND "
        "tbl_name = ?1 COLLATE NOCASE";
    struct cell param = { .kind = CELL_TEXT, .bytes = view_of_str(table) };
    cleanup(cursor_closep) struct cursor *cursor = NULL;
    const struct cell *c = NULL;
    int r = cursor_open(sql->session, view_of_str(query), &param, 1, 0, &cursor, f);

    while (r == 0) {
        r = cursor_next(cursor, &c, f);
        if (r == 0 && (buf_append_view(out, c[0].bytes) != 0 || buf_append_byte(out, 0) != 0)) {
            return failure_set_nomem(f);
        }
    }
    return r == CURSOR_END ? 0 : r;
}

static int copy_rows(struct sql_session *sql, const char *quoted, const char *ident,
                     struct failure *f)
{
    cleanup(mem_freep) char *columns = NULL;
    int r = verb_query_text(
        sql, &columns, f,
        "SELECT group_concat('\"' || replace(name, '\"', '\"\"') || '\"', ', ') FROM "
        "pragma_table_xinfo(%s) WHERE hidden = 0",
        quoted);

    if (r == 0) {
        r = verb_execute(sql, CURSOR_WRITES, f,
                         "INSERT INTO " TEMPORARY_NAME " (%s) SELECT %s FROM %s", columns, columns,
                         ident);
    }
    r = r == 0 ? verb_execute(sql, CURSOR_WRITES, f, "DROP TABLE %s", ident) : r;
    return r == 0 ? verb_execute(sql, CURSOR_WRITES, f,
                                 "ALTER TABLE " TEMPORARY_NAME " RENAME TO %s", ident)
                  : r;
}

static bool is_free(const struct table_text *text, size_t at)
{
    char name[ddl_name_bytes];
    bool constraint = false;

    return table_text_name(text->elements[at], name, sizeof name, &constraint) && constraint &&
           !text->temp;
}

int table_rebuild_without(struct sql_session *sql, const char *table, const struct table_text *text,
                          size_t at, const char *constraint, struct failure *f)
{
    cleanup(buf_finish) struct buf children = { 0 };
    cleanup(buf_finish) struct buf indexes = { 0 };
    cleanup(buf_finish) struct buf made = { 0 };
    cleanup(buf_finish) struct buf quoted = { 0 };
    cleanup(buf_finish) struct buf ident = { 0 };
    struct table_text other = *text;

    int r = depend_children(sql, table, &children, f);
    if (r == 0 && (children.len > 0 || !is_free(text, at))) {
        return failure_set(f, "0A000",
                           "dropping the key \"%s\" of table \"%s\" is not supported by pond yet",
                           constraint, table);
    }
    r = r == 0 ? load_indexes(sql, table, &indexes, f) : r;
    if (r != 0) {
        return r;
    }
    other.head = view_of_str("CREATE TABLE " TEMPORARY_NAME " (");
    if (table_text_print(&other, at, (struct view){ 0 }, (struct view){ 0 }, (struct view){ 0 },
                         &made) != 0 ||
        verb_quote(&quoted, table) != 0 || buf_append_byte(&quoted, 0) != 0 ||
        verb_ident(&ident, table) != 0 || buf_append_byte(&ident, 0) != 0) {
        return failure_set_nomem(f);
    }
    r = verb_execute_buf(sql, &made, CURSOR_WRITES, NULL, f);
    r = r == 0 ? copy_rows(sql, (const char *)quoted.data, (const char *)ident.data, f) : r;
    for (const char *i = depend_first(&indexes); r == 0 && i != NULL;
         i = depend_next(&indexes, i)) {
        r = verb_execute(sql, CURSOR_WRITES, f, "%s", i);
    }
    sql_schema_changed(sql);
    return r;
}
