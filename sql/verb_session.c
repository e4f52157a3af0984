/* sql/verb_session.c: what clients send to tidy up a session, and statements whose purpose pond has
 * no need of. */
#include "sql/verb_support.h"

#include "base/alloc.h"
#include "pool/names.h"
#include "pool/advisory.h"
#include "pool/session.h"
#include "pool/txn.h"
#include "sql/listening.h"
#include "sql/sequence.h"
#include "sql/settings.h"

#include <errno.h>

/* ---- DISCARD ---- */

#define MODE(name) PG_QUERY__DISCARD_MODE__DISCARD_##name

int discard_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
                 struct failure *f)
{
    static const char *const tags[] = { [MODE(ALL)] = "DISCARD ALL",
                                        [MODE(PLANS)] = "DISCARD PLANS",
                                        [MODE(SEQUENCES)] = "DISCARD SEQUENCES",
                                        [MODE(TEMP)] = "DISCARD TEMP" };

    (void)planner;
    (void)f;
    plan->tag = tags[node->discard_stmt->target];
    return 0;
}

struct others {
    struct portal *self;
    struct buf names; /* each with a NUL behind */
    bool failed;
};

static void note_other(struct view name, void *object, void *arg)
{
    struct others *o = arg;

    if (object != o->self && name.len > 0) {
        o->failed |= buf_append_view(&o->names, name) != 0 || buf_append_byte(&o->names, 0) != 0;
    }
}

int verb_close_other_portals(struct portal *portal, struct failure *f)
{
    struct others o = { .self = portal };

    names_each(portal->sql->portals, note_other, &o);
    cleanup(buf_finish) struct buf names = o.names;
    if (o.failed) {
        return failure_set_nomem(f);
    }
    for (size_t at = 0; at < names.len;) {
        struct view name = view_of_str((const char *)names.data + at);
        names_remove(portal->sql->portals, name);
        at += name.len + 1;
    }
    return 0;
}

static int drop_temporary(struct sql_session *sql, struct failure *f)
{
    while (sql->has_temp) {
        cleanup(mem_freep) char *drop = NULL;
        int r = verb_query_text(
            sql, &drop, f,
            "SELECT 'DROP ' || type || ' temp.\"' || replace(name, '\"', '\"\"') || '\"' "
            "FROM temp.sqlite_master WHERE type IN ('table', 'view') AND "
            "name NOT LIKE 'sqlite\\_%%' ESCAPE '\\' LIMIT 1");
        if (r == 0 && drop == NULL) {
            sql->has_temp = false;
            break;
        }
        if (r == 0) {
            r = verb_execute(sql, CURSOR_WRITES, f, "%s", drop);
        }
        if (r != 0) {
            return r;
        }
        sql_schema_changed(sql);
    }
    return 0;
}

int discard_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    struct sql_session *sql = portal->sql;
    unsigned mode = verb_node(portal)->discard_stmt->target;
    int r = 0;

    (void)sink;
    (void)max_rows;
    if (mode == MODE(PLANS)) {
        return 0; /* plans depend on text and schema only */
    }
    if (mode == MODE(ALL)) {
        r = verb_stand_alone(sql, "DISCARD ALL", f);
        if (r == 0) {
            r = verb_close_other_portals(portal, f);
        }
        if (r == 0) {
            r = settings_reset_all(sql->settings, f);
            names_clear(sql->statements); /* the running one is held by its portal's plan */
            advisory_unlock_all(sql->session);
            listening_end(sql);
        }
    }
    if (r == 0 && (mode == MODE(ALL) || mode == MODE(SEQUENCES))) {
        sequences_discard(sql);
    }
    if (r == 0 && (mode == MODE(ALL) || mode == MODE(TEMP))) {
        r = drop_temporary(sql, f);
    }
    return r;
}

/* ---- LISTEN, NOTIFY, UNLISTEN ---- */

