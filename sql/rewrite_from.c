/* sql/rewrite_from.c: FROM: tables, WITH queries, subqueries and functions; joins are in
 * rewrite_join.c. */
#include "sql/rewrite_select.h"

#include "sql/functions.h"
#include "sql/grammar.h"
#include "sql/rows_function.h"

static bool set(const char *s)
{
    return s != NULL && s[0] != '\0';
}

/* ---- tables ---- */

static const struct relation *find_cte(const struct rewriter *r, const char *name)
{
    for (const struct cte *at = r->ctes; at != NULL; at = at->next) {
        if (strcmp(at->name, name) == 0) {
            return at->relation;
        }
    }
    return NULL;
}

struct relation *from_table(struct rewriter *r, const PgQuery__RangeVar *table)
{
    bool has_schema = set(table->schemaname);
    const struct relation *cte = has_schema ? NULL : find_cte(r, table->relname);
    struct relation *relation = NULL;
    const char *alias = table->alias != NULL ? table->alias->aliasname : table->relname;

    if (cte != NULL) {
        return relation_copy(r, cte, alias);
    }
    relation = scope_table(r, table->relname);
    if (relation == NULL) {
        rewrite_fail(r, table->location, "42P01", "relation \"%s%s%s\" does not exist",
                     has_schema ? table->schemaname : "", has_schema ? "." : "", table->relname);
        return NULL;
    }
    relation->name = alias;
    return relation;
}

/* AS t(a, b): the columns get other names, in SQLite by a subquery. */
void from_rename(struct rewriter *r, struct relation *relation, const PgQuery__Alias *alias)
{
    if (alias->n_colnames > relation->count) {
        rewrite_fail(r, -1, "42P10",
                     "table \"%s\" has %zu columns available but %zu columns specified",
                     alias->aliasname, relation->count, alias->n_colnames);
        return;
    }
    for (size_t i = 0; i < alias->n_colnames; i++) {
        relation->columns[i].name = node_string(alias->colnames[i]);
    }
}

static void from_renamed(struct rewriter *r, const PgQuery__RangeVar *table,
                         struct relation *relation)
{
    struct relation *original = relation_copy(r, relation, relation->name);

    from_rename(r, relation, table->alias);
    rewrite_str(r, "(SELECT ");
    for (size_t i = 0; original != NULL && i < relation->count && !r->failed; i++) {
        rewrite_str(r, i > 0 ? ", " : "");
        rewrite_ident(r, original->columns[i].name);
        rewrite_str(r, " AS ");
        rewrite_ident(r, relation->columns[i].name);
    }
    rewrite_str(r, " FROM ");
    rewrite_table(r, table);
    rewrite_str(r, ") AS ");
    rewrite_ident(r, relation->name);
}

static void add_relation(struct rewriter *r, struct relation *relation)
{
    for (const struct relation *at = r->scope->relations; at != NULL && relation != NULL;
         at = at->next) {
        if (at->name != NULL && relation->name != NULL && strcmp(at->name, relation->name) == 0) {
            rewrite_fail(r, -1, "42712", "table name \"%s\" specified more than once",
                         relation->name);
            return;
        }
    }
    scope_add(r->scope, relation);
}

static void range_var(struct rewriter *r, const PgQuery__Node *node)
{
    const PgQuery__RangeVar *table = node->range_var;
    struct relation *relation = from_system(r, table);

    if (relation != NULL) {
        add_relation(r, relation);
        return;
    }
    relation = r->failed ? NULL : from_table(r, table);
    if (relation == NULL) {
        return;
    }
    if (table->alias != NULL && table->alias->n_colnames > 0) {
        from_renamed(r, table, relation);
    } else {
        rewrite_table(r, table);
        if (table->alias != NULL) {
            rewrite_str(r, " AS ");
            rewrite_ident(r, table->alias->aliasname);
        }
    }
    add_relation(r, relation);
}

/* ---- subqueries ---- */

