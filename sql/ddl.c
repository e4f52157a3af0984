/* sql/ddl.c: names, kinds, and the way to the rewriter that the DDL statements share. */
#include "sql/ddl.h"

#include "async/task.h"
#include "base/alloc.h"
#include "pool/txn.h"
#include "sql/functions.h"
#include "sql/sequence.h"
#include "sql/tree_walk.h"

#include <errno.h>
#include <stdio.h>

int ddl_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
             struct failure *f)
{
    (void)node;
    plan->extra = arena_strndup(&plan->arena, planner->text.data, planner->text.len);
    return plan->extra == NULL ? failure_set_nomem(f) : 0;
}

int ddl_begin(struct sql_session *sql, struct failure *f)
{
    txn_implicit_begin(sql->session);
    return sql_functions_ready(sql, f); /* expressions of the schema call them */
}

static const char *static_kind(const char *kind)
{
    static const char *const kinds[] = { "table", "view", "index", "sequence", "trigger" };

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i], kind) == 0) {
            return kinds[i];
        }
    }
    return "table";
}

int ddl_kind(struct sql_session *sql, const char *name, const char **ret_kind, struct failure *f)
{
    cleanup(mem_freep) char *kind = NULL;
    cleanup(buf_finish) struct buf quoted = { 0 };

    if (verb_quote(&quoted, name) != 0 || buf_append_byte(&quoted, 0) != 0) {
        return failure_set_nomem(f);
    }
    const char *q = (const char *)quoted.data;
    int r =
        verb_query_text(sql, &kind, f,
                        "SELECT type FROM (SELECT type, name FROM temp.sqlite_master UNION ALL "
                        "SELECT type, name FROM main.sqlite_master) WHERE name = %s COLLATE NOCASE "
                        "AND type <> 'trigger' LIMIT 1",
                        q);
    if (r == 0 && kind == NULL) {
        bool found = false;
        r = sequence_exists(sql, name, &found, f);
        *ret_kind = r == 0 && found ? "sequence" : NULL;
        return r;
    }
    if (r == 0) {
        *ret_kind = static_kind(kind);
    }
    return r;
}

int ddl_kind_to_alter(struct sql_session *sql, const char *name, bool missing_ok,
                      const char **ret_kind, struct failure *f)
{
    int r = ddl_kind(sql, name, ret_kind, f);

    if (r != 0 || *ret_kind != NULL) {
        return r;
    }
    if (!missing_ok) {
        return failure_set(f, "42P01", "relation \"%s\" does not exist", name);
    }
    verb_notice(sql, SEVERITY_NOTICE, "00000", "relation \"%s\" does not exist, skipping", name);
    return 0;
}

int ddl_check_schema(const char *schema, struct failure *f)
{
    if (schema[0] == '\0' || strcmp(schema, "public") == 0 || strcmp(schema, "pg_temp") == 0) {
        return 0;
    }
    if (strcmp(schema, "pg_catalog") == 0 || strcmp(schema, "information_schema") == 0) {
        return failure_set(f, "42501", "permission denied for schema %s", schema);
    }
    return failure_set(f, "3F000", "schema \"%s\" does not exist", schema);
}

int ddl_check_new(struct sql_session *sql, const PgQuery__RangeVar *name, bool if_not_exists,
                  bool *ret_skip, struct failure *f)
{
    const char *kind = NULL;

    *ret_skip = false;
    int r = ddl_check_schema(name->schemaname, f);
    if (r == 0 && strncmp(name->relname, "sqlite_", 7) == 0) {
        r = failure_set(f, "42939", "the name \"%s\" is reserved", name->relname);
    }
    if (r == 0) {
        r = ddl_kind(sql, name->relname, &kind, f);
    }
    if (r != 0 || kind == NULL) {
        return r;
    }
    if (!if_not_exists) {
        return failure_set(f, "42P07", "relation \"%s\" already exists", name->relname);
    }
    verb_notice(sql, SEVERITY_NOTICE, "42P07", "relation \"%s\" already exists, skipping",
                name->relname);
    *ret_skip = true;
    return 0;
}

void ddl_object_name(char out[ddl_name_bytes], const char *table, const char *part,
                     const char *label, unsigned number)
{
    char tail[32];
    size_t first = strlen(table), second = part == NULL ? 0 : strlen(part);

    if (number > 0) {
        snprintf(tail, sizeof tail, "_%.12s%u", label, number);
    } else {
        snprintf(tail, sizeof tail, "_%.12s", label);
    }
    size_t room = ddl_name_bytes - 1 - strlen(tail) - (part != NULL);
    while (first + second > room) {
        if (first > second) {
            first--;
        } else {
            second--;
        }
    }
    snprintf(out, ddl_name_bytes, "%.*s%s%.*s%s", (int)first, table, part == NULL ? "" : "_",
             (int)second, part == NULL ? "" : part, tail);
}

/* ---- the rewriter ---- */

static void run_job(void *arg)
{
    struct ddl_job *job = arg;

    job->fn(job);
}

int ddl_job_run(struct ddl_job *job, struct portal *portal, void (*fn)(struct ddl_job *job),
                const void *stmt, struct failure *f)
{
    job->fn = fn;
    job->stmt = stmt;
    job->failure = f;
    rewriter_init(&job->rewriter, portal->sql, &job->arena,
                  view_of_str(plan_whole(portal->plan)->extra), f);
    job->rewriter.no_params = true;
    task_call_on_loop_stack(run_job, job);
    return job->rewriter.failed ? FAILED : 0;
}

void ddl_job_finish(struct ddl_job *job)
{
    if (job->arena.chunks != NULL || job->rewriter.out.data != NULL) {
        rewriter_finish(&job->rewriter);
    }
    arena_finish(&job->arena);
}

/* ---- columns of an expression ---- */

struct each_column {
    ddl_column_fn *fn;
    void *arg;
};

static bool visit_column(void *arg, const ProtobufCMessage *message)
{
    const struct each_column *each = arg;
    const PgQuery__ColumnRef *ref = tree_as_column_ref(message);

    if (ref == NULL) {
        return true;
    }
    if (ref->n_fields > 0 &&
        ref->fields[ref->n_fields - 1]->node_case == PG_QUERY__NODE__NODE_STRING) {
        each->fn(each->arg, ref->fields[ref->n_fields - 1]->string->sval);
    }
    return false;
}

void ddl_each_column(const PgQuery__Node *node, ddl_column_fn *fn, void *arg)
{
    struct each_column each = { .fn = fn, .arg = arg };

    tree_walk(node == NULL ? NULL : &node->base, visit_column, &each);
}
