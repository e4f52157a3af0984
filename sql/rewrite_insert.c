/* sql/rewrite_insert.c: INSERT.
 *
 * SQLite has no DEFAULT among VALUES and counts up a rowid that is NULL: rows are given their
 * defaults here, and what may be NULL is checked. */
#include "sql/rewrite_dml.h"

#include "sql/grammar.h"

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

/* ---- columns ---- */

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
        rewrite_fail_nomem(r);
        return false;
    }
    for (size_t i = 0; i < width && !r->failed; i++) {
        insert->columns[i] = stmt->n_cols == 0 ? &insert->table->columns[i]
                                               : dml_column(r, insert->table, stmt->relation,
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

/* ---- DEFAULT ---- */

/* A copy whose rows may lose items: the tree itself is not ours to change. */
static PgQuery__SelectStmt *copy_values(struct rewriter *r, const PgQuery__SelectStmt *values)
{
    PgQuery__SelectStmt *copy = arena_alloc(r->arena, sizeof(*copy));
    PgQuery__Node *nodes = arena_alloc(r->arena, values->n_values_lists * sizeof(*nodes));
    PgQuery__List *lists = arena_alloc(r->arena, values->n_values_lists * sizeof(*lists));
    PgQuery__Node **rows = arena_alloc(r->arena, values->n_values_lists * sizeof(*rows));

    if (copy == NULL || nodes == NULL || lists == NULL || rows == NULL) {
        rewrite_fail_nomem(r);
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
            rewrite_fail_nomem(r);
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
        rewrite_fail_nomem(r);
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

/* ---- the source ---- */

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
        rewrite_fail_nomem(r);
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

void dml_insert(struct rewriter *r, const PgQuery__InsertStmt *stmt, struct relation *columns)
{
    struct insert insert = { .stmt = stmt };

    select_with(r, stmt->with_clause);
    insert.table = dml_table(r, stmt->relation);
    if (insert.table == NULL) {
        return;
    }
    rewrite_str(r, "INSERT INTO ");
    dml_print_table(r, stmt->relation);
    print_source(r, &insert);
    dml_on_conflict(r, stmt, insert.table);
    dml_returning(r, stmt->returning_list, stmt->n_returning_list, insert.table, columns);
}
