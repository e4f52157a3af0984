/* How wide the columns of a table are. */
#include "support.h"

#include "client/cli/layout.h"

static void expect(int a, int b, int c, int line, int to_a, int to_b, int to_c)
{
    int widths[] = { a, b, c };

    layout_fit(widths, 3, line);
    assert_int_equal(widths[0], to_a);
    assert_int_equal(widths[1], to_b);
    assert_int_equal(widths[2], to_c);
}

static void a_total_counts_blanks_and_bars(void **state)
{
    (void)state;
    assert_int_equal(layout_total((int[]){ 5 }, 1), 7 - 0 - 0);
    assert_int_equal(layout_total((int[]){ 5, 3, 1 }, 3), 17);
    assert_int_equal(layout_total(NULL, 0), 0);
}

static void what_fits_stays(void **state)
{
    (void)state;
    expect(5, 3, 1, 17, 5, 3, 1);
    expect(5, 3, 1, 80, 5, 3, 1);
}

static void the_widest_give_first(void **state)
{
    (void)state;
    expect(50, 3, 1, 40, 28, 3, 1);
    expect(50, 40, 1, 40, 16, 15, 1); /* the spare one goes to the first */
    expect(50, 3, 50, 41, 15, 3, 15);
}

static void none_is_made_narrower_than_the_least(void **state)
{
    (void)state;
    expect(50, 40, 1, 5, 3, 3, 1);
    expect(2, 1, 0, 1, 2, 1, 0);
    expect(1000000000, 1000000000, 1000000000, 20, 4, 4, 4);
    layout_fit(NULL, 0, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_total_counts_blanks_and_bars),
        cmocka_unit_test(what_fits_stays),
        cmocka_unit_test(the_widest_give_first),
        cmocka_unit_test(none_is_made_narrower_than_the_least),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
