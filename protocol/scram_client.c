/* protocol/scram_client.c: the client's side of SCRAM. */
#include "protocol/scram.h"

#include "protocol/base64.h"
#include "protocol/scram_impl.h"

#include <errno.h>
#include <openssl/crypto.h>

int scram_client_first(struct scram_client *c, const uint8_t random[scram_random_bytes],
                       struct buf *out)
{
    int r = buf_append_str(&c->said, "n=,r=");

    c->nonce_at = c->said.len;
    if (r == 0) {
        r = base64_encode(&c->said, view_of(random, scram_random_bytes));
    }
    c->nonce_len = c->said.len - c->nonce_at;
    if (r == 0) {
        r = buf_append_str(out, scram_header(c->flag));
    }
    return r == 0 ? buf_append_view(out, buf_view(&c->said)) : r;
}

/* ---- server-first-message ---- */

static int malformed(struct failure *f, const char *detail)
{
    return failure_set(f, "08P01", "malformed SCRAM message (%s)", detail);
}

static int take_iterations(struct scram_client *c, struct view text, struct failure *f)
{
    uint32_t n = 0;

    for (size_t i = 0; i < text.len && n <= scram_iterations_most; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return malformed(f, "invalid iteration count");
        }
        n = n * 10 + (uint32_t)(text.data[i] - '0');
    }
    if (n == 0) {
        return malformed(f, "invalid iteration count");
    }
    if (n > scram_iterations_most) {
        return failure_set(f, "08P01", "the server asks for more than %d SCRAM iterations",
                           scram_iterations_most);
    }
    c->iterations = n;
    return 0;
}

/* Ours must be its beginning, and more must follow: else this may be an old exchange. */
static int check_nonce(const struct scram_client *c, struct view nonce, struct failure *f)
{
    const uint8_t *own = c->said.data + c->nonce_at;

    if (!scram_nonce_is_good(nonce) || nonce.len <= c->nonce_len ||
        memcmp(nonce.data, own, c->nonce_len) != 0) {
        return failure_set(f, "08P01", "invalid SCRAM response (nonce mismatch)");
    }
    return 0;
}

static int take_challenge(struct scram_client *c, struct view in, struct view *ret_nonce,
                          struct failure *f)
{
    struct view salt, iterations;

    if (in.len > 0 && in.data[0] == 'm') {
        return failure_set(f, "08P01", "the server requires an unsupported SCRAM extension");
    }
    if (!scram_take(&in, 'r', ret_nonce)) {
        return malformed(f, "nonce expected");
    }
    if (check_nonce(c, *ret_nonce, f) != 0) {
        return FAILED;
    }
    if (!scram_take(&in, 's', &salt) ||
        !base64_decode(salt, c->salt, sizeof(c->salt), &c->salt_len) || c->salt_len == 0) {
        return malformed(f, "invalid salt");
    }
    if (!scram_take(&in, 'i', &iterations)) {
        return malformed(f, "invalid iteration count");
    }
    return take_iterations(c, iterations, f);
}

int scram_client_challenge(struct scram_client *c, struct view message, struct failure *ret_failure)
{
    struct view nonce;
    int r = take_challenge(c, message, &nonce, ret_failure);

    if (r == 0) {
        r = buf_append_byte(&c->said, ',');
    }
    if (r == 0) {
        c->combined_at = c->said.len + (size_t)(nonce.data - message.data);
        c->combined_len = nonce.len;
        r = buf_append_view(&c->said, message);
    }
    return r;
}

/* ---- client-final-message ---- */

/* "c=binding,r=nonce" */
static int put_before_proof(const struct scram_client *c, struct buf *out)
{
    int r = buf_append_str(out, "c=");

    if (r == 0) {
        r = scram_put_binding(c->flag, view_of(c->binding, c->binding_len), out);
    }
    if (r == 0) {
        r = buf_append_str(out, ",r=");
    }
    return r == 0 ? buf_append(out, c->said.data + c->combined_at, c->combined_len) : r;
}

/* Of the AuthMessage that is complete now: the proof, and what the server must answer. */
static int sign(struct scram_client *c, const uint8_t salted[scram_key_bytes],
                uint8_t ret_proof[scram_key_bytes])
{
    uint8_t client_key[scram_key_bytes], stored_key[scram_key_bytes], server_key[scram_key_bytes];
    int r = scram_hmac(salted, view_of_str("Client Key"), client_key);

    if (r == 0) {
        r = scram_hash(view_of(client_key, sizeof(client_key)), stored_key);
    }
    if (r == 0) {
        r = scram_hmac(stored_key, buf_view(&c->said), ret_proof);
    }
    if (r == 0) {
        scram_xor(ret_proof, client_key);
        r = scram_hmac(salted, view_of_str("Server Key"), server_key);
    }
    if (r == 0) {
        r = scram_hmac(server_key, buf_view(&c->said), c->server_signature);
    }
    OPENSSL_cleanse(client_key, sizeof(client_key));
    OPENSSL_cleanse(server_key, sizeof(server_key));
    return r;
}

int scram_client_final(struct scram_client *c, const uint8_t salted[scram_key_bytes],
                       struct buf *out)
{
    uint8_t proof[scram_key_bytes];
    size_t at = out->len;
    int r = put_before_proof(c, out);

    if (r == 0) {
        r = buf_append_byte(&c->said, ',');
    }
    if (r == 0) {
        r = buf_append(&c->said, out->data + at, out->len - at);
    }
    if (r == 0) {
        r = sign(c, salted, proof);
    }
    if (r == 0) {
        r = buf_append_str(out, ",p=");
    }
    return r == 0 ? base64_encode(out, view_of(proof, sizeof(proof))) : r;
}

/* ---- server-final-message ---- */

int scram_client_verify(struct scram_client *c, struct view message, struct failure *ret_failure)
{
    uint8_t signature[scram_key_bytes];
    struct view value;
    size_t len;

    if (scram_take(&message, 'e', &value)) {
        return failure_set(ret_failure, "28000",
                           "error received from server in SCRAM exchange: %.*s",
                           (int)(value.len < 100 ? value.len : 100), (const char *)value.data);
    }
    if (!scram_take(&message, 'v', &value) ||
        !base64_decode(value, signature, sizeof(signature), &len) || len != sizeof(signature)) {
        return malformed(ret_failure, "invalid server signature");
    }
    if (CRYPTO_memcmp(signature, c->server_signature, sizeof(signature)) != 0) {
        return failure_set(ret_failure, "28000", "incorrect server signature");
    }
    return 0;
}

void scram_client_finish(struct scram_client *c)
{
    buf_wipe(&c->said);
    OPENSSL_cleanse(c, sizeof(*c));
}
