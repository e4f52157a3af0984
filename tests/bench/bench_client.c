/* tests/bench/bench_client.c: the raw client of the benchmarks, the same for pond and for
 * PostgreSQL.
 *
 * usage: bench_client HOST PORT MODE COUNT DATABASE QUERY
 *   HOST starting with '/' is a unix socket's folder. Over TCP each 20,000 connections come from
 *   another address of 127.0.0.0/8, as ports would run out. Modes:
 *   connect      COUNT times: connect, start up, QUERY, Terminate
 *   fresh        COUNT times: CREATE DATABASE bench_fresh TEMPLATE DATABASE, then as connect on it,
 *                then DROP DATABASE; this is what a fresh isolated database costs on PostgreSQL
 *   hold         COUNT connections that each ran QUERY once and stay open until input ends; a '#'
 *                in DATABASE is another number for each
 *   after        QUERY is two with a '|' between them: COUNT times both on one connection, of which
 *                only the second is timed. Prints the median and the maximum
 *   crowd        opens COUNT connections, "ready" and the microseconds that took; then, for each
 *                line of input, a round: COUNT times QUERY (with '#', as latency) on a connection
 *                at random, and once on all of them at the same time: "round" with p50, p99 and
 *                maximum of the single ones and the time of all together; all stay open until
 *                input ends
 *   scan-text    COUNT times QUERY on one connection, its rows read and counted; Query message
 *   scan-binary  the same by Parse, Bind with binary results, Execute
 *   first        COUNT times: connect, send QUERY, wait for its first row, hang up; only the wait
 *                is timed
 *   half         COUNT connections, "ready", a line of input; then each sends QUERY and reads
 *                10,000 rows, "ready", and all stay open until input ends
 *   copy-to      COUNT times QUERY, a COPY TO STDOUT, on one connection, its data read and counted
 *   copy-save    QUERY, a COPY TO STDOUT; its data is what is printed
 *   copy-from    COUNT times, each on a connection of its own: QUERY, a COPY FROM STDIN, with what
 *                input has, in messages of 8 KiB; only that is timed
 *   latency      QUERY on one connection for COUNT seconds; each '#' in it is another number from 1
 *                to 100,000. Prints p50 p99 p99.9 maximum and mean in microseconds, and how many
 *                ended in time
 * Prints microseconds per round as one number; the scans add the rows of a round, the copies its
 * bytes. */
#include "raw.h"

#include <arpa/inet.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* The text with its first '#' replaced by the number. */
static const char *numbered(const char *text, int number, char *room, size_t size)
{
    const char *mark = strchr(text, '#');

    if (mark == NULL) {
        return text;
    }
    snprintf(room, size, "%.*s%d%s", (int)(mark - text), text, number, mark + 1);
    return room;
}

static void one_connection(const char *database, const char *query)
{
    int fd = start_up(database);
    ask(fd, query);
    hang_up(fd);
}

static void one_fresh(int control, const char *database, const char *query)
{
    char text[256];
    snprintf(text, sizeof(text), "CREATE DATABASE bench_fresh TEMPLATE %s", database);
    ask(control, text);
    one_connection("bench_fresh", query);
    ask(control, "DROP DATABASE bench_fresh WITH (FORCE)");
}

static void say_ready(void)
{
    puts("ready");
    fflush(stdout);
}

static void hold(int count, const char *database, const char *query)
{
    char name[64];

    for (int i = 0; i < count; i++) {
        ask(start_up(numbered(database, i, name, sizeof(name))), query);
    }
    say_ready();
    while (getchar() != EOF) {
    }
}

/* ---- results that are not read at once ---- */

/* Reads by big blocks, so that the client's own cost hides nothing. */
struct input {
    int fd;
    size_t from, to;
    uint8_t bytes[256 * 1024];
};

