/* pool/clone.h: a copy-on-write child of a template: a root pointer and the pages that it wrote
 * since.
 *
 * Belongs to one loop. Creating one is O(1) whatever the template's size; so are mark, rewind and
 * reset. */
#pragma once

#include "async/line.h"
#include "base/alloc.h"
#include "base/failure.h"

struct clone;
struct clone_mark;
struct template;

struct clone_limits {
    size_t memory;          /* bytes of own pages; 0: none. At the cap: SQLITE_FULL -> 53100 */
    struct account *parent; /* charged with them too (the daemon's), or NULL; must outlive clone and
                               its seals */
};

/* 0 or -ENOMEM. The clone holds a reference on the template. `limits` NULL: none. */
must_check int clone_create(struct template *, const struct clone_limits *,
                            struct clone **ret_clone);
struct clone *clone_ref(struct clone *);
void clone_unref(struct clone *);                           /* NULL is fine */
static inline void clone_unrefp(struct clone *const *clone) /* for cleanup() */
{
    clone_unref(*clone);
}

struct template *clone_template(const struct clone *);
size_t clone_own_bytes(
    const struct clone *); /* what it does not share with its template, tree nodes included */

/* True while the published schema is the template's, byte for byte: caches per template may be
 * used. It does not know what a transaction that is still open has changed. */
bool clone_schema_is_templates(const struct clone *);

/* ---- the writer's place: one holder, the others in a first-come line ---- */

/* Waits for the place and takes it for `holder` (not NULL: the session). 0, -ETIMEDOUT or
 * -ECANCELED; 0 at once when the holder has it already. Never waits when the place is free. */
must_check int clone_await_writer(struct clone *, void *holder, int64_t deadline_us);
/* Gives it to the first in the line. Does nothing when `holder` has it not. */
void clone_release_writer(struct clone *, const void *holder);
bool clone_has_writer(const struct clone *, const void *holder);
void *clone_holder(const struct clone *); /* NULL: the place is free */
/* The line, for those who look through it (pg_locks, deadlocks); items are the holders. */
const struct line *clone_writers(const struct clone *);

/* ---- other roots: the caller must have the writer's place, and no write may be under way ----
 *
 * Connections in the middle of a read keep what they see until their next transaction. Page 1 is
 * patched so that no connection takes a cached page or a parsed schema of another root for this
 * one's. */

/* How often a root was made the newest by one of these: a transaction that sees it change has lost
 * what it stood on. */
uint64_t clone_rewinds(const struct clone *);

/* Back to the template, as if new. 0, -ENOMEM, or -EBUSY while a connection writes. */
must_check int clone_reset(struct clone *);

/* Remembers the newest root (of a durable clone the newest one on the disk: what may still be lost
 * does not come back by it) / makes a remembered one the newest. The mark holds a reference on its
 * clone and may be used again. */
must_check int clone_mark(struct clone *, struct clone_mark **ret_mark);
must_check int clone_rewind(struct clone *, struct clone_mark *);
void clone_mark_destroy(struct clone_mark *); /* NULL is fine */
