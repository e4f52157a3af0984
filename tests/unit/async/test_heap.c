#include "support.h"

#include "async/heap.h"

/* Random orders and removals are walked by test_timer.c, whose timers lie in a heap. */

static void zero_bytes_are_an_empty_heap(void **state)
{
    struct heap heap = { 0 };
    struct heap_place place = { 0 };

    (void)state;
    assert_null(heap.first);
    assert_false(heap_has(&place));
    heap_remove(&heap, &place);
    assert_false(heap_has(&place));
}

static void the_least_key_is_first_whoever_leaves(void **state)
{
    struct heap heap = { 0 };
    struct heap_place places[] = { { 0 }, { 0 }, { 0 }, { 0 }, { 0 }, { 0 } };
    static const size_t order[] = { 3, 0, 5, 1, 4, 2 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        heap_add(&heap, &places[order[i]], (int64_t)order[i]);
    }
    heap_remove(&heap, &places[2]); /* from the middle */
    heap_remove(&heap, &places[0]); /* the first */
    heap_remove(&heap, &places[5]); /* the last */
    assert_false(heap_has(&places[2]));
    assert_ptr_equal(heap.first, &places[1]);
    heap_remove(&heap, heap.first);
    assert_ptr_equal(heap.first, &places[3]);
    heap_remove(&heap, heap.first);
    assert_ptr_equal(heap.first, &places[4]);
    heap_remove(&heap, heap.first);
    assert_null(heap.first);
}

static void a_place_may_move_to_another_heap(void **state)
{
    struct heap from = { 0 }, to = { 0 };
    struct heap_place a = { 0 }, b = { 0 }, c = { 0 };

    (void)state;
    heap_add(&from, &a, 1);
    heap_add(&from, &b, 2);
    heap_add(&to, &c, 3);
    heap_remove(&from, &a);
    heap_add(&to, &a, a.key);
    assert_ptr_equal(from.first, &b);
    assert_ptr_equal(to.first, &a);
    heap_remove(&to, &a);
    assert_ptr_equal(to.first, &c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_bytes_are_an_empty_heap),
        cmocka_unit_test(the_least_key_is_first_whoever_leaves),
        cmocka_unit_test(a_place_may_move_to_another_heap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
