/* A gate against a model of it that is an array and looks at everybody each time: the same guests
 * must be let in, in the same order, and the same sent away, whatever order things happen in. */
#include "support.h"

#include "async/gate.h"

#include <stdio.h>
#include <string.h>

enum { guests_max = 40, budgets_max = 6, steps_per_schedule = 60, happenings_max = 256 };

/* What became of somebody, in the order in which it did. */
struct happening {
    size_t guest;
    int result;
};

struct happenings {
    struct happening all[happenings_max];
    size_t count;
};

static void happens(struct happenings *list, size_t guest, int result)
{
    assert_true(list->count < happenings_max);
    list->all[list->count++] = (struct happening){ guest, result };
}

enum guest_state { AWAY, ON_HIS_WAY, IN_LINE, LET_IN, HAS_PERMIT };

struct guest {
    /* the gate's side */
    struct task *task;
    struct line home; /* where he waits to be called */
    bool dies;
    struct budget *budgets[gate_budgets_max];
    size_t count;
    size_t max_waiters;
    int64_t due_us;
    struct permit permit;
    /* the model's side */
    enum guest_state state;
    size_t wants[gate_budgets_max];
    int64_t since_us;
    bool cancelled;
};

static unsigned seed;
static struct gate gate;
static struct budget budgets[budgets_max];
static struct guest guests[guests_max];
static struct happenings actual;

static struct model_budget {
    size_t limit;
    size_t used;
    size_t waiting;
    bool closed;
} model[budgets_max];
static size_t model_line[guests_max];
static size_t model_length;
static struct happenings expected;

/* In which order tasks will run: arrivals among those whom the host's deeds have woken. */
static struct happenings woken;
enum { ARRIVES = 1000 };

static size_t below(size_t n)
{
    return (size_t)rand() % n;
}

/* ---- the gate's side ---- */

/* Comes whenever he is called. */
static void be_a_guest(void *arg)
{
    struct guest *g = arg;

    for (;;) {
        assert_int_equal(await_line(&g->home, NULL, DEADLINE_NONE), 0);
        if (g->dies) {
            return;
        }
        int r = await_gate(&gate, g->budgets, g->count, g->max_waiters, g->due_us, &g->permit);

        happens(&actual, (size_t)(g - guests), r);
        task_uncancel(g->task);
    }
}

/* ---- the model's side ---- */

static bool model_room(const struct guest *g)
{
    for (size_t i = 0; i < g->count; i++) {
        const struct model_budget *b = &model[g->wants[i]];

        if (b->limit != 0 && b->used >= b->limit) {
            return false;
        }
    }
    return true;
}

static bool model_closed(const struct guest *g)
{
    for (size_t i = 0; i < g->count; i++) {
        if (model[g->wants[i]].closed) {
            return true;
        }
    }
    return false;
}

static void model_use(struct guest *g, bool on)
{
    for (size_t i = 0; i < g->count; i++) {
        model[g->wants[i]].used += on ? 1 : (size_t)-1;
    }
}

static void model_enter(size_t guest)
{
    struct guest *g = &guests[guest];

    model_line[model_length++] = guest;
    g->state = IN_LINE;
    g->since_us = test_clock.now_us;
    for (size_t i = 0; i < g->count; i++) {
        model[g->wants[i]].waiting++;
    }
}

static void model_leave(size_t guest)
{
    size_t at = 0;

    while (model_line[at] != guest) {
        at++;
    }
    memmove(&model_line[at], &model_line[at + 1], (--model_length - at) * sizeof(*model_line));
    for (size_t i = 0; i < guests[guest].count; i++) {
        model[guests[guest].wants[i]].waiting--;
    }
}

/* Ends his wait; he tells so when it is his turn. */
static void model_end(size_t guest, int result)
{
    model_leave(guest);
    guests[guest].state = LET_IN;
    happens(&woken, guest, result);
}

static void model_serve(void)
{
    for (size_t i = 0; i < model_length;) {
        size_t guest = model_line[i];

        if (model_room(&guests[guest])) {
            model_use(&guests[guest], true);
            model_end(guest, 0);
        } else {
            i++;
        }
    }
}

