/* daemon/input.h: the bytes that came from one client and were not handled yet.
 *
 * A serving task reads into a buffer on its own stack and handles messages from there, so a query
 * that came whole costs one recv and no copy. Only an incomplete rest is kept in the connection.
 * `ahead` are the bytes not yet handled; messages lent from it live until the next input_fill(). */
#pragma once

#include "base/buf.h"

#include <stdbool.h>

enum { input_scratch_bytes = 8192 };

enum { INPUT_NOTHING = 1, INPUT_EOF = 2 };

struct tls;

struct input {
    int fd;
    struct tls *tls; /* what comes is encrypted; NULL: it is not */
    struct view ahead;
    struct buf rest;
    uint8_t *scratch;  /* input_scratch_bytes on the serving task's stack; NULL: nobody serves */
    uint8_t *outer;    /* the scratch set aside by input_hold(); NULL: none */
    struct buf held;   /* bytes set aside by it */
    uint64_t received; /* bytes, ever */
    bool more;         /* the last read filled its room: there may be more */
    bool eof;
};

void input_init(struct input *in, int fd);
void input_finish(struct input *in);

void input_begin(struct input *in, uint8_t *scratch);
/* Keeps what is ahead. 0 or -ENOMEM. */
must_check int input_end(struct input *in);

/* For a message that reads more of the input while it is served (COPY): what was handled, its own
 * text among it, stays where it is until the next input_fill() after input_let_go(). In between
 * bytes are read into another scratch. 0 or -ENOMEM. */
must_check int input_hold(struct input *in, uint8_t *scratch);
/* Keeps what is ahead. 0 or -ENOMEM. */
must_check int input_let_go(struct input *in);

/* Reads what has come, without waiting, behind what is ahead. `need`: how long the first message
 * is, as far as known; the caller has checked it against its limits. 0, INPUT_NOTHING, INPUT_EOF or
 * -errno. */
must_check int input_fill(struct input *in, size_t need);
