/* daemon/http_door.h: the door of the HTTP server: where it listens, and how many may be inside for
 * how long.
 *
 * evhttp limits neither: it would take connections until the daemon has no descriptors left for its
 * clients, and keep one that sends a byte now and then for ever. So each has one request and a few
 * seconds; when there are too many the others wait outside. Main loop. */
#pragma once

#include "base/failure.h"

struct evhttp;
struct http_door;
struct loop;

enum { http_visitors_most = 32 };

/* Listens for `http` at ADDRESS:PORT (numbers, or localhost; port 0: any that is free). 0, FAILED
 * or -errno. */
must_check int http_door_open(struct loop *loop, struct evhttp *http, const char *at,
                              struct http_door **ret_door, struct failure *ret_failure);

/* After evhttp_free(). NULL is fine. */
void http_door_close(struct http_door *door);

/* ADDRESS:PORT, the port that it has. */
const char *http_door_address(const struct http_door *door);
