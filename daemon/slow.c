/* daemon/slow.c: see the header. */
#include "daemon/slow.h"

#include "async/loop.h"
#include "daemon/connection_impl.h"

#include <errno.h>
#include <string.h>

static const int64_t slow_us = 100000;

int slow_open(struct worker *worker)
{
    worker->slow = mem_zalloc(sizeof(*worker->slow));
    return worker->slow == NULL ? -ENOMEM : 0;
}

void slow_close(struct worker *worker)
{
    mem_free(take_ptr(worker->slow));
}

static void note(struct connection *conn, int64_t took_us)
{
    struct slow_list *all = conn->worker->slow;
    struct slow *slow = &all->list[all->next];
    struct view text =
        utf8_cut(view_of(conn->activity->query, conn->activity->query_len), slow_text_bytes);

    all->next = (all->next + 1) % slow_kept;
    slow->pid = conn->cancel_key.pid;
    slow->took_us = took_us;
    slow->ended_us = loop_now_us(conn->worker->loop);
    utf8_copy_name(slow->user, sizeof(slow->user), conn->user);
    utf8_copy_name(slow->database, sizeof(slow->database), conn->database);
    slow->text_len = text.len;
    if (text.len > 0) {
        memcpy(slow->text, text.data, text.len);
    }
}

void slow_note_if(struct connection *conn, int64_t took_us)
{
    if (took_us >= slow_us) {
        note(conn, took_us);
    }
}
