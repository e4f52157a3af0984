/* A disk in memory for SQLite, whose calls can be counted and made to fail, and whose power can go:
 * then what was written since the last sync of its file is there or not at random: all of it,
 * its beginning, its end, or some of its sectors. Any thread. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>

extern const char disk_vfs[]; /* its name as one of SQLite's file systems */

/* No files, no faults, and power on. */
void disk_begin(void);
void disk_end(void);

/* Calls of the file system so far. */
uint64_t disk_calls(void);

/* The call of that number (from 1; 0: none) answers `code`, a write having written half; and all
 * after it, if it is `lasting`. */
void disk_fail_at(uint64_t call, int code, bool lasting);

/* From that call on nothing works any more, and nothing is written. */
void disk_cut_at(uint64_t call);

/* The power comes back: `random` says what is there of what was not synced; if it is NULL, all is,
 * as when only the process was killed. */
void disk_restart(uint64_t *random);

/* Syncs wait until that is over. */
void disk_hold_syncs(bool held);

/* The file is taken away from under its name, and is put back there. */
void disk_hide(const char *name, bool hidden);

/* Its first bytes. */
size_t disk_read(const char *name, void *to, size_t size);

/* SQLite's own connection to a file there, as whoever comes after us makes one. Fails the test when
 * it cannot be had. */
struct sqlite3 *disk_connect(const char *name);
