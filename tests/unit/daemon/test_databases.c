/* Databases that are shared by name, where it takes a look inside to see what happens to them. */
#include "support_client.h"

#include "async/await.h"
#include "async/loop.h"
#include "daemon/connection_impl.h"
#include "daemon/worker.h"
#include "pool/registry.h"
#include "pool/template.h"
#include "protocol/utf8.h"

#include <stdlib.h>
#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)

static struct client *client_of(const char *database)
{
    const char *const params[] = { "user", "tester", "database", database, NULL };
    struct client *client = client_login(params);

    client_forget(client);
    return client;
}

static struct connection *newest_connection(void)
{
    return TAILQ_LAST(&test_worker->connections, connection_list);
}

/* ---- dropping one that others use ---- */

/* The other one was told to go, as far as anybody can see. */
static struct connection *one_who_leaves_but_does_not_go(struct client **ret_client)
{
    struct client *c = client_shop();

    client_query(c, "CREATE DATABASE d TEMPLATE shop");
    client_close(c);
    *ret_client = client_of("d");
    newest_connection()->goodbye = GOODBYE_IDLE;
    return newest_connection();
}

static void who_waits_to_drop_a_database_can_be_stopped(void **state)
{
    struct client *other;
    struct connection *leaves = one_who_leaves_but_does_not_go(&other);
    struct client *c = client_shop();

    (void)state;
    client_query(c, "SET statement_timeout = 20");
    client_query(c, "DROP DATABASE d");
    expect_error(c, "ERROR", "57014", "canceling statement due to statement timeout");
    client_query(c, "ALTER DATABASE d RENAME TO e");
    expect_error(c, "ERROR", "57014", "canceling statement due to statement timeout");
    client_query(c, "SET statement_timeout = 0");
    frontend_query(&c->w, view_of_str("DROP DATABASE d"));
    client_forget(c);
    client_flush(c);
    server_run_turns(3);
    connection_shutdown(newest_connection(), true);
    client_await_end(c);
    expect_error(c, "FATAL", "57P01", "terminating connection due to administrator command");
    leaves->goodbye = GOODBYE_NONE;
    client_close(c);
    client_close(other);
}

/* ---- databases that stay for a while ---- */

static void add_database_that_lingers(int64_t linger_us)
{
    struct template *template_;
    struct database_options options = { .name = "slow", .linger_us = linger_us };

    assert_int_equal(template_create_empty(&template_), 0);
    options.template_ = template_;
    assert_int_equal(registry_add(test_server.registry, &options), 0);
    template_unref(template_);
}

static void come_and_go(const char *database)
{
    struct client *c = client_of(database);

    frontend_terminate(&c->w);
    client_flush(c);
    client_await_end(c);
    client_close(c);
}

/* The second time nothing is made that is kept for later. */
static void one_that_is_left_again_and_again_waits_once(void **state)
{
    (void)state;
    add_database_that_lingers(3600000000);
    come_and_go("slow~a");
    come_and_go("slow~a");
    size_t used = test_server.account.used;
    for (int i = 0; i < 5; i++) {
        come_and_go("slow~a");
    }
    assert_int_equal(test_server.account.used, used);
}

static void one_that_is_dropped_waits_no_more(void **state)
{
    struct client *c = client_shop();
    size_t used = 0;

    (void)state;
    add_database_that_lingers(3600000000);
    for (int i = 0; i < 3; i++) {
        come_and_go("slow~a");
        client_query(c, "DROP DATABASE \"slow~a\"");
        expect_types(c, "CZ");
        assert_true(i < 2 || test_server.account.used == used);
        used = test_server.account.used;
    }
    client_close(c);
}

/* ---- what others see of a connection ---- */

/* `head`, and then two-byte characters, more than anybody keeps. */
static void long_text(char *ret_text, size_t bytes, const char *head)
{
    size_t len = strlen(head);

    memcpy(ret_text, head, len);
    for (; len + 2 < bytes; len += 2) {
        memcpy(ret_text + len, "\xc3\xa9", 2);
    }
    ret_text[len] = '\0';
}

static void expect_valid(struct client *client, const char *sql)
{
    client_query(client, sql);
    assert_int_equal(client->counts['E'], 0);
    for (size_t i = 0; i < client->counts['D']; i++) {
        struct backend_message message;
        struct value_param value;

        client_message(client, 'D', i, &message);
        for (struct value_iter it = row_values(&message.data_row); value_next(&it, &value);) {
            assert_true(value.is_null || utf8_valid(value.bytes));
        }
    }
}

static void whatever_is_cut_is_cut_between_characters(void **state)
{
    static const char *const heads[] = { "SELECT 1 -- ", "SELECT 1 --  " };
    char name[201], query[2001];
    const char *const params[] = { "user", name, "database", "shop~a", "application_name",
                                   name,   NULL };

    (void)state;
    long_text(name, sizeof(name), "");
    struct client *looked_at = client_login(params);
    struct client *looks = client_shop();

    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        long_text(query, sizeof(query), heads[i]);
        client_query(looked_at, query);
        expect_valid(looks, "SELECT * FROM pg_stat_activity");
    }
    expect_valid(looks, "SELECT rolname FROM pg_roles");
    client_query(looked_at, "SELECT '\xff'"); /* refused, but it was the last one */
    expect_valid(looks, "SELECT query FROM pg_stat_activity");
    client_close(looked_at);
    client_close(looks);
}

/* ---- no memory ---- */

static void sleep_a_while(void *arg)
{
    (void)arg;
    (void)!await_until(loop_now_us(test_worker->loop) + 1000);
}

