/* async/timer.c: the loop's timers lie in a heap by the time when they are due. */
#include "async/timer.h"

void timer_start(struct timers *timers, struct timer *timer, int64_t due_us)
{
    heap_add(&timers->heap, &timer->place, due_us);
}

void timer_stop(struct timers *timers, struct timer *timer)
{
    heap_remove(&timers->heap, &timer->place);
}

void timers_fire_due(struct timers *timers, int64_t now_us)
{
    struct heap_place *first;

    while ((first = timers->heap.first) != NULL && first->key <= now_us) {
        struct timer *timer = container_of(first, struct timer, place);

        timer_stop(timers, timer);
        timer->fire(timer);
    }
}
