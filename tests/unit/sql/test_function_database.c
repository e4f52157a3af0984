/* pg_database, pg_stat_activity, pg_roles, pg_user and the functions around them, over a host that
 * gives up the turn whenever it is asked; the texts are those of psql, ORMs and test harnesses. */
#include "base/alloc.h"
#include "base/defs.h"
#include "sql/role.h"
#include "support_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void expect_rows(struct test_session *t, const char *const pairs[][2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows(t, pairs[i][0]), pairs[i][1]) != 0) {
            print_error("%s: got %s instead of %s\n", pairs[i][0], t->rows, pairs[i][1]);
            fail();
        }
    }
}

/* ---- databases ---- */

static void columns_body(struct test_session *t)
{
    char text[128];

    (void)snprintf(text, sizeof(text), "20002|mine|%u|6|c|f|t|-1|1|1|1663|C|C.UTF-8|~|~|~\n",
                   role_oid("other"));
    assert_string_equal(rows(t, "SELECT * FROM pg_database WHERE datname = 'mine'"), text);
    assert_string_equal(t->types,
                        "oid:26 datname:19 datdba:26 encoding:23 datlocprovider:18 "
                        "datistemplate:16 datallowconn:16 datconnlimit:23 datfrozenxid:28 "
                        "datminmxid:28 dattablespace:26 datcollate:25 datctype:25 daticulocale:25 "
                        "datcollversion:25 datacl:1034");
    rows(t, "SELECT * FROM pg_catalog.pg_stat_activity WHERE pid = 4712");
    assert_string_equal(t->types,
                        "datid:26 datname:19 pid:23 leader_pid:23 usesysid:26 usename:19 "
                        "application_name:25 client_addr:869 client_hostname:25 client_port:23 "
                        "backend_start:1184 xact_start:1184 query_start:1184 state_change:1184 "
                        "wait_event_type:25 wait_event:25 state:25 backend_xid:28 backend_xmin:28 "
                        "query_id:20 query:25 backend_type:25");
    rows(t, "SELECT * FROM pg_roles WHERE rolname = current_user");
    assert_string_equal(t->types,
                        "rolname:19 rolsuper:16 rolinherit:16 rolcreaterole:16 rolcreatedb:16 "
                        "rolcanlogin:16 rolreplication:16 rolconnlimit:23 rolpassword:25 "
                        "rolvaliduntil:1184 rolbypassrls:16 rolconfig:1009 oid:26");
    rows(t, "SELECT * FROM pg_user WHERE usename = current_user");
    assert_string_equal(t->types, "usename:19 usesysid:26 usecreatedb:16 usesuper:16 userepl:16 "
                                  "usebypassrls:16 passwd:25 valuntil:1184 useconfig:1009");
}

static void pools_body(struct test_session *t)
{
    assert_string_equal(rows(t, "SELECT * FROM pond_pools ORDER BY datname"),
                        "20007|empty|0|0|0|0|0|~|0|0|0|0|0\n"
                        "20000|shop|8|1|8|0|3|1234|1000|9|2|4|5000000000\n");
    assert_string_equal(t->types,
                        "datid:26 datname:19 pool_size:20 min_pool_size:20 in_use:20 idle:20 "
                        "waiting:20 longest_wait_ms:20 leases:20 created:20 timed_out:20 "
                        "clones:20 clone_bytes:20");
    assert_string_equal(rows(t, "SELECT d.datname, sum(p.waiting) FROM pg_database d JOIN "
                                "pond_pools p ON p.datid = d.oid GROUP BY 1"),
                        "shop|3\n");
    assert_string_equal(rows(t, "SELECT pond_memory() > 0"), "t\n");
    assert_string_equal(t->types, "?column?:16");
}

static void pools_are_a_relation(void **state)
{
    (void)state;
    with_fake_host(pools_body);
}

static void columns_are_postgresql_15s(void **state)
{
    (void)state;
    with_fake_host(columns_body);
}

