#include "support_respool.h"

struct thing_faults faults;
size_t things_alive;
size_t things_most;
struct gate thing_gate;
struct respool *pool;

static char next_name;
static bool closed;

static void log_thing(char what, const struct thing *thing)
{
    test_log((char[]){ what, thing->name, '\0' });
}

/* False: the task was cancelled. */
static bool take_time(void)
{
    return !faults.slow || await_turn() == 0;
}

static bool fault(int *left)
{
    return *left > 0 && (*left)-- > 0;
}

static int thing_create(void *context, const struct respool_request *request,
                        struct respool_item **ret_item)
{
    assert_ptr_equal(context, &thing_gate);
    assert_null(account_current());
    (void)request;
    if (!take_time()) {
        return -ECANCELED;
    }
    if (fault(&faults.create)) {
        return NO_THING;
    }
    struct thing *thing = mem_zalloc(sizeof(*thing));
    if (thing == NULL) {
        return -ENOMEM;
    }
    thing->name = next_name++;
    log_thing('+', thing);
    things_alive++;
    if (things_most < things_alive) {
        things_most = things_alive;
    }
    *ret_item = &thing->item;
    return 0;
}

static bool thing_validate(void *context, struct respool_item *item,
                           const struct respool_request *request)
{
    (void)context;
    (void)request;
    log_thing('?', container_of(item, struct thing, item));
    return take_time() && !fault(&faults.validate);
}

static bool thing_reset(void *context, struct respool_item *item)
{
    (void)context;
    log_thing('!', container_of(item, struct thing, item));
    return take_time() && !fault(&faults.reset);
}

static void thing_destroy(void *context, struct respool_item *item)
{
    struct thing *thing = container_of(item, struct thing, item);

    (void)context;
    (void)take_time();
    log_thing('-', thing);
    things_alive--;
    mem_free(thing);
}

static void pool_ended(void *context)
{
    (void)context;
    test_log(".");
    respool_destroy(take_ptr(pool));
}

static const struct respool_ops thing_ops = {
    .create = thing_create,
    .validate = thing_validate,
    .reset = thing_reset,
    .destroy = thing_destroy,
    .ended = pool_ended,
};

int pool_setup(void **state)
{
    faults = (struct thing_faults){ 0 };
    things_alive = things_most = 0;
    next_name = 'a';
    closed = false;
    gate_init(&thing_gate);
    return loop_setup(state);
}

int pool_teardown(void **state)
{
    gate_finish(&thing_gate);
    return loop_teardown(state) == 0 && pool == NULL && things_alive == 0 ? 0 : -1;
}

void pool_open(struct respool_options options)
{
    options.ops = &thing_ops;
    options.context = &thing_gate;
    options.gate = &thing_gate;
    options.loops = &test_loop;
    options.loop_count = 1;
    options.max_waiters = options.max_waiters == 0 ? 2 : options.max_waiters;
    assert_int_equal(respool_create(&options, &pool), 0);
}

static struct respool_request request_for(int64_t patience_us)
{
    return (struct respool_request){
        .deadline_us = patience_us == 0 ? DEADLINE_NONE : test_clock.now_us + patience_us,
    };
}

static const char *sign_of(int r)
{
    return r == 0            ? "u"
           : r == GATE_FULL  ? "f"
           : r == -ETIMEDOUT ? "t"
           : r == -ECANCELED ? "c"
           : r == -ESHUTDOWN ? "s"
           : r == NO_THING   ? "n"
           : r == -ENOMEM    ? "m"
                             : "?";
}

static void use(void *arg)
{
    struct user *user = arg;
    struct respool_request request = request_for(user->patience_us);
    struct respool_item *item;

    user->result = respool_await_item(pool, &request, &item);
    test_log(sign_of(user->result));
    if (user->result == 0) {
        user->thing = container_of(item, struct thing, item);
    }
}

void user_comes(struct user *user)
{
    user->task = spawn(use, user);
}

void user_leaves(struct user *user)
{
    leave(take_ptr(user->thing));
}

struct thing *lease(void)
{
    struct respool_request request = request_for(0);
    struct respool_item *item = NULL;

    assert_int_equal(respool_await_item(pool, &request, &item), 0);
    return container_of(item, struct thing, item);
}

void leave(struct thing *thing)
{
    respool_release(&thing->item);
}

void pool_close(void)
{
    if (!closed) {
        closed = true;
        respool_close(pool);
    }
}

void settle(void)
{
    for (int i = 0; i < 20; i++) {
        assert_int_equal(await_turn(), 0);
    }
}

void time_passes(int64_t us)
{
    clock_manual_advance(&test_clock, us);
    settle();
}

static void host_then_close(void *arg)
{
    ((task_fn *)arg)(NULL);
    pool_close();
}

void run_pool(task_fn *host)
{
    spawn(host_then_close, (void *)host);
    run();
    assert_null(pool);
    assert_int_equal(things_alive, 0);
}
