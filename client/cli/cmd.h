/* client/cli/cmd.h: the subcommands; each is a file of its own. */
#pragma once

#include "client/cli/cli.h"

extern const struct command cmd_ping;
extern const struct command cmd_query;
extern const struct command cmd_status;
extern const struct command cmd_lease;
extern const struct command cmd_release;
extern const struct command cmd_run;
extern const struct command cmd_clones;
extern const struct command cmd_dump;
extern const struct command cmd_load;
extern const struct command cmd_mark;
extern const struct command cmd_passwd;
extern const struct command cmd_reset;
extern const struct command cmd_rewind;
extern const struct command cmd_save;
extern const struct command cmd_shell;
