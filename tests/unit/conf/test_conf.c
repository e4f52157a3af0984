/* conf/conf.c */
#include "conf/conf.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/pond-test-conf-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/pond.conf", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void free_conf(struct conf **conf)
{
    conf_destroy(*conf);
}

static int read_conf(const char *text, const char *override, struct conf **ret_conf,
                     struct failure *failure)
{
    memset(failure, 0, sizeof(*failure));
    write_file(text);
    return conf_read(path, &override, override != NULL, ret_conf, failure);
}

/* The message without the path of the file, which is "F" in `expected`. */
static void assert_fails(const char *text, const char *override, const char *expected)
{
    struct conf *conf = NULL;
    struct failure failure;
    char message[1024];

    assert_int_equal(read_conf(text, override, &conf, &failure), FAILED);
    assert_null(conf);
    const char *full = failure_get(&failure, FIELD_MESSAGE);
    const char *at = strstr(full, path);
    if (at == NULL) {
        assert_string_equal(full, expected);
        return;
    }
    snprintf(message, sizeof(message), "%.*sF%s", (int)(at - full), full, at + strlen(path));
    assert_string_equal(message, expected);
}

static void what_is_not_said_has_its_preset(void **state)
{
    cleanup(free_conf) struct conf *conf = NULL;
    struct failure failure;

    (void)state;
    assert_int_equal(read_conf("[database shop]\n", NULL, &conf, &failure), 0);
    assert_string_equal(conf->listen_addr, "127.0.0.1");
    assert_int_equal(conf->listen_port, 7432);
    assert_int_equal(conf->log_min_duration_us, -1);
    assert_int_equal(conf->database_count - conf->builtin_count, 1);
    assert_string_equal(conf->databases[0].name, "shop");
    assert_string_equal(conf->databases[0].seed, "");
    assert_int_equal(conf->databases[0].clone_memory, 256 << 20);
}

static void the_databases_that_tools_connect_to_are_there_unless_the_file_has_its_own(void **state)
{
    cleanup(free_conf) struct conf *conf = NULL;
    struct failure failure;

    (void)state;
    assert_int_equal(
        read_conf("[database a]\n[database postgres]\npool_size = 2\n", NULL, &conf, &failure), 0);
    assert_int_equal(conf->database_count, 4);
    assert_int_equal(conf->builtin_count, 2);
    assert_false(conf->databases[1].builtin);
    assert_string_equal(conf->databases[2].name, "template0");
    assert_string_equal(conf->databases[3].name, "template1");
    assert_true(conf->databases[3].builtin);
    assert_int_equal(conf->databases[3].clone_memory, 256 << 20);
}

static void sections_fill_their_own_fields(void **state)
{
    cleanup(free_conf) struct conf *conf = NULL;
    struct failure failure;
    char seed[128];

    (void)state;
    assert_int_equal(read_conf("[pond]\nlisten_port = 0\nlog_statement = ddl\n"
                               "[database a]\nseed = a.sql\npool_size = 3\n"
                               "[database b]\nseed = /b.db\nlock_timeout = 250\n",
                               NULL, &conf, &failure),
                     0);
    assert_int_equal(conf->listen_port, 0);
    assert_int_equal(conf->log_statement, 1);
    assert_int_equal(conf->database_count - conf->builtin_count, 2);
    snprintf(seed, sizeof(seed), "%s/a.sql", folder);
    assert_string_equal(conf->databases[0].seed, seed);
    assert_int_equal(conf->databases[0].pool_size, 3);
    assert_string_equal(conf->databases[1].seed, "/b.db");
    assert_int_equal(conf->databases[1].lock_timeout_us, 250000);
    assert_int_equal(conf->databases[1].pool_size, 0);
}

static void overrides_win_over_the_file(void **state)
{
    cleanup(free_conf) struct conf *conf = NULL;
    struct failure failure;
    const char *overrides[] = { "listen_port=1", "database.a.b.pool_size=9", "listen_port=2",
                                "listen_addr=x=y" };

    (void)state;
    write_file("[pond]\nlisten_port = 7\n[database a.b]\npool_size = 1\n");
    assert_int_equal(conf_read(path, overrides, 4, &conf, &failure), 0);
    assert_int_equal(conf->listen_port, 2);
    assert_int_equal(conf->databases[0].pool_size, 9);
    assert_string_equal(conf->listen_addr, "x=y");
}

static void a_mistake_names_file_line_option_and_what_was_expected(void **state)
{
    (void)state;
    assert_fails("[pond]\n\nlisten_port = x\n", NULL,
                 "F:3: listen_port: expected a whole number from 0 to 65535, not \"x\"");
    assert_fails("[pond]\nlisten_prot = 1\n", NULL,
                 "F:2: listen_prot: no such option; did you mean listen_port?");
    assert_fails("[pond]\nfsync = on\n", NULL, "F:2: fsync: no such option in a [pond] section");
    assert_fails("[pond]\nseed = x\n", NULL,
                 "F:2: seed: this option belongs in a [database NAME] section");
    assert_fails("[database d]\nlisten_port = 1\n", NULL,
                 "F:2: listen_port: this option belongs in a [pond] section");
    assert_fails("[database d]\nseed = 1\nseed = 2\n", NULL, "F:3: seed: given before, in line 2");
    assert_fails("listen_port = 1\n", NULL,
                 "F:1: expected [pond] or [database NAME] before \"listen_port\"");
    assert_fails("[ponds]\n", NULL, "F:1: expected [pond] or [database NAME], not \"ponds\"");
    assert_fails("[databases]\n", NULL,
                 "F:1: expected [pond] or [database NAME], not \"databases\"");
    assert_fails("[pond]\n[database a]\n[pond]\n", NULL, "F:3: a second section \"pond\"");
    assert_fails("[database a]\n[database a]\n", NULL, "F:2: a second section of database \"a\"");
    assert_fails("[pond]\n", NULL, "F: expected at least one [database NAME] section");
    assert_fails("[pond]\nlisten_addr =\nunix_socket_dir =\n[database a]\n", NULL,
                 "F: listen_addr and unix_socket_dir are both empty: expected somewhere to listen");
}

