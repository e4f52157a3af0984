/* sql/rewrite_target.c: the list of a SELECT or RETURNING: expressions with their names, and stars.
 */
#include "sql/rewrite_select.h"

#include "sql/grammar.h"

#include <stdlib.h>

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

bool select_is_star(const PgQuery__Node *node)
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

enum { target_list_max = 1664 };

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

        if (select_is_star(target->val)) {
            add_star(r, target->val->column_ref, &state);
        } else {
            bool named = target->name != NULL && target->name[0] != '\0';

            select_add_target(r, expr_of(r, target->val),
                              named ? target->name : select_label(target->val),
                              node_location(target->val), &state);
        }
    }
}
