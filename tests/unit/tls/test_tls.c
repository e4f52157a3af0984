/* Hand-shakes, bytes, ends, and what the socket and the memory may do meanwhile. */
#include "support.h"

#include "base/alloc.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void both_sides_shake_hands_and_understand_each_other(void **state)
{
    struct sides s;
    uint8_t got[100];
    size_t n = 0;

    (void)state;
    sides_init(&s, "server");
    sides_connect(&s);
    sides_shake(&s);
    assert_int_equal(s.server_answer, 0);
    assert_int_equal(s.client_answer, 0);
    assert_string_equal(SSL_get_version(tls_ssl(s.server)), "TLSv1.3");
    assert_int_equal(tls_read(s.server, got, sizeof(got), &n), TLS_WANTS_READ);
    assert_int_equal(tls_write(s.client, view_of_str("hello"), &n), 0);
    assert_int_equal(n, 5);
    assert_int_equal(tls_read(s.server, got, 3, &n), 0);
    assert_memory_equal(got, "hel", 3);
    assert_true(tls_has_more(s.server));
    assert_int_equal(tls_read(s.server, got, sizeof(got), &n), 0);
    assert_memory_equal(got, "lo", 2);
    assert_false(tls_has_more(s.server));
    sides_finish(&s);
}

static void bytes_that_were_read_from_the_socket_before_come_first(void **state)
{
    struct sides s;
    uint8_t hello[4096];

    (void)state;
    sides_init(&s, "server");
    sides_connect(&s);
    assert_int_equal(tls_connect(s.client, &s.client_failure), TLS_WANTS_READ);
    ssize_t n = recv(s.server_fd, hello, sizeof(hello), 0);
    assert_true(n > 10);
    tls_destroy(s.server);
    assert_int_equal(
        tls_create(s.server_context, s.server_fd, view_of(hello, (size_t)n), &s.server), 0);
    assert_true(tls_has_more(s.server));
    sides_shake(&s);
    assert_int_equal(s.server_answer, 0);
    assert_int_equal(s.client_answer, 0);
    sides_finish(&s);
}

static void a_good_bye_and_a_hang_up_are_the_end(void **state)
{
    uint8_t got[100];
    size_t n;

    (void)state;
    for (int polite = 0; polite < 2; polite++) {
        struct sides s;

        sides_init(&s, "server");
        sides_connect(&s);
        sides_shake(&s);
        if (polite) {
            tls_say_end(s.client);
        }
        close(s.client_fd);
        s.client_fd = -1;
        assert_int_equal(tls_read(s.server, got, sizeof(got), &n), TLS_END);
        sides_finish(&s);
    }
}

static void a_full_socket_is_waited_for_and_goes_on_where_it_stopped(void **state)
{
    static uint8_t sent[1024 * 1024];
    static uint8_t got[sizeof(sent)];
    size_t at = 0, came = 0, n;
    struct sides s;
    bool was_full = false;

    (void)state;
    for (size_t i = 0; i < sizeof(sent); i++) {
        sent[i] = (uint8_t)(i * 7 + i / 251);
    }
    sides_init(&s, "server");
    sides_connect(&s);
    sides_shake(&s);
    while (came < sizeof(sent)) {
        int r = at == sizeof(sent) ? TLS_WANTS_WRITE
                                   : tls_write(s.server, view_of(sent + at, sizeof(sent) - at), &n);
        if (r == 0) {
            at += n;
            continue;
        }
        assert_int_equal(r, TLS_WANTS_WRITE);
        was_full = true;
        assert_int_equal(tls_read(s.client, got + came, sizeof(got) - came, &n), 0);
        came += n;
    }
    assert_true(was_full);
    assert_memory_equal(sent, got, sizeof(sent));
    sides_finish(&s);
}

/* A ClientHello may have 128 KiB, and whoever sends it is nobody yet. */
static void a_hand_shake_that_is_long_is_not_read_to_its_end(void **state)
{
    static const uint8_t begin[] = "\x16\x03\x01\x20\x00\x01\x01\xf0\x00";
    static const uint8_t record[5 + 8192] = "\x16\x03\x01\x20\x00";
    struct sides s;
    size_t sent = 0;

    (void)state;
    sides_init(&s, "server");
    sides_connect(&s);
    assert_int_equal(send(s.client_fd, begin, 9, 0), 9);
    assert_int_equal(send(s.client_fd, record, 8188, 0), 8188);
    while ((s.server_answer = tls_accept(s.server, &s.server_failure)) == TLS_WANTS_READ) {
        assert_int_equal(send(s.client_fd, record, sizeof(record), 0), sizeof(record));
        sent += sizeof(record);
        assert_true(sent < 100000);
    }
    assert_int_equal(s.server_answer, FAILED);
    assert_string_equal(failure_get(&s.server_failure, FIELD_MESSAGE),
                        "the hand-shake is longer than 32 KiB");
    sides_finish(&s);
}

