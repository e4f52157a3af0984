#include "support.h"

#include "async/stack.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { stack_bytes = 1 << 20, page_bytes = 4096 };

/* How much of a stack is in memory. */
static size_t committed(const struct stack *stack)
{
    unsigned char pages[stack_bytes / page_bytes];
    size_t count = 0;

    assert_int_equal(mincore(stack->bottom, stack->size, pages), 0);
    for (size_t i = 0; i < stack->size / page_bytes; i++) {
        count += pages[i] & 1u;
    }
    return count * page_bytes;
}

/* As a task that uses so many bytes of it. */
static void touch(struct stack *stack, size_t bytes)
{
    memset(stack->bottom + stack->size - bytes, 0xaa, bytes);
}

static void stacks_are_committed_as_they_are_touched(void **state)
{
    struct stack_cache cache;

    (void)state;
    stack_cache_init(&cache, stack_bytes, 4);
    struct stack *stack = stack_take(&cache);
    assert_non_null(stack);
    assert_int_equal(stack->size, stack_bytes);
    assert_int_equal(committed(stack), 0);
    touch(stack, 10000);
    assert_true(committed(stack) <= 3 * page_bytes);
    stack_give(&cache, stack);
    stack_cache_finish(&cache);
}

static void the_last_given_is_the_first_taken(void **state)
{
    struct stack_cache cache;

    (void)state;
    stack_cache_init(&cache, stack_bytes, 4);
    struct stack *a = stack_take(&cache);
    struct stack *b = stack_take(&cache);
    stack_give(&cache, a);
    stack_give(&cache, b);
    assert_int_equal(cache.idle_count, 2);
    assert_ptr_equal(stack_take(&cache), b);
    assert_ptr_equal(stack_take(&cache), a);
    assert_int_equal(cache.idle_count, 0);
    stack_give(&cache, a);
    stack_give(&cache, b);
    stack_cache_finish(&cache);
}

static void a_hot_stack_keeps_little_and_a_deep_one_gives_it_back(void **state)
{
    struct stack_cache cache;

    (void)state;
    stack_cache_init(&cache, stack_bytes, 4);
    struct stack *stack = stack_take(&cache);
    touch(stack, 20000);
    size_t before = committed(stack);
    stack_give(&cache, stack);
    assert_true(committed(stack) <=
                before + page_bytes); /* and one page that was looked at: the zero page */
    assert_ptr_equal(stack_take(&cache), stack);
    touch(stack, 500000);
    assert_true(committed(stack) >= 500000);
    stack_give(&cache, stack);
    assert_true(committed(stack) <= 32768);
    stack_cache_finish(&cache);
}

static void only_so_many_are_hot_and_so_many_cached(void **state)
{
    enum { count = 40, cached = 30 };
    struct stack_cache cache;
    struct stack *stacks[count];
    size_t in_memory = 0;

    (void)state;
    stack_cache_init(&cache, stack_bytes, cached);
    for (size_t i = 0; i < count; i++) {
        stacks[i] = stack_take(&cache);
        assert_non_null(stacks[i]);
        touch(stacks[i], 8192);
    }
    for (size_t i = 0; i < count; i++) {
        stack_give(&cache, stacks[i]);
    }
    assert_int_equal(cache.idle_count, cached);
    for (struct stack *s = cache.hot; s != NULL; s = s->next) {
        in_memory += committed(s);
    }
    for (struct stack *s = cache.cold; s != NULL; s = s->next) {
        assert_int_equal(committed(s), 0);
    }
    assert_true(in_memory > 0 && in_memory <= 16 * (8192 + page_bytes));
    stack_cache_finish(&cache);
    assert_int_equal(cache.idle_count, 0);
}

