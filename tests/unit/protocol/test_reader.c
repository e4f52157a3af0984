#include "protocol/reader.h"

#include "support.h"

static void fields_are_read_in_network_order(void **state)
{
    struct reader r = reader_over(BYTES("\x01\x02\x03\x01\x02\x03\x04\xff\xfe\xff\xff\xff\xfd"
                                        "\x00\x00\x00\x00\x00\x00\x00\x09hi\0rest"));

    (void)state;
    assert_int_equal(reader_u8(&r), 1);
    assert_int_equal(reader_u16(&r), 0x0203);
    assert_int_equal(reader_u32(&r), 0x01020304);
    assert_int_equal(reader_i16(&r), -2);
    assert_int_equal(reader_i32(&r), -3);
    assert_int_equal(reader_i64(&r), 9);
    assert_view_equal(reader_cstr(&r), "hi");
    assert_int_equal(reader_left(&r), 4);
    assert_false(reader_done(&r));
    assert_view_equal(reader_rest(&r), "rest");
    assert_true(reader_done(&r));
}

static void a_read_past_the_end_fails_for_good(void **state)
{
    struct reader r = reader_over(BYTES("\x01\x02\x03"));

    (void)state;
    assert_int_equal(reader_u32(&r), 0);
    assert_true(r.failed);
    assert_int_equal(reader_u8(&r), 0);
    assert_int_equal(reader_take(&r, 0).len, 0);
    assert_int_equal(reader_left(&r), 3);
    assert_false(reader_done(&r));
}

static void a_length_near_the_end_of_memory_does_not_wrap(void **state)
{
    struct reader r = reader_over(BYTES("abc"));

    (void)state;
    assert_null(reader_take(&r, SIZE_MAX).data);
    assert_true(r.failed);
}

static void a_string_without_its_nul_fails(void **state)
{
    struct reader r = reader_over(BYTES("abc"));

    (void)state;
    assert_int_equal(reader_cstr(&r).len, 0);
    assert_true(r.failed);
}

static void an_empty_view_without_an_address_is_fine(void **state)
{
    struct reader r = reader_over(view_of(NULL, 0));

    (void)state;
    assert_true(reader_done(&r));
    reader_u8(&r);
    assert_true(r.failed);
}

static void values_know_null_from_empty_and_refuse_other_negatives(void **state)
{
    struct reader r = reader_over(BYTES("\xff\xff\xff\xff\0\0\0\0\0\0\0\x02hi\xff\xff\xff\xfe"));
    struct view value;

    (void)state;
    assert_false(reader_value(&r, &value));
    assert_true(reader_value(&r, &value));
    assert_int_equal(value.len, 0);
    assert_true(reader_value(&r, &value));
    assert_view_equal(value, "hi");
    assert_false(r.failed);
    reader_value(&r, &value);
    assert_true(r.failed);
}

static void a_value_longer_than_its_message_fails(void **state)
{
    struct reader r = reader_over(BYTES("\x7f\xff\xff\xffhi"));
    struct view value;

    (void)state;
    reader_value(&r, &value);
    assert_true(r.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_read_in_network_order),
        cmocka_unit_test(a_read_past_the_end_fails_for_good),
        cmocka_unit_test(a_length_near_the_end_of_memory_does_not_wrap),
        cmocka_unit_test(a_string_without_its_nul_fails),
        cmocka_unit_test(an_empty_view_without_an_address_is_fine),
        cmocka_unit_test(values_know_null_from_empty_and_refuse_other_negatives),
        cmocka_unit_test(a_value_longer_than_its_message_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