static int model_arrive(size_t guest)
{
    struct guest *g = &guests[guest];

    if (g->cancelled) {
        return -ECANCELED;
    }
    if (g->due_us <= test_clock.now_us) {
        return -ETIMEDOUT;
    }
    if (model_closed(g)) {
        return -ESHUTDOWN;
    }
    if (model_room(g)) {
        model_use(g, true);
        return 0;
    }
    if (model[g->wants[0]].waiting >= g->max_waiters) {
        return GATE_FULL;
    }
    model_enter(guest);
    return ARRIVES;
}

static void model_tell(size_t guest, int result)
{
    guests[guest].state = result == 0 ? HAS_PERMIT : AWAY;
    happens(&expected, guest, result);
}

static size_t model_find_late(void)
{
    size_t late = guests_max;

    for (size_t i = 0; i < model_length; i++) {
        size_t guest = model_line[i];

        if (guests[guest].due_us <= test_clock.now_us &&
            (late == guests_max || guests[guest].due_us < guests[late].due_us)) {
            late = guest;
        }
    }
    return late;
}

/* The host, who used up his slice, was the last in his round. The next begins with a look at the
 * clock; then all have their turn in the order in which they were woken. */
static void model_turn(void)
{
    size_t late;

    while ((late = model_find_late()) != guests_max) {
        model_end(late, -ETIMEDOUT);
    }
    for (size_t i = 0; i < woken.count; i++) {
        size_t guest = woken.all[i].guest;
        int r = woken.all[i].result == ARRIVES ? model_arrive(guest) : woken.all[i].result;

        if (r != ARRIVES) {
            model_tell(guest, r);
        }
    }
    woken.count = 0;
}

/* ---- what may happen: on both sides ---- */

static size_t find_guest(enum guest_state state)
{
    size_t from = below(guests_max);

    for (size_t i = 0; i < guests_max; i++) {
        size_t guest = (from + i) % guests_max;

        if (guests[guest].state == state) {
            return guest;
        }
    }
    return guests_max;
}

/* No two fall due at once: their order would be nobody's promise. */
static int64_t some_time(void)
{
    int64_t due_us = test_clock.now_us + 1 + (int64_t)below(5000);

    for (size_t i = 0; i < guests_max; i++) {
        if (guests[i].due_us == due_us) {
            return some_time();
        }
    }
    return below(2) == 0 ? DEADLINE_NONE : due_us;
}

static void arrive(void)
{
    static const size_t waiters[] = { 0, 3, 3, SIZE_MAX, SIZE_MAX, SIZE_MAX };
    size_t guest = find_guest(AWAY);
    struct guest *g = &guests[guest];

    if (guest == guests_max) {
        return;
    }
    g->state = ON_HIS_WAY;
    g->cancelled = false;
    g->count = 1 + below(gate_budgets_max);
    for (size_t i = 0, from = below(budgets_max); i < g->count; i++) {
        g->wants[i] = (from + i) % budgets_max;
        g->budgets[i] = &budgets[g->wants[i]];
    }
    g->max_waiters = waiters[below(ARRAY_LEN(waiters))];
    g->due_us = some_time();
    assert_true(line_call_first(&g->home));
    happens(&woken, guest, ARRIVES);
}

static void release(void)
{
    size_t guest = find_guest(HAS_PERMIT);

    if (guest == guests_max) {
        return;
    }
    gate_release(&guests[guest].permit);
    model_use(&guests[guest], false);
    guests[guest].state = AWAY;
    model_serve();
}

static void cancel(void)
{
    size_t guest =
        find_guest((enum guest_state[]){ ON_HIS_WAY, IN_LINE, IN_LINE, LET_IN }[below(4)]);

    if (guest == guests_max || guests[guest].cancelled) {
        return;
    }
    task_cancel(guests[guest].task, 1);
    guests[guest].cancelled = true;
    if (guests[guest].state == IN_LINE) {
        model_end(guest, -ECANCELED);
    }
}

