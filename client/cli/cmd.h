/* client/cli/cmd.h: the subcommands; each is a file of its own. */
#pragma once

#include "client/cli/cli.h"

extern const struct command cmd_ping;
extern const struct command cmd_query;
extern const struct command cmd_status;
