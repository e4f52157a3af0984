/* sql/ddl_rename.c: ALTER ... RENAME. SQLite does tables and columns; what stands beside its text,
 * and what it cannot rename, follows here. */
#include "sql/ddl.h"

#include "base/alloc.h"
#include "pool/session.h"
#include "sql/sequence.h"
#include "sql/source.h"

#define OBJECT(name) PG_QUERY__OBJECT_TYPE__OBJECT_##name

int rename_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
                struct failure *f)
{
    static const struct {
        PgQuery__ObjectType type;
        const char *tag;
    } tags[] = { { OBJECT(TABLE), "ALTER TABLE" },         { OBJECT(COLUMN), "ALTER TABLE" },
                 { OBJECT(TABCONSTRAINT), "ALTER TABLE" }, { OBJECT(INDEX), "ALTER INDEX" },
                 { OBJECT(VIEW), "ALTER VIEW" },           { OBJECT(SEQUENCE), "ALTER SEQUENCE" } };

    (void)planner;
    if (node->rename_stmt->rename_type == OBJECT(DATABASE)) {
        plan->tag = "ALTER DATABASE";
        plan->flags = (plan->flags & ~(unsigned)PLAN_CHANGES_SCHEMA) | PLAN_ALONE;
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        if (tags[i].type == node->rename_stmt->rename_type) {
            plan->tag = tags[i].tag;
            return 0;
        }
    }
    return verb_unsupported("RENAME of this kind of object", f);
}

/* "… first … second …" with both as identifiers. */
static int run_with_names(struct sql_session *sql, const char *verb, const char *first,
                          const char *middle, const char *second, const char *last,
                          const char *third, struct failure *f)
{
    cleanup(buf_finish) struct buf q = { 0 };
    int r = buf_append_str(&q, verb);

    r = r == 0 ? verb_ident(&q, first) : r;
    r = r == 0 ? buf_append_str(&q, middle) : r;
    r = r == 0 ? verb_ident(&q, second) : r;
    r = r == 0 && last != NULL ? buf_append_str(&q, last) : r;
    r = r == 0 && last != NULL ? verb_ident(&q, third) : r;
    return r != 0 ? failure_set_nomem(f) : verb_execute_buf(sql, &q, CURSOR_WRITES, NULL, f);
}

static int column_exists(struct sql_session *sql, const char *table, const char *column,
                         bool *ret_exists, struct failure *f)
{
    struct table_text text = { 0 };
    int r = table_text_load(sql, table, &text, f);

    *ret_exists = r == 0 && table_text_find(&text, column, false) != SIZE_MAX;
    table_text_finish(&text);
    return r;
}

/* SQLite renames it, and what stands beside its expressions follows. */
static int rename_in_text(struct sql_session *sql, const PgQuery__RenameStmt *stmt,
                          struct failure *f)
{
    cleanup(table_text_finish) struct table_text before = { 0 };
    cleanup(table_text_finish) struct table_text after = { 0 };
    cleanup(buf_finish) struct buf text = { 0 };
    const char *table = stmt->relation->relname;
    bool changed = false;
    int r = table_text_load(sql, table, &before, f);

    r = r == 0 ? run_with_names(sql, "ALTER TABLE ", table, " RENAME COLUMN ", stmt->subname,
                                " TO ", stmt->newname, f)
               : r;
    r = r == 0 ? table_text_load(sql, table, &after, f) : r;
    if (r != 0) {
        return r;
    }
    if (source_rename(view_of_str(before.sql), view_of_str(after.sql), stmt->subname, stmt->newname,
                      &text, &changed) != 0) {
        return failure_set_nomem(f);
    }
    return changed ? table_text_install(sql, table, after.temp, &text, f) : 0;
}

static int rename_column(struct sql_session *sql, const PgQuery__RenameStmt *stmt,
                         struct failure *f)
{
    const char *table = stmt->relation->relname;
    bool old_there = false, new_there = false;

    int r = column_exists(sql, table, stmt->subname, &old_there, f);
    r = r == 0 ? column_exists(sql, table, stmt->newname, &new_there, f) : r;
    if (r == 0 && !old_there) {
        return failure_set(f, "42703", "column \"%s\" does not exist", stmt->subname);
    }
    if (r == 0 && new_there) {
        return failure_set(f, "42701", "column \"%s\" of relation \"%s\" already exists",
                           stmt->newname, table);
    }
    return r == 0 ? rename_in_text(sql, stmt, f) : r;
}

/* SQLite cannot rename an index: it is made again. */
static int rename_index(struct sql_session *sql, const char *old, const char *new,
                        struct failure *f)
{
    cleanup(buf_finish) struct buf q = { 0 };
    cleanup(buf_finish) struct buf made = { 0 };
    cleanup(mem_freep) char *text = NULL;

