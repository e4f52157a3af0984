#include "support_durable.h"

#include "async/await.h"
#include "pool/sqlite_setup.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct home home;

void home_begin(void)
{
    home = (struct home){ .durable = NULL };
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    disk_begin();
    assert_int_equal(loop_create(&(struct loop_options){ .time_slice_us = 0 }, &home.world.loop),
                     0);
}

void home_end(void)
{
    assert_null(home.durable);
    loop_destroy(home.world.loop);
    disk_end();
}

int home_setup(void **state)
{
    *state = &home;
    home_begin();
    return 0;
}

int home_teardown(void **state maybe_unused)
{
    home_end();
    return 0;
}

static int fill(void *arg maybe_unused, struct template **ret_template,
                struct failure *ret_failure maybe_unused)
{
    *ret_template = template_of("CREATE TABLE pairs(id INTEGER PRIMARY KEY, pair INT, pad BLOB);"
                                "CREATE INDEX by_pair ON pairs(pair);");
    atomic_store(&home.stop, home.stops_filled);
    return 0;
}

int home_open(enum durable_sync sync)
{
    const struct durable_options options = { .path = "x.db",
                                             .vfs = disk_vfs,
                                             .sync = sync,
                                             .memory = home.memory,
                                             .stop = &home.stop,
                                             .fill = fill };
    int r = durable_open(&options, &home.durable, &home.failure);

    home.clone = r == 0 ? durable_clone(home.durable) : NULL;
    return r;
}

static void has_closed(void *closed)
{
    *(bool *)closed = true;
}

void home_close(void)
{
    bool closed = false;

    durable_close(home.durable, has_closed, &closed);
    while (!closed) {
        assert_int_equal(await_turn(), 0);
    }
    assert_int_equal(await_turn(), 0);
    clone_unref(take_ptr(home.clone));
    home.durable = NULL;
}

/* ---- pairs ---- */

struct committer {
    struct ledger *ledger;
    int first;
    bool big;
    bool done;
};

static int insert(struct session *session, int pair, bool big, struct failure *f)
{
    char sql[160];
    int r = 0;

    begin(session, TXN_READ_COMMITTED);
    for (int i = 0; i < 2 && r == 0; i++) {
        snprintf(sql, sizeof(sql), "INSERT INTO pairs VALUES(%d, %d, zeroblob(%d))", 2 * pair + i,
                 pair, big ? 60000 : 300);
        r = try(session, sql, f);
    }
    return r;
}

/* The disk took neither the commit nor its undoing. */
static bool is_in_doubt(const struct failure *f)
{
    const char *detail = failure_get(f, FIELD_DETAIL);

    return detail != NULL && strncmp(detail, "Nobody knows", 12) == 0;
}

static void commit_pair(struct committer *c, struct session *session, int pair)
{
    struct failure f = { .sqlstate = "" };
    bool rolled_back = false;
    int r = insert(session, pair, c->big, &f);

    if (r == 0) {
        r = txn_commit(session, &rolled_back, &f);
        assert_false(rolled_back);
    } else {
        rollback(session);
    }
    c->ledger->acknowledged[pair] = r == 0;
    c->ledger->refused[pair] = r == FAILED && !is_in_doubt(&f);
    if (r == FAILED && strcmp(f.sqlstate, "58030") != 0 && strcmp(f.sqlstate, "53100") != 0 &&
        strcmp(f.sqlstate, "40001") != 0) {
        fail_msg("%s: %s", f.sqlstate, failure_get(&f, FIELD_MESSAGE));
    }
}

static void run_committer(void *arg)
{
    struct committer *c = arg;
    struct session *session = session_on(home.clone, NULL);

    for (int i = 0; i < commits_each; i++) {
        commit_pair(c, session, c->first + i);
    }
    session_close(session);
    c->done = true;
}

void commit_pairs(struct ledger *ledger, bool big)
{
    struct committer all[committers];

    for (int i = 0; i < committers; i++) {
        all[i] = (struct committer){ .ledger = ledger, .first = i * commits_each, .big = big };
        start(&home.world, run_committer, &all[i]);
    }
    for (int i = 0; i < committers; i++) {
        while (!all[i].done) {
            assert_int_equal(await_turn(), 0);
        }
    }
}

void check_pairs(const struct ledger *ledger, bool strict)
{
    sqlite3 *db = disk_connect("x.db");

    assert_integrity(db);
    for (int pair = 0; pair < pairs_most; pair++) {
        char sql[96];

        snprintf(sql, sizeof(sql), "SELECT count(*) FROM pairs WHERE pair = %d", pair);
        int64_t rows = db_int(db, sql);
        assert_true(rows == 0 || rows == 2);
        if (ledger->acknowledged[pair] && rows != 2) {
            fail_msg("pair %d was acknowledged, and is lost", pair);
        }
        if (strict && ledger->refused[pair] && rows != 0) {
            fail_msg("pair %d was refused, and is there", pair);
        }
    }
    sqlite3_close(db);
}
