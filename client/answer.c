/* client/answer.c: reads the answer to a simple query, or to a round of the extended protocol. */
#include "client/answer.h"

#include "base/alloc.h"
#include "client/error.h"
#include "protocol/frontend.h"

#include <errno.h>
#include <stdlib.h>

/* ---- results ---- */

void pond_result_destroy(struct pond_result *result)
{
    while (result != NULL) {
        struct pond_result *next = result->next;

        columns_finish(&result->columns);
        page_finish(&result->page);
        mem_free(result->tag);
        mem_free(result);
        result = next;
    }
}

struct pond_result *pond_result_next(const struct pond_result *result)
{
    return result->next;
}

const char *pond_result_tag(const struct pond_result *result)
{
    return result->tag;
}

int64_t pond_result_affected(const struct pond_result *result)
{
    const char *last = strrchr(result->tag, ' ');

    return last == NULL ? 0 : strtoll(last, NULL, 10);
}

size_t pond_result_rows(const struct pond_result *result)
{
    return result->page.rows;
}

size_t pond_result_columns(const struct pond_result *result)
{
    return result->columns.count;
}

struct pond_row pond_result_row(const struct pond_result *result, size_t index)
{
    return (struct pond_row){ .page_ = &result->page, .index_ = index };
}

/* ---- reading ---- */

void answer_fail(int *result, const struct backend_message *message, struct pond_error *error)
{
    struct failure failure;

    if (*result == 0) {
        error_parse(message->fields, &failure);
        *result = error_of_failure(error, POND_SQL, &failure);
    }
}

static bool is_open(const struct answer *a)
{
    return a->last != NULL && a->last->tag == NULL;
}

static int open_result(struct answer *a)
{
    struct pond_result *result = mem_zalloc(sizeof(*result));

    if (result == NULL) {
        return -ENOMEM;
    }
    result->page.columns = &result->columns;
    if (a->last == NULL) {
        a->first = result;
    } else {
        a->last->next = result;
    }
    a->last = result;
    return 0;
}

static int take_columns(struct pond_conn *conn, struct answer *a, const struct backend_message *m,
                        struct pond_error *error)
{
    if (is_open(a)) {
        return conn_unexpected(conn, m->type, error);
    }
    int r = open_result(a);
    if (r == 0) {
        r = columns_read(&a->last->columns, &m->row_description);
    }
    if (r == BUF_FULL) {
        return conn_unexpected(conn, m->type, error); /* binary was not asked for */
    }
    if (r != 0) {
        return error_nomem(error);
    }
    struct pond_row columns = { .page_ = &a->last->page };
    return a->sink == NULL || a->sink->columns == NULL
               ? 0
               : a->sink->columns(a->sink_arg, columns, error);
}

static int tell_row(const struct answer *a, struct pond_error *error)
{
    struct pond_row row = { .page_ = &a->last->page };

    return a->sink == NULL || a->sink->row == NULL ? 0 : a->sink->row(a->sink_arg, row, error);
}

static int take_row(struct pond_conn *conn, struct answer *a, const struct backend_message *m,
                    struct pond_error *error)
{
    if (!is_open(a)) {
        return conn_unexpected(conn, m->type, error);
    }
    size_t left = conn->limit_bytes > a->bytes ? conn->limit_bytes - a->bytes : 1;
    int r = page_add_row(&a->last->page, &m->data_row, left);

    if (r == PAGE_BAD_ROW) {
        return conn_unexpected(conn, m->type, error);
    }
    if (r != 0) {
        return error_of_buf(error, r, "the result");
    }
    if (!a->keep) {
        r = tell_row(a, error);
        page_clear(&a->last->page);
    }
    return r;
}

static int tell_complete(const struct answer *a, struct pond_error *error)
{
    return a->sink == NULL || a->sink->complete == NULL
               ? 0
               : a->sink->complete(a->sink_arg, a->last->tag, error);
}

