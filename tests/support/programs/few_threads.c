/* tests/support/programs/few_threads.c: a library for LD_PRELOAD that lets a process have as many
 * threads besides its first one as $POND_THREADS says, as the limits of a service do, which do not
 * hold for root. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef int create_fn(pthread_t *restrict id, const pthread_attr_t *restrict attributes,
                      void *(*fn)(void *arg), void *restrict arg);

create_fn pthread_create;

static atomic_int threads;

int pthread_create(pthread_t *restrict id, const pthread_attr_t *restrict attributes,
                   void *(*fn)(void *arg), void *restrict arg)
{
    create_fn *real = (create_fn *)dlsym(RTLD_NEXT, "pthread_create");

    if (atomic_fetch_add(&threads, 1) >= atoi(getenv("POND_THREADS"))) {
        return EAGAIN;
    }
    return real(id, attributes, fn, arg);
}
