#include "protocol/scram.h"

#include "protocol/base64.h"
#include "protocol/scram_impl.h"
#include "support.h"

#include <string.h>

/* RFC 7677, section 3: user "user", password "pencil". */
#define RFC_CLIENT_FIRST "n=user,r=rOprNGfwEbeRWgbNEkqO"
#define RFC_NONCE        "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define RFC_SERVER_FIRST "r=" RFC_NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define RFC_PROOF        "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define RFC_CLIENT_FINAL "c=biws,r=" RFC_NONCE ",p=" RFC_PROOF
#define RFC_SERVER_FINAL "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static const uint8_t client_random[scram_random_bytes] = "client's own 18 by";
static const uint8_t server_random[scram_random_bytes] = "server's own 18 by";
static const char client_nonce[] = "Y2xpZW50J3Mgb3duIDE4IGJ5";
static const char server_nonce[] = "c2VydmVyJ3Mgb3duIDE4IGJ5";

static struct view rfc_salt(uint8_t bytes[16])
{
    size_t len;

    assert_true(base64_decode(view_of_str("W22ZaJ0SNY7soEsUEjb6gQ=="), bytes, 16, &len));
    return view_of(bytes, len);
}

static struct scram_verifier rfc_verifier(void)
{
    struct scram_verifier verifier;
    uint8_t salt[16];

    assert_int_equal(scram_verifier_make(BYTES("pencil"), rfc_salt(salt), 4096, &verifier), 0);
    return verifier;
}

/* ---- the vectors ---- */

static void the_client_says_what_rfc_7677_says(void **state)
{
    cleanup(scram_client_finish) struct scram_client c = { .flag = 'n',
                                                           .nonce_at = 9,
                                                           .nonce_len = 20 };
    cleanup(finish_buf) struct buf out = { 0 };
    uint8_t salted[scram_key_bytes];
    struct failure f;

    (void)state;
    assert_int_equal(buf_append_str(&c.said, RFC_CLIENT_FIRST), 0);
    assert_int_equal(scram_client_challenge(&c, BYTES(RFC_SERVER_FIRST), &f), 0);
    assert_int_equal(c.iterations, 4096);
    assert_int_equal(
        scram_salt_password(BYTES("pencil"), view_of(c.salt, c.salt_len), c.iterations, salted), 0);
    assert_int_equal(scram_client_final(&c, salted, &out), 0);
    assert_view_equal(buf_view(&out), RFC_CLIENT_FINAL);
    assert_int_equal(scram_client_verify(&c, BYTES(RFC_SERVER_FINAL), &f), 0);
}

/* A server that has sent the RFC's first message. */
static struct scram_server rfc_server(void)
{
    struct scram_server s = { .verifier = rfc_verifier(), .flag = 'n' };

    assert_int_equal(buf_append_str(&s.said, RFC_CLIENT_FIRST "," RFC_SERVER_FIRST), 0);
    s.nonce_at = sizeof(RFC_CLIENT_FIRST ",r=") - 1;
    s.nonce_len = sizeof(RFC_NONCE) - 1;
    return s;
}

static void the_server_says_what_rfc_7677_says(void **state)
{
    cleanup(scram_server_finish) struct scram_server s = rfc_server();
    cleanup(finish_buf) struct buf out = { 0 };
    struct failure f;

    (void)state;
    assert_int_equal(scram_server_final(&s, BYTES(RFC_CLIENT_FINAL), &out, &f), 0);
    assert_view_equal(buf_view(&out), RFC_SERVER_FINAL);
}

/* ---- verifiers ---- */

