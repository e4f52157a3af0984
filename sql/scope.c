/* sql/scope.c: tables are looked up by preparing "SELECT * FROM table", which needs no step and so
 * cannot await; SQLite then names each column's declared type, collation and table. */
#include "sql/scope.h"

#include "sql/expr.h"
#include "sql/grammar.h"
#include "sql/session_state.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <strings.h>

uint32_t table_oid_of_name(const char *table)
{
    uint32_t hash = 2166136261u;

    for (const char *at = table; *at != '\0'; at++) {
        hash = (hash ^ (uint8_t)*at) * 16777619u;
    }
    return 16384 + (hash & 0x3fffffff);
}

/* ---- scopes and relations ---- */

void scope_push(struct rewriter *r, struct query_scope *scope)
{
    scope->outer = r->scope;
    scope->tail = &scope->relations;
    r->scope = scope;
}

void scope_pop(struct rewriter *r)
{
    r->scope = r->scope->outer;
}

void scope_add(struct query_scope *scope, struct relation *relation)
{
    if (relation != NULL) {
        relation->next = NULL;
        *scope->tail = relation;
        scope->tail = &relation->next;
    }
}

struct relation *relation_new(struct rewriter *r, const char *name)
{
    struct relation *relation = arena_alloc(r->arena, sizeof(*relation));

    if (relation == NULL) {
        rewrite_fail_nomem(r);
        return NULL;
    }
    relation->name = name;
    return relation;
}

static bool relation_grow(struct rewriter *r, struct relation *relation)
{
    size_t room = relation->room == 0 ? 8 : relation->room * 2;
    struct relation_column *columns = arena_alloc(r->arena, room * sizeof(*columns));

    if (columns == NULL) {
        rewrite_fail_nomem(r);
        return false;
    }
    if (relation->count > 0) {
        memcpy(columns, relation->columns, relation->count * sizeof(*columns));
    }
    relation->columns = columns;
    relation->room = room;
    return true;
}

struct relation_column *relation_add(struct rewriter *r, struct relation *relation,
                                     const char *name, struct type type)
{
    struct relation_column *column;

    if (relation == NULL || (relation->count == relation->room && !relation_grow(r, relation))) {
        return NULL;
    }
    column = &relation->columns[relation->count++];
    *column = (struct relation_column){ .name = name, .type = type };
    return column;
}

struct relation_column *relation_find(const struct relation *relation, const char *name)
{
    for (size_t i = 0; i < relation->count; i++) {
        if (strcmp(relation->columns[i].name, name) == 0) {
            return &relation->columns[i];
        }
    }
    return NULL;
}

struct relation *relation_copy(struct rewriter *r, const struct relation *relation,
                               const char *name)
{
    struct relation *copy = relation_new(r, name);

    for (size_t i = 0; copy != NULL && i < relation->count; i++) {
        struct relation_column *column =
            relation_add(r, copy, relation->columns[i].name, relation->columns[i].type);

        if (column == NULL) {
            return NULL;
        }
        *column = relation->columns[i];
    }
    return copy;
}

/* ---- tables ---- */

static void finalizep(sqlite3_stmt **stmt)
{
    (void)sqlite3_finalize(*stmt);
}

/* What rowid_column() of ddl_create.c writes, and no other file of SQLite's. */
static bool is_rowid_type(const char *declared, const char *collation)
{
    return declared != NULL && collation != NULL && strcasecmp(declared, "INTEGER") == 0 &&
           strncasecmp(collation, "int", 3) == 0;
}

static void load_column(struct rewriter *r, struct relation *relation, sqlite3_stmt *stmt, int i,
                        uint32_t oid)
{
    sqlite3 *db = sqlite3_db_handle(stmt);
    const char *database = sqlite3_column_database_name(stmt, i);
    const char *table = sqlite3_column_table_name(stmt, i);
    const char *origin = sqlite3_column_origin_name(stmt, i);
    const char *name = arena_strdup(r->arena, sqlite3_column_name(stmt, i));
    const char *declared = NULL;
    const char *collation = NULL;
    int not_null = 0;
    int primary = 0;
    int counts = 0;
    struct relation_column *column =
        name == NULL ? NULL : relation_add(r, relation, name, TYPE_NONE);

    if (column == NULL) {
        rewrite_fail_nomem(r);
        return;
    }
    column->table_oid = oid;
    column->attnum = (int16_t)(i + 1);
    if (table != NULL &&
        sqlite3_table_column_metadata(db, database, table, origin, &declared, &collation, &not_null,
                                      &primary, &counts) == SQLITE_OK) {
        column->type = type_of_declared(declared, collation);
        column->primary = primary != 0;
        column->rowid = primary != 0 && is_rowid_type(declared, collation);
        column->counts = counts != 0;
        column->not_null =
            !relation->is_view && (not_null != 0 || (primary != 0 && declared != NULL &&
                                                     strcasecmp(declared, "INTEGER") == 0));
    }
}

