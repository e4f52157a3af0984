/* sql/rewrite_dml.c: INSERT, UPDATE, DELETE and RETURNING. */
#include "sql/expr.h"

#include "pool/session.h"
#include "sql/grammar.h"

static const struct select_wish no_wish;

static void fail_nomem(struct rewriter *r)
{
    rewrite_fail(r, -1, "53200", "out of memory");
}

/* The target table; its name in scope is its alias. */
static struct relation *target_table(struct rewriter *r, const PgQuery__RangeVar *table)
{
    struct relation *relation = scope_table(r, table->relname);

    if (relation == NULL) {
        rewrite_fail(r, table->location, "42P01", "relation \"%s\" does not exist", table->relname);
        return NULL;
    }
    if (table->alias != NULL) {
        relation->name = table->alias->aliasname;
    }
    return relation;
}

static void print_target(struct rewriter *r, const PgQuery__RangeVar *table)
{
    rewrite_table(r, table);
    if (table->alias != NULL) {
        rewrite_printf(r, " AS %s", rewrite_ident_text(r, table->alias->aliasname));
    }
}

static const struct relation_column *target_column(struct rewriter *r,
                                                   const struct relation *relation,
                                                   const PgQuery__RangeVar *table,
                                                   const PgQuery__ResTarget *target)
{
    const struct relation_column *column = relation_find(relation, target->name);

    if (target->n_indirection > 0) {
        rewrite_unsupported(r, target->location, "assigning to a part of a column");
    } else if (column == NULL) {
        rewrite_fail(r, target->location, "42703",
                     "column \"%s\" of relation \"%s\" does not exist", target->name,
                     table->relname);
    }
    return r->failed ? NULL : column;
}

/* ---- RETURNING ---- */

static void returning(struct rewriter *r, PgQuery__Node *const *list, size_t count,
                      struct relation *table, struct relation *columns)
{
    struct query_scope scope = { .unqualified = true };
    struct relation *copy;

    if (count == 0 || r->failed) {
        return;
    }
    copy = relation_copy(r, table, table->name);
    r->cursor_flags |= CURSOR_RETURNING;
    scope_push(r, &scope);
    scope_add(&scope, copy);
    rewrite_str(r, " RETURNING ");
    select_targets(r, list, count, &no_wish, columns);
    scope_pop(r);
}

/* ---- SET ---- */

static void set_from_select(struct rewriter *r, const PgQuery__UpdateStmt *u, size_t first,
                            size_t count, const struct relation *table, const PgQuery__Node *source)
{
    struct type *types = arena_alloc(r->arena, count * sizeof(*types));
    const char **names = arena_alloc(r->arena, count * sizeof(*names));
    const struct relation_column **rowids = arena_alloc(r->arena, count * sizeof(*rowids));
    struct select_wish wish = { .types = types, .type_count = count, .columns = names };
    struct relation columns = { 0 };

    if (types == NULL || names == NULL || rowids == NULL) {
        fail_nomem(r);
        return;
    }
    wish.rowids = rowids;
    wish.table = u->relation->relname;
    for (size_t i = 0; i < count; i++) {
        const PgQuery__ResTarget *target = u->target_list[first + i]->res_target;
        const struct relation_column *column = target_column(r, table, u->relation, target);

        if (column == NULL) {
            return;
        }
        types[i] = column->type;
        names[i] = column->name;
        rowids[i] = column->rowid ? column : NULL;
        rewrite_printf(r, "%s%s", i == 0 ? "(" : ", ", rewrite_ident_text(r, column->name));
    }
    rewrite_printf(r, ") = (%s)",
                   select_text(r, source->sub_link->subselect->select_stmt, &wish, &columns));
    if (!r->failed && columns.count != count) {
        rewrite_fail(r, source->sub_link->location, "42601",
                     "number of columns does not match number of values");
    }
}

static void set_one(struct rewriter *r, const PgQuery__RangeVar *table,
                    const PgQuery__ResTarget *target, const PgQuery__Node *value,
                    const struct relation *relation)
{
    const struct relation_column *column = target_column(r, relation, table, target);
    struct expr e;

    if (column == NULL) {
        return;
    }
    if (value->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT) {
        rewrite_printf(r, "%s = %s", rewrite_ident_text(r, column->name),
                       scope_default(r, table->relname, column));
        return;
    }
    e = expr_assigned(r, value, column->type, column->name);
    rewrite_printf(r, "%s = %s", rewrite_ident_text(r, column->name),
                   column->rowid ? expr_not_null(r, e, table->relname, column).text : e.text);
}