#define PSQL_LIST                                                                \
    "SELECT d.datname as \"Name\",\n"                                            \
    "       pg_catalog.pg_get_userbyid(d.datdba) as \"Owner\",\n"                \
    "       pg_catalog.pg_encoding_to_char(d.encoding) as \"Encoding\",\n"       \
    "       d.datcollate as \"Collate\",\n"                                      \
    "       d.datctype as \"Ctype\",\n"                                          \
    "       d.daticulocale as \"ICU Locale\",\n"                                 \
    "       CASE d.datlocprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' END " \
    "AS \"Locale Provider\",\n"                                                  \
    "       pg_catalog.array_to_string(d.datacl, E'\\n') AS \"Access privileges\""

static void psql_body(struct test_session *t)
{
    static const char *const pairs[][2] = {
        { PSQL_LIST "\nFROM pg_catalog.pg_database d\nORDER BY 1;",
          "mine|other|UTF8|C|C.UTF-8|~|libc|~\n"
          "shop|pond|UTF8|C|C.UTF-8|~|libc|~\n"
          "tester|tester|UTF8|C|C.UTF-8|~|libc|~\n" },
        { PSQL_LIST
          ",\n       CASE WHEN pg_catalog.has_database_privilege(d.datname, 'CONNECT')\n"
          "            THEN pg_catalog.pg_size_pretty(pg_catalog.pg_database_size(d.datname))\n"
          "            ELSE 'No Access'\n       END as \"Size\",\n"
          "       t.spcname as \"Tablespace\",\n"
          "       pg_catalog.shobj_description(d.oid, 'pg_database') as \"Description\"\n"
          "FROM pg_catalog.pg_database d\n"
          "  JOIN pg_catalog.pg_tablespace t on d.dattablespace = t.oid\nORDER BY 1;",
          "mine|other|UTF8|C|C.UTF-8|~|libc|~|8192 bytes|pg_default|~\n"
          "shop|pond|UTF8|C|C.UTF-8|~|libc|~|8192 bytes|pg_default|~\n"
          "tester|tester|UTF8|C|C.UTF-8|~|libc|~|8192 bytes|pg_default|~\n" },
    };

    expect_rows(t, pairs, ARRAY_LEN(pairs));
}

static void psql_lists_databases(void **state)
{
    (void)state;
    with_fake_host(psql_body);
}

