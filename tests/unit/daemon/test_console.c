/* daemon/console*.c, where an allocation fails. What the commands say is
 * tests/clients/test_console.py's. */
#include "support_client.h"

#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)

static char admin_users[] = " boss ,chief";
static char stats_users[] = "looker";

static const char *const commands[] = {
    "SHOW CLIENTS", "SHOW CLONES", "SHOW CONFIG",  "SHOW DATABASES", "SHOW HELP",
    "SHOW LISTS",   "SHOW LOCKS",  "SHOW LOOPS",   "SHOW MEM",       "SHOW POOLS",
    "SHOW SERVERS", "SHOW STATS",  "SHOW nothing", "SHOW TEMPLATES", "SHOW VERSION",
};

static void set_users(void)
{
    static char nothing[] = "";

    test_conf.admin_users = admin_users;
    test_conf.stats_users = stats_users;
    test_conf.listen_addr = test_conf.unix_socket_dir = test_conf.temp_dir = nothing;
}

static struct client *console(const char *user)
{
    const char *const params[] = { "user", user, "database", "pond", NULL };

    set_users();
    return client_login(params);
}

static void lists_of_users_may_have_blanks(void **state)
{
    static const char *const users[] = { "boss", "chief", "looker" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(users); i++) {
        struct client *c = console(users[i]);

        expect_types(c, "RSSSSSSSSSKZ");
        client_close(c);
    }
    struct client *c = console(" boss");
    expect_error(c, "FATAL", "42501", "permission denied for database \"pond\"");
    client_close(c);
}

/* One client from start to end; what it hears does not matter. */
static bool whole_life(uint64_t fail_at)
{
    struct client *c = client_open();

    startup_message(&c->w);
    startup_param(&c->w, "user", "boss");
    startup_param(&c->w, "database", "pond");
    assert_int_equal(startup_message_end(&c->w), 0);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        frontend_query(&c->w, view_of_str(commands[i]));
    }
    frontend_terminate(&c->w);
    client_flush(c);
    bool hit = server_fail_until_empty(fail_at);
    client_close(c);
    return hit;
}

static void any_allocation_may_fail(void **state)
{
    uint64_t n = 1;

    (void)state;
    client_close(console("boss")); /* whatever is kept for good is made now */
    server_await_empty();
    while (whole_life(n)) {
        n++;
    }
    assert_in_range(n, 20, 1000);
    struct client *after = console("boss");
    client_forget(after);
    client_query(after, "SHOW VERSION");
    expect_types(after, "TDCZ");
    client_close(after);
}

static void no_memory_for_rows_is_an_error_of_the_command(void **state)
{
    struct client *c = console("boss");

    (void)state;
    client_forget(c);
    test_server.account.limit = atomic_load(&test_server.account.used) + 100;
    client_query(c, "SHOW CONFIG");
    expect_error(c, "ERROR", "53200", "out of memory");
    test_server.account.limit = 0;
    client_forget(c);
    client_query(c, "SHOW CONFIG");
    assert_true(c->counts['D'] > 20);
    client_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lists_of_users_may_have_blanks),
        TEST(any_allocation_may_fail),
        TEST(no_memory_for_rows_is_an_error_of_the_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
