/* daemon/authority.c: see authority.h. In PostgreSQL's words. */
#include "daemon/authority.h"

#include "conf/conf_user.h"
#include "daemon/connection_impl.h"
#include "daemon/worker.h"
#include "pool/database.h"

#include <string.h>

int authority_use(const struct worker *worker, const char *user, const struct database *database,
                  const char *name, struct failure *ret_failure)
{
    const char *base = database_options(database)->name;

    if (conf_user_may_use(conf_user_find(worker->conf, user), base)) {
        return 0;
    }
    failure_set(ret_failure, "42501", "permission denied for database \"%s\"", name);
    failure_add(ret_failure, FIELD_DETAIL,
                "User \"%s\" may not use database \"%s\" of pondd's "
                "configuration.",
                user, base);
    return FAILED;
}

int authority_create(const struct worker *worker, const char *user, struct failure *ret_failure)
{
    const struct conf_user *row = conf_user_find(worker->conf, user);

    return row == NULL || row->createdb
               ? 0
               : failure_set(ret_failure, "42501", "permission denied to create database");
}

int authority_own(const struct worker *worker, const char *user, const struct database *database,
                  const char *name, struct failure *ret_failure)
{
    const struct conf_user *row = conf_user_find(worker->conf, user);

    return row == NULL ||
                   (row->createdb && conf_user_may_use(row, database_options(database)->name))
               ? 0
               : failure_set(ret_failure, "42501", "must be owner of database \"%s\"", name);
}

/* Whoever may use all may also look at those who are still waiting for a session, and the
 * console's.
 */
bool authority_over(const struct conf_user *row, const char *user, const struct connection *other)
{
    const struct database *database = other->lease.database;

    return row == NULL || *row->databases == '\0' || strcmp(user, other->user) == 0 ||
           (database != NULL && conf_user_may_use(row, database_options(database)->name));
}
