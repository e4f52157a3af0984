/* sql/rewrite.h: prints a PostgreSQL tree as SQLite text and finds the types on the way.
 *
 * Sticky: after the first failure everything is a no-op and `failed` says so. Nothing here awaits;
 * runs on the loop's big stack. Literals are converted to their storage form here
 * (protocol/value.h). */
#pragma once

#include "base/buf.h"
#include "base/failure.h"
#include "sql/arena.h"
#include "sql/scope.h"
#include "sql/types.h"

struct sql_session;

struct rewriter {
    struct sql_session *sql;
    struct arena *arena; /* of all that it makes */
    struct buf out;      /* SQLite's text so far */
    struct view text;    /* the client's statement, for positions */
    struct failure *failure;
    bool failed;
    struct query_scope *scope; /* the innermost query's names */
    struct cte *ctes;          /* WITH queries in reach */
    struct type *params;       /* $1... as far as known */
    size_t param_count;
    size_t param_room;
    size_t literal_count; /* the first so many parameters were literals of the client's text */
    bool no_params;       /* DDL and COPY: there are none */
    unsigned cursor_flags;
    bool uses_functions; /* of pond's own */
    bool alone;          /* calls one that is FUNCTION_ALONE */
    bool counts;         /* its one row is the number of rows changed */
    unsigned depth;
    size_t bool_terms; /* of AND and OR, in all of the statement */
    bool order_texts;  /* ORDER BY prints expressions, not positions: inside OVER () */
    const struct group_list *groups; /* GROUP BY of the query whose expressions are looked at */
};

void rewriter_init(struct rewriter *r, struct sql_session *sql, struct arena *arena,
                   struct view text, struct failure *failure);
void rewriter_finish(struct rewriter *r);
/* What Parse said of $1...; 0: nothing. */
void rewrite_set_params(struct rewriter *r, const uint32_t *oids, size_t count);

/* ---- printing ---- */
void rewrite_str(struct rewriter *r, const char *s);
void rewrite_printf(struct rewriter *r, const char *format, ...) printf_like(2, 3);
void rewrite_ident(struct rewriter *r, const char *name);           /* "name", quoted always */
void rewrite_quoted(struct rewriter *r, const char *s, size_t len); /* 'it''s' */
const char *rewrite_quoted_text(struct rewriter *r, const char *s, size_t len);
const char *rewrite_ident_text(struct rewriter *r,
                               const char *name); /* the same as text of the arena */
/* May a table be named with it? "" is fine. */
bool rewrite_knows_schema(const char *schema);
void rewrite_table(struct rewriter *r,
                   const PgQuery__RangeVar *table); /* schema checked and dropped: 3F000, 42P01 */

/* Fails at a tree location (byte offset; -1: none) with SQLSTATE. */
void rewrite_fail(struct rewriter *r, int32_t location, const char *sqlstate, const char *format,
                  ...) printf_like(4, 5);
void rewrite_fail_nomem(struct rewriter *r);
/* 0A000 "WHAT is not supported by pond yet". */
void rewrite_unsupported(struct rewriter *r, int32_t location, const char *what);

/* ---- expressions ---- */

/* Prints an expression. `want` types an untyped literal or parameter (TYPE_NONE: text). Gives its
 * type. */
struct type rewrite_expr(struct rewriter *r, const PgQuery__Node *node, struct type want);

/* Prints an expression as it is assigned to a column of that type: assignment casts, typmod, 42804.
 */
void rewrite_assigned(struct rewriter *r, const PgQuery__Node *node, struct type column,
                      const char *column_name);

/* Prints a condition: 42804 when it is not boolean. `clause` is for the message: "WHERE", "CHECK".
 */
void rewrite_condition(struct rewriter *r, const PgQuery__Node *node, const char *clause);

/* ---- statements ---- */

/* SELECT, VALUES, TABLE and, inside WITH, nothing else. Its result columns are ret_relation's. */
void rewrite_select(struct rewriter *r, const PgQuery__SelectStmt *select,
                    struct relation *ret_relation);
/* The same for CREATE VIEW: with a note of the columns' types, which SQLite would not keep. */
#define view_types_mark "/* pond "
void rewrite_view_body(struct rewriter *r, const PgQuery__SelectStmt *select,
                       struct relation *ret_relation);
/* SELECT, INSERT, UPDATE, DELETE as a whole statement. */
void rewrite_statement(struct rewriter *r, const PgQuery__Node *node,
                       struct relation *ret_relation);
