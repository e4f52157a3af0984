/* sql/scope.h: the names in reach of an expression: relations of FROM and their columns.
 *
 * DDL makes a relation of the table that it is about to create and pushes a scope with it, so that
 * CHECK, DEFAULT and index expressions find their columns. All memory is the rewriter's arena. */
#pragma once

#include "sql/types.h"

struct rewriter;
struct sql_session;

struct relation_column {
    const char *name;
    struct type type;
    uint32_t table_oid; /* 0: not a table's column */
    int16_t attnum;
    bool merged; /* the right side of USING: reachable by its relation's name only */
};

struct relation {
    const char *name; /* alias or table; NULL: none (unnamed subquery) */
    struct relation_column *columns;
    size_t count;
    bool hidden_columns; /* rowid and the like may exist: an unknown name is SQLite's to judge */
    struct relation *next;
};

struct query_scope {
    struct relation *relations; /* in FROM's order */
    struct query_scope *outer;
};

void scope_push(struct rewriter *r, struct query_scope *scope);
void scope_pop(struct rewriter *r);
void scope_add(struct query_scope *scope, struct relation *relation);

/* A table's or view's columns as a new relation of the arena; NULL: no such table (nothing is
 * failed), or failed. */
struct relation *scope_table(struct rewriter *r, const char *table);

/* PostgreSQL's oid for a table: by its name, the same in all sessions. */
uint32_t table_oid_of_name(const char *table);
