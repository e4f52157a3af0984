/* sql/ddl_alter.c: ALTER TABLE, command by command.
 *
 * What SQLite has (DROP COLUMN, RENAME) it does; the rest is a change of the table's text
 * (ddl_text.c), after a look at the rows that the change would concern. ADD is in ddl_alter_add.c.
 */
#include "sql/ddl_alter.h"

#include "base/alloc.h"
#include "pool/session.h"
#include "sql/expr.h"
#include "sql/sequence.h"

#include <errno.h>
#include <stdio.h>

enum { commands_most = 100 }; /* of one ALTER TABLE */

#define AT(name) PG_QUERY__ALTER_TABLE_TYPE__AT_##name

static const struct view nothing;

/* ---- steps ---- */

int alter_install(struct alter *a, size_t at, struct view replacement, struct view column,
                  struct view constraint, struct failure *f)
{
    cleanup(buf_finish) struct buf out = { 0 };
    int r = table_text_print(&a->text, at, replacement, column, constraint, &out);

    return r != 0 ? failure_set_nomem(f)
                  : table_text_install(a->sql, a->table, a->text.temp, &out, f);
}

/* Puts `by` in the place of some bytes of an element. */
static int install_part(struct alter *a, size_t at, struct view part, const char *by,
                        struct failure *f)
{
    cleanup(buf_finish) struct buf element = { 0 };
    struct view old = a->text.elements[at];
    size_t before = (size_t)(part.data - old.data);

    if (buf_append(&element, old.data, before) != 0 || buf_append_str(&element, by) != 0 ||
        buf_append(&element, part.data + part.len, old.len - before - part.len) != 0) {
        return failure_set_nomem(f);
    }
    return alter_install(a, at, buf_view(&element), nothing, nothing, f);
}

static int find_column(struct alter *a, size_t *ret_at, struct failure *f)
{
    *ret_at = table_text_find(&a->text, a->cmd->name, false);
    if (*ret_at == SIZE_MAX) {
        return failure_set(f, "42703", "column \"%s\" of relation \"%s\" does not exist",
                           a->cmd->name, a->table);
    }
    return 0;
}

/* 1 in *ret_found when the query has a row. */
int alter_has_row(struct alter *a, const struct buf *query, bool *ret_found, struct failure *f)
{
    cleanup(mem_freep) char *text = NULL;
    int r = verb_query_text(a->sql, &text, f, "SELECT 'x' WHERE EXISTS (%.*s)", (int)query->len,
                            (const char *)query->data);

    *ret_found = text != NULL;
    return r;
}

int alter_null_values(struct alter *a, const char *column, bool *ret_found, struct failure *f)
{
    cleanup(buf_finish) struct buf q = { 0 };

    if (buf_append_str(&q, "SELECT 1 FROM ") != 0 || verb_ident(&q, a->table) != 0 ||
        buf_append_str(&q, " WHERE typeof(") != 0 || verb_ident(&q, column) != 0 ||
        buf_append_str(&q, ") = 'null'") !=
            0) { /* SQLite believes a NOT NULL, and looks no further */
        return failure_set_nomem(f);
    }
    return alter_has_row(a, &q, ret_found, f);
}

int alter_set_not_null(struct alter *a, const char *column, struct failure *f)
{
    size_t at = table_text_find(&a->text, column, false);
    bool found = false;

    if (at == SIZE_MAX) {
        return failure_set(f, "42703", "column \"%s\" of relation \"%s\" does not exist", column,
                           a->table);
    }
    struct view part = element_part(a->text.elements[at], PART_NOT_NULL);
    if (part.len > 0) {
        return 0;
    }
    int r = alter_null_values(a, column, &found, f);
    if (r == 0 && found) {
        failure_set(f, "23502", "column \"%s\" of relation \"%s\" contains null values", column,
                    a->table);
        failure_add(f, FIELD_SCHEMA, "public");
        failure_add(f, FIELD_TABLE, "%s", a->table);
        failure_add(f, FIELD_COLUMN, "%s", column);
        return FAILED;
    }
    return r == 0 ? install_part(a, at, part, " NOT NULL", f) : r;
}

