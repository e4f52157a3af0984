/* Children: their exit codes, what cannot be started, groups, descriptors. */
#include "client/cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { few = 64 }; /* descriptors */

#define SHELL(text) ((char *[]){ "sh", "-c", text, NULL })

static int wait_for(struct child *child)
{
    struct pollfd fd = { .fd = child->pidfd, .events = POLLIN };

    assert_int_equal(poll(&fd, 1, 60000), 1);
    return child_reap(child);
}

static int run(char *const *argv)
{
    const struct child_options options = { .argv = argv, .fd = { 0, 1, 2 } };
    struct child child = { 0 };

    assert_int_equal(child_start(&options, &child), 0);
    assert_true(child.pid > 0);
    return wait_for(&child);
}

static void exit_codes_are_a_shells(void **state)
{
    (void)state;
    assert_int_equal(run(SHELL("exit 0")), 0);
    assert_int_equal(run(SHELL("exit 255")), 255);
    assert_int_equal(run(SHELL("kill -KILL $$")), 137);
}

static void check_refused(char *word, int code, int error)
{
    const struct child_options options = { .argv = (char *[]){ word, NULL }, .fd = { 0, 1, 2 } };
    struct child child = { 0 };

    assert_int_equal(child_start(&options, &child), code);
    assert_int_equal(errno, error);
    assert_int_equal(child.pid, 0);
    child_kill(&child);
    child_signal(&child, SIGTERM); /* not to all of our group */
}

/* By a PATH of our own: in that of a root whose folders are closed to us, nothing would be found
 * for want of the right to look. */
static void what_cannot_be_started_says_so(void **state)
{
    (void)state;
    setenv("PATH", "/usr/bin:/bin", 1);
    check_refused("nonesuch", CHILD_NOT_FOUND, ENOENT);
    check_refused("/dev/null/x", CHILD_NOT_FOUND, ENOTDIR);
    check_refused("/etc/passwd", CHILD_NOT_EXECUTABLE, EACCES);
}

static void ignored_children_have_exit_codes_too(void **state)
{
    (void)state;
    signal(SIGCHLD, SIG_IGN);
    assert_int_equal(run(SHELL("exit 7")), 7);
}

static void a_group_gets_signals_as_one(void **state)
{
    int ends[2];
    char text[4] = "";
    struct child child = { 0 };

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const struct child_options options = { .argv = SHELL("sleep 1000 & echo; wait"),
                                           .own_group = true,
                                           .fd = { 0, ends[1], 2 } };
    assert_int_equal(child_start(&options, &child), 0);
    close(ends[1]);
    assert_int_equal(read(ends[0], text, 1), 1);
    child_signal(&child, SIGTERM);
    assert_int_equal(wait_for(&child), 128 + SIGTERM);
    assert_int_equal(read(ends[0], text, 1), 0); /* its own child has let go of it, too */
    close(ends[0]);
}

/* 0 and 1 swapped: neither may be overwritten before it is copied. */
static void descriptors_are_placed_whatever_their_numbers(void **state)
{
    int in[2], out[2];
    char text[16] = "";
    int zero = fcntl(0, F_DUPFD_CLOEXEC, 10), one = fcntl(1, F_DUPFD_CLOEXEC, 10);
    struct child child = { 0 };

    (void)state;
    assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
    dup2(out[1], 0);
    dup2(in[0], 1);
    const struct child_options options = { .argv = SHELL("read x; echo got $x"),
                                           .fd = { 1, 0, 2 } };
    int r = child_start(&options, &child);
    dup2(zero, 0);
    dup2(one, 1);
    assert_int_equal(r, 0);
    assert_int_equal(write(in[1], "a\n", 2), 2);
    assert_int_equal(wait_for(&child), 0);
    assert_int_equal(read(out[0], text, sizeof(text)), 6);
    assert_string_equal(text, "got a\n");
    const int all[] = { in[0], in[1], out[0], out[1], zero, one };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        close(all[i]);
    }
}

/* Takes all that few descriptors leave, but so many. */
static size_t take_all_but(size_t left, int taken[static few])
{
    size_t count = 0;
    int fd;

    while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) {
        taken[count++] = fd;
    }
    assert_int_equal(errno, EMFILE);
    assert_true(count >= left);
    for (; left > 0; left--) {
        close(taken[--count]);
    }
    return count;
}

/* A pipe needs two; one of them is free again when the child is to be watched. The limit is ours:
 * that of the machine may be one that nobody reaches. */
static void without_two_descriptors_there_is_no_child(void **state)
{
    const struct child_options options = { .argv = SHELL("true"), .fd = { 0, 1, 2 } };
    struct rlimit was;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    const struct rlimit limit = { .rlim_cur = few, .rlim_max = was.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (size_t left = 0; left <= 2; left++) {
        struct child child = { 0 };
        int taken[few];
        size_t count = take_all_but(left, taken);

        assert_int_equal(child_start(&options, &child), left < 2 ? -EMFILE : 0);
        assert_true((child.pid > 0) == (left == 2));
        if (left == 2) {
            assert_int_equal(wait_for(&child), 0);
        }
        while (count > 0) {
            close(taken[--count]);
        }
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes_are_a_shells),
        cmocka_unit_test(what_cannot_be_started_says_so),
        cmocka_unit_test(ignored_children_have_exit_codes_too),
        cmocka_unit_test(a_group_gets_signals_as_one),
        cmocka_unit_test(descriptors_are_placed_whatever_their_numbers),
        cmocka_unit_test(without_two_descriptors_there_is_no_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
