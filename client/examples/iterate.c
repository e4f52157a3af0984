/* The async iterator: next gives a row, or a page, or the end; generate_series is the generator,
 * and it is as lazy as we are: an early stop costs nothing. */
#include "client/pond.h"

#include <stdio.h>
#include <stdlib.h>

/* range(start, stop, step) */
static int print_range(struct pond_conn *conn, struct pond_error *error)
{
    struct pond_rows *rows;
    struct pond_row row;
    int64_t n;
    int r = pond_rows_open(conn, "SELECT * FROM generate_series($1::int, $2::int, $3::int)",
                           POND_WITH(pond_int(10), pond_int(1), pond_int(-3)), NULL, &rows, error);

    if (r != 0) {
        return r;
    }
    while ((r = pond_rows_next(rows, &row, error)) == POND_ROW) {
        if (pond_row_int64(row, 0, &n) == 0) {
            printf("%lld ", (long long)n);
        }
    }
    printf("\n");
    int closed = pond_rows_close(rows, error);
    return r != 0 ? r : closed;
}

/* page after page until there is none */
static int print_pages(struct pond_conn *conn, struct pond_error *error)
{
    struct pond_rows *rows;
    struct pond_row first;
    size_t count;
    int r = pond_rows_open(conn, "SELECT * FROM generate_series(1, 25)", POND_NONE,
                           &(struct pond_rows_options){ .page_rows = 10 }, &rows, error);

    if (r != 0) {
        return r;
    }
    while ((r = pond_rows_next_page(rows, &first, &count, error)) == POND_ROW) {
        printf("a page of %zu\n", count);
    }
    int closed = pond_rows_close(rows, error);
    return r != 0 ? r : closed;
}

static int stop_at_three(void *arg, struct pond_row row, struct pond_error *error)
{
    int64_t n = 0;

    (void)arg, (void)error;
    return pond_row_int64(row, 0, &n) == 0 && n < 3 ? 0 : 1;
}

int main(void)
{
    struct pond_error error = { 0 };
    POND_SCOPED(scope, &error);
    struct pond_conn *conn;
    int r = pond_scope_conn(&scope, NULL, "", &conn, &error);

    if (r == 0) {
        r = print_range(conn, &error);
    }
    if (r == 0) {
        r = print_pages(conn, &error);
    }
    if (r == 0 && pond_each(conn, "SELECT * FROM generate_series(1, 1000000)", POND_NONE, NULL,
                            stop_at_three, NULL, &error) == 1) {
        printf("stopped early, and the connection is %s\n",
               pond_conn_status(conn) == 'I' ? "idle" : "busy");
    }
    if (r != 0) {
        printf("failed: %s\n", error.message);
    }
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
