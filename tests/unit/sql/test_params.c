/* Parameters' numbers come and go. */
#include "sql/params.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *shortened, *numbered;
} cases[] = {
    { "", "" },
    { "SELECT 1", "SELECT 1" },
    { "?, ?, ?1, ?", "?1, ?2, ?1, ?3" },
    { "?3, ?, ?1", "?3, ?4, ?1" },
    { "'?', \"?1\", ?", "'?', \"?1\", ?1" },
    { "?", "?1" },
};

static void each_gets_its_number(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleanup(buf_finish) struct buf out = { 0 };

        assert_int_equal(params_number(view_of_str(cases[i].shortened), &out), 0);
        assert_int_equal(buf_append_byte(&out, '\0'), 0);
        assert_string_equal((const char *)out.data, cases[i].numbered);
    }
}

static void those_that_say_nothing_go(void **state)
{
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(text, sizeof text, "%s", cases[i].numbered);
        assert_int_equal(params_shorten(text, strlen(text)), strlen(cases[i].shortened));
        assert_string_equal(text, cases[i].shortened);
    }
}

static void a_full_buffer_is_told(void **state)
{
    cleanup(buf_finish) struct buf out = { .max = 3 };

    (void)state;
    assert_int_equal(params_number(view_of_str("a = ? OR b = ?"), &out), BUF_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gets_its_number),
        cmocka_unit_test(those_that_say_nothing_go),
        cmocka_unit_test(a_full_buffer_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
