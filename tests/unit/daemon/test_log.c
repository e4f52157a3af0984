/* daemon/log.c */
#include "daemon/log.h"

#include <fcntl.h>
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

static void fill_pipe(void)
{
    static const char page[4096];
    int flags = fcntl(pipe_ends[1], F_GETFL);

    fcntl(pipe_ends[1], F_SETFL, flags | O_NONBLOCK);
    while (write(pipe_ends[1], page, sizeof(page)) > 0) {
    }
    fcntl(pipe_ends[1], F_SETFL, flags);
}

static void empty_pipe(void)
{
    static char rest[1 << 20];

    assert_true(read(pipe_ends[0], rest, sizeof(rest)) > 0);
}

static void nobody_waits_for_a_reader_and_what_he_missed_is_told(void **state)
{
    const struct log_about client = { .of_client = true, .connection = 7 };

    (void)state;
    log_begin();
    fill_pipe();
    log_line(LEVEL_LOG, "lost");
    log_about(LEVEL_LOG, &client, "lost");
    log_about(LEVEL_FATAL, &client, "lost");
    log_tell_left_out(true); /* in vain: it may not be forgotten for that */
    empty_pipe();
    log_tell_left_out(true);
    log_tell_left_out(true);
    log_end();
    char *first = strstr(logged, "WARNING: 2 lines of clients were left out: over log_limit, or "
                                 "nobody took them\n");
    char *second = strstr(logged, "WARNING: 1 lines of the daemon itself were left out");
    assert_true(first != NULL && second > first);
    assert_null(strstr(second + 1, "WARNING")); /* once each */
}

static void what_a_full_disk_did_not_take_is_told_too(void **state)
{
    (void)state;
    log_begin();
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    dup2(full, STDERR_FILENO);
    close(full);
    log_line(LEVEL_LOG, "lost");
    dup2(pipe_ends[1], STDERR_FILENO);
    log_tell_left_out(true);
    log_end();
    assert_null(strstr(logged, "LOG: lost"));
    assert_non_null(strstr(logged, "WARNING: 1 lines of the daemon itself were left out"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_process_level_and_text),
        cmocka_unit_test(a_client_cannot_forge_a_line),
        cmocka_unit_test(what_is_too_long_is_cut_and_still_one_line),
        cmocka_unit_test(a_failure_comes_with_its_sqlstate_and_detail),
        cmocka_unit_test(nobody_waits_for_a_reader_and_what_he_missed_is_told),
        cmocka_unit_test(what_a_full_disk_did_not_take_is_told_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
