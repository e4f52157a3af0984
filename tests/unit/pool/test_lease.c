/* Leases of private and of named clones, and the line for them. */
#include "support_pool.h"

#include "async/await.h"
#include "pool/clone.h"
#include "pool/template.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

static const struct lease_request tester = { .user = "tester" };
static const struct lease_request other = { .user = "other" };

static size_t sessions_of(const struct pool *pool)
{
    struct database_stats stats;

    database_stats(pool->database, &stats);
    return stats.sessions;
}

static void refused(struct pool *pool, const struct lease_request *request, const char *message,
                    const char *detail)
{
    struct lease lease = { .session = NULL };
    struct failure f;

    assert_int_equal(lease_acquire(pool->database, request, &lease, &f), FAILED);
    assert_string_equal(f.sqlstate, "53300");
    assert_string_equal(failure_get(&f, FIELD_MESSAGE), message);
    assert_string_equal(failure_get(&f, FIELD_DETAIL), detail);
}

/* ---- private clones ---- */

static void private(struct world *w)
{
    const struct database_options options = { .session_memory = 4 << 20,
                                              .lock_timeout_us = 7000,
                                              .work_mem = 65536,
                                              .temp_file_limit = 1 << 20,
                                              .temp_dir = "/var/tmp",
                                              .max_waiters = SIZE_MAX };
    struct pool pool = { .closed = false };
    struct lease a, b, c;

    pool_begin(&pool, w, &options, 0);
    take_lease(&pool, &a);
    take_lease(&pool, &b);
    run(a.session, "DELETE FROM t");
    run(a.session, "CREATE TABLE mine(x)");
    assert_int_equal(query_int(b.session, "SELECT count(*) FROM t"), 1000);
    fails(b.session, "SELECT * FROM mine", "42P01", NULL);
    assert_int_equal(session_options(a.session)->lock_timeout_us, 7000);
    assert_int_equal(session_options(a.session)->work_mem, 65536);
    assert_int_equal(session_options(a.session)->temp_file_limit, 1 << 20);
    assert_string_equal(session_options(a.session)->temp_dir, "/var/tmp");
    assert_int_equal(session_account(a.session)->limit, 4 << 20);
    begin(a.session, TXN_READ_COMMITTED);
    run(a.session, "INSERT INTO mine VALUES(1)");
    struct cursor *open = open_cursor(a.session, "SELECT * FROM mine");
    (void)open; /* closed with its session */
    lease_release(&a);
    lease_release(&a);
    take_lease(&pool, &c);
    assert_int_equal(query_int(c.session, "SELECT count(*) FROM t"), 1000);
    lease_release(&b);
    lease_release(&c);
    pool_end(&pool);
}

static void each_lease_is_a_clone_of_its_own(void **state)
{
    in_task(*state, private);
}

/* ---- limits ---- */

static void full(struct world *w)
{
    const struct database_options options = { .pool_size = 2 };
    struct pool pool = { .closed = false };
    struct lease a, b, c;

    pool_begin(&pool, w, &options, 0);
    take_lease(&pool, &a);
    take_lease(&pool, &b);
    refused(&pool, &tester, "too many connections for database \"shop\"",
            "All of its 2 sessions are in use.");
    assert_int_equal(sessions_of(&pool), 2);
    lease_release(&a);
    take_lease(&pool, &c);
    lease_release(&b);
    lease_release(&c);
    assert_int_equal(sessions_of(&pool), 0);
    pool_end(&pool);
}

static void where_nobody_may_wait_a_full_pool_refuses(void **state)
{
    in_task(*state, full);
}

static void others_limits(struct world *w)
{
    const struct database_options options = { .max_waiters = 0 };
    struct pool pool = { .sessions.limit = 2 };
    struct lease a, b;
    struct failure f;

    pool_begin(&pool, w, &options, 1);
    take_lease(&pool, &a);
    refused(&pool, &tester, "too many connections for user \"tester\"",
            "All of its 1 sessions are in use.");
    assert_int_equal(lease_acquire(pool.database, &other, &b, &f), 0);
    refused(&pool, &(struct lease_request){ .user = "third" }, "too many sessions",
            "All of its 2 sessions are in use.");
    lease_release(&a);
    lease_release(&b);
    pool_end(&pool);
}

static void users_and_the_daemon_have_limits_too(void **state)
{
    in_task(*state, others_limits);
}

