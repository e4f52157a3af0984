/* A scope with two databases, a stream with a page size of 10, and each row transformed on its way:
 * all orders of the demo are paged through, and what is made of them goes into the other database.
 */
#include "client/pond.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct order {
    int64_t id;
    double total;
};

static int order_of_row(void *arg, struct pond_row row, void *ret_item, struct pond_error *error)
{
    struct order *order = ret_item;

    (void)arg;
    if (pond_row_int64(row, 0, &order->id) != 0 || pond_row_double(row, 1, &order->total) != 0) {
        return pond_error_set(error, POND_APP, "this is no order");
    }
    return 0;
}

static int copy_orders(struct pond_conn *from, struct pond_conn *to, struct pond_error *error)
{
    const struct pond_rows_options by_ten = { .page_rows = 10, .transform = order_of_row };
    POND_SCOPED(scope, error);
    struct pond_rows *rows;
    struct pond_txn *txn;
    struct order order;
    int64_t count = 0;
    int r = pond_scope_txn(&scope, to, NULL, &txn, error); /* rolled back unless committed */

    if (r == 0) {
        r = pond_exec(to, "CREATE TABLE seen (id int, total float8)", NULL, error);
    }
    if (r == 0) {
        r = pond_scope_rows(&scope, from, "SELECT id, total FROM orders ORDER BY id", POND_NONE,
                            &by_ten, &rows, error);
    }
    while (r == 0 && (r = pond_rows_next_item(rows, &order, error)) == POND_ROW) {
        count++;
        r = count % 100 != 0
                ? 0
                : pond_query(to, "INSERT INTO seen VALUES ($1, $2)",
                             POND_WITH(pond_int(order.id), pond_double(order.total)), NULL, error);
    }
    if (r == 0) {
        r = pond_scope_commit(&scope, txn, error);
        printf("%lld orders\n", (long long)count);
    }
    return r;
}

static int print_row(void *arg, struct pond_row row, struct pond_error *error)
{
    const char *text = "";

    (void)arg, (void)error;
    (void)!pond_row_text(row, 0, &text, NULL);
    printf("%s were kept\n", text);
    return 0;
}

int main(void)
{
    struct pond_error error = { 0 };
    POND_SCOPED(scope, &error);
    struct pond_conn *from, *to;
    int r = pond_scope_conn(&scope, NULL, "", &from, &error);

    if (r == 0) {
        r = pond_scope_conn(&scope, NULL, "dbname=empty", &to, &error);
    }
    if (r == 0) {
        r = copy_orders(from, to, &error);
    }
    if (r == 0) {
        r = pond_each(to, "SELECT count(*) FROM seen", POND_NONE, NULL, print_row, NULL, &error);
    }
    if (r != 0) {
        printf("failed: %s\n", error.message);
    }
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
