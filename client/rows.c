/* client/rows.c: a portal that is read page by page.
 *
 * Outside of a transaction the portal lives in the implicit one, which lasts until Sync: so pages
 * are asked for with Execute and Flush, and the connection is held until the Sync that ends it. In
 * a transaction each Execute has its Sync, and other calls may come in between. When the next page
 * is on its way then (conn->ahead), the other call first has it read into the second page. */
#include "base/alloc.h"
#include "client/answer.h"
#include "client/error.h"
#include "client/query.h"

#include <stdio.h>

enum { default_page_rows = 100 };

struct pond_rows {
    struct pond_conn *conn;
    char portal[24];
    bool synced; /* in a transaction */
    struct pond_rows_options options;
    struct columns columns;
    struct pond_page pages[2];
    unsigned current;
    size_t next_row; /* of the current page */
    bool fetching;   /* the next page was asked for */
    bool ready;      /* it has been read */
    bool ended;      /* no page will come any more */
    int result;      /* why: 0 or what the next call is to say */
    struct pond_error error;
};

static struct pond_page *page_current(struct pond_rows *rows)
{
    return &rows->pages[rows->current];
}

static struct pond_page *page_other(struct pond_rows *rows)
{
    return &rows->pages[1 - rows->current];
}

static void rows_free(struct pond_rows *rows)
{
    if (rows->conn->holder == rows) {
        rows->conn->holder = NULL;
    }
    if (rows->conn->ahead == rows) {
        rows->conn->ahead = NULL;
    }
    conn_unref(rows->conn);
    page_finish(&rows->pages[0]);
    page_finish(&rows->pages[1]);
    columns_finish(&rows->columns);
    mem_free(rows);
}

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
static int finish_implicit(struct pond_rows *rows, struct writer *w, int result,
                           struct pond_error *error)
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

static int read_page(struct pond_rows *rows, struct pond_page *page, struct pond_error *error)
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

        r = finish_implicit(rows, &w, 0, error);
    }
    if (r != 0) {
        rows->ended = true;
    }
    return r;
}

/* ---- asking for a page ---- */

static int ask_page(struct pond_rows *rows, struct writer *w, struct pond_error *error)
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

static int prefetch(struct pond_rows *rows, struct pond_error *error)
{
    struct writer w = conn_writer(rows->conn);

    if (rows->ended || rows->options.no_prefetch) {
        return 0;
    }
    int r = ask_page(rows, &w, error);
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
    int r = read_page(rows, page_other(rows), error);
    rows->ready = r == 0;
    return r;
}

