/* async/context.c: the switch between stacks.
 *
 * On x86-64 it is a handful of instructions: what the System V ABI lets a callee clobber need not
 * be saved, so only the six callee-saved registers and the stack pointer are. (The rounding modes
 * of SSE and x87 are also callee-saved; nothing in this process changes them.) Elsewhere it is
 * swapcontext, which also saves the signal mask: two system calls. */
#include "async/context.h"

#include "async/sanitizer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static no_return void context_main(struct context *c);

#if defined(POND_CONTEXT_ASM)

/* Pushes the registers, keeps the stack pointer in *ret_sp, and takes those that were pushed at sp.
 */
void pond_context_swap(void **ret_sp, void *sp);
/* Where a made context wakes up: its struct context is in r12, the function to call in r13. */
void pond_context_start(void);

__asm__(".text\n"
        ".p2align 4\n"
        ".globl pond_context_swap\n"
        ".hidden pond_context_swap\n"
        ".type pond_context_swap, @function\n"
        "pond_context_swap:\n"
        "    .cfi_startproc\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    .cfi_def_cfa_offset 56\n"
        "    .cfi_offset rbp, -16\n"
        "    .cfi_offset rbx, -24\n"
        "    .cfi_offset r12, -32\n"
        "    .cfi_offset r13, -40\n"
        "    .cfi_offset r14, -48\n"
        "    .cfi_offset r15, -56\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    .cfi_def_cfa_offset 8\n"
        "    .cfi_restore rbp\n"
        "    .cfi_restore rbx\n"
        "    .cfi_restore r12\n"
        "    .cfi_restore r13\n"
        "    .cfi_restore r14\n"
        "    .cfi_restore r15\n"
        "    ret\n"
        "    .cfi_endproc\n"
        ".size pond_context_swap, . - pond_context_swap\n"
        ".p2align 4\n"
        ".globl pond_context_start\n"
        ".hidden pond_context_start\n"
        ".type pond_context_start, @function\n"
        "pond_context_start:\n"
        "    .cfi_startproc\n"
        "    .cfi_undefined rip\n" /* backtraces end here */
        "    movq %r12, %rdi\n"
        "    callq *%r13\n"
        "    ud2\n"
        "    .cfi_endproc\n"
        ".size pond_context_start, . - pond_context_start\n");

static void registers_make(struct context *c)
{
    /* As pond_context_swap leaves a stack: r15 r14 r13 r12 rbx rbp and the address to return to.
     * Above it stand two empty words, so that the stack is aligned to 16 for the call in
     * pond_context_start. */
    uintptr_t top = ((uintptr_t)c->stack_bottom + c->stack_size) & ~(uintptr_t)15;
    uintptr_t *frame = (uintptr_t *)top - 9;

    memset(frame, 0, 9 * sizeof(*frame));
    frame[2] = (uintptr_t)context_main;
    frame[3] = (uintptr_t)c;
    frame[6] = (uintptr_t)pond_context_start;
    c->sp = frame;
}

static inline __attribute__((always_inline)) void registers_swap(struct context *from,
                                                                 struct context *to)
{
    pond_context_swap(&from->sp, to->sp);
}

#else

/* makecontext passes ints: the pointer comes in two halves. */
static void ucontext_main(unsigned high, unsigned low)
{
    context_main((struct context *)(((uintptr_t)high << 16 << 16) | low));
}

static void registers_make(struct context *c)
{
    uintptr_t bits = (uintptr_t)c;

    getcontext(&c->registers);
    c->registers.uc_stack.ss_sp = (void *)(uintptr_t)c->stack_bottom;
    c->registers.uc_stack.ss_size = c->stack_size;
    c->registers.uc_link = NULL;
    makecontext(&c->registers, (void (*)(void))ucontext_main, 2, (unsigned)(bits >> 16 >> 16),
                (unsigned)bits);
}

static inline __attribute__((always_inline)) void registers_swap(struct context *from,
                                                                 struct context *to)
{
    swapcontext(&from->registers, &to->registers);
}

#endif

/* The first and the last thing on a stack: tells ASan where the one that we came from is. */
static void context_arrived(struct context *c)
{
    asan_switch_end(c->asan_kept, &c->from->stack_bottom, &c->from->stack_size);
}

static no_return void context_main(struct context *c)
{
    context_arrived(c);
    c->fn(c->arg);
    abort(); /* fn left by context_leave() */
}

void context_init_running(struct context *c)
{
    *c = (struct context){ .tsan_fiber = tsan_fiber_current() };
}

void context_make(struct context *c, void *stack_bottom, size_t stack_size, context_fn *fn,
                  void *arg)
{
    *c = (struct context){
        .fn = fn,
        .arg = arg,
        .stack_bottom = stack_bottom,
        .stack_size = stack_size,
        .tsan_fiber = tsan_fiber_create(),
    };
    registers_make(c);
}

void context_finish(struct context *c)
{
    if (c->tsan_fiber != NULL) {
        tsan_fiber_destroy(c->tsan_fiber);
        c->tsan_fiber = NULL;
    }
}

void context_switch(struct context *from, struct context *to)
{
    to->from = from;
    asan_switch_begin(&from->asan_kept, to->stack_bottom, to->stack_size);
    tsan_fiber_switch(to->tsan_fiber);
    registers_swap(from, to);
    context_arrived(from);
}

void context_leave(struct context *from, struct context *to)
{
    to->from = from;
    asan_switch_begin(NULL, to->stack_bottom, to->stack_size);
    tsan_fiber_switch(to->tsan_fiber);
    registers_swap(from, to);
    abort(); /* nobody comes back to a context that left */
}
