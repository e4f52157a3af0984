/* async/loop.h: one event loop on one thread: an event_base, a ready line of tasks and an inbox.
 *
 * All state of a loop hangs on `struct loop`; nothing is shared between loops. Every function is
 * for the loop's own thread but loop_send and loop_stop, which any thread may call.
 *
 * The ready line has two ends of service: tasks made ready by I/O, timers or messages run before
 * those that used up their time slice (await_turn), and those share the loop equally. */
#pragma once

#include "base/clock.h"
#include "base/histogram.h"

#include <stdbool.h>

struct event_base;
struct loop;
struct task;

/* The loops of one process that share something have different numbers, so that each can have a
 * place of its own in it. */
enum { loops_most = 64 };

struct loop_options {
    unsigned number;           /* below loops_most */
    const struct clock *clock; /* NULL: clock_system */
    int64_t time_slice_us; /* how long a task may hold the loop before it should give up its turn;
                              0: 1000 */
    size_t stack_bytes;    /* 0: POND_STACK_KIB */
    size_t cached_stacks;  /* idle stacks kept; 0: 64 */
    /* Somebody else's, who dispatches it: the loop is then driven by it (see below). It outlives
     * the loop. NULL: one of its own, for loop_run() and its like. */
    struct event_base *base;
    void *owner; /* whatever loop_owner() shall give */
};

/* A driven loop has no run of its own: its rounds are events of a base that somebody else
 * dispatches. While it has tasks it has an event there, for its messages and its deadlines; without
 * tasks it has none, so that the other's dispatch can end, and takes no messages. */

/* 0 or -errno. */
must_check int loop_create(const struct loop_options *options, struct loop **ret_loop);

/* All tasks must have ended. NULL is fine. */
void loop_destroy(struct loop *loop);

/* Runs until loop_stop(); then returns 0. -errno if the event base broke. */
must_check int loop_run(struct loop *loop);

/* Runs until no task is left (for tests, seeding and command-line programs). */
must_check int loop_run_until_idle(struct loop *loop);

/* Runs until *done (a task of the loop sets it): a blocking call made of a task. */
must_check int loop_run_until(struct loop *loop, const bool *done);

/* Ends loop_run after the current round, and after the messages that were sent before. Any thread;
 * async-signal-unsafe. */
void loop_stop(struct loop *loop);

/* A message to a loop: `run` is called once on the loop's thread (not in a task: it may not await).
 * The sender embeds it; it belongs to the loop from loop_send until `run` is called. */
struct loop_message {
    void (*run)(struct loop *loop, struct loop_message *message);
    struct loop_message *next;
};
void loop_send(struct loop *loop, struct loop_message *message);

struct loop *loop_current(void);               /* the loop that runs on this thread, or NULL */
unsigned loop_number(const struct loop *loop); /* any thread; that of NULL is 0 */
struct event_base *loop_base(const struct loop *loop);
bool loop_is_driven(const struct loop *loop);
void *loop_owner(const struct loop *loop);
const struct clock *loop_clock(const struct loop *loop);
int64_t loop_now_us(const struct loop *loop); /* monotonic, read anew each call */

/* Another time slice, from the next look at it on; 0: 1000. */
void loop_set_time_slice(struct loop *loop, int64_t us);

struct loop_stats {
    uint64_t turns; /* times a task was resumed */
    uint64_t tasks; /* alive now */
    uint64_t stacks_cached;
    int64_t longest_hold_us;     /* the longest that one task held the loop without giving it up */
    const char *longest_hold_by; /* that task's name */
    /* The same in processor time, at most 0.5 ms too much: what a loaded machine adds is not in it.
     */
    int64_t longest_cpu_us;
    const char *longest_cpu_by;
    struct histogram holds; /* how long each turn of a task held the loop */
};
void loop_stats(const struct loop *loop, struct loop_stats *ret_stats);
