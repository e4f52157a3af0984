/* conf/option.c */
#include "conf/option.h"

#include "base/alloc.h"
#include "conf/conf.h"
#include "conf/conf_user.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int set(struct conf *conf, const char *name, const char *value, struct failure *failure)
{
    const struct option *option = option_find(OPTION_POND, name);

    assert_non_null(option);
    memset(failure, 0, sizeof(*failure));
    return option_set(option, conf, value, "/folder", failure);
}

static void assert_set(const char *name, const char *value)
{
    struct conf conf = { 0 };
    struct failure failure;

    assert_int_equal(set(&conf, name, value, &failure), 0);
    option_finish_all(OPTION_POND, &conf);
}

static int64_t number_of(const char *name, const char *value)
{
    struct conf conf = { 0 };
    struct failure failure;
    const struct option *option = option_find(OPTION_POND, name);

    assert_int_equal(set(&conf, name, value, &failure), 0);
    return *(int64_t *)((char *)&conf + option->offset);
}

static void assert_refused(const char *name, const char *value, const char *message)
{
    struct conf conf = { 0 };
    struct failure failure;

    assert_int_equal(set(&conf, name, value, &failure), FAILED);
    assert_string_equal(failure_get(&failure, FIELD_MESSAGE), message);
}

static void every_preset_is_a_legal_value_and_every_row_has_a_place_of_its_own(void **state)
{
    struct conf conf = { 0 };
    struct conf_database database = { 0 };
    struct conf_user user = { 0 };
    void *const targets[] = {
        [OPTION_POND] = &conf, [OPTION_DATABASE] = &database, [OPTION_USER] = &user
    };

    (void)state;
    assert_true(option_count <= 128);
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];
        struct failure failure = { 0 };
        void *target = targets[option->section];
        assert_int_equal(option_set(option, target, option->preset, "/", &failure), 0);
        assert_ptr_equal(option_find(option->section, option->name), option);
        for (size_t j = 0; j < i; j++) {
            assert_false(option_table[j].section == option->section &&
                         option_table[j].offset == option->offset);
        }
    }
    option_finish_all(OPTION_POND, &conf);
    option_finish_all(OPTION_DATABASE, &database);
    option_finish_all(OPTION_USER, &user);
}

static void sizes_have_units(void **state)
{
    (void)state;
    assert_int_equal(number_of("output_buffer", "65536"), 65536);
    assert_int_equal(number_of("output_buffer", "64KiB"), 65536);
    assert_int_equal(number_of("output_buffer", "64 kB"), 65536);
    assert_int_equal(number_of("output_buffer", "1.5MB"), 3 << 19);
    assert_int_equal(number_of("memory_limit", "2GiB"), INT64_C(2) << 30);
}

static void times_have_units_and_a_plain_number_means_what_the_original_means(void **state)
{
    (void)state;
    assert_int_equal(number_of("client_login_timeout", "5"), 5000000);
    assert_int_equal(number_of("client_login_timeout", "1min"), 60000000);
    assert_int_equal(number_of("client_login_timeout", "0.25s"), 250000);
    assert_int_equal(number_of("log_min_duration_statement", "250"), 250000);
    assert_int_equal(number_of("log_min_duration_statement", "250us"), 250);
    assert_int_equal(number_of("log_min_duration_statement", "-1"), -1);
    assert_int_equal(number_of("log_min_duration_statement", "0"), 0);
}

static void booleans_have_postgresqls_words(void **state)
{
    struct conf conf = { 0 };
    struct failure failure;

    (void)state;
    assert_int_equal(set(&conf, "log_connections", "YES", &failure), 0);
    assert_true(conf.log_connections);
    assert_int_equal(set(&conf, "log_connections", "off", &failure), 0);
    assert_false(conf.log_connections);
    assert_refused("log_connections", "maybe",
                   "log_connections: expected on or off, not \"maybe\"");
}

static void a_wrong_value_says_what_was_expected(void **state)
{
    (void)state;
    assert_refused("listen_port", "65536",
                   "listen_port: expected a whole number from 0 to 65535, not \"65536\"");
    assert_refused("listen_port", "",
                   "listen_port: expected a whole number from 0 to 65535, not \"\"");
    assert_refused("listen_port", "1.5",
                   "listen_port: expected a whole number from 0 to 65535, not \"1.5\"");
    assert_refused(
        "listen_port", "9999999999999999999",
        "listen_port: expected a whole number from 0 to 65535, not \"9999999999999999999\"");
    assert_refused(
        "output_buffer", "64XB",
        "output_buffer: expected a size in bytes, kB, MB or GB from 4kB to 64MB, not \"64XB\"");
    assert_refused("output_buffer", "9999999999TB",
                   "output_buffer: expected a size in bytes, kB, MB or GB from 4kB to 64MB, not "
                   "\"9999999999TB\"");
    assert_refused(
        "time_slice", "2s",
        "time_slice: expected a time in milliseconds, or with us, ms, s, min, h, d from 10us "
        "to 1s, not \"2s\"");
    assert_refused("log_statement", "some",
                   "log_statement: expected one of none, ddl, mod, all, not \"some\"");
    assert_refused(
        "log_min_duration_statement", "-2",
        "log_min_duration_statement: expected a time in milliseconds, or with us, ms, s, min, "
        "h, d from -1 (off) to 1d, not \"-2\"");
}

