/* sql/verb_cursor.c: DECLARE, FETCH, MOVE and CLOSE. A cursor is a portal that SQL has made: it has
 * its name among those of Bind, and either may be used by the other's means.
 * https://www.postgresql.org/docs/15/sql-declare.html */
#include "sql/verb_support.h"

#include "pool/names.h"
#include "pool/session.h"
#include "pool/txn.h"
#include "sql/backward.h"

#include <errno.h>

/* ---- DECLARE ---- */

/* The grammar's bits (CURSOR_OPT_... of nodes/parsenodes.h). */
enum {
    OPTION_BINARY = 1 << 0,
    OPTION_SCROLL = 1 << 1,
    OPTION_NO_SCROLL = 1 << 2,
    OPTION_INSENSITIVE = 1 << 3,
    OPTION_ASENSITIVE = 1 << 4,
    OPTION_HOLD = 1 << 5,
};

static int check_options(unsigned options, struct failure *f)
{
    if ((options & OPTION_SCROLL) != 0 && (options & OPTION_NO_SCROLL) != 0) {
        return failure_set(f, "42P11", "cannot specify both SCROLL and NO SCROLL");
    }
    if ((options & OPTION_INSENSITIVE) != 0 && (options & OPTION_ASENSITIVE) != 0) {
        return failure_set(f, "42P11", "cannot specify both INSENSITIVE and ASENSITIVE");
    }
    return 0;
}

/* FOR UPDATE is for cursors that live in their transaction and see it. */
static int check_locking(const PgQuery__SelectStmt *select, unsigned options, struct failure *f)
{
    static const struct {
        unsigned option;
        const char *sqlstate;
        const char *message;
        const char *detail;
    } rows[] = {
        { OPTION_HOLD, "0A000", "DECLARE CURSOR WITH HOLD ... %s is not supported",
          "Holdable cursors must be READ ONLY." },
        { OPTION_SCROLL, "0A000", "DECLARE SCROLL CURSOR ... %s is not supported",
          "Scrollable cursors must be READ ONLY." },
        { OPTION_INSENSITIVE, "42P11", "DECLARE INSENSITIVE CURSOR ... %s is not valid",
          "Insensitive cursors must be READ ONLY." },
    };
    bool share =
        select->n_locking_clause > 0 && select->locking_clause[0]->locking_clause->strength ==
                                            PG_QUERY__LOCK_CLAUSE_STRENGTH__LCS_FORSHARE;

    for (size_t i = 0; i < ARRAY_LEN(rows) && select->n_locking_clause > 0; i++) {
        if ((options & rows[i].option) != 0) {
            failure_set(f, rows[i].sqlstate, rows[i].message, share ? "FOR SHARE" : "FOR UPDATE");
            failure_add(f, FIELD_DETAIL, "%s", rows[i].detail);
            return FAILED;
        }
    }
    return 0;
}

int declare_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
                 struct failure *f)
{
    const PgQuery__DeclareCursorStmt *stmt = node->declare_cursor_stmt;
    unsigned options = (unsigned)stmt->options;
    struct plan *inner = NULL;

    if (check_options(options, f) != 0 || plan_node(planner, stmt->query, &inner, f) != 0) {
        return FAILED;
    }
    plan_take_inner(plan, inner);
    plan_share_params(plan, inner);
    if (inner->verb != NULL || stmt->query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
        return failure_set(f, "42601", "DECLARE CURSOR needs a SELECT or VALUES");
    }
    if (inner->cursor_flags == 0 && backward_allowed(planner->sql, stmt->query->select_stmt)) {
        plan->flags |= PLAN_BACKWARD;
    }
    return check_locking(stmt->query->select_stmt, options, f);
}

static int check_declare(struct portal *portal, const PgQuery__DeclareCursorStmt *stmt,
                         struct failure *f)
{
    bool hold = ((unsigned)stmt->options & OPTION_HOLD) != 0;

    if (stmt->portalname[0] == '\0') {
        return failure_set(f, "34000", "invalid cursor name: must not be empty");
    }
    return hold || txn_is_block(portal->sql->session) ? 0 : verb_needs_block("DECLARE CURSOR", f);
}

/* The snapshot is taken now, not at the first FETCH. */
static int start_cursor(struct portal *made, struct portal *by, unsigned options, struct failure *f)
{
    struct sql_session *sql = made->sql;

    made->declared_by = sql_plan_ref(by->plan);
    made->rewinds = (options & (OPTION_SCROLL | OPTION_NO_SCROLL)) == 0 &&
                    (plan_whole(by->plan)->flags & PLAN_BACKWARD) != 0;
    made->scrolls = made->rewinds || (options & OPTION_SCROLL) != 0;
    made->binary = (options & OPTION_BINARY) != 0;
    made->made_us = sql->ops->wall_us(sql->host);
    if (portal_open(made, f) != 0) {
        return FAILED;
    }
    made->holdable = (options & OPTION_HOLD) != 0;
    return made->holdable ? cursor_hold(made->cursor, f) : 0;
}

