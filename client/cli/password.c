/* client/cli/password.c: see password.h. A signal that would end the program while the terminal
 * does not echo waits until it does again. */
#include "client/cli/password.h"

#include "client/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    caught = number;
}

static int fail(const char *what)
{
    cli_complain("%s: %m", what);
    return CLI_FAILED;
}

/* Where signals are held back, they come in while it waits, and nowhere else: none is missed. */
static ssize_t read_byte(int fd, const sigset_t *waiting, uint8_t *ret_byte)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    return waiting != NULL && ppoll(&p, 1, NULL, waiting) < 0 ? -1 : read(fd, ret_byte, 1);
}

/* One line without its end. A byte at a time: what follows belongs to somebody else. `waiting`: the
 * signals that are held back while it waits; NULL: as they are. */
static int read_line(int fd, const sigset_t *waiting, struct buf *ret_line)
{
    uint8_t byte;
    ssize_t n;
    int r = 0;

    /* no copies of half a password are left behind by a growing buffer */
    if (buf_reserve(ret_line, password_most_bytes) != 0) {
        return -ENOMEM;
    }
    ret_line->max = password_most_bytes;
    while ((n = read_byte(fd, waiting, &byte)) == 1 && byte != '\n' && r == 0) {
        r = buf_append_byte(ret_line, byte);
    }
    return n < 0 ? -errno : r;
}

static int judge(int r, const struct buf *line)
{
    if (r == BUF_FULL) {
        cli_complain("the password is longer than %d bytes", password_most_bytes);
        return CLI_FAILED;
    }
    if (r != 0) {
        errno = -r;
        return fail("could not read the password");
    }
    if (line->len == 0) {
        cli_complain("expected a password, not an empty line");
        return CLI_FAILED;
    }
    if (memchr(line->data, 0, line->len) != NULL) {
        cli_complain("the password holds a zero byte");
        return CLI_FAILED;
    }
    return 0;
}

/* ---- a terminal ---- */

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

static int ask_quietly(int fd, const char *question, const sigset_t *waiting, struct buf *ret_line)
{
    struct termios before, quiet;

    if (tcgetattr(fd, &before) != 0) {
        return -errno;
    }
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0) {
        return -errno;
    }
    dprintf(fd, "%s: ", question);
    int r = read_line(fd, waiting, ret_line);
    dprintf(fd, "\n");
    tcsetattr(fd, TCSAFLUSH, &before);
    return r;
}

static int ask(int fd, const char *question, struct buf *ret_line)
{
    struct sigaction before[ARRAY_LEN(signals)];
    struct sigaction catch = { .sa_handler = on_signal };
    sigset_t held, waiting;

    caught = 0;
    sigemptyset(&held);
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        sigaddset(&held, signals[i]);
    }
    sigprocmask(SIG_BLOCK, &held, &waiting);
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        sigaction(signals[i], &catch, &before[i]);
    }
    int r = ask_quietly(fd, question, &waiting, ret_line);
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        sigaction(signals[i], &before[i], NULL);
    }
    sigprocmask(SIG_SETMASK, &waiting, NULL);
    if (caught != 0) {
        raise(caught); /* as if it came now */
    }
    return judge(r, ret_line);
}

static int ask_twice(int fd, struct buf *ret_password)
{
    cleanup(buf_wipe) struct buf again = { 0 };
    int r = ask(fd, "Password", ret_password);

    if (r == 0) {
        r = ask(fd, "The same again", &again);
    }
    if (r == 0 && !view_equal(buf_view(ret_password), buf_view(&again))) {
        cli_complain("the two are not the same");
        r = CLI_FAILED;
    }
    return r;
}

int password_read(struct buf *ret_password)
{
    if (!isatty(STDIN_FILENO)) {
        return judge(read_line(STDIN_FILENO, NULL, ret_password), ret_password);
    }
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return fail("/dev/tty");
    }
    int r = ask_twice(fd, ret_password);
    close(fd);
    return r;
}
