/* client/cli/screen.h: a terminal that is drawn anew again and again, and keys that come at once.
 *
 * One at a time. SIGTERM and SIGHUP leave the terminal as it was, too. */
#pragma once

#include "base/view.h"

#include <stdbool.h>

/* On stdout; keys are taken from stdin when that is a terminal. */
void screen_open(void);
/* Leaves what was drawn there and goes behind it. Nothing when none is open. */
void screen_close(void);

/* Draws these lines over the last ones, as many as there is room for. 0 or -errno. */
must_check int screen_draw(struct view text);

/* Waits so long for a key; 0: none came, or ^C did; SCREEN_END: there will be none any more. */
enum { SCREEN_END = -1 };
int screen_wait_key(int64_t ms);