/* (a, b) = (1, 2) and (a, b) = (SELECT ...). Gives how many targets it took. */
static size_t set_many(struct rewriter *r, const PgQuery__UpdateStmt *u, size_t first,
                       const struct relation *table)
{
    const PgQuery__MultiAssignRef *m = u->target_list[first]->res_target->val->multi_assign_ref;
    size_t count = (size_t)m->ncolumns;

    if (m->source->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
        const PgQuery__RowExpr *row = m->source->row_expr;

        if (row->n_args != count) {
            rewrite_fail(r, row->location, "42601",
                         "number of columns does not match number of values");
            return count;
        }
        for (size_t i = 0; i < count && !r->failed; i++) {
            rewrite_str(r, i > 0 ? ", " : "");
            set_one(r, u->relation, u->target_list[first + i]->res_target, row->args[i], table);
        }
    } else if (m->source->node_case == PG_QUERY__NODE__NODE_SUB_LINK) {
        set_from_select(r, u, first, count, table, m->source);
    } else {
        rewrite_fail(
            r, node_location(m->source), "0A000",
            "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression");
    }
    return count;
}

static void set_list(struct rewriter *r, const PgQuery__UpdateStmt *u, const struct relation *table)
{
    rewrite_str(r, " SET ");
    for (size_t i = 0; i < u->n_target_list && !r->failed;) {
        const PgQuery__ResTarget *target = u->target_list[i]->res_target;

        rewrite_str(r, i > 0 ? ", " : "");
        if (target->val->node_case == PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF) {
            i += set_many(r, u, i, table);
        } else {
            set_one(r, u->relation, target, target->val, table);
            i++;
        }
    }
}

/* ---- UPDATE, DELETE ---- */

static void update(struct rewriter *r, const PgQuery__UpdateStmt *u, struct relation *columns)
{
    struct query_scope scope = { 0 };
    struct relation *table;
    const char *from = "";

    select_with(r, u->with_clause);
    table = target_table(r, u->relation);
    if (table == NULL) {
        return;
    }
    scope_push(r, &scope);
    scope_add(&scope, table);
    if (u->n_from_clause > 0) {
        struct buf saved = capture_begin(r);

        from_items(r, u->from_clause, u->n_from_clause);
        from = capture_end(r, &saved);
    }
    rewrite_str(r, "UPDATE ");
    print_target(r, u->relation);
    set_list(r, u, table);
    if (u->n_from_clause > 0) {
        rewrite_printf(r, " FROM %s", from);
    }
    if (u->where_clause != NULL) {
        rewrite_printf(r, " WHERE %s", expr_condition(r, u->where_clause, "WHERE").text);
    }
    scope_pop(r);
    returning(r, u->returning_list, u->n_returning_list, table, columns);
}

/* SQLite has no USING: the rows to go are chosen by a subquery of the same alias. */
static void delete_using(struct rewriter *r, const PgQuery__DeleteStmt *d,
                         const struct relation *table)
{
    struct buf saved = capture_begin(r);
    const char *from;

    from_items(r, d->using_clause, d->n_using_clause);
    from = capture_end(r, &saved);
    rewrite_printf(r, " WHERE rowid IN (SELECT %s.rowid FROM ", rewrite_ident_text(r, table->name));
    print_target(r, d->relation);
    rewrite_printf(r, ", %s", from);
    if (d->where_clause != NULL) {
        rewrite_printf(r, " WHERE %s", expr_condition(r, d->where_clause, "WHERE").text);
    }
    rewrite_str(r, ")");
}

static void delete_from(struct rewriter *r, const PgQuery__DeleteStmt *d, struct relation *columns)
{
    struct query_scope scope = { 0 };
    struct relation *table;

    select_with(r, d->with_clause);
    table = target_table(r, d->relation);
    if (table == NULL) {
        return;
    }
    scope_push(r, &scope);
    scope_add(&scope, table);
    rewrite_str(r, "DELETE FROM ");
    print_target(r, d->relation);
    if (d->n_using_clause > 0) {
        delete_using(r, d, table);
    } else if (d->where_clause != NULL) {
        rewrite_printf(r, " WHERE %s", expr_condition(r, d->where_clause, "WHERE").text);
    }
    scope_pop(r);
    returning(r, d->returning_list, d->n_returning_list, table, columns);
}