/* SQLite's own memory is the session's, whoever pays for the plan. */
static int prepare_star(struct rewriter *r, const char *sql, sqlite3_stmt **ret_stmt)
{
    sqlite3 *db = session_sqlite(r->sql->session);
    struct account *before = account_swap(session_account(r->sql->session));
    int rc = sqlite3_prepare_v2(db, sql, -1, ret_stmt, NULL);

    if (rc == SQLITE_ERROR && sql_functions_missing(r->sql, sqlite3_errmsg(db))) {
        rc = sqlite3_prepare_v2(db, sql, -1, ret_stmt, NULL);
    }
    (void)account_swap(before);
    return rc;
}

/* A prepared question to SQLite's schema with two texts bound; NULL: failed. */
static sqlite3_stmt *ask_schema(struct rewriter *r, const char *sql, const char *first,
                                const char *second)
{
    struct account *before = account_swap(session_account(r->sql->session));
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(session_sqlite(r->sql->session), sql, -1, &stmt, NULL);

    if (rc == SQLITE_OK && sqlite3_bind_parameter_count(stmt) > 1) {
        rc = sqlite3_bind_text(stmt, 2, second, -1, SQLITE_STATIC);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_text(stmt, 1, first, -1, SQLITE_STATIC);
    }
    (void)account_swap(before);
    if (rc != SQLITE_OK) {
        (void)sqlite3_finalize(stmt);
        rewrite_fail(r, -1, rc == SQLITE_NOMEM ? "53200" : "XX000", "could not ask the schema");
        return NULL;
    }
    return stmt;
}

/* What rewrite_view_body() noted in the view's text: its columns' types, which SQLite does not
 * keep. */
static void view_types(struct rewriter *r, const char *table, struct relation *relation)
{
    sqlite3_stmt *stmt cleanup(finalizep) = ask_schema(
        r, "SELECT sql FROM sqlite_schema WHERE name = ?1 COLLATE nocase AND type = 'view'", table,
        NULL);
    const char *at = stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW
                         ? (const char *)sqlite3_column_text(stmt, 0)
                         : NULL;

    at = at == NULL ? NULL : strstr(at, view_types_mark);
    if (at == NULL) {
        return;
    }
    at += strlen(view_types_mark);
    for (size_t i = 0; i < relation->count && *at != '*'; i++) {
        char *end;

        relation->columns[i].type = type_of_code((uint32_t)strtoul(at, &end, 10));
        relation->columns[i].type.typmod = (int32_t)strtol(*end == ',' ? end + 1 : end, &end, 10);
        at = *end == ';' ? end + 1 : end;
    }
}

struct relation *scope_table(struct rewriter *r, const char *table)
{
    sqlite3_stmt *stmt cleanup(finalizep) = NULL;
    struct relation *relation;
    char *sql;
    const char *origin;
    int rc;

    if (r->failed || r->sql == NULL) {
        return NULL;
    }
    sql = sqlite3_mprintf("SELECT * FROM \"%w\"", table);
    if (sql == NULL) {
        rewrite_fail_nomem(r);
        return NULL;
    }
    rc = prepare_star(r, sql, &stmt);
    sqlite3_free(sql);
    if (rc == SQLITE_NOMEM) {
        rewrite_fail_nomem(r);
    }
    if (rc != SQLITE_OK) {
        return NULL;
    }
    relation = relation_new(r, table);
    if (relation == NULL) {
        return NULL;
    }
    origin = sqlite3_column_table_name(stmt, 0);
    relation->is_view = origin == NULL || strcasecmp(origin, table) != 0;
    for (int i = 0; i < sqlite3_column_count(stmt) && !r->failed; i++) {
        load_column(r, relation, stmt, i, table_oid_of_name(table));
    }
    if (relation->is_view && !r->failed) {
        view_types(r, table, relation);
    }
    return r->failed ? NULL : relation;
}

bool scope_generated(struct rewriter *r, const char *table, const char *column)
{
    sqlite3_stmt *stmt cleanup(finalizep) =
        ask_schema(r, "SELECT 1 FROM pragma_table_xinfo(?1) WHERE name = ?2 AND hidden IN (2, 3)",
                   table, column);

    return stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW;
}

const char *scope_default(struct rewriter *r, const char *table,
                          const struct relation_column *column)
{
    sqlite3_stmt *stmt cleanup(finalizep) = NULL;
    const char *text = NULL;

    if (column->counts) {
        return scope_next_rowid;
    }
    stmt = ask_schema(r, "SELECT dflt_value FROM pragma_table_xinfo(?1) WHERE name = ?2", table,
                      column->name);
    if (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW) {
        text = (const char *)sqlite3_column_text(stmt, 0);
    }
    if (r->failed) {
        return NULL;
    }
    if (text == NULL) {
        return column->rowid ? scope_not_null(r, table, column, "NULL") : "NULL";
    }
    return rewrite_text(r, "(%s)", text);
}

const char *scope_not_null(struct rewriter *r, const char *table,
                           const struct relation_column *column, const char *value)
{
    return rewrite_text(r, "pond_not_null(%s, %s, %s)", value,
                        rewrite_quoted_text(r, column->name, strlen(column->name)),
                        rewrite_quoted_text(r, table, strlen(table)));
}

