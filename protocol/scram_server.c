/* protocol/scram_server.c: the server's side of SCRAM. Errors in PostgreSQL's words
 * (src/backend/libpq/auth-scram.c has the same checks in the same order). */
#include "protocol/scram.h"

#include "protocol/base64.h"
#include "protocol/scram_impl.h"

#include <openssl/crypto.h>

static int malformed(struct failure *f, const char *detail)
{
    failure_set(f, "08P01", "malformed SCRAM message");
    failure_add(f, FIELD_DETAIL, "%s", detail);
    return FAILED;
}

/* ---- client-first-message ---- */

static int check_flag(const struct scram_server *s, char flag, struct failure *f)
{
    if (flag != 'n' && flag != 'y' && flag != 'p') {
        return malformed(f, "Unexpected channel-binding flag.");
    }
    if (s->plus && flag != 'p') {
        return malformed(f, "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does "
                            "not include channel binding data.");
    }
    if (!s->plus && flag == 'p') {
        return malformed(f, "The client selected SCRAM-SHA-256 without channel binding, but the "
                            "SCRAM message includes channel binding data.");
    }
    if (flag == 'y' && s->binding_len > 0) {
        failure_set(f, "28000", "SCRAM channel binding negotiation error");
        failure_add(f, FIELD_DETAIL,
                    "The client supports SCRAM channel binding but thinks the server does not.  "
                    "However, this server does support channel binding.");
        return FAILED;
    }
    return 0;
}

static int check_binding_type(struct view *in, struct failure *f)
{
    struct view type;

    if (!scram_take(in, 'p', &type)) {
        return malformed(f, "Expected the name of a channel-binding type.");
    }
    if (!view_equal_str(type, "tls-server-end-point")) {
        return failure_set(f, "08P01", "unsupported SCRAM channel-binding type");
    }
    return 0;
}

/* The GS2 header: flag, and an authorization identity that must be empty. */
static int take_header(struct scram_server *s, struct view *in, struct failure *f)
{
    char flag = in->len == 0 ? '\0' : (char)in->data[0];
    int r = check_flag(s, flag, f);

    if (r == 0 && flag == 'p') {
        r = check_binding_type(in, f);
    } else if (r == 0) {
        view_advance(in, 1);
        if (in->len == 0 || in->data[0] != ',') {
            return malformed(f, "Comma expected.");
        }
        view_advance(in, 1);
    }
    if (r != 0) {
        return r;
    }
    if (in->len > 0 && in->data[0] == 'a') {
        return failure_set(f, "0A000",
                           "client uses authorization identity, but it is not supported");
    }
    if (in->len == 0 || in->data[0] != ',') {
        return malformed(f, "Unexpected attribute in client-first-message.");
    }
    view_advance(in, 1);
    s->flag = flag;
    return 0;
}

/* The name counts for nothing: that of the start-up packet does. */
static int take_nonce(struct view in, struct view *ret_nonce, struct failure *f)
{
    struct view name;

    if (in.len > 0 && in.data[0] == 'm') {
        return failure_set(f, "0A000", "client requires an unsupported SCRAM extension");
    }
    if (!scram_take(&in, 'n', &name) || !scram_take(&in, 'r', ret_nonce)) {
        return malformed(f, "Expected a name and a nonce in client-first-message.");
    }
    if (!scram_nonce_is_good(*ret_nonce)) {
        return failure_set(f, "08P01", "non-printable characters in SCRAM nonce");
    }
    return 0;
}

static int put_challenge(struct scram_server *s, struct view nonce,
                         const uint8_t random[scram_random_bytes])
{
    int r = buf_append_str(&s->said, "r=");

    s->nonce_at = s->said.len;
    if (r == 0) {
        r = buf_append_view(&s->said, nonce);
    }
    if (r == 0) {
        r = base64_encode(&s->said, view_of(random, scram_random_bytes));
    }
    s->nonce_len = s->said.len - s->nonce_at;
    if (r == 0) {
        r = buf_append_str(&s->said, ",s=");
    }
    if (r == 0) {
        r = base64_encode(&s->said, view_of(s->verifier.salt, s->verifier.salt_len));
    }
    return r == 0 ? buf_printf(&s->said, ",i=%u", s->verifier.iterations) : r;
}

static int check_text(struct view message, struct failure *f)
{
    if (message.len == 0) {
        return malformed(f, "The message is empty.");
    }
    return memchr(message.data, 0, message.len) == NULL
               ? 0
               : malformed(f, "Message length does not match input length.");
}

int scram_server_first(struct scram_server *s, struct view message,
                       const uint8_t random[scram_random_bytes], struct buf *out,
                       struct failure *ret_failure)
{
    struct view nonce;
    int r = check_text(message, ret_failure);

