/* A lock as a context: it is taken under a scope, first come first served, and the scope's end
 * gives it back, whatever happened in it. (An advisory lock of PostgreSQL's; with pondd the
 * database must be one that both share, such as shop~mine.) */
#include "client/pond.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { key = 42 };

static bool first_has_it;

/* Fails while it holds the lock. */
static int first(void *arg, struct pond_error *error)
{
    POND_SCOPED(scope, NULL);
    struct pond_conn *conn;
    int r = pond_scope_conn(&scope, NULL, "", &conn, error);

    (void)arg;
    if (r == 0) {
        r = pond_scope_lock(&scope, conn, key, error);
    }
    if (r == 0) {
        first_has_it = true;
        printf("the first has it\n");
        r = pond_sleep(50, error); /* the other one comes, and waits */
    }
    if (r == 0) {
        r = pond_exec(conn, "SELECT 1 / 0", NULL, error) == POND_SQL ? 0 : POND_APP;
        printf("the first failed, and gives it back\n");
    }
    return r;
}

static int second(void *arg, struct pond_error *error)
{
    POND_SCOPED(scope, NULL);
    struct pond_conn *conn;
    int r = pond_scope_conn(&scope, NULL, "", &conn, error);

    (void)arg;
    while (r == 0 && !first_has_it) {
        r = pond_sleep(1, error);
    }
    if (r == 0) {
        r = pond_scope_lock(&scope, conn, key, error); /* waits */
    }
    if (r == 0) {
        printf("the second has it\n");
    }
    return r;
}

int main(void)
{
    struct pond_error error = { 0 };
    struct pond_loop *loop;
    struct pond_job jobs[] = { { .fn = first }, { .fn = second } };

    if (pond_loop_create(&loop, &error) != 0) {
        return EXIT_FAILURE;
    }
    int r = pond_all(loop, jobs, 2, &error);
    if (r != 0) {
        printf("failed: %s\n", error.message);
    }
    pond_loop_destroy(loop);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
