#include "base/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <cmocka.h>

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static int open_null(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static void a_local_closes_what_it_owns(void **state)
{
    int seen = -1;

    (void)state;
    {
        cleanup(fd_closep) int fd = open_null();
        seen = fd;
        assert_true(is_open(seen));
    }
    assert_false(is_open(seen));
}

static void what_was_taken_stays_open(void **state)
{
    cleanup(fd_closep) int taken = -1;

    (void)state;
    {
        cleanup(fd_closep) int fd = open_null();
        taken = fd_take(&fd);
        assert_int_equal(fd, -1);
    }
    assert_true(is_open(taken));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_local_closes_what_it_owns),
        cmocka_unit_test(what_was_taken_stays_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
