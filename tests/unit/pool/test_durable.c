/* pool/durable.h: what readers and writers see while commits are on their way to the disk, and when
 * they do not get there. */
#include "support_durable.h"

#include "async/await.h"
#include "pool/durable_impl.h"
#include "pool/marks.h"

#include "support_pool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int setup(void **state)
{
    (void)home_setup(state);
    assert_int_equal(home_open(DURABLE_FULL), 0);
    return 0;
}

static void in_home(void (*body)(struct world *world))
{
    in_task(&home.world, body);
}

/* ---- commits ---- */

struct commit {
    struct session *session;
    const char *sql;
    struct failure failure;
    int result; /* -1: not yet */
};

static void run_commit(void *arg)
{
    struct commit *commit = arg;

    commit->result = try(commit->session, commit->sql, &commit->failure);
}

static void begin_commit(struct commit *commit, struct session *session, const char *sql)
{
    *commit = (struct commit){ .session = session, .sql = sql, .result = -1 };
    start(&home.world, run_commit, commit);
    assert_int_equal(await_turn(), 0);
}

static void await_result(const struct commit *commit)
{
    while (commit->result == -1) {
        assert_int_equal(await_turn(), 0);
    }
}

static int64_t count(struct session *session)
{
    return query_int(session, "SELECT count(*) FROM pairs");
}

static void body_commits_are_grouped(struct world *world maybe_unused)
{
    struct ledger ledger = { 0 };
    struct durable_stats stats;

    durable_start(home.durable);
    commit_pairs(&ledger, false);
    durable_stats(home.durable, &stats);
    assert_int_equal(stats.commits, pairs_most);
    assert_true(stats.writes < pairs_most);
    assert_int_equal(stats.failures, 0);
    home_close();
    for (int i = 0; i < pairs_most; i++) {
        assert_true(ledger.acknowledged[i]);
    }
    check_pairs(&ledger, true);
}

static void test_commits_are_grouped_and_in_the_file_at_the_end(void **state maybe_unused)
{
    in_home(body_commits_are_grouped);
}

static void body_a_commit_is_seen_when_it_is_on_the_disk(struct world *world maybe_unused)
{
    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);
    struct session *b = session_on(home.clone, NULL);
    struct session *c = session_on(home.clone, NULL);
    struct commit commit;

    disk_hold_syncs(true);
    begin_commit(&commit, a, "INSERT INTO pairs VALUES(1, 0, NULL)");
    assert_int_equal(commit.result, -1);
    assert_int_equal(count(b), 0);
    /* who writes stands on it: his own commit comes behind it in any case */
    begin(c, TXN_READ_COMMITTED);
    assert_int_equal(count(c), 0);
    run(c, "INSERT INTO pairs VALUES(2, 0, NULL)");
    assert_int_equal(count(c), 2);
    rollback(c);
    assert_int_equal(count(c), 0);
    assert_int_equal(commit.result, -1);
    disk_hold_syncs(false);
    await_result(&commit);
    assert_int_equal(commit.result, 0);
    assert_int_equal(count(a), 1);
    assert_int_equal(count(b), 1);
    assert_int_equal(count(c), 1);

    session_close(a);
    session_close(b);
    session_close(c);
    home_close();
}

static void test_a_commit_is_seen_when_it_is_on_the_disk(void **state maybe_unused)
{
    in_home(body_a_commit_is_seen_when_it_is_on_the_disk);
}

/* That of what it sees: true. */
static bool knows_its_schema(struct session *session)
{
    struct failure f;
    uint32_t version;

    assert_int_equal(session_read_schema(session, &version, &f), 0);
    return session_schema_version(session) == version;
}