static void a_verifier_is_written_as_postgresql_writes_it(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct scram_verifier verifier = rfc_verifier(), again;

    (void)state;
    assert_int_equal(scram_verifier_print(&verifier, &out), 0);
    assert_view_equal(buf_view(&out), "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
                                      "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
                                      "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
    assert_true(scram_verifier_parse(buf_view(&out), &again));
    assert_memory_equal(&again, &verifier, sizeof(again));
}

static void what_is_no_verifier_is_refused(void **state)
{
#define SALT "W22ZaJ0SNY7soEsUEjb6gQ=="
#define KEY  "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
    static const char *const bad[] = {
        "",
        "secret",
        "md5c5f4b0f0d6e3b6c5a9e6a1d0f4b0f0d6",
        "SCRAM-SHA-256",
        "SCRAM-SHA-256$4096:" SALT,
        "SCRAM-SHA-256$4096:" SALT "$" KEY,
        "SCRAM-SHA-256$4096:" SALT "$" KEY ":",
        "SCRAM-SHA-256$4096:" SALT "$" KEY ":" KEY "x",
        "SCRAM-SHA-256$4096:" SALT "$" KEY ":" SALT,
        "SCRAM-SHA-256$4096:$" KEY ":" KEY,
        "SCRAM-SHA-256$4096:!$" KEY ":" KEY,
        "SCRAM-SHA-256$:" SALT "$" KEY ":" KEY,
        "SCRAM-SHA-256$0:" SALT "$" KEY ":" KEY,
        "SCRAM-SHA-256$-1:" SALT "$" KEY ":" KEY,
        "SCRAM-SHA-256$10000001:" SALT "$" KEY ":" KEY,
        "SCRAM-SHA-256$99999999999999999999:" SALT "$" KEY ":" KEY,
        "SCRAM-SHA-1$4096:" SALT "$" KEY ":" KEY,
        "scram-sha-256$4096:" SALT "$" KEY ":" KEY,
    };
    struct scram_verifier v;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (scram_verifier_parse(view_of_str(bad[i]), &v)) {
            fail_msg("taken: %s", bad[i]);
        }
    }
    assert_true(
        scram_verifier_parse(view_of_str("SCRAM-SHA-256$10000000:" SALT "$" KEY ":" KEY), &v));
}

static void a_mock_is_always_the_same_and_like_the_others(void **state)
{
    const uint8_t secret[scram_key_bytes] = "s", other_secret[scram_key_bytes] = "t";
    const struct scram_verifier like = { .iterations = 5000, .salt_len = 24 };
    struct scram_verifier a, b;

    (void)state;
    assert_int_equal(scram_verifier_mock(secret, "alice", &like, &a), 0);
    assert_int_equal(scram_verifier_mock(secret, "alice", &like, &b), 0);
    assert_memory_equal(&a, &b, sizeof(a));
    assert_int_equal(a.iterations, 5000);
    assert_int_equal(a.salt_len, 24);
    assert_int_equal(scram_verifier_mock(secret, "bob", &like, &b), 0);
    assert_memory_not_equal(a.salt, b.salt, a.salt_len);
    assert_int_equal(scram_verifier_mock(other_secret, "alice", &like, &b), 0);
    assert_memory_not_equal(a.salt, b.salt, a.salt_len);
}

/* Nobody can work out any part of it, from another part neither. */
static void a_mock_has_a_long_salt_if_need_be(void **state)
{
    const uint8_t secret[scram_key_bytes] = "s";
    const struct scram_verifier like = { .iterations = 1, .salt_len = scram_salt_most_bytes };
    struct scram_verifier v;
    uint8_t hash[scram_key_bytes];

    (void)state;
    assert_int_equal(scram_verifier_mock(secret, "alice", &like, &v), 0);
    assert_int_equal(v.salt_len, scram_salt_most_bytes);
    assert_memory_not_equal(v.salt, v.salt + scram_key_bytes, scram_key_bytes);
    assert_int_equal(scram_hash(view_of(v.salt, scram_key_bytes), hash), 0);
    assert_memory_not_equal(v.salt + scram_key_bytes, hash, sizeof(hash));
}

/* ---- both sides with one another ---- */

struct pair {
    struct scram_client c;
    struct scram_server s;
    struct buf out;
    struct failure f;
};

static void finish_pair(struct pair *p)
{
    scram_client_finish(&p->c);
    scram_server_finish(&p->s);
    buf_finish(&p->out);
}

/* What the last one said, which is forgotten in p. */
static struct buf taken(struct pair *p)
{
    struct buf said = p->out;

    p->out = (struct buf){ 0 };
    return said;
}

/* Up to the client's proof. */
static int exchange(struct pair *p, const char *password)
{
    uint8_t salted[scram_key_bytes];
    int r = scram_client_first(&p->c, client_random, &p->out);

    if (r == 0) {
        cleanup(finish_buf) struct buf said = taken(p);
        r = scram_server_first(&p->s, buf_view(&said), server_random, &p->out, &p->f);
    }
    if (r == 0) {
        cleanup(finish_buf) struct buf said = taken(p);
        r = scram_client_challenge(&p->c, buf_view(&said), &p->f);
    }
    if (r == 0) {
        r = scram_salt_password(view_of_str(password), view_of(p->c.salt, p->c.salt_len),
                                p->c.iterations, salted);
    }
    return r == 0 ? scram_client_final(&p->c, salted, &p->out) : r;
}

