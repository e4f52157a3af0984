/* Advisory locks under random schedules: after each step who has what and who waits is looked at,
 * as pg_locks shows it, against the rules in their plainest form. */
#include "support_session.h"

#include "async/await.h"
#include "async/line.h"
#include "pool/advisory.h"

#include <string.h>

enum { actors = 8, keys = 3, rows_most = actors * keys * 3 };

/* The last but one are two things in one turn: another's wait is stopped, too. */
enum work {
    WORK_LOCK,
    WORK_TRY,
    WORK_UNLOCK,
    WORK_UNLOCK_ALL,
    WORK_END_TRANSACTION,
    WORK_UNLOCK_AND_STOP,
    WORK_STOP_AND_UNLOCK,
    WORK_LEAVE
};

/* One client of the clone: a task that does what it is told. */
struct actor {
    struct session *session;
    struct task *task;
    struct line idle;
    enum work work;
    struct advisory_request request;
    struct actor *victim;
    bool busy;
    int result;
    char sqlstate[6];
};

static struct actor actor[actors];

/* ---- what is there ---- */

struct view_of_locks {
    struct advisory_row rows[rows_most];
    size_t count;
};

static void note_row(void *arg, const struct advisory_row *row)
{
    struct view_of_locks *view = arg;

    assert_true(view->count < rows_most);
    view->rows[view->count++] = *row;
}

static struct view_of_locks look(struct clone *clone)
{
    struct view_of_locks view = { .count = 0 };

    advisory_each(clone, note_row, &view);
    return view;
}

static bool same_key(const struct advisory_row *a, const struct advisory_row *b)
{
    return a->key.number == b->key.number && a->key.pair == b->key.pair;
}

static bool conflict(const struct advisory_row *a, const struct advisory_row *b)
{
    return same_key(a, b) && a->session != b->session &&
           (a->mode == ADVISORY_EXCLUSIVE || b->mode == ADVISORY_EXCLUSIVE);
}

static bool has(const struct view_of_locks *view, const struct advisory_row *wanted)
{
    for (size_t i = 0; i < view->count; i++) {
        const struct advisory_row *row = &view->rows[i];

        if (row->granted && same_key(row, wanted) && row->session == wanted->session) {
            return true;
        }
    }
    return false;
}

/* Rows of one lock come in the order of its line. */
static bool blocks(const struct view_of_locks *view, size_t other, size_t waiter)
{
    const struct advisory_row *o = &view->rows[other], *w = &view->rows[waiter];

    return conflict(o, w) && (o->granted || (other < waiter && !has(view, w)));
}

static bool leads_to(const struct view_of_locks *view, size_t waiter, const struct session *goal,
                     unsigned depth)
{
    assert_true(depth <= actors);
    for (size_t i = 0; i < view->count; i++) {
        if (!blocks(view, i, waiter)) {
            continue;
        }
        if (view->rows[i].session == goal) {
            return true;
        }
        for (size_t next = 0; next < view->count; next++) {
            if (!view->rows[next].granted && view->rows[next].session == view->rows[i].session &&
                leads_to(view, next, goal, depth + 1)) {
                return true;
            }
        }
    }
    return false;
}

/* Nobody has what another has; nobody waits in vain, and nobody in a circle. */
static void check(struct clone *clone)
{
    struct view_of_locks view = look(clone);

    for (size_t i = 0; i < view.count; i++) {
        bool blocked = false;

        for (size_t j = 0; j < view.count; j++) {
            assert_false(view.rows[i].granted && view.rows[j].granted &&
                         conflict(&view.rows[i], &view.rows[j]));
            blocked = blocked || blocks(&view, j, i);
        }
        assert_true(view.rows[i].granted || blocked);
        assert_false(!view.rows[i].granted && leads_to(&view, i, view.rows[i].session, 0));
    }
}

/* ---- the clients ---- */

static bool has_in_mode(const struct actor *a)
{
    struct view_of_locks view = look(session_clone(a->session));

    for (size_t i = 0; i < view.count; i++) {
        const struct advisory_row *row = &view.rows[i];

        if (row->granted && row->session == a->session && row->mode == a->request.mode &&
            row->key.number == a->request.key.number && row->key.pair == a->request.key.pair) {
            return true;
        }
    }
    return false;
}

/* Who is told that he has not got it has it no more than before. */
static void lock(struct actor *a, struct failure *f)
{
    bool had = has_in_mode(a);

    a->result = advisory_lock(a->session, a->request, f);
    if (a->result == 0 || a->request.scope == ADVISORY_SESSION) {
        assert_int_equal(has_in_mode(a), had || a->result == 0);
    }
}

static void work(struct actor *a)
{
    struct failure f = { .sqlstate = "" };
    bool got;

    a->result = 0;
    session_statement_begin(a->session, DEADLINE_NONE);
    switch (a->work) {
    case WORK_LOCK:
        lock(a, &f);
        break;
    case WORK_TRY:
        a->result = advisory_try(a->session, a->request, &got, &f);
        break;
    case WORK_UNLOCK:
        (void)advisory_unlock(a->session, a->request.key, a->request.mode);
        break;
    case WORK_UNLOCK_ALL:
        advisory_unlock_all(a->session);
        break;
    case WORK_END_TRANSACTION:
        advisory_end_transaction(a->session);
        break;
    case WORK_UNLOCK_AND_STOP:
        advisory_end_session(a->session);
        session_stop_statement(a->victim->session, STOP_CANCEL);
        break;
    case WORK_STOP_AND_UNLOCK:
        session_stop_statement(a->victim->session, STOP_CANCEL);
        advisory_end_session(a->session);
        break;
    case WORK_LEAVE:
        break;
    }
    memcpy(a->sqlstate, f.sqlstate, sizeof(a->sqlstate));
}

