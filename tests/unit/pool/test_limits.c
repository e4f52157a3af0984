/* The deepest legal statement of each kind runs within a task's stack (a guard page ends the test
 * otherwise), all together too, and what is deeper is refused with 54001. */
#include "support_session.h"

#include "pool/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    char *bytes;
    size_t len;
};

static void add(struct text *text, const char *part)
{
    size_t len = strlen(part);

    text->bytes = realloc(text->bytes, text->len + len + 1);
    assert_non_null(text->bytes);
    memcpy(text->bytes + text->len, part, len + 1);
    text->len += len;
}

static void add_times(struct text *text, const char *part, int times)
{
    for (int i = 0; i < times; i++) {
        add(text, part);
    }
}

static void add_number(struct text *text, const char *format, int number)
{
    char part[64];

    snprintf(part, sizeof(part), format, number);
    add(text, part);
}

static void run_text(struct session *session, struct text *text)
{
    run(session, text->bytes);
    free(text->bytes);
    *text = (struct text){ .len = 0 };
}

static void refuse_text(struct session *session, struct text *text)
{
    fails(session, text->bytes, "54001", NULL);
    free(text->bytes);
    *text = (struct text){ .len = 0 };
}

/* ---- expressions ---- */

static void expressions(struct world *w)
{
    static const char *const links[] = { "+1",       "||n",  " AND n", " OR n=1", " COLLATE nocase",
                                         " NOTNULL", "->'a'" };
    struct text text = { .len = 0 };

    for (size_t i = 0; i < ARRAY_LEN(links); i++) {
        add(&text, "SELECT n FROM t WHERE n");
        add_times(&text, links[i], 490);
        run_text(w->session, &text);
        add(&text, "SELECT n FROM t WHERE n");
        add_times(&text, links[i], 710);
        refuse_text(w->session, &text);
    }
}

static void the_deepest_expressions(void **state)
{
    in_task(*state, expressions);
}

/* ---- compound selects ---- */

static void compounds(struct world *w)
{
    static const char *const links[] = { " UNION ", " UNION ALL ", " EXCEPT ", " INTERSECT " };
    static const char *const tails[] = { "", " ORDER BY 1" };
    struct text text = { .len = 0 };

    for (size_t i = 0; i < ARRAY_LEN(links) * ARRAY_LEN(tails); i++) {
        add(&text, "SELECT id FROM parent");
        for (int k = 1; k < guard_compound_terms; k++) {
            add(&text, links[i / ARRAY_LEN(tails)]);
            add(&text, "SELECT id FROM parent");
        }
        add(&text, tails[i % ARRAY_LEN(tails)]);
        run_text(w->session, &text);
    }
}

static void the_longest_compounds(void **state)
{
    in_task(*state, compounds);
}

/* ---- patterns, JSON ---- */

static void patterns(struct world *w)
{
    struct text text = { .len = 0 };

    add(&text, "SELECT replace(hex(zeroblob(1500)), '00', 'a') LIKE '");
    add_times(&text, "%a", guard_pattern_bytes / 2);
    add(&text, "'");
    run_text(w->session, &text);
    add(&text, "SELECT json('");
    add_times(&text, "[", 1990);
    add_times(&text, "]", 1990);
    add(&text, "')");
    run_text(w->session, &text);
}

static void the_deepest_pattern_and_json(void **state)
{
    in_task(*state, patterns);
}

/* ---- triggers and foreign keys: as many as the authorizer lets through ---- */

enum { chain_links = 700 * (POND_STACK_KIB / 1024) };

static void chains(struct world *w)
{
    struct text text = { .len = 0 };
    char sql[160];

    run(w->session, "CREATE TABLE g0(x)");
    run(w->session, "CREATE TABLE f0(x INTEGER PRIMARY KEY)");
    begin(w->session, TXN_READ_COMMITTED);
    for (int i = 1; i < chain_links; i++) {
        snprintf(sql, sizeof(sql), "CREATE TABLE g%d(x)", i);
        run(w->session, sql);
        snprintf(sql, sizeof(sql),
                 "CREATE TRIGGER r%d AFTER INSERT ON g%d BEGIN INSERT INTO g%d VALUES(new.x); END",
                 i, i - 1, i);
        run(w->session, sql);
        snprintf(sql, sizeof(sql),
                 "CREATE TABLE f%d(x INTEGER PRIMARY KEY REFERENCES f%d ON DELETE CASCADE)", i,
                 i - 1);
        run(w->session, sql);
    }
    commit(w->session);
    fails(w->session, "INSERT INTO g0 VALUES(1)", "54001", "stack depth limit exceeded");
    fails(w->session, "DELETE FROM f0", "54001", "stack depth limit exceeded");
    /* behind the deepest trigger that passes, an expression */
    snprintf(sql, sizeof(sql), "INSERT INTO g%d VALUES(", chain_links - 100);
    add(&text, sql);
    add(&text, "1");
    add_times(&text, "+1", 490);
    add(&text, ")");
    run_text(w->session, &text);
}

