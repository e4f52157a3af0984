/* async/offload.h: the helper threads of the process, which run what blocks. await_offload() is in
 * async/await.h.
 *
 * They are started when first needed and joined when the last loop is destroyed. Private to async/;
 * any thread. */
#pragma once

/* Each loop holds one reference. */
void offload_ref(void);
void offload_unref(void);
