/* A rowid is a primary key like others: SQLite counts it up for NULL, PostgreSQL does not. */
#include "support_session.h"

#include "base/defs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void ok(struct test_session *t, const char *text)
{
    if (!run(t, text)) {
        print_error("%s: %s\n", text, failure_get(&t->failure, FIELD_MESSAGE));
        fail();
    }
}

static void values_body(struct test_session *t)
{
    static const char *const wrong[] = {
        "INSERT INTO t (a) VALUES ('x')",
        "INSERT INTO t (a) VALUES ('x'), ('y') ON CONFLICT DO NOTHING",
        "INSERT INTO t VALUES (NULL, 'x')",
        "INSERT INTO t VALUES (9, 'x'), (NULL, 'x')",
        "INSERT INTO t DEFAULT VALUES",
        "INSERT INTO t VALUES (DEFAULT, 'a')",
        "INSERT INTO t VALUES (DEFAULT, 'a'), (9, 'b')",
        "INSERT INTO t (a) SELECT 'x'",
        "INSERT INTO t SELECT NULL, 'x'",
        "INSERT INTO t (a) SELECT 'a' UNION SELECT 'b'",
        "UPDATE t SET id = NULL",
        "UPDATE t SET id = DEFAULT",
        "UPDATE t SET (id, a) = (SELECT NULL::int, 'x')",
        "INSERT INTO t VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET id = NULL",
        "PREPARE p (int) AS INSERT INTO t VALUES ($1); EXECUTE p (NULL)",
    };

    ok(t, "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'one')");
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        print_message("%s\n", wrong[i]);
        assert_string_equal(state(t, wrong[i]), "23502");
        assert_string_equal(failure_get(&t->failure, FIELD_MESSAGE),
                            "null value in column \"id\" of relation \"t\" violates not-null "
                            "constraint");
        assert_string_equal(failure_get(&t->failure, FIELD_TABLE), "t");
        assert_string_equal(failure_get(&t->failure, FIELD_COLUMN), "id");
        assert_string_equal(rows(t, "SELECT id, a FROM t"), "1|one\n");
    }
    ok(t, "INSERT INTO t (a) SELECT 'x' WHERE false");
    ok(t, "INSERT INTO t SELECT 4, 'x'; EXECUTE p (5)");
    assert_string_equal(rows(t, "SELECT id FROM t ORDER BY 1"), "1\n4\n5\n");
}

static void defaults_body(struct test_session *t)
{
    ok(t, "CREATE TABLE t (id int PRIMARY KEY, a text)");
    ok(t, "ALTER TABLE t ALTER id SET DEFAULT 7; INSERT INTO t (a) VALUES ('x')");
    ok(t, "ALTER TABLE t ALTER id SET DEFAULT 8; INSERT INTO t DEFAULT VALUES");
    ok(t, "ALTER TABLE t ALTER id SET DEFAULT 9; INSERT INTO t (a) SELECT 'y'");
    assert_string_equal(rows(t, "SELECT id, a FROM t ORDER BY 1"), "7|x\n8|~\n9|y\n");
}

static void serials_body(struct test_session *t)
{
    ok(t, "CREATE TABLE s (id serial PRIMARY KEY, a text)");
    ok(t, "INSERT INTO s (a) VALUES ('1'); INSERT INTO s VALUES (DEFAULT, '2')");
    ok(t, "INSERT INTO s VALUES (DEFAULT, '3'), (7, '7'), (DEFAULT, '8')");
    ok(t, "INSERT INTO s DEFAULT VALUES; INSERT INTO s (a) SELECT '10'");
    assert_string_equal(rows(t, "SELECT id FROM s ORDER BY 1"), "1\n2\n3\n7\n8\n9\n10\n");
    assert_string_equal(state(t, "INSERT INTO s VALUES (NULL, 'x')"), "23502");
}

static void foreign_body(struct test_session *t)
{
    raw(t, "CREATE TABLE f (id INTEGER PRIMARY KEY, a text)");
    ok(t, "INSERT INTO f (a) VALUES ('x'); INSERT INTO f VALUES (NULL, 'y')");
    assert_string_equal(rows(t, "SELECT id, a FROM f ORDER BY 1"), "1|x\n2|y\n");
}

#define TEST(name, body)            \
    static void name(void **state_) \
    {                               \
        (void)state_;               \
        with_session(body);         \
    }

TEST(null_is_no_value_of_a_rowid, values_body)
TEST(a_rowid_has_the_default_it_was_given, defaults_body)
TEST(serials_are_counted, serials_body)
TEST(other_files_of_sqlites_are_counted, foreign_body)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_is_no_value_of_a_rowid),
        cmocka_unit_test(a_rowid_has_the_default_it_was_given),
        cmocka_unit_test(serials_are_counted),
        cmocka_unit_test(other_files_of_sqlites_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
