/* daemon/seed.c */
#include "daemon/seed.h"

#include "async/loop.h"
#include "async/task.h"
#include "base/alloc.h"
#include "pool/clone.h"
#include "pool/session.h"
#include "pool/sqlite_setup.h"
#include "pool/template.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/pond-test-seed-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (sqlite_setup() != 0 || mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/seed.sql", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int load(const char *text, struct template **ret_template, struct failure *failure)
{
    struct seed_options options = { .path = path, .database = "shop" };

    memset(failure, 0, sizeof(*failure));
    write_file(text);
    return seed_load(&options, ret_template, failure);
}

/* ---- what is in a template: the first column of a query's first row ---- */

struct look {
    struct template *template_;
    const char *sql;
    int64_t value;
};

static void look_task(void *arg)
{
    struct look *look = arg;
    struct session_options options = { 0 };
    struct clone_limits limits = { 0 };
    struct failure failure = { 0 };
    struct clone *clone = NULL;
    struct session *session = NULL;
    struct cursor *cursor = NULL;
    const struct cell *cells;

    assert_int_equal(clone_create(look->template_, &limits, &clone), 0);
    assert_int_equal(session_open(clone, &options, &session, &failure), 0);
    session_statement_begin(session, DEADLINE_NONE);
    assert_int_equal(cursor_open(session, view_of_str(look->sql), NULL, 0, 0, &cursor, &failure),
                     0);
    assert_int_equal(cursor_next(cursor, &cells, &failure), 0);
    look->value = cells[0].i;
    cursor_close(cursor);
    session_close(session);
    clone_unref(clone);
}

static int64_t look_up(struct template *template_, const char *sql)
{
    struct look look = { .template_ = template_, .sql = sql };
    struct loop_options options = { 0 };
    struct loop *loop;

    assert_int_equal(loop_create(&options, &loop), 0);
    assert_int_equal(task_spawn(loop, "look", look_task, &look, NULL), 0);
    assert_int_equal(loop_run_until_idle(loop), 0);
    loop_destroy(loop);
    return look.value;
}

static void no_path_gives_an_empty_database(void **state)
{
    struct seed_options options = { .path = "", .database = "shop" };
    struct failure failure = { 0 };
    struct template *template_;

    (void)state;
    assert_int_equal(seed_load(&options, &template_, &failure), 0);
    assert_int_equal(look_up(template_, "SELECT count(*) FROM sqlite_schema"), 0);
    template_unref(template_);
}

static void a_script_leaves_its_tables_and_rows(void **state)
{
    struct failure failure;
    struct template *template_;

    (void)state;
    assert_int_equal(load("CREATE TABLE t (i int); -- one; two\nINSERT INTO t VALUES (1), (2);\n"
                          "BEGIN; INSERT INTO t VALUES (4); COMMIT;\n"
                          "BEGIN; INSERT INTO t VALUES (8); ROLLBACK;\nSELECT * FROM t;;\n",
                          &template_, &failure),
                     0);
    assert_int_equal(look_up(template_, "SELECT sum(i) FROM t"), 7);
    template_unref(template_);
}

static void copy_takes_the_lines_behind_it(void **state)
{
    struct failure failure;
    struct template *template_;

    (void)state;
    assert_int_equal(
        load("-- dumped\n\n\\restrict abc\nCREATE TABLE public.t (i int, s text);\n"
             "COPY public.t (i, s) FROM stdin;\n1\tone; two 'quote\n2\t\\N\n\\.\n\n\n"
             "COPY t FROM stdin (FORMAT csv);\n4,\"x\ny\"\n\\.\n"
             "INSERT INTO t VALUES (8);\n\\unrestrict abc\nCOPY t FROM stdin;\n16\tno end",
             &template_, &failure),
        0);
    assert_int_equal(look_up(template_, "SELECT sum(i) FROM t"), 31);
    assert_int_equal(look_up(template_, "SELECT count(s) FROM t"), 3);
    template_unref(template_);
}

