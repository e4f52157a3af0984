/* pool/registry_frozen.c: named clones that are templates now. */
#include "pool/registry_impl.h"

#include "pool/template.h"

#include <errno.h>
#include <stdio.h>

/* The lock is held. NULL: there are not too many. */
static struct named *find_least_used(struct registry *registry)
{
    struct named *least = NULL;
    struct named *named;

    for (size_t i = 0; i < registry_buckets; i++) {
        LIST_FOREACH (named, &registry->buckets[i], entry) {
            if (named->frozen != NULL &&
                (least == NULL || named->frozen_used < least->frozen_used)) {
                least = named;
            }
        }
    }
    return least;
}

bool registry_find_excess(struct registry *registry, char *ret_name)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);
    bool too_many =
        registry->max_templates != 0 && registry->frozen_count > registry->max_templates;
    const struct named *least = too_many ? find_least_used(registry) : NULL;

    if (least != NULL) {
        snprintf(ret_name, database_name_bytes, "%s", least->name);
    }
    return least != NULL;
}

/* False: it has been dropped, or is frozen already. */
static bool set_frozen(struct registry *registry, struct named *named, struct template *template_)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);

    if (!named->listed || named->frozen != NULL) {
        return false;
    }
    named->frozen = template_;
    named->frozen_used = ++registry->frozen_uses;
    named->attributes.is_template = true;
    registry->frozen_count++;
    return true;
}

int registry_freeze(struct registry *registry, struct named *named)
{
    struct template *template_;

    if (template_seal(named->clone, &template_) != 0) {
        return -ENOMEM;
    }
    if (!set_frozen(registry, named, template_)) {
        template_unref(template_);
    }
    return 0;
}

/* The lock is held. NULL: it is not that of a frozen one. */
static struct named *use_frozen(struct registry *registry, struct view name)
{
    struct named *named = registry_find_locked(registry, name);

    if (named == NULL || named->frozen == NULL) {
        return NULL;
    }
    named->frozen_used = ++registry->frozen_uses;
    return named;
}

bool registry_frozen(struct registry *registry, struct view name, struct frozen *ret_frozen)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);
    const struct named *named = use_frozen(registry, name);

    if (named != NULL) {
        *ret_frozen = (struct frozen){ .template_ = template_ref(named->frozen),
                                       .database = named->database,
                                       .oid = named->oid,
                                       .allows_connections = named->attributes.allows_connections };
    }
    return named != NULL;
}

bool registry_is_template(struct registry *registry, struct view name)
{
    if (registry_find_template(registry, name) != NULL) {
        return true;
    }
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);

    return use_frozen(registry, name) != NULL;
}
