/* What statements may not do. */
#include "support_session.h"

#include "pool/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const denied[] = {
    "ATTACH 'x.db' AS x",
    "ATTACH '' AS x",
    "ATTACH ':memory:' AS x",
    "VACUUM INTO '/tmp/pond-guard.db'",
    "DETACH temp",
    "SELECT load_extension('x')",
    "SELECT fts3_tokenizer('simple')",
    "PRAGMA journal_mode = wal",
    "PRAGMA journal_mode = off",
    "PRAGMA main.locking_mode = exclusive",
    "PRAGMA page_size = 512",
    "PRAGMA auto_vacuum = full",
    "PRAGMA mmap_size = 0",
    "PRAGMA schema_version = 1",
    "PRAGMA writable_schema = 1",
    "PRAGMA writable_schema",
    "PRAGMA cache_spill = 0",
    "PRAGMA synchronous = 0",
    "PRAGMA foreign_keys = 0",
    "PRAGMA case_sensitive_like = 0",
    "PRAGMA user_version = 1",
    "PRAGMA temp_store_directory = '/tmp'",
    "PRAGMA data_store_directory = '/tmp'",
    "PRAGMA hard_heap_limit = 1",
    "PRAGMA optimize",
    "PRAGMA wal_checkpoint",
    "PRAGMA incremental_vacuum(1)",
    "PRAGMA no_such_pragma",
    "CREATE VIRTUAL TABLE v USING csv(filename = '/etc/passwd')",
    "CREATE VIRTUAL TABLE v USING fsdir('/etc')",
    "UPDATE sqlite_schema SET sql = ''",
    "INSERT INTO sqlite_schema VALUES('table', 'x', 'x', 2, 'CREATE TABLE x(a)')",
    "DROP TABLE sqlite_schema",
    "BEGIN",
    "begin immediate",
    "COMMIT",
    "END",
    "ROLLBACK",
    "SAVEPOINT a",
    "RELEASE a",
    "/* hidden */ -- so\n SAVEPOINT a",
};

static void deny_all(struct world *w)
{
    for (size_t i = 0; i < ARRAY_LEN(denied); i++) {
        struct failure f = { .sqlstate = "" };

        if (try(w->session, denied[i], &f) != FAILED || strcmp(f.sqlstate, "42501") != 0) {
            fail_msg("%s: %s %s", denied[i], f.sqlstate, failure_get(&f, FIELD_MESSAGE));
        }
        assert_non_null(strstr(failure_get(&f, FIELD_MESSAGE), "permission denied for "));
    }
    assert_int_equal(sqlite3_get_autocommit(session_sqlite(w->session)), 1);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);
}

static void what_reaches_outside_is_denied(void **state)
{
    in_task(*state, deny_all);
}

static const char *const allowed[] = {
    "PRAGMA table_info(t)",
    "PRAGMA main.table_xinfo('t')",
    "PRAGMA table_list",
    "PRAGMA index_list(orders)",
    "PRAGMA foreign_key_list(child)",
    "PRAGMA foreign_key_check",
    "PRAGMA integrity_check",
    "PRAGMA quick_check",
    "PRAGMA user_version",
    "PRAGMA page_size",
    "PRAGMA journal_mode",
    "PRAGMA compile_options",
    "SELECT * FROM pragma_table_info('t')",
    "SELECT * FROM sqlite_schema",
    "VACUUM",
    "ANALYZE",
    "REINDEX",
    "CREATE VIRTUAL TABLE docs USING fts5(body)",
    "INSERT INTO docs VALUES('the quick fox')",
    "INSERT INTO docs(docs) VALUES('optimize')",
    "SELECT * FROM docs WHERE docs MATCH 'quick'",
    "DROP TABLE docs",
    "CREATE VIRTUAL TABLE boxes USING rtree(id, a, b)",
    "INSERT INTO boxes VALUES(1, 2, 3)",
    "CREATE TEMP TABLE x AS SELECT * FROM t",
    "ALTER TABLE t RENAME COLUMN n TO m",
    "EXPLAIN QUERY PLAN SELECT * FROM t",
    "CREATE TRIGGER g AFTER INSERT ON parent BEGIN DELETE FROM t; END",
};

static void allow_all(struct world *w)
{
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
        run(w->session, allowed[i]);
    }
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);
}

