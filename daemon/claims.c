/* daemon/claims.c: a claim is there while somebody builds or waits. Whoever ends it takes it from
 * its builder first, so that it ends once: by his word, by another's, or with his connection. */
#include "daemon/claims.h"

#include "base/alloc.h"
#include "daemon/claims_impl.h"
#include "daemon/connection_impl.h"
#include "daemon/databases.h"
#include "pool/registry.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

void claims_init(struct claims *claims)
{
    lock_init(&claims->lock);
    LIST_INIT(&claims->list);
    LIST_INIT(&claims->waits);
}

void claims_finish(struct claims *claims)
{
    assert(LIST_EMPTY(&claims->list));
    lock_finish(&claims->lock);
}

/* ---- the list ---- */

static struct claim *claim_new(struct server *server, const char *name)
{
    struct account *was = account_swap(NULL); /* others will use it, too */
    struct claim *claim = mem_zalloc(sizeof(*claim));

    account_swap(was);
    if (claim != NULL) {
        claim->server = server;
        snprintf(claim->name, sizeof(claim->name), "%s", name);
        claim->budget = (struct budget){ .name = claim->name, .limit = 1 };
    }
    return claim;
}

/* The known one of that name, or *claim, which is taken then. */
static struct claim *find_or_put(struct claims *claims, struct claim **claim)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&claims->lock);
    struct claim *known;

    LIST_FOREACH (known, &claims->list, entry) {
        if (strcmp(known->name, (*claim)->name) == 0) {
            known->refs++;
            return known;
        }
    }
    known = take_ptr(*claim);
    known->refs = 1;
    LIST_INSERT_HEAD(&claims->list, known, entry);
    return known;
}

/* ---- one waits ---- */

/* Notes that he waits, unless that closes a circle. */
static enum circle begin_wait(struct claims *claims, struct claim_wait *wait,
                              struct circle_text *ret_text)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&claims->lock);
    enum circle circle = claims_find_circle(claims, wait, ret_text);

    if (circle == NO_CIRCLE) {
        LIST_INSERT_HEAD(&claims->waits, wait, entry);
    }
    return circle;
}

static void end_wait(struct claims *claims, struct claim_wait *wait)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&claims->lock);

    LIST_REMOVE(wait, entry);
}

static bool leave(struct claims *claims, struct claim *claim)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&claims->lock);

    if (--claim->refs > 0) {
        return false;
    }
    if (!claim->over) {
        LIST_REMOVE(claim, entry);
    }
    return true;
}

static void claim_unref(struct claim *claim)
{
    if (leave(&claim->server->claims, claim)) {
        mem_free(claim);
    }
}

static void give_to(struct claim *claim, const struct permit *permit, int32_t builder, uint32_t oid)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&claim->server->claims.lock);

    claim->permit = *permit;
    claim->oid = oid;
    claim->builder = builder;
}

static int32_t builder_of(struct claims *claims, const char *name)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&claims->lock);
    const struct claim *claim;

    LIST_FOREACH (claim, &claims->list, entry) {
        if (strcmp(claim->name, name) == 0) {
            return claim->builder;
        }
    }
    return 0;
}

int claims_check_not_building(struct server *server, const char *name, struct failure *ret_failure)
{
    int32_t builder = builder_of(&server->claims, name);

    if (builder == 0) {
        return 0;
    }
    failure_set(ret_failure, "55006", "template \"%s\" is still being built", name);
    failure_add(ret_failure, FIELD_DETAIL, "Process %d builds it.", builder);
    failure_add(ret_failure, FIELD_HINT, "Wait for it: SELECT pond_template('%s').", name);
    return FAILED;
}

/* Takes the claim of that name (or of that builder, when name is NULL) from its builder, with the
 * permit and the reference. NULL: nobody builds one. */
static struct claim *take_from_builder(struct claims *claims, const char *name, int32_t builder)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&claims->lock);
    struct claim *claim;

    LIST_FOREACH (claim, &claims->list, entry) {
        if (claim->builder != 0 &&
            (name != NULL ? strcmp(claim->name, name) == 0 : claim->builder == builder)) {
            claim->builder = 0;
            return claim;
        }
    }
    return NULL;
}

/* From now on who asks finds the template. */
static void take_off_list(struct claim *claim)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&claim->server->claims.lock);

    claim->over = true;
    LIST_REMOVE(claim, entry);
}

/* ---- the end of a claim that was taken from its builder ---- */

static void succeed(struct claim *claim)
{
    take_off_list(claim);
    gate_close(&claim->server->gate, &claim->budget);
    gate_release(&claim->permit);
    claim_unref(claim);
}

/* The next one who waits gets the right. */
static void fail(struct claim *claim)
{
    gate_release(&claim->permit);
    claim_unref(claim);
}

/* ---- pond_template() ---- */

static bool is_ready(struct server *server, const char *name)
{
    return registry_is_template(server->registry, view_of_str(name));
}

static int wait_for_right(void *arg, int64_t deadline_us)
{
    struct claim_wait *wait = arg;
    struct budget *budget = &wait->claim->budget;

    return await_gate(&wait->claim->server->gate, &budget, 1, SIZE_MAX, deadline_us, &wait->permit);
}

static void abandon_all(void *conn)
{
    claims_abandon(conn);
}

