/* tests/bench/bench_attack.c: strangers at a server's door, and honest clients who are in already.
 *
 * usage: bench_attack HOST PORT MODE COUNT SECONDS DATABASE
 *   guesses    COUNT times a second: connect, log in as alice by SCRAM-SHA-256 with a proof that is
 *              nonsense, and wait for the refusal, each in its own time. Prints how many were begun
 *              and how many of them were refused
 *   half-open  COUNT connections that send a start-up packet and then nothing. "open" when all are
 *   slow       COUNT connections that send a start-up packet a byte a second, "open" the same
 *   honest     COUNT connections, in by trust as tester, each with ten queries a second; all
 *              queries are spread evenly. Prints p50, p99 and the longest in microseconds, and how
 *              many were asked
 * Loopback only, and over when SECONDS are. */
#include "raw.h"
#include "sasl.h"

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { fds_max = 1 << 16, queries_a_second = 10 };

/* What was sent last; what comes next answers it. */
enum said { SAID_NOTHING, SAID_START, SAID_FIRST, SAID_PROOF, SAID_QUERY };

static struct peer {
    enum said said;
    double since_us;
} peers[fds_max]; /* by descriptor */

static int poll_fd;
static const char *database;

static int watch(int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

    if (fd >= fds_max) {
        errx(1, "more than %d descriptors", fds_max);
    }
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        err(1, "epoll_ctl");
    }
    return fd;
}

/* Gives each that has said something to `take`, until then. */
static void serve_until(double end_us, void (*take)(int fd))
{
    struct epoll_event events[256];

    for (double left = end_us - now_us(); left > 0; left = end_us - now_us()) {
        long seconds = (long)(left / 1e6);
        struct timespec wait = { seconds, (long)((left - (double)seconds * 1e6) * 1e3) };
        int count = epoll_pwait2(poll_fd, events, 256, &wait, NULL);
        for (int i = 0; i < count; i++) {
            take(events[i].data.fd);
        }
    }
}

/* ---- guesses ---- */

static long begun, refused;

static void say(int fd, enum said said, const char *packet, size_t len)
{
    peers[fd].said = said;
    if (write(fd, packet, len) < 0 && errno != EPIPE && errno != ECONNRESET) {
        err(1, "write");
    }
}

static void take_refusal(int fd)
{
    char got[1024], packet[sasl_packet_bytes];
    ssize_t n = read(fd, got, sizeof(got) - 1);

    got[n < 0 ? 0 : n] = '\0';
    if (n > 9 && got[0] == 'R' && peers[fd].said == SAID_START) {
        say(fd, SAID_FIRST, packet, sasl_first_packet(packet));
    } else if (n > 9 && got[0] == 'R' && peers[fd].said == SAID_FIRST) {
        say(fd, SAID_PROOF, packet, sasl_nonsense_packet(packet, got + 9));
    } else {
        refused += n > 0 && got[0] == 'E';
        close(fd);
    }
}

static void guess(int a_second, int seconds)
{
    const double begin = now_us();

    raw_user = "alice";
    for (; begun < (long)a_second * seconds; begun++) {
        serve_until(begin + (double)begun * 1e6 / a_second, take_refusal);
        peers[watch(begin_start_up(database))].said = SAID_START;
    }
    serve_until(now_us() + 4e6, take_refusal);
    printf("%ld %ld\n", begun, refused);
}

/* ---- who never comes to the point ---- */

static void say_open(void)
{
    puts("open");
    fflush(stdout);
}

static void take_anything(int fd)
{
    char got[1024];

    if (read(fd, got, sizeof(got)) <= 0) {
        close(fd);
    }
}

static void stay_half_open(int count, int seconds)
{
    raw_user = "alice";
    for (int i = 0; i < count; i++) {
        watch(begin_start_up(database));
    }
    say_open();
    serve_until(now_us() + seconds * 1e6, take_anything);
}

static void be_slow(int count, int seconds)
{
    char packet[256];
    size_t len = start_up_packet(packet, sizeof(packet), database);
    int *fds = calloc((size_t)count, sizeof(*fds));

    if (fds == NULL) {
        err(1, NULL);
    }
    for (int i = 0; i < count; i++) {
        fds[i] = watch(dial());
    }
    say_open();
    for (size_t at = 0; at < (size_t)seconds; at++) {
        for (int i = 0; i < count && at < len; i++) {
            (void)!send(fds[i], packet + at, 1, MSG_NOSIGNAL);
        }
        serve_until(now_us() + 1e6, take_anything);
    }
    free(fds);
}

/* ---- the honest ---- */

static double *times;
static size_t time_count;

static void take_answer(int fd)
{
    static const uint8_t ready[] = { 'Z', 0, 0, 0, 5, 'I' };
    uint8_t got[1024];
    ssize_t n = read(fd, got, sizeof(got));

    if (n <= 0) {
        errx(1, "an honest client was sent away");
    }
    if (n >= (ssize_t)sizeof(ready) && memcmp(got + n - sizeof(ready), ready, sizeof(ready)) == 0) {
        times[time_count++] = now_us() - peers[fd].since_us;
        peers[fd].said = SAID_NOTHING;
    }
}

/* Who still waits for an answer asks no second time. */
static void ask_one(int fd)
{
    static const char query[] = "Q\0\0\0\x0dSELECT 1";

    if (peers[fd].said == SAID_NOTHING) {
        peers[fd] = (struct peer){ SAID_QUERY, now_us() };
        send_all(fd, query, sizeof(query));
    }
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static void be_honest(int count, int seconds)
{
    const size_t most = (size_t)count * (size_t)seconds * queries_a_second;
    int *fds = calloc((size_t)count, sizeof(*fds));

    times = calloc(most, sizeof(*times));
    if (fds == NULL || times == NULL) {
        err(1, NULL);
    }
    for (int i = 0; i < count; i++) {
        fds[i] = watch(start_up(database));
        peers[fds[i]].said = SAID_NOTHING;
    }
    const double begin = now_us();
    for (size_t i = 0; i < most; i++) {
        serve_until(begin + (double)i * 1e6 / (count * queries_a_second), take_answer);
        ask_one(fds[i % (size_t)count]);
    }
    serve_until(now_us() + 1e5, take_answer);
    qsort(times, time_count, sizeof(*times), compare);
    printf("%.1f %.1f %.1f %zu\n", times[time_count / 2], times[time_count * 99 / 100],
           times[time_count - 1], time_count);
    free(fds);
    free(times);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(int count, int seconds);
    } modes[] = { { "guesses", guess },
                  { "half-open", stay_half_open },
                  { "slow", be_slow },
                  { "honest", be_honest } };
    struct rlimit limit = { fds_max, fds_max };

    if (argc != 7) {
        errx(2, "usage: bench_attack HOST PORT MODE COUNT SECONDS DATABASE");
    }
    raw_host = argv[1];
    raw_port = atoi(argv[2]);
    database = argv[6];
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(argv[3], modes[i].name) == 0) {
            modes[i].run(atoi(argv[4]), atoi(argv[5]));
            return 0;
        }
    }
    errx(2, "there is no mode %s", argv[3]);
}