/* A subquery of FROM does not see its neighbours. */
static const char *isolated_select(struct rewriter *r, const PgQuery__SelectStmt *select,
                                   const struct select_wish *wish, struct relation *columns)
{
    struct query_scope *scope = r->scope;
    const char *text;

    r->scope = scope->outer;
    text = select_text(r, select, wish, columns);
    r->scope = scope;
    return text;
}

static void range_subselect(struct rewriter *r, const PgQuery__Node *node)
{
    const PgQuery__RangeSubselect *sub = node->range_subselect;
    struct relation *columns = relation_new(r, NULL);
    struct select_wish wish = { 0 };
    const char **names;

    if (sub->lateral) {
        rewrite_unsupported(r, -1, "LATERAL");
    }
    if (sub->alias == NULL) {
        rewrite_fail(r, -1, "42601", "subquery in FROM must have an alias");
    }
    names = r->failed ? NULL : arena_alloc(r->arena, (sub->alias->n_colnames + 1) * sizeof(*names));
    if (r->failed || columns == NULL || names == NULL) {
        rewrite_fail_nomem(r);
        return;
    }
    for (size_t i = 0; i < sub->alias->n_colnames; i++) {
        names[i] = node_string(sub->alias->colnames[i]);
    }
    wish.names = names;
    wish.name_count = sub->alias->n_colnames;
    columns->name = sub->alias->aliasname;
    rewrite_printf(r, "(%s) AS ", isolated_select(r, sub->subquery->select_stmt, &wish, columns));
    rewrite_ident(r, columns->name);
    add_relation(r, columns);
}

/* ---- functions ---- */

static void print_rows_function(struct rewriter *r, const struct function *row, struct expr *args,
                                size_t count, struct relation *relation, const char *column)
{
    struct type type = count > 0 ? args[0].type : TYPE_OF(OID_TEXT);
    struct relation_column *added;

    rewrite_printf(r, "%s(", row->sqlite != NULL ? row->sqlite : row->name);
    for (size_t i = 0; i < count && !r->failed; i++) {
        args[i] = expr_resolve(r, args[i], TYPE_OF(i < function_args_max ? row->args[i] : 0));
        rewrite_printf(r, "%s%s", i > 0 ? ", " : "", args[i].text);
    }
    type = row->result == RESULT_FIXED ? TYPE_OF(row->oid) : type;
    added = relation_add(r, relation, column, type);
    if (added != NULL) {
        added->sqlite_name = "value";
    }
    rewrite_str(r, ") AS ");
    rewrite_ident(r, relation->name);
}

static void print_scalar_function(struct rewriter *r, const PgQuery__FuncCall *call,
                                  struct relation *relation, const char *column)
{
    struct expr e = expr_call(r, call);

    (void)relation_add(r, relation, column, e.type);
    rewrite_printf(r, "(SELECT %s AS %s) AS ", e.text, rewrite_ident_text(r, column));
    rewrite_ident(r, relation->name);
}

static void range_function(struct rewriter *r, const PgQuery__Node *node)
{
    const PgQuery__RangeFunction *f = node->range_function;
    const PgQuery__Node *first =
        f->n_functions == 1 && f->functions[0]->node_case == PG_QUERY__NODE__NODE_LIST
            ? f->functions[0]->list->items[0]
            : NULL;
    const PgQuery__FuncCall *call;
    struct relation *relation;
    const char *name;
    const char *column;
    uint32_t *oids = NULL;
    struct expr *args;
    const struct function *row;
    bool known;

    if (first != NULL && series_is_call(first)) {
        add_relation(r, from_series(r, f, first->func_call));
        return;
    }
    if (first != NULL && rows_function_is_call(first)) {
        add_relation(r, from_rows_function(r, f, first->func_call));
        return;
    }
    if (first == NULL || first->node_case != PG_QUERY__NODE__NODE_FUNC_CALL || f->ordinality ||
        f->n_coldeflist > 0) {
        rewrite_unsupported(r, -1, "this kind of function in FROM");
        return;
    }
    call = first->func_call;
    name = node_string(call->funcname[call->n_funcname - 1]);
    relation = relation_new(r, f->alias != NULL ? f->alias->aliasname : name);
    column = f->alias == NULL           ? name
             : f->alias->n_colnames > 0 ? node_string(f->alias->colnames[0])
                                        : f->alias->aliasname;
    args = call_args(r, call, &oids);
    if (relation == NULL || args == NULL) {
        return;
    }
    row = function_find(name, oids, call->n_args, &known);
    if (row != NULL && (row->flags & FUNCTION_ROWS) != 0) {
        print_rows_function(r, row, args, call->n_args, relation, column);
    } else {
        print_scalar_function(r, call, relation, column);
    }
    add_relation(r, relation);
}

