/* pool/registry_change.c: see the header.
 *
 * A database that is new is known to the registry from the preparation on, as one that is gone:
 * that keeps its name from named clones, and it stays when the change comes to nothing. There are
 * never more of them than names that somebody wrote into the file. */
#include "pool/registry_change.h"

#include "base/alloc.h"
#include "pool/registry_impl.h"

#include <errno.h>

struct change_row {
    struct database *database;
    struct database_edition *edition; /* its next one */
    struct database_edition *was;     /* its last one, once that is installed nowhere */
    bool was_taken;
};

struct registry_change {
    struct registry *registry;
    bool installed;
    size_t count;
    struct change_row rows[];
};

/* ---- names ---- */

/* False: a named clone has it. */
static bool take_name(struct registry *registry, struct database *database, bool *ret_was_taken)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);

    if (!database->taken && registry_find_locked(registry, view_of_str(database->name)) != NULL) {
        return false;
    }
    *ret_was_taken = database->taken;
    database->taken = true;
    return true;
}

static void set_taken(struct registry *registry, struct database *database, bool taken)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);

    database->taken = taken;
}

static int fail_taken(const char *name, struct failure *ret_failure)
{
    failure_set(ret_failure, "42P04", "database \"%s\" already exists", name);
    failure_add(ret_failure, FIELD_DETAIL, "It is a named clone.");
    failure_add(ret_failure, FIELD_HINT, "Drop or rename it first.");
    return FAILED;
}

/* ---- what will be ---- */

/* The database of that name, which may be new, or have been gone. */
static int find_or_append(struct registry *registry, const struct database_options *wanted,
                          struct database **ret_database)
{
    struct database *database = registry_find_any(registry, view_of_str(wanted->name));
    struct database_options options = *wanted;

    if (database != NULL) {
        *ret_database = database;
        return 0;
    }
    options.gone = true;
    options.template_ = NULL;
    return registry_append(registry, &options, ret_database);
}

static int add_wanted(struct registry_change *change, const struct database_options *wanted,
                      struct failure *ret_failure)
{
    struct change_row *row = &change->rows[change->count];
    struct database *database;
    int r = find_or_append(change->registry, wanted, &database);

    if (r != 0) {
        return r;
    }
    if (!take_name(change->registry, database, &row->was_taken)) {
        return fail_taken(wanted->name, ret_failure);
    }
    row->database = database;
    change->count++; /* what was taken is given back from here on */
    return database_edition_create(database, wanted, &row->edition);
}

static int add_gone(struct registry_change *change, struct database *database)
{
    struct change_row *row = &change->rows[change->count];
    struct database_options options = *database_options(database);

    options.gone = true;
    options.template_ = NULL;
    *row = (struct change_row){ .database = database, .was_taken = true };
    change->count++;
    return database_edition_create(database, &options, &row->edition);
}

static bool is_wanted(const struct registry_change *change, const struct database *database,
                      size_t wanted)
{
    for (size_t i = 0; i < wanted; i++) {
        if (change->rows[i].database == database) {
            return true;
        }
    }
    return false;
}

static int fill(struct registry_change *change, const struct registry_wish *wish,
                struct failure *ret_failure)
{
    int r = 0;

    for (size_t i = 0; i < wish->count && r == 0; i++) {
        r = add_wanted(change, &wish->databases[i], ret_failure);
    }
    for (struct database *database = registry_first(change->registry); database != NULL && r == 0;
         database = registry_next(database)) {
        if (!database_options(database)->gone && !is_wanted(change, database, wish->count)) {
            r = add_gone(change, database);
        }
    }
    return r;
}

int registry_change_create(struct registry *registry, const struct registry_wish *wish,
                           struct registry_change **ret_change, struct failure *ret_failure)
{
    size_t rows = registry_count(registry) + wish->count;
    struct account *was = account_swap(NULL);
    struct registry_change *change = mem_zalloc(sizeof(*change) + rows * sizeof(struct change_row));

    account_swap(was);
    if (change == NULL) {
        return -ENOMEM;
    }
    change->registry = registry;
    int r = fill(change, wish, ret_failure);
    if (r != 0) {
        registry_change_destroy(change);
        return r;
    }
    *ret_change = change;
    return 0;
}

/* ---- what is ---- */

void registry_change_install(struct registry_change *change)
{
    for (size_t i = 0; i < change->count; i++) {
        database_install_limit(change->rows[i].database, change->rows[i].edition);
    }
    change->installed = true;
}

void registry_change_install_here(struct registry_change *change)
{
    for (size_t i = 0; i < change->count; i++) {
        struct change_row *row = &change->rows[i];

        row->was = database_install(row->database, row->edition);
    }
}

void registry_change_destroy(struct registry_change *change)
{
    if (change == NULL) {
        return;
    }
    for (size_t i = 0; i < change->count; i++) {
        struct change_row *row = &change->rows[i];
        bool gone = row->edition != NULL && row->edition->options.gone;

        set_taken(change->registry, row->database, change->installed ? !gone : row->was_taken);
        database_edition_destroy(change->installed ? row->was : row->edition);
    }
    mem_free(change);
}
