/* Settings: what SET accepts, how SHOW prints it, and what a rolled-back transaction leaves. */
#include "base/alloc.h"
#include "sql/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include <cmocka.h>

struct fixture {
    struct settings *settings;
    struct value_style style;
    struct failure failure;
    char told[256]; /* reported changes, one behind the other */
};

static void changed(void *arg, const struct setting_row *row, const char *value)
{
    struct fixture *x = arg;
    size_t used = strlen(x->told);

    if ((row->flags & SETTING_REPORTED) != 0) {
        snprintf(x->told + used, sizeof x->told - used, "%s=%s;", row->name, value);
    }
}

static int setup(void **state)
{
    static struct fixture x;

    x = (struct fixture){ 0 };
    struct settings_host host = { .arg = &x, .style = &x.style, .changed = changed };
    assert_int_equal(settings_create_for(&host, &x.settings), 0);
    *state = &x;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *x = *state;

    settings_destroy(x->settings);
    return 0;
}

static int set(struct fixture *x, const char *name, const char *value, enum setting_scope scope)
{
    failure_clear(&x->failure);
    return settings_set(x->settings, view_of_str(name), value, scope, &x->failure);
}

static const char *show(struct fixture *x, const char *name)
{
    const char *value = settings_get(x->settings, view_of_str(name));

    return value == NULL ? "(none)" : value;
}

static void test_table_is_sorted_and_its_defaults_are_canonical(void **state)
{
    (void)state;
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting_row *row = &setting_table[i];
        assert_ptr_equal(setting_find(view_of_str(row->name)), row);
        if (i > 0) {
            assert_true(strcasecmp(setting_table[i - 1].name, row->name) < 0);
        }
    }
    assert_null(setting_find(view_of_str("nonsense")));
    assert_null(setting_find(view_of_str("")));
}

static void test_values_are_shown_as_postgresql_shows_them(void **state)
{
    static const struct {
        const char *name, *value, *shown;
    } rows[] = {
        { "statement_timeout", "5s", "5s" },
        { "statement_timeout", "250", "250ms" },
        { "statement_timeout", "90s", "90s" },
        { "statement_timeout", "1.5s", "1500ms" },
        { "STATEMENT_TIMEOUT", "1 h", "1h" },
        { "statement_timeout", "2d", "2d" },
        { "statement_timeout", "1500us", "2ms" },
        { "statement_timeout", "0", "0" },
        { "work_mem", "64MB", "64MB" },
        { "work_mem", "1.5GB", "1536MB" },
        { "jit", "1", "on" },
        { "jit", "of", "off" },
        { "client_min_messages", "debug", "debug2" },
        { "default_transaction_isolation", "Repeatable Read", "repeatable read" },
        { "datestyle", "sql", "SQL, MDY" },
        { "datestyle", "german", "German, DMY" },
        { "datestyle", "ymd", "German, YMD" },
        { "datestyle", "iso, dmy", "ISO, DMY" },
        { "timezone", "europe/berlin", "Europe/Berlin" },
        { "timezone", "2", "<+02>-02" },
        { "timezone", "-08:30", "<-08:30>+08:30" },
        { "timezone", "3.5", "<+03:30>-03:30" },
        { "timezone", "utc", "UTC" },
        { "timezone", "FOO3", "FOO3" },
        { "client_encoding", "'utf-8'", "UTF8" },
        { "client_encoding", "UNICODE", "UTF8" },
        { "extra_float_digits", "2", "2" },
        { "seq_page_cost", "0.5", "0.5" },
        { "application_name", "a\x01\xc3\xa9", "a???" },
        { "my.var", "x", "x" },
    };
    struct fixture *x = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(set(x, rows[i].name, rows[i].value, SCOPE_SESSION), 0);
        assert_string_equal(show(x, rows[i].name), rows[i].shown);
    }
    assert_int_equal(settings_us(x->settings, "statement_timeout"), 0);
    assert_int_equal(set(x, "statement_timeout", "1min", SCOPE_SESSION), 0);
    assert_int_equal(settings_us(x->settings, "statement_timeout"), 60000000);
}

