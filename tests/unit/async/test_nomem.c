/* libevent's own allocations fail, each once: what it says is passed on, and nothing leaks. */
#include "support.h"

#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static size_t fail_at; /* the n-th from now; 0: none */
static bool fail_hit;
static size_t blocks; /* that libevent holds */

static bool fails_now(void)
{
    if (fail_at == 0 || --fail_at != 0) {
        return false;
    }
    fail_hit = true;
    return true;
}

static void *event_alloc(size_t size)
{
    void *block = fails_now() ? NULL : malloc(size);

    blocks += block != NULL;
    return block;
}

static void *event_realloc(void *block, size_t size)
{
    void *moved = fails_now() ? NULL : realloc(block, size);

    blocks += block == NULL && moved != NULL;
    return moved;
}

static void event_free_block(void *block)
{
    blocks -= block != NULL;
    free(block);
}

static void quiet(int severity, const char *message)
{
    (void)severity;
    (void)message;
}

static void fail_next(size_t n)
{
    fail_hit = false;
    fail_at = n;
}

static void a_loop_is_made_whole_or_not_at_all(void **state)
{
    size_t refused = 0;
    size_t before = blocks;

    (void)state;
    for (size_t n = 1;; n++) {
        struct loop *loop = NULL;

        fail_next(n);
        int r = loop_create(NULL, &loop);
        fail_at = 0;
        assert_true(r == 0 || r == -ENOMEM);
        assert_true(r < 0 ? loop == NULL : loop != NULL);
        refused += r < 0;
        loop_destroy(loop);
        assert_int_equal(blocks, before);
        if (!fail_hit) {
            break;
        }
    }
    assert_true(refused > 3);
}

struct wait_for {
    int fd;
    size_t n; /* the allocation that fails */
    int result;
    bool hit;
};

static void await_it(void *arg)
{
    struct wait_for *w = arg;

    fail_next(w->n);
    w->result = await_readable(w->fd, DEADLINE_NONE);
    fail_at = 0;
    w->hit = fail_hit;
}

static void an_await_without_memory_says_so(void **state)
{
    int ends[2];
    size_t refused = 0;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    for (size_t n = 1;; n++) {
        struct loop *loop = NULL;
        struct wait_for w = { .fd = ends[0], .n = n };

        assert_int_equal(loop_create(NULL, &loop), 0);
        assert_int_equal(task_spawn(loop, "await", await_it, &w, NULL), 0);
        assert_int_equal(loop_run_until_idle(loop), 0);
        loop_destroy(loop);
        assert_true(w.result == 0 || w.result == -ENOMEM);
        refused += w.result < 0;
        if (!w.hit) {
            break;
        }
    }
    assert_true(refused > 0);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_is_made_whole_or_not_at_all),
        cmocka_unit_test(an_await_without_memory_says_so),
    };

    event_set_mem_functions(event_alloc, event_realloc, event_free_block);
    event_set_log_callback(quiet);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
