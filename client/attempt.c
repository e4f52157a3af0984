/* client/attempt.c: one address of a server, with TLS, without, or both in turn, as sslmode says.
 *
 * As libpq: allow tries TLS when the server refuses a plain client, prefer goes on without when
 * there is no TLS, when the hand-shake fails, or when the server refuses who came by it. */
#include "client/attempt.h"

#include "client/error.h"
#include "client/tls.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

static void set_where(struct pond_conn *conn, const struct conninfo_host *host)
{
    char number[64] = "";

    if (conn->address.ss_family == AF_UNIX) {
        snprintf(conn->where, sizeof(conn->where),
                 "connection to server on socket \"%s/.s.PGSQL.%s\": ", host->host, host->port);
        return;
    }
    getnameinfo((struct sockaddr *)&conn->address, conn->address_len, number, sizeof(number), NULL,
                0, NI_NUMERICHOST);
    if (strcmp(number, host->host) == 0) {
        snprintf(conn->where, sizeof(conn->where),
                 "connection to server at \"%s\", port %s: ", host->host, host->port);
    } else {
        snprintf(conn->where, sizeof(conn->where),
                 "connection to server at \"%s\" (%s), port %s: ", host->host, number, host->port);
    }
}

static void put_where(const struct pond_conn *conn, struct pond_error *error)
{
    char text[sizeof(error->message)];

    if (strncmp(error->message, "connection to", 13) != 0) {
        snprintf(text, sizeof(text), "%s", error->message);
        snprintf(error->message, sizeof(error->message), "%s%.700s", conn->where, text);
    }
}

/* What several attempts were answered is told line by line. */
void attempt_add_line(struct pond_error *all, const struct pond_error *one)
{
    struct pond_error before = *all;

    *all = *one;
    if (before.message[0] != '\0') {
        snprintf(all->message, sizeof(all->message), "%.500s\n%.500s", before.message,
                 one->message);
    }
}

struct attempt {
    const struct conninfo *info;
    const struct conninfo_host *host;
    enum tls_mode mode;
    bool encrypted; /* it shall be, this time */
    bool was_encrypted;
    bool refused; /* by the server or by its TLS: the other way may be better */
};

/* The name that was given; a bare address is none. */
static const char *name_of(const struct conninfo_host *host)
{
    return host->host == host->hostaddr ? NULL : host->host;
}

static int encrypt(struct pond_conn *conn, struct attempt *attempt, struct pond_error *error)
{
    int r = conn_encrypt(conn, attempt->info, name_of(attempt->host), attempt->mode, error);

    attempt->was_encrypted = r != TLS_NOT_OFFERED;
    attempt->refused = r == POND_CONNECT;
    return r == TLS_NOT_OFFERED ? 0 : r;
}

static int try_once(struct pond_conn *conn, struct attempt *attempt, struct pond_error *error)
{
    attempt->refused = false;
    attempt->was_encrypted = false;
    conn->refused = false;
    int r = conn_dial(&conn->address, conn->address_len, conn->call_deadline_us, &conn->fd, error);
    if (r == 0 && attempt->encrypted) {
        r = encrypt(conn, attempt, error);
    }
    if (r == 0) {
        r = conn_start(conn, attempt->info, error);
        attempt->refused = conn->refused;
    }
    if (r != 0) {
        conn_break(conn, "it could not be opened");
        put_where(conn, error);
    }
    return r;
}

/* Is there another way, and may it lead further? */
static bool has_other_way(const struct attempt *attempt)
{
    return attempt->refused && ((attempt->mode == TLS_ALLOW && !attempt->encrypted) ||
                                (attempt->mode == TLS_PREFER && attempt->was_encrypted));
}

int attempt_address(struct pond_conn *conn, const struct conninfo *info,
                    const struct conninfo_host *host, struct pond_error *error)
{
    struct attempt attempt = { .info = info, .host = host };
    struct pond_error other = { 0 };
    int r = tls_mode_of(info, &attempt.mode, error);

    if (r != 0) {
        return r;
    }
    if (conn->address.ss_family == AF_UNIX) {
        attempt.mode = TLS_DISABLE; /* whatever was said, as with libpq */
    }
    set_where(conn, host);
    attempt.encrypted = attempt.mode >= TLS_PREFER;
    r = try_once(conn, &attempt, error);
    if (r != 0 && has_other_way(&attempt)) {
        attempt.encrypted = !attempt.encrypted;
        r = try_once(conn, &attempt, &other);
        attempt_add_line(error, &other);
    }
    return r;
}
