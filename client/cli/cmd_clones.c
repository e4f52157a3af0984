/* client/cli/cmd_clones.c: the named clones that are there. */
#include "client/cli/cmd.h"
#include "client/cli/show.h"

struct clones_settings {
    int format;
};

static const struct option_row options[] = {
    { "format", 'F', OPTION_CHOICE, offsetof(struct clones_settings, format), FORMAT_NAMES,
      "how rows are written (table)" },
};

static const char query[] =
    "SELECT c.name, c.origin, c.owner, CASE WHEN c.is_template THEN 'template' WHEN c.is_lasting "
    "THEN 'until dropped' ELSE 'while used' END AS lasts, (SELECT count(*) FROM pg_stat_activity a "
    "WHERE a.datname = c.name) AS connections, CAST(extract(epoch FROM now() - c.created) AS int) "
    "AS age_s, c.bytes FROM pond_clones c WHERE $1::text IS NULL OR c.origin = $1 OR c.name = $1 "
    "ORDER BY c.created, c.name";

static int run(struct cli *cli, void *arg, int argc, char **argv)
{
    const struct clones_settings *settings = arg;
    cleanup(cli_disconnectp) struct pond_conn *conn = NULL;
    const char *only = argc > 0 ? argv[0] : NULL;
    int code = cli_connect(cli, cli_any_database(cli), &conn);

    return code != 0 ? code
                     : show_answer(conn, query, POND_WITH(pond_text(only)),
                                   (enum format_name)settings->format);
}

const struct command cmd_clones = {
    .name = "clones",
    .arguments = "[DB]",
    .summary = "list the databases that were copied from templates",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .settings_bytes = sizeof(struct clones_settings),
    .most = 1,
    .run = run,
};
