/* pool/clone.h: a copy-on-write child of a template: a root pointer and the pages that it wrote since.
 *
 * Belongs to one loop. Creating one is O(1) whatever the template's size. */
#pragma once

#include "async/line.h"
#include "base/failure.h"

struct clone;
struct template;

struct clone_limits {
    size_t memory; /* bytes of own pages; 0: none. At the cap: SQLITE_FULL -> 53100 */
};

/* 0 or -ENOMEM. The clone holds a reference on the template. */
must_check int clone_create(struct template *, const struct clone_limits *, struct clone **ret_clone);
struct clone *clone_ref(struct clone *);
void clone_unref(struct clone *);

struct template *clone_template(const struct clone *);
size_t clone_own_bytes(const struct clone *); /* pages that it does not share with its template */

/* True while the schema is the template's, byte for byte: caches per template may be used. */
bool clone_schema_is_templates(const struct clone *);
