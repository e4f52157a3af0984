#include "support_gate.h"

struct gate gate;
struct budget shop, store;
struct budget ann, bob;

int gate_setup(void **state)
{
    shop = (struct budget){ .name = "shop" };
    store = (struct budget){ .name = "store" };
    ann = (struct budget){ .name = "ann" };
    bob = (struct budget){ .name = "bob" };
    gate_init(&gate);
    return loop_setup(state);
}

int gate_teardown(void **state)
{
    gate_finish(&gate);
    return loop_teardown(state);
}

static size_t count_of(const struct guest *guest)
{
    size_t count = 0;

    while (count < gate_budgets_max && guest->budgets[count] != NULL) {
        count++;
    }
    return count;
}

void come(void *arg)
{
    struct guest *g = arg;
    int64_t deadline_us =
        g->patience_us == 0 ? DEADLINE_NONE : clock_after_us(&test_clock.clock, g->patience_us);

    g->result =
        await_gate(&gate, g->budgets, count_of(g), g->never_waits ? 0 : 2, deadline_us, &g->permit);
    test_log(g->result == 0            ? g->name
             : g->result == GATE_FULL  ? "f"
             : g->result == -ETIMEDOUT ? "t"
             : g->result == -ECANCELED ? "c"
             : g->result == -ESHUTDOWN ? "s"
                                       : "?");
}

void invite(struct guest *guest)
{
    guest->task = spawn(come, guest);
}

void pause_here(void)
{
    assert_int_equal(await_turn(), 0);
}

static void all_is_as_at_first(void)
{
    const struct budget *all[] = { &shop, &store, &ann, &bob };

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        assert_int_equal(all[i]->used, 0);
        assert_int_equal(all[i]->waiting, 0);
        assert_null(all[i]->held.first);
    }
}

void run_with(task_fn *host)
{
    spawn(host, NULL);
    run();
    all_is_as_at_first();
}
