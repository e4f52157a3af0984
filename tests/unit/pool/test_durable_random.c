/* pool/durable.h against a serial history: several sessions at once on a disk whose syncs are held
 * and whose calls fail at random, until the power goes. Each transaction adds one row to a chain; a
 * trigger and a change of schema go with it. What somebody has read, or was told to be committed,
 * is never gone; what he was told to have failed never comes back. */
#include "support_durable.h"

#include "async/await.h"

#include <stdio.h>
#include <string.h>

enum { workers = 5, steps_each = 24, tickets_most = workers * steps_each + 1 };

enum fate { UNKNOWN, ACKNOWLEDGED, REFUSED, FATES };

/* One life of a database. A ticket is the number of a transaction that tries to write. */
struct life {
    enum fate fates[tickets_most];
    bool seen[tickets_most]; /* by somebody who was not writing */
    unsigned tickets;
    unsigned running; /* workers */
    bool cut;         /* the power is off: what anybody sees is of no interest any more */
};

static struct life *life;

struct worker {
    struct session *session;
    uint64_t random;
};

static void rest(struct worker *w)
{
    for (uint32_t i = rnd_below(&w->random, 4); i > 0; i--) {
        assert_int_equal(await_turn(), 0);
    }
}

/* ---- reading ---- */

static const char broken_links[] =
    "SELECT (SELECT count(*) <> coalesce(max(n), 0) FROM chain) +"
    " (SELECT count(*) FROM slots WHERE value <> coalesce("
    "  (SELECT ticket FROM chain WHERE ticket % 7 = slots.id ORDER BY n DESC LIMIT 1), 0))";

/* What must be there, and what must not, is known when the reading begins. */
static void check_tickets(const enum fate *fates, const bool *there)
{
    for (unsigned i = 1; i < tickets_most; i++) {
        if (fates[i] == ACKNOWLEDGED && !there[i]) {
            fail_msg("transaction %u was acknowledged, and is not there", i);
        }
        if (fates[i] == REFUSED && there[i]) {
            fail_msg("transaction %u was refused, and is there", i);
        }
    }
}

static void read_chain(struct worker *w)
{
    bool there[tickets_most] = { false };
    enum fate fates[tickets_most];
    int64_t ticket;

    memcpy(fates, life->fates, sizeof(fates));
    struct cursor *cursor = open_cursor(w->session, "SELECT ticket FROM chain ORDER BY n");
    while ((ticket = next_int(cursor)) != -1) {
        there[ticket] = true;
        if (rnd_below(&w->random, 8) == 0) {
            rest(w);
        }
    }
    cursor_close(cursor);
    check_tickets(fates, there);
    for (unsigned i = 1; i < tickets_most && !life->cut; i++) {
        life->seen[i] |= there[i];
    }
    assert_int_equal(query_int(w->session, broken_links), 0);
}

static void read_repeatably(struct worker *w)
{
    begin(w->session, TXN_REPEATABLE_READ);
    int64_t sum = query_int(w->session, "SELECT coalesce(sum(ticket * n), 0) FROM chain");
    rest(w);
    assert_int_equal(query_int(w->session, "SELECT coalesce(sum(ticket * n), 0) FROM chain"), sum);
    assert_int_equal(query_int(w->session, broken_links), 0);
    rollback(w->session);
}

/* ---- writing ---- */

static bool is_in_doubt(const struct failure *f)
{
    const char *detail = failure_get(f, FIELD_DETAIL);

    return detail != NULL && strncmp(detail, "Nobody knows", 12) == 0;
}

static void note(unsigned ticket, int r, const struct failure *f)
{
    if (r == 0) {
        life->fates[ticket] = ACKNOWLEDGED;
        return;
    }
    if (strcmp(f->sqlstate, "58030") != 0 && strcmp(f->sqlstate, "53100") != 0 &&
        strcmp(f->sqlstate, "40001") != 0) {
        fail_msg("%s: %s", f->sqlstate, failure_get(f, FIELD_MESSAGE));
    }
    life->fates[ticket] = is_in_doubt(f) ? UNKNOWN : REFUSED;
}

static int add_link(struct worker *w, unsigned ticket, struct failure *f)
{
    char sql[160];

    snprintf(sql, sizeof(sql),
             "INSERT INTO chain SELECT coalesce(max(n), 0) + 1, %u, zeroblob(%u) FROM chain",
             ticket, rnd_below(&w->random, 20) == 0 ? 200000 : rnd_below(&w->random, 3000));
    return try(w->session, sql, f);
}

static int change_schema(struct worker *w, struct failure *f)
{
    static const char *const changes[] = {
        "CREATE INDEX IF NOT EXISTS by_ticket ON chain(ticket)",
        "DROP INDEX IF EXISTS by_ticket",
        "CREATE TEMP TABLE IF NOT EXISTS own(i INT)",
        "SELECT 1",
    };

    return try(w->session, changes[rnd_below(&w->random, ARRAY_LEN(changes))], f);
}

/* Undone by its savepoint. */
static int write_in_vain(struct worker *w, struct failure *f)
{
    int r = txn_savepoint(w->session, view_of_str("s"), f);

    if (r == 0) {
        r = try(w->session, "UPDATE slots SET value = -1", f);
    }
    rest(w);
    return r == 0 ? txn_rollback_to(w->session, view_of_str("s"), f) : r;
}

static int write_block(struct worker *w, unsigned ticket, struct failure *f)
{
    int r = rnd_below(&w->random, 2) == 0 ? write_in_vain(w, f) : 0;

    r = r == 0 ? add_link(w, ticket, f) : r;
    rest(w);
    r = r == 0 ? change_schema(w, f) : r;
    if (r == 0) {
        assert_int_equal(query_int(w->session, broken_links), 0);
    }
    return r;
}

