/* pool/pagemap.h: by examples, and by random changes beside a plain array. */
#include "support_vfs.h"

#include "pool/page.h"
#include "pool/pagemap.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

enum { page_bytes = 64, model_pages = 9000, models = 6 };

static struct page_owner *payer;

static int make_payer(void **state maybe_unused)
{
    return page_owner_create(page_bytes, 0, NULL, &payer);
}

/* Whatever a test took is back at its end. */
static int drop_payer(void **state maybe_unused)
{
    size_t left = page_owner_used(payer);

    page_owner_unref(payer);
    return left == 0 ? 0 : -1;
}

static struct page *page_saying(uint32_t word)
{
    struct page *page = page_create(payer);

    assert_non_null(page);
    memcpy(page->data, &word, sizeof(word));
    return page;
}

static uint32_t said(const struct page *page)
{
    uint32_t word = 0;

    if (page != NULL) {
        memcpy(&word, page->data, sizeof(word));
    }
    return word;
}

static void put(struct pagemap *map, uint32_t number, uint32_t word)
{
    assert_int_equal(pagemap_put(map, payer, number, page_saying(word)), 0);
}

static void test_an_empty_map_has_no_page(void **state maybe_unused)
{
    struct pagemap map = { 0 };
    struct pagemap other = pagemap_share(&map);

    assert_null(pagemap_get(&map, 0));
    assert_null(pagemap_get(&map, 1));
    assert_null(pagemap_get(&map, UINT32_MAX));
    assert_null(pagemap_get_private(&map, 1));
    assert_int_equal(pagemap_truncate(&map, payer, 0), 0);
    pagemap_finish(&map);
    pagemap_finish(&other);
}

static void test_what_was_put_is_found(void **state maybe_unused)
{
    static const uint32_t numbers[] = { 1, 64, 65, 4096, 4097, 262144, 262145, 16777217 };
    struct pagemap map = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        put(&map, numbers[i], numbers[i] + 7);
        assert_int_equal(map.pages, numbers[i]);
        for (size_t j = 0; j <= i; j++) {
            assert_int_equal(said(pagemap_get(&map, numbers[j])), numbers[j] + 7);
        }
    }
    assert_null(pagemap_get(&map, 2));
    assert_null(pagemap_get(&map, 16777218));
    pagemap_finish(&map);
}

static void test_the_last_page_number_fits_and_the_next_is_none(void **state maybe_unused)
{
    struct pagemap map = { 0 };

    put(&map, PAGEMAP_MAX_PAGES, 5);
    assert_int_equal(said(pagemap_get(&map, PAGEMAP_MAX_PAGES)), 5);
    assert_null(pagemap_get(&map, (uint32_t)PAGEMAP_MAX_PAGES + 1));
    pagemap_finish(&map);
}

static void test_a_shared_map_keeps_what_it_was(void **state maybe_unused)
{
    struct pagemap map = { 0 };

    for (uint32_t i = 1; i <= 200; i++) {
        put(&map, i, i);
    }
    struct pagemap old = pagemap_share(&map);
    put(&map, 100, 1000);
    put(&map, 5000, 5000);
    assert_int_equal(said(pagemap_get(&map, 100)), 1000);
    assert_int_equal(said(pagemap_get(&old, 100)), 100);
    assert_int_equal(old.pages, 200);
    assert_null(pagemap_get(&old, 5000));
    assert_ptr_equal(pagemap_get(&old, 101), pagemap_get(&map, 101));
    pagemap_finish(&map);
    assert_int_equal(said(pagemap_get(&old, 100)), 100);
    pagemap_finish(&old);
}

