/* daemon/seed.h: makes a template from what a [database] section's `seed` names.
 *
 * A script runs as one simple query of a client would: in one transaction, unless it has its own
 * BEGIN and COMMIT. It runs on a loop of its own, so that it may be called on a helper thread
 * (await_offload) while the daemon's loop goes on. */
#pragma once

#include "base/failure.h"

#include <stdatomic.h>
#include <stdbool.h>

struct account;
struct template;

struct seed_options {
    const char *path; /* an SQL script or an SQLite file, told apart by its first bytes; empty: no
                         rows, no tables */
    const char *database;   /* what current_database() says meanwhile */
    struct account *parent; /* charged for the work; NULL: none */
    size_t work_mem;        /* these three as in struct session_options */
    uint64_t temp_file_limit;
    const char *temp_dir;
    const _Atomic bool *stop; /* set by any thread: give up (57P01); NULL: never */
};

/* Blocks. 0 or FAILED, whose message names file and line and whose detail has the SQL. */
must_check int seed_load(const struct seed_options *options, struct template **ret_template,
                         struct failure *ret_failure);
