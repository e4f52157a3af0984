/* daemon/connection_tls.c: the hand-shake, in the tasks that serve what has come. While it waits
 * for its client the connection is as idle as before any start-up packet: no task, no stack; the
 * login's deadline ends it. */
#include "daemon/connection_tls.h"

#include "async/await.h"
#include "base/alloc.h"
#include "daemon/connection_impl.h"
#include "daemon/log.h"
#include "daemon/tls_context.h"
#include "tls/certificate.h"
#include "tls/tls.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

struct connection_tls {
    struct tls *tls;
    struct tls_context *context;
    char *client_name;
    bool done;
    bool direct; /* without an SSLRequest before it */
};

/* ---- questions ---- */

bool connection_is_encrypted(const struct connection *conn)
{
    return conn->tls != NULL && conn->tls->done;
}

bool connection_channel_binding(const struct connection *conn, uint8_t *ret_hash, size_t *ret_len)
{
    if (!connection_is_encrypted(conn) || conn->tls->context->binding_len == 0) {
        return false;
    }
    memcpy(ret_hash, conn->tls->context->binding, conn->tls->context->binding_len);
    *ret_len = conn->tls->context->binding_len;
    return true;
}

const char *connection_certificate_name(const struct connection *conn)
{
    return connection_is_encrypted(conn) ? conn->tls->client_name : NULL;
}

bool connection_tls_is_offered(const struct connection *conn)
{
    return conn->worker->tls != NULL && !address_is_unix(&conn->from);
}

int connection_tls_check(const struct connection *conn, struct failure *ret_failure)
{
    if (!connection_tls_is_offered(conn) || conn->worker->tls->mode < CONF_TLS_REQUIRE ||
        connection_is_encrypted(conn)) {
        return 0;
    }
    failure_set(ret_failure, "28000", "SSL required");
    failure_add(ret_failure, FIELD_HINT, "Connect with sslmode=require, verify-ca or verify-full.");
    return FAILED;
}

void connection_tls_describe(const struct connection *conn, char *text, size_t size)
{
    text[0] = '\0';
    if (connection_is_encrypted(conn)) {
        const SSL *ssl = tls_ssl(conn->tls->tls);

        snprintf(text, size, " SSL enabled (protocol=%s, cipher=%s, bits=%d)", SSL_get_version(ssl),
                 SSL_get_cipher(ssl), SSL_get_cipher_bits(ssl, NULL));
    }
}

/* ---- begin and end ---- */

static void end(void *arg)
{
    struct connection *conn = arg;
    struct connection_tls *ct = take_ptr(conn->tls);

    if (conn->output.broken == 0) {
        tls_say_end(ct->tls);
    }
    conn->input.tls = NULL;
    conn->output.tls = NULL;
    tls_destroy(ct->tls);
    tls_context_unref(ct->context);
    mem_free(ct->client_name);
    mem_free(ct);
}

int connection_tls_begin(struct connection *conn, struct view early)
{
    struct connection_tls *ct = conn->worker->tls == NULL ? NULL : mem_zalloc(sizeof(*ct));

    if (ct == NULL) { /* a reload may have switched TLS off since it was offered */
        return -ENOMEM;
    }
    int r = tls_create(conn->worker->tls->ssl, conn->fd, early, &ct->tls);
    if (r != 0) {
        mem_free(ct);
        return r;
    }
    ct->context = tls_context_ref(conn->worker->tls);
    ct->direct = early.len > 0;
    conn->tls = ct;
    conn->input.tls = ct->tls;
    conn->output.tls = ct->tls;
    conn->input.more = early.len > 0;
    return scope_defer(&conn->scope, end, conn);
}

/* ---- the hand-shake ---- */

static int give_up(const struct connection *conn, const char *why)
{
    const struct log_about about = connection_about(conn);
    char room[address_text_bytes];

    log_about(LEVEL_LOG, &about, "could not accept a TLS connection from %s: %s",
              address_in_words(&conn->from, room), why);
    return CONNECTION_END;
}

static int finish(struct connection *conn)
{
    struct connection_tls *ct = conn->tls;
    const SSL *ssl = tls_ssl(ct->tls);
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    const unsigned char *protocol;
    unsigned protocol_len;

    SSL_get0_alpn_selected(ssl, &protocol, &protocol_len);
    if (ct->direct && protocol_len == 0) {
        return give_up(conn, "it came without a request and named no protocol (ALPN)");
    }
    if (certificate != NULL && SSL_get_verify_result(ssl) == X509_V_OK) {
        ct->client_name = tls_certificate_name(certificate);
    }
    conn->ssl_asked = true;
    conn->gssenc_asked = true; /* one encryption is enough */
    ct->done = true;
    return 0;
}

struct step {
    struct tls *tls;
    struct failure failure;
    int result;
};

static void take_step(void *arg)
{
    struct step *step = arg;

    step->result = tls_accept(step->tls, &step->failure);
}

/* One step, and until the socket has room for the next one if that is what it lacks. */
static int await_step(struct connection *conn, struct step *step)
{
    int r = 0;

    if (conn->tls->context->is_slow) {
        r = await_offload(take_step, step);
    } else {
        take_step(step);
    }
    return r == 0 && step->result == TLS_WANTS_WRITE ? output_await_room(&conn->output) : r;
}

int connection_tls_shake(struct connection *conn)
{
    struct connection_tls *ct = conn->tls;
    struct step step = { .tls = ct->tls };
    int r;

    if (ct->done) {
        return 0;
    }
    do {
        r = await_step(conn, &step);
    } while (r == 0 && step.result == TLS_WANTS_WRITE);
    if (r != 0) {
        return r == -ECANCELED ? INPUT_NOTHING : r; /* the goodbye comes next */
    }
    conn->input.more = false;
    if (step.result == FAILED) {
        return give_up(conn, failure_get(&step.failure, FIELD_MESSAGE));
    }
    return step.result == 0 ? finish(conn) : INPUT_NOTHING;
}