/* Who keeps plans by that number would else keep those of one schema for the other. */
static void body_a_schema_is_told_by_who_sees_it(struct world *world maybe_unused)
{
    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);
    struct session *b = session_on(home.clone, NULL);
    struct commit commit;

    uint32_t old = session_schema_version(b);
    disk_hold_syncs(true);
    begin_commit(&commit, a, "ALTER TABLE pairs ADD more INT");
    struct session *c = session_on(home.clone, NULL);
    assert_int_equal(session_schema_version(b), old);
    assert_int_equal(session_schema_version(c), old);
    assert_true(knows_its_schema(b));
    begin(b, TXN_READ_COMMITTED);
    run(b, "UPDATE pairs SET pair = 1");
    assert_true(session_schema_version(b) != old);
    assert_true(knows_its_schema(b));
    rollback(b);
    assert_int_equal(session_schema_version(b), old);
    assert_true(knows_its_schema(b));
    disk_hold_syncs(false);
    await_result(&commit);
    assert_int_equal(commit.result, 0);
    assert_true(session_schema_version(c) != old);
    assert_true(knows_its_schema(a) && knows_its_schema(b) && knows_its_schema(c));
    session_close(a);
    session_close(b);
    session_close(c);
    home_close();
}

static void test_a_schema_is_told_by_who_sees_it(void **state maybe_unused)
{
    in_home(body_a_schema_is_told_by_who_sees_it);
}

static void body_a_copy_is_of_what_is_on_the_disk(struct world *world maybe_unused)
{
    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);
    struct template *seal;
    struct commit commit;

    run(a, "INSERT INTO pairs VALUES(1, 0, NULL)");
    disk_hold_syncs(true);
    begin_commit(&commit, a, "INSERT INTO pairs VALUES(2, 0, NULL)");
    assert_int_equal(template_seal(home.clone, &seal), 0);
    disk_hold_syncs(false);
    await_result(&commit);

    struct clone *copy = clone_of(seal, 0);
    struct session *b = session_on(copy, NULL);
    assert_int_equal(count(b), 1);
    run(b, "DELETE FROM pairs");
    assert_int_equal(count(a), 2);
    session_close(b);
    clone_unref(copy);
    template_unref(seal);
    session_close(a);
    home_close();
}

static void test_a_copy_is_of_what_is_on_the_disk(void **state maybe_unused)
{
    in_home(body_a_copy_is_of_what_is_on_the_disk);
}

/* ---- a disk that fails ---- */

static void body_what_fails_is_undone(struct world *world maybe_unused)
{
    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);
    struct session *b = session_on(home.clone, NULL);

    run(a, "INSERT INTO pairs VALUES(1, 0, NULL)");
    disk_fail_at(disk_calls() + 1, SQLITE_FULL, true);
    fails(a, "INSERT INTO pairs VALUES(2, 0, NULL)", "53100",
          "could not write to database file \"x.db\": database or disk is full");
    assert_int_equal(count(a), 1);
    assert_int_equal(count(b), 1);
    fails(b, "INSERT INTO pairs VALUES(2, 0, NULL)", "53100", NULL);
    disk_fail_at(0, 0, false);
    run(b, "INSERT INTO pairs VALUES(3, 0, NULL)");
    assert_int_equal(count(a), 2);
    assert_int_equal(query_int(a, "SELECT sum(id) FROM pairs"), 4);
    session_close(a);
    session_close(b);
    home_close();
}

static void test_what_fails_is_undone_and_the_next_may_work(void **state maybe_unused)
{
    in_home(body_what_fails_is_undone);
}

/* His next transaction has nothing to do with it. */
static void body_who_has_lost_a_commit_reads_on(struct world *world maybe_unused)
{
    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);

    run(a, "INSERT INTO pairs VALUES(1, 0, NULL)");
    disk_fail_at(disk_calls() + 1, SQLITE_IOERR, true);
    fails(a, "INSERT INTO pairs VALUES(2, 0, NULL)", "58030", NULL);
    begin(a, TXN_READ_COMMITTED);
    assert_int_equal(count(a), 1);
    commit(a);
    run(a, "DELETE FROM pairs WHERE id = 7");
    disk_fail_at(0, 0, false);
    session_close(a);
    home_close();
}

static void test_who_has_lost_a_commit_reads_on(void **state maybe_unused)
{
    in_home(body_who_has_lost_a_commit_reads_on);
}

