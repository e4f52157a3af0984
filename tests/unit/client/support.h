/* tests/unit/client/support.h: a loop for one test, and a server of its that plays a script.
 *
 * The server is a task of test_loop, so that nothing happens but in turns. It takes each
 * connection, answers a cancel request by a hang-up, and plays the script to others: expects the
 * messages of the types named (the start-up packet is '0'), sends bytes, and hangs up at the end of
 * the script, or, told to linger, when the client does. */
#pragma once

#include "client/pond.h"
#include "protocol/backend.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

extern struct pond_loop *test_loop;
extern struct pond_error test_error;

int client_setup(void **state);
int client_teardown(void **state); /* nothing may be left in use */

/* ---- the script ---- */

void script_expect(const char *types);
struct writer *script_writer(void); /* what is written is sent at this point */
void script_bytes(const void *bytes, size_t len);
void script_greet(void); /* expects a start-up packet; trusts, key data, ready */
void script_ready(char status);
void script_columns(const char *const *names, const uint32_t *types, uint16_t count);
void script_row(const char *const *values, uint16_t count); /* NULL: a null */
void script_int_rows(int first, int last);                  /* one column "n", int4 */
void script_tag(const char *tag);
void script_error(const char *sqlstate, const char *message);
void script_linger(void);

/* Sends no more than so many bytes in all, then hangs up. */
void script_cut(size_t bytes);
size_t script_sent(void); /* so many were sent, by all connections since the start */
unsigned script_cancels(void);
void script_clear(void);

/* A conninfo for the server. */
const char *server_conninfo(void);

/* Opens a connection; fails the test when it cannot. */
struct pond_conn *connect_to_server(void);
