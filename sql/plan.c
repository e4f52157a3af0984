/* sql/plan.c: from one statement's tree to its plan. Nothing here awaits or asks the cache. */
#include "sql/plan.h"

#include "async/task.h"
#include "base/alloc.h"
#include "pool/session.h"
#include "sql/cast.h"
#include "sql/expr.h"
#include "sql/grammar.h"
#include "sql/lexer.h"
#include "sql/params.h"
#include "sql/series_table.h"
#include "sql/session_state.h"
#include "sql/verb.h"

/* ---- life ---- */

struct plan *sql_plan_ref(struct plan *plan)
{
    plan->refs++;
    return plan;
}

void sql_plan_unref(struct plan *plan)
{
    struct arena arena;

    if (plan == NULL || --plan->refs > 0) {
        return;
    }
    if (plan->extra_free != NULL) {
        plan->extra_free(plan->extra);
    }
    sql_plan_unref(plan->base);
    tree_destroy(plan->tree);
    arena = plan->arena;
    arena_finish(&arena);
    mem_free(plan);
}

static struct plan *plan_new(void)
{
    struct plan *plan = mem_zalloc(sizeof(*plan));

    if (plan != NULL) {
        plan->refs = 1;
        plan->tag = "";
    }
    return plan;
}

/* ---- what sql.h tells of a plan ---- */

bool sql_plan_is_empty(const struct plan *plan)
{
    return (plan_whole(plan)->flags & PLAN_EMPTY) != 0;
}

bool sql_plan_allowed_in_failed(const struct plan *plan)
{
    return (plan_whole(plan)->flags & (PLAN_IN_FAILED | PLAN_EMPTY)) != 0;
}

bool sql_plan_is_txn_control(const struct plan *plan)
{
    return (plan_whole(plan)->flags & PLAN_TXN_CONTROL) != 0;
}

bool sql_plan_runs_alone(const struct plan *plan)
{
    return (plan_whole(plan)->flags & PLAN_ALONE) != 0;
}

bool sql_plan_is_binary(const struct plan *plan)
{
    return (plan_whole(plan)->flags & PLAN_BINARY) != 0;
}

struct view sql_plan_text(const struct plan *plan)
{
    return plan_whole(plan)->text;
}

size_t sql_plan_params(const struct plan *plan, const uint32_t **ret_oids)
{
    *ret_oids = plan->param_oids;
    return plan->param_count;
}

int32_t sql_column_typmod(const struct column *column)
{
    return column->shown > 0 && column->typmod < 0 ? type_scale_typmod(column->shown - 1)
                                                   : column->typmod;
}

bool sql_plan_returns_rows(const struct plan *plan)
{
    const struct plan *whole = plan_whole(plan);

    return whole->column_count > 0 || whole->tag_kind == TAG_ROWS;
}

size_t sql_plan_columns(const struct plan *plan, const struct column **ret_columns)
{
    const struct plan *whole = plan_whole(plan);

    *ret_columns = whole->columns;
    return whole->column_count;
}

/* ---- for verbs ---- */

bool plan_set_sql(struct plan *plan, struct view sql)
{
    char *copy = arena_strndup(&plan->arena, sql.data, sql.len);

    if (copy == NULL) {
        return false;
    }
    plan->sql = view_of(copy, params_shorten(copy, sql.len));
    return true;
}

bool plan_add_column(struct plan *plan, const char *name, struct type type)
{
    struct column *columns = arena_alloc(&plan->arena, (plan->column_count + 1) * sizeof(*columns));
    char *copy = arena_strdup(&plan->arena, name);

    if (columns == NULL || copy == NULL) {
        return false;
    }
    if (plan->column_count > 0) {
        memcpy(columns, plan->columns, plan->column_count * sizeof(*columns));
    }
    columns[plan->column_count] =
        (struct column){ .name = copy, .type_oid = type.oid, .typmod = type.typmod };
    plan->columns = columns;
    plan->column_count++;
    return true;
}

bool plan_copy_columns(struct plan *plan, const struct plan *from)
{
    const struct plan *whole = plan_whole(from);
    struct column *columns =
        arena_alloc(&plan->arena, (whole->column_count + 1) * sizeof(*columns));

    if (columns == NULL) {
        return false;
    }
    for (size_t i = 0; i < whole->column_count; i++) {
        columns[i] = whole->columns[i];
        columns[i].name = arena_strdup(&plan->arena, whole->columns[i].name);
        if (columns[i].name == NULL) {
            return false;
        }
    }
    plan->columns = columns;
    plan->column_count = whole->column_count;
    return true;
}

