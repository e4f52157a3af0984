/* daemon/deadline.c: see the header. */
#include "daemon/deadline.h"

#include "async/loop.h"
#include "daemon/connection_impl.h"
#include "daemon/log.h"
#include "daemon/serve.h"
#include "pool/txn.h"

#include <event2/event.h>

static const char *const goodbye_words[][2] = {
    [GOODBYE_SHUTDOWN] = { "57P01", "terminating connection due to administrator command" },
    [GOODBYE_IDLE] = { "57P05", "terminating connection due to idle-session timeout" },
    [GOODBYE_IDLE_IN_TRANSACTION] = { "25P03",
                                      "terminating connection due to idle-in-transaction timeout" },
    [GOODBYE_NOTIFICATIONS] = { "54000", "terminating connection because too many notifications "
                                         "wait for it" },
};

int deadline_say_goodbye(struct connection *conn)
{
    struct failure failure;

    if (conn->goodbye == GOODBYE_LOGIN_TIMEOUT) {
        const struct log_about about = connection_about(conn);
        char whence[connection_whence_bytes];

        connection_print_whence(conn, whence);
        log_about(LEVEL_LOG, &about,
                  "client_login_timeout: a client did not finish its start-up: %s", whence);
        return CONNECTION_END;
    }
    failure_set(&failure, goodbye_words[conn->goodbye][0], "%s", goodbye_words[conn->goodbye][1]);
    return reply_fatal(conn, &failure);
}

static void arm(struct connection *conn, int64_t at_us)
{
    if (at_us >= conn->timer_at_us) {
        return; /* it fires early enough, and looks then */
    }
    int64_t left_us = at_us - loop_now_us(conn->worker->loop);
    struct timeval wait = { .tv_sec = 0, .tv_usec = 1 };

    if (left_us > 0) {
        wait = (struct timeval){ .tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000 };
    }
    if (event_add(&conn->timer, &wait) == 0) {
        conn->timer_at_us = at_us;
    }
}

void deadline_look_after_us(struct connection *conn, int64_t us)
{
    arm(conn, clock_after_us(loop_clock(conn->worker->loop), us));
}

void deadline_begin_idle(struct connection *conn)
{
    int64_t timeout_us = conn->worker->conf->client_idle_timeout_us;

    if (!conn->ready) {
        return; /* client_login_timeout goes on */
    }
    conn->deadline_goodbye = GOODBYE_IDLE;
    if (connection_txn_status(conn) != TXN_IDLE) {
        conn->deadline_goodbye = GOODBYE_IDLE_IN_TRANSACTION;
        timeout_us = sql_setting_us(conn->sql, "idle_in_transaction_session_timeout");
    }
    conn->deadline_us = DEADLINE_NONE;
    if (timeout_us > 0) {
        conn->deadline_us = clock_after_us(loop_clock(conn->worker->loop), timeout_us);
        arm(conn, conn->deadline_us);
    }
}

void deadline_begin_login(struct connection *conn)
{
    int64_t timeout_us = conn->worker->conf->client_login_timeout_us;

    conn->start_us = loop_now_us(conn->worker->loop);
    conn->deadline_us = DEADLINE_NONE;
    conn->deadline_goodbye = GOODBYE_LOGIN_TIMEOUT;
    if (timeout_us > 0) {
        conn->deadline_us = clock_after_us(loop_clock(conn->worker->loop), timeout_us);
    }
    deadline_resume_login(conn);
}

void deadline_resume_login(struct connection *conn)
{
    arm(conn, conn->deadline_us);
}

bool deadline_passed(struct connection *conn)
{
    conn->timer_at_us = DEADLINE_NONE;
    if (conn->deadline_us == DEADLINE_NONE) {
        return false;
    }
    if (loop_now_us(conn->worker->loop) < conn->deadline_us) {
        arm(conn, conn->deadline_us);
        return false;
    }
    conn->goodbye = conn->deadline_goodbye;
    return true;
}
