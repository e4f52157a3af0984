/* conf/conf_change.c: what a running daemon makes of its configuration: a copy with one option set,
 * or a file that was read anew, in which what needs a restart stays as it is. */
#include "conf/auth.h"
#include "conf/conf_impl.h"
#include "conf/conf_user.h"
#include "conf/option.h"

#include "base/alloc.h"

#include <errno.h>

/* At the end. */
static int add_copy(struct conf *conf, const struct conf_database *from)
{
    int r = conf_add(conf, from->name);

    if (r != 0) {
        return r;
    }
    struct conf_database *copy = &conf->databases[conf->database_count - 1];
    copy->builtin = from->builtin;
    return option_copy_all(OPTION_DATABASE, copy, from);
}

static int copy_databases(struct conf *copy, const struct conf *conf)
{
    int r = 0;

    for (size_t i = 0; i < conf->database_count && r == 0; i++) {
        r = add_copy(copy, &conf->databases[i]);
    }
    copy->builtin_count = conf->builtin_count;
    return r;
}

int conf_copy(const struct conf *conf, struct conf **ret_copy)
{
    struct conf *copy = mem_zalloc(sizeof(*copy));

    if (copy == NULL) {
        return -ENOMEM;
    }
    copy->overrides = conf->overrides;
    copy->override_count = conf->override_count;
    copy->path = mem_strdup(conf->path);
    int r = copy->path == NULL ? -ENOMEM : option_copy_all(OPTION_POND, copy, conf);
    if (r == 0) {
        r = copy_databases(copy, conf);
    }
    if (r == 0) {
        r = conf_user_copy_all(copy, conf);
    }
    if (r == 0) {
        conf_share_auth(copy, conf);
    }
    if (r != 0) {
        conf_destroy(copy);
        return r;
    }
    *ret_copy = copy;
    return 0;
}

/* ---- what needs a restart ---- */

struct keeping {
    conf_kept_fn *kept;
    void *arg;
};

static int keep_section(const struct keeping *keeping, enum option_section section, void *fresh,
                        const void *running, const struct conf_database *database)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        if (option->section != section || !option->needs_restart ||
            option_equal(option, fresh, running)) {
            continue;
        }
        int r = option_copy(option, fresh, running);
        if (r != 0) {
            return r;
        }
        keeping->kept(keeping->arg, option, database);
    }
    return 0;
}

static int keep_options(const struct keeping *keeping, struct conf *fresh,
                        const struct conf *running)
{
    int r = keep_section(keeping, OPTION_POND, fresh, running, NULL);

    for (size_t i = 0; i < fresh->database_count && r == 0; i++) {
        struct conf_database *database = &fresh->databases[i];
        const struct conf_database *known = conf_find(running, database->name);

        r = known == NULL ? 0 : keep_section(keeping, OPTION_DATABASE, database, known, database);
    }
    return r;
}

static bool is_durable(const struct conf_database *database)
{
    return *database->file != '\0';
}

/* Those that would come: not yet. */
static void leave_out(const struct keeping *keeping, struct conf *fresh, const struct conf *running)
{
    size_t kept = 0;

    for (size_t i = 0; i < fresh->database_count; i++) {
        struct conf_database *database = &fresh->databases[i];

        if (!is_durable(database) || conf_find(running, database->name) != NULL) {
            fresh->databases[kept++] = *database;
            continue;
        }
        keeping->kept(keeping->arg, NULL, database);
        conf_database_finish(database);
    }
    fresh->database_count = kept;
}

/* The last one goes before those that are built in. */
static void move_last(struct conf *conf)
{
    size_t at = conf->database_count - 1;
    struct conf_database last = conf->databases[at];

    for (; at > 0 && conf->databases[at - 1].builtin; at--) {
        conf->databases[at] = conf->databases[at - 1];
    }
    conf->databases[at] = last;
}

/* Those that would go: not yet. */
static int put_back(const struct keeping *keeping, struct conf *fresh, const struct conf *running)
{
    int r = 0;

    for (size_t i = 0; i < running->database_count && r == 0; i++) {
        const struct conf_database *known = &running->databases[i];

        if (!is_durable(known) || conf_find(fresh, known->name) != NULL) {
            continue;
        }
        keeping->kept(keeping->arg, NULL, known);
        r = add_copy(fresh, known);
        if (r == 0) {
            move_last(fresh);
        }
    }
    return r;
}

int conf_keep(struct conf *fresh, const struct conf *running, conf_kept_fn *kept, void *arg)
{
    const struct keeping keeping = { .kept = kept, .arg = arg };
    int r = keep_options(&keeping, fresh, running);

    if (r == 0) {
        leave_out(&keeping, fresh, running);
        r = put_back(&keeping, fresh, running);
    }
    return r;
}

/* ---- SET ---- */

int conf_set(struct conf *conf, const char *name, const char *value, struct failure *ret_failure)
{
    const struct option *option = option_find(OPTION_POND, name);

    if (option == NULL) {
        return option_fail_unknown(OPTION_POND, name, ret_failure);
    }
    if (conf_is_of_auth(option->name)) {
        return failure_set(ret_failure, "55P02",
                           "parameter \"%s\" is changed in the file, by a reload", name);
    }
    if (option->needs_restart) {
        return failure_set(ret_failure, "55P02",
                           "parameter \"%s\" cannot be changed without restarting pondd", name);
    }
    return option_set(option, conf, value, "", ret_failure);
}
