/* sql/rewrite_select.c: SELECT, VALUES and set operations. FROM is looked at first, printed second.
 */
#include "sql/rewrite_select.h"

#include "pool/guard.h"
#include "pool/session.h"
#include "sql/grammar.h"

#include <stdlib.h>

static const struct select_wish no_wish;

bool select_is_bare(const PgQuery__SelectStmt *s)
{
    return s->n_sort_clause == 0 && s->limit_count == NULL && s->limit_offset == NULL &&
           s->with_clause == NULL;
}

/* ---- targets ---- */

struct expr expr_not_null(struct rewriter *r, struct expr e, const char *table,
                          const struct relation_column *rowid)
{
    bool digits = e.text[0] != '\0' && e.text[strspn(e.text, "0123456789")] == '\0';
    bool literal = e.text[0] == '?' && (size_t)atoll(e.text + 1) <= r->literal_count;

    if (e.not_null || digits || literal || strcmp(e.text, scope_next_rowid) == 0 ||
        strncmp(e.text, "pond_not_null(", 14) == 0) {
        return e;
    }
    return expr_make(r, e.type, PREC_PRIMARY, "%s", scope_not_null(r, table, rowid, e.text));
}

/* The expression as the wish wants it at its place. */
struct expr select_wished(struct rewriter *r, struct expr e, const struct target_state *state,
                          int32_t location)
{
    size_t at = state->output->count;
    const struct select_wish *wish = state->wish;

    if (at >= wish->type_count) {
        return wish->keep_untyped ? e : expr_resolve(r, e, TYPE_NONE);
    }
    if (wish->columns == NULL) {
        return expr_cast(r, e, wish->types[at], CAST_IMPLICIT, location);
    }
    e = expr_assign(r, e, wish->types[at], wish->columns[at], location);
    return wish->rowids == NULL || wish->rowids[at] == NULL
               ? e
               : expr_not_null(r, expr_checked(r, e), wish->table, wish->rowids[at]);
}

void select_add_target(struct rewriter *r, struct expr e, const char *label, int32_t location,
                       struct target_state *state)
{
    size_t at = state->output->count;
    const char *name = at < state->wish->name_count ? state->wish->names[at] : label;
    struct relation_column *column;

    e = expr_checked(r, select_wished(r, e, state, location));
    column = relation_add(r, state->output, name, e.type);
    if (column == NULL) {
        return;
    }
    column->table_oid = e.table_oid;
    column->attnum = e.attnum;
    column->not_null = e.not_null;
    column->text = e.text;
    if (e.untyped != NULL && e.untyped->node_case == PG_QUERY__NODE__NODE_A_CONST) {
        e.text = "NULL";
    }
    rewrite_printf(r, "%s%s AS %s", at > 0 ? ", " : "", e.text, rewrite_ident_text(r, name));
}

static void add_star_column(struct rewriter *r, const struct relation *relation,
                            const struct relation_column *column, void *arg)
{
    struct expr e = { .type = column->type, .prec = PREC_PRIMARY, .table_oid = column->table_oid };
    const char *name = column->sqlite_name != NULL ? column->sqlite_name : column->name;
    bool bare = relation == NULL || relation->name == NULL || r->scope->unqualified ||
                r->scope->relations->next == NULL;

    e.attnum = column->attnum;
    e.not_null = column->not_null;
    e.text = bare ? rewrite_ident_text(r, name)
                  : rewrite_text(r, "%s.%s", rewrite_ident_text(r, relation->name),
                                 rewrite_ident_text(r, name));
    select_add_target(r, e, column->name, -1, arg);
}

static void add_relation_star(struct rewriter *r, const char *name, int32_t location,
                              struct target_state *state)
{
    for (const struct query_scope *scope = r->scope; scope != NULL; scope = scope->outer) {
        for (const struct relation *at = scope->relations; at != NULL; at = at->next) {
            if (at->name != NULL && strcmp(at->name, name) == 0) {
                for (size_t i = 0; i < at->count; i++) {
                    add_star_column(r, at, &at->columns[i], state);
                }
                return;
            }
        }
    }
    rewrite_fail(r, location, "42P01", "missing FROM-clause entry for table \"%s\"", name);
}

