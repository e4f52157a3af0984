/* Each test runs in a child, as a limit that was lowered does not come back. */
#include "daemon/descriptors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct attempt {
    rlim_t soft;
    rlim_t hard;
    int64_t clients;
    bool as_nobody; /* who may not raise the hard limit */
    bool want_held;
    rlim_t want_soft; /* at least */
    size_t want_room; /* 0: any */
};

static int try_in_child(const struct attempt *a)
{
    struct rlimit limit = { .rlim_cur = a->soft, .rlim_max = a->hard };

    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        (a->as_nobody && geteuid() == 0 && setuid(65534) != 0)) {
        return 2;
    }
    if (descriptors_raise(a->clients, 2) != a->want_held || getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        limit.rlim_cur < a->want_soft ||
        (a->want_room > 0 && descriptors_room(2) != a->want_room)) {
        return 1;
    }
    return 0;
}

static void try(const struct attempt *a)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        _exit(try_in_child(a));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void the_soft_limit_is_raised_to_the_hard_one(void **state)
{
    (void)state;
    try(&(struct attempt){
        .soft = 64, .hard = 1000, .clients = 500, .want_held = true, .want_soft = 1000 });
}

static void too_low_a_hard_limit_is_told(void **state)
{
    (void)state;
    try(&(struct attempt){ .soft = 64,
                           .hard = 1000,
                           .clients = 900,
                           .as_nobody = true,
                           .want_soft = 1000,
                           .want_room = 904 });
}

static void a_limit_of_next_to_nothing_is_told(void **state)
{
    (void)state;
    try(&(struct attempt){ .soft = 16,
                           .hard = 16,
                           .clients = 1000000,
                           .as_nobody = true,
                           .want_soft = 16,
                           .want_room = 8 });
}

/* In containers root often may not. */
static bool may_raise_the_hard_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return false;
    }
    limit.rlim_max++;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static void who_may_raises_the_hard_limit_too(void **state)
{
    (void)state;
    if (!may_raise_the_hard_limit()) {
        skip();
    }
    try(&(struct attempt){ .soft = 64,
                           .hard = 1000,
                           .clients = 1500,
                           .want_held = true,
                           .want_soft = 1500,
                           .want_room = 1580 });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_soft_limit_is_raised_to_the_hard_one),
        cmocka_unit_test(too_low_a_hard_limit_is_told),
        cmocka_unit_test(a_limit_of_next_to_nothing_is_told),
        cmocka_unit_test(who_may_raises_the_hard_limit_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
