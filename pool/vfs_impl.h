/* pool/vfs_impl.h: between vfs.c and sqlite_setup.c. */
#pragma once

#include "base/defs.h"

/* Makes the VFS known to SQLite, not as the default. 0 or SQLite's result code. */
must_check int vfs_register(void);
