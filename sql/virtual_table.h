/* sql/virtual_table.h: what pond's virtual tables have in common
 * (https://www.sqlite.org/vtab.html).
 *
 * Their structs begin with SQLite's, so that SQLite's pointer is the block to be freed. */
#pragma once

#include "base/failure.h"

#include <stddef.h>

struct session;
struct sqlite3;
struct sqlite3_module;
struct sqlite3_vtab;
struct sqlite3_vtab_cursor;

/* On the session's connection, by that name, with the session (pool's) for its xConnect. A module
 * without xCreate: there is only the table of the module's name, and no client can make another.
 * 0 or -ENOMEM. */
must_check int virtual_table_register(struct session *session, const char *name,
                                      const struct sqlite3_module *module);

/* For xConnect: a table of `size` bytes, zeroes, whose columns `schema` declares; views may use it.
 * SQLite's code. */
must_check int virtual_table_connect(struct sqlite3 *db, const char *schema, size_t size,
                                     struct sqlite3_vtab **ret_table);
/* xDisconnect of such a table. */
int virtual_table_disconnect(struct sqlite3_vtab *table);

/* For xOpen: a cursor of `size` bytes, zeroes; mem_free it. SQLite's code. */
must_check int virtual_table_open(size_t size, struct sqlite3_vtab_cursor **ret_cursor);

/* A failure, as a method returns it. */
int virtual_table_fail(struct sqlite3_vtab *table, const struct failure *failure);
