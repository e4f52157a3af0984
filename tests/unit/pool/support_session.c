#include "support_session.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char world_schema[] =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER, s TEXT);"
    "WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c WHERE x<1000)"
    " INSERT INTO t SELECT x, x*10, 'row '||x FROM c;"
    "CREATE TABLE parent(id INTEGER PRIMARY KEY);"
    "CREATE TABLE child(id INTEGER PRIMARY KEY, parent_id INT REFERENCES parent(id) DEFERRABLE "
    "INITIALLY DEFERRED);"
    "CREATE TABLE orders(id INTEGER PRIMARY KEY, sku TEXT UNIQUE, qty INT NOT NULL CHECK(qty > 0),"
    " a INT, b INT, UNIQUE(a, b));";

int setup_world(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct failure failure;

    assert_non_null(world);
    setenv("CMOCKA_TEST_ABORT", "1",
           1); /* cmocka's way out of a failure does not lead off a task's stack */
    clock_manual_init(&world->clock, 1000000);
    assert_int_equal(
        loop_create(&(struct loop_options){ .clock = &world->clock.clock }, &world->loop), 0);
    world->template_ = template_of(world_schema);
    world->clone = clone_of(world->template_, 0);
    assert_int_equal(session_open(world->clone, &(struct session_options){ .memory = 0 },
                                  &world->session, &failure),
                     0);
    *state = world;
    return 0;
}

int teardown_world(void **state)
{
    struct world *world = *state;

    session_close(world->session);
    clone_unref(world->clone);
    template_unref(world->template_);
    loop_destroy(world->loop);
    free(world);
    return 0;
}

struct body {
    struct world *world;
    void (*fn)(struct world *world);
    bool done;
};

static void run_body(void *arg)
{
    struct body *body = arg;

    body->fn(body->world);
    body->done = true;
}

void in_task(struct world *world, void (*fn)(struct world *world))
{
    struct body body = { .world = world, .fn = fn };

    assert_int_equal(task_spawn(world->loop, "test", run_body, &body, NULL), 0);
    assert_int_equal(loop_run_until_idle(world->loop), 0);
    assert_true(body.done);
}

void start(struct world *world, task_fn *fn, void *arg)
{
    assert_int_equal(task_spawn(world->loop, "other", fn, arg, NULL), 0);
}

struct session *session_on(struct clone *clone, const struct session_options *options)
{
    static const struct session_options none;
    struct session *session = NULL;
    struct failure failure;

    assert_int_equal(session_open(clone, options == NULL ? &none : options, &session, &failure), 0);
    return session;
}

static unsigned flags_of(const char *sql)
{
    static const char *const writes[] = { "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER" };

    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        if (strncasecmp(sql, writes[i], strlen(writes[i])) == 0) {
            return CURSOR_WRITES;
        }
    }
    return 0;
}

int try(struct session *session, const char *sql, struct failure *ret_failure)
{
    return session_execute(session, view_of_str(sql), NULL, 0, flags_of(sql), NULL, ret_failure);
}

int64_t run(struct session *session, const char *sql)
{
    struct failure failure = { .sqlstate = "" };
    int64_t changes = 0;

    if (session_execute(session, view_of_str(sql), NULL, 0, flags_of(sql), &changes, &failure) !=
        0) {
        fail_msg("%s: %s %s", sql, failure.sqlstate, failure_get(&failure, FIELD_MESSAGE));
    }
    return changes;
}

void fails(struct session *session, const char *sql, const char *sqlstate, const char *message)
{
    struct failure failure = { .sqlstate = "" };

    assert_int_equal(try(session, sql, &failure), FAILED);
    assert_string_equal(failure.sqlstate, sqlstate);
    if (message != NULL) {
        assert_string_equal(failure_get(&failure, FIELD_MESSAGE), message);
    }
    txn_failed(session);
}

struct cursor *open_cursor(struct session *session, const char *sql)
{
    struct failure failure = { .sqlstate = "" };
    struct cursor *cursor = NULL;

    if (cursor_open(session, view_of_str(sql), NULL, 0, flags_of(sql), &cursor, &failure) != 0) {
        fail_msg("%s: %s %s", sql, failure.sqlstate, failure_get(&failure, FIELD_MESSAGE));
    }
    return cursor;
}

int64_t next_int(struct cursor *cursor)
{
    struct failure failure = { .sqlstate = "" };
    const struct cell *cells;
    int r = cursor_next(cursor, &cells, &failure);

    if (r == FAILED) {
        fail_msg("next: %s %s", failure.sqlstate, failure_get(&failure, FIELD_MESSAGE));
    }
    return r == CURSOR_END ? -1 : cells[0].i;
}

int64_t query_int(struct session *session, const char *sql)
{
    struct cursor *cursor = open_cursor(session, sql);
    int64_t value = next_int(cursor);

    cursor_close(cursor);
    return value;
}

void begin(struct session *session, enum txn_isolation isolation)
{
    struct failure failure;

    assert_int_equal(txn_begin(session, (struct txn_modes){ .isolation = isolation }, &failure), 0);
}

void commit(struct session *session)
{
    struct failure failure;
    bool rolled_back = true;

    assert_int_equal(txn_commit(session, &rolled_back, &failure), 0);
    assert_false(rolled_back);
}

void rollback(struct session *session)
{
    struct failure failure;

    assert_int_equal(txn_rollback(session, &failure), 0);
}
