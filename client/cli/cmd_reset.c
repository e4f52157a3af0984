/* client/cli/cmd_reset.c: makes a shared database what it was copied from. */
#include "client/cli/cmd.h"
#include "client/cli/shared.h"

static int run(struct cli *cli, void *settings, int argc, char **argv)
{
    (void)settings, (void)argc;
    return shared_call(cli, argv[0], "SELECT pond_reset()", POND_NONE);
}

const struct command cmd_reset = {
    .name = "reset",
    .arguments = "DB",
    .summary = "make a shared database what it was copied from",
    .least = 1,
    .most = 1,
    .run = run,
};
