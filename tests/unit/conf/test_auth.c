/* conf/auth.c and conf/conf_user.c, by way of whole configurations. */
#include "base/alloc.h"
#include "conf/auth_file.h"
#include "conf/conf.h"
#include "conf/conf_user.h"
#include "conf/hba.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY  "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
#define USER "\"bob\" \"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" KEY ":" KEY "\"\n"

static char folder[] = "/tmp/pond-test-auth-XXXXXX";
static const char *const names[] = { "pond.conf", "hba", "users", "certs" };

static const char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    write_file("hba", "host all all all scram-sha-256\n");
    write_file("users", USER);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        unlink(path_of(names[i]));
    }
    return rmdir(folder);
}

static void free_conf(struct conf **conf)
{
    conf_destroy(*conf);
}

static int read_conf(const char *text, struct conf **ret_conf, struct failure *failure)
{
    write_file("pond.conf", text);
    return conf_read(path_of("pond.conf"), NULL, 0, ret_conf, failure);
}

static struct conf *good(const char *text)
{
    struct conf *conf = NULL;
    struct failure f = { 0 };

    if (read_conf(text, &conf, &f) != 0) {
        fail_msg("%s", failure_get(&f, FIELD_MESSAGE));
    }
    return conf;
}

/* The message without the folder, where it begins with that. */
static void assert_fails(const char *text, const char *expected)
{
    struct conf *conf = NULL;
    struct failure f = { 0 };

    assert_int_equal(read_conf(text, &conf, &f), FAILED);
    assert_null(conf);
    const char *message = failure_get(&f, FIELD_MESSAGE);
    if (strncmp(message, folder, strlen(folder)) == 0) {
        message += strlen(folder) + 1;
    }
    assert_string_equal(message, expected);
}

static char over_unix(const struct conf *conf)
{
    struct hba_client client = { .database = "a", .user = "bob" };
    enum hba_method method;

    return hba_find(conf->hba, &client, &method) ? "trpsc"[method] : '-';
}

static char over_tcp(const struct conf *conf, bool encrypted)
{
    struct sockaddr address = { .sa_family = AF_INET };
    struct hba_client client = {
        .address = &address, .encrypted = encrypted, .database = "a", .user = "bob"
    };
    enum hba_method method;

    return hba_find(conf->hba, &client, &method) ? "trpsc"[method] : '-';
}

static void assert_methods(const char *text, char local, char plain, char encrypted)
{
    cleanup(free_conf) struct conf *conf = good(text);

    assert_int_equal(over_unix(conf), local);
    assert_int_equal(over_tcp(conf, false), plain);
    assert_int_equal(over_tcp(conf, true), encrypted);
}

static void an_auth_type_is_a_file_of_rules_that_needs_not_be_written(void **state)
{
    (void)state;
    assert_methods("[database a]\n", 'p', '-', '-');
    assert_methods("[pond]\nauth_type = peer\n[database a]\n", 'p', '-', '-');
    assert_methods("[pond]\nauth_type = trust\n[database a]\n", 't', 't', 't');
    assert_methods("[pond]\nauth_type = cert\nclient_tls_sslmode = require\n"
                   "client_tls_ca_file = root.crt\n[database a]\n",
                   '-', '-', 'c');
    assert_methods("[pond]\nauth_type = scram-sha-256\nauth_file = users\n[database a]\n", 's', 's',
                   's');
    assert_methods(
        "[pond]\nauth_type = hba\nauth_hba_file = hba\nauth_file = users\n[database a]\n", '-', 's',
        's');
}

static void users_are_those_of_the_auth_file(void **state)
{
    cleanup(free_conf) struct conf *conf = good("[pond]\nauth_file = users\n[database a]\n");

    (void)state;
    assert_non_null(auth_file_find(conf->users, "bob"));
    assert_null(auth_file_find(conf->users, "alice"));
}

