/* daemon/auth_scram.c: a password by SCRAM-SHA-256, and, inside of TLS, also bound to its channel.
 *
 * Nobody can tell from outside whether a user is there: a made-up verifier is asked in his place,
 * and every wrong proof is told after the same delay. So many of one address are told that it is
 * asked no more. */
#include "daemon/auth_impl.h"

#include "async/await.h"
#include "async/loop.h"
#include "conf/auth_file.h"
#include "daemon/connection_impl.h"
#include "daemon/connection_tls.h"
#include "daemon/login_limits.h"
#include "daemon/serve.h"
#include "protocol/backend.h"
#include "protocol/frame.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

/* ---- who tries too often ---- */

static struct login_key key_of(const struct connection *conn)
{
    struct ucred peer;

    if (auth_peer(conn, &peer)) {
        return login_key_of_uid(peer.uid);
    }
    return login_key_of_address(&conn->from.any);
}

static int check_limit(const struct connection *conn, struct failure *f)
{
    struct login_key key = key_of(conn);

    if (login_limits_allow(&conn->server->login_limits, &key,
                           (size_t)conn->worker->conf->max_failed_logins,
                           loop_now_us(conn->worker->loop))) {
        return 0;
    }
    failure_set(f, "28000", "too many failed logins from this address");
    failure_add(f, FIELD_HINT, "Try again in a minute.");
    return FAILED;
}

/* ---- asking ---- */

/* The stranger's is made whoever it is: nobody can tell by the time that it takes. */
static int find_verifier(struct connection *conn, struct auth *auth)
{
    const struct auth_file *users = conn->worker->conf->users;
    const struct scram_verifier *verifier = auth_file_find(users, conn->user);
    int r = scram_verifier_mock(conn->server->mock_secret, conn->user, auth_file_usual(users),
                                &auth->scram.verifier);

    auth_file_disguise(users, &auth->scram.verifier);
    if (verifier != NULL) {
        auth->scram.verifier = *verifier;
    }
    return r;
}

int auth_ask(struct connection *conn, struct auth *auth, struct failure *ret_failure)
{
    const char *const names[] = { SCRAM_PLUS_NAME, SCRAM_NAME };
    size_t *len = &auth->scram.binding_len;

    if (check_limit(conn, ret_failure) != 0) {
        return FAILED;
    }
    int r = find_verifier(conn, auth);
    if (r != 0) {
        return r;
    }
    if (!connection_channel_binding(conn, auth->scram.binding, len)) {
        *len = 0;
    }
    size_t skipped = *len == 0 ? 1 : 0;
    struct writer w = reply_begin(conn);
    backend_authentication_sasl(&w, names + skipped, ARRAY_LEN(names) - skipped);
    r = reply_done(conn, &w);
    return r == 0 ? AUTH_MORE : r;
}

/* ---- the conversation ---- */

static int choose(struct auth *auth, struct view mechanism, struct failure *f)
{
    auth->scram.plus = auth->scram.binding_len > 0 && view_equal_str(mechanism, SCRAM_PLUS_NAME);
    if (auth->scram.plus || view_equal_str(mechanism, SCRAM_NAME)) {
        return 0;
    }
    return failure_set(f, "08P01", "client selected an invalid SASL authentication mechanism");
}

static int answer_first(struct connection *conn, struct auth *auth, struct view body,
                        struct failure *f)
{
    cleanup(buf_finish) struct buf out = { 0 };
    struct msg_sasl_initial initial;
    uint8_t random[scram_random_bytes];
    int r = sasl_initial_parse(body, &initial, f);

    if (r == 0) {
        r = choose(auth, initial.mechanism, f);
    }
    if (r == 0 && getrandom(random, sizeof(random), 0) != sizeof(random)) {
        r = -EIO;
    }
    if (r == 0) {
        r = scram_server_first(&auth->scram, initial.data, random, &out, f);
    }
    if (r != 0) {
        return r;
    }
    struct writer w = reply_begin(conn);
    backend_authentication_sasl_continue(&w, buf_view(&out));
    auth->begun = true;
    r = reply_done(conn, &w);
    return r == 0 ? AUTH_MORE : r;
}

/* Told late: whoever guesses has to wait, and who hangs up meanwhile need not be told. */
static int refuse_late(struct connection *conn, struct failure *f)
{
    struct login_key key = key_of(conn);
    int64_t now_us = loop_now_us(conn->worker->loop);

    login_limits_count(&conn->server->login_limits, &key, now_us);
    conn->in_line = true;
    int r = await_until(now_us + conn->worker->conf->auth_delay_us);
    conn->in_line = false;
    return r != 0 ? r
                  : failure_set(f, "28P01", "password authentication failed for user \"%s\"",
                                conn->user);
}

/* Is what he was asked for what is kept of him? Not a stranger's, and not that of one whom a reload
 * has taken away, or given another password, since. */
static bool is_still_his(const struct connection *conn, const struct auth *auth)
{
    const struct scram_verifier *now = auth_file_find(conn->worker->conf->users, conn->user);

    return now != NULL &&
           memcmp(now->stored_key, auth->scram.verifier.stored_key, scram_key_bytes) == 0;
}

static int answer_final(struct connection *conn, struct auth *auth, struct view body,
                        struct failure *f)
{
    cleanup(buf_finish) struct buf out = { 0 };
    int r = check_limit(conn, f); /* others may have tried since */

    if (r == 0) {
        auth->scram.doomed = !is_still_his(conn, auth);
        r = scram_server_final(&auth->scram, body, &out, f);
    }
    if (r == SCRAM_WRONG) {
        return refuse_late(conn, f);
    }
    if (r != 0) {
        return r;
    }
    struct writer w = reply_begin(conn);
    backend_authentication_sasl_final(&w, buf_view(&out));
    return reply_done(conn, &w);
}

int auth_continue(struct connection *conn, struct auth *auth, const struct frame *frame,
                  struct failure *ret_failure)
{
    if (frame->type == 'X') {
        return CONNECTION_END;
    }
    if (frame->type != 'p') {
        return failure_set(ret_failure, "08P01", "expected SASL response, got message type %d",
                           frame->type);
    }
    if (frame->body.len > scram_message_bytes) {
        return failure_set(ret_failure, "08P01", "invalid message length");
    }
    return auth->begun ? answer_final(conn, auth, frame->body, ret_failure)
                       : answer_first(conn, auth, frame->body, ret_failure);
}
