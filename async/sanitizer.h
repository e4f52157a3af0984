/* async/sanitizer.h: what ASan, TSan and valgrind want to know about stacks; nothing at all in a
 * plain build.
 *
 * Private to async/. Valgrind's requests cost a handful of instructions when it is not there, and
 * stand only where stacks are mapped and given back, never in a switch. */
#pragma once

#include "base/defs.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POND_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define POND_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define POND_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define POND_TSAN 1
#endif

#if defined(POND_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* Before a switch to the stack [bottom, bottom + size). keep is NULL when this stack ends. */
static inline void asan_switch_begin(void **keep, const void *bottom, size_t size)
{
    __sanitizer_start_switch_fiber(keep, bottom, size);
}

/* After it, on the new stack: what it was kept under, and where the old stack is. */
static inline void asan_switch_end(void *kept, const void **ret_bottom, size_t *ret_size)
{
    __sanitizer_finish_switch_fiber(kept, ret_bottom, ret_size);
}

static inline void asan_forget(void *bottom, size_t size)
{
    __asan_unpoison_memory_region(bottom, size);
}
#else
static inline void asan_switch_begin(void **keep, const void *bottom, size_t size)
{
    (void)keep, (void)bottom, (void)size;
}

static inline void asan_switch_end(void *kept, const void **ret_bottom, size_t *ret_size)
{
    (void)kept, (void)ret_bottom, (void)ret_size;
}

static inline void asan_forget(void *bottom, size_t size)
{
    (void)bottom, (void)size;
}
#endif

#if defined(POND_TSAN)
#include <sanitizer/tsan_interface.h>

static inline void *tsan_fiber_current(void)
{
    return __tsan_get_current_fiber();
}

static inline void *tsan_fiber_create(void)
{
    return __tsan_create_fiber(0);
}

static inline void tsan_fiber_destroy(void *fiber)
{
    __tsan_destroy_fiber(fiber);
}

static inline void tsan_fiber_switch(void *fiber)
{
    __tsan_switch_to_fiber(fiber, 0);
}
#else
static inline void *tsan_fiber_current(void)
{
    return NULL;
}

static inline void *tsan_fiber_create(void)
{
    return NULL;
}

static inline void tsan_fiber_destroy(void *fiber)
{
    (void)fiber;
}

static inline void tsan_fiber_switch(void *fiber)
{
    (void)fiber;
}
#endif

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>

static inline unsigned valgrind_stack_register(void *bottom, size_t size)
{
    return VALGRIND_STACK_REGISTER(bottom, (char *)bottom + size);
}

static inline void valgrind_stack_deregister(unsigned id)
{
    VALGRIND_STACK_DEREGISTER(id);
}

/* What lay below the stack pointer may be looked at again. */
static inline void valgrind_forget(void *bottom, size_t size)
{
    VALGRIND_MAKE_MEM_DEFINED(bottom, size);
}
#else
static inline unsigned valgrind_stack_register(void *bottom, size_t size)
{
    (void)bottom, (void)size;
    return 0;
}

static inline void valgrind_stack_deregister(unsigned id)
{
    (void)id;
}

static inline void valgrind_forget(void *bottom, size_t size)
{
    (void)bottom, (void)size;
}
#endif
