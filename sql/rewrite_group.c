/* sql/rewrite_group.c: PostgreSQL's rule for GROUP BY, which SQLite does not have: outside of
 * aggregates a column must be grouped by, be part of an expression that is, or depend on a primary
 * key that is. */
#include "sql/expr.h"

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
