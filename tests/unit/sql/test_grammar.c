/* libpg_query: trees, errors with positions, bounded depth, memory that runs out. */
#include "sql/grammar.h"

#include "base/alloc.h"
#include "base/defs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static int parse(const char *text, struct tree **tree, struct failure *f)
{
    failure_clear(f);
    return grammar_parse(view_of_str(text), tree, f);
}

static void a_statement_becomes_its_tree(void **state)
{
    struct tree *tree = NULL;
    struct failure f;

    (void)state;
    assert_int_equal(parse("SELECT a FROM t WHERE id = $1", &tree, &f), 0);
    assert_int_equal(tree_statement(tree)->node_case, PG_QUERY__NODE__NODE_SELECT_STMT);
    assert_int_equal(tree_statement(tree)->select_stmt->n_target_list, 1);
    assert_true(tree_bytes(tree) > 0);
    tree_destroy(tree);
    assert_int_equal(parse(" -- nothing\n", &tree, &f), 0);
    assert_null(tree_statement(tree));
    tree_destroy(tree);
    tree_destroy(NULL);
}

static void errors_have_postgresqls_state_and_position(void **state)
{
    static const struct {
        const char *text;
        const char *sqlstate;
        int32_t position;
        const char *message;
    } cases[] = {
        { "SELEC 1", "42601", 1, "syntax error at or near \"SELEC\"" },
        { "SELECT 'é', 1 FROM", "42601", 19, "syntax error at end of input" },
        { "SELECT * FROM t WHERE )", "42601", 23, "syntax error at or near \")\"" },
        { "SELECT 'abc", "42601", 8, "unterminated quoted string at or near \"'abc\"" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tree *tree = NULL;
        struct failure f;

        assert_int_equal(parse(cases[i].text, &tree, &f), FAILED);
        assert_string_equal(f.sqlstate, cases[i].sqlstate);
        assert_string_equal(failure_get(&f, FIELD_MESSAGE), cases[i].message);
        assert_int_equal(f.position, cases[i].position);
    }
}

static char *nested(size_t levels)
{
    char *text = malloc(2 * levels + 16);
    char *at = text;

    assert_non_null(text);
    at = stpcpy(at, "SELECT ");
    memset(at, '(', levels);
    at += levels;
    *at++ = '1';
    memset(at, ')', levels);
    at[levels] = '\0';
    return text;
}

static void too_deep_is_refused_before_it_recurses(void **state)
{
    struct tree *tree = NULL;
    struct failure f;
    char *fits = nested(grammar_depth_max - 2);
    char *deep = nested(200000);

    (void)state;
    assert_int_equal(parse(fits, &tree, &f), 0);
    tree_destroy(tree);
    assert_int_equal(parse(deep, &tree, &f), FAILED);
    assert_string_equal(f.sqlstate, "54001");
    free(fits);
    free(deep);
}

static void what_the_parser_takes_counts_for_what_all_share(void **state)
{
    struct account all = { .limit = 150000 };
    struct account session = { .parent = &all };
    struct account *was = account_swap(&session);
    struct tree *tree = NULL;
    struct failure f;
    char wide[401] = "SELECT a";

    (void)state;
    for (size_t at = strlen(wide); at + 2 < sizeof(wide); at += 2) {
        strcpy(wide + at, ",a");
    }
    assert_int_equal(parse(wide, &tree, &f), FAILED);
    assert_string_equal(f.sqlstate, "53200");
    assert_int_equal(atomic_load(&all.refused), 1);
    assert_int_equal(atomic_load(&all.used), 0);
    atomic_store(&all.limit, 1000000);
    assert_int_equal(parse(wide, &tree, &f), 0);
    assert_int_equal(atomic_load(&all.used), atomic_load(&session.used)); /* it was for a moment */
    tree_destroy(tree);
    assert_int_equal(atomic_load(&all.used), 0);
    account_swap(was);
}

static void without_memory_it_fails_and_leaks_nothing(void **state)
{
    size_t before = mem_used_total();
    struct tree *tree = NULL;
    struct failure f;
    uint64_t asked;

    (void)state;
    (void)mem_fail_at(0, false);
    assert_int_equal(
        parse("SELECT a, b, c FROM t, u, v WHERE a = 1 AND b = 2 ORDER BY c", &tree, &f), 0);
    asked = mem_fail_at(0, false);
    tree_destroy(tree);
    assert_true(asked > 0);
    for (uint64_t n = 1; n <= asked; n++) {
        (void)mem_fail_at(n, false);
        assert_int_equal(
            parse("SELECT a, b, c FROM t, u, v WHERE a = 1 AND b = 2 ORDER BY c", &tree, &f),
            FAILED);
        (void)mem_fail_at(0, false);
        assert_string_equal(f.sqlstate, "53200");
        assert_int_equal(mem_used_total(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_becomes_its_tree),
        cmocka_unit_test(errors_have_postgresqls_state_and_position),
        cmocka_unit_test(too_deep_is_refused_before_it_recurses),
        cmocka_unit_test(what_the_parser_takes_counts_for_what_all_share),
        cmocka_unit_test(without_memory_it_fails_and_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
