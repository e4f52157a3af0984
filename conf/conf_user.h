/* conf/conf_user.h: what users may do: the section [users] of pond.conf, one line each, in
 * PgBouncer's manner:
 *
 *     [users]
 *     alice = databases=shop,empty createdb=off max_user_connections=3 statement_timeout=30s
 *     *     = databases=empty
 *
 * `*` is everybody who has no line; without such a line he may do anything. */
#pragma once

#include "base/failure.h"

#include <stdbool.h>

struct conf;
struct ini_item;

struct conf_user {
    char *name;
    char *databases; /* comma-separated; empty: all */
    bool createdb;
    int64_t max_user_connections; /* 0: the daemon's */
    int64_t statement_timeout_us; /* 0: the database's */
};

/* Takes a line of the section. 0, FAILED (without its place) or -ENOMEM. */
must_check int conf_user_add(struct conf *conf, const struct ini_item *item,
                             struct failure *ret_failure);
/* Are all databases that they name there? 0 or FAILED. */
must_check int conf_user_check_all(const struct conf *conf, struct failure *ret_failure);
/* Those of `conf` for a copy that has none. 0 or -ENOMEM. */
must_check int conf_user_copy_all(struct conf *copy, const struct conf *conf);
void conf_user_finish_all(struct conf *conf);

/* His line, or that of `*`; NULL: none. */
const struct conf_user *conf_user_find(const struct conf *conf, const char *name);

/* A database of the configuration, which its clones are of too. NULL may use all. */
bool conf_user_may_use(const struct conf_user *user, const char *database);
