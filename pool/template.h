/* pool/template.h: a named, frozen database image that clones start from.
 *
 * Immutable and immortal while referenced; its root may be read by any thread without counting. */
#pragma once

#include "base/failure.h"

#include <stdbool.h>

struct clone;
struct template;

/* An empty database. 0 or -ENOMEM. */
must_check int template_create_empty(struct template **ret_template);

/* Copies an SQLite file (by the backup API; a WAL file is fine). Blocks: run it by await_offload();
 * `stop`, set by any thread, ends it (57P01); NULL: never. 0, FAILED (names file and cause) or
 * -ENOMEM. */
must_check int template_load_file(const char *path, const _Atomic bool *stop,
                                  struct template **ret_template, struct failure *ret_failure);

/* Seals what is committed in a clone now (and on the disk, when it is durable) as a new template.
 * The clone goes on, also with sessions that are in the middle of a read or a write. 0 or -ENOMEM.
 * On the clone's loop. */
must_check int template_seal(struct clone *clone, struct template **ret_template);

struct template *template_ref(struct template *);
void template_unref(struct template *);
static inline void template_unrefp(struct template *const *template_) /* for cleanup() */
{
    template_unref(*template_);
}

uint32_t template_page_count(const struct template *);
uint32_t template_page_bytes(const struct template *);

/* Where sql/ hangs what it caches per template and loop (translations): that of the running loop.
 * Destroyed with the template, on any thread. */
void template_set_cache(struct template *, void *cache, void (*destroy)(void *cache));
void *template_cache(const struct template *);
