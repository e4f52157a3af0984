/* The table of a session's names. */
#include "pool/names.h"

#include "base/alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

static size_t destroyed;

static void destroy(void *object)
{
    (void)object;
    destroyed++;
}

static struct names *names_new(void)
{
    struct names *names = NULL;

    destroyed = 0;
    assert_int_equal(names_create(destroy, &names), 0);
    return names;
}

static void a_name_is_put_found_and_removed(void **state)
{
    struct names *names = names_new();
    int a = 1;
    int b = 2;

    (void)state;
    assert_null(names_find(names, view_of_str("a")));
    assert_int_equal(names_put(names, view_of_str("a"), &a), 0);
    assert_int_equal(names_put(names, view_of_str("b"), &b), 0);
    assert_int_equal(names_put(names, view_of_str("a"), &b), NAMES_TAKEN);
    assert_ptr_equal(names_find(names, view_of_str("a")), &a);
    assert_ptr_equal(names_find(names, view_of_str("b")), &b);
    assert_int_equal(names_count(names), 2);
    assert_true(names_remove(names, view_of_str("a")));
    assert_false(names_remove(names, view_of_str("a")));
    assert_int_equal(destroyed, 1);
    names_destroy(names);
    assert_int_equal(destroyed, 2);
    names_destroy(NULL);
}

static void the_unnamed_one_is_replaced(void **state)
{
    struct names *names = names_new();
    int a = 1;
    int b = 2;

    (void)state;
    assert_int_equal(names_put(names, view_of(NULL, 0), &a), 0);
    assert_int_equal(names_put(names, view_of(NULL, 0), &b), 0);
    assert_int_equal(destroyed, 1);
    assert_int_equal(names_count(names), 1);
    assert_ptr_equal(names_find(names, view_of(NULL, 0)), &b);
    names_destroy(names);
}

static void count_one(struct view name, void *object, void *arg)
{
    assert_true(name.len > 0);
    assert_non_null(object);
    ++*(size_t *)arg;
}

static void many_names_and_one_too_many(void **state)
{
    struct names *names = names_new();
    char name[16];
    size_t seen = 0;
    int object = 1;

    (void)state;
    for (int i = 0; i < 1 << 16; i++) {
        snprintf(name, sizeof(name), "s%d", i);
        assert_int_equal(names_put(names, view_of_str(name), &object), 0);
    }
    assert_int_equal(names_put(names, view_of_str("x"), &object), -ENOMEM);
    assert_int_equal(names_count(names), 1 << 16);
    names_each(names, count_one, &seen);
    assert_int_equal(seen, 1 << 16);
    assert_non_null(names_find(names, view_of_str("s4711")));
    names_clear(names);
    assert_int_equal(destroyed, 1 << 16);
    assert_int_equal(names_count(names), 0);
    assert_null(names_find(names, view_of_str("s4711")));
    names_destroy(names);
}

static void without_memory_nothing_is_taken(void **state)
{
    struct names *names = NULL;
    int object = 1;

    (void)state;
    for (uint64_t n = 1; n <= 2; n++) {
        mem_fail_at(n, false);
        assert_int_equal(names_create(destroy, &names), -ENOMEM);
    }
    mem_fail_at(0, false);
    names = names_new();
    mem_fail_at(1, true);
    assert_int_equal(names_put(names, view_of_str("a"), &object), -ENOMEM);
    mem_fail_at(0, false);
    assert_null(names_find(names, view_of_str("a")));
    for (int i = 0; i < 8; i++) {
        char name[16];

        snprintf(name, sizeof(name), "n%d", i);
        assert_int_equal(names_put(names, view_of_str(name), &object), 0);
    }
    mem_fail_at(2, false); /* the entry can be had, more buckets cannot */
    assert_int_equal(names_put(names, view_of_str("ninth"), &object), 0);
    assert_true(mem_fail_hit());
    mem_fail_at(0, false);
    assert_ptr_equal(names_find(names, view_of_str("ninth")), &object);
    names_destroy(names);
    assert_int_equal(destroyed, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_put_found_and_removed),
        cmocka_unit_test(the_unnamed_one_is_replaced),
        cmocka_unit_test(many_names_and_one_too_many),
        cmocka_unit_test(without_memory_nothing_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
