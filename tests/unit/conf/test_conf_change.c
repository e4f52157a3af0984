/* conf/conf_change.c, and option_equal() and option_copy() under it */
#include "base/alloc.h"
#include "conf/conf.h"
#include "conf/option.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/pond-test-conf-change-XXXXXX";

static const char text[] = "[pond]\nlisten_addr = ::1\nmax_client_conn = 7\nadmin_users = a, b\n"
                           "[database shop]\nseed = /a.sql\npool_size = 3\n[database other]\n";

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void free_conf(struct conf **conf)
{
    conf_destroy(*conf);
}

static struct conf *read_text(const char *content)
{
    struct failure failure;
    struct conf *conf = NULL;
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(conf_read(path, NULL, 0, &conf, &failure), 0);
    return conf;
}

static void assert_same(const struct conf *a, const struct conf *b)
{
    assert_string_equal(a->path, b->path);
    assert_int_equal(a->database_count, b->database_count);
    assert_int_equal(a->builtin_count, b->builtin_count);
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        if (option->section == OPTION_POND) {
            assert_true(option_equal(option, a, b));
            continue;
        }
        for (size_t j = 0; j < a->database_count; j++) {
            assert_string_equal(a->databases[j].name, b->databases[j].name);
            assert_int_equal(a->databases[j].builtin, b->databases[j].builtin);
            assert_true(option_equal(option, &a->databases[j], &b->databases[j]));
        }
    }
}

static void a_copy_has_everything_and_shares_nothing(void **state)
{
    cleanup(free_conf) struct conf *conf = read_text(text);
    cleanup(free_conf) struct conf *copy = NULL;

    (void)state;
    assert_int_equal(conf_copy(conf, &copy), 0);
    assert_same(copy, conf);
    assert_ptr_not_equal(copy->admin_users, conf->admin_users);
    assert_ptr_not_equal(copy->databases[0].seed, conf->databases[0].seed);
}

static void a_value_of_any_type_differs_from_another(void **state)
{
    cleanup(free_conf) struct conf *conf = read_text(text);
    cleanup(free_conf) struct conf *copy = NULL;
    static const char *const sets[][2] = {
        { "admin_users", "a" },        { "max_client_conn", "8" }, { "log_connections", "on" },
        { "log_statement", "all" },    { "time_slice", "2ms" },    { "memory_limit", "1GB" },
        { "client_idle_timeout", "1" }
    };

    (void)state;
    assert_int_equal(conf_copy(conf, &copy), 0);
    for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
        const struct option *option = option_find(OPTION_POND, sets[i][0]);
        struct failure failure;

        assert_true(option_equal(option, conf, copy));
        assert_int_equal(conf_set(copy, sets[i][0], sets[i][1], &failure), 0);
        assert_false(option_equal(option, conf, copy));
        assert_int_equal(option_copy(option, copy, conf), 0);
        assert_true(option_equal(option, conf, copy));
    }
    assert_same(copy, conf);
}

static void assert_not_set(const char *name, const char *value, const char *sqlstate,
                           const char *message)
{
    cleanup(free_conf) struct conf *conf = read_text(text);
    struct failure failure;

    assert_int_equal(conf_set(conf, name, value, &failure), FAILED);
    assert_string_equal(failure.sqlstate, sqlstate);
    assert_string_equal(failure_get(&failure, FIELD_MESSAGE), message);
}

static void what_cannot_be_set_says_why(void **state)
{
    (void)state;
    assert_not_set("max_client_con", "1", "42704",
                   "max_client_con: no such option; did you mean max_client_conn?");
    assert_not_set("pool_size", "1", "42704",
                   "pool_size: this option belongs in a [database NAME] section");
    assert_not_set("max_client_conn", "0", "22023",
                   "max_client_conn: expected a whole number from 1 to 1000000, not \"0\"");
}

/* Whether its value is good or not. */
static void an_option_that_needs_a_restart_cannot_be_set(void **state)
{
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];
        char message[128];

        if (option->section == OPTION_POND && option->needs_restart) {
            snprintf(message, sizeof(message),
                     "parameter \"%s\" cannot be changed without restarting pondd", option->name);
            assert_not_set(option->name, option->preset, "55P02", message);
            assert_not_set(option->name, "\001", "55P02", message);
            count++;
        }
    }
    assert_true(count > 3);
}

/* ---- a file that was read anew ---- */

static void note_kept(void *arg, const struct option *option, const struct conf_database *database)
{
    char *names = arg;

    assert_null(database);
    strcat(strcat(names, option->name), " ");
}

static void what_needs_a_restart_is_kept_and_told(void **state)
{
    cleanup(free_conf) struct conf *running = read_text(text);
    cleanup(free_conf) struct conf *fresh =
        read_text("[pond]\nlisten_addr = 127.0.0.1\nlisten_port = 1\nmax_client_conn = 9\n"
                  "temp_dir = /x\n[database new]\n");
    char names[256] = "";

    (void)state;
    assert_int_equal(conf_keep(fresh, running, note_kept, names), 0);
    assert_string_equal(names, "listen_addr listen_port temp_dir ");
    assert_string_equal(fresh->listen_addr, "::1");
    assert_int_equal(fresh->listen_port, 7432);
    assert_string_equal(fresh->temp_dir, "");
    assert_int_equal(fresh->max_client_conn, 9);
    assert_string_equal(fresh->databases[0].name, "new");
}