/* While somebody else still writes on what is lost, it is there for him only. */
static void body_what_is_lost_is_not_seen(struct world *world maybe_unused)
{
    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);
    struct session *b = session_on(home.clone, NULL);
    struct commit lost;

    disk_hold_syncs(true);
    begin_commit(&lost, a, "INSERT INTO pairs VALUES(1, 0, NULL)");
    begin(b, TXN_READ_COMMITTED);
    run(b, "INSERT INTO pairs VALUES(2, 0, NULL)");
    disk_fail_at(disk_calls() + 1, SQLITE_IOERR, true);
    disk_hold_syncs(false);
    await_result(&lost);
    assert_int_equal(lost.result, FAILED);
    assert_int_equal(count(a), 0);
    disk_fail_at(0, 0, false);
    rollback(b);
    assert_int_equal(count(b), 0);
    session_close(a);
    session_close(b);
    home_close();
}

static void test_what_is_lost_is_not_seen(void **state maybe_unused)
{
    in_home(body_what_is_lost_is_not_seen);
}

/* Who only reads stands on what is on the disk, whatever becomes of the rest. */
static void body_readers_do_not_notice(struct world *world maybe_unused)
{
    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);
    struct session *b = session_on(home.clone, NULL);

    run(a, "INSERT INTO pairs VALUES(1, 0, NULL)");
    begin(b, TXN_READ_COMMITTED);
    assert_int_equal(count(b), 1);
    disk_fail_at(disk_calls() + 1, SQLITE_IOERR, true);
    fails(a, "INSERT INTO pairs VALUES(2, 0, NULL)", "58030", NULL);
    disk_fail_at(0, 0, false);
    assert_int_equal(count(b), 1);
    run(b, "INSERT INTO pairs VALUES(3, 0, NULL)");
    commit(b);
    assert_int_equal(query_int(a, "SELECT sum(id) FROM pairs"), 4);
    session_close(a);
    session_close(b);
    home_close();
}

static void test_readers_do_not_notice_what_is_lost(void **state maybe_unused)
{
    in_home(body_readers_do_not_notice);
}

/* Who has begun to write on what is not on the disk yet cannot commit when it does not get there.
 */
static void body_a_writer_on_a_lost_root(struct world *world maybe_unused)
{
    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);
    struct session *b = session_on(home.clone, NULL);
    struct failure f = { .sqlstate = "" };
    struct commit commit;
    bool rolled_back;

    disk_hold_syncs(true);
    begin_commit(&commit, a, "INSERT INTO pairs VALUES(1, 0, NULL)");
    begin(b, TXN_READ_COMMITTED);
    run(b, "INSERT INTO pairs VALUES(2, 0, NULL)");
    assert_int_equal(count(b), 2);
    disk_fail_at(disk_calls() + 1, SQLITE_IOERR, true);
    disk_hold_syncs(false);
    await_result(&commit);
    assert_int_equal(commit.result, FAILED);
    assert_string_equal(commit.failure.sqlstate, "58030");
    disk_fail_at(0, 0, false);
    assert_int_equal(txn_commit(b, &rolled_back, &f), FAILED);
    assert_string_equal(f.sqlstate, "58030");
    assert_int_equal(count(b), 0);
    run(b, "INSERT INTO pairs VALUES(3, 0, NULL)");
    assert_int_equal(query_int(a, "SELECT sum(id) FROM pairs"), 3);
    session_close(a);
    session_close(b);
    home_close();
}

static void test_a_writer_on_a_lost_root_cannot_commit(void **state maybe_unused)
{
    in_home(body_a_writer_on_a_lost_root);
}

static void body_a_file_that_vanishes(struct world *world maybe_unused)
{
    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);

    run(a, "INSERT INTO pairs VALUES(1, 0, NULL)");
    disk_hide("x.db", true);
    fails(a, "INSERT INTO pairs VALUES(2, 0, NULL)", "58030",
          "database file \"x.db\" was moved or removed");
    assert_int_equal(count(a), 1);
    disk_hide("x.db", false);
    run(a, "INSERT INTO pairs VALUES(2, 0, NULL)");
    disk_hide("x.db-wal", true);
    fails(a, "INSERT INTO pairs VALUES(3, 0, NULL)", "58030", NULL);
    disk_hide("x.db-wal", false);
    run(a, "INSERT INTO pairs VALUES(3, 0, NULL)");
    session_close(a);
    home_close();
}

