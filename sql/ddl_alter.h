/* sql/ddl_alter.h: what the files of ALTER TABLE share. Each function is a step of one command: 0
 * or FAILED. */
#pragma once

#include "sql/ddl_depend.h"

/* One command under way. */
struct alter {
    struct portal *portal;
    struct sql_session *sql;
    const char *table;
    const PgQuery__AlterTableCmd *cmd;
    struct table_text text; /* fresh for each command */
    struct ddl_table made;  /* what the job printed */
    struct buf column;      /* its column element */
    struct buf query;       /* a statement that the change needs: looks at rows, or changes them */
};

/* The table's text with element `at` replaced (SIZE_MAX: none), a column and a constraint more. */
must_check int alter_install(struct alter *a, size_t at, struct view replacement,
                             struct view column, struct view constraint, struct failure *f);
must_check int alter_reload(struct alter *a, struct failure *f); /* the text, as it is now */
must_check int alter_set_not_null(struct alter *a, const char *column, struct failure *f);

/* *ret_found when the query has a row; when the column has a NULL. */
must_check int alter_has_row(struct alter *a, const struct buf *query, bool *ret_found,
                             struct failure *f);
must_check int alter_null_values(struct alter *a, const char *column, bool *ret_found,
                                 struct failure *f);

/* ---- ddl_alter_print.c ---- */

/* Runs one of the jobs below on the big stack. */
must_check int alter_print(struct alter *a, void (*fn)(struct ddl_job *job), struct failure *f);
void alter_print_column(struct ddl_job *job);     /* ADD COLUMN: a->column */
void alter_print_constraint(struct ddl_job *job); /* ADD CONSTRAINT: a->made; a->query finds rows */
void alter_print_default(struct ddl_job *job);    /* SET DEFAULT: a->column */
void alter_print_new_type(struct ddl_job *job);   /* TYPE: a->column; a->query changes the rows */

/* ---- ddl_alter_add.c ---- */
must_check int alter_add_column(struct alter *a, struct failure *f);
must_check int alter_add_constraint(struct alter *a, struct failure *f);
