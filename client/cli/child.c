/* client/cli/child.c: see child.h. A pipe that closes on exec tells whether the exec came about. */
#include "client/cli/child.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* ---- in the child ---- */

/* Descriptors that lie below their places are moved out of the way first. */
static int place_descriptors(const int fd[3])
{
    int copy[3];

    for (int i = 0; i < 3; i++) {
        copy[i] = fd[i] == i ? i : fcntl(fd[i], F_DUPFD_CLOEXEC, 3);
        if (copy[i] < 0) {
            return -1;
        }
    }
    for (int i = 0; i < 3; i++) {
        if (copy[i] != i && dup2(copy[i], i) < 0) {
            return -1;
        }
    }
    return 0;
}

static no_return void fail_to(int report)
{
    const int error = errno;

    maybe_unused ssize_t n = write(report, &error, sizeof(error));
    _exit(CHILD_NOT_FOUND);
}

/* The parent may have died before the kernel was told to mind it. */
static no_return void become(const struct child_options *options, pid_t parent, int report)
{
    extern char **environ;

    if ((options->own_group && setpgid(0, 0) != 0) || prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 ||
        place_descriptors(options->fd) != 0) {
        fail_to(report);
    }
    if (getppid() != parent) {
        _exit(128 + SIGTERM);
    }
    if (options->mask != NULL) {
        sigprocmask(SIG_SETMASK, options->mask, NULL);
    }
    execvpe(options->argv[0], options->argv, options->envp == NULL ? environ : options->envp);
    fail_to(report);
}

/* ---- in pond ---- */

static int await_exec(int report)
{
    int error = 0;
    ssize_t n;

    do {
        n = read(report, &error, sizeof(error));
    } while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(error)) {
        return 0;
    }
    errno = error;
    return error == ENOENT || error == ENOTDIR ? CHILD_NOT_FOUND : CHILD_NOT_EXECUTABLE;
}

int child_start(const struct child_options *options, struct child *ret_child)
{
    struct child child = { .own_group = options->own_group, .pidfd = -1 };
    const pid_t self = getpid();
    int report[2];

    if (pipe2(report, O_CLOEXEC) != 0) {
        return -errno;
    }
    signal(SIGCHLD, SIG_DFL); /* ignored, the kernel would not keep its exit code */
    child.pid = fork();
    if (child.pid == 0) {
        become(options, self, report[1]);
    }
    int r = child.pid < 0 ? -errno : 0;
    close(report[1]);
    if (r == 0) {
        if (options->own_group) {
            (void)setpgid(child.pid, 0); /* as the child does: whoever comes first */
        }
        child.pidfd = (int)syscall(SYS_pidfd_open, child.pid, 0);
        r = child.pidfd < 0 ? -errno : await_exec(report[0]);
    }
    close(report[0]);
    if (r == 0) {
        *ret_child = child;
        return 0;
    }
    int error = errno;
    child_kill(&child);
    errno = error;
    return r;
}

void child_signal(const struct child *child, int number)
{
    if (child->pid > 0) {
        kill(child->own_group ? -child->pid : child->pid, number);
    }
}

int child_reap(struct child *child)
{
    int status = 0;
    pid_t pid;

    do {
        pid = waitpid(child->pid, &status, 0);
    } while (pid < 0 && errno == EINTR);
    if (child->pidfd >= 0) {
        close(child->pidfd);
    }
    *child = (struct child){ 0 };
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void child_kill(struct child *child)
{
    if (child->pid > 0) {
        child_signal(child, SIGKILL);
        (void)!child_reap(child);
    }
}
