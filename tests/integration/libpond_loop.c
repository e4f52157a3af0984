/* tests/integration/libpond_loop.c: several tasks on one loop, pools, and the caller's own
 * event_base. */
#include "libpond.h"

#include <event2/event.h>

/* ---- tasks ---- */

static int sleep_long(void *arg, struct pond_error *e)
{
    (void)arg;
    struct pond_conn *own = NULL;
    int r = pond_conn_open(NULL, "", &own, e);

    if (r == 0) {
        r = pond_exec(own, FOR_EVER, NULL, e);
    }
    pond_conn_destroy(own);
    return r;
}

static int fail_soon(void *arg, struct pond_error *e)
{
    (void)arg;
    struct pond_conn *own = NULL;
    int r = pond_conn_open(NULL, "", &own, e);

    if (r == 0) {
        r = pond_exec(own, "SELECT 1 / 0", NULL, e);
    }
    pond_conn_destroy(own);
    return r;
}

static int add_one(void *arg, struct pond_error *e)
{
    struct pond_conn *own = NULL;
    struct pond_result *result = NULL;
    int r = pond_conn_open(NULL, "", &own, e);

    if (r == 0) {
        r = pond_query(own, "SELECT $1::int + 1", POND_WITH(pond_int(*(int32_t *)arg)), &result, e);
    }
    if (r == 0) {
        r = pond_row_int32(pond_result_row(result, 0), 0, arg);
    }
    pond_result_destroy(result);
    pond_conn_destroy(own);
    return r;
}

