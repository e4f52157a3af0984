/* tests/bench/bench_waiters.c: a line of clients for the sessions of a database, over the wire: are
 * they served in their order, and how long does a session wait for the next one?
 *
 * usage: bench_waiters HOST PORT SESSIONS COUNT DATABASE
 *   DATABASE has so many SESSIONS (pool_size). All are taken; then COUNT clients get in line, each
 *   when the one before is known to stand in it. Then one session after the other is given back, by
 *   a Terminate, and the next client's first answer awaited.
 * Prints p50, p99 and maximum of that in microseconds, and how many were not served in their turn.
 */
#include "raw.h"

#include <err.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { most = 10000 };

static const char count_waiting[] =
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'session'";

static int clients[most];
static double took[most];
static int out_of_turn;

static bool has_answer(int fd, int timeout_ms)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    return poll(&p, 1, timeout_ms) > 0;
}

static void get_in_line(int sessions, int count, const char *database)
{
    int control = start_up("postgres");

    for (int i = 0; i < sessions; i++) {
        clients[i] = start_up(database);
    }
    for (int i = 0; i < count; i++) {
        clients[sessions + i] = begin_start_up(database);
        while (ask_number(control, count_waiting) <= i) {
        }
    }
    hang_up(control);
}

/* Gives the oldest session back; the first in line gets it. */
static void hand_over(int number, int sessions, int count)
{
    int next = clients[number + sessions];
    double start = now_us();

    hang_up(clients[number]);
    if (!has_answer(next, 10000)) {
        errx(1, "client %d was forgotten", number);
    }
    took[number] = now_us() - start;
    for (int i = number + 1; i < count && i < number + 10; i++) {
        out_of_turn += has_answer(clients[i + sessions], 0);
    }
    until_ready(next);
}

static int compare(const void *a, const void *b)
{
    const double *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

int main(int argc, char **argv)
{
    if (argc != 6 || atoi(argv[3]) + atoi(argv[4]) > most) {
        errx(2, "usage: bench_waiters HOST PORT SESSIONS COUNT DATABASE");
    }
    raw_host = argv[1];
    raw_port = atoi(argv[2]);
    int sessions = atoi(argv[3]), count = atoi(argv[4]);

    get_in_line(sessions, count, argv[5]);
    for (int i = 0; i < count; i++) {
        hand_over(i, sessions, count);
    }
    qsort(took, (size_t)count, sizeof(*took), compare);
    printf("%.1f %.1f %.1f %d\n", took[count / 2], took[count * 99 / 100], took[count - 1],
           out_of_turn);
    return 0;
}
