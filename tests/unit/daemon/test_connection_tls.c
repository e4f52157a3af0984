/* TLS under a connection: what those who log in may ask about it, new certificates beside old ones,
 * and no memory. The wire's side of it is tests/clients/test_tls.py. */
#include "support_client.h"

#include "daemon/address.h"
#include "daemon/connection_impl.h"
#include "daemon/connection_tls.h"
#include "daemon/tls_context.h"
#include "tests/support/certificates.h"
#include "tls/certificate.h"
#include "tls/ssl_context.h"
#include "tls/tls.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, tls_setup, tls_teardown)

static char folder[] = "/tmp/pond-tls.XXXXXX";
static char paths[4][100];

static int make_certificates(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    certificates_write_all(folder);
    return 0;
}

static int remove_certificates(void **state)
{
    char command[100];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

/* A server's files, as the options name them. */
static void configure(const char *server, enum conf_tls_mode mode, bool with_roots)
{
    snprintf(paths[0], sizeof(paths[0]), "%s/%s.crt", folder, server);
    snprintf(paths[1], sizeof(paths[1]), "%s/%s.key", folder, server);
    snprintf(paths[2], sizeof(paths[2]), "%s/root.crt", folder);
    test_conf.path = "test.conf";
    test_conf.tls_mode = mode;
    test_conf.tls_cert_file = paths[0];
    test_conf.tls_key_file = paths[1];
    test_conf.tls_ca_file = with_roots ? paths[2] : "";
    test_conf.tls_crl_file = "";
    test_conf.tls_ciphers = "default";
}

static void use_context(void *context)
{
    tls_context_use(&test_server, context);
}

static void load(const char *server, enum conf_tls_mode mode, bool with_roots)
{
    struct tls_context *context = NULL;
    struct failure failure;

    configure(server, mode, with_roots);
    assert_int_equal(tls_context_load(&test_conf, &context, &failure), 0);
    server_run(use_context, context);
}

static int tls_setup(void **state)
{
    int r = server_setup(state);

    load("server", CONF_TLS_ALLOW, true);
    return r;
}

static int tls_teardown(void **state)
{
    return server_teardown(state);
}

/* ---- a client ---- */

struct secure {
    SSL_CTX *context;
    struct tls *tls;
    int fd;
    uint8_t got[16384];
    size_t len;
};

static int connect_to_server(void)
{
    const struct address there = { .in = { .sin_family = AF_INET } };
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_int_equal(connection_start(test_worker, fds[1], &there), 0);
    return fds[0];
}

static void ask_for_tls(int fd)
{
    cleanup(buf_finish) struct buf out = { 0 };
    struct writer w = writer_over(&out);

    startup_ssl_request(&w);
    assert_int_equal(send(fd, out.data, out.len, 0), (ssize_t)out.len);
}

static void shake(struct secure *secure)
{
    struct failure failure = { 0 };
    int r;

    while ((r = tls_connect(secure->tls, &failure)) == TLS_WANTS_READ) {
        server_run_turns(1);
    }
    if (r != 0) {
        fail_msg("%s", failure_get(&failure, FIELD_MESSAGE));
    }
    server_run_turns(2); /* the server's side is done as well */
}

static void secure_open(struct secure *secure, const char *client)
{
    struct failure failure;
    char cert[100], key[100], answer;

    *secure = (struct secure){ .fd = connect_to_server() };
    assert_int_equal(ssl_context_create(TLS_CLIENT, &secure->context, &failure), 0);
    if (client != NULL) {
        snprintf(cert, sizeof(cert), "%s/%s.crt", folder, client);
        snprintf(key, sizeof(key), "%s/%s.key", folder, client);
        assert_int_equal(ssl_context_identify(secure->context, cert, key, NULL, &failure), 0);
    }
    ask_for_tls(secure->fd);
    server_run_turns(2);
    assert_int_equal(recv(secure->fd, &answer, 1, 0), 1);
    assert_int_equal(answer, 'S');
    assert_int_equal(tls_create(secure->context, secure->fd, view_of(NULL, 0), &secure->tls), 0);
    shake(secure);
}

static void secure_close(struct secure *secure)
{
    tls_destroy(secure->tls);
    SSL_CTX_free(secure->context);
    close(secure->fd);
}

static void secure_send(struct secure *secure, struct buf *out)
{
    size_t n;

    assert_int_equal(tls_write(secure->tls, buf_view(out), &n), 0);
    assert_int_equal(n, out->len);
    buf_finish(out);
}

/* Until it is ready. */
static void secure_await(struct secure *secure)
{
    static const uint8_t ready[] = "Z\0\0\0\5I";
    size_t len = sizeof(ready) - 1;
    size_t n;

    secure->len = 0;
    while (secure->len < len || memcmp(secure->got + secure->len - len, ready, len) != 0) {
        int r =
            tls_read(secure->tls, secure->got + secure->len, sizeof(secure->got) - secure->len, &n);

        assert_true(r == 0 || r == TLS_WANTS_READ);
        secure->len += n;
        server_run_turns(r == 0 ? 0 : 1);
    }
}

static void secure_login(struct secure *secure)
{
    struct buf out = { 0 };
    struct writer w = writer_over(&out);

    startup_message(&w);
    startup_param(&w, "user", "tester");
    startup_param(&w, "database", "shop");
    assert_int_equal(startup_message_end(&w), 0);
    secure_send(secure, &out);
}

static void secure_query(struct secure *secure)
{
    struct buf out = { 0 };
    struct writer w = writer_over(&out);

    frontend_query(&w, view_of_str("SELECT 'here'"));
    secure_send(secure, &out);
    secure_await(secure);
    assert_non_null(memmem(secure->got, secure->len, "here", 4));
}

static struct connection *only_connection(void)
{
    return TAILQ_FIRST(&test_worker->connections);
}

static const char *server_name(const struct secure *secure, char *name, size_t size)
{
    X509_NAME_get_text_by_NID(
        X509_get_subject_name(SSL_get0_peer_certificate(tls_ssl(secure->tls))), NID_commonName,
        name, (int)size);
    return name;
}

/* ---- tests ---- */

static void who_logs_in_can_bind_to_the_servers_certificate(void **state)
{
    uint8_t hash[tls_binding_bytes], seen[tls_hash_bytes_max];
    size_t len = 0, seen_len = 0;
    struct secure secure;

    (void)state;
    secure_open(&secure, NULL);
    assert_true(connection_is_encrypted(only_connection()));
    assert_true(connection_channel_binding(only_connection(), hash, &len));
    assert_true(
        tls_certificate_hash(SSL_get0_peer_certificate(tls_ssl(secure.tls)), seen, &seen_len));
    assert_int_equal(len, 32);
    assert_int_equal(len, seen_len);
    assert_memory_equal(hash, seen, len);
    assert_null(connection_certificate_name(only_connection()));
    secure_login(&secure);
    secure_await(&secure);
    secure_query(&secure);
    secure_close(&secure);
}

static void a_plain_one_has_nothing_of_it(void **state)
{
    uint8_t hash[tls_binding_bytes];
    size_t len;
    int fd = connect_to_server();

    (void)state;
    assert_false(connection_is_encrypted(only_connection()));
    assert_false(connection_channel_binding(only_connection(), hash, &len));
    assert_null(connection_certificate_name(only_connection()));
    close(fd);
}

static void half_a_hand_shake_counts_for_nothing(void **state)
{
    int fd = connect_to_server();

    (void)state;
    ask_for_tls(fd);
    server_run_turns(2);
    assert_non_null(only_connection()->tls);
    assert_false(connection_is_encrypted(only_connection()));
    assert_null(connection_certificate_name(only_connection()));
    close(fd);
}

static void a_verified_certificate_has_a_name(void **state)
{
    struct secure secure;

    (void)state;
    secure_open(&secure, "client");
    assert_string_equal(connection_certificate_name(only_connection()), "tester");
    secure_close(&secure);
}

static void one_that_was_not_asked_for_has_none(void **state)
{
    struct secure secure;

    (void)state;
    load("server", CONF_TLS_REQUIRE, false);
    secure_open(&secure, "client-other");
    assert_null(connection_certificate_name(only_connection()));
    secure_close(&secure);
}

static void new_certificates_are_for_new_connections(void **state)
{
    struct secure old, new;
    uint8_t before[tls_binding_bytes], after[tls_binding_bytes];
    char name[64];
    size_t len;

    (void)state;
    secure_open(&old, NULL);
    struct connection *first = only_connection();
    assert_true(connection_channel_binding(first, before, &len));
    secure_login(&old);
    load("server-new", CONF_TLS_ALLOW, false);
    secure_await(&old);
    secure_query(&old);
    assert_true(connection_channel_binding(first, after, &len));
    assert_memory_equal(before, after, len);
    secure_open(&new, NULL);
    assert_string_equal(server_name(&old, name, sizeof(name)), "localhost");
    assert_string_equal(server_name(&new, name, sizeof(name)), "renewed");
    server_run(use_context, NULL); /* none at all: those that have it keep it */
    secure_query(&old);
    secure_login(&new);
    secure_await(&new);
    int fd = connect_to_server();
    char answer;
    ask_for_tls(fd);
    server_run_turns(2);
    assert_int_equal(recv(fd, &answer, 1, 0), 1);
    assert_int_equal(answer, 'N');
    close(fd);
    secure_close(&old);
    secure_close(&new);
}

static void a_bad_file_leaves_the_old_context_alone(void **state)
{
    struct tls_context *context = NULL;
    struct tls_context *was = test_worker->tls;
    struct failure failure;
    struct secure secure;

    (void)state;
    configure("missing", CONF_TLS_ALLOW, false);
    assert_int_equal(tls_context_load(&test_conf, &context, &failure), FAILED);
    assert_null(context);
    assert_ptr_equal(test_worker->tls, was);
    secure_open(&secure, NULL);
    secure_close(&secure);
}

static void a_client_may_ask_for_new_keys(void **state)
{
    struct secure secure;

    (void)state;
    secure_open(&secure, NULL);
    secure_login(&secure);
    secure_await(&secure);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(SSL_key_update(tls_ssl(secure.tls), SSL_KEY_UPDATE_REQUESTED), 1);
        secure_query(&secure);
    }
    secure_close(&secure);
}

