/* pool/template.h */
#include "support_vfs.h"

#include "pool/clone_impl.h"
#include "pool/page.h"
#include "pool/template_impl.h"
#include "pool/vfs.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/pond-template-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/seed.db", dir);
    return setup_sqlite(state);
}

static void remove_files(void)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
    char name[80];

    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

static int drop_dir(void **state maybe_unused)
{
    remove_files();
    return rmdir(dir);
}

/* The connection stays open: so a WAL stays live. */
static sqlite3 *make_file(const char *sql)
{
    sqlite3 *db = NULL;

    remove_files();
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    db_exec(db, sql);
    return db;
}

static void write_bytes(const void *bytes, size_t len)
{
    remove_files();
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    fclose(f);
}

static struct template *load(void)
{
    struct template *template_ = NULL;
    struct failure failure = { 0 };

    int rc = template_load_file(path, NULL, &template_, &failure);
    if (rc != 0) {
        fail_msg("%d: %s", rc, failure_get(&failure, FIELD_MESSAGE));
    }
    return template_;
}

static void assert_says(struct template *template_, const char *sql, const char *expected)
{
    struct clone *clone = clone_of(template_, 0);
    sqlite3 *db = db_open(clone);
    char *rows = db_rows(db, sql);

    assert_string_equal(rows, expected);
    sqlite3_free(rows);
    assert_integrity(db);
    sqlite3_close(db);
    clone_unref(clone);
}

static void test_an_empty_template_is_a_whole_database(void **state maybe_unused)
{
    struct template *empty = NULL;

    assert_int_equal(template_create_empty(&empty), 0);
    assert_int_equal(template_page_count(empty), 1);
    assert_int_equal(template_page_bytes(empty), 4096);
    assert_says(empty, "SELECT count(*) FROM sqlite_schema", "0\n");
    template_unref(empty);
    template_unref(NULL);
}

static void test_every_page_size_can_be_empty_and_be_used(void **state maybe_unused)
{
    for (uint32_t bytes = 512; bytes <= 65536; bytes *= 2) {
        struct template *empty = NULL;
        assert_int_equal(template_create_sized(bytes, &empty), 0);
        struct clone *clone = clone_of(empty, 0);
        sqlite3 *db = db_open(clone);
        assert_int_equal(db_int(db, "PRAGMA page_size"), bytes);
        db_exec(db, "CREATE TABLE t(x); INSERT INTO t VALUES(zeroblob(100000))");
        assert_integrity(db);
        sqlite3_close(db);
        clone_unref(clone);
        template_unref(empty);
    }
}

static void test_a_file_is_loaded_as_it_is(void **state maybe_unused)
{
    sqlite3 *db = make_file("PRAGMA page_size=8192; CREATE TABLE t(x); INSERT INTO t VALUES(42);"
                            "CREATE VIEW v AS SELECT x+1 FROM t; PRAGMA user_version=7");
    struct template *template_ = load();

    assert_int_equal(template_page_bytes(template_), 8192);
    assert_int_equal(template_page_count(template_), db_int(db, "PRAGMA page_count"));
    assert_says(template_, "SELECT * FROM v", "43\n");
    assert_says(template_, "PRAGMA user_version", "7\n");
    sqlite3_close(db);
    template_unref(template_);
}

static void test_a_file_with_a_live_wal_is_loaded_with_what_is_in_it(void **state maybe_unused)
{
    sqlite3 *db = make_file("PRAGMA journal_mode=WAL; CREATE TABLE t(x); INSERT INTO t VALUES(1);"
                            "PRAGMA wal_autocheckpoint=0; INSERT INTO t VALUES(2)");
    struct template *template_ = load();
    const uint8_t *page1 = pagemap_get(&template_->map, 1)->data;

    assert_int_equal(page1[page1_versions], 1);
    assert_int_equal(page1[page1_versions + 1], 1);
    assert_says(template_, "SELECT * FROM t", "1\n2\n");
    struct clone *clone = clone_of(template_, 0);
    sqlite3 *on_clone = db_open(clone);
    db_exec(on_clone, "INSERT INTO t VALUES(3)");
    sqlite3_close(on_clone);
    clone_unref(clone);
    assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 2);
    sqlite3_close(db);
    template_unref(template_);
}