static void test_a_file_that_vanishes_is_noticed(void **state maybe_unused)
{
    in_home(body_a_file_that_vanishes);
}

/* ---- the log ---- */

static void body_the_log_is_begun_anew(struct world *world maybe_unused)
{
    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);
    struct durable_stats stats = { 0 };
    int64_t rows = 0;

    run(a, "INSERT INTO pairs VALUES(1, 0, zeroblob(100000))");
    run(a, "INSERT INTO pairs VALUES(2, 0, zeroblob(100000))");
    struct cursor *cursor = open_cursor(a, "SELECT id FROM pairs");
    assert_int_equal(next_int(cursor), 1);
    struct session *b = session_on(home.clone, NULL);
    while (stats.checkpoints < 2) {
        char sql[96];

        snprintf(sql, sizeof(sql), "INSERT INTO pairs VALUES(%d, 0, zeroblob(400000))",
                 (int)++rows + 2);
        run(b, sql);
        durable_stats(home.durable, &stats);
        assert_true(stats.log_bytes < (24 << 20));
        if (stats.log_bytes > (12 << 20)) { /* the helper thread has not had its turn */
            durable_checkpoint_hold(home.durable);
        }
    }
    assert_int_equal(next_int(cursor), 2);
    assert_int_equal(next_int(cursor), -1);
    cursor_close(cursor);
    assert_int_equal(count(b), rows + 2);
    session_close(a);
    session_close(b);
    home_close();
}

static void test_the_log_is_begun_anew_beside_readers(void **state maybe_unused)
{
    in_home(body_the_log_is_begun_anew);
    assert_int_equal(home_open(DURABLE_FULL), 0);
    durable_destroy(home.durable); /* never started */
    home.durable = NULL;
}

static void body_fill(struct world *world maybe_unused)
{
    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);

    run(a, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
           "INSERT INTO pairs SELECT i, 0, randomblob(3000) FROM n");
    session_close(a);
    home_close();
}

/* What is replaced stays in memory until the file has been written, which the helper thread does
 * when it is its turn: a few attempts later, mostly, and a minute's on a machine that lets it wait.
 */
enum { patience = 20000 };

static void body_a_full_clone(struct world *world maybe_unused)
{
    static const char update[] = "UPDATE pairs SET pair = pair + 1, pad = randomblob(3000)";
    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);
    struct failure f = { .sqlstate = "" };
    struct durable_stats stats = { .checkpoints = 0 };
    int done = 0;
    int failed = 0;

    while (done < 5 && failed < patience) {
        bool ok = try(a, update, &f) == 0;

        assert_true(ok || strcmp(f.sqlstate, "53100") == 0);
        done += ok;
        failed += !ok;
        assert_int_equal(await_turn(), 0);
    }
    assert_int_equal(done, 5);
    assert_int_equal(query_int(a, "SELECT min(pair) FROM pairs"), 5);
    durable_stats(home.durable, &stats);
    assert_true(stats.log_bytes < (4 << 20));
    session_close(a);
    home_close();
}

static void test_a_full_clone_has_its_file_written(void **state maybe_unused)
{
    in_home(body_fill);
    home.memory = 1000 << 10;
    assert_int_equal(home_open(DURABLE_FULL), 0);
    in_home(body_a_full_clone);
}

static void body_a_rewind_is_a_commit(struct world *world maybe_unused)
{
    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);
    struct marks marks = { 0 };
    struct failure f = { .sqlstate = "" };

    run(a, "INSERT INTO pairs VALUES(1, 0, NULL)");
    assert_int_equal(marks_set(&marks, a, "one", 0, &f), 0);
    run(a, "INSERT INTO pairs VALUES(2, 0, NULL)");
    assert_int_equal(marks_rewind(&marks, a, "one", &f), 0);
    assert_int_equal(count(a), 1);
    assert_int_equal(marks_reset(a, &f), FAILED);
    assert_string_equal(f.sqlstate, "0A000");
    session_close(a);
    marks_finish(&marks);
    home_close();
}

static void body_one_row_is_left(struct world *world maybe_unused)
{
    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);

    assert_int_equal(count(a), 1);
    session_close(a);
    home_close();
}

