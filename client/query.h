/* client/query.h: the messages that begin a statement. */
#pragma once

#include "client/connection.h"
#include "protocol/frontend.h"

struct pond_stmt {
    struct pond_conn *conn;
    char name[24];
    size_t params;
};

/* What is to be run: a text, or a prepared statement. */
struct statement {
    const char *sql; /* NULL: prepared */
    const struct pond_stmt *stmt;
    const struct pond_value *values;
    size_t count;
};

/* Parse (when it is a text), Bind to the portal and Describe of it. */
must_check int statement_write(struct pond_conn *conn, struct writer *w,
                               const struct statement *statement, const char *portal,
                               struct pond_error *error);

/* A call of its own that cleans up: it is made also by a task that was cancelled. Nothing to do on
 * a closed connection. */
must_check int query_clean_up(struct pond_conn *conn, const char *sql, struct pond_error *error);

/* Statements without parameters, in the task of a call that has begun. */
must_check int query_run(struct pond_conn *conn, const char *sql, struct pond_result **ret_result,
                         struct pond_error *error);
