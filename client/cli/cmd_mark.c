/* client/cli/cmd_mark.c: remembers what a shared database holds now. */
#include "client/cli/cmd.h"
#include "client/cli/shared.h"

static int run(struct cli *cli, void *settings, int argc, char **argv)
{
    (void)settings, (void)argc;
    return shared_call(cli, argv[0], "SELECT pond_mark($1)", POND_WITH(pond_text(argv[1])));
}

const struct command cmd_mark = {
    .name = "mark",
    .arguments = "DB NAME",
    .summary = "remember what a shared database holds now",
    .least = 2,
    .most = 2,
    .run = run,
};
