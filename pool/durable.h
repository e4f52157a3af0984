/* pool/durable.h: a clone that is also in a file: what is committed in it, and acknowledged,
 * outlives the process, and power loss.
 *
 * Its image is in memory as any clone's, and so all that a session does is as fast. A commit makes
 * a new root at once, for those who write next; a task takes what has been committed since its last
 * turn to the log, as one commit, and then to the disk by one sync, on a helper thread. Only then
 * do readers see it, and are those who committed told so. When the disk does not take it, they all
 * are told that, and the clone is again what is on the disk.
 *
 * Belongs to its clone and the clone's loop, but for durable_open() and what it says of itself. */
#pragma once

#include "pool/durable_file.h"

struct account;
struct clone;
struct durable;
struct loop;
struct pagemap;
struct session;
struct template;

struct durable_options {
    const char *path;
    const char *vfs; /* NULL: the platform's */
    enum durable_sync sync;
    size_t memory; /* bytes that the image may have; 0: no limit */
    struct account *parent;
    const _Atomic bool *stop; /* set by any thread: give the opening up (57P01); NULL: never */
    /* What a new file begins with: 0 or FAILED; NULL: nothing. */
    int (*fill)(void *arg, struct template **ret_template, struct failure *ret_failure);
    void *arg;
};

/* Opens, fills and recovers (durable_file.h); blocks, on a helper thread. 0 or FAILED. */
must_check int durable_open(const struct durable_options *options, struct durable **ret_durable,
                            struct failure *ret_failure);

/* Its image, which is there from the beginning. */
struct clone *durable_clone(const struct durable *durable);

/* It lives on the running loop from now on. The clone's reference becomes the caller's, and
 * `durable` the clone's. */
void durable_start(struct durable *durable);

/* False: never. */
bool durable_has_started(const struct durable *durable);

/* Ends it: what is committed goes into the file, which is closed; then closed(arg) is called, on
 * its loop. Any thread; once; nobody may use the clone any more. */
void durable_close(struct durable *durable, void (*closed)(void *arg), void *arg);

/* For one that was never started, or, by its clone, that has been closed. NULL is fine. */
void durable_destroy(struct durable *durable);

/* ---- for its clone ---- */

/* The image that readers see, and which of the clone's versions it is. */
uint32_t durable_page_count(const struct durable *durable);
const struct pagemap *durable_root(const struct durable *durable);
uint64_t durable_version(const struct durable *durable);

/* There is a new root. */
void durable_published(struct durable *durable);

/* Nobody has the writer's place, for this moment. */
void durable_place_is_free(struct durable *durable);

/* The clone is full. What it keeps only because the file has not got it yet goes soon; there may be
 * room then for who tries again. */
void durable_make_room(struct durable *durable);

/* ---- for sessions ---- */

/* Waits until this version of the clone's root is on the disk (as `synchronous` means it). 0;
 * FAILED when it will never be (58030, 53100); or -ECANCELED, and then nobody knows. */
must_check int durable_await(struct durable *durable, uint64_t version,
                             struct failure *ret_failure);

struct durable_stats {
    uint64_t commits;     /* versions that were asked for */
    uint64_t writes;      /* of the log, each of which took some of them */
    uint64_t checkpoints; /* the log was begun anew */
    uint64_t failures;    /* writes that failed */
    uint64_t log_bytes;
};
/* On its loop. */
void durable_stats(const struct durable *durable, struct durable_stats *ret_stats);
