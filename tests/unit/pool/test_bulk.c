/* One write for many rows. */
#include "support_session.h"

#include "async/await.h"
#include "pool/bulk.h"

#include <stdio.h>
#include <string.h>

#define INSERT view_of_str("INSERT INTO t VALUES (?1, ?2, ?3)")

static struct cell text_cell(const char *text)
{
    return (struct cell){ .kind = CELL_TEXT, .bytes = view_of_str(text) };
}

static void put(struct bulk *bulk, int64_t id, const char *text)
{
    const struct cell cells[] = { { .kind = CELL_INT, .i = id },
                                  { .kind = CELL_NULL },
                                  text_cell(text) };
    int64_t changes = 0;

    assert_int_equal(bulk_run(bulk, cells, 3, &changes, NULL), 0);
    assert_int_equal(changes, 1);
}

static void many_rows(struct world *w)
{
    struct session *other = session_on(w->clone, NULL);
    struct bulk *bulk;
    char text[32];

    txn_implicit_begin(w->session);
    assert_int_equal(bulk_open(w->session, INSERT, &bulk, NULL), 0);
    assert_true(clone_has_writer(w->clone, w->session));
    for (int i = 1; i <= 5000; i++) { /* the text is lent for the call only */
        snprintf(text, sizeof(text), "bulk %d", i);
        put(bulk, 10000 + i, text);
    }
    bulk_close(bulk);
    assert_int_equal(query_int(other, "SELECT count(*) FROM t"), 1000);
    assert_int_equal(txn_implicit_end(w->session, NULL), 0);
    assert_int_equal(query_int(other, "SELECT count(*) FROM t WHERE id > 10000"
                                      " AND s = 'bulk ' || (id - 10000) AND n IS NULL"),
                     5000);
    assert_false(clone_has_writer(w->clone, w->session));
    session_close(other);
}

static void all_rows_are_there_once_it_is_committed(void **state)
{
    in_task(*state, many_rows);
}

static void filtered(struct world *w)
{
    int64_t went_in = 0;
    struct bulk *bulk;

    txn_implicit_begin(w->session);
    assert_int_equal(
        bulk_open(w->session,
                  view_of_str("INSERT INTO t SELECT ?1, 0, '' WHERE ?1 % 3 = 0 RETURNING id"),
                  &bulk, NULL),
        0);
    for (int i = 1; i <= 100; i++) {
        const struct cell cell = { .kind = CELL_INT, .i = 2000 + i };
        int64_t changes = -1;

        assert_int_equal(bulk_run(bulk, &cell, 1, &changes, NULL), 0);
        assert_int_equal(changes, (2000 + i) % 3 == 0);
        went_in += changes;
    }
    assert_int_equal(went_in, 34);
    bulk_close(bulk);
    assert_int_equal(txn_implicit_end(w->session, NULL), 0);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1034);
}

static void only_rows_that_went_in_are_counted(void **state)
{
    in_task(*state, filtered);
}

static void refused_row(struct world *w)
{
    const struct cell twice[] = { { .kind = CELL_INT, .i = 1 },
                                  { .kind = CELL_NULL },
                                  { .kind = CELL_NULL } };
    struct failure f = { 0 };
    struct bulk *bulk;
    int64_t changes;

    txn_implicit_begin(w->session);
    assert_int_equal(bulk_open(w->session, INSERT, &bulk, &f), 0);
    put(bulk, 2000, "good");
    assert_int_equal(bulk_run(bulk, twice, 3, &changes, &f), FAILED);
    assert_string_equal(f.sqlstate, "23505");
    bulk_close(bulk);
    txn_failed(w->session);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);
    assert_false(clone_has_writer(w->clone, w->session));
}

static void a_row_that_is_refused_takes_the_others_along(void **state)
{
    in_task(*state, refused_row);
}