static bool is_star(const PgQuery__Node *node)
{
    return node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
           node->column_ref->fields[node->column_ref->n_fields - 1]->node_case ==
               PG_QUERY__NODE__NODE_A_STAR;
}

static void add_star(struct rewriter *r, const PgQuery__ColumnRef *ref, struct target_state *state)
{
    if (ref->n_fields > 1) {
        add_relation_star(r, node_string(ref->fields[ref->n_fields - 2]), ref->location, state);
    } else if (r->scope->relations == NULL) {
        rewrite_fail(r, ref->location, "42601", "SELECT * with no tables specified is not valid");
    } else {
        from_star(r, add_star_column, state);
    }
}

enum { target_list_max = 1664, ctes_max = guard_nesting };

bool target_list_fits(struct rewriter *r, size_t count)
{
    if (count > target_list_max) {
        rewrite_fail(r, -1, "54011", "target lists can have at most %d entries", target_list_max);
    }
    return !r->failed;
}

void select_targets(struct rewriter *r, PgQuery__Node *const *targets, size_t count,
                    const struct select_wish *wish, struct relation *relation)
{
    struct target_state state = { .wish = wish, .output = relation };

    (void)target_list_fits(r, count);
    for (size_t i = 0; i < count && !r->failed; i++) {
        const PgQuery__ResTarget *target = targets[i]->res_target;

        if (is_star(target->val)) {
            add_star(r, target->val->column_ref, &state);
        } else {
            bool named = target->name != NULL && target->name[0] != '\0';

            select_add_target(r, expr_of(r, target->val),
                              named ? target->name : select_label(target->val),
                              node_location(target->val), &state);
        }
    }
}

/* ---- ORDER BY, GROUP BY ---- */

/* The output column that a bare name or a position means; 0: none. */
static size_t output_position(struct rewriter *r, const PgQuery__Node *node,
                              const struct relation *output, const char *clause)
{
    if (output == NULL) {
        return 0;
    }
    if (node->node_case == PG_QUERY__NODE__NODE_A_CONST &&
        node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL) {
        int32_t position = node->a_const->ival->ival;

        if (position < 1 || (size_t)position > output->count) {
            rewrite_fail(r, node->a_const->location, "42P10",
                         "%s position %d is not in select list", clause, position);
        }
        return (size_t)position;
    }
    if (node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && node->column_ref->n_fields == 1) {
        for (size_t i = 0; i < output->count; i++) {
            if (strcmp(output->columns[i].name, node_string(node->column_ref->fields[0])) == 0) {
                return i + 1;
            }
        }
    }
    return 0;
}

static void order_nulls(struct rewriter *r, const PgQuery__SortBy *sort, bool not_null)
{
    bool descending = sort->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;

    rewrite_str(r, descending ? " DESC" : "");
    if (sort->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST) {
        rewrite_str(r, " NULLS FIRST");
    } else if (sort->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST) {
        rewrite_str(r, " NULLS LAST");
    } else if (!not_null) {
        rewrite_str(r, descending ? " NULLS FIRST" : " NULLS LAST");
    }
}

static void order_item(struct rewriter *r, const PgQuery__SortBy *sort,
                       const struct relation *output)
{
    size_t position = output_position(r, sort->node, output, "ORDER BY");
    bool not_null;

    if (sort->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING) {
        rewrite_unsupported(r, sort->location, "ORDER BY ... USING");
        return;
    }
    if (position > 0 && !r->failed) {
        if (r->order_texts) {
            rewrite_str(r, output->columns[position - 1].text);
        } else {
            rewrite_printf(r, "%zu", position);
        }
        not_null = output->columns[position - 1].not_null;
    } else {
        struct expr e = expr_typed(r, sort->node, TYPE_NONE);

        rewrite_printf(r, e.type.oid == OID_INTERVAL ? "pond_interval_key(%s)" : "%s", e.text);
        not_null = e.not_null;
    }
    order_nulls(r, sort, not_null);
}

