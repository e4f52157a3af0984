/* sql/verb_set.c: SET, RESET, SHOW, SET CONSTRAINTS.
 * https://www.postgresql.org/docs/15/sql-set.html */
#include "sql/verb_support.h"
#include "sql/violation.h"

#include "base/alloc.h"
#include "pool/txn.h"
#include "sql/settings.h"

#include <errno.h>
#include <stdio.h>

#define KIND(name) PG_QUERY__VARIABLE_SET_KIND__VAR_##name

int set_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
             struct failure *f)
{
    PgQuery__VariableSetKind kind = node->variable_set_stmt->kind;

    (void)planner;
    (void)f;
    plan->tag = kind == KIND(RESET) || kind == KIND(RESET_ALL) ? "RESET" : "SET";
    return 0;
}

/* A value of a list, as SHOW prints it: quoted when it is no plain identifier. */
static int list_item(struct buf *out, const char *value)
{
    bool plain = value[0] != '\0' && strchr("0123456789$", value[0]) == NULL;

    for (const char *c = value; *c != '\0'; c++) {
        plain &= (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_' || *c == '$';
    }
    return plain ? buf_append_str(out, value) : verb_ident(out, value);
}

int set_value_text(const PgQuery__VariableSetStmt *stmt, struct buf *out, struct failure *f)
{
    const struct setting_row *row = setting_find(view_of_str(stmt->name));
    bool is_list = row != NULL && (row->flags & SETTING_LIST) != 0;
    bool quotes =
        is_list && (row->flags & SETTING_REPORTED) == 0; /* names, not DateStyle's words */
    char number[32];

    if (stmt->n_args > 1 && !is_list) {
        return failure_set(f, "22023", "SET %s takes only one argument", stmt->name);
    }
    for (size_t i = 0; i < stmt->n_args; i++) {
        const char *value = verb_const_text(stmt->args[i], number);
        int r = i > 0 ? buf_append_str(out, ", ") : 0;
        if (value == NULL) {
            return failure_set(f, "22023", "invalid value for parameter \"%s\"", stmt->name);
        }
        if (r == 0) {
            r = quotes ? list_item(out, value) : buf_append_str(out, value);
        }
        if (r != 0) {
            return failure_set_nomem(f);
        }
    }
    return 0;
}

/* SET TRANSACTION and SET SESSION CHARACTERISTICS: a mode each is a setting. */
static int set_modes(struct sql_session *sql, const PgQuery__VariableSetStmt *stmt,
                     struct failure *f)
{
    bool for_session = strcmp(stmt->name, "SESSION CHARACTERISTICS") == 0;
    char number[32], name[64];

    if (!for_session && strcmp(stmt->name, "TRANSACTION") != 0) {
        return verb_unsupported("SET TRANSACTION SNAPSHOT", f);
    }
    if (!for_session && !txn_is_explicit(sql->session)) {
        verb_notice(sql, SEVERITY_WARNING, "25P01",
                    "SET TRANSACTION can only be used in transaction blocks");
    }
    for (size_t i = 0; i < stmt->n_args; i++) {
        const PgQuery__DefElem *mode = stmt->args[i]->def_elem;
        const char *value = verb_const_text(mode->arg, number);
        snprintf(name, sizeof name, "%s%s", for_session ? "default_" : "", mode->defname);
        int r = value == NULL
                    ? 0
                    : settings_set(sql->settings, view_of_str(name), value, SCOPE_SESSION, f);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

static int set_value(struct sql_session *sql, const PgQuery__VariableSetStmt *stmt,
                     struct failure *f)
{
    cleanup(buf_finish) struct buf text = { 0 };
    enum setting_scope scope = stmt->is_local ? SCOPE_LOCAL : SCOPE_SESSION;
    int r = set_value_text(stmt, &text, f);

    if (r != 0) {
        return r;
    }
    if (buf_append_byte(&text, '\0') != 0) {
        return failure_set_nomem(f);
    }
    return settings_set(sql->settings, view_of_str(stmt->name), (const char *)text.data, scope, f);
}

int set_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    const PgQuery__VariableSetStmt *stmt = verb_node(portal)->variable_set_stmt;
    struct sql_session *sql = portal->sql;
    enum setting_scope scope = stmt->is_local ? SCOPE_LOCAL : SCOPE_SESSION;

    (void)sink;
    (void)max_rows;
    if (stmt->is_local && !txn_is_block(sql->session)) {
        verb_notice(sql, SEVERITY_WARNING, "25P01",
                    "SET LOCAL can only be used in transaction blocks");
    }
    switch (stmt->kind) {
    case KIND(SET_VALUE):
        return set_value(sql, stmt, f);
    case KIND(SET_MULTI):
        return set_modes(sql, stmt, f);
    case KIND(SET_CURRENT):
        return settings_show(sql->settings, view_of_str(stmt->name), NULL, NULL, f);
    case KIND(RESET_ALL):
        return settings_reset_all(sql->settings, f);
    default:
        return settings_set(sql->settings, view_of_str(stmt->name), NULL, scope, f);
    }
}

/* ---- SHOW ---- */

static bool is_all(const PgQuery__Node *node)
{
    return strcmp(node->variable_show_stmt->name, "all") == 0;
}

int show_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
              struct failure *f)
{
    static const char *const all[] = { "name", "setting", "description" };
    const char *name = node->variable_show_stmt->name;
    const char *canonical = name;
    bool ok = true;

    if (is_all(node)) {
        for (size_t i = 0; i < ARRAY_LEN(all); i++) {
            ok = ok && plan_add_column(plan, all[i], TYPE_OF(OID_TEXT));
        }
        return ok ? 0 : failure_set_nomem(f);
    }
    int r = settings_show(planner->sql->settings, view_of_str(name), &canonical, NULL, f);
    if (r != 0) {
        return r;
    }
    if (setting_find(view_of_str(name)) == NULL) {
        plan->flags |= PLAN_UNCACHED; /* this session's own */
    }
    return plan_add_column(plan, canonical, TYPE_OF(OID_TEXT)) ? 0 : failure_set_nomem(f);
}

struct show_all {
    struct portal *portal;
    struct row_sink *sink;
    struct failure *failure;
};

static int show_one(void *arg, const char *name, const char *value, const char *about)
{
    struct show_all *s = arg;
    const char *row[] = { name, value, about };

    return verb_row(s->portal, s->sink, row, ARRAY_LEN(row), s->failure);
}

int show_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    const PgQuery__Node *node = verb_node(portal);
    struct show_all s = { portal, sink, f };
    const char *value = NULL;

    (void)max_rows;
    if (is_all(node)) {
        return settings_each(portal->sql->settings, show_one, &s);
    }
    int r = settings_show(portal->sql->settings, view_of_str(node->variable_show_stmt->name), NULL,
                          &value, f);
    return r != 0 ? r : verb_row(portal, sink, &value, 1, f);
}

/* SET CONSTRAINTS: SQLite defers all of them or none. Ends with the transaction by itself. */
int constraints_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                    struct failure *f)
{
    struct sql_session *sql = portal->sql;

    (void)sink;
    (void)max_rows;
    if (!txn_is_block(sql->session)) {
        verb_notice(sql, SEVERITY_WARNING, "25P01",
                    "SET CONSTRAINTS can only be used in transaction blocks");
        return 0;
    }
    int r =
        txn_defer_constraints(sql->session, verb_node(portal)->constraints_set_stmt->deferred, f);
    if (r == FAILED && failure_get(f, FIELD_TABLE) != NULL) {
        violation_explain_rows(sql, failure_get(f, FIELD_TABLE), f);
    }
    return r;
}
