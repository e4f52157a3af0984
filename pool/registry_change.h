/* pool/registry_change.h: what a reload makes of the databases: others, or the same ones with other
 * options and templates.
 *
 * First everything is made ready, which may fail and then has changed nothing. Then it is
 * installed, which cannot: for all, and on each loop by its own thread. One change at a time. */
#pragma once

#include "pool/database.h"

#include "base/failure.h"

struct registry;
struct registry_change;

struct registry_wish {
    const struct database_options *databases; /* all; each with its template, none gone */
    size_t count;
};

/* Databases that are not wished for will be gone. Those that there were before keep their oid,
 * those that were gone come back. 0; FAILED: 42P04 when a named clone has the name; or -ENOMEM. */
must_check int registry_change_create(struct registry *registry, const struct registry_wish *wish,
                                      struct registry_change **ret_change,
                                      struct failure *ret_failure);

/* Once, on any thread, and once on each loop, in any order. They do not await. */
void registry_change_install(struct registry_change *change);
void registry_change_install_here(struct registry_change *change);

/* Forgets what is not used any more: what was before, when it was installed on all loops, else what
 * would have been. NULL is fine. */
void registry_change_destroy(struct registry_change *change);
