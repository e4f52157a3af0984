/* sql/verb_support.h: what the verbs share: notices, rows of text, statements of their own, parts
 * of the tree. */
#pragma once

#include "base/buf.h"
#include "sql/portal.h"
#include "sql/verb.h"

/* The verb's statement. */
const PgQuery__Node *verb_node(const struct portal *portal);

/* A notice or warning to the client, unless client_min_messages keeps it back. */
void verb_notice(struct sql_session *sql, enum failure_severity severity, const char *sqlstate,
                 const char *format, ...) printf_like(4, 5);

/* 25P01 "WHAT can only be used in transaction blocks". Returns FAILED. */
int verb_needs_block(const char *what, struct failure *ret_failure);
/* PostgreSQL's PreventInTransactionBlock: 25001 in a block, among several statements of a query,
 * and behind a statement of the same pipeline; else it will commit by itself. 0 or FAILED. */
must_check int verb_stand_alone(struct sql_session *sql, const char *what,
                                struct failure *ret_failure);
/* What can not be taken back: 25001 in any transaction, an implicit one too, and 25006 where
 * transactions are read-only by default. 0 or FAILED. */
must_check int verb_refuse_transaction(struct sql_session *sql, const char *what,
                                       struct failure *ret_failure);
/* 0A000 "WHAT is not available here". Returns FAILED. */
int verb_unavailable(const char *what, struct failure *ret_failure);
/* 0A000 "WHAT is not supported by pond yet". Returns FAILED. */
int verb_unsupported(const char *what, struct failure *ret_failure);

/* Runs one SQLite statement to its end. */
must_check int verb_execute(struct sql_session *sql, unsigned cursor_flags,
                            struct failure *ret_failure, const char *format, ...) printf_like(4, 5);
must_check int verb_execute_buf(struct sql_session *sql, const struct buf *text,
                                unsigned cursor_flags, int64_t *ret_changes,
                                struct failure *ret_failure);
/* The first column of the first row as text (mem_free it), or NULL when there is none. */
must_check int verb_query_text(struct sql_session *sql, char **ret_text,
                               struct failure *ret_failure, const char *format, ...)
    printf_like(4, 5);

/* One row of texts (NULL: null) to the sink, counted in the portal. 0, FAILED or -errno. */
must_check int verb_row(struct portal *portal, struct row_sink *sink, const char *const *texts,
                        size_t count, struct failure *ret_failure);

/* Appends "name" with quotes doubled; 'text' likewise. 0 or -ENOMEM. */
must_check int verb_ident(struct buf *out, const char *name);
must_check int verb_quote(struct buf *out, const char *text);

/* A constant's text (numbers as written), or NULL when the node is none; `number` needs no more
 * than 32 bytes. */
const char *verb_const_text(const PgQuery__Node *node, char number[32]);
/* A DefElem by name; NULL: none. */
const PgQuery__DefElem *verb_option(PgQuery__Node *const *options, size_t count, const char *name);

/* Closes all named portals but the one that runs. 0 or FAILED. */
must_check int verb_close_other_portals(struct portal *portal, struct failure *ret_failure);

/* ---- the verbs' functions, for verb.c ---- */
typedef int verb_plan_fn(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
                         struct failure *ret_failure);
typedef int verb_run_fn(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                        struct failure *ret_failure);

/* SET's values as one text, a list's items behind each other (verb_set.c). */
must_check int set_value_text(const PgQuery__VariableSetStmt *stmt, struct buf *out,
                              struct failure *ret_failure);

verb_plan_fn txn_plan, set_plan, show_plan, prepare_plan, execute_plan, deallocate_plan,
    explain_plan, discard_plan, vacuum_plan, drop_plan, create_table_as_plan, rename_plan,
    close_plan, grant_plan, alter_owner_plan, alter_table_plan, ddl_plan, select_into_plan,
    copy_plan, declare_plan, fetch_plan;
verb_run_fn txn_run, set_run, show_run, constraints_run, prepare_run, execute_run, deallocate_run,
    explain_run, discard_run, close_run, declare_run, fetch_run, listen_run, notify_run,
    unlisten_run, lock_run, vacuum_run, reindex_run, nothing_run, create_extension_run,
    create_schema_run, create_table_run, create_table_as_run, select_into_run, create_index_run,
    drop_run, alter_table_run, rename_run, create_view_run, create_sequence_run, alter_sequence_run,
    truncate_run, copy_run, alter_owner_run, create_database_run, drop_database_run,
    alter_database_run, alter_database_set_run, alter_database_refresh_run;
/* Parts of rename_run and alter_owner_run. */
verb_run_fn database_rename_run, database_owner_run;