static void bad_copy_data_are_named_with_their_line(void **state)
{
    struct failure failure;
    struct template *template_;
    char expected[256];

    (void)state;
    assert_int_equal(
        load("CREATE TABLE t (i int);\nCOPY t FROM stdin;\n1\nx\n\\.\n", &template_, &failure),
        FAILED);
    assert_string_equal(failure.sqlstate, "22P02");
    snprintf(expected, sizeof(expected),
             "%s:2: invalid input syntax for type integer: \"x\", "
             "COPY t, line 2, column i: \"x\"",
             path);
    assert_string_equal(failure_get(&failure, FIELD_MESSAGE), expected);
}

static void a_statement_that_fails_is_named_with_file_line_and_text(void **state)
{
    struct failure failure;
    struct template *template_;
    char expected[128];

    (void)state;
    assert_int_equal(load("CREATE TABLE t (i int);\n\n-- a comment\n  SELECT 1 FROM nowhere;\n",
                          &template_, &failure),
                     FAILED);
    assert_string_equal(failure.sqlstate, "42P01");
    snprintf(expected, sizeof(expected), "%s:4: ", path);
    assert_memory_equal(failure_get(&failure, FIELD_MESSAGE), expected, strlen(expected));
    assert_string_equal(failure_get(&failure, FIELD_DETAIL), "SELECT 1 FROM nowhere");
}

static void a_key_that_is_there_twice_is_named(void **state)
{
    struct failure failure;
    struct template *template_;

    (void)state;
    assert_int_equal(
        load("CREATE TABLE t (i int PRIMARY KEY);\nINSERT INTO t VALUES (1), (2), (2);\n",
             &template_, &failure),
        FAILED);
    assert_string_equal(failure.sqlstate, "23505");
    assert_non_null(strstr(failure_get(&failure, FIELD_MESSAGE),
                           "seed.sql:2: duplicate key value violates unique constraint \"t_pkey\": "
                           "Key (i)=(2) already exists."));
}

/* The place that the grammar names may be the first letter behind a newline. */
static void a_statement_that_is_none_is_named_with_its_line(void **state)
{
    static const struct {
        const char *script, *line;
    } rows[] = {
        { "SELEC 1;\n", "seed.sql:1: " },
        { "SELECT 1;\nINSRT INTO t;\n", "seed.sql:2: " },
        { "SELECT 1;\n\n\nSELECT 1\nFRM t;\n", "seed.sql:5: " },
        { "SELECT '\xc3\xbc\xc3\xbc',\nFROM t;\n", "seed.sql:2: " },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct failure failure;
        struct template *template_;

        assert_int_equal(load(rows[i].script, &template_, &failure), FAILED);
        assert_string_equal(failure.sqlstate, "42601");
        assert_non_null(strstr(failure_get(&failure, FIELD_MESSAGE), rows[i].line));
    }
}

static void an_unterminated_string_is_an_error_of_its_line(void **state)
{
    struct failure failure;
    struct template *template_;

    (void)state;
    assert_int_equal(
        load("CREATE TABLE t (i int);\nINSERT INTO t VALUES ('x", &template_, &failure), FAILED);
    assert_string_equal(failure.sqlstate, "42601");
    assert_non_null(strstr(failure_get(&failure, FIELD_MESSAGE), "seed.sql:2: "));
}

static void a_long_statement_is_named_by_its_beginning(void **state)
{
    static char text[5000];
    struct failure failure;
    struct template *template_;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    assert_int_equal(load(text, &template_, &failure), FAILED);
    assert_int_equal(strlen(failure_get(&failure, FIELD_DETAIL)), 204);
}

static void a_transaction_left_open_is_an_error(void **state)
{
    struct failure failure;
    struct template *template_;

    (void)state;
    assert_int_equal(load("BEGIN; CREATE TABLE t (i int);", &template_, &failure), FAILED);
    assert_non_null(strstr(failure_get(&failure, FIELD_MESSAGE), "ends inside a transaction"));
}