static void what_does_not_go_together_is_a_mistake(void **state)
{
    (void)state;
    assert_fails("[pond]\nauth_type = md5\n[database a]\n",
                 "pond.conf:2: auth_type: expected one of trust, peer, scram-sha-256, cert, hba, "
                 "not \"md5\"");
    assert_fails("[pond]\nauth_type = hba\n[database a]\n",
                 "pond.conf: auth_type = hba needs auth_hba_file");
    assert_fails("[pond]\nauth_hba_file = hba\n[database a]\n",
                 "pond.conf: auth_hba_file is read with auth_type = hba only");
    assert_fails("[pond]\nauth_type = scram-sha-256\n[database a]\n",
                 "pond.conf: auth_type = scram-sha-256 needs auth_file");
    assert_fails("[pond]\nauth_type = hba\nauth_hba_file = nowhere\n[database a]\n",
                 "nowhere: No such file or directory");
    assert_fails("[pond]\nauth_file = nowhere\n[database a]\n",
                 "nowhere: No such file or directory");
    assert_fails("[pond]\nauth_file = hba\n[database a]\n",
                 "hba:1: expected \"user\" \"SCRAM-SHA-256$...\", both in quotes");
    assert_fails("[pond]\nauth_type = hba\nauth_hba_file = users\n[database a]\n",
                 "users:1: expected local, host, hostssl or hostnossl, not \"bob\"");
}

static void rules_that_want_passwords_want_users(void **state)
{
    (void)state;
    write_file("pond.conf", "[pond]\nauth_type = hba\nauth_hba_file = hba\n[database a]\n");
    struct conf *conf;
    struct failure f;

    assert_int_equal(conf_read(path_of("pond.conf"), NULL, 0, &conf, &f), FAILED);
    assert_non_null(strstr(failure_get(&f, FIELD_MESSAGE), "hba:1: scram-sha-256 needs auth_file"));
}

static void rules_that_want_certificates_want_authorities(void **state)
{
    (void)state;
    assert_fails("[pond]\nauth_type = cert\nclient_tls_sslmode = require\n[database a]\n",
                 "pond.conf: auth_type = cert needs client_tls_sslmode and client_tls_ca_file");
    assert_fails("[pond]\nauth_type = cert\nclient_tls_ca_file = root.crt\n[database a]\n",
                 "pond.conf: auth_type = cert needs client_tls_sslmode and client_tls_ca_file");
    write_file("pond.conf", "[pond]\nauth_type = hba\nauth_hba_file = certs\n[database a]\n");
    write_file("certs", "local all all peer\nhostssl all all all cert\n");
    assert_methods("[pond]\nauth_type = hba\nauth_hba_file = certs\n[database a]\n", 'p', '-', 'c');

    struct conf *conf;
    struct failure f;
    const char *const on = "client_tls_sslmode=require";

    assert_int_equal(conf_read(path_of("pond.conf"), &on, 1, &conf, &f), FAILED);
    assert_non_null(
        strstr(failure_get(&f, FIELD_MESSAGE), "certs:2: cert needs client_tls_ca_file"));
}

/* ---- [users] ---- */

static void a_user_has_the_options_of_his_line(void **state)
{
    cleanup(free_conf) struct conf *conf =
        good("[database a]\n[database b]\n[users]\n"
             "bob = databases=a,postgres createdb=off  max_user_connections=3 "
             "statement_timeout=2s\n"
             "alice =\n");
    const struct conf_user *bob = conf_user_find(conf, "bob");
    const struct conf_user *alice = conf_user_find(conf, "alice");

    (void)state;
    assert_false(bob->createdb);
    assert_int_equal(bob->max_user_connections, 3);
    assert_int_equal(bob->statement_timeout_us, 2000000);
    assert_true(conf_user_may_use(bob, "a"));
    assert_true(conf_user_may_use(bob, "postgres"));
    assert_false(conf_user_may_use(bob, "b"));
    assert_false(conf_user_may_use(bob, ""));
    assert_true(alice->createdb);
    assert_int_equal(alice->max_user_connections, 0);
    assert_true(conf_user_may_use(alice, "b"));
    assert_null(conf_user_find(conf, "carol"));
    assert_true(conf_user_may_use(NULL, "b"));
}

