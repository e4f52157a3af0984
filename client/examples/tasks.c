/* Usage 3: straight-line code in tasks. pond_all() is gather: several at once on one loop, each
 * with a connection of its own; then the first error ends the others. */
#include "client/pond.h"

#include <stdio.h>
#include <stdlib.h>

static int square(void *arg, struct pond_error *error)
{
    int64_t *n = arg;
    POND_SCOPED(scope, error);
    struct pond_conn *conn;
    struct pond_result *result;
    int r = pond_scope_conn(&scope, NULL, "", &conn, error);

    if (r == 0) {
        r = pond_query(conn, "SELECT $1::bigint * $1::bigint", POND_WITH(pond_int(*n)), &result,
                       error);
    }
    if (r == 0) {
        r = pond_row_int64(pond_result_row(result, 0), 0, n);
        pond_result_destroy(result);
    }
    return r;
}

static int fail(void *arg, struct pond_error *error)
{
    (void)arg;
    return pond_error_set(error, POND_APP, "one of them failed");
}

static int wait_long(void *arg, struct pond_error *error)
{
    (void)arg;
    return pond_sleep(60000, error);
}

int main(void)
{
    int64_t n[] = { 2, 3, 4 };
    struct pond_job squares[] = { { square, &n[0], 0 },
                                  { square, &n[1], 0 },
                                  { square, &n[2], 0 } };
    struct pond_job failing[] = { { wait_long, NULL, 0 }, { fail, NULL, 0 } };
    struct pond_error error;
    struct pond_loop *loop;

    if (pond_loop_create(&loop, &error) != 0 || pond_all(loop, squares, 3, &error) != 0) {
        printf("failed: %s\n", error.message);
        return EXIT_FAILURE;
    }
    printf("%lld %lld %lld\n", (long long)n[0], (long long)n[1], (long long)n[2]);
    if (pond_all(loop, failing, 2, &error) == POND_APP) {
        printf("%s; the other was %s\n", error.message,
               failing[0].result == POND_CANCELLED ? "cancelled" : "not cancelled");
    }
    pond_loop_destroy(loop);
    return EXIT_SUCCESS;
}