static int finish_exchange(struct pair *p)
{
    cleanup(finish_buf) struct buf said = taken(p);
    int r = scram_server_final(&p->s, buf_view(&said), &p->out, &p->f);

    return r == 0 ? scram_client_verify(&p->c, buf_view(&p->out), &p->f) : r;
}

static void set_binding(struct pair *p, const char *client, const char *server)
{
    p->c.binding_len = strlen(client);
    memcpy(p->c.binding, client, p->c.binding_len);
    p->s.binding_len = strlen(server);
    memcpy(p->s.binding, server, p->s.binding_len);
}

static void the_right_password_gets_in(void **state)
{
    static const char flags[] = "ny";

    (void)state;
    for (size_t i = 0; flags[i] != '\0'; i++) {
        cleanup(finish_pair) struct pair p = { .c.flag = flags[i], .s.verifier = rfc_verifier() };

        assert_int_equal(exchange(&p, "pencil"), 0);
        assert_int_equal(finish_exchange(&p), 0);
    }
}

static void a_wrong_or_empty_password_does_not(void **state)
{
    static const char *const wrong[] = { "pencils", "", "Pencil" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        cleanup(finish_pair) struct pair p = { .c.flag = 'n', .s.verifier = rfc_verifier() };

        assert_int_equal(exchange(&p, wrong[i]), 0);
        assert_int_equal(finish_exchange(&p), SCRAM_WRONG);
        assert_int_equal(p.out.len, 0);
    }
}

static void a_doomed_one_does_not_with_the_right_password(void **state)
{
    cleanup(finish_pair) struct pair p = { .c.flag = 'n',
                                           .s = { .verifier = rfc_verifier(), .doomed = true } };

    (void)state;
    assert_int_equal(exchange(&p, "pencil"), 0);
    assert_int_equal(finish_exchange(&p), SCRAM_WRONG);
}

static void channel_binding_ties_it_to_the_channel(void **state)
{
    cleanup(finish_pair) struct pair same = { .c.flag = 'p',
                                              .s = { .plus = true, .verifier = rfc_verifier() } };
    cleanup(finish_pair) struct pair between = {
        .c.flag = 'p', .s = { .plus = true, .verifier = rfc_verifier() }
    };

    (void)state;
    set_binding(&same, "hash of the certificate", "hash of the certificate");
    assert_int_equal(exchange(&same, "pencil"), 0);
    assert_int_equal(finish_exchange(&same), 0);

    set_binding(&between, "hash of another's", "hash of the certificate");
    assert_int_equal(exchange(&between, "pencil"), 0);
    assert_int_equal(finish_exchange(&between), FAILED);
    assert_string_equal(between.f.sqlstate, "28000");
    assert_string_equal(failure_get(&between.f, FIELD_MESSAGE),
                        "SCRAM channel binding check failed");
}

static void a_downgrade_is_noticed(void **state)
{
    cleanup(finish_pair) struct pair p = { .c.flag = 'y', .s.verifier = rfc_verifier() };

    (void)state;
    set_binding(&p, "", "hash of the certificate");
    assert_int_equal(exchange(&p, "pencil"), FAILED);
    assert_string_equal(p.f.sqlstate, "28000");
}

static void a_replayed_proof_does_not_fit_another_exchange(void **state)
{
    cleanup(finish_pair) struct pair p = { .c.flag = 'n', .s.verifier = rfc_verifier() };
    cleanup(finish_pair) struct pair later = { .c.flag = 'n', .s.verifier = rfc_verifier() };
    const uint8_t other_random[scram_random_bytes] = "another eighteen b";
    cleanup(finish_buf) struct buf first = { 0 };

    (void)state;
    assert_int_equal(exchange(&p, "pencil"), 0);
    assert_int_equal(scram_client_first(&later.c, client_random, &first), 0);
    assert_int_equal(
        scram_server_first(&later.s, buf_view(&first), other_random, &later.out, &later.f), 0);
    assert_int_equal(scram_server_final(&later.s, buf_view(&p.out), &later.out, &later.f), FAILED);
    assert_string_equal(later.f.sqlstate, "08P01");
    assert_string_equal(failure_get(&later.f, FIELD_DETAIL), "Nonce does not match.");
}

/* ---- bad messages ---- */

