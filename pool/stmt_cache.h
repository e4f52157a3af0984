/* pool/stmt_cache.h: a session's prepared statements by SQLite text: the last used stay, the
 * longest unused one goes.
 *
 * A statement in use is never lent twice: a second user of the text gets one of his own. Zero bytes
 * are not a valid cache (stmt_cache_init). */
#pragma once

#include "base/view.h"

#include <stdbool.h>
#include <sys/queue.h>

struct sqlite3_stmt;
struct cached_stmt;

TAILQ_HEAD(cached_stmts, cached_stmt);

enum { stmt_cache_most = 64, stmt_cache_buckets = 64, stmt_cache_text_bytes = 8192 };

struct stmt_cache {
    struct cached_stmts idle; /* longest unused first */
    struct cached_stmts lent;
    struct cached_stmt *buckets[stmt_cache_buckets]; /* idle ones by text */
    size_t idle_count;
    struct cached_stmt
        *spare; /* one that is not worth keeping, but wanted again at once; or NULL */
};

void stmt_cache_init(struct stmt_cache *cache);
void stmt_cache_finish(struct stmt_cache *cache); /* finalizes all, lent ones too */

/* Lends an idle statement of this text, or NULL. */
struct sqlite3_stmt *stmt_cache_take(struct stmt_cache *cache, struct view sql);

/* Notes a new statement as lent; `keep` when it is worth keeping later. -ENOMEM: it is not noted.
 */
must_check int stmt_cache_add(struct stmt_cache *cache, struct view sql, bool keep,
                              struct sqlite3_stmt *stmt);

/* Takes a lent statement back: reset, its parameters forgotten. */
void stmt_cache_release(struct stmt_cache *cache, struct sqlite3_stmt *stmt);

/* Hands the lent ones over to another cache, which need not be initialised, and finalizes the idle
 * ones. */
void stmt_cache_hand_over(struct stmt_cache *from, struct stmt_cache *to);
/* The same for one that will be wanted again before any other: it stays until then, whatever it is.
 */
void stmt_cache_release_soon(struct stmt_cache *cache, struct sqlite3_stmt *stmt);

/* Finalizes the idle ones. */
void stmt_cache_clear(struct stmt_cache *cache);
