/* client/rows_page.c: how a page of rows is asked for and read. */
#include "client/answer.h"
#include "client/error.h"
#include "client/rows.h"
#include "protocol/frontend.h"

/* ---- reading a page ---- */

static int take_columns(struct pond_rows *rows, const struct backend_message *m,
                        struct pond_error *error)
{
    int r = rows->columns.known ? BUF_FULL : columns_read(&rows->columns, &m->row_description);

    if (r == BUF_FULL) {
        return conn_unexpected(rows->conn, m->type, error);
    }
    return r == 0 ? 0 : error_nomem(error);
}

static int take_row(struct pond_rows *rows, struct pond_page *page, const struct backend_message *m,
                    struct pond_error *error)
{
    if (page->rows >= rows->options.page_rows) {
        return conn_unexpected(rows->conn, m->type, error);
    }
    int r = page_add_row(page, &m->data_row, rows->conn->limit_bytes);
    if (r == PAGE_BAD_ROW) {
        return conn_unexpected(rows->conn, m->type, error);
    }
    return r == 0 ? 0 : error_of_buf(error, r, "the page");
}

/* The server has overlooked our Sync, if there was one: it needs another. */
static int refuse_copy(struct pond_rows *rows, const struct backend_message *m,
                       struct pond_error *error)
{
    struct pond_conn *conn = rows->conn;

    if (m->type == 'G') {
        conn->copying_in = true;
        conn->owed = 0;
        conn->in_extended = true;
    }
    return error_set(error, POND_USAGE, "", "COPY is for pond_copy_open(), not for rows");
}

/* The Sync that ends the implicit transaction, and all up to its answer. */
int rows_finish(struct pond_rows *rows, struct writer *w, int result, struct pond_error *error)
{
    struct pond_conn *conn = rows->conn;
    struct backend_message m;
    struct pond_error unheard;

    conn_sync(conn, w);
    int r = conn_flush(conn, w, result == 0 ? error : &unheard);
    while (r == 0 && conn->owed > 0) {
        r = conn_receive(conn, &m, result == 0 ? error : &unheard);
        if (r == 0 && m.type == 'E') {
            answer_fail(&result, &m, error);
        } else if (r == 0 && strchr("ZDCsI123nT", m.type) == NULL) {
            r = conn_unexpected(conn, m.type, result == 0 ? error : &unheard);
        }
    }
    if (conn->holder == rows) {
        conn->holder = NULL;
    }
    return result != 0 ? result : r;
}

/* One message of a page. */
static int take_message(struct pond_rows *rows, struct pond_page *page,
                        const struct backend_message *m, bool *ret_over, struct pond_error *error)
{
    switch (m->type) {
    case '1':
    case '2':
    case '3':
    case 'n':
        return 0;
    case 'T':
        return take_columns(rows, m, error);
    case 'D':
        return take_row(rows, page, m, error);
    case 's':
        *ret_over = true;
        return 0;
    case 'C':
    case 'I':
        *ret_over = true;
        rows->ended = true;
        return 0;
    case 'E':
        *ret_over = true;
        rows->ended = true;
        answer_fail(&rows->result, m, &rows->error);
        return 0;
    case 'G':
    case 'H':
        return refuse_copy(rows, m, error);
    default:
        return conn_unexpected(rows->conn, m->type, error);
    }
}

int rows_read_page(struct pond_rows *rows, struct pond_page *page, struct pond_error *error)
{
    struct backend_message m;
    bool over = false;
    int r = 0;

    page_clear(page);
    while (r == 0 && !over) {
        r = conn_receive(rows->conn, &m, error);
        if (r == 0) {
            r = take_message(rows, page, &m, &over, error);
        }
    }
    if (r == 0 && rows->synced) { /* over: only ReadyForQuery may come */
        r = conn_receive(rows->conn, &m, error);
        if (r == 0 && m.type != 'Z') {
            r = conn_unexpected(rows->conn, m.type, error);
        }
    } else if (r == 0 && rows->ended) {
        struct writer w = conn_writer(rows->conn);

        r = rows_finish(rows, &w, 0, error);
    }
    if (r != 0) {
        rows->ended = true;
    }
    return r;
}

/* ---- asking for a page ---- */

int rows_ask_page(struct pond_rows *rows, struct writer *w, struct pond_error *error)
{
    frontend_execute(w, view_of_str(rows->portal), (int32_t)rows->options.page_rows);
    if (rows->synced) {
        conn_sync(rows->conn, w);
    } else {
        frontend_flush(w);
        rows->conn->in_extended = true;
    }
    return conn_flush(rows->conn, w, error);
}

int rows_prefetch(struct pond_rows *rows, struct pond_error *error)
{
    struct writer w = conn_writer(rows->conn);

    if (rows->ended || rows->options.no_prefetch) {
        return 0;
    }
    int r = rows_ask_page(rows, &w, error);
    if (r == 0) {
        rows->fetching = true;
        rows->conn->ahead = rows->synced ? rows : NULL;
    }
    return r;
}

/* An error of the server's is the rows' own, not that of who comes in between. */
int rows_settle(struct pond_rows *rows, struct pond_error *error)
{
    rows->conn->ahead = NULL;
    rows->fetching = false;
    int r = rows_read_page(rows, page_other(rows), error);
    rows->ready = r == 0;
    return r;
}

/* Makes the next page the current one. */
int rows_turn_page(struct pond_rows *rows, struct pond_error *error)
{
    struct writer w = conn_writer(rows->conn);
    int r = 0;

    if (!rows->ready) {
        r = rows->fetching ? 0 : rows_ask_page(rows, &w, error);
        if (r == 0) {
            r = rows_settle(rows, error);
        }
    }
    if (r != 0) {
        return r;
    }
    rows->ready = false;
    rows->current = 1 - rows->current;
    rows->next_row = 0;
    return rows_prefetch(rows, error);
}
