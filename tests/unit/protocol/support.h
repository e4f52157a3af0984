/* tests/unit/protocol/support.h: what the protocol tests share. */
#pragma once

#include "base/alloc.h"
#include "base/buf.h"
#include "base/failure.h"
#include "protocol/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static inline void finish_buf(struct buf *b)
{
    buf_finish(b);
}

/* A string literal with its inner NULs, without the last one. */
#define BYTES(literal) view_of(literal, sizeof(literal) - 1)

#define assert_view_equal(view, literal) assert_true(view_equal(view, BYTES(literal)))

/* Fails one allocation site after the other: calls run() until it no longer meets the injected
 * failure. run() gets how many went before and must answer -ENOMEM, leaving nothing behind. */
void for_each_failed_allocation(int (*run)(void));

/* Text of `oid`, decoded and encoded again; "ERROR sqlstate: message" when either fails. The result
 * lives until the next call. */
const char *text_through(uint32_t oid, int32_t typmod, const char *text,
                         const struct value_style *style);
/* The same by way of the binary form. */
const char *text_through_binary(uint32_t oid, int32_t typmod, const char *text);

/* Rounds of a random test: POND_TEST_ROUNDS, or the default. */
size_t test_rounds(size_t fallback);
/* A seed that is printed, from POND_TEST_SEED when it is set. */
uint64_t test_seed(void);
uint64_t test_random(uint64_t *state);