/* ---- INSERT ---- */

struct insert {
    const PgQuery__InsertStmt *stmt;
    struct relation *table;
    const struct relation_column **columns; /* the targets */
    size_t count;
};

static bool is_default(const PgQuery__Node *node)
{
    return node->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT;
}

static const PgQuery__SelectStmt *insert_source(const PgQuery__InsertStmt *i)
{
    return i->select_stmt != NULL ? i->select_stmt->select_stmt : NULL;
}

/* How many columns the source gives, for an INSERT that names none. */
static size_t source_width(struct rewriter *r, const PgQuery__SelectStmt *source)
{
    struct select_wish look = { .keep_untyped = true };
    struct relation columns = { 0 };

    if (source->n_values_lists > 0) {
        return source->values_lists[0]->list->n_items;
    }
    (void)select_text(r, source, &look, &columns);
    return columns.count;
}

static void fail_width(struct rewriter *r, const struct insert *insert, size_t width)
{
    const PgQuery__SelectStmt *source = insert_source(insert->stmt);

    if (r->failed || width == insert->count) {
        return;
    }
    if (width < insert->count) {
        rewrite_fail(r, insert->stmt->cols[width]->res_target->location, "42601",
                     "INSERT has more target columns than expressions");
    } else {
        rewrite_fail(r,
                     source->n_values_lists > 0
                         ? node_location(source->values_lists[0]->list->items[insert->count])
                         : -1,
                     "42601", "INSERT has more expressions than target columns");
    }
}

static bool insert_columns(struct rewriter *r, struct insert *insert)
{
    const PgQuery__InsertStmt *stmt = insert->stmt;
    size_t width = stmt->n_cols > 0 ? stmt->n_cols : source_width(r, insert_source(stmt));

    if (r->failed) {
        return false;
    }
    if (stmt->n_cols == 0 && width > insert->table->count) {
        insert->count = insert->table->count;
        fail_width(r, insert, width);
        return false;
    }
    insert->columns = arena_alloc(r->arena, (width + 2) * sizeof(*insert->columns));
    if (insert->columns == NULL) {
        fail_nomem(r);
        return false;
    }
    for (size_t i = 0; i < width && !r->failed; i++) {
        insert->columns[i] = stmt->n_cols == 0 ? &insert->table->columns[i]
                                               : target_column(r, insert->table, stmt->relation,
                                                               stmt->cols[i]->res_target);
        for (size_t k = 0; k < i && !r->failed; k++) {
            if (insert->columns[k] == insert->columns[i]) {
                rewrite_fail(r, stmt->cols[i]->res_target->location, "42701",
                             "column \"%s\" specified more than once", insert->columns[i]->name);
            }
        }
    }
    insert->count = width;
    return !r->failed;
}

/* A copy whose rows may lose items: the tree itself is not ours to change. */
static PgQuery__SelectStmt *copy_values(struct rewriter *r, const PgQuery__SelectStmt *values)
{
    PgQuery__SelectStmt *copy = arena_alloc(r->arena, sizeof(*copy));
    PgQuery__Node *nodes = arena_alloc(r->arena, values->n_values_lists * sizeof(*nodes));
    PgQuery__List *lists = arena_alloc(r->arena, values->n_values_lists * sizeof(*lists));
    PgQuery__Node **rows = arena_alloc(r->arena, values->n_values_lists * sizeof(*rows));

    if (copy == NULL || nodes == NULL || lists == NULL || rows == NULL) {
        fail_nomem(r);
        return NULL;
    }
    *copy = *values;
    copy->values_lists = rows;
    for (size_t row = 0; row < values->n_values_lists; row++) {
        const PgQuery__List *list = values->values_lists[row]->list;

        nodes[row] = *values->values_lists[row];
        lists[row] = *list;
        lists[row].items = arena_alloc(r->arena, (list->n_items + 1) * sizeof(PgQuery__Node *));
        nodes[row].list = &lists[row];
        rows[row] = &nodes[row];
        if (lists[row].items == NULL) {
            fail_nomem(r);
            return NULL;
        }
        memcpy(lists[row].items, list->items, list->n_items * sizeof(PgQuery__Node *));
    }
    return copy;
}

