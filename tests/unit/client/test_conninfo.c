#include "client/conninfo.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct conninfo info;
static struct pond_error error;

static int teardown(void **state)
{
    (void)state;
    conninfo_finish(&info);
    return 0;
}

static void said(enum conninfo_key key, const char *value)
{
    if (value == NULL) {
        assert_null(info.value[key]);
    } else {
        assert_non_null(info.value[key]);
        assert_string_equal(info.value[key], value);
    }
}

static void words_are_parsed(void **state)
{
    (void)state;
    assert_int_equal(conninfo_parse(&info,
                                    " host = a  port=1\tdbname='x \\' \\\\y' user=a\\ b\n"
                                    "host=last application_name=''",
                                    &error),
                     0);
    said(KEY_HOST, "last");
    said(KEY_PORT, "1");
    said(KEY_DBNAME, "x ' \\y");
    said(KEY_USER, "a b");
    said(KEY_APPLICATION_NAME, "");
    said(KEY_PASSWORD, NULL);
}

static void uris_are_parsed(void **state)
{
    (void)state;
    assert_int_equal(conninfo_parse(&info,
                                    "postgresql://u%40x:p%3aw@h1:1,[::1]:2,%2ftmp/db%20x"
                                    "?application_name=a%26b&options=-c%20x%3d1&keepalives=1",
                                    &error),
                     0);
    said(KEY_USER, "u@x");
    said(KEY_PASSWORD, "p:w");
    said(KEY_HOST, "h1,::1,/tmp");
    said(KEY_PORT, "1,2,");
    said(KEY_DBNAME, "db x");
    said(KEY_APPLICATION_NAME, "a&b");
    said(KEY_OPTIONS, "-c x=1");
}

static void short_uris_say_little(void **state)
{
    (void)state;
    assert_int_equal(conninfo_parse(&info, "postgres://", &error), 0);
    assert_int_equal(conninfo_parse(&info, "postgres:///shop?host=/run/pond", &error), 0);
    said(KEY_HOST, "/run/pond");
    said(KEY_DBNAME, "shop");
    said(KEY_PORT, NULL);
    said(KEY_USER, NULL);
}

static void what_is_malformed_is_refused(void **state)
{
    static const char *const bad[] = {
        "shop",
        "host",
        "host=a port",
        "=a",
        "host='a",
        "nothing=1",
        "postgresql://[::1",
        "postgresql://[]/",
        "postgresql://[::1]x/",
        "postgresql://a%",
        "postgresql://a%4",
        "postgresql://a%zz",
        "postgresql://a%00b",
        "postgresql://a/b?c",
        "postgresql://a/b?c=d",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        error = (struct pond_error){ 0 };
        assert_int_equal(conninfo_parse(&info, bad[i], &error), POND_USAGE);
        assert_string_not_equal(error.message, "");
    }
    for (int key = 0; key < CONNINFO_KEYS; key++) {
        assert_null(info.value[key]); /* nothing of them was kept */
    }
}

static void a_string_that_is_too_long_is_refused(void **state)
{
    char *text = malloc(conninfo_text_bytes + 2);

    (void)state;
    memset(text, 'a', conninfo_text_bytes + 1);
    memcpy(text, "user=", 5);
    text[conninfo_text_bytes + 1] = '\0';
    assert_int_equal(conninfo_parse(&info, text, &error), POND_USAGE);
    free(text);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    for (uint64_t site = 1;; site++) {
        size_t before = mem_used_total();

        mem_fail_at(site, false);
        int r = conninfo_parse(&info, "postgresql://u:p@h:1/d?options=x", &error);
        bool hit = mem_fail_hit();
        mem_fail_at(0, false);
        if (!hit) {
            assert_int_equal(r, 0);
            assert_true(site > 5);
            break;
        }
        assert_int_equal(r, POND_NOMEM);
        assert_int_equal(mem_used_total(), before);
    }
}

/* ---- the other sources ---- */

static const char *const *environment;

static const char *fake_env(void *arg, const char *name)
{
    (void)arg;
    for (const char *const *e = environment; *e != NULL; e += 2) {
        if (strcmp(*e, name) == 0) {
            return e[1];
        }
    }
    return NULL;
}

static int complete(const char *const *env)
{
    environment = env;
    return conninfo_complete(&info, fake_env, NULL, &error);
}

static void defaults_are_those_of_libpq(void **state)
{
    static const char *const env[] = { "HOME", "/nonexistent", NULL };

    (void)state;
    assert_int_equal(conninfo_parse(&info, "user=me host=h", &error), 0);
    assert_int_equal(complete(env), 0);
    said(KEY_PORT, "5432");
    said(KEY_DBNAME, "me");
    said(KEY_HOST, "h");
}

