/* sql/rewrite_order.c: ORDER BY, LIMIT and OFFSET. PostgreSQL has NULLs behind all values, SQLite
 * before them. */
#include "sql/rewrite_select.h"

#include "sql/grammar.h"

/* ---- ORDER BY ---- */

size_t select_output_position(struct rewriter *r, const PgQuery__Node *node,
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
    size_t position = select_output_position(r, sort->node, output, "ORDER BY");
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

/* ---- LIMIT ---- */

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
