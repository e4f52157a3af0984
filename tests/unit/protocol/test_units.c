/* The short way must come to where the long one does: a blank in front of a text, or groups of
 * zeros in front of a binary number, send it the long way. */
#include "protocol/units.h"

#include "protocol/number.h"
#include "protocol/pgtype.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

static bool parses(const char *text, int64_t count, int scale)
{
    struct units u;

    return units_parse(view_of_str(text), &u) && u.count == count && u.scale == scale;
}

static void plain_decimals_are_read(void **state)
{
    (void)state;
    assert_true(parses("0", 0, 0));
    assert_true(parses("-12.34", -1234, 2));
    assert_true(parses("+5.", 5, 0));
    assert_true(parses(".5", 5, 1));
    assert_true(parses("007.10", 710, 2));
    assert_true(parses("999999999999999", INT64_C(999999999999999), 0));
    assert_true(parses("0.12345678901234", INT64_C(12345678901234), 14));
}

static void all_else_is_left_to_the_long_way(void **state)
{
    static const char *const others[] = {
        "",
        "-",
        ".",
        "+.",
        " 1",
        "1 ",
        "1e3",
        "NaN",
        "1..2",
        "1.2.",
        "--1",
        "0x1",
        "1,0",
        "1_0",
        "infinity",
        "1000000000000000",
        "0.123456789012345",
        "1234567890.1234567",
    };
    struct units u;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_false(units_parse(view_of_str(others[i]), &u));
    }
    assert_false(units_parse(view_of("1\0", 2), &u));
}

static void a_scale_is_changed_only_when_nothing_is_lost(void **state)
{
    struct units u = { .count = 1250, .scale = 3 };

    (void)state;
    assert_true(units_rescale(&u, 2) && u.count == 125);
    assert_false(units_rescale(&u, 1));
    u = (struct units){ .count = 99, .scale = 0 };
    assert_true(units_rescale(&u, 13) && u.count == INT64_C(990000000000000));
    assert_false(units_rescale(&u, 14));
    assert_false(units_rescale(&u, -1));
    assert_false(units_rescale(&u, 15));
    assert_true(units_have_digits(&(struct units){ .count = 999, .scale = 1 }, 2));
    assert_false(units_have_digits(&(struct units){ .count = -1000, .scale = 1 }, 2));
    assert_false(units_have_digits(&(struct units){ .count = 1, .scale = 1 }, -2));
}

static void cells_are_read_at_their_scale(void **state)
{
    struct units u;

    (void)state;
    assert_true(units_of_cell(&(struct cell){ .kind = CELL_REAL, .r = 0.29 }, 2, &u));
    assert_int_equal(u.count, 29);
    assert_true(units_of_cell(&(struct cell){ .kind = CELL_INT, .i = -3 }, 2, &u));
    assert_int_equal(u.count, -300);
    assert_false(units_of_cell(&(struct cell){ .kind = CELL_REAL, .r = 0.295 }, 2, &u));
    assert_false(units_of_cell(&(struct cell){ .kind = CELL_REAL, .r = 0.1 + 0.2 }, 2, &u));
    assert_false(units_of_cell(&(struct cell){ .kind = CELL_REAL, .r = 1e15 }, 0, &u));
    assert_false(units_of_cell(&(struct cell){ .kind = CELL_INT, .i = INT64_MIN }, 0, &u));
    assert_false(units_of_cell(&(struct cell){ .kind = CELL_NULL }, 0, &u));
    assert_false(units_of_cell(&(struct cell){ .kind = CELL_INT, .i = 1 }, 15, &u));
}

/* ---- against the long way ---- */

static void random_text(uint64_t *random, char *text, size_t size)
{
    uint64_t n = test_random(random);
    uint64_t size_of_n = UINT64_C(1) << (test_random(random) % 54);
    int scale = (int)(test_random(random) % 16);
    uint64_t power = 1;

    for (int i = 0; i < scale; i++) {
        power *= 10;
    }
    n %= size_of_n;
    snprintf(text, size, "%s%llu.%0*llu", n % 3 == 0 ? "-" : "", (unsigned long long)(n / power),
             scale, (unsigned long long)(n % power));
    if (scale == 0) {
        *strchr(text, '.') = '\0';
    }
}

static int32_t random_typmod(uint64_t *random)
{
    int32_t precision = 1 + (int32_t)(test_random(random) % 20);
    int32_t scale = (int32_t)(test_random(random) % 22) - 3;

    return test_random(random) % 4 == 0 ? -1 : ((precision << 16) | (scale & 0x7ff)) + 4;
}

static void assert_same_cell(int r, const struct cell *cell, int r_long,
                             const struct cell *long_cell)
{
    assert_int_equal(r, r_long);
    if (r != 0) {
        return;
    }
    assert_int_equal(cell->kind, long_cell->kind);
    assert_memory_equal(&cell->i, &long_cell->i, sizeof(cell->i));
}

static void texts_are_decoded_as_the_long_way_does(void **state)
{
    cleanup(finish_buf) struct buf scratch = { 0 };
    uint64_t random = test_seed();
    size_t rounds = test_rounds(100000);

    (void)state;
    for (size_t i = 0; i < rounds; i++) {
        struct cell quick = { 0 };
        struct cell slow = { 0 };
        char text[64] = " ";
        int32_t typmod = random_typmod(&random);

        random_text(&random, text + 1, sizeof(text) - 1);
        int r = value_decode(OID_NUMERIC, typmod, FORMAT_TEXT, view_of_str(text + 1), NULL,
                             &scratch, &quick, NULL);
        int r_long = value_decode(OID_NUMERIC, typmod, FORMAT_TEXT, view_of_str(text), NULL,
                                  &scratch, &slow, NULL);

        assert_same_cell(r, &quick, r_long, &slow);
        if (r == 0) {
            assert_true(typmod < 4 || !value_numeric_fits(&slow, typmod) ||
                        slow.kind == quick.kind);
        }
    }
}

