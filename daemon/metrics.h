/* daemon/metrics.h: what /metrics says, in Prometheus' text format 0.0.4. docs/operations.md has
 * the names. */
#pragma once

#include "base/buf.h"

struct server;

/* Awaits, and gives up its turn on the way. 0, BUF_FULL or -ENOMEM. */
must_check int metrics_write(const struct server *server, struct buf *out);
