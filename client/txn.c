/* client/txn.c: transactions, and savepoints inside of them, as one thing that nests. */
#include "base/alloc.h"
#include "client/answer.h"
#include "client/error.h"
#include "client/query.h"

#include <stdio.h>

struct pond_txn {
    struct pond_conn *conn;
    struct pond_txn *outer; /* of the connection's that are open */
    char savepoint[24];     /* empty: the transaction itself */
    bool over;              /* an outer one has ended and taken it along */
};

/* Ends this one and all inside of it. */
static void txn_leave(struct pond_txn *txn)
{
    struct pond_conn *conn = txn->conn;

    while (!txn->over && conn->txn != NULL) {
        conn->txn->over = true;
        conn->txn = conn->txn->outer;
    }
}

static void txn_free(struct pond_txn *txn)
{
    txn_leave(txn);
    conn_unref(txn->conn);
    mem_free(txn);
}

/* ---- begin ---- */

struct txn_begin {
    struct pond_txn *txn;
    const char *modes;
};

static int begin(struct txn_begin *b, struct pond_error *error)
{
    struct pond_txn *txn = b->txn;
    struct pond_conn *conn = txn->conn;
    cleanup(buf_finish) struct buf sql = { 0 };
    int r;

    if (conn->status == 'I') {
        r = buf_printf(&sql, "BEGIN %s%c", b->modes == NULL ? "" : b->modes, '\0');
    } else {
        snprintf(txn->savepoint, sizeof(txn->savepoint), "pond_%u", ++conn->names);
        r = buf_printf(&sql, "SAVEPOINT %s%c", txn->savepoint, '\0');
    }
    if (r != 0) {
        return error_nomem(error);
    }
    r = query_run(conn, (const char *)sql.data, NULL, error);
    if (r == 0) {
        txn->outer = conn->txn;
        conn->txn = txn;
        txn->over = false;
    }
    return r;
}

static int begin_run(void *arg, struct pond_error *error)
{
    struct txn_begin *b = arg;
    int r = conn_begin(b->txn->conn, NULL, error);

    return r == 0 ? conn_end(b->txn->conn, begin(b, error)) : r;
}

int pond_txn_begin(struct pond_conn *conn, const char *modes, struct pond_txn **ret_txn,
                   struct pond_error *error)
{
    struct pond_txn *txn = mem_zalloc(sizeof(*txn));
    struct txn_begin b = { .txn = txn, .modes = modes };

    if (txn == NULL) {
        return error_nomem(error);
    }
    txn->conn = conn_ref(conn);
    txn->over = true;
    int r = client_call(conn->loop, begin_run, &b, error);
    if (r != 0) {
        txn_free(txn);
        return r;
    }
    *ret_txn = txn;
    return 0;
}

/* ---- end ---- */

static int end_by(const struct pond_txn *txn, const char *plain, const char *format,
                  struct pond_error *error)
{
    char sql[128];

    snprintf(sql, sizeof(sql), format, txn->savepoint, txn->savepoint);
    return query_run(txn->conn, txn->savepoint[0] == '\0' ? plain : sql, NULL, error);
}

static int rollback(const struct pond_txn *txn, struct pond_error *error)
{
    return end_by(txn, "ROLLBACK", "ROLLBACK TO SAVEPOINT %s; RELEASE SAVEPOINT %s", error);
}

/* Of one that has failed: PostgreSQL would say ROLLBACK, and nothing of an error. */
static int commit(const struct pond_txn *txn, struct pond_error *error)
{
    if (txn->conn->status == 'T') {
        return end_by(txn, "COMMIT", "RELEASE SAVEPOINT %s", error);
    }
    int r = rollback(txn, error);
    return r != 0 ? r
                  : error_set(error, POND_SQL, "25P02",
                              "the transaction had failed, and was rolled back");
}

static int commit_run(void *arg, struct pond_error *error)
{
    const struct pond_txn *txn = arg;
    int r = conn_begin(txn->conn, NULL, error);

    return r == 0 ? conn_end(txn->conn, commit(txn, error)) : r;
}

int pond_txn_commit(struct pond_txn *txn, struct pond_error *error)
{
    int r = txn->over ? error_set(error, POND_USAGE, "25P01",
                                  "the transaction has ended with an outer one")
                      : client_call(txn->conn->loop, commit_run, txn, error);

    txn_free(txn);
    return r;
}

static int rollback_run(void *arg, struct pond_error *error)
{
    const struct pond_txn *txn = arg;
    int reason;
    int r = conn_begin_cleanup(txn->conn, NULL, &reason, error);

    return r == 0 ? conn_end_cleanup(txn->conn, rollback(txn, error), reason) : r;
}

/* With its connection it is rolled back anyway, and so it is when a statement has ended it. */
int pond_txn_rollback(struct pond_txn *txn, struct pond_error *error)
{
    int r = 0;

    if (txn == NULL) {
        return 0;
    }
    if (!txn->over && txn->conn->fd >= 0 && txn->conn->status != 'I') {
        r = client_call(txn->conn->loop, rollback_run, txn, error);
    }
    txn_free(txn);
    return r;
}

int pond_txn_with(struct pond_conn *conn, const char *modes, pond_fn *fn, void *arg,
                  struct pond_error *error)
{
    struct pond_error own;
    struct pond_txn *txn = NULL;
    int r = pond_txn_begin(conn, modes, &txn, error);

    if (r != 0) {
        return r;
    }
    r = fn(arg, error == NULL ? &own : error);
    if (r == 0) {
        return pond_txn_commit(txn, error);
    }
    pond_txn_rollback(txn, NULL);
    return r;
}