static void test_a_rewind_is_durable_too(void **state maybe_unused)
{
    in_home(body_a_rewind_is_a_commit);
    assert_int_equal(home_open(DURABLE_FULL), 0);
    in_home(body_one_row_is_left);
}

struct marking {
    struct marks marks;
    struct session *session;
    int result;
};

static void run_marking(void *arg)
{
    struct marking *marking = arg;
    struct failure f = { .sqlstate = "" };

    marking->result = marks_set(&marking->marks, marking->session, "one", 0, &f);
}

static void body_a_mark_is_of_what_is_on_the_disk(struct world *world)
{
    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);
    struct marking marking = { .session = session_on(home.clone, NULL), .result = -1 };
    struct failure f = { .sqlstate = "" };
    struct commit lost;

    disk_hold_syncs(true);
    begin_commit(&lost, a, "INSERT INTO pairs VALUES(1, 0, NULL)");
    start(world, run_marking, &marking);
    assert_int_equal(await_turn(), 0);
    disk_fail_at(disk_calls() + 1, SQLITE_IOERR, true);
    disk_hold_syncs(false);
    await_result(&lost);
    assert_int_equal(lost.result, FAILED);
    disk_fail_at(0, 0, false);
    assert_int_equal(marking.result, 0);
    run(a, "INSERT INTO pairs VALUES(2, 0, NULL)");
    assert_int_equal(marks_rewind(&marking.marks, a, "one", &f), 0);
    assert_int_equal(count(a), 0);
    session_close(a);
    session_close(marking.session);
    marks_finish(&marking.marks);
    home_close();
}

static void test_a_mark_is_of_what_is_on_the_disk(void **state maybe_unused)
{
    in_home(body_a_mark_is_of_what_is_on_the_disk);
}

/* ---- as a database ---- */

/* Until it is a database's it is its opener's. */
static void body_a_database_without_memory(struct world *world)
{
    struct pool pool = { .closed = false };
    struct database_options options = { .name = "kept", .durable = home.durable };
    uint64_t site = 0;
    int r;

    world->template_ = template_of("");
    options.template_ = clone_template(home.clone);
    pool_begin(&pool, world, NULL, 0);
    do {
        mem_fail_at(++site, false);
        r = registry_add(pool.registry, &options);
        mem_fail_at(0, false);
        assert_true(r == 0 || r == -ENOMEM);
    } while (r != 0);
    assert_true(site > 3);
    struct database *kept = registry_find(pool.registry, view_of_str("kept"));
    assert_null(registry_find_template(pool.registry, view_of_str("kept")));
    assert_int_equal(registry_start_durable(pool.registry, kept), 0);
    struct session *a = session_on(home.clone, NULL);
    run(a, "INSERT INTO pairs VALUES(1, 0, NULL)");
    session_close(a);
    pool_end(&pool);
    template_unref(take_ptr(world->template_));
    home.durable = NULL;
}

static void test_a_database_without_memory_leaves_it(void **state maybe_unused)
{
    in_home(body_a_database_without_memory);
    assert_int_equal(home_open(DURABLE_FULL), 0);
    in_home(body_one_row_is_left);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, home_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_commits_are_grouped_and_in_the_file_at_the_end),
        TEST(test_a_commit_is_seen_when_it_is_on_the_disk),
        TEST(test_a_schema_is_told_by_who_sees_it),
        TEST(test_a_copy_is_of_what_is_on_the_disk),
        TEST(test_what_fails_is_undone_and_the_next_may_work),
        TEST(test_who_has_lost_a_commit_reads_on),
        TEST(test_what_is_lost_is_not_seen),
        TEST(test_readers_do_not_notice_what_is_lost),
        TEST(test_a_writer_on_a_lost_root_cannot_commit),
        TEST(test_a_file_that_vanishes_is_noticed),
        TEST(test_the_log_is_begun_anew_beside_readers),
        TEST(test_a_full_clone_has_its_file_written),
        TEST(test_a_rewind_is_durable_too),
        TEST(test_a_mark_is_of_what_is_on_the_disk),
        TEST(test_a_database_without_memory_leaves_it),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
