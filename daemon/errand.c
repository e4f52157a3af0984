/* daemon/errand.c: see the header. */
#include "daemon/errand.h"

#include "async/await.h"
#include "async/loop.h"
#include "daemon/connection_impl.h"
#include "pool/registry.h"

#include <errno.h>

static const int64_t leave_timeout_us = 5000000; /* as long as PostgreSQL gives */
static const int64_t leave_step_us = 2000;

int errand_fail_unknown(const char *what, const char *name, struct failure *ret_failure)
{
    return failure_set(ret_failure, "3D000", "%s \"%s\" does not exist", what, name);
}

int errand_fail_taken(const char *name, struct failure *ret_failure)
{
    return failure_set(ret_failure, "42P04", "database \"%s\" already exists", name);
}

void errand_run(struct errand *errand)
{
    struct named *named = registry_named(errand->server->registry, view_of_str(errand->name));

    /* It may have gone, or have another name, since we asked where it lives. */
    if (named == NULL || (errand->oid != 0 && errand->oid != named_oid(named))) {
        errand->result = errand_fail_unknown("database", errand->name, errand->failure);
    } else {
        errand->result = errand->run(errand, named);
    }
}

static void run_there(void *errand)
{
    errand_run(errand);
}

int errand_await(struct errand *errand)
{
    unsigned loop;

    if (!registry_locate(errand->server->registry, view_of_str(errand->name), &loop)) {
        return errand_fail_unknown("database", errand->name, errand->failure);
    }
    await_call(errand->server->workers[loop].loop, run_there, errand);
    return errand->result;
}

/* ---- who uses it ---- */

/* Are all that use it about to go: told to, or hung up? */
static bool all_leave(struct server *server, const struct named *named)
{
    struct worker *worker = &server->workers[named_loop(named)];
    struct connection *conn;

    TAILQ_FOREACH (conn, &worker->connections, entry) {
        if (conn->named == named && conn->goodbye == GOODBYE_NONE && !connection_hung_up(conn)) {
            return false;
        }
    }
    return true;
}

int errand_want_unused(struct errand *errand, const struct named *named)
{
    size_t others = named_leases(named);

    if (others == 0) {
        return 0;
    }
    failure_set(errand->failure, "55006", "database \"%s\" is being accessed by other users",
                errand->name);
    failure_add(errand->failure, FIELD_DETAIL,
                others == 1 ? "There is %zu other session using the database."
                            : "There are %zu other sessions using the database.",
                others);
    return all_leave(errand->server, named) ? ERRAND_WAITS : FAILED;
}

static int await_moment(void *end_us, int64_t deadline_us)
{
    int64_t now_us = loop_now_us(loop_current());
    int64_t until_us = now_us + leave_step_us;

    if (now_us >= *(const int64_t *)end_us) {
        return FAILED;
    }
    int r = await_until(until_us < deadline_us ? until_us : deadline_us);
    return r == 0 && until_us >= deadline_us ? -ETIMEDOUT : r;
}

int errand_await_unused(struct session *session, struct errand *errand)
{
    int64_t end_us = clock_after_us(loop_clock(loop_current()), leave_timeout_us);
    int r;

    while ((r = errand_await(errand)) == ERRAND_WAITS) {
        r = session_await(session, await_moment, &end_us, errand->failure);
        if (r != 0) {
            return r;
        }
    }
    return r;
}