static void harness_body(struct test_session *t)
{
    static const char *const pairs[][2] = {
        { "SELECT 1 FROM pg_database WHERE datname = 'mine'", "1\n" },
        { "SELECT 1 FROM pg_database WHERE datname='nope'", "" },
        { "SELECT datname FROM pg_database WHERE datistemplate = false ORDER BY datname",
          "mine\ntester\n" },
        /* pgtestdb, sqlx */
        { "SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'shop' AND datistemplate = true)",
          "t\n" },
        { "select exists(SELECT 1 from pg_database WHERE datname = 'mine')", "t\n" },
        { "SELECT EXISTS (SELECT from pg_catalog.pg_roles WHERE rolname = 'other')", "t\n" },
        /* Rails */
        { "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = "
          "current_database()",
          "UTF8\n" },
        { "SELECT datcollate FROM pg_database WHERE datname = current_database()", "C\n" },
        /* TypeORM, DBeaver, pgAdmin */
        { "SELECT \"datname\" FROM \"pg_database\" WHERE \"datname\" = 'shop'", "shop\n" },
        { "SELECT db.oid = 20000, db.datistemplate FROM pg_catalog.pg_database db WHERE "
          "datallowconn AND NOT datistemplate OR datname = 'shop' ORDER BY db.datname LIMIT 1",
          "f|f\n" },
        { "SELECT d.datname, r.rolname FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba "
          "ORDER BY 1",
          "mine|other\nshop|pond\ntester|tester\n" },
        { "SELECT count(*) FROM pg_database a, pg_database b WHERE a.oid = b.oid", "3\n" },
        { "SELECT x.a, x.b > 0 FROM pg_database AS x(b, a) WHERE a = 'mine'", "mine|t\n" },
        /* who is there */
        { "SELECT pid, datname, usename, state FROM pg_stat_activity ORDER BY pid",
          "4711|tester|tester|active\n4712|mine|other|idle in transaction\n4713|~|admin|~\n" },
        { "SELECT query, backend_start, xact_start FROM pg_stat_activity WHERE pid = "
          "pg_backend_pid()",
          "SELECT \"x\"\n|2023-11-14 22:13:20+00|~\n" },
        { "SELECT client_addr, client_port, xact_start, wait_event FROM pg_stat_activity WHERE "
          "datname = 'mine'",
          "127.0.0.1|5001|2023-11-14 22:13:20.25+00|ClientRead\n" },
        { "SELECT count(*) FROM pg_stat_activity s JOIN pg_database d ON d.oid = s.datid", "2\n" },
        { "SELECT pid, now() - query_start, client_port FROM pg_stat_activity WHERE now() - "
          "backend_start < interval '1 hour' AND query_start IS NOT NULL ORDER BY query_start",
          "4711|-00:00:01.5|-1\n" },
        { "SELECT pid FROM pg_stat_activity WHERE client_addr = '127.0.0.1'", "4712\n" },
        { "SELECT state, count(*) FROM pg_stat_activity GROUP BY state ORDER BY 2 DESC, 1",
          "active|1\nidle in transaction|1\n~|1\n" },
        /* pgjdbc's getCatalogs(), EF Core */
        { "SELECT datname AS TABLE_CAT FROM pg_catalog.pg_database WHERE datallowconn = true "
          "ORDER BY datname",
          "mine\nshop\ntester\n" },
        { "SELECT CASE WHEN COUNT(*) = 0 THEN FALSE ELSE TRUE END FROM pg_catalog.pg_database "
          "WHERE datname='mine'",
          "t\n" },
        { "SELECT usename, usesuper FROM pg_user ORDER BY 1",
          "admin|t\nother|t\npond|t\ntester|t\n" },
        { "SELECT has_database_privilege('mine', 'CREATE')", "t\n" },
    };

    expect_rows(t, pairs, ARRAY_LEN(pairs));
}

static void harnesses_find_what_they_ask_for(void **state)
{
    (void)state;
    with_fake_host(harness_body);
}

static void prepared_body(struct test_session *t)
{
    rows(t, "PREPARE p AS SELECT 1 FROM pg_database WHERE datname = $1");
    assert_string_equal(rows(t, "EXECUTE p('mine')"), "1\n");
    assert_string_equal(rows(t, "EXECUTE p('nope')"), "");
    rows(t, "CREATE DATABASE fresh OWNER fred");
    assert_string_equal(rows(t, "EXECUTE p('fresh')"), "1\n");
    assert_string_equal(rows(t, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = "
                                "'fresh'"),
                        "fred\n");
    rows(t, "CREATE TABLE kept AS SELECT datname FROM pg_database");
    rows(t, "CREATE VIEW seen AS SELECT datname FROM pg_database");
    rows(t, "DROP DATABASE fresh");
    assert_string_equal(rows(t, "SELECT count(*) FROM kept"), "4\n");
    assert_string_equal(rows(t, "SELECT count(*) FROM seen"), "3\n");
    rows(t, "BEGIN; INSERT INTO kept SELECT datname FROM pg_database; ROLLBACK");
    assert_string_equal(rows(t, "SELECT count(*) FROM kept"), "4\n");
}

static void each_run_asks_again(void **state)
{
    (void)state;
    with_fake_host(prepared_body);
}

