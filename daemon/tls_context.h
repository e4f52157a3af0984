/* daemon/tls_context.h: what the server's side of TLS is made of: certificate, key, whom it trusts,
 * and when clients must use it.
 *
 * Immutable and counted: each worker has one, and each connection keeps the one that it began with,
 * so a new one can be made beside it at any time. Any thread. */
#pragma once

#include "base/failure.h"
#include "conf/conf.h"

#include <openssl/types.h>
#include <stdatomic.h>
#include <stdbool.h>

struct server;

enum { tls_binding_bytes = 64 };

struct tls_context {
    SSL_CTX *ssl;
    atomic_size_t refs;
    enum conf_tls_mode mode;
    bool is_slow; /* a hand-shake takes longer than a slice: it goes to a helper thread */
    uint8_t binding[tls_binding_bytes]; /* tls-server-end-point */
    size_t binding_len;                 /* 0: none is defined for this certificate */
};

/* Reads the files that the options of client_tls_* name; may block. *ret_context is NULL when TLS
 * is disabled. 0 or FAILED, which names option or file. */
must_check int tls_context_load(const struct conf *conf, struct tls_context **ret_context,
                                struct failure *ret_failure);
/* The same on a helper thread. Also -ENOMEM. */
must_check int tls_context_await_load(const struct conf *conf, struct tls_context **ret_context,
                                      struct failure *ret_failure);
struct tls_context *tls_context_ref(struct tls_context *context);
void tls_context_unref(struct tls_context *context); /* NULL is fine */

/* New connections of all workers that run use it from now on (NULL: none), those that are there
 * keep theirs. Takes the caller's reference. Awaits. */
void tls_context_use(struct server *server, struct tls_context *context);
