/* daemon/http.c: requests and answers.
 *
 * Nobody logs in here, and what the page shows is not for everybody's eyes. So a request must not
 * come from a foreign page in the browser of somebody who may connect: it is answered only under
 * names that no foreign site can have (DNS rebinding), and without leave for other origins. */
#include "daemon/http.h"

#include "async/await.h"
#include "async/loop.h"
#include "async/task.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "daemon/health.h"
#include "daemon/http_door.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/page.h"
#include "daemon/server.h"
#include "daemon/status.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { header_bytes_most = 8192, answer_bytes_most = 64 << 20, waiting_most = http_visitors_most };
enum { silence_s = 10 }; /* the door is stricter */

static const int64_t close_step_us = 1000;

struct route {
    const char *path;
    const char *type;
    /* 0, HEALTH_BAD, BUF_FULL or -errno. May await. */
    int (*write)(const struct server *server, struct buf *out);
};

static const struct route routes[] = {
    { "/", "text/html; charset=utf-8", page_write },
    { "/healthz", "text/plain; charset=utf-8", health_live },
    { "/metrics", "text/plain; version=0.0.4; charset=utf-8", metrics_write },
    { "/readyz", "text/plain; charset=utf-8", health_ready },
    { "/status.json", "application/json", status_write },
};

struct http {
    const struct server *server;
    struct evhttp *evhttp;
    struct http_door *door;
    struct evhttp_request *waiting[waiting_most]; /* from `first` on, round and round */
    size_t first;
    size_t count;
    struct task *task; /* answers them; NULL: there is none to answer */
    bool closing;
};

/* ---- answers ---- */

static void free_bytes(const void *data, size_t len, void *arg)
{
    (void)len, (void)arg;
    mem_free((void *)data);
}

static void add_headers(struct evhttp_request *request, const char *type)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    evhttp_add_header(headers, "X-Frame-Options", "DENY");
    evhttp_add_header(headers, "Connection", "close"); /* see http_door.h */
}

/* evhttp would send a body to HEAD, and no length. Takes the bytes. */
static void send_bytes(struct evhttp_request *request, int code, struct buf *out)
{
    struct evbuffer *body = evbuffer_new();
    char length[24];

    if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
        snprintf(length, sizeof(length), "%zu", out->len);
        evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Length", length);
    } else if (body == NULL ||
               evbuffer_add_reference(body, out->data, out->len, free_bytes, NULL) != 0) {
        code = HTTP_INTERNAL;
    } else {
        *out = (struct buf){ .data = NULL };
    }
    evhttp_send_reply(request, code, NULL, body);
    if (body != NULL) {
        evbuffer_free(body);
    }
}

static void send_text(struct evhttp_request *request, int code, const char *text)
{
    cleanup(buf_finish) struct buf out = { 0 };

    add_headers(request, "text/plain; charset=utf-8");
    (void)!buf_append_str(&out, text); /* the code says it, too */
    send_bytes(request, code, &out);
}

/* ---- the task ---- */

static const struct route *route_of(const struct evhttp_request *request)
{
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));

    for (size_t i = 0; i < ARRAY_LEN(routes) && path != NULL; i++) {
        if (strcmp(path, routes[i].path) == 0) {
            return &routes[i];
        }
    }
    return NULL;
}

static void answer(const struct http *http, struct evhttp_request *request)
{
    const struct route *route = route_of(request);
    cleanup(buf_finish) struct buf out;

    buf_init(&out, answer_bytes_most);
    int r = route->write(http->server, &out);
    if (r != 0 && r != HEALTH_BAD) {
        send_text(request, HTTP_INTERNAL, r == BUF_FULL ? "too long\n" : "out of memory\n");
        return;
    }
    add_headers(request, route->type);
    send_bytes(request, r == 0 ? HTTP_OK : HTTP_SERVUNAVAIL, &out);
}

static void answer_all(void *arg)
{
    struct http *http = arg;

    while (http->count > 0) {
        struct evhttp_request *request = http->waiting[http->first];

        http->first = (http->first + 1) % waiting_most;
        http->count--;
        answer(http, request); /* evhttp keeps it until then, though its client may have left */
        if (task_slice_over(task_current())) {
            (void)!await_turn();
        }
    }
    http->task = NULL;
}

/* ---- requests ---- */

/* Numbers, localhost and the machine's own name. Without a Host it is no browser that asks. */
static bool is_our_host(const char *host)
{
    char own[256] = "";
    struct in_addr in;

    if (host == NULL || host[0] == '[' || inet_pton(AF_INET, host, &in) == 1 ||
        strcasecmp(host, "localhost") == 0) {
        return true;
    }
    return gethostname(own, sizeof(own) - 1) == 0 && strcasecmp(host, own) == 0;
}

static bool enqueue(struct http *http, struct evhttp_request *request)
{
    if (http->closing || http->count == waiting_most) {
        return false;
    }
    if (http->task == NULL &&
        task_spawn(server_main(http->server)->loop, "http", answer_all, http, &http->task) != 0) {
        http->task = NULL;
        return false;
    }
    http->waiting[(http->first + http->count++) % waiting_most] = request;
    return true;
}

static void on_request(struct evhttp_request *request, void *arg)
{
    if (!is_our_host(evhttp_request_get_host(request))) {
        send_text(request, 421, "ask for it by its address, or as localhost\n");
    } else if (route_of(request) == NULL) {
        send_text(request, HTTP_NOTFOUND, "there is no such page\n");
    } else if (!enqueue(arg, request)) {
        send_text(request, HTTP_SERVUNAVAIL, "too many ask at once\n");
    }
}

/* ---- life ---- */

static void destroy(struct http *http)
{
    if (http->evhttp != NULL) {
        evhttp_free(http->evhttp);
    }
    http_door_close(http->door);
    mem_free(http);
}

int http_open(const struct server *server, const char *at, struct http **ret_http,
              struct failure *ret_failure)
{
    struct loop *loop = server_main(server)->loop;
    struct http *http = mem_zalloc(sizeof(*http));

    if (http == NULL) {
        return -ENOMEM;
    }
    http->server = server;
    http->evhttp = evhttp_new(loop_base(loop));
    int r = http->evhttp == NULL ? -ENOMEM
                                 : http_door_open(loop, http->evhttp, at, &http->door, ret_failure);
    if (r != 0) {
        destroy(http);
        return r;
    }
    evhttp_set_allowed_methods(http->evhttp, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_max_headers_size(http->evhttp, header_bytes_most);
    evhttp_set_max_body_size(http->evhttp, 0);
    evhttp_set_timeout(http->evhttp, silence_s);
    evhttp_set_gencb(http->evhttp, on_request, http);
    *ret_http = http;
    return 0;
}

void http_close(struct http *http)
{
    if (http == NULL) {
        return;
    }
    http->closing = true;
    while (http->task != NULL) {
        (void)!await_until(loop_now_us(server_main(http->server)->loop) + close_step_us);
    }
    destroy(http);
}

const char *http_address(const struct http *http)
{
    return http_door_address(http->door);
}
