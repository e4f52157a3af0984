/* async/timer.c: a pairing heap, merged without recursion. */
#include "async/timer.h"

#include <assert.h>

/* Merges two heaps that hang on nothing. */
static struct timer *merge(struct timer *a, struct timer *b)
{
    if (a == NULL || b == NULL) {
        return a == NULL ? b : a;
    }
    struct timer *first = b->due_us < a->due_us ? b : a;
    struct timer *later = first == a ? b : a;

    later->next = first->child;
    if (later->next != NULL) {
        later->next->link = &later->next;
    }
    first->child = later;
    later->link = &first->child;
    return first;
}

/* Merges a row of siblings: in pairs from the left, then the pairs. */
static struct timer *merge_row(struct timer *row)
{
    struct timer *pairs = NULL; /* through next */
    struct timer *all = NULL;

    while (row != NULL) {
        struct timer *a = row;
        struct timer *b = take_ptr(a->next);

        row = b == NULL ? NULL : take_ptr(b->next);
        a = merge(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs != NULL) {
        struct timer *pair = pairs;

        pairs = take_ptr(pair->next);
        all = merge(all, pair);
    }
    return all;
}

static void put_first(struct timers *timers, struct timer *first)
{
    timers->first = first;
    if (first != NULL) {
        first->link = &timers->first;
    }
}

bool timer_is_started(const struct timer *timer)
{
    return timer->link != NULL;
}

void timer_start(struct timers *timers, struct timer *timer, int64_t due_us)
{
    assert(!timer_is_started(timer));
    timer->due_us = due_us;
    timer->child = timer->next = NULL;
    put_first(timers, merge(timers->first, timer));
}

void timer_stop(struct timers *timers, struct timer *timer)
{
    if (!timer_is_started(timer)) {
        return;
    }
    *timer->link = timer->next;
    if (timer->next != NULL) {
        timer->next->link = timer->link;
    }
    timer->link = NULL;
    timer->next = NULL;
    put_first(timers, merge(timers->first, merge_row(take_ptr(timer->child))));
}

void timers_fire_due(struct timers *timers, int64_t now_us)
{
    while (timers->first != NULL && timers->first->due_us <= now_us) {
        struct timer *timer = timers->first;

        timer_stop(timers, timer);
        timer->fire(timer);
    }
}
