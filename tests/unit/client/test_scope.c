#include "client/pond.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char order[64];
static struct pond_error error;

static int setup(void **state)
{
    (void)state;
    order[0] = '\0';
    error = (struct pond_error){ 0 };
    return 0;
}

static int note(void *arg, struct pond_error *e)
{
    (void)e;
    strcat(order, arg);
    return 0;
}

static int note_and_fail(void *arg, struct pond_error *e)
{
    strcat(order, arg);
    return pond_error_set(e, POND_APP, "%s failed", (const char *)arg);
}

static void clean_ups_run_in_reverse_and_all_of_them(void **state)
{
    struct pond_scope scope = { 0 };

    (void)state;
    assert_int_equal(pond_scope_defer(&scope, note, "a", &error), 0);
    assert_int_equal(pond_scope_defer(&scope, note_and_fail, "b", &error), 0);
    assert_int_equal(pond_scope_defer(&scope, note_and_fail, "c", &error), 0);
    assert_int_equal(pond_scope_defer(&scope, note, "d", &error), 0);
    assert_int_equal(pond_scope_close(&scope, &error), POND_APP);
    assert_string_equal(order, "dcba");
    assert_string_equal(error.message, "c failed"); /* the first that failed */
    assert_int_equal(pond_scope_close(&scope, &error), 0);
}

static void a_note_can_be_forgotten(void **state)
{
    struct pond_scope scope = { 0 };
    static char x[] = "x", y[] = "y";

    (void)state;
    assert_int_equal(pond_scope_defer(&scope, note, x, &error), 0);
    assert_int_equal(pond_scope_defer(&scope, note, y, &error), 0);
    assert_true(pond_scope_forget(&scope, note, x));
    assert_false(pond_scope_forget(&scope, note, x));
    assert_false(pond_scope_forget(&scope, note_and_fail, y));
    assert_int_equal(pond_scope_close(&scope, NULL), 0);
    assert_string_equal(order, "y");
}

static void scopes_nest(void **state)
{
    struct pond_scope outer = { 0 }, inner = { 0 };

    (void)state;
    assert_int_equal(pond_scope_defer(&outer, note, "o", &error), 0);
    assert_int_equal(pond_scope_nest(&outer, &inner, &error), 0);
    assert_int_equal(pond_scope_defer(&outer, note, "p", &error), 0);
    assert_int_equal(pond_scope_defer(&inner, note_and_fail, "i", &error), 0);
    assert_int_equal(pond_scope_close(&outer, &error), POND_APP);
    assert_string_equal(order, "pio");
}

static void use_block(struct pond_error *e)
{
    POND_SCOPED(scope, e);

    assert_int_equal(pond_scope_defer(&scope, note_and_fail, "k", &error), 0);
}

static void a_block_ends_its_scope_and_keeps_an_error_that_was_there(void **state)
{
    (void)state;
    use_block(&error);
    assert_string_equal(order, "k");
    assert_string_equal(error.message, "k failed");
    pond_error_set(&error, POND_APP, "earlier");
    use_block(&error);
    assert_string_equal(error.message, "earlier");
    use_block(NULL);
    assert_string_equal(order, "kkk");
}

static void without_memory_the_clean_up_runs_at_once(void **state)
{
    struct pond_scope scope = { 0 };

    (void)state;
    mem_fail_at(1, false);
    assert_int_equal(pond_scope_defer(&scope, note, "n", &error), POND_NOMEM);
    assert_true(mem_fail_hit());
    mem_fail_at(0, false);
    assert_string_equal(order, "n");
}

static void long_messages_are_cut_between_characters(void **state)
{
    char text[2000];

    (void)state;
    for (size_t i = 0; i + 2 < sizeof(text); i += 2) {
        memcpy(text + i, "\xc3\xa4", 3);
    }
    pond_error_set(&error, POND_APP, "%s", text);
    assert_int_equal(strlen(error.message), sizeof(error.message) - 2);
    pond_error_set(&error, POND_APP, "again: %s", error.message);
    assert_memory_equal(error.message, "again: \xc3\xa4", 9);
    assert_int_equal(pond_error_set(NULL, POND_APP, "nobody hears"), POND_APP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(clean_ups_run_in_reverse_and_all_of_them, setup),
        cmocka_unit_test_setup(a_note_can_be_forgotten, setup),
        cmocka_unit_test_setup(scopes_nest, setup),
        cmocka_unit_test_setup(a_block_ends_its_scope_and_keeps_an_error_that_was_there, setup),
        cmocka_unit_test_setup(without_memory_the_clean_up_runs_at_once, setup),
        cmocka_unit_test_setup(long_messages_are_cut_between_characters, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
