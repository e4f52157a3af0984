/* client/cli/cmd_rewind.c: makes a shared database what it was at a mark. */
#include "client/cli/cmd.h"
#include "client/cli/shared.h"

static int run(struct cli *cli, void *settings, int argc, char **argv)
{
    (void)settings, (void)argc;
    return shared_call(cli, argv[0], "SELECT pond_rewind($1)", POND_WITH(pond_text(argv[1])));
}

const struct command cmd_rewind = {
    .name = "rewind",
    .arguments = "DB NAME",
    .summary = "make a shared database what it was at a mark",
    .least = 2,
    .most = 2,
    .run = run,
};