static void write_transaction(struct worker *w)
{
    struct failure f = { .sqlstate = "" };
    unsigned ticket = ++life->tickets;
    bool rolled_back = false;

    begin(w->session, rnd_below(&w->random, 4) == 0 ? TXN_REPEATABLE_READ : TXN_READ_COMMITTED);
    if (rnd_below(&w->random, 2) == 0) {
        assert_int_equal(query_int(w->session, broken_links), 0);
        rest(w);
    }
    int r = write_block(w, ticket, &f);
    if (r == 0 && rnd_below(&w->random, 5) > 0) {
        r = txn_commit(w->session, &rolled_back, &f);
        note(ticket, r, &f);
        assert_false(rolled_back);
        return;
    }
    if (r != 0) {
        note(ticket, r, &f);
    }
    rollback(w->session);
    life->fates[ticket] = REFUSED;
}

static void write_alone(struct worker *w)
{
    struct failure f = { .sqlstate = "" };
    unsigned ticket = ++life->tickets;
    int r = add_link(w, ticket, &f);

    note(ticket, r, &f);
}

static void work(void *arg)
{
    static void (*const steps[])(struct worker * w) = { read_chain, read_repeatably, write_alone,
                                                        write_transaction, write_transaction };
    struct worker *w = arg;

    for (int i = 0; i < steps_each; i++) {
        steps[rnd_below(&w->random, ARRAY_LEN(steps))](w);
    }
    session_close(w->session);
    life->running--;
}

/* ---- the disk ---- */

static void shake(uint64_t *random, bool may_fail)
{
    switch (rnd_below(random, 40)) {
    case 0:
        disk_hold_syncs(true);
        break;
    case 1:
        if (may_fail) {
            disk_fail_at(disk_calls() + 1 + rnd_below(random, 6),
                         rnd_below(random, 2) == 0 ? SQLITE_FULL : SQLITE_IOERR,
                         rnd_below(random, 4) == 0);
        }
        break;
    case 2:
    case 3:
        disk_fail_at(0, 0, false);
        break;
    default:
        disk_hold_syncs(false);
        break;
    }
}

struct shaking {
    uint64_t *random;
    bool may_fail;
    uint64_t cut_after; /* so many of its turns; 0: the power stays */
};

static struct shaking shaking;

static void body_live(struct world *world)
{
    struct worker all[workers];

    durable_start(home.durable);
    life->running = workers;
    for (int i = 0; i < workers; i++) {
        all[i].session = session_on(home.clone, NULL);
        all[i].random = rnd(shaking.random);
        start(world, work, &all[i]);
    }
    for (uint64_t turns = 1; life->running > 0; turns++) {
        if (turns == shaking.cut_after) {
            life->cut = true;
            disk_cut_at(disk_calls() + 1);
        }
        shake(shaking.random, shaking.may_fail);
        assert_int_equal(await_turn(), 0);
    }
    disk_hold_syncs(false);
    disk_fail_at(0, 0, false);
    home_close();
}

/* ---- afterwards ---- */

static void count_fates(size_t totals[FATES])
{
    for (unsigned i = 1; i <= life->tickets; i++) {
        totals[life->fates[i]]++;
    }
}

static void body_check(struct world *world maybe_unused)
{
    struct worker w = { .random = 1 };

    durable_start(home.durable);
    w.session = session_on(home.clone, NULL);
    for (unsigned i = 1; i < tickets_most; i++) {
        if (life->seen[i]) {
            life->fates[i] = ACKNOWLEDGED;
        }
    }
    read_chain(&w);
    session_close(w.session);
    home_close();
}

static void body_make_tables(struct world *world maybe_unused)
{
    durable_start(home.durable);
    struct session *session = session_on(home.clone, NULL);

    run(session, "CREATE TABLE chain(n INTEGER PRIMARY KEY, ticket INT, pad BLOB)");
    run(session, "CREATE TABLE slots(id INTEGER PRIMARY KEY, value INT)");
    run(session, "WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < 6)"
                 "INSERT INTO slots SELECT i, 0 FROM s");
    run(session, "CREATE TRIGGER follow AFTER INSERT ON chain BEGIN "
                 "UPDATE slots SET value = new.ticket WHERE id = new.ticket % 7; END");
    session_close(session);
    home_close();
}

static void open_home(void)
{
    assert_int_equal(home_open(DURABLE_FULL), 0);
}

static void live_once(uint64_t *random, bool may_fail, bool power_goes, size_t totals[FATES])
{
    struct life one = { .running = 0 };

    life = &one;
    home_begin();
    open_home();
    in_task(&home.world, body_make_tables);
    open_home();
    shaking = (struct shaking){
        .random = random,
        .may_fail = may_fail,
        .cut_after = power_goes ? 1 + rnd_below(random, 400) : 0,
    };
    in_task(&home.world, body_live);
    if (power_goes) {
        disk_restart(random);
    }
    count_fates(totals);
    open_home();
    in_task(&home.world, body_check);
    home_end();
}

static void test_random_transactions_are_a_serial_history(void **state maybe_unused)
{
    uint64_t seed = test_seed();
    size_t totals[FATES] = { 0 };

    for (unsigned i = 0; i < test_rounds(12); i++) {
        live_once(&seed, i % 3 != 0, i % 2 != 0, totals);
    }
    print_message("%zu transactions acknowledged, %zu refused, %zu in doubt\n",
                  totals[ACKNOWLEDGED], totals[REFUSED], totals[UNKNOWN]);
    assert_true(totals[ACKNOWLEDGED] > 0 && totals[REFUSED] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_transactions_are_a_serial_history),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
