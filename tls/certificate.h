/* tls/certificate.h: what a certificate says. Pure; any thread. */
#pragma once

#include "base/failure.h"

#include <openssl/types.h>
#include <stdbool.h>

enum { tls_hash_bytes_max = 64 };

/* The server's certificate as SCRAM binds a login to it (tls-server-end-point, RFC 5929): its hash
 * by the algorithm of its signature, SHA-256 where that is MD5 or SHA-1. False where none is
 * defined, as with Ed25519. */
bool tls_certificate_hash(const X509 *certificate, uint8_t *ret_hash, size_t *ret_len);

/* Its common name; mem_free() it. NULL: it has none, one with a zero byte in it (which another
 * reader would cut), or there is no memory. */
char *tls_certificate_name(const X509 *certificate);

/* Is it made out to that host? By the rules of libpq 15: names and numbers of subjectAltName count,
 * the common name only where there are none of that kind. */
bool tls_certificate_is_for(X509 *certificate, const char *host);
