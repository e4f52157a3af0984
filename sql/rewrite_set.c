/* sql/rewrite_set.c: VALUES, and UNION, INTERSECT, EXCEPT: rows whose columns come to common types.
 */
#include "sql/rewrite_select.h"

#include "sql/grammar.h"

static const struct select_wish no_wish;

/* ---- VALUES ---- */

struct values {
    const PgQuery__SelectStmt *stmt;
    struct expr *items;
    size_t rows;
    size_t width;
};

static bool values_read(struct rewriter *r, const PgQuery__SelectStmt *s, struct values *ret_values)
{
    size_t width = s->values_lists[0]->list->n_items;

    if (!target_list_fits(r, width)) {
        return false;
    }
    struct expr *items = arena_alloc(r->arena, s->n_values_lists * width * sizeof(*items));

    if (items == NULL) {
        rewrite_fail_nomem(r);
        return false;
    }
    for (size_t row = 0; row < s->n_values_lists; row++) {
        const PgQuery__List *list = s->values_lists[row]->list;

        if (list->n_items != width) {
            rewrite_fail(r, node_location(list->items[0]), "42601",
                         "VALUES lists must all be the same length");
            return false;
        }
        for (size_t i = 0; i < width && !r->failed; i++) {
            items[i * s->n_values_lists + row] = expr_of(r, list->items[i]);
        }
    }
    *ret_values = (struct values){ s, items, s->n_values_lists, width };
    return !r->failed;
}

static void values_columns(struct rewriter *r, struct values *v, const struct select_wish *wish,
                           struct relation *columns)
{
    for (size_t i = 0; i < v->width && !r->failed; i++) {
        struct expr *column = &v->items[i * v->rows];
        struct target_state state = { wish, columns };
        struct type type = common_type(r, column, v->rows, "VALUES", -1);
        bool untyped = true;

        for (size_t row = 0; row < v->rows && !r->failed; row++) {
            untyped = untyped && column[row].untyped != NULL;
            if (i >= wish->type_count && !wish->keep_untyped) {
                column[row] = expr_cast(r, column[row], type, CAST_IMPLICIT, -1);
            } else {
                column[row] =
                    select_wished(r, column[row], &state,
                                  node_location(v->stmt->values_lists[row]->list->items[i]));
            }
            column[row] = expr_checked(r, column[row]);
        }
        type = i < wish->type_count            ? wish->types[i]
               : wish->keep_untyped && untyped ? TYPE_OF(OID_UNKNOWN)
                                               : type;
        (void)relation_add(
            r, columns, i < wish->name_count ? wish->names[i] : rewrite_text(r, "column%zu", i + 1),
            type);
    }
}

void select_values(struct rewriter *r, const PgQuery__SelectStmt *s, const struct select_wish *wish,
                   struct relation *columns)
{
    struct values v;
    bool renamed = wish->name_count > 0 || !select_is_bare(s);

    if (!values_read(r, s, &v)) {
        return;
    }
    values_columns(r, &v, wish, columns);
    for (size_t i = 0; renamed && i < v.width && !r->failed; i++) {
        rewrite_printf(r, "%scolumn%zu AS %s", i == 0 ? "SELECT " : ", ", i + 1,
                       rewrite_ident_text(r, columns->columns[i].name));
    }
    rewrite_str(r, renamed ? " FROM (VALUES " : "VALUES ");
    for (size_t row = 0; row < v.rows && !r->failed; row++) {
        for (size_t i = 0; i < v.width; i++) {
            rewrite_str(r, i > 0 ? ", " : row > 0 ? ", (" : "(");
            rewrite_str(r, v.items[i * v.rows + row].text);
        }
        rewrite_str(r, ")");
    }
    rewrite_str(r, renamed ? ")" : "");
}

/* ---- set operations ---- */

enum { set_operands_max = 300 };

struct set_operation {
    const PgQuery__SelectStmt *operands[set_operands_max];
    const char *words[set_operands_max]; /* before each */
    size_t count;
};

static const char *set_word(struct rewriter *r, const PgQuery__SelectStmt *s)
{
    switch (s->op) {
    case PG_QUERY__SET_OPERATION__SETOP_UNION:
        return s->all ? " UNION ALL " : " UNION ";
    case PG_QUERY__SET_OPERATION__SETOP_INTERSECT:
        if (s->all) {
            rewrite_unsupported(r, -1, "INTERSECT ALL");
        }
        return " INTERSECT ";
    default:
        if (s->all) {
            rewrite_unsupported(r, -1, "EXCEPT ALL");
        }
        return " EXCEPT ";
    }
}

/* SQLite's operators all bind alike, to the left: so does what we collect; anything else goes into
 * a subquery. */
