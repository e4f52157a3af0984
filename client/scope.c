/* client/scope.c: notes of clean-ups, a stack of them. */
#include "base/alloc.h"
#include "client/error.h"
#include "client/query.h"

#include <inttypes.h>
#include <stdio.h>

struct pond_scope_item {
    struct pond_scope_item *below;
    pond_cleanup_fn *fn;
    void *arg;
};

int pond_scope_defer(struct pond_scope *scope, pond_cleanup_fn *fn, void *arg,
                     struct pond_error *error)
{
    struct pond_scope_item *item = mem_alloc(sizeof(*item));

    if (item == NULL) {
        struct pond_error unheard;

        (void)fn(arg, &unheard);
        return error_nomem(error);
    }
    *item = (struct pond_scope_item){ .below = scope->top_, .fn = fn, .arg = arg };
    scope->top_ = item;
    return 0;
}

bool pond_scope_forget(struct pond_scope *scope, pond_cleanup_fn *fn, void *arg)
{
    for (struct pond_scope_item **link = &scope->top_; *link != NULL; link = &(*link)->below) {
        struct pond_scope_item *item = *link;

        if (item->fn == fn && item->arg == arg) {
            *link = item->below;
            mem_free(item);
            return true;
        }
    }
    return false;
}

int pond_scope_close(struct pond_scope *scope, struct pond_error *error)
{
    int first = 0;

    while (scope->top_ != NULL) {
        struct pond_scope_item *item = scope->top_;
        pond_cleanup_fn *fn = item->fn;
        void *arg = item->arg;
        struct pond_error failed = { 0 };

        scope->top_ = item->below;
        mem_free(item);
        int r = fn(arg, &failed);
        if (r < 0 && first == 0) {
            first = r;
            if (error != NULL) {
                *error = failed;
            }
        }
    }
    return first;
}

void pond_scope_leave(struct pond_scope *scope)
{
    bool told = scope->report != NULL && scope->report->kind != 0;

    (void)pond_scope_close(scope, told ? NULL : scope->report);
}

/* ---- what libpond's own things need ---- */

static int destroy_conn(void *conn, struct pond_error *error)
{
    (void)error;
    pond_conn_destroy(conn);
    return 0;
}

int pond_scope_conn(struct pond_scope *scope, struct pond_loop *loop, const char *conninfo,
                    struct pond_conn **ret_conn, struct pond_error *error)
{
    struct pond_conn *conn = NULL;
    int r = pond_conn_open(loop, conninfo, &conn, error);

    if (r == 0) {
        r = pond_scope_defer(scope, destroy_conn, conn, error);
    }
    if (r == 0) {
        *ret_conn = conn;
    }
    return r;
}

static int close_rows(void *rows, struct pond_error *error)
{
    return pond_rows_close(rows, error);
}

int pond_scope_rows(struct pond_scope *scope, struct pond_conn *conn, const char *sql,
                    const struct pond_value *values, size_t count,
                    const struct pond_rows_options *options, struct pond_rows **ret_rows,
                    struct pond_error *error)
{
    struct pond_rows *rows = NULL;
    int r = pond_rows_open(conn, sql, values, count, options, &rows, error);

    if (r == 0) {
        r = pond_scope_defer(scope, close_rows, rows, error);
    }
    if (r == 0) {
        *ret_rows = rows;
    }
    return r;
}

static int rollback(void *txn, struct pond_error *error)
{
    return pond_txn_rollback(txn, error);
}

int pond_scope_txn(struct pond_scope *scope, struct pond_conn *conn, const char *modes,
                   struct pond_txn **ret_txn, struct pond_error *error)
{
    struct pond_txn *txn = NULL;
    int r = pond_txn_begin(conn, modes, &txn, error);

    if (r == 0) {
        r = pond_scope_defer(scope, rollback, txn, error);
    }
    if (r == 0) {
        *ret_txn = txn;
    }
    return r;
}

int pond_scope_commit(struct pond_scope *scope, struct pond_txn *txn, struct pond_error *error)
{
    if (!pond_scope_forget(scope, rollback, txn)) {
        return error_set(error, POND_USAGE, "25P01", "the scope holds no such transaction");
    }
    return pond_txn_commit(txn, error);
}

/* ---- advisory locks ---- */

struct lock_note {
    struct pond_conn *conn;
    int64_t key;
};

/* With its connection it is gone anyway. */
static int unlock(void *arg, struct pond_error *error)
{
    cleanup(mem_freep) struct lock_note *note = arg;

    char sql[64];

    snprintf(sql, sizeof(sql), "SELECT pg_advisory_unlock(%" PRId64 ")", note->key);
    return query_clean_up(note->conn, sql, error);
}

int pond_scope_lock(struct pond_scope *scope, struct pond_conn *conn, int64_t key,
                    struct pond_error *error)
{
    cleanup(mem_freep) struct lock_note *note = mem_alloc(sizeof(*note));

    if (note == NULL) {
        return error_nomem(error);
    }
    *note = (struct lock_note){ .conn = conn, .key = key };
    int r = pond_query(conn, "SELECT pg_advisory_lock($1)", POND_WITH(pond_int(key)), NULL, error);
    return r == 0 ? pond_scope_defer(scope, unlock, take_ptr(note), error) : r;
}

/* ---- nesting ---- */

static int close_inner(void *inner, struct pond_error *error)
{
    return pond_scope_close(inner, error);
}

int pond_scope_nest(struct pond_scope *outer, struct pond_scope *inner, struct pond_error *error)
{
    return pond_scope_defer(outer, close_inner, inner, error);
}
