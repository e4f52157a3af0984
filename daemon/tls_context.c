/* daemon/tls_context.c: see the header. */
#include "daemon/tls_context.h"

#include "async/await.h"
#include "base/alloc.h"
#include "daemon/server.h"
#include "tls/certificate.h"
#include "tls/error.h"
#include "tls/ssl_context.h"

#include <assert.h>
#include <openssl/ssl.h>
#include <string.h>

static_assert((int)tls_binding_bytes == (int)tls_hash_bytes_max, "every hash must fit");

/* ---- ALPN ---- */

/* Who names protocols must name ours: one server's answer shall not be taken for another's. */
static int choose_protocol(SSL *ssl, const unsigned char **ret_chosen, unsigned char *ret_len,
                           const unsigned char *offered, unsigned offered_len, void *arg)
{
    static const unsigned char ours[] = "\x0apostgresql";
    unsigned char *chosen;

    (void)ssl, (void)arg;
    if (SSL_select_next_proto(&chosen, ret_len, ours, sizeof(ours) - 1, offered, offered_len) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *ret_chosen = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* ---- from the options ---- */

static int check_options(const struct conf *conf, struct failure *ret_failure)
{
    if (*conf->tls_cert_file == '\0' || *conf->tls_key_file == '\0') {
        return failure_set(ret_failure, "F0000",
                           "%s: client_tls_sslmode needs client_tls_cert_file and "
                           "client_tls_key_file",
                           conf->path);
    }
    if (conf->tls_mode >= CONF_TLS_VERIFY_CA && *conf->tls_ca_file == '\0') {
        return failure_set(ret_failure, "F0000",
                           "%s: client_tls_sslmode = verify-ca or verify-full needs "
                           "client_tls_ca_file",
                           conf->path);
    }
    if (*conf->tls_crl_file != '\0' && *conf->tls_ca_file == '\0') {
        return failure_set(ret_failure, "F0000", "%s: client_tls_crl_file needs client_tls_ca_file",
                           conf->path);
    }
    return 0;
}

static int load_trust(SSL_CTX *ssl, const struct conf *conf, struct failure *ret_failure)
{
    bool must_have = conf->tls_mode >= CONF_TLS_VERIFY_CA;

    if (*conf->tls_ca_file == '\0') {
        return 0;
    }
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | (must_have ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       NULL);
    int r = ssl_context_trust(ssl, conf->tls_ca_file, ret_failure);
    if (r == 0) {
        r = ssl_context_name_trusted(ssl, conf->tls_ca_file, ret_failure);
    }
    if (r == 0 && *conf->tls_crl_file != '\0') {
        r = ssl_context_revoke(ssl, conf->tls_crl_file, NULL, ret_failure);
    }
    return r;
}

static int load_files(SSL_CTX *ssl, const struct conf *conf, struct failure *ret_failure)
{
    int r = ssl_context_identify(ssl, conf->tls_cert_file, conf->tls_key_file, NULL, ret_failure);

    if (r == 0) {
        r = load_trust(ssl, conf, ret_failure);
    }
    if (r == 0 && strcmp(conf->tls_ciphers, "default") != 0) {
        r = ssl_context_cipher(ssl, conf->tls_ciphers, ret_failure);
    }
    return r;
}

static void set_protocols(SSL_CTX *ssl, int64_t protocols)
{
    if (protocols == CONF_TLS_1_2) {
        SSL_CTX_set_max_proto_version(ssl, TLS1_2_VERSION);
    } else if (protocols == CONF_TLS_1_3) {
        SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION);
    }
    SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, NULL);
}

/* Signing takes 0.02 ms with ECDSA (P-256), 0.3 ms with RSA of 2048 bits, 1.8 ms of 3072 and 4 ms
 * of 4096; a trip to a helper thread some 0.02 ms. */
static bool signs_slowly(const SSL_CTX *ssl)
{
    const EVP_PKEY *key = SSL_CTX_get0_privatekey(ssl);

    return EVP_PKEY_is_a(key, "RSA") == 1 && EVP_PKEY_get_bits(key) > 2048;
}

static struct tls_context *wrap(SSL_CTX *ssl, const struct conf *conf)
{
    struct tls_context *context = mem_zalloc(sizeof(*context));

    if (context == NULL) {
        return NULL;
    }
    context->ssl = ssl;
    atomic_init(&context->refs, 1);
    context->mode = (enum conf_tls_mode)conf->tls_mode;
    context->is_slow = signs_slowly(ssl);
    if (!tls_certificate_hash(SSL_CTX_get0_certificate(ssl), context->binding,
                              &context->binding_len)) {
        context->binding_len = 0;
    }
    return context;
}

int tls_context_load(const struct conf *conf, struct tls_context **ret_context,
                     struct failure *ret_failure)
{
    SSL_CTX *ssl = NULL;

    if (conf->tls_mode == CONF_TLS_DISABLE) {
        *ret_context = NULL;
        return 0;
    }
    int r = check_options(conf, ret_failure);
    if (r == 0) {
        r = ssl_context_create(TLS_SERVER, &ssl, ret_failure);
    }
    if (r == 0) {
        r = load_files(ssl, conf, ret_failure);
    }
    if (r == 0) {
        set_protocols(ssl, conf->tls_protocols);
        *ret_context = wrap(ssl, conf);
        r = *ret_context == NULL ? failure_set_nomem(ret_failure) : 0;
    }
    if (r != 0) {
        SSL_CTX_free(ssl);
    }
    return r;
}

struct load_job {
    const struct conf *conf;
    struct tls_context *context;
    struct failure failure;
    int result;
};

static void run_load_job(void *arg)
{
    struct load_job *job = arg;

    job->result = tls_context_load(job->conf, &job->context, &job->failure);
}

int tls_context_await_load(const struct conf *conf, struct tls_context **ret_context,
                           struct failure *ret_failure)
{
    struct load_job job = { .conf = conf };

    if (await_offload(run_load_job, &job) != 0) {
        return failure_set_no_thread(ret_failure);
    }
    if (job.result != 0) {
        *ret_failure = job.failure;
        return job.result;
    }
    *ret_context = job.context;
    return 0;
}

/* ---- life ---- */

struct tls_context *tls_context_ref(struct tls_context *context)
{
    atomic_fetch_add_explicit(&context->refs, 1, memory_order_relaxed);
    return context;
}

void tls_context_unref(struct tls_context *context)
{
    if (context != NULL &&
        atomic_fetch_sub_explicit(&context->refs, 1, memory_order_acq_rel) == 1) {
        SSL_CTX_free(context->ssl);
        mem_free(context);
    }
}

static void use(struct worker *worker, void *arg)
{
    struct tls_context *context = arg;

    tls_context_unref(worker->tls);
    worker->tls = context == NULL ? NULL : tls_context_ref(context);
}

void tls_context_use(struct server *server, struct tls_context *context)
{
    server_each_worker(server, use, context);
    tls_context_unref(context);
}