static void all_wait_for_all(void **state)
{
    struct pond_loop *loop;
    int32_t numbers[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    struct pond_job jobs[8];

    (void)state;
    ok(pond_loop_create(&loop, &error));
    for (size_t i = 0; i < 8; i++) {
        jobs[i] = (struct pond_job){ .fn = add_one, .arg = &numbers[i] };
    }
    ok(pond_all(loop, jobs, 8, &error));
    for (int32_t i = 0; i < 8; i++) {
        assert_int_equal(numbers[i], i + 2);
    }
    pond_loop_destroy(loop);
}

static void the_first_error_ends_the_others(void **state)
{
    struct pond_loop *loop;
    struct pond_job jobs[] = { { .fn = sleep_long }, { .fn = fail_soon }, { .fn = sleep_long } };

    (void)state;
    ok(pond_loop_create(&loop, &error));
    must_fail(pond_all(loop, jobs, 3, &error), "22012");
    assert_int_equal(jobs[0].result, POND_CANCELLED);
    assert_int_equal(jobs[1].result, POND_SQL);
    assert_int_equal(jobs[2].result, POND_CANCELLED);
    pond_loop_destroy(loop);
}

static int hold_much(void *arg, struct pond_error *e)
{
    struct pond_conn *held = arg;
    POND_SCOPED(scope, e);
    struct pond_txn *txn;
    struct pond_rows *rows;
    int r = pond_scope_txn(&scope, held, NULL, &txn, e);

    if (r == 0) {
        r = pond_scope_rows(&scope, held, "SELECT * FROM generate_series(1, 1000)", POND_NONE, NULL,
                            &rows, e);
    }
    return r == 0 ? pond_sleep(60000, e) : r;
}

static int lock_and_sleep(void *arg, struct pond_error *e)
{
    POND_SCOPED(scope, e);
    int r = pond_scope_lock(&scope, arg, 4711, e);

    return r == 0 ? pond_sleep(60000, e) : r;
}

static int give_up_soon(void *arg, struct pond_error *e)
{
    (void)arg;
    (void)!pond_sleep(50, e);
    return pond_error_set(e, POND_APP, "enough");
}

static void what_a_cancelled_task_holds_is_given_back(void **state)
{
    struct pond_loop *loop;
    struct pond_conn *held;
    bool was_held = true;
    struct pond_result *result;

    (void)state;
    ok(pond_loop_create(&loop, &error));
    ok(pond_conn_open(loop, "", &held, &error));
    struct pond_job jobs[] = { { .fn = hold_much, .arg = held }, { .fn = give_up_soon } };
    assert_int_equal(pond_all(loop, jobs, 2, &error), POND_APP);
    assert_int_equal(pond_conn_status(held), 'I');
    ok(pond_exec(held, "SELECT 1", NULL, &error));

    jobs[0].fn = lock_and_sleep;
    assert_int_equal(pond_all(loop, jobs, 2, &error), POND_APP);
    ok(pond_query(held, "SELECT pg_advisory_unlock(4711)", POND_NONE, &result, &error));
    assert_int_equal(pond_row_bool(pond_result_row(result, 0), 0, &was_held), 0);
    assert_false(was_held);
    pond_result_destroy(result);
    pond_conn_destroy(held);
    pond_loop_destroy(loop);
}

struct duel {
    struct pond_conn *conn;
    int slept; /* 1: not ended yet */
};

static int sleeper(void *arg, struct pond_error *e)
{
    struct duel *d = arg;

    d->slept = pond_exec(d->conn, FOR_EVER, NULL, e);
    assert_string_equal(e->sqlstate, "57014");
    return 0;
}

static int canceller(void *arg, struct pond_error *e)
{
    struct duel *d = arg;

    assert_int_equal(pond_exec(d->conn, "SELECT 1", NULL, e), POND_USAGE); /* busy */
    while (d->slept == 1) {
        ok(pond_conn_cancel(d->conn, e));
        ok(pond_sleep(5, e));
    }
    return 0;
}

static void another_task_cancels(void **state)
{
    struct duel d = { .slept = 1 };
    struct pond_loop *loop;
    struct pond_job jobs[] = { { .fn = sleeper, .arg = &d }, { .fn = canceller, .arg = &d } };

    (void)state;
    ok(pond_loop_create(&loop, &error));
    ok(pond_conn_open(loop, "", &d.conn, &error));
    ok(pond_all(loop, jobs, 2, &error));
    assert_int_equal(d.slept, POND_SQL);
    pond_conn_destroy(d.conn);
    pond_loop_destroy(loop);
}

/* ---- pools ---- */

static int borrow(void *arg, struct pond_conn *lent, struct pond_error *e)
{
    (void)arg;
    int r = pond_exec(lent, "SET application_name = 'changed'; BEGIN", NULL, e);
    return r == 0 ? pond_sleep(1, e) : r;
}

static int borrow_often(void *pool, struct pond_error *e)
{
    for (int i = 0; i < 5; i++) {
        int r = pond_pool_with(pool, -1, borrow, NULL, e);

        if (r != 0) {
            return r;
        }
    }
    return 0;
}

static void a_pool_serves_many_tasks_with_few_connections(void **state)
{
    struct pond_pool_options o = { .conninfo = "application_name=pooled", .max = 3, .ping = true };
    struct pond_pool_stats stats;
    struct pond_job jobs[8];
    struct pond_pool *pool;
    struct pond_conn *lent;

    (void)state;
    ok(pond_pool_create(NULL, &o, &pool, &error));
    for (size_t i = 0; i < 8; i++) {
        jobs[i] = (struct pond_job){ .fn = borrow_often, .arg = pool };
    }
    ok(pond_all(pond_pool_loop(pool), jobs, 8, &error));
    pond_pool_stats(pool, &stats);
    assert_int_equal(stats.leases, 40);
    assert_int_equal(stats.opened, 3);
    assert_int_equal(stats.idle, 3);
    assert_int_equal(stats.in_use, 0);
    ok(pond_pool_acquire(pool, 60000, &lent, &error));
    assert_int_equal(pond_conn_status(lent), 'I');
    assert_string_equal(pond_conn_parameter(lent, "application_name"), "pooled");
    assert_int_equal(pond_pool_destroy(pool, &error), POND_USAGE); /* one is lent */
    pond_pool_release(pool, lent);
    ok(pond_pool_destroy(pool, &error));
}

static void a_full_pool_lets_wait_and_no_longer_than_said(void **state)
{
    struct pond_pool *pool;
    struct pond_conn *lent = NULL, *second = NULL;

    (void)state;
    ok(pond_pool_create(NULL, &(struct pond_pool_options){ .max = 1, .min = 1 }, &pool, &error));
    {
        POND_SCOPED(scope, &error);

        ok(pond_scope_acquire(&scope, pool, 60000, &lent, &error));
        assert_int_equal(pond_pool_acquire(pool, 20, &second, &error), POND_TIMEOUT);
        error.kind = 0;
        pond_conn_close(lent); /* broken: it is not lent again */
    }
    ok(pond_pool_acquire(pool, 60000, &second, &error));
    ok(pond_exec(second, "SELECT 1", NULL, &error));
    pond_pool_release(pool, second);
    ok(pond_pool_destroy(pool, &error));
    assert_int_equal(
        pond_pool_create(NULL,
                         &(struct pond_pool_options){ .conninfo = "dbname=nowhere", .min = 1 },
                         &pool, &error),
        POND_CONNECT);
    assert_string_equal(error.sqlstate, "3D000");
}

/* ---- the caller's own event_base ---- */

struct driven {
    struct event_base *base;
    struct pond_conn *conn;
    int64_t sum;
    int result;
    bool ticked;
};

static int use_driven(void *arg, struct pond_error *e)
{
    struct driven *d = arg;
    struct pond_row row;
    struct pond_rows *rows = NULL;
    int64_t n;
    int r = pond_conn_open(NULL, "", &d->conn, e);

    if (r == 0) {
        r = pond_rows_open(d->conn, "SELECT * FROM generate_series(1, 1000)", POND_NONE, NULL,
                           &rows, e);
    }
    while (r == 0 && (r = pond_rows_next(rows, &row, e)) == POND_ROW) {
        r = pond_row_int64(row, 0, &n);
        d->sum += n;
    }
    pond_rows_close(rows, NULL);
    return r;
}

static void driven_done(void *arg, int result, const struct pond_error *e)
{
    struct driven *d = arg;

    (void)e;
    d->result = result;
    pond_conn_destroy(d->conn);
}

static void tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    *(bool *)arg = true;
}

