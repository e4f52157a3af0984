#include "protocol/saslprep.h"

#include "support.h"

static void assert_prepared(struct view password, struct view expected)
{
    cleanup(finish_buf) struct buf out = { 0 };

    assert_int_equal(saslprep(password, &out), 0);
    assert_true(view_equal(buf_view(&out), expected));
}

static void ascii_stays_as_it_is(void **state)
{
    (void)state;
    assert_prepared(BYTES(""), BYTES(""));
    assert_prepared(BYTES("pencil"), BYTES("pencil"));
    assert_prepared(BYTES("a\tb\x7f"), BYTES("a\tb\x7f")); /* prohibited, but PostgreSQL says so */
}

static void the_examples_of_rfc_4013_are_prepared(void **state)
{
    (void)state;
    assert_prepared(BYTES("I\xc2\xadX"), BYTES("IX"));   /* a soft hyphen goes */
    assert_prepared(BYTES("\xc2\xaa"), BYTES("a"));      /* NFKC */
    assert_prepared(BYTES("\xe2\x85\xa8"), BYTES("IX")); /* the Roman numeral nine */
}

static void letters_that_look_alike_are_the_same_password(void **state)
{
    (void)state;
    assert_prepared(BYTES("e\xcc\x81"), BYTES("\xc3\xa9")); /* e and its accent: one letter */
    assert_prepared(BYTES("a\xc2\xa0"
                          "b"),
                    BYTES("a b")); /* any blank is a blank */
}

/* Each was asked of PostgreSQL 15. */
static void what_postgresql_looks_at_is_not_normalized_yet(void **state)
{
    (void)state;
    assert_prepared(BYTES("\xef\xad\x83"), BYTES("\xd7\xa3\xd6\xbc")); /* ends with a mark */
    assert_prepared(BYTES("x\xe2\x84\xb5"), BYTES("x\xd7\x90")); /* two directions afterwards */
    assert_prepared(BYTES("a\xcd\x80"), BYTES("a\xcd\x80")); /* prohibited, but a grave accent */
}

static void what_has_no_prepared_form_stays_as_it_is(void **state)
{
    (void)state;
    assert_prepared(BYTES("\xff\xfe"), BYTES("\xff\xfe"));         /* not UTF-8 */
    assert_prepared(BYTES("\xc3\xa9\x07"), BYTES("\xc3\xa9\x07")); /* prohibited */
    assert_prepared(BYTES("\xd8\xa7"
                          "1"),
                    BYTES("\xd8\xa7"
                          "1"));                                           /* two directions */
    assert_prepared(BYTES("\xf0\x9f\x98\x80"), BYTES("\xf0\x9f\x98\x80")); /* not in Unicode 3.2 */
    assert_prepared(BYTES("\xc2\xad"), BYTES("\xc2\xad"));                 /* nothing is left */
    assert_prepared(BYTES("\xc3\xa9\0x"), BYTES("\xc3\xa9\0x"));
}

static int prepare_once(void)
{
    cleanup(finish_buf) struct buf out = { 0 };

    return saslprep(BYTES("\xc2\xaa"), &out);
}

static void out_of_memory_is_said(void **state)
{
    (void)state;
    for_each_failed_allocation(prepare_once);
}

static void a_full_buffer_is_said(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1);
    assert_int_equal(saslprep(BYTES("\xe2\x85\xa8"), &out), BUF_FULL);
    buf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ascii_stays_as_it_is),
        cmocka_unit_test(the_examples_of_rfc_4013_are_prepared),
        cmocka_unit_test(letters_that_look_alike_are_the_same_password),
        cmocka_unit_test(what_postgresql_looks_at_is_not_normalized_yet),
        cmocka_unit_test(what_has_no_prepared_form_stays_as_it_is),
        cmocka_unit_test(out_of_memory_is_said),
        cmocka_unit_test(a_full_buffer_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
