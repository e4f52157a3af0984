/* Each rule of what SQLite sees of a clone (pool/vfs.h) has its test here. */
#include "support_vfs.h"

#include "pool/vfs.h"

#include <string.h>

static const char shop[] = "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, pad BLOB);"
                           "CREATE INDEX item_name ON item(name);"
                           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 500)"
                           "INSERT INTO item SELECT i, 'name ' || i, zeroblob(100) FROM n;";

static void test_a_clone_reads_its_template(void **state maybe_unused)
{
    struct template *template_ = template_of(shop);
    struct clone *clone = clone_of(template_, 0);
    sqlite3 *db = db_open(clone);

    assert_int_equal(db_int(db, "SELECT count(*) FROM item"), 500);
    assert_int_equal(clone_own_bytes(clone), 0);
    assert_integrity(db);
    sqlite3_close(db);
    clone_unref(clone);
    template_unref(template_);
}

static void test_what_a_clone_writes_no_other_sees(void **state maybe_unused)
{
    struct template *template_ = template_of(shop);
    struct clone *a = clone_of(template_, 0);
    struct clone *b = clone_of(template_, 0);
    sqlite3 *da = db_open(a);
    sqlite3 *db = db_open(b);

    db_exec(da, "UPDATE item SET name='changed'; CREATE TABLE mine(x)");
    assert_int_equal(db_int(da, "SELECT count(*) FROM item WHERE name='changed'"), 500);
    assert_int_equal(db_int(db, "SELECT count(*) FROM item WHERE name='changed'"), 0);
    assert_int_equal(db_try(db, "SELECT * FROM mine"), SQLITE_ERROR);
    assert_true(clone_own_bytes(a) > 0);
    assert_int_equal(clone_own_bytes(b), 0);
    sqlite3_close(da);
    sqlite3_close(db);
    clone_unref(a);
    clone_unref(b);
    template_unref(template_);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_clone_reads_its_template),
        cmocka_unit_test(test_what_a_clone_writes_no_other_sees),
    };
    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
