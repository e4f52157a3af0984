/* sql/backward.c: which plans PostgreSQL can run backward (its ExecSupportsBackwardScan()), as far
 * as the tree tells.
 *
 * A query of one table, function or VALUES list is a scan, perhaps with a sort and a limit. Where
 * the planner might choose otherwise the answer is no: a sort over a join would do, but an index in
 * its place would not. */
#include "sql/backward.h"

#include "pool/session.h"
#include "sql/functions.h"
#include "sql/session_state.h"
#include "sql/tree_walk.h"

#include <sqlite3.h>

enum { depth_most = 100 };

struct with_list {
    const PgQuery__WithClause *with;
    const struct with_list *outer;
};

struct look {
    struct sql_session *sql;
    const struct with_list *withs;
    unsigned depth;
};

static bool goes_back(struct look *look, const PgQuery__SelectStmt *select);

/* ---- expressions ---- */

static bool is_aggregate(const PgQuery__FuncCall *call)
{
    return call->over != NULL || call->agg_star ||
           (call->n_funcname > 0 &&
            function_is_aggregate(node_string(call->funcname[call->n_funcname - 1])));
}

/* Clears *arg at what makes another plan of it: an aggregate, or a subquery that is joined. Inside
 * of a subquery is no concern of this plan. */
static bool visit(void *arg, const ProtobufCMessage *message)
{
    bool *simple = arg;
    const PgQuery__FuncCall *call = tree_as_func_call(message);
    const PgQuery__SubLink *sub = tree_as_sub_link(message);

    if (call != NULL && is_aggregate(call)) {
        *simple = false;
    }
    if (sub != NULL && (sub->sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK ||
                        sub->sub_link_type == PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK)) {
        *simple = false;
    }
    return sub == NULL && *simple;
}

static bool is_simple(const PgQuery__Node *node)
{
    bool simple = true;

    tree_walk(node == NULL ? NULL : &node->base, visit, &simple);
    return simple;
}

static bool all_simple(PgQuery__Node *const *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_simple(nodes[i])) {
            return false;
        }
    }
    return true;
}

/* WHERE false is no scan. */
static bool is_false(const PgQuery__Node *node)
{
    return node != NULL && node->node_case == PG_QUERY__NODE__NODE_A_CONST &&
           node->a_const->val_case == PG_QUERY__A__CONST__VAL_BOOLVAL &&
           !node->a_const->boolval->boolval;
}

/* ---- FROM ---- */

static const PgQuery__CommonTableExpr *find_cte(const struct look *look, const char *name,
                                                const struct with_list **ret_list)
{
    for (const struct with_list *list = look->withs; list != NULL; list = list->outer) {
        for (size_t i = 0; i < list->with->n_ctes; i++) {
            const PgQuery__CommonTableExpr *cte = list->with->ctes[i]->common_table_expr;

            if (strcmp(cte->ctename, name) == 0) {
                *ret_list = list;
                return cte;
            }
        }
    }
    return NULL;
}

/* One that recurs or is MATERIALIZED is scanned; another is put in the place of its name. */
static bool cte_goes_back(struct look *look, const PgQuery__CommonTableExpr *cte,
                          const struct with_list *list)
{
    const struct with_list *withs = look->withs;

    if (cte->ctequery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
        return false;
    }
    if (cte->ctematerialized == PG_QUERY__CTEMATERIALIZE__CTEMaterializeAlways ||
        (list->with->recursive &&
         cte->ctequery->select_stmt->op != PG_QUERY__SET_OPERATION__SETOP_NONE)) {
        return true;
    }
    look->withs = list->outer;
    bool back = goes_back(look, cte->ctequery->select_stmt);
    look->withs = withs;
    return back;
}

/* What a view is made of is not looked at. Without memory it is taken for one. */
static bool is_view(struct look *look, const char *name)
{
    static const char question[] =
        "SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE nocase AND type = 'view' UNION ALL "
        "SELECT 1 FROM sqlite_temp_schema WHERE name = ?1 COLLATE nocase AND type = 'view'";
    struct session *session = look->sql->session;
    sqlite3_stmt *stmt = NULL;
    struct failure failure;

    if (session_prepare(session, view_of_str(question), &stmt, &failure) != 0) {
        return true;
    }
    struct account *before = account_swap(session_account(session));
    int rc = sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
    rc = rc == SQLITE_OK ? sqlite3_step(stmt) : rc;
    (void)account_swap(before);
    session_release(session, stmt);
    return rc != SQLITE_DONE;
}

static bool table_goes_back(struct look *look, const PgQuery__RangeVar *table)
{
    const struct with_list *list = NULL;
    const PgQuery__CommonTableExpr *cte =
        table->schemaname[0] == '\0' ? find_cte(look, table->relname, &list) : NULL;

    return cte != NULL ? cte_goes_back(look, cte, list) : !is_view(look, table->relname);
}

static bool item_goes_back(struct look *look, const PgQuery__Node *item)
{
    switch (item->node_case) {
    case PG_QUERY__NODE__NODE_RANGE_VAR:
        return table_goes_back(look, item->range_var);
    case PG_QUERY__NODE__NODE_RANGE_FUNCTION:
        return true;
    case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
        return item->range_subselect->subquery->node_case == PG_QUERY__NODE__NODE_SELECT_STMT &&
               goes_back(look, item->range_subselect->subquery->select_stmt);
    default:
        return false; /* joins, samples */
    }
}

/* ---- a query ---- */

static bool scan_goes_back(struct look *look, const PgQuery__SelectStmt *s)
{
    if (s->n_group_clause > 0 || s->n_distinct_clause > 0 || s->having_clause != NULL ||
        s->n_window_clause > 0) {
        return false;
    }
    if (s->n_values_lists > 0) {
        return s->n_values_lists > 1;
    }
    return s->n_from_clause == 1 && !is_false(s->where_clause) && is_simple(s->where_clause) &&
           all_simple(s->target_list, s->n_target_list) &&
           all_simple(s->sort_clause, s->n_sort_clause) && item_goes_back(look, s->from_clause[0]);
}

static bool body_goes_back(struct look *look, const PgQuery__SelectStmt *s)
{
    if (s->op == PG_QUERY__SET_OPERATION__SETOP_NONE) {
        return scan_goes_back(look, s);
    }
    return s->op == PG_QUERY__SET_OPERATION__SETOP_UNION && s->all && s->n_sort_clause == 0 &&
           goes_back(look, s->larg) && goes_back(look, s->rarg);
}

static bool goes_back(struct look *look, const PgQuery__SelectStmt *select)
{
    struct with_list list = { .with = select->with_clause, .outer = look->withs };
    bool back = false;

    if (select->n_locking_clause > 0 || look->depth >= depth_most) {
        return false;
    }
    look->depth++;
    look->withs = select->with_clause != NULL ? &list : list.outer;
    back = body_goes_back(look, select);
    look->withs = list.outer;
    look->depth--;
    return back;
}

bool backward_allowed(struct sql_session *sql, const PgQuery__SelectStmt *select)
{
    struct look look = { .sql = sql };

    return goes_back(&look, select);
}
