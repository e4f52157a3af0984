/* sql/database_options.h: what CREATE DATABASE and ALTER DATABASE say behind the name: what pond
 * can do, what changes nothing, and in PostgreSQL's words what is wrong. */
#pragma once

#include "base/failure.h"
#include "sql/host.h"

#include <pg_query/pg_query.pb-c.h>

struct arena;
struct sql_session;

/* Pointers are NULL where the statement says nothing; they lead into the tree, the arena or this
 * struct, which may not be moved. */
struct database_options {
    const char *template_name;
    const char *owner;
    const bool *is_template;
    const bool *allows_connections;
    const int32_t *connection_limit;
    struct {
        bool is_template;
        bool allows_connections;
        int32_t connection_limit;
    } room;
};

/* `text` is the statement's, for positions. Warns. 0 or FAILED (42601, 22023, 42704, 42809, 42P17,
 * 0A000). */
must_check int database_options_read(struct sql_session *sql, struct view text,
                                     PgQuery__Node *const *nodes, size_t count, bool alter,
                                     struct arena *arena, struct database_options *ret_options,
                                     struct failure *ret_failure);
