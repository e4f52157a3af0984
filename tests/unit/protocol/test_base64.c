#include "protocol/base64.h"

#include "support.h"

static void the_vectors_of_rfc_4648_come_out_and_back(void **state)
{
    static const char *const rows[][2] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cleanup(finish_buf) struct buf out = { 0 };
        uint8_t bytes[6];
        size_t len = 99;

        assert_int_equal(base64_encode(&out, view_of_str(rows[i][0])), 0);
        assert_true(view_equal_str(buf_view(&out), rows[i][1]));
        assert_true(base64_decode(buf_view(&out), bytes, sizeof(bytes), &len));
        assert_true(view_equal_str(view_of(bytes, len), rows[i][0]));
    }
}

static void all_letters_are_known(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    uint8_t bytes[48];
    size_t len;

    (void)state;
    assert_true(base64_decode(
        view_of_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"), bytes,
        sizeof(bytes), &len));
    assert_int_equal(len, 48);
    assert_int_equal(base64_encode(&out, view_of(bytes, len)), 0);
    assert_view_equal(buf_view(&out),
                      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
}

static void what_is_not_base_64_is_refused(void **state)
{
    static const char *const bad[] = {
        "Z",    "Zg",     "Zg=",        "Z===", "====",  "Zg==Zg==", "Zm9=",     "Zh==",
        "Zm 8", "Zm8=\n", "Zm\xc3\xa4", "=m9v", "Zm9v=", "Z=9v",     "Zm9vZg=a", "Zm-v"
    };
    uint8_t bytes[16];
    size_t len = 99;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(base64_decode(view_of_str(bad[i]), bytes, sizeof(bytes), &len));
    }
    assert_false(base64_decode(BYTES("Zm\0v"), bytes, sizeof(bytes), &len));
    assert_int_equal(len, 99);
}

static void what_there_is_no_room_for_is_refused(void **state)
{
    uint8_t bytes[4];
    size_t len;
    struct buf out;

    (void)state;
    assert_false(base64_decode(view_of_str("Zm9vYg=="), bytes, 3, &len));
    assert_true(base64_decode(view_of_str("Zm9vYg=="), bytes, 4, &len));
    buf_init(&out, 7);
    assert_int_equal(base64_encode(&out, view_of_str("foob")), BUF_FULL);
    assert_int_equal(out.len, 0);
    buf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_4648_come_out_and_back),
        cmocka_unit_test(all_letters_are_known),
        cmocka_unit_test(what_is_not_base_64_is_refused),
        cmocka_unit_test(what_there_is_no_room_for_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