static void fill(struct input *in, size_t need)
{
    if (in->to - in->from >= need) {
        return;
    }
    memmove(in->bytes, in->bytes + in->from, in->to - in->from);
    in->to -= in->from;
    in->from = 0;
    while (in->to < need) {
        ssize_t n = read(in->fd, in->bytes + in->to, sizeof(in->bytes) - in->to);
        if (n <= 0) {
            errx(1, "the server hung up");
        }
        in->to += (size_t)n;
    }
}

/* The type of the next message, which is skipped; its body lies right before in->from. */
static uint8_t next_message_of(struct input *in, uint32_t *ret_body_bytes)
{
    uint32_t len;

    fill(in, 5);
    uint8_t type = in->bytes[in->from];
    memcpy(&len, in->bytes + in->from + 1, sizeof(len));
    len = ntohl(len);
    if (len > sizeof(in->bytes) - 1) {
        errx(1, "a message of %u bytes", len);
    }
    fill(in, 1 + (size_t)len);
    if (type == 'E') {
        uint8_t *body = in->bytes + in->from + 5;
        for (uint32_t i = 0; i < len - 4; i++) {
            body[i] = body[i] == '\0' ? ' ' : body[i];
        }
        errx(1, "the server says: %.*s", (int)len - 4, (const char *)body);
    }
    in->from += 1 + (size_t)len;
    *ret_body_bytes = len - 4;
    return type;
}

static uint8_t next_message(struct input *in)
{
    uint32_t body_bytes;

    return next_message_of(in, &body_bytes);
}

/* Rows up to ReadyForQuery, or to the limit. */
static long read_rows(struct input *in, long limit)
{
    long rows = 0;

    while (rows < limit) {
        uint8_t type = next_message(in);

        rows += type == 'D';
        if (type == 'Z') {
            break;
        }
    }
    return rows;
}

static size_t put_message(char *at, char type, const char *body, size_t len)
{
    at[0] = type;
    put_length(at + 1, len + 4);
    memcpy(at + 5, body, len);
    return len + 5;
}

static void send_query(int fd, const char *query, int binary)
{
    static const char bind[] = "\0\0\0\0\0\0\0\1\0\1", execute[] = "\0\0\0\0\0",
                      parse_end[] = "\0\0";
    char packet[4096], parse[4000] = { 0 };
    size_t text = strlen(query) + 1, len;

    if (text + 3 > sizeof(parse)) {
        errx(2, "the query is too long");
    }
    if (binary) {
        memcpy(parse + 1, query, text);
        memcpy(parse + 1 + text, parse_end, 2);
        len = put_message(packet, 'P', parse, text + 3);
        len += put_message(packet + len, 'B', bind, 10);
        len += put_message(packet + len, 'E', execute, 5);
        len += put_message(packet + len, 'S', "", 0);
    } else {
        len = put_message(packet, 'Q', query, text);
    }
    send_all(fd, packet, len);
}

static void scan(int count, const char *database, const char *query, int binary)
{
    static struct input in;
    long rows = 0;

    in.fd = start_up(database);
    double start = now_us();
    for (int i = 0; i < count; i++) {
        send_query(in.fd, query, binary);
        rows = read_rows(&in, INT64_MAX);
    }
    printf("%.2f %ld\n", (now_us() - start) / count, rows);
    hang_up(in.fd);
}

static void first(int count, const char *database, const char *query)
{
    double waited = 0;

    for (int i = 0; i < count; i++) {
        static struct input in;

        in = (struct input){ .fd = start_up(database) };
        double start = now_us();
        send_query(in.fd, query, 0);
        if (read_rows(&in, 1) != 1) {
            errx(1, "no row");
        }
        waited += now_us() - start;
        close(in.fd);
    }
    printf("%.2f\n", waited / count);
}

static void half(int count, const char *database, const char *query)
{
    static struct input in;
    int *fds = calloc((size_t)count, sizeof(*fds));

    for (int i = 0; i < count; i++) {
        fds[i] = start_up(database);
        ask(fds[i], "SELECT 1");
    }
    say_ready();
    while (getchar() != '\n') {
    }
    for (int i = 0; i < count; i++) {
        in = (struct input){ .fd = fds[i] };
        send_query(fds[i], query, 0);
        if (read_rows(&in, 10000) != 10000) {
            errx(1, "the result is too short");
        }
    }
    say_ready();
    while (getchar() != EOF) {
    }
    free(fds);
}

