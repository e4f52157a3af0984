/* client/error.h: how libpond fills the caller's pond_error. All give the kind back; error may be
 * NULL. */
#pragma once

#include "base/defs.h"
#include "base/failure.h"
#include "client/pond.h"

int error_set(struct pond_error *error, int kind, const char *sqlstate, const char *format, ...)
    printf_like(4, 5);
int error_nomem(struct pond_error *error);
int error_no_thread(struct pond_error *error);

/* What the server said. */
int error_of_failure(struct pond_error *error, int kind, const struct failure *failure);

/* -ENOMEM and BUF_FULL from a buffer. */
int error_of_buf(struct pond_error *error, int r, const char *what);
