#include "protocol/value.h"

#include "protocol/pgtype.h"
#include "support.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define becomes(oid, typmod, text, want) \
    assert_string_equal(text_through(oid, typmod, text, NULL), want)
#define same_in_binary(oid, text) assert_string_equal(text_through_binary(oid, -1, text), text)

static void integers_are_held_to_their_type(void **state)
{
    (void)state;
    becomes(OID_INT4, -1, " 42 ", "42");
    becomes(OID_INT2, -1, "-32768", "-32768");
    becomes(OID_INT4, -1, "abc", "ERROR 22P02: invalid input syntax for type integer: \"abc\"");
    becomes(OID_INT4, -1, "99999999999",
            "ERROR 22003: value \"99999999999\" is out of range for type integer");
    becomes(OID_INT2, -1, "32768",
            "ERROR 22003: value \"32768\" is out of range for type smallint");
    becomes(OID_OID, -1, "4294967295", "4294967295");
    becomes(OID_OID, -1, "-1", "4294967295");
    becomes(OID_BOOL, -1, " YES ", "t");
    becomes(OID_BOOL, -1, "of", "f");
    becomes(OID_BOOL, -1, "o", "ERROR 22P02: invalid input syntax for type boolean: \"o\"");
}

static void numerics_keep_their_scale_and_refuse_what_would_be_lost(void **state)
{
    (void)state;
    becomes(OID_NUMERIC, 655366, "1.005", "1.01");
    becomes(OID_NUMERIC, 655366, "5", "5.00");
    becomes(OID_NUMERIC, -1, "12345.678", "12345.678");
    becomes(OID_NUMERIC, -1, "1e20", "100000000000000000000");
    becomes(OID_NUMERIC, -1, "NaN", "NaN");
    becomes(OID_NUMERIC, 655366, "123456789", "ERROR 22003: numeric field overflow");
    becomes(OID_NUMERIC, -1, "0.1234567890123456",
            "ERROR 22003: numeric value has more than 15 significant digits");
    becomes(OID_NUMERIC, -1, "1e400", "ERROR 22003: value overflows numeric format");
    becomes(OID_NUMERIC, -1, "x", "ERROR 22P02: invalid input syntax for type numeric: \"x\"");
}

static void texts_are_held_to_their_length_and_encoding(void **state)
{
    (void)state;
    becomes(OID_VARCHAR, 7, "äöü", "äöü");
    becomes(OID_VARCHAR, 7, "abc   ", "abc");
    becomes(OID_VARCHAR, 7, "abcd", "ERROR 22001: value too long for type character varying(3)");
    becomes(OID_BPCHAR, 9, "abc", "abc  ");
    becomes(OID_BPCHAR, 9, "äb ", "äb   ");
    becomes(OID_TEXT, -1, "\xff", "ERROR 22021: invalid byte sequence for encoding \"UTF8\": 0xff");
    becomes(OID_INT4, -1, "\xff", "ERROR 22021: invalid byte sequence for encoding \"UTF8\": 0xff");
    becomes(OID_NAME, -1, "0123456789012345678901234567890123456789012345678901234567890123456789",
            "012345678901234567890123456789012345678901234567890123456789012");
    becomes(OID_CHAR, -1, "ab", "a");
    becomes(OID_CHAR, -1, "\xc4\xb4",
            "ERROR 22021: invalid byte sequence for encoding \"UTF8\": 0xc4");
    becomes(OID_JSON, -1, "{", "ERROR 22P02: invalid input syntax for type json");
    becomes(OID_JSONB, -1, "{\"a\": 1}", "{\"a\": 1}");
}

