/* What is freed later comes back to the account, and nobody runs out of memory because of the
 * delay. */
#include "support_session.h"

#include "async/await.h"
#include "pool/clone_impl.h"
#include "pool/marks.h"
#include "pool/page.h"
#include "pool/sweep.h"

enum { many_bytes = 3 << 20, pages = 2000 };

static void fill(struct session *session)
{
    run(session, "CREATE TABLE big(b)");
    run(session, "INSERT INTO big SELECT zeroblob(100000) FROM t LIMIT 31");
}

static void a_rewind_drops_much(struct world *w)
{
    struct marks marks = { 0 };
    struct failure f;

    run(w->session, "DELETE FROM t WHERE id > 500");
    assert_int_equal(marks_set(&marks, w->session, "half", 1, &f), 0);
    size_t used = clone_own_bytes(w->clone);
    fill(w->session);
    assert_true(clone_own_bytes(w->clone) > used + many_bytes);
    assert_int_equal(marks_rewind(&marks, w->session, "half", &f), 0);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM sqlite_schema WHERE name='big'"),
                     0);
    assert_true(clone_own_bytes(w->clone) > many_bytes / 2);
    assert_int_equal(await_turn(), 0);
    assert_int_equal(sweep_count(), 0);
    assert_true(clone_own_bytes(w->clone) < used + 100 * 1024);
    marks_finish(&marks);
}

static void what_a_rewind_drops_comes_back(void **state)
{
    in_task(*state, a_rewind_drops_much);
}

static void fill_rewind_and_fill(struct world *w)
{
    struct marks marks = { 0 };
    struct failure f;
    struct clone *small = clone_of(w->template_, many_bytes + many_bytes / 4);
    struct session *session = session_on(small, NULL);

    assert_int_equal(marks_set(&marks, session, "empty", 1, &f), 0);
    fill(session);
    assert_int_equal(marks_rewind(&marks, session, "empty", &f), 0);
    assert_true(clone_own_bytes(small) > many_bytes / 2); /* nobody has swept yet */
    fill(session);
    marks_finish(&marks);
    session_close(session);
    clone_unref(small);
}

static void what_is_on_its_way_back_does_not_count_against_the_cap(void **state)
{
    in_task(*state, fill_rewind_and_fill);
}

static void map_of_many(struct page_owner *owner, struct pagemap *map)
{
    for (uint32_t i = 1; i <= pages; i++) {
        struct page *page = page_create(owner);

        assert_non_null(page);
        assert_int_equal(pagemap_put(map, owner, i, page), 0);
    }
}

static void without_a_loop_all_is_freed_at_once(void **state maybe_unused)
{
    struct page_owner *owner = NULL;
    struct pagemap map = { 0 };

    assert_int_equal(page_owner_create(64, 0, NULL, &owner), 0);
    map_of_many(owner, &map);
    sweep_map(&map, owner);
    assert_int_equal(page_owner_used(owner), 0);
    assert_false(sweep_now(owner));
    page_owner_unref(owner);
}

static void drop_among_others(struct world *w)
{
    struct page_owner *owner = NULL;
    struct pagemap map = { 0 };

    assert_int_equal(page_owner_create(64, 0, NULL, &owner), 0);
    map_of_many(owner, &map);
    struct pagemap other = pagemap_share(&map);
    size_t used = page_owner_used(owner);
    sweep_map(&map, owner);
    assert_int_equal(sweep_count(), 0);
    assert_int_equal(page_owner_used(owner), used); /* another sees it */
    mem_fail_at(1, true);
    sweep_map(&other, owner); /* no memory for the task */
    assert_true(mem_fail_hit());
    mem_fail_at(0, false);
    assert_int_equal(page_owner_used(owner), 0);
    map_of_many(owner, &map);
    sweep_map(&map, owner);
    assert_int_equal(sweep_count(), 1);
    page_owner_unref(owner); /* the sweep keeps it; leaks are looked for at the end */
    assert_false(sweep_now(w->clone->owner));
    assert_int_equal(sweep_count(), 1);
}

static void a_sweep_keeps_its_owner(void **state)
{
    in_task(*state, drop_among_others);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_world, teardown_world)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_loop_all_is_freed_at_once),
        TEST(what_a_rewind_drops_comes_back),
        TEST(what_is_on_its_way_back_does_not_count_against_the_cap),
        TEST(a_sweep_keeps_its_owner),
    };
    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
