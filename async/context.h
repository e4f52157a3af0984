/* async/context.h: a place where a thread of execution stopped and can go on: registers and a
 * stack.
 *
 * Private to async/. A context is made once per task and switched about twice per query. */
#pragma once

#include "base/defs.h"

#include <ucontext.h>

/* The hand-written switch where there is one (see context.c for the figures), else ucontext. */
#if defined(__x86_64__) && !defined(POND_UCONTEXT)
#define POND_CONTEXT_ASM 1
#endif

typedef void context_fn(void *arg);

struct context {
#if defined(POND_CONTEXT_ASM)
    void *sp; /* where the registers were pushed */
#else
    ucontext_t registers;
#endif
    context_fn *fn; /* made contexts only */
    void *arg;
    struct context *from;     /* who switched here last */
    const void *stack_bottom; /* for ASan */
    size_t stack_size;
    void *asan_kept;
    void *tsan_fiber;
};

/* The running stack, as a context to come back to. */
void context_init_running(struct context *c);

/* A context that will run fn(arg) on the given stack. fn must not return: its last act is
 * context_leave(). */
void context_make(struct context *c, void *stack_bottom, size_t stack_size, context_fn *fn,
                  void *arg);

/* Forgets a context that has left. */
void context_finish(struct context *c);

/* Stops here and goes on there. */
void context_switch(struct context *from, struct context *to);

/* The same, for the last time. */
no_return void context_leave(struct context *from, struct context *to);