static void the_environment_fills_what_is_not_said(void **state)
{
    static const char *const env[] = {
        "HOME", "/nonexistent", "PGHOST", "e",         "PGPORT", "9", "PGUSER",
        "eu",   "PGDATABASE",   "ed",     "PGAPPNAME", "app",    NULL
    };

    (void)state;
    assert_int_equal(conninfo_parse(&info, "host=said dbname=''", &error), 0);
    assert_int_equal(complete(env), 0);
    said(KEY_HOST, "said");
    said(KEY_PORT, "9");
    said(KEY_USER, "eu");
    said(KEY_DBNAME, "eu"); /* an empty one is the user's name */
    said(KEY_APPLICATION_NAME, "app");
}

static void a_service_is_looked_up_in_its_section(void **state)
{
    static const char file[] = "# services\n[other]\nhost=wrong\n\n[mine]\n  host=right \nport=7\n"
                               "[mine]\nuser=late\n";

    (void)state;
    assert_int_equal(conninfo_parse(&info, "port=1", &error), 0);
    assert_int_equal(conninfo_service(&info, view_of_str(file), "mine", &error), 0);
    said(KEY_HOST, "right");
    said(KEY_PORT, "1");
    said(KEY_USER, NULL);
    assert_int_equal(conninfo_service(&info, view_of_str(file), "none", &error), SERVICE_NOT_FOUND);
    assert_int_equal(conninfo_service(&info, view_of_str("[a]\nhost"), "a", &error), POND_USAGE);
    assert_int_equal(conninfo_service(&info, view_of_str("[a]\nservice=b"), "a", &error),
                     POND_USAGE);
    assert_int_equal(conninfo_service(&info, view_of_str("[a]\nbad=b"), "a", &error), POND_USAGE);
}

static void a_service_that_is_not_there_is_an_error(void **state)
{
    static const char *const env[] = { "HOME",         "/nonexistent", "PGSERVICE", "x",
                                       "PGSYSCONFDIR", "/nonexistent", NULL };

    (void)state;
    assert_int_equal(complete(env), POND_USAGE);
    assert_string_equal(error.message, "definition of service \"x\" not found");
}