static void test_an_empty_file_is_an_empty_database(void **state maybe_unused)
{
    write_bytes("", 0);
    struct template *template_ = load();

    assert_says(template_, "SELECT count(*) FROM sqlite_schema", "0\n");
    template_unref(template_);
}

static void assert_refused(void)
{
    struct template *template_ = NULL;
    struct failure failure = { 0 };
    size_t before = mem_used_total();

    assert_int_equal(template_load_file(path, NULL, &template_, &failure), FAILED);
    assert_null(template_);
    assert_non_null(strstr(failure_get(&failure, FIELD_MESSAGE), path));
    assert_int_equal(mem_used_total(), before);
}

static void test_what_is_no_database_is_refused_by_name(void **state maybe_unused)
{
    static const char text[] = "This is a text, long enough to have a header of a hundred bytes: "
                               "it is none, and SQLite says so when it first looks at it.";

    remove_files();
    assert_refused();
    write_bytes(text, sizeof(text));
    assert_refused();
}

static void test_a_file_is_not_loaded_by_who_is_told_to_stop(void **state maybe_unused)
{
    _Atomic bool stop = true;
    struct template *template_ = NULL;
    struct failure failure = { 0 };

    sqlite3_close(make_file("CREATE TABLE t(x); INSERT INTO t VALUES(1)"));
    size_t before = mem_used_total();
    assert_int_equal(template_load_file(path, &stop, &template_, &failure), FAILED);
    assert_null(template_);
    assert_string_equal(failure.sqlstate, "57P01");
    assert_non_null(strstr(failure_get(&failure, FIELD_MESSAGE), path));
    assert_int_equal(mem_used_total(), before);
}

static void test_a_truncated_file_is_refused_or_whole(void **state maybe_unused)
{
    sqlite3 *db = make_file("CREATE TABLE t(x); INSERT INTO t VALUES(zeroblob(50000))");

    sqlite3_close(db);
    assert_int_equal(truncate(path, 700), 0);
    assert_refused();
}

static void test_no_memory_loads_nothing(void **state maybe_unused)
{
    sqlite3 *db = make_file("CREATE TABLE t(x); INSERT INTO t VALUES(1)");
    struct template *template_ = NULL;
    struct failure failure = { 0 };
    size_t before = mem_used_total();
    uint64_t site = 0;
    bool hit;
    int rc;

    do {
        mem_fail_at(++site, true);
        rc = template_load_file(path, NULL, &template_, &failure);
        hit = mem_fail_hit();
        mem_fail_at(0, false);
        assert_true(rc == -ENOMEM || (rc == 0 && template_ != NULL));
        if (rc == 0) {
            template_unref(template_);
        }
        assert_int_equal(mem_used_total(), before);
    } while (hit);
    assert_int_equal(rc, 0);
    assert_true(site > 100);
    sqlite3_close(db);
}

static void test_a_seal_outlives_its_clone_and_its_template(void **state maybe_unused)
{
    size_t before = mem_used_total();
    struct template *first = template_of("CREATE TABLE t(x); INSERT INTO t VALUES(1)");
    struct clone *clone = clone_of(first, 0);
    struct template *second = NULL;
    struct template *third = NULL;
    sqlite3 *db = db_open(clone);

    db_exec(db, "INSERT INTO t VALUES(2)");
    db_exec(db, "BEGIN IMMEDIATE; INSERT INTO t VALUES(3)");
    assert_int_equal(template_seal(clone, &second), 0); /* of what is committed */
    db_exec(db, "COMMIT");
    assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 3);
    sqlite3_close(db);
    template_unref(first);
    db = db_open(clone); /* goes on, without changing what is sealed */
    db_exec(db, "UPDATE t SET x=9");
    sqlite3_close(db);
    clone_unref(clone);
    assert_says(second, "SELECT * FROM t", "1\n2\n");
    clone = clone_of(second, 0);
    assert_int_equal(template_seal(clone, &third), 0); /* of a clone that wrote nothing */
    clone_unref(clone);
    template_unref(second);
    assert_says(third, "SELECT * FROM t", "1\n2\n");
    template_unref(third);
    assert_int_equal(mem_used_total(), before);
}

