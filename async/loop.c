/* async/loop.c: one round after the other: timers, I/O and messages, then tasks.
 *
 * libevent tells what is ready; its callbacks make tasks ready and nothing more. The tasks then run
 * here, outside of libevent, and so a task may wait for anything that libevent knows. Deadlines are
 * kept in our own heap by the loop's clock, and one libevent timer, the alarm, ends the wait for
 * I/O when the first of them is due.
 *
 * A driven loop has no such rounds: the alarm is its pump. It rings when the first deadline is due,
 * and at once when a callback of the base (I/O, messages, a spawn from outside) has made a task
 * ready; then the tasks run inside of it. */
#include "async/loop.h"

#include "async/loop_private.h"
#include "async/offload.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>

enum {
    default_slice_us = 1000,
    default_cached_stacks = 64,
    cpu_sample_us = 500,  /* between two samples of the processor time, at least */
    turns_per_round = 64, /* ready tasks between two looks at I/O and the spent line, at most */
};

static _Thread_local struct loop *current;

struct loop *loop_current(void)
{
    return current;
}

unsigned loop_number(const struct loop *loop)
{
    return loop == NULL ? 0 : loop->number;
}

struct event_base *loop_base(const struct loop *loop)
{
    return loop->base;
}

bool loop_is_driven(const struct loop *loop)
{
    return loop->driven;
}

void *loop_owner(const struct loop *loop)
{
    return loop->owner;
}

const struct clock *loop_clock(const struct loop *loop)
{
    return loop->clock;
}

int64_t loop_now_us(const struct loop *loop)
{
    return clock_now_us(loop->clock);
}

struct inbox *loop_inbox(struct loop *loop)
{
    return &loop->inbox;
}

void loop_send(struct loop *loop, struct loop_message *message)
{
    inbox_push(&loop->inbox, message);
}

void loop_stop(struct loop *loop)
{
    atomic_store_explicit(&loop->stopping, true, memory_order_relaxed);
    inbox_wake(&loop->inbox);
}

void loop_stats(const struct loop *loop, struct loop_stats *ret_stats)
{
    *ret_stats = loop->stats;
    ret_stats->stacks_cached = loop->stacks.idle_count;
}

static void drive(struct loop *loop);

static void alarm_rings(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;

    (void)fd;
    (void)what;
    loop->alarm_us = DEADLINE_NONE;
    if (loop->driven) {
        drive(loop);
    }
}

static struct event_base *base_create(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config == NULL) {
        return NULL;
    }
    /* One thread only: no locks. */
    if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0) {
        base = event_base_new_with_config(config);
    }
    event_config_free(config);
    return base;
}

static void base_give_up(struct loop *loop)
{
    if (!loop->driven) {
        event_base_free(loop->base);
    }
}

static int loop_open(struct loop *loop, struct event_base *base)
{
    loop->driven = base != NULL;
    loop->base = base != NULL ? base : base_create();
    if (loop->base == NULL) {
        return -ENOMEM;
    }
    event_assign(&loop->alarm, loop->base, -1, 0, alarm_rings, loop);
    int r = inbox_open(&loop->inbox, loop);
    if (r == 0 && !loop->driven) {
        r = inbox_listen(&loop->inbox);
    }
    if (r < 0) {
        inbox_close(&loop->inbox);
        base_give_up(loop);
        return r;
    }
    offload_ref();
    return 0;
}

void loop_set_time_slice(struct loop *loop, int64_t us)
{
    loop->time_slice_us = us == 0 ? default_slice_us : us;
}

int loop_create(const struct loop_options *options, struct loop **ret_loop)
{
    const struct loop_options o = options == NULL ? (struct loop_options){ 0 } : *options;
    struct account *was = account_swap(NULL);
    cleanup(mem_freep) struct loop *loop = mem_zalloc(sizeof(*loop));

    account_swap(was);
    if (loop == NULL) {
        return -ENOMEM;
    }
    assert(o.number < loops_most);
    loop->number = o.number;
    loop->owner = o.owner;
    loop->clock = o.clock == NULL ? &clock_system : o.clock;
    loop_set_time_slice(loop, o.time_slice_us);
    loop->alarm_us = DEADLINE_NONE;
    loop->inbox.wake_fd = -1;
    TAILQ_INIT(&loop->ready);
    TAILQ_INIT(&loop->spent);
    stack_cache_init(&loop->stacks, o.stack_bytes == 0 ? POND_STACK_KIB * 1024UL : o.stack_bytes,
                     o.cached_stacks == 0 ? default_cached_stacks : o.cached_stacks);
    int r = loop_open(loop, o.base);
    if (r < 0) {
        return r;
    }
    *ret_loop = take_ptr(loop);
    return 0;
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    assert(loop->stats.tasks == 0 && current != loop);
    inbox_close(&loop->inbox);
    assert(inbox_is_empty(&loop->inbox));
    event_del(&loop->alarm);
    base_give_up(loop);
    stack_cache_finish(&loop->stacks);
    offload_unref();
    mem_free(loop);
}

/* The alarm is moved only to earlier times: one that rings too early costs a round, less than
 * setting it anew for each deadline that comes and goes. */