static void collect(struct rewriter *r, const PgQuery__SelectStmt *s, const char *word,
                    struct set_operation *set)
{
    if (s->op != PG_QUERY__SET_OPERATION__SETOP_NONE && word[0] == '\0' && r->depth < 1000) {
        r->depth++;
        collect(r, s->larg, select_is_bare(s->larg) ? "" : " ", set);
        r->depth--;
        collect(r, s->rarg, set_word(r, s), set);
        return;
    }
    if (set->count == set_operands_max) {
        rewrite_fail(r, -1, "54001", "too many operands of UNION, INTERSECT or EXCEPT");
        return;
    }
    set->operands[set->count] = s;
    set->words[set->count++] = word;
}

static void set_operand(struct rewriter *r, const PgQuery__SelectStmt *s,
                        const struct select_wish *wish, struct relation *columns)
{
    const char *text = select_text(r, s, wish, columns);

    if (s->op != PG_QUERY__SET_OPERATION__SETOP_NONE || !select_is_bare(s)) {
        rewrite_printf(r, "SELECT * FROM (%s)", text);
    } else {
        rewrite_str(r, text);
    }
}

/* Looks at all operands for the types that their columns become. NULL: failed. */
static struct type *set_types(struct rewriter *r, const struct set_operation *set,
                              size_t *ret_count)
{
    struct select_wish look = { .keep_untyped = true };
    struct expr *items = NULL;
    struct type *types = NULL;
    size_t width = 0;

    for (size_t i = 0; i < set->count && !r->failed; i++) {
        struct relation columns = { 0 };

        (void)select_text(r, set->operands[i], &look, &columns);
        if (i == 0) {
            width = columns.count;
            items = arena_alloc(r->arena, (width * set->count + 1) * sizeof(*items));
            types = arena_alloc(r->arena, (width + 1) * sizeof(*types));
        }
        if (items == NULL || types == NULL) {
            rewrite_fail_nomem(r);
            return NULL;
        }
        if (columns.count != width && !r->failed) {
            rewrite_fail(r, -1, "42601", "each%squery must have the same number of columns",
                         set->words[i]);
            return NULL;
        }
        for (size_t c = 0; c < width && !r->failed; c++) {
            static const PgQuery__Node untyped;
            struct expr *item = &items[c * set->count + i];

            item->type = columns.columns[c].type;
            item->untyped = item->type.oid == OID_UNKNOWN ? &untyped : NULL;
        }
    }
    for (size_t c = 0; c < width && !r->failed; c++) {
        types[c] = common_type(r, &items[c * set->count], set->count, "UNION", -1);
    }
    *ret_count = width;
    return r->failed ? NULL : types;
}

void select_set(struct rewriter *r, const PgQuery__SelectStmt *s, const struct select_wish *wish,
                struct relation *columns)
{
    struct set_operation *set = arena_alloc(r->arena, sizeof(*set));
    struct select_wish inner = *wish;
    size_t count = 0;

    if (set == NULL) {
        rewrite_fail_nomem(r);
        return;
    }
    collect(r, s, "", set);
    inner.types = set_types(r, set, &count);
    inner.type_count = count;
    inner.columns = NULL;
    inner.keep_untyped = false;
    for (size_t i = 0; i < set->count && !r->failed; i++) {
        struct relation *operand = i == 0 ? columns : relation_new(r, NULL);

        rewrite_str(r, i > 0 ? set->words[i] : "");
        if (operand != NULL) {
            set_operand(r, set->operands[i], &inner, operand);
        }
        for (size_t c = 0; i == 0 && c < columns->count; c++) {
            columns->columns[c].not_null = false;
            columns->columns[c].table_oid = 0;
            columns->columns[c].attnum = 0;
        }
    }
}

/* A set operation whose columns are wanted otherwise: cast around it. */
void select_set_cast(struct rewriter *r, const PgQuery__SelectStmt *s,
                     const struct select_wish *wish, struct relation *columns)
{
    struct relation *inner = relation_new(r, NULL);
    struct target_state state = { wish, columns };
    struct buf saved = capture_begin(r);
    const char *query;

    if (inner != NULL) {
        select_set(r, s, &no_wish, inner);
        select_order(r, s->sort_clause, s->n_sort_clause, inner);
        select_limits(r, s);
    }
    query = capture_end(r, &saved);
    rewrite_str(r, "SELECT ");
    for (size_t i = 0; inner != NULL && i < inner->count && !r->failed; i++) {
        struct expr e = { .type = inner->columns[i].type, .prec = PREC_PRIMARY };

        e.text = rewrite_ident_text(r, inner->columns[i].name);
        select_add_target(r, e, inner->columns[i].name, -1, &state);
    }
    rewrite_printf(r, " FROM (%s)", query);
}
