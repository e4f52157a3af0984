/* pool/page.h */
#include "support_vfs.h"

#include "pool/page.h"

#include <errno.h>
#include <string.h>

enum { page_bytes = 4096 };

static struct page_owner *owner_with(size_t cap, struct account *parent)
{
    struct page_owner *owner = NULL;

    assert_int_equal(page_owner_create(page_bytes, cap, parent, &owner), 0);
    return owner;
}

static void test_a_page_is_charged_to_its_owner_and_his_parent(void **state maybe_unused)
{
    struct account daemon = { 0 };
    struct page_owner *owner = owner_with(0, &daemon);
    struct page *page = page_create(owner);

    assert_non_null(page);
    assert_true(page_owner_used(owner) >= page_bytes);
    assert_true(atomic_load(&daemon.used) >= page_owner_used(owner));
    page_unref(page);
    assert_int_equal(page_owner_used(owner), 0);
    page_owner_unref(owner);
    assert_int_equal(atomic_load(&daemon.used), 0);
}

static void test_the_last_reference_frees_the_page(void **state maybe_unused)
{
    struct page_owner *owner = owner_with(0, NULL);
    struct page *page = page_create(owner);

    assert_true(page_is_private(page));
    page_ref(page);
    assert_false(page_is_private(page));
    page_unref(page);
    assert_true(page_is_private(page));
    assert_true(page_owner_used(owner) > 0);
    page_unref(page);
    page_unref(NULL);
    assert_int_equal(page_owner_used(owner), 0);
    page_owner_unref(owner);
}

static void test_a_page_is_found_again_by_its_bytes(void **state maybe_unused)
{
    struct page_owner *owner = owner_with(0, NULL);
    struct page *page = page_create(owner);

    assert_ptr_equal(page_of_data(page->data), page);
    assert_int_equal((uintptr_t)page->data % 8, 0);
    page_unref(page);
    page_owner_unref(owner);
}

static void test_behind_a_page_are_zeroes(void **state maybe_unused)
{
    struct page_owner *owner = owner_with(0, NULL);
    struct page *page = page_create(owner);
    static const uint8_t zeroes[18];

    memset(page->data, 0xff, page_bytes);
    assert_memory_equal(page->data + page_bytes, zeroes, sizeof(zeroes));
    page_unref(page);
    page_owner_unref(owner);
}

static void test_an_owner_at_his_cap_is_full(void **state maybe_unused)
{
    struct page_owner *owner = owner_with(2 * page_bytes + 1000, NULL);
    struct page *first = page_create(owner);

    assert_false(page_owner_is_full(owner));
    struct page *second = page_create(owner);
    assert_true(page_owner_is_full(owner));
    page_unref(first);
    assert_false(page_owner_is_full(owner));
    page_unref(second);
    page_owner_unref(owner);
}

static void test_a_page_may_outlive_its_clone_by_a_second_reference(void **state maybe_unused)
{
    struct page_owner *owner = owner_with(0, NULL);
    struct page *page = page_create(owner);
    struct page_owner *seal = page_owner_ref(owner);

    page_owner_unref(owner);
    page_unref(page);
    page_owner_unref(seal);
    page_owner_unref(NULL);
}

static void test_no_memory_leaves_nothing_behind(void **state maybe_unused)
{
    struct page_owner *owner = NULL;

    mem_fail_at(1, false);
    assert_int_equal(page_owner_create(page_bytes, 0, NULL, &owner), -ENOMEM);
    mem_fail_at(0, false);
    owner = owner_with(0, NULL);
    mem_fail_at(1, false);
    assert_null(page_create(owner));
    mem_fail_at(0, false);
    assert_int_equal(page_owner_used(owner), 0);
    page_owner_unref(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_page_is_charged_to_its_owner_and_his_parent),
        cmocka_unit_test(test_the_last_reference_frees_the_page),
        cmocka_unit_test(test_a_page_is_found_again_by_its_bytes),
        cmocka_unit_test(test_behind_a_page_are_zeroes),
        cmocka_unit_test(test_an_owner_at_his_cap_is_full),
        cmocka_unit_test(test_a_page_may_outlive_its_clone_by_a_second_reference),
        cmocka_unit_test(test_no_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