static void an_endless_script_ends_when_it_is_told_to(void **state)
{
    _Atomic bool stop = true;
    struct seed_options options = { .path = path, .database = "shop", .stop = &stop };
    struct failure failure = { 0 };
    struct template *template_;

    (void)state;
    write_file(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n;");
    assert_int_equal(seed_load(&options, &template_, &failure), FAILED);
    assert_string_equal(failure.sqlstate, "57P01");
}

/* An SQLite file is told by its first bytes, not by its name. */
static void an_sqlite_file_is_copied(void **state)
{
    struct seed_options options = { .path = path, .database = "shop" };
    struct failure failure = { 0 };
    struct template *template_;
    sqlite3 *db;

    (void)state;
    unlink(path);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "unix"),
                     SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "CREATE TABLE t (i int); INSERT INTO t VALUES (42)", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(seed_load(&options, &template_, &failure), 0);
    assert_int_equal(look_up(template_, "SELECT i FROM t"), 42);
    template_unref(template_);
}

static void a_truncated_sqlite_file_is_named(void **state)
{
    struct failure failure;
    struct template *template_;

    (void)state;
    write_file("SQLite format 3");
    FILE *file = fopen(path, "a");
    assert_int_equal(fwrite("\0\20\0\1\1\0", 1, 6, file), 6);
    fclose(file);
    struct seed_options options = { .path = path, .database = "shop" };
    memset(&failure, 0, sizeof(failure));
    assert_int_equal(seed_load(&options, &template_, &failure), FAILED);
    assert_non_null(strstr(failure_get(&failure, FIELD_MESSAGE), path));
}

/* Fails each allocation once: 53200 every time, and all memory is back afterwards. */
static void without_memory_at_any_place_there_is_no_template_and_no_leak(void **state)
{
    static const char text[] = "CREATE TABLE t (i int PRIMARY KEY); INSERT INTO t VALUES (1);";
    struct failure failure;
    struct template *template_;

    (void)state;
    assert_int_equal(load(text, &template_, &failure),
                     0); /* what is allocated once and kept is there now */
    template_unref(template_);
    for (uint64_t n = 1;; n++) {
        size_t before = mem_used_total();
        struct seed_options options = { .path = path, .database = "shop" };
        memset(&failure, 0, sizeof(failure));
        template_ = NULL;
        mem_fail_at(n, false);
        int r = seed_load(&options, &template_, &failure);
        bool hit = mem_fail_hit();
        mem_fail_at(0, false);
        if (r == 0) {
            template_unref(template_);
        } else {
            assert_true(hit);
            assert_int_equal(r, FAILED);
            assert_string_equal(failure.sqlstate, "53200");
        }
        assert_int_equal(mem_used_total(), before);
        if (!hit) {
            assert_true(n > 50);
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_path_gives_an_empty_database),
        cmocka_unit_test(a_script_leaves_its_tables_and_rows),
        cmocka_unit_test(copy_takes_the_lines_behind_it),
        cmocka_unit_test(bad_copy_data_are_named_with_their_line),
        cmocka_unit_test(a_statement_that_fails_is_named_with_file_line_and_text),
        cmocka_unit_test(a_key_that_is_there_twice_is_named),
        cmocka_unit_test(a_statement_that_is_none_is_named_with_its_line),
        cmocka_unit_test(an_unterminated_string_is_an_error_of_its_line),
        cmocka_unit_test(a_long_statement_is_named_by_its_beginning),
        cmocka_unit_test(a_transaction_left_open_is_an_error),
        cmocka_unit_test(an_endless_script_ends_when_it_is_told_to),
        cmocka_unit_test(an_sqlite_file_is_copied),
        cmocka_unit_test(a_truncated_sqlite_file_is_named),
        cmocka_unit_test(without_memory_at_any_place_there_is_no_template_and_no_leak),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