static void bad_first_messages_are_refused(void **state)
{
    const struct {
        struct view message;
        const char *sqlstate;
    } rows[] = {
        { BYTES(""), "08P01" },
        { BYTES("n"), "08P01" },
        { BYTES("n,"), "08P01" },
        { BYTES("n,,"), "08P01" },
        { BYTES("n,,n="), "08P01" },
        { BYTES("n,,n=,r="), "08P01" },
        { BYTES("n,,n=,r=a b"), "08P01" },
        { BYTES("n,,n=,r=\xc3\xa4"), "08P01" },
        { BYTES("n,,r=abc,n="), "08P01" },
        { BYTES("n,a=root,n=,r=abc"), "0A000" },
        { BYTES("n,x=root,n=,r=abc"), "08P01" },
        { BYTES("n,,m=ext,n=,r=abc"), "0A000" },
        { BYTES("q,,n=,r=abc"), "08P01" },
        { BYTES("nn,,n=,r=abc"), "08P01" },
        { BYTES("p=tls-server-end-point,,n=,r=abc"), "08P01" },
        { BYTES("n,,n=,r=abc\0"), "08P01" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cleanup(finish_pair) struct pair p = { .s.verifier = rfc_verifier() };

        if (scram_server_first(&p.s, rows[i].message, server_random, &p.out, &p.f) != FAILED ||
            strcmp(p.f.sqlstate, rows[i].sqlstate) != 0) {
            fail_msg("row %zu: %s", i, p.f.sqlstate);
        }
        assert_int_equal(p.out.len, 0);
    }
}

static void a_binding_must_be_there_when_it_was_promised(void **state)
{
    static const char *const bad[] = { "n,,n=,r=abc", "y,,n=,r=abc", "p=tls-unique,,n=,r=abc",
                                       "p,,n=,r=abc" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        cleanup(finish_pair) struct pair p = { .s = { .plus = true, .verifier = rfc_verifier() } };

        set_binding(&p, "", "hash");
        assert_int_equal(scram_server_first(&p.s, view_of_str(bad[i]), server_random, &p.out, &p.f),
                         FAILED);
        assert_string_equal(p.f.sqlstate, "08P01");
    }
}

static void bad_final_messages_are_refused(void **state)
{
#define GOOD "c=biws,r=" RFC_NONCE
    static const char *const bad[] = {
        "",
        "c=biws",
        GOOD,
        GOOD ",p=",
        GOOD ",p=abc",
        GOOD ",p=" RFC_PROOF "x",
        GOOD ",p=" RFC_PROOF ",",
        GOOD ",p=" RFC_PROOF ",x=1",
        GOOD ",1=2,p=" RFC_PROOF,
        GOOD ",,p=" RFC_PROOF,
        "c=eSws,r=" RFC_NONCE ",p=" RFC_PROOF,
        "c=,r=" RFC_NONCE ",p=" RFC_PROOF,
        "c=biws,r=" RFC_NONCE "x,p=" RFC_PROOF,
        "c=biws,r=rOprNGfwEbeRWgbNEkqO,p=" RFC_PROOF,
        "r=" RFC_NONCE ",c=biws,p=" RFC_PROOF,
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        cleanup(scram_server_finish) struct scram_server s = rfc_server();
        cleanup(finish_buf) struct buf out = { 0 };
        struct failure f;

        if (scram_server_final(&s, view_of_str(bad[i]), &out, &f) != FAILED ||
            strcmp(f.sqlstate, "08P01") != 0) {
            fail_msg("taken: %s", bad[i]);
        }
        assert_int_equal(out.len, 0);
    }
}

static void an_extension_is_part_of_what_is_signed(void **state)
{
    cleanup(scram_server_finish) struct scram_server s = rfc_server();
    cleanup(finish_buf) struct buf out = { 0 };
    struct failure f;

    (void)state;
    assert_int_equal(scram_server_final(&s, BYTES(GOOD ",x=1,p=" RFC_PROOF), &out, &f),
                     SCRAM_WRONG);
}

static void every_truncated_message_is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(RFC_CLIENT_FINAL) - 1; len++) {
        cleanup(scram_server_finish) struct scram_server s = rfc_server();
        cleanup(finish_buf) struct buf out = { 0 };
        struct failure f;

        assert_int_equal(scram_server_final(&s, view_of(RFC_CLIENT_FINAL, len), &out, &f), FAILED);
    }
}