static void free_inner(void *extra)
{
    sql_plan_unref(extra);
}

bool plan_gives_types_of(const struct plan *plan, const struct plan *told)
{
    const struct plan *a = plan_whole(plan), *b = plan_whole(told);
    bool same = a->column_count == b->column_count;

    for (size_t i = 0; same && i < a->column_count; i++) {
        same = a->columns[i].type_oid == b->columns[i].type_oid;
    }
    return same;
}

void plan_take_inner(struct plan *plan, struct plan *inner)
{
    plan->extra = inner;
    plan->extra_free = free_inner;
    plan->flags |= PLAN_UNCACHED;
}

void plan_share_params(struct plan *plan, const struct plan *inner)
{
    plan->param_oids = inner->param_oids;
    plan->param_count = inner->param_count;
}

/* ---- ordinary statements ---- */

static bool columns_of(struct plan *plan, const struct relation *relation)
{
    struct column *columns = arena_alloc(&plan->arena, (relation->count + 1) * sizeof(*columns));

    if (columns == NULL) {
        return false;
    }
    for (size_t i = 0; i < relation->count; i++) {
        const struct relation_column *from = &relation->columns[i];

        columns[i] = (struct column){
            .name = arena_strdup(&plan->arena, from->name),
            .type_oid = from->type.oid == 0 ? OID_TEXT : from->type.oid,
            .typmod = from->type.typmod,
            .table_oid = from->table_oid,
            .attnum = from->attnum,
            .shown = from->type.shown,
        };
        if (columns[i].name == NULL) {
            return false;
        }
    }
    plan->columns = columns;
    plan->column_count = relation->count;
    return true;
}

/* Parameters that nothing typed are text, as PostgreSQL has it. */
static bool params_of(struct plan *plan, const struct rewriter *r)
{
    uint32_t *oids = arena_alloc(&plan->arena, (r->param_count + 1) * sizeof(*oids));

    if (oids == NULL) {
        return false;
    }
    for (size_t i = 0; i < r->param_count; i++) {
        oids[i] =
            r->params[i].oid == OID_UNKNOWN || r->params[i].oid == 0 ? OID_TEXT : r->params[i].oid;
    }
    plan->param_oids = oids;
    plan->param_count = r->param_count;
    return true;
}

static const struct {
    PgQuery__Node__NodeCase node;
    enum plan_tag kind;
    const char *tag;
} tag_rows[] = {
    { PG_QUERY__NODE__NODE_SELECT_STMT, TAG_ROWS, "SELECT" },
    { PG_QUERY__NODE__NODE_INSERT_STMT, TAG_INSERT, "INSERT" },
    { PG_QUERY__NODE__NODE_UPDATE_STMT, TAG_CHANGES, "UPDATE" },
    { PG_QUERY__NODE__NODE_DELETE_STMT, TAG_CHANGES, "DELETE" },
};

static bool is_ordinary(const PgQuery__Node *node, struct plan *plan)
{
    for (size_t i = 0; i < ARRAY_LEN(tag_rows); i++) {
        if (tag_rows[i].node == node->node_case) {
            plan->tag_kind = tag_rows[i].kind;
            plan->tag = tag_rows[i].tag;
            return node->node_case != PG_QUERY__NODE__NODE_SELECT_STMT ||
                   node->select_stmt->into_clause == NULL;
        }
    }
    return false;
}

/* Operators and casts print functions of pond's by name. */
static unsigned functions_of(const struct rewriter *r)
{
    const uint8_t *end = r->out.data + r->out.len;
    unsigned flags = r->uses_functions ? PLAN_FUNCTIONS : 0;

    for (const uint8_t *at = r->out.data; at != NULL && flags != PLAN_FUNCTIONS; at++) {
        at = memmem(at, (size_t)(end - at), "pond_", 5);
        if (at == NULL) {
            break;
        }
        struct view call = view_of(at, (size_t)(end - at));
        if (!series_table_is_own(call)) {
            flags = cast_is_own(call) ? PLAN_CASTS : PLAN_FUNCTIONS;
        }
    }
    return flags;
}

