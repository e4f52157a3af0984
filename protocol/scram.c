/* protocol/scram.c: what both sides need: hashes, verifiers, and the parts of messages. */
#include "protocol/scram.h"

#include "protocol/base64.h"
#include "protocol/scram_impl.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

/* ---- hashes ---- */

int scram_hmac(const uint8_t key[scram_key_bytes], struct view data,
               uint8_t ret_hash[scram_key_bytes])
{
    unsigned len = scram_key_bytes;

    return HMAC(EVP_sha256(), key, scram_key_bytes, data.data, data.len, ret_hash, &len) == NULL
               ? -ENOMEM
               : 0;
}

int scram_hash(struct view data, uint8_t ret_hash[scram_key_bytes])
{
    return EVP_Digest(data.data, data.len, ret_hash, NULL, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

void scram_xor(uint8_t a[scram_key_bytes], const uint8_t b[scram_key_bytes])
{
    for (size_t i = 0; i < scram_key_bytes; i++) {
        a[i] ^= b[i];
    }
}

int scram_salt_password(struct view password, struct view salt, uint32_t iterations,
                        uint8_t ret_salted[scram_key_bytes])
{
    const char *text = password.len == 0 ? "" : (const char *)password.data;

    return PKCS5_PBKDF2_HMAC(text, (int)password.len, salt.data, (int)salt.len, (int)iterations,
                             EVP_sha256(), scram_key_bytes, ret_salted) == 1
               ? 0
               : -ENOMEM;
}

/* ---- verifiers ---- */

/* What comes before `end`, which is taken along; false: it is not there. */
static bool take_until(struct view *in, char end, struct view *ret_part)
{
    const uint8_t *at = in->len == 0 ? NULL : memchr(in->data, end, in->len);

    if (at == NULL) {
        return false;
    }
    *ret_part = view_of(in->data, (size_t)(at - in->data));
    view_advance(in, ret_part->len + 1);
    return true;
}

/* 1 to scram_iterations_most, in decimal digits. */
static bool parse_iterations(struct view text, uint32_t *ret_iterations)
{
    uint32_t n = 0;

    if (text.len == 0 || text.data[0] == '0') {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        n = n * 10 + (uint32_t)(text.data[i] - '0');
        if (n > scram_iterations_most) {
            return false;
        }
    }
    *ret_iterations = n;
    return true;
}

static bool parse_key(struct view text, uint8_t ret_key[scram_key_bytes])
{
    size_t len;

    return base64_decode(text, ret_key, scram_key_bytes, &len) && len == scram_key_bytes;
}

bool scram_verifier_parse(struct view text, struct scram_verifier *ret_verifier)
{
    struct scram_verifier v = { 0 };
    struct view name, iterations, salt, stored;

    if (!take_until(&text, '$', &name) || !view_equal_str(name, SCRAM_NAME) ||
        !take_until(&text, ':', &iterations) || !parse_iterations(iterations, &v.iterations) ||
        !take_until(&text, '$', &salt) || !take_until(&text, ':', &stored)) {
        return false;
    }
    if (!base64_decode(salt, v.salt, sizeof(v.salt), &v.salt_len) || v.salt_len == 0 ||
        !parse_key(stored, v.stored_key) || !parse_key(text, v.server_key)) {
        return false;
    }
    *ret_verifier = v;
    return true;
}

int scram_verifier_print(const struct scram_verifier *verifier, struct buf *out)
{
    int r = buf_printf(out, SCRAM_NAME "$%u:", verifier->iterations);

    if (r == 0) {
        r = base64_encode(out, view_of(verifier->salt, verifier->salt_len));
    }
    if (r == 0) {
        r = buf_append_byte(out, '$');
    }
    if (r == 0) {
        r = base64_encode(out, view_of(verifier->stored_key, scram_key_bytes));
    }
    if (r == 0) {
        r = buf_append_byte(out, ':');
    }
    return r == 0 ? base64_encode(out, view_of(verifier->server_key, scram_key_bytes)) : r;
}

static int set_keys(struct scram_verifier *v, const uint8_t salted[scram_key_bytes])
{
    uint8_t client_key[scram_key_bytes];
    int r = scram_hmac(salted, view_of_str("Client Key"), client_key);

    if (r == 0) {
        r = scram_hash(view_of(client_key, sizeof(client_key)), v->stored_key);
    }
    if (r == 0) {
        r = scram_hmac(salted, view_of_str("Server Key"), v->server_key);
    }
    OPENSSL_cleanse(client_key, sizeof(client_key));
    return r;
}

int scram_verifier_make(struct view password, struct view salt, uint32_t iterations,
                        struct scram_verifier *ret_verifier)
{
    struct scram_verifier v = { .iterations = iterations, .salt_len = salt.len };
    uint8_t salted[scram_key_bytes];

    memcpy(v.salt, salt.data, salt.len);
    int r = scram_salt_password(password, salt, iterations, salted);
    if (r == 0) {
        r = set_keys(&v, salted);
    }
    OPENSSL_cleanse(salted, sizeof(salted));
    if (r == 0) {
        *ret_verifier = v;
    }
    return r;
}

int scram_verifier_mock(const uint8_t secret[scram_key_bytes], const char *user,
                        const struct scram_verifier *like, struct scram_verifier *ret_verifier)
{
    static_assert(sizeof(ret_verifier->salt) == 2 * (size_t)scram_key_bytes, "two hashes fill it");
    struct scram_verifier v = { .iterations = like->iterations, .salt_len = like->salt_len };
    uint8_t key[scram_key_bytes];
    int r = scram_hmac(secret, view_of(like->server_key, scram_key_bytes), key);

    if (r == 0) {
        r = scram_hmac(key, view_of_str(user), v.salt);
    }
    if (r == 0) {
        r = scram_hmac(key, view_of(v.salt, scram_key_bytes), v.salt + scram_key_bytes);
    }
    if (r == 0) {
        r = scram_hmac(key, view_of(v.salt, sizeof(v.salt)), v.stored_key);
        memcpy(v.server_key, v.stored_key, scram_key_bytes);
    }
    if (r == 0) {
        *ret_verifier = v;
    }
    return r;
}

/* ---- the parts of messages ---- */

bool scram_take(struct view *in, char name, struct view *ret_value)
{
    if (in->len < 2 || in->data[0] != (uint8_t)name || in->data[1] != '=') {
        return false;
    }
    view_advance(in, 2);
    if (!take_until(in, ',', ret_value)) {
        *ret_value = *in;
        view_advance(in, in->len);
    }
    return true;
}

bool scram_nonce_is_good(struct view nonce)
{
    for (size_t i = 0; i < nonce.len; i++) {
        if (nonce.data[i] < 0x21 || nonce.data[i] > 0x7e || nonce.data[i] == ',') {
            return false;
        }
    }
    return nonce.len > 0;
}

const char *scram_header(char flag)
{
    return flag == 'p' ? "p=tls-server-end-point,," : flag == 'y' ? "y,," : "n,,";
}

int scram_put_binding(char flag, struct view binding, struct buf *out)
{
    cleanup(buf_finish) struct buf bytes = { 0 };
    int r = buf_append_str(&bytes, scram_header(flag));

    if (r == 0 && flag == 'p') {
        r = buf_append_view(&bytes, binding);
    }
    return r == 0 ? base64_encode(out, buf_view(&bytes)) : r;
}
