/* pool/vfs.h: shows clones to SQLite as files, so that an sqlite3 connection can be opened on one.
 *
 * What SQLite sees (why, and the test of each: docs/storage.md):
 * - A reader pins the root that was newest when it took SHARED (of a durable clone: the newest on
 * the disk). It never waits and never sees half a transaction.
 * - A writer collects its pages in a private tree from RESERVED on. The tree becomes the clone's
 * newest root at unlock, if SQLite said SQLITE_FCNTL_COMMIT_PHASETWO, and is thrown away otherwise.
 * - A writer whose pin is not the newest root gets SQLITE_BUSY_SNAPSHOT, one beside another writer
 * SQLITE_BUSY. Sessions that stand in the clone's line (clone_await_writer) before BEGIN IMMEDIATE
 * see neither.
 * - At the clone's cap: SQLITE_FULL.
 * - Temporary files live in memory, charged to the account that is current when they grow.
 * - No other file can be opened: the clone comes by pointer, never by name.
 *
 * A connection belongs to its clone's loop. Call sqlite_setup() (pool/sqlite_setup.h) once per
 * process before. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct clone;
struct sqlite3;

/* Opens a connection on the clone: NOMUTEX, private cache, journal in memory, no syncing. Charged
 * to the current account. 0, or SQLite's (extended) result code, and then there is no connection.
 * Close it with sqlite3_close(); until then it holds a reference on the clone. */
must_check int vfs_open_clone(struct clone *clone, struct sqlite3 **ret_db);

/* REPEATABLE READ: from now on every read transaction of this connection sees the root that is
 * newest now (or that it has pinned, when it is in the middle of a read), and what it publishes
 * itself. A write from it after somebody else has published is SQLITE_BUSY_SNAPSHOT. Idempotent.
 * Allocates nothing. */
void vfs_hold_root(struct sqlite3 *db);
void vfs_drop_root(struct sqlite3 *db);

/* The root that one connection has pinned, if any, is held by another of the clone that is not
 * reading. Allocates nothing. */
void vfs_share_root(struct sqlite3 *from, struct sqlite3 *to);

/* False: its pin or its held root is older than what a transaction that begins now would see. For
 * who has the writer's place: a write would be SQLITE_BUSY_SNAPSHOT. */
bool vfs_root_is_newest(struct sqlite3 *db);

/* The version of the root that a transaction of this connection sees that begins now, or has begun.
 * False: it is not the clone's newest. */
bool vfs_sees_newest(struct sqlite3 *db, uint64_t *ret_version);

/* Stands for the schema of the root that the next transaction of this connection begins with: as
 * long as it is the same number, so is the schema. */
uint32_t vfs_schema_version(struct sqlite3 *db);

/* Who has the clone's writer's place when this connection writes (clone_await_writer). */
void vfs_set_user(struct sqlite3 *db, const void *user);

/* The version of the clone's root that this connection made last; 0: it made none. */
uint64_t vfs_published(struct sqlite3 *db);
/* That version never got to the disk, and is nothing to go on with or to wait for. */
void vfs_forget_published(struct sqlite3 *db);
