/* daemon/authority.h: what the section [users] lets a user do. Worker's thread; none awaits. */
#pragma once

#include "base/failure.h"

#include <stdbool.h>

struct conf_user;
struct connection;
struct database;
struct worker;

/* May he use that database, or a clone of it? `name` is what he called it. 0, or FAILED with 42501.
 */
must_check int authority_use(const struct worker *worker, const char *user,
                             const struct database *database, const char *name,
                             struct failure *ret_failure);

/* May he make databases? 0, or FAILED with 42501. */
must_check int authority_create(const struct worker *worker, const char *user,
                                struct failure *ret_failure);

/* May he change or drop a clone of that database? 0, or FAILED with 42501. */
must_check int authority_own(const struct worker *worker, const char *user,
                             const struct database *database, const char *name,
                             struct failure *ret_failure);

/* May he read what that connection runs, and cancel or end it? His own, and those to databases that
 * he may use. `row` is his line (conf_user_find()): who asks of many looks for it once. `other` is
 * of this worker. */
bool authority_over(const struct conf_user *row, const char *user, const struct connection *other);
