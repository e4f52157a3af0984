/* base/defs.h: attributes, ownership and scope-exit macros that every folder uses. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define must_check                 __attribute__((warn_unused_result))
#define maybe_unused               __attribute__((unused))
#define no_return                  __attribute__((noreturn))
#define printf_like(string, first) __attribute__((format(printf, string, first)))

/* Runs fn(&local) when the local leaves its block, on every path. */
#define cleanup(fn) __attribute__((cleanup(fn)))

/* Moves ownership out of a local: gives its value and leaves NULL behind. */
#define take_ptr(p)                 \
    __extension__({                 \
        __typeof__(p) taken_ = (p); \
        (p) = NULL;                 \
        taken_;                     \
    })

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member)                                      \
    __extension__({                                                          \
        const __typeof__(((type *)0)->member) *member_ = (ptr);              \
        (type *)(uintptr_t)((const char *)member_ - offsetof(type, member)); \
    })