static void a_file_that_says_the_same_keeps_nothing(void **state)
{
    cleanup(free_conf) struct conf *running = read_text(text);
    cleanup(free_conf) struct conf *fresh = read_text(text);
    char names[256] = "";

    (void)state;
    assert_int_equal(conf_keep(fresh, running, note_kept, names), 0);
    assert_string_equal(names, "");
    assert_same(fresh, running);
}

static void note_any(void *arg, const struct option *option, const struct conf_database *database)
{
    char *names = arg;

    strcat(strcat(names, option == NULL ? "-" : option->name), " ");
    strcat(strcat(names, database == NULL ? "-" : database->name), "; ");
}

static void durable_databases_neither_come_nor_go_nor_move(void **state)
{
    cleanup(free_conf) struct conf *running =
        read_text("[database a]\nfile = /a.db\n[database b]\nfile = /b.db\nmax_marks = 7\n"
                  "[database c]\n[database d]\nfile = /d.db\n");
    cleanup(free_conf) struct conf *fresh =
        read_text("[database a]\nfile = /other.db\nmax_marks = 3\nsynchronous = off\n"
                  "[database c]\nfile = /c.db\n[database d]\n[database e]\nfile = /e.db\n"
                  "[database f]\n");
    cleanup(free_conf) struct conf *copy = NULL;
    char names[256] = "";

    (void)state;
    assert_int_equal(conf_keep(fresh, running, note_any, names), 0);
    assert_string_equal(names, "file a; synchronous a; file c; file d; - e; - b; ");
    assert_string_equal(conf_find(fresh, "a")->file, "/a.db");
    assert_int_equal(conf_find(fresh, "a")->max_marks, 3);
    assert_string_equal(conf_find(fresh, "b")->file, "/b.db");
    assert_int_equal(conf_find(fresh, "b")->max_marks, 7);
    assert_string_equal(conf_find(fresh, "c")->file, "");
    assert_string_equal(conf_find(fresh, "d")->file, "/d.db");
    assert_null(conf_find(fresh, "e"));
    assert_non_null(conf_find(fresh, "f"));
    for (size_t i = 0; i < fresh->database_count; i++) {
        bool builtin = i >= fresh->database_count - fresh->builtin_count;

        assert_int_equal(fresh->databases[i].builtin, builtin); /* they are still the last */
    }
    assert_int_equal(conf_copy(fresh, &copy), 0);
    assert_same(copy, fresh);
}

static void a_database_is_found_by_its_whole_name(void **state)
{
    cleanup(free_conf) struct conf *conf = read_text(text);

    (void)state;
    assert_ptr_equal(conf_find(conf, "shop"), &conf->databases[0]);
    assert_non_null(conf_find(conf, "template1"));
    assert_null(conf_find(conf, "sho"));
    assert_null(conf_find(conf, ""));
}

static void without_memory_there_is_no_copy(void **state)
{
    cleanup(free_conf) struct conf *conf = read_text(text);
    uint64_t n = 0;
    bool hit = true;

    (void)state;
    while (hit) {
        struct conf *copy = NULL;
        size_t before = mem_used_total();

        mem_fail_at(++n, false);
        int r = conf_copy(conf, &copy);
        hit = mem_fail_hit();
        mem_fail_at(0, false);
        assert_int_equal(r, hit ? -ENOMEM : 0);
        if (hit) {
            assert_null(copy);
            assert_int_equal(mem_used_total(), before);
        }
        conf_destroy(copy);
    }
    assert_true(n > 10);
}

static void without_memory_nothing_is_kept_by_halves(void **state)
{
    cleanup(free_conf) struct conf *running = read_text(text);
    cleanup(free_conf) struct conf *fresh =
        read_text("[pond]\nlisten_addr = 127.0.0.1\n[database new]\n");
    char names[256] = "";

    (void)state;
    mem_fail_at(1, false);
    int r = conf_keep(fresh, running, note_kept, names);
    mem_fail_at(0, false);
    assert_int_equal(r, -ENOMEM);
    assert_string_equal(fresh->listen_addr, "127.0.0.1");
    assert_string_equal(names, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_has_everything_and_shares_nothing),
        cmocka_unit_test(a_value_of_any_type_differs_from_another),
        cmocka_unit_test(what_cannot_be_set_says_why),
        cmocka_unit_test(an_option_that_needs_a_restart_cannot_be_set),
        cmocka_unit_test(what_needs_a_restart_is_kept_and_told),
        cmocka_unit_test(a_file_that_says_the_same_keeps_nothing),
        cmocka_unit_test(durable_databases_neither_come_nor_go_nor_move),
        cmocka_unit_test(a_database_is_found_by_its_whole_name),
        cmocka_unit_test(without_memory_there_is_no_copy),
        cmocka_unit_test(without_memory_nothing_is_kept_by_halves),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