void select_order(struct rewriter *r, PgQuery__Node *const *items, size_t count,
                  const struct relation *output)
{
    (void)target_list_fits(r, count);
    for (size_t i = 0; i < count && !r->failed; i++) {
        rewrite_str(r, i == 0 ? " ORDER BY " : ", ");
        order_item(r, items[i]->sort_by, output);
    }
}

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

static void group_by(struct rewriter *r, const PgQuery__SelectStmt *s,
                     const struct relation *output)
{
    for (size_t i = 0; i < s->n_group_clause && !r->failed; i++) {
        const PgQuery__Node *node = s->group_clause[i];
        size_t position =
            is_input_column(r, node) ? 0 : output_position(r, node, output, "GROUP BY");

        rewrite_str(r, i == 0 ? " GROUP BY " : ", ");
        if (position > 0) {
            rewrite_printf(r, "%zu", position);
        } else {
            rewrite_str(r, expr_typed(r, node, TYPE_NONE).text);
        }
    }
}

/* ---- LIMIT, locks ---- */

static bool is_null_const(const PgQuery__Node *node)
{
    return node == NULL ||
           (node->node_case == PG_QUERY__NODE__NODE_A_CONST && node->a_const->isnull);
}

/* A literal that the lexer took out of the text: not NULL. */
static bool is_taken_literal(const struct rewriter *r, const PgQuery__Node *node)
{
    return node->node_case == PG_QUERY__NODE__NODE_PARAM_REF &&
           (size_t)node->param_ref->number <= r->literal_count;
}

static void limit_value(struct rewriter *r, const PgQuery__Node *node, const char *word,
                        const char *none)
{
    struct expr e = expr_typed(r, node, TYPE_OF(OID_INT8));

    if (!type_is_number(e.type.oid)) {
        rewrite_fail(r, node_location(node), "42804",
                     "argument of %s must be type bigint, not type %s", word, type_text(r, e.type));
    }
    if (is_taken_literal(r, node) ||
        (node->node_case == PG_QUERY__NODE__NODE_A_CONST && e.text[0] != '-')) {
        rewrite_printf(r, " %s %s", word, e.text);
    } else {
        rewrite_printf(r, " %s coalesce(pond_limit(%s, %d), %s)", word, e.text, word[0] == 'O',
                       none);
    }
}

void select_limits(struct rewriter *r, const PgQuery__SelectStmt *s)
{
    if (s->limit_option == PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES) {
        rewrite_unsupported(r, -1, "FETCH FIRST ... WITH TIES");
    }
    if (!is_null_const(s->limit_count)) {
        limit_value(r, s->limit_count, "LIMIT", "-1");
    } else if (!is_null_const(s->limit_offset)) {
        rewrite_str(r, " LIMIT -1");
    }
    if (!is_null_const(s->limit_offset)) {
        limit_value(r, s->limit_offset, "OFFSET", "0");
    }
}

/* ---- WITH ---- */

static void with_query(struct rewriter *r, const PgQuery__CommonTableExpr *c, bool recursive);

void select_with(struct rewriter *r, const PgQuery__WithClause *with)
{
    if (with == NULL) {
        return;
    }
    if (with->n_ctes > ctes_max) {
        rewrite_fail(r, with->location, "54000", "at most %d WITH queries in a statement",
                     ctes_max);
    }
    rewrite_str(r, with->recursive ? "WITH RECURSIVE " : "WITH ");
    for (size_t i = 0; i < with->n_ctes && !r->failed; i++) {
        rewrite_str(r, i > 0 ? ", " : "");
        with_query(r, with->ctes[i]->common_table_expr, with->recursive);
    }
    rewrite_str(r, " ");
}