static void the_star_is_who_has_no_line(void **state)
{
    cleanup(free_conf) struct conf *conf =
        good("[database a]\n[users]\n* = createdb=off\nbob = databases=,\n");

    (void)state;
    assert_false(conf_user_find(conf, "carol")->createdb);
    assert_true(conf_user_find(conf, "bob")->createdb);
    assert_false(conf_user_may_use(conf_user_find(conf, "bob"), "a")); /* a list of none */
}

static void each_of_many_users_is_found_whatever_their_order(void **state)
{
    enum { users = 307 }; /* a prime: each turn of the loop has another one of them */
    char text[users * 48] = "[database a]\n[users]\n";
    char name[16];

    (void)state;
    for (int i = 0; i < users; i++) {
        size_t len = strlen(text);
        int number = i * 100 % users;

        snprintf(text + len, sizeof(text) - len, "u%d = max_user_connections=%d\n", number,
                 number + 1);
    }
    cleanup(free_conf) struct conf *conf = good(text);
    for (int i = 0; i < users; i++) {
        snprintf(name, sizeof(name), "u%d", i);
        assert_int_equal(conf_user_find(conf, name)->max_user_connections, i + 1);
        snprintf(name, sizeof(name), "u%d-", i);
        assert_null(conf_user_find(conf, name));
    }
    assert_null(conf_user_find(conf, ""));
    assert_null(conf_user_find(conf, "zoe"));
    strcat(text, "u150 =\n");
    assert_fails(text, "pond.conf:310: user \"u150\" is there twice");
}

static void mistakes_in_users_are_refused_with_their_line(void **state)
{
    (void)state;
    assert_fails("[database a]\n[users]\nbob = createdb=maybe\n",
                 "pond.conf:3: createdb: expected on or off, not \"maybe\"");
    assert_fails("[database a]\n[users]\nbob = createdb\n",
                 "pond.conf:3: bob: expected option=value, not \"createdb\"");
    assert_fails("[database a]\n[users]\nbob = database=a\n",
                 "pond.conf:3: database: no such option of a user; did you mean databases?");
    assert_fails("[database a]\n[users]\nbob = pool_mode=session\n",
                 "pond.conf:3: pool_mode: no such option of a user");
    assert_fails("[database a]\n[users]\nbob =\nbob =\n",
                 "pond.conf:4: user \"bob\" is there twice");
    assert_fails(
        "[database a]\n[users]\n64 bytes ------------------------------------------------------+ "
        "= createdb=off\n",
        "pond.conf:3: the name of a user has at most 63 bytes: "
        "\"64 bytes ------------------------------------------------------+\"");
    assert_fails("[database a]\n[users]\n[users]\n", "pond.conf:3: a second section \"users\"");
    assert_fails("[database a]\n[users]\nbob = databases=a,b\n",
                 "pond.conf: [users] bob: there is no section [database b]");
}

static void out_of_memory_is_said(void **state)
{
    uint64_t n = 1;
    int r;

    (void)state;
    write_file("pond.conf", "[pond]\nauth_type = hba\nauth_hba_file = hba\nauth_file = users\n"
                            "[database a]\n[users]\nbob = databases=a\n");
    do {
        struct conf *conf = NULL;
        struct failure f;

        mem_fail_at(n++, false);
        r = conf_read(path_of("pond.conf"), NULL, 0, &conf, &f);
        bool hit = mem_fail_hit();
        mem_fail_at(0, false);
        assert_int_equal(r, hit ? FAILED : 0);
        conf_destroy(conf);
    } while (r != 0);
    assert_true(n > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_auth_type_is_a_file_of_rules_that_needs_not_be_written),
        cmocka_unit_test(users_are_those_of_the_auth_file),
        cmocka_unit_test(what_does_not_go_together_is_a_mistake),
        cmocka_unit_test(rules_that_want_passwords_want_users),
        cmocka_unit_test(rules_that_want_certificates_want_authorities),
        cmocka_unit_test(a_user_has_the_options_of_his_line),
        cmocka_unit_test(the_star_is_who_has_no_line),
        cmocka_unit_test(each_of_many_users_is_found_whatever_their_order),
        cmocka_unit_test(mistakes_in_users_are_refused_with_their_line),
        cmocka_unit_test(out_of_memory_is_said),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
