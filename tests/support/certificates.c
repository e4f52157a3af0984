/* tests/support/certificates.c: see the header. */
#include "certificates.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define must(condition)                                                                \
    do {                                                                               \
        if (!(condition)) {                                                            \
            fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                   \
        }                                                                              \
    } while (0)

enum { hour_s = 3600 };

static EVP_PKEY *make_key(const struct certificate_wish *wish)
{
    EVP_PKEY *key = wish->rsa_bits > 0 ? EVP_RSA_gen((unsigned)wish->rsa_bits)
                    : wish->digest != NULL && wish->digest[0] == '\0'
                        ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                        : EVP_EC_gen("P-256");

    must(key != NULL);
    return key;
}

static void add_extension(X509 *x509, X509 *issuer, int nid, const char *text)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, text);
    must(extension != NULL && X509_add_ext(x509, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static void set_serial(X509 *x509)
{
    uint64_t serial;

    must(RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1);
    must(ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial >> 1 | 1) == 1);
}

static void set_name(X509 *x509, const char *common_name)
{
    if (common_name != NULL) {
        must(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                                        (const unsigned char *)common_name, -1, -1, 0) == 1);
    }
}

static const EVP_MD *digest_of(const char *name)
{
    return name == NULL ? EVP_sha256() : name[0] == '\0' ? NULL : EVP_get_digestbyname(name);
}

struct certificate certificate_make(const struct certificate_wish *wish)
{
    struct certificate made = { .key = make_key(wish), .x509 = X509_new() };
    const struct certificate *issuer = wish->issuer == NULL ? &made : wish->issuer;
    X509 *x509 = made.x509;
    int64_t end_s = wish->valid_to_s == 0 ? hour_s : wish->valid_to_s;

    must(x509 != NULL && X509_set_version(x509, 2) == 1);
    set_serial(x509);
    set_name(x509, wish->common_name);
    must(X509_gmtime_adj(X509_getm_notBefore(x509), (long)wish->valid_from_s) != NULL);
    must(X509_gmtime_adj(X509_getm_notAfter(x509), (long)end_s) != NULL);
    must(X509_set_issuer_name(x509, X509_get_subject_name(issuer->x509)) == 1);
    must(X509_set_pubkey(x509, made.key) == 1);
    add_extension(x509, issuer->x509, NID_basic_constraints,
                  wish->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (wish->is_ca) {
        add_extension(x509, issuer->x509, NID_key_usage, "critical,keyCertSign,cRLSign");
    }
    if (wish->names != NULL) {
        add_extension(x509, issuer->x509, NID_subject_alt_name, wish->names);
    }
    must(X509_sign(x509, issuer->key, digest_of(wish->digest)) > 0);
    return made;
}

void certificate_finish(struct certificate *certificate)
{
    EVP_PKEY_free(certificate->key);
    X509_free(certificate->x509);
    *certificate = (struct certificate){ 0 };
}

/* ---- files ---- */

static FILE *create(const char *folder, const char *name, const char *ending)
{
    char path[4096];

    must(snprintf(path, sizeof(path), "%s/%s%s", folder, name, ending) < (int)sizeof(path));
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    must(file != NULL);
    return file;
}

void certificate_write(const struct certificate *certificate, const struct certificate *more,
                       const char *password, const char *folder, const char *name)
{
    FILE *file = create(folder, name, ".crt");

    must(PEM_write_X509(file, certificate->x509) == 1);
    must(more == NULL || PEM_write_X509(file, more->x509) == 1);
    must(fclose(file) == 0);
    file = create(folder, name, ".key");
    must(PEM_write_PKCS8PrivateKey(file, certificate->key,
                                   password == NULL ? NULL : EVP_aes_128_cbc(), password,
                                   password == NULL ? 0 : (int)strlen(password), NULL, NULL) == 1);
    must(fclose(file) == 0);
}

static void add_revoked(X509_CRL *crl, const struct certificate *certificate)
{
    X509_REVOKED *revoked = X509_REVOKED_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, 0);

    must(revoked != NULL && now != NULL);
    must(X509_REVOKED_set_serialNumber(revoked, X509_get_serialNumber(certificate->x509)) == 1);
    must(X509_REVOKED_set_revocationDate(revoked, now) == 1);
    must(X509_CRL_add0_revoked(crl, revoked) == 1);
    ASN1_TIME_free(now);
}

