/* Usage 1: plain blocking calls; no loop of the caller's. */
#include "client/pond.h"

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    struct pond_error error = { 0 };
    struct pond_conn *conn = NULL;
    struct pond_result *result = NULL;
    const char *text;

    int r = pond_conn_open(NULL, "", &conn, &error); /* where: PGHOST, PGPORT ... */
    if (r != 0) {
        fprintf(stderr, "%s\n", error.message); /* there is no connection then */
        return EXIT_FAILURE;
    }
    r = pond_query(conn, "SELECT 'hello, ' || $1", POND_WITH(pond_text("world")), &result, &error);
    if (r == 0 && pond_row_text(pond_result_row(result, 0), 0, &text, NULL) == 0) {
        printf("%s\n", text);
    }
    pond_result_destroy(result);
    if (pond_exec(conn, "SELEC 1", NULL, &error) == POND_SQL) {
        /* what fails says what and where */
        printf("%s %s: position %d\n", error.severity, error.sqlstate, error.position);
    }
    pond_conn_close(conn);
    if (pond_exec(conn, "SELECT 1", NULL, &error) == POND_USAGE) {
        printf("execute before connect: %s\n", error.sqlstate);
    }
    pond_conn_destroy(conn);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
