#include "base/alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static size_t used(const struct account *a)
{
    return atomic_load(&a->used);
}

static void blocks_are_aligned_and_know_their_size(void **state)
{
    (void)state;
    for (size_t size = 0; size < 200; size++) {
        cleanup(mem_freep) uint8_t *block = mem_alloc(size);

        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 16, 0);
        assert_int_equal(mem_size(block), size);
        memset(block, 0xa5, size);
    }
    assert_int_equal(mem_size(NULL), 0);
    mem_free(NULL);
}

static void zeroed_blocks_are_zero(void **state)
{
    static const uint8_t zero[1000];
    cleanup(mem_freep) uint8_t *block = mem_zalloc(sizeof(zero));

    (void)state;
    assert_memory_equal(block, zero, sizeof(zero));
}

static void realloc_keeps_the_content(void **state)
{
    cleanup(mem_freep) char *block = mem_realloc(NULL, 4);

    (void)state;
    memcpy(block, "abc", 4);
    block = mem_realloc(block, 100000);
    assert_string_equal(block, "abc");
    block = mem_realloc(block, 4);
    assert_string_equal(block, "abc");
    assert_int_equal(mem_size(block), 4);
}

static void strings_are_copied(void **state)
{
    cleanup(mem_freep) char *all = mem_strdup("pond");
    cleanup(mem_freep) char *part = mem_strndup("pond", 2);
    cleanup(mem_freep) char *none = mem_strndup(NULL, 0);

    (void)state;
    assert_string_equal(all, "pond");
    assert_string_equal(part, "po");
    assert_string_equal(none, "");
}

static void sizes_past_the_end_of_memory_are_refused(void **state)
{
    struct account a = { 0 };
    struct account *was = account_swap(&a);
    cleanup(mem_freep) void *block = mem_alloc(1);

    (void)state;
    assert_null(mem_alloc(SIZE_MAX));
    assert_null(mem_alloc(SIZE_MAX - 15));
    assert_null(mem_zalloc((size_t)PTRDIFF_MAX - 8));
    assert_null(mem_realloc(block, SIZE_MAX));
    assert_null(mem_strndup("", SIZE_MAX));
    assert_int_equal(used(&a), 1);
    account_swap(was);
    mem_free(take_ptr(block));
    account_finish(&a);
}

static void a_block_is_charged_to_the_account_that_was_current(void **state)
{
    struct account a = { 0 };
    struct account b = { 0 };
    struct account *was = account_swap(&a);
    void *block = mem_alloc(100);

    (void)state;
    assert_ptr_equal(account_swap(&b), &a);
    assert_int_equal(used(&a), 100);
    block = mem_realloc(block, 300);
    assert_int_equal(used(&a), 300);
    block = mem_realloc(block, 50);
    assert_int_equal(used(&a), 50);
    mem_free(block);
    assert_int_equal(used(&a), 0);
    assert_int_equal(used(&b), 0);
    account_swap(was);
}

static void what_another_allocator_gives_can_be_charged(void **state)
{
    struct account a = { .limit = 1000 };
    struct account *was = account_swap(&a);
    struct account *charged = NULL;
    size_t total = mem_used_total();

    (void)state;
    assert_int_equal(account_reserve(700, &charged), 0);
    assert_ptr_equal(charged, &a);
    assert_int_equal(used(&a), 700);
    assert_int_equal(account_reserve(301, &charged), -ENOMEM);
    assert_int_equal(a.refused, 1);
    assert_int_equal(mem_used_total(), total); /* it is not ours */
    account_swap(was);
    account_unreserve(charged, 700);
    account_finish(&a);
    account_swap(NULL);
    assert_int_equal(account_reserve(SIZE_MAX, &charged), 0); /* nobody counts */
    account_unreserve(charged, SIZE_MAX);
    account_swap(was);
}

static void parents_are_charged_as_well(void **state)
{
    struct account top = { .limit = 1000 };
    struct account middle = { .parent = &top };
    struct account low = { .parent = &middle, .limit = 600 };
    struct account *was = account_swap(&low);
    cleanup(mem_freep) void *first = mem_alloc(500);

    (void)state;
    assert_int_equal(used(&top), 500);
    assert_null(mem_alloc(101)); /* its own limit */
    assert_int_equal(atomic_load(&low.refused), 1);
    assert_int_equal(atomic_load(&top.refused), 0);
    account_swap(&middle);
    assert_null(mem_alloc(501)); /* the top's */
    assert_int_equal(atomic_load(&top.refused), 1);
    assert_int_equal(used(&middle), 500);
    assert_int_equal(used(&low), 500);
    assert_int_equal(used(&top), 500);
    account_swap(was);
    mem_free(take_ptr(first));
    account_finish(&low);
    account_finish(&middle);
    account_finish(&top);
}