struct waiter {
    struct pool *pool;
    struct named *named; /* NULL: a private clone */
    struct lease lease;
    struct failure failure;
    int result;
    bool done;
    int turn;
};

static int turns;

static void wait_task(void *arg)
{
    struct waiter *waiter = arg;

    waiter->result =
        waiter->named == NULL
            ? lease_acquire(waiter->pool->database, &tester, &waiter->lease, &waiter->failure)
            : lease_acquire_named(waiter->named, &tester, &waiter->lease, &waiter->failure);
    waiter->done = true;
    waiter->turn = turns++;
}

static void await_done(const struct waiter *waiter)
{
    while (!waiter->done) {
        assert_int_equal(await_turn(), 0);
    }
}

static void line(struct world *w)
{
    const struct database_options options = { .pool_size = 1, .max_waiters = 2 };
    struct pool pool = { .closed = false };
    struct lease first;

    turns = 0;
    pool_begin(&pool, w, &options, 0);
    struct named *named = make_named(&pool, "shop~n", false);
    struct waiter waiters[2] = { { .pool = &pool, .named = named }, { .pool = &pool } };
    take_lease(&pool, &first);
    start(w, wait_task, &waiters[0]);
    start(w, wait_task, &waiters[1]);
    assert_int_equal(await_turn(), 0);
    w->clock.now_us += 2500000;
    refused(&pool, &tester, "too many connections for database \"shop\"",
            "All of its 1 sessions are in use; 2 clients wait, the first for 2.5 s.");
    lease_release(&first);
    await_done(&waiters[0]);
    assert_int_equal(waiters[0].result, 0);
    assert_int_equal(named_leases(named), 1);
    assert_false(waiters[1].done);
    lease_release(&waiters[0].lease);
    await_done(&waiters[1]);
    assert_int_equal(waiters[1].result, 0);
    lease_release(&waiters[1].lease);
    assert_int_equal(named_leases(named), 0);
    pool_end(&pool);
}

static void named_and_private_clones_wait_in_one_line(void **state)
{
    in_task(*state, line);
}

static void in_vain(struct world *w)
{
    const struct database_options options = { .pool_size = 1,
                                              .max_waiters = 9,
                                              .query_wait_timeout_us = 3000000 };
    struct pool pool = { .closed = false };
    struct lease first;

    pool_begin(&pool, w, &options, 0);
    struct waiter waiter = { .pool = &pool };
    take_lease(&pool, &first);
    start(w, wait_task, &waiter);
    assert_int_equal(await_turn(), 0);
    w->clock.now_us += 3000001;
    await_done(&waiter);
    assert_int_equal(waiter.result, FAILED);
    assert_string_equal(waiter.failure.sqlstate, "53300");
    assert_non_null(strstr(failure_get(&waiter.failure, FIELD_HINT), "query_wait_timeout"));

    struct waiter cancelled = { .pool = &pool };
    struct task *task;
    assert_int_equal(task_spawn(w->loop, "cancelled", wait_task, &cancelled, &task), 0);
    assert_int_equal(await_turn(), 0);
    task_cancel(task, 1);
    await_done(&cancelled);
    assert_int_equal(cancelled.result, -ECANCELED);
    lease_release(&first);
    assert_int_equal(sessions_of(&pool), 0);
    pool_end(&pool);
}

static void a_waiter_gives_up_or_is_told_to_and_leaves_no_trace(void **state)
{
    in_task(*state, in_vain);
}

/* ---- what SQLite remembers ---- */

/* As plans are made for: without a statement that reads. */
static bool has_column(struct session *session, const char *column)
{
    return sqlite3_table_column_metadata(session_sqlite(session), "main", "t", column, NULL, NULL,
                                         NULL, NULL, NULL) == SQLITE_OK;
}

static void changed_and_taken_back(struct world *w)
{
    struct pool pool = { .closed = false };
    struct lease lease;
    struct failure f;

    pool_begin(&pool, w, NULL, 0);
    for (int i = 0; i < 3; i++) {
        take_lease(&pool, &lease);
        assert_true(has_column(lease.session, "n"));
        assert_false(has_column(lease.session, "extra"));
        run(lease.session, "ALTER TABLE t ADD COLUMN extra");
        assert_true(has_column(lease.session, "extra"));
        assert_int_equal(lease_reset(&lease, &f), 0);
        lease_release(&lease);
    }
    pool_end(&pool);
}