int alter_reload(struct alter *a, struct failure *f)
{
    table_text_finish(&a->text);
    return table_text_load(a->sql, a->table, &a->text, f);
}

/* ---- DROP ---- */

static int drop_index_named(struct alter *a, const char *name, bool *ret_found, struct failure *f)
{
    const char *kind = NULL;
    cleanup(buf_finish) struct buf q = { 0 };
    int r = ddl_kind(a->sql, name, &kind, f);

    *ret_found = r == 0 && kind != NULL && strcmp(kind, "index") == 0;
    if (!*ret_found) {
        return r;
    }
    if (buf_append_str(&q, "DROP INDEX ") != 0 || verb_ident(&q, name) != 0) {
        return failure_set_nomem(f);
    }
    return verb_execute_buf(a->sql, &q, CURSOR_WRITES, NULL, f);
}

/* A key in the table's own text has an index inside the file, which no change of text can take
 * away. */
static bool is_key_element(struct view element)
{
    return element_mentions(element, "UNIQUE") || element_mentions(element, "PRIMARY");
}

static int drop_constraint(struct alter *a, struct failure *f)
{
    size_t at = table_text_find(&a->text, a->cmd->name, true);
    bool found = false;
    int r = 0;

    if (at == SIZE_MAX) {
        r = drop_index_named(a, a->cmd->name, &found, f);
    } else if (is_key_element(a->text.elements[at])) {
        return table_rebuild_without(a->sql, a->table, &a->text, at, a->cmd->name, f);
    } else {
        found = true;
        r = alter_install(a, at, nothing, nothing, nothing, f);
    }
    if (r != 0 || found) {
        return r;
    }
    if (!a->cmd->missing_ok) {
        return failure_set(f, "42704", "constraint \"%s\" of relation \"%s\" does not exist",
                           a->cmd->name, a->table);
    }
    verb_notice(a->sql, SEVERITY_NOTICE, "00000",
                "constraint \"%s\" of relation \"%s\" does not exist, skipping", a->cmd->name,
                a->table);
    return 0;
}

/* Indexes with the column in them. */
static int drop_column_indexes(struct alter *a, struct failure *f)
{
    for (;;) {
        cleanup(buf_finish) struct buf t = { 0 };
        cleanup(buf_finish) struct buf c = { 0 };
        cleanup(mem_freep) char *index = NULL;
        bool found = false;
        if (verb_quote(&t, a->table) != 0 || buf_append_byte(&t, 0) != 0 ||
            verb_quote(&c, a->cmd->name) != 0 || buf_append_byte(&c, 0) != 0) {
            return failure_set_nomem(f);
        }
        int r = verb_query_text(
            a->sql, &index, f,
            "SELECT l.name FROM pragma_index_list(%s) l, pragma_index_info(l.name) i "
            "WHERE i.name = %s COLLATE NOCASE AND l.origin = 'c' LIMIT 1",
            (const char *)t.data, (const char *)c.data);
        if (r != 0 || index == NULL) {
            return r;
        }
        r = drop_index_named(a, index, &found, f);
        if (r != 0) {
            return r;
        }
    }
}

static int drop_column(struct alter *a, struct failure *f)
{
    cleanup(buf_finish) struct buf q = { 0 };
    size_t at = table_text_find(&a->text, a->cmd->name, false);
    bool constraint = false, cut = false;
    char name[ddl_name_bytes];

    if (at == SIZE_MAX && a->cmd->missing_ok) {
        verb_notice(a->sql, SEVERITY_NOTICE, "00000",
                    "column \"%s\" of relation \"%s\" does not exist, skipping", a->cmd->name,
                    a->table);
        return 0;
    }
    int r = find_column(a, &at, f);
    r = r == 0 ? drop_column_indexes(a, f) : r;
    for (size_t i = 0; i < a->text.count && r == 0; i++) {
        if (i != at && table_text_name(a->text.elements[i], name, sizeof name, &constraint) &&
            constraint && element_mentions(a->text.elements[i], a->cmd->name)) {
            if (is_key_element(a->text.elements[i])) {
                r = table_rebuild_without(a->sql, a->table, &a->text, i, name, f);
                return r == 0 && (r = alter_reload(a, f)) == 0 ? drop_column(a, f) : r;
            }
            a->text.elements[i] = nothing;
            cut = true;
        }
    }
    r = r == 0 && cut ? alter_install(a, SIZE_MAX, nothing, nothing, nothing, f) : r;
    if (r != 0) {
        return r;
    }
    if (buf_append_str(&q, "ALTER TABLE ") != 0 || verb_ident(&q, a->table) != 0 ||
        buf_append_str(&q, " DROP COLUMN ") != 0 || verb_ident(&q, a->cmd->name) != 0) {
        return failure_set_nomem(f);
    }
    return verb_execute_buf(a->sql, &q, CURSOR_WRITES, NULL, f);
}

