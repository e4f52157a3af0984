/* tests/fuzz/fuzz_client.c: the whole client against whatever a server may say. The first byte is
 * what it is asked to do; the others are all that the server says before it hangs up, start-up
 * included. Nothing may be left in use, and nothing may wait. */
#include "fuzz.h"

#include "base/alloc.h"
#include "client/connection.h"

#include <sys/socket.h>
#include <unistd.h>

enum { said_most = 64 * 1024 }; /* fits into a socket's buffer */

static struct pond_loop *loop;
static struct pond_error error;

static void look_at(struct pond_row row)
{
    const char *text;
    size_t len;
    int64_t i;
    double d;
    bool b;
    uint8_t bytes[16];

    for (size_t c = 0; c < pond_row_columns(row) && c < 100; c++) {
        must(pond_row_name(row, c) != NULL);
        if (pond_row_text(row, c, &text, &len) == 0) {
            must(text[len] == '\0');
        }
        (void)!pond_row_int64(row, c, &i);
        (void)!pond_row_double(row, c, &d);
        (void)!pond_row_bool(row, c, &b);
        (void)!pond_row_bytes(row, c, bytes, sizeof(bytes), &len);
    }
}

static int look_at_result(int r, struct pond_result *results)
{
    must(r == 0 || error.kind == r);
    for (struct pond_result *result = results; result != NULL; result = pond_result_next(result)) {
        must(pond_result_tag(result) != NULL);
        (void)pond_result_affected(result);
        for (size_t i = 0; i < pond_result_rows(result); i++) {
            look_at(pond_result_row(result, i));
        }
    }
    pond_result_destroy(results);
    return r;
}

static int do_exec(struct pond_conn *conn)
{
    struct pond_result *results = NULL;
    int r = pond_exec(conn, "SELECT 1", &results, &error);

    return look_at_result(r, results);
}

static int do_query(struct pond_conn *conn)
{
    struct pond_result *results = NULL;
    int r = pond_query(conn, "SELECT $1", POND_WITH(pond_int(1)), &results, &error);

    return look_at_result(r, results);
}

static int do_rows(struct pond_conn *conn)
{
    struct pond_rows *rows = NULL;
    struct pond_row row;
    int r = pond_rows_open(conn, "SELECT 1", POND_NONE,
                           &(struct pond_rows_options){ .page_rows = 2 }, &rows, &error);

    for (int n = 0; r == 0 && n < 5 && (r = pond_rows_next(rows, &row, &error)) == POND_ROW; n++) {
        look_at(row);
        r = 0;
    }
    return pond_rows_close(rows, &error);
}

static int do_stmt(struct pond_conn *conn)
{
    struct pond_stmt *stmt = NULL;
    struct pond_result *results = NULL;
    int r = pond_stmt_prepare(conn, "SELECT $1", &stmt, &error);

    if (r == 0) {
        r = pond_stmt_query(stmt, POND_WITH(pond_text("x")), &results, &error);
        look_at_result(r, results);
    }
    return pond_stmt_close(stmt, &error);
}

static int do_copy(struct pond_conn *conn)
{
    struct pond_copy *copy = NULL;
    const char *data;
    size_t len;
    int r = pond_copy_open(conn, "COPY", &copy, &error);

    if (r != 0) {
        return r;
    }
    while ((r = pond_copy_read(copy, &data, &len, &error)) == POND_ROW) {
    }
    r = pond_copy_write(copy, "1\n", 2, &error);
    return r == 0 ? pond_copy_end(copy, NULL, &error) : pond_copy_abort(copy, &error);
}

static int do_txn(struct pond_conn *conn)
{
    struct pond_txn *outer = NULL, *inner = NULL;
    int r = pond_txn_begin(conn, NULL, &outer, &error);

    if (r == 0) {
        r = pond_txn_begin(conn, NULL, &inner, &error);
        r = r == 0 ? pond_txn_commit(inner, &error) : r;
        r = r == 0 ? pond_txn_commit(outer, &error) : pond_txn_rollback(outer, &error);
    }
    return r;
}

static int do_notify(struct pond_conn *conn)
{
    return pond_conn_await_notification(conn, &error);
}

static int see_row(void *arg, struct pond_row row, struct pond_error *e)
{
    int *left = arg;

    look_at(row);
    return --*left > 0 ? 0 : pond_error_set(e, POND_APP, "enough");
}

static int see_copy(void *arg, const char *data, size_t len, struct pond_error *e)
{
    (void)arg;
    (void)e;
    must(len == 0 || data != NULL);
    return 0;
}

static int see_tag(void *arg, const char *tag, struct pond_error *e)
{
    (void)arg;
    (void)e;
    must(tag != NULL);
    return 0;
}

static int do_stream(struct pond_conn *conn)
{
    const struct pond_sink sink = { see_row, see_row, see_copy, see_tag };
    int left = 100;
    int r = pond_stream(conn, "SELECT 1; SELECT 2", POND_NONE, &sink, &left, &error);

    return r != 0 ? r
                  : pond_stream(conn, "SELECT $1", POND_WITH(pond_int(1)), &sink, &left, &error);
}

static int (*const things[])(struct pond_conn *conn) = { do_exec, do_query, do_rows,   do_stmt,
                                                         do_copy, do_txn,   do_notify, do_stream };

static int greet(void *arg, struct pond_error *e)
{
    return conn_greet(arg, e);
}

static int do_nothing(void *arg, struct pond_error *e)
{
    (void)arg, (void)e;
    return 0;
}

/* As after conn_flush() of the start-up packet. */
static struct pond_conn *conn_over(int fd)
{
    struct pond_conn *conn = NULL;

    must(conn_create(loop, &conn, &error) == 0);
    conn->fd = fd;
    conn->owed = 1;
    conn->limit_bytes = 1 << 20;
    return conn;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int ends[2];

    if (size == 0 || size > said_most) {
        return 0;
    }
    if (loop == NULL) {
        must(pond_loop_create(&loop, NULL) == 0);
        must(client_call(loop, do_nothing, NULL, NULL) == 0); /* its stack is kept */
    }
    size_t before = mem_used_total();
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    must(write(ends[1], data + 1, size - 1) == (ssize_t)(size - 1));
    must(shutdown(ends[1], SHUT_WR) == 0);
    struct pond_conn *conn = conn_over(ends[0]);
    if (client_call(loop, greet, conn, &error) == 0) {
        buf_clear(&conn->key); /* nobody is there to take a cancel request */
        (void)!things[data[0] % ARRAY_LEN(things)](conn);
    }
    pond_conn_destroy(conn);
    close(ends[1]);
    must(mem_used_total() == before);
    return 0;
}