static int make_database(struct connection *conn, const char *name, const char *from,
                         uint32_t *ret_oid, struct failure *ret_failure)
{
    const struct database_request request = {
        .name = name, .template_name = from, .allows_connections = true, .connection_limit = -1
    };

    if (!conn->builds) {
        if (scope_defer(&conn->scope, abandon_all, conn) != 0) {
            return failure_set_nomem(ret_failure);
        }
        conn->builds = true;
    }
    return databases_create(conn->worker, &request, conn->user, ret_oid, ret_failure);
}

/* Builders go, and their right falls to those who will have to go a moment later. */
static int check_not_draining(const struct server *server, struct failure *ret_failure)
{
    return atomic_load(&server->draining)
               ? failure_set(ret_failure, "57P01",
                             "terminating connection due to administrator command")
               : 0;
}

/* With the right. 0; or FAILED, and the right is the next one's. */
static int begin_building(struct connection *conn, struct claim_wait *wait, const char *from,
                          struct failure *ret_failure)
{
    uint32_t oid;
    int r = check_not_draining(conn->server, ret_failure);

    if (r == 0) {
        r = make_database(conn, wait->claim->name, from, &oid, ret_failure);
    }
    if (r != 0) {
        gate_release(&wait->permit);
        claim_unref(wait->claim);
        return r;
    }
    give_to(wait->claim, &wait->permit, conn->cancel_key.pid, oid);
    return 0;
}

static int fail_circle(const struct circle_text *text, struct failure *ret_failure)
{
    failure_set(ret_failure, "40P01", "deadlock detected");
    failure_add(ret_failure, FIELD_DETAIL, "%s", text->text);
    failure_add(ret_failure, FIELD_HINT, "Ask for several templates in the same order everywhere.");
    return FAILED;
}

/* An answer: he has got it, or has it already. */
enum { HAS_RIGHT = 2, HAD_RIGHT };

/* HAS_RIGHT, HAD_RIGHT, 0 (the template is ready, or may be), or FAILED. */
static int await_right(struct connection *conn, struct claim_wait *wait,
                       struct failure *ret_failure)
{
    struct claims *claims = &conn->server->claims;
    struct circle_text text = { .len = 0 };

    switch (begin_wait(claims, wait, &text)) {
    case OWN_CLAIM:
        return HAD_RIGHT;
    case CIRCLE:
        return fail_circle(&text, ret_failure);
    case NO_CIRCLE:
        break;
    }
    conn->in_line = true;
    int r = session_await(conn->lease.session, wait_for_right, wait, ret_failure);
    conn->in_line = false;
    end_wait(claims, wait);
    if (r == 0) {
        return HAS_RIGHT;
    }
    return r == -ESHUTDOWN ? 0 : r == FAILED ? FAILED : failure_set_nomem(ret_failure);
}

int claims_await(struct connection *conn, const char *name, const char *from, bool *ret_build,
                 struct failure *ret_failure)
{
    struct server *server = conn->server;

    while (!is_ready(server, name)) {
        cleanup(mem_freep) struct claim *fresh = claim_new(server, name);
        if (fresh == NULL) {
            return failure_set_nomem(ret_failure);
        }
        struct claim_wait wait = { .claim = find_or_put(&server->claims, &fresh),
                                   .pid = conn->cancel_key.pid };
        int r = await_right(conn, &wait, ret_failure);

        if (r == HAS_RIGHT && !is_ready(server, name)) {
            *ret_build = true;
            return begin_building(conn, &wait, from, ret_failure);
        }
        gate_release(&wait.permit); /* when we have one after all */
        claim_unref(wait.claim);
        if (r == HAD_RIGHT || r == FAILED) {
            *ret_build = true;
            return r == FAILED ? FAILED : 0;
        }
    }
    *ret_build = false;
    return 0;
}

/* ---- pond_template_ready(), pond_template_failed() ---- */

int claims_end(struct server *server, const char *name, bool ready, struct failure *ret_failure)
{
    struct claim *claim = take_from_builder(&server->claims, name, 0);

    if (claim == NULL) {
        return failure_set(ret_failure, "55000", "no template \"%s\" is being built", name);
    }
    int r = ready ? databases_freeze(server, name, claim->oid, ret_failure) : 0;
    if (ready && r == 0) {
        succeed(claim);
        return 0;
    }
    databases_discard(server, name, claim->oid);
    fail(claim);
    return r;
}

/* ---- the builder's connection ends ---- */

static void fail_there(struct loop *loop, struct loop_message *message)
{
    struct claim *claim = container_of(message, struct claim, failing);

    (void)loop;
    databases_discard_here(claim->server, claim->name, claim->oid);
    fail(claim);
}

/* On the loop of its database, from where it goes without anybody waiting for it. */
static void begin_failing(struct claim *claim)
{
    struct server *server = claim->server;
    unsigned loop;

    if (!registry_locate(server->registry, view_of_str(claim->name), &loop)) {
        fail(claim);
        return;
    }
    claim->failing.run = fail_there;
    loop_send(server->loops[loop], &claim->failing);
}

void claims_abandon(struct connection *conn)
{
    struct claim *claim;

    while ((claim = take_from_builder(&conn->server->claims, NULL, conn->cancel_key.pid)) != NULL) {
        begin_failing(claim);
    }
}
