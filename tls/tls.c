/* tls/tls.c: see the header. The socket is read and written by a BIO of our own: it never raises
 * SIGPIPE, and it gives bytes first that somebody else has read from the socket. */
#include "tls/tls.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "tls/error.h"

#include <errno.h>
#include <limits.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

struct tls {
    SSL *ssl;
    struct account *account; /* that tls_reserved_bytes are charged to */
    struct buf early;
    int fd;
    size_t step_bytes; /* read from the socket in this step ... */
    size_t received;   /* ... and in all steps */
    int broken;        /* -errno of the socket in the last step; 0: it is well */
    bool spoiled;      /* what came is not TLS: it stays so */
};

/* ---- the socket ---- */

static int take_early(struct tls *tls, char *at, int room)
{
    size_t n = tls->early.len < (size_t)room ? tls->early.len : (size_t)room;

    memcpy(at, tls->early.data, n);
    buf_consume(&tls->early, n);
    buf_shrink(&tls->early);
    return (int)n;
}

static int settle(BIO *bio, struct tls *tls, ssize_t n, int flag)
{
    BIO_clear_retry_flags(bio);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        BIO_set_flags(bio, flag | BIO_FLAGS_SHOULD_RETRY);
    } else if (n < 0) {
        tls->broken = -errno;
    }
    return (int)n;
}

/* Enough for a record of the largest size. OpenSSL goes on reading for as long as what comes is for
 * itself, as new keys are (some microseconds for 27 bytes): without an end, if they come without
 * one. So much in a step, then it is told that nothing is there; the socket is still readable. */
enum { step_bytes_most = 17 * 1024 };

