/* client/cli/terminal.h: what stdout is. */
#pragma once

/* The terminal's columns; 0: it is none. */
int terminal_width(void);