static void parked(struct world *w)
{
    struct bulk *bulk;

    begin(w->session, TXN_READ_COMMITTED);
    struct cursor *cursor = open_cursor(w->session, "SELECT id FROM t ORDER BY id");
    assert_int_equal(next_int(cursor), 1);
    assert_int_equal(bulk_open(w->session, INSERT, &bulk, NULL), 0);
    put(bulk, 5000, "later");
    bulk_close(bulk);
    for (int i = 2; i <= 1000; i++) {
        assert_int_equal(next_int(cursor), i);
    }
    assert_int_equal(next_int(cursor), -1);
    cursor_close(cursor);
    assert_int_equal(query_int(w->session, "SELECT max(id) FROM t"), 5000);
    rollback(w->session);
    assert_int_equal(query_int(w->session, "SELECT max(id) FROM t"), 1000);
}

static void an_open_cursor_does_not_see_its_rows(void **state)
{
    in_task(*state, parked);
}

struct waiting {
    struct session *session;
    bool done;
};

static void wait_in_vain(void *arg)
{
    struct waiting *waiting = arg;
    struct failure f = { 0 };
    struct bulk *bulk;

    txn_implicit_begin(waiting->session);
    assert_int_equal(bulk_open(waiting->session, INSERT, &bulk, &f), FAILED);
    assert_string_equal(f.sqlstate, "55P03");
    txn_failed(waiting->session);
    waiting->done = true;
}

static void in_line(struct world *w)
{
    struct session_options options = { .lock_timeout_us = 5000 };
    struct waiting waiting = { .session = session_on(w->clone, &options) };

    begin(w->session, TXN_READ_COMMITTED);
    run(w->session, "DELETE FROM t WHERE id = 1");
    start(w, wait_in_vain, &waiting);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(await_turn(), 0);
    }
    assert_false(waiting.done);
    clock_manual_advance(&w->clock, 5001);
    while (!waiting.done) {
        assert_int_equal(await_turn(), 0);
    }
    rollback(w->session);
    session_close(waiting.session);
}

static void it_stands_in_the_writers_line(void **state)
{
    in_task(*state, in_line);
}

static void unknown(struct world *w)
{
    struct failure f = { 0 };
    struct bulk *bulk;

    txn_implicit_begin(w->session);
    assert_int_equal(
        bulk_open(w->session, view_of_str("INSERT INTO nowhere VALUES (1)"), &bulk, &f), FAILED);
    assert_string_equal(f.sqlstate, "42P01");
    txn_failed(w->session);
}

static void a_statement_that_cannot_be_prepared_is_refused(void **state)
{
    in_task(*state, unknown);
}

/* 0 when nothing failed. */
static int copy_some(struct session *session)
{
    struct failure f = { 0 };
    struct bulk *bulk;
    int64_t changes;
    int r = bulk_open(session, INSERT, &bulk, &f);

    for (int i = 0; r == 0 && i < 200; i++) {
        const struct cell cells[] = { { .kind = CELL_INT, .i = 3000 + i },
                                      { .kind = CELL_REAL, .r = i / 7.0 },
                                      text_cell("some text that is longer than nothing") };

        r = bulk_run(bulk, cells, 3, &changes, &f);
        if (i == 199 || r != 0) {
            bulk_close(bulk);
        }
    }
    assert_true(r == 0 || strcmp(f.sqlstate, "53200") == 0 || strcmp(f.sqlstate, "53100") == 0);
    return r;
}

static void without_memory(struct world *w)
{
    bool hit = true;

    for (uint64_t n = 1; hit; n += 3) {
        txn_implicit_begin(w->session);
        mem_fail_at(n, false);
        int r = copy_some(w->session);

        hit = mem_fail_hit();
        mem_fail_at(0, false);
        assert_true(hit || r == 0);
        txn_failed(w->session);
        assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);
    }
}

static void each_allocation_that_fails_ends_it_only(void **state)
{
    in_task(*state, without_memory);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, setup_world, teardown_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(all_rows_are_there_once_it_is_committed),
        WORLD_TEST(only_rows_that_went_in_are_counted),
        WORLD_TEST(a_row_that_is_refused_takes_the_others_along),
        WORLD_TEST(an_open_cursor_does_not_see_its_rows),
        WORLD_TEST(it_stands_in_the_writers_line),
        WORLD_TEST(a_statement_that_cannot_be_prepared_is_refused),
        WORLD_TEST(each_allocation_that_fails_ends_it_only),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
