/* daemon/connection_tls.h: TLS under one connection. From connection_tls_begin() on, its input and
 * output are encrypted and nothing plain is sent or read any more. Worker's thread. */
#pragma once

#include "base/failure.h"
#include "base/view.h"

#include <stdbool.h>

struct connection;

/* ---- for those who log in ---- */

bool connection_is_encrypted(const struct connection *conn);

/* What the client can bind its login to (tls-server-end-point, RFC 5929): at most
 * tls_binding_bytes. False: it is not encrypted, or its certificate has no such hash. */
bool connection_channel_binding(const struct connection *conn, uint8_t *ret_hash, size_t *ret_len);

/* The common name of the client's certificate, which was verified. NULL: it showed none. */
const char *connection_certificate_name(const struct connection *conn);

/* ---- for the connection's own files ---- */

/* Is there TLS for such a client? */
bool connection_tls_is_offered(const struct connection *conn);

/* 28000 when the client must use it and does not. 0 or FAILED. */
must_check int connection_tls_check(const struct connection *conn, struct failure *ret_failure);

/* Where `early` came first, without a request, the client must name our protocol. 0 or -ENOMEM. */
must_check int connection_tls_begin(struct connection *conn, struct view early);

/* Goes on with the hand-shake; at once when that is done. 0 once it is, INPUT_NOTHING (more has to
 * come), CONNECTION_END or -errno. Awaits room in the socket, and a helper thread. */
must_check int connection_tls_shake(struct connection *conn);

/* " SSL enabled (protocol=..., cipher=..., bits=...)", or nothing. */
void connection_tls_describe(const struct connection *conn, char *text, size_t size);
