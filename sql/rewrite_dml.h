/* sql/rewrite_dml.h: what INSERT, UPDATE and DELETE share. */
#pragma once

#include "sql/expr.h"

/* The target table; its name in scope is its alias. NULL: failed. */
struct relation *dml_table(struct rewriter *r, const PgQuery__RangeVar *table);
void dml_print_table(struct rewriter *r, const PgQuery__RangeVar *table);
/* NULL: failed with 42703 or 0A000. */
const struct relation_column *dml_column(struct rewriter *r, const struct relation *relation,
                                         const PgQuery__RangeVar *table,
                                         const PgQuery__ResTarget *target);

void dml_set_list(struct rewriter *r, const PgQuery__UpdateStmt *u, const struct relation *table);
void dml_returning(struct rewriter *r, PgQuery__Node *const *list, size_t count,
                   struct relation *table, struct relation *columns);

/* rewrite_database.c. False: it is none of pg_database. */
bool rewrite_update_database(struct rewriter *r, const PgQuery__UpdateStmt *stmt);
/* rewrite_insert.c */
void dml_insert(struct rewriter *r, const PgQuery__InsertStmt *stmt, struct relation *columns);
/* rewrite_conflict.c: its ON CONFLICT, if there is one. */
void dml_on_conflict(struct rewriter *r, const PgQuery__InsertStmt *stmt,
                     const struct relation *table);