static void set_limit(void)
{
    size_t budget = below(budgets_max);
    size_t limit = below(8);

    gate_set_limit(&gate, &budgets[budget], limit);
    model[budget].limit = limit;
    model_serve();
}

static void close_one(void)
{
    size_t budget = below(budgets_max);

    gate_close(&gate, &budgets[budget]);
    model[budget].closed = true;
    for (size_t i = 0; i < model_length;) {
        if (model_closed(&guests[model_line[i]])) {
            model_end(model_line[i], -ESHUTDOWN);
        } else {
            i++;
        }
    }
}

static void something(void)
{
    size_t what = below(100);

    if (what < 45) {
        arrive();
    } else if (what < 75) {
        release();
    } else if (what < 85) {
        cancel();
    } else if (what < 95) {
        clock_manual_advance(&test_clock, (int64_t)below(1000));
    } else if (what < 99 || below(8) != 0) {
        set_limit();
    } else {
        close_one();
    }
}

/* ---- the comparison ---- */

static int64_t model_first_since(size_t budget)
{
    for (size_t i = 0; i < model_length; i++) {
        const struct guest *g = &guests[model_line[i]];

        for (size_t k = 0; k < g->count; k++) {
            if (g->wants[k] == budget) {
                return g->since_us;
            }
        }
    }
    return DEADLINE_NONE;
}

/* A failure in a task takes the loop down with it, and cmocka's message: this one is seen. */
static void same(const char *what, int64_t got, int64_t wanted)
{
    if (got != wanted) {
        fprintf(stderr, "seed %u: %s is %lld, not %lld\n", seed, what, (long long)got,
                (long long)wanted);
        fail();
    }
}

static void compare(void)
{
    for (size_t i = 0; i < actual.count && i < expected.count; i++) {
        same("the guest", (int64_t)actual.all[i].guest, (int64_t)expected.all[i].guest);
        same("what became of him", actual.all[i].result, expected.all[i].result);
    }
    same("happenings", (int64_t)actual.count, (int64_t)expected.count);
    actual.count = expected.count = 0;
    for (size_t i = 0; i < budgets_max; i++) {
        struct gate_stats stats;

        gate_stats(&gate, &budgets[i], &stats);
        same("limit", (int64_t)stats.limit, (int64_t)model[i].limit);
        same("used", (int64_t)stats.used, (int64_t)model[i].used);
        same("waiting", (int64_t)stats.waiting, (int64_t)model[i].waiting);
        same("first_since_us", stats.first_since_us, model_first_since(i));
    }
}

static void turn(void)
{
    assert_int_equal(await_turn(), 0);
    model_turn();
    compare();
}

static void one_schedule(void)
{
    gate_init(&gate);
    for (size_t i = 0; i < budgets_max; i++) {
        model[i] = (struct model_budget){ .limit = below(5) };
        budgets[i] = (struct budget){ .limit = model[i].limit };
    }
    for (size_t i = 0; i < steps_per_schedule; i++) {
        for (size_t n = 1 + below(5); n > 0; n--) {
            something();
        }
        turn();
    }
    do { /* all go home, as they came in */
        release();
        turn();
    } while (find_guest(HAS_PERMIT) != guests_max);
    assert_int_equal(model_length, 0);
    gate_finish(&gate);
}

static void all_schedules(void *arg)
{
    size_t schedules = *(size_t *)arg;

    assert_int_equal(await_turn(), 0);
    for (seed = 1; seed <= schedules; seed++) {
        srand(seed);
        one_schedule();
    }
    for (size_t i = 0; i < guests_max; i++) {
        guests[i].dies = true;
        assert_true(line_call_first(&guests[i].home));
    }
}

static void the_gate_does_what_the_model_does(void **state)
{
    size_t schedules = rounds(2000);

    (void)state;
    printf("seeds 1 to %zu\n", schedules);
    for (size_t i = 0; i < guests_max; i++) {
        guests[i].task = spawn(be_a_guest, &guests[i]);
    }
    spawn(all_schedules, &schedules);
    run();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_gate_does_what_the_model_does, loop_setup,
                                        loop_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
