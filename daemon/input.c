/* daemon/input.c: grows by what has really come, never by what a length word promises. */
#include "daemon/input.h"

#include "tls/tls.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

void input_init(struct input *in, int fd)
{
    *in = (struct input){ .fd = fd };
}

void input_finish(struct input *in)
{
    buf_finish(&in->rest);
    buf_finish(&in->held);
    in->ahead = view_of(NULL, 0);
    in->fd = -1;
}

static bool in_rest(const struct input *in)
{
    return in->rest.data != NULL && in->ahead.data >= in->rest.data &&
           in->ahead.data <= in->rest.data + in->rest.len;
}

void input_begin(struct input *in, uint8_t *scratch)
{
    in->scratch = scratch;
    in->ahead = buf_view(&in->rest);
    in->more = in->tls != NULL && tls_has_more(in->tls); /* it may have moved here with them */
}

/* Makes `rest` hold exactly what is ahead. */
static int keep_ahead(struct input *in)
{
    int r = 0;

    if (in->ahead.len == 0) {
        buf_clear(&in->rest);
    } else if (in_rest(in)) {
        buf_consume(&in->rest, (size_t)(in->ahead.data - in->rest.data));
    } else {
        buf_clear(&in->rest);
        r = buf_append_view(&in->rest, in->ahead);
    }
    in->ahead = buf_view(&in->rest);
    return r;
}

int input_end(struct input *in)
{
    int r = keep_ahead(in);

    buf_shrink(&in->rest);
    buf_finish(&in->held);
    in->ahead = view_of(NULL, 0);
    in->scratch = NULL;
    return r;
}

int input_hold(struct input *in, uint8_t *scratch)
{
    int r = 0;

    if (in_rest(in) && in->held.data == NULL) {
        in->held = in->rest;
        in->rest = (struct buf){ 0 };
        r = buf_append_view(&in->rest, in->ahead);
        in->ahead = buf_view(&in->rest);
    } else {
        r = keep_ahead(in);
    }
    if (r == 0) {
        in->outer = in->scratch;
        in->scratch = scratch;
    }
    return r;
}

int input_let_go(struct input *in)
{
    int r = keep_ahead(in);

    in->scratch = in->outer;
    in->outer = NULL;
    return r;
}

static int take_plain(const struct input *in, uint8_t *at, size_t room, size_t *ret_got)
{
    ssize_t n;

    do {
        n = recv(in->fd, at, room, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return errno == EAGAIN || errno == EWOULDBLOCK ? INPUT_NOTHING : -errno;
    }
    *ret_got = (size_t)n;
    return n == 0 ? INPUT_EOF : 0;
}

/* One that asks for new keys, and does not read what it asked for before, is not served on. */
static int take_encrypted(const struct input *in, uint8_t *at, size_t room, size_t *ret_got)
{
    int r = tls_read(in->tls, at, room, ret_got);

    return r == TLS_WANTS_READ    ? INPUT_NOTHING
           : r == TLS_END         ? INPUT_EOF
           : r == TLS_WANTS_WRITE ? -EPROTO
                                  : r;
}

static int receive(struct input *in, uint8_t *at, size_t room, size_t *ret_got)
{
    int r =
        in->tls == NULL ? take_plain(in, at, room, ret_got) : take_encrypted(in, at, room, ret_got);

    in->received += *ret_got;
    in->more = r == 0 && (*ret_got == room || (in->tls != NULL && tls_has_more(in->tls)));
    in->eof = r == INPUT_EOF;
    return r;
}

static int fill_scratch(struct input *in)
{
    size_t got = 0;
    int r = receive(in, in->scratch, input_scratch_bytes, &got);

    in->ahead = view_of(in->scratch, got);
    return r;
}

/* Room for what is missing, but at most as much again as has come. */
static size_t room_for(const struct input *in, size_t need)
{
    size_t missing = need > in->rest.len ? need - in->rest.len : 0;
    size_t most = in->rest.len < input_scratch_bytes ? input_scratch_bytes : in->rest.len;

    return missing < input_scratch_bytes ? input_scratch_bytes : missing < most ? missing : most;
}

int input_fill(struct input *in, size_t need)
{
    size_t got = 0;

    assert(in->scratch != NULL);
    if (in->outer == NULL) {
        buf_finish(&in->held);
    }
    if (in->ahead.len == 0) {
        buf_clear(&in->rest);
        return fill_scratch(in);
    }
    int r = keep_ahead(in);
    size_t room = room_for(in, need);

    if (r == 0) {
        r = buf_reserve(&in->rest, room);
    }
    if (r != 0) {
        return r == BUF_FULL ? -ENOBUFS : r;
    }
    in->ahead = buf_view(&in->rest);
    r = receive(in, in->rest.data + in->rest.len, room, &got);
    in->rest.len += got;
    in->ahead = buf_view(&in->rest);
    return r;
}
