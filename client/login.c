/* client/login.c: what a server may ask of us before it lets us in, and what we ask of it: by
 * SCRAM-SHA-256 alone, in which the password stays here and the server proves that it knows it,
 * too. A server that wants the password itself, or its MD5 hash, does not get it. */
#include "client/connection.h"

#include "async/await.h"
#include "base/secret.h"
#include "client/conninfo.h"
#include "client/error.h"
#include "client/tls.h"
#include "protocol/blank.h"
#include "protocol/frontend.h"
#include "protocol/saslprep.h"
#include "protocol/scram.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

/* ---- require_auth ---- */

/* libpq's names; only the first two can ever be. */
static const char *const method_names[] = { "none", "scram-sha-256", "password",
                                            "md5",  "gss",           "sspi" };
enum { METHOD_NONE = 1, METHOD_SCRAM = 2, METHODS_ALL = 3 };

static unsigned method_of(struct view name)
{
    for (size_t i = 0; i < ARRAY_LEN(method_names); i++) {
        if (view_equal_str(name, method_names[i])) {
            return 1u << i;
        }
    }
    return 0;
}

static struct view next_of(struct view *list)
{
    const uint8_t *comma = memchr(list->data, ',', list->len);
    struct view name =
        view_of(list->data, comma == NULL ? list->len : (size_t)(comma - list->data));

    view_advance(list, comma == NULL ? list->len : name.len + 1);
    return view_trimmed(name);
}

/* One name, which must have a `!` before it where the first one has. */
static int parse_method(struct view name, bool negated, unsigned *ret_method,
                        struct pond_error *error)
{
    bool is_negated = name.len > 0 && name.data[0] == '!';

    if (is_negated) {
        view_advance(&name, 1);
    }
    int shown = (int)(name.len < 100 ? name.len : 100);
    if (is_negated != negated) {
        return error_set(error, POND_USAGE, "",
                         "require_auth value \"%.*s\" cannot be mixed with %snegated ones", shown,
                         (const char *)name.data, negated ? "" : "non-");
    }
    unsigned method = method_of(name);
    if (method == 0) {
        return error_set(error, POND_USAGE, "", "invalid require_auth value: \"%.*s\"", shown,
                         (const char *)name.data);
    }
    *ret_method = method;
    return 0;
}

/* Names that are wanted, or names that are not; not both. */
static int parse_methods(const char *text, unsigned *ret_refused, struct pond_error *error)
{
    struct view list = view_of_str(text);
    unsigned named = 0;
    bool negated = *text == '!';

    while (list.len > 0) {
        unsigned method = 0;
        int r = parse_method(next_of(&list), negated, &method, error);

        if (r != 0) {
            return r;
        }
        named |= method;
    }
    *ret_refused = METHODS_ALL & (negated ? named : ~named);
    return 0;
}

/* ---- begin and end ---- */

static const char *env_of_process(void *arg, const char *name)
{
    (void)arg;
    return getenv(name);
}

int login_begin(struct pond_conn *conn, const struct conninfo *info,
                const struct conninfo_host *host, struct pond_error *error)
{
    const char *methods = info->value[KEY_REQUIRE_AUTH];
    const char *binding = info->value[KEY_CHANNEL_BINDING];
    struct conn_login login = { .binding = binding == NULL ? 'p' : *binding };
    int r = methods == NULL || *methods == '\0' ? 0 : parse_methods(methods, &login.refused, error);

    if (r == 0) {
        login.password = conninfo_password(info, host, env_of_process, NULL, &login.no_password);
        conn->login = login;
    }
    return r;
}

void login_end(struct pond_conn *conn)
{
    secret_free(take_ptr(conn->login.password));
}

/* ---- SCRAM ---- */

/* Everything of one exchange. */
struct exchange {
    struct scram_client scram;
    bool plus;
    struct buf password; /* prepared */
    struct buf out;
    uint8_t salted[scram_key_bytes];
    int result;
};

