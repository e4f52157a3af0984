/* client/connection.h: a connection from inside: what its calls are made of.
 *
 * A call is bracketed by conn_begin() and conn_end(). In between it writes messages into conn->out,
 * flushes, and receives. `owed` counts the ReadyForQuery messages that are still to come; a call
 * that ends in the middle, by a time-out or a cancel, is brought to that point by conn_end(), or
 * the connection is closed. All functions that await are for the task of the call. */
#pragma once

#include "base/buf.h"
#include "client/loop.h"
#include "client/pond.h"
#include "protocol/backend.h"

#include <sys/socket.h>

enum { conn_grace_us = 1000000 }; /* for a server to end what was given up */

/* How it may prove who it is; filled before each attempt, and wiped after it. */
struct conn_login {
    char *password;          /* NULL: none */
    const char *no_password; /* why there is none, when that is no wonder; NULL */
    unsigned refused;        /* methods that require_auth does not allow: client/login.c */
    char binding;            /* channel_binding: 'd'isable, 'r'equire, else prefer */
    bool proved;             /* the server knows the password as well */
    bool bound;              /* ... and is who we are encrypted with */
};
struct conninfo;
struct tls;

struct pond_conn {
    struct pond_loop *loop;
    size_t refs;
    int fd;           /* -1: closed */
    struct tls *tls;  /* NULL: it is not encrypted */
    bool answers;     /* TLS wants to write before it reads on */
    bool refused;     /* by an ErrorResponse in the start-up */
    char status;      /* of the last ReadyForQuery */
    bool busy;        /* a call is at work */
    bool in_extended; /* messages of the extended protocol were sent, and no Sync after them */
    bool copying_in;
    bool unheard; /* the server reads no more */
    unsigned owed;
    const void *holder; /* whose the connection is between calls: rows outside of a transaction */
    struct pond_rows *ahead; /* whose next page is on its way */
    struct buf in;
    size_t in_at; /* so much of it is used up */
    struct buf out;
    size_t limit_bytes;
    int64_t timeout_us;  /* 0: none */
    int64_t stall_us;    /* in the middle of a message; 0: no limit */
    int64_t deadline_us; /* of all calls */
    int64_t call_deadline_us;
    int32_t pid;
    struct buf key;
    struct conn_login login;
    struct sockaddr_storage address;
    socklen_t address_len;
    char where[256];       /* connection to server ..., for messages */
    struct buf parameters; /* client/pairs.h: that the server reported */
    struct buf settings;   /* client/pairs.h: that led to it */
    unsigned names;        /* given to portals and statements so far */
    struct pond_txn *txn;  /* the innermost that is open */
    char closed_because[256];
    pond_notice_fn *notice;
    void *notice_arg;
    pond_notification_fn *notification;
    void *notification_arg;
    unsigned notifications; /* that came */
};

/* A closed one, with a reference for the caller. */
must_check int conn_create(struct pond_loop *loop, struct pond_conn **ret_conn,
                           struct pond_error *error);
struct pond_conn *conn_ref(struct pond_conn *conn);
void conn_unref(struct pond_conn *conn);

/* Hangs up at once and remembers why. */
void conn_break(struct pond_conn *conn, const char *why);

/* Begins a call for `holder` (NULL: any). POND_USAGE when closed, busy or another's. */
must_check int conn_begin(struct pond_conn *conn, const void *holder, struct pond_error *error);
/* Ends it with its result, which it gives back. */
int conn_end(struct pond_conn *conn, int result);

/* The same for a call that cleans up: it has a moment of grace when the task was cancelled or the
 * deadline has passed. conn_end_cleanup() takes what the begin gave. */
must_check int conn_begin_cleanup(struct pond_conn *conn, const void *holder, int *ret_reason,
                                  struct pond_error *error);
int conn_end_cleanup(struct pond_conn *conn, int result, int reason);

/* ---- client/transport.c ---- */

/* 0, -EAGAIN (nothing, now), or -errno. A read of nothing is the end. */
must_check int conn_send_some(struct pond_conn *conn, struct view bytes, size_t *ret_sent);
must_check int conn_read_some(struct pond_conn *conn, uint8_t *at, size_t room, size_t *ret_got);
/* Until a read may give something. As await_readable(). */
must_check int conn_await_bytes(const struct pond_conn *conn, int64_t deadline_us);

/* ---- client/wire.c ---- */

struct writer conn_writer(struct pond_conn *conn);
/* Counts the ReadyForQuery that a Query or a Sync just written is owed. */
void conn_sync(struct pond_conn *conn, struct writer *w);
/* Sends all that was written; 0 or a kind. What is too large to be written is taken back. */
must_check int conn_flush(struct pond_conn *conn, const struct writer *w, struct pond_error *error);
/* The next message that is the call's: notices, notifications and parameters are served on the
 * way. Its views are good until the next call. */
must_check int conn_receive(struct pond_conn *conn, struct backend_message *ret_message,
                            struct pond_error *error);
/* The same, but gives also what came unasked, after it was served. */
must_check int conn_receive_any(struct pond_conn *conn, struct backend_message *ret_message,
                                struct pond_error *error);
/* A message that has no place here: closes the connection. */
int conn_unexpected(struct pond_conn *conn, uint8_t type, struct pond_error *error);

/* ---- client/dial.c ---- */

/* Opens a socket to the address. */
must_check int conn_dial(const struct sockaddr_storage *address, socklen_t len, int64_t deadline_us,
                         int *ret_fd, struct pond_error *error);

/* ---- client/connect.c ---- */

must_check int conn_connect(struct pond_conn *conn, const char *conninfo, struct pond_error *error);

/* The error that ends a start-up. A kind. */
int conn_refused(struct pond_conn *conn, const struct backend_message *m, struct pond_error *error);
/* Start-up packet and what follows, to ReadyForQuery. */
must_check int conn_start(struct pond_conn *conn, const struct conninfo *info,
                          struct pond_error *error);
/* From what follows the start-up packet to ReadyForQuery. */
must_check int conn_greet(struct pond_conn *conn, struct pond_error *error);

/* ---- client/login.c ---- */

struct conninfo;
struct conninfo_host;

/* What the settings say of the login to one host. 0 or a kind. */
must_check int login_begin(struct pond_conn *conn, const struct conninfo *info,
                           const struct conninfo_host *host, struct pond_error *error);
void login_end(struct pond_conn *conn);

/* Answers the server's demand, up to the server's own proof. 0 or a kind. */
must_check int login_answer(struct pond_conn *conn, const struct msg_authentication *demand,
                            struct pond_error *error);
/* The server is content: may we be? */
must_check int login_check(const struct pond_conn *conn, struct pond_error *error);

/* ---- client/cancel.c ---- */

/* CancelRequest on a connection of its own, and waits until the server has hung up on it. */
must_check int conn_send_cancel(struct pond_conn *conn, int64_t deadline_us,
                                struct pond_error *error);
/* Brings a connection whose call ended in the middle back to ReadyForQuery, or closes it. */
void conn_recover(struct pond_conn *conn);

/* ---- client/rows.c ---- */

/* Fetches what is on its way, so that the connection is free for another call. */
must_check int rows_settle(struct pond_rows *rows, struct pond_error *error);