static void ordinary_statements_pass(void **state)
{
    in_task(*state, allow_all);
}

static void pragma_names_are_sorted(void **state)
{
    (void)state;
    /* the list is searched by halves: each must be found */
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
        char name[64];

        if (sscanf(allowed[i], "PRAGMA %63[a-z_]", name) == 1 && strcmp(name, "main") != 0) {
            assert_true(guard_pragma_allowed(name, NULL) || guard_pragma_allowed(name, "t"));
        }
    }
    assert_true(guard_pragma_allowed("application_id", NULL));
    assert_true(guard_pragma_allowed("USER_VERSION", NULL));
    assert_false(guard_pragma_allowed("user_version", "1"));
    assert_false(guard_pragma_allowed("table_info", NULL));
    assert_false(guard_pragma_allowed("", NULL));
}

/* ---- lengths and counts ---- */

static char *repeat(const char *head, const char *part, size_t count, const char *tail)
{
    size_t len = strlen(head) + strlen(part) * count + strlen(tail) + 1;
    char *text = malloc(len);
    char *at = text;

    assert_non_null(text);
    at += sprintf(at, "%s", head);
    for (size_t i = 0; i < count; i++) {
        at = stpcpy(at, part);
    }
    strcpy(at, tail);
    return text;
}

static void try_repeated(struct session *session, const char *head, const char *part, size_t most,
                         const char *tail, const char *sqlstate)
{
    char *legal = repeat(head, part, most, tail);
    char *over = repeat(head, part, most + 1, tail);

    run(session, legal);
    fails(session, over, sqlstate, NULL);
    free(legal);
    free(over);
}

static void limits(struct world *w)
{
    try_repeated(w->session, "SELECT 1", " UNION ALL SELECT 1", guard_compound_terms - 1, "",
                 "54001");
    try_repeated(w->session, "SELECT 1", "+1", guard_expression_depth - 1, "", "54001");
}

static void the_deepest_expression_and_one_more(void **state)
{
    in_task(*state, limits);
}

static void too_long(struct world *w)
{
    char *legal = repeat("SELECT '", "x", guard_statement_bytes - 9, "'");
    char *over = repeat("SELECT '", "x", guard_statement_bytes - 8, "'");
    struct session *small =
        session_on(w->clone, &(struct session_options){ .statement_bytes = 20 });

    assert_int_equal(strlen(legal), guard_statement_bytes);
    run(w->session, legal);
    fails(w->session, over, "54000", "statement is too long");
    run(small, "SELECT 1, 2, 3, 4, 5");
    fails(small, "SELECT 1, 2, 3, 4, 56", "54000", "statement is too long");
    session_close(small);
    free(legal);
    free(over);
}

static void the_longest_statement_and_one_more(void **state)
{
    in_task(*state, too_long);
}

static void parameters(struct world *w)
{
    struct failure f;
    struct cell *params = calloc(guard_parameters + 1, sizeof(*params));
    struct cursor *cursor;

    for (size_t i = 0; i <= guard_parameters; i++) {
        params[i] = (struct cell){ .kind = CELL_INT, .i = (int64_t)i + 1 };
    }
    assert_int_equal(cursor_open(w->session, view_of_str("SELECT ?65535"), params,
                                 guard_parameters + 1, 0, &cursor, &f),
                     0);
    assert_int_equal(next_int(cursor), 65535);
    cursor_close(cursor);
    fails(w->session, "SELECT ?65536", "42P02", NULL);
    free(params);
}

static void parameters_up_to_65535(void **state)
{
    in_task(*state, parameters);
}

static void patterns(struct world *w)
{
    try_repeated(w->session, "SELECT 'x' LIKE '", "%", guard_pattern_bytes, "'", "54000");
}

static void the_longest_pattern_and_one_more(void **state)
{
    in_task(*state, patterns);
}

/* ---- nesting ---- */

static void view_on(struct session *session, const char *sql, int number, int on,
                    const char *sqlstate)
{
    char text[256];

    snprintf(text, sizeof(text), sql, number, on);
    if (sqlstate == NULL) {
        run(session, text);
    } else {
        fails(session, text, sqlstate, NULL);
    }
}

