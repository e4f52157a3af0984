/* pool/channels.h: who listens to which channel of a clone, and what is said there
 * (https://www.postgresql.org/docs/15/sql-notify.html). Loop's thread: all sessions of a clone are
 * on one loop. */
#pragma once

#include "base/defs.h"
#include "base/view.h"

#include <stdbool.h>
#include <sys/queue.h>

struct clone;
struct names;

/* Lent for one call. */
struct notification {
    int32_t pid; /* of who says it */
    struct view channel;
    struct view payload;
};

/* One who listens. Embedded in its owner, who sets `told`; zero bytes but for that listen to
 * nothing. */
struct channel_listener {
    LIST_ENTRY(channel_listener) entry; /* of the clone, while there are any channels */
    struct names *channels;
    void (*told)(struct channel_listener *listener, const struct notification *notification);
};
LIST_HEAD(channel_listeners, channel_listener);

/* Once is as good as twice. 0 or -ENOMEM. */
must_check int channels_listen(struct clone *clone, struct channel_listener *listener,
                               struct view channel);
void channels_unlisten(struct channel_listener *listener, struct view channel);
void channels_unlisten_all(struct channel_listener *listener);

/* Tells all who listen to the channel, whoever says it included. */
void channels_notify(const struct clone *clone, const struct notification *notification);
