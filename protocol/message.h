/* protocol/message.h: the table of every message of protocol v3, a row each.
 * Source: https://www.postgresql.org/docs/15/protocol-message-formats.html
 *
 * The bodies' structs, parsers and writers: protocol/frontend.h and protocol/backend.h. Pure; any
 * thread. */
#pragma once

#include "base/view.h"

enum message_side {
    SIDE_FRONTEND, /* a client says it */
    SIDE_BACKEND,  /* a server says it */
};

/* Body grammar, one letter a field:
 *   1 2 4  integer of that many bytes       s  NUL-terminated string
 *   v      int32 length (-1: NULL), bytes   *  the rest, any bytes
 *   [x]    int16 count, so many x           {x}  x until a zero byte     <x>  int32 count, so many
 * x =N;    int32 that must be N (Authentication's kind) */
struct message_row {
    const char *name;
    const char *body;
    uint8_t type; /* 0: a start-up packet, without type byte */
    uint8_t side; /* enum message_side */
    bool is_long; /* its size is the client's; others are held to message_small_bytes */
};

enum { message_small_bytes = 10000 };

extern const struct message_row message_table[];
extern const size_t message_count;

/* The first row of that type byte; NULL: there is none. Several rows share 'p' and 'R'. */
const struct message_row *message_find(enum message_side side, uint8_t type);
const struct message_row *message_find_name(enum message_side side, const char *name);

/* Is `body` just what the row's grammar says, all used up? */
bool message_matches(const struct message_row *row, struct view body);
