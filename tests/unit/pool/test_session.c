/* Sessions: opening, statements, stopping, time slices, accounts, the cache of statements. */
#include "support_session.h"

#include "async/await.h"
#include "pool/vfs.h"

#include <stdio.h>
#include <string.h>

static void first_steps(struct world *w)
{
    assert_int_equal(query_int(w->session, "SELECT 1"), 1);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);
    assert_int_equal(run(w->session, "UPDATE t SET n = 0 WHERE id <= 3"), 3);
    assert_int_equal(run(w->session, "UPDATE t SET n = 0 WHERE id < 0"), 0);
    assert_int_equal(query_int(w->session, "SELECT sum(n) FROM t WHERE id <= 4"), 40);
}

static void runs_statements(void **state)
{
    in_task(*state, first_steps);
}

static void like_is_case_sensitive(struct world *w)
{
    assert_int_equal(query_int(w->session, "SELECT 'ABC' LIKE 'a%'"), 0);
    assert_int_equal(query_int(w->session, "SELECT 'ABC' LIKE 'A%'"), 1);
    fails(w->session, "SELECT \"nothing\"", "42703", "column \"nothing\" does not exist");
    assert_int_equal(query_int(w->session, "PRAGMA foreign_keys"), 1);
}

static void speaks_as_postgresql_does(void **state)
{
    in_task(*state, like_is_case_sensitive);
}

/* ---- stopping and giving way: the clock moves when SQL calls tick() ---- */

static void tick(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct clock_manual *clock = sqlite3_user_data(context);

    clock_manual_advance(clock, 100);
    sqlite3_result_value(context, argv[argc - 1]);
}

static struct session *ticking(struct world *w, const struct session_options *options)
{
    struct session *session = session_on(w->clone, options);

    sqlite3_create_function(session_sqlite(session), "tick", 1, SQLITE_UTF8, &w->clock, tick, NULL,
                            NULL);
    return session;
}

static const char long_query[] = "SELECT count(tick(a.id)) FROM t AS a, t AS b";

static void statement_timeout(struct world *w)
{
    struct session *session = ticking(w, NULL);
    int64_t start = w->clock.now_us;

    session_statement_begin(session, start + 50000);
    fails(session, long_query, "57014", "canceling statement due to statement timeout");
    assert_in_range(w->clock.now_us - start, 50000, 90000); /* soon after, not at the end */
    session_statement_begin(session, DEADLINE_NONE);
    assert_int_equal(query_int(session, "SELECT count(*) FROM t"), 1000);
    session_close(session);
}

static void the_deadline_stops_a_statement(void **state)
{
    in_task(*state, statement_timeout);
}

/* A scan of a thousand rows is a few thousand steps. */
static void step_limit(struct world *w)
{
    static const char scan[] = "SELECT count(*) FROM t WHERE id > 0";
    struct session *session = ticking(w, NULL);

    session_limit_steps(session, 20000);
    assert_int_equal(query_int(session, scan), 1000);
    assert_int_equal(query_int(session, scan), 1000);
    fails(session, "SELECT count(*) FROM t AS a, t AS b", "57014",
          "canceling statement due to user request");
    fails(session, scan, "57014", "canceling statement due to user request");
    session_limit_steps(session, 20000);
    assert_int_equal(query_int(session, scan), 1000);
    session_limit_steps(session, 0);
    assert_int_equal(query_int(session, "SELECT count(*) FROM t AS a, t AS b"), 1000000);
    session_close(session);
}

static void the_steps_of_statements_can_be_limited(void **state)
{
    in_task(*state, step_limit);
}

static void commits_of_others(struct world *w)
{
    struct session *session = session_on(w->clone, NULL);
    struct session *other = session_on(w->clone, NULL);
    uint64_t before, after;

    assert_true(session_sees_newest(session, &before));
    assert_int_equal(query_int(session, "SELECT count(*) FROM t"), 1000);
    assert_true(session_sees_newest(session, &after));
    assert_int_equal(after, before);
    run(other, "DELETE FROM t WHERE id = 1");
    assert_true(session_sees_newest(session, &after));
    assert_int_not_equal(after, before);
    session_close(other);
    session_close(session);
}

static void it_is_known_whether_others_have_committed(void **state)
{
    in_task(*state, commits_of_others);
}

