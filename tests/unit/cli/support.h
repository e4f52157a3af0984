/* tests/unit/cli/support.h: what the command writes, caught in memory. */
#pragma once

#include "client/cli/output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

extern struct output test_out;

/* Empties it. */
void out_begin(void);
/* What was written since then, with a NUL. */
const char *out_text(void);
