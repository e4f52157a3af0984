/* sql/expr.h: one expression, analysed: its type and its SQLite text. Between the files of the
 * rewriter.
 *
 * As in PostgreSQL's parse analysis, an untyped literal or parameter stays untyped until an
 * operator, a function, a cast or an assignment around it says what it is. Texts live in the
 * rewriter's arena. */
#pragma once

#include "sql/rewrite.h"

#include <stdarg.h>

/* SQLite's operators, weakest first: tells where parentheses are needed (its parser's stack is only
 * 100 deep). */
enum expr_prec {
    PREC_OR = 1,
    PREC_AND,
    PREC_NOT,
    PREC_EQUAL, /* = <> IS IN LIKE BETWEEN */
    PREC_COMPARE,
    PREC_BITS,
    PREC_SUM,
    PREC_PRODUCT,
    PREC_CONCAT,
    PREC_COLLATE,
    PREC_UNARY,
    PREC_PRIMARY,
};

struct expr {
    struct type type;
    const char *text; /* never NULL */
    enum expr_prec prec;
    bool overflows;               /* integer arithmetic: the value may be outside its type */
    bool inexact;                 /* numeric arithmetic: doubles, not rounded to 15 digits yet */
    bool not_null;                /* a NOT NULL column */
    const PgQuery__Node *untyped; /* the literal or parameter; NULL: `type` is final */
    uint32_t table_oid;           /* a plain column's table and number; 0: none */
    int16_t attnum;
};

struct expr expr_of(struct rewriter *r, const PgQuery__Node *node);

/* Types what is untyped: `want`, or text when that is not known. */
struct expr expr_resolve(struct rewriter *r, struct expr e, struct type want);
struct expr expr_typed(struct rewriter *r, const PgQuery__Node *node, struct type want);

struct expr expr_none(void); /* after a failure */
struct expr expr_make(struct rewriter *r, struct type type, enum expr_prec prec, const char *format,
                      ...) printf_like(4, 5);

/* Its text, in parentheses when it binds weaker than `prec`. */
const char *expr_in(struct rewriter *r, const struct expr *e, enum expr_prec prec);

/* Text in the arena; "" when there was no memory. */
const char *rewrite_text(struct rewriter *r, const char *format, ...) printf_like(2, 3);
const char *rewrite_vtext(struct rewriter *r, const char *format, va_list args);

/* As it is assigned to a column of that type; fails with 42804. */
struct expr expr_assigned(struct rewriter *r, const PgQuery__Node *node, struct type column,
                          const char *column_name);
/* The same for an expression at hand. */
struct expr expr_assign(struct rewriter *r, struct expr e, struct type column,
                        const char *column_name, int32_t location);
/* As a boolean; fails with 42804 "argument of CLAUSE must be type boolean". */
struct expr expr_condition(struct rewriter *r, const PgQuery__Node *node, const char *clause);

/* A value for a rowid: fails with 23502 when it is NULL, where SQLite would count it up. */
struct expr expr_not_null(struct rewriter *r, struct expr e, const char *table,
                          const struct relation_column *rowid);

/* So many more terms of AND and OR; false: failed with 54001, as SQLite's planner would take too
 * long. */
bool expr_count_terms(struct rewriter *r, size_t count, int32_t location);

/* "a OR b OR ..." as a balanced tree: SQLite counts depth, and clients write long ones. */
const char *expr_balanced(struct rewriter *r, const char *const *parts, size_t count,
                          const char *op);

/* PostgreSQL's limit, before all of a longer list is looked at. False: failed with 54011. */
bool target_list_fits(struct rewriter *r, size_t count);

/* The pattern with %1 and %2 replaced. */
const char *rewrite_fill(struct rewriter *r, const char *pattern, const char *first,
                         const char *second);

/* Between these two what is printed becomes a text of the arena instead. */
struct buf capture_begin(struct rewriter *r);
const char *capture_end(struct rewriter *r, struct buf *saved);

int32_t node_location(const PgQuery__Node *node); /* -1: unknown */

/* ---- casts (rewrite_cast.c) ---- */
enum cast_kind { CAST_IMPLICIT, CAST_ASSIGNMENT, CAST_EXPLICIT };

/* 42804 or 42846 when PostgreSQL has no such cast. */
struct expr expr_cast(struct rewriter *r, struct expr e, struct type to, enum cast_kind kind,
                      int32_t location);
/* Wraps integer arithmetic so that a value outside its type fails with 22003 instead of getting
 * out. */
struct expr expr_checked(struct rewriter *r, struct expr e);
/* The type that all of these become in CASE, UNION ...; 42804 with `context` when there is none. */
struct type common_type(struct rewriter *r, const struct expr *items, size_t count,
                        const char *context, int32_t location);
const char *type_text(struct rewriter *r, struct type type); /* for messages */
bool cast_is_implicit(uint32_t from, uint32_t to);           /* where a function wants it */