struct running {
    struct session *session;
    const char *sqlstate;
    const char *message;
    int severity;
    bool done;
};

static void run_long(void *arg)
{
    struct running *running = arg;
    struct failure f = { .sqlstate = "" };

    assert_int_equal(try(running->session, long_query, &f), FAILED);
    assert_string_equal(f.sqlstate, running->sqlstate);
    assert_string_equal(failure_get(&f, FIELD_MESSAGE), running->message);
    assert_int_equal(f.severity, running->severity);
    running->done = true;
}

static void stop(struct world *w)
{
    static const struct {
        enum stop_reason reason;
        struct running expected;
    } cases[] = {
        { STOP_CANCEL,
          { .sqlstate = "57014", .message = "canceling statement due to user request" } },
        { STOP_SHUTDOWN,
          { .sqlstate = "57P01",
            .message = "terminating connection due to administrator command",
            .severity = SEVERITY_FATAL } },
        { STOP_HANGUP,
          { .sqlstate = "08006",
            .message = "connection to client lost",
            .severity = SEVERITY_FATAL } },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct running running = cases[i].expected;

        running.session = ticking(w, NULL);
        start(w, run_long, &running);
        assert_int_equal(await_turn(), 0);
        assert_int_equal(await_turn(), 0);
        assert_false(running.done); /* it gave up its turn in the middle */
        session_stop_statement(running.session, cases[i].reason);
        for (int turns = 0; !running.done; turns++) {
            assert_true(turns < 5);
            assert_int_equal(await_turn(), 0);
        }
        session_statement_begin(running.session, DEADLINE_NONE);
        assert_int_equal(query_int(running.session, "SELECT 1"), 1);
        session_close(running.session);
    }
}

static void another_task_stops_a_statement(void **state)
{
    in_task(*state, stop);
}

static int asked;

static enum stop_reason hang_up_at_the_third(void *owner)
{
    assert_ptr_equal(owner, &asked);
    return ++asked == 3 ? STOP_HANGUP : STOP_NONE;
}

static void owner_stops(struct world *w)
{
    struct session_options options = { .should_stop = hang_up_at_the_third, .owner = &asked };
    struct session *session = ticking(w, &options);

    asked = 0;
    fails(session, long_query, "08006", NULL);
    assert_int_equal(asked, 3);
    session_close(session);
}

static void the_owner_is_asked_at_each_time_slice(void **state)
{
    in_task(*state, owner_stops);
}

static void cancelled_task(struct world *w)
{
    struct session *session = ticking(w, NULL);

    task_cancel(task_current(), 7);
    fails(session, long_query, "57P01", NULL);
    session_close(session);
}

static void a_cancelled_task_stops_its_statement(void **state)
{
    in_task(*state, cancelled_task);
}

/* ---- accounts ---- */

static void two_accounts(struct world *w)
{
    struct account own = { .limit = 0 };
    struct account parent = { .limit = 0 };
    struct account *was = account_swap(&own);
    size_t before = own.used;
    struct session *session = session_on(w->clone, &(struct session_options){ .parent = &parent });

    assert_true(session_account(session)->used > 10000);
    assert_true(own.used - before < 20000); /* the session itself, and none of SQLite's */
    struct running running = { .session = ticking(w, NULL),
                               .sqlstate = "57014",
                               .message = "canceling statement due to user request" };
    start(w, run_long, &running);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(await_turn(), 0);
        assert_ptr_equal(account_current(), &own);
    }
    session_stop_statement(running.session, STOP_CANCEL);
    while (!running.done) {
        assert_int_equal(await_turn(), 0);
    }
    session_close(running.session);
    session_close(session);
    assert_int_equal(own.used, before);
    assert_int_equal(parent.used, 0);
    account_swap(was);
}

static void sqlite_is_charged_to_its_session_alone(void **state)
{
    in_task(*state, two_accounts);
}

