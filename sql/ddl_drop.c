/* sql/ddl_drop.c: DROP and TRUNCATE. */
#include "sql/ddl_depend.h"

#include "base/alloc.h"
#include "pool/session.h"
#include "sql/sequence.h"

#include <errno.h>
#include <stdio.h>

#define OBJECT(name) PG_QUERY__OBJECT_TYPE__OBJECT_##name

/* The kinds of objects: those that pond has, and those that cannot be there. */
static const struct drop_kind {
    PgQuery__ObjectType type;
    const char *kind; /* ddl_kind()'s; NULL: pond has none of these */
    const char *what;
    const char *tag;
    const char *sqlstate; /* of "does not exist" */
} drop_kinds[] = {
    { OBJECT(TABLE), "table", "table", "DROP TABLE", "42P01" },
    { OBJECT(VIEW), "view", "view", "DROP VIEW", "42P01" },
    { OBJECT(INDEX), "index", "index", "DROP INDEX", "42704" },
    { OBJECT(SEQUENCE), "sequence", "sequence", "DROP SEQUENCE", "42P01" },
    { OBJECT(MATVIEW), NULL, "materialized view", "DROP MATERIALIZED VIEW", "42P01" },
    { OBJECT(FOREIGN_TABLE), NULL, "foreign table", "DROP FOREIGN TABLE", "42P01" },
    { OBJECT(SCHEMA), NULL, "schema", "DROP SCHEMA", "3F000" },
    { OBJECT(EXTENSION), NULL, "extension", "DROP EXTENSION", "42704" },
    { OBJECT(TYPE), NULL, "type", "DROP TYPE", "42704" },
    { OBJECT(DOMAIN), NULL, "type", "DROP DOMAIN", "42704" },
    { OBJECT(FUNCTION), NULL, "function", "DROP FUNCTION", "42883" },
    { OBJECT(PROCEDURE), NULL, "procedure", "DROP PROCEDURE", "42883" },
    { OBJECT(AGGREGATE), NULL, "aggregate", "DROP AGGREGATE", "42883" },
    { OBJECT(TRIGGER), NULL, "trigger", "DROP TRIGGER", "42704" },
    { OBJECT(POLICY), NULL, "policy", "DROP POLICY", "42704" },
    { OBJECT(RULE), NULL, "rule", "DROP RULE", "42704" },
    { OBJECT(COLLATION), NULL, "collation", "DROP COLLATION", "42704" },
    { OBJECT(PUBLICATION), NULL, "publication", "DROP PUBLICATION", "42704" },
};

static const struct drop_kind *find_kind(PgQuery__ObjectType type)
{
    for (size_t i = 0; i < ARRAY_LEN(drop_kinds); i++) {
        if (drop_kinds[i].type == type) {
            return &drop_kinds[i];
        }
    }
    return NULL;
}

int drop_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
              struct failure *f)
{
    const struct drop_kind *k = find_kind(node->drop_stmt->remove_type);

    (void)planner;
    if (k == NULL) {
        return verb_unsupported("DROP of this kind of object", f);
    }
    plan->tag = k->tag;
    return 0;
}

/* The last part of a qualified name, whatever node it comes in. */
static const char *object_name(const PgQuery__Node *object)
{
    switch (object->node_case) {
    case PG_QUERY__NODE__NODE_STRING:
        return object->string->sval;
    case PG_QUERY__NODE__NODE_LIST:
        return object->list->n_items == 0
                   ? ""
                   : object_name(object->list->items[object->list->n_items - 1]);
    case PG_QUERY__NODE__NODE_TYPE_NAME:
        return object_name(object->type_name->names[object->type_name->n_names - 1]);
    case PG_QUERY__NODE__NODE_OBJECT_WITH_ARGS:
        return object_name(
            object->object_with_args->objname[object->object_with_args->n_objname - 1]);
    default:
        return "";
    }
}