static void without_memory_it_ends_and_nothing_is_lost(void **state)
{
    uint64_t n = 1;

    (void)state;
    for (bool hit = true; hit; n++) {
        int fd = connect_to_server();

        ask_for_tls(fd);
        shutdown(fd, SHUT_WR);
        hit = server_fail_until_empty(n);
        close(fd);
    }
    assert_true(n > 5);
}

static void over_the_memory_limit_it_is_refused(void **state)
{
    char answer;
    int fd = connect_to_server();

    (void)state;
    test_server.account.limit = test_server.account.used + 25000; /* a buffer, no more */
    ask_for_tls(fd);
    server_await_empty();
    assert_true(recv(fd, &answer, 1, 0) <= 1);
    assert_int_equal(recv(fd, &answer, 1, 0), 0);
    test_server.account.limit = 0;
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_logs_in_can_bind_to_the_servers_certificate),
        TEST(a_plain_one_has_nothing_of_it),
        TEST(half_a_hand_shake_counts_for_nothing),
        TEST(a_verified_certificate_has_a_name),
        TEST(one_that_was_not_asked_for_has_none),
        TEST(new_certificates_are_for_new_connections),
        TEST(a_bad_file_leaves_the_old_context_alone),
        TEST(a_client_may_ask_for_new_keys),
        TEST(without_memory_it_ends_and_nothing_is_lost),
        TEST(over_the_memory_limit_it_is_refused),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