static int rewrite_into(struct rewriter *r, const PgQuery__Node *node, struct plan *plan,
                        struct failure *ret_failure)
{
    struct relation columns = { 0 };

    rewrite_statement(r, node, &columns);
    if (r->failed) {
        return FAILED;
    }
    plan->cursor_flags |= r->cursor_flags;
    plan->tag_kind = r->counts ? TAG_COUNTED : plan->tag_kind;
    plan->flags |= functions_of(r) | (r->alone ? (unsigned)PLAN_ALONE : 0);
    return plan_set_sql(plan, buf_view(&r->out)) && columns_of(plan, &columns) && params_of(plan, r)
               ? 0
               : failure_set_nomem(ret_failure);
}

static void rewriter_finishp(struct rewriter *r)
{
    rewriter_finish(r);
}

static int plan_ordinary(struct planner *planner, size_t literals, const PgQuery__Node *node,
                         struct plan *plan, struct failure *ret_failure)
{
    struct arena arena cleanup(arena_finish) = { 0 };
    struct rewriter r cleanup(rewriter_finishp) = { 0 };

    rewriter_init(&r, planner->sql, &arena, planner->text, ret_failure);
    r.literal_count = literals;
    r.no_params = planner->no_params;
    rewrite_set_params(&r, planner->param_oids, planner->param_count);
    return rewrite_into(&r, node, plan, ret_failure);
}

/* ---- verbs ---- */

static int plan_verb(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
                     struct failure *ret_failure)
{
    const struct verb *verb = verb_find(node->node_case);

    if (verb == NULL) {
        return failure_set(ret_failure, "0A000", "this statement is not supported by pond yet");
    }
    plan->verb = verb;
    plan->tag_kind = TAG_FIXED;
    plan->tag = verb->tag != NULL ? verb->tag : "";
    plan->flags |= verb->plan_flags;
    plan->cursor_flags |= verb->cursor_flags;
    plan->node = node;
    return verb->plan != NULL ? verb->plan(planner, node, plan, ret_failure) : 0;
}

static int plan_into(struct planner *planner, size_t literals, const PgQuery__Node *node,
                     struct plan *plan, struct failure *ret_failure)
{
    return is_ordinary(node, plan) ? plan_ordinary(planner, literals, node, plan, ret_failure)
                                   : plan_verb(planner, node, plan, ret_failure);
}

int plan_node(struct planner *planner, const PgQuery__Node *node, struct plan **ret_plan,
              struct failure *ret_failure)
{
    struct plan *plan cleanup(plan_unrefp) = plan_new();

    if (plan == NULL) {
        return failure_set_nomem(ret_failure);
    }
    if (plan_into(planner, 0, node, plan, ret_failure) != 0) {
        return FAILED;
    }
    *ret_plan = take_ptr(plan);
    return 0;
}

/* ---- whole statements ---- */

bool plan_keep_text(struct plan *plan, const struct planner *planner)
{
    uint32_t *oids = arena_alloc(&plan->arena, (planner->param_count + 1) * sizeof(*oids));
    char *text = arena_strndup(&plan->arena, planner->text.data, planner->text.len);

    if (oids == NULL || text == NULL) {
        return false;
    }
    if (planner->param_count > 0) {
        memcpy(oids, planner->param_oids, planner->param_count * sizeof(*oids));
    }
    plan->text = view_of(text, planner->text.len);
    plan->given_oids = oids;
    plan->given_count = planner->param_count;
    return true;
}

int plan_text(struct planner *planner, size_t literals, struct plan **ret_plan,
              struct failure *ret_failure)
{
    struct plan *plan cleanup(plan_unrefp) = plan_new();
    const PgQuery__Node *node;

    if (plan == NULL || !plan_keep_text(plan, planner)) {
        return failure_set_nomem(ret_failure);
    }
    plan->tree = take_ptr(planner->tree);
    if (plan->tree == NULL && grammar_parse(planner->text, &plan->tree, ret_failure) != 0) {
        return FAILED;
    }
    node = tree_statement(plan->tree);
    if (node == NULL) {
        plan->flags |= PLAN_EMPTY;
    } else if (plan_into(planner, literals, node, plan, ret_failure) != 0) {
        return FAILED;
    }
    if (plan->verb == NULL) {
        tree_destroy(plan->tree);
        plan->tree = NULL;
    }
    *ret_plan = take_ptr(plan);
    return 0;
}