/* ---- COPY ---- */

/* Data up to ReadyForQuery, which is written to `save` unless that is NULL. */
static long read_copy(struct input *in, FILE *save)
{
    long bytes = 0;
    uint32_t len;
    uint8_t type;

    while ((type = next_message_of(in, &len)) != 'Z') {
        if (type == 'd') {
            bytes += len;
            if (save != NULL && fwrite(in->bytes + in->from - len, 1, len, save) != len) {
                err(1, "write");
            }
        }
    }
    return bytes;
}

static void copy_to(int count, const char *database, const char *query, FILE *save)
{
    static struct input in;
    long bytes = 0;

    in.fd = start_up(database);
    double start = now_us();
    for (int i = 0; i < count; i++) {
        send_query(in.fd, query, 0);
        bytes = read_copy(&in, save);
    }
    if (save == NULL) {
        printf("%.2f %ld\n", (now_us() - start) / count, bytes);
    }
    hang_up(in.fd);
}

/* All of the input. */
static char *read_input(size_t *ret_len)
{
    size_t cap = 1 << 20, len = 0, n;
    char *data = malloc(cap);

    while (data != NULL && (n = fread(data + len, 1, cap - len, stdin)) > 0) {
        len += n;
        if (len == cap) {
            data = realloc(data, cap *= 2);
        }
    }
    if (data == NULL) {
        err(1, "the input");
    }
    *ret_len = len;
    return data;
}

static void send_copy(int fd, const char *data, size_t len)
{
    char message[8192 + 5];

    while (len > 0) {
        size_t n = len < 8192 ? len : 8192;

        send_all(fd, message, put_message(message, 'd', data, n));
        data += n;
        len -= n;
    }
    send_all(fd, message, put_message(message, 'c', "", 0));
}

static void copy_from(int count, const char *database, const char *query)
{
    static struct input in;
    double took = 0;
    size_t len;
    char *data = read_input(&len);

    for (int i = 0; i < count; i++) {
        in = (struct input){ .fd = start_up(database) };
        double start = now_us();
        send_query(in.fd, query, 0);
        send_copy(in.fd, data, len);
        read_rows(&in, INT64_MAX);
        took += now_us() - start;
        hang_up(in.fd);
    }
    printf("%.2f %zu\n", took / count, len);
    free(data);
}

static int compare_doubles(const void *a, const void *b)
{
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static void send_numbered(int fd, const char *query, unsigned number)
{
    char text[1024];

    send_query(fd, numbered(query, (int)number, text, sizeof(text)), 0);
}

/* What has not ended in time does not count. */
static void latency(int seconds, const char *database, const char *query)
{
    enum { most = 4000000 };
    static struct input in;
    double *took = calloc(most, sizeof(*took));
    int count = 0;

    in.fd = start_up(database);
    double start = now_us(), end = start + seconds * 1e6, now = start, then;
    while (count < most - 1) {
        send_numbered(in.fd, query, (unsigned)count * 7919U % 100000 + 1);
        read_rows(&in, INT64_MAX);
        then = now_us();
        if (then > end && count > 0) {
            break;
        }
        took[count++] = then - now;
        now = then;
    }
    qsort(took, (size_t)count, sizeof(*took), compare_doubles);
    printf("%.0f %.0f %.0f %.0f %.1f %d\n", took[count / 2], took[(int)(count * 0.99)],
           took[(int)(count * 0.999)], took[count - 1], (now - start) / count, count);
    free(took);
    hang_up(in.fd);
}

/* ---- many connections ---- */

static unsigned random_below(unsigned limit)
{
    static uint64_t state = 88172645463325252U;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state % limit);
}

