/* Several sessions of one clone at once: money moves between accounts, at random, with savepoints,
 * parked cursors, rollbacks and time slices in the middle; the sum is always the same for whoever
 * looks. */
#include "support_session.h"

#include "async/await.h"

#include <stdio.h>
#include <string.h>

enum { workers = 6, accounts = 40, each_has = 100 };

struct bank {
    struct world *world;
    unsigned rounds;
    unsigned running;
    uint64_t committed;
    uint64_t refused; /* 40001 */
};

struct worker {
    struct bank *bank;
    struct session *session;
    uint64_t random;
};

static void rest(struct worker *w)
{
    for (uint32_t i = rnd_below(&w->random, 3); i > 0; i--) {
        assert_int_equal(await_turn(), 0);
    }
}

/* 0, or FAILED with 40001 under REPEATABLE READ. */
static int move(struct worker *w)
{
    struct failure f = { .sqlstate = "" };
    char sql[160];

    uint32_t from = rnd_below(&w->random, accounts);
    uint32_t to = (from + 1 + rnd_below(&w->random, accounts - 1)) % accounts;
    snprintf(sql, sizeof(sql),
             "UPDATE bank SET money = money + iif(id = %u, -3, 3) WHERE id IN (%u, %u)", from, from,
             to);
    int r = try(w->session, sql, &f);
    if (r != 0) {
        assert_string_equal(f.sqlstate, "40001");
        txn_failed(w->session);
    }
    return r;
}

/* Reads all accounts, resting and writing half-way. */
static void look(struct worker *w, bool write_half_way)
{
    struct cursor *cursor = open_cursor(w->session, "SELECT money FROM bank ORDER BY pad");
    int64_t sum = 0;

    for (int i = 0; i < accounts; i++) {
        if (i == accounts / 2) {
            rest(w);
            if (write_half_way && move(w) != 0) {
                cursor_close(cursor);
                return;
            }
        }
        sum += next_int(cursor);
    }
    assert_int_equal(next_int(cursor), -1);
    assert_int_equal(sum, accounts * each_has);
    cursor_close(cursor);
}

static void savepoints(struct worker *w)
{
    struct failure f;

    assert_int_equal(txn_savepoint(w->session, view_of_str("a"), &f), 0);
    if (move(w) == 0) {
        rest(w);
        fails(w->session, "INSERT INTO bank VALUES(0, 0, '')", "23505", NULL);
        assert_int_equal(txn_status(w->session), TXN_FAILED);
    }
    assert_int_equal(txn_rollback_to(w->session, view_of_str("a"), &f), 0);
}

static void block(struct worker *w)
{
    bool repeatable = rnd_below(&w->random, 3) == 0;
    struct failure f;
    bool rolled_back = false;
    int r = 0;

    begin(w->session, repeatable ? TXN_REPEATABLE_READ : TXN_READ_COMMITTED);
    look(w, rnd_below(&w->random, 2) == 0);
    for (uint32_t i = rnd_below(&w->random, 4);
         r == 0 && i > 0 && txn_status(w->session) == TXN_BLOCK; i--) {
        rest(w);
        r = move(w);
        if (r == 0 && rnd_below(&w->random, 3) == 0) {
            savepoints(w);
        }
    }
    w->bank->refused += txn_status(w->session) == TXN_FAILED;
    if (rnd_below(&w->random, 4) == 0) {
        rollback(w->session);
    } else {
        assert_int_equal(txn_commit(w->session, &rolled_back, &f), 0);
        w->bank->committed += !rolled_back;
    }
    assert_false(clone_has_writer(session_clone(w->session), w->session));
}

/* Gives up its turn in the middle of its steps: its time slice is over from the start. */
static void long_look(struct worker *w)
{
    clock_manual_advance(&w->bank->world->clock, 5000);
    assert_int_equal(
        query_int(w->session, "SELECT sum(a.money + b.money) FROM bank AS a, bank AS b"),
        2 * accounts * accounts * each_has);
}

static void work(void *arg)
{
    struct worker *w = arg;

    for (unsigned i = 0; i < w->bank->rounds; i++) {
        switch (rnd_below(&w->random, 5)) {
        case 0:
            look(w, true);
            break;
        case 2:
            long_look(w);
            break;
        case 1:
            assert_int_equal(move(w), 0); /* on its own it sees the newest */
            break;
        default:
            block(w);
            break;
        }
        rest(w);
    }
    assert_int_equal(query_int(w->session, "SELECT sum(money) FROM bank"), accounts * each_has);
    w->bank->running--;
}

static void open_bank(struct session *session)
{
    char sql[160];

    run(session, "CREATE TABLE bank(id INTEGER PRIMARY KEY, money INT, pad TEXT)");
    for (int i = 0; i < accounts; i++) { /* a page each, so that roots differ */
        snprintf(sql, sizeof(sql), "INSERT INTO bank VALUES(%d, %d, '%d' || hex(zeroblob(1500)))",
                 i, each_has, i * 7 % accounts);
        run(session, sql);
    }
    run(session, "CREATE INDEX by_pad ON bank(pad)");
}

static void many(struct world *world)
{
    struct bank bank = { .world = world, .rounds = test_rounds(150), .running = workers };
    struct worker all[workers];
    uint64_t seed = test_seed();

    open_bank(world->session);
    for (int i = 0; i < workers; i++) {
        all[i] = (struct worker){ .bank = &bank,
                                  .session = session_on(world->clone, NULL),
                                  .random = seed + (uint64_t)i };
        start(world, work, &all[i]);
    }
    while (bank.running > 0) {
        assert_int_equal(await_turn(), 0);
    }
    assert_true(bank.committed > 0);
    for (int i = 0; i < workers; i++) {
        assert_in_range(sqlite3_get_autocommit(session_sqlite(all[i].session)), 1, 1);
        session_close(all[i].session);
    }
    assert_integrity(session_sqlite(world->session));
    print_message("%llu blocks committed, %llu refused\n", (unsigned long long)bank.committed,
                  (unsigned long long)bank.refused);
}

static void everybody_sees_the_same_sum(void **state)
{
    in_task(*state, many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everybody_sees_the_same_sum, setup_world, teardown_world),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