/* Takes column `at` out of the targets and of every row. */
static void drop_column(struct insert *insert, PgQuery__SelectStmt *values, size_t at)
{
    for (size_t row = 0; row < values->n_values_lists; row++) {
        PgQuery__List *list = values->values_lists[row]->list;

        memmove(&list->items[at], &list->items[at + 1],
                (list->n_items - at - 1) * sizeof(list->items[0]));
        list->n_items--;
    }
    memmove(&insert->columns[at], &insert->columns[at + 1],
            (insert->count - at - 1) * sizeof(insert->columns[0]));
    insert->count--;
}

/* The rowid of a table that pond made is not counted up unless it is serial or identity: without a
 * value it has its default, which mostly fails. */
static const struct relation_column *omitted_rowid(const struct insert *insert)
{
    const struct relation_column *rowid = NULL;

    for (size_t i = 0; i < insert->table->count; i++) {
        const struct relation_column *column = &insert->table->columns[i];

        rowid = column->rowid && !column->counts ? column : rowid;
    }
    for (size_t i = 0; rowid != NULL && i < insert->count; i++) {
        rowid = insert->columns[i] == rowid ? NULL : rowid;
    }
    return rowid;
}

/* A node that the printer knows: the default's own text. */
static PgQuery__Node *default_node(struct rewriter *r, const char *table,
                                   const struct relation_column *column)
{
    const char *text = scope_default(r, table, column);
    PgQuery__Node *node = arena_alloc(r->arena, sizeof(*node));
    PgQuery__String *string = arena_alloc(r->arena, sizeof(*string));

    if (node == NULL || string == NULL || r->failed) {
        fail_nomem(r);
        return NULL;
    }
    *node = (PgQuery__Node)PG_QUERY__NODE__INIT;
    *string = (PgQuery__String)PG_QUERY__STRING__INIT;
    node->node_case = PG_QUERY__NODE__NODE_STRING; /* SQLite text as it is: expr.c */
    node->string = string;
    string->sval = (char *)(uintptr_t)text;
    return node;
}

/* Some rows say DEFAULT and some do not. */
static void name_defaults(struct rewriter *r, const struct insert *insert,
                          PgQuery__SelectStmt *values, size_t at)
{
    PgQuery__Node *node = default_node(r, insert->stmt->relation->relname, insert->columns[at]);

    for (size_t row = 0; row < values->n_values_lists && !r->failed; row++) {
        PgQuery__List *list = values->values_lists[row]->list;

        if (is_default(list->items[at])) {
            list->items[at] = node;
        }
    }
}

/* SQLite has no DEFAULT among VALUES: a column that is DEFAULT in all rows is left out; an integer
 * primary key takes NULL for it. */
static void settle_defaults(struct rewriter *r, struct insert *insert, PgQuery__SelectStmt *values)
{
    for (size_t i = insert->count; i > 0 && !r->failed; i--) {
        size_t defaults = 0;

        for (size_t row = 0; row < values->n_values_lists; row++) {
            const PgQuery__List *list = values->values_lists[row]->list;

            if (list->n_items != values->values_lists[0]->list->n_items) {
                rewrite_fail(r, node_location(list->items[0]), "42601",
                             "VALUES lists must all be the same length");
                return;
            }
            defaults += i <= list->n_items && is_default(list->items[i - 1]);
        }
        if (defaults == values->n_values_lists) {
            drop_column(insert, values, i - 1);
        } else if (defaults > 0) {
            name_defaults(r, insert, values, i - 1);
        }
    }
}

static const char *source_text(struct rewriter *r, const struct insert *insert,
                               const PgQuery__SelectStmt *source)
{
    struct type *types = arena_alloc(r->arena, (insert->count + 1) * sizeof(*types));
    const char **names = arena_alloc(r->arena, (insert->count + 1) * sizeof(*names));
    const struct relation_column **rowids =
        arena_alloc(r->arena, (insert->count + 1) * sizeof(*rowids));
    struct select_wish wish = { .types = types, .type_count = insert->count, .columns = names };
    struct relation columns = { 0 };
    const char *text;

    if (types == NULL || names == NULL || rowids == NULL) {
        fail_nomem(r);
        return "";
    }
    wish.rowids = rowids;
    wish.table = insert->stmt->relation->relname;
    for (size_t i = 0; i < insert->count; i++) {
        types[i] = insert->columns[i]->type;
        names[i] = insert->columns[i]->name;
        rowids[i] = insert->columns[i]->rowid ? insert->columns[i] : NULL;
    }
    text = select_text(r, source, &wish, &columns);
    fail_width(r, insert, columns.count);
    return text;
}