static void crowd_round(const int *fds, int count, const char *query, double *took)
{
    for (int i = 0; i < count; i++) {
        int fd = fds[random_below((unsigned)count)];
        double start = now_us();

        send_numbered(fd, query, random_below(100000) + 1);
        until_ready(fd);
        took[i] = now_us() - start;
    }
    double start = now_us();
    for (int i = 0; i < count; i++) {
        send_numbered(fds[i], query, random_below(100000) + 1);
    }
    for (int i = 0; i < count; i++) {
        until_ready(fds[i]);
    }
    double all = now_us() - start;

    qsort(took, (size_t)count, sizeof(*took), compare_doubles);
    printf("round %.0f %.0f %.0f %.0f\n", took[count / 2], took[(int)(count * 0.99)],
           took[count - 1], all);
    fflush(stdout);
}

static void after(int count, const char *database, const char *query)
{
    char first[1024];
    const char *mark = strchr(query, '|');
    double *took = calloc((size_t)count, sizeof(*took));
    int fd = start_up(database);

    if (mark == NULL || (size_t)(mark - query) >= sizeof(first)) {
        errx(2, "no two queries with a '|' between them");
    }
    snprintf(first, sizeof(first), "%.*s", (int)(mark - query), query);
    for (int i = 0; i < count; i++) {
        ask(fd, first);
        double start = now_us();
        ask(fd, mark + 1);
        took[i] = now_us() - start;
    }
    qsort(took, (size_t)count, sizeof(*took), compare_doubles);
    printf("%.1f %.1f\n", took[count / 2], took[count - 1]);
    free(took);
    hang_up(fd);
}

static void crowd(int count, const char *database, const char *query)
{
    int *fds = calloc((size_t)count, sizeof(*fds));
    double *took = calloc((size_t)count, sizeof(*took));
    char line[16];
    double start = now_us();

    for (int i = 0; i < count; i++) {
        fds[i] = start_up(database);
    }
    printf("ready %.0f\n", now_us() - start);
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        crowd_round(fds, count, query, took);
    }
    free(took);
    free(fds);
}

static void rounds(int count, const char *database, const char *query, int fresh)
{
    int control = fresh ? start_up("postgres") : -1;
    double start = now_us();
    for (int i = 0; i < count; i++) {
        if (fresh) {
            one_fresh(control, database, query);
        } else {
            one_connection(database, query);
        }
    }
    printf("%.2f\n", (now_us() - start) / count);
}

static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        errx(2, "usage: bench_client HOST PORT MODE COUNT DATABASE QUERY");
    }
    raise_descriptors();
    raw_host = argv[1];
    raw_port = atoi(argv[2]);
    const char *mode = argv[3], *database = argv[5], *query = argv[6];
    int count = atoi(argv[4]);

    if (strcmp(mode, "connect") == 0 || strcmp(mode, "fresh") == 0) {
        rounds(count, database, query, mode[0] == 'f');
    } else if (strcmp(mode, "after") == 0) {
        after(count, database, query);
    } else if (strcmp(mode, "hold") == 0) {
        hold(count, database, query);
    } else if (strcmp(mode, "crowd") == 0) {
        crowd(count, database, query);
    } else if (strcmp(mode, "scan-text") == 0 || strcmp(mode, "scan-binary") == 0) {
        scan(count, database, query, strcmp(mode, "scan-binary") == 0);
    } else if (strcmp(mode, "first") == 0) {
        first(count, database, query);
    } else if (strcmp(mode, "half") == 0) {
        half(count, database, query);
    } else if (strcmp(mode, "copy-to") == 0 || strcmp(mode, "copy-save") == 0) {
        copy_to(count, database, query, strcmp(mode, "copy-save") == 0 ? stdout : NULL);
    } else if (strcmp(mode, "copy-from") == 0) {
        copy_from(count, database, query);
    } else if (strcmp(mode, "latency") == 0) {
        latency(count, database, query);
    } else {
        errx(2, "no mode %s", mode);
    }
    return 0;
}
