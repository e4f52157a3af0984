/* async/lock.h: a mutex for the few things that loops share (the README's design names them).
 *
 * Held for a handful of instructions by any thread: never across an await, an allocation or
 * somebody else's code. Who wants one for something else wants a message. */
#pragma once

#include <pthread.h>

struct lock {
    pthread_mutex_t mutex;
};

static inline void lock_init(struct lock *lock)
{
    pthread_mutex_init(&lock->mutex, NULL); /* without attributes it cannot fail */
}

static inline void lock_finish(struct lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}

static inline struct lock *lock_take(struct lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
    return lock;
}

static inline void lock_give(struct lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}

/* For cleanup(lock_givep) on a local that lock_take() gave. */
static inline void lock_givep(struct lock **lock)
{
    lock_give(*lock);
}