static void who_has_much_of_what_many_share_leaves_some_to_those_who_have_little(void **state)
{
    struct account all = { .limit = 16000, .shared = true };
    struct account much = { .parent = &all };
    struct account little = { .parent = &all };
    struct account *was = account_swap(&much);
    (void)state;

    void *first = mem_alloc(14000);
    assert_non_null(first);
    assert_null(mem_alloc(1001)); /* a sixteenth is left, whatever he has */
    void *second = mem_alloc(1000);
    assert_non_null(second);
    assert_null(mem_alloc(1));
    assert_int_equal(used(&all), 15000);
    account_swap(&little);
    assert_null(mem_alloc(501)); /* it would be more than what is left then */
    void *third = mem_alloc(500);
    assert_non_null(third);
    assert_null(mem_alloc(1)); /* as much as he has is left */
    account_swap(NULL);
    mem_free(third);
    account_swap(&all); /* who has no account of his own is measured by what he asks for */
    assert_null(mem_alloc(501));
    third = mem_alloc(500);
    assert_non_null(third);
    account_swap(was);
    mem_free(first);
    mem_free(second);
    mem_free(third);
    account_finish(&much);
    account_finish(&little);
    account_finish(&all);
}

static void an_account_may_be_filled_to_its_last_byte(void **state)
{
    struct account a = { .limit = 100 };
    struct account *was = account_swap(&a);
    cleanup(mem_freep) void *full = mem_alloc(100);

    (void)state;
    assert_non_null(full);
    assert_null(mem_alloc(1));
    assert_null(mem_realloc(full, 101));
    assert_int_equal(mem_size(full), 100);
    assert_int_equal(atomic_load(&a.refused), 2);
    a.limit = 50; /* lowered below what is in use */
    assert_null(mem_alloc(0x10));
    account_swap(was);
    mem_free(take_ptr(full));
    account_finish(&a);
}

static void the_process_total_follows(void **state)
{
    size_t before = mem_used_total();
    void *block = mem_alloc(1000);

    (void)state;
    assert_int_equal(mem_used_total(), before + 1000);
    block = mem_realloc(block, 10);
    assert_int_equal(mem_used_total(), before + 10);
    mem_free(block);
    assert_int_equal(mem_used_total(), before);
}

static size_t count_given(size_t asked)
{
    size_t given = 0;

    for (size_t i = 0; i < asked; i++) {
        void *block = mem_alloc(1);

        given += block != NULL;
        mem_free(block);
    }
    return given;
}

static void the_nth_allocation_fails(void **state)
{
    (void)state;
    mem_fail_at(3, false);
    assert_int_equal(count_given(2), 2);
    assert_false(mem_fail_hit());
    assert_int_equal(count_given(1), 0);
    assert_true(mem_fail_hit());
    assert_int_equal(count_given(5), 5);
    assert_int_equal(mem_fail_at(2, true), 8);
    assert_int_equal(count_given(5), 1);
    assert_int_equal(mem_fail_at(0, false), 5);
    assert_int_equal(count_given(5), 5);
    assert_false(mem_fail_hit());
    assert_int_equal(mem_fail_at(0, false), 5);
}

static void a_failed_realloc_leaves_the_block(void **state)
{
    cleanup(mem_freep) char *block = mem_strdup("abc");

    (void)state;
    mem_fail_at(1, false);
    assert_null(mem_realloc(block, 1000));
    assert_string_equal(block, "abc");
    assert_int_equal(mem_fail_at(0, false), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_know_their_size),
        cmocka_unit_test(zeroed_blocks_are_zero),
        cmocka_unit_test(realloc_keeps_the_content),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(sizes_past_the_end_of_memory_are_refused),
        cmocka_unit_test(a_block_is_charged_to_the_account_that_was_current),
        cmocka_unit_test(what_another_allocator_gives_can_be_charged),
        cmocka_unit_test(parents_are_charged_as_well),
        cmocka_unit_test(an_account_may_be_filled_to_its_last_byte),
        cmocka_unit_test(who_has_much_of_what_many_share_leaves_some_to_those_who_have_little),
        cmocka_unit_test(the_process_total_follows),
        cmocka_unit_test(the_nth_allocation_fails),
        cmocka_unit_test(a_failed_realloc_leaves_the_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