static void passwords_are_found_by_server(void **state)
{
    static const char file[] = "# passwords\nh:1:d:u:first\n*:*:*:o\\:o:a\\:b\\\\c\nh:2:*:u:\n";
    static const struct {
        struct passfile_entry wanted;
        const char *password;
    } all[] = {
        { { "h", "1", "d", "u" }, "first" }, { { "x", "9", "y", "o:o" }, "a:b\\c" },
        { { "h", "2", "any", "u" }, "" },    { { "h", "1", "e", "u" }, NULL },
        { { "hh", "1", "d", "u" }, NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        char *found = passfile_find(view_of_str(file), &all[i].wanted);

        if (all[i].password == NULL) {
            assert_null(found);
        } else {
            assert_string_equal(found, all[i].password);
        }
        mem_free(found);
    }
    assert_null(passfile_find(view_of_str("h:1"), &all[0].wanted));
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

/* For the host h on port 1. */
static void assert_password(const char *const *env, const char *expected, const char *reason)
{
    const struct conninfo_host host = { .host = "h", .hostaddr = "", .port = "1" };
    const char *why = NULL;
    char *password;

    assert_int_equal(complete(env), 0);
    password = conninfo_password(&info, &host, fake_env, NULL, &why);
    if (expected == NULL) {
        assert_null(password);
    } else {
        assert_string_equal(password, expected);
    }
    assert_true(reason == NULL ? why == NULL : why != NULL && strstr(why, reason) != NULL);
    mem_free(password);
}

static void a_password_that_was_said_wins_over_the_file(void **state)
{
    const char *const env[] = { "HOME", "/nonexistent", "PGPASSWORD", "said", NULL };

    (void)state;
    assert_password(env, "said", NULL);
}

static void a_password_file_that_others_can_read_is_not_used(void **state)
{
    char path[] = "/tmp/pond-passfile.XXXXXX";
    int fd = mkstemp(path);
    const char *const env[] = { "HOME", "/nonexistent", "PGPASSFILE", path, NULL };

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    write_file(path, "h:1:*:*:secret\n", 0644);
    assert_password(env, NULL, "group or world access");
    write_file(path, "h:1:*:*:secret\n", 0640);
    assert_password(env, NULL, "group or world access");
    write_file(path, "h:1:*:*:secret\n", 0600);
    assert_password(env, "secret", NULL);
    write_file(path, "other:1:*:*:secret\n", 0600);
    assert_password(env, NULL, NULL);
    unlink(path);
}

static void what_is_demanded_and_not_to_be_had_is_refused(void **state)
{
    static const char *const bad[] = {
        "gssencmode=require",   "channel_binding=perhaps", "target_session_attrs=read-write",
        "replication=database", "requirepeer=root",        "client_encoding=LATIN1",
    };
    static const char *const env[] = { "HOME", "/nonexistent", NULL };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(conninfo_parse(&info, bad[i], &error), 0);
        assert_int_equal(complete(env), POND_USAGE);
        assert_non_null(strstr(error.message, "not supported"));
        conninfo_finish(&info);
    }
    assert_int_equal(conninfo_parse(&info, "sslmode=require target_session_attrs=any", &error), 0);
    assert_int_equal(complete(env), 0);
}

static void who_trusts_the_system_means_one_name(void **state)
{
    static const char *const env[] = { "HOME", "/nonexistent", "PGREQUIRESSL", "1", NULL };

    (void)state;
    assert_int_equal(conninfo_parse(&info, "sslrootcert=system", &error), 0);
    assert_int_equal(complete(env), 0);
    said(KEY_SSLMODE, "verify-full");
}

static void what_is_said_of_tls_is_kept_and_else_looked_for_in_the_home(void **state)
{
    static const char *const env[] = { "HOME",
                                       "/nonexistent",
                                       "PGSSLMODE",
                                       "allow",
                                       "PGSSLROOTCERT",
                                       "/env/root",
                                       "PGSSLMINPROTOCOLVERSION",
                                       "TLSv1.3",
                                       NULL };
    static const char *const old[] = { "HOME", "/nonexistent", "PGREQUIRESSL", "1", NULL };

    (void)state;
    assert_int_equal(
        conninfo_parse(&info, "sslmode=verify-ca sslkey=/my/key sslpassword=x sslsni=0", &error),
        0);
    assert_int_equal(complete(env), 0);
    said(KEY_SSLMODE, "verify-ca");
    said(KEY_SSLROOTCERT, "/env/root");
    said(KEY_SSLCERT, "/nonexistent/.postgresql/postgresql.crt");
    said(KEY_SSLKEY, "/my/key");
    said(KEY_SSLPASSWORD, "x");
    said(KEY_SSLSNI, "0");
    said(KEY_SSLCRL, NULL); /* there is none */
    said(KEY_SSL_MIN_PROTOCOL_VERSION, "TLSv1.3");
    conninfo_finish(&info);
    assert_int_equal(complete(old), 0);
    said(KEY_SSLMODE, "require");
}

static void several_hosts_have_their_ports(void **state)
{
    struct conninfo_host hosts[conninfo_hosts_max];
    size_t count;

    (void)state;
    assert_int_equal(conninfo_parse(&info, "host=a,b,/c port=1,,3", &error), 0);
    assert_int_equal(conninfo_hosts(&info, hosts, &count, &error), 0);
    assert_int_equal(count, 3);
    assert_string_equal(hosts[0].port, "1");
    assert_string_equal(hosts[1].port, "5432");
    assert_string_equal(hosts[2].host, "/c");
    assert_string_equal(hosts[2].port, "3");
    conninfo_finish(&info);

    assert_int_equal(conninfo_parse(&info, "host=a,b hostaddr=10.0.0.1,10.0.0.2 port=7", &error),
                     0);
    assert_int_equal(conninfo_hosts(&info, hosts, &count, &error), 0);
    assert_string_equal(hosts[1].hostaddr, "10.0.0.2");
    assert_string_equal(hosts[1].port, "7");
}

static void hosts_that_do_not_match_are_refused(void **state)
{
    static const char *const bad[] = { "host=a,b port=1,2,3", "host=a,b hostaddr=1 port=1",
                                       "host=a port=0",       "host=a port=70000",
                                       "host=a port=1x",      "host=a port=-1" };
    struct conninfo_host hosts[conninfo_hosts_max];
    size_t count;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(conninfo_parse(&info, bad[i], &error), 0);
        assert_int_equal(conninfo_hosts(&info, hosts, &count, &error), POND_USAGE);
        conninfo_finish(&info);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(words_are_parsed, teardown),
        cmocka_unit_test_teardown(uris_are_parsed, teardown),
        cmocka_unit_test_teardown(short_uris_say_little, teardown),
        cmocka_unit_test_teardown(what_is_malformed_is_refused, teardown),
        cmocka_unit_test_teardown(a_string_that_is_too_long_is_refused, teardown),
        cmocka_unit_test_teardown(memory_may_run_out, teardown),
        cmocka_unit_test_teardown(defaults_are_those_of_libpq, teardown),
        cmocka_unit_test_teardown(the_environment_fills_what_is_not_said, teardown),
        cmocka_unit_test_teardown(a_service_is_looked_up_in_its_section, teardown),
        cmocka_unit_test_teardown(a_service_that_is_not_there_is_an_error, teardown),
        cmocka_unit_test_teardown(passwords_are_found_by_server, teardown),
        cmocka_unit_test_teardown(a_password_that_was_said_wins_over_the_file, teardown),
        cmocka_unit_test_teardown(a_password_file_that_others_can_read_is_not_used, teardown),
        cmocka_unit_test_teardown(what_is_demanded_and_not_to_be_had_is_refused, teardown),
        cmocka_unit_test_teardown(who_trusts_the_system_means_one_name, teardown),
        cmocka_unit_test_teardown(what_is_said_of_tls_is_kept_and_else_looked_for_in_the_home,
                                  teardown),
        cmocka_unit_test_teardown(several_hosts_have_their_ports, teardown),
        cmocka_unit_test_teardown(hosts_that_do_not_match_are_refused, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
