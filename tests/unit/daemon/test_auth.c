/* daemon/auth*.c where it takes a look inside: allocations that fail, ends in the middle. What
 * clients see is tests/clients/test_auth.py's. */
#include "support_client.h"

#include "async/loop.h"
#include "conf/auth_file.h"
#include "conf/hba.h"
#include "daemon/connection_impl.h"
#include "protocol/scram.h"

#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const uint8_t random_bytes[scram_random_bytes] = "eighteen bytes ...";
static char nothing[] = "";

static struct auth_file *users_with(const char *name, const char *password)
{
    cleanup(buf_finish) struct buf text = { 0 };
    struct scram_verifier verifier;
    struct auth_file *users;
    struct failure f;

    assert_int_equal(
        scram_verifier_make(view_of_str(password), view_of_str("0123456789abcdef"), 2, &verifier),
        0);
    assert_int_equal(buf_printf(&text, "\"%s\" \"", name), 0);
    assert_int_equal(scram_verifier_print(&verifier, &text), 0);
    assert_int_equal(buf_append_str(&text, "\""), 0);
    assert_int_equal(auth_file_parse("users", buf_view(&text), &users, &f), 0);
    return users;
}

static struct hba *rules;

static int setup(void **state)
{
    struct failure f;
    int r = server_setup(state);

    test_conf.admin_users = test_conf.stats_users = nothing;
    assert_int_equal(hba_parse("hba",
                               view_of_str("host all guest all trust\n"
                                           "host all evil all reject\n"
                                           "host all alice,nobody all scram-sha-256"),
                               &rules, &f),
                     0);
    test_conf.hba = rules;
    test_conf.users = users_with("alice", "wonderland");
    return r;
}

static int teardown(void **state)
{
    hba_unref(rules);
    auth_file_unref(test_conf.users);
    return server_teardown(state);
}

/* ---- a client that knows SCRAM ---- */

static struct client *start(const char *user, const char *database)
{
    struct client *c = client_open_tcp();

    startup_message(&c->w);
    startup_param(&c->w, "user", user);
    startup_param(&c->w, "database", database);
    assert_int_equal(startup_message_end(&c->w), 0);
    client_flush(c);
    return c;
}

/* The server's n-th authentication message. */
static struct view step(struct client *c, size_t n, enum auth_kind kind)
{
    struct backend_message m;

    client_message(c, 'R', n, &m);
    assert_int_equal(m.authentication.kind, kind);
    return m.authentication.data;
}

static void send_first(struct client *c, struct scram_client *scram)
{
    cleanup(buf_finish) struct buf out = { 0 };

    client_await(c, 'R', 1);
    step(c, 0, AUTH_SASL);
    scram->flag = 'n';
    assert_int_equal(scram_client_first(scram, random_bytes, &out), 0);
    struct view data = buf_view(&out);
    frontend_sasl_initial(&c->w, view_of_str(SCRAM_NAME), &data);
    client_flush(c);
}

static void send_proof(struct client *c, struct scram_client *scram, const char *password)
{
    cleanup(buf_finish) struct buf out = { 0 };
    uint8_t salted[scram_key_bytes];
    struct failure f;

    client_await(c, 'R', 2);
    assert_int_equal(scram_client_challenge(scram, step(c, 1, AUTH_SASL_CONTINUE), &f), 0);
    assert_int_equal(scram_salt_password(view_of_str(password),
                                         view_of(scram->salt, scram->salt_len), scram->iterations,
                                         salted),
                     0);
    assert_int_equal(scram_client_final(scram, salted, &out), 0);
    frontend_sasl_response(&c->w, buf_view(&out));
    client_flush(c);
}

static struct client *log_in(const char *user, const char *password)
{
    cleanup(scram_client_finish) struct scram_client scram = { .flag = 'n' };
    struct client *c = start(user, "shop");

    send_first(c, &scram);
    send_proof(c, &scram, password);
    return c;
}

/* ---- */

static void a_password_lets_in_and_what_was_kept_for_it_is_gone(void **state)
{
    struct client *c = log_in("alice", "wonderland");

    (void)state;
    client_await(c, 'Z', 1);
    step(c, 2, AUTH_SASL_FINAL);
    step(c, 3, AUTH_OK);
    assert_null(TAILQ_FIRST(&test_worker->connections)->login);
    client_close(c);
}

static void between_two_messages_no_task_stands(void **state)
{
    cleanup(scram_client_finish) struct scram_client scram = { 0 };
    struct client *c = start("alice", "shop");

    (void)state;
    client_await(c, 'R', 1);
    server_run_turns(3);
    assert_null(TAILQ_FIRST(&test_worker->connections)->task);
    send_first(c, &scram);
    client_await(c, 'R', 2);
    server_run_turns(3);
    assert_null(TAILQ_FIRST(&test_worker->connections)->task);
    client_close(c);
}

static void the_delay_of_a_failed_login_ends_with_the_client_or_the_daemon(void **state)
{
    (void)state;
    test_conf.auth_delay_us = 600000000;
    struct client *leaves = log_in("alice", "wrong");
    struct client *stays = log_in("nobody", "wrong");

    server_run_turns(20);
    client_close(leaves);
    while (atomic_load(&test_server.client_count) > 1) {
        server_run_turns(1);
    }
    connections_shutdown(test_worker, true);
    client_await_end(stays);
    expect_error(stays, "FATAL", "57P01", "terminating connection due to administrator command");
    client_close(stays);
}

static void who_is_told_to_go_hears_it_between_two_messages(void **state)
{
    struct client *c = start("alice", "shop");

    (void)state;
    client_await(c, 'R', 1);
    connections_shutdown(test_worker, false);
    client_await_end(c);
    client_forget(c);
    client_close(c);
}

static void rules_are_kept(void **state)
{
    struct client *guest = start("guest", "shop"), *evil = start("evil", "shop");

    (void)state;
    client_await(guest, 'Z', 1);
    client_await_end(evil);
    expect_error(evil, "FATAL", "28000",
                 "pg_hba.conf rejects connection for host \"127.0.0.1\", user \"evil\", database "
                 "\"shop\", no encryption");
    client_close(guest);
    client_close(evil);
}

/* One login from start to end, blindly; what it hears does not matter. */
static bool whole_life(uint64_t fail_at)
{
    struct client *c = start("alice", "shop");
    struct view data = view_of_str("n,,n=,r=abc");

    frontend_sasl_initial(&c->w, view_of_str(SCRAM_NAME), &data);
    frontend_sasl_response(&c->w, view_of_str("c=biws,r=abc"));
    client_flush(c);
    client_send(c, "X\0\0\0\4", 5);
    bool hit = server_fail_until_empty(fail_at);
    client_close(c);
    return hit;
}

static void without_memory_nobody_gets_in_and_nothing_is_left(void **state)
{
    uint64_t n = 1;

    (void)state;
    while (whole_life(n)) {
        n++;
    }
    assert_true(n > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_password_lets_in_and_what_was_kept_for_it_is_gone),
        TEST(between_two_messages_no_task_stands),
        TEST(the_delay_of_a_failed_login_ends_with_the_client_or_the_daemon),
        TEST(who_is_told_to_go_hears_it_between_two_messages),
        TEST(rules_are_kept),
        TEST(without_memory_nobody_gets_in_and_nothing_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
