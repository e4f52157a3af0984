/* pool/durable_impl.h: what a durable database is made of, for durable.c, which logs, and
 * durable_checkpoint.c, which writes the file behind the log. */
#pragma once

#include "async/await.h"
#include "async/line.h"
#include "async/loop.h"
#include "pool/durable.h"
#include "pool/pagemap.h"

#include <sqlite3.h>

enum { checkpoint_bytes = 4 << 20 }; /* of log, about: SQLite's own default is 1,000 pages */

struct durable {
    char *path;
    struct durable_file *file;
    struct clone *clone; /* once started it is the clone that has us */
    struct account *parent;
    struct loop *loop;   /* NULL: not started yet */
    struct task *task;   /* NULL: there is nothing to write */
    struct pagemap root; /* on the disk, in file and log: what readers see */
    uint64_t version;
    struct pagemap backfilled; /* in the file */
    struct line commits;       /* those who wait for their version */

    /* The last write failed, and the clone is still to go back; meanwhile every commit fails. */
    bool failing;
    struct failure failure;
    uint64_t lost_from; /* versions above this one, */
    uint64_t lost_to;   /* up to this one, are not on the disk and never will be */

    bool checkpointing;     /* its task runs */
    bool written_behind;    /* it has: little in the log is not in the file */
    uint64_t checkpoint_at; /* bytes of log at which it runs, */
    bool clone_is_full;     /* or at once */
    struct line checkpoint; /* who waits for its end: the log's task */

    bool closing;
    struct loop_message message;
    void (*closed)(void *arg);
    void *closed_arg;
    struct durable_stats stats;
};

/* Takes the map. */
void durable_set_root(struct durable *durable, struct pagemap *map, uint64_t version);

/* ---- durable_checkpoint.c; the log's task ---- */

/* After each write, and when the clone is full: sees to it that neither the log grows for ever, nor
 * what is kept until the file has it. */
void durable_checkpoint_step(struct durable *durable);
/* Waits for the task that writes the file, if it runs. */
void durable_checkpoint_hold(struct durable *durable);
/* All goes into the file, and the file is closed. */
void durable_checkpoint_last(struct durable *durable);
