/* daemon/heartbeat.c: a message is in one loop's inbox at most once: it is sent anew when it has
 * been answered. */
#include "daemon/heartbeat.h"

static void answer(struct loop *loop, struct loop_message *message)
{
    struct heart *heart = container_of(message, struct heart, message);

    (void)loop;
    atomic_store(&heart->beats, true);
}

void heartbeat_init(struct heartbeat *heartbeat, struct loop *const *loops, size_t count)
{
    heartbeat->loops = loops;
    heartbeat->count = count;
    for (size_t i = 0; i < count; i++) {
        heartbeat->hearts[i].message.run = answer;
        atomic_store(&heartbeat->hearts[i].beats, true);
    }
}

bool heartbeat_ask(struct heartbeat *heartbeat, int64_t now_us, unsigned *ret_silent,
                   int64_t *ret_silent_us)
{
    int64_t longest_us = -1;

    for (size_t i = 0; i < heartbeat->count; i++) {
        struct heart *heart = &heartbeat->hearts[i];

        if (atomic_load(&heart->beats)) {
            heart->asked_us = now_us;
            atomic_store(&heart->beats, false);
            loop_send(heartbeat->loops[i], &heart->message);
        } else if (now_us - heart->asked_us > longest_us) {
            longest_us = now_us - heart->asked_us;
            *ret_silent = loop_number(heartbeat->loops[i]);
            *ret_silent_us = longest_us;
        }
    }
    return longest_us < 0;
}
