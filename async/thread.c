/* async/thread.c: the only file that starts loops' threads (offload.c starts those that run what
 * blocks). */
#include "async/thread.h"

#include "base/alloc.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

enum { stack_bytes = 8 << 20 };

struct thread {
    pthread_t id;
    void (*fn)(void *arg);
    void *arg;
};

static void *thread_main(void *arg)
{
    struct thread *thread = arg;

    thread->fn(thread->arg);
    return NULL;
}

static int start(struct thread *thread)
{
    pthread_attr_t attributes;
    sigset_t all, was;

    int r = pthread_attr_init(&attributes);
    if (r != 0) {
        return -r;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    r = pthread_attr_setstacksize(&attributes, stack_bytes);
    if (r == 0) {
        r = pthread_create(&thread->id, &attributes, thread_main, thread);
    }
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    pthread_attr_destroy(&attributes);
    return -r;
}

int thread_start(const char *name, void (*fn)(void *arg), void *arg, struct thread **ret_thread)
{
    cleanup(mem_freep) struct thread *thread = mem_zalloc(sizeof(*thread));

    if (thread == NULL) {
        return -ENOMEM;
    }
    thread->fn = fn;
    thread->arg = arg;
    int r = start(thread);
    if (r < 0) {
        return r;
    }
    (void)pthread_setname_np(thread->id, name); /* a name that is too long is left out */
    *ret_thread = take_ptr(thread);
    return 0;
}

void thread_join(struct thread *thread)
{
    if (thread != NULL) {
        pthread_join(thread->id, NULL);
        mem_free(thread);
    }
}