/* One more target, with the default's text in every row. */
static void add_default(struct rewriter *r, struct insert *insert, PgQuery__SelectStmt *values,
                        const struct relation_column *column)
{
    PgQuery__Node *node = default_node(r, insert->stmt->relation->relname, column);

    for (size_t row = 0; row < values->n_values_lists && !r->failed; row++) {
        PgQuery__List *list = values->values_lists[row]->list;

        list->items[list->n_items++] = node;
    }
    insert->columns[insert->count++] = column;
}

/* VALUES, as SQLite can take them. */
static const PgQuery__SelectStmt *settled_values(struct rewriter *r, struct insert *insert,
                                                 const PgQuery__SelectStmt *source)
{
    PgQuery__SelectStmt *values;
    const struct relation_column *omitted;

    fail_width(r, insert, source->values_lists[0]->list->n_items);
    values = copy_values(r, source);
    if (r->failed) {
        return source;
    }
    settle_defaults(r, insert, values);
    omitted = omitted_rowid(insert);
    if (omitted != NULL && !r->failed) {
        add_default(r, insert, values, omitted);
    }
    return values;
}

static void print_defaults(struct rewriter *r, const struct insert *insert)
{
    const struct relation_column *omitted = omitted_rowid(insert);

    if (omitted == NULL) {
        rewrite_str(r, " DEFAULT VALUES");
        return;
    }
    rewrite_printf(r, " (%s) VALUES (%s)", rewrite_ident_text(r, omitted->name),
                   scope_default(r, insert->stmt->relation->relname, omitted));
}

/* SQLite would take ON CONFLICT for a join's ON: a subquery keeps them apart. */
static void print_query(struct rewriter *r, const struct insert *insert, const char *text)
{
    const struct relation_column *omitted = omitted_rowid(insert);

    if (omitted != NULL) {
        rewrite_printf(r, ", %s) SELECT *, %s FROM (%s) WHERE TRUE",
                       rewrite_ident_text(r, omitted->name),
                       scope_default(r, insert->stmt->relation->relname, omitted), text);
        return;
    }
    rewrite_printf(
        r, insert->stmt->on_conflict_clause != NULL ? ") SELECT * FROM (%s) WHERE TRUE" : ") %s",
        text);
}

static void print_source(struct rewriter *r, struct insert *insert)
{
    const PgQuery__SelectStmt *source = insert_source(insert->stmt);
    const char *text;

    if (source == NULL) {
        print_defaults(r, insert);
        return;
    }
    if (!insert_columns(r, insert)) {
        return;
    }
    if (source->n_values_lists > 0) {
        source = settled_values(r, insert, source);
    }
    if (insert->count == 0 && !r->failed) {
        if (source->n_values_lists > 1) {
            rewrite_unsupported(r, -1, "more than one row of nothing but DEFAULT");
        }
        rewrite_str(r, " DEFAULT VALUES");
        return;
    }
    text = source_text(r, insert, source);
    for (size_t i = 0; i < insert->count && !r->failed; i++) {
        rewrite_printf(r, "%s%s", i == 0 ? " (" : ", ",
                       rewrite_ident_text(r, insert->columns[i]->name));
    }
    if (source->n_values_lists > 0) {
        rewrite_printf(r, ") %s", text);
    } else {
        print_query(r, insert, text);
    }
}

