/* sql/function_pond.c: what pond has and PostgreSQL has not: marks of a clone, clones that are
 * kept or backed up, and templates that the first of many builds for all.
 *
 * None of it can be taken back, so none of it runs in a transaction; and a statement that calls it
 * is run without an implicit one (FUNCTION_ALONE). A rewind inside of sqlite3_step() is no problem:
 * the statement keeps the root that it reads, and the next one sees the new one. */
#include "sql/function_support.h"

#include "pool/clone.h"
#include "pool/session.h"
#include "sql/verb_support.h"

enum { name_bytes_most = 63 };

/* A statement that writes has the writer's place, which a rewind needs. */
static int refuse_inside(struct sql_session *sql, const char *what, struct failure *f)
{
    if (clone_has_writer(session_clone(sql->session), sql->session)) {
        return failure_set(f, "25001", "%s cannot run in a statement that writes", what);
    }
    return verb_refuse_transaction(sql, what, f);
}

static int begin(struct sql_session *sql, const char *what, bool available, struct failure *f)
{
    int r = refuse_inside(sql, what, f);

    return r != 0 || available ? r : verb_unavailable(what, f);
}

static int read_name(sqlite3_value *v, const char *what, const char **ret_name, struct failure *f)
{
    struct view name = fn_text(v);

    if (sqlite3_value_type(v) == SQLITE_NULL) {
        return failure_set(f, "22004", "the name of a %s must not be null", what);
    }
    if (name.len == 0) {
        return failure_set(f, "42602", "the name of a %s must not be empty", what);
    }
    if (name.len > name_bytes_most) {
        return failure_set(f, "42622", "the name of a %s has at most %d bytes", what,
                           name_bytes_most);
    }
    *ret_name = (const char *)name.data;
    return 0;
}

/* Void is an empty text. */
static void result_void(sqlite3_context *c, int r, const struct failure *f)
{
    if (r == 0) {
        fn_result_text(c, "", 0);
    } else {
        function_fail(c, f);
    }
}

/* ---- marks ---- */

static void run_mark(sqlite3_context *c, enum mark_op op, const char *what, sqlite3_value *name)
{
    struct sql_session *sql = fn_sql(c);
    struct failure failure = { 0 };
    const char *text = NULL;
    int r = begin(sql, what, sql->ops->mark != NULL, &failure);

    if (r == 0 && name != NULL) {
        r = read_name(name, "mark", &text, &failure);
    }
    if (r == 0) {
        r = sql->ops->mark(sql->host, op, text, &failure);
    }
    result_void(c, r, &failure);
}

FN(mark)
{
    (void)n;
    run_mark(c, MARK_SET, "pond_mark()", v[0]);
}

FN(rewind_to)
{
    (void)n;
    run_mark(c, MARK_REWIND, "pond_rewind()", v[0]);
}

FN(reset)
{
    (void)n;
    (void)v;
    run_mark(c, MARK_RESET, "pond_reset()", NULL);
}

FN(keep)
{
    struct sql_session *sql = fn_sql(c);
    struct failure failure = { 0 };
    int r = begin(sql, "pond_keep()", sql->ops->keep != NULL, &failure);

    (void)n;
    (void)v;
    if (r == 0) {
        r = sql->ops->keep(sql->host, &failure);
    }
    result_void(c, r, &failure);
}

FN(backup)
{
    struct sql_session *sql = fn_sql(c);
    struct failure failure = { 0 };
    struct view name = fn_text(v[0]);
    int64_t bytes = 0;
    int r = begin(sql, "pond_backup()", sql->ops->backup != NULL, &failure);

    (void)n;
    if (r == 0 && sqlite3_value_type(v[0]) == SQLITE_NULL) {
        r = failure_set(&failure, "22004", "the name of a backup must not be null");
    }
    if (r == 0) {
        r = sql->ops->backup(sql->host, (const char *)name.data, &bytes, &failure);
    }
    if (r == 0) {
        sqlite3_result_int64(c, bytes);
    } else {
        function_fail(c, &failure);
    }
}

/* ---- templates ---- */

static int check_database_name(const char *name, struct failure *f)
{
    return strchr(name, '~') == NULL
               ? 0
               : failure_set(f, "42602", "invalid database name: \"%s\"", name);
}

FN(template)
{
    struct sql_session *sql = fn_sql(c);
    struct failure failure = { 0 };
    const char *name = NULL;
    const char *from = NULL;
    bool build = false;
    int r = begin(sql, "pond_template()", sql->ops->template_claim != NULL, &failure);

    if (r == 0) {
        r = read_name(v[0], "template", &name, &failure);
    }
    if (r == 0 && n > 1) {
        r = read_name(v[1], "template", &from, &failure);
    }
    if (r == 0) {
        r = check_database_name(name, &failure);
    }
    if (r == 0) {
        r = sql->ops->template_claim(sql->host, name, from, &build, &failure);
    }
    if (r == 0) {
        sqlite3_result_int(c, build);
    } else {
        function_fail(c, &failure);
    }
}

static void end_template(sqlite3_context *c, const char *what, sqlite3_value *v, bool ready)
{
    struct sql_session *sql = fn_sql(c);
    struct failure failure = { 0 };
    const char *name = NULL;
    int r = begin(sql, what, sql->ops->template_end != NULL, &failure);

    if (r == 0) {
        r = read_name(v, "template", &name, &failure);
    }
    if (r == 0) {
        r = sql->ops->template_end(sql->host, name, ready, &failure);
    }
    result_void(c, r, &failure);
}

FN(template_ready)
{
    (void)n;
    end_template(c, "pond_template_ready()", v[0], true);
}

FN(template_failed)
{
    (void)n;
    end_template(c, "pond_template_failed()", v[0], false);
}

/* clang-format off */
#define T OID_TEXT
#define FLAGS (FUNCTION_VOLATILE | FUNCTION_ALONE)
static const struct function rows[] = {
    { "pond_mark", 1, 1, { T }, RESULT_FIXED, OID_VOID, FLAGS, NULL, mark, NULL, NULL },
    { "pond_rewind", 1, 1, { T }, RESULT_FIXED, OID_VOID, FLAGS, NULL, rewind_to, NULL, NULL },
    { "pond_reset", 0, 0, { 0 }, RESULT_FIXED, OID_VOID, FLAGS, NULL, reset, NULL, NULL },
    { "pond_keep", 0, 0, { 0 }, RESULT_FIXED, OID_VOID, FLAGS, NULL, keep, NULL, NULL },
    { "pond_backup", 1, 1, { T }, RESULT_FIXED, OID_INT8, FLAGS, NULL, backup, NULL, NULL },
    { "pond_template", 1, 2, { T, T }, RESULT_FIXED, OID_BOOL, FLAGS, NULL, template, NULL, NULL },
    { "pond_template_ready", 1, 1, { T }, RESULT_FIXED, OID_VOID, FLAGS, NULL, template_ready, NULL, NULL },
    { "pond_template_failed", 1, 1, { T }, RESULT_FIXED, OID_VOID, FLAGS, NULL, template_failed, NULL, NULL },
};
/* clang-format on */

FUNCTION_TABLE(function_pond_table, rows);