static void views(struct world *w)
{
    run(w->session, "CREATE VIEW v0 AS SELECT id FROM t");
    for (int i = 1; i < guard_view_depth; i++) {
        view_on(w->session, "CREATE VIEW v%d AS SELECT id FROM v%d", i, i - 1, NULL);
    }
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM v99"), 1000);
    view_on(w->session, "CREATE VIEW v%d AS SELECT id FROM v%d", 100, 99, "54001");
    view_on(w->session, "CREATE TEMP VIEW \"x%d\" AS SELECT id FROM t JOIN main.\"v%d\" USING (id)",
            100, 99, "54001");
    view_on(w->session, "CREATE VIEW IF NOT EXISTS main.[y%d](a) AS SELECT 1 WHERE 1 IN v%d", 100,
            99, "54001");
    run(w->session, "CREATE VIEW beside AS SELECT id AS v99 FROM t");
    /* from below: the new one slips under those that are there */
    run(w->session, "DROP VIEW v0");
    run(w->session, "CREATE VIEW w0 AS SELECT id FROM t");
    fails(w->session, "CREATE VIEW v0 AS SELECT id FROM w0", "54001", NULL);
    run(w->session, "CREATE VIEW v0 AS SELECT id FROM t");
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM v99"), 1000);
}

static void views_of_views_up_to_a_hundred(void **state)
{
    in_task(*state, views);
}

/* WITH c0 AS (SELECT 1 AS x), c1 AS (SELECT * FROM c0), ... SELECT * FROM c<n-1> */
static char *chain(const char *head, int count)
{
    char *text = malloc((size_t)count * 48 + 256);
    char *at = text + sprintf(text, "%sWITH c0 AS (SELECT 1 AS x)", head);

    for (int i = 1; i < count; i++) {
        at += sprintf(at, ", c%d AS (SELECT * FROM c%d)", i, i - 1);
    }
    sprintf(at, " SELECT * FROM c%d", count - 1);
    return text;
}

static void ctes(struct world *w)
{
    char *legal = chain("", guard_nesting - 1);
    char *over = chain("", guard_nesting + 1);
    char *view = chain("CREATE VIEW big AS ", guard_nesting - 1);

    assert_int_equal(query_int(w->session, legal), 1);
    fails(w->session, over, "54001", NULL);
    run(w->session, view);
    char *second = chain("CREATE VIEW more AS ", guard_nesting - 20);
    char *third = repeat(second, "", 0, ", big");
    fails(w->session, third, "54001", NULL); /* each is fine, both are not */
    free(legal);
    free(over);
    free(view);
    free(second);
    free(third);
}

static void chains_of_common_table_expressions_are_bounded(void **state)
{
    in_task(*state, ctes);
}

static bool is_upper(const char *function)
{
    return strcmp(function, "upper") == 0;
}

static void few_functions(struct world *w)
{
    struct failure f = { .sqlstate = "" };

    run(w->session, "CREATE VIEW lowered AS SELECT lower('X')");
    session_allow_functions(w->session, is_upper);
    run(w->session, "SELECT upper('x')");
    assert_int_equal(try(w->session, "SELECT upper('x') || lower('X')", &f), FAILED);
    assert_string_equal(f.sqlstate, "42501");
    assert_int_equal(try(w->session, "SELECT * FROM lowered", &f), FAILED);
    assert_int_equal(try(w->session, "SELECT CURRENT_TIMESTAMP", &f), FAILED);
    session_allow_functions(w->session, NULL);
    run(w->session, "SELECT * FROM lowered");
}

static void functions_can_be_limited_to_a_few(void **state)
{
    in_task(*state, few_functions);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, setup_world, teardown_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(what_reaches_outside_is_denied),
        WORLD_TEST(ordinary_statements_pass),
        cmocka_unit_test(pragma_names_are_sorted),
        WORLD_TEST(the_longest_statement_and_one_more),
        WORLD_TEST(parameters_up_to_65535),
        WORLD_TEST(the_longest_pattern_and_one_more),
        WORLD_TEST(views_of_views_up_to_a_hundred),
        WORLD_TEST(chains_of_common_table_expressions_are_bounded),
        WORLD_TEST(functions_can_be_limited_to_a_few),
        WORLD_TEST(the_deepest_expression_and_one_more),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
