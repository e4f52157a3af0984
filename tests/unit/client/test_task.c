/* Tasks: what is refused outside of them, who is cancelled, and that nobody waits for ever. */
#include "support.h"

#include "base/alloc.h"

#include <string.h>

static void calls_without_a_loop_are_refused(void **state)
{
    struct pond_job job = { 0 };

    (void)state;
    assert_false(pond_in_task());
    assert_int_equal(pond_sleep(0, &test_error), POND_USAGE);
    assert_int_equal(pond_spawn(NULL, NULL, NULL, NULL, &test_error), POND_USAGE);
    assert_int_equal(pond_all(NULL, &job, 1, &test_error), POND_USAGE);
}

static int use_foreign(void *conn, struct pond_error *error)
{
    return pond_exec(conn, "SELECT 1", NULL, error);
}

static void a_connection_of_another_loop_is_refused(void **state)
{
    struct pond_loop *other;

    (void)state;
    script_greet();
    script_linger();
    struct pond_conn *conn = connect_to_server();
    struct pond_job job = { .fn = use_foreign, .arg = conn };
    assert_int_equal(pond_loop_create(&other, &test_error), 0);
    assert_int_equal(pond_all(other, &job, 1, &test_error), POND_USAGE);
    assert_string_equal(test_error.message, "the object belongs to another loop");
    pond_loop_destroy(other);
    pond_conn_destroy(conn);
}

static int sleep_for_ever(void *arg, struct pond_error *error)
{
    int r = pond_sleep(INT64_C(1) << 40, error);

    ++*(int *)arg;
    return r;
}

static int gather_two(void *arg, struct pond_error *error)
{
    struct pond_job jobs[] = { { .fn = sleep_for_ever, .arg = arg },
                               { .fn = sleep_for_ever, .arg = arg } };
    int r = pond_all(NULL, jobs, 2, error);

    *(int *)arg += 10;
    return r;
}

static int refuse(void *arg, struct pond_error *error)
{
    (void)arg;
    return pond_error_set(error, POND_APP, "no");
}

static void a_cancelled_gather_cancels_its_own_and_waits_for_them(void **state)
{
    int ended = 0;
    struct pond_job jobs[] = { { .fn = gather_two, .arg = &ended }, { .fn = refuse } };

    (void)state;
    assert_int_equal(pond_all(test_loop, jobs, 2, &test_error), POND_APP);
    assert_int_equal(jobs[0].result, POND_CANCELLED);
    assert_int_equal(ended, 12);
}

static void the_end_of_a_loop_ends_its_tasks(void **state)
{
    struct pond_loop *loop;
    int ended = 0;

    (void)state;
    assert_int_equal(pond_loop_create(&loop, &test_error), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pond_spawn(loop, gather_two, &ended, NULL, &test_error), 0);
    }
    pond_loop_destroy(loop); /* none of them had begun: none was run */
    assert_int_equal(ended, 0);
    assert_int_equal(pond_loop_create(&loop, &test_error), 0);
    struct pond_job job = { .fn = refuse };
    assert_int_equal(pond_spawn(loop, gather_two, &ended, NULL, &test_error), 0);
    assert_int_equal(pond_all(loop, &job, 1, &test_error), POND_APP); /* lets the others begin */
    pond_loop_destroy(loop);
    assert_int_equal(ended, 12);
}

static void a_loop_lives_as_long_as_what_lives_on_it(void **state)
{
    (void)state;
    script_greet();
    script_linger();
    struct pond_conn *conn = connect_to_server();
    pond_loop_destroy(test_loop); /* the server is a task of it, and hangs up */
    test_loop = NULL;
    assert_int_equal(pond_exec(conn, "SELECT 1", NULL, &test_error), POND_CONNECT);
    assert_int_equal(pond_exec(conn, "SELECT 1", NULL, &test_error), POND_USAGE);
    pond_conn_destroy(conn);
}

/* Both sides write more than fits into the sockets' buffers: whoever only writes would wait for
 * ever. */
static void a_server_that_speaks_while_it_is_written_to_is_heard(void **state)
{
    enum { much = 16 * 1024 * 1024 };
    char *data = calloc(1, much);
    struct failure notice = { 0 };
    struct pond_copy *copy = NULL;

    (void)state;
    assert_non_null(data);
    failure_set(&notice, "00000", "%.1000s", "a long story");
    failure_add(&notice, FIELD_DETAIL, "%0900d", 7);
    script_greet();
    script_expect("Q");
    backend_copy_response(script_writer(), 'G', FORMAT_TEXT, 1);
    for (int i = 0; i < 8000; i++) {
        backend_notice(script_writer(), &notice);
    }
    script_linger();
    struct pond_conn *conn = connect_to_server();
    pond_conn_set_timeout(conn, 60000);
    assert_int_equal(pond_copy_open(conn, "COPY t FROM STDIN", &copy, &test_error), 0);
    assert_int_equal(pond_copy_write(copy, data, much, &test_error), 0);
    pond_conn_close(conn);
    assert_int_equal(pond_copy_write(copy, data, 1, &test_error), POND_USAGE);
    assert_int_equal(pond_copy_abort(copy, &test_error), 0);
    pond_conn_destroy(conn);
    free(data);
}

#define test(name) cmocka_unit_test_setup_teardown(name, client_setup, client_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(calls_without_a_loop_are_refused),
        test(a_connection_of_another_loop_is_refused),
        test(a_cancelled_gather_cancels_its_own_and_waits_for_them),
        test(the_end_of_a_loop_ends_its_tasks),
        test(a_loop_lives_as_long_as_what_lives_on_it),
        test(a_server_that_speaks_while_it_is_written_to_is_heard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