static void test_bad_values_have_postgresqls_words(void **state)
{
    static const struct {
        const char *name, *value, *sqlstate, *message;
    } rows[] = {
        { "foo", "1", "42704", "unrecognized configuration parameter \"foo\"" },
        { "server_version", "1", "55P02", "parameter \"server_version\" cannot be changed" },
        { "fsync", "off", "55P02", "parameter \"fsync\" cannot be changed now" },
        { "port", "1", "55P02",
          "parameter \"port\" cannot be changed without restarting the server" },
        { "statement_timeout", "1day", "22023",
          "invalid value for parameter \"statement_timeout\": \"1day\"" },
        { "statement_timeout", "abc", "22023",
          "invalid value for parameter \"statement_timeout\": \"abc\"" },
        { "statement_timeout", "-5", "22023",
          "-5 ms is outside the valid range for parameter \"statement_timeout\" (0 .. "
          "2147483647)" },
        { "statement_timeout", "999999999999", "22023",
          "invalid value for parameter \"statement_timeout\": \"999999999999\"" },
        { "extra_float_digits", "9", "22023",
          "9 is outside the valid range for parameter \"extra_float_digits\" (-15 .. 3)" },
        { "jit", "foo", "22023", "parameter \"jit\" requires a Boolean value" },
        { "bytea_output", "xx", "22023", "invalid value for parameter \"bytea_output\": \"xx\"" },
        { "datestyle", "foo", "22023", "invalid value for parameter \"DateStyle\": \"foo\"" },
        { "datestyle", "iso, sql", "22023",
          "invalid value for parameter \"DateStyle\": \"iso, sql\"" },
        { "timezone", "Foo/Bar", "22023", "invalid value for parameter \"TimeZone\": \"Foo/Bar\"" },
        { "timezone", "../../etc/passwd", "22023",
          "invalid value for parameter \"TimeZone\": \"../../etc/passwd\"" },
        { "timezone", "", "22023", "invalid value for parameter \"TimeZone\": \"\"" },
        { "client_encoding", "latin1", "22023",
          "invalid value for parameter \"client_encoding\": \"latin1\"" },
        { "my.bad var", "1", "42602", "invalid configuration parameter name \"my.bad var\"" },
        { "1a.b", "1", "42602", "invalid configuration parameter name \"1a.b\"" },
        { "a.", "1", "42602", "invalid configuration parameter name \"a.\"" },
    };
    struct fixture *x = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(set(x, rows[i].name, rows[i].value, SCOPE_SESSION), FAILED);
        assert_string_equal(x->failure.sqlstate, rows[i].sqlstate);
        assert_string_equal(failure_get(&x->failure, FIELD_MESSAGE), rows[i].message);
    }
    assert_string_equal(x->told, "");
}

static void test_a_change_is_told_only_when_the_value_is_another(void **state)
{
    struct fixture *x = *state;

    assert_int_equal(set(x, "application_name", "a", SCOPE_SESSION), 0);
    assert_int_equal(set(x, "application_name", "a", SCOPE_SESSION), 0);
    assert_int_equal(set(x, "timezone", "UTC", SCOPE_SESSION), 0);
    assert_string_equal(x->told, "application_name=a;");
    settings_end(x->settings, false);
    assert_string_equal(x->told, "application_name=a;application_name=;");
}

static void test_local_ends_with_the_transaction(void **state)
{
    struct fixture *x = *state;

    assert_int_equal(set(x, "datestyle", "SQL", SCOPE_SESSION), 0);
    settings_end(x->settings, true);
    assert_int_equal(set(x, "datestyle", "German", SCOPE_SESSION), 0);
    assert_int_equal(set(x, "datestyle", "ISO", SCOPE_LOCAL), 0);
    assert_int_equal(x->style.date_output, DATE_ISO);
    settings_end(x->settings, true);
    assert_string_equal(show(x, "datestyle"), "German, DMY");
    assert_int_equal(x->style.date_output, DATE_GERMAN);
    assert_int_equal(set(x, "datestyle", NULL, SCOPE_LOCAL), 0);
    assert_string_equal(show(x, "datestyle"), "ISO, MDY");
    settings_end(x->settings, false);
    assert_string_equal(show(x, "datestyle"), "German, DMY");
}

