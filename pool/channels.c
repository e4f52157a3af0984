/* pool/channels.c: see channels.h. */
#include "pool/channels.h"

#include "pool/clone_impl.h"
#include "pool/names.h"

#include <errno.h>

/* A name is all that there is to say about a channel. */
static char listened;

int channels_listen(struct clone *clone, struct channel_listener *listener, struct view channel)
{
    bool first = listener->channels == NULL;

    if (first && names_create(NULL, &listener->channels) != 0) {
        return -ENOMEM;
    }
    if (first) {
        LIST_INSERT_HEAD(&clone->listeners, listener, entry);
    }
    return names_put(listener->channels, channel, &listened) == -ENOMEM ? -ENOMEM : 0;
}

void channels_unlisten(struct channel_listener *listener, struct view channel)
{
    if (listener->channels != NULL) {
        (void)names_remove(listener->channels, channel);
    }
}

void channels_unlisten_all(struct channel_listener *listener)
{
    if (listener->channels != NULL) {
        names_destroy(take_ptr(listener->channels));
        LIST_REMOVE(listener, entry);
    }
}

void channels_notify(const struct clone *clone, const struct notification *notification)
{
    struct channel_listener *listener;

    LIST_FOREACH (listener, &clone->listeners, entry) {
        if (names_find(listener->channels, notification->channel) != NULL) {
            listener->told(listener, notification);
        }
    }
}
