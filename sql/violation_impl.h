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
    bool rowid;           /* SQLite's own number: counted up when there is no value */
    bool generated;    /* GENERATED ALWAYS AS (...): `fallback` is that expression; NULL: unknown */
    const char *value; /* what the statement gives it, as SQLite text; NULL: nothing */
    bool wanted;       /* by the question that is put together (violation_want) */
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
    bool counts; /* AUTOINCREMENT: a number is never given twice */
    bool hides;  /* SET (a, b) = (...): who else has a value, and which, is not known */
    struct reference *references; /* violation_foreign() */
    bool defers;                  /* one of them, perhaps: INITIALLY DEFERRED */
    unsigned depth;               /* below so many cascades of the statement */
    unsigned cascades;            /* of the statement: looked at so far, all in all */
    int r; /* why the question that is put together cannot be asked; 0: it can */
};

/* A constraint's columns, or calls of lower() and upper() with them. */
enum { violation_key_columns = 32 };
struct violated_key {
    struct violated_column *columns[violation_key_columns];
    const char *calls[violation_key_columns]; /* SQLite's name; NULL: the column itself */
    size_t count;
    const char *where; /* of a partial index: WHERE ...; else "" */
};

/* ---- questions (violation_table.c); all may await; 0, CURSOR_END or FAILED ---- */

typedef int violation_row_fn(struct violation *v, const struct cell *cells, void *arg);
/* What both schemas have, the session's own first. */
#define violation_schema                                                                           \
    "(SELECT 1 AS place, rowid AS number, * FROM sqlite_temp_schema UNION ALL SELECT 2, rowid, * " \
    "FROM sqlite_schema)"

/* Asks with the statement's parameters, and calls fn for the rows as long as it says 0; what it
 * said last. v->r if that is not 0, which is over with this. */
must_check int violation_ask(struct violation *v, const char *question, violation_row_fn *fn,
                             void *arg);
/* The same with one text as ?1. */
must_check int violation_ask_schema(struct violation *v, const char *question, const char *param,
                                    violation_row_fn *fn, void *arg);
/* It has been answered: there is no row. */
bool violation_has_none(struct violation *v, const char *question, const char *param);
/* A cell's text in the arena; "" for NULL. */
const char *violation_text(struct violation *v, const struct cell *cell);
/* v is about an UPDATE or DELETE of all rows. */
void violation_stand_for(struct violation *v, enum dml_verb verb, const char *table);
/* The columns of the statement's table. */
must_check int violation_load_table(struct violation *v);
void violation_finish(struct violation *v);
struct violated_column *violation_column(const struct violation *v, const char *name);

/* ---- keys (violation_find.c); the same ---- */

/* The next name of "a, b"; false at the end. */
bool violation_next_name(const char **names, char name[table_name_bytes]);
/* The columns of "a, b", or false: one is not known, or there are too many. */
bool violation_key_of(const struct violation *v, const char *names, struct violated_key *ret_key);
/* "a", lower("b") DESC: an index's columns. False: another expression. */
bool violation_key_read(struct violation *v, struct view list, struct violated_key *ret_key);
/* CREATE UNIQUE INDEX i ON t (list) [WHERE where]: what stands behind ON. False: another one. */
bool violation_key_read_index(struct violation *v, struct view text, struct violated_key *ret_key);
/* Calls fn for the table's unique constraints and indexes, the oldest first, as long as it says
 * true. key: NULL when it cannot be read. */
typedef bool violated_key_fn(struct violation *v, const char *name, const struct violated_key *key,
                             void *arg);
must_check int violation_each_key(struct violation *v, violated_key_fn *fn, void *arg);

/* ---- texts of questions (violation_query.c), in the arena; "" once v->r is not 0 ---- */

