/* sql/rewrite_select.c: SELECT, from WITH to LIMIT, with DISTINCT and DISTINCT ON. FROM is looked
 * at first, printed second. rewrite_set.c has set operations and VALUES, and each clause is in a
 * file of its own. */
#include "sql/rewrite_select.h"

#include "pool/session.h"
#include "sql/grammar.h"

static const struct select_wish no_wish;

bool select_is_bare(const PgQuery__SelectStmt *s)
{
    return s->n_sort_clause == 0 && s->limit_count == NULL && s->limit_offset == NULL &&
           s->with_clause == NULL;
}

/* ---- one SELECT ---- */

static const char *captured_from(struct rewriter *r, const PgQuery__SelectStmt *s)
{
    struct buf saved = capture_begin(r);

    from_items(r, s->from_clause, s->n_from_clause);
    return capture_end(r, &saved);
}

static void print_windows(struct rewriter *r, const PgQuery__SelectStmt *s)
{
    for (size_t i = 0; i < s->n_window_clause && !r->failed; i++) {
        const PgQuery__WindowDef *w = s->window_clause[i]->window_def;

        rewrite_printf(r, "%s%s AS %s", i == 0 ? " WINDOW " : ", ", rewrite_ident_text(r, w->name),
                       window_text(r, w));
    }
}

/* WHERE and what follows up to HAVING; WHERE's columns need no GROUP BY. */
static void print_where_and_groups(struct rewriter *r, const PgQuery__SelectStmt *s,
                                   struct relation *columns)
{
    const struct ungrouped *before = r->scope->ungrouped;

    if (s->where_clause != NULL) {
        bool aggregates = r->scope->aggregates;

        r->scope->aggregates = false;
        rewrite_printf(r, " WHERE %s", expr_condition(r, s->where_clause, "WHERE").text);
        if (r->scope->aggregates) {
            rewrite_fail(r, r->scope->aggregate_location, "42803",
                         "aggregate functions are not allowed in WHERE");
        }
        r->scope->aggregates = aggregates;
    }
    group_by(r, s, columns);
    r->scope->ungrouped = before;
    if (s->having_clause != NULL) {
        rewrite_printf(r, " HAVING %s", expr_condition(r, s->having_clause, "HAVING").text);
    }
    print_windows(r, s);
}

static bool is_distinct_on(const PgQuery__SelectStmt *s)
{
    return s->n_distinct_clause > 0 &&
           s->distinct_clause[0]->node_case != PG_QUERY__NODE__NODE__NOT_SET;
}

/* SELECT DISTINCT name ... ORDER BY id: which of its rows' ids? 42P10. */
static void distinct_order(struct rewriter *r, const PgQuery__SelectStmt *s,
                           const struct relation *columns)
{
    for (size_t i = 0; i < s->n_sort_clause && !r->failed; i++) {
        const PgQuery__Node *node = s->sort_clause[i]->sort_by->node;
        bool found = select_output_position(r, node, columns, "ORDER BY") > 0;
        struct expr e = found ? (struct expr){ .text = "" } : expr_of(r, node);

        for (size_t c = 0; c < columns->count; c++) {
            found = found || (columns->columns[c].table_oid == e.table_oid &&
                              columns->columns[c].attnum == e.attnum);
        }
        if (!found && e.table_oid != 0) {
            rewrite_fail(r, node_location(node), "42P10",
                         "for SELECT DISTINCT, ORDER BY expressions must appear in select list");
        }
    }
}

static void print_plain(struct rewriter *r, const PgQuery__SelectStmt *s,
                        const struct select_wish *wish, struct relation *columns, const char *from)
{
    rewrite_str(r, s->n_distinct_clause > 0 ? "SELECT DISTINCT " : "SELECT ");
    select_targets(r, s->target_list, s->n_target_list, wish, columns);
    rewrite_str(r, s->n_target_list == 0 ? "NULL" : "");
    if (s->n_from_clause > 0) {
        rewrite_printf(r, " FROM %s", from);
    }
    print_where_and_groups(r, s, columns);
    if (s->n_distinct_clause > 0) {
        distinct_order(r, s, columns);
    }
    select_order(r, s->sort_clause, s->n_sort_clause, columns);
}

/* The first row of each group by row_number(), in a subquery; its order comes out by a second one.
 */