/* Takes all stacks that the loop has kept. */
static void take_kept_stacks(void)
{
    struct loop_stats stats;

    loop_stats(test_worker->loop, &stats);
    for (uint64_t i = 0; i < stats.stacks_cached; i++) {
        assert_int_equal(task_spawn(test_worker->loop, "sleeper", sleep_a_while, NULL, NULL), 0);
    }
}

static void shut_down_without_stacks(void *arg)
{
    (void)arg;
    take_kept_stacks();
    mem_fail_at(1, true);
    connections_shutdown(test_worker, true);
    mem_fail_at(0, false);
}

/* The end of the first, the owner, is that of all the others; each of them needs a stack for it. */
static void who_has_no_stack_to_say_goodbye_ends_all_the_same(void **state)
{
    static const char *const owner[] = { "user",    "tester",           "database", "shop~a",
                                         "options", "-c pond.owner=on", NULL };
    struct client *clients[4] = { client_login(owner) };

    (void)state;
    for (size_t i = 1; i < ARRAY_LEN(clients); i++) {
        clients[i] = client_of("shop~a");
    }
    server_run(shut_down_without_stacks, NULL);
    server_await_empty();
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        client_close(clients[i]);
    }
}

/* What happens in one life, whatever each of it is told. */
static const char *const steps[] = {
    "SELECT pond_mark('m')",
    "CREATE TABLE t (id int); INSERT INTO t VALUES (1)",
    "SELECT pond_rewind('m'), pond_reset()",
    "CREATE DATABASE d TEMPLATE \"shop~a\"",
    "ALTER DATABASE d RENAME TO e",
    "SELECT datname FROM pg_database UNION ALL SELECT query FROM pg_stat_activity",
    "SELECT pond_template('made', 'shop')",
    "SELECT pond_template_ready('made')",
    "SELECT pond_template('left', 'made')",
};

static void say_start(struct client *c, const char *database, const char *options)
{
    startup_message(&c->w);
    startup_param(&c->w, "user", "tester");
    startup_param(&c->w, "database", database);
    if (options != NULL) {
        startup_param(&c->w, "options", options);
    }
    assert_int_equal(startup_message_end(&c->w), 0);
}

static void say_all(struct client *c)
{
    say_start(c, "shop~a", "-c pond.owner=on");
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        frontend_query(&c->w, view_of_str(steps[i]));
    }
    frontend_terminate(&c->w);
    client_flush(c);
}

/* One that the template's name leads to. */
static void say_hello(struct client *c)
{
    say_start(c, "made", NULL);
    frontend_terminate(&c->w);
    client_flush(c);
}

static bool live(void (*say)(struct client *c), uint64_t fail_at)
{
    struct client *c = client_open();

    say(c);
    bool hit = server_fail_until_empty(fail_at);
    client_close(c);
    return hit;
}

static void say_copy(struct client *c)
{
    say_start(c, "shop", NULL);
    frontend_query(&c->w, view_of_str("CREATE DATABASE d TEMPLATE e"));
    frontend_terminate(&c->w);
    client_flush(c);
}

/* "out of memory", and nothing else, when something was told at all. */
static void expect_no_other_error(struct client *c)
{
    struct backend_message message;
    struct failure failure;

    if (c->counts['E'] > 0) {
        client_message(c, 'E', 0, &message);
        error_parse(message.fields, &failure);
        assert_string_equal(failure.sqlstate, "53200");
    }
}

static void drop_what_lasts(void)
{
    struct client *c = client_shop();

    client_query(c, "ALTER DATABASE made IS_TEMPLATE false");
    client_query(c, "DROP DATABASE IF EXISTS made");
    client_query(c, "DROP DATABASE IF EXISTS d");
    client_query(c, "DROP DATABASE IF EXISTS e");
    client_query(c, "SELECT datname FROM pg_database");
    expect_types(c, "TDCZ"); /* what is left is the one of the configuration */
    client_close(c);
    server_await_empty();
}

static void any_allocation_may_fail(void **state)
{
    const char *rounds = getenv("POND_TEST_ROUNDS");
    uint64_t most = rounds == NULL ? 300 : strtoull(rounds, NULL, 10);
    uint64_t step = rounds == NULL ? 7 : 1;

    (void)state;
    for (uint64_t n = 1; n <= most; n++) {
        bool hit = live(say_all, (n - 1) * step + 1);

        hit = live(say_hello, n) || hit;
        drop_what_lasts();
        if (!hit) {
            break;
        }
    }
}

static void ask_once(const char *sql)
{
    struct client *c = client_shop();

    client_query(c, sql);
    client_close(c);
}

/* Was there an n-th? */
static bool copy_once(uint64_t n)
{
    struct client *c = client_open();

    say_copy(c);
    mem_fail_at(n, false);
    client_await_end(c);
    bool hit = mem_fail_hit();
    mem_fail_at(0, false);
    expect_no_other_error(c);
    client_close(c);
    ask_once("DROP DATABASE IF EXISTS d");
    return hit;
}

static void no_memory_for_a_copy_is_no_lack_of_its_template(void **state)
{
    (void)state;
    ask_once("CREATE DATABASE e TEMPLATE shop");
    ask_once("CREATE DATABASE d TEMPLATE e"); /* its plan is kept: the same allocations each time */
    ask_once("DROP DATABASE d");
    for (uint64_t n = 1; copy_once(n); n++) {
    }
    server_await_empty();
    drop_what_lasts();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_waits_to_drop_a_database_can_be_stopped),
        TEST(one_that_is_left_again_and_again_waits_once),
        TEST(one_that_is_dropped_waits_no_more),
        TEST(whatever_is_cut_is_cut_between_characters),
        TEST(who_has_no_stack_to_say_goodbye_ends_all_the_same),
        TEST(any_allocation_may_fail),
        TEST(no_memory_for_a_copy_is_no_lack_of_its_template),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
