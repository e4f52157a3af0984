/* daemon/health.c: see the header. */
#include "daemon/health.h"

#include "daemon/server.h"

static void be_there(struct worker *worker, void *arg)
{
    (void)worker, (void)arg;
}

int health_live(const struct server *server, struct buf *out)
{
    server_each_worker(server, be_there, NULL);
    return buf_append_str(out, "ok\n");
}

int health_ready(const struct server *server, struct buf *out)
{
    bool draining = atomic_load(&server->draining);
    int r = buf_append_str(out, draining ? "stopping\n" : server->ready ? "ok\n" : "starting\n");

    return r == 0 && (draining || !server->ready) ? HEALTH_BAD : r;
}