static void over_limit(struct world *w)
{
    struct session *session = session_on(w->clone, &(struct session_options){ .memory = 1 << 20 });

    fails(session, "SELECT length(replace(hex(zeroblob(1000000)), '00', 'abc'))", "53200",
          "out of memory");
    assert_int_equal(query_int(session, "SELECT count(*) FROM t"), 1000);
    begin(session, TXN_READ_COMMITTED);
    run(session, "DELETE FROM t WHERE id = 1");
    fails(session, "UPDATE t SET s = replace(hex(zeroblob(1000000)), '00', 'abc')", "53200", NULL);
    rollback(session);
    assert_int_equal(query_int(session, "SELECT count(*) FROM t"), 1000);
    assert_false(clone_has_writer(w->clone, session));
    session_close(session);
}

static void a_session_over_its_memory_lives_on(void **state)
{
    in_task(*state, over_limit);
}

/* ---- the cache of statements ---- */

static size_t prepared(struct session *session)
{
    size_t count = 0;

    for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(session_sqlite(session), s)) != NULL;) {
        count++;
    }
    return count;
}

static void cache(struct world *w)
{
    struct failure f;
    sqlite3_stmt *a = NULL;
    sqlite3_stmt *b = NULL;
    struct view sql = view_of_str("SELECT id FROM t WHERE id = ?1");

    assert_int_equal(session_prepare(w->session, sql, &a, &f), 0);
    assert_int_equal(session_prepare(w->session, sql, &b, &f), 0);
    assert_ptr_not_equal(a, b);
    sqlite3_bind_int(a, 1, 7);
    assert_int_equal(sqlite3_step(a), SQLITE_ROW);
    session_release(w->session, a);
    session_release(w->session, b);
    assert_int_equal(session_prepare(w->session, sql, &b, &f), 0);
    assert_int_equal(sqlite3_stmt_busy(b), 0);
    assert_int_equal(sqlite3_step(b), SQLITE_DONE); /* the parameter is forgotten */
    session_release(w->session, b);
    for (int i = 0; i < 200; i++) {
        char text[64];

        snprintf(text, sizeof(text), "SELECT %d", i);
        assert_int_equal(query_int(w->session, text), i);
    }
    assert_int_equal(prepared(w->session), 64);
    run(w->session, "CREATE TABLE once(a)");
    assert_int_equal(prepared(w->session), 64);
    run(w->session, "DROP TABLE once");
    assert_int_equal(query_int(w->session, "SELECT 199"), 199);
}

static void statements_are_kept_by_text(void **state)
{
    in_task(*state, cache);
}

/* A large one is prepared once for Parse and Execute, and gone then. */
static void large(struct world *w)
{
    static char text[20000];
    struct failure f;
    sqlite3_stmt *a = NULL;
    sqlite3_stmt *b = NULL;

    memset(text, ' ', sizeof(text) - 1);
    memcpy(text, "SELECT 7", 8);
    memcpy(text + sizeof(text) - 10, "AS seven", 8);
    text[sizeof(text) - 2] = '\0';
    size_t before = prepared(w->session);

    assert_int_equal(session_prepare(w->session, view_of_str(text), &a, &f), 0);
    session_release_soon(w->session, a);
    assert_int_equal(prepared(w->session), before + 1);
    assert_int_equal(session_prepare(w->session, view_of_str(text), &b, &f), 0);
    assert_ptr_equal(a, b);
    assert_int_equal(sqlite3_step(b), SQLITE_ROW);
    session_release(w->session, b);
    assert_int_equal(prepared(w->session), before);
    assert_int_equal(session_prepare(w->session, view_of_str(text), &a, &f), 0);
    session_release_soon(w->session, a);
    assert_int_equal(query_int(w->session, "SELECT 1"), 1); /* another one takes its place */
    assert_int_equal(prepared(w->session), before + 1);
    assert_int_equal(session_prepare(w->session, view_of_str(text), &a, &f), 0);
    session_release_soon(w->session, a); /* and the end of the session takes this one */
}

static void a_large_statement_is_kept_for_its_next_use_only(void **state)
{
    in_task(*state, large);
}

/* ---- every allocation fails once ---- */