static struct view text_or_empty(const char *text)
{
    return view_of_str(text == NULL ? "" : text);
}

int listen_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    (void)sink;
    (void)max_rows;
    return listening_listen(portal->sql,
                            text_or_empty(verb_node(portal)->listen_stmt->conditionname), f);
}

int notify_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    const PgQuery__NotifyStmt *stmt = verb_node(portal)->notify_stmt;

    (void)sink;
    (void)max_rows;
    return listening_notify(portal->sql, text_or_empty(stmt->conditionname),
                            text_or_empty(stmt->payload), f);
}

int unlisten_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    (void)sink;
    (void)max_rows;
    return listening_unlisten(portal->sql,
                              text_or_empty(verb_node(portal)->unlisten_stmt->conditionname), f);
}

/* COMMENT, GRANT, REVOKE, CHECKPOINT: pond has one user and keeps no comments; its pages
 * are in memory. */
int nothing_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    (void)portal;
    (void)sink;
    (void)max_rows;
    (void)f;
    return 0;
}

int grant_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
               struct failure *f)
{
    (void)planner;
    (void)f;
    plan->tag = node->grant_stmt->is_grant ? "GRANT" : "REVOKE";
    return 0;
}

#define DATABASE PG_QUERY__OBJECT_TYPE__OBJECT_DATABASE

/* ALTER ... OWNER TO: pg_dump's scripts are full of them. Only databases have owners. */
int alter_owner_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
                     struct failure *f)
{
    static const struct {
        PgQuery__ObjectType type;
        const char *tag;
    } tags[] = {
        { PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA, "ALTER SCHEMA" },
        { DATABASE, "ALTER DATABASE" },
        { PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION, "ALTER FUNCTION" },
        { PG_QUERY__OBJECT_TYPE__OBJECT_TYPE, "ALTER TYPE" },
        { PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN, "ALTER DOMAIN" },
    };

    (void)planner;
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        if (tags[i].type == node->alter_owner_stmt->object_type) {
            plan->tag = tags[i].tag;
            plan->flags |= tags[i].type == DATABASE ? PLAN_ALONE : 0;
            return 0;
        }
    }
    return verb_unsupported("ALTER ... OWNER of this kind of object", f);
}

int alter_owner_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                    struct failure *f)
{
    const struct host_ops *ops = portal->sql->ops;
    bool database = verb_node(portal)->alter_owner_stmt->object_type == DATABASE &&
                    ops->database_alter != NULL; /* not so in a seed, and nobody cares */

    return database ? database_owner_run(portal, sink, max_rows, f)
                    : nothing_run(portal, sink, max_rows, f);
}

/* ---- LOCK ---- */

/* A table lock of any mode is the writer's place. */
int lock_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    const PgQuery__LockStmt *stmt = verb_node(portal)->lock_stmt;
    struct sql_session *sql = portal->sql;

    (void)sink;
    (void)max_rows;
    if (!txn_is_block(sql->session)) {
        return verb_needs_block("LOCK TABLE", f);
    }
    for (size_t i = 0; i < stmt->n_relations; i++) {
        cleanup(buf_finish) struct buf text = { 0 };
        if (buf_append_str(&text, "SELECT 1 FROM ") != 0 ||
            verb_ident(&text, stmt->relations[i]->range_var->relname) != 0 ||
            buf_append_str(&text, " LIMIT 0") != 0) {
            return failure_set_nomem(f);
        }
        int r = verb_execute_buf(sql, &text, CURSOR_LOCKS, NULL, f);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

/* ---- VACUUM, ANALYZE ---- */

int vacuum_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
                struct failure *f)
{
    (void)planner;
    (void)f;
    plan->tag = node->vacuum_stmt->is_vacuumcmd ? "VACUUM" : "ANALYZE";
    return 0;
}

