/* daemon/slow.h: the statements that took long and have ended: each worker keeps its last few, for
 * the status page. Worker's thread. */
#pragma once

#include "base/view.h"
#include "pool/named.h"

struct connection;
struct worker;

enum { slow_kept = 16, slow_text_bytes = 200 };

struct slow {
    int32_t pid;
    int64_t took_us;
    int64_t ended_us; /* the loops' clock; 0: there is none here */
    char user[database_name_bytes];
    char database[database_name_bytes];
    size_t text_len;
    uint8_t text[slow_text_bytes]; /* cut */
};

struct slow_list {
    struct slow list[slow_kept]; /* round and round */
    size_t next;
};

/* 0 or -ENOMEM. */
must_check int slow_open(struct worker *worker);
void slow_close(struct worker *worker);

/* A statement of it has ended; most are over too soon to be kept. */
void slow_note_if(struct connection *conn, int64_t took_us);
