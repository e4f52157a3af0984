/* client/tls.c: SSLRequest, a context made of the files that sslrootcert and the others name, the
 * hand-shake, and whether the certificate is that of the server that was meant.
 *
 * As with libpq, a root certificate that is there is used whatever the sslmode: without verify-ca a
 * missing one is missed by nobody. https://www.postgresql.org/docs/15/libpq-ssl.html */
#include "client/tls.h"

#include "async/await.h"
#include "client/error.h"
#include "protocol/startup.h"
#include "tls/certificate.h"
#include "tls/ssl_context.h"
#include "tls/tls.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

static const char *setting(const struct conninfo *info, enum conninfo_key key)
{
    const char *value = info->value[key];

    return value != NULL && *value != '\0' ? value : NULL;
}

/* The authorities that the system trusts, instead of a file. */
static bool trusts_system(const struct conninfo *info)
{
    const char *root = setting(info, KEY_SSLROOTCERT);

    return root != NULL && strcmp(root, "system") == 0;
}

int tls_mode_of(const struct conninfo *info, enum tls_mode *ret_mode, struct pond_error *error)
{
    static const char *const words[] = {
        [TLS_DISABLE] = "disable", [TLS_ALLOW] = "allow",         [TLS_PREFER] = "prefer",
        [TLS_REQUIRE] = "require", [TLS_VERIFY_CA] = "verify-ca", [TLS_VERIFY_FULL] = "verify-full",
    };
    const char *value = setting(info, KEY_SSLMODE);
    size_t mode = TLS_PREFER;

    if (value != NULL) {
        for (mode = 0; mode < ARRAY_LEN(words) && strcmp(value, words[mode]) != 0; mode++) {
        }
    }
    if (mode == ARRAY_LEN(words)) {
        return error_set(error, POND_USAGE, "", "invalid sslmode value: \"%s\"", value);
    }
    if (trusts_system(info) && mode != TLS_VERIFY_FULL) {
        return error_set(error, POND_USAGE, "",
                         "weak sslmode \"%s\" may not be used with sslrootcert=system (use "
                         "\"verify-full\")",
                         words[mode]);
    }
    *ret_mode = (enum tls_mode)mode;
    return 0;
}

static int fail(struct pond_error *error, const struct failure *failure)
{
    const char *detail = failure_get(failure, FIELD_DETAIL);

    return error_set(error, POND_CONNECT, "08001", "%s%s%s", failure_get(failure, FIELD_MESSAGE),
                     detail == NULL ? "" : "; ", detail == NULL ? "" : detail);
}

/* ---- the context ---- */

static bool is_there(const char *file)
{
    struct stat st;

    return file != NULL && stat(file, &st) == 0;
}

static int set_version(const char *value, const char *name, SSL_CTX *context,
                       int (*set)(SSL_CTX *context, int version), struct pond_error *error)
{
    int version = value == NULL                   ? 0
                  : strcmp(value, "TLSv1.2") == 0 ? TLS1_2_VERSION
                  : strcmp(value, "TLSv1.3") == 0 ? TLS1_3_VERSION
                                                  : -1;

    if (version < 0) {
        return error_set(error, POND_USAGE, "",
                         "invalid %s value: \"%s\": expected TLSv1.2 or TLSv1.3", name, value);
    }
    if (version > 0) {
        set(context, version);
    }
    return 0;
}

static int set_least(SSL_CTX *context, int version)
{
    return (int)SSL_CTX_set_min_proto_version(context, version);
}

static int set_most(SSL_CTX *context, int version)
{
    return (int)SSL_CTX_set_max_proto_version(context, version);
}

static int set_versions(SSL_CTX *context, const struct conninfo *info, struct pond_error *error)
{
    int r = set_version(setting(info, KEY_SSL_MIN_PROTOCOL_VERSION), "ssl_min_protocol_version",
                        context, set_least, error);

    return r != 0 ? r
                  : set_version(setting(info, KEY_SSL_MAX_PROTOCOL_VERSION),
                                "ssl_max_protocol_version", context, set_most, error);
}

