/* daemon/auth.c: which rule fits, and what its method asks for. Refusals are in PostgreSQL's words.
 */
#include "daemon/auth.h"

#include "conf/hba.h"
#include "daemon/auth_impl.h"
#include "daemon/connection_impl.h"
#include "daemon/connection_tls.h"
#include "daemon/console.h"

#include <string.h>

/* ---- refusals ---- */

static const char *encryption_of(const struct connection *conn)
{
    return connection_is_encrypted(conn) ? "SSL encryption" : "no encryption";
}

static int refuse_unknown(const struct connection *conn, struct failure *f)
{
    char room[address_text_bytes];

    failure_set(
        f, "28000", "no pg_hba.conf entry for host \"%s\", user \"%s\", database \"%s\", %s",
        address_in_words(&conn->from, room), conn->user, conn->database, encryption_of(conn));
    failure_add(f, FIELD_HINT,
                "auth_type and auth_hba_file in pondd's configuration say who gets "
                "in.");
    return FAILED;
}

static int refuse_by_rule(const struct connection *conn, struct failure *f)
{
    char room[address_text_bytes];

    return failure_set(
        f, "28000",
        "pg_hba.conf rejects connection for host \"%s\", user \"%s\", database \"%s\", %s",
        address_in_words(&conn->from, room), conn->user, conn->database, encryption_of(conn));
}

/* ---- methods that need no conversation ---- */

static int check_certificate(const struct connection *conn, struct failure *f)
{
    const char *name = connection_certificate_name(conn);

    if (name != NULL && strcmp(name, conn->user) == 0) {
        return 0;
    }
    return failure_set(f, "28000", "certificate authentication failed for user \"%s\"", conn->user);
}

/* ---- which rule? ---- */

static bool find_rule(const struct connection *conn, enum hba_method *ret_method)
{
    struct hba_client client = { .encrypted = connection_is_encrypted(conn),
                                 .database = conn->database,
                                 .user = conn->user };

    client.address = address_is_unix(&conn->from) ? NULL : &conn->from.any;
    return hba_find(conn->worker->conf->hba, &client, ret_method);
}

int auth_begin(struct connection *conn, struct auth *auth, struct failure *ret_failure)
{
    enum hba_method method;

    conn->is_own = auth_is_own(conn);
    if (conn->is_own || console_is_meant_by_owner(conn)) {
        return 0;
    }
    if (!find_rule(conn, &method)) {
        return refuse_unknown(conn, ret_failure);
    }
    switch (method) {
    case HBA_TRUST:
        return 0;
    case HBA_REJECT:
        return refuse_by_rule(conn, ret_failure);
    case HBA_PEER:
        return auth_check_peer(conn, ret_failure);
    case HBA_SCRAM:
        return auth_ask(conn, auth, ret_failure);
    case HBA_CERT:
        return check_certificate(conn, ret_failure);
    }
    return refuse_unknown(conn, ret_failure);
}

void auth_finish(struct auth *auth)
{
    scram_server_finish(&auth->scram);
}
