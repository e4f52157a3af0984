/* CREATE, ALTER and DROP DATABASE: what the host is asked, and what is refused before. The answers
 * are PostgreSQL 15's but for names with "~" and ALTER in transactions. */
#include "base/alloc.h"
#include "base/defs.h"
#include "support_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *asked(struct test_session *t, const char *text)
{
    rows(t, text);
    return fake_log();
}

/* "42704 message" of what must fail. */
static const char *refused(struct test_session *t, const char *text)
{
    static char answer[700];

    (void)snprintf(answer, sizeof(answer), "%s ", state(t, text));
    (void)snprintf(answer + 6, sizeof(answer) - 6, "%s", failure_get(&t->failure, FIELD_MESSAGE));
    return answer;
}

static void expect_asked(struct test_session *t, const char *const pairs[][2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(asked(t, pairs[i][0]), pairs[i][1]);
    }
}

static void expect_refused(struct test_session *t, const char *const pairs[][2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(refused(t, pairs[i][0]), pairs[i][1]);
        assert_string_equal(fake_log(), "");
    }
}

static void create_body(struct test_session *t)
{
    static const char *const pairs[][2] = {
        { "CREATE DATABASE a", "create a from - owner - -1; " },
        { "CREATE DATABASE \"B c\" WITH TEMPLATE shop", "create B c from shop owner - -1; " },
        { "CREATE DATABASE d OWNER = me TEMPLATE = \"B c\" ENCODING = 'unicode' LC_COLLATE 'C' "
          "LC_CTYPE 'C.UTF-8' TABLESPACE pg_default CONNECTION LIMIT 5 STRATEGY wal_log",
          "create d from B c owner me 5; " },
        { "CREATE DATABASE \"q\"\"/\\ \xc3\xbc\" ENCODING 6 IS_TEMPLATE true ALLOW_CONNECTIONS off",
          "create q\"/\\ \xc3\xbc from - owner - template closed -1; " },
        { "CREATE DATABASE e TEMPLATE DEFAULT OWNER DEFAULT ENCODING DEFAULT IS_TEMPLATE DEFAULT "
          "ALLOW_CONNECTIONS DEFAULT CONNECTION LIMIT DEFAULT LOCALE_PROVIDER libc",
          "create e from - owner - -1; " },
    };

    expect_asked(t, pairs, ARRAY_LEN(pairs));
    assert_string_equal(t->tag, "CREATE DATABASE");
    assert_string_equal(fake_notices(), "");
    assert_string_equal(refused(t, "CREATE DATABASE a"), "42P04 database \"a\" already exists");
}

static void create_asks_for_a_database(void **state)
{
    (void)state;
    with_fake_host(create_body);
}

