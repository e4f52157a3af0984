/* sql/listening.c: see listening.h. What a transaction has asked for waits in a list, in order.
 * What it wants to say is in a table as well, so that nothing is said twice; the table is as large
 * as it may get (pool/names.h), and what is said after that may be. */
#include "sql/listening.h"

#include "base/alloc.h"
#include "pool/channels.h"
#include "pool/names.h"
#include "pool/session.h"
#include "pool/txn.h"
#include "sql/session_state.h"

#include <errno.h>
#include <string.h>

enum action_kind { ACTION_LISTEN, ACTION_UNLISTEN, ACTION_UNLISTEN_ALL, ACTION_NOTIFY };

struct action {
    STAILQ_ENTRY(action) next;
    enum action_kind kind;
    size_t depth; /* savepoints that were there */
    size_t channel_len;
    size_t len;
    uint8_t bytes[]; /* the channel's name, NUL, the payload */
};

static struct view text_of(const struct action *action)
{
    return view_of(action->bytes, action->len);
}

static struct view channel_of(const struct action *action)
{
    return view_of(action->bytes, action->channel_len);
}

static struct view payload_of(const struct action *action)
{
    size_t at = action->channel_len + 1;

    return view_of(action->bytes + at, action->len - at);
}

static struct sql_session *sql_of(struct channel_listener *listener)
{
    return container_of(listener, struct sql_session, listening.listener);
}

static void tell_host(struct channel_listener *listener, const struct notification *notification)
{
    struct sql_session *sql = sql_of(listener);

    if (sql->ops->notification != NULL) {
        sql->ops->notification(sql->host, notification->pid, notification->channel,
                               notification->payload);
    }
}

/* ---- what is pending ---- */

/* NULL: no memory. */
static struct action *action_new(enum action_kind kind, size_t depth, struct view channel,
                                 struct view payload)
{
    size_t len = channel.len + 1 + payload.len;
    struct action *action = mem_alloc(sizeof(*action) + len);

    if (action == NULL) {
        return NULL;
    }
    *action =
        (struct action){ .kind = kind, .depth = depth, .channel_len = channel.len, .len = len };
    if (channel.len > 0) {
        memcpy(action->bytes, channel.data, channel.len);
    }
    action->bytes[channel.len] = '\0';
    if (payload.len > 0) {
        memcpy(action->bytes + channel.len + 1, payload.data, payload.len);
    }
    return action;
}

static void put(struct listening *l, struct action *action)
{
    if (l->pending.stqh_last == NULL) {
        STAILQ_INIT(&l->pending); /* zero bytes are an empty one */
    }
    STAILQ_INSERT_TAIL(&l->pending, action, next);
}

static int put_new(struct sql_session *sql, enum action_kind kind, struct view channel,
                   struct failure *ret_failure)
{
    struct action *action =
        action_new(kind, txn_savepoints(sql->session), channel, view_of(NULL, 0));

    if (action == NULL) {
        return failure_set_nomem(ret_failure);
    }
    put(&sql->listening, action);
    return 0;
}

static void forget_from(struct sql_session *sql, size_t depth)
{
    struct action_list kept = STAILQ_HEAD_INITIALIZER(kept);
    struct action *action;

    while ((action = STAILQ_FIRST(&sql->listening.pending)) != NULL) {
        STAILQ_REMOVE_HEAD(&sql->listening.pending, next);
        if (action->depth < depth) {
            STAILQ_INSERT_TAIL(&kept, action, next);
            continue;
        }
        if (action->kind == ACTION_NOTIFY) {
            (void)names_remove(sql->listening.said, text_of(action));
        }
        mem_free(action);
    }
    STAILQ_INIT(&sql->listening.pending);
    STAILQ_CONCAT(&sql->listening.pending, &kept);
}

int listening_listen(struct sql_session *sql, struct view channel, struct failure *ret_failure)
{
    return put_new(sql, ACTION_LISTEN, channel, ret_failure);
}

int listening_unlisten(struct sql_session *sql, struct view channel, struct failure *ret_failure)
{
    return put_new(sql, channel.len == 0 ? ACTION_UNLISTEN_ALL : ACTION_UNLISTEN, channel,
                   ret_failure);
}

int listening_notify(struct sql_session *sql, struct view channel, struct view payload,
                     struct failure *ret_failure)
{
    if (payload.len > payload_most) {
        return failure_set(ret_failure, "22023", "payload string too long");
    }
    struct listening *l = &sql->listening;
    struct action *action =
        action_new(ACTION_NOTIFY, txn_savepoints(sql->session), channel, payload);
    if (action == NULL || (l->said == NULL && names_create(NULL, &l->said) != 0)) {
        mem_free(action);
        return failure_set_nomem(ret_failure);
    }
    if (names_put(l->said, text_of(action), action) == NAMES_TAKEN) {
        mem_free(action);
    } else {
        put(l, action);
    }
    return 0;
}

/* ---- ends ---- */

/* It is too late for an error: who finds no memory does not listen, and is told. */
static void listen_now(struct sql_session *sql, struct view channel)
{
    struct failure notice;

    if (channels_listen(session_clone(sql->session), &sql->listening.listener, channel) == 0) {
        return;
    }
    failure_set(&notice, "53200", "out of memory: LISTEN had no effect");
    notice.severity = SEVERITY_WARNING;
    sql->ops->notice(sql->host, &notice);
}

static void do_now(struct sql_session *sql, const struct action *action)
{
    struct channel_listener *listener = &sql->listening.listener;

    switch (action->kind) {
    case ACTION_LISTEN:
        listener->told = tell_host;
        listen_now(sql, channel_of(action));
        break;
    case ACTION_UNLISTEN:
        channels_unlisten(listener, channel_of(action));
        break;
    case ACTION_UNLISTEN_ALL:
        channels_unlisten_all(listener);
        break;
    case ACTION_NOTIFY:
        break;
    }
}

static void say(struct sql_session *sql, const struct action *action)
{
    struct notification notification = { .pid = session_pid(sql->session),
                                         .channel = channel_of(action),
                                         .payload = payload_of(action) };

    if (action->kind == ACTION_NOTIFY) {
        channels_notify(session_clone(sql->session), &notification);
    }
}

void listening_transaction_ended(struct sql_session *sql, bool committed)
{
    const struct action *action;

    if (STAILQ_EMPTY(&sql->listening.pending)) {
        return;
    }
    if (committed) {
        STAILQ_FOREACH (action, &sql->listening.pending, next) {
            do_now(sql, action);
        }
        STAILQ_FOREACH (action, &sql->listening.pending, next) {
            say(sql, action);
        }
    }
    forget_from(sql, 0);
}

void listening_rollback_to(struct sql_session *sql, size_t number)
{
    if (!STAILQ_EMPTY(&sql->listening.pending)) {
        forget_from(sql, number + 1);
    }
}

void listening_release(struct sql_session *sql, size_t number)
{
    struct action *action;

    STAILQ_FOREACH (action, &sql->listening.pending, next) {
        action->depth = action->depth < number ? action->depth : number;
    }
}

void listening_end(struct sql_session *sql)
{
    if (!STAILQ_EMPTY(&sql->listening.pending)) {
        forget_from(sql, 0);
    }
    channels_unlisten_all(&sql->listening.listener);
    names_destroy(take_ptr(sql->listening.said));
}
