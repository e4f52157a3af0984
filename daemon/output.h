/* daemon/output.h: what goes to one client: messages gather in a buffer and leave in one send.
 *
 * The buffer is borrowed from the worker's spare ones while a task serves the connection, so that
 * an idle connection keeps none. At the high-water mark (option output_buffer) it is flushed, which
 * awaits a client that does not read; one that takes nothing for client_stall_timeout is given up.
 * Once that happened the output is broken: every later flush says the same. Serving task only. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>

struct tls;
struct worker;

enum { output_spare_count = 16, output_spare_bytes = 16 * 1024 };

/* Empty buffers that kept their memory; embedded in the worker. */
struct output_spares {
    struct buf bufs[output_spare_count];
    size_t count;
};

void output_spares_finish(struct output_spares *spares);

struct output {
    struct buf buf;
    struct worker *worker;
    struct tls *tls; /* what goes is encrypted; NULL: it is not */
    int fd;
    uint64_t sent; /* bytes, ever */
    int broken;    /* -errno once nobody is there to read any more; 0 before */
    bool awaiting; /* a flush waits for the client right now */
};

void output_init(struct output *o, struct worker *worker, int fd);
void output_finish(struct output *o);

/* Borrows a buffer, unless it has one still. 0 or -ENOMEM. */
must_check int output_begin(struct output *o);
/* Gives it back; what was not flushed is dropped. */
void output_end(struct output *o);

/* Sends all of it; awaits. 0 or -errno: the connection is over. */
must_check int output_flush(struct output *o);

/* Awaits until the client has read something, as a flush does. 0 or -errno. */
must_check int output_await_room(struct output *o);

/* Flushes when the high-water mark is passed; else nothing. */
must_check int output_relieve(struct output *o);

/* A message that could not be written: the client cannot be served without it. Every later flush
 * says -ENOMEM. */
void output_break(struct output *o);
