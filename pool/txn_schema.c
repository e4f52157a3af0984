/* pool/txn_schema.c: the schema that a statement was planned for, and the one that it finds when it
 * has got the writer's place. Plans are made before: others may have written in between. */
#include "pool/session_state.h"

#include <assert.h>

void txn_expect_schema(struct session *session, uint32_t version)
{
    session->expects_schema = true;
    session->schema_moved = false;
    session->expected_schema = version;
}

bool txn_schema_moved(const struct session *session)
{
    return session->schema_moved;
}

void txn_expect_no_schema(struct session *session)
{
    session->expects_schema = false;
    session->schema_moved = false;
}

int txn_await_place(struct session *session, struct failure *ret_failure)
{
    assert(txn_is_open(session));
    session_enter(session);
    int r = cursor_make_way(session, ret_failure);
    if (r == 0) {
        r = txn_enter(session, TXN_WRITE, view_of_str("COPY FROM"), ret_failure);
    }
    session_leave(session);
    return r;
}

int txn_check_schema(struct session *session, struct failure *ret_failure)
{
    if (!session->expects_schema || session_schema_version(session) == session->expected_schema) {
        return 0;
    }
    session->schema_moved = true;
    failure_set(ret_failure, "40001",
                "could not serialize access due to a concurrent change of the schema");
    failure_add(ret_failure, FIELD_HINT, "The transaction might succeed if retried.");
    return FAILED;
}
