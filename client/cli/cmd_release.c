/* client/cli/cmd_release.c: pond release: drops a copy that pond lease made, or that pond run kept.
 * Whoever holds a lease sees its end, and ends. */
#include "base/alloc.h"
#include "base/buf.h"
#include "client/cli/cmd.h"

#include <stdlib.h>
#include <string.h>

/* DROP DATABASE "..." WITH (FORCE); the caller's own. NULL: no memory. */
static char *drop_statement(const char *name)
{
    cleanup(buf_finish) struct buf sql = { 0 };
    int r = buf_append_str(&sql, "DROP DATABASE \"");

    for (; r == 0 && *name != '\0'; name++) {
        r = *name == '"' ? buf_append_byte(&sql, '"') : 0;
        r = r != 0 ? r : buf_append_byte(&sql, (uint8_t)*name);
    }
    r = r != 0 ? r : buf_append_str(&sql, "\" WITH (FORCE)");
    return r == 0 ? buf_take_str(&sql) : NULL;
}

/* From another database, whatever the environment says: that one may be about to go. */
static int drop(struct cli *cli, const char *name, struct pond_error *error)
{
    const struct cli_word words[] = { { "dbname", "postgres" } };
    cleanup(mem_freep) char *conninfo = cli_conninfo_with(cli, NULL, words, ARRAY_LEN(words));
    cleanup(mem_freep) char *sql = drop_statement(name);
    struct pond_conn *conn = NULL;

    if (conninfo == NULL || sql == NULL) {
        return pond_error_set(error, POND_NOMEM, "out of memory");
    }
    int r = cli_dial(cli, conninfo, &conn, error);
    if (r == 0) {
        r = pond_exec(conn, sql, NULL, error);
    }
    pond_conn_destroy(conn);
    return r;
}

static int run(struct cli *cli, void *settings, int argc, char **argv)
{
    const char *name = argc > 0 ? argv[0] : getenv("POND_LEASE");
    struct pond_error error = { 0 };

    (void)settings;
    if (name == NULL || name[0] == '\0') {
        return cli_usage("there is no lease: POND_LEASE is not set, and no NAME was given");
    }
    if (strchr(name, '~') == NULL) {
        return cli_usage("\"%s\" is no lease: its name would have a ~", name);
    }
    if (drop(cli, name, &error) == 0) {
        return CLI_OK;
    }
    if (strcmp(error.sqlstate, "3D000") == 0) {
        cli_complain("there is no lease \"%s\" any more", name);
        return CLI_FAILED;
    }
    return cli_fail(&error);
}

const struct command cmd_release = {
    .name = "release",
    .arguments = "[NAME]",
    .summary = "end a lease, or drop a copy that was kept",
    .most = 1,
    .run = run,
};