static int load_roots(SSL_CTX *context, const struct conninfo *info, enum tls_mode mode,
                      struct pond_error *error)
{
    const char *root = setting(info, KEY_SSLROOTCERT);
    const char *crl = setting(info, KEY_SSLCRL);
    const char *crl_dir = setting(info, KEY_SSLCRLDIR);
    bool of_system = trusts_system(info);
    struct failure failure;

    if (!of_system && !is_there(root)) {
        return mode < TLS_VERIFY_CA
                   ? 0
                   : error_set(error, POND_CONNECT, "08001",
                               "root certificate file \"%s\" does not exist: provide it "
                               "(sslrootcert), or change sslmode to disable server certificate "
                               "verification",
                               root == NULL ? "~/.postgresql/root.crt" : root);
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    int r = of_system ? ssl_context_trust_system(context, &failure)
                      : ssl_context_trust(context, root, &failure);
    if (r == 0 && (crl != NULL || crl_dir != NULL)) {
        r = ssl_context_revoke(context, crl, crl_dir, &failure);
    }
    return r == 0 ? 0 : fail(error, &failure);
}

/* Not our own: a server that asks for it is told that there is none. */
static int load_own(SSL_CTX *context, const struct conninfo *info, struct pond_error *error)
{
    const char *cert = setting(info, KEY_SSLCERT);
    const char *key = setting(info, KEY_SSLKEY);
    struct failure failure;

    if (!is_there(cert)) {
        return 0;
    }
    if (!is_there(key)) {
        return error_set(error, POND_CONNECT, "08001",
                         "certificate present, but not private key file \"%s\"",
                         key == NULL ? "" : key);
    }
    int r = ssl_context_identify(context, cert, key, setting(info, KEY_SSLPASSWORD), &failure);
    return r == 0 ? 0 : fail(error, &failure);
}

static int make_context(const struct conninfo *info, enum tls_mode mode, SSL_CTX **ret_context,
                        struct pond_error *error)
{
    SSL_CTX *context = NULL;
    struct failure failure;

    if (ssl_context_create(TLS_CLIENT, &context, &failure) != 0) {
        return fail(error, &failure);
    }
    int r = set_versions(context, info, error);
    if (r == 0) {
        r = load_roots(context, info, mode, error);
    }
    if (r == 0) {
        r = load_own(context, info, error);
    }
    if (r != 0) {
        SSL_CTX_free(context);
        return r;
    }
    *ret_context = context;
    return 0;
}

struct making {
    const struct conninfo *info;
    enum tls_mode mode;
    SSL_CTX *context;
    struct pond_error *error;
    int result;
};

static void run_making(void *arg)
{
    struct making *making = arg;

    making->result = make_context(making->info, making->mode, &making->context, making->error);
}

/* Reads files, and takes OpenSSL 3.0 a tenth of a second for the authorities of a system: not on
 * the loop. */
static int await_context(const struct conninfo *info, enum tls_mode mode, SSL_CTX **ret_context,
                         struct pond_error *error)
{
    struct making making = { .info = info, .mode = mode, .error = error };

    if (await_offload(run_making, &making) != 0) {
        return error_no_thread(error);
    }
    if (making.result == 0) {
        *ret_context = making.context;
    }
    return making.result;
}

/* ---- the request ---- */

static int send_request(const struct pond_conn *conn, struct pond_error *error)
{
    cleanup(buf_finish) struct buf packet = { 0 };
    struct writer w = writer_over(&packet);

    startup_ssl_request(&w);
    if (writer_result(&w) != 0) {
        return error_nomem(error);
    }
    /* So few bytes always fit into a new socket. */
    if (send(conn->fd, packet.data, packet.len, MSG_NOSIGNAL) != (ssize_t)packet.len) {
        return error_set(error, POND_CONNECT, "08006", "could not send the request for TLS: %s",
                         strerror(errno));
    }
    return 0;
}

/* One byte and no more: what somebody between us sent behind it must not be taken for the
 * server's. */
static int await_answer(const struct pond_conn *conn, char *ret_answer, struct pond_error *error)
{
    for (;;) {
        int r = await_readable(conn->fd, conn->call_deadline_us);
        ssize_t n = r < 0 ? -1 : recv(conn->fd, ret_answer, 1, 0);

        if (r < 0) {
            return error_of_await(error, r);
        }
        if (n == 1) {
            return 0;
        }
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            return error_set(error, POND_CONNECT, "08006",
                             "the server hung up when it was asked for TLS");
        }
    }
}