static int not_there(struct sql_session *sql, const PgQuery__DropStmt *stmt,
                     const struct drop_kind *k, const char *name, const char *actual,
                     struct failure *f)
{
    if (actual != NULL && k->kind != NULL) {
        failure_set(f, "42809", "\"%s\" is not %s %s", name, k->kind[0] == 'i' ? "an" : "a",
                    k->what);
        failure_add(f, FIELD_HINT, "Use DROP %s to remove %s %s.",
                    actual[0] == 't'   ? "TABLE"
                    : actual[0] == 'v' ? "VIEW"
                    : actual[0] == 'i' ? "INDEX"
                                       : "SEQUENCE",
                    actual[0] == 'i' ? "an" : "a", actual);
        return FAILED;
    }
    if (!stmt->missing_ok) {
        return failure_set(f, k->sqlstate, "%s \"%s\" does not exist", k->what, name);
    }
    verb_notice(sql, SEVERITY_NOTICE, "00000", "%s \"%s\" does not exist, skipping", k->what, name);
    return 0;
}

static bool is_listed(PgQuery__Node *const *objects, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(object_name(objects[i]), name) == 0) {
            return true;
        }
    }
    return false;
}

static int refuse_dependant(const char *what, const char *name, const char *dependant,
                            struct failure *f)
{
    failure_set(f, "2BP01", "cannot drop %s %s because other objects depend on it", what, name);
    failure_add(f, FIELD_DETAIL, "%s depends on %s %s", dependant, what, name);
    failure_add(f, FIELD_HINT, "Use DROP ... CASCADE to drop the dependent objects too.");
    return FAILED;
}

static int run_drop(struct sql_session *sql, const char *kind, const char *name, struct failure *f)
{
    cleanup(buf_finish) struct buf text = { 0 };

    if (buf_printf(&text, "DROP %s ", kind) != 0 || verb_ident(&text, name) != 0) {
        return failure_set_nomem(f);
    }
    return verb_execute_buf(sql, &text, CURSOR_WRITES, NULL, f);
}

static int drop_views(struct sql_session *sql, const PgQuery__DropStmt *stmt, const char *what,
                      const char *name, unsigned depth, struct failure *f)
{
    cleanup(buf_finish) struct buf views = { 0 };
    char dependant[128];
    int r = depend_views(sql, name, &views, f);

    for (const char *v = depend_first(&views); r == 0 && v != NULL; v = depend_next(&views, v)) {
        const char *kind = NULL;
        if (is_listed(stmt->objects, stmt->n_objects, v) && depth == 0 && what[0] == 'v') {
            continue;
        }
        snprintf(dependant, sizeof dependant, "view %s", v);
        if (stmt->behavior != PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE) {
            return refuse_dependant(what, name, dependant, f);
        }
        r = depth < 100 ? drop_views(sql, stmt, "view", v, depth + 1, f) : 0;
        r = r == 0 ? ddl_kind(sql, v, &kind, f) : r;
        if (r == 0 && kind != NULL) {
            verb_notice(sql, SEVERITY_NOTICE, "00000", "drop cascades to view %s", v);
            r = run_drop(sql, "VIEW", v, f);
        }
    }
    return r;
}

/* Foreign keys that refer to the table: SQLite would delete its rows one by one because of them. */
static int drop_references(struct sql_session *sql, const PgQuery__DropStmt *stmt, const char *name,
                           struct failure *f)
{
    cleanup(buf_finish) struct buf children = { 0 };
    char constraint[ddl_name_bytes], dependant[256];
    bool cascade = stmt->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
    int r = depend_children(sql, name, &children, f);

    for (const char *c = depend_first(&children); r == 0 && c != NULL;
         c = depend_next(&children, c)) {
        bool listed = is_listed(stmt->objects, stmt->n_objects, c);
        r = depend_strip(sql, c, name, listed || cascade, constraint, f);
        if (r != 0 || listed) {
            continue;
        }
        snprintf(dependant, sizeof dependant, "constraint %s on table %s", constraint, c);
        if (!cascade) {
            return refuse_dependant("table", name, dependant, f);
        }
        verb_notice(sql, SEVERITY_NOTICE, "00000", "drop cascades to %s", dependant);
    }
    return r;
}

