/* client/tls.h: TLS to one server, as libpq's sslmode has it. For the task of the call. */
#pragma once

#include "client/conninfo.h"
#include "client/connection.h"

/* The words of sslmode, weakest first. */
enum tls_mode {
    TLS_DISABLE,
    TLS_ALLOW,
    TLS_PREFER,
    TLS_REQUIRE,
    TLS_VERIFY_CA,
    TLS_VERIFY_FULL,
};

/* POND_USAGE for another word. */
must_check int tls_mode_of(const struct conninfo *info, enum tls_mode *ret_mode,
                           struct pond_error *error);

enum { TLS_NOT_OFFERED = 1 };

/* Asks the server for TLS and shakes hands; `host` is the name that it shall prove to be, NULL:
 * none was said. 0, TLS_NOT_OFFERED (the connection may go on in plain text) or a kind. Awaits. */
must_check int conn_encrypt(struct pond_conn *conn, const struct conninfo *info, const char *host,
                            enum tls_mode mode, struct pond_error *error);

/* ---- for logins that are bound to the connection (RFC 5929, tls-server-end-point) ---- */

bool conn_is_encrypted(const struct pond_conn *conn);
/* At most tls_hash_bytes_max (tls/certificate.h). False: it is not encrypted, or no hash is defined
 * for the server's certificate. */
bool conn_channel_binding(const struct pond_conn *conn, uint8_t *ret_hash, size_t *ret_len);
