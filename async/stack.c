/* async/stack.c: stacks are mapped once, committed as they are touched, and cached.
 *
 * The first stacks in the cache stay as they are, so that a busy loop pays no system call per task,
 * unless they were used deeply; those behind them give all of their memory back. */
#include "async/stack.h"

#include "async/sanitizer.h"
#include "base/alloc.h"

#include <sys/mman.h>
#include <unistd.h>

enum {
    guard_bytes =
        65536,       /* address space only; wider than any frame that does not probe its pages */
    hot_stacks = 16, /* cached stacks that keep their memory ... */
    hot_keep_bytes = 32768, /* ... as far as this below their top: simple statements need 3-5 KiB */
    probe_bytes = 4096,     /* how much below that is looked at for traces of deeper use */
    probe_step = 256,
};

void stack_cache_init(struct stack_cache *cache, size_t stack_bytes, size_t idle_max)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    *cache = (struct stack_cache){
        .stack_bytes = (stack_bytes + page - 1) & ~(page - 1),
        .idle_max = idle_max,
    };
}

static void stack_destroy(struct stack *stack)
{
    valgrind_stack_deregister(stack->valgrind_id);
    munmap(stack->bottom - guard_bytes, stack->size + guard_bytes);
    mem_free(stack);
}

static struct stack *stack_pop(struct stack **list)
{
    struct stack *stack = *list;

    if (stack != NULL) {
        *list = take_ptr(stack->next);
    }
    return stack;
}

static void stack_push(struct stack **list, struct stack *stack)
{
    stack->next = *list;
    *list = stack;
}

void stack_cache_finish(struct stack_cache *cache)
{
    struct stack *stack;

    while ((stack = stack_pop(&cache->hot)) != NULL || (stack = stack_pop(&cache->cold)) != NULL) {
        stack_destroy(stack);
    }
    cache->hot_count = cache->idle_count = 0;
}

/* The lowest usable byte of a new mapping, or NULL. */
static uint8_t *stack_map(size_t size)
{
    uint8_t *guard = mmap(NULL, size + guard_bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

    if (guard == MAP_FAILED) {
        return NULL;
    }
    if (mprotect(guard, guard_bytes, PROT_NONE) != 0) {
        munmap(guard, size + guard_bytes);
        return NULL;
    }
    /* One touched byte must not commit 2 MiB. A kernel without huge pages says EINVAL, which is as
     * good. */
    (void)madvise(guard + guard_bytes, size, MADV_NOHUGEPAGE);
    return guard + guard_bytes;
}

static struct stack *stack_create(size_t size)
{
    struct account *was =
        account_swap(NULL); /* it outlives the task, so nobody's account is charged */
    struct stack *stack = mem_zalloc(sizeof(*stack));

    account_swap(was);
    if (stack == NULL) {
        return NULL;
    }
    stack->bottom = stack_map(size);
    if (stack->bottom == NULL) {
        mem_free(stack);
        return NULL;
    }
    stack->size = size;
    stack->valgrind_id = valgrind_stack_register(stack->bottom, size);
    return stack;
}

struct stack *stack_take(struct stack_cache *cache)
{
    struct stack *stack = stack_pop(&cache->hot);

    if (stack != NULL) {
        cache->hot_count--;
    } else {
        stack = stack_pop(&cache->cold);
    }
    if (stack == NULL) {
        return stack_create(cache->stack_bytes);
    }
    cache->idle_count--;
    return stack;
}

/* Was it used deeper than what a hot stack keeps? Untouched memory reads as zero. */
static bool stack_was_deep(const struct stack *stack, size_t kept)
{
    const uint8_t *probe = stack->bottom + stack->size - kept - probe_bytes;

    for (size_t i = 0; i < probe_bytes; i += probe_step) {
        if (*(const uint64_t *)(probe + i) != 0) {
            return true;
        }
    }
    return false;
}

static void stack_give_memory(struct stack *stack, size_t kept)
{
    (void)madvise(stack->bottom, stack->size - kept, MADV_DONTNEED);
}

void stack_give(struct stack_cache *cache, struct stack *stack)
{
    asan_forget(stack->bottom, stack->size);
    valgrind_forget(stack->bottom, stack->size);
    if (cache->idle_count >= cache->idle_max) {
        stack_destroy(stack);
        return;
    }
    cache->idle_count++;
    if (cache->hot_count >= hot_stacks || stack->size < hot_keep_bytes + probe_bytes) {
        stack_give_memory(stack, 0);
        stack_push(&cache->cold, stack);
        return;
    }
    if (stack_was_deep(stack, hot_keep_bytes)) {
        stack_give_memory(stack, hot_keep_bytes);
    }
    stack_push(&cache->hot, stack);
    cache->hot_count++;
}
