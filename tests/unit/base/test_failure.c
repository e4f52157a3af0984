#include "base/failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

static void a_zeroed_failure_is_not_set(void **state)
{
    struct failure f = { 0 };

    (void)state;
    assert_false(failure_is_set(&f));
    assert_null(failure_get(&f, FIELD_MESSAGE));
    assert_string_equal(failure_severity_name(&f), "ERROR");
}

static void fields_are_found_again(void **state)
{
    struct failure f;

    (void)state;
    memset(&f, 0xff, sizeof(f)); /* whatever was there */
    assert_int_equal(failure_set(&f, "23505", "duplicate key in \"%s\"", "orders"), FAILED);
    failure_add(&f, FIELD_DETAIL, "Key (%s)=(%d) already exists.", "id", 7);
    failure_add(&f, FIELD_CONSTRAINT, "orders_pkey");
    assert_true(failure_is_set(&f));
    assert_string_equal(f.sqlstate, "23505");
    assert_int_equal(f.position, 0);
    assert_string_equal(failure_get(&f, FIELD_MESSAGE), "duplicate key in \"orders\"");
    assert_string_equal(failure_get(&f, FIELD_DETAIL), "Key (id)=(7) already exists.");
    assert_string_equal(failure_get(&f, FIELD_CONSTRAINT), "orders_pkey");
    assert_null(failure_get(&f, FIELD_HINT));
    failure_clear(&f);
    assert_false(failure_is_set(&f));
    assert_null(failure_get(&f, FIELD_DETAIL));
}

static void a_failure_may_be_set_from_its_own_text(void **state)
{
    struct failure f = { 0 };

    (void)state;
    failure_set(&f, "22012", "division by zero");
    failure_set(&f, f.sqlstate, "in a trigger: %s", failure_get(&f, FIELD_MESSAGE));
    assert_string_equal(f.sqlstate, "22012");
    assert_string_equal(failure_get(&f, FIELD_MESSAGE), "in a trigger: division by zero");
}

static void null_sets_nothing(void **state)
{
    (void)state;
    assert_int_equal(failure_set(NULL, "XX000", "x"), FAILED);
    assert_int_equal(failure_set_nomem(NULL), FAILED);
    failure_add(NULL, FIELD_HINT, "x");
}

/* Every length of a text around the cut, made of characters of every width. */
static void long_texts_are_cut_at_a_character(void **state)
{
    static const char *const characters[] = { "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x90\x9f" };
    char text[4096];

    (void)state;
    for (size_t c = 0; c < ARRAY_LEN(characters); c++) {
        size_t width = strlen(characters[c]);

        for (size_t shift = 0; shift < 4; shift++) {
            struct failure f;
            size_t len = shift;

            memset(text, 'x', shift);
            while (len < 2000) {
                memcpy(text + len, characters[c], width);
                len += width;
            }
            text[len] = '\0';
            failure_set(&f, "54000", "%s", text);
            const char *kept = failure_get(&f, FIELD_MESSAGE);
            assert_int_equal((strlen(kept) - shift) % width, 0);
            assert_true(strlen(kept) > 1000);
            assert_memory_equal(kept, text, strlen(kept));
            failure_add(&f, FIELD_HINT, "short");
            assert_string_equal(failure_get(&f, FIELD_HINT), "short");
        }
    }
}

static void fields_that_do_not_fit_are_cut_or_left_out(void **state)
{
    struct failure f;
    char text[2000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    failure_set(&f, "54000", "%s", text);
    failure_add(&f, FIELD_DETAIL, "%s", text);
    assert_true(strlen(failure_get(&f, FIELD_DETAIL)) > 400);
    failure_add(&f, FIELD_HINT, "hint");
    assert_null(failure_get(&f, FIELD_HINT));
    assert_true(f.used <= failure_text_bytes);
}

static void text_that_is_not_utf8_is_cut_too(void **state)
{
    struct failure f;
    char text[2000];

    (void)state;
    memset(text, 0x80, sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    failure_set(&f, "22021", "%s", text);
    assert_true(strlen(failure_get(&f, FIELD_MESSAGE)) > 1000);
}

static void severities_have_postgres_names(void **state)
{
    struct failure f = { .severity = SEVERITY_FATAL };

    (void)state;
    assert_string_equal(failure_severity_name(&f), "FATAL");
    f.severity = SEVERITY_LOG;
    assert_string_equal(failure_severity_name(&f), "LOG");
    f.severity = 200;
    assert_string_equal(failure_severity_name(&f), "ERROR");
}

static void errors_of_files_have_codes(void **state)
{
    (void)state;
    assert_string_equal(failure_errno_sqlstate(ENOSPC), "53100");
    assert_string_equal(failure_errno_sqlstate(ENOENT), "58P01");
    assert_string_equal(failure_errno_sqlstate(EISDIR), "42809");
    assert_string_equal(failure_errno_sqlstate(EACCES), "42501");
    assert_string_equal(failure_errno_sqlstate(EIO), "58030");
    assert_string_equal(failure_errno_sqlstate(0), "58030");
}

static void out_of_memory_has_its_code(void **state)
{
    struct failure f;

    (void)state;
    assert_int_equal(failure_set_nomem(&f), FAILED);
    assert_string_equal(f.sqlstate, "53200");
    assert_string_equal(failure_get(&f, FIELD_MESSAGE), "out of memory");
}

static void a_missing_thread_is_told_from_missing_memory(void **state)
{
    struct failure f;

    (void)state;
    assert_int_equal(failure_set_no_thread(&f), FAILED);
    assert_string_equal(f.sqlstate, "53000");
    assert_non_null(strstr(failure_get(&f, FIELD_MESSAGE), "thread"));
    assert_non_null(strstr(failure_get(&f, FIELD_DETAIL), "TasksMax="));
    assert_int_equal(failure_set_no_thread(NULL), FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zeroed_failure_is_not_set),
        cmocka_unit_test(fields_are_found_again),
        cmocka_unit_test(a_failure_may_be_set_from_its_own_text),
        cmocka_unit_test(null_sets_nothing),
        cmocka_unit_test(long_texts_are_cut_at_a_character),
        cmocka_unit_test(fields_that_do_not_fit_are_cut_or_left_out),
        cmocka_unit_test(text_that_is_not_utf8_is_cut_too),
        cmocka_unit_test(severities_have_postgres_names),
        cmocka_unit_test(errors_of_files_have_codes),
        cmocka_unit_test(out_of_memory_has_its_code),
        cmocka_unit_test(a_missing_thread_is_told_from_missing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
