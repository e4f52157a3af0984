#include "support.h"

#include <string.h>

struct loop *test_loop;
struct clock_manual test_clock;

static size_t used_before;
static char log_text[4096];

int loop_setup(void **state)
{
    (void)state;
    log_text[0] = '\0';
    used_before = mem_used_total();
    clock_manual_init(&test_clock, 1000000);
    return loop_create(&(struct loop_options){ .clock = &test_clock.clock }, &test_loop);
}

int loop_teardown(void **state)
{
    (void)state;
    loop_destroy(take_ptr(test_loop));
    return mem_used_total() == used_before ? 0 : -1;
}

struct task *spawn(task_fn *fn, void *arg)
{
    struct task *task = NULL;

    assert_int_equal(task_spawn(test_loop, "test", fn, arg, &task), 0);
    return task;
}

void run(void)
{
    assert_int_equal(loop_run_until_idle(test_loop), 0);
}

size_t rounds(size_t usual)
{
    const char *given = getenv("POND_TEST_ROUNDS");

    return given == NULL ? usual : strtoul(given, NULL, 10);
}

void test_log(const char *what)
{
    size_t len = strlen(log_text);

    assert_true(strlen(what) < sizeof(log_text) - len);
    memcpy(log_text + len, what, strlen(what) + 1);
}

const char *test_log_text(void)
{
    return log_text;
}
