/* daemon/log.c */
#include "daemon/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char logged[8192];

/* What is logged between begin and end goes to a pipe instead of standard error. */
static int saved_stderr;
static int pipe_ends[2];

static void log_begin(void)
{
    assert_int_equal(pipe(pipe_ends), 0);
    saved_stderr = dup(STDERR_FILENO);
    dup2(pipe_ends[1], STDERR_FILENO);
}

static void log_end(void)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(pipe_ends[1]);
    ssize_t n = read(pipe_ends[0], logged, sizeof(logged) - 1);
    logged[n < 0 ? 0 : n] = '\0';
    close(pipe_ends[0]);
}

static void a_line_has_time_process_level_and_text(void **state)
{
    (void)state;
    log_begin();
    log_line(LEVEL_WARNING, "%d frogs", 3);
    log_end();
    int year;
    int pid;
    assert_int_equal(sscanf(logged, "%d-%*d-%*d %*d:%*d:%*d.%*d UTC [%d] ", &year, &pid), 2);
    assert_int_equal(pid, getpid());
    assert_non_null(strstr(logged, "] WARNING: 3 frogs\n"));
}

static void a_client_cannot_forge_a_line(void **state)
{
    (void)state;
    log_begin();
    log_line(LEVEL_LOG, "%s", "one\r\ntwo\x1b[2J\x7f");
    log_end();
    assert_non_null(strstr(logged, "LOG: one  two [2J \n"));
}

static void what_is_too_long_is_cut_and_still_one_line(void **state)
{
    static char text[5000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    log_begin();
    log_line(LEVEL_LOG, "%s", text);
    log_end();
    assert_int_equal(strlen(logged), 2047);
    assert_ptr_equal(strchr(logged, '\n'), logged + strlen(logged) - 1);
}

static void a_failure_comes_with_its_sqlstate_and_detail(void **state)
{
    struct failure failure;

    (void)state;
    failure_set(&failure, "42601", "nonsense");
    failure_add(&failure, FIELD_DETAIL, "more");
    log_begin();
    log_failure(LEVEL_ERROR, "seed", &failure);
    log_end();
    assert_non_null(strstr(logged, "ERROR: seed: 42601 nonsense (more)\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_process_level_and_text),
        cmocka_unit_test(a_client_cannot_forge_a_line),
        cmocka_unit_test(what_is_too_long_is_cut_and_still_one_line),
        cmocka_unit_test(a_failure_comes_with_its_sqlstate_and_detail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