static void test_savepoints_undo_what_came_after_them(void **state)
{
    struct fixture *x = *state;

    assert_int_equal(set(x, "my.v", "1", SCOPE_SESSION), 0);
    assert_int_equal(settings_savepoint(x->settings, view_of_str("a"), &x->failure), 0);
    assert_int_equal(set(x, "my.v", "2", SCOPE_SESSION), 0);
    assert_int_equal(settings_savepoint(x->settings, view_of_str("a"), &x->failure), 0);
    assert_int_equal(set(x, "my.v", "3", SCOPE_LOCAL), 0);
    settings_rollback_to(x->settings, view_of_str("a"));
    assert_string_equal(show(x, "my.v"), "2");
    settings_release(x->settings, view_of_str("a"));
    assert_string_equal(show(x, "my.v"), "2");
    settings_rollback_to(x->settings, view_of_str("a"));
    assert_string_equal(show(x, "my.v"), "1");
    settings_end(x->settings, false);
    assert_string_equal(show(x, "my.v"), "");
}

static void test_reset_goes_back_to_what_the_start_said(void **state)
{
    struct fixture *x = *state;

    assert_int_equal(set(x, "timezone", "Asia/Tokyo", SCOPE_STARTUP), 0);
    assert_int_equal(set(x, "timezone", "UTC", SCOPE_SESSION), 0);
    assert_null(x->style.utc_offset);
    assert_int_equal(settings_reset_all(x->settings, &x->failure), 0);
    assert_string_equal(show(x, "timezone"), "Asia/Tokyo");
    assert_int_equal(x->style.utc_offset(x->style.zone, 0, false), 9 * 3600);
}

static void test_custom_settings_have_a_limit(void **state)
{
    struct fixture *x = *state;
    char name[32];
    int r = 0, made = 0;

    for (; r == 0 && made < 10000; made++) {
        snprintf(name, sizeof name, "my.v%d", made);
        r = set(x, name, "x", SCOPE_SESSION);
    }
    assert_int_equal(r, FAILED);
    assert_string_equal(x->failure.sqlstate, "53400");
    assert_int_equal(set(x, "my.v1", "y", SCOPE_SESSION), 0);
}

static int count_one(void *arg, const char *name, const char *value, const char *about)
{
    assert_non_null(name);
    assert_non_null(value);
    assert_non_null(about);
    ++*(size_t *)arg;
    return 0;
}

static void count_reported(void *arg, const char *name, const char *value)
{
    (void)name;
    (void)value;
    ++*(size_t *)arg;
}

static void test_postgresql_15_reports_thirteen(void **state)
{
    struct fixture *x = *state;
    size_t all = 0, reported = 0;

    settings_each_reported(x->settings, count_reported, &reported);
    assert_int_equal(reported, 13);
    assert_int_equal(set(x, "my.var", "1", SCOPE_SESSION), 0);
    assert_int_equal(settings_each(x->settings, count_one, &all), 0);
    assert_int_equal(all, setting_count + 1);
}

static void test_no_memory_changes_nothing(void **state)
{
    struct fixture *x = *state;
    int r = FAILED;

    for (uint64_t n = 1; r != 0; n++) {
        mem_fail_at(n, false);
        r = set(x, "application_name", "b", SCOPE_SESSION);
        mem_fail_at(0, false);
        assert_true(n < 50);
        if (r != 0) {
            assert_string_equal(x->failure.sqlstate, "53200");
            assert_string_equal(show(x, "application_name"), "");
        }
    }
    assert_string_equal(show(x, "application_name"), "b");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_table_is_sorted_and_its_defaults_are_canonical),
        TEST(test_values_are_shown_as_postgresql_shows_them),
        TEST(test_bad_values_have_postgresqls_words),
        TEST(test_a_change_is_told_only_when_the_value_is_another),
        TEST(test_local_ends_with_the_transaction),
        TEST(test_savepoints_undo_what_came_after_them),
        TEST(test_reset_goes_back_to_what_the_start_said),
        TEST(test_custom_settings_have_a_limit),
        TEST(test_postgresql_15_reports_thirteen),
        TEST(test_no_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