static void nobody_shakes_hands_again(void **state)
{
    struct sides s;
    uint8_t got[100];
    size_t n = 0;

    (void)state;
    sides_init(&s, "server");
    SSL_CTX_set_max_proto_version(s.client_context, TLS1_2_VERSION);
    SSL_CTX_clear_options(s.client_context, SSL_OP_NO_RENEGOTIATION);
    sides_connect(&s);
    sides_shake(&s);
    assert_int_equal(s.server_answer, 0);
    assert_int_equal(SSL_renegotiate(tls_ssl(s.client)), 1);
    assert_int_equal(tls_connect(s.client, &s.client_failure), TLS_WANTS_READ);
    assert_int_equal(tls_read(s.server, got, sizeof(got), &n), TLS_WANTS_READ);
    assert_int_equal(tls_connect(s.client, &s.client_failure), FAILED);
    assert_non_null(strstr(failure_get(&s.client_failure, FIELD_MESSAGE), "no renegotiation"));
    sides_finish(&s);
}

/* New keys cost some microseconds and 27 bytes each, and whoever sends them without an end can do
 * it faster than that. */
static void new_keys_without_an_end_do_not_hold_whoever_reads(void **state)
{
    enum { flood_bytes = 100000, step_most_bytes = 40000 };
    static uint8_t flood[flood_bytes + 100];
    struct sides s;
    uint8_t got[100];
    size_t n = 0, len = 0;
    int after = 0;

    (void)state;
    sides_init(&s, "server");
    sides_connect(&s);
    sides_shake(&s);
    assert_int_equal(s.server_answer, 0);
    while (len < flood_bytes) {
        assert_int_equal(SSL_key_update(tls_ssl(s.client), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(tls_ssl(s.client)), 1);
        len += (size_t)recv(s.server_fd, flood + len, 100, 0);
    }
    assert_int_equal(send(s.client_fd, flood, len, 0), len);
    assert_int_equal(tls_read(s.server, got, sizeof(got), &n), TLS_WANTS_READ);
    assert_int_equal(ioctl(s.server_fd, FIONREAD, &after), 0);
    assert_in_range(len - (size_t)after, 1, step_most_bytes);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(tls_read(s.server, got, sizeof(got), &n), TLS_WANTS_READ);
    }
    assert_int_equal(tls_write(s.client, view_of_str("at last"), &n), 0);
    assert_int_equal(tls_read(s.server, got, sizeof(got), &n), 0);
    assert_memory_equal(got, "at last", 7);
    sides_finish(&s);
}

static void what_is_not_tls_is_an_error_and_stays_one(void **state)
{
    struct sides s;
    uint8_t got[100];
    size_t n;

    (void)state;
    sides_init(&s, "server");
    sides_connect(&s);
    assert_int_equal(send(s.client_fd, "\0\0\0\x08\x04\xd2\x16\x2f, and more", 18, 0), 18);
    assert_int_equal(tls_accept(s.server, &s.server_failure), FAILED);
    assert_string_equal(s.server_failure.sqlstate, "08P01");
    assert_non_null(strstr(failure_get(&s.server_failure, FIELD_MESSAGE), "wrong version number"));
    sides_finish(&s);

    sides_init(&s, "server");
    sides_connect(&s);
    sides_shake(&s);
    assert_int_equal(send(s.client_fd, "\x17\x03\x03\0\x20 not what was encrypted for you", 36, 0),
                     36);
    assert_int_equal(send(s.client_fd, "....................", 20, 0), 20);
    assert_int_equal(tls_read(s.server, got, sizeof(got), &n), -EPROTO);
    assert_true(tls_read(s.server, got, sizeof(got), &n) < 0);
    sides_finish(&s);
}

static void older_versions_are_refused(void **state)
{
    static const int versions[] = { TLS1_VERSION, TLS1_1_VERSION };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct sides s;

        sides_init(&s, "server");
        /* as a client from before 2008, whom today's OpenSSL would stop by itself */
        SSL_CTX_set_security_level(s.client_context, 0);
        assert_int_equal(SSL_CTX_set_min_proto_version(s.client_context, versions[i]), 1);
        assert_int_equal(SSL_CTX_set_max_proto_version(s.client_context, versions[i]), 1);
        sides_connect(&s);
        sides_shake(&s);
        assert_int_equal(s.server_answer, FAILED);
        assert_string_equal(failure_get(&s.server_failure, FIELD_MESSAGE), "unsupported protocol");
        assert_int_equal(s.client_answer, FAILED);
        sides_finish(&s);
    }
}