static void act(void *arg)
{
    struct actor *a = arg;

    do {
        assert_int_equal(await_line(&a->idle, NULL, DEADLINE_NONE), 0);
        work(a);
        a->busy = false;
    } while (a->work != WORK_LEAVE);
    session_close(a->session);
}

static void let_them_run(void)
{
    for (int i = 0; i < 3; i++) {
        assert_int_equal(await_turn(), 0);
    }
}

static void tell(struct actor *a, enum work what, struct advisory_request request)
{
    a->work = what;
    a->request = request;
    a->busy = true;
    assert_true(line_call_first(&a->idle));
    let_them_run();
}

static void stop(struct actor *a)
{
    session_stop_statement(a->session, STOP_CANCEL);
    let_them_run();
    assert_false(a->busy);
    assert_string_equal(a->sqlstate, "57014");
}

static struct advisory_request any_request(uint64_t *seed)
{
    return (struct advisory_request){
        .key = { .number = rnd_below(seed, keys), .pair = rnd_below(seed, 8) == 0 },
        .mode = rnd_below(seed, 2) == 0 ? ADVISORY_SHARED : ADVISORY_EXCLUSIVE,
        .scope = rnd_below(seed, 2) == 0 ? ADVISORY_SESSION : ADVISORY_TRANSACTION,
    };
}

/* Asking for more than one has leads to circles, and those to 40P01. */
static void step(struct clone *clone, uint64_t *seed, unsigned *circles)
{
    static const enum work works[] = { WORK_LOCK,
                                       WORK_LOCK,
                                       WORK_LOCK,
                                       WORK_TRY,
                                       WORK_UNLOCK,
                                       WORK_UNLOCK,
                                       WORK_UNLOCK,
                                       WORK_UNLOCK_ALL,
                                       WORK_END_TRANSACTION,
                                       WORK_UNLOCK_AND_STOP,
                                       WORK_STOP_AND_UNLOCK };
    struct actor *a = &actor[rnd_below(seed, actors)];

    a->victim = &actor[rnd_below(seed, actors)];
    if (a->busy) {
        if (rnd_below(seed, 4) == 0) {
            stop(a);
        }
    } else {
        tell(a, works[rnd_below(seed, ARRAY_LEN(works))], any_request(seed));
        if (!a->busy && a->result != 0) {
            assert_string_equal(a->sqlstate, "40P01");
            ++*circles;
        }
    }
    check(clone);
}

static void random_clients(struct world *w)
{
    uint64_t seed = test_seed();
    unsigned rounds = test_rounds(3000), circles = 0;
    struct clone *clone = clone_of(w->template_, 0);
    size_t used = clone_own_bytes(clone);

    for (size_t i = 0; i < actors; i++) {
        actor[i] = (struct actor){ .session = session_on(clone, NULL) };
        start(w, act, &actor[i]);
    }
    let_them_run();
    for (unsigned i = 0; i < rounds; i++) {
        step(clone, &seed, &circles);
    }
    assert_true(rounds < 1000 || circles > 0);
    for (size_t i = 0; i < actors; i++) {
        if (actor[i].busy) {
            stop(&actor[i]);
        }
    }
    for (size_t i = 0; i < actors; i++) {
        tell(&actor[i], WORK_LEAVE, (struct advisory_request){ .mode = ADVISORY_SHARED });
    }
    assert_int_equal(look(clone).count, 0);
    assert_int_equal(clone_own_bytes(clone), used);
    clone_unref(clone);
}

static void whoever_comes_and_goes_the_rules_hold(void **state)
{
    in_task(*state, random_clients);
}

/* ---- no memory ---- */

static void ask_without_memory(struct world *w)
{
    struct advisory_request request = { .key = { .number = 1 }, .mode = ADVISORY_EXCLUSIVE };
    size_t used = clone_own_bytes(w->clone);
    struct failure f;
    uint64_t site = 0;
    int r;

    do {
        mem_fail_at(++site, false);
        r = advisory_lock(w->session, request, &f);
        mem_fail_at(0, false);
        if (r != 0) {
            assert_string_equal(f.sqlstate, "53200");
            assert_int_equal(look(w->clone).count, 0);
            assert_int_equal(clone_own_bytes(w->clone), used);
        }
    } while (r != 0);
    assert_int_equal(site, 4); /* the hold, the lock, the clone's table; then there is enough */
    assert_true(advisory_unlock(w->session, request.key, request.mode));
    assert_int_equal(clone_own_bytes(w->clone), used);
}

static void without_memory_nothing_is_locked(void **state)
{
    in_task(*state, ask_without_memory);
}

static void fill_with_locks(struct world *w)
{
    struct clone *small = clone_of(w->template_, 64 * 1024);
    struct session *session = session_on(small, NULL);
    struct advisory_request request = { .mode = ADVISORY_EXCLUSIVE };
    struct failure f;

    while (advisory_lock(session, request, &f) == 0) {
        request.key.number++;
    }
    assert_string_equal(f.sqlstate, "53200");
    assert_in_range(request.key.number, 100, 1000);
    advisory_unlock_all(session);
    assert_int_equal(advisory_lock(session, request, &f), 0);
    session_close(session);
    clone_unref(small);
}

static void there_are_no_more_than_the_clones_memory_allows(void **state)
{
    in_task(*state, fill_with_locks);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_world, teardown_world)
    const struct CMUnitTest tests[] = {
        TEST(whoever_comes_and_goes_the_rules_hold),
        TEST(without_memory_nothing_is_locked),
        TEST(there_are_no_more_than_the_clones_memory_allows),
    };
    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
