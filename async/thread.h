/* async/thread.h: threads that run loops: one per loop. Any thread may start and join. */
#pragma once

#include "base/defs.h"

struct thread;

/* Runs fn(arg), which runs a loop, on a new thread. Its stack is as big as a process's usually is,
 * whatever the limits say (task_call_on_loop_stack). `name` (up to 15 characters) is what top and
 * gdb show. Signals are blocked: they are the caller's. 0, -EAGAIN or -ENOMEM. */
must_check int thread_start(const char *name, void (*fn)(void *arg), void *arg,
                            struct thread **ret_thread);

/* Waits until fn has returned; the handle is gone afterwards. NULL is fine. */
void thread_join(struct thread *thread);
