/* tests/integration/libpond.h: what the parts of the test of libpond share: a connection for each
 * test, blocking, to the server that PG* name. */
#pragma once

#include "client/pond.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

extern struct pond_error error;
extern struct pond_conn *conn;

int connect_setup(void **state);
int connect_teardown(void **state);
#define test(name) cmocka_unit_test_setup_teardown(name, connect_setup, connect_teardown)

/* Never ends, and needs no memory. */
#define FOR_EVER                                                                               \
    "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT (n + 1) % 10 FROM t) SELECT count(*) " \
    "FROM t"

/* Shows the error when a call fails that must not. */
#define ok(call)                                                                \
    do {                                                                        \
        int result_ = (call);                                                   \
        if (result_ != 0) {                                                     \
            print_error("%d %s: %s\n", result_, error.sqlstate, error.message); \
        }                                                                       \
        assert_int_equal(result_, 0);                                           \
    } while (0)

void must_exec(const char *sql);
int64_t one_int(const char *sql);
void must_fail(int result, const char *sqlstate);
void still_works(void);

/* Each runs a group, and gives how many failed. */
int run_query_tests(void);
int run_rows_tests(void);
int run_loop_tests(void);
