/* tests/fuzz/fuzz_tls.c: TLS against whatever the other side, or somebody between the two, may
 * send.
 *
 * The first byte's lowest bit says who is under attack: 0 the server, 1 the client. Its next bit
 * says how: 0: the other bytes are all that is sent to it; 1: a real peer talks with it, and the
 * others, three by three, are changes to what it sends: two bytes of offset, one to be XORed. What
 * was changed on the way is never taken for the peer's own. */
#include "fuzz.h"

#include "base/failure.h"
#include "tests/support/certificates.h"
#include "tls/ssl_context.h"
#include "tls/tls.h"

#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { rounds_most = 12, relay_bytes = 64 * 1024 };

static const char said[] = "what the peer says once both have shaken hands";

static SSL_CTX *contexts[2]; /* by enum tls_side */

static void make_contexts(void)
{
    struct certificate made = certificate_make(
        &(struct certificate_wish){ .common_name = "fuzz", .names = "DNS:localhost" });
    struct failure f;

    for (int side = 0; side < 2; side++) {
        must(ssl_context_create((enum tls_side)side, &contexts[side], &f) == 0);
    }
    must(SSL_CTX_use_certificate(contexts[TLS_SERVER], made.x509) == 1);
    must(SSL_CTX_use_PrivateKey(contexts[TLS_SERVER], made.key) == 1);
    SSL_CTX_set_verify(contexts[TLS_SERVER], SSL_VERIFY_PEER, NULL);
    certificate_finish(&made);
}

struct end {
    enum tls_side side;
    struct tls *tls;
    int fd;    /* its socket */
    int wire;  /* the other end of it */
    int shook; /* answer of the last step */
};

static void end_open(struct end *end, enum tls_side side, struct view early)
{
    int fds[2];

    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    *end = (struct end){ .side = side, .fd = fds[0], .wire = fds[1], .shook = TLS_WANTS_READ };
    must(tls_create(contexts[side], end->fd, early, &end->tls) == 0);
}

static void end_close(struct end *end)
{
    tls_say_end(end->tls);
    tls_destroy(end->tls);
    close(end->fd);
    if (end->wire >= 0) {
        close(end->wire);
    }
}

static void step(struct end *end)
{
    struct failure f = { 0 };

    if (end->shook != TLS_WANTS_READ && end->shook != TLS_WANTS_WRITE) {
        return;
    }
    end->shook = end->side == TLS_SERVER ? tls_accept(end->tls, &f) : tls_connect(end->tls, &f);
    must(end->shook == 0 || end->shook == TLS_WANTS_READ || end->shook == TLS_WANTS_WRITE ||
         end->shook == FAILED);
    must((end->shook == FAILED) == failure_is_set(&f));
}

/* Reads all that is there; it must be the begin of what the peer said, if anything was. */
static void read_all(struct end *end, const char *expected)
{
    uint8_t got[4096];
    size_t at = 0, n;
    int r;

    while ((r = tls_read(end->tls, got, sizeof(got), &n)) == 0) {
        must(n > 0 && n <= strlen(expected) - at && memcmp(got, expected + at, n) == 0);
        at += n;
    }
    must(r < 0 || r == TLS_WANTS_READ || r == TLS_WANTS_WRITE || r == TLS_END);
}

/* ---- all by itself ---- */

static void attack_with_bytes(enum tls_side side, struct view bytes)
{
    bool early = bytes.len % 2 == 0;
    struct end end;

    end_open(&end, side, early ? bytes : view_of(NULL, 0));
    if (!early && bytes.len <= relay_bytes) {
        must(send(end.wire, bytes.data, bytes.len, MSG_NOSIGNAL) == (ssize_t)bytes.len);
    }
    step(&end);
    shutdown(end.wire, SHUT_WR);
    for (int i = 0; i < rounds_most; i++) {
        step(&end);
    }
    must(end.shook == FAILED); /* nobody shakes hands alone */
    read_all(&end, "");
    end_close(&end);
}

/* ---- between two ---- */

/* What comes out of `from` goes into `to`, changed. *at: how much has gone this way so far. */
static void relay(const struct end *from, const struct end *to, struct view changes, size_t *at)
{
    static uint8_t bytes[relay_bytes];
    ssize_t n = recv(from->wire, bytes, sizeof(bytes), 0);

    if (n <= 0) {
        return;
    }
    for (; changes.len >= 3; view_advance(&changes, 3)) {
        size_t offset = (size_t)changes.data[0] << 8 | changes.data[1];

        if (offset >= *at && offset - *at < (size_t)n) {
            bytes[offset - *at] ^= changes.data[2];
        }
    }
    *at += (size_t)n;
    (void)!send(to->wire, bytes, (size_t)n, MSG_NOSIGNAL);
}

static void attack_between(enum tls_side side, struct view changes)
{
    struct end target, peer;
    size_t to_target = 0, to_peer = 0, n;

    end_open(&target, side, view_of(NULL, 0));
    end_open(&peer, side == TLS_SERVER ? TLS_CLIENT : TLS_SERVER, view_of(NULL, 0));
    for (int i = 0; i < rounds_most; i++) {
        step(&peer);
        relay(&peer, &target, changes, &to_target);
        step(&target);
        relay(&target, &peer, view_of(NULL, 0), &to_peer);
    }
    if (peer.shook == 0 && target.shook == 0) {
        must(tls_write(peer.tls, view_of_str(said), &n) == 0 && n == strlen(said));
        relay(&peer, &target, changes, &to_target);
        read_all(&target, said);
    }
    end_close(&target);
    end_close(&peer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view in = view_of(data, size);

    if (contexts[0] == NULL) {
        make_contexts();
    }
    if (size == 0) {
        return 0;
    }
    enum tls_side side = (data[0] & 1) == 0 ? TLS_SERVER : TLS_CLIENT;
    view_advance(&in, 1);
    if ((data[0] & 2) == 0) {
        attack_with_bytes(side, in);
    } else {
        attack_between(side, in);
    }
    return 0;
}
