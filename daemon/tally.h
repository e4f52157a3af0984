/* daemon/tally.h: all that the daemon counts, at one moment: for /metrics and for the status page.
 *
 * Each loop adds its own, in a call of less than a time slice; the rest is added up by the task
 * that asks, which gives up its turn on the way. */
#pragma once

#include "async/loop.h"
#include "daemon/traffic.h"
#include "pool/registry.h"

struct server;

struct tally_database {
    const char *name; /* as long as the server */
    bool is_pool;     /* false: the console, which has no sessions */
    bool builtin;     /* it is there without being in the configuration */
    struct traffic traffic;
    struct registry_pool pool;
    uint64_t pool_size;
    uint64_t oldest_wait_us; /* of the first in line; 0: nobody waits */
};

struct tally_loop {
    unsigned number;
    uint64_t connections;
    uint64_t statements;
    struct loop_stats stats;
};

struct tally {
    uint64_t connections;
    uint64_t connections_limit;
    uint64_t connections_total;
    uint64_t connections_refused;
    uint64_t clone_opens;
    uint64_t clone_open_us;
    uint64_t memory;         /* bytes that the allocator has given */
    uint64_t memory_charged; /* of these, those that count for the limit */
    uint64_t memory_limit;   /* 0: none */
    uint64_t memory_refused; /* how often the limit said no */
    uint64_t cpu_us;         /* of the process, as is the next one */
    uint64_t resident_bytes;
    uint64_t start_us; /* wall clock */
    uint64_t uptime_us;
    bool ready;
    struct tally_loop loops[loops_most];
    size_t loop_count;
    struct tally_database *databases;
    size_t database_count;
};

/* Awaits. 0 or -ENOMEM; tally_finish() is due either way. It is big: not for a stack. */
must_check int tally_take(const struct server *server, struct tally *ret_tally);
void tally_finish(struct tally *tally);