    if (verb_quote(&q, old) != 0 || buf_append_byte(&q, 0) != 0) {
        return failure_set_nomem(f);
    }
    int r = verb_query_text(
        sql, &text, f,
        "SELECT CASE WHEN sql LIKE 'CREATE UNIQUE%%' THEN 'CREATE UNIQUE INDEX ' ELSE "
        "'CREATE INDEX ' END || '\"%s\"' || substr(sql, instr(sql, name) + length(name) + "
        "(substr(sql, instr(sql, name) - 1, 1) = '\"')) FROM sqlite_master WHERE type = 'index' "
        "AND "
        "name = %s COLLATE NOCASE",
        new, (const char *)q.data);
    if (r != 0 || text == NULL) {
        return r != 0 ? r
                      : failure_set(f, "0A000",
                                    "renaming index \"%s\" is not supported by pond yet", old);
    }
    if (buf_append_str(&made, "DROP INDEX ") != 0 || verb_ident(&made, old) != 0) {
        return failure_set_nomem(f);
    }
    r = verb_execute_buf(sql, &made, CURSOR_WRITES, NULL, f);
    return r == 0 ? verb_execute(sql, CURSOR_WRITES, f, "%s", text) : r;
}

static int rename_constraint(struct sql_session *sql, const PgQuery__RenameStmt *stmt,
                             struct failure *f)
{
    cleanup(table_text_finish) struct table_text text = { 0 };
    cleanup(buf_finish) struct buf element = { 0 };
    cleanup(buf_finish) struct buf out = { 0 };
    int r = table_text_load(sql, stmt->relation->relname, &text, f);
    size_t at = r == 0 ? table_text_find(&text, stmt->subname, true) : SIZE_MAX;

    if (r == 0 && at == SIZE_MAX) {
        const char *kind = NULL;
        r = ddl_kind(sql, stmt->subname, &kind, f);
        if (r == 0 && kind != NULL && strcmp(kind, "index") == 0) {
            return rename_index(sql, stmt->subname, stmt->newname, f);
        }
        return r != 0 ? r
                      : failure_set(f, "42704", "constraint \"%s\" for table \"%s\" does not exist",
                                    stmt->subname, stmt->relation->relname);
    }
    if (r != 0) {
        return r;
    }
    struct view old = text.elements[at];
    const uint8_t *name = memmem(old.data, old.len, stmt->subname, strlen(stmt->subname));
    if (name == NULL) {
        return verb_unsupported("renaming this constraint", f);
    }
    size_t before = (size_t)(name - old.data), len = strlen(stmt->subname);
    if (buf_append(&element, old.data, before) != 0 ||
        buf_append_str(&element, stmt->newname) != 0 ||
        buf_append(&element, name + len, old.len - before - len) != 0 ||
        table_text_print(&text, at, buf_view(&element), (struct view){ 0 }, (struct view){ 0 },
                         &out) != 0) {
        return failure_set_nomem(f);
    }
    return table_text_install(sql, stmt->relation->relname, text.temp, &out, f);
}

static int rename_relation(struct sql_session *sql, const PgQuery__RenameStmt *stmt,
                           const char *kind, struct failure *f)
{
    cleanup(buf_finish) struct buf q = { 0 };
    cleanup(buf_finish) struct buf n = { 0 };
    const char *other = NULL, *old = stmt->relation->relname;
    int r = ddl_kind(sql, stmt->newname, &other, f);

    if (r == 0 && other != NULL) {
        return failure_set(f, "42P07", "relation \"%s\" already exists", stmt->newname);
    }
    if (r != 0) {
        return r;
    }
    if (kind[0] == 'i') {
        return rename_index(sql, old, stmt->newname, f);
    }
    if (kind[0] == 't') {
        r = run_with_names(sql, "ALTER TABLE ", old, " RENAME TO ", stmt->newname, NULL, NULL, f);
        return r == 0 ? sequences_rename_owner(sql, old, stmt->newname, f) : r;
    }
    if (kind[0] == 'v') {
        return verb_unsupported("ALTER VIEW ... RENAME", f);
    }
    if (verb_quote(&q, old) != 0 || buf_append_byte(&q, 0) != 0 ||
        verb_quote(&n, stmt->newname) != 0 || buf_append_byte(&n, 0) != 0) {
        return failure_set_nomem(f);
    }
    return verb_execute(sql, CURSOR_WRITES, f, "UPDATE pond_sequence SET name = %s WHERE name = %s",
                        (const char *)n.data, (const char *)q.data);
}

int rename_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    const PgQuery__RenameStmt *stmt = verb_node(portal)->rename_stmt;
    struct sql_session *sql = portal->sql;
    const char *kind = NULL;

    if (stmt->rename_type == OBJECT(DATABASE)) {
        return database_rename_run(portal, sink, max_rows, f);
    }
    int r = ddl_begin(sql, f);
    r = r == 0 ? ddl_kind_to_alter(sql, stmt->relation->relname, stmt->missing_ok, &kind, f) : r;
    if (r == 0 && kind == NULL) {
        return 0;
    }
    if (r == 0) {
        r = stmt->rename_type == OBJECT(COLUMN)          ? rename_column(sql, stmt, f)
            : stmt->rename_type == OBJECT(TABCONSTRAINT) ? rename_constraint(sql, stmt, f)
                                                         : rename_relation(sql, stmt, kind, f);
    }
    sql_schema_changed(sql);
    return r;
}