static void exchange_finish(struct exchange *x)
{
    scram_client_finish(&x->scram);
    buf_wipe(&x->password);
    buf_finish(&x->out);
    explicit_bzero(x->salted, sizeof(x->salted));
}

static void salt_password(void *arg)
{
    struct exchange *x = arg;

    x->result =
        scram_salt_password(buf_view(&x->password), view_of(x->scram.salt, x->scram.salt_len),
                            x->scram.iterations, x->salted);
}

static int of_result(const struct pond_conn *conn, int r, const struct failure *failure,
                     struct pond_error *error)
{
    return r == 0        ? 0
           : r == FAILED ? error_set(error, POND_CONNECT, failure->sqlstate, "%s%s", conn->where,
                                     failure_get(failure, FIELD_MESSAGE))
                         : error_nomem(error);
}

/* The next step of the server, which must be of that kind. */
static int receive_step(struct pond_conn *conn, enum auth_kind kind, struct view *ret_data,
                        struct pond_error *error)
{
    struct backend_message m;
    int r = conn_receive(conn, &m, error);

    if (r != 0) {
        return r;
    }
    if (m.type == 'E') {
        return conn_refused(conn, &m, error);
    }
    if (m.type != 'R' || m.authentication.kind != (int32_t)kind) {
        return conn_unexpected(conn, m.type, error);
    }
    *ret_data = m.authentication.data;
    return 0;
}

static int send_first(struct pond_conn *conn, struct exchange *x, struct pond_error *error)
{
    struct writer w = conn_writer(conn);
    uint8_t random[scram_random_bytes];

    if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
        return error_set(error, POND_CONNECT, "", "could not generate nonce");
    }
    if (scram_client_first(&x->scram, random, &x->out) != 0) {
        return error_nomem(error);
    }
    struct view data = buf_view(&x->out);
    frontend_sasl_initial(&w, view_of_str(x->plus ? SCRAM_PLUS_NAME : SCRAM_NAME), &data);
    return conn_flush(conn, &w, error);
}

/* Hashing takes milliseconds: not on the loop. */
static int send_proof(struct pond_conn *conn, struct exchange *x, struct pond_error *error)
{
    struct writer w = conn_writer(conn);

    if (await_offload(salt_password, x) != 0) {
        return error_no_thread(error);
    }
    buf_clear(&x->out);
    if (x->result != 0 || scram_client_final(&x->scram, x->salted, &x->out) != 0) {
        return error_nomem(error);
    }
    frontend_sasl_response(&w, buf_view(&x->out));
    return conn_flush(conn, &w, error);
}

static int exchange_run(struct pond_conn *conn, struct exchange *x, struct pond_error *error)
{
    struct failure failure;
    struct view data;
    int r = send_first(conn, x, error);

    if (r == 0) {
        r = receive_step(conn, AUTH_SASL_CONTINUE, &data, error);
    }
    if (r == 0) {
        int answer = scram_client_challenge(&x->scram, data, &failure);
        r = of_result(conn, answer, &failure, error);
    }
    if (r == 0) {
        r = send_proof(conn, x, error);
    }
    if (r == 0) {
        r = receive_step(conn, AUTH_SASL_FINAL, &data, error);
    }
    if (r == 0) {
        int answer = scram_client_verify(&x->scram, data, &failure);
        r = of_result(conn, answer, &failure, error);
    }
    return r;
}

/* ---- what the server offers ---- */

static bool offers(struct view list, const char *name)
{
    struct reader r = reader_over(list);

    for (;;) {
        struct view one = reader_cstr(&r);
        if (r.failed || one.len == 0) {
            return false;
        }
        if (view_equal_str(one, name)) {
            return true;
        }
    }
}

/* Inside of TLS it says 'y' when it could bind its login and is not asked to: a server that has
 * asked knows then that somebody stands in between. */