static int check_relations(struct sql_session *sql, const PgQuery__VacuumStmt *stmt,
                           struct failure *f)
{
    for (size_t i = 0; i < stmt->n_rels; i++) {
        const char *name = stmt->rels[i]->vacuum_relation->relation->relname;
        cleanup(mem_freep) char *found = NULL;
        cleanup(buf_finish) struct buf quoted = { 0 };
        if (verb_quote(&quoted, name) != 0 || buf_append_byte(&quoted, 0) != 0) {
            return failure_set_nomem(f);
        }
        int r =
            verb_query_text(sql, &found, f, "SELECT name FROM pragma_table_list WHERE name = %s",
                            (const char *)quoted.data);
        if (r != 0) {
            return r;
        }
        if (found == NULL) {
            return failure_set(f, "42P01", "relation \"%s\" does not exist", name);
        }
    }
    return 0;
}

/* A clone lives in memory and no longer than its tests: VACUUM has nothing to win, and ANALYZE's
 * table of statistics would make the clone's schema another than its template's. Both check the
 * names and leave it at that. */
int vacuum_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    const PgQuery__VacuumStmt *stmt = verb_node(portal)->vacuum_stmt;

    (void)sink;
    (void)max_rows;
    int r = stmt->is_vacuumcmd ? verb_stand_alone(portal->sql, "VACUUM", f) : 0;
    return r != 0 ? r : check_relations(portal->sql, stmt, f);
}

/* ---- REINDEX ---- */

static bool is_concurrent(const PgQuery__ReindexStmt *stmt)
{
    for (size_t i = 0; i < stmt->n_params; i++) {
        if (strcmp(stmt->params[i]->def_elem->defname, "concurrently") == 0) {
            return true;
        }
    }
    return false;
}

/* Nothing to win here either; but it is refused where PostgreSQL refuses it. */
int reindex_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    static const char *const alone[] = {
        [PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_SCHEMA] = "REINDEX SCHEMA",
        [PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_SYSTEM] = "REINDEX SYSTEM",
        [PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_DATABASE] = "REINDEX DATABASE",
    };
    const PgQuery__ReindexStmt *stmt = verb_node(portal)->reindex_stmt;
    size_t kind = (size_t)stmt->kind;

    (void)sink;
    (void)max_rows;
    if (is_concurrent(stmt)) {
        return verb_stand_alone(portal->sql, "REINDEX CONCURRENTLY", f);
    }
    return kind < ARRAY_LEN(alone) && alone[kind] != NULL
               ? verb_stand_alone(portal->sql, alone[kind], f)
               : 0;
}

/* ---- extensions and schemas: those that every database has ---- */

int create_extension_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                         struct failure *f)
{
    const PgQuery__CreateExtensionStmt *stmt = verb_node(portal)->create_extension_stmt;

    (void)sink;
    (void)max_rows;
    if (strcmp(stmt->extname, "plpgsql") != 0) {
        return failure_set(f, "0A000", "extension \"%s\" is not available", stmt->extname);
    }
    if (!stmt->if_not_exists) {
        return failure_set(f, "42710", "extension \"%s\" already exists", stmt->extname);
    }
    verb_notice(portal->sql, SEVERITY_NOTICE, "42710", "extension \"%s\" already exists, skipping",
                stmt->extname);
    return 0;
}

int create_schema_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                      struct failure *f)
{
    const PgQuery__CreateSchemaStmt *stmt = verb_node(portal)->create_schema_stmt;

    (void)sink;
    (void)max_rows;
    if (strcmp(stmt->schemaname, "public") != 0 || stmt->n_schema_elts > 0) {
        return verb_unsupported("CREATE SCHEMA", f);
    }
    if (!stmt->if_not_exists) {
        return failure_set(f, "42P06", "schema \"%s\" already exists", stmt->schemaname);
    }
    verb_notice(portal->sql, SEVERITY_NOTICE, "42P06", "schema \"%s\" already exists, skipping",
                stmt->schemaname);
    return 0;
}