static void chains_end_at_half_the_stack(void **state)
{
    in_task(*state, chains);
}

/* ---- columns put in the place of their names ---- */

static void add_view(struct text *text, int number, int ops)
{
    add_number(text, "CREATE VIEW v%d AS SELECT id", number);
    add_times(text, "+1", ops);
    add(text, number == 0 ? " AS id FROM t" : " AS id FROM ");
    if (number > 0) {
        add_number(text, "v%d", number - 1);
    }
}

static void flattened_views(struct world *w)
{
    struct text text = { .len = 0 };

    for (int i = 0; i < guard_view_depth; i++) {
        add_view(&text, i, 4);
        run_text(w->session, &text);
    }
    assert_int_equal(query_int(w->session, "SELECT id FROM v99 LIMIT 1"), 401);
    run(w->session, "DROP VIEW v99");
    add_view(&text, 99, 5);
    refuse_text(w->session, &text);
}

static void views_whose_columns_add_up(void **state)
{
    in_task(*state, flattened_views);
}

static void flattened_ctes(struct world *w)
{
    struct text text = { .len = 0 };

    for (int ops = 3; ops <= 4; ops++) {
        add(&text, "WITH c0 AS (SELECT id FROM t)");
        for (int i = 1; i < 199; i++) {
            add_number(&text, ", c%d AS (SELECT id", i);
            add_times(&text, "+1", ops);
            add_number(&text, " AS id FROM c%d)", i - 1);
        }
        add(&text, " SELECT id FROM c198 LIMIT 1");
        if (ops == 3) {
            run_text(w->session, &text);
        } else {
            refuse_text(w->session, &text);
        }
    }
}

static void common_table_expressions_whose_columns_add_up(void **state)
{
    in_task(*state, flattened_ctes);
}

static void generated(struct world *w)
{
    struct text text = { .len = 0 };

    add(&text, "CREATE TABLE gen(c0 INT");
    for (int i = 1; i < 690; i++) {
        add_number(&text, ", c%d AS ", i);
        add_number(&text, "(c%d+1)", i - 1);
    }
    add(&text, ")");
    run_text(w->session, &text);
    run(w->session, "INSERT INTO gen VALUES(1)");
    assert_int_equal(query_int(w->session, "SELECT c689 FROM gen"), 690);
    add(&text, "ALTER TABLE gen ADD COLUMN d AS (c689");
    add_times(&text, "+1", 20);
    add(&text, ")");
    refuse_text(w->session, &text);
    add(&text, "CREATE TABLE gen2(c0 INT");
    for (int i = 1; i < 800; i++) {
        add_number(&text, ", c%d AS ", i);
        add_number(&text, "(c%d+1)", i - 1);
    }
    add(&text, ")");
    refuse_text(w->session, &text);
}

static void generated_columns_that_stand_upon_each_other(void **state)
{
    in_task(*state, generated);
}

/* ---- all together ---- */

static void together(struct world *w)
{
    struct text text = { .len = 0 };

    for (int i = 0; i < guard_view_depth; i++) {
        add_view(&text, i, 4);
        run_text(w->session, &text);
    }
    add(&text, "WITH c0 AS (SELECT id FROM v99)");
    for (int i = 1; i < 190; i++) {
        add_number(&text, ", c%d AS (SELECT id FROM ", i);
        add_number(&text, "c%d)", i - 1);
    }
    add(&text, " SELECT id FROM c189 WHERE id IN (SELECT 1");
    add_times(&text, " UNION ALL SELECT 1", guard_compound_terms - 1);
    add(&text, ") AND replace(hex(zeroblob(1500)), '00', 'a') NOT LIKE '");
    add_times(&text, "%a", guard_pattern_bytes / 2);
    add(&text, "' AND id = id");
    add_times(&text, "+1", 150);
    run_text(w->session, &text);
}

static void all_of_it_together(void **state)
{
    in_task(*state, together);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, setup_world, teardown_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_deepest_expressions),
        WORLD_TEST(the_longest_compounds),
        WORLD_TEST(the_deepest_pattern_and_json),
        WORLD_TEST(chains_end_at_half_the_stack),
        WORLD_TEST(views_whose_columns_add_up),
        WORLD_TEST(common_table_expressions_whose_columns_add_up),
        WORLD_TEST(generated_columns_that_stand_upon_each_other),
        WORLD_TEST(all_of_it_together),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