static int socket_read(BIO *bio, char *at, int room)
{
    struct tls *tls = BIO_get_data(bio);
    ssize_t n;

    if (tls->early.len > 0) {
        return take_early(tls, at, room);
    }
    if (tls->step_bytes >= step_bytes_most) {
        errno = EAGAIN;
        return settle(bio, tls, -1, BIO_FLAGS_READ);
    }
    do {
        n = recv(tls->fd, at, (size_t)room, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    tls->step_bytes += n > 0 ? (size_t)n : 0;
    tls->received += n > 0 ? (size_t)n : 0;
    return settle(bio, tls, n, BIO_FLAGS_READ);
}

static int socket_write(BIO *bio, const char *bytes, int len)
{
    struct tls *tls = BIO_get_data(bio);
    ssize_t n;

    do {
        n = send(tls->fd, bytes, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    return settle(bio, tls, n, BIO_FLAGS_WRITE);
}

static long socket_control(BIO *bio, int what, long number, void *arg)
{
    (void)bio, (void)number, (void)arg;
    return what == BIO_CTRL_FLUSH ? 1 : 0;
}

/* Made once for the process and kept. */
static BIO_METHOD *socket_method;
static CRYPTO_ONCE socket_method_once = CRYPTO_ONCE_STATIC_INIT;

static void make_socket_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "pond socket");

    if (method != NULL) {
        BIO_meth_set_read(method, socket_read);
        BIO_meth_set_write(method, socket_write);
        BIO_meth_set_ctrl(method, socket_control);
    }
    socket_method = method;
}

static BIO *socket_bio(struct tls *tls)
{
    BIO *bio = CRYPTO_THREAD_run_once(&socket_method_once, make_socket_method) == 1 &&
                       socket_method != NULL
                   ? BIO_new(socket_method)
                   : NULL;

    if (bio != NULL) {
        BIO_set_data(bio, tls);
        BIO_set_init(bio, 1);
    }
    return bio;
}

/* ---- life ---- */

static int open_ssl(struct tls *tls, SSL_CTX *context, struct view early)
{
    int r = account_reserve(tls_reserved_bytes, &tls->account);

    if (r != 0) {
        return r;
    }
    tls->ssl = SSL_new(context);
    BIO *bio = tls->ssl == NULL ? NULL : socket_bio(tls);

    if (bio == NULL) {
        return -ENOMEM;
    }
    SSL_set_bio(tls->ssl, bio, bio); /* which owns it now */
    return buf_append_view(&tls->early, early) == 0 ? 0 : -ENOMEM;
}

int tls_create(SSL_CTX *context, int fd, struct view early, struct tls **ret_tls)
{
    struct tls *tls = mem_zalloc(sizeof(*tls));

    if (tls == NULL) {
        return -ENOMEM;
    }
    tls->fd = fd;
    int r = open_ssl(tls, context, early);
    if (r != 0) {
        tls_destroy(tls);
        ERR_clear_error();
        return r;
    }
    *ret_tls = tls;
    return 0;
}

void tls_destroy(struct tls *tls)
{
    if (tls == NULL) {
        return;
    }
    SSL_free(tls->ssl);
    buf_finish(&tls->early);
    account_unreserve(tls->account, tls_reserved_bytes);
    mem_free(tls);
}

SSL *tls_ssl(const struct tls *tls)
{
    return tls->ssl;
}

/* ---- steps ---- */

static void begin_step(struct tls *tls)
{
    ERR_clear_error();
    tls->broken = 0;
    tls->step_bytes = 0;
}

static int broken_or(const struct tls *tls, int otherwise)
{
    return tls->broken != 0 ? tls->broken : otherwise;
}

/* Right after the step that gave `n`. */
static int judge(const struct tls *tls, int n)
{
    switch (SSL_get_error(tls->ssl, n)) {
    case SSL_ERROR_NONE:
        return 0;
    case SSL_ERROR_WANT_READ:
        return TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_END;
    case SSL_ERROR_SYSCALL:
        return broken_or(tls, TLS_END);
    default:
        return broken_or(tls, -EPROTO);
    }
}

static int shake_failed(const struct tls *tls, int r, struct failure *ret_failure)
{
    long verified = SSL_get_verify_result(tls->ssl);
    char text[256];

    if (tls->broken != 0) {
        return failure_set(ret_failure, "08P01", "%s", strerror(-tls->broken));
    }
    if (r == TLS_END) {
        return failure_set(ret_failure, "08P01", "the other side hung up");
    }
    tls_error_text(text, sizeof(text));
    if (verified == X509_V_OK) {
        return failure_set(ret_failure, "08P01", "%s", text);
    }
    return failure_set(ret_failure, "08P01", "%s: %s", text,
                       X509_verify_cert_error_string(verified));
}

static int shake(struct tls *tls, int (*step)(SSL *ssl), struct failure *ret_failure)
{
    begin_step(tls);
    int r = judge(tls, step(tls->ssl));

    if (r == 0 || r == TLS_WANTS_READ || r == TLS_WANTS_WRITE) {
        return r;
    }
    r = shake_failed(tls, r, ret_failure);
    ERR_clear_error();
    return r;
}

/* OpenSSL keeps as much as a ClientHello of 128 KiB, or a chain of 100 KiB, of somebody who is
 * nobody yet; honest ones send 2 KiB, and their certificates 2 KiB each. */
enum { shake_kib_most = 32 };

int tls_accept(struct tls *tls, struct failure *ret_failure)
{
    if (tls->received > shake_kib_most * 1024) {
        return failure_set(ret_failure, "08P01", "the hand-shake is longer than %d KiB",
                           shake_kib_most);
    }
    return shake(tls, SSL_accept, ret_failure);
}

int tls_connect(struct tls *tls, struct failure *ret_failure)
{
    return shake(tls, SSL_connect, ret_failure);
}

/* A step that moves bytes: `n` of them, or what SSL_get_error() explains. */
static int end_step(struct tls *tls, int n, size_t *ret_moved)
{
    int r = judge(tls, n);

    tls->spoiled = r == -EPROTO;
    *ret_moved = r == 0 ? (size_t)n : 0;
    ERR_clear_error();
    return r;
}

static int at_most(size_t bytes)
{
    return bytes < INT_MAX ? (int)bytes : INT_MAX;
}

int tls_read(struct tls *tls, uint8_t *at, size_t room, size_t *ret_got)
{
    if (tls->spoiled) {
        return -EPROTO;
    }
    begin_step(tls);
    return end_step(tls, SSL_read(tls->ssl, at, at_most(room)), ret_got);
}

bool tls_has_more(const struct tls *tls)
{
    return tls->early.len > 0 || SSL_has_pending(tls->ssl) == 1;
}

int tls_write(struct tls *tls, struct view bytes, size_t *ret_sent)
{
    if (tls->spoiled) {
        return -EPROTO;
    }
    begin_step(tls);
    return end_step(tls, SSL_write(tls->ssl, bytes.data, at_most(bytes.len)), ret_sent);
}

void tls_say_end(struct tls *tls)
{
    ERR_clear_error();
    if (SSL_is_init_finished(tls->ssl) && tls->broken == 0 && !tls->spoiled) {
        (void)SSL_shutdown(tls->ssl);
    }
    ERR_clear_error();
}