static void print_distinct_on(struct rewriter *r, const PgQuery__SelectStmt *s,
                              const struct select_wish *wish, struct relation *columns,
                              const char *from)
{
    struct buf saved = capture_begin(r);
    const char *order;

    select_targets(r, s->target_list, s->n_target_list, wish, columns); /* for its texts */
    (void)capture_end(r, &saved);
    saved = capture_begin(r);
    r->order_texts = true;
    select_order(r, s->sort_clause, s->n_sort_clause, columns);
    r->order_texts = false;
    order = capture_end(r, &saved);
    for (size_t i = 0; i < columns->count && !r->failed; i++) {
        rewrite_printf(r, "%s\"%zu\" AS %s", i == 0 ? "SELECT " : ", ", i + 1,
                       rewrite_ident_text(r, columns->columns[i].name));
    }
    for (size_t i = 0; i < columns->count && !r->failed; i++) {
        rewrite_printf(r, "%s%s AS \"%zu\"", i == 0 ? " FROM (SELECT " : ", ",
                       columns->columns[i].text, i + 1);
    }
    rewrite_str(r, ", row_number() OVER (PARTITION BY ");
    for (size_t i = 0; i < s->n_distinct_clause && !r->failed; i++) {
        size_t position =
            select_output_position(r, s->distinct_clause[i], columns, "SELECT DISTINCT ON");

        rewrite_str(r, i > 0 ? ", " : "");
        rewrite_str(r, position > 0 && !r->failed
                           ? columns->columns[position - 1].text
                           : expr_typed(r, s->distinct_clause[i], TYPE_NONE).text);
    }
    rewrite_printf(r, "%s) AS \"first\", row_number() OVER (%s) AS \"order\"", order, order);
    if (s->n_from_clause > 0) {
        rewrite_printf(r, " FROM %s", from);
    }
    print_where_and_groups(r, s, columns);
    rewrite_str(r, ") WHERE \"first\" = 1 ORDER BY \"order\"");
}

/* One SELECT with its ORDER BY. */
static void print_select(struct rewriter *r, const PgQuery__SelectStmt *s,
                         const struct select_wish *wish, struct relation *columns)
{
    const char *from = captured_from(r, s);
    struct group_list groups = { 0 };

    if (s->into_clause != NULL) {
        rewrite_unsupported(r, -1, "SELECT INTO");
    }
    group_collect(r, s, &groups);
    r->scope->ungrouped = NULL;
    r->groups = groups.count > 0 ? &groups : NULL;
    if (is_distinct_on(s)) {
        print_distinct_on(r, s, wish, columns, from);
    } else {
        print_plain(r, s, wish, columns, from);
    }
    if (groups.count > 0 || r->scope->aggregates || s->having_clause != NULL) {
        group_check(r, &groups);
    }
    r->groups = NULL;
}

/* ---- the whole query ---- */

static void print_body(struct rewriter *r, const PgQuery__SelectStmt *s,
                       const struct select_wish *wish, struct relation *columns)
{
    if (s->op != PG_QUERY__SET_OPERATION__SETOP_NONE && wish->type_count > 0) {
        select_set_cast(r, s, wish, columns);
        return;
    }
    if (s->op != PG_QUERY__SET_OPERATION__SETOP_NONE) {
        select_set(r, s, wish, columns);
    } else if (s->n_values_lists > 0) {
        select_values(r, s, wish, columns);
    } else {
        print_select(r, s, wish, columns);
        select_limits(r, s);
        return;
    }
    select_order(r, s->sort_clause, s->n_sort_clause, columns);
    select_limits(r, s);
}

const char *select_text(struct rewriter *r, const PgQuery__SelectStmt *s,
                        const struct select_wish *wish, struct relation *ret_relation)
{
    struct query_scope scope = { 0 };
    struct cte *ctes = r->ctes;
    const struct group_list *groups = r->groups;
    struct buf saved = capture_begin(r);

    r->groups = NULL;
    scope_push(r, &scope);
    if (r->depth++ > 1000) {
        rewrite_fail(r, -1, "54001", "stack depth limit exceeded");
    }
    select_with(r, s->with_clause);
    print_body(r, s, wish != NULL ? wish : &no_wish, ret_relation);
    if (s->n_locking_clause > 0) {
        r->cursor_flags |= CURSOR_LOCKS;
    }
    r->depth--;
    scope_pop(r);
    r->ctes = ctes;
    r->groups = groups;
    return capture_end(r, &saved);
}