/* ---- ALTER COLUMN ---- */

static int alter_default(struct alter *a, struct failure *f)
{
    size_t at = 0;
    int r = find_column(a, &at, f);

    if (r == 0 && a->cmd->def != NULL) {
        r = alter_print(a, alter_print_default, f);
        r = r == 0 && buf_append_byte(&a->column, 0) != 0 ? failure_set_nomem(f) : r;
    }
    if (r != 0) {
        return r;
    }
    struct view part = element_part(a->text.elements[at], PART_DEFAULT);
    return install_part(a, at, part, a->cmd->def == NULL ? "" : (const char *)a->column.data, f);
}

static int alter_not_null(struct alter *a, struct failure *f)
{
    size_t at = 0;
    int r = find_column(a, &at, f);

    if (r != 0) {
        return r;
    }
    if (a->cmd->subtype == AT(SetNotNull)) {
        return alter_set_not_null(a, a->cmd->name, f);
    }
    return install_part(a, at, element_part(a->text.elements[at], PART_NOT_NULL), "", f);
}

static int alter_type(struct alter *a, struct failure *f)
{
    size_t at = 0;
    int r = find_column(a, &at, f);

    r = r == 0 ? alter_print(a, alter_print_new_type, f) : r;
    if (r == 0 && element_mentions(a->text.elements[at], "PRIMARY")) {
        return 0; /* the rowid: an integer of any width */
    }
    if (r == 0 && buf_append_byte(&a->column, 0) != 0) {
        return failure_set_nomem(f);
    }
    r = r == 0 ? install_part(a, at, element_part(a->text.elements[at], PART_TYPE),
                              (const char *)a->column.data, f)
               : r;
    return r == 0 ? verb_execute_buf(a->sql, &a->query, CURSOR_WRITES, NULL, f) : r;
}

/* ADD GENERATED ... AS IDENTITY, as pg_dump writes it: a sequence's default. */
static int add_identity(struct alter *a, struct failure *f)
{
    const PgQuery__Constraint *k = a->cmd->def->constraint;
    const PgQuery__DefElem *named = verb_option(k->options, k->n_options, "sequence_name");
    struct sequence seq = { 0 };
    char name[ddl_name_bytes], text[ddl_name_bytes * 2 + 32];
    size_t at = 0;

    ddl_object_name(name, a->table, a->cmd->name, "seq", 0);
    if (named != NULL && named->arg != NULL && named->arg->node_case == PG_QUERY__NODE__NODE_LIST) {
        const PgQuery__List *list = named->arg->list;
        snprintf(name, sizeof name, "%s", list->items[list->n_items - 1]->string->sval);
    }
    int r = find_column(a, &at, f);
    r = r == 0 ? sequence_options(&seq, k->options, k->n_options, true, f) : r;
    r = r == 0 ? sequence_create(a->sql, name, &seq, a->table, f) : r;
    if (r != 0) {
        return r;
    }
    cleanup(buf_finish) struct buf q = { 0 };
    if (verb_quote(&q, name) != 0 || buf_append_byte(&q, 0) != 0) {
        return failure_set_nomem(f);
    }
    snprintf(text, sizeof text, " DEFAULT (nextval(%s)) /* identity %s */", (const char *)q.data,
             k->generated_when[0] == 'a' ? "always" : "by default");
    return install_part(a, at, element_part(a->text.elements[at], PART_DEFAULT), text, f);
}

static int accept(struct alter *a, struct failure *f)
{
    (void)a;
    (void)f;
    return 0;
}

