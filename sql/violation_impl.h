/* sql/violation_impl.h: what the files of violation.h share. Private to sql/violation*.c. */
#pragma once

#include "base/buf.h"
#include "sql/arena.h"
#include "sql/dml_text.h"
#include "sql/types.h"
#include "sql/violation.h"

struct violated_column {
    const char *name;
    struct type type;
    const char *fallback; /* its DEFAULT as SQLite text; NULL: none */
    bool primary;
    bool rowid;     /* SQLite's own number: counted up when there is no value */
    bool generated; /* GENERATED ALWAYS AS (...): `fallback` is that expression; NULL: unknown */
};

struct violation {
    struct sql_session *sql;
    const struct cell *params;
    size_t param_count;
    struct arena arena; /* of all below */
    struct dml_text dml;
    bool standing;         /* it stands for rows that are there, as if all were written once more */
    const char *table_sql; /* CREATE TABLE ... */
    struct violated_column *columns;
    size_t count;
    bool counts;   /* AUTOINCREMENT: a number is never given twice */
    bool collates; /* a column has a collation: texts that differ may be one key */
};

/* A constraint's columns, or calls of lower() and upper() with them. */
enum { violation_key_columns = 32 };
struct violated_key {
    const struct violated_column *columns[violation_key_columns];
    const char *calls[violation_key_columns]; /* SQLite's name; NULL: the column itself */
    size_t count;
    struct view where; /* of a partial index: what stands behind WHERE */
};

/* ---- questions (violation_table.c); all may await; 0, CURSOR_END or FAILED ---- */

typedef int violation_row_fn(struct violation *v, const struct cell *cells, void *arg);
/* Calls fn for the rows, as long as it says 0; what it said last. */
must_check int violation_ask(struct violation *v, struct view text, const struct cell *params,
                             size_t param_count, violation_row_fn *fn, void *arg);
/* A cell's text in the arena; "" for NULL or no memory. */
const char *violation_text(struct violation *v, const struct cell *cell);
must_check int violation_load_table(struct violation *v, const char *table);
const struct violated_column *violation_column(const struct violation *v, const char *name);

/* ---- keys (violation_find.c); the same ---- */

/* The next name of "a, b"; false at the end. */
bool violation_next_name(const char **names, char name[table_name_bytes]);
/* The columns of "a, b", or false: one is not known, or there are too many. */
bool violation_key_of(const struct violation *v, const char *names, struct violated_key *ret_key);
/* "a", lower("b") DESC: an index's columns. False: another expression. */
bool violation_key_read(struct violation *v, struct view list, struct violated_key *key);
/* CREATE UNIQUE INDEX i ON t (list) [WHERE where]: what stands behind ON. False: it is none. */
bool violation_index_parts(struct view text, struct view *ret_list, struct view *ret_where);
/* The unique constraint or index of that name. */
must_check int violation_find_key(struct violation *v, const char *name,
                                  struct violated_key *ret_key);
/* Calls fn with the names of those that are older, the oldest first; as long as it says true. */
must_check int violation_each_older(struct violation *v, const char *name,
                                    bool (*fn)(struct violation *v, const char *older, void *arg),
                                    void *arg);
/* Adds columns: another key's, or those that a text mentions. False: there are too many. */
bool violation_key_join(struct violated_key *key, const struct violated_key *other);
bool violation_key_mentioned(const struct violation *v, struct view text, struct violated_key *key);

/* ---- texts of questions (violation_query.c) ---- */

/* Once something has failed (r) nothing more is put. */
struct violation_query {
    struct buf text; /* buf_finish; violation_run does */
    int r;
};
void violation_put(struct violation_query *q, const char *text);
void violation_put_view(struct violation_query *q, struct view text);
/* "name", with the prefix inside of the quotes. */
void violation_put_name(struct violation_query *q, const char *prefix, const char *name);
/* Part i of the key: a."x" or lower(a."x"), with `a` "a." or "". */
void violation_put_part(struct violation_query *q, const struct violated_key *key, size_t i,
                        const char *a);
/* All of them, with something behind each. */
void violation_put_parts(struct violation_query *q, const struct violated_key *key, const char *a,
                         const char *behind, const char *between);
