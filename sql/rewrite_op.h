/* sql/rewrite_op.h: what the files of operators share. */
#pragma once

#include "sql/expr.h"

/* 42883 "operator does not exist: integer = text". */
struct expr op_missing(struct rewriter *r, const char *op, struct expr left, struct expr right,
                       int32_t location);

/* An untyped side becomes what the other side is. */
void op_settle(struct rewriter *r, struct expr *left, struct expr *right);

/* Brings two typed sides to what can be compared; false: PostgreSQL has no such operator. */
bool op_comparable(struct rewriter *r, struct expr *left, struct expr *right);

/* The type that an untyped partner takes: without typmod, but for bpchar, whose padding counts. */
struct type op_bare_type(struct type type);
bool op_is_instant(uint32_t oid); /* date, timestamp, timestamptz */

/* What is compared in an interval's place; a numeric sum without its binary dust. */
struct expr op_key(struct rewriter *r, struct expr e);
struct expr op_exact(struct rewriter *r, struct expr e);

const PgQuery__RowExpr *op_row(const PgQuery__Node *node); /* NULL: not a row */
struct expr op_compare_rows(struct rewriter *r, const char *op, const PgQuery__RowExpr *left,
                            const PgQuery__RowExpr *right);

/* "left op right", with the brackets that it needs. */
struct expr op_infix(struct rewriter *r, struct type type, enum expr_prec prec, const char *op,
                     struct expr left, struct expr right);

/* An operator of the table: both sides are looked at. */
typedef struct expr op_print_fn(struct rewriter *r, const PgQuery__AExpr *node, const char *op,
                                struct expr left, struct expr right);

/* rewrite_number.c */
op_print_fn op_arithmetic, op_bits, op_power;
struct expr op_unary(struct rewriter *r, const PgQuery__AExpr *node, const char *op);

/* rewrite_pattern.c */
op_print_fn op_concat, op_regex, op_json;
struct expr op_like(struct rewriter *r, const PgQuery__AExpr *node, const char *op);

/* rewrite_date.c: false when neither side is a date, time or interval, or there is no such
 * operator. */
bool op_dates(struct rewriter *r, char op, struct expr left, struct expr right,
              struct expr *ret_expr);

/* rewrite_in.c */
struct expr op_between(struct rewriter *r, const PgQuery__AExpr *node);
struct expr op_in(struct rewriter *r, const PgQuery__AExpr *node);
struct expr op_any(struct rewriter *r, const PgQuery__AExpr *node);
