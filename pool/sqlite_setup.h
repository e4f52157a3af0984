/* pool/sqlite_setup.h: SQLite's process-wide settings and pond's VFS: memory from base/alloc, no
 * global statistics, no mutexes around connections, pages lent instead of copied. */
#pragma once

#include "base/defs.h"

/* Once per process, before any thread starts and before any other use of SQLite; later calls do
 * nothing. 0 or SQLite's result code. */
must_check int sqlite_setup(void);