static void a_loop_over_the_callers_base_calls_back(void **state)
{
    struct driven d = { .base = event_base_new(), .result = 1 };
    struct pond_loop *loop;
    struct pond_conn *none = NULL;

    (void)state;
    ok(pond_loop_create_on(d.base, &loop, &error));
    assert_int_equal(pond_conn_open(loop, "", &none, &error), POND_USAGE); /* it would block */
    assert_int_equal(pond_loop_run(loop, &error), POND_USAGE);
    ok(pond_spawn(loop, use_driven, &d, driven_done, &error));
    event_base_once(d.base, -1, EV_TIMEOUT, tick, &d.ticked, &(struct timeval){ 0 });
    assert_int_equal(event_base_dispatch(d.base), 1); /* ends by itself */
    assert_int_equal(d.result, 0);
    assert_int_equal(d.sum, 500500);
    assert_true(d.ticked);
    ok(pond_spawn(loop, sleep_long, NULL, NULL, &error));
    assert_int_equal(event_base_loop(d.base, EVLOOP_NONBLOCK), 0);
    pond_loop_destroy(loop); /* the task is cancelled, and ends while the base is dispatched */
    assert_int_equal(event_base_dispatch(d.base), 1);
    event_base_free(d.base);
}

int run_loop_tests(void)
{
    const struct CMUnitTest tests[] = {
        test(all_wait_for_all),
        test(the_first_error_ends_the_others),
        test(another_task_cancels),
        test(what_a_cancelled_task_holds_is_given_back),
        test(a_pool_serves_many_tasks_with_few_connections),
        test(a_full_pool_lets_wait_and_no_longer_than_said),
        test(a_loop_over_the_callers_base_calls_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