void certificate_write_crl(const struct certificate *issuer,
                           const struct certificate *const *revoked, int count, const char *folder,
                           const char *name)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, 0);
    ASN1_TIME *next = X509_gmtime_adj(NULL, hour_s);
    FILE *file = create(folder, name, "");

    must(crl != NULL && now != NULL && next != NULL && X509_CRL_set_version(crl, 1) == 1);
    must(X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->x509)) == 1);
    must(X509_CRL_set1_lastUpdate(crl, now) == 1 && X509_CRL_set1_nextUpdate(crl, next) == 1);
    for (int i = 0; i < count; i++) {
        add_revoked(crl, revoked[i]);
    }
    must(X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0);
    must(PEM_write_X509_CRL(file, crl) == 1 && fclose(file) == 0);
    ASN1_TIME_free(now);
    ASN1_TIME_free(next);
    X509_CRL_free(crl);
}

/* ---- the whole set ---- */

enum issuer { BY_ITSELF, BY_ROOT, BY_OTHER, BY_MIDDLE, ISSUERS };

#define HERE "DNS:localhost,IP:127.0.0.1"

/* root and other-root come beside these; root.crl has root's that are revoked. */
static const struct row {
    const char *name;
    enum issuer issuer;
    struct certificate_wish wish;
    bool revoked;
} rows[] = {
    { "server", BY_ROOT, { .common_name = "localhost", .names = HERE }, false },
    { "server-new", BY_ROOT, { .common_name = "renewed", .names = HERE }, false },
    { "server-rsa", BY_ROOT, { .common_name = "rsa", .names = HERE, .rsa_bits = 2048 }, false },
    { "server-slow", BY_ROOT, { .common_name = "slow", .names = HERE, .rsa_bits = 3072 }, false },
    { "server-chain", BY_MIDDLE, { .common_name = "chain", .names = HERE }, false },
    { "server-elsewhere",
      BY_ROOT,
      { .common_name = "x", .names = "DNS:elsewhere.example" },
      false },
    { "server-self", BY_ITSELF, { .common_name = "localhost", .names = HERE }, false },
    { "server-expired",
      BY_ROOT,
      { .common_name = "expired",
        .names = HERE,
        .valid_from_s = -2 * hour_s,
        .valid_to_s = -hour_s },
      false },
    { "server-revoked", BY_ROOT, { .common_name = "revoked", .names = HERE }, true },
    { "client", BY_ROOT, { .common_name = "tester" }, false },
    { "client-revoked", BY_ROOT, { .common_name = "tester" }, true },
    { "client-other", BY_OTHER, { .common_name = "tester" }, false },
    { "client-expired",
      BY_ROOT,
      { .common_name = "tester", .valid_from_s = -2 * hour_s, .valid_to_s = -hour_s },
      false },
};

enum { row_count = sizeof(rows) / sizeof(rows[0]) };

static void write_crl_of_rows(const struct certificate *root, const struct certificate *made,
                              const char *folder)
{
    const struct certificate *revoked[row_count];
    int count = 0;

    for (int i = 0; i < row_count; i++) {
        if (rows[i].revoked) {
            revoked[count++] = &made[i];
        }
    }
    certificate_write_crl(root, revoked, count, folder, "root.crl");
}

void certificates_write_all(const char *folder)
{
    struct certificate issuers[ISSUERS] = { 0 };
    struct certificate made[row_count];

    issuers[BY_ROOT] =
        certificate_make(&(struct certificate_wish){ .common_name = "root", .is_ca = true });
    issuers[BY_OTHER] =
        certificate_make(&(struct certificate_wish){ .common_name = "other root", .is_ca = true });
    issuers[BY_MIDDLE] = certificate_make(&(struct certificate_wish){
        .common_name = "middle", .is_ca = true, .issuer = &issuers[BY_ROOT] });
    certificate_write(&issuers[BY_ROOT], NULL, NULL, folder, "root");
    certificate_write(&issuers[BY_OTHER], NULL, NULL, folder, "other-root");
    for (int i = 0; i < row_count; i++) {
        struct certificate_wish wish = rows[i].wish;

        wish.issuer = rows[i].issuer == BY_ITSELF ? NULL : &issuers[rows[i].issuer];
        made[i] = certificate_make(&wish);
        certificate_write(&made[i], rows[i].issuer == BY_MIDDLE ? &issuers[BY_MIDDLE] : NULL, NULL,
                          folder, rows[i].name);
    }
    certificate_write(&made[0], NULL, "secret", folder, "server-locked");
    write_crl_of_rows(&issuers[BY_ROOT], made, folder);
    for (int i = 0; i < row_count; i++) {
        certificate_finish(&made[i]);
    }
    for (int i = 0; i < ISSUERS; i++) {
        certificate_finish(&issuers[i]);
    }
}
