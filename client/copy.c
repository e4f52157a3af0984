/* client/copy.c: COPY both ways, by the simple protocol. */
#include "base/alloc.h"
#include "client/answer.h"
#include "client/error.h"
#include "client/query.h"

#include <stdlib.h>

enum { piece_bytes = 256 * 1024 }; /* written in one message */

enum copy_state { COPYING_IN, COPYING_OUT, COPY_OVER };

struct pond_copy {
    struct pond_conn *conn;
    enum copy_state state;
    int64_t rows;
    int result; /* why it is over: 0 or a failure, which each later call tells */
    struct pond_error error;
};

static void copy_free(struct pond_copy *copy)
{
    if (copy->conn->holder == copy) {
        copy->conn->holder = NULL;
    }
    conn_unref(copy->conn);
    mem_free(copy);
}

static int64_t rows_of_tag(struct view tag)
{
    const char *last = strrchr((const char *)tag.data, ' ');

    return last == NULL ? 0 : strtoll(last, NULL, 10);
}

/* Up to ReadyForQuery. */
static int read_end(struct pond_copy *copy, struct pond_error *error)
{
    struct pond_conn *conn = copy->conn;
    struct backend_message m;
    struct pond_error unheard;
    int result = 0, r = 0;

    copy->state = COPY_OVER;
    while (r == 0 && conn->owed > 0) {
        r = conn_receive(conn, &m, result == 0 ? error : &unheard);
        if (r == 0 && m.type == 'E') {
            answer_fail(&result, &m, error);
        } else if (r == 0 && m.type == 'C') {
            copy->rows = rows_of_tag(m.tag);
        } else if (r == 0 && strchr("Zdc", m.type) == NULL) {
            r = conn_unexpected(conn, m.type, result == 0 ? error : &unheard);
        }
    }
    if (conn->holder == copy) {
        conn->holder = NULL;
    }
    return result != 0 ? result : r;
}

/* What failed once is what later calls say, too. */
static int keep_failure(struct pond_copy *copy, int r, const struct pond_error *error)
{
    if (r < 0 && copy->result == 0) {
        copy->state = COPY_OVER;
        copy->result = r;
        copy->error = *error;
    }
    return r;
}

static int may_use(const struct pond_copy *copy, enum copy_state state, struct pond_error *error)
{
    if (copy->result != 0) {
        *error = copy->error;
        return copy->result;
    }
    return copy->state == state
               ? 0
               : error_set(error, POND_USAGE, "", "this copy goes the other way, or is over");
}

/* ---- open ---- */

struct copy_opening {
    struct pond_copy *copy;
    const char *sql;
};

/* The first message says which way it goes; another kind of statement is run and refused. */
static int await_direction(struct pond_copy *copy, struct pond_error *error)
{
    struct pond_conn *conn = copy->conn;
    struct backend_message m;
    int result = 0;

    for (;;) {
        int r = conn_receive(conn, &m, error);

        if (r != 0 || m.type == 'Z') {
            return r != 0        ? r
                   : result != 0 ? result
                                 : error_set(error, POND_USAGE, "", "this statement is no COPY");
        }
        if (m.type == 'E') {
            answer_fail(&result, &m, error);
        } else if (m.type == 'G' || m.type == 'H') {
            copy->state = m.type == 'G' ? COPYING_IN : COPYING_OUT;
            conn->copying_in = m.type == 'G';
            conn->holder = copy;
            return 0;
        } else if (strchr("TDCI", m.type) == NULL) {
            return conn_unexpected(conn, m.type, error);
        }
    }
}

static int open_run(void *arg, struct pond_error *error)
{
    struct copy_opening *o = arg;
    struct pond_conn *conn = o->copy->conn;
    int r = conn_begin(conn, NULL, error);

    if (r != 0) {
        return r;
    }
    struct writer w = conn_writer(conn);
    frontend_query(&w, view_of_str(o->sql));
    conn->owed++;
    r = conn_flush(conn, &w, error);
    if (r == 0) {
        r = await_direction(o->copy, error);
    }
    return conn_end(conn, r);
}

int pond_copy_open(struct pond_conn *conn, const char *sql, struct pond_copy **ret_copy,
                   struct pond_error *error)
{
    struct pond_copy *copy = mem_zalloc(sizeof(*copy));
    struct copy_opening o = { .copy = copy, .sql = sql };

    if (copy == NULL) {
        return error_nomem(error);
    }
    copy->conn = conn_ref(conn);
    int r = client_call(conn->loop, open_run, &o, error);
    if (r != 0) {
        copy_free(copy);
        return r;
    }
    *ret_copy = copy;
    return 0;
}

/* ---- write ---- */

struct copy_piece {
    struct pond_copy *copy;
    struct view data;
    int found; /* reading: POND_ROW or 0 */
    int64_t rows;
};