static const char *const sequence[] = {
    "SELECT count(*) FROM t WHERE s LIKE 'row 1%'",
    "BEGIN",
    "SAVEPOINT",
    "INSERT INTO t VALUES(5000, 1, 'new')",
    "UPDATE t SET s = s || 'x' WHERE id < 100 RETURNING id, s",
    "SELECT id, s FROM t ORDER BY s LIMIT 3",
    "INSERT INTO orders VALUES(1, 'sku', 1, 1, 1)",
    "CREATE TABLE u(a PRIMARY KEY, b) WITHOUT ROWID",
    "CREATE INDEX ub ON u(b)",
    "INSERT INTO u SELECT id, s FROM t WHERE id < 50",
    "COMMIT",
    "CREATE VIEW v AS SELECT * FROM u",
    "SELECT * FROM v WHERE b > 'row 2'",
    "VACUUM",
};

static int step_sequence(struct session *session, const char *sql, struct failure *f)
{
    bool rolled_back;

    if (strcmp(sql, "BEGIN") == 0) {
        return txn_begin(session, (struct txn_modes){ .read_only = false }, f);
    }
    if (strcmp(sql, "SAVEPOINT") == 0) {
        return txn_savepoint(session, view_of_str("a"), f);
    }
    if (strcmp(sql, "COMMIT") == 0) {
        return txn_commit(session, &rolled_back, f);
    }
    return try(session, sql, f);
}

/* The sequence with the n-th allocation failing; true when it came to its end without any failing.
 */
static bool survive(struct world *w, uint64_t n)
{
    struct clone *clone = clone_of(w->template_, 0);
    struct session *session = session_on(clone, NULL);
    struct failure f = { .sqlstate = "" };
    int r = 0;

    mem_fail_at(n, false);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(sequence); i++) {
        r = step_sequence(session, sequence[i], &f);
    }
    bool hit = mem_fail_hit();
    mem_fail_at(0, false);
    if (r != 0) {
        if (strcmp(f.sqlstate, "53200") != 0) {
            fail_msg("allocation %llu: %s %s", (unsigned long long)n, f.sqlstate,
                     failure_get(&f, FIELD_MESSAGE));
        }
        txn_failed(session);
        rollback(session);
    }
    assert_int_equal(sqlite3_get_autocommit(session_sqlite(session)), 1);
    assert_false(clone_has_writer(clone, session));
    run(session, "INSERT INTO t VALUES(6000, 1, 'after')");
    assert_true(query_int(session, "SELECT count(*) FROM t") >= 1001);
    struct cursor *check = open_cursor(session, "PRAGMA integrity_check");
    const struct cell *cells;
    assert_int_equal(cursor_next(check, &cells, &f), 0);
    assert_true(view_equal_str(cells[0].bytes, "ok"));
    cursor_close(check);
    session_close(session);
    clone_unref(clone);
    return !hit;
}

static void out_of_memory(struct world *w)
{
    /* 0: all of them; else so many, spread over them from a random one on */
    unsigned rounds = test_rounds(0);
    uint64_t total;

    mem_fail_at(0, false);
    assert_true(survive(w, UINT64_C(1) << 40));
    mem_fail_at(UINT64_C(1) << 40, false);
    total = 1;
    while (total < 1 << 20 && !survive(w, total)) {
        total *= 2;
    }
    uint64_t seed = test_seed();
    uint64_t stride = rounds == 0 || total / rounds == 0 ? 1 : total / rounds;
    size_t tried = 0;
    for (uint64_t n = 1 + rnd_below(&seed, (uint32_t)stride); !survive(w, n); n += stride) {
        tried++;
    }
    assert_true(tried > 20);
}

static void each_allocation_that_fails_ends_its_statement_only(void **state)
{
    in_task(*state, out_of_memory);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, setup_world, teardown_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(runs_statements),
        WORLD_TEST(speaks_as_postgresql_does),
        WORLD_TEST(the_deadline_stops_a_statement),
        WORLD_TEST(the_steps_of_statements_can_be_limited),
        WORLD_TEST(it_is_known_whether_others_have_committed),
        WORLD_TEST(another_task_stops_a_statement),
        WORLD_TEST(the_owner_is_asked_at_each_time_slice),
        WORLD_TEST(a_cancelled_task_stops_its_statement),
        WORLD_TEST(sqlite_is_charged_to_its_session_alone),
        WORLD_TEST(a_session_over_its_memory_lives_on),
        WORLD_TEST(statements_are_kept_by_text),
        WORLD_TEST(a_large_statement_is_kept_for_its_next_use_only),
        WORLD_TEST(each_allocation_that_fails_ends_its_statement_only),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