static void test_a_page_is_private_until_someone_sees_it(void **state maybe_unused)
{
    struct pagemap map = { 0 };

    put(&map, 3, 3);
    assert_non_null(pagemap_get_private(&map, 3));
    struct page *lent = page_ref(pagemap_get(&map, 3));
    assert_null(pagemap_get_private(&map, 3));
    page_unref(lent);
    assert_non_null(pagemap_get_private(&map, 3));
    struct pagemap other = pagemap_share(&map);
    assert_null(pagemap_get_private(&map, 3));
    put(&map, 4, 4); /* the map's nodes are its own now, page 3 is not */
    assert_null(pagemap_get_private(&map, 3));
    assert_non_null(pagemap_get_private(&map, 4));
    pagemap_finish(&other);
    assert_non_null(pagemap_get_private(&map, 3));
    pagemap_finish(&map);
}

static void test_a_borrowed_map_counts_nothing(void **state maybe_unused)
{
    struct pagemap sealed = { 0 };

    for (uint32_t i = 1; i <= 5000; i++) {
        put(&sealed, i, i);
    }
    size_t used = page_owner_used(payer);
    struct pagemap view = pagemap_borrow(&sealed);
    struct pagemap again = pagemap_share(&view);

    assert_null(pagemap_get_private(&view, 9));
    put(&view, 9, 900);
    /* One page and three nodes at most, whatever the size; no count of the lender's was touched. */
    assert_true(page_owner_used(payer) - used < 3 * 600 + 200);
    assert_true(page_is_private(pagemap_get(&sealed, 9)));
    assert_true(page_is_private(pagemap_get(&sealed, 10)));
    assert_null(pagemap_get_private(&view, 10));
    assert_non_null(pagemap_get_private(&view, 9));
    assert_int_equal(said(pagemap_get(&sealed, 9)), 9);
    assert_int_equal(said(pagemap_get(&again, 9)), 9);
    pagemap_finish(&again);
    pagemap_finish(&view);
    assert_int_equal(page_owner_used(payer), used);
    pagemap_finish(&sealed);
}

static void test_growing_a_borrowed_map_puts_own_levels_on_top(void **state maybe_unused)
{
    struct pagemap sealed = { 0 };

    put(&sealed, 1, 1);
    struct pagemap view = pagemap_borrow(&sealed);
    put(&view, 300000, 3);
    assert_int_equal(said(pagemap_get(&view, 1)), 1);
    assert_int_equal(said(pagemap_get(&view, 300000)), 3);
    put(&view, 1, 2);
    assert_int_equal(said(pagemap_get(&sealed, 1)), 1);
    pagemap_finish(&view);
    pagemap_finish(&sealed);
}

static void test_truncating_drops_what_is_behind_and_regrowing_shows_zeroes(
    void **state maybe_unused)
{
    struct pagemap map = { 0 };

    for (uint32_t i = 1; i <= 5000; i++) {
        put(&map, i, i);
    }
    struct pagemap old = pagemap_share(&map);
    assert_int_equal(pagemap_truncate(&map, payer, 70), 0);
    assert_int_equal(map.pages, 70);
    assert_int_equal(said(pagemap_get(&map, 70)), 70);
    assert_null(pagemap_get(&map, 71));
    assert_int_equal(pagemap_truncate(&map, payer, 6000), 0);
    assert_null(pagemap_get(&map, 71));
    assert_null(pagemap_get(&map, 5000));
    assert_int_equal(said(pagemap_get(&old, 5000)), 5000);
    pagemap_finish(&old);
    pagemap_finish(&map);
}

static void test_a_map_is_let_go_of_in_steps(void **state maybe_unused)
{
    struct pagemap map = { 0 };

    for (uint32_t i = 1; i <= 5000; i++) {
        put(&map, i, i);
    }
    struct pagemap old = pagemap_share(&map);
    for (uint32_t i = 1; i <= 5000; i += 64) {
        put(&map, i, i); /* 79 pages, and all nodes */
    }
    size_t used = page_owner_used(payer);
    size_t page = mem_size(pagemap_get(&map, 1));
    struct pagemap_remains remains = pagemap_let_go(&map);

    assert_null(map.root);
    assert_int_equal(page_owner_used(payer), used);
    assert_false(pagemap_free_some(&remains, 10)); /* the first page, and nine that old sees too */
    assert_int_equal(page_owner_used(payer), used - page);
    assert_false(pagemap_free_some(&remains, 4980));
    assert_true(pagemap_free_some(&remains, 20));
    for (uint32_t i = 1; i <= 5000; i++) {
        assert_int_equal(said(pagemap_get(&old, i)), i);
    }
    struct pagemap again = pagemap_share(&old);
    remains = pagemap_let_go(&again);
    assert_true(pagemap_free_some(&remains, 1)); /* others see it */
    pagemap_finish(&old);
}

