/* tests/support/certificates.h: certificates for tests, made anew each time. Whatever fails ends
 * the program. */
#pragma once

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

struct certificate {
    EVP_PKEY *key;
    X509 *x509;
};

struct certificate_wish {
    const char *common_name;          /* NULL: none */
    const char *names;                /* "DNS:localhost,IP:127.0.0.1"; NULL: none */
    const struct certificate *issuer; /* NULL: itself */
    bool is_ca;
    int64_t valid_from_s; /* from now */
    int64_t valid_to_s;   /* 0: an hour */
    int rsa_bits;         /* 0: a key on the curve P-256 */
    const char *digest;   /* NULL: SHA256; "": that of an Ed25519 key */
};

struct certificate certificate_make(const struct certificate_wish *wish);
void certificate_finish(struct certificate *certificate);

/* Into folder/name.crt, with `more` (NULL: none) behind it, and folder/name.key (0600; with the
 * password, if any). */
void certificate_write(const struct certificate *certificate, const struct certificate *more,
                       const char *password, const char *folder, const char *name);
/* The issuer's list of what it has revoked, into folder/name. */
void certificate_write_crl(const struct certificate *issuer,
                           const struct certificate *const *revoked, int count, const char *folder,
                           const char *name);

/* All that the tests with real clients need, named as tests/support/certificates.c says. */
void certificates_write_all(const char *folder);