static void options_body(struct test_session *t)
{
    static const char *const pairs[][2] = {
        { "CREATE DATABASE b foo 1", "42601 option \"foo\" not recognized" },
        { "CREATE DATABASE b ENCODING 'UTF8' ENCODING 'UTF8'",
          "42601 conflicting or redundant options" },
        { "CREATE DATABASE b ENCODING 'nope'", "42704 nope is not a valid encoding name" },
        { "CREATE DATABASE b ENCODING 'SJIS'", "42704 SJIS is not a valid encoding name" },
        { "CREATE DATABASE b ENCODING 999", "42704 999 is not a valid encoding code" },
        { "CREATE DATABASE b ENCODING -1", "42704 -1 is not a valid encoding code" },
        { "CREATE DATABASE b ENCODING 'latin-1'",
          "22023 new encoding (LATIN1) is incompatible with the encoding of the template database "
          "(UTF8)" },
        { "CREATE DATABASE b LC_COLLATE 'nope'", "42809 invalid locale name: \"nope\"" },
        { "CREATE DATABASE b LOCALE 5", "42809 invalid locale name: \"5\"" },
        { "CREATE DATABASE b LC_CTYPE 'de_DE.ISO-8859-1'",
          "22023 encoding \"UTF8\" does not match locale \"de_DE.ISO-8859-1\"" },
        { "CREATE DATABASE b STRATEGY 'nope'", "22023 invalid create database strategy \"nope\"" },
        { "CREATE DATABASE b TABLESPACE nope", "42704 tablespace \"nope\" does not exist" },
        { "CREATE DATABASE b TABLESPACE pg_global",
          "22023 pg_global cannot be used as default tablespace" },
        { "CREATE DATABASE b ALLOW_CONNECTIONS maybe",
          "42601 allow_connections requires a Boolean value" },
        { "CREATE DATABASE b CONNECTION LIMIT -2", "22023 invalid connection limit: -2" },
        { "CREATE DATABASE b CONNECTION LIMIT 'x'",
          "42601 connection_limit requires an integer value" },
        { "CREATE DATABASE b OID 5", "22023 OIDs less than 16384 are reserved for system objects" },
        { "CREATE DATABASE b OID 50000",
          "0A000 CREATE DATABASE ... OID is not supported by pond yet" },
        { "CREATE DATABASE b OID 'x'", "42601 oid requires a numeric value" },
        { "CREATE DATABASE b LOCALE_PROVIDER icu ICU_LOCALE 'de'",
          "0A000 ICU is not supported in this build" },
        { "CREATE DATABASE b LOCALE_PROVIDER nope", "42P17 unrecognized locale provider: nope" },
        { "CREATE DATABASE b ICU_LOCALE 'de'",
          "42P17 ICU locale cannot be specified unless locale provider is ICU" },
        { "CREATE DATABASE \"a~b\"", "42602 invalid database name: \"a~b\"" },
    };

    expect_refused(t, pairs, ARRAY_LEN(pairs));
    state(t, "CREATE DATABASE b OWNER x foo 1");
    assert_int_equal(t->failure.position, 27);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    with_fake_host(options_body);
}

static void warned_body(struct test_session *t)
{
    char text[400];
    char name[101] = { 0 };

    rows(t, "CREATE DATABASE a LC_COLLATE 'en_US.UTF-8' LC_CTYPE 'C' LOCATION 'x'");
    assert_string_equal(fake_notices(),
                        "WARNING 01000 pond sorts as the locale \"C\": \"en_US.UTF-8\" has no "
                        "effect; WARNING 0A000 LOCATION is not supported anymore; ");
    fake_log();
    memset(name, 'n', 100);
    (void)snprintf(text, sizeof(text), "CREATE DATABASE %s", name);
    rows(t, text);
    (void)snprintf(text, sizeof(text),
                   "NOTICE 42622 identifier \"%s\" will be truncated to \"%.63s\"; ", name, name);
    assert_string_equal(fake_notices(), text);
    (void)snprintf(text, sizeof(text), "create %.63s from - owner - -1; ", name);
    assert_string_equal(fake_log(), text);
    /* not in the middle of a character */
    name[62] = '\0';
    (void)snprintf(text, sizeof(text), "CREATE DATABASE \"%s\xc3\xa4\"", name);
    rows(t, text);
    (void)snprintf(text, sizeof(text), "create %s from - owner - -1; ", name);
    assert_string_equal(fake_log(), text);
}

static void what_is_cut_or_without_effect_is_told(void **state)
{
    (void)state;
    with_fake_host(warned_body);
}

static void drop_body(struct test_session *t)
{
    static const char *const pairs[][2] = {
        { "DROP DATABASE mine", "drop mine; " },
        { "DROP DATABASE IF EXISTS shop WITH (FORCE)", "drop shop force; " },
        { "DROP DATABASE IF EXISTS nope", "" },
    };

    expect_asked(t, pairs, ARRAY_LEN(pairs));
    assert_string_equal(t->tag, "DROP DATABASE");
    assert_string_equal(fake_notices(),
                        "NOTICE 00000 database \"nope\" does not exist, skipping; ");
    assert_string_equal(refused(t, "DROP DATABASE nope"), "3D000 database \"nope\" does not exist");
    assert_string_equal(refused(t, "DROP DATABASE IF EXISTS tester"),
                        "55006 cannot drop the currently open database");
    fake.sqlstate = "55006";
    assert_string_equal(state(t, "DROP DATABASE IF EXISTS mine"), "55006");
}