/* a."x" = b."x" AND ... */
void violation_put_equal(struct violation_query *q, const struct violated_key *key, const char *a,
                         const char *b);
/* Asks it with the statement's parameters, as violation_ask(); q->r if that is not 0. */
must_check int violation_run(struct violation *v, struct violation_query *q, violation_row_fn *fn,
                             void *arg);
/* The text goes into v's arena. 0 or q->r, as it is then. */
must_check int violation_keep(struct violation *v, struct violation_query *q,
                              struct view *ret_text);

/* ---- the rows (violation_rows.c) ---- */

#define violation_rows  "\"pond new\""
#define violation_at    "\"pond at\""    /* INSERT: their number, if it is wanted */
#define violation_rowid "\"pond rowid\"" /* UPDATE and DELETE */
#define violation_old   "pond old "      /* before a column's name: its value before */

/* Which columns of the rows are wanted: all, or a key's; new values, old ones or both. */
struct violation_wish {
    const struct violated_key *key; /* NULL: all */
    bool is_new;
    bool is_old;      /* UPDATE and DELETE */
    bool numbered;    /* INSERT: in their order; else they come as far as they are asked for */
    const char *name; /* of the rows, quoted; NULL: violation_rows */
};
/* WITH ... "pond new" AS (...). q->r is FAILED when they are not to be known. */
void violation_put_rows(struct violation *v, const struct violation_wish *wish,
                        struct violation_query *q);

/* ---- ON CONFLICT (violation_conflict.c) ---- */

/* The columns in ON CONFLICT (...). False: there are none, or expressions. */
bool violation_conflict_target(const struct violation *v, struct violated_key *ret_key);
/* Does DO UPDATE SET, if there is one, leave the key alone (or give it the row's own values)? */
bool violation_conflict_leaves(const struct violation *v, const struct violated_key *key,
                               bool or_as_given);
/* AND NOT EXISTS ...: the row n meets none of the target's key, so it was inserted. */
void violation_put_not_taken(const struct violation *v, const struct violated_key *target,
                             struct violation_query *q);
/* What became of the one row of an INSERT: v->dml is a plain INSERT then, or an UPDATE. 0, else it
 * is not known. May await. */
must_check int violation_conflict_settle(struct violation *v);

/* ---- telling (violation_print.c); 0 or -ENOMEM ---- */

/* DETAIL: Key (a, b)=(1, x) `end`. */
must_check int violation_tell_key(struct violation *v, const struct violated_key *key, bool quoted,
                                  const struct cell *cells, const char *end,
                                  struct failure *failure);
/* DETAIL: Failing row contains (1, null, x). */
must_check int violation_tell_row(struct violation *v, const struct cell *cells,
                                  struct failure *failure);

/* ---- foreign keys (violation_foreign.c, violation_cascade.c) ---- */

struct reference {
    const char *child;
    const char *parent;
    const char *columns; /* of the child: "a, b" */
    const char *targets; /* of the parent; "": its primary key (violation_targets) */
    const char *on_delete;
    const char *on_update;
    bool deferred; /* perhaps: the word stands in its table's text */
    struct reference *next;
};

struct references {
    struct reference *first;
    struct reference **tail;
};

struct reference_answer {
    const struct reference *reference;
    const struct violated_key *key;
    bool of_child;
    struct failure *failure;
    bool told;
};

/* Those of the statement's table, or those that refer to it. */
must_check int violation_references(struct violation *v, bool of_child, struct references *ret_all);
/* REFERENCES t without columns: looks them up. False: there are none. */
bool violation_targets(struct violation *v, struct reference *reference);
/* Is one of the rows that go still referred to? `to`: all that refer to the statement's table. */
must_check int violation_parents(struct violation *v, const struct references *to,
                                 struct reference_answer *answer);
/* Or one that goes with them, ON DELETE CASCADE? */
must_check int violation_cascades(struct violation *v, const struct references *to,
                                  struct reference_answer *answer);

/* ---- the kinds (violation_key.c, violation_foreign.c); as violation_ask() ---- */

must_check int violation_unique(struct violation *v, struct failure *failure);
must_check int violation_foreign(struct violation *v, struct failure *failure);