static void the_client_refuses_a_bad_challenge(void **state)
{
#define START "r=Y2xpZW50J3Mgb3duIDE4IGJ5"
    static const char *const bad[] = {
        "",
        "x",
        START ",s=" SALT ",i=4096", /* nothing of the server's own */
        "r=abc,s=" SALT ",i=4096",
        START "x",
        START "x,s=,i=4096",
        START "x,s=?,i=4096",
        START "x,s=" SALT,
        START "x,s=" SALT ",i=",
        START "x,s=" SALT ",i=0",
        START "x,s=" SALT ",i=-1",
        START "x,s=" SALT ",i=10000001",
        START "x,s=" SALT ",i=9999999999999999999",
        "m=ext," START "x,s=" SALT ",i=4096",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        cleanup(finish_pair) struct pair p = { .c.flag = 'n' };

        assert_int_equal(scram_client_first(&p.c, client_random, &p.out), 0);
        if (scram_client_challenge(&p.c, view_of_str(bad[i]), &p.f) != FAILED ||
            strcmp(p.f.sqlstate, "08P01") != 0) {
            fail_msg("taken: %s", bad[i]);
        }
    }
}

static void the_client_notices_a_server_that_does_not_know_the_password(void **state)
{
    cleanup(finish_pair) struct pair p = { .c.flag = 'n', .s.verifier = rfc_verifier() };

    (void)state;
    assert_int_equal(exchange(&p, "pencil"), 0);
    assert_int_equal(scram_client_verify(&p.c, BYTES(RFC_SERVER_FINAL), &p.f), FAILED);
    assert_string_equal(failure_get(&p.f, FIELD_MESSAGE), "incorrect server signature");
    assert_int_equal(scram_client_verify(&p.c, BYTES("e=other-error"), &p.f), FAILED);
    assert_int_equal(scram_client_verify(&p.c, BYTES(""), &p.f), FAILED);
    assert_int_equal(scram_client_verify(&p.c, BYTES("v=AAAA"), &p.f), FAILED);
}

static void what_is_said_first_is_plain(void **state)
{
    cleanup(finish_pair) struct pair p = { .c.flag = 'n', .s.verifier = rfc_verifier() };
    cleanup(finish_buf) struct buf expected = { 0 };

    (void)state;
    assert_int_equal(scram_client_first(&p.c, client_random, &p.out), 0);
    assert_view_equal(buf_view(&p.out), "n,,n=,r=Y2xpZW50J3Mgb3duIDE4IGJ5");
    cleanup(finish_buf) struct buf first = taken(&p);
    assert_int_equal(scram_server_first(&p.s, buf_view(&first), server_random, &p.out, &p.f), 0);
    assert_int_equal(buf_printf(&expected, "r=%s%s,s=%s,i=4096", client_nonce, server_nonce, SALT),
                     0);
    assert_true(view_equal(buf_view(&p.out), buf_view(&expected)));
}

static int exchange_once(void)
{
    cleanup(finish_pair) struct pair p = { .c.flag = 'n' };
    uint8_t salt[16];
    int r = scram_verifier_make(BYTES("pencil"), rfc_salt(salt), 2, &p.s.verifier);

    if (r == 0) {
        r = exchange(&p, "pencil");
    }
    return r == 0 ? finish_exchange(&p) : r;
}

static void out_of_memory_is_said(void **state)
{
    (void)state;
    for_each_failed_allocation(exchange_once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_says_what_rfc_7677_says),
        cmocka_unit_test(the_server_says_what_rfc_7677_says),
        cmocka_unit_test(a_verifier_is_written_as_postgresql_writes_it),
        cmocka_unit_test(what_is_no_verifier_is_refused),
        cmocka_unit_test(a_mock_is_always_the_same_and_like_the_others),
        cmocka_unit_test(a_mock_has_a_long_salt_if_need_be),
        cmocka_unit_test(the_right_password_gets_in),
        cmocka_unit_test(a_wrong_or_empty_password_does_not),
        cmocka_unit_test(a_doomed_one_does_not_with_the_right_password),
        cmocka_unit_test(channel_binding_ties_it_to_the_channel),
        cmocka_unit_test(a_downgrade_is_noticed),
        cmocka_unit_test(a_replayed_proof_does_not_fit_another_exchange),
        cmocka_unit_test(bad_first_messages_are_refused),
        cmocka_unit_test(a_binding_must_be_there_when_it_was_promised),
        cmocka_unit_test(bad_final_messages_are_refused),
        cmocka_unit_test(an_extension_is_part_of_what_is_signed),
        cmocka_unit_test(every_truncated_message_is_refused),
        cmocka_unit_test(the_client_refuses_a_bad_challenge),
        cmocka_unit_test(the_client_notices_a_server_that_does_not_know_the_password),
        cmocka_unit_test(what_is_said_first_is_plain),
        cmocka_unit_test(out_of_memory_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
