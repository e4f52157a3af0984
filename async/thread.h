/* async/thread.h: threads that run loops: one per loop. Any thread may start and join. */
#pragma once

#include "base/defs.h"

struct thread;

/* Runs fn(arg) on a new thread, which makes, runs and destroys its loop there. `name` (up to 15
 * characters) is what top and gdb show. Signals are blocked: the thread that serves them is the
 * caller's. 0, -EAGAIN or -ENOMEM. */
must_check int thread_start(const char *name, void (*fn)(void *arg), void *arg,
                            struct thread **ret_thread);

/* Waits until fn has returned; the handle is gone afterwards. NULL is fine. */
void thread_join(struct thread *thread);
