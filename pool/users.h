/* pool/users.h: the users who have sessions, or wait for some, each with his budget
 * (max_user_connections). Any thread. */
#pragma once

#include "base/defs.h"

struct budget;
struct gate;
struct user;
struct users;

/* `limit` sessions for each; 0: no limit. The gate is borrowed. 0 or -ENOMEM. */
must_check int users_create(struct gate *gate, size_t limit, struct users **ret_users);
void users_destroy(struct users *users); /* nobody may be known any more; NULL is fine */

/* The user of that name, with one more reference. 0 or -ENOMEM. */
must_check int users_ref(struct users *users, const char *name, struct user **ret_user);
void users_unref(struct users *users, struct user *user);

/* Another limit, for those who are known, too. One caller at a time. */
void users_set_limit(struct users *users, size_t limit);

struct budget *user_budget(struct user *user);
