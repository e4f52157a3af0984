/* tests/bench/raw.h: a client that sends simple queries and reads up to ReadyForQuery, the same for
 * pond and for PostgreSQL. Whatever goes wrong ends the program. */
#pragma once

#include <stddef.h>

/* Where the server is; a host that starts with '/' is a unix socket's folder. Over TCP each
 * 20,000 connections come from another address of 127.0.0.0/8, as ports would run out. */
extern const char *raw_host;
extern int raw_port;
extern const char *raw_user; /* tester, unless it is set */

double now_us(void);

int dial(void);
/* The packet's length. */
size_t start_up_packet(char *packet, size_t size, const char *database);
int start_up(const char *database);       /* up to the first ReadyForQuery */
int begin_start_up(const char *database); /* the packet only */
void until_ready(int fd);
void ask(int fd, const char *query);
long ask_number(int fd, const char *query); /* one row of one number */
void hang_up(int fd);                       /* with a Terminate */

void send_all(int fd, const void *data, size_t len);
void read_all(int fd, void *data, size_t len);
void put_length(char *at, size_t len);
