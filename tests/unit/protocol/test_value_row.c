#include "protocol/value_row.h"

#include "protocol/pgtype.h"
#include "support.h"

static const struct cell seven = { .kind = CELL_INT, .i = 7 };
static const struct cell nothing = { .kind = CELL_NULL };
static const struct cell empty = { .kind = CELL_TEXT };
static const struct cell word = { .kind = CELL_TEXT, .bytes = { (const uint8_t *)"abc", 3 } };

static struct value_out value_to(struct buf *out, uint32_t oid, enum value_format format,
                                 struct failure *failure)
{
    struct value_out value;

    value_out_init(&value, oid, -1, format, NULL, out, failure);
    return value;
}

static int put_four(struct buf *out)
{
    struct value_out text = value_to(out, OID_TEXT, FORMAT_TEXT, NULL);
    struct value_out values[] = { value_to(out, OID_INT4, FORMAT_BINARY, NULL), text, text, text };
    struct cell cells[] = { seven, nothing, word, empty };

    return value_row_put(values, cells, 4, out);
}

static void each_value_stands_behind_its_length(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };

    (void)state;
    assert_int_equal(put_four(&out), 0);
    assert_view_equal(buf_view(&out), "\0\4"
                                      "\0\0\0\4\0\0\0\7"
                                      "\xff\xff\xff\xff"
                                      "\0\0\0\3abc"
                                      "\0\0\0\0");
}

static void a_row_of_no_values_is_its_count(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };

    (void)state;
    assert_int_equal(value_row_put(NULL, NULL, 0, &out), 0);
    assert_view_equal(buf_view(&out), "\0\0");
}

static void a_row_that_does_not_fit_leaves_nothing(void **state)
{
    (void)state;
    for (size_t max = 1; max <= 25; max++) {
        cleanup(finish_buf) struct buf out = { .max = max };

        assert_int_equal(put_four(&out), max < 25 ? BUF_FULL : 0);
        assert_int_equal(out.len, max < 25 ? 0 : 25);
    }
}

static void a_value_that_cannot_be_encoded_takes_its_row_along(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct failure failure = { 0 };
    struct value_out values[] = { value_to(&out, OID_INT4, FORMAT_BINARY, &failure),
                                  value_to(&out, OID_INT4, FORMAT_BINARY, &failure) };
    struct cell cells[] = { seven, word };

    (void)state;
    assert_int_equal(buf_append_str(&out, "before"), 0);
    assert_int_equal(value_row_put(values, cells, 2, &out), FAILED);
    assert_string_equal(failure.sqlstate, "22P02");
    assert_view_equal(buf_view(&out), "before");
}

static int put_without_memory(void)
{
    cleanup(finish_buf) struct buf out = { 0 };
    int r = put_four(&out);

    assert_int_equal(out.len, r == 0 ? 25 : 0);
    return r;
}

static void no_memory_leaves_nothing(void **state)
{
    (void)state;
    for_each_failed_allocation(put_without_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_stands_behind_its_length),
        cmocka_unit_test(a_row_of_no_values_is_its_count),
        cmocka_unit_test(a_row_that_does_not_fit_leaves_nothing),
        cmocka_unit_test(a_value_that_cannot_be_encoded_takes_its_row_along),
        cmocka_unit_test(no_memory_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
