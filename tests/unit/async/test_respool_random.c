/* A pool against a model of it, in random order: the same users get the same things, and the same
 * things are made and ended. */
#include "support.h"

#include "async/respool.h"

#include <stdio.h>
#include <string.h>

enum {
    users_max = 20,
    things_max = 500,
    steps_per_schedule = 60,
    events_max = 600,
    NO_THING = 1,
};

/* ---- what both sides see ---- */

static unsigned seed;
static struct respool_options options;
static bool closed;

struct event {
    size_t who;
    int64_t what;
};

struct events {
    struct event all[events_max];
    size_t count;
};

static void note(struct events *events, size_t who, int64_t what)
{
    assert_true(events->count < events_max);
    events->all[events->count++] = (struct event){ who, what };
}

static size_t below(size_t n)
{
    return (size_t)rand() % n;
}

enum user_state { AWAY, ON_HIS_WAY, IN_LINE, WOKEN, HAS_THING };

static struct user {
    /* the pool's side */
    struct task *task;
    struct line home; /* where he waits to be called */
    bool dies;
    struct thing *leased;
    /* both */
    int64_t due_us;
    bool makes_none; /* he can make no thing */
    /* the model's side */
    enum user_state state;
    bool cancelled;
    size_t has;
} users[users_max];

static struct thing {
    struct respool_item item;
    bool spoiled; /* will not be lent again */
    bool dirty;   /* cannot be reset */
    int64_t idle_end_us;
    int64_t life_end_us;
} things[things_max];

/* ---- the pool's side ---- */

static struct gate gate;
static struct respool *pool;
static size_t made;
static bool ended;

enum { MADE, ENDED };
static struct events user_events, thing_events;

static struct thing *thing_of(struct respool_item *item)
{
    return container_of(item, struct thing, item);
}

static int thing_create(void *context, const struct respool_request *request,
                        struct respool_item **ret_item)
{
    const struct user *user = request->arg;

    (void)context;
    if (user != NULL && user->makes_none) {
        return NO_THING;
    }
    assert_true(made < things_max);
    note(&thing_events, made, MADE);
    *ret_item = &things[made++].item;
    return 0;
}

static bool thing_validate(void *context, struct respool_item *item,
                           const struct respool_request *request)
{
    (void)context;
    (void)request;
    return !thing_of(item)->spoiled;
}

static bool thing_reset(void *context, struct respool_item *item)
{
    (void)context;
    return !thing_of(item)->dirty;
}

static void thing_destroy(void *context, struct respool_item *item)
{
    (void)context;
    note(&thing_events, (size_t)(thing_of(item) - things), ENDED);
}

static void pool_ended(void *context)
{
    (void)context;
    ended = true;
}

static const struct respool_ops thing_ops = {
    .create = thing_create,
    .validate = thing_validate,
    .reset = thing_reset,
    .destroy = thing_destroy,
    .ended = pool_ended,
};

static void be_a_user(void *arg)
{
    struct user *u = arg;

    for (;;) {
        assert_int_equal(await_line(&u->home, NULL, DEADLINE_NONE), 0);
        if (u->dies) {
            return;
        }
        struct respool_request request = { .deadline_us = u->due_us, .arg = u };
        struct respool_item *item = NULL;
        int r = respool_await_item(pool, &request, &item);

        u->leased = r == 0 ? thing_of(item) : NULL;
        note(&user_events, (size_t)(u - users), r == 0 ? 1000 + (u->leased - things) : r);
        task_uncancel(u->task);
    }
}

/* ---- the model ---- */

static struct {
    size_t used; /* places */
    size_t alive;
    size_t made;
    size_t line[users_max];
    size_t length;
    size_t idle[things_max]; /* the youngest last */
    size_t idle_count;
    bool tended;
    bool told; /* that it closes */
    bool gone; /* the shard has ended */
    struct events users, things, woken;
} model;

enum { ARRIVES = 2000, MAY_TAKE = 2001, TENDER = 10000 };

static int64_t model_after(int64_t us)
{
    return us == 0 ? DEADLINE_NONE : test_clock.now_us + us;
}

static void model_tend_soon(void)
{
    if (!model.tended) {
        model.tended = true;
        note(&model.woken, TENDER, 0);
    }
}

static void model_destroy(size_t thing)
{
    note(&model.things, thing, ENDED);
    model.alive--;
    if (model.alive < options.min && !closed) {
        model_tend_soon();
    }
}

static size_t model_create(void)
{
    size_t thing = model.made++;

    note(&model.things, thing, MADE);
    things[thing].life_end_us = model_after(options.lifetime_us);
    model.alive++;
    return thing;
}

static void model_put_idle(size_t thing)
{
    things[thing].idle_end_us = model_after(options.idle_timeout_us);
    model.idle[model.idle_count++] = thing;
}

static void model_leave_line(size_t user)
{
    size_t at = 0;

    while (model.line[at] != user) {
        at++;
    }
    memmove(&model.line[at], &model.line[at + 1], (--model.length - at) * sizeof(size_t));
    users[user].state = WOKEN;
}