static void a_hang_up_in_the_hand_shake_is_told(void **state)
{
    struct sides s;

    (void)state;
    sides_init(&s, "server");
    sides_connect(&s);
    close(s.client_fd);
    s.client_fd = -1;
    assert_int_equal(tls_accept(s.server, &s.server_failure), FAILED);
    assert_string_equal(failure_get(&s.server_failure, FIELD_MESSAGE), "the other side hung up");
    sides_finish(&s);
}

static void a_verified_certificate_that_is_bad_says_why(void **state)
{
    static const struct {
        const char *cert;
        const char *words;
    } rows[] = {
        { "server", NULL },
        { "server-chain", NULL },
        { "server-expired", "certificate has expired" },
        { "server-self", "self-signed certificate" },
        { "server-revoked", "certificate revoked" },
    };
    char crl[200];
    struct failure f;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool with_crl = strcmp(rows[i].cert, "server-chain") != 0; /* its issuer has none */
        struct sides s;

        sides_init(&s, rows[i].cert);
        assert_int_equal(ssl_context_trust(s.client_context, in_folder("root.crt"), &f), 0);
        strcpy(crl, in_folder("root.crl"));
        assert_int_equal(with_crl ? ssl_context_revoke(s.client_context, crl, NULL, &f) : 0, 0);
        SSL_CTX_set_verify(s.client_context, SSL_VERIFY_PEER, NULL);
        sides_connect(&s);
        sides_shake(&s);
        assert_int_equal(s.client_answer, rows[i].words == NULL ? 0 : FAILED);
        if (rows[i].words != NULL) {
            assert_non_null(strstr(failure_get(&s.client_failure, FIELD_MESSAGE), rows[i].words));
        }
        sides_finish(&s);
    }
}

static void what_it_takes_is_charged_and_given_back(void **state)
{
    struct account account = { .limit = tls_reserved_bytes + 10000 };
    struct account *was = account_swap(&account);
    struct tls *one = NULL, *two = NULL;
    struct sides s;

    (void)state;
    sides_init(&s, "server");
    assert_int_equal(tls_create(s.server_context, 0, view_of(NULL, 0), &one), 0);
    assert_true(account.used >= tls_reserved_bytes);
    assert_int_equal(tls_create(s.server_context, 0, view_of(NULL, 0), &two), -ENOMEM);
    account_swap(was);
    tls_destroy(one);
    account_finish(&account);
    sides_finish(&s);
}

static void without_memory_there_is_no_connection(void **state)
{
    struct sides s;
    struct tls *tls = NULL;

    (void)state;
    sides_init(&s, "server");
    for (uint64_t n = 1;; n++) {
        mem_fail_at(n, false);
        int r = tls_create(s.server_context, 0, view_of_str("early"), &tls);
        bool hit = mem_fail_hit();
        mem_fail_at(0, false);
        assert_int_equal(r, hit ? -ENOMEM : 0);
        if (!hit) {
            break;
        }
    }
    tls_destroy(tls);
    tls_destroy(NULL);
    sides_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_shake_hands_and_understand_each_other),
        cmocka_unit_test(bytes_that_were_read_from_the_socket_before_come_first),
        cmocka_unit_test(a_good_bye_and_a_hang_up_are_the_end),
        cmocka_unit_test(a_full_socket_is_waited_for_and_goes_on_where_it_stopped),
        cmocka_unit_test(a_hand_shake_that_is_long_is_not_read_to_its_end),
        cmocka_unit_test(nobody_shakes_hands_again),
        cmocka_unit_test(new_keys_without_an_end_do_not_hold_whoever_reads),
        cmocka_unit_test(what_is_not_tls_is_an_error_and_stays_one),
        cmocka_unit_test(older_versions_are_refused),
        cmocka_unit_test(a_hang_up_in_the_hand_shake_is_told),
        cmocka_unit_test(a_verified_certificate_that_is_bad_says_why),
        cmocka_unit_test(what_it_takes_is_charged_and_given_back),
        cmocka_unit_test(without_memory_there_is_no_connection),
    };
    return cmocka_run_group_tests(tests, certificates_setup, certificates_teardown);
}
