#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void for_each_failed_allocation(int (*run)(void))
{
    size_t before = mem_used_total();

    for (uint64_t n = 1;; n++) {
        mem_fail_at(n, false);
        int r = run();
        bool is_hit = mem_fail_hit();

        mem_fail_at(0, false);
        assert_int_equal(mem_used_total(), before);
        if (!is_hit) {
            assert_int_equal(r, 0);
            assert_true(n > 1);
            return;
        }
        assert_int_equal(r, -ENOMEM);
    }
}

static char result[4096];

static const char *failed(int r, const struct failure *f)
{
    if (r != FAILED) {
        snprintf(result, sizeof(result), "result %d", r);
    } else {
        snprintf(result, sizeof(result), "ERROR %s: %s", f->sqlstate,
                 failure_get(f, FIELD_MESSAGE));
    }
    return result;
}

static const char *through(uint32_t oid, int32_t typmod, const char *text, bool is_binary,
                           const struct value_style *style)
{
    cleanup(finish_buf) struct buf scratch = { 0 };
    cleanup(finish_buf) struct buf wire = { 0 };
    cleanup(finish_buf) struct buf out = { 0 };
    struct failure f = { 0 };
    struct cell cell;
    int r = value_decode(oid, typmod, FORMAT_TEXT, view_of_str(text), style, &scratch, &cell, &f);

    if (r == 0 && is_binary) {
        r = value_encode(oid, typmod, FORMAT_BINARY, &cell, style, &wire, &f);
        if (r == 0) {
            r = value_decode(oid, typmod, FORMAT_BINARY, buf_view(&wire), style, &scratch, &cell,
                             &f);
        }
    }
    if (r == 0) {
        r = value_encode(oid, typmod, FORMAT_TEXT, &cell, style, &out, &f);
    }
    if (r != 0) {
        return failed(r, &f);
    }
    snprintf(result, sizeof(result), "%.*s", (int)out.len, out.len > 0 ? (char *)out.data : "");
    return result;
}

const char *text_through(uint32_t oid, int32_t typmod, const char *text,
                         const struct value_style *style)
{
    return through(oid, typmod, text, false, style);
}

const char *text_through_binary(uint32_t oid, int32_t typmod, const char *text)
{
    return through(oid, typmod, text, true, NULL);
}

size_t test_rounds(size_t fallback)
{
    const char *text = getenv("POND_TEST_ROUNDS");

    return text == NULL ? fallback : strtoul(text, NULL, 10);
}

uint64_t test_seed(void)
{
    const char *text = getenv("POND_TEST_SEED");
    uint64_t seed = text == NULL ? (uint64_t)time(NULL) : strtoull(text, NULL, 10);

    print_message("POND_TEST_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

/* splitmix64 */
uint64_t test_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
