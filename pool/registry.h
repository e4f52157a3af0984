/* pool/registry.h: what the names mean that clients give: databases of the configuration, and named
 * clones.
 *
 * Databases are added and changed by one at a time: the start, then a reload (registry_change.h).
 * They stay: one that the configuration does not have any more is gone for whoever looks for its
 * name, and is there for those who have it. Named clones come and go; a name leads any thread to
 * the loop of its clone, and only there to the clone itself. */
#pragma once

#include "base/view.h"
#include "pool/database.h"
#include "pool/named.h"

struct registry;

struct registry_options {
    struct database_world world; /* what the databases share */
    size_t max_clones;           /* most named clones at once; 0: no limit */
    size_t max_templates;        /* most of them that are frozen; 0: no limit */
};

/* 0 or -ENOMEM. */
must_check int registry_create(const struct registry_options *options,
                               struct registry **ret_registry);

/* Other limits, for those who come. Any thread. */
void registry_set_limits(struct registry *registry, size_t max_clones, size_t max_templates);

/* Closes the databases; closed(arg) is called once (on any thread) when their last session has
 * ended. Once, when no client is left. Named clones stay until registry_destroy(). */
void registry_close(struct registry *registry, void (*closed)(void *arg), void *arg);

/* After that, or when no session was ever made. NULL is fine. */
void registry_destroy(struct registry *registry);

/* ---- databases ---- */

/* 0, -ENOMEM or -EEXIST: as database_create(). The name is copied. */
must_check int registry_add(struct registry *registry, const struct database_options *options);
/* Makes the sessions of this loop that are to be ready (min_pool_size). Awaits. */
void registry_await_prefill(struct registry *registry);
/* The idle sessions of all databases end soon. Any thread; not at the daemon's end. */
void registry_shed(const struct registry *registry);
/* As the running loop has it: not one that is gone. Or NULL. */
struct database *registry_find(const struct registry *registry, struct view name);
/* One whose name gives private clones of its template: not a durable one. NULL: it is none. */
struct database *registry_find_template(const struct registry *registry, struct view name);
/* Puts a durable database on the running loop: from now on its name leads there, to a clone that
 * all its connections share. 0 or -ENOMEM. */
must_check int registry_start_durable(struct registry *registry, struct database *database);
/* How many there ever were: database_number() is below. Any thread. */
size_t registry_count(const struct registry *registry);

/* ---- named clones ---- */

enum { REGISTRY_FULL = 2 };

/* Makes the name known, with a reference of its own. 0, -EEXIST (a database may have the name, too)
 * or REGISTRY_FULL. On the clone's loop. */
must_check int registry_put(struct registry *registry, struct named *named);

/* On which loop does it live? False: there is none of that name. Any thread. */
bool registry_locate(struct registry *registry, struct view name, unsigned *ret_loop);

/* Lends the named clone, on its loop; NULL: there is none of that name on the running loop. */
struct named *registry_named(struct registry *registry, struct view name);

/* The name is free, and the registry's reference gone. Nothing when it was dropped before. On the
 * clone's loop. */
void registry_drop(struct registry *registry, struct named *named);

/* 0, -ENOMEM or -EEXIST. On the clone's loop. */
must_check int registry_rename(struct registry *registry, struct named *named, const char *name);

/* ---- frozen ones: names of templates that were made while the daemon runs ---- */

/* Seals what is committed in the clone: its name now stands for that template, and who names it
 * gets a private clone. Those who use it keep it. 0 or -ENOMEM. On the clone's loop. */
must_check int registry_freeze(struct registry *registry, struct named *named);

/* Are there more than max_templates? Then the name (database_name_bytes) of the one that was not
 * used for the longest time, for the caller to drop. Any thread. */
bool registry_find_excess(struct registry *registry, char *ret_name);

struct frozen {
    struct template *template_; /* counted */
    struct database *database;  /* whose limits its clones have */
    uint32_t oid;
    bool allows_connections;
};
/* False: the name is not that of a frozen one. Any thread. */
bool registry_frozen(struct registry *registry, struct view name, struct frozen *ret_frozen);

/* Does the name give private clones: that of a database, or of a frozen one? Any thread. */
bool registry_is_template(struct registry *registry, struct view name);

/* Its attributes now, and others instead of them. Any thread that knows that it is there. */
struct named_attributes registry_attributes(struct registry *registry, const struct named *named);
void registry_set_attributes(struct registry *registry, struct named *named,
                             const struct named_attributes *attributes);

/* A number that no other database of this daemon had (pg_database.oid). Any thread. */
uint32_t registry_next_oid(struct registry *registry);

struct registry_stats {
    struct database_stats sessions; /* of all databases together */
    size_t clones;                  /* named ones */
};
/* Any thread. */
void registry_stats(struct registry *registry, struct registry_stats *ret_stats);

/* ---- the list of both, as it is now; any thread ---- */

struct registry_row {
    char name[database_name_bytes];
    struct named_attributes attributes;
    uint32_t oid;
    bool frozen;        /* a named one that has become a template */
    bool named;         /* a clone that has a name */
    bool durable;       /* of the configuration, in a file */
    bool lasting;       /* a named one: until DROP DATABASE */
    const char *origin; /* a named one: the database whose limits it has; as long as the registry */
    int64_t created_us; /* a named one: wall clock, since 1970 */
    size_t bytes; /* of the image, or what a named clone has of its own beside its template's */
};

/* The caller frees the rows by mem_free(). 0 or -ENOMEM. */
must_check int registry_list(struct registry *registry, struct registry_row **ret_rows,
                             size_t *ret_count);

/* A database of the configuration, or one that is gone while somebody uses it, and what comes out
 * of it now. */
struct registry_pool {
    struct database *database;
    const char *name; /* as long as the registry, as the database */
    bool gone;
    uint32_t oid;
    size_t pool_size;
    size_t min_pool_size;
    struct database_stats stats;
    size_t clones;      /* named ones */
    size_t clone_bytes; /* that they have of their own */
};
/* The same as registry_list(). */
must_check int registry_list_pools(struct registry *registry, struct registry_pool **ret_pools,
                                   size_t *ret_count);