/* Makes the next page the current one. */
static int turn_page(struct pond_rows *rows, struct pond_error *error)
{
    struct writer w = conn_writer(rows->conn);
    int r = 0;

    if (!rows->ready) {
        r = rows->fetching ? 0 : ask_page(rows, &w, error);
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
    return prefetch(rows, error);
}

static int turn_page_run(void *arg, struct pond_error *error)
{
    struct pond_rows *rows = arg;
    int r = conn_begin(rows->conn, rows, error);

    return r == 0 ? conn_end(rows->conn, turn_page(rows, error)) : r;
}

/* ---- open ---- */

struct rows_opening {
    struct pond_rows *rows;
    struct statement statement;
};

static int open_portal(struct rows_opening *o, struct pond_error *error)
{
    struct pond_rows *rows = o->rows;
    struct pond_conn *conn = rows->conn;
    struct writer w = conn_writer(conn);

    rows->synced = conn->status != 'I';
    if (rows->synced) {
        snprintf(rows->portal, sizeof(rows->portal), "pond_%u", ++conn->names);
    } else {
        conn->holder = rows;
    }
    int r = statement_write(conn, &w, &o->statement, rows->portal, error);
    if (r == 0) {
        r = ask_page(rows, &w, error);
    }
    if (r == 0) {
        r = read_page(rows, page_current(rows), error);
    }
    if (r == 0 && rows->result != 0) {
        *error = rows->error;
        r = rows->result;
    }
    return r == 0 ? prefetch(rows, error) : r;
}

static int open_run(void *arg, struct pond_error *error)
{
    struct rows_opening *o = arg;
    int r = conn_begin(o->rows->conn, NULL, error);

    return r == 0 ? conn_end(o->rows->conn, open_portal(o, error)) : r;
}

static int rows_open(struct pond_conn *conn, struct statement statement,
                     const struct pond_rows_options *options, struct pond_rows **ret_rows,
                     struct pond_error *error)
{
    struct pond_rows *rows = mem_zalloc(sizeof(*rows));
    struct rows_opening o = { .rows = rows, .statement = statement };

    if (rows == NULL) {
        return error_nomem(error);
    }
    rows->conn = conn_ref(conn);
    rows->options = options == NULL ? (struct pond_rows_options){ 0 } : *options;
    if (rows->options.page_rows == 0 || rows->options.page_rows > INT32_MAX) {
        rows->options.page_rows = default_page_rows;
    }
    rows->pages[0].columns = rows->pages[1].columns = &rows->columns;
    int r = client_call(conn->loop, open_run, &o, error);
    if (r != 0) {
        rows_free(rows);
        return r;
    }
    *ret_rows = rows;
    return 0;
}

int pond_rows_open(struct pond_conn *conn, const char *sql, const struct pond_value *values,
                   size_t count, const struct pond_rows_options *options,
                   struct pond_rows **ret_rows, struct pond_error *error)
{
    struct statement s = { .sql = sql, .values = values, .count = count };

    return rows_open(conn, s, options, ret_rows, error);
}

int pond_stmt_rows(struct pond_stmt *stmt, const struct pond_value *values, size_t count,
                   const struct pond_rows_options *options, struct pond_rows **ret_rows,
                   struct pond_error *error)
{
    struct statement s = { .stmt = stmt, .values = values, .count = count };

    return rows_open(stmt->conn, s, options, ret_rows, error);
}

/* ---- walking ---- */

/* Until the current page has a row: POND_ROW, 0 at the end. */
static int find_row(struct pond_rows *rows, struct pond_error *error)
{
    while (rows->next_row >= page_current(rows)->rows) {
        if (rows->result != 0 && !rows->ready) {
            if (error != NULL) {
                *error = rows->error;
            }
            return rows->result;
        }
        if (rows->ended && !rows->ready) {
            return 0;
        }
        int r = client_call(rows->conn->loop, turn_page_run, rows, error);
        if (r != 0) {
            return r;
        }
    }
    return POND_ROW;
}

int pond_rows_next(struct pond_rows *rows, struct pond_row *ret_row, struct pond_error *error)
{
    int r = find_row(rows, error);

    if (r == POND_ROW) {
        *ret_row = (struct pond_row){ .page_ = page_current(rows), .index_ = rows->next_row++ };
    }
    return r;
}

int pond_rows_next_item(struct pond_rows *rows, void *ret_item, struct pond_error *error)
{
    struct pond_row row;

    if (rows->options.transform == NULL) {
        return error_set(error, POND_USAGE, "", "the rows have no transform");
    }
    int r = pond_rows_next(rows, &row, error);
    if (r == POND_ROW) {
        int made = rows->options.transform(rows->options.transform_arg, row, ret_item, error);
        r = made < 0 ? made : POND_ROW;
    }
    return r;
}

int pond_rows_next_page(struct pond_rows *rows, struct pond_row *ret_first, size_t *ret_count,
                        struct pond_error *error)
{
    int r = find_row(rows, error);

    if (r == POND_ROW) {
        struct pond_page *page = page_current(rows);

        *ret_first = (struct pond_row){ .page_ = page, .index_ = rows->next_row };
        *ret_count = page->rows - rows->next_row;
        rows->next_row = page->rows;
    }
    return r;
}

/* ---- close ---- */

static int close_portal(struct pond_rows *rows, struct pond_error *error)
{
    struct writer w = conn_writer(rows->conn);
    int r = 0;

    if (rows->conn->ahead == rows) {
        r = rows_settle(rows, error);
    }
    if (r != 0 || (!rows->synced && rows->ended)) {
        return r;
    }
    frontend_close(&w, 'P', view_of_str(rows->portal));
    return finish_implicit(rows, &w, 0, error);
}

static int close_run(void *arg, struct pond_error *error)
{
    struct pond_rows *rows = arg;
    int reason;
    int r = conn_begin_cleanup(rows->conn, rows, &reason, error);

    return r == 0 ? conn_end_cleanup(rows->conn, close_portal(rows, error), reason) : r;
}

/* The portal of a transaction that has failed or ended is gone with it. */
static bool has_portal(const struct pond_rows *rows)
{
    return rows->conn->fd >= 0 && (rows->synced ? rows->conn->status == 'T' : !rows->ended);
}

int pond_rows_close(struct pond_rows *rows, struct pond_error *error)
{
    int r = 0;

    if (rows == NULL) {
        return 0;
    }
    if (has_portal(rows) || rows->conn->ahead == rows) {
        r = client_call(rows->conn->loop, close_run, rows, error);
    }
    rows_free(rows);
    return r;
}

/* ---- each ---- */

int pond_each(struct pond_conn *conn, const char *sql, const struct pond_value *values,
              size_t count, const struct pond_rows_options *options, pond_row_fn *fn, void *arg,
              struct pond_error *error)
{
    struct pond_rows *rows = NULL;
    struct pond_row row;
    int r = pond_rows_open(conn, sql, values, count, options, &rows, error);

    while (r == 0 && (r = pond_rows_next(rows, &row, error)) == POND_ROW) {
        r = fn(arg, row, error);
        if (r != 0) {
            break;
        }
    }
    int closed = pond_rows_close(rows, r < 0 ? NULL : error);
    return r < 0 || closed == 0 ? r : closed;
}
