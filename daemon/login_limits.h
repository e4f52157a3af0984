/* daemon/login_limits.h: who has failed to log in how often within the last minute.
 *
 * A table of fixed size: one who came long ago makes room for another. Any thread. */
#pragma once

#include "async/lock.h"
#include "base/defs.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

enum { login_limit_sets = 256, login_limit_ways = 4, login_limit_window_us = 60000000 };

/* An IPv4 address, the network of an IPv6 address, or a user of the system. */
struct login_key {
    uint8_t bytes[9];
};

struct login_slot {
    struct login_key key;
    uint32_t count;   /* 0: nobody */
    int64_t since_us; /* the first of them */
};

struct login_limits {
    struct lock lock; /* over all below */
    struct login_slot slots[login_limit_sets][login_limit_ways];
};

void login_limits_init(struct login_limits *limits);
void login_limits_finish(struct login_limits *limits);

struct login_key login_key_of_address(const struct sockaddr *address);
struct login_key login_key_of_uid(uid_t uid);

/* May he try once more? `most` 0: always. */
bool login_limits_allow(struct login_limits *limits, const struct login_key *key, size_t most,
                        int64_t now_us);
/* He has failed. */
void login_limits_count(struct login_limits *limits, const struct login_key *key, int64_t now_us);
