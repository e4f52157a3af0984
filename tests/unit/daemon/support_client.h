/* tests/unit/daemon/support_client.h: a server without a listener, and clients that speak raw bytes
 * to it over socketpairs, all on one loop. */
#pragma once

#include "async/task.h"
#include "base/alloc.h"
#include "base/failure.h"
#include "conf/conf.h"
#include "daemon/connection.h"
#include "daemon/server.h"
#include "protocol/backend.h"
#include "protocol/frontend.h"
#include "protocol/startup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { client_got_bytes = 4 * 1024 * 1024 };

/* The server has one database, "shop", whose template is empty. Change the conf before a client
 * comes. */
extern struct conf test_conf;
extern struct server test_server;
extern struct worker *test_worker; /* its only one */

int server_setup(void **state);
int server_teardown(void **state); /* nothing may be left, neither connection nor byte */

struct client {
    int fd;
    bool eof;
    size_t len;         /* bytes in got */
    struct buf out;     /* what client_flush() will send */
    struct writer w;    /* over out */
    size_t listed;      /* bytes of got that are in types and counts */
    char types[4096];   /* the first message types in got, in order */
    size_t counts[256]; /* of all */
    uint8_t got[client_got_bytes];
};

struct client *client_open(void);
struct client *client_open_tcp(
    void); /* from 127.0.0.1: not the daemon itself, to whom it must prove who it is */
void client_close(struct client *client);

/* As client_open, with a start-up packet of these names and values (NULL at the end), and waits. */
struct client *client_login(const char *const *params);
struct client *client_shop(void); /* user "tester", database "shop", its greeting forgotten */

void client_send(struct client *client, const void *bytes, size_t len);
void client_flush(struct client *client); /* sends what client->w wrote */
void client_forget(struct client *client);

/* Runs the loop until so many bytes of type 'Z' messages (or of one type) have come, or the end. */
void client_await(struct client *client, char type, size_t count);
void client_await_end(struct client *client);
/* Runs the loop until no connection is left. */
void server_await_empty(void);
/* The same, while the n-th allocation from now fails. Was there an n-th? */
bool server_fail_until_empty(uint64_t n);
/* Runs fn(arg) as a task; the server's own tasks may go on afterwards. */
void server_run(task_fn *fn, void *arg);
/* Runs the loop for so many turns. */
void server_run_turns(int turns);

void client_query(struct client *client, const char *sql); /* sends and waits for its 'Z' */

/* The n-th message (from 0) of that type. */
void client_message(struct client *client, char type, size_t n, struct backend_message *ret);
char client_status(struct client *client); /* of the last ReadyForQuery */

void expect_types(struct client *client, const char *types);
void expect_error(struct client *client, const char *severity, const char *sqlstate,
                  const char *message);
/* The first column of the n-th DataRow as text. */
void expect_first(struct client *client, size_t n, const char *text);
