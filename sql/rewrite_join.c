/* sql/rewrite_join.c: joins: ON, USING and NATURAL. A column of both sides is one column from there
 * on, and the side that may be missing has no NOT NULL. */
#include "sql/rewrite_select.h"

#include "sql/grammar.h"

static void forget_not_null(struct relation *from, const struct relation *end)
{
    for (; from != NULL && from != end; from = from->next) {
        for (size_t i = 0; i < from->count; i++) {
            from->columns[i].not_null = false;
        }
    }
}

static struct relation_column *find_among(struct relation *from, const struct relation *end,
                                          const char *name)
{
    for (; from != NULL && from != end; from = from->next) {
        for (size_t i = 0; i < from->count; i++) {
            if (strcmp(from->columns[i].name, name) == 0 && !from->columns[i].merged) {
                return &from->columns[i];
            }
        }
    }
    return NULL;
}

/* Puts a USING column at the front of the merged ones. */
static void note_merged(struct rewriter *r, const char *name, size_t at)
{
    struct query_scope *scope = r->scope;
    const char **merged = arena_alloc(r->arena, (scope->merged_count + 1) * sizeof(*merged));
    size_t count = 0;

    if (merged == NULL) {
        rewrite_fail_nomem(r);
        return;
    }
    for (size_t i = 0; i < scope->merged_count; i++) {
        if (i == at) {
            merged[count++] = name;
        }
        if (strcmp(scope->merged[i], name) != 0) {
            merged[count++] = scope->merged[i];
        }
    }
    if (at >= scope->merged_count) {
        merged[count++] = name;
    }
    scope->merged = merged;
    scope->merged_count = count;
}

static void using_column(struct rewriter *r, const char *name, struct relation *left,
                         struct relation *right, size_t at)
{
    struct relation_column *a = find_among(left, right, name);
    struct relation_column *b = find_among(right, NULL, name);

    if (a == NULL || b == NULL) {
        rewrite_fail(r, -1, "42703",
                     "column \"%s\" specified in USING clause does not exist in %s table", name,
                     a == NULL ? "left" : "right");
        return;
    }
    if (a->sqlite_name != NULL || b->sqlite_name != NULL) {
        rewrite_unsupported(r, -1, "USING of a function that names its neighbours");
        return;
    }
    b->merged = true;
    note_merged(r, name, at);
}

static void join_using(struct rewriter *r, const PgQuery__JoinExpr *join, struct relation *left,
                       struct relation *right)
{
    rewrite_str(r, " USING (");
    for (size_t i = 0; i < join->n_using_clause && !r->failed; i++) {
        const char *name = node_string(join->using_clause[i]);

        rewrite_str(r, i > 0 ? ", " : "");
        rewrite_ident(r, name);
        using_column(r, name, left, right, i);
    }
    rewrite_str(r, ")");
}

static void join_natural(struct rewriter *r, struct relation *left, struct relation *right)
{
    size_t at = 0;

    for (struct relation *l = left; l != right; l = l->next) {
        for (size_t i = 0; i < l->count; i++) {
            if (!l->columns[i].merged && find_among(right, NULL, l->columns[i].name) != NULL) {
                using_column(r, l->columns[i].name, left, right, at++);
            }
        }
    }
}

static const char *join_word(const PgQuery__JoinExpr *join)
{
    switch (join->jointype) {
    case PG_QUERY__JOIN_TYPE__JOIN_LEFT:
        return "LEFT JOIN ";
    case PG_QUERY__JOIN_TYPE__JOIN_RIGHT:
        return "RIGHT JOIN ";
    case PG_QUERY__JOIN_TYPE__JOIN_FULL:
        return "FULL JOIN ";
    default:
        return "JOIN ";
    }
}

/* Does it give rows of its right side for which the left one has none? */
static bool keeps_right(const PgQuery__JoinExpr *join)
{
    return join->jointype == PG_QUERY__JOIN_TYPE__JOIN_RIGHT ||
           join->jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL;
}

void from_join(struct rewriter *r, const PgQuery__Node *node)
{
    const PgQuery__JoinExpr *join = node->join_expr;
    struct relation **left_at = r->scope->tail;
    struct relation **right_at;
    struct relation **lateral = r->scope->lateral;
    bool nested = join->rarg->node_case == PG_QUERY__NODE__NODE_JOIN_EXPR;

    if (join->alias != NULL || join->join_using_alias != NULL) {
        rewrite_unsupported(r, -1, "an alias of a join");
        return;
    }
    from_item(r, join->larg);
    rewrite_str(r, join->is_natural ? " NATURAL " : " ");
    rewrite_str(r, join_word(join));
    right_at = r->scope->tail;
    r->scope->lateral = keeps_right(join) ? right_at : lateral;
    rewrite_str(r, nested ? "(" : "");
    from_item(r, join->rarg);
    rewrite_str(r, nested ? ")" : "");
    r->scope->lateral = lateral;
    if (r->failed) {
        return;
    }
    if (join->jointype != PG_QUERY__JOIN_TYPE__JOIN_INNER &&
        join->jointype != PG_QUERY__JOIN_TYPE__JOIN_RIGHT) {
        forget_not_null(*right_at, NULL);
    }
    if (keeps_right(join)) {
        forget_not_null(*left_at, *right_at);
    }
    if (join->is_natural) {
        join_natural(r, *left_at, *right_at);
    } else if (join->n_using_clause > 0) {
        join_using(r, join, *left_at, *right_at);
    } else if (join->quals != NULL) {
        rewrite_printf(r, " ON %s", expr_condition(r, join->quals, "JOIN/ON").text);
    }
}