/* ---- the list ---- */

static const struct {
    PgQuery__Node__NodeCase node;
    void (*print)(struct rewriter *r, const PgQuery__Node *node);
} from_rows[] = {
    { PG_QUERY__NODE__NODE_RANGE_VAR, range_var },
    { PG_QUERY__NODE__NODE_JOIN_EXPR, from_join },
    { PG_QUERY__NODE__NODE_RANGE_SUBSELECT, range_subselect },
    { PG_QUERY__NODE__NODE_RANGE_FUNCTION, range_function },
};

void from_item(struct rewriter *r, const PgQuery__Node *node)
{
    if (r->failed) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(from_rows); i++) {
        if (from_rows[i].node == node->node_case) {
            from_rows[i].print(r, node);
            return;
        }
    }
    rewrite_unsupported(r, -1, "this item of FROM");
}

/* SQLite's comma binds as tightly as JOIN. */
static bool needs_parentheses(const PgQuery__Node *node)
{
    return node->node_case == PG_QUERY__NODE__NODE_JOIN_EXPR &&
           (node->join_expr->jointype == PG_QUERY__JOIN_TYPE__JOIN_RIGHT ||
            node->join_expr->jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL ||
            node->join_expr->is_natural || node->join_expr->n_using_clause > 0);
}

void from_items(struct rewriter *r, PgQuery__Node *const *items, size_t count)
{
    /* SQLite's own limit; names are looked for in all of them, which adds up before it says so */
    if (count > 64) {
        rewrite_fail(r, -1, "54000", "at most 64 tables in a join");
        return;
    }
    for (size_t i = 0; i < count && !r->failed; i++) {
        bool parentheses = i > 0 && needs_parentheses(items[i]);

        rewrite_str(r, i > 0 ? ", " : "");
        rewrite_str(r, parentheses ? "(" : "");
        from_item(r, items[i]);
        rewrite_str(r, parentheses ? ")" : "");
    }
}

/* ---- the star ---- */

static bool is_merged_name(const struct query_scope *scope, const char *name)
{
    for (size_t i = 0; i < scope->merged_count; i++) {
        if (strcmp(scope->merged[i], name) == 0) {
            return true;
        }
    }
    return false;
}

void from_star(struct rewriter *r,
               void (*each)(struct rewriter *r, const struct relation *relation,
                            const struct relation_column *column, void *arg),
               void *arg)
{
    const struct query_scope *scope = r->scope;

    for (size_t i = 0; i < scope->merged_count; i++) {
        for (const struct relation *at = scope->relations; at != NULL; at = at->next) {
            const struct relation_column *column = relation_find(at, scope->merged[i]);

            if (column != NULL && !column->merged) {
                each(r, NULL, column, arg);
                break;
            }
        }
    }
    for (const struct relation *at = scope->relations; at != NULL; at = at->next) {
        for (size_t i = 0; i < at->count; i++) {
            if (!is_merged_name(scope, at->columns[i].name) && !at->qualified_only) {
                each(r, at, &at->columns[i], arg);
            }
        }
    }
}