/* ---- column references ---- */

struct found {
    const struct relation *relation;
    const struct relation_column *column;
    const struct query_scope *scope;
    size_t matches;
};

static void find_in_scope(const struct query_scope *scope, const char *table, const char *name,
                          struct found *found)
{
    for (struct relation *at = scope->relations; at != NULL; at = at->next) {
        if (table != NULL ? at->name == NULL || strcmp(at->name, table) != 0 : at->qualified_only) {
            continue;
        }
        for (size_t i = 0; i < at->count; i++) {
            const struct relation_column *column = &at->columns[i];

            if (strcmp(column->name, name) == 0 && (table != NULL || !column->merged)) {
                found->relation = at;
                found->column = column;
                found->scope = scope;
                found->matches++;
            }
        }
    }
}

static bool table_in_reach(const struct rewriter *r, const char *table)
{
    for (const struct query_scope *scope = r->scope; scope != NULL; scope = scope->outer) {
        for (const struct relation *at = scope->relations; at != NULL; at = at->next) {
            if (at->name != NULL && strcmp(at->name, table) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void fail_unknown(struct rewriter *r, const char *table, const char *name, int32_t location)
{
    if (table != NULL && !table_in_reach(r, table)) {
        rewrite_fail(r, location, "42P01", "missing FROM-clause entry for table \"%s\"", table);
    } else if (table == NULL && table_in_reach(r, name)) {
        rewrite_unsupported(r, location, "a reference to a whole row");
    } else if (table != NULL) {
        rewrite_fail(r, location, "42703", "column %s.%s does not exist", table, name);
    } else {
        rewrite_fail(r, location, "42703", "column \"%s\" does not exist", name);
    }
}

static const char *column_text(struct rewriter *r, const struct found *found, bool qualified)
{
    const char *name =
        found->column->sqlite_name != NULL ? found->column->sqlite_name : found->column->name;
    bool alone = found->scope == r->scope && found->scope->relations->next == NULL;

    if (found->scope->unqualified || found->relation->name == NULL || (!qualified && alone)) {
        return rewrite_text(r, "%s", rewrite_ident_text(r, name));
    }
    return rewrite_text(r, "%s.%s", rewrite_ident_text(r, found->relation->name),
                        rewrite_ident_text(r, name));
}

/* Is it the one of USING, which has to stay bare so that SQLite takes the merged value? */
static bool is_merged(const struct query_scope *scope, const char *name)
{
    for (const struct relation *at = scope->relations; at != NULL; at = at->next) {
        for (size_t i = 0; i < at->count; i++) {
            if (at->columns[i].merged && strcmp(at->columns[i].name, name) == 0) {
                return true;
            }
        }
    }
    return false;
}

static struct expr expr_of_column(struct rewriter *r, const struct found *found, bool qualified)
{
    struct expr e = { .type = found->column->type, .prec = PREC_PRIMARY };

    if (!qualified && is_merged(found->scope, found->column->name)) {
        e.text = rewrite_ident_text(r, found->column->name);
    } else {
        e.text = column_text(r, found, qualified);
    }
    e.table_oid = found->column->table_oid;
    e.attnum = found->column->attnum;
    e.not_null = found->column->not_null && found->scope == r->scope;
    return e;
}

/* Notes a column that stands outside of an aggregate: GROUP BY must have it if there is one. */
static void note_ungrouped(struct rewriter *r, const struct found *found, int32_t location)
{
    struct query_scope *scope = (struct query_scope *)(uintptr_t)found->scope;
    struct ungrouped *note;

    if (scope->in_aggregate > 0) {
        return;
    }
    note = arena_alloc(r->arena, sizeof(*note));
    if (note == NULL) {
        rewrite_fail_nomem(r);
        return;
    }
    *note = (struct ungrouped){ found->relation, found->column, location, scope->ungrouped };
    scope->ungrouped = note;
}

struct expr scope_column(struct rewriter *r, const PgQuery__ColumnRef *ref)
{
    struct found found = { 0 };
    size_t last = ref->n_fields - 1;
    const char *name = node_string(ref->fields[last]);
    const char *table = last > 0 ? node_string(ref->fields[last - 1]) : NULL;

    if (ref->fields[last]->node_case == PG_QUERY__NODE__NODE_A_STAR) {
        rewrite_unsupported(r, ref->location, "* in an expression");
        return expr_none();
    }
    for (struct query_scope *scope = r->scope; scope != NULL && found.matches == 0;
         scope = scope->outer) {
        find_in_scope(scope, table, name, &found);
    }
    if (found.matches == 0) {
        fail_unknown(r, table, name, ref->location);
        return expr_none();
    }
    if (found.matches > 1) {
        rewrite_fail(r, ref->location, "42702", "column reference \"%s\" is ambiguous", name);
        return expr_none();
    }
    note_ungrouped(r, &found, ref->location);
    return expr_of_column(r, &found, table != NULL);
}
