/* tests/unit/async/support.h: a loop for one test, with a clock that the test holds. */
#pragma once

#include "async/await.h"
#include "async/line.h"
#include "async/loop.h"
#include "async/scope.h"
#include "async/task.h"
#include "base/alloc.h"
#include "base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

extern struct loop *test_loop;
extern struct clock_manual test_clock;

/* cmocka set-up and tear-down: test_loop on test_clock, and nothing may be left in use afterwards.
 */
int loop_setup(void **state);
int loop_teardown(void **state);

/* Spawns on test_loop; fails the test when it cannot. */
struct task *spawn(task_fn *fn, void *arg);

/* Runs test_loop until no task is left. */
void run(void);

/* Rounds of a repeated test: POND_TEST_ROUNDS, or what is given. */
size_t rounds(size_t usual);

/* A short record of what happened, in order: test_log("a"); test_log("b") makes "ab". */
void test_log(const char *what);
const char *test_log_text(void);
