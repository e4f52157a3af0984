/* client/rows.c: a portal that is read page by page.
 *
 * Outside of a transaction the portal lives in the implicit one, which lasts until Sync: so pages
 * are asked for with Execute and Flush, and the connection is held until the Sync that ends it. In
 * a transaction each Execute has its Sync, and other calls may come in between. When the next page
 * is on its way then (conn->ahead), the other call first has it read into the second page. */
#include "base/alloc.h"
#include "client/error.h"
#include "client/query.h"
#include "client/rows.h"

#include <stdio.h>

enum { default_page_rows = 100 };

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

static int turn_page_run(void *arg, struct pond_error *error)
{
    struct pond_rows *rows = arg;
    int r = conn_begin(rows->conn, rows, error);

    return r == 0 ? conn_end(rows->conn, rows_turn_page(rows, error)) : r;
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
        r = rows_ask_page(rows, &w, error);
    }
    if (r == 0) {
        r = rows_read_page(rows, page_current(rows), error);
    }
    if (r == 0 && rows->result != 0) {
        *error = rows->error;
        r = rows->result;
    }
    return r == 0 ? rows_prefetch(rows, error) : r;
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

bool pond_rows_columns(const struct pond_rows *rows, struct pond_row *ret_columns)
{
    if (rows->columns.known) {
        *ret_columns = (struct pond_row){ .page_ = &rows->pages[0], .index_ = SIZE_MAX };
    }
    return rows->columns.known;
}

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
    return rows_finish(rows, &w, 0, error);
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
