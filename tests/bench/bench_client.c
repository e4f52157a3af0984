/* tests/bench/bench_client.c: the raw client of the benchmarks, the same for pond and for
 * PostgreSQL.
 *
 * usage: bench_client HOST PORT MODE COUNT DATABASE QUERY
 *   HOST starting with '/' is a unix socket's folder. Modes:
 *   connect  COUNT times: connect, start up, QUERY, Terminate
 *   fresh    COUNT times: CREATE DATABASE bench_fresh TEMPLATE DATABASE, then as connect on it,
 * then DROP DATABASE; this is what a fresh isolated database costs on PostgreSQL hold     COUNT
 * connections that each ran QUERY once and stay open until standard input ends Prints microseconds
 * per round as one number; `hold` prints "ready" instead. */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char *host;
static int port;

static int dial(void)
{
    union {
        struct sockaddr any;
        struct sockaddr_un un;
        struct sockaddr_in in;
    } address = { 0 };
    socklen_t len = 0;

    if (host[0] == '/') {
        address.un.sun_family = AF_UNIX;
        snprintf(address.un.sun_path, sizeof(address.un.sun_path), "%s/.s.PGSQL.%d", host, port);
        len = sizeof(address.un);
    } else {
        address.in.sin_family = AF_INET;
        address.in.sin_port = htons((uint16_t)port);
        if (inet_pton(AF_INET, host, &address.in.sin_addr) != 1) {
            errx(2, "not an address: %s", host);
        }
        len = sizeof(address.in);
    }
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, &address.any, len) < 0) {
        err(1, "connect to %s port %d", host, port);
    }
    return fd;
}

static void send_all(int fd, const void *data, size_t len)
{
    for (const char *at = data; len > 0;) {
        ssize_t n = write(fd, at, len);
        if (n <= 0) {
            err(1, "write");
        }
        at += n;
        len -= (size_t)n;
    }
}

static void read_all(int fd, void *data, size_t len)
{
    for (char *at = data; len > 0;) {
        ssize_t n = read(fd, at, len);
        if (n <= 0) {
            errx(1, "the server hung up");
        }
        at += n;
        len -= (size_t)n;
    }
}

/* Reads messages up to ReadyForQuery; an error ends the program. */
static void until_ready(int fd)
{
    char body[65536];

    for (;;) {
        uint8_t head[5];
        uint32_t len;
        read_all(fd, head, sizeof(head));
        memcpy(&len, head + 1, sizeof(len));
        len = ntohl(len) - 4;
        if (len > sizeof(body)) {
            errx(1, "a message of %u bytes", len);
        }
        read_all(fd, body, len);
        if (head[0] == 'E') {
            for (uint32_t i = 0; i < len; i++) {
                body[i] = body[i] == '\0' ? ' ' : body[i];
            }
            errx(1, "the server says: %.*s", (int)len, body);
        }
        if (head[0] == 'Z') {
            return;
        }
    }
}

static void put_length(char *at, size_t len)
{
    uint32_t word = htonl((uint32_t)len);
    memcpy(at, &word, sizeof(word));
}

static int start_up(const char *database)
{
    char packet[256] = { 0 };
    int fd = dial();
    uint32_t version = htonl(0x30000);
    memcpy(packet + 4, &version, sizeof(version));
    size_t len = 8;
    len += (size_t)snprintf(packet + len, sizeof(packet) - len, "user%ctester%cdatabase%c%s%c", 0,
                            0, 0, database, 0);
    len += 1; /* the end of the list */
    put_length(packet, len);
    send_all(fd, packet, len);
    until_ready(fd);
    return fd;
}

static void ask(int fd, const char *query)
{
    char packet[4096];
    size_t len = strlen(query) + 1;
    if (len + 5 > sizeof(packet)) {
        errx(2, "the query is too long");
    }
    packet[0] = 'Q';
    put_length(packet + 1, len + 4);
    memcpy(packet + 5, query, len);
    send_all(fd, packet, len + 5);
    until_ready(fd);
}

static void hang_up(int fd)
{
    send_all(fd, "X\0\0\0\4", 5);
    close(fd);
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

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void hold(int count, const char *database, const char *query)
{
    for (int i = 0; i < count; i++) {
        ask(start_up(database), query);
    }
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF) {
    }
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        errx(2, "usage: bench_client HOST PORT connect|fresh|hold COUNT DATABASE QUERY");
    }
    host = argv[1];
    port = atoi(argv[2]);
    const char *mode = argv[3], *database = argv[5], *query = argv[6];
    int count = atoi(argv[4]);

    if (strcmp(mode, "hold") == 0) {
        hold(count, database, query);
        return 0;
    }
    int fresh = strcmp(mode, "fresh") == 0;
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
    return 0;
}
