/* pool/durable*.c on a disk that fails, and on one whose power goes: at each of their calls once.
 * What was acknowledged is there, nothing is there by halves, and what was refused is not there. */
#include "support_durable.h"

#include "async/await.h"
#include "pool/durable_impl.h"

#include <stdio.h>
#include <string.h>

/* One life of a database: it is opened, commits are made, it is closed. */
struct life {
    struct ledger ledger;
    bool big; /* then the log is begun anew, too */
    enum durable_sync sync;
    bool opened;
    uint64_t refused_at; /* calls behind those of the commits before */
    bool failed;
};

static struct life *now;

static void body_commits(struct world *world maybe_unused)
{
    durable_start(home.durable);
    commit_pairs(&now->ledger, now->big);
    home_close();
}

static void live(struct life *life)
{
    now = life;
    life->opened = home_open(life->sync) == 0;
    if (life->opened) {
        in_task(&home.world, body_commits);
    } else {
        assert_true(strcmp(home.failure.sqlstate, "58030") == 0 ||
                    strcmp(home.failure.sqlstate, "53100") == 0 ||
                    strcmp(home.failure.sqlstate, "XX001") == 0);
    }
}

/* Calls of a life in which nothing happens. (How many there are depends on how commits meet.) */
static uint64_t count_calls(bool big, enum durable_sync sync)
{
    struct life life = { .big = big, .sync = sync };

    disk_begin();
    live(&life);
    assert_true(life.opened);
    for (int i = 0; i < pairs_most; i++) {
        assert_true(life.ledger.acknowledged[i]);
    }
    check_pairs(&life.ledger, true);
    return disk_calls();
}

static void body_nothing(struct world *world maybe_unused)
{
    durable_start(home.durable);
    home_close();
}

/* ---- faults ---- */

static void fail_at(uint64_t site, int code, bool lasting, bool big)
{
    struct life life = { .big = big, .sync = DURABLE_FULL };

    disk_begin();
    disk_fail_at(site, code, lasting);
    live(&life);
    disk_fail_at(0, 0, false);
    assert_int_equal(home_open(DURABLE_FULL), 0);
    in_task(&home.world, body_nothing);
    check_pairs(&life.ledger, true);
}

static void fail_everywhere(bool big, bool lasting, unsigned rounds)
{
    uint64_t seed = test_seed();
    uint64_t calls = count_calls(big, DURABLE_FULL);
    uint64_t step = calls / rounds + 1;
    uint64_t done = 0;

    for (uint64_t site = 1 + rnd_below(&seed, (uint32_t)step); site <= calls; site += step) {
        fail_at(site, site % 2 == 0 ? SQLITE_IOERR : SQLITE_FULL, lasting, big);
        done++;
    }
    print_message("%s commits, %s errors: %llu of %llu calls failed\n", big ? "large" : "small",
                  lasting ? "lasting" : "single", (unsigned long long)done,
                  (unsigned long long)calls);
}

static void test_each_call_fails_once(void **state maybe_unused)
{
    fail_everywhere(false, false, test_rounds(1000));
}

static void test_each_call_fails_and_all_after_it(void **state maybe_unused)
{
    fail_everywhere(false, true, test_rounds(1000));
}

static void test_each_call_fails_when_the_log_is_begun_anew(void **state maybe_unused)
{
    fail_everywhere(true, false, test_rounds(30));
    fail_everywhere(true, true, test_rounds(30));
}

/* ---- the power goes ---- */

static void cut_at(uint64_t site, uint64_t *random, bool killed, enum durable_sync sync, bool big)
{
    struct life life = { .big = big, .sync = sync };

    disk_begin();
    disk_cut_at(site);
    live(&life);
    disk_restart(killed ? NULL : random);
    assert_int_equal(home_open(DURABLE_FULL), 0);
    in_task(&home.world, body_nothing);
    if (sync != DURABLE_FULL && !killed) {
        memset(life.ledger.acknowledged, 0, sizeof(life.ledger.acknowledged));
    }
    check_pairs(&life.ledger, false);
}

static void cut_everywhere(enum durable_sync sync, bool killed, bool big, unsigned rounds)
{
    uint64_t seed = test_seed();
    uint64_t calls = count_calls(big, sync);
    uint64_t step = calls / rounds + 1;
    uint64_t done = 0;

    for (uint64_t site = 1 + rnd_below(&seed, (uint32_t)step); site <= calls; site += step) {
        cut_at(site, &seed, killed, sync, big);
        done++;
    }
    print_message("%s commits, %s: at %llu of %llu calls\n", big ? "large" : "small",
                  killed ? "killed" : "power lost", (unsigned long long)done,
                  (unsigned long long)calls);
}

static void test_full_outlives_power_loss(void **state maybe_unused)
{
    cut_everywhere(DURABLE_FULL, false, false, test_rounds(1000));
    cut_everywhere(DURABLE_FULL, false, true, test_rounds(60));
}

