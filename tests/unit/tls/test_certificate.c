/* Whom a certificate is made out to, and its hash. */
#include "support.h"

#include "base/alloc.h"
#include "tls/certificate.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

static void names_and_numbers_are_matched_as_libpq_does(void **state)
{
    static const struct {
        const char *common_name;
        const char *names;
        const char *host;
        bool matches;
    } rows[] = {
        { "localhost", NULL, "localhost", true },
        { "localhost", NULL, "LOCALHOST", true },
        { "localhost", NULL, "localhos", false },
        { "localhost", NULL, "", false },
        { "localhost", "DNS:elsewhere", "localhost", false }, /* names there are: no common name */
        { "localhost", "DNS:elsewhere", "elsewhere", true },
        { "localhost", "DNS:a,DNS:b,DNS:localhost", "localhost", true },
        { "localhost", "IP:127.0.0.1", "localhost", true }, /* a number is no name */
        { NULL, "DNS:*.example.org", "db.example.org", true },
        { NULL, "DNS:*.example.org", "a.b.example.org", false },
        { NULL, "DNS:*.example.org", "example.org", false },
        { NULL, "DNS:d*.example.org", "db.example.org", false },
        { NULL, "DNS:*", "localhost", false },
        { NULL, "IP:127.0.0.1", "127.0.0.1", true },
        { NULL, "IP:127.0.0.1", "127.0.0.2", false },
        { NULL, "IP:::1", "::1", true },
        { NULL, "IP:::1", "0:0::1", true },
        { NULL, "DNS:127.0.0.1", "127.0.0.1", true },
        { "127.0.0.1", NULL, "127.0.0.1", true },
        { "127.0.0.1", "IP:127.0.0.2", "127.0.0.1", false },
        { "127.0.0.1", "DNS:localhost", "127.0.0.1", false },
        { NULL, "DNS:*.0.0.1", "127.0.0.1", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct certificate made = certificate_make(&(struct certificate_wish){
            .common_name = rows[i].common_name, .names = rows[i].names });

        if (tls_certificate_is_for(made.x509, rows[i].host) != rows[i].matches) {
            fail_msg("row %zu: %s", i, rows[i].host);
        }
        certificate_finish(&made);
    }
}

static void expect_hash(const struct certificate_wish *wish, const char *digest)
{
    struct certificate made = certificate_make(wish);
    uint8_t hash[tls_hash_bytes_max], wanted[EVP_MAX_MD_SIZE];
    size_t len = 0;
    unsigned wanted_len = 0;

    assert_int_equal(tls_certificate_hash(made.x509, hash, &len), digest != NULL);
    if (digest != NULL) {
        assert_int_equal(X509_digest(made.x509, EVP_get_digestbyname(digest), wanted, &wanted_len),
                         1);
        assert_int_equal(len, wanted_len);
        assert_memory_equal(hash, wanted, len);
    }
    certificate_finish(&made);
}

static void the_hash_is_that_of_the_signature_but_never_a_weak_one(void **state)
{
    (void)state;
    expect_hash(&(struct certificate_wish){ .digest = "SHA256" }, "SHA256");
    expect_hash(&(struct certificate_wish){ .digest = "SHA384" }, "SHA384");
    expect_hash(&(struct certificate_wish){ .digest = "SHA512", .rsa_bits = 2048 }, "SHA512");
    expect_hash(&(struct certificate_wish){ .digest = "SHA1", .rsa_bits = 2048 }, "SHA256");
    expect_hash(&(struct certificate_wish){ .digest = "MD5", .rsa_bits = 2048 }, "SHA256");
    expect_hash(&(struct certificate_wish){ .digest = "" }, NULL); /* Ed25519 */
}

static void the_common_name_is_there_whole_or_not_at_all(void **state)
{
    struct certificate tester =
        certificate_make(&(struct certificate_wish){ .common_name = "tester \xc3\xa4" });
    struct certificate nobody = certificate_make(&(struct certificate_wish){ 0 });
    cleanup(mem_freep) char *name = tls_certificate_name(tester.x509);

    (void)state;
    assert_string_equal(name, "tester \xc3\xa4");
    assert_null(tls_certificate_name(nobody.x509));
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(nobody.x509), "CN",
                                                MBSTRING_UTF8, (const uint8_t *)"root\0x", 6, -1,
                                                0),
                     1);
    assert_null(tls_certificate_name(nobody.x509)); /* with a zero byte in it */
    mem_fail_at(1, true);
    assert_null(tls_certificate_name(tester.x509));
    mem_fail_at(0, false);
    certificate_finish(&tester);
    certificate_finish(&nobody);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_numbers_are_matched_as_libpq_does),
        cmocka_unit_test(the_hash_is_that_of_the_signature_but_never_a_weak_one),
        cmocka_unit_test(the_common_name_is_there_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
