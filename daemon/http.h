/* daemon/http.h: what http_listen serves: /metrics, /healthz, /readyz and the status page.
 *
 * evhttp reads the requests on the main loop; one task answers them, one after the other, so that
 * however many ask at once, only one answer is being made. Main loop. */
#pragma once

#include "base/failure.h"

struct http;
struct server;

/* Listens at `at` (http_door.h). 0, FAILED or -errno. */
must_check int http_open(const struct server *server, const char *at, struct http **ret_http,
                         struct failure *ret_failure);

/* Waits for the answer that is being made; then nobody is listened to any more. Awaits. NULL is
 * fine. */
void http_close(struct http *http);

const char *http_address(const struct http *http);