static void conflict_target(struct rewriter *r, const PgQuery__InferClause *infer)
{
    if (infer->conname != NULL && infer->conname[0] != '\0') {
        rewrite_unsupported(r, infer->location, "ON CONFLICT ON CONSTRAINT");
        if (r->failure != NULL) {
            failure_add(r->failure, FIELD_HINT,
                        "Name the constraint's columns: ON CONFLICT (column, ...).");
        }
        return;
    }
    for (size_t i = 0; i < infer->n_index_elems && !r->failed; i++) {
        const PgQuery__IndexElem *element = infer->index_elems[i]->index_elem;

        rewrite_str(r, i == 0 ? " (" : ", ");
        if (element->expr != NULL) {
            rewrite_str(r, expr_typed(r, element->expr, TYPE_NONE).text);
        } else {
            PgQuery__String name = PG_QUERY__STRING__INIT;
            PgQuery__Node field = PG_QUERY__NODE__INIT;
            PgQuery__Node *fields[] = { &field };
            PgQuery__ColumnRef ref = PG_QUERY__COLUMN_REF__INIT;

            name.sval = element->name;
            field.node_case = PG_QUERY__NODE__NODE_STRING;
            field.string = &name;
            ref.n_fields = 1;
            ref.fields = fields;
            ref.location = infer->location;
            rewrite_str(r, scope_column(r, &ref).text);
        }
    }
    rewrite_str(r, ")");
    if (infer->where_clause != NULL) {
        rewrite_printf(r, " WHERE %s", expr_condition(r, infer->where_clause, "WHERE").text);
    }
}

static void conflict_target_bare(struct rewriter *r, const PgQuery__InferClause *infer,
                                 struct relation *table)
{
    struct query_scope scope = { .unqualified = true };

    scope_push(r, &scope);
    scope_add(&scope, relation_copy(r, table, table->name));
    conflict_target(r, infer);
    scope_pop(r);
}

static void conflict_update(struct rewriter *r, const struct insert *insert,
                            const PgQuery__OnConflictClause *c)
{
    struct query_scope scope = { 0 };
    struct relation *excluded = relation_copy(r, insert->table, "excluded");
    struct relation *table = relation_copy(r, insert->table, insert->table->name);
    PgQuery__UpdateStmt update_part = PG_QUERY__UPDATE_STMT__INIT;

    if (excluded == NULL || table == NULL) {
        return;
    }
    excluded->qualified_only = true;
    scope_push(r, &scope);
    scope_add(&scope, table);
    scope_add(&scope, excluded);
    update_part.relation = insert->stmt->relation;
    update_part.target_list = c->target_list;
    update_part.n_target_list = c->n_target_list;
    rewrite_str(r, " DO UPDATE");
    set_list(r, &update_part, insert->table);
    if (c->where_clause != NULL) {
        rewrite_printf(r, " WHERE %s", expr_condition(r, c->where_clause, "WHERE").text);
    }
    scope_pop(r);
}

static void on_conflict(struct rewriter *r, const struct insert *insert)
{
    const PgQuery__OnConflictClause *c = insert->stmt->on_conflict_clause;
    bool nothing;

    if (c == NULL || r->failed) {
        return;
    }
    nothing = c->action == PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_NOTHING;
    rewrite_str(r, " ON CONFLICT");
    if (c->infer != NULL &&
        !(nothing && c->infer->conname != NULL && c->infer->conname[0] != '\0')) {
        conflict_target_bare(r, c->infer, insert->table);
    }
    if (nothing) {
        rewrite_str(r, " DO NOTHING");
    } else {
        conflict_update(r, insert, c);
    }
}

static void insert_into(struct rewriter *r, const PgQuery__InsertStmt *stmt,
                        struct relation *columns)
{
    struct insert insert = { .stmt = stmt };

    select_with(r, stmt->with_clause);
    insert.table = target_table(r, stmt->relation);
    if (insert.table == NULL) {
        return;
    }
    rewrite_str(r, "INSERT INTO ");
    print_target(r, stmt->relation);
    print_source(r, &insert);
    on_conflict(r, &insert);
    returning(r, stmt->returning_list, stmt->n_returning_list, insert.table, columns);
}

/* ---- statements ---- */

void rewrite_statement(struct rewriter *r, const PgQuery__Node *node, struct relation *ret_relation)
{
    struct cte *ctes = r->ctes;

    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
        rewrite_select(r, node->select_stmt, ret_relation);
        break;
    case PG_QUERY__NODE__NODE_INSERT_STMT:
        r->cursor_flags |= CURSOR_WRITES;
        insert_into(r, node->insert_stmt, ret_relation);
        break;
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
        r->cursor_flags |= CURSOR_WRITES;
        update(r, node->update_stmt, ret_relation);
        break;
    case PG_QUERY__NODE__NODE_DELETE_STMT:
        r->cursor_flags |= CURSOR_WRITES;
        delete_from(r, node->delete_stmt, ret_relation);
        break;
    default:
        rewrite_unsupported(r, -1, "this statement");
    }
    r->ctes = ctes;
}
