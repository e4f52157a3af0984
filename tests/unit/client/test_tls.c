/* client/tls.c: what it must not do to the tasks beside it. The wire's side of it is
 * tests/integration/test_libpond_tls.py. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char pipe_name[64];

static int open_encrypted(void *arg, struct pond_error *error)
{
    struct pond_conn *conn = NULL;
    char conninfo[300];

    (void)arg;
    snprintf(conninfo, sizeof(conninfo), "%s sslmode=verify-ca sslrootcert=%s", server_conninfo(),
             pipe_name);
    int r = pond_conn_open(NULL, conninfo, &conn, error);
    pond_conn_destroy(conn);
    return r;
}

/* Once somebody reads it, which is how long the other task waits. */
static int fill_pipe(void *arg, struct pond_error *error)
{
    int fd = -1;
    int r = 0;

    while (r == 0 && (fd = open(pipe_name, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0) {
        r = pond_sleep(1, error);
    }
    if (fd >= 0) {
        *(bool *)arg = true;
        close(fd);
    }
    return r;
}

static void files_that_are_long_in_coming_hold_nobody_else(void **state)
{
    char folder[] = "/tmp/pond-test.XXXXXX";
    bool filled = false;
    struct pond_job jobs[] = { { .fn = open_encrypted }, { .fn = fill_pipe, .arg = &filled } };

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(pipe_name, sizeof(pipe_name), "%s/root.crt", folder);
    assert_int_equal(mkfifo(pipe_name, 0600), 0);
    alarm(60); /* the test would stand still, too */
    assert_int_equal(pond_all(test_loop, jobs, 2, &test_error), POND_CONNECT);
    alarm(0);
    assert_true(filled);
    assert_non_null(strstr(test_error.message, "could not load root certificate file"));
    unlink(pipe_name);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_that_are_long_in_coming_hold_nobody_else,
                                        client_setup, client_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
