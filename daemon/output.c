/* daemon/output.c: see the header. The deadline of a stalled client starts anew whenever it took
 * something: room for more in the socket comes late, when much of what lay there has been read. */
#include "daemon/output.h"

#include "async/await.h"
#include "async/loop.h"
#include "daemon/server.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

void output_spares_finish(struct output_spares *spares)
{
    while (spares->count > 0) {
        buf_finish(&spares->bufs[--spares->count]);
    }
}

void output_init(struct output *o, struct worker *worker, int fd)
{
    *o = (struct output){ .worker = worker, .fd = fd };
}

void output_finish(struct output *o)
{
    buf_finish(&o->buf);
    o->fd = -1;
}

int output_begin(struct output *o)
{
    struct output_spares *spares = &o->worker->spares;

    if (o->buf.data != NULL) {
        return 0;
    }
    if (spares->count > 0) {
        o->buf = spares->bufs[--spares->count];
        return 0;
    }
    return buf_reserve(&o->buf, output_spare_bytes);
}

/* A buffer that one big row has blown up is not kept. */
static bool worth_keeping(const struct output *o)
{
    size_t usual = 2 * (size_t)o->worker->conf->output_buffer;

    return o->buf.data != NULL && (o->buf.cap <= output_spare_bytes || o->buf.cap <= usual);
}

void output_end(struct output *o)
{
    struct output_spares *spares = &o->worker->spares;

    buf_clear(&o->buf);
    if (worth_keeping(o) && spares->count < output_spare_count) {
        spares->bufs[spares->count++] = o->buf;
        o->buf = (struct buf){ 0 };
    }
    buf_finish(&o->buf);
}

/* Bytes taken (0: the socket is full), or -errno. */
static ssize_t send_some(const struct output *o, size_t from)
{
    ssize_t n;

    do {
        n = send(o->fd, o->buf.data + from, o->buf.len - from, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
    }
    return n;
}

/* Bytes that the kernel holds because the client's side has no room for them; -1: nobody knows. */
static int held_by_kernel(const struct output *o)
{
    int bytes = 0;

    return ioctl(o->fd, SIOCOUTQ, &bytes) == 0 ? bytes : -1;
}

static int await_once(struct output *o)
{
    const struct clock *clock = loop_clock(o->worker->loop);
    int64_t stall_us = o->worker->conf->client_stall_timeout_us;
    int64_t deadline_us = stall_us == 0 ? DEADLINE_NONE : clock_after_us(clock, stall_us);

    return await_writable(o->fd, deadline_us);
}

/* Until there is room, or the client has read nothing for client_stall_timeout. */
static int await_client(struct output *o)
{
    int held = held_by_kernel(o);
    int before;
    int r;

    o->awaiting = true;
    do {
        r = await_once(o);
        before = held;
        held = held_by_kernel(o);
    } while (r == -ETIMEDOUT && held < before);
    o->awaiting = false;
    return r;
}

static int flush_all(struct output *o)
{
    size_t sent = 0;

    while (sent < o->buf.len) {
        ssize_t n = send_some(o, sent);
        int r = n < 0 ? (int)n : 0;

        if (n == 0) {
            r = await_client(o);
        }
        if (r < 0) {
            return r;
        }
        sent += (size_t)n;
        o->sent += (uint64_t)n;
    }
    return 0;
}

int output_flush(struct output *o)
{
    if (o->broken == 0) {
        o->broken = flush_all(o);
    }
    buf_clear(&o->buf);
    return o->broken;
}

/* A little below the option, so that the usual row does not make a buffer of its size grow to twice
 * that. */
static size_t high_water(const struct output *o)
{
    size_t most = (size_t)o->worker->conf->output_buffer;

    return most - most / 16;
}

int output_relieve(struct output *o)
{
    if (o->buf.len < high_water(o) && o->broken == 0) {
        return 0;
    }
    return output_flush(o);
}

void output_break(struct output *o)
{
    o->broken = o->broken == 0 ? -ENOMEM : o->broken;
}