    if (r == 0) {
        r = take_header(s, &message, ret_failure);
    }
    if (r == 0) {
        r = take_nonce(message, &nonce, ret_failure);
    }
    if (r == 0) {
        r = buf_append_view(&s->said, message);
    }
    if (r == 0) {
        r = buf_append_byte(&s->said, ',');
    }
    size_t at = s->said.len;
    if (r == 0) {
        r = put_challenge(s, nonce, random);
    }
    return r == 0 ? buf_append(out, s->said.data + at, s->said.len - at) : r;
}

/* ---- client-final-message ---- */

struct final {
    struct view binding;
    struct view nonce;
    struct view before_proof;
    uint8_t proof[scram_key_bytes];
};

static bool decode_proof(struct view text, uint8_t proof[scram_key_bytes])
{
    size_t len;

    return base64_decode(text, proof, scram_key_bytes, &len) && len == scram_key_bytes;
}

static bool skip_extension(struct view *in)
{
    uint8_t name = in->len == 0 ? 0 : in->data[0] | 0x20;
    struct view value;

    return name >= 'a' && name <= 'z' && scram_take(in, (char)in->data[0], &value);
}

static int take_final(struct view in, struct final *ret_final, struct failure *f)
{
    struct view whole = in, proof;

    if (!scram_take(&in, 'c', &ret_final->binding) || !scram_take(&in, 'r', &ret_final->nonce)) {
        return malformed(f, "Expected channel binding and nonce in client-final-message.");
    }
    while (in.len > 0 && in.data[0] != 'p') {
        if (!skip_extension(&in)) {
            return malformed(f, "Attribute expected in client-final-message.");
        }
    }
    size_t before = whole.len - in.len;
    if (!scram_take(&in, 'p', &proof) || !decode_proof(proof, ret_final->proof)) {
        return malformed(f, "Malformed proof in client-final-message.");
    }
    if (in.len > 0 || proof.data + proof.len != whole.data + whole.len) {
        return malformed(f, "Garbage found at the end of client-final-message.");
    }
    ret_final->before_proof = view_of(whole.data, before - 1); /* without its comma */
    return 0;
}

static int check_final(const struct scram_server *s, const struct final *final, struct failure *f)
{
    cleanup(buf_finish) struct buf binding = { 0 };
    struct view nonce = view_of(s->said.data + s->nonce_at, s->nonce_len);
    int r = scram_put_binding(s->flag, view_of(s->binding, s->binding_len), &binding);

    if (r != 0) {
        return r;
    }
    if (!view_equal(final->binding, buf_view(&binding))) {
        return s->plus ? failure_set(f, "28000", "SCRAM channel binding check failed")
                       : failure_set(f, "08P01",
                                     "unexpected SCRAM channel-binding attribute in "
                                     "client-final-message");
    }
    if (!view_equal(final->nonce, nonce)) {
        failure_set(f, "08P01", "invalid SCRAM response");
        failure_add(f, FIELD_DETAIL, "Nonce does not match.");
        return FAILED;
    }
    return 0;
}

/* Is the hash of what the proof hides the stored key? The same work whoever it is. */
static int check_proof(const struct scram_server *s, const uint8_t proof[scram_key_bytes])
{
    uint8_t key[scram_key_bytes], hash[scram_key_bytes];
    int r = scram_hmac(s->verifier.stored_key, buf_view(&s->said), key);

    if (r == 0) {
        scram_xor(key, proof);
        r = scram_hash(view_of(key, sizeof(key)), hash);
    }
    bool same = r == 0 && CRYPTO_memcmp(hash, s->verifier.stored_key, sizeof(hash)) == 0;
    OPENSSL_cleanse(key, sizeof(key));
    return r != 0 ? r : same && !s->doomed ? 0 : SCRAM_WRONG;
}

static int put_signature(const struct scram_server *s, struct buf *out)
{
    uint8_t signature[scram_key_bytes];
    int r = scram_hmac(s->verifier.server_key, buf_view(&s->said), signature);

    if (r == 0) {
        r = buf_append_str(out, "v=");
    }
    return r == 0 ? base64_encode(out, view_of(signature, sizeof(signature))) : r;
}

int scram_server_final(struct scram_server *s, struct view message, struct buf *out,
                       struct failure *ret_failure)
{
    struct final final;
    int r = check_text(message, ret_failure);

    if (r == 0) {
        r = take_final(message, &final, ret_failure);
    }
    if (r == 0) {
        r = check_final(s, &final, ret_failure);
    }
    if (r == 0) {
        r = buf_append_byte(&s->said, ',');
    }
    if (r == 0) {
        r = buf_append_view(&s->said, final.before_proof);
    }
    if (r == 0) {
        r = check_proof(s, final.proof);
    }
    return r == 0 ? put_signature(s, out) : r;
}

void scram_server_finish(struct scram_server *s)
{
    buf_wipe(&s->said);
    OPENSSL_cleanse(s, sizeof(*s));
}
