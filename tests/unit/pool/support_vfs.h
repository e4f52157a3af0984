/* What the storage tests share: connections on clones without the session layer, and dumps to
 * compare. */
#pragma once

#include "base/defs.h"
#include "pool/clone.h"
#include "pool/template.h"

#include <sqlite3.h>
#include <stdbool.h>

/* cmocka's headers want to come in this order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* A connection on the clone; fails the test when it cannot be had. */
sqlite3 *db_open(struct clone *clone);

/* SQLite's (extended) result code of the first statement that fails, or SQLITE_OK. */
int db_try(sqlite3 *db, const char *sql);

/* As db_try, but fails the test with SQLite's message. */
void db_exec(sqlite3 *db, const char *sql);
void db_execf(sqlite3 *db, const char *format, ...) printf_like(2, 3);

/* The first column of the first row; 0 when there is none. */
int64_t db_int(sqlite3 *db, const char *sql);

/* A line per row, '|' between the columns. sqlite3_free it. */
char *db_rows(sqlite3 *db, const char *sql);

/* Schema and all rows of all tables in primary key order, and integrity_check. sqlite3_free it. */
char *db_dump(sqlite3 *db);
void assert_integrity(sqlite3 *db);

/* A template made by this script. */
struct template *template_of(const char *sql);
struct clone *clone_of(struct template *template_, size_t memory);

/* Test environment: POND_TEST_SEED and POND_TEST_ROUNDS; prints what is used. */
uint64_t test_seed(void);
unsigned test_rounds(unsigned modest);
uint32_t rnd(uint64_t *state);
uint32_t rnd_below(uint64_t *state, uint32_t n);

/* cmocka group setup: sqlite_setup(). */
int setup_sqlite(void **state);