static int drop_sequence(struct sql_session *sql, const char *name, struct failure *f)
{
    cleanup(buf_finish) struct buf q = { 0 };

    if (verb_quote(&q, name) != 0 || buf_append_byte(&q, 0) != 0) {
        return failure_set_nomem(f);
    }
    return verb_execute(sql, CURSOR_WRITES, f, "DELETE FROM pond_sequence WHERE name = %s",
                        (const char *)q.data);
}

static int drop_one(struct sql_session *sql, const PgQuery__DropStmt *stmt,
                    const struct drop_kind *k, const PgQuery__Node *object, struct failure *f)
{
    const char *name = object_name(object), *actual = NULL;
    int r = k->kind == NULL ? 0 : ddl_kind(sql, name, &actual, f);

    if (r != 0) {
        return r;
    }
    if (k->kind == NULL || actual == NULL || strcmp(actual, k->kind) != 0) {
        return not_there(sql, stmt, k, name, actual, f);
    }
    if (k->type == OBJECT(SEQUENCE)) {
        return drop_sequence(sql, name, f);
    }
    if (k->type != OBJECT(INDEX)) {
        r = drop_views(sql, stmt, k->what, name, 0, f);
    }
    if (r == 0 && k->type == OBJECT(TABLE)) {
        r = drop_references(sql, stmt, name, f);
        r = r == 0 ? sequences_drop_owned(sql, name, f) : r;
    }
    return r == 0 ? run_drop(sql, k->kind, name, f) : r;
}

int drop_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    const PgQuery__DropStmt *stmt = verb_node(portal)->drop_stmt;
    const struct drop_kind *k = find_kind(stmt->remove_type);
    (void)sink;
    (void)max_rows;
    int r = stmt->concurrent ? verb_stand_alone(portal->sql, "DROP INDEX CONCURRENTLY", f) : 0;
    r = r == 0 ? ddl_begin(portal->sql, f) : r;
    for (size_t i = 0; i < stmt->n_objects && r == 0; i++) {
        r = drop_one(portal->sql, stmt, k, stmt->objects[i], f);
    }
    sql_schema_changed(portal->sql);
    return r;
}

/* ---- TRUNCATE ---- */

enum { truncate_max = 1000 };

struct truncation {
    struct sql_session *sql;
    struct buf tables; /* names with NULs; CASCADE adds to them */
    bool cascade, restart;
};

