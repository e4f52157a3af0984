/* What jsonb prints, as PostgreSQL 15 does. */
#include "protocol/jsonb.h"

#include "base/alloc.h"
#include "protocol/json.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *in, *out;
} rows[] = {
    { "{}", "{}" },
    { "[ ]", "[]" },
    { "{\"b\": 1, \"a\": {\"c\": null}}", "{\"a\": {\"c\": null}, \"b\": 1}" },
    { "{\"b\":1,  \"b\":2}", "{\"b\": 2}" },
    { "{\"bb\":1,\"a\":2,\"c\":3,\"a\":4}", "{\"a\": 4, \"c\": 3, \"bb\": 1}" },
    { "[1,\"x\",null,true,false]", "[1, \"x\", null, true, false]" },
    { "1.50", "1.50" },
    { "1e2", "100" },
    { "-0", "0" },
    { "-0.00", "0.00" },
    { "1.5E-3", "0.0015" },
    { "12E+1", "120" },
    { "-7e1", "-70" },
    { "\"a\\u00e9\\u0041\\n\\/\\\"\\\\\\u0001\"", "\"aéA\\n/\\\"\\\\\\u0001\"" },
    { "\"\\ud83d\\ude00\"", "\"😀\"" },
    { "{\"\\u0061b\":1,\"b\":2,\"\\n\":3,\"é\":4}", "{\"\\n\": 3, \"b\": 2, \"ab\": 1, \"é\": 4}" },
    { "[{\"z\":[{\"y\":1,\"x\":[2,{\"w\":1,\"v\":2}]}],\"a\":{}}]",
      "[{\"a\": {}, \"z\": [{\"x\": [2, {\"v\": 2, \"w\": 1}], \"y\": 1}]}]" },
    { " { \"a\" : [ ] , \"b\" : { } } ", "{\"a\": [], \"b\": {}}" },
    { "{\"\":1}", "{\"\": 1}" },
    { "{\"a\\\"b\":1,\"zz\":2,\"a\\\\\":3}", "{\"a\\\\\": 3, \"zz\": 2, \"a\\\"b\": 1}" },
    { "{\"k2\":[{\"b\":1,\"a\":2}],\"k1\":{\"d\":4,\"c\":[]},\"k2\":0}",
      "{\"k1\": {\"c\": [], \"d\": 4}, \"k2\": 0}" },
    { "0", "0" },
    { "100", "100" },
    { "\"\"", "\"\"" },
};

static int print(const char *text, struct buf *out, struct failure *f)
{
    char *exact = malloc(strlen(text)); /* without NUL: reading on is seen */
    int r;

    memcpy(exact, text, strlen(text));
    assert_int_equal(json_check(view_of(exact, strlen(text)), f), 0);
    r = jsonb_write(view_of(exact, strlen(text)), out, f);
    free(exact);
    return r;
}

static void prints_what_postgresql_prints(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out = { 0 };
        struct failure f;

        assert_int_equal(print(rows[i].in, &out, &f), 0);
        assert_int_equal(buf_append_byte(&out, 0), 0);
        assert_string_equal((char *)out.data, rows[i].out);
        buf_finish(&out);
    }
}

static void printing_twice_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out = { 0 };
        struct failure f;

        assert_int_equal(print(rows[i].out, &out, &f), 0);
        assert_int_equal(out.len, strlen(rows[i].out));
        assert_memory_equal(out.data, rows[i].out, out.len);
        buf_finish(&out);
    }
}

static void the_deepest_one_is_put_in_order(void **state)
{
    struct buf text = { 0 };
    struct buf out = { 0 };
    struct failure f;

    (void)state;
    for (int i = 0; i < json_depth_max; i++) {
        assert_int_equal(buf_append_str(&text, "{\"b\":1,\"a\":"), 0);
    }
    assert_int_equal(buf_append_str(&text, "2"), 0);
    for (int i = 0; i < json_depth_max; i++) {
        assert_int_equal(buf_append_byte(&text, '}'), 0);
    }
    assert_int_equal(jsonb_write(buf_view(&text), &out, &f), 0);
    assert_memory_equal(out.data, "{\"a\": {\"a\": ", 12);
    buf_finish(&text);
    buf_finish(&out);
}

static void characters_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = { "\"\\u0000\"", "\"\\ud800\"", "\"\\ud800\\u0041\"",
                                       "\"\\udc00\"", "{\"\\u0000\":1}" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct buf out = { 0 };
        struct failure f;

        assert_int_equal(print(bad[i], &out, &f), FAILED);
        assert_string_equal(f.sqlstate, strstr(bad[i], "0000") != NULL ? "22P05" : "22P02");
        buf_finish(&out);
    }
}

static void a_full_buffer_is_told(void **state)
{
    (void)state;
    for (size_t max = 1; max < strlen(rows[16].out); max++) {
        struct buf out = { .max = max };
        struct failure f;

        assert_int_equal(print(rows[16].in, &out, &f), BUF_FULL);
        buf_finish(&out);
    }
}

static void every_allocation_may_fail(void **state)
{
    bool hit = true;

    (void)state;
    for (uint64_t n = 1; hit; n++) {
        struct buf out = { 0 };
        struct failure f;
        int r;

        assert_int_equal(json_check(view_of_str(rows[16].in), &f), 0);
        (void)mem_fail_at(n, false);
        r = jsonb_write(view_of_str(rows[16].in), &out, &f);
        hit = mem_fail_hit();
        (void)mem_fail_at(0, false);
        assert_int_equal(r, hit ? -ENOMEM : 0);
        buf_finish(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_what_postgresql_prints),
        cmocka_unit_test(printing_twice_changes_nothing),
        cmocka_unit_test(the_deepest_one_is_put_in_order),
        cmocka_unit_test(characters_that_are_none_are_refused),
        cmocka_unit_test(a_full_buffer_is_told),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