static void bytea_and_uuid_take_what_postgres_takes(void **state)
{
    struct value_style escape = { .bytea_escape = true };

    (void)state;
    becomes(OID_BYTEA, -1, "\\xDE ad", "\\xdead");
    becomes(OID_BYTEA, -1, "a\\\\b\\001", "\\x615c6201");
    becomes(OID_BYTEA, -1, "\\xabc", "ERROR 22023: invalid hexadecimal data: odd number of digits");
    becomes(OID_BYTEA, -1, "\\xzz", "ERROR 22023: invalid hexadecimal digit: \"z\"");
    becomes(OID_BYTEA, -1, "\\9", "ERROR 22P02: invalid input syntax for type bytea");
    assert_string_equal(text_through(OID_BYTEA, -1, "\\x615c6201ff", &escape), "a\\\\b\\001\\377");
    becomes(OID_UUID, -1, "{A0EEBC99-9C0B4EF8-BB6D6BB9-BD380A11}",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
    becomes(OID_UUID, -1, "a0", "ERROR 22P02: invalid input syntax for type uuid: \"a0\"");
}

static void types_without_a_row_pass_their_text_only(void **state)
{
    struct failure f;
    struct cell cell;

    (void)state;
    becomes(1007, -1, "{1,2}", "{1,2}");
    assert_int_equal(value_decode(1007, -1, FORMAT_BINARY, BYTES(""), NULL, NULL, &cell, &f),
                     FAILED);
    assert_string_equal(f.sqlstate, "0A000");
    assert_string_equal(failure_get(&f, FIELD_MESSAGE),
                        "binary format of type integer[] is not supported");
}

static void the_binary_form_says_the_same(void **state)
{
    (void)state;
    same_in_binary(OID_BOOL, "t");
    same_in_binary(OID_INT2, "-2");
    same_in_binary(OID_INT4, "-2147483648");
    same_in_binary(OID_INT8, "9223372036854775807");
    same_in_binary(OID_OID, "4294967295");
    same_in_binary(OID_FLOAT4, "0.1");
    same_in_binary(OID_FLOAT8, "-1e-300");
    same_in_binary(OID_FLOAT8, "NaN");
    same_in_binary(OID_NUMERIC, "-12345.000678");
    same_in_binary(OID_NUMERIC, "0.00005");
    same_in_binary(OID_NUMERIC, "100000000");
    same_in_binary(OID_NUMERIC, "0");
    same_in_binary(OID_NUMERIC, "-Infinity");
    same_in_binary(OID_TEXT, "text");
    same_in_binary(OID_CHAR, "a");
    same_in_binary(OID_BYTEA, "\\x00ff");
    same_in_binary(OID_UUID, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
    same_in_binary(OID_JSONB, "[1]");
    same_in_binary(OID_DATE, "-infinity");
    same_in_binary(OID_DATE, "2024-01-31");
    same_in_binary(OID_TIME, "10:00:00.5");
    same_in_binary(OID_TIMETZ, "10:00:00-03:30");
    same_in_binary(OID_TIMESTAMP, "2024-01-31 10:00:00.5");
    same_in_binary(OID_TIMESTAMPTZ, "0044-03-15 10:00:00+00 BC");
    same_in_binary(OID_INTERVAL, "-1 mons +2 days -00:00:00.000001");
    same_in_binary(OID_VOID, "");
    same_in_binary(OID_XID, "4294967295");
    same_in_binary(OID_INET, "127.0.0.1");
    same_in_binary(OID_INET, "10.1.2.3/8");
    same_in_binary(OID_INET, "::1");
    same_in_binary(OID_INET, "fe80::1:2/64");
}

static const char *decoded_binary(uint32_t oid, struct view in)
{
    static struct failure f;
    cleanup(finish_buf) struct buf scratch = { 0 };
    struct cell cell;

    failure_clear(&f);
    int r = value_decode(oid, -1, FORMAT_BINARY, in, NULL, &scratch, &cell, &f);

    return r == 0 ? "" : f.sqlstate;
}

static void binary_forms_that_are_too_short_are_08P01_and_too_long_22P03(void **state)
{
    static const uint32_t oids[] = { OID_BOOL,     OID_INT2,   OID_INT4,      OID_INT8,
                                     OID_OID,      OID_FLOAT4, OID_FLOAT8,    OID_DATE,
                                     OID_TIME,     OID_TIMETZ, OID_TIMESTAMP, OID_TIMESTAMPTZ,
                                     OID_INTERVAL, OID_UUID,   OID_XID };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(oids); i++) {
        bool is_small = oids[i] == OID_BOOL || oids[i] == OID_INT2;

        assert_string_equal(decoded_binary(oids[i], BYTES("")), "08P01");
        assert_string_equal(decoded_binary(oids[i], BYTES("abc")), is_small ? "22P03" : "08P01");
        assert_string_equal(decoded_binary(oids[i], BYTES("0123456789012345678901")), "22P03");
    }
    assert_string_equal(decoded_binary(OID_JSONB, BYTES("")), "08P01");
    assert_string_equal(decoded_binary(OID_INET, BYTES("")), "08P01");
    assert_string_equal(decoded_binary(OID_INET, BYTES("\2\x20\0\5abcde")), "22P03");
    assert_string_equal(decoded_binary(OID_NUMERIC, BYTES("\0\1\0")), "08P01");
    assert_string_equal(decoded_binary(OID_NUMERIC, BYTES("\0\2\0\0\0\0\0\0\0\1")), "08P01");
    assert_string_equal(decoded_binary(OID_NUMERIC, BYTES("\0\1\0\0\0\0\0\0\0\1\0")), "22P03");
    assert_string_equal(decoded_binary(OID_JSONB, BYTES("\2[]")), "XX000");
    assert_string_equal(decoded_binary(OID_NUMERIC, BYTES("\0\1\0\0\x12\x34\0\0\0\1")), "22P03");
    assert_string_equal(decoded_binary(OID_NUMERIC, BYTES("\0\1\0\0\0\0\0\0\x27\x10")), "22P03");
    assert_string_equal(decoded_binary(OID_NUMERIC, BYTES("\xff\xff\0\0\0\0\0\0\0\1")), "22P03");
    assert_string_equal(decoded_binary(OID_TEXT, BYTES("a\0b")), "22021");
}

static const char *encoded(uint32_t oid, enum value_format format, struct cell cell)
{
    static char text[256];
    cleanup(finish_buf) struct buf out = { 0 };
    struct failure f;
    int r = value_encode(oid, -1, format, &cell, NULL, &out, &f);

    memset(text, 0, sizeof(text));
    if (r == 0) {
        memcpy(text, out.data == NULL ? (const uint8_t *)"" : out.data, out.len);
    } else {
        strcpy(text, f.sqlstate);
    }
    return text;
}

static struct cell text_cell(const char *text)
{
    return (struct cell){ .kind = CELL_TEXT, .bytes = view_of_str(text) };
}

static void addresses_have_one_spelling(void **state)
{
    struct cell net = text_cell("10.1.2.3/8");
    struct cell host = text_cell("::1");

    (void)state;
    becomes(OID_INET, -1, "127.0.0.1", "127.0.0.1");
    becomes(OID_INET, -1, "1.2.3.4/32", "1.2.3.4");
    becomes(OID_INET, -1, "1.2.3.4/08", "1.2.3.4/8");
    becomes(OID_INET, -1, "FE80:0:0:0:0:0:0:1/64", "fe80::1/64");
    becomes(OID_INET, -1, "::ffff:1.2.3.4/96", "::ffff:1.2.3.4/96");
    becomes(OID_INET, -1, "10", "ERROR 22P02: invalid input syntax for type inet: \"10\"");
    for (const char *const *wrong =
             (const char *const[]){ "", "1.2.3.256", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/+8",
                                    " 1.2.3.4", "::1/129", "1::2::3", "fe80::1%eth0", NULL };
         *wrong != NULL; wrong++) {
        assert_string_equal(encoded(OID_INET, FORMAT_BINARY, text_cell(*wrong)), "22P02");
    }
    assert_memory_equal(encoded(OID_INET, FORMAT_BINARY, net), "\2\x08\0\4\n\1\2\3", 8);
    assert_memory_equal(encoded(OID_INET, FORMAT_BINARY, host),
                        "\3\x80\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 20);
    assert_string_equal(decoded_binary(OID_INET, BYTES("\2\x08\0\4\n\1\2\3")), "");
    assert_string_equal(decoded_binary(OID_INET, BYTES("\2\x21\0\4\n\1\2\3")), "22P03");
    assert_string_equal(decoded_binary(OID_INET, BYTES("\4\x08\0\4\n\1\2\3")), "22P03");
    assert_string_equal(decoded_binary(OID_INET, BYTES("\2\x08\0\4\n\1\2")), "08P01");
    assert_string_equal(decoded_binary(OID_INET, BYTES("\3\x08\0\4\n\1\2\3")), "22P03");
    assert_string_equal(decoded_binary(OID_INET, BYTES("\2\x08\0\4\n\1\2\3\4")), "22P03");
}

static void cells_of_another_kind_are_converted_when_they_can_be(void **state)
{
    const struct cell five = { .kind = CELL_INT, .i = 5 };
    const struct cell half = { .kind = CELL_REAL, .r = 0.5 };
    const struct cell two = { .kind = CELL_REAL, .r = 2 };
    const struct cell big = { .kind = CELL_INT, .i = INT64_C(3000000000) };
    const struct cell blob = { .kind = CELL_BLOB, .bytes = BYTES("\xff") };

    (void)state;
    assert_string_equal(encoded(OID_TEXT, FORMAT_TEXT, five), "5");
    assert_string_equal(encoded(OID_TEXT, FORMAT_TEXT, half), "0.5");
    assert_string_equal(encoded(OID_TEXT, FORMAT_TEXT, blob), "22021");
    assert_string_equal(encoded(OID_BYTEA, FORMAT_TEXT, blob), "\\xff");
    assert_string_equal(encoded(OID_INT4, FORMAT_TEXT, two), "2");
    assert_string_equal(encoded(OID_INT4, FORMAT_TEXT, half), "22P02");
    assert_string_equal(encoded(OID_INT4, FORMAT_TEXT, text_cell("7")), "7");
    assert_string_equal(encoded(OID_INT4, FORMAT_TEXT, text_cell("x")), "22P02");
    assert_string_equal(encoded(OID_INT4, FORMAT_TEXT, big), "22003");
    assert_string_equal(encoded(OID_INT8, FORMAT_TEXT, big), "3000000000");
    assert_string_equal(encoded(OID_FLOAT8, FORMAT_TEXT, five), "5");
    assert_string_equal(encoded(OID_NUMERIC, FORMAT_TEXT, half), "0.5");
    assert_string_equal(encoded(OID_NUMERIC, FORMAT_TEXT, text_cell("1.50")), "1.50");
    assert_string_equal(encoded(OID_BOOL, FORMAT_TEXT, five), "t");
    assert_string_equal(encoded(OID_BOOL, FORMAT_TEXT, text_cell("false")), "f");
    assert_string_equal(encoded(OID_DATE, FORMAT_TEXT, five), "22007");
    assert_string_equal(encoded(OID_TIMESTAMP, FORMAT_TEXT, text_cell("2024-01-31")),
                        "2024-01-31 00:00:00");
    assert_string_equal(encoded(OID_TIMESTAMPTZ, FORMAT_TEXT, text_cell("2024-01-31 10:00:00")),
                        "2024-01-31 10:00:00+00");
    assert_string_equal(encoded(OID_UUID, FORMAT_TEXT, text_cell("no")), "22P02");
}

static void assert_encoded_alike(uint32_t oid, int32_t typmod, struct cell cell, const char *text)
{
    for (int format = FORMAT_TEXT; format <= FORMAT_BINARY; format++) {
        cleanup(finish_buf) struct buf quick = { 0 };
        cleanup(finish_buf) struct buf slow = { 0 };
        struct cell other = text_cell(text);
        struct failure f;

        assert_int_equal(
            value_encode(oid, typmod, (enum value_format)format, &cell, NULL, &quick, &f), 0);
        assert_int_equal(
            value_encode(oid, typmod, (enum value_format)format, &other, NULL, &slow, &f), 0);
        if (!view_equal(buf_view(&quick), buf_view(&slow))) {
            fail_msg("%s of typmod %d in format %d", text, typmod, format);
        }
    }
}

/* Numbers take a short way to the client that their text does not take. */
static void numerics_print_as_their_digits_do(void **state)
{
    uint64_t seed = test_seed();
    char text[64];

    (void)state;
    for (size_t i = test_rounds(20000); i > 0; i--) {
        int32_t scale = (int32_t)(test_random(&seed) % 17);
        int32_t typmod = (38 << 16 | scale) + 4;
        int64_t n = (int64_t)test_random(&seed) >> test_random(&seed) % 64;
        struct cell cell = { .kind = CELL_INT, .i = n };

        snprintf(text, sizeof(text), "%lld", (long long)n);
        assert_encoded_alike(OID_NUMERIC, typmod, cell, text);
        cell.kind = CELL_REAL;
        cell.r = (double)(n >> 12) / pow(10, (double)(test_random(&seed) % 17));
        snprintf(text, sizeof(text), "%.14e", cell.r);
        assert_encoded_alike(OID_NUMERIC, typmod, cell, text);
    }
    assert_encoded_alike(OID_NUMERIC, 655366, (struct cell){ .kind = CELL_REAL, .r = -0.0 }, "0");
    assert_encoded_alike(OID_NUMERIC, 655366, (struct cell){ .kind = CELL_REAL, .r = -0.004 }, "0");
}

static void stored_timestamps_say_what_was_stored(void **state)
{
    uint64_t seed = test_seed();

    (void)state;
    for (size_t i = test_rounds(20000); i > 0; i--) {
        cleanup(finish_buf) struct buf stored = { 0 };
        cleanup(finish_buf) struct buf out = { 0 };
        uint64_t us = test_random(&seed) >> (8 + test_random(&seed) % 8);
        uint64_t wire = __builtin_bswap64(us);
        struct failure f;
        struct cell cell;

        assert_int_equal(value_decode(OID_TIMESTAMPTZ, -1, FORMAT_BINARY, view_of(&wire, 8), NULL,
                                      &stored, &cell, &f),
                         0);
        assert_int_equal(value_encode(OID_TIMESTAMPTZ, -1, FORMAT_BINARY, &cell, NULL, &out, &f),
                         0);
        assert_true(view_equal(buf_view(&out), view_of(&wire, 8)));
    }
}

static void stored_texts_that_are_no_dates_are_refused(void **state)
{
    (void)state;
    assert_string_equal(encoded(OID_DATE, FORMAT_BINARY, text_cell("2024-02-30")), "22008");
    assert_string_equal(encoded(OID_TIMESTAMP, FORMAT_BINARY, text_cell("2024-13-01 00:00:00")),
                        "22008");
    assert_string_equal(encoded(OID_TIMESTAMP, FORMAT_BINARY, text_cell("2024-01-01 00:61:00")),
                        "22008");
    assert_string_equal(
        encoded(OID_TIMESTAMPTZ, FORMAT_BINARY, text_cell("0000-01-01 00:00:00+00")), "22008");
}

static void floats_can_be_rounded(void **state)
{
    struct value_style style = { .rounded_floats = true };

    (void)state;
    assert_string_equal(text_through(OID_FLOAT8, -1, "0.30000000000000004", &style), "0.3");
    assert_string_equal(text_through(OID_FLOAT4, -1, "0.12345678", &style), "0.123457");
}

static void a_full_buffer_is_told_and_left_as_it_was(void **state)
{
    static const uint32_t oids[] = { OID_INT8, OID_FLOAT8, OID_NUMERIC, OID_TEXT, OID_BYTEA };
    const struct cell cell = { .kind = CELL_INT, .i = INT64_C(1234567890123) };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(oids); i++) {
        cleanup(finish_buf) struct buf out;
        struct failure f;

        buf_init(&out, 4);
        assert_int_equal(buf_append_str(&out, "ab"), 0);
        assert_int_equal(value_encode(oids[i], -1, FORMAT_TEXT, &cell, NULL, &out, &f), BUF_FULL);
        assert_int_equal(value_encode(oids[i], -1, FORMAT_BINARY, &cell, NULL, &out, &f), BUF_FULL);
        assert_view_equal(buf_view(&out), "ab");
    }
}

static int code_without_memory(void)
{
    cleanup(finish_buf) struct buf scratch = { 0 };
    cleanup(finish_buf) struct buf out = { 0 };
    struct failure f;
    struct cell cell;
    int r = value_decode(OID_TIMESTAMPTZ, -1, FORMAT_TEXT, BYTES("2024-01-31 10:00:00+02"), NULL,
                         &scratch, &cell, &f);

    r = r != 0 ? r : value_encode(OID_TIMESTAMPTZ, -1, FORMAT_TEXT, &cell, NULL, &out, &f);
    r = r != 0 ? r
               : value_decode(OID_BYTEA, -1, FORMAT_TEXT, BYTES("\\xdeadbeef"), NULL, &scratch,
                              &cell, &f);
    return r != 0 ? r : value_encode(OID_BYTEA, -1, FORMAT_TEXT, &cell, NULL, &out, &f);
}

static void no_memory_is_answered(void **state)
{
    (void)state;
    for_each_failed_allocation(code_without_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_held_to_their_type),
        cmocka_unit_test(numerics_keep_their_scale_and_refuse_what_would_be_lost),
        cmocka_unit_test(texts_are_held_to_their_length_and_encoding),
        cmocka_unit_test(bytea_and_uuid_take_what_postgres_takes),
        cmocka_unit_test(types_without_a_row_pass_their_text_only),
        cmocka_unit_test(the_binary_form_says_the_same),
        cmocka_unit_test(binary_forms_that_are_too_short_are_08P01_and_too_long_22P03),
        cmocka_unit_test(addresses_have_one_spelling),
        cmocka_unit_test(cells_of_another_kind_are_converted_when_they_can_be),
        cmocka_unit_test(numerics_print_as_their_digits_do),
        cmocka_unit_test(stored_timestamps_say_what_was_stored),
        cmocka_unit_test(stored_texts_that_are_no_dates_are_refused),
        cmocka_unit_test(floats_can_be_rounded),
        cmocka_unit_test(a_full_buffer_is_told_and_left_as_it_was),
        cmocka_unit_test(no_memory_is_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