static void update_body(struct test_session *t)
{
    static const struct {
        const char *text, *log, *tag;
    } updates[] = {
        { "UPDATE pg_database SET datistemplate = true WHERE datname='mine'",
          "alter mine template 1; ", "UPDATE 1" },
        { "UPDATE pg_catalog.pg_database d SET datallowconn = NOT datallowconn, datconnlimit = '5' "
          "WHERE d.datname IN ('shop', 'mine')",
          "alter shop open 0 limit 5; alter mine open 0 limit 5; ", "UPDATE 2" },
        { "UPDATE pg_database SET datallowconn = false WHERE datname = 'nope'", "", "UPDATE 0" },
    };
    static const char *const wrong[][2] = {
        { "UPDATE pg_database SET datname = 'x'", "0A000" },
        { "UPDATE pg_database SET nope = 1", "42703" },
        { "UPDATE pg_database SET datallowconn = 5", "42804" },
        { "UPDATE pg_database SET datistemplate = true WHERE 1", "42804" },
        { "UPDATE pg_database SET datistemplate = true RETURNING datname", "0A000" },
        { "UPDATE pg_database SET datistemplate = true FROM pg_roles", "0A000" },
        { "UPDATE pg_database SET (datistemplate, datallowconn) = (true, true)", "0A000" },
    };

    for (size_t i = 0; i < ARRAY_LEN(updates); i++) {
        assert_string_equal(rows(t, updates[i].text), "");
        assert_string_equal(fake_log(), updates[i].log);
        assert_string_equal(t->tag, updates[i].tag);
        assert_string_equal(t->types, "");
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_string_equal(state(t, wrong[i][0]), wrong[i][1]);
    }
    rows(t, "PREPARE p AS UPDATE pg_database SET datistemplate = $2 WHERE datname = $1");
    rows(t, "EXECUTE p('mine', false)");
    assert_string_equal(fake_log(), "alter mine template 0; ");
    assert_string_equal(t->tag, "UPDATE 1");
    rows(t, "BEGIN");
    assert_string_equal(state(t, updates[0].text), "25001");
    rows(t, "ROLLBACK");
    assert_string_equal(fake_log(), "");
}

static void pg_database_can_be_updated(void **state)
{
    (void)state;
    with_fake_host(update_body);
}

/* What createdb and dropdb of PostgreSQL 15 send, with all of their options, and what sqlx,
 * testcontainers, EF Core and pytest-postgresql do with a database. */
static void tools_body(struct test_session *t)
{
    static const char *const pairs[][2] = {
        { "SELECT pg_catalog.set_config('search_path', '', false);", "" },
        { "CREATE DATABASE zz OWNER postgres TABLESPACE pg_default ENCODING 'UTF8' STRATEGY "
          "wal_log "
          "TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C';",
          "create zz from template0 owner postgres -1; " },
        { "COMMENT ON DATABASE zz IS 'a comment';", "" },
        { "DROP DATABASE zz WITH (FORCE);", "drop zz force; " },
        { "DROP DATABASE IF EXISTS zz;", "" },
        { "create database \"_sqlx_test_1\"", "create _sqlx_test_1 from - owner - -1; " },
        { "drop database if exists \"_sqlx_test_1\"", "drop _sqlx_test_1; " },
        { "CREATE DATABASE \"snap\" WITH TEMPLATE \"mine\" OWNER \"other\"",
          "create snap from mine owner other -1; " },
        { "ALTER DATABASE \"snap\" WITH is_template = TRUE", "alter snap template 1; " },
        { "REVOKE CONNECT ON DATABASE \"mine\" FROM PUBLIC", "" },
        { "ALTER DATABASE \"mine\" with allow_connections false;", "alter mine open 0; " },
    };

    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        rows(t, pairs[i][0]);
        assert_string_equal(fake_log(), pairs[i][1]);
    }
}

static void tools_find_what_they_need(void **state)
{
    (void)state;
    with_fake_host(tools_body);
}

/* ---- functions ---- */

