/* tls/tls.h: one TLS connection over a non-blocking socket, of either side, by OpenSSL 3.
 *
 * Nothing here waits: who asked is told what the socket must be ready for, waits for that in his
 * own way, and asks again. Belongs to whoever serves the connection; one thread at a time, but not
 * always the same one. OpenSSL's queue of errors is per thread: it is emptied before and read right
 * after each step, within one function. */
#pragma once

#include "base/failure.h"
#include "base/view.h"

#include <openssl/types.h>

enum {
    TLS_WANTS_READ = 20, /* nothing more can be done until the socket is readable ... */
    TLS_WANTS_WRITE,     /* ... or writable */
    TLS_END,             /* the other side has ended it, or hung up */
};

/* What OpenSSL takes for a connection, about, and is charged to the current account: its own
 * allocations are not seen by ours. Measured: 14 KiB for each of 500 that rest; while bytes move it
 * borrows up to two buffers of 17 KiB more, in a server's hand-shake also what came of it, of which
 * it takes 32 KiB and no more. */
enum { tls_reserved_bytes = 20 * 1024 };

struct tls;

/* `early`: bytes that were read from the socket already; copied. 0 or -ENOMEM. */
must_check int tls_create(SSL_CTX *context, int fd, struct view early, struct tls **ret_tls);
void tls_destroy(struct tls *tls); /* the socket stays open */

/* The connection itself, for questions about certificates and names. */
SSL *tls_ssl(const struct tls *tls);

/* One step of the hand-shake. 0: it is done; TLS_WANTS_READ, TLS_WANTS_WRITE, or FAILED (08P01)
 * with what was wrong. */
must_check int tls_accept(struct tls *tls, struct failure *ret_failure);
must_check int tls_connect(struct tls *tls, struct failure *ret_failure);

/* 0 and at least one byte; TLS_WANTS_READ, TLS_WANTS_WRITE, TLS_END, or -errno (-EPROTO: not TLS).
 */
must_check int tls_read(struct tls *tls, uint8_t *at, size_t room, size_t *ret_got);
/* Bytes that were taken from the socket and not yet read may be left: no event will tell. */
bool tls_has_more(const struct tls *tls);

/* The same for sending. What was asked for when it said TLS_WANTS_WRITE must be asked for again, if
 * anything is; its bytes may have moved. */
must_check int tls_write(struct tls *tls, struct view bytes, size_t *ret_sent);

/* Tells the other side that no more comes, as far as that is possible at once. */
void tls_say_end(struct tls *tls);
