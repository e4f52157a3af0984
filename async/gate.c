/* async/gate.c: a line in which each waiter hangs on the budget that holds him back.
 *
 * What is true whenever the lock is free: nobody in the line could be served. Whoever makes room
 * serves at once, under the lock, and so one who finds room may go in without a look at the line. A
 * waiter hangs in the heap of one budget that is full for him; when that one gets room, he is let
 * in or hangs on the next that is full. So a release looks at those whom its own budgets held back,
 * not at everybody.
 *
 * A waiter lies on the stack of his task. Once he is out of the line, by another's hand, an answer
 * is on its way to his loop, and he stays until it has come. */
#include "async/gate.h"

#include "async/await_private.h"
#include "async/loop_private.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct gate_waiter {
    struct wait wait;
    struct task *task;
    struct permit permit;           /* what he wants */
    TAILQ_ENTRY(gate_waiter) entry; /* of the line, then of the answers to be sent */
    bool in_line;
    struct budget *held_by;
    struct heap_place place; /* in its heap, by number */
    int64_t number;
    int64_t since_us;
    bool left; /* by himself: no answer will come; his loop only */
    int answer;
    struct loop_message answering;
    bool answered; /* his loop only */
};

static bool has_room(const struct budget *budget)
{
    return !budget->paused && (budget->limit == 0 || budget->used < budget->limit);
}

static struct budget *find_full(struct budget *const *budgets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!has_room(budgets[i])) {
            return budgets[i];
        }
    }
    return NULL;
}

static bool counts_against(const struct permit *permit, const struct budget *budget)
{
    for (size_t i = 0; i < permit->count; i++) {
        if (permit->budgets[i] == budget) {
            return true;
        }
    }
    return false;
}

static bool any_is_closed(const struct permit *permit)
{
    for (size_t i = 0; i < permit->count; i++) {
        if (permit->budgets[i]->closed) {
            return true;
        }
    }
    return false;
}

static void take_places(const struct permit *permit)
{
    for (size_t i = 0; i < permit->count; i++) {
        permit->budgets[i]->used++;
    }
}

/* ---- the line; all under the lock ---- */

static void hang_on(struct gate_waiter *waiter, struct budget *full)
{
    waiter->held_by = full;
    heap_add(&full->held, &waiter->place, waiter->number);
}

static void line_enter(struct gate_waiter *waiter, struct budget *full)
{
    struct gate *gate = waiter->permit.gate;

    waiter->number = gate->numbers++;
    waiter->since_us = loop_now_us(waiter->task->loop);
    waiter->in_line = true;
    TAILQ_INSERT_TAIL(&gate->line, waiter, entry);
    for (size_t i = 0; i < waiter->permit.count; i++) {
        waiter->permit.budgets[i]->waiting++;
    }
    hang_on(waiter, full);
}

static void line_leave(struct gate_waiter *waiter)
{
    heap_remove(&waiter->held_by->held, &waiter->place);
    for (size_t i = 0; i < waiter->permit.count; i++) {
        waiter->permit.budgets[i]->waiting--;
    }
    TAILQ_REMOVE(&waiter->permit.gate->line, waiter, entry);
    waiter->in_line = false;
}

/* The first who came of those whom these budgets hold back for no reason any more. */
static struct gate_waiter *find_freed(struct budget *const *budgets, size_t count)
{
    struct heap_place *first = NULL;

    for (size_t i = 0; i < count; i++) {
        struct heap_place *place = budgets[i]->held.first;

        if (place != NULL && has_room(budgets[i]) && (first == NULL || place->key < first->key)) {
            first = place;
        }
    }
    return first == NULL ? NULL : container_of(first, struct gate_waiter, place);
}

static void answer(struct gate_waiter *waiter, int result, struct gate_line *answers)
{
    line_leave(waiter);
    waiter->answer = result;
    TAILQ_INSERT_TAIL(answers, waiter, entry);
}

/* Lets in all who can be served now that these budgets may have room. */
static void serve(struct budget *const *budgets, size_t count, struct gate_line *answers)
{
    struct gate_waiter *waiter;

    while ((waiter = find_freed(budgets, count)) != NULL) {
        struct budget *full = find_full(waiter->permit.budgets, waiter->permit.count);

        if (full == NULL) {
            take_places(&waiter->permit);
            answer(waiter, 0, answers);
        } else {
            heap_remove(&waiter->held_by->held, &waiter->place);
            hang_on(waiter, full);
        }
    }
}

/* ---- answers ---- */

static void answer_has_come(struct gate_waiter *waiter)
{
    waiter->answered = true;
    task_wake(waiter->task, 0); /* without effect when he was on his way out: he waits for us */
}

static void answer_arrives(struct loop *loop, struct loop_message *message)
{
    (void)loop;
    answer_has_come(container_of(message, struct gate_waiter, answering));
}

/* Without the lock. A waiter whose answer has come is gone. */
static void send_answers(struct gate_line *answers)
{
    struct gate_waiter *waiter;

    while ((waiter = TAILQ_FIRST(answers)) != NULL) {
        TAILQ_REMOVE(answers, waiter, entry);
        if (waiter->task->loop == loop_current()) {
            answer_has_come(waiter);
        } else {
            waiter->answering.run = answer_arrives;
            loop_send(waiter->task->loop, &waiter->answering);
        }
    }
}

/* ---- the waiter's side ---- */

