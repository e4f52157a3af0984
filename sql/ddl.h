/* sql/ddl.h: what the statements that change the schema share.
 *
 * The schema is SQLite's own; pond writes the text of its tables in one form (ddl_create.c) and
 * later changes it by editing that text (ddl_text.c), since SQLite has no ALTER TABLE ... ADD
 * CONSTRAINT. All functions that run SQL may await. */
#pragma once

#include "sql/rewrite.h"
#include "sql/verb_support.h"

enum { ddl_name_bytes = 64 }; /* PostgreSQL's NAMEDATALEN */

/* (ddl_plan of verb_support.h keeps the statement's text, for positions in errors.)
 * Every DDL verb first: an implicit transaction, so that its several steps are one. */
must_check int ddl_begin(struct sql_session *sql, struct failure *ret_failure);

/* What a name is: "table", "view", "index", "sequence"; NULL: nothing. Static. */
must_check int ddl_kind(struct sql_session *sql, const char *name, const char **ret_kind,
                        struct failure *ret_failure);
/* For ALTER [IF EXISTS]: none is 42P01, or a notice and NULL. */
must_check int ddl_kind_to_alter(struct sql_session *sql, const char *name, bool missing_ok,
                                 const char **ret_kind, struct failure *ret_failure);

/* CREATE's check of the name: 42P07, or a notice and *ret_skip with IF NOT EXISTS; 0A000 for other
 * schemas. */
must_check int ddl_check_new(struct sql_session *sql, const PgQuery__RangeVar *name,
                             bool if_not_exists, bool *ret_skip, struct failure *ret_failure);
must_check int ddl_check_schema(const char *schema, struct failure *ret_failure);

/* "t_a_b_idx" cut as PostgreSQL cuts: the longer of the first two parts gives way. `part` may be
 * NULL. */
void ddl_object_name(char out[ddl_name_bytes], const char *table, const char *part,
                     const char *label, unsigned number);

/* Runs fn on the loop's big stack, where the rewriter belongs. fn may not await. */
struct ddl_job {
    struct rewriter rewriter;
    struct arena arena;
    void (*fn)(struct ddl_job *job);
    const void *stmt;
    struct failure *failure;
    void *arg;
};
/* Makes job->rewriter.out; 0 or FAILED. ddl_job_finish() afterwards in both cases. */
must_check int ddl_job_run(struct ddl_job *job, struct portal *portal,
                           void (*fn)(struct ddl_job *job), const void *stmt,
                           struct failure *ret_failure);
void ddl_job_finish(struct ddl_job *job);

/* The columns that an expression names (column references without a table), each once. */
typedef void ddl_column_fn(void *arg, const char *name);
void ddl_each_column(const PgQuery__Node *node, ddl_column_fn *fn, void *arg);

/* ---- parts of CREATE TABLE, for ALTER TABLE as well ---- */

#define CONSTR(name) PG_QUERY__CONSTR_TYPE__CONSTR_##name

struct ddl_table {
    struct rewriter *r;
    const char *name;
    struct relation *relation;
    const PgQuery__ColumnDef *rowid; /* the column that is SQLite's rowid; NULL: none */
    bool rowid_generates;            /* it is serial or identity */
    char rowid_constraint[ddl_name_bytes];
    const PgQuery__Constraint *primary; /* NULL: none */
    struct buf constraints;             /* ", CONSTRAINT ..." one behind the other */
    char (*names)[ddl_name_bytes];      /* of constraints, taken */
    size_t name_count;
    bool keys_as_indexes; /* ALTER TABLE: PRIMARY KEY and UNIQUE go to `indexes` as CREATE UNIQUE
                             INDEX */
    struct buf indexes;   /* statements with NULs */
    struct buf sequences; /* names with NULs: to be made for serial columns that are no rowid */
};

/* Adds a column to t->relation (42701 when it is there). ddl_create.c */
void ddl_learn_column(struct ddl_table *t, const PgQuery__ColumnDef *column);

/* Prints one column; its constraints go to t->constraints. ddl_column.c */
void ddl_column(struct ddl_table *t, const PgQuery__ColumnDef *column);
bool ddl_column_generates(const PgQuery__ColumnDef *column);
/* NULL: it has none of that kind. */
const PgQuery__Constraint *ddl_column_constraint(const PgQuery__ColumnDef *column,
                                                 PgQuery__ConstrType type);

/* Appends a table constraint to t->constraints. `column`: it stands behind that column; NULL: by
 * itself. ddl_constraint.c */
void ddl_constraint(struct ddl_table *t, const PgQuery__Constraint *constraint, const char *column);
/* The constraint's own name, or the one that PostgreSQL would give it; in use from now on. */
void ddl_choose_name(struct ddl_table *t, const PgQuery__Constraint *k, const char *part,
                     const char *label, char out[ddl_name_bytes]);
void ddl_take_name(struct ddl_table *t, const char *name); /* this one is in use */

/* Inside a job (ddl_keys.c): the quoted columns of another table's primary key, or NULL; and 42830
 * unless these columns are a key of it. */
const char *table_primary_key(struct rewriter *r, const char *table);
void table_check_unique(struct rewriter *r, const char *table, bool is_self,
                        PgQuery__Node *const *keys, size_t count);

/* ---- the text of a table (ddl_text.c) ---- */

struct table_text {
    char *sql; /* owned */
    bool temp;
    struct view head;      /* CREATE TABLE "t" ( */
    struct view *elements; /* owned array; views into sql */
    size_t count;
    struct view tail; /* ) and what follows */
};

must_check int table_text_load(struct sql_session *sql, const char *table,
                               struct table_text *ret_text,
                               struct failure *ret_failure); /* 42P01 */
/* Cuts text->sql, all else being zero; tail.data stays NULL when it is no table's text. 0 or
 * -ENOMEM.
 */
must_check int table_text_cut(struct table_text *text);
void table_text_finish(struct table_text *text);
/* The name that an element starts with: a column's, or a constraint's when *ret_constraint. */
bool table_text_name(struct view element, char *name, size_t size, bool *ret_constraint);
/* The element that defines the column or constraint; SIZE_MAX: none. */
size_t table_text_find(const struct table_text *text, const char *name, bool constraint);
bool element_mentions(struct view element, const char *column);

/* Parts of a column's element. */
enum column_part { PART_TYPE, PART_NOT_NULL, PART_DEFAULT };
/* The bytes of that part; empty when it has none (then: where the type ends). */
struct view element_part(struct view element, enum column_part part);

/* Puts the table's new text in place; its rows stay as they are. */
must_check int table_text_install(struct sql_session *sql, const char *table, bool temp,
                                  const struct buf *text, struct failure *ret_failure);
/* The text with element `at` replaced (SIZE_MAX: none) and `extra` put behind the last column or at
 * the end. */
must_check int table_text_print(const struct table_text *text, size_t at, struct view replacement,
                                struct view column, struct view constraint, struct buf *out);

/* Copies the table without element `at`, a key whose index is inside the file (ddl_rebuild.c).
 * 0A000 when it is the rowid itself or when others refer to the table. */
must_check int table_rebuild_without(struct sql_session *sql, const char *table,
                                     const struct table_text *text, size_t at,
                                     const char *constraint, struct failure *ret_failure);
