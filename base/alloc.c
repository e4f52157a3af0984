/* base/alloc.c: malloc with a header in front of each block, which remembers its size and its
 * account.
 *
 * The header is 16 bytes, so a block is aligned as malloc's own. It is under every malloc of
 * SQLite: the way through takes no lock; accounts are charged by relaxed atomics up their chain,
 * and the process's total is kept in one counter per thread, which only that thread writes. */
#include "base/alloc.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct header {
    size_t size;
    struct account *account;
};

enum { header_bytes = 16 };
static_assert(sizeof(struct header) <= header_bytes, "the header must keep blocks aligned");

/* Each thread takes one slot for good; those that come too late share the last one. */
enum { slot_count = 256 };

struct slot {
    _Alignas(64) _Atomic size_t
        used; /* wraps below zero where another thread frees what this one took */
};

struct fault {
    uint64_t asked; /* allocations since mem_fail_at() */
    uint64_t at;    /* 0: off */
    bool forever;
    bool hit;
};

static struct slot slots[slot_count];
static _Atomic size_t slots_taken;

static _Thread_local struct slot *own_slot;
static _Thread_local struct account *current;
static _Thread_local struct fault fault;

static struct slot *slot_take(void)
{
    size_t index = atomic_fetch_add_explicit(&slots_taken, 1, memory_order_relaxed);

    own_slot = &slots[index < slot_count ? index : slot_count - 1];
    return own_slot;
}

static void total_add(size_t bytes)
{
    struct slot *slot = own_slot == NULL ? slot_take() : own_slot;

    if (slot == &slots[slot_count - 1]) {
        atomic_fetch_add_explicit(&slot->used, bytes, memory_order_relaxed);
        return;
    }
    /* The only writer is this thread: no locked instruction is needed. */
    size_t used = atomic_load_explicit(&slot->used, memory_order_relaxed);
    atomic_store_explicit(&slot->used, used + bytes, memory_order_relaxed);
}

static void account_credit(struct account *first, const struct account *end, size_t bytes)
{
    for (struct account *a = first; a != end; a = a->parent) {
        atomic_fetch_sub_explicit(&a->used, bytes, memory_order_relaxed);
    }
}

/* How much of its limit an account has for one who has so much of it, with what he asks for: one
 * who has taken much is refused while there is something left for others. */
static size_t limit_for(const struct account *a, size_t limit, size_t own)
{
    size_t rest = a->shared ? limit / 16 : 0;

    return limit - (own < rest ? own : rest);
}

static bool account_charge(struct account *first, size_t bytes)
{
    size_t own = bytes;

    for (struct account *a = first; a != NULL; a = a->parent) {
        size_t used = atomic_fetch_add_explicit(&a->used, bytes, memory_order_relaxed);
        size_t limit = atomic_load_explicit(&a->limit, memory_order_relaxed);

        if (limit != 0) {
            limit = limit_for(a, limit, own);
            if (used > limit || bytes > limit - used) {
                atomic_fetch_add_explicit(&a->refused, 1, memory_order_relaxed);
                account_credit(first, a->parent, bytes);
                return false;
            }
        }
        own = used + bytes;
    }
    return true;
}

static bool fault_now(void)
{
    fault.asked++;
    if (fault.at == 0 || fault.asked < fault.at || (fault.asked > fault.at && !fault.forever)) {
        return false;
    }
    fault.hit = true;
    return true;
}

static struct header *header_of(const void *block)
{
    return (struct header *)((uintptr_t)block - header_bytes);
}

static void *block_of(struct header *header)
{
    return (uint8_t *)header + header_bytes;
}

struct account *account_current(void)
{
    return current;
}

struct account *account_swap(struct account *a)
{
    struct account *was = current;

    current = a;
    return was;
}

void account_finish(struct account *a)
{
    if (a != NULL) {
        assert(atomic_load_explicit(&a->used, memory_order_relaxed) == 0);
    }
}

struct account *account_top(struct account *a)
{
    while (a != NULL && a->parent != NULL) {
        a = a->parent;
    }
    return a;
}

int account_reserve(size_t bytes, struct account **ret_account)
{
    if (fault_now() || !account_charge(current, bytes)) {
        return -ENOMEM;
    }
    *ret_account = current;
    return 0;
}

void account_unreserve(struct account *a, size_t bytes)
{
    account_credit(a, NULL, bytes);
}

static void *give(size_t size, bool zeroed)
{
    struct account *account = current;

    if (fault_now() || size > PTRDIFF_MAX - header_bytes || !account_charge(account, size)) {
        return NULL;
    }
    struct header *header = zeroed ? calloc(1, size + header_bytes) : malloc(size + header_bytes);
    if (header == NULL) {
        account_credit(account, NULL, size);
        return NULL;
    }
    *header = (struct header){ .size = size, .account = account };
    total_add(size);
    return block_of(header);
}

void *mem_alloc(size_t size)
{
    return give(size, false);
}

void *mem_zalloc(size_t size)
{
    return give(size, true);
}

void *mem_realloc(void *block, size_t size)
{
    if (block == NULL) {
        return mem_alloc(size);
    }
    struct header *header = header_of(block);
    struct account *account = header->account;
    size_t old = header->size;

    if (fault_now() || size > PTRDIFF_MAX - header_bytes) {
        return NULL;
    }
    if (size > old && !account_charge(account, size - old)) {
        return NULL;
    }
    struct header *moved = realloc(header, size + header_bytes);
    if (moved == NULL) {
        account_credit(account, NULL, size > old ? size - old : 0);
        return NULL;
    }
    account_credit(account, NULL, size < old ? old - size : 0);
    moved->size = size;
    total_add(size - old);
    return block_of(moved);
}

void mem_free(void *block)
{
    if (block == NULL) {
        return;
    }
    struct header *header = header_of(block);

    account_credit(header->account, NULL, header->size);
    total_add((size_t)0 - header->size);
    free(header);
}

size_t mem_size(const void *block)
{
    return block == NULL ? 0 : header_of(block)->size;
}

char *mem_strdup(const char *s)
{
    return mem_strndup(s, strlen(s));
}

char *mem_strndup(const void *s, size_t len)
{
    char *copy = len == SIZE_MAX ? NULL : mem_alloc(len + 1);

    if (copy == NULL) {
        return NULL;
    }
    if (len != 0) {
        memcpy(copy, s, len);
    }
    copy[len] = '\0';
    return copy;
}

size_t mem_used_total(void)
{
    size_t total = 0;

    for (size_t i = 0; i < slot_count; i++) {
        total += atomic_load_explicit(&slots[i].used, memory_order_relaxed);
    }
    return total;
}

uint64_t mem_fail_at(uint64_t n, bool forever)
{
    uint64_t asked = fault.asked;

    fault = (struct fault){ .at = n, .forever = forever };
    return asked;
}

bool mem_fail_hit(void)
{
    return fault.hit;
}