static void a_lease_begins_with_the_templates_schema(void **state)
{
    in_task(*state, changed_and_taken_back);
}

/* ---- named clones ---- */

static void shared(struct world *w)
{
    struct pool pool = { .closed = false };
    struct lease a, b;
    struct failure f;

    pool_begin(&pool, w, NULL, 0);
    struct named *named = named_ref(make_named(&pool, "shop~n", false));
    take_named(named, &a);
    take_named(named, &b);
    run(a.session, "DELETE FROM t WHERE id > 10");
    assert_int_equal(query_int(b.session, "SELECT count(*) FROM t"), 10);
    assert_int_equal(lease_mark(&a, "ten", &f), 0);
    run(b.session, "DELETE FROM t");
    assert_int_equal(lease_rewind(&b, "ten", &f), 0); /* the marks are both of theirs */
    assert_int_equal(query_int(a.session, "SELECT count(*) FROM t"), 10);
    begin(a.session, TXN_READ_COMMITTED);
    run(a.session, "DELETE FROM t");
    lease_release(&a); /* rolls back */
    assert_int_equal(query_int(b.session, "SELECT count(*) FROM t"), 10);
    lease_release(&b);
    take_named(named, &a); /* all that was committed is still there */
    assert_int_equal(query_int(a.session, "SELECT count(*) FROM t"), 10);
    assert_int_equal(lease_reset(&a, &f), 0);
    assert_int_equal(query_int(a.session, "SELECT count(*) FROM t"), 1000);
    registry_drop(pool.registry, named);
    assert_int_equal(query_int(a.session, "SELECT count(*) FROM t"),
                     1000); /* while somebody uses it */
    lease_release(&a);
    named_unref(named);
    pool_end(&pool);
}

static void a_named_clone_is_its_users(void **state)
{
    in_task(*state, shared);
}

static void frozen(struct world *w)
{
    struct pool pool = { .closed = false };
    struct lease a, b;
    struct frozen frozen;
    struct failure f;
    char name[database_name_bytes];

    pool_begin(&pool, w, NULL, 0);
    struct named *named = make_named(&pool, "h1", true);
    take_named(named, &a);
    run(a.session, "DELETE FROM t WHERE id > 10");
    begin(a.session, TXN_READ_COMMITTED);
    run(a.session, "DELETE FROM t");
    assert_false(registry_frozen(pool.registry, view_of_str("h1"), &frozen));
    assert_int_equal(registry_freeze(pool.registry, named), 0);
    commit(a.session); /* too late */
    assert_true(registry_frozen(pool.registry, view_of_str("h1"), &frozen));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lease_acquire_copy(frozen.database, frozen.template_, &tester, &b, &f), 0);
        assert_int_equal(query_int(b.session, "SELECT count(*) FROM t"), 10);
        assert_int_equal(lease_mark(&b, "m", &f), 0);
        run(b.session, "DROP TABLE t");
        lease_release(&b);
    }
    template_unref(frozen.template_);
    lease_release(&a);

    /* max_templates is 2: the one that was used last stays */
    assert_int_equal(registry_freeze(pool.registry, make_named(&pool, "h2", true)), 0);
    assert_false(registry_find_excess(pool.registry, name));
    assert_true(registry_frozen(pool.registry, view_of_str("h1"), &frozen));
    template_unref(frozen.template_);
    assert_int_equal(registry_freeze(pool.registry, make_named(&pool, "h3", true)), 0);
    assert_true(registry_find_excess(pool.registry, name));
    assert_string_equal(name, "h2");
    registry_drop(pool.registry, registry_named(pool.registry, view_of_str("h2")));
    assert_false(registry_find_excess(pool.registry, name));
    pool_end(&pool);
}

static void a_frozen_clone_is_a_template(void **state)
{
    in_task(*state, frozen);
}

static void marks_end(struct world *w)
{
    struct pool pool = { .closed = false };
    struct lease a;
    struct failure f;

    pool_begin(&pool, w, NULL, 0);
    take_lease(&pool, &a);
    assert_int_equal(lease_mark(&a, "m", &f), 0);
    run(a.session, "DELETE FROM t");
    assert_int_equal(lease_rewind(&a, "m", &f), 0);
    lease_release(&a);
    take_lease(&pool, &a);
    assert_int_equal(lease_rewind(&a, "m", &f), FAILED);
    assert_string_equal(f.sqlstate, "42704");
    assert_int_equal(query_int(a.session, "SELECT count(*) FROM t"), 1000);
    lease_release(&a);
    pool_end(&pool);
}

