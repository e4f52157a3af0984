/* client/cli/signals.c: see signals.h. A signalfd, because it says who has sent a signal: what the
 * terminal sends, the program has got already. */
#include "client/cli/signals.h"

#include "async/await.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };

static void fill(sigset_t *set)
{
    struct sigaction now;

    sigemptyset(set);
    for (size_t i = 0; i < ARRAY_LEN(passed_on); i++) {
        if (sigaction(passed_on[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN) {
            sigaddset(set, passed_on[i]);
        }
    }
}

int signals_take(struct signals *signals)
{
    sigset_t set;

    fill(&set);
    if (sigprocmask(SIG_BLOCK, &set, &signals->before) != 0) {
        return -errno;
    }
    signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return signals->fd < 0 ? -errno : 0;
}

void signals_give_back(struct signals *signals)
{
    if (signals->fd >= 0) {
        close(signals->fd);
        signals->fd = -1;
        sigprocmask(SIG_SETMASK, &signals->before, NULL);
    }
}

bool signals_read(const struct signals *signals, struct signals_came *ret_came)
{
    struct signalfd_siginfo info;

    if (read(signals->fd, &info, sizeof(info)) != (ssize_t)sizeof(info)) {
        return false;
    }
    ret_came->number = (int)info.ssi_signo;
    ret_came->by_terminal = info.ssi_code == SI_KERNEL;
    return true;
}

int signals_await(const struct signals *signals, struct signals_came *ret_came)
{
    while (!signals_read(signals, ret_came)) {
        int r = await_readable(signals->fd, DEADLINE_NONE);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

bool signals_is_news(int number)
{
    return number == SIGUSR1 || number == SIGUSR2;
}

bool signals_pending(bool with_news)
{
    sigset_t pending;

    if (sigpending(&pending) == 0) {
        for (size_t i = 0; i < ARRAY_LEN(passed_on); i++) {
            if (sigismember(&pending, passed_on[i]) == 1 &&
                (with_news || !signals_is_news(passed_on[i]))) {
                return true;
            }
        }
    }
    return false;
}