static const struct {
    PgQuery__AlterTableType type;
    int (*run)(struct alter *a, struct failure *f);
} commands[] = {
    { AT(AddColumn), alter_add_column },
    { AT(DropColumn), drop_column },
    { AT(AddConstraint), alter_add_constraint },
    { AT(DropConstraint), drop_constraint },
    { AT(ColumnDefault), alter_default },
    { AT(SetNotNull), alter_not_null },
    { AT(DropNotNull), alter_not_null },
    { AT(AlterColumnType), alter_type },
    { AT(AddIdentity), add_identity },
    /* what pond has no need of */
    { AT(ValidateConstraint), accept },
    { AT(SetStatistics), accept },
    { AT(SetOptions), accept },
    { AT(ResetOptions), accept },
    { AT(SetStorage), accept },
    { AT(SetCompression), accept },
    { AT(ChangeOwner), accept },
    { AT(ClusterOn), accept },
    { AT(DropCluster), accept },
    { AT(SetLogged), accept },
    { AT(SetUnLogged), accept },
    { AT(SetAccessMethod), accept },
    { AT(SetTableSpace), accept },
    { AT(SetRelOptions), accept },
    { AT(ResetRelOptions), accept },
    { AT(ReplicaIdentity), accept },
    { AT(EnableTrigAll), accept },
    { AT(DisableTrigAll), accept },
    { AT(EnableTrigUser), accept },
    { AT(DisableTrigUser), accept },
    { AT(DisableRowSecurity), accept },
};

static int run_command(struct alter *a, struct failure *f)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (commands[i].type == a->cmd->subtype) {
            int r = table_text_load(a->sql, a->table, &a->text, f);
            r = r == 0 ? commands[i].run(a, f) : r;
            sql_schema_changed(a->sql);
            return r;
        }
    }
    return verb_unsupported("this form of ALTER TABLE", f);
}

static void finish(struct alter *a)
{
    table_text_finish(&a->text);
    buf_finish(&a->made.constraints);
    buf_finish(&a->made.indexes);
    buf_finish(&a->made.sequences);
    buf_finish(&a->column);
    buf_finish(&a->query);
}

/* ALTER INDEX, VIEW or SEQUENCE ... (OWNER, SET): nothing of it is kept. */
int alter_table_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
                     struct failure *f)
{
    PgQuery__ObjectType type = node->alter_table_stmt->objtype;

    plan->tag = type == PG_QUERY__OBJECT_TYPE__OBJECT_INDEX      ? "ALTER INDEX"
                : type == PG_QUERY__OBJECT_TYPE__OBJECT_VIEW     ? "ALTER VIEW"
                : type == PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE ? "ALTER SEQUENCE"
                                                                 : "ALTER TABLE";
    return ddl_plan(planner, node, plan, f);
}

int alter_table_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                    struct failure *f)
{
    const PgQuery__AlterTableStmt *stmt = verb_node(portal)->alter_table_stmt;
    struct sql_session *sql = portal->sql;
    const char *kind = NULL;

    (void)sink;
    (void)max_rows;
    int r = ddl_begin(sql, f);
    r = r == 0 ? ddl_kind_to_alter(sql, stmt->relation->relname, stmt->missing_ok, &kind, f) : r;
    if (r == 0 && kind == NULL) {
        return 0;
    }
    if (r == 0 && strcmp(kind, "table") != 0) {
        return stmt->objtype == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE &&
                       stmt->cmds[0]->alter_table_cmd->subtype != AT(ChangeOwner)
                   ? failure_set(f, "42809", "\"%s\" is not a table", stmt->relation->relname)
                   : 0;
    }
    /* each command may write the table's text anew */
    if (r == 0 && stmt->n_cmds > commands_most) {
        return failure_set(f, "54000", "ALTER TABLE can have at most %d commands", commands_most);
    }
    for (size_t i = 0; i < stmt->n_cmds && r == 0; i++) {
        struct alter a = { .portal = portal,
                           .sql = sql,
                           .table = stmt->relation->relname,
                           .cmd = stmt->cmds[i]->alter_table_cmd };
        r = run_command(&a, f);
        finish(&a);
    }
    return r;
}