static int choose(struct pond_conn *conn, struct view mechanisms, struct exchange *x,
                  struct pond_error *error)
{
    struct scram_client *scram = &x->scram;
    bool can_bind = conn->login.binding != 'd' &&
                    conn_channel_binding(conn, scram->binding, &scram->binding_len);

    x->plus = can_bind && offers(mechanisms, SCRAM_PLUS_NAME);
    scram->flag = x->plus ? 'p' : can_bind ? 'y' : 'n';
    if (!x->plus) {
        scram->binding_len = 0;
    }
    if (conn->login.binding == 'r' && !x->plus) {
        return error_set(error, POND_CONNECT, "28000", "%s%s", conn->where,
                         conn_is_encrypted(conn)
                             ? "channel binding is required, but the server did not offer an "
                               "authentication method that supports it"
                             : "channel binding required, but SSL not in use");
    }
    if (!x->plus && !offers(mechanisms, SCRAM_NAME)) {
        return error_set(error, POND_CONNECT, "28000",
                         "%snone of the server's SASL authentication mechanisms are supported",
                         conn->where);
    }
    return 0;
}

static int fail_without_password(const struct pond_conn *conn, struct pond_error *error)
{
    const char *why = conn->login.no_password;

    return error_set(error, POND_CONNECT, "28P01",
                     "%sthe server asks for a password, and none was supplied%s%s%s", conn->where,
                     why == NULL ? "" : " (", why == NULL ? "" : why, why == NULL ? "" : ")");
}

static int log_in(struct pond_conn *conn, struct view mechanisms, struct pond_error *error)
{
    cleanup(exchange_finish) struct exchange x = { .plus = false };
    const char *password = conn->login.password;
    int r = choose(conn, mechanisms, &x, error);

    if (r != 0) {
        return r;
    }
    if (password == NULL) {
        return fail_without_password(conn, error);
    }
    /* no copies of half a password are left behind by a growing buffer */
    if (buf_reserve(&x.password, 3 * strlen(password)) != 0 ||
        saslprep(view_of_str(password), &x.password) != 0) {
        return error_nomem(error);
    }
    r = exchange_run(conn, &x, error);
    conn->login.proved = r == 0;
    conn->login.bound = r == 0 && x.plus;
    return r;
}

int login_answer(struct pond_conn *conn, const struct msg_authentication *demand,
                 struct pond_error *error)
{
    const char *what = demand->kind == AUTH_CLEARTEXT ? "the password in clear text"
                       : demand->kind == AUTH_MD5     ? "an MD5 hash of the password"
                       : demand->kind == AUTH_GSS     ? "GSSAPI"
                                                      : "an authentication";

    if (demand->kind != AUTH_SASL) {
        return error_set(error, POND_CONNECT, "28000",
                         "%sthe server asks for %s, which this library does not give: only "
                         "SCRAM-SHA-256",
                         conn->where, what);
    }
    if (conn->login.proved) {
        return conn_unexpected(conn, 'R', error);
    }
    if ((conn->login.refused & METHOD_SCRAM) != 0) {
        return error_set(error, POND_CONNECT, "28000",
                         "%sauthentication method requirement of require_auth failed: server "
                         "requested SASL authentication",
                         conn->where);
    }
    return log_in(conn, demand->data, error);
}

int login_check(const struct pond_conn *conn, struct pond_error *error)
{
    if (!conn->login.proved && (conn->login.refused & METHOD_NONE) != 0) {
        return error_set(error, POND_CONNECT, "28000",
                         "%sauthentication method requirement of require_auth failed: server did "
                         "not complete authentication",
                         conn->where);
    }
    if (!conn->login.bound && conn->login.binding == 'r') {
        return error_set(error, POND_CONNECT, "28000",
                         "%schannel binding required, but server authenticated client without "
                         "channel binding",
                         conn->where);
    }
    return 0;
}