static void test_a_long_chain_of_seals_is_let_go_of(void **state maybe_unused)
{
    struct template *template_ = template_of("CREATE TABLE t(x)");

    for (int i = 0; i < 300; i++) {
        struct clone *clone = clone_of(template_, 0);
        struct template *next = NULL;
        sqlite3 *db = db_open(clone);
        db_exec(db, "INSERT INTO t VALUES(1)");
        sqlite3_close(db);
        assert_int_equal(template_seal(clone, &next), 0);
        clone_unref(clone);
        template_unref(template_);
        template_ = next;
    }
    assert_says(template_, "SELECT count(*) FROM t", "300\n");
    template_unref(template_);
}

static void count_destroy(void *cache)
{
    ++*(int *)cache;
}

static void test_the_cache_goes_with_the_template(void **state maybe_unused)
{
    struct template *template_ = NULL;
    int destroyed = 0;

    assert_int_equal(template_create_empty(&template_), 0);
    assert_null(template_cache(template_));
    template_set_cache(template_, &destroyed, count_destroy);
    assert_ptr_equal(template_cache(template_ref(template_)), &destroyed);
    template_unref(template_);
    assert_int_equal(destroyed, 0);
    template_unref(template_);
    assert_int_equal(destroyed, 1);
}

/* ---- loops share a template without any of them counting ---- */

struct user {
    struct template *template_;
    pthread_t thread;
};

static void *use_clones(void *arg)
{
    struct user *user = arg;

    for (int i = 0; i < 20; i++) {
        struct clone *clone = clone_of(user->template_, 0);
        sqlite3 *db = db_open(clone);
        db_exec(db, "UPDATE t SET x=x+1; CREATE TABLE u AS SELECT * FROM t");
        assert_int_equal(db_int(db, "SELECT sum(x) FROM u"), 500 * 501 / 2 + 500);
        sqlite3_close(db);
        clone_unref(clone);
    }
    template_unref(user->template_);
    return NULL;
}

static void test_threads_use_one_template(void **state maybe_unused)
{
    struct template *template_ =
        template_of("CREATE TABLE t(x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 "
                    "FROM n LIMIT 500) INSERT INTO t SELECT i FROM n");
    struct user users[4];

    for (size_t i = 0; i < ARRAY_LEN(users); i++) {
        users[i].template_ = template_ref(template_);
        assert_int_equal(pthread_create(&users[i].thread, NULL, use_clones, &users[i]), 0);
    }
    template_unref(template_); /* the last of them lets go of it */
    for (size_t i = 0; i < ARRAY_LEN(users); i++) {
        pthread_join(users[i].thread, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_template_is_a_whole_database),
        cmocka_unit_test(test_every_page_size_can_be_empty_and_be_used),
        cmocka_unit_test(test_a_file_is_loaded_as_it_is),
        cmocka_unit_test(test_a_file_with_a_live_wal_is_loaded_with_what_is_in_it),
        cmocka_unit_test(test_an_empty_file_is_an_empty_database),
        cmocka_unit_test(test_what_is_no_database_is_refused_by_name),
        cmocka_unit_test(test_a_file_is_not_loaded_by_who_is_told_to_stop),
        cmocka_unit_test(test_a_truncated_file_is_refused_or_whole),
        cmocka_unit_test(test_no_memory_loads_nothing),
        cmocka_unit_test(test_a_seal_outlives_its_clone_and_its_template),
        cmocka_unit_test(test_a_long_chain_of_seals_is_let_go_of),
        cmocka_unit_test(test_the_cache_goes_with_the_template),
        cmocka_unit_test(test_threads_use_one_template),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
