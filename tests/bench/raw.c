/* tests/bench/raw.c: see raw.h. */
#include "raw.h"

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

const char *raw_host;
int raw_port;
const char *raw_user = "tester";
static unsigned dialled;

enum { connections_per_address = 20000 };

double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* 127.0.0.1 and what follows it; which port, connect() decides. */
static void bind_source(int fd, unsigned number)
{
    struct sockaddr_in source = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK + number) };
    int on = 1;

    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0 ||
        bind(fd, (struct sockaddr *)&source, sizeof(source)) < 0) {
        err(1, "bind");
    }
}

int dial(void)
{
    union {
        struct sockaddr any;
        struct sockaddr_un un;
        struct sockaddr_in in;
    } address = { 0 };
    socklen_t len = 0;

    if (raw_host[0] == '/') {
        address.un.sun_family = AF_UNIX;
        snprintf(address.un.sun_path, sizeof(address.un.sun_path), "%s/.s.PGSQL.%d", raw_host,
                 raw_port);
        len = sizeof(address.un);
    } else {
        address.in.sin_family = AF_INET;
        address.in.sin_port = htons((uint16_t)raw_port);
        if (inet_pton(AF_INET, raw_host, &address.in.sin_addr) != 1) {
            errx(2, "not an address: %s", raw_host);
        }
        len = sizeof(address.in);
    }
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && raw_host[0] != '/' && dialled >= connections_per_address) {
        bind_source(fd, dialled / connections_per_address);
    }
    if (fd < 0 || connect(fd, &address.any, len) < 0) {
        err(1, "connect to %s port %d", raw_host, raw_port);
    }
    dialled++;
    return fd;
}

void send_all(int fd, const void *data, size_t len)
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

void read_all(int fd, void *data, size_t len)
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

/* The first value of a DataRow, if it is a short one. */
static long read_number(const char *body, uint32_t len)
{
    char text[32] = "";

    if (len > 6 && len - 6 < sizeof(text)) {
        memcpy(text, body + 6, len - 6);
    }
    return atol(text);
}

/* Reads messages up to ReadyForQuery; an error ends the program. The last row's first value. */
static long read_answer(int fd)
{
    char body[65536];
    long number = 0;

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
        number = head[0] == 'D' ? read_number(body, len) : number;
        if (head[0] == 'Z') {
            return number;
        }
    }
}

void until_ready(int fd)
{
    (void)read_answer(fd);
}

void put_length(char *at, size_t len)
{
    uint32_t word = htonl((uint32_t)len);
    memcpy(at, &word, sizeof(word));
}

size_t start_up_packet(char *packet, size_t size, const char *database)
{
    uint32_t version = htonl(0x30000);
    size_t len = 8;

    memset(packet, 0, size);
    memcpy(packet + 4, &version, sizeof(version));
    len += (size_t)snprintf(packet + len, size - len, "user%c%s%cdatabase%c%s%c", 0, raw_user, 0, 0,
                            database, 0);
    len += 1; /* the end of the list */
    put_length(packet, len);
    return len;
}

int begin_start_up(const char *database)
{
    char packet[256];
    size_t len = start_up_packet(packet, sizeof(packet), database);
    int fd = dial();

    send_all(fd, packet, len);
    return fd;
}

int start_up(const char *database)
{
    int fd = begin_start_up(database);

    until_ready(fd);
    return fd;
}

static void send_query(int fd, const char *query)
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
}

void ask(int fd, const char *query)
{
    send_query(fd, query);
    until_ready(fd);
}

long ask_number(int fd, const char *query)
{
    send_query(fd, query);
    return read_answer(fd);
}

void hang_up(int fd)
{
    send_all(fd, "X\0\0\0\4", 5);
    close(fd);
}