static void test_no_memory_changes_nothing(void **state maybe_unused)
{
    struct pagemap sealed = { 0 };

    for (uint32_t i = 1; i <= 5000; i++) {
        put(&sealed, i, i);
    }
    for (uint64_t site = 1;; site++) {
        struct pagemap map = pagemap_borrow(&sealed);
        struct page *page = page_saying(7);

        mem_fail_at(site, false);
        int put_rc = pagemap_put(&map, payer, 300000, page);
        int cut_rc = put_rc < 0 ? 0 : pagemap_truncate(&map, payer, 4000);
        mem_fail_at(0, false);
        if (put_rc < 0) {
            page_unref(page);
        }
        uint32_t pages = put_rc < 0 ? 5000 : cut_rc < 0 ? 300000 : 4000;
        assert_int_equal(map.pages, pages);
        for (uint32_t i = 1; i <= 5000; i++) {
            assert_int_equal(said(pagemap_get(&map, i)), i <= pages ? i : 0);
        }
        pagemap_finish(&map);
        if (put_rc == 0 && cut_rc == 0) {
            assert_true(site > 3);
            break;
        }
    }
    pagemap_finish(&sealed);
}

/* ---- random changes beside a plain array ---- */

struct model {
    struct pagemap map;
    uint32_t pages;
    uint32_t *words;
};

static void check_model(const struct model *m)
{
    assert_int_equal(m->map.pages, m->pages);
    for (uint32_t i = 1; i <= model_pages; i++) {
        assert_int_equal(said(pagemap_get(&m->map, i)), i <= m->pages ? m->words[i] : 0);
    }
}

/* What pagemap_each_change() has said. */
struct said_changes {
    const struct pagemap *from;
    const struct pagemap *to;
    uint32_t last;
};

/* Whatever it passed over is the same page in both. */
static void check_passed_over(const struct said_changes *s, uint32_t until)
{
    for (uint32_t i = s->last + 1; i < until; i++) {
        const struct page *page = pagemap_get(s->to, i);

        assert_true(page == pagemap_get(s->from, i) || page == NULL);
    }
}

static int hear_change(void *arg, uint32_t number, const struct page *page)
{
    struct said_changes *s = arg;

    assert_true(number > s->last && number <= s->to->pages);
    assert_ptr_equal(page, pagemap_get(s->to, number));
    check_passed_over(s, number);
    s->last = number;
    return 0;
}

static int stop_at_once(void *arg, uint32_t number maybe_unused,
                        const struct page *page maybe_unused)
{
    (*(int *)arg)++;
    return 7;
}

/* NULL may be passed over where there was no page before: behind the end of `from`, too. */
static void check_changes(const struct model *from, const struct model *to)
{
    struct said_changes s = { .from = &from->map, .to = &to->map };
    int heard = 0;

    assert_int_equal(pagemap_each_change(s.from, s.to, hear_change, &s), 0);
    check_passed_over(&s, s.to->pages + 1);
    for (uint32_t i = 1; i <= from->pages && i <= to->pages; i++) {
        if (from->words[i] != 0 && to->words[i] == 0 && pagemap_get(s.to, i) == NULL) {
            assert_true(s.last >= i); /* it has become zeroes, and that was said */
        }
    }
    int r = pagemap_each_change(s.from, s.to, stop_at_once, &heard);
    assert_int_equal(r, heard * 7);
    assert_true(heard <= 1);
}

static void finish_in_steps(struct pagemap *map, uint64_t *seed)
{
    struct pagemap_remains remains = pagemap_let_go(map);

    while (!pagemap_free_some(&remains, 1 + rnd_below(seed, 50))) {
    }
}