static void test_normal_stays_whole(void **state maybe_unused)
{
    cut_everywhere(DURABLE_NORMAL, false, false, test_rounds(200));
    cut_everywhere(DURABLE_NORMAL, false, true, test_rounds(60));
}

static void test_each_outlives_the_process(void **state maybe_unused)
{
    cut_everywhere(DURABLE_FULL, true, false, test_rounds(200));
    cut_everywhere(DURABLE_NORMAL, true, true, test_rounds(30));
    cut_everywhere(DURABLE_OFF, true, false, test_rounds(200));
    cut_everywhere(DURABLE_OFF, true, true, test_rounds(30));
}

/* ---- a failure, and then the power goes ---- */

static void body_refused(struct world *world maybe_unused)
{
    struct failure f = { .sqlstate = "" };

    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);
    run(a, "INSERT INTO pairs VALUES(0, 0, NULL)");
    run(a, "INSERT INTO pairs VALUES(1, 0, NULL)");
    disk_fail_at(disk_calls() + now->refused_at, SQLITE_IOERR, false);
    now->failed = try(a, "INSERT INTO pairs VALUES(2, 1, NULL), (3, 1, NULL)", &f) != 0;
    now->ledger.acknowledged[0] = true;
    now->ledger.refused[1] = now->failed;
    disk_fail_at(0, 0, false);
    disk_cut_at(disk_calls() + 1);
    session_close(a);
    home_close();
}

/* The log is cut where it fails; should the power go then, the cut is on the disk, too. */
static void test_what_was_refused_does_not_come_back(void **state maybe_unused)
{
    uint64_t seed = test_seed();
    struct life life = { .failed = true };

    while (life.failed) {
        uint64_t site = life.refused_at + 1;

        for (unsigned i = 0; i < test_rounds(20); i++) {
            life = (struct life){ .sync = DURABLE_FULL, .refused_at = site };
            disk_begin();
            assert_int_equal(home_open(DURABLE_FULL), 0);
            now = &life;
            in_task(&home.world, body_refused);
            disk_restart(&seed);
            assert_int_equal(home_open(DURABLE_FULL), 0);
            in_task(&home.world, body_nothing);
            check_pairs(&life.ledger, true);
        }
    }
    assert_true(life.refused_at > 3);
}

/* ---- the log is begun anew, and then the power goes ---- */

/* The power goes at that call of the last commit, counted from 1; 0: it does not. And how many
 * calls that commit made: the last of them is its sync. */
static uint64_t last_cut, last_calls;

static void body_first_rows(struct world *world maybe_unused)
{
    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);

    run(a, "CREATE TABLE big(b)");
    run(a, "INSERT INTO pairs VALUES(0, 0, 0)");
    session_close(a);
    home_close();
}

/* The old log begins with the frames of a row that says 1; the file has the same row saying 2. */
static void body_commit_behind_a_new_header(struct world *world maybe_unused)
{
    struct failure f;

    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);
    run(a, "UPDATE pairs SET pad = 1");
    run(a, "INSERT INTO big VALUES(zeroblob(4300000))");
    durable_checkpoint_hold(home.durable);
    run(a, "UPDATE pairs SET pad = 2");
    while (home.durable->stats.checkpoints == 0) {
        assert_int_equal(await_turn(), 0);
    }
    uint64_t before = disk_calls();
    disk_cut_at(last_cut == 0 ? 0 : before + last_cut);
    assert_int_equal(try(a, "UPDATE pairs SET pair = 7", &f), last_cut == 0 ? 0 : FAILED);
    last_calls = disk_calls() - before;
    session_close(a);
    home_close();
}

static void live_up_to_the_new_header(void)
{
    disk_begin();
    assert_int_equal(home_open(DURABLE_FULL), 0);
    in_task(&home.world, body_first_rows);
    assert_int_equal(home_open(DURABLE_FULL), 0);
    in_task(&home.world, body_commit_behind_a_new_header);
}

static void check_row(void)
{
    sqlite3 *db = disk_connect("x.db");

    assert_integrity(db);
    assert_int_equal(db_int(db, "SELECT pad FROM pairs"), 2);
    sqlite3_close(db);
}

/* Were the header not on the disk before a frame, the old one could be found, the first frames
 * behind it, and behind those a new one, which ends what is read: one old commit of many. */
static void test_a_new_log_is_never_read_as_the_old_one(void **state maybe_unused)
{
    uint64_t seed = test_seed();

    last_cut = 0;
    live_up_to_the_new_header();
    check_row();
    last_cut = last_calls;
    for (unsigned i = 0; i < test_rounds(150); i++) {
        live_up_to_the_new_header();
        disk_restart(&seed);
        check_row();
    }
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, home_setup, home_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_each_call_fails_once),
        TEST(test_each_call_fails_and_all_after_it),
        TEST(test_each_call_fails_when_the_log_is_begun_anew),
        TEST(test_what_was_refused_does_not_come_back),
        TEST(test_full_outlives_power_loss),
        TEST(test_normal_stays_whole),
        TEST(test_each_outlives_the_process),
        TEST(test_a_new_log_is_never_read_as_the_old_one),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