static int ask(const struct pond_conn *conn, enum tls_mode mode, struct pond_error *error)
{
    char answer = 0;
    int r = send_request(conn, error);

    if (r == 0) {
        r = await_answer(conn, &answer, error);
    }
    if (r != 0 || answer == 'S') {
        return r;
    }
    if (answer == 'N' && mode < TLS_REQUIRE) {
        return TLS_NOT_OFFERED;
    }
    if (answer == 'N') {
        return error_set(error, POND_CONNECT, "08001",
                         "server does not support SSL, but SSL was required");
    }
    if (answer == 'E') { /* the words behind it come from nobody knows whom */
        return error_set(error, POND_CONNECT, "08001",
                         "server sent an error response during SSL exchange");
    }
    return error_set(error, POND_PROTOCOL, "08P01",
                     "the server does not speak PostgreSQL's protocol");
}

/* ---- the hand-shake ---- */

static bool is_number(const char *host)
{
    return strspn(host, "0123456789.") == strlen(host) || strchr(host, ':') != NULL;
}

static void name_the_host(SSL *ssl, const struct conninfo *info, const char *host)
{
    const char *wanted = setting(info, KEY_SSLSNI);

    if (host != NULL && *host != '\0' && !is_number(host) &&
        (wanted == NULL || strcmp(wanted, "0") != 0)) {
        SSL_set_tlsext_host_name(ssl, host);
    }
}

static int shake(struct pond_conn *conn, struct pond_error *error)
{
    struct failure failure;

    for (;;) {
        int r = tls_connect(conn->tls, &failure);

        if (r == 0) {
            return 0;
        }
        if (r == FAILED) {
            return error_set(error, POND_CONNECT, "08001", "SSL error: %s",
                             failure_get(&failure, FIELD_MESSAGE));
        }
        r = r == TLS_WANTS_WRITE ? await_writable(conn->fd, conn->call_deadline_us)
                                 : await_readable(conn->fd, conn->call_deadline_us);
        if (r < 0) {
            return error_of_await(error, r);
        }
    }
}

static int check_name(const struct pond_conn *conn, const char *host, struct pond_error *error)
{
    X509 *certificate = SSL_get0_peer_certificate(tls_ssl(conn->tls));

    if (host == NULL || *host == '\0') {
        return error_set(error, POND_CONNECT, "08001",
                         "host name must be specified for a verified SSL connection");
    }
    if (certificate == NULL || !tls_certificate_is_for(certificate, host)) {
        return error_set(error, POND_CONNECT, "08001",
                         "server certificate does not match host name \"%s\"", host);
    }
    return 0;
}

int conn_encrypt(struct pond_conn *conn, const struct conninfo *info, const char *host,
                 enum tls_mode mode, struct pond_error *error)
{
    SSL_CTX *context = NULL;
    int r = await_context(info, mode, &context, error);

    if (r == 0) {
        r = ask(conn, mode, error);
    }
    if (r == 0 && tls_create(context, conn->fd, view_of(NULL, 0), &conn->tls) != 0) {
        r = error_nomem(error);
    }
    SSL_CTX_free(context);
    if (r != 0) {
        return r;
    }
    name_the_host(tls_ssl(conn->tls), info, host);
    r = shake(conn, error);
    return r == 0 && mode == TLS_VERIFY_FULL ? check_name(conn, host, error) : r;
}

/* ---- questions ---- */

bool conn_is_encrypted(const struct pond_conn *conn)
{
    return conn->tls != NULL && SSL_is_init_finished(tls_ssl(conn->tls));
}

bool conn_channel_binding(const struct pond_conn *conn, uint8_t *ret_hash, size_t *ret_len)
{
    const X509 *certificate =
        conn_is_encrypted(conn) ? SSL_get0_peer_certificate(tls_ssl(conn->tls)) : NULL;

    return certificate != NULL && tls_certificate_hash(certificate, ret_hash, ret_len);
}

const char *pond_conn_encryption(const struct pond_conn *conn)
{
    return conn_is_encrypted(conn) ? SSL_get_version(tls_ssl(conn->tls)) : NULL;
}
