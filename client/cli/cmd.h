/* client/cli/cmd.h: the subcommands; each is a file of its own. */
#pragma once

#include "client/cli/cli.h"

extern const struct command cmd_ping;
extern const struct command cmd_query;
extern const struct command cmd_status;
extern const struct command cmd_lease;
extern const struct command cmd_release;
extern const struct command cmd_run;
