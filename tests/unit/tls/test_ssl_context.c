/* Files of certificates, keys and lists: taken, or refused with the file's name. */
#include "support.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static SSL_CTX *fresh(void)
{
    SSL_CTX *context = NULL;
    struct failure f;

    assert_int_equal(ssl_context_create(TLS_SERVER, &context, &f), 0);
    return context;
}

static void expect_identity(const char *cert, const char *key, const char *password,
                            const char *words)
{
    char cert_file[200], key_file[200];
    struct failure f;
    SSL_CTX *context = fresh();

    strcpy(cert_file, in_folder(cert));
    strcpy(key_file, in_folder(key));
    int r = ssl_context_identify(context, cert_file, key_file, password, &f);
    if (words == NULL) {
        assert_int_equal(r, 0);
    } else {
        assert_int_equal(r, FAILED);
        assert_string_equal(f.sqlstate, "F0000");
        if (strstr(failure_get(&f, FIELD_MESSAGE), words) == NULL) {
            fail_msg("\"%s\" is not in: %s", words, failure_get(&f, FIELD_MESSAGE));
        }
        assert_non_null(strstr(failure_get(&f, FIELD_MESSAGE), folder));
    }
    SSL_CTX_free(context);
}

static void a_certificate_and_its_key_belong_together(void **state)
{
    (void)state;
    expect_identity("server.crt", "server.key", NULL, NULL);
    expect_identity("server-chain.crt", "server-chain.key", NULL, NULL);
    expect_identity("server-rsa.crt", "server-rsa.key", NULL, NULL);
    expect_identity("server.crt", "client.key", NULL, "key values mismatch");
    expect_identity("server.crt", "server-rsa.key", NULL, "does not belong to");
    expect_identity("missing.crt", "server.key", NULL, "missing.crt\": No such file or directory");
    expect_identity("server.crt", "missing.key", NULL, "missing.key\": No such file or directory");
    expect_identity("server.key", "server.key", NULL, "server.key\": no start line");
    expect_identity("server.crt", "server.crt", NULL, "server.crt\": there is no key in it");
    expect_identity("server.crt", "", NULL, "is not a regular file");
}

static void a_locked_key_wants_its_password(void **state)
{
    (void)state;
    expect_identity("server-locked.crt", "server-locked.key", "secret", NULL);
    expect_identity("server-locked.crt", "server-locked.key", "wrong", "could not load");
    expect_identity("server-locked.crt", "server-locked.key", NULL, "could not load");
}

static void a_key_that_others_may_read_is_refused(void **state)
{
    char path[200];

    (void)state;
    strcpy(path, in_folder("server.key"));
    assert_int_equal(chmod(path, 0604), 0);
    expect_identity("server.crt", "server.key", NULL, "has group or world access");
    assert_int_equal(chmod(path, 0660), 0);
    expect_identity("server.crt", "server.key", NULL, "has group or world access");
    assert_int_equal(chmod(path, 0640), 0); /* which a key of root's may have */
    expect_identity("server.crt", "server.key", NULL,
                    geteuid() == 0 ? NULL : "has group or world access");
    assert_int_equal(chmod(path, 0600), 0);
}

static void roots_and_lists_are_read_or_named(void **state)
{
    struct failure f;
    SSL_CTX *context = fresh();

    (void)state;
    assert_int_equal(ssl_context_trust(context, in_folder("root.crt"), &f), 0);
    assert_int_equal(sk_X509_NAME_num(SSL_CTX_get_client_CA_list(context)), 0);
    assert_int_equal(ssl_context_name_trusted(context, in_folder("root.crt"), &f), 0);
    assert_int_equal(sk_X509_NAME_num(SSL_CTX_get_client_CA_list(context)), 1);
    assert_int_equal(ssl_context_name_trusted(context, in_folder("missing.crt"), &f), FAILED);
    assert_int_equal(ssl_context_revoke(context, in_folder("root.crl"), NULL, &f), 0);
    assert_int_equal(ssl_context_revoke(context, NULL, folder, &f), 0);
    assert_int_equal(ssl_context_trust(context, in_folder("missing.crt"), &f), FAILED);
    assert_non_null(strstr(failure_get(&f, FIELD_MESSAGE), "missing.crt\": No such file"));
    assert_int_equal(ssl_context_trust(context, in_folder("root.key"), &f), FAILED);
    assert_non_null(strstr(failure_get(&f, FIELD_MESSAGE), "root.key"));
    assert_int_equal(ssl_context_revoke(context, in_folder("missing.crl"), NULL, &f), FAILED);
    assert_non_null(strstr(failure_get(&f, FIELD_MESSAGE), "missing.crl"));
    assert_int_equal(ssl_context_cipher(context, "HIGH:!aNULL", &f), 0);
    assert_int_equal(ssl_context_cipher(context, "NONSENSE", &f), FAILED);
    SSL_CTX_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_and_its_key_belong_together),
        cmocka_unit_test(a_locked_key_wants_its_password),
        cmocka_unit_test(a_key_that_others_may_read_is_refused),
        cmocka_unit_test(roots_and_lists_are_read_or_named),
    };
    return cmocka_run_group_tests(tests, certificates_setup, certificates_teardown);
}