/* ---- operators and calls (rewrite_op.c, rewrite_func.c, rewrite_sublink.c) ---- */
struct expr expr_operator(struct rewriter *r, const PgQuery__AExpr *node);
struct expr expr_compare(struct rewriter *r, const char *op, struct expr left, struct expr right,
                         int32_t location);
struct expr expr_call(struct rewriter *r, const PgQuery__FuncCall *call);
struct expr expr_value_function(struct rewriter *r, const PgQuery__SQLValueFunction *function);
struct expr expr_sublink(struct rewriter *r, const PgQuery__SubLink *sublink);

/* The arguments of a call and their oids (OID_UNKNOWN: untyped); NULL: failed. */
struct expr *call_args(struct rewriter *r, const PgQuery__FuncCall *call, uint32_t **ret_oids);
/* 42883 and 42725, as PostgreSQL words them. */
void call_fail_unknown(struct rewriter *r, const char *name, const struct expr *args, size_t count,
                       int32_t location);
void call_fail_ambiguous(struct rewriter *r, const char *name, const struct expr *args,
                         size_t count, int32_t location);
bool call_schema_is_known(struct rewriter *r, const PgQuery__FuncCall *call); /* else failed */
const char *value_function_name(const PgQuery__SQLValueFunction *function);   /* "current_date" */
/* rewrite_window.c: "(PARTITION BY ... ORDER BY ... ROWS ...)" */
const char *window_text(struct rewriter *r, const PgQuery__WindowDef *window);

/* ---- GROUP BY (rewrite_group.c) ---- */

/* The texts of a query's GROUP BY: an expression that is one of them needs no columns of its own.
 */
struct group_list {
    const char **texts;
    size_t count;
};

/* Is this expression grouped? Then the columns noted since `before` are. */
void group_settle(struct rewriter *r, const struct expr *e, const struct ungrouped *before);
/* At the end of a query with aggregates or GROUP BY: 42803 for a column that is neither. */
void group_check(struct rewriter *r, const struct group_list *groups);

/* ---- SELECT (rewrite_select.c; its clauses: rewrite_with.c, rewrite_target.c, rewrite_from.c,
 * rewrite_group.c, rewrite_order.c) ---- */

/* What a query is wanted for; NULL or zeroed: for its own sake. */
struct select_wish {
    const char *const *names; /* what its columns are called instead */
    size_t name_count;
    const struct type *types; /* what its columns are cast to */
    size_t type_count;
    const char *const
        *columns; /* they are assigned to these: assignment casts; NULL: implicit ones */
    const struct relation_column *const *rowids; /* as long as types; of whom NULL must fail */
    const char *table;                           /* theirs */
    bool keep_untyped; /* leave untyped literals untyped (only to look at) */
};

/* A query with its columns. */
const char *select_text(struct rewriter *r, const PgQuery__SelectStmt *select,
                        const struct select_wish *wish, struct relation *ret_relation);
/* Prints "WITH ... " and puts its queries in reach. */
void select_with(struct rewriter *r, const PgQuery__WithClause *with);
/* Prints a target list; adds its columns to the relation. */
void select_targets(struct rewriter *r, PgQuery__Node *const *targets, size_t count,
                    const struct select_wish *wish, struct relation *relation);
/* Prints "ORDER BY ..." after a blank, when there is one. `output`: the columns that positions and
 * names mean. */
void select_order(struct rewriter *r, PgQuery__Node *const *items, size_t count,
                  const struct relation *output);
const char *select_label(const PgQuery__Node *node); /* the column name PostgreSQL would choose */

/* Prints FROM items and adds their relations to the innermost scope. */
void from_items(struct rewriter *r, PgQuery__Node *const *items, size_t count);
/* A table or WITH query under its alias; NULL: failed. */
struct relation *from_table(struct rewriter *r, const PgQuery__RangeVar *table);
/* rewrite_system.c: prints a relation of pg_catalog as a subquery; NULL: it is none of pond's, or
 * failed. */
struct relation *from_system(struct rewriter *r, const PgQuery__RangeVar *table);
/* AS t(a, b): other names for the first columns; 42P10 when there are not so many. */
void from_rename(struct rewriter *r, struct relation *relation, const PgQuery__Alias *alias);
/* The columns of * in PostgreSQL's order: those of USING first. */
void from_star(struct rewriter *r,
               void (*each)(struct rewriter *r, const struct relation *relation,
                            const struct relation_column *column, void *arg),
               void *arg);

/* ---- generate_series (rewrite_series.c) ---- */

#define series_name "generate_series"
bool series_is_call(const PgQuery__Node *node);
/* Prints it as an item of FROM; NULL: failed. */
struct relation *from_series(struct rewriter *r, const PgQuery__RangeFunction *f,
                             const PgQuery__FuncCall *call);
/* Elsewhere than in FROM: 0A000, with a hint. */
void series_refuse(struct rewriter *r, const PgQuery__FuncCall *call);
