/* pool/users.c: a hash table by name; who is known to nobody any more is forgotten. */
#include "pool/users.h"

#include "async/gate.h"
#include "async/lock.h"
#include "base/alloc.h"
#include "base/view.h"
#include "pool/name_hash.h"

#include <assert.h>
#include <errno.h>
#include <sys/queue.h>

enum { bucket_count = 256 };

struct user {
    LIST_ENTRY(user) entry;
    struct budget budget;
    size_t limit; /* what the budget has, or is about to have */
    size_t refs;
    char name[];
};

struct users {
    struct gate *gate;
    struct lock lock; /* over all below */
    size_t limit;
    LIST_HEAD(, user) buckets[bucket_count];
};

int users_create(struct gate *gate, size_t limit, struct users **ret_users)
{
    struct users *users = mem_zalloc(sizeof(*users));

    if (users == NULL) {
        return -ENOMEM;
    }
    users->gate = gate;
    users->limit = limit;
    lock_init(&users->lock);
    *ret_users = users;
    return 0;
}

void users_destroy(struct users *users)
{
    if (users == NULL) {
        return;
    }
    for (size_t i = 0; i < bucket_count; i++) {
        assert(LIST_EMPTY(&users->buckets[i]));
    }
    lock_finish(&users->lock);
    mem_free(users);
}

static struct user *user_new(const char *name)
{
    size_t len = strlen(name) + 1;
    struct account *was = account_swap(NULL); /* others of that name will use it, too */
    struct user *user = mem_zalloc(sizeof(*user) + len);

    account_swap(was);
    if (user != NULL) {
        memcpy(user->name, name, len);
        user->budget.name = user->name;
    }
    return user;
}

/* The known one, or *user, which is taken then. */
static struct user *find_or_put(struct users *users, struct user **user)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&users->lock);
    size_t bucket = name_hash(view_of_str((*user)->name)) % bucket_count;
    struct user *known;

    LIST_FOREACH (known, &users->buckets[bucket], entry) {
        if (strcmp(known->name, (*user)->name) == 0) {
            known->refs++;
            return known;
        }
    }
    known = take_ptr(*user);
    known->refs = 1;
    known->limit = known->budget.limit = users->limit;
    LIST_INSERT_HEAD(&users->buckets[bucket], known, entry);
    return known;
}

int users_ref(struct users *users, const char *name, struct user **ret_user)
{
    cleanup(mem_freep) struct user *fresh = user_new(name);

    if (fresh == NULL) {
        return -ENOMEM;
    }
    *ret_user = find_or_put(users, &fresh);
    return 0;
}

/* Was it the last? Then it is in the table no more. */
static bool leave(struct users *users, struct user *user)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&users->lock);

    if (--user->refs > 0) {
        return false;
    }
    LIST_REMOVE(user, entry);
    return true;
}

void users_unref(struct users *users, struct user *user)
{
    if (user != NULL && leave(users, user)) {
        mem_free(user);
    }
}

/* One of the bucket who still has another limit, with one more reference. */
static struct user *take_unlike(struct users *users, size_t bucket, size_t limit)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&users->lock);
    struct user *user;

    users->limit = limit;
    LIST_FOREACH (user, &users->buckets[bucket], entry) {
        if (user->limit != limit) {
            user->limit = limit;
            user->refs++;
            return user;
        }
    }
    return NULL;
}

void users_set_limit(struct users *users, size_t limit)
{
    struct user *user;

    for (size_t i = 0; i < bucket_count; i++) {
        while ((user = take_unlike(users, i, limit)) != NULL) {
            gate_set_limit(users->gate, &user->budget, limit);
            users_unref(users, user);
        }
    }
}

struct budget *user_budget(struct user *user)
{
    return &user->budget;
}