static bool has_name(const struct buf *names, const char *name)
{
    for (const char *n = depend_first(names); n != NULL; n = depend_next(names, n)) {
        if (strcmp(n, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Every table that refers to one of these must be among them. By offset: the buffer grows on the
 * way. */
static int close_over_children(struct truncation *t, struct failure *f)
{
    int r = 0;

    for (size_t at = 0, count = 0; at < t->tables.len && r == 0 && count < truncate_max; count++) {
        cleanup(buf_finish) struct buf children = { 0 };
        const char *table = (const char *)t->tables.data + at;
        size_t len = strlen(table) + 1;
        r = depend_children(t->sql, table, &children, f);
        for (const char *c = depend_first(&children); r == 0 && c != NULL;
             c = depend_next(&children, c)) {
            if (has_name(&t->tables, c)) {
                continue;
            }
            if (!t->cascade) {
                failure_set(f, "0A000",
                            "cannot truncate a table referenced in a foreign key constraint");
                failure_add(f, FIELD_DETAIL, "Table \"%s\" references \"%s\".", c,
                            (const char *)t->tables.data + at);
                failure_add(f, FIELD_HINT,
                            "Truncate table \"%s\" at the same time, or use TRUNCATE ... CASCADE.",
                            c);
                return FAILED;
            }
            verb_notice(t->sql, SEVERITY_NOTICE, "00000", "truncate cascades to table \"%s\"", c);
            r = buf_append(&t->tables, c, strlen(c) + 1) == 0 ? 0 : failure_set_nomem(f);
        }
        at += len;
    }
    return r;
}

static int empty_table(struct truncation *t, const char *table, struct failure *f)
{
    cleanup(buf_finish) struct buf text = { 0 };
    cleanup(buf_finish) struct buf q = { 0 };

    if (buf_append_str(&text, "DELETE FROM ") != 0 || verb_ident(&text, table) != 0 ||
        verb_quote(&q, table) != 0 || buf_append_byte(&q, 0) != 0) {
        return failure_set_nomem(f);
    }
    int r = verb_execute_buf(t->sql, &text, CURSOR_WRITES, NULL, f);
    if (r != 0 || !t->restart) {
        return r;
    }
    cleanup(mem_freep) char *found = NULL;
    r = verb_query_text(t->sql, &found, f,
                        "SELECT name FROM sqlite_master WHERE name = 'sqlite_sequence'");
    if (r == 0 && found != NULL) {
        r = verb_execute(t->sql, CURSOR_WRITES, f, "DELETE FROM sqlite_sequence WHERE name = %s",
                         (const char *)q.data);
    }
    return r == 0 ? sequences_restart_owned(t->sql, table, f) : r;
}

/* Does a table that is still to be emptied refer to this one? */
static int is_referred(struct truncation *t, const char *table, bool *ret_referred,
                       struct failure *f)
{
    cleanup(buf_finish) struct buf children = { 0 };
    int r = depend_children(t->sql, table, &children, f);

    *ret_referred = false;
    for (const char *c = depend_first(&children); r == 0 && c != NULL;
         c = depend_next(&children, c)) {
        *ret_referred |= has_name(&t->tables, c);
    }
    return r;
}

static void forget_name(struct buf *names, const char *name)
{
    size_t at = (size_t)(name - (const char *)names->data), len = strlen(name) + 1;

    memmove(names->data + at, names->data + at + len, names->len - at - len);
    names->len -= len;
}

/* Children before parents; where they refer to each other in a ring, the first named. */
static int empty_all(struct truncation *t, struct failure *f)
{
    int r = 0;

    while (t->tables.len > 0 && r == 0) {
        const char *chosen = depend_first(&t->tables);
        bool referred = true;
        for (const char *n = chosen; n != NULL && referred && r == 0;
             n = depend_next(&t->tables, n)) {
            r = is_referred(t, n, &referred, f);
            chosen = referred ? chosen : n;
        }
        r = r == 0 ? empty_table(t, chosen, f) : r;
        forget_name(&t->tables, chosen);
    }
    return r;
}

int truncate_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    const PgQuery__TruncateStmt *stmt = verb_node(portal)->truncate_stmt;
    struct truncation t = { .sql = portal->sql,
                            .cascade = stmt->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE,
                            .restart = stmt->restart_seqs };
    (void)sink;
    (void)max_rows;
    int r = ddl_begin(portal->sql, f);
    for (size_t i = 0; i < stmt->n_relations && r == 0; i++) {
        const char *name = stmt->relations[i]->range_var->relname, *kind = NULL;
        r = ddl_kind(portal->sql, name, &kind, f);
        if (r == 0 && kind == NULL) {
            r = failure_set(f, "42P01", "relation \"%s\" does not exist", name);
        } else if (r == 0 && strcmp(kind, "table") != 0) {
            r = failure_set(f, "42809", "\"%s\" is not a table", name);
        } else if (r == 0 && !has_name(&t.tables, name)) {
            r = buf_append(&t.tables, name, strlen(name) + 1) == 0 ? 0 : failure_set_nomem(f);
        }
    }
    r = r == 0 ? close_over_children(&t, f) : r;
    r = r == 0 ? empty_all(&t, f) : r;
    buf_finish(&t.tables);
    return r;
}
