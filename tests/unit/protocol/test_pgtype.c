#include "protocol/pgtype.h"

#include "support.h"

#include <string.h>

static void rows_are_in_order_and_arrays_know_their_elements(void **state)
{
    (void)state;
    for (size_t i = 0; i < pgtype_count; i++) {
        const struct pgtype *type = &pgtype_table[i];

        assert_true(i == 0 || pgtype_table[i - 1].oid < type->oid);
        assert_ptr_equal(pgtype_by_oid(type->oid), type);
        if (type->array_oid != 0) {
            assert_int_equal(pgtype_by_oid(type->array_oid)->element_oid, type->oid);
        }
    }
    assert_null(pgtype_by_oid(0));
    assert_null(pgtype_by_oid(UINT32_MAX));
}

static uint32_t oid_of(const char *name)
{
    const struct pgtype *type = pgtype_by_name(view_of_str(name));

    return type == NULL ? 0 : type->oid;
}

static void names_and_aliases_are_found_in_any_case(void **state)
{
    (void)state;
    assert_int_equal(oid_of("int4"), OID_INT4);
    assert_int_equal(oid_of("INTEGER"), OID_INT4);
    assert_int_equal(oid_of("int"), OID_INT4);
    assert_int_equal(oid_of("Character  Varying"), OID_VARCHAR);
    assert_int_equal(oid_of(" timestamp with time zone "), OID_TIMESTAMPTZ);
    assert_int_equal(oid_of("timestamp"), OID_TIMESTAMP);
    assert_int_equal(oid_of("double precision"), OID_FLOAT8);
    assert_int_equal(oid_of("decimal"), OID_NUMERIC);
    assert_int_equal(oid_of("char"), OID_BPCHAR);
    assert_int_equal(oid_of("\"char\""), OID_CHAR);
    assert_int_equal(oid_of("int4[]"), 1007);
    assert_int_equal(oid_of("_int4"), 1007);
    assert_int_equal(oid_of("text []"), 1009);
    assert_int_equal(oid_of("nonsense"), 0);
    assert_int_equal(oid_of("nonsense[]"), 0);
    assert_int_equal(oid_of(""), 0);
    assert_int_equal(oid_of("[]"), 0);
}

static void a_name_too_long_for_a_type_is_none(void **state)
{
    char name[400];

    (void)state;
    memset(name, 'x', sizeof(name));
    assert_null(pgtype_by_name(view_of(name, sizeof(name))));
}

static void types_are_printed_with_their_modifiers(void **state)
{
    static const struct {
        uint32_t oid;
        int32_t typmod;
        const char *text;
    } rows[] = {
        { OID_INT4, -1, "integer" },
        { OID_NUMERIC, -1, "numeric" },
        { OID_NUMERIC, 655366, "numeric(10,2)" },
        { OID_NUMERIC, (5 << 16 | (-2 & 0x7ff)) + 4, "numeric(5,-2)" },
        { OID_VARCHAR, 34, "character varying(30)" },
        { OID_VARCHAR, -1, "character varying" },
        { OID_BPCHAR, 14, "character(10)" },
        { OID_BPCHAR, -1, "bpchar" },
        { OID_TIMESTAMPTZ, 3, "timestamp(3) with time zone" },
        { OID_TIMESTAMP, -1, "timestamp without time zone" },
        { OID_TIME, 0, "time(0) without time zone" },
        { OID_INTERVAL, 0x7fff << 16 | 3, "interval(3)" },
        { OID_INTERVAL, 6 << 16 | 0xffff, "interval year to month" },
        { OID_CHAR, -1, "\"char\"" },
        { 1560, 8, "bit(8)" },
        { 1007, -1, "integer[]" },
        { 1015, 34, "character varying(30)[]" },
        { 210, -1, "pg_type[]" },
        { 4242424, -1, "???" },
    };
    char text[pgtype_name_bytes];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_string_equal(pgtype_format(rows[i].oid, rows[i].typmod, text), rows[i].text);
    }
}

static void no_type_is_longer_than_its_room(void **state)
{
    static const int32_t typmods[] = { -1, 0, 4, INT32_MAX, 0x7fffffff, 0x1c08ffff };
    char text[pgtype_name_bytes];

    (void)state;
    for (size_t i = 0; i < pgtype_count; i++) {
        for (size_t j = 0; j < ARRAY_LEN(typmods); j++) {
            assert_true(strlen(pgtype_format(pgtype_table[i].oid, typmods[j], text)) <
                        sizeof(text) - 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_in_order_and_arrays_know_their_elements),
        cmocka_unit_test(names_and_aliases_are_found_in_any_case),
        cmocka_unit_test(a_name_too_long_for_a_type_is_none),
        cmocka_unit_test(types_are_printed_with_their_modifiers),
        cmocka_unit_test(no_type_is_longer_than_its_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