/* CommandComplete, also of statements without rows; EmptyQueryResponse. */
static int take_end(struct answer *a, struct view tag, struct pond_error *error)
{
    int r = is_open(a) ? 0 : open_result(a);

    if (r == 0) {
        a->last->tag = mem_strndup(tag.len == 0 ? (const uint8_t *)"" : tag.data, tag.len);
        r = a->last->tag == NULL ? -ENOMEM : 0;
    }
    if (r == 0) {
        a->bytes += a->last->page.data.len + sizeof(*a->last);
    }
    if (r != 0) {
        return error_nomem(error);
    }
    if (!a->keep) {
        r = tell_complete(a, error);
        pond_result_destroy(take_ptr(a->first));
        a->last = NULL;
    }
    return r;
}

/* Nobody gives data here: the statement is made to fail. In the extended protocol the server has
 * overlooked our Sync, as it does while it copies. */
static int refuse_copy_in(struct pond_conn *conn, struct answer *a, struct pond_error *error)
{
    struct writer w = conn_writer(conn);

    if (a->result == 0) {
        a->result = error_set(error, POND_USAGE, "", "COPY FROM STDIN is for pond_copy_open()");
    }
    frontend_copy_fail(&w, view_of_str("no data is given by this call"));
    if (a->extended) {
        frontend_sync(&w);
    }
    return conn_flush(conn, &w, error);
}

static int begin_copy_out(struct answer *a, struct pond_error *error)
{
    if (a->result == 0 && (a->sink == NULL || a->sink->copy == NULL)) {
        a->result = error_set(error, POND_USAGE, "", "COPY TO STDOUT is for pond_copy_open()");
    }
    a->copying_out = true;
    return 0;
}

static int take_copy_data(const struct answer *a, struct view data, struct pond_error *error)
{
    return a->result != 0 ? 0
                          : a->sink->copy(a->sink_arg, (const char *)data.data, data.len, error);
}

/* What has meaning between Parse and ReadyForQuery only. */
static bool is_progress(const struct answer *a, const struct backend_message *m)
{
    return a->extended && strchr("123nt", m->type) != NULL;
}

static int take_message(struct pond_conn *conn, struct answer *a, const struct backend_message *m,
                        struct pond_error *error)
{
    struct pond_error unheard;
    struct pond_error *told = a->result == 0 ? error : &unheard;

    switch (m->type) {
    case 'T':
        return take_columns(conn, a, m, told);
    case 'D':
        return take_row(conn, a, m, told);
    case 'C':
        a->copying_out = false;
        return take_end(a, m->tag, told);
    case 'I':
        return take_end(a, view_of_str(""), told);
    case 'E':
        answer_fail(&a->result, m, error);
        return 0;
    case 'G':
        return refuse_copy_in(conn, a, error);
    case 'H':
        return begin_copy_out(a, error);
    case 't':
        a->params = m->parameter_description.count;
        break;
    case 'd':
        return a->copying_out ? take_copy_data(a, m->copy_data, told)
                              : conn_unexpected(conn, m->type, told);
    case 'c':
        return a->copying_out ? 0 : conn_unexpected(conn, m->type, told);
    default:
        break;
    }
    return is_progress(a, m) ? 0 : conn_unexpected(conn, m->type, told);
}

static int read_until_ready(struct pond_conn *conn, struct answer *a, struct pond_error *error)
{
    struct backend_message m;
    struct pond_error unheard;
    int r;

    for (;;) {
        /* After an error of the server's it is that one that is told, whatever comes next. */
        r = conn_receive(conn, &m, a->result == 0 ? error : &unheard);
        if (r != 0 || m.type == 'Z') {
            break;
        }
        r = take_message(conn, a, &m, error);
        if (r != 0) {
            break;
        }
    }
    return a->result != 0 ? a->result : r;
}

int answer_read(struct pond_conn *conn, struct answer *a, struct pond_error *error)
{
    int r = read_until_ready(conn, a, error);

    if (r == 0 && is_open(a) && !a->describing) {
        r = conn_unexpected(conn, 'Z', error); /* rows without an end */
    }
    if (r != 0) {
        pond_result_destroy(take_ptr(a->first));
        a->last = NULL;
    }
    return r;
}