/* The number as PostgreSQL sends it, and the same behind four groups of zeros. */
static size_t binary_pair(const struct cell *cell, uint8_t *wire, uint8_t *longer)
{
    static const uint8_t zeros[8];
    cleanup(finish_buf) struct buf out = { 0 };
    uint16_t word;

    assert_int_equal(value_encode(OID_NUMERIC, -1, FORMAT_BINARY, cell, NULL, &out, NULL), 0);
    memcpy(wire, out.data, out.len);
    memcpy(longer, out.data, 8);
    for (size_t at = 0; at < 4; at += 2) { /* count and weight */
        memcpy(&word, longer + at, 2);
        word = __builtin_bswap16((uint16_t)(__builtin_bswap16(word) + 4));
        memcpy(longer + at, &word, 2);
    }
    memcpy(longer + 8, zeros, 8);
    memcpy(longer + 16, out.data + 8, out.len - 8);
    return out.len;
}

static void binary_numbers_are_decoded_as_the_long_way_does(void **state)
{
    cleanup(finish_buf) struct buf scratch = { 0 };
    uint64_t random = test_seed();
    size_t rounds = test_rounds(100000);

    (void)state;
    for (size_t i = 0; i < rounds; i++) {
        struct cell cell;
        struct cell quick = { 0 };
        struct cell slow = { 0 };
        uint8_t wire[64];
        uint8_t longer[72];
        char text[64];
        int32_t typmod = random_typmod(&random);

        random_text(&random, text, sizeof(text));
        if (value_decode(OID_NUMERIC, -1, FORMAT_TEXT, view_of_str(text), NULL, &scratch, &cell,
                         NULL) != 0) {
            continue;
        }
        size_t len = binary_pair(&cell, wire, longer);
        int r = value_decode(OID_NUMERIC, typmod, FORMAT_BINARY, view_of(wire, len), NULL, &scratch,
                             &quick, NULL);
        int r_long = value_decode(OID_NUMERIC, typmod, FORMAT_BINARY, view_of(longer, len + 8),
                                  NULL, &scratch, &slow, NULL);

        assert_same_cell(r, &quick, r_long, &slow);
    }
}

/* What fits is what the text of the number would be stored as. */
static void what_fits_a_typmod_is_stored_as_it_is(void **state)
{
    uint64_t random = test_seed();
    size_t rounds = test_rounds(100000);
    size_t fitting = 0;

    (void)state;
    for (size_t i = 0; i < rounds; i++) {
        cleanup(finish_buf) struct buf scratch = { 0 };
        struct cell cell = { .kind = CELL_INT, .i = (int64_t)(test_random(&random) % 100000) };
        struct cell stored = { 0 };
        int32_t typmod = random_typmod(&random);

        if (i % 2 == 0) {
            cell = (struct cell){ .kind = CELL_REAL, .r = (double)cell.i / 1000 };
        }
        if (!value_numeric_fits(&cell, typmod)) {
            continue;
        }
        fitting++;
        assert_int_equal(value_encode(OID_NUMERIC, -1, FORMAT_TEXT, &cell, NULL, &scratch, NULL),
                         0);
        assert_int_equal(value_decode(OID_NUMERIC, typmod, FORMAT_TEXT, buf_view(&scratch), NULL,
                                      &scratch, &stored, NULL),
                         0);
        assert_same_cell(0, &cell, 0, &stored);
    }
    assert_true(fitting > rounds / 20);
}

/* numeric(1,3) holds no digit in front of the point, but a zero. */
static void zero_fits_every_column(void **state)
{
    int32_t typmod = (1 << 16 | 3) + 4;

    (void)state;
    assert_string_equal(text_through(OID_NUMERIC, typmod, "0", NULL), "0.000");
    assert_string_equal(text_through(OID_NUMERIC, typmod, " 0", NULL), "0.000");
    assert_string_equal(text_through(OID_NUMERIC, typmod, "0.001", NULL), "0.001");
    assert_string_equal(text_through(OID_NUMERIC, typmod, "0.01", NULL),
                        "ERROR 22003: numeric field overflow");
}

static void units_are_written_with_all_their_digits(void **state)
{
    static const struct {
        struct units units;
        const char *text;
    } cases[] = {
        { { 0, 0 }, "0" },
        { { 0, 2 }, "0.00" },
        { { -5, 2 }, "-0.05" },
        { { 1250, 2 }, "12.50" },
        { { INT64_C(-999999999999999), 14 }, "-9.99999999999999" },
        { { INT64_C(999999999999999), 0 }, "999999999999999" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char out[units_bytes];
        size_t len = units_write(&cases[i].units, out);

        assert_int_equal(len, strlen(cases[i].text));
        assert_memory_equal(out, cases[i].text, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_decimals_are_read),
        cmocka_unit_test(all_else_is_left_to_the_long_way),
        cmocka_unit_test(a_scale_is_changed_only_when_nothing_is_lost),
        cmocka_unit_test(cells_are_read_at_their_scale),
        cmocka_unit_test(texts_are_decoded_as_the_long_way_does),
        cmocka_unit_test(binary_numbers_are_decoded_as_the_long_way_does),
        cmocka_unit_test(what_fits_a_typmod_is_stored_as_it_is),
        cmocka_unit_test(zero_fits_every_column),
        cmocka_unit_test(units_are_written_with_all_their_digits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
