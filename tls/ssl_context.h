/* tls/ssl_context.h: what the contexts of both sides have in common: TLS 1.2 or newer, nothing
 * resumed, nothing renegotiated, and certificates from files as PostgreSQL takes them.
 *
 * These read files and so may block. All say 0 or FAILED (F0000, which names the file). */
#pragma once

#include "base/failure.h"

#include <openssl/types.h>
#include <stdbool.h>

enum tls_side { TLS_SERVER, TLS_CLIENT };

/* SSL_CTX_free() it. */
must_check int ssl_context_create(enum tls_side side, SSL_CTX **ret_context,
                                  struct failure *ret_failure);

/* A certificate, with those that lead to its root behind it, and its key, which nobody else may
 * read. password: of the key; NULL: none, and a key that needs one is refused. */
must_check int ssl_context_identify(SSL_CTX *context, const char *cert_file, const char *key_file,
                                    const char *password, struct failure *ret_failure);

/* Who is trusted to have signed the other side's certificate. */
must_check int ssl_context_trust(SSL_CTX *context, const char *ca_file,
                                 struct failure *ret_failure);

/* A server names them to its clients, who may have several certificates. */
must_check int ssl_context_name_trusted(SSL_CTX *context, const char *ca_file,
                                        struct failure *ret_failure);

/* The same for those that the system trusts (OpenSSL's preset folder, or SSL_CERT_FILE and
 * SSL_CERT_DIR in the environment). */
must_check int ssl_context_trust_system(SSL_CTX *context, struct failure *ret_failure);

/* What they have revoked; each may be NULL. Certificates whose issuer has no list there are refused
 * then. */
must_check int ssl_context_revoke(SSL_CTX *context, const char *crl_file, const char *crl_dir,
                                  struct failure *ret_failure);

/* Ciphers of TLS 1.2, as OpenSSL writes them. */
must_check int ssl_context_cipher(SSL_CTX *context, const char *ciphers,
                                  struct failure *ret_failure);
