/* pool/names.h: the names of one session: prepared statements and portals, each a namespace of its
 * own. Protocol statements and SQL's PREPARE share one, protocol portals and DECLAREd cursors the
 * other. The empty name is the unnamed statement or portal. Objects are owned by the table. Loop's
 * thread. */
#pragma once

#include "base/view.h"

#include <stdbool.h>

struct names;

/* `destroy` frees an object; NULL: they are not the table's to free. 0 or -ENOMEM. */
must_check int names_create(void (*destroy)(void *object), struct names **ret_names);
void names_destroy(struct names *names); /* and all objects; NULL is fine */

enum { NAMES_TAKEN = 1 };
/* Takes the object when it says 0. NAMES_TAKEN: the name is in use (an unnamed one is replaced).
 * -ENOMEM: no memory, or 65,536 names are there already. */
must_check int names_put(struct names *names, struct view name, void *object);
void *names_find(const struct names *names, struct view name); /* NULL: none */
bool names_remove(struct names *names,
                  struct view name); /* destroys the object; false: there was none */
void names_clear(struct names *names);

/* Calls fn for each, in no order; fn may not change the table. */
void names_each(const struct names *names, void (*fn)(struct view name, void *object, void *arg),
                void *arg);
size_t names_count(const struct names *names);

/* Removes those that `is_over` says so of; it may not change the table. */
void names_sweep(struct names *names, bool (*is_over)(void *object, void *arg), void *arg);
