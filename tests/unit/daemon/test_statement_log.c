/* log_statement and log_min_duration_statement; the line of statistics. */
#include "support_client.h"

#include "daemon/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)

static char logged[8192];

/* What the queries log goes to a pipe instead of standard error. */
static const char *log_of(struct client *client, const char *sql)
{
    int ends[2];
    int saved = dup(STDERR_FILENO);

    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    client_query(client, sql);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    ssize_t n = read(ends[0], logged, sizeof(logged) - 1);
    logged[n < 0 ? 0 : n] = '\0';
    close(ends[0]);
    return logged;
}

static void statements_are_logged_by_their_kind(void **state)
{
    struct client *c = client_shop();

    (void)state;
    assert_string_equal(log_of(c, "CREATE TABLE a (id int)"), "");
    test_conf.log_statement = 1;
    assert_non_null(strstr(log_of(c, "CREATE TABLE b (id int)"),
                           "] LOG: [1] statement: CREATE TABLE b (id int)\n"));
    assert_string_equal(log_of(c, "INSERT INTO b VALUES (1)"), "");
    test_conf.log_statement = 2;
    assert_non_null(strstr(log_of(c, "DELETE FROM b"), "statement: DELETE FROM b\n"));
    assert_string_equal(log_of(c, "SELECT 1"), "");
    test_conf.log_statement = 3;
    assert_non_null(strstr(log_of(c, "SELECT 1"), "statement: SELECT 1\n"));
    client_close(c);
}

static void slow_statements_are_logged_with_their_time(void **state)
{
    struct client *c = client_shop();

    (void)state;
    test_conf.log_min_duration_us = 0;
    const char *line = log_of(c, "SELECT 1; SELECT 2");
    assert_non_null(strstr(line, "[1] duration: "));
    assert_non_null(strstr(line, " ms  statement: SELECT 1\n"));
    assert_non_null(strstr(line, "SELECT 2\n"));
    test_conf.log_min_duration_us = 60000000;
    assert_string_equal(log_of(c, "SELECT 1"), "");
    client_close(c);
}

static void an_execute_is_logged_with_its_statement_and_no_parameter(void **state)
{
    struct client *c = client_shop();

    (void)state;
    test_conf.log_statement = 3;
    frontend_parse(&c->w, view_of_str("s"), view_of_str("SELECT $1"), NULL, 0);
    frontend_bind(&c->w, view_of_str("p"), view_of_str("s"), NULL, 0, 1);
    writer_value(&c->w, view_of_str("secret"));
    frontend_bind_end(&c->w, NULL, 0);
    frontend_execute(&c->w, view_of_str("p"), 0);
    const char *lines = log_of(c, "SELECT 1");
    assert_non_null(strstr(lines, "] LOG: [1] execute \"p\": SELECT $1\n"));
    assert_null(strstr(lines, "secret"));
    client_close(c);
}

static void a_statement_that_fails_is_logged_by_its_first_word(void **state)
{
    struct client *c = client_shop();

    (void)state;
    client_query(c, "CREATE TABLE u (id int PRIMARY KEY)");
    client_query(c, "INSERT INTO u VALUES (1)");
    test_conf.log_statement = 1;
    assert_string_equal(log_of(c, "INSERT INTO u VALUES (1)"), "");
    test_conf.log_statement = 2;
    assert_non_null(strstr(log_of(c, " insert INTO u VALUES (1)"),
                           "LOG: [1] failed with 23505  statement:  insert INTO u VALUES (1)\n"));
    assert_string_equal(log_of(c, "SELECT 1 / 0"), "");
    test_conf.log_statement = 0;
    test_conf.log_min_duration_us = 0;
    assert_non_null(strstr(log_of(c, "SELECT 1 / 0"), " ms  failed with 22012  statement: SELECT"));
    client_close(c);
}

static void a_long_statement_is_cut(void **state)
{
    struct client *c = client_shop();
    static char sql[6000];

    (void)state;
    memset(sql, ' ', sizeof(sql) - 1);
    memcpy(sql, "SELECT 1 AS", 11);
    strcpy(sql + sizeof(sql) - 5, "\"e\"");
    test_conf.log_statement = 3;
    const char *line = log_of(c, sql);
    assert_non_null(strstr(line, "statement: SELECT 1 AS"));
    assert_null(strstr(line, "\"e\""));
    client_close(c);
}

struct statistics {
    struct buf line;
    bool no_memory;
    int result;
};

static void ask_statistics(void *arg)
{
    struct statistics *s = arg;

    mem_fail_at(s->no_memory ? 1 : 0, true);
    s->result = stats_line(&test_server, &s->line);
    mem_fail_at(0, false);
}

static void the_statistics_are_names_and_values(void **state)
{
    struct statistics s = { 0 };
    struct client *c = client_shop();

    (void)state;
    client_query(c, "SELECT 1");
    server_run(ask_statistics, &s);
    assert_int_equal(s.result, 0);
    assert_int_equal(buf_append_byte(&s.line, '\0'), 0);
    const char *text = (const char *)s.line.data;
    assert_non_null(strstr(text, "clones=0 connections=1 connections_total=1 connections_refused=0 "
                                 "statements=1 clone_open_count=1 clone_open_us_mean="));
    assert_non_null(strstr(text, " longest_hold_us="));
    assert_non_null(strstr(text, " longest_cpu_us="));
    assert_non_null(strstr(text, " sweeps=0 memory="));
    buf_finish(&s.line);
    client_close(c);
}

static void no_memory_for_the_statistics_is_said(void **state)
{
    struct statistics s = { .no_memory = true };

    (void)state;
    server_run(ask_statistics, &s);
    assert_true(s.result < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(statements_are_logged_by_their_kind),
        TEST(slow_statements_are_logged_with_their_time),
        TEST(an_execute_is_logged_with_its_statement_and_no_parameter),
        TEST(a_statement_that_fails_is_logged_by_its_first_word),
        TEST(a_long_statement_is_cut),
        TEST(the_statistics_are_names_and_values),
        TEST(no_memory_for_the_statistics_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