/* A recursive query's columns are those of its first part. */
static void recursive_columns(struct rewriter *r, const PgQuery__SelectStmt *select,
                              const struct select_wish *wish, struct relation *ret_columns)
{
    while (select->op != PG_QUERY__SET_OPERATION__SETOP_NONE && select->larg != NULL) {
        select = select->larg;
    }
    (void)select_text(r, select, wish, ret_columns);
}

static bool cte_names(struct rewriter *r, const PgQuery__CommonTableExpr *c,
                      struct select_wish *wish)
{
    const char **names = arena_alloc(r->arena, (c->n_aliascolnames + 1) * sizeof(*names));

    if (names == NULL) {
        rewrite_fail_nomem(r);
        return false;
    }
    for (size_t i = 0; i < c->n_aliascolnames; i++) {
        names[i] = node_string(c->aliascolnames[i]);
    }
    wish->names = names;
    wish->name_count = c->n_aliascolnames;
    return true;
}

static bool refers_to_itself(const PgQuery__SelectStmt *select)
{
    return select->op != PG_QUERY__SET_OPERATION__SETOP_NONE;
}

static void print_cte(struct rewriter *r, const PgQuery__CommonTableExpr *c,
                      const struct relation *columns, const char *query)
{
    static const char *const words[] = {
        [PG_QUERY__CTEMATERIALIZE__CTEMaterializeAlways] = "MATERIALIZED ",
        [PG_QUERY__CTEMATERIALIZE__CTEMaterializeNever] = "NOT MATERIALIZED ",
    };
    size_t kind = (size_t)c->ctematerialized;

    rewrite_ident(r, c->ctename);
    for (size_t i = 0; i < columns->count; i++) {
        rewrite_str(r, i == 0 ? "(" : ", ");
        rewrite_ident(r, columns->columns[i].name);
    }
    rewrite_printf(r, ") AS %s(%s)",
                   kind < ARRAY_LEN(words) && words[kind] != NULL ? words[kind] : "", query);
}

static void with_query(struct rewriter *r, const PgQuery__CommonTableExpr *c, bool recursive)
{
    struct cte *cte = arena_alloc(r->arena, sizeof(*cte));
    struct relation *columns = relation_new(r, c->ctename);
    struct select_wish wish = { 0 };
    const PgQuery__SelectStmt *select;
    const char *query;

    if (c->ctequery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT || c->search_clause != NULL ||
        c->cycle_clause != NULL) {
        rewrite_unsupported(r, c->location, "this kind of WITH query");
        return;
    }
    if (cte == NULL || columns == NULL || !cte_names(r, c, &wish)) {
        rewrite_fail_nomem(r);
        return;
    }
    select = c->ctequery->select_stmt;
    *cte = (struct cte){ .name = c->ctename, .relation = columns, .next = r->ctes };
    if (recursive && refers_to_itself(select)) {
        struct relation *whole = relation_new(r, c->ctename);

        recursive_columns(r, select, &wish, columns);
        r->ctes = cte;
        query = whole == NULL ? "" : select_text(r, select, &wish, whole);
    } else {
        query = select_text(r, select, &wish, columns);
        r->ctes = cte;
    }
    print_cte(r, c, columns, query);
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

static void collect_groups(struct rewriter *r, const PgQuery__SelectStmt *s,
                           struct group_list *ret_groups)
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
        texts[i] = node == NULL || is_star(node) ? "" : expr_typed(r, node, TYPE_NONE).text;
    }
    *ret_groups = (struct group_list){ texts, s->n_group_clause };
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
        bool found = output_position(r, node, columns, "ORDER BY") > 0;
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
        size_t position = output_position(r, s->distinct_clause[i], columns, "SELECT DISTINCT ON");

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
    collect_groups(r, s, &groups);
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