/* A place is free: the first in line has it. */
static void model_give_place(void)
{
    if (model.length == 0) {
        model.used--;
        return;
    }
    size_t first = model.line[0];
    model_leave_line(first);
    note(&model.woken, first, MAY_TAKE);
}

static void model_tell(size_t user, int64_t what)
{
    users[user].state = AWAY;
    if (what >= 1000) {
        users[user].state = HAS_THING;
        users[user].has = (size_t)(what - 1000);
    }
    note(&model.users, user, what);
}

/* What he who has a place gets. */
static int64_t model_take(size_t user)
{
    const struct user *u = &users[user];

    while (model.idle_count > 0) {
        size_t thing = model.idle[--model.idle_count];

        if (things[thing].life_end_us > test_clock.now_us && !things[thing].spoiled) {
            return 1000 + (int64_t)thing;
        }
        model_destroy(thing);
        if (u->cancelled || u->due_us <= test_clock.now_us) {
            return u->cancelled ? -ECANCELED : -ETIMEDOUT;
        }
    }
    return u->makes_none ? NO_THING : 1000 + (int64_t)model_create();
}

static void model_may_take(size_t user)
{
    int64_t what = model_take(user);

    model_tell(user, what);
    if (what < 1000) {
        model_give_place();
    }
}

static void model_arrive(size_t user)
{
    const struct user *u = &users[user];

    if (closed || u->cancelled || u->due_us <= test_clock.now_us) {
        model_tell(user, closed ? -ESHUTDOWN : u->cancelled ? -ECANCELED : -ETIMEDOUT);
    } else if (options.max == 0 || model.used < options.max) {
        model.used++;
        model_may_take(user);
    } else if (model.length >= options.max_waiters) {
        model_tell(user, GATE_FULL);
    } else {
        model.line[model.length++] = user;
        users[user].state = IN_LINE;
    }
}

static bool model_is_due(size_t thing)
{
    return model.told || things[thing].life_end_us <= test_clock.now_us ||
           (things[thing].idle_end_us <= test_clock.now_us && model.alive > options.min);
}

static void model_tend(void)
{
    size_t kept = 0;

    for (size_t i = 0; i < model.idle_count; i++) {
        if (model_is_due(model.idle[i])) {
            model_destroy(model.idle[i]);
        } else {
            model.idle[kept++] = model.idle[i];
        }
    }
    model.idle_count = kept;
    while (!closed && model.alive < options.min && (options.max == 0 || model.used < options.max)) {
        model_put_idle(model_create());
    }
    model.tended = model.told;
    model.gone = model.told;
}

/* What the clock and the inbox bring before tasks have their turn. */
static void model_poll(void)
{
    for (;;) {
        size_t late = users_max;

        for (size_t i = 0; i < model.length; i++) {
            size_t user = model.line[i];
            if (users[user].due_us <= test_clock.now_us &&
                (late == users_max || users[user].due_us < users[late].due_us)) {
                late = user;
            }
        }
        if (late == users_max) {
            break;
        }
        model_leave_line(late);
        note(&model.woken, late, -ETIMEDOUT);
    }
    model.told = closed;
    bool due = closed && !model.gone;
    for (size_t i = 0; i < model.idle_count; i++) {
        due = due || model_is_due(model.idle[i]);
    }
    if (due) {
        model_tend_soon();
    }
}

static void model_turn(void)
{
    model_poll();
    for (size_t i = 0; i < model.woken.count; i++) {
        struct event event = model.woken.all[i];

        if (event.who == TENDER) {
            model_tend();
        } else if (event.what == ARRIVES) {
            model_arrive(event.who);
        } else if (event.what == MAY_TAKE) {
            model_may_take(event.who);
        } else {
            model_tell(event.who, event.what);
        }
    }
    model.woken.count = 0;
}

/* ---- what may happen: on both sides ---- */

static size_t find_user(enum user_state state)
{
    size_t from = below(users_max);

    for (size_t i = 0; i < users_max; i++) {
        if (users[(from + i) % users_max].state == state) {
            return (from + i) % users_max;
        }
    }
    return users_max;
}

static int64_t some_time(void)
{
    int64_t due_us = test_clock.now_us + 1 + (int64_t)below(3000);

    for (size_t i = 0; i < users_max; i++) {
        if (users[i].due_us == due_us) {
            return some_time();
        }
    }
    return below(2) == 0 ? DEADLINE_NONE : due_us;
}

static void arrive(void)
{
    size_t user = find_user(AWAY);
    struct user *u = &users[user];

    if (user == users_max) {
        return;
    }
    u->state = ON_HIS_WAY;
    u->cancelled = false;
    u->due_us = some_time();
    /* Without `min` only: when the tender tries again is not for the model to know. */
    u->makes_none = options.min == 0 && below(8) == 0;
    assert_true(line_call_first(&u->home));
    note(&model.woken, user, ARRIVES);
}

