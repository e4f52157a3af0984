/* sql/scope.h: the names in reach of an expression: relations of FROM and their columns.
 *
 * DDL makes a relation of the table that it is about to create and pushes a scope with it, so that
 * CHECK, DEFAULT and index expressions find their columns. All memory is the rewriter's arena. */
#pragma once

#include "sql/types.h"

struct expr;
struct rewriter;
struct sql_session;

struct relation_column {
    const char *name;        /* PostgreSQL's */
    const char *sqlite_name; /* NULL: the same */
    struct type type;        /* oid 0: nobody knows */
    uint32_t table_oid;      /* 0: not a table's column */
    int16_t attnum;
    const char *text; /* an output column's expression */
    bool not_null;
    bool primary; /* of the primary key */
    bool rowid;   /* SQLite's own number, in a table that pond made: it is counted up for NULL */
    bool counts;  /* a rowid that is serial or identity */
    bool merged;  /* the right side of USING: reachable by its relation's name only */
};

struct relation {
    const char *name; /* alias or table; NULL: none (unnamed subquery) */
    struct relation_column *columns;
    size_t count;
    size_t room;
    bool qualified_only; /* its columns need its name: excluded */
    bool is_view;
    struct relation *next;
};

struct query_scope {
    struct relation *relations; /* in FROM's order */
    struct relation **tail;
    struct query_scope *outer;
    const char **merged; /* USING columns, the last join's first */
    size_t merged_count;
    const struct ungrouped *ungrouped; /* columns used outside of aggregates, the last first */
    unsigned in_aggregate;             /* arguments of aggregates are looked at */
    bool aggregates;                   /* the query has some */
    int32_t aggregate_location;
    /* functions in FROM see only the relations from here on (NULL: all): what stands left of a
     * RIGHT or FULL JOIN is not theirs */
    struct relation **lateral;
    bool unqualified; /* print columns bare: RETURNING, CHECK, index expressions */
};

/* A column used where GROUP BY must have it. */
struct ungrouped {
    const struct relation *relation;
    const struct relation_column *column;
    int32_t location;
    const struct ungrouped *next;
};

/* A WITH query in reach. */
struct cte {
    const char *name;
    struct relation *relation; /* NULL while its own first part is looked at */
    struct cte *next;
};

void scope_push(struct rewriter *r, struct query_scope *scope);
void scope_pop(struct rewriter *r);
void scope_add(struct query_scope *scope, struct relation *relation);

struct relation *relation_new(struct rewriter *r, const char *name);
/* The new column, zeroed but for name and type; NULL: no memory (failed). */
struct relation_column *relation_add(struct rewriter *r, struct relation *relation,
                                     const char *name, struct type type);
struct relation_column *relation_find(const struct relation *relation, const char *name);
/* A copy under another name; columns may be changed. */
struct relation *relation_copy(struct rewriter *r, const struct relation *relation,
                               const char *name);

/* A table's or view's columns as a new relation of the arena; NULL: no such table (nothing is
 * failed), or failed. */
struct relation *scope_table(struct rewriter *r, const char *table);

/* A column reference. Fails with 42703, 42702, 42P01. */
struct expr scope_column(struct rewriter *r, const PgQuery__ColumnRef *ref);

/* Is it GENERATED ALWAYS AS (...)? */
bool scope_generated(struct rewriter *r, const char *table, const char *column);

/* A column's DEFAULT as SQLite text ("NULL" when it has none); NULL: failed. SQLite takes this text
 * as "count by yourself". */
#define scope_next_rowid "(NULL)"
const char *scope_default(struct rewriter *r, const char *table,
                          const struct relation_column *column);

/* The call that fails with 23502 when the value is NULL: SQLite does not see that for a rowid. */
const char *scope_not_null(struct rewriter *r, const char *table,
                           const struct relation_column *column, const char *value);

/* PostgreSQL's oid for a table: by its name, the same in all sessions. */
uint32_t table_oid_of_name(const char *table);