static void the_limits_themselves_are_allowed(void **state)
{
    (void)state;
    assert_set("listen_port", "0");
    assert_set("listen_port", "65535");
    assert_set("output_buffer", "4kB");
    assert_set("output_buffer", "64MB");
    assert_refused(
        "output_buffer", "4095",
        "output_buffer: expected a size in bytes, kB, MB or GB from 4kB to 64MB, not \"4095\"");
}

static void relative_paths_start_at_the_folder(void **state)
{
    struct conf conf = { 0 };
    struct failure failure;

    (void)state;
    assert_int_equal(set(&conf, "unix_socket_dir", "run/x", &failure), 0);
    assert_string_equal(conf.unix_socket_dir, "/folder/run/x");
    assert_int_equal(set(&conf, "unix_socket_dir", "/abs", &failure), 0);
    assert_string_equal(conf.unix_socket_dir, "/abs");
    assert_int_equal(set(&conf, "unix_socket_dir", "", &failure), 0);
    assert_string_equal(conf.unix_socket_dir, "");
    option_finish_all(OPTION_POND, &conf);
}

static void without_memory_the_old_value_stays(void **state)
{
    struct conf conf = { 0 };
    struct failure failure;

    (void)state;
    assert_int_equal(set(&conf, "listen_addr", "::1", &failure), 0);
    mem_fail_at(1, true);
    int r = set(&conf, "listen_addr", "127.0.0.1", &failure);
    mem_fail_at(0, false);
    assert_int_equal(r, -ENOMEM);
    assert_string_equal(conf.listen_addr, "::1");
    option_finish_all(OPTION_POND, &conf);
}

static void a_close_name_is_found_and_a_far_one_not(void **state)
{
    char longest[200];

    (void)state;
    assert_string_equal(option_nearest(OPTION_POND, "listen_prot")->name, "listen_port");
    assert_string_equal(option_nearest(OPTION_POND, "log_statment")->name, "log_statement");
    assert_string_equal(option_nearest(OPTION_DATABASE, "sed")->name, "seed");
    assert_null(option_nearest(OPTION_POND, "shared_buffers"));
    assert_null(option_nearest(OPTION_DATABASE, "listen_port"));
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_null(option_nearest(OPTION_POND, longest));
}

static void assert_prints(const char *name, const char *value, const char *printed)
{
    struct conf conf = { 0 };
    struct failure failure;
    char text[64];

    assert_int_equal(set(&conf, name, value, &failure), 0);
    option_print(option_find(OPTION_POND, name), &conf, text, sizeof(text));
    assert_string_equal(text, printed);
    option_finish_all(OPTION_POND, &conf);
}

static void values_are_printed_so_that_they_can_be_read_again(void **state)
{
    (void)state;
    assert_prints("log_connections", "yes", "on");
    assert_prints("log_connections", "0", "off");
    assert_prints("listen_port", "7432", "7432");
    assert_prints("max_packet_size", "17000000", "17000000B");
    assert_prints("output_buffer", "65536", "64kB");
    assert_prints("memory_limit", "0", "0");
    assert_prints("client_login_timeout", "90", "90s");
    assert_prints("client_login_timeout", "1.5s", "1500ms");
    assert_prints("log_min_duration_statement", "-1", "-1");
    assert_prints("log_statement", "ddl", "ddl");
    assert_prints("listen_addr", "a, b", "a, b");
    assert_prints("temp_dir", "x", "/folder/x");
}

static void a_value_without_room_is_cut(void **state)
{
    struct conf conf = { 0 };
    struct failure failure;
    char text[4];

    (void)state;
    assert_int_equal(set(&conf, "listen_addr", "127.0.0.1", &failure), 0);
    option_print(option_find(OPTION_POND, "listen_addr"), &conf, text, sizeof(text));
    assert_string_equal(text, "127");
    option_finish_all(OPTION_POND, &conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_printed_so_that_they_can_be_read_again),
        cmocka_unit_test(a_value_without_room_is_cut),
        cmocka_unit_test(every_preset_is_a_legal_value_and_every_row_has_a_place_of_its_own),
        cmocka_unit_test(sizes_have_units),
        cmocka_unit_test(times_have_units_and_a_plain_number_means_what_the_original_means),
        cmocka_unit_test(booleans_have_postgresqls_words),
        cmocka_unit_test(a_wrong_value_says_what_was_expected),
        cmocka_unit_test(the_limits_themselves_are_allowed),
        cmocka_unit_test(relative_paths_start_at_the_folder),
        cmocka_unit_test(without_memory_the_old_value_stays),
        cmocka_unit_test(a_close_name_is_found_and_a_far_one_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
