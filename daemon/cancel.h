/* daemon/cancel.h: the keys by which a CancelRequest finds the connection it means.
 *
 * A hash table by process number, chained through the connections themselves. Each worker has one,
 * and gives out numbers that tell it from the others. Worker's thread. */
#pragma once

#include "base/view.h"

#include <sys/queue.h>

enum { cancel_bucket_count = 256, cancel_key_bytes = 4 };

struct cancel_key {
    LIST_ENTRY(cancel_key) entry;
    int32_t pid; /* 0: in no table */
    uint8_t secret[cancel_key_bytes];
};

struct cancel_keys {
    LIST_HEAD(, cancel_key) buckets[cancel_bucket_count];
    int32_t next_pid; /* to be tried first */
    int32_t first;    /* the numbers are first, first + step, first + 2 * step ... */
    int32_t step;
};

/* first >= 1, step >= 1. */
void cancel_keys_init(struct cancel_keys *keys, int32_t first, int32_t step);

/* Draws a secret from the kernel and adds the key under a number that no other has. 0 or -errno. */
must_check int cancel_key_add(struct cancel_keys *keys, struct cancel_key *key);
void cancel_key_remove(struct cancel_key *key); /* a zeroed one is fine */

/* The key of that number, or NULL. */
struct cancel_key *cancel_key_of_pid(struct cancel_keys *keys, int32_t pid);

/* The key of that number and that secret, or NULL. Takes as long for a nearly right secret. */
struct cancel_key *cancel_key_find(struct cancel_keys *keys, int32_t pid, struct view secret);