static void change_model(struct model *all, uint64_t *seed, uint32_t word)
{
    struct model *m = &all[rnd_below(seed, models)];
    const struct model *from = &all[rnd_below(seed, models)];
    uint32_t number = 1 + rnd_below(seed, rnd_below(seed, 4) == 0 ? model_pages : 150);

    switch (rnd_below(seed, 20)) {
    case 0:
        if (m != from) {
            finish_in_steps(&m->map, seed);
            m->map = pagemap_share(&from->map);
            m->pages = from->pages;
            memcpy(m->words, from->words, (model_pages + 1) * sizeof(uint32_t));
        }
        break;
    case 1:
        assert_int_equal(pagemap_truncate(&m->map, payer, number - 1), 0);
        m->pages = number - 1;
        for (uint32_t i = number; i <= model_pages; i++) {
            m->words[i] = 0;
        }
        break;
    default: {
        struct page *own = pagemap_get_private(&m->map, number);
        if (own != NULL) {
            memcpy(own->data, &word, sizeof(word));
        } else {
            put(&m->map, number, word);
        }
        m->words[number] = word;
        m->pages = number > m->pages ? number : m->pages;
    }
    }
}

static void test_random_changes_agree_with_an_array(void **state maybe_unused)
{
    uint64_t seed = test_seed();
    unsigned rounds = test_rounds(4000);
    struct model all[models] = { 0 };

    for (size_t i = 0; i < models; i++) {
        all[i].words = mem_zalloc((model_pages + 1) * sizeof(uint32_t));
        assert_non_null(all[i].words);
    }
    for (unsigned round = 1; round <= rounds; round++) {
        change_model(all, &seed, round);
        if (round % 250 == 0) {
            check_model(&all[rnd_below(&seed, models)]);
            check_changes(&all[rnd_below(&seed, models)], &all[rnd_below(&seed, models)]);
        }
    }
    for (size_t i = 0; i < models; i++) {
        check_model(&all[i]);
        pagemap_finish(&all[i].map);
        mem_free(all[i].words);
    }
}

/* ---- threads: clones of one template on several loops, one of which lets go of the template ----
 */

static void *let_go(void *arg)
{
    struct pagemap *map = arg;

    pagemap_finish(map);
    return NULL;
}

static void test_a_shared_tree_may_be_let_go_of_by_another_thread(void **state maybe_unused)
{
    for (int i = 0; i < 50; i++) {
        struct pagemap map = { 0 };
        pthread_t thread;

        for (uint32_t n = 1; n <= 100; n++) {
            put(&map, n, n);
        }
        struct pagemap theirs = pagemap_share(&map);
        assert_int_equal(pthread_create(&thread, NULL, let_go, &theirs), 0);
        for (uint32_t n = 1; n <= 100; n += 3) {
            struct page *own = pagemap_get_private(&map, n);
            if (own != NULL) {
                own->data[0] = 0;
            } else {
                put(&map, n, 0);
            }
        }
        pthread_join(thread, NULL);
        pagemap_finish(&map);
    }
}

#define with_payer(test) cmocka_unit_test_setup_teardown(test, make_payer, drop_payer)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_payer(test_an_empty_map_has_no_page),
        with_payer(test_what_was_put_is_found),
        with_payer(test_the_last_page_number_fits_and_the_next_is_none),
        with_payer(test_a_shared_map_keeps_what_it_was),
        with_payer(test_a_page_is_private_until_someone_sees_it),
        with_payer(test_a_borrowed_map_counts_nothing),
        with_payer(test_growing_a_borrowed_map_puts_own_levels_on_top),
        with_payer(test_truncating_drops_what_is_behind_and_regrowing_shows_zeroes),
        with_payer(test_a_map_is_let_go_of_in_steps),
        with_payer(test_no_memory_changes_nothing),
        with_payer(test_random_changes_agree_with_an_array),
        with_payer(test_a_shared_tree_may_be_let_go_of_by_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
