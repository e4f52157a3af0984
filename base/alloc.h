/* base/alloc.h: the allocator of pond and of SQLite (SQLITE_CONFIG_MALLOC), which charges what it
 * gives.
 *
 * Every block is charged to the account that was current when it was given, and credited to that
 * same account when it is freed, whoever frees it on whatever thread. An account over its limit
 * gets NULL. This is the one point where tests inject failure. Any thread may call. */
#pragma once

#include "base/defs.h"

#include <stdatomic.h>
#include <stdbool.h>

struct account {
    struct account *parent; /* charged as well (session -> daemon); NULL: none */
    _Atomic size_t used;    /* bytes given and not yet freed */
    _Atomic size_t limit;   /* bytes; 0: none. May change at any time */
    _Atomic size_t refused; /* how often the limit said no */
    bool shared; /* many draw on it: the last sixteenth of its limit is for those who have little */
};

/* The account of this thread; NULL: nothing is charged. Tasks carry theirs across switches
 * (async/task.h). */
struct account *account_current(void);

/* Makes `a` current and gives the one that was. */
struct account *account_swap(struct account *a);

/* For cleanup(account_restorep) on a local that keeps what account_swap() gave. */
static inline void account_restorep(struct account *const *was)
{
    (void)account_swap(*was);
}

/* Says (by assert) that nothing of it is left in use: an account must outlive its blocks. NULL is
 * fine. */
void account_finish(struct account *a);

/* The last of its parents, which all share; its own when it has none. NULL's is NULL. */
struct account *account_top(struct account *a);

/* Charges bytes that another allocator gives, and that are not seen here, to the current account. 0
 * or -ENOMEM; account_unreserve() needs what *ret_account says (NULL: nothing was charged). */
must_check int account_reserve(size_t bytes, struct account **ret_account);
void account_unreserve(struct account *a, size_t bytes);

void *mem_alloc(size_t size)
    __attribute__((malloc)); /* size 0 gives a block of no bytes, not NULL */
void *mem_zalloc(size_t size) __attribute__((malloc));
void *mem_realloc(void *block,
                  size_t size);     /* stays with the block's account; NULL: it is as it was */
void mem_free(void *block);         /* NULL is fine */
size_t mem_size(const void *block); /* usable bytes */
char *mem_strdup(const char *s);
char *mem_strndup(const void *s, size_t len); /* copies len bytes, adds NUL */

/* For cleanup(mem_freep) on a local pointer. */
static inline void mem_freep(void *p)
{
    mem_free(*(void **)p);
}

/* Bytes given and not yet freed by the whole process. */
size_t mem_used_total(void);

/* Test hook, per thread: the n-th allocation from now (1: the next) fails, and when `forever` all
 * after it too. 0 switches it off. Gives how many allocations were asked for since the last call.
 */
uint64_t mem_fail_at(uint64_t n, bool forever);
bool mem_fail_hit(void); /* did the injected failure happen since mem_fail_at */
