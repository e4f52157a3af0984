/* async/scope.h: a stack of clean-ups that runs last-in first-out, on success and on error alike.
 *
 * Python's AsyncExitStack. Zero bytes are a valid empty scope. Clean-ups may await (a cancelled
 * task's awaits inside them still answer -ECANCELED). Scopes nest: a scope's finish may be deferred
 * on another. */
#pragma once

#include "base/defs.h"

typedef void scope_fn(void *arg);

struct scope_item;
struct scope {
    struct scope_item *top;
};

/* Runs fn(arg) at scope_finish(). When there is no memory for the note, runs it at once and says
 * -ENOMEM, so that what was just taken is not leaked. */
must_check int scope_defer(struct scope *scope, scope_fn *fn, void *arg);

/* Forgets the youngest note of fn(arg) without running it: ownership moved on. */
void scope_forget(struct scope *scope, scope_fn *fn, void *arg);

/* Runs all clean-ups, youngest first, including those that clean-ups add. */
void scope_finish(struct scope *scope);