static void drop_asks_to_drop(void **state)
{
    (void)state;
    with_fake_host(drop_body);
}

static void alter_body(struct test_session *t)
{
    static const char *const pairs[][2] = {
        { "ALTER DATABASE mine RENAME TO \"Yours\"", "alter mine name Yours; " },
        { "ALTER DATABASE mine OWNER TO x", "alter mine owner x; " },
        { "ALTER DATABASE mine OWNER TO CURRENT_USER", "alter mine owner tester; " },
        { "ALTER DATABASE mine WITH IS_TEMPLATE true ALLOW_CONNECTIONS = false CONNECTION LIMIT 0",
          "alter mine template 1 open 0 limit 0; " },
        { "ALTER DATABASE mine SET TABLESPACE pg_default", "alter mine; " },
        { "ALTER DATABASE mine SET timezone TO 'UTC'", "alter mine; " },
        { "ALTER DATABASE mine SET statement_timeout = DEFAULT", "alter mine; " },
        { "ALTER DATABASE mine RESET ALL", "alter mine; " },
        { "ALTER DATABASE mine RESET timezone", "alter mine; " },
        { "ALTER DATABASE mine SET timezone FROM CURRENT", "alter mine; " },
        { "ALTER DATABASE mine REFRESH COLLATION VERSION", "alter mine; " },
    };
    static const char *const wrong[][2] = {
        { "ALTER DATABASE mine OWNER x", "42601 option \"owner\" not recognized" },
        { "ALTER DATABASE mine TABLESPACE pg_default CONNECTION LIMIT 5",
          "0A000 option \"tablespace\" cannot be specified with other options" },
        { "ALTER DATABASE tester RENAME TO x", "0A000 current database cannot be renamed" },
        { "ALTER DATABASE tester ALLOW_CONNECTIONS false",
          "22023 cannot disallow connections for current database" },
        { "ALTER DATABASE mine RENAME TO \"x~\"", "42602 invalid database name: \"x~\"" },
        { "ALTER DATABASE nope SET timezone TO 'UTC'", "3D000 database \"nope\" does not exist" },
    };
    static const char *const settings[][2] = {
        { "ALTER DATABASE mine SET timezone TO 'Europe/Berlin'",
          "0A000 ALTER DATABASE ... SET to another value than the default is not supported by pond "
          "yet" },
        { "ALTER DATABASE mine SET timezone TO 'Mars'",
          "22023 invalid value for parameter \"TimeZone\": \"Mars\"" },
        { "ALTER DATABASE mine SET nope = 1",
          "42704 unrecognized configuration parameter \"nope\"" },
        { "ALTER DATABASE mine RESET nope", "42704 unrecognized configuration parameter \"nope\"" },
        { "ALTER DATABASE mine SET server_version = '5'",
          "55P02 parameter \"server_version\" cannot be changed" },
    };

    expect_asked(t, pairs, ARRAY_LEN(pairs));
    assert_string_equal(t->tag, "ALTER DATABASE");
    assert_string_equal(fake_notices(), "NOTICE 00000 version has not changed; ");
    expect_refused(t, wrong, ARRAY_LEN(wrong));
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        assert_string_equal(refused(t, settings[i][0]), settings[i][1]);
    }
}

static void alter_asks_for_changes(void **state)
{
    (void)state;
    with_fake_host(alter_body);
}

static const char *const verbs[] = {
    "CREATE DATABASE x",
    "DROP DATABASE IF EXISTS mine",
    "ALTER DATABASE mine RENAME TO x",
    "ALTER DATABASE mine OWNER TO x",
    "ALTER DATABASE mine IS_TEMPLATE true",
    "ALTER DATABASE mine SET timezone TO 'UTC'",
    "ALTER DATABASE mine REFRESH COLLATION VERSION",
};

