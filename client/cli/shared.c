/* client/cli/shared.c: see shared.h. */
#include "client/cli/shared.h"

int shared_check(struct pond_conn *conn)
{
    cleanup(cli_result_destroyp) struct pond_result *result = NULL;
    struct pond_error error = { 0 };
    bool is_template = false;

    if (pond_query(conn,
                   "SELECT datistemplate FROM pg_catalog.pg_database"
                   " WHERE datname = pg_catalog.current_database()",
                   POND_NONE, &result, &error) != 0) {
        return cli_fail(&error);
    }
    if (pond_row_bool(pond_result_row(result, 0), 0, &is_template) == 0 && is_template) {
        const char *name = pond_conn_setting(conn, "dbname");

        cli_complain("\"%s\" is a template: each connection has a copy of its own, which goes with "
                     "it; name a shared one, such as \"%s~test\"",
                     name, name);
        return CLI_FAILED;
    }
    return 0;
}

int shared_call(struct cli *cli, const char *database, const char *sql,
                const struct pond_value *values, size_t count)
{
    cleanup(cli_disconnectp) struct pond_conn *conn = NULL;
    struct pond_error error = { 0 };
    int code = cli_connect(cli, database, &conn);

    code = code == 0 ? shared_check(conn) : code;
    if (code != 0) {
        return code;
    }
    return pond_query(conn, sql, values, count, NULL, &error) == 0 ? 0 : cli_fail(&error);
}
