/* protocol/scram.h: SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), both sides, as
 * PostgreSQL speaks them: the user's name in the first message counts for nothing, there are no
 * authorization identities and no extensions, and the only channel binding is tls-server-end-point.
 *
 * Pure functions over bytes: randomness and the channel's binding are parameters. The server never
 * derives a key from a password; scram_salt_password() is slow and for a helper thread. Answers are
 * 0, FAILED with what the other side is told, BUF_FULL or -ENOMEM. Any thread. */
#pragma once

#include "base/buf.h"
#include "base/failure.h"

#define SCRAM_NAME      "SCRAM-SHA-256"
#define SCRAM_PLUS_NAME "SCRAM-SHA-256-PLUS"

enum {
    scram_key_bytes = 32,
    scram_salt_bytes = 16, /* of a new verifier */
    scram_salt_most_bytes = 64,
    scram_random_bytes = 18, /* behind a nonce: 24 letters */
    scram_binding_most_bytes = 64,
    scram_iterations_preset = 4096,
    scram_iterations_most = 10000000, /* some seconds of a processor */
    scram_message_bytes = 1024,       /* the longest that a server takes */
};

enum { SCRAM_WRONG = 2 }; /* the proof is not that of the password */

/* ---- what a server keeps of a password ---- */

struct scram_verifier {
    uint32_t iterations;
    size_t salt_len;
    uint8_t salt[scram_salt_most_bytes];
    uint8_t stored_key[scram_key_bytes];
    uint8_t server_key[scram_key_bytes];
};

/* "SCRAM-SHA-256$4096:salt$stored:server". False: it is not one. */
must_check bool scram_verifier_parse(struct view text, struct scram_verifier *ret_verifier);
/* Appends that. 0, BUF_FULL or -ENOMEM. */
must_check int scram_verifier_print(const struct scram_verifier *verifier, struct buf *out);

/* Of a prepared password (saslprep.h). Slow. 0 or -ENOMEM. */
must_check int scram_salt_password(struct view password, struct view salt, uint32_t iterations,
                                   uint8_t ret_salted[scram_key_bytes]);
must_check int scram_verifier_make(struct view password, struct view salt, uint32_t iterations,
                                   struct scram_verifier *ret_verifier);

/* One that no password belongs to, for a user who is not known: always the same for the same name,
 * secret and `like`, whose iterations and length of salt it has; its salt goes on behind that, for
 * who gives it a longer one. Only who knows both the secret and
 * the password of `like` could tell whose it is. 0 or -ENOMEM. */
must_check int scram_verifier_mock(const uint8_t secret[scram_key_bytes], const char *user,
                                   const struct scram_verifier *like,
                                   struct scram_verifier *ret_verifier);

/* ---- the server's side ---- */

struct scram_server {
    struct scram_verifier verifier;
    bool doomed;     /* the answer is SCRAM_WRONG whatever the proof is */
    bool plus;       /* the client has chosen SCRAM_PLUS_NAME */
    char flag;       /* what it says about channel binding: 'n', 'y' or 'p' */
    size_t nonce_at; /* in `said` */
    size_t nonce_len;
    struct buf said;    /* AuthMessage, as far as it goes */
    size_t binding_len; /* 0: there is no TLS */
    uint8_t binding[scram_binding_most_bytes];
};

/* Takes client-first-message and appends server-first-message. `random`: this exchange's own. */
must_check int scram_server_first(struct scram_server *s, struct view message,
                                  const uint8_t random[scram_random_bytes], struct buf *out,
                                  struct failure *ret_failure);
/* Takes client-final-message and appends server-final-message. Also SCRAM_WRONG. */
must_check int scram_server_final(struct scram_server *s, struct view message, struct buf *out,
                                  struct failure *ret_failure);
void scram_server_finish(struct scram_server *s); /* wipes it; zero bytes are fine */

/* ---- the client's side ---- */

struct scram_client {
    char flag; /* 'n': without channel binding, 'y': the server offers none, 'p': with it */
    size_t binding_len;
    uint8_t binding[scram_binding_most_bytes];
    struct buf said;
    size_t nonce_at; /* the client's own, in `said` */
    size_t nonce_len;
    size_t combined_at; /* the nonce of both, in `said` */
    size_t combined_len;
    uint32_t iterations;
    size_t salt_len;
    uint8_t salt[scram_salt_most_bytes];
    uint8_t server_signature[scram_key_bytes];
};

/* Appends client-first-message; `flag` and the binding are set. */
must_check int scram_client_first(struct scram_client *c, const uint8_t random[scram_random_bytes],
                                  struct buf *out);
/* Takes server-first-message: salt and iterations are known then. */
must_check int scram_client_challenge(struct scram_client *c, struct view message,
                                      struct failure *ret_failure);
/* Appends client-final-message. `salted` is scram_salt_password()'s. */
must_check int scram_client_final(struct scram_client *c, const uint8_t salted[scram_key_bytes],
                                  struct buf *out);
/* Takes server-final-message: is it the server that knows the password, too? */
must_check int scram_client_verify(struct scram_client *c, struct view message,
                                   struct failure *ret_failure);
void scram_client_finish(struct scram_client *c); /* wipes it; zero bytes are fine */
