/* daemon/activity.h: what a connection does, for pg_stat_activity and for those whom it keeps
 * waiting.
 *
 * Times are wall clock, in microseconds since 1970; 0: not yet. */
#pragma once

#include "protocol/utf8.h"

#include <string.h>

enum { activity_query_bytes = 1024 }; /* PostgreSQL's track_activity_query_size */

struct activity {
    int64_t backend_start_us;
    int64_t transaction_start_us; /* of the open one, or of the last */
    int64_t query_start_us;
    int64_t state_change_us;
    size_t query_len;
    uint8_t query[activity_query_bytes]; /* the last one's text, cut */
};

/* A statement starts, in a transaction that was open before or not. Its text is valid UTF-8. */
static inline void activity_begin(struct activity *activity, struct view query, int64_t now_us,
                                  bool in_transaction)
{
    struct view cut = utf8_cut(query, activity_query_bytes);

    activity->query_len = cut.len;
    if (cut.len > 0) {
        memcpy(activity->query, cut.data, cut.len);
    }
    activity->query_start_us = activity->state_change_us = now_us;
    if (!in_transaction) {
        activity->transaction_start_us = now_us;
    }
}
