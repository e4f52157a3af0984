/* daemon/reload.c, where an allocation fails, and its turns. What a reload does is
 * tests/clients/test_reload.py's. */
#include "support_client.h"

#include "conf/option.h"
#include "daemon/reload.h"
#include "pool/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char conf_path[] = "/tmp/pond-test-reload-XXXXXX";
static char seed_path[] = "/tmp/pond-test-seed-XXXXXX";

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_files(void **state)
{
    (void)state;
    return mkstemp(conf_path) < 0 || mkstemp(seed_path) < 0 ? -1 : 0;
}

static int remove_files(void **state)
{
    (void)state;
    return unlink(conf_path) == 0 && unlink(seed_path) == 0 ? 0 : -1;
}

static void fill_strings(void)
{
    static char nothing[] = "";

    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        if (option->section == OPTION_POND &&
            (option->type == OPTION_PATH || option->type == OPTION_TEXT)) {
            *(char **)((char *)&test_conf + option->offset) = nothing;
        }
    }
}

/* What is running, and what shall be: `shop` with one option of its own, `new`, and one that needs
 * a restart. */
static int setup(void **state)
{
    char text[512];
    int r = server_setup(state);

    test_conf.path = conf_path;
    fill_strings();
    snprintf(text, sizeof(text),
             "[pond]\nlisten_addr = ::1\nlisten_port = 0\nunix_socket_dir =\nloops = "
             "1\noutput_buffer = 1MB\nmax_client_conn = 100\n"
             "[database shop]\nmax_marks = 7\n[database new]\nseed = %s\n",
             seed_path);
    write_file(conf_path, text);
    write_file(seed_path, "CREATE TABLE t (i int);\n");
    return r;
}

struct attempt {
    uint64_t fail_at;
    const char *name; /* of the option that is set; NULL: a reload */
    const char *value;
    struct buf kept;
    struct failure failure;
    int result;
    bool hit;
};

static void attempt_task(void *arg)
{
    struct attempt *attempt = arg;
    struct permit turn;

    attempt->result = reload_begin(&test_server, &turn, &attempt->failure);
    if (attempt->result != 0) {
        return;
    }
    mem_fail_at(attempt->fail_at, false);
    attempt->result =
        attempt->name == NULL
            ? reload_file(&test_server, &attempt->kept, &attempt->failure)
            : reload_option(&test_server, attempt->name, attempt->value, &attempt->failure);
    attempt->hit = mem_fail_hit();
    mem_fail_at(0, false);
    reload_end(&turn);
}

static bool is_there(const char *name)
{
    return registry_find(test_server.registry, view_of_str(name)) != NULL;
}

static void assert_as_it_was(void)
{
    assert_ptr_equal(test_worker->conf, &test_conf);
    assert_int_equal(test_worker->conf->output_buffer, 64 * 1024);
    assert_true(is_there("shop"));
    assert_false(is_there("new"));
}

static void a_reload_puts_everything_in_its_place(void **state)
{
    struct attempt attempt = { .result = 1 };

    (void)state;
    server_run(attempt_task, &attempt);
    assert_int_equal(attempt.result, 0);
    assert_string_equal((const char *)attempt.kept.data,
                        "parameter \"listen_addr\" cannot be changed without restarting pondd");
    assert_int_equal(attempt.kept.len, strlen((const char *)attempt.kept.data) + 1);
    assert_int_equal(test_worker->conf->output_buffer, 1024 * 1024);
    assert_string_equal(test_worker->conf->listen_addr, "");
    assert_true(is_there("new"));
    const struct database *shop = registry_find(test_server.registry, view_of_str("shop"));
    assert_int_equal(database_options(shop)->max_marks, 7);
    buf_finish(&attempt.kept);
}

/* Where the helper threads allocate is counted on them: these are the steps between. */
static void without_memory_everything_stays_as_it_is(void **state)
{
    bool hit = true;
    uint64_t n;

    (void)state;
    for (n = 1; hit; n++) {
        struct attempt attempt = { .fail_at = n };

        server_run(attempt_task, &attempt);
        buf_finish(&attempt.kept);
        hit = attempt.hit;
        if (hit && attempt.result != 0) {
            assert_string_equal(attempt.failure.sqlstate, "53200");
            assert_as_it_was();
        } else {
            assert_int_equal(attempt.result, 0);
            assert_true(is_there("new"));
            hit = false; /* what fails behind this point is done later */
        }
    }
    assert_in_range(n, 6, 1000);
}

static void without_memory_no_option_is_set(void **state)
{
    bool hit = true;
    uint64_t n;

    (void)state;
    for (n = 1; hit; n++) {
        struct attempt attempt = { .fail_at = n, .name = "output_buffer", .value = "2MB" };

        server_run(attempt_task, &attempt);
        hit = attempt.hit;
        if (hit) {
            assert_string_equal(attempt.failure.sqlstate, "53200");
            assert_as_it_was();
        }
    }
    assert_in_range(n, 6, 1000);
    assert_int_equal(test_worker->conf->output_buffer, 2 * 1024 * 1024);
}

static void assert_not_set(const char *name, const char *value, const char *sqlstate)
{
    struct attempt attempt = { .name = name, .value = value };

    server_run(attempt_task, &attempt);
    buf_finish(&attempt.kept);
    assert_int_equal(attempt.result, FAILED);
    assert_string_equal(attempt.failure.sqlstate, sqlstate);
    assert_as_it_was();
}

static void what_cannot_be_set_changes_nothing(void **state)
{
    (void)state;
    assert_not_set("output_buffer", "1", "22023");
    assert_not_set("listen_port", "1", "55P02");
    assert_not_set("pool_size", "1", "42704");
    write_file(seed_path, "CREATE TABLE;\n");
    assert_not_set(NULL, NULL, "42601");
}

static void who_comes_when_the_daemon_stops_is_refused(void **state)
{
    (void)state;
    atomic_store(&test_server.draining, true);
    assert_not_set(NULL, NULL, "57P03");
    assert_not_set("output_buffer", "2MB", "57P03");
}

/* Its turn is the next behind that in which the reload began, however fast the machine is. */
static void look_task(void *arg)
{
    *(bool *)arg = reload_runs(&test_server);
}

static void the_end_can_tell_whether_one_is_under_way(void **state)
{
    struct attempt attempt = { .result = 1 };
    bool runs = false;

    (void)state;
    assert_false(reload_runs(&test_server));
    assert_int_equal(task_spawn(test_worker->loop, "reload", attempt_task, &attempt, NULL), 0);
    server_run(look_task, &runs);
    assert_true(runs);
    while (reload_runs(&test_server)) {
        server_run_turns(1);
    }
    assert_int_equal(attempt.result, 0);
    assert_int_equal(
        database_options(registry_find(test_server.registry, view_of_str("shop")))->max_marks, 7);
    buf_finish(&attempt.kept);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, server_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_reload_puts_everything_in_its_place),
        TEST(without_memory_everything_stays_as_it_is),
        TEST(without_memory_no_option_is_set),
        TEST(what_cannot_be_set_changes_nothing),
        TEST(who_comes_when_the_daemon_stops_is_refused),
        TEST(the_end_can_tell_whether_one_is_under_way),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
