/* sql/verb_txn.c: BEGIN, COMMIT, ROLLBACK, savepoints.
 * https://www.postgresql.org/docs/15/sql-begin.html */
#include "sql/verb_support.h"
#include "sql/violation.h"

#include "pool/txn.h"
#include "sql/listening.h"
#include "sql/settings.h"

#define KIND(name) PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_##name

static const struct {
    const char *tag;
    unsigned flags;
} kinds[] = {
    [KIND(BEGIN)] = { "BEGIN", 0 },
    [KIND(START)] = { "START TRANSACTION", 0 },
    [KIND(COMMIT)] = { "COMMIT", PLAN_IN_FAILED },
    [KIND(ROLLBACK)] = { "ROLLBACK", PLAN_IN_FAILED },
    [KIND(SAVEPOINT)] = { "SAVEPOINT", 0 },
    [KIND(RELEASE)] = { "RELEASE", 0 },
    [KIND(ROLLBACK_TO)] = { "ROLLBACK", PLAN_IN_FAILED },
};

int txn_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
             struct failure *f)
{
    unsigned kind = node->transaction_stmt->kind;

    (void)planner;
    if (kind >= ARRAY_LEN(kinds) || kinds[kind].tag == NULL) {
        return verb_unsupported("PREPARE TRANSACTION", f);
    }
    plan->tag = kinds[kind].tag;
    plan->flags |= kinds[kind].flags;
    return 0;
}

static void isolation_by_name(const char *name, enum txn_isolation *isolation)
{
    *isolation = strcmp(name, "serializable") == 0      ? TXN_SERIALIZABLE
                 : strcmp(name, "repeatable read") == 0 ? TXN_REPEATABLE_READ
                                                        : TXN_READ_COMMITTED;
}

/* What BEGIN says, over what is there. */
static void apply_modes(const PgQuery__TransactionStmt *stmt, struct txn_modes *modes)
{
    char number[32];

    for (size_t i = 0; i < stmt->n_options; i++) {
        const PgQuery__DefElem *option = stmt->options[i]->def_elem;
        const char *value = verb_const_text(option->arg, number);
        if (value != NULL && strcmp(option->defname, "transaction_isolation") == 0) {
            isolation_by_name(value, &modes->isolation);
        } else if (value != NULL && strcmp(option->defname, "transaction_read_only") == 0) {
            modes->read_only = strcmp(value, "0") != 0;
        }
    }
}

/* In a transaction that has begun, the modes of a BEGIN are a SET TRANSACTION. */
static int begin(struct sql_session *sql, const PgQuery__TransactionStmt *stmt, struct failure *f)
{
    struct txn_modes now = txn_modes(sql->session);
    struct txn_modes modes = txn_default_modes(sql->session);

    apply_modes(stmt, &now);
    if (txn_is_explicit(sql->session)) {
        verb_notice(sql, SEVERITY_WARNING, "25001", "there is already a transaction in progress");
        return txn_set_modes(sql->session, now, f);
    }
    if (txn_set_modes(sql->session, now, f) != 0) {
        return FAILED;
    }
    apply_modes(stmt, &modes);
    return txn_begin(sql->session, modes, f);
}

/* Which row violates a key: after the COMMIT that fails for it, it is gone. */
static void explain_keys(struct sql_session *sql, struct failure *explained)
{
    failure_clear(explained);
    if (txn_keys_are_violated(sql->session) &&
        txn_defer_constraints(sql->session, false, explained) == FAILED &&
        failure_get(explained, FIELD_TABLE) != NULL) {
        violation_explain_rows(sql, failure_get(explained, FIELD_TABLE), explained);
    }
}

static int commit(struct sql_session *sql, bool *ret_rolled_back, struct failure *f)
{
    struct failure explained;

    explain_keys(sql, &explained);
    int r = txn_commit(sql->session, ret_rolled_back, f);
    if (r == FAILED && f != NULL && strcmp(f->sqlstate, explained.sqlstate) == 0) {
        *f = explained;
    }
    return r;
}

/* COMMIT and ROLLBACK. A failed block's COMMIT is a ROLLBACK, in the tag too. */
static int end(struct portal *portal, const PgQuery__TransactionStmt *stmt, struct failure *f)
{
    struct sql_session *sql = portal->sql;
    bool is_commit = stmt->kind == KIND(COMMIT), rolled_back = !is_commit;
    struct txn_modes modes = txn_modes(sql->session);

    if (!txn_is_explicit(sql->session)) {
        if (stmt->chain) {
            return verb_needs_block(is_commit ? "COMMIT AND CHAIN" : "ROLLBACK AND CHAIN", f);
        }
        verb_notice(sql, SEVERITY_WARNING, "25P01", "there is no transaction in progress");
    }
    int r = is_commit ? commit(sql, &rolled_back, f) : txn_rollback(sql->session, f);
    sql_transaction_over(sql, r == 0 && !rolled_back);
    if (r != 0) {
        return r;
    }
    if (rolled_back) {
        portal_set_tag(portal, "ROLLBACK");
    }
    return stmt->chain ? txn_begin(sql->session, modes, f) : 0;
}

static int savepoint(struct sql_session *sql, const PgQuery__TransactionStmt *stmt,
                     struct failure *f)
{
    static const char *const whats[] = {
        [KIND(SAVEPOINT)] = "SAVEPOINT",
        [KIND(RELEASE)] = "RELEASE SAVEPOINT",
        [KIND(ROLLBACK_TO)] = "ROLLBACK TO SAVEPOINT",
    };
    struct view name = view_of_str(stmt->savepoint_name);
    int r = 0;

    if (!txn_is_explicit(sql->session)) {
        return verb_needs_block(whats[stmt->kind], f);
    }
    switch (stmt->kind) {
    case KIND(SAVEPOINT):
        r = txn_savepoint(sql->session, name, f);
        return r != 0 ? r : settings_savepoint(sql->settings, name, f);
    case KIND(RELEASE):
        r = txn_release(sql->session, name, f);
        if (r == 0) {
            portals_release(sql, txn_savepoints(sql->session));
            settings_release(sql->settings, name);
            listening_release(sql, txn_savepoints(sql->session));
        }
        return r;
    default:
        r = txn_rollback_to(sql->session, name, f);
        if (r == 0) {
            portals_rollback_to(sql, txn_savepoints(sql->session) - 1);
            settings_rollback_to(sql->settings, name);
            listening_rollback_to(sql, txn_savepoints(sql->session) - 1);
            if (sql->schema_changes != sql->txn_schema_changes) {
                sql_schema_changed(sql);
            }
        }
        return r;
    }
}

int txn_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    const PgQuery__TransactionStmt *stmt = verb_node(portal)->transaction_stmt;

    (void)sink;
    (void)max_rows;
    portal_set_tag(portal, "%s", kinds[stmt->kind].tag);
    switch (stmt->kind) {
    case KIND(BEGIN):
    case KIND(START):
        return begin(portal->sql, stmt, f);
    case KIND(COMMIT):
    case KIND(ROLLBACK):
        return end(portal, stmt, f);
    default:
        return savepoint(portal->sql, stmt, f);
    }
}