static void a_database_has_a_name_that_clients_can_say(void **state)
{
    static const char *const names[] = {
        "pond",
        "pgbouncer",
        "a~b",
        "a/b",
        "a b",
        "a\"b",
        "x123456789012345678901234567890123456789012345678901234567890123"
    };
    char text[256];
    char expected[512];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(text, sizeof(text), "[database %s]\n", names[i]);
        snprintf(
            expected, sizeof(expected),
            "F:1: expected a database name of 1 to 63 bytes, without blanks, quotes, \"/\" and "
            "\"~\", that is not \"pond\" or \"pgbouncer\", the console's; not \"%s\"",
            names[i]);
        assert_fails(text, NULL, expected);
    }
}

static void a_mistake_in_an_override_names_it(void **state)
{
    static const char text[] = "[database a]\n";

    (void)state;
    assert_fails(text, "listen_port", "-o listen_port: expected option=value");
    assert_fails(
        text, "listen_port=x",
        "-o listen_port=x: listen_port: expected a whole number from 0 to 65535, not \"x\"");
    assert_fails(text, "database.pool_size=1",
                 "-o database.pool_size=1: expected database.NAME.option=value");
    assert_fails(text, "database.b.pool_size=1",
                 "-o database.b.pool_size=1: F has no section [database b]");
    assert_fails(text, "database.a.pool=1",
                 "-o database.a.pool=1: pool: no such option in a [database NAME] section");
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    struct conf *conf = NULL;
    struct failure failure;

    (void)state;
    assert_int_equal(conf_read("/nowhere/x.conf", NULL, 0, &conf, &failure), FAILED);
    assert_string_equal(failure_get(&failure, FIELD_MESSAGE),
                        "/nowhere/x.conf: No such file or directory");
    assert_int_equal(conf_read("/tmp", NULL, 0, &conf, &failure), FAILED);
    assert_string_equal(failure_get(&failure, FIELD_MESSAGE), "/tmp: Is a directory");
}

static void a_file_over_one_megabyte_is_refused(void **state)
{
    FILE *file = fopen(path, "w");
    struct conf *conf = NULL;
    struct failure failure;

    (void)state;
    assert_non_null(file);
    for (int i = 0; i < 17 * 1024; i++) {
        fprintf(file, "; %.61s\n",
                "........................................................................");
    }
    fclose(file);
    assert_int_equal(conf_read(path, NULL, 0, &conf, &failure), FAILED);
    assert_non_null(strstr(failure_get(&failure, FIELD_MESSAGE), "longer than 1 MB"));
}

/* Fails each allocation once: always 53200, never a leak (the sanitizer looks), never half a
 * configuration. */
static void without_memory_at_any_place_nothing_is_configured(void **state)
{
    static const char text[] =
        "[pond]\nlisten_addr = ::1\n[database a]\nseed = a.sql\n[database b]\n";
    const char *override = "database.b.seed=b.sql";
    struct failure failure;

    (void)state;
    write_file(text);
    for (uint64_t n = 1;; n++) {
        struct conf *conf = NULL;
        size_t before = mem_used_total();
        mem_fail_at(n, false);
        int r = conf_read(path, &override, 1, &conf, &failure);
        bool hit = mem_fail_hit();
        mem_fail_at(0, false);
        if (!hit) {
            assert_int_equal(r, 0);
            conf_destroy(conf);
            assert_true(n > 8);
            break;
        }
        assert_int_equal(r, FAILED);
        assert_string_equal(failure.sqlstate, "53200");
        assert_null(conf);
        assert_int_equal(mem_used_total(), before);
    }
}

/* As a shell's <(...) gives it. */
static void a_pipe_is_read_and_starts_at_the_current_folder(void **state)
{
    static const char text[] = "[database shop]\nseed = shop.sql\n";
    cleanup(free_conf) struct conf *conf = NULL;
    struct failure failure;
    char here[4096];
    char seed[4200];
    char name[32];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, sizeof(text) - 1), sizeof(text) - 1);
    close(ends[1]);
    snprintf(name, sizeof(name), "/dev/fd/%d", ends[0]);
    assert_int_equal(conf_read(name, NULL, 0, &conf, &failure), 0);
    close(ends[0]);
    assert_non_null(getcwd(here, sizeof(here)));
    snprintf(seed, sizeof(seed), "%s/shop.sql", here);
    assert_string_equal(conf->databases[0].seed, seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_said_has_its_preset),
        cmocka_unit_test(sections_fill_their_own_fields),
        cmocka_unit_test(the_databases_that_tools_connect_to_are_there_unless_the_file_has_its_own),
        cmocka_unit_test(overrides_win_over_the_file),
        cmocka_unit_test(a_mistake_names_file_line_option_and_what_was_expected),
        cmocka_unit_test(a_database_has_a_name_that_clients_can_say),
        cmocka_unit_test(a_mistake_in_an_override_names_it),
        cmocka_unit_test(a_file_that_cannot_be_read_is_named),
        cmocka_unit_test(a_file_over_one_megabyte_is_refused),
        cmocka_unit_test(a_pipe_is_read_and_starts_at_the_current_folder),
        cmocka_unit_test(without_memory_at_any_place_nothing_is_configured),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
