/* sql/rewrite_group.c: GROUP BY, and PostgreSQL's rule for it, which SQLite does not have: outside
 * of aggregates a column must be grouped by, be part of an expression that is, or depend on a
 * primary key that is. */
#include "sql/rewrite_select.h"

#include "sql/grammar.h"

/* ---- the clause ---- */

static bool is_input_column(const struct rewriter *r, const PgQuery__Node *node)
{
    if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF || node->column_ref->n_fields != 1) {
        return false;
    }
    for (const struct relation *at = r->scope->relations; at != NULL; at = at->next) {
        if (relation_find(at, node_string(node->column_ref->fields[0])) != NULL) {
            return true;
        }
    }
    return false;
}

void group_by(struct rewriter *r, const PgQuery__SelectStmt *s, const struct relation *output)
{
    for (size_t i = 0; i < s->n_group_clause && !r->failed; i++) {
        const PgQuery__Node *node = s->group_clause[i];
        size_t position =
            is_input_column(r, node) ? 0 : select_output_position(r, node, output, "GROUP BY");

        rewrite_str(r, i == 0 ? " GROUP BY " : ", ");
        if (position > 0) {
            rewrite_printf(r, "%zu", position);
        } else {
            rewrite_str(r, expr_typed(r, node, TYPE_NONE).text);
        }
    }
}

/* The node that a GROUP BY item means: itself, or the target whose position or name it is. */
static const PgQuery__Node *group_node(struct rewriter *r, const PgQuery__SelectStmt *s,
                                       const PgQuery__Node *node)
{
    if (node->node_case == PG_QUERY__NODE__NODE_A_CONST &&
        node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL) {
        int32_t position = node->a_const->ival->ival;

        return position >= 1 && (size_t)position <= s->n_target_list
                   ? s->target_list[position - 1]->res_target->val
                   : NULL;
    }
    if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF || node->column_ref->n_fields != 1 ||
        is_input_column(r, node)) {
        return node;
    }
    for (size_t i = 0; i < s->n_target_list; i++) {
        const PgQuery__ResTarget *target = s->target_list[i]->res_target;

        if (target->name != NULL &&
            strcmp(target->name, node_string(node->column_ref->fields[0])) == 0) {
            return target->val;
        }
    }
    return node;
}

void group_collect(struct rewriter *r, const PgQuery__SelectStmt *s, struct group_list *ret_groups)
{
    const char **texts = arena_alloc(r->arena, (s->n_group_clause + 1) * sizeof(*texts));

    if (!target_list_fits(r, s->n_group_clause) || !target_list_fits(r, s->n_distinct_clause)) {
        return;
    }
    if (texts == NULL) {
        rewrite_fail_nomem(r);
        return;
    }
    for (size_t i = 0; i < s->n_group_clause && !r->failed; i++) {
        const PgQuery__Node *node = group_node(r, s, s->group_clause[i]);

        if (s->group_clause[i]->node_case == PG_QUERY__NODE__NODE_GROUPING_SET) {
            rewrite_unsupported(r, s->group_clause[i]->grouping_set->location, "GROUPING SETS");
        }
        texts[i] = node == NULL || select_is_star(node) ? "" : expr_typed(r, node, TYPE_NONE).text;
    }
    *ret_groups = (struct group_list){ texts, s->n_group_clause };
}

/* ---- the rule ---- */

void group_settle(struct rewriter *r, const struct expr *e, const struct ungrouped *before)
{
    const struct group_list *groups = r->groups;

    if (groups == NULL || r->failed || r->scope == NULL || r->scope->ungrouped == before) {
        return;
    }
    for (size_t i = 0; i < groups->count; i++) {
        if (strcmp(groups->texts[i], e->text) == 0) {
            r->scope->ungrouped = before;
            return;
        }
    }
}

static bool is_grouped_text(struct rewriter *r, const struct group_list *groups,
                            const struct relation *relation, const struct relation_column *column)
{
    const char *bare =
        rewrite_ident_text(r, column->sqlite_name != NULL ? column->sqlite_name : column->name);
    const char *full = relation->name == NULL
                           ? bare
                           : rewrite_text(r, "%s.%s", rewrite_ident_text(r, relation->name), bare);

    for (size_t i = 0; i < groups->count; i++) {
        if (strcmp(groups->texts[i], bare) == 0 || strcmp(groups->texts[i], full) == 0) {
            return true;
        }
    }
    return false;
}

/* Are all columns of the relation's primary key grouped by? */
static bool key_is_grouped(struct rewriter *r, const struct group_list *groups,
                           const struct relation *relation)
{
    size_t keys = 0;

    for (size_t i = 0; i < relation->count; i++) {
        if (relation->columns[i].primary) {
            keys++;
            if (!is_grouped_text(r, groups, relation, &relation->columns[i])) {
                return false;
            }
        }
    }
    return keys > 0;
}

void group_check(struct rewriter *r, const struct group_list *groups)
{
    const struct ungrouped *wrong = NULL;

    for (const struct ungrouped *at = r->scope->ungrouped; at != NULL && !r->failed;
         at = at->next) {
        if (!is_grouped_text(r, groups, at->relation, at->column) &&
            !key_is_grouped(r, groups, at->relation)) {
            wrong = at; /* the first one is last in the list */
        }
    }
    if (wrong != NULL) {
        rewrite_fail(r, wrong->location, "42803",
                     "column \"%s%s%s\" must appear in the GROUP BY clause or be used in an "
                     "aggregate function",
                     wrong->relation->name != NULL ? wrong->relation->name : "",
                     wrong->relation->name != NULL ? "." : "", wrong->column->name);
    }
}