static void signals_body(struct test_session *t)
{
    static const char *const pairs[][2] = {
        { "SELECT pg_terminate_backend(4712), pg_cancel_backend(4711)", "t|t\n" },
        { "SELECT pg_catalog.pg_terminate_backend(4712, 0)", "t\n" },
        { "SELECT pg_terminate_backend(NULL), pg_cancel_backend(NULL)", "~|~\n" },
    };

    expect_rows(t, pairs, ARRAY_LEN(pairs));
    assert_string_equal(fake_log(), "terminate 4712; cancel 4711; terminate 4712; ");
    assert_string_equal(fake_notices(), "");
    assert_string_equal(rows(t, "SELECT pg_terminate_backend(99), pg_cancel_backend(98)"), "f|f\n");
    assert_string_equal(fake_notices(),
                        "WARNING 01000 PID 99 is not a PostgreSQL backend process; "
                        "WARNING 01000 PID 98 is not a PostgreSQL backend process; ");
    assert_string_equal(state(t, "SELECT pg_terminate_backend(4712, -1)"), "22003");
    assert_string_equal(state(t, "SELECT pg_terminate_backend(4712, 5)"), "0A000");
    fake_log();
    /* SQLAlchemy-utils', pytest-postgresql's, everybody's */
    rows(t, "SELECT pg_terminate_backend(pg_stat_activity.pid)\nFROM pg_stat_activity\n"
            "WHERE pg_stat_activity.datname = 'mine'\nAND pid <> pg_backend_pid();");
    assert_string_equal(t->rows, "t\n");
    assert_string_equal(fake_log(), "terminate 4712; ");
    rows(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()");
    assert_string_equal(fake_log(), "terminate 4712; terminate 4713; ");
    rows(t, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = 'nope'");
    assert_string_equal(fake_log(), "");
}

static void signals_go_to_the_backends_meant(void **state)
{
    (void)state;
    with_fake_host(signals_body);
}

static void functions_body(struct test_session *t)
{
    static const char *const pairs[][2] = {
        { "SELECT pg_database_size('mine'), pg_database_size(20002), pg_database_size(99)",
          "8192|8192|~\n" },
        { "SELECT pg_database_size(oid) FROM pg_database WHERE datname = 'shop'", "8192\n" },
        { "SELECT pg_database_size(NULL::name)", "~\n" },
        { "SELECT pg_get_userbyid(10), pg_get_userbyid(99999), pg_get_userbyid(NULL)",
          "pond|unknown (OID=99999)|~\n" },
        { "SELECT pg_get_userbyid(usesysid) FROM pg_stat_activity WHERE pid = 4713", "admin\n" },
        { "SELECT pg_encoding_to_char(6), pg_encoding_to_char(8), pg_encoding_to_char(41), "
          "pg_encoding_to_char(99), pg_encoding_to_char(-1)",
          "UTF8|LATIN1|SHIFT_JIS_2004||\n" },
        { "SELECT pg_char_to_encoding('utf8'), pg_char_to_encoding('UTF-8'), "
          "pg_char_to_encoding('iso88591'), pg_char_to_encoding('nope'), getdatabaseencoding()",
          "6|6|8|-1|UTF8\n" },
        { "SELECT array_to_string('{a,\"b c\",NULL,\"\",\"NULL\"}'::text[], '-', '*')",
          "a-b c-*--NULL\n" },
        { "SELECT array_to_string('{a,NULL,b}'::text[], '-'), array_to_string('{}'::text[], '-'), "
          "array_to_string('{a}'::text[], NULL), array_to_string(NULL::text[], '-')",
          "a-b||~|~\n" },
        { "SELECT array_to_string('{{1,2},{3,4}}'::int[], ', ')", "1, 2, 3, 4\n" },
        { "SELECT array_to_string(E'{\"q\\\\\"x\",\"a\\\\\\\\b\",\"c,d\",\"{\"}'::text[], '|')",
          "q\"x|a\\b|c,d|{\n" },
    };
    static const char *const sizes[][2] = {
        { "0", "0 bytes" },           { "10239", "10239 bytes" },
        { "10240", "10 kB" },         { "-10240", "-10 kB" },
        { "20479", "20 kB" },         { "1048576", "1024 kB" },
        { "10485247", "10239 kB" },   { "10485248", "10 MB" },
        { "10736893953", "10 GB" },   { "9223372036854775807", "8192 PB" },
        { "123456789012", "115 GB" },
    };
    char text[80];

    expect_rows(t, pairs, ARRAY_LEN(pairs));
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        (void)snprintf(text, sizeof(text), "SELECT pg_size_pretty(%s::bigint) || '.'", sizes[i][0]);
        rows(t, text);
        (void)snprintf(text, sizeof(text), "%s.\n", sizes[i][1]);
        assert_string_equal(t->rows, text);
    }
    assert_string_equal(state(t, "SELECT pg_database_size('nope')"), "3D000");
}

static void answers_are_postgresqls(void **state)
{
    (void)state;
    with_fake_host(functions_body);
}

/* ---- failures ---- */

static const char *const askers[] = {
    "SELECT count(*) FROM pg_database",
    "SELECT count(*) FROM pg_stat_activity",
    "SELECT count(*) FROM pond_pools",
    "SELECT pg_terminate_backend(4712)",
    "SELECT pg_cancel_backend(4712)",
    "SELECT pg_database_size('mine')",
    "UPDATE pg_database SET datistemplate = true WHERE datname = 'mine'",
};

static void failing_body(struct test_session *t)
{
    fake.sqlstate = "57014";
    for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
        assert_string_equal(state(t, askers[i]), "57014");
    }
    assert_string_equal(state(t, "SELECT count(*) FROM pg_roles"), "57014");
    assert_string_equal(state(t, "SELECT pg_get_userbyid(12345)"), "57014");
    fake.sqlstate = NULL;
    assert_string_equal(rows(t, askers[0]), "3\n");
}