static void a_busy_task_keeps_its_memory_beside_cold_stacks(void **state)
{
    enum { count = 30 };
    struct stack_cache cache;
    struct stack *stacks[count];

    (void)state;
    stack_cache_init(&cache, stack_bytes, count);
    for (size_t i = 0; i < count; i++) {
        stacks[i] = stack_take(&cache);
        assert_non_null(stacks[i]);
    }
    for (size_t i = 0; i < count; i++) {
        stack_give(&cache, stacks[i]);
    }
    struct stack *hot = stack_take(&cache);
    touch(hot, 8192);
    stack_give(&cache, hot);
    assert_ptr_equal(stack_take(&cache), hot);
    assert_true(committed(hot) >= 8192);
    stack_give(&cache, hot);
    stack_cache_finish(&cache);
}

static void without_memory_there_is_no_stack(void **state)
{
    struct stack_cache cache;

    (void)state;
    stack_cache_init(&cache, stack_bytes, 4);
    mem_fail_at(1, false);
    assert_null(stack_take(&cache));
    mem_fail_at(0, false);
    stack_cache_init(&cache, SIZE_MAX / 4, 4);
    assert_null(stack_take(&cache)); /* cannot be mapped */
    stack_cache_finish(&cache);
}

/* Overflow: the guard ends the process, and nothing is written beyond it. */

static size_t recurse(size_t depth)
{
    volatile char frame[512];

    frame[0] = (char)depth;
    frame[511] = (char)depth;
    size_t below = depth == 0 ? 0 : recurse(depth - 1);
    return below + (size_t)frame[0] + (size_t)frame[511];
}

static void overflow(void *arg)
{
    *(size_t *)arg = recurse(SIZE_MAX / 2);
}

static no_return void die_by_overflow(void)
{
    struct loop *loop = NULL;
    size_t sum = 0;
    int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);

    dup2(quiet, STDERR_FILENO);
    signal(SIGSEGV, SIG_DFL); /* not the sanitizers' handler */
    if (loop_create(NULL, &loop) == 0 && task_spawn(loop, "deep", overflow, &sum, NULL) == 0 &&
        loop_run_until_idle(loop) == 0) {
        _exit(1);
    }
    _exit(2);
}

static void an_overflow_dies_at_the_guard(void **state)
{
    int status = 0;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        die_by_overflow();
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
}

/* Half of what is reserved can be used. */

static void use_half(void *arg)
{
    recurse(stack_bytes / 2 / 640);
    *(bool *)arg = true;
}

static void a_task_may_go_deep(void **state)
{
    bool done = false;

    (void)state;
    spawn(use_half, &done);
    run();
    assert_true(done);
}

static __attribute__((noinline)) void measure(void *arg)
{
    size_t *used = arg;
    volatile char big[100000];

    memset((char *)(uintptr_t)big, 1, sizeof(big));
    used[1] = task_stack_used();
    assert_int_equal(big[0] + big[sizeof(big) - 1], 2);
}

static void measure_twice(void *arg)
{
    size_t *used = arg;

    used[0] = task_stack_used();
    measure(arg);
}

static void the_use_of_the_stack_can_be_asked(void **state)
{
    size_t used[2] = { 0 };

    (void)state;
    spawn(measure_twice, used);
    run();
    assert_true(used[0] > 0 && used[0] < 10000);
    assert_true(used[1] - used[0] > 90000);
}

#define STACK_TEST(test) cmocka_unit_test_setup_teardown(test, loop_setup, loop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(stacks_are_committed_as_they_are_touched),
        STACK_TEST(the_last_given_is_the_first_taken),
        STACK_TEST(a_hot_stack_keeps_little_and_a_deep_one_gives_it_back),
        STACK_TEST(only_so_many_are_hot_and_so_many_cached),
        STACK_TEST(a_busy_task_keeps_its_memory_beside_cold_stacks),
        STACK_TEST(without_memory_there_is_no_stack),
        STACK_TEST(an_overflow_dies_at_the_guard),
        STACK_TEST(a_task_may_go_deep),
        STACK_TEST(the_use_of_the_stack_can_be_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
