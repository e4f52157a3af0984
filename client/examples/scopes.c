/* `async with`, an exit stack, and a session that is rolled back on error: scopes run what was
 * deferred last-in first-out, on success and on error, and they nest. */
#include "client/pond.h"

#include <stdio.h>
#include <stdlib.h>

static int say(void *arg, struct pond_error *error)
{
    (void)error;
    printf("leave %s\n", (const char *)arg);
    return 0;
}

static int say_and_fail(void *arg, struct pond_error *error)
{
    printf("leave %s, in vain\n", (const char *)arg);
    return pond_error_set(error, POND_APP, "%s could not be left", (const char *)arg);
}

static int enter_all(struct pond_error *error)
{
    struct pond_scope outer = { 0 }, inner = { 0 };
    int r = pond_scope_defer(&outer, say, "a", error);

    if (r == 0) {
        r = pond_scope_nest(&outer, &inner, error);
    }
    if (r == 0) {
        r = pond_scope_defer(&inner, say, "b", error);
    }
    if (r == 0) {
        r = pond_scope_defer(&inner, say_and_fail, "c", error);
    }
    int left = pond_scope_close(&outer, error);
    return r != 0 ? r : left;
}

static int spoil(void *arg, struct pond_error *error)
{
    struct pond_conn *conn = arg;
    int r = pond_exec(conn, "INSERT INTO t VALUES (1)", NULL, error);

    return r != 0 ? r : pond_exec(conn, "SELECT 1 / 0", NULL, error);
}

static int print_count(void *arg, struct pond_row row, struct pond_error *error)
{
    const char *text = "?";

    (void)arg, (void)error;
    (void)!pond_row_text(row, 0, &text, NULL);
    printf("%s rows\n", text);
    return 0;
}

int main(void)
{
    struct pond_error error = { 0 };
    POND_SCOPED(scope, &error);
    struct pond_conn *conn;

    if (enter_all(&error) == POND_APP) {
        printf("%s\n", error.message);
    }
    int r = pond_scope_conn(&scope, NULL, "", &conn, &error);
    if (r == 0) {
        r = pond_exec(conn, "CREATE TEMP TABLE t (n int)", NULL, &error);
    }
    if (r == 0 && pond_txn_with(conn, NULL, spoil, conn, &error) == POND_SQL) {
        printf("rolled back: %s\n", error.sqlstate);
        r = pond_each(conn, "SELECT count(*) FROM t", POND_NONE, NULL, print_count, NULL, &error);
    }
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
