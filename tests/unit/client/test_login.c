/* client/login.c against a server that plays a script, and so knows no password. That a right one
 * is taken is shown with real servers: tests/integration/libpond_login.c. */
#include "support.h"

#include "protocol/scram.h"

#include <stdio.h>
#include <string.h>

#define test(name) cmocka_unit_test_setup_teardown(name, client_setup, client_teardown)

static const char *const plain[] = { SCRAM_NAME };
static const char *const both[] = { SCRAM_PLUS_NAME, SCRAM_NAME };
static const char *const unknown[] = { "OAUTHBEARER" };

/* Connects with these words more, which must fail so. */
static void assert_fails(const char *words, int kind, const char *message)
{
    char text[512];
    struct pond_conn *conn = NULL;

    snprintf(text, sizeof(text), "%s passfile=/nonexistent %s", server_conninfo(), words);
    assert_int_equal(pond_conn_open(test_loop, text, &conn, &test_error), kind);
    assert_null(conn);
    if (strstr(test_error.message, message) == NULL) {
        fail_msg("expected \"%s\", got \"%s\"", message, test_error.message);
    }
}

static void ask(const char *const *names, size_t count)
{
    script_expect("0");
    backend_authentication_sasl(script_writer(), names, count);
}

static void without_a_password_nothing_is_sent(void **state)
{
    (void)state;
    ask(plain, 1);
    script_linger();
    assert_fails("", POND_CONNECT, "the server asks for a password, and none was supplied");
    assert_string_equal(test_error.sqlstate, "28P01");
}

static void only_scram_is_given(void **state)
{
    static const uint8_t salt[4] = "salt";

    (void)state;
    script_expect("0");
    backend_authentication_md5(script_writer(), salt);
    script_linger();
    assert_fails("password=x", POND_CONNECT, "asks for an MD5 hash of the password, which");
    script_clear();
    ask(unknown, 1);
    script_linger();
    assert_fails("password=x", POND_CONNECT, "none of the server's SASL authentication mechanisms");
}

static void what_require_auth_wants_is_kept(void **state)
{
    static const char *const lists[] = { "scram-sha-256", "password,scram-sha-256", "password, md5",
                                         "!none", "!none,!md5" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        char words[128];

        script_clear();
        script_greet();
        script_linger();
        snprintf(words, sizeof(words), "password=x require_auth='%s'", lists[i]);
        assert_fails(words, POND_CONNECT, "server did not complete authentication");
    }
    script_clear();
    ask(plain, 1);
    script_linger();
    assert_fails("password=x require_auth=none", POND_CONNECT,
                 "server requested SASL authentication");
    script_clear();
    ask(plain, 1);
    script_linger();
    assert_fails("password=x require_auth=!scram-sha-256", POND_CONNECT,
                 "server requested SASL authentication");
}

static void a_require_auth_that_makes_no_sense_is_refused(void **state)
{
    (void)state;
    assert_fails("require_auth=kerberos", POND_USAGE, "invalid require_auth value: \"kerberos\"");
    assert_fails("require_auth=none,!md5", POND_USAGE, "cannot be mixed with non-negated ones");
    assert_fails("require_auth=!none,md5", POND_USAGE, "cannot be mixed with negated ones");
    assert_fails("require_auth=none,,md5", POND_USAGE, "invalid require_auth value: \"\"");
}

static void trust_is_fine_where_it_is_not_refused(void **state)
{
    static const char *const lists[] = { "none", "!scram-sha-256", "none,scram-sha-256", "" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        char text[256];
        struct pond_conn *conn = NULL;

        script_clear();
        script_greet();
        script_linger();
        snprintf(text, sizeof(text), "%s require_auth='%s'", server_conninfo(), lists[i]);
        assert_int_equal(pond_conn_open(test_loop, text, &conn, &test_error), 0);
        pond_conn_destroy(conn);
    }
}

static void channel_binding_that_is_required_needs_tls(void **state)
{
    (void)state;
    ask(both, 2);
    script_linger();
    assert_fails("password=x channel_binding=require", POND_CONNECT,
                 "channel binding required, but SSL not in use");
    script_clear();
    script_greet();
    script_linger();
    assert_fails("password=x channel_binding=require", POND_CONNECT,
                 "server authenticated client without channel binding");
}

/* Without TLS it chooses the plain mechanism, and goes on: the next message shows it. */
static void a_server_that_skips_its_own_proof_is_not_believed(void **state)
{
    (void)state;
    ask(both, 2);
    script_expect("p");
    backend_authentication_ok(script_writer());
    script_linger();
    assert_fails("password=x", POND_PROTOCOL, "no place here");
    script_clear();
    ask(plain, 1);
    script_expect("p");
    backend_authentication_sasl_final(script_writer(), view_of_str("v=abc"));
    script_linger();
    assert_fails("password=x", POND_PROTOCOL, "no place here");
}

static void a_challenge_for_another_is_not_answered(void **state)
{
    (void)state;
    ask(plain, 1);
    script_expect("p");
    backend_authentication_sasl_continue(script_writer(),
                                         view_of_str("r=abcdef,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
    script_linger();
    assert_fails("password=x", POND_CONNECT, "invalid SCRAM response (nonce mismatch)");
}

static void what_the_server_says_of_a_failed_login_is_told(void **state)
{
    (void)state;
    ask(plain, 1);
    script_expect("p");
    script_error("28P01", "password authentication failed for user \"me\"");
    script_linger();
    assert_fails("password=x", POND_CONNECT, "password authentication failed for user \"me\"");
    assert_string_equal(test_error.sqlstate, "28P01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(without_a_password_nothing_is_sent),
        test(only_scram_is_given),
        test(what_require_auth_wants_is_kept),
        test(a_require_auth_that_makes_no_sense_is_refused),
        test(trust_is_fine_where_it_is_not_refused),
        test(channel_binding_that_is_required_needs_tls),
        test(a_server_that_skips_its_own_proof_is_not_believed),
        test(a_challenge_for_another_is_not_answered),
        test(what_the_server_says_of_a_failed_login_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
