/* client/cli/screen.c: see screen.h. */
#include "client/cli/screen.h"

#include "base/buf.h"
#include "client/cli/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { usual_lines = 24 };

static struct {
    bool open;
    bool keys;
    struct termios before;
} screen;

static const char show_cursor[] = "\033[?25h";

/* ---- signals ---- */

static void restore(void)
{
    if (screen.keys) {
        tcsetattr(STDIN_FILENO, TCSANOW, &screen.before);
    }
    maybe_unused ssize_t n = write(STDOUT_FILENO, show_cursor, sizeof(show_cursor) - 1);
}

/* SA_RESETHAND: the second time it does what it always does. */
static void restore_and_die(int number)
{
    restore();
    raise(number);
}

static void catch_signal(int number)
{
    struct sigaction action = { .sa_handler = restore_and_die,
                                .sa_flags = (int)SA_RESETHAND | SA_NODEFER },
                     before;

    if (sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_DFL) {
        sigaction(number, &action, NULL);
    }
}

/* ---- life ---- */

void screen_open(void)
{
    struct termios raw;

    screen.open = true;
    screen.keys = tcgetattr(STDIN_FILENO, &screen.before) == 0;
    catch_signal(SIGTERM);
    catch_signal(SIGHUP);
    if (screen.keys) {
        raw = screen.before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    maybe_unused ssize_t n = write(STDOUT_FILENO, "\033[?25l\033[H\033[2J", 13);
}

void screen_close(void)
{
    if (screen.open) {
        restore();
        screen.open = false;
    }
}

/* ---- drawing ---- */

static int line_count(void)
{
    struct winsize size = { 0 };

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row
                                                                           : usual_lines;
}

/* Each line clears what was behind it. */
static int add_lines(struct buf *out, struct view text)
{
    int r = buf_append_str(out, "\033[H");

    for (int left = line_count() - 1; r == 0 && left > 0 && text.len > 0; left--) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.data);

        r = buf_append(out, text.data, len);
        r = r != 0 ? r : buf_append_str(out, "\033[K\n");
        view_advance(&text, end == NULL ? len : len + 1);
    }
    return r != 0 ? r : buf_append_str(out, "\033[J");
}

int screen_draw(struct view text)
{
    cleanup(buf_finish) struct buf out = { 0 };
    size_t done = 0;

    if (add_lines(&out, text) != 0) {
        return -ENOMEM;
    }
    while (done < out.len) {
        ssize_t n = write(STDOUT_FILENO, out.data + done, out.len - done);

        if (n < 0) {
            return errno == EINTR ? 0 : -errno;
        }
        done += (size_t)n;
    }
    return 0;
}

/* ---- keys ---- */

int screen_wait_key(int64_t ms)
{
    struct pollfd fds[] = { { .fd = screen.keys ? STDIN_FILENO : -1, .events = POLLIN },
                            { .fd = interrupt_fd(), .events = POLLIN } };
    unsigned char byte;

    if (poll(fds, 2, ms > INT32_MAX ? INT32_MAX : (int)ms) <= 0 || fds[0].revents == 0) {
        return 0;
    }
    ssize_t n = read(STDIN_FILENO, &byte, 1);
    return n == 1 ? byte : n < 0 && errno == EINTR ? 0 : SCREEN_END;
}