static int alarm_at(struct loop *loop, int64_t due_us)
{
    if (due_us >= loop->alarm_us) {
        return 0;
    }
    int64_t left_us = due_us - loop_now_us(loop);
    if (left_us < 0) {
        left_us = 0;
    }
    struct timeval left = { .tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000 };
    if (event_add(&loop->alarm, &left) != 0) {
        return -ENOMEM;
    }
    loop->alarm_us = due_us;
    return 0;
}

static int alarm_set(struct loop *loop)
{
    return alarm_at(loop, timers_first_us(&loop->timers));
}

static bool loop_has_ready(const struct loop *loop)
{
    return !TAILQ_EMPTY(&loop->ready) || !TAILQ_EMPTY(&loop->spent);
}

/* Waits for I/O, messages and the first deadline; only looks when tasks are ready. */
static int loop_poll(struct loop *loop)
{
    int flags = EVLOOP_ONCE;

    if (timers_first_us(&loop->timers) != DEADLINE_NONE) {
        timers_fire_due(&loop->timers, loop_now_us(loop));
    }
    if (loop_has_ready(loop)) {
        flags |= EVLOOP_NONBLOCK;
    } else {
        int r = alarm_set(loop);
        if (r < 0) {
            return r;
        }
    }
    if (event_base_loop(loop->base, flags) < 0) {
        return -EIO;
    }
    loop->turn_us = loop_now_us(loop);
    timers_fire_due(&loop->timers, loop->turn_us);
    return 0;
}

void loop_sample_cpu(struct loop *loop)
{
    loop->cpu_us = clock_cpu_us(loop->clock);
    loop->sampled_us = loop->turn_us;
}

/* All that became ready, then one of those that used up their slice: not in this round, so that I/O
 * is looked at after each slice. */
static void loop_run_tasks(struct loop *loop)
{
    if (loop->turn_us - loop->sampled_us >= cpu_sample_us) {
        loop_sample_cpu(loop);
    }
    for (size_t i = 0; i < turns_per_round && !TAILQ_EMPTY(&loop->ready); i++) {
        task_resume(TAILQ_FIRST(&loop->ready));
    }
    struct task *spent = TAILQ_FIRST(&loop->spent);
    if (spent != NULL && spent->spent_in != loop->round) {
        task_resume(spent);
    }
}

/* Not at a time, but after the base's next look at I/O. */
static void pump(struct loop *loop, int64_t due_us)
{
    if (alarm_at(loop, due_us) < 0) {
        event_active(&loop->alarm, EV_TIMEOUT, 0); /* needs no memory; a round too many is fine */
    }
}

void loop_kick(struct loop *loop)
{
    if (loop->driven && !loop->in_round) {
        pump(loop, 0);
    }
}

int loop_task_begins(struct loop *loop)
{
    if (loop->driven && loop->stats.tasks == 0) {
        int r = inbox_listen(&loop->inbox);
        if (r < 0) {
            return r;
        }
    }
    loop->stats.tasks++;
    return 0;
}

void loop_task_ends(struct loop *loop)
{
    loop->stats.tasks--;
    if (loop->driven && loop->stats.tasks == 0) {
        inbox_ignore(&loop->inbox);
    }
}

static int loop_round(struct loop *loop)
{
    int r = loop_poll(loop);

    loop->round++;
    if (r == 0) {
        loop_run_tasks(loop);
    }
    return r;
}

static struct loop *loop_enter(struct loop *loop)
{
    struct loop *outer = current;

    assert(outer != loop);
    current = loop;
    context_init_running(&loop->context);
    return outer;
}

struct loop *loop_callback_begin(struct loop *loop)
{
    struct loop *outer = current;

    current = loop;
    return outer;
}

void loop_callback_end(struct loop *loop, struct loop *outer)
{
    current = outer;
    loop_kick(loop);
}

/* The round of a driven loop. */
static void drive(struct loop *loop)
{
    struct loop *outer = loop_enter(loop);

    loop->in_round = true;
    loop->turn_us = loop_now_us(loop);
    timers_fire_due(&loop->timers, loop->turn_us);
    loop->round++;
    loop_run_tasks(loop);
    loop->in_round = false;
    current = outer;
    if (loop_has_ready(loop)) {
        loop_kick(loop);
    } else if (loop->stats.tasks != 0) {
        pump(loop, timers_first_us(&loop->timers));
    } else {
        event_del(&loop->alarm);
        loop->alarm_us = DEADLINE_NONE;
    }
}

int loop_run(struct loop *loop)
{
    assert(!loop->driven);
    struct loop *outer = loop_enter(loop);
    int r = 0;

    do {
        r = loop_round(loop);
    } while (r == 0 && !atomic_exchange_explicit(&loop->stopping, false, memory_order_relaxed));
    while (r == 0 && !inbox_is_empty(&loop->inbox)) {
        r = loop_round(loop); /* they may have come behind the last look */
    }
    current = outer;
    return r;
}

int loop_run_until(struct loop *loop, const bool *done)
{
    assert(!loop->driven);
    struct loop *outer = loop_enter(loop);
    int r = 0;

    while (r == 0 && !*done) {
        r = loop_round(loop);
    }
    current = outer;
    return r;
}

int loop_run_until_idle(struct loop *loop)
{
    assert(!loop->driven);
    struct loop *outer = loop_enter(loop);
    int r = 0;

    while (r == 0 && (loop->stats.tasks != 0 || !inbox_is_empty(&loop->inbox))) {
        r = loop_round(loop);
    }
    current = outer;
    return r;
}
