/* Typed getters tell NULL, overflow and wrong type apart. */
#include "support.h"

#include "protocol/pgtype.h"

#include <string.h>

struct value_case {
    uint32_t type;
    const char *text;
    int as_int32, as_int64, as_double, as_bool;
};

static const struct value_case cases[] = {
    { OID_INT4, "7", 0, 0, 0, POND_TYPE },
    { OID_INT4, "-2147483648", 0, 0, 0, POND_TYPE },
    { OID_INT8, "2147483648", POND_RANGE, 0, 0, POND_TYPE },
    { OID_INT8, "9223372036854775808", POND_RANGE, POND_RANGE, 0, POND_TYPE },
    { OID_INT8, "x", POND_TYPE, POND_TYPE, POND_TYPE, POND_TYPE },
    { OID_OID, "4294967295", POND_RANGE, 0, 0, POND_TYPE },
    { OID_NUMERIC, "12.00", 0, 0, 0, POND_TYPE },
    { OID_NUMERIC, "12.5", POND_RANGE, POND_RANGE, 0, POND_TYPE },
    { OID_NUMERIC, "NaN", POND_RANGE, POND_RANGE, 0, POND_TYPE },
    { OID_FLOAT8, "1e308", POND_TYPE, POND_TYPE, 0, POND_TYPE },
    { OID_FLOAT8, "1e999", POND_TYPE, POND_TYPE, POND_RANGE, POND_TYPE },
    { OID_FLOAT8, "-Infinity", POND_TYPE, POND_TYPE, 0, POND_TYPE },
    { OID_BOOL, "t", POND_TYPE, POND_TYPE, POND_TYPE, 0 },
    { OID_BOOL, "yes", POND_TYPE, POND_TYPE, POND_TYPE, POND_TYPE },
    { OID_TEXT, "7", POND_TYPE, POND_TYPE, POND_TYPE, POND_TYPE },
    { OID_INT4, NULL, POND_IS_NULL, POND_IS_NULL, POND_IS_NULL, POND_TYPE },
    { OID_BOOL, NULL, POND_TYPE, POND_TYPE, POND_TYPE, POND_IS_NULL },
};

static struct pond_conn *conn;

static struct pond_result *result_of(const char *const *values, const uint32_t *types, uint16_t n)
{
    const char *names[32];
    struct pond_result *result = NULL;

    for (uint16_t i = 0; i < n; i++) {
        names[i] = "c";
    }
    script_greet();
    script_expect("Q");
    script_columns(names, types, n);
    script_row(values, n);
    script_tag("SELECT 1");
    script_ready('I');
    conn = connect_to_server();
    assert_int_equal(pond_exec(conn, "SELECT", &result, &test_error), 0);
    return result;
}

static void getters_tell_what_is_wrong(void **state)
{
    const char *values[ARRAY_LEN(cases)];
    uint32_t types[ARRAY_LEN(cases)];
    int32_t i32;
    int64_t i64;
    double d;
    bool b;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        values[i] = cases[i].text;
        types[i] = cases[i].type;
    }
    struct pond_result *result = result_of(values, types, ARRAY_LEN(cases));
    struct pond_row row = pond_result_row(result, 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *text = NULL;

        assert_int_equal(pond_row_type(row, i), cases[i].type);
        assert_int_equal(pond_row_int32(row, i, &i32), cases[i].as_int32);
        assert_int_equal(pond_row_int64(row, i, &i64), cases[i].as_int64);
        assert_int_equal(pond_row_double(row, i, &d), cases[i].as_double);
        assert_int_equal(pond_row_bool(row, i, &b), cases[i].as_bool);
        assert_int_equal(pond_row_is_null(row, i), cases[i].text == NULL);
        assert_int_equal(pond_row_text(row, i, &text, NULL),
                         cases[i].text == NULL ? POND_IS_NULL : 0);
        assert_true(cases[i].text == NULL ? text == NULL : strcmp(text, cases[i].text) == 0);
    }
    assert_int_equal(pond_row_text(row, ARRAY_LEN(cases), NULL, NULL), POND_USAGE);
    assert_null(pond_row_name(row, ARRAY_LEN(cases)));
    pond_result_destroy(result);
    pond_conn_destroy(conn);
}

static void bytes_come_in_either_form(void **state)
{
    static const char *const values[] = { "\\x00ff7A", "a\\\\b\\377", "\\x0", "\\xzz", "\\9",
                                          "",          NULL };
    static const uint32_t types[] = { OID_BYTEA, OID_BYTEA, OID_BYTEA, OID_BYTEA,
                                      OID_BYTEA, OID_BYTEA, OID_BYTEA };
    uint8_t out[8];
    size_t len;

    (void)state;
    struct pond_result *result = result_of(values, types, 7);
    struct pond_row row = pond_result_row(result, 0);
    assert_int_equal(pond_row_bytes(row, 0, out, 8, &len), 0);
    assert_int_equal(len, 3);
    assert_memory_equal(out, "\0\xffz", 3);
    assert_int_equal(pond_row_bytes(row, 0, out, 2, &len), POND_RANGE);
    assert_int_equal(len, 3);
    assert_int_equal(pond_row_bytes(row, 1, out, 8, &len), 0);
    assert_int_equal(len, 4);
    assert_memory_equal(out, "a\\b\xff", 4);
    assert_int_equal(pond_row_bytes(row, 1, out, 3, &len), POND_RANGE);
    for (size_t i = 2; i < 5; i++) {
        assert_int_equal(pond_row_bytes(row, i, out, 8, &len), POND_TYPE);
    }
    assert_int_equal(pond_row_bytes(row, 5, out, 8, &len), 0);
    assert_int_equal(len, 0);
    assert_int_equal(pond_row_bytes(row, 6, out, 8, &len), POND_IS_NULL);
    pond_result_destroy(result);
    pond_conn_destroy(conn);
}

static void a_row_may_have_no_columns(void **state)
{
    int32_t i32;

    (void)state;
    struct pond_result *result = result_of(NULL, NULL, 0);
    assert_int_equal(pond_result_rows(result), 1);
    assert_int_equal(pond_row_columns(pond_result_row(result, 0)), 0);
    assert_int_equal(pond_row_int32(pond_result_row(result, 0), 0, &i32), POND_USAGE);
    pond_result_destroy(result);
    pond_conn_destroy(conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(getters_tell_what_is_wrong, client_setup, client_teardown),
        cmocka_unit_test_setup_teardown(bytes_come_in_either_form, client_setup, client_teardown),
        cmocka_unit_test_setup_teardown(a_row_may_have_no_columns, client_setup, client_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