int declare_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    const PgQuery__DeclareCursorStmt *stmt = verb_node(portal)->declare_cursor_stmt;
    struct view name = view_of_str(stmt->portalname);
    struct portal *made = NULL;

    (void)sink;
    (void)max_rows;
    int r = check_declare(portal, stmt, f);
    if (r == 0) {
        r = sql_bind(portal->sql, name, plan_whole(portal->plan)->extra, portal->params,
                     portal->param_count, &made, f);
    }
    if (r != 0) {
        return r;
    }
    r = start_cursor(made, portal, (unsigned)stmt->options, f);
    if (r != 0) {
        (void)names_remove(portal->sql->portals, name);
    }
    return r;
}

/* ---- FETCH, MOVE ---- */

int fetch_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
               struct failure *f)
{
    const PgQuery__FetchStmt *stmt = node->fetch_stmt;
    const struct portal *from = portal_find(planner->sql, view_of_str(stmt->portalname));

    plan->tag = stmt->ismove ? "MOVE" : "FETCH";
    if (stmt->ismove || from == NULL) {
        return 0; /* it may be there when the statement runs */
    }
    plan->flags |= from->binary ? PLAN_BINARY : 0;
    return plan_copy_columns(plan, from->plan) ? 0 : failure_set_nomem(f);
}

static int find_target(struct portal *portal, const PgQuery__FetchStmt *stmt,
                       struct portal **ret_target, struct failure *f)
{
    struct portal *target = portal_find(portal->sql, view_of_str(stmt->portalname));

    if (target == NULL) {
        return failure_set(f, "34000", "cursor \"%s\" does not exist", stmt->portalname);
    }
    if (!stmt->ismove && target != portal && !plan_gives_types_of(portal->plan, target->plan)) {
        return cursor_fail_stale(f);
    }
    *ret_target = target;
    return 0;
}

static enum fetch_direction direction_of(const PgQuery__FetchStmt *stmt)
{
    switch (stmt->direction) {
    case PG_QUERY__FETCH_DIRECTION__FETCH_BACKWARD:
        return FETCH_BACKWARD;
    case PG_QUERY__FETCH_DIRECTION__FETCH_ABSOLUTE:
        return FETCH_ABSOLUTE;
    case PG_QUERY__FETCH_DIRECTION__FETCH_RELATIVE:
        return FETCH_RELATIVE;
    default:
        return FETCH_FORWARD;
    }
}

static int run_fetch(struct portal *portal, struct row_sink *sink, int64_t *ret_rows,
                     struct failure *f)
{
    const PgQuery__FetchStmt *stmt = verb_node(portal)->fetch_stmt;
    struct fetch fetch = {
        .direction = direction_of(stmt),
        .count = stmt->how_many,
        .sink = stmt->ismove ? NULL : sink,
    };
    struct portal *target = NULL;
    int r = find_target(portal, stmt, &target, f);

    return r != 0 ? r : portal_fetch(target, &fetch, ret_rows, f);
}

int fetch_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    bool is_move = verb_node(portal)->fetch_stmt->ismove;
    int64_t rows = 0;
    int r = run_fetch(portal, sink, &rows, f);

    (void)max_rows;
    if (r == 0) {
        portal_set_tag(portal, is_move ? "MOVE %lld" : "FETCH %lld", (long long)rows);
    }
    return r;
}

/* ---- CLOSE ---- */

int close_plan(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
               struct failure *f)
{
    (void)planner;
    (void)f;
    plan->tag =
        node->close_portal_stmt->portalname[0] == '\0' ? "CLOSE CURSOR ALL" : "CLOSE CURSOR";
    return 0;
}

int close_run(struct portal *portal, struct row_sink *sink, int64_t max_rows, struct failure *f)
{
    const char *name = verb_node(portal)->close_portal_stmt->portalname;
    const struct portal *target = portal_find(portal->sql, view_of_str(name));

    (void)sink;
    (void)max_rows;
    if (name[0] == '\0') {
        return verb_close_other_portals(portal, f);
    }
    if (target == NULL) {
        return failure_set(f, "34000", "cursor \"%s\" does not exist", name);
    }
    if (target == portal) {
        return failure_set(f, "24000", "cannot drop active portal \"%s\"", name);
    }
    (void)names_remove(portal->sql->portals, view_of_str(name));
    return 0;
}