static void what_the_host_fails_with_is_told(void **state)
{
    (void)state;
    with_fake_host(failing_body);
}

static void bare_body(struct test_session *t)
{
    for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
        assert_string_equal(state(t, askers[i]), "0A000");
    }
    assert_string_equal(rows(t, "SELECT rolname FROM pg_roles ORDER BY 1"), "pond\ntester\n");
}

static void a_host_without_them_refuses(void **state)
{
    (void)state;
    with_session(bare_body);
}

static void memory_body(struct test_session *t)
{
    static const char text[] = "SELECT d.datname, r.rolname, s.query FROM pg_database d JOIN "
                               "pg_roles r ON r.oid = d.datdba LEFT JOIN pg_stat_activity s ON "
                               "s.datid = d.oid ORDER BY 1";
    char expected[256];

    (void)snprintf(expected, sizeof(expected), "%s", rows(t, text));
    (void)mem_fail_at(0, false);
    rows(t, text);
    uint64_t allocations = mem_fail_at(0, false);
    assert_true(allocations > 0);
    for (uint64_t n = 1; n <= allocations; n++) {
        (void)mem_fail_at(n, false);
        bool done = run(t, text);
        (void)mem_fail_at(0, false);
        if (done) {
            assert_string_equal(t->rows, expected);
        } else {
            assert_string_equal(t->failure.sqlstate, "53200");
        }
    }
    assert_string_equal(rows(t, text), expected);
}

static void each_lost_allocation_ends_the_statement_only(void **state)
{
    (void)state;
    with_fake_host(memory_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_postgresql_15s),
        cmocka_unit_test(pools_are_a_relation),
        cmocka_unit_test(psql_lists_databases),
        cmocka_unit_test(harnesses_find_what_they_ask_for),
        cmocka_unit_test(each_run_asks_again),
        cmocka_unit_test(tools_find_what_they_need),
        cmocka_unit_test(pg_database_can_be_updated),
        cmocka_unit_test(signals_go_to_the_backends_meant),
        cmocka_unit_test(answers_are_postgresqls),
        cmocka_unit_test(what_the_host_fails_with_is_told),
        cmocka_unit_test(a_host_without_them_refuses),
        cmocka_unit_test(each_lost_allocation_ends_the_statement_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
