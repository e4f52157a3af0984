/* async/offload.h: the helper threads of the process, which run what blocks. await_offload() is in
 * async/await.h.
 *
 * They are started when first needed and joined when the last loop is destroyed. Any thread. */
#pragma once

#include "base/defs.h"

enum { offload_threads_most = 4 };

/* Runs fn(arg) on a helper thread some time, for clean-ups that nobody waits for and that may not
 * await; before the last loop is destroyed it has come to its end. It allocates nothing. 0;
 * -ENOMEM, -EAGAIN (as await_offload()), or -ENOTSUP when there is no loop: then it was not run. */
must_check int offload_later(void (*fn)(void *arg), void *arg);

/* Private to async/: each loop holds one reference. */
void offload_ref(void);
void offload_unref(void);
