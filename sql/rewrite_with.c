/* sql/rewrite_with.c: WITH: its queries are rewritten one after the other, and each sees those
 * before it; with RECURSIVE, itself. */
#include "sql/rewrite_select.h"

#include "pool/guard.h"
#include "sql/grammar.h"

enum { ctes_max = guard_nesting };

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