/* A time-out or a cancel, unless an answer came before it. */
static void waiter_undo(struct wait *wait)
{
    struct gate_waiter *waiter = container_of(wait, struct gate_waiter, wait);
    cleanup(lock_givep) maybe_unused struct lock *held = lock_take(&waiter->permit.gate->lock);

    if (waiter->in_line) {
        line_leave(waiter);
        waiter->left = true;
    }
}

static int await_answer(struct gate_waiter *waiter, int64_t deadline_us)
{
    struct task *task = waiter->task;
    int r = task_park(task, deadline_us, &waiter->wait);

    if (waiter->left) {
        return r;
    }
    if (!waiter->answered) {
        struct wait firm = { .firm = true };

        r = task_park(task, DEADLINE_NONE, &firm);
        assert(r == 0 && waiter->answered);
    }
    waiter->permit.waited_us = loop_now_us(task->loop) - waiter->since_us;
    return waiter->answer;
}

enum { IN_LINE = 1 };

/* 0: has his places; IN_LINE; or why neither. */
static int enter(struct gate_waiter *waiter, size_t max_waiters)
{
    const struct permit *permit = &waiter->permit;
    cleanup(lock_givep) maybe_unused struct lock *held = lock_take(&permit->gate->lock);

    if (any_is_closed(permit)) {
        return -ESHUTDOWN;
    }
    struct budget *full = find_full(permit->budgets, permit->count);
    if (full == NULL) {
        take_places(permit);
        return 0;
    }
    if (permit->budgets[0]->waiting >= max_waiters) {
        return GATE_FULL;
    }
    line_enter(waiter, full);
    return IN_LINE;
}

int await_gate(struct gate *gate, struct budget *const *budgets, size_t count, size_t max_waiters,
               int64_t deadline_us, struct permit *ret_permit)
{
    struct task *task = task_current();
    int r = await_begin(task, deadline_us);

    if (r < 0) {
        return r;
    }
    struct gate_waiter waiter = {
        .wait.undo = waiter_undo,
        .task = task,
        .permit = { .gate = gate, .count = count },
    };
    assert(count <= gate_budgets_max);
    memcpy(waiter.permit.budgets, budgets, count * sizeof(*budgets));
    r = enter(&waiter, max_waiters);
    if (r == IN_LINE) {
        r = await_answer(&waiter, deadline_us);
    }
    if (r == 0) {
        *ret_permit = waiter.permit;
    }
    return r;
}

/* ---- everybody's ---- */

void gate_init(struct gate *gate)
{
    *gate = (struct gate){ .numbers = 0 };
    lock_init(&gate->lock);
    TAILQ_INIT(&gate->line);
}

void gate_finish(struct gate *gate)
{
    assert(TAILQ_EMPTY(&gate->line));
    lock_finish(&gate->lock);
}

void gate_release(struct permit *permit)
{
    struct permit left = *permit;
    struct gate_line answers = TAILQ_HEAD_INITIALIZER(answers);

    if (left.gate == NULL) {
        return;
    }
    *permit = (struct permit){ .gate = NULL };
    lock_take(&left.gate->lock);
    for (size_t i = 0; i < left.count; i++) {
        assert(left.budgets[i]->used > 0);
        left.budgets[i]->used--;
    }
    serve(left.budgets, left.count, &answers);
    lock_give(&left.gate->lock);
    send_answers(&answers);
}

void gate_set_limit(struct gate *gate, struct budget *budget, size_t limit)
{
    struct gate_line answers = TAILQ_HEAD_INITIALIZER(answers);

    lock_take(&gate->lock);
    budget->limit = limit;
    serve(&budget, 1, &answers);
    lock_give(&gate->lock);
    send_answers(&answers);
}

bool gate_pause(struct gate *gate, struct budget *budget, bool paused)
{
    struct gate_line answers = TAILQ_HEAD_INITIALIZER(answers);

    lock_take(&gate->lock);
    bool changed = budget->paused != paused;
    budget->paused = paused;
    serve(&budget, 1, &answers);
    lock_give(&gate->lock);
    send_answers(&answers);
    return changed;
}

void gate_close(struct gate *gate, struct budget *budget)
{
    struct gate_line answers = TAILQ_HEAD_INITIALIZER(answers);

    lock_take(&gate->lock);
    budget->closed = true;
    for (struct gate_waiter *waiter = TAILQ_FIRST(&gate->line), *next; waiter != NULL;
         waiter = next) {
        next = TAILQ_NEXT(waiter, entry);
        if (counts_against(&waiter->permit, budget)) {
            answer(waiter, -ESHUTDOWN, &answers);
        }
    }
    lock_give(&gate->lock);
    send_answers(&answers);
}

void gate_stats(struct gate *gate, const struct budget *budget, struct gate_stats *ret_stats)
{
    cleanup(lock_givep) maybe_unused struct lock *held = lock_take(&gate->lock);
    struct gate_waiter *first = budget->waiting == 0 ? NULL : TAILQ_FIRST(&gate->line);

    while (first != NULL && !counts_against(&first->permit, budget)) {
        first = TAILQ_NEXT(first, entry);
    }
    *ret_stats = (struct gate_stats){
        .limit = budget->limit,
        .used = budget->used,
        .waiting = budget->waiting,
        .paused = budget->paused,
        .first_since_us = first == NULL ? DEADLINE_NONE : first->since_us,
    };
}

const struct budget *gate_find_full(struct gate *gate, struct budget *const *budgets, size_t count)
{
    cleanup(lock_givep) maybe_unused struct lock *held = lock_take(&gate->lock);

    return find_full(budgets, count);
}
