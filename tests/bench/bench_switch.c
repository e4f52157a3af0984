/* tests/bench/bench_switch.c: what tasks cost: the switch, a turn of the loop, a spawn, an offload;
 * CPU time.
 *
 * The first two rows are why async/context.c has a switch of its own. Each row is the best of
 * several runs. */
#include "async/await.h"
#include "async/context.h"
#include "async/line.h"
#include "async/loop.h"
#include "async/task.h"
#include "base/alloc.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <ucontext.h>

enum { runs = 5, stack_bytes = 65536 };

static int64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void must(int r)
{
    if (r < 0) {
        fprintf(stderr, "bench_switch: error %d\n", -r);
        exit(1);
    }
}

/* Each of these does so many of its things. */

static ucontext_t uc_main, uc_other;

static no_return void uc_ping(void)
{
    for (;;) {
        swapcontext(&uc_other, &uc_main);
    }
}

static void swap_ucontext(long count)
{
    void *stack = malloc(stack_bytes);

    if (stack == NULL) {
        must(-1);
    }
    getcontext(&uc_other);
    uc_other.uc_stack.ss_sp = stack;
    uc_other.uc_stack.ss_size = stack_bytes;
    makecontext(&uc_other, uc_ping, 0);
    for (long i = 0; i < count / 2; i++) {
        swapcontext(&uc_main, &uc_other);
    }
    free(stack);
}

static struct context here, there;

static void ping(void *arg)
{
    (void)arg;
    for (;;) {
        context_switch(&there, &here);
    }
}

static void swap_own(long count)
{
    void *stack = malloc(stack_bytes);

    if (stack == NULL) {
        must(-1);
    }
    context_init_running(&here);
    context_make(&there, stack, stack_bytes, ping, NULL);
    for (long i = 0; i < count / 2; i++) {
        context_switch(&here, &there);
    }
    context_finish(&there);
    free(stack);
}

static struct loop *loop;

static void take_turns(void *arg)
{
    for (long i = *(long *)arg; i > 0; i--) {
        must(await_turn());
    }
}

static void turns_of_one(long count)
{
    must(task_spawn(loop, "turns", take_turns, &count, NULL));
    must(loop_run_until_idle(loop));
}

/* Two tasks that call each other: the first to go does not find the other yet, the last to end lets
 * him go. */
static struct line lines[2];
static long calls_left;

static void call_each_other(void *arg)
{
    struct line *mine = arg;
    struct line *other = mine == &lines[0] ? &lines[1] : &lines[0];

    while (calls_left-- > 0) {
        line_call_first(other);
        must(await_line(mine, NULL, DEADLINE_NONE));
    }
    line_call_first(other);
}

static void line_calls(long count)
{
    calls_left = count;
    must(task_spawn(loop, "line", call_each_other, &lines[0], NULL));
    must(task_spawn(loop, "line", call_each_other, &lines[1], NULL));
    must(loop_run_until_idle(loop));
}

static void nothing(void *arg)
{
    (void)arg;
}

static void spawns(long count)
{
    for (long i = 0; i < count; i++) {
        must(task_spawn(loop, "nothing", nothing, NULL, NULL));
        must(loop_run_until_idle(loop));
    }
}

static void offload_each(void *arg)
{
    for (long i = *(long *)arg; i > 0; i--) {
        must(await_offload(nothing, NULL));
    }
}

static void offloads(long count)
{
    must(task_spawn(loop, "offload", offload_each, &count, NULL));
    must(loop_run_until_idle(loop));
}

static void clock_reads(long count)
{
    for (long i = 0; i < count; i++) {
        (void)clock_now_us(&clock_system);
    }
}

static struct account daemon_account;
static struct account session_account = { .parent = &daemon_account };

static void allocations(long count)
{
    struct account *was = account_swap(&session_account);

    for (long i = 0; i < count; i++) {
        void *volatile block = mem_alloc(64);

        mem_free(block);
    }
    account_swap(was);
}

static void mallocs(long count)
{
    for (long i = 0; i < count; i++) {
        void *volatile block = malloc(64);

        free(block);
    }
}

static const struct row {
    const char *what;
    void (*run)(long count);
    long count;
} rows[] = {
    { "swapcontext", swap_ucontext, 500000 },
    { "context_switch", swap_own, 2000000 },
    { "turn of a lone task (await_turn, with a look at I/O)", turns_of_one, 200000 },
    { "hand-over by a line (call + await)", line_calls, 500000 },
    { "task: spawn, run, end, with a round of the loop", spawns, 200000 },
    { "await_offload, there and back", offloads, 20000 },
    { "clock_now_us", clock_reads, 2000000 },
    { "mem_alloc + mem_free, account of two levels", allocations, 2000000 },
    { "malloc + free", mallocs, 2000000 },
};

static double best_ns(const struct row *row)
{
    double best = 1e18;

    for (int i = 0; i < runs; i++) {
        int64_t start = cpu_ns();

        row->run(row->count);
        double each = (double)(cpu_ns() - start) / (double)row->count;
        if (each < best) {
            best = each;
        }
    }
    return best;
}

int main(void)
{
    must(loop_create(NULL, &loop));
    printf("%-55s %10s\n", "what", "CPU ns");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        printf("%-55s %10.1f\n", rows[i].what, best_ns(&rows[i]));
        fflush(stdout);
    }
    loop_destroy(loop);
    return 0;
}