static void transaction_body(struct test_session *t)
{
    char text[128];

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        rows(t, "BEGIN");
        assert_string_equal(state(t, verbs[i]), "25001");
        rows(t, "ROLLBACK");
        (void)snprintf(text, sizeof(text), "%s; SELECT 1", verbs[i]);
        assert_string_equal(state(t, text), "25001");
        (void)snprintf(text, sizeof(text), "SELECT 1; %s", verbs[i]);
        assert_string_equal(state(t, text), "25001");
    }
    assert_string_equal(refused(t, "SELECT 1; CREATE DATABASE x"),
                        "25001 CREATE DATABASE cannot run inside a transaction block");
    rows(t, "SET default_transaction_read_only = on");
    assert_string_equal(refused(t, "DROP DATABASE mine"),
                        "25006 cannot execute DROP DATABASE in a read-only transaction");
    assert_string_equal(fake_log(), "");
}

static void none_of_it_runs_in_a_transaction(void **state)
{
    (void)state;
    with_fake_host(transaction_body);
}

static void alone_body(struct test_session *t)
{
    static const char *const others[] = { "SELECT 1", "VACUUM", "ALTER TABLE x RENAME TO y",
                                          "ALTER SCHEMA public OWNER TO me", "BEGIN" };
    struct plan *plan = NULL;

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        assert_int_equal(sql_prepare(t->sql, view_of_str(verbs[i]), NULL, 0, &plan, &t->failure),
                         0);
        assert_true(sql_plan_runs_alone(plan));
        sql_plan_unref(plan);
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_int_equal(sql_prepare(t->sql, view_of_str(others[i]), NULL, 0, &plan, &t->failure),
                         0);
        assert_false(sql_plan_runs_alone(plan));
        sql_plan_unref(plan);
    }
}

static void their_plans_say_so(void **state)
{
    (void)state;
    with_fake_host(alone_body);
}

static void seed_body(struct test_session *t)
{
    assert_string_equal(refused(t, "CREATE DATABASE x"),
                        "0A000 CREATE DATABASE is not available here");
    assert_string_equal(state(t, "DROP DATABASE IF EXISTS x"), "0A000");
    assert_string_equal(state(t, "ALTER DATABASE x IS_TEMPLATE true"), "0A000");
    rows(t, "ALTER DATABASE x OWNER TO me");
}

static void a_host_without_databases_refuses(void **state)
{
    (void)state;
    with_session(seed_body);
}

static void memory_body(struct test_session *t)
{
    static const char text[] = "CREATE DATABASE m OWNER x LC_COLLATE 'C' ENCODING 'UTF8'";

    (void)mem_fail_at(0, false);
    rows(t, text);
    uint64_t allocations = mem_fail_at(0, false);
    assert_true(allocations > 0);
    for (uint64_t n = 1; n <= allocations; n++) {
        rows(t, "DROP DATABASE IF EXISTS m");
        (void)mem_fail_at(n, false);
        bool done = run(t, text);
        (void)mem_fail_at(0, false);
        if (!done) {
            assert_string_equal(t->failure.sqlstate, "53200");
        }
        fake.count = 3;
    }
}

static void each_lost_allocation_ends_the_statement_only(void **state)
{
    (void)state;
    with_fake_host(memory_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_asks_for_a_database),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(what_is_cut_or_without_effect_is_told),
        cmocka_unit_test(drop_asks_to_drop),
        cmocka_unit_test(alter_asks_for_changes),
        cmocka_unit_test(none_of_it_runs_in_a_transaction),
        cmocka_unit_test(their_plans_say_so),
        cmocka_unit_test(a_host_without_databases_refuses),
        cmocka_unit_test(each_lost_allocation_ends_the_statement_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