static void release(void)
{
    size_t user = find_user(HAS_THING);
    struct user *u = &users[user];

    if (user == users_max) {
        return;
    }
    struct thing *thing = &things[u->has];
    assert_ptr_equal(thing, u->leased);
    thing->dirty = below(5) == 0;
    u->state = AWAY;
    respool_release(&thing->item);
    if (!closed && !thing->dirty && thing->life_end_us > test_clock.now_us &&
        model.idle_count < options.max_idle) {
        model_put_idle(u->has);
    } else {
        model_destroy(u->has);
    }
    model_give_place();
}

static void cancel(void)
{
    size_t user = find_user((enum user_state[]){ ON_HIS_WAY, IN_LINE, WOKEN }[below(3)]);

    if (user == users_max || users[user].cancelled) {
        return;
    }
    task_cancel(users[user].task, 1);
    users[user].cancelled = true;
    if (users[user].state == IN_LINE) {
        model_leave_line(user);
        note(&model.woken, user, -ECANCELED);
    }
}

static void spoil(void)
{
    if (model.idle_count > 0) {
        things[model.idle[below(model.idle_count)]].spoiled = true;
    }
}

static void close_pool(void)
{
    respool_close(pool);
    closed = true;
    while (model.length > 0) {
        size_t first = model.line[0];

        model_leave_line(first);
        note(&model.woken, first, -ESHUTDOWN);
    }
}

static void something(void)
{
    size_t what = below(100);

    if (what < 40) {
        arrive();
    } else if (what < 75) {
        release();
    } else if (what < 83) {
        cancel();
    } else if (what < 88) {
        spoil();
    } else {
        clock_manual_advance(&test_clock, (int64_t)below(200));
    }
}

/* ---- the comparison ---- */

/* A failure in a task takes the loop down with it, and cmocka's message: this one is seen. */
static void same(const char *what, int64_t got, int64_t wanted)
{
    if (got != wanted) {
        fprintf(stderr, "seed %u: %s is %lld, not %lld\n", seed, what, (long long)got,
                (long long)wanted);
        fail();
    }
}

static void compare_events(const char *name, struct events *got, struct events *wanted)
{
    for (size_t i = 0; i < got->count && i < wanted->count; i++) {
        same(name, (int64_t)got->all[i].who, (int64_t)wanted->all[i].who);
        same("what became of it", got->all[i].what, wanted->all[i].what);
    }
    same(name, (int64_t)got->count, (int64_t)wanted->count);
    got->count = wanted->count = 0;
}

static void turn(void)
{
    struct respool_stats stats;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(await_turn(), 0);
        model_turn();
    }
    compare_events("user", &user_events, &model.users);
    compare_events("thing", &thing_events, &model.things);
    respool_stats(pool, &stats);
    same("in_use", (int64_t)stats.in_use, (int64_t)model.used);
    same("idle", (int64_t)stats.idle, (int64_t)model.idle_count);
    same("waiting", (int64_t)stats.waiting, (int64_t)model.length);
    same("alive", (int64_t)(stats.created - stats.destroyed), (int64_t)model.alive);
    if (options.max != 0) {
        assert_true(model.alive <= options.max);
    }
}

/* ---- schedules ---- */

static void open_pool(void)
{
    size_t max = below(6);

    options = (struct respool_options){
        .ops = &thing_ops,
        .gate = &gate,
        .loops = &test_loop,
        .loop_count = 1,
        .max = max,
        .min = below(2) == 0 ? 0 : below(max == 0 ? 4 : max),
        .max_idle = below(6),
        .max_waiters = below(6),
        .idle_timeout_us = below(2) == 0 ? 0 : 300,
        .lifetime_us = below(2) == 0 ? 0 : 900,
    };
    memset(things, 0, sizeof(things));
    memset(&model, 0, sizeof(model));
    made = 0;
    closed = ended = false;
    assert_int_equal(respool_create(&options, &pool), 0);
    options.max_idle = options.max_idle < options.min ? options.min : options.max_idle;
}

static void one_schedule(void)
{
    open_pool();
    assert_int_equal(respool_await_prefill(pool), 0);
    model_tend();
    for (size_t i = 0; i < steps_per_schedule; i++) {
        for (size_t n = 1 + below(4); n > 0; n--) {
            something();
        }
        turn();
    }
    close_pool();
    do {
        something();
        release();
        turn();
    } while (find_user(HAS_THING) != users_max);
    assert_int_equal(model.alive, 0);
    assert_true(ended);
    respool_destroy(pool);
}

static void all_schedules(void *arg)
{
    size_t schedules = *(size_t *)arg;

    gate_init(&gate);
    assert_int_equal(await_turn(), 0);
    for (seed = 1; seed <= schedules; seed++) {
        srand(seed);
        one_schedule();
    }
    for (size_t i = 0; i < users_max; i++) {
        users[i].dies = true;
        assert_true(line_call_first(&users[i].home));
    }
    gate_finish(&gate);
}

static void the_pool_does_what_the_model_does(void **state)
{
    size_t schedules = rounds(2000);

    (void)state;
    printf("seeds 1 to %zu\n", schedules);
    for (size_t i = 0; i < users_max; i++) {
        users[i].task = spawn(be_a_user, &users[i]);
    }
    spawn(all_schedules, &schedules);
    run();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_pool_does_what_the_model_does, loop_setup,
                                        loop_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
