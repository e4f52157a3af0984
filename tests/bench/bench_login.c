/* tests/bench/bench_login.c: how long each step of a login takes that fails, by who asks.
 *
 * usage: bench_login FOLDER PORT TURNS USER@DATABASE...
 *
 * By the unix socket. Each turn logs each of them in once, in an order of chance (what came before
 * warms caches for what comes next), by SCRAM-SHA-256 with a proof that is nonsense. For each
 * login, in the order of the arguments, three doubles go to stdout: microseconds from the start-up
 * packet, client-first-message and client-final-message to their answers; 0 for steps that did not
 * come, as the server had refused. Before the start-up packet each asks for TLS and is told that
 * there is none: so no step pays for the connection's begin, nor for a process that is forked. */
#include "raw.h"
#include "sasl.h"

#include <arpa/inet.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { people_most = 32, steps = 3 };

struct person {
    char packet[256]; /* start-up */
    size_t packet_len;
    double step_us[steps];
};

static struct person people[people_most];

/* Waits for one message, and keeps the NUL behind its body. */
static char ask_for(int fd, const char *packet, size_t len, char *body, size_t size, double *ret_us)
{
    char head[5];
    uint32_t body_len;
    const double begin = now_us();

    send_all(fd, packet, len);
    read_all(fd, head, sizeof(head));
    memcpy(&body_len, head + 1, sizeof(body_len));
    body_len = ntohl(body_len) - 4;
    if (body_len >= size) {
        errx(1, "a message of %u bytes", body_len);
    }
    read_all(fd, body, body_len);
    *ret_us = now_us() - begin;
    body[body_len] = '\0';
    return head[0];
}

static void ask_for_tls(int fd)
{
    static const char request[] = { 0, 0, 0, 8, 4, (char)210, 22, 47 };
    char answer;

    send_all(fd, request, sizeof(request));
    read_all(fd, &answer, 1);
    if (answer != 'N') {
        errx(1, "there is TLS on a unix socket: %c", answer);
    }
}

/* As far as the server lets him. */
static void log_in(struct person *person)
{
    char packet[sasl_packet_bytes], body[2048];
    int fd = dial();

    memset(person->step_us, 0, sizeof(person->step_us));
    ask_for_tls(fd);
    if (ask_for(fd, person->packet, person->packet_len, body, sizeof(body), &person->step_us[0]) ==
        'R') {
        size_t len = sasl_first_packet(packet);

        if (ask_for(fd, packet, len, body, sizeof(body), &person->step_us[1]) != 'R') {
            errx(1, "refused before any proof");
        }
        len = sasl_nonsense_packet(packet, body + 4);
        if (ask_for(fd, packet, len, body, sizeof(body), &person->step_us[2]) != 'E') {
            errx(1, "let in without a password");
        }
    }
    close(fd);
}

static void shuffle(struct person **order, int count)
{
    for (int i = count - 1; i > 0; i--) {
        int other = rand() % (i + 1);
        struct person *one = order[i];

        order[i] = order[other];
        order[other] = one;
    }
}

static void introduce(struct person *person, char *name)
{
    char *at = strchr(name, '@');

    if (at == NULL) {
        errx(2, "expected USER@DATABASE, not %s", name);
    }
    *at = '\0';
    raw_user = name;
    person->packet_len = start_up_packet(person->packet, sizeof(person->packet), at + 1);
}

int main(int argc, char **argv)
{
    struct person *order[people_most];
    int count = argc - 4;

    if (count < 1 || count > people_most) {
        errx(2, "usage: bench_login FOLDER PORT TURNS USER@DATABASE... (%d at most)", people_most);
    }
    raw_host = argv[1];
    raw_port = atoi(argv[2]);
    for (int i = 0; i < count; i++) {
        introduce(&people[i], argv[4 + i]);
        order[i] = &people[i];
    }
    for (int turn = atoi(argv[3]); turn > 0; turn--) {
        shuffle(order, count);
        for (int i = 0; i < count; i++) {
            log_in(order[i]);
        }
        for (int i = 0; i < count; i++) {
            fwrite(people[i].step_us, sizeof(people[i].step_us), 1, stdout);
        }
    }
    return 0;
}