const char *violation_print(struct violation *v, const char *format, ...) printf_like(2, 3);
/* Sets v->r: FAILED, it cannot be known, or -errno. */
const char *violation_give_up(struct violation *v, int r);
const char *violation_copy(struct violation *v, struct view text);
/* "name" and 'text'. */
const char *violation_name(struct violation *v, const char *name);
const char *violation_string(struct violation *v, const char *text);
/* The key's parts, a."x" or lower(a."x") with `of` "a." or "", and something behind each. */
const char *violation_parts(struct violation *v, const struct violated_key *key, const char *of,
                            const char *behind, const char *between);
/* (a."x", a."y"): what can be compared with others. */
const char *violation_tuple(struct violation *v, const struct violated_key *key, const char *of);
const char *violation_tuple_of(struct violation *v, const char *names, const char *of);

/* ---- the rows (violation_rows.c) ---- */

#define violation_new "\"pond new\""
#define violation_old "\"pond old\""
#define violation_id  "\"pond id\"" /* INSERT: their number; UPDATE and DELETE: the rowid */

enum violation_rows {
    VIOLATION_NEW,      /* as they would be; of an INSERT without numbers, as they are asked for */
    VIOLATION_IN_ORDER, /* the same with their numbers */
    VIOLATION_OLD,      /* UPDATE and DELETE: as they are */
};

/* Only these columns of the rows are wanted: the others may have values that cannot be known. */
void violation_want(struct violation *v, const struct violated_key *key);
void violation_want_all(struct violation *v);
/* And these. */
void violation_want_more(const struct violated_key *key);
void violation_want_mentioned(struct violation *v, struct view text);
/* The next column that the text mentions, which is cut off as far; NULL: no other one. */
struct violated_column *violation_next_mentioned(const struct violation *v, struct view *text);
/* What the statement gives to its columns. */
void violation_read_values(struct violation *v);
/* "name" AS (...): the wanted columns, and violation_id. */
const char *violation_rows(struct violation *v, const char *name, enum violation_rows which);
/* WITH rows, behind what the statement itself has there. */
const char *violation_with(struct violation *v, const char *rows);

/* ---- ON CONFLICT (violation_conflict.c) ---- */

/* The columns in ON CONFLICT (...). False: there are none, or it is not known which. */
bool violation_conflict_target(struct violation *v, struct violated_key *ret_key);
/* Does DO UPDATE SET, if there is one, leave the column alone (or give it the row's own value)? */
bool violation_conflict_leaves(const struct violation *v, const struct violated_column *column,
                               bool or_as_given);
/* EXISTS (...): a row of the table has the key of the row `of`. */
const char *violation_is_taken(struct violation *v, const struct violated_key *key, const char *of);
/* AND NOT EXISTS ...: the row n meets none of the target's key, so it was inserted. */
const char *violation_is_inserted(struct violation *v, const struct violated_key *target);
/* What became of the one row of an INSERT: v->dml is a plain INSERT then, or an UPDATE. 0, else it
 * is not known. May await. */
must_check int violation_conflict_settle(struct violation *v);

/* ---- telling (violation_print.c) ---- */

/* Asks for one row of the key: Key (a, b)=(1, x); NULL: there is none, or several. As
 * violation_ask(). */
must_check int violation_ask_key(struct violation *v, const char *question,
                                 const struct violated_key *key, bool quoted,
                                 const char **ret_told);
/* For a row of the table: DETAIL: Failing row contains (1, null, x). */
must_check int violation_ask_row(struct violation *v, const char *question,
                                 struct failure *failure);

/* ---- foreign keys (violation_foreign.c, violation_cascade.c) ---- */

/* Of the statement's table, or to it, or both. */
struct reference {
    const char *child;
    const char *parent;
    const char *columns; /* of the child: "a, b" */
    const char *targets; /* of the parent */
    const char *on_delete;
    const char *on_update;
    struct reference *next;
};

/* Looks at the rows that go ON DELETE CASCADE with those of v; as violation_foreign(). */
must_check int violation_look_below(struct violation *v, const struct reference *ref,
                                    struct failure *failure);

/* ---- the kinds (violation_key.c, violation_foreign.c); as violation_ask() ---- */

must_check int violation_unique(struct violation *v, struct failure *failure);
must_check int violation_foreign(struct violation *v, struct failure *failure);
