#include "protocol/frame.h"

#include "support.h"

static int next(struct view in, size_t cap, struct frame *ret_frame)
{
    return frame_next(&in, SIDE_FRONTEND, cap, ret_frame);
}

static void messages_come_out_one_by_one(void **state)
{
    struct view in = BYTES("Q\0\0\0\x0dSELECT 1\0S\0\0\0\x04H");
    struct frame frame;

    (void)state;
    assert_int_equal(frame_next(&in, SIDE_FRONTEND, 100, &frame), 0);
    assert_int_equal(frame.type, 'Q');
    assert_view_equal(frame.body, "SELECT 1\0");
    assert_string_equal(frame.row->name, "Query");
    assert_int_equal(frame_next(&in, SIDE_FRONTEND, 100, &frame), 0);
    assert_int_equal(frame.type, 'S');
    assert_int_equal(frame.body.len, 0);
    assert_int_equal(frame_next(&in, SIDE_FRONTEND, 100, &frame), FRAME_MORE);
    assert_int_equal(in.len, 1);
}

static void every_truncation_asks_for_more(void **state)
{
    struct view whole = BYTES("Q\0\0\0\x0dSELECT 1\0");
    struct frame frame;

    (void)state;
    for (size_t len = 0; len < whole.len; len++) {
        struct view part = view_of(whole.data, len);

        assert_int_equal(next(part, 100, &frame), FRAME_MORE);
        assert_int_equal(frame_need(part), len < 5 ? 5 : 14);
    }
}

static void lengths_under_four_and_negative_ones_are_refused(void **state)
{
    struct frame frame;

    (void)state;
    assert_int_equal(next(BYTES("Q\0\0\0\x03"), 100, &frame), FRAME_BAD_LENGTH);
    assert_int_equal(next(BYTES("Q\0\0\0\0"), 100, &frame), FRAME_BAD_LENGTH);
    assert_int_equal(next(BYTES("Q\x80\0\0\0"), 100, &frame), FRAME_BAD_LENGTH);
    assert_int_equal(next(BYTES("Q\xff\xff\xff\xff"), SIZE_MAX, &frame), FRAME_BAD_LENGTH);
    assert_int_equal(next(BYTES("S\0\0\0\x04"), 100, &frame), 0);
}

static void the_cap_is_judged_before_the_body_is_there(void **state)
{
    struct frame frame;

    (void)state;
    assert_int_equal(next(BYTES("Q\0\0\0\x69"), 100, &frame), FRAME_TOO_LONG);
    assert_int_equal(next(BYTES("Q\0\0\0\x68"), 100, &frame), FRAME_MORE);
    /* a message that has no reason to be long has a cap of its own */
    assert_int_equal(next(BYTES("E\0\0\x27\x15"), 1 << 30, &frame), FRAME_TOO_LONG);
    assert_int_equal(next(BYTES("E\0\0\x27\x14"), 1 << 30, &frame), FRAME_MORE);
    assert_int_equal(next(BYTES("Q\0\0\x27\x15"), 1 << 30, &frame), FRAME_MORE);
}

static void unknown_types_are_refused_at_their_first_byte(void **state)
{
    struct frame frame;
    struct view in = BYTES("T");

    (void)state;
    assert_int_equal(next(BYTES("z"), 100, &frame), FRAME_BAD_TYPE);
    assert_int_equal(next(BYTES("\0"), 100, &frame), FRAME_BAD_TYPE);
    assert_int_equal(next(in, 100, &frame), FRAME_BAD_TYPE); /* RowDescription is a server's */
    assert_int_equal(frame_next(&in, SIDE_BACKEND, 100, &frame), FRAME_MORE);
}

static void each_answer_has_its_sqlstate(void **state)
{
    struct failure f;

    (void)state;
    assert_int_equal(frame_failure(FRAME_TOO_LONG, BYTES("Q\x01\0\0\0"), &f), FAILED);
    assert_string_equal(f.sqlstate, "54000");
    assert_int_equal(f.severity, SEVERITY_FATAL);
    frame_failure(FRAME_BAD_LENGTH, BYTES("Q\0\0\0\0"), &f);
    assert_string_equal(f.sqlstate, "08P01");
    frame_failure(FRAME_BAD_TYPE, BYTES("z"), &f);
    assert_string_equal(failure_get(&f, FIELD_MESSAGE), "invalid frontend message type 122");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_out_one_by_one),
        cmocka_unit_test(every_truncation_asks_for_more),
        cmocka_unit_test(lengths_under_four_and_negative_ones_are_refused),
        cmocka_unit_test(the_cap_is_judged_before_the_body_is_there),
        cmocka_unit_test(unknown_types_are_refused_at_their_first_byte),
        cmocka_unit_test(each_answer_has_its_sqlstate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
