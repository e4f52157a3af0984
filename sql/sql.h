/* sql/sql.h: what PostgreSQL clients say, on a pool session. The daemon's whole view of sql/.
 *
 * text -> sql_next_statement -> sql_prepare (a plan: SQLite text or verb, parameter and result
 * types)
 *      -> sql_bind (a portal) -> sql_run (rows to a sink, page by page) -> sql_tag.
 * One sql_session per lease; its loop's thread, one task at a time. sql_prepare and sql_run may
 * await. */
#pragma once

#include "base/cell.h"
#include "base/failure.h"
#include "pool/row_sink.h"
#include "pool/session.h"
#include "sql/host.h"

struct plan;
struct portal;
struct sql_session;
struct value_style; /* protocol/value.h: how this session reads and prints values */

/* Registers pond's SQL functions on the session. 0 or FAILED. The pool session outlives it. */
must_check int sql_open(struct session *session, const struct host_ops *ops, void *host,
                        struct sql_session **ret_sql, struct failure *ret_failure);
void sql_close(struct sql_session *sql); /* NULL is fine */
const struct value_style *sql_value_style(const struct sql_session *sql);

/* ---- settings (GUCs) ---- */

/* A start-up parameter or an `options=-c` one. FAILED with PostgreSQL's SQLSTATE when the value is
 * bad; unknown names of start-up packets are ignored by the caller's choice (42704 says so). */
must_check int sql_set_startup(struct sql_session *sql, const char *name, const char *value,
                               struct failure *ret_failure);
/* The value as SHOW prints it, or NULL. */
const char *sql_setting(const struct sql_session *sql, const char *name);
bool sql_setting_is_on(const struct sql_session *sql, const char *name);
int64_t sql_setting_us(const struct sql_session *sql, const char *name); /* a time-out; 0: off */
/* Calls fn for each of the settings that are reported by ParameterStatus (PostgreSQL 15's set). */
void sql_each_reported(const struct sql_session *sql,
                       void (*fn)(void *arg, const char *name, const char *value), void *arg);

/* ---- statements ---- */

enum { SQL_END = 2 };
/* Cuts the next statement (without its semicolon, comments kept) off a query string.
 * 0, SQL_END when nothing but blanks and comments is left, FAILED (unterminated string ...). */
must_check int sql_next_statement(struct view *text, struct view *ret_statement,
                                  struct failure *ret_failure);

struct column {
    const char *name;
    uint32_t type_oid;
    int32_t typmod;     /* -1: none */
    uint32_t table_oid; /* 0: not a table's column */
    int16_t attnum;
    int16_t shown; /* a numeric without typmod: 1 + the digits to print behind its point; 0: as many
                      as it has */
};
/* The typmod to encode the column's values with: typmod, or one that stands for `shown`. */
int32_t sql_column_typmod(const struct column *column);

/* Makes a plan of one statement. param_oids: what Parse said (0: unspecified). An empty statement
 * is a plan too. Counted; drop with sql_plan_unref. 0 or FAILED. */
must_check int sql_prepare(struct sql_session *sql, struct view statement,
                           const uint32_t *param_oids, size_t param_count, struct plan **ret_plan,
                           struct failure *ret_failure);
struct plan *sql_plan_ref(struct plan *plan);
void sql_plan_unref(struct plan *plan);

bool sql_plan_is_empty(const struct plan *plan);          /* -> EmptyQueryResponse */
bool sql_plan_allowed_in_failed(const struct plan *plan); /* ROLLBACK, COMMIT, ... : else 25P02 */
bool sql_plan_is_txn_control(
    const struct plan *plan); /* BEGIN, COMMIT ...: no implicit transaction around it */
/* CREATE DATABASE, pond_mark() ...: no implicit transaction is begun for its sake; it refuses to
 * run in one. */
bool sql_plan_runs_alone(const struct plan *plan);
/* The statement's text, as it was planned: literals may be parameters in it. */
struct view sql_plan_text(const struct plan *plan);
size_t sql_plan_params(const struct plan *plan, const uint32_t **ret_oids);
/* FETCH of a BINARY cursor: a simple query gives its rows in binary. */
bool sql_plan_is_binary(const struct plan *plan);
/* Else: NoData. SELECT may have no columns, but has rows all the same. */
bool sql_plan_returns_rows(const struct plan *plan);
size_t sql_plan_columns(const struct plan *plan, const struct column **ret_columns);

/* Named statements (Parse, PREPARE). 42P05 when the name is taken, 26000 when it is unknown. */
must_check int sql_statement_put(struct sql_session *sql, struct view name, struct plan *plan,
                                 struct failure *ret_failure);
must_check int sql_statement_get(struct sql_session *sql, struct view name, struct plan **ret_plan,
                                 struct failure *ret_failure); /* lent */
void sql_statement_close(struct sql_session *sql,
                         struct view name); /* no error when there is none */

/* ---- portals ---- */

/* A portal of a plan with its parameters (storage forms, copied). 0 or FAILED (42P03 when the name
 * is taken). Owned by the session's names; ends with Close, with its transaction, or with the
 * session. The name "" is replaced. */
must_check int sql_bind(struct sql_session *sql, struct view name, struct plan *plan,
                        const struct cell *params, size_t param_count, struct portal **ret_portal,
                        struct failure *ret_failure);
must_check int sql_portal_get(struct sql_session *sql, struct view name, struct portal **ret_portal,
                              struct failure *ret_failure); /* lent; 34000 */
void sql_portal_close(struct sql_session *sql, struct view name);
const struct plan *sql_portal_plan(const struct portal *portal);
/* Room for the daemon's result formats; freed with mem_free by the portal. */
void sql_portal_set_formats(struct portal *portal, int16_t *formats, size_t count);
const int16_t *sql_portal_formats(const struct portal *portal, size_t *ret_count);

enum { SQL_SUSPENDED = 3 };
/* Runs the portal: at most max_rows rows (0: all) to the sink. 0 when it is complete, SQL_SUSPENDED
 * when the page is full, FAILED, or -errno of the sink. Every failure of a statement must then be
 * told to txn_failed() by the caller. */
must_check int sql_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                       struct failure *ret_failure);
/* CommandComplete's tag after sql_run() said 0: "SELECT 5", "INSERT 0 1", "BEGIN". */
const char *sql_tag(const struct portal *portal);

/* txn_implicit_end(): what waits for the commit (NOTIFY, SET) is told how it came out. 0 or FAILED.
 */
must_check int sql_implicit_end(struct sql_session *sql, struct failure *ret_failure);

/* Ends portals whose transaction is over; the daemon calls it after Sync and each simple statement.
 */
void sql_transaction_ended(struct sql_session *sql);