/* The server may have had enough: then it has said so, and reads the rest only to drop it. */
static int write_pieces(struct copy_piece *p, struct pond_error *error)
{
    struct pond_conn *conn = p->copy->conn;
    int r = 0;

    while (r == 0 && p->data.len > 0) {
        size_t len = p->data.len < piece_bytes ? p->data.len : piece_bytes;
        struct writer w = conn_writer(conn);

        frontend_copy_data(&w, view_of(p->data.data, len));
        view_advance(&p->data, len);
        r = conn_flush(conn, &w, error);
    }
    return r;
}

static int write_run(void *arg, struct pond_error *error)
{
    struct copy_piece *p = arg;
    int r = may_use(p->copy, COPYING_IN, error);

    if (r == 0) {
        r = conn_begin(p->copy->conn, p->copy, error);
    }
    if (r == 0) {
        r = conn_end(p->copy->conn, keep_failure(p->copy, write_pieces(p, error), error));
    }
    return r;
}

int pond_copy_write(struct pond_copy *copy, const void *data, size_t len, struct pond_error *error)
{
    struct copy_piece p = { .copy = copy, .data = view_of(data, len) };

    return client_call(copy->conn->loop, write_run, &p, error);
}

/* ---- read ---- */

static int read_piece(struct copy_piece *p, struct pond_error *error)
{
    struct pond_conn *conn = p->copy->conn;
    struct backend_message m;
    int r = conn_receive(conn, &m, error);

    if (r != 0) {
        return r;
    }
    if (m.type == 'd') {
        p->data = m.copy_data;
        p->found = POND_ROW;
        return 0;
    }
    if (m.type == 'E') {
        int result = 0;

        answer_fail(&result, &m, error);
        r = read_end(p->copy, NULL);
        return r != 0 && r != POND_SQL ? r : result;
    }
    return m.type == 'c' ? read_end(p->copy, error) : conn_unexpected(conn, m.type, error);
}

static int read_run(void *arg, struct pond_error *error)
{
    struct copy_piece *p = arg;
    int r = may_use(p->copy, COPYING_OUT, error);

    if (r == 0) {
        r = conn_begin(p->copy->conn, p->copy, error);
    }
    if (r == 0) {
        r = conn_end(p->copy->conn, keep_failure(p->copy, read_piece(p, error), error));
    }
    return r;
}

int pond_copy_read(struct pond_copy *copy, const char **ret_data, size_t *ret_len,
                   struct pond_error *error)
{
    struct copy_piece p = { .copy = copy };

    if (copy->state == COPY_OVER && copy->result == 0) {
        return 0;
    }
    int r = client_call(copy->conn->loop, read_run, &p, error);
    if (r == 0 && p.found == POND_ROW) {
        *ret_data = (const char *)p.data.data;
        *ret_len = p.data.len;
        return POND_ROW;
    }
    return r;
}

/* ---- end ---- */

static int finish_in(struct pond_copy *copy, bool give_up, struct pond_error *error)
{
    struct writer w = conn_writer(copy->conn);

    if (give_up) {
        frontend_copy_fail(&w, view_of_str("the copy was given up"));
    } else {
        frontend_copy_done(&w);
    }
    copy->conn->copying_in = false;
    int r = conn_flush(copy->conn, &w, error);
    return r == 0 ? read_end(copy, error) : r;
}

static int end(struct copy_piece *p, struct pond_error *error)
{
    if (p->copy->state == COPYING_IN) {
        return finish_in(p->copy, false, error);
    }
    conn_recover(p->copy->conn); /* the rest is not wanted */
    return 0;
}

static int end_run(void *arg, struct pond_error *error)
{
    struct copy_piece *p = arg;
    int r = p->copy->result;

    if (r != 0 || p->copy->state == COPY_OVER) {
        *error = r == 0 ? *error : p->copy->error;
        return r;
    }
    r = conn_begin(p->copy->conn, p->copy, error);
    return r == 0 ? conn_end(p->copy->conn, end(p, error)) : r;
}

int pond_copy_end(struct pond_copy *copy, int64_t *ret_rows, struct pond_error *error)
{
    struct copy_piece p = { .copy = copy };
    int r = client_call(copy->conn->loop, end_run, &p, error);

    if (r == 0 && ret_rows != NULL) {
        *ret_rows = copy->rows;
    }
    copy_free(copy);
    return r;
}

/* That the server calls it an error is what was wanted. */
static int abort_run(void *arg, struct pond_error *error)
{
    struct pond_copy *copy = arg;
    int reason;
    int r = conn_begin_cleanup(copy->conn, copy, &reason, error);

    if (r != 0) {
        return r;
    }
    if (copy->state == COPYING_IN) {
        r = finish_in(copy, true, error);
    } else {
        conn_recover(copy->conn);
    }
    return conn_end_cleanup(copy->conn, r == POND_SQL ? 0 : r, reason);
}

int pond_copy_abort(struct pond_copy *copy, struct pond_error *error)
{
    int r = 0;

    if (copy == NULL) {
        return 0;
    }
    if (copy->state != COPY_OVER && copy->conn->fd >= 0) {
        r = client_call(copy->conn->loop, abort_run, copy, error);
    }
    copy_free(copy);
    return r;
}