static void the_marks_of_a_private_clone_end_with_its_lease(void **state)
{
    in_task(*state, marks_end);
}

/* ---- who is in the way ---- */

static struct session_who the_holder(void *owner)
{
    (void)owner;
    return (struct session_who){ .pid = 42, .statement = view_of_str("DELETE FROM t") };
}

struct blocked {
    struct lease *lease;
    struct failure failure;
    int result;
    bool done;
};

static void write_task(void *arg)
{
    struct blocked *blocked = arg;

    blocked->result = try(blocked->lease->session, "DELETE FROM t", &blocked->failure);
    blocked->done = true;
}

static void in_the_way(struct world *w)
{
    const struct lease_request request = {
        .user = "tester", .options = { .who = the_holder, .lock_timeout_us = 5000000 }
    };
    struct pool pool = { .closed = false };
    struct lease a, b;
    struct failure f;

    pool_begin(&pool, w, NULL, 0);
    struct named *named = make_named(&pool, "shop~n", false);
    assert_int_equal(lease_acquire_named(named, &request, &a, &f), 0);
    assert_int_equal(lease_acquire_named(named, &request, &b, &f), 0);
    begin(a.session, TXN_READ_COMMITTED);
    run(a.session, "DELETE FROM t");
    struct blocked blocked = { .lease = &b };
    start(w, write_task, &blocked);
    assert_int_equal(await_turn(), 0);
    assert_true(session_waits_for_place(b.session));
    w->clock.now_us += 5000001;
    while (!blocked.done) {
        assert_int_equal(await_turn(), 0);
    }
    assert_false(session_waits_for_place(b.session));
    assert_int_equal(blocked.result, FAILED);
    assert_string_equal(blocked.failure.sqlstate, "55P03");
    assert_string_equal(failure_get(&blocked.failure, FIELD_DETAIL),
                        "Process 42 has been writing to the database for 5.0 s; its statement is: "
                        "DELETE FROM t");
    rollback(a.session);
    lease_release(&a);
    lease_release(&b);
    pool_end(&pool);
}

static void a_lock_timeout_says_who_is_in_the_way(void **state)
{
    in_task(*state, in_the_way);
}

/* ---- no memory ---- */

static void no_memory(struct world *w)
{
    struct pool pool = { .closed = false };
    struct failure f;

    pool_begin(&pool, w, NULL, 5);
    struct named *named = make_named(&pool, "shop~n", false);
    for (int is_named = 0; is_named < 2; is_named++) {
        struct lease lease = { .session = NULL };
        uint64_t n = 0;
        int r;

        do {
            size_t used = mem_used_total();

            mem_fail_at(++n, false);
            r = is_named ? lease_acquire_named(named, &tester, &lease, &f)
                         : lease_acquire(pool.database, &tester, &lease, &f);
            mem_fail_at(0, false);
            if (r != 0) {
                assert_string_equal(f.sqlstate, "53200");
                assert_int_equal(mem_used_total(), used);
            }
        } while (r != 0);
        assert_true(n > 20);
        lease_release(&lease);
        assert_int_equal(sessions_of(&pool), 0);
    }
    pool_end(&pool);
}

static void a_lease_without_memory_leaves_nothing(void **state)
{
    in_task(*state, no_memory);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, setup_world, teardown_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(each_lease_is_a_clone_of_its_own),
        WORLD_TEST(where_nobody_may_wait_a_full_pool_refuses),
        WORLD_TEST(users_and_the_daemon_have_limits_too),
        WORLD_TEST(named_and_private_clones_wait_in_one_line),
        WORLD_TEST(a_waiter_gives_up_or_is_told_to_and_leaves_no_trace),
        WORLD_TEST(a_lease_begins_with_the_templates_schema),
        WORLD_TEST(a_named_clone_is_its_users),
        WORLD_TEST(a_frozen_clone_is_a_template),
        WORLD_TEST(the_marks_of_a_private_clone_end_with_its_lease),
        WORLD_TEST(a_lock_timeout_says_who_is_in_the_way),
        WORLD_TEST(a_lease_without_memory_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
