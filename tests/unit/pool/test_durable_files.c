/* pool/durable_open.c: files as SQLite makes them, of every form, and what their next reader finds.
 */
#include "support_durable.h"

#include <string.h>

static const char fill[] =
    "CREATE TABLE pairs(id INTEGER PRIMARY KEY, pair INT, pad TEXT);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
    "INSERT INTO pairs SELECT i, 0, hex(randomblob(200)) FROM n;";

/* All that makes pages come, change and go. */
static void body_write(struct world *world maybe_unused)
{
    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);

    assert_int_equal(query_int(a, "SELECT count(*) FROM pairs"), 300);
    run(a, "UPDATE pairs SET pair = id, pad = hex(randomblob(700)) WHERE id % 2 = 0");
    run(a, "DELETE FROM pairs WHERE id % 3 = 0");
    run(a, "VACUUM");
    run(a, "INSERT INTO pairs VALUES(1000, 7, hex(randomblob(100000)))");
    session_close(a);
    home_close();
}

static void check_file(void)
{
    sqlite3 *db = disk_connect("x.db");

    assert_integrity(db);
    assert_int_equal(db_int(db, "SELECT count(*) FROM pairs"), 201);
    assert_int_equal(db_int(db, "SELECT sum(pair) FROM pairs WHERE id < 1000"),
                     db_int(db, "SELECT sum(id) FROM pairs WHERE id < 1000 AND id % 2 = 0"));
    sqlite3_close(db);
}

/* The file is made, and its maker closes it, or is killed and leaves its log behind. */
static void make_file(const char *form, const char *journal, bool killed)
{
    sqlite3 *db = disk_connect("x.db");

    db_exec(db, form);
    db_exec(db, journal);
    db_exec(db, fill);
    if (killed) {
        disk_cut_at(disk_calls() + 1);
    }
    sqlite3_close(db);
    if (killed) {
        disk_restart(NULL);
    }
}

static void test_files_of_every_form_are_opened_and_written(void **state maybe_unused)
{
    static const char *const forms[] = {
        "PRAGMA page_size=512",    "PRAGMA page_size=1024",          "PRAGMA page_size=65536",
        "PRAGMA auto_vacuum=FULL", "PRAGMA auto_vacuum=INCREMENTAL", "PRAGMA encoding='UTF-16le'",
    };
    static const char *const journals[] = { "PRAGMA journal_mode=DELETE",
                                            "PRAGMA journal_mode=WAL" };

    for (size_t i = 0; i < ARRAY_LEN(forms) * ARRAY_LEN(journals) * 2; i++) {
        print_message("%s, %s\n", forms[i / 4], journals[i / 2 % 2]);
        disk_begin();
        make_file(forms[i / 4], journals[i / 2 % 2], i % 2 != 0);
        assert_int_equal(home_open(DURABLE_FULL), 0);
        in_task(&home.world, body_write);
        check_file();
    }
}

/* ---- told to stop ---- */

static void body_look(struct world *world maybe_unused)
{
    durable_start(home.durable);
    struct session *a = session_on(home.clone, NULL);

    assert_int_equal(query_int(a, "SELECT count(*) FROM pairs"), 0);
    session_close(a);
    home_close();
}

static void assert_is_stopped(void)
{
    home.failure = (struct failure){ .sqlstate = "" };
    assert_int_equal(home_open(DURABLE_FULL), FAILED);
    assert_string_equal(home.failure.sqlstate, "57P01");
    assert_non_null(strstr(failure_get(&home.failure, FIELD_MESSAGE), "x.db"));
    home.stop = home.stops_filled = false;
}

static void test_a_file_whose_filling_was_stopped_is_new(void **state maybe_unused)
{
    home.stops_filled = true;
    assert_is_stopped();
    assert_int_equal(home_open(DURABLE_FULL), 0); /* which fills it */
    in_task(&home.world, body_look);
}

static void test_a_file_whose_loading_was_stopped_is_as_it_was(void **state maybe_unused)
{
    make_file("PRAGMA page_size=512", "PRAGMA journal_mode=WAL", true);
    home.stop = true;
    assert_is_stopped();
    assert_int_equal(home_open(DURABLE_FULL), 0);
    in_task(&home.world, body_write);
    check_file();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files_of_every_form_are_opened_and_written, home_setup,
                                        home_teardown),
        cmocka_unit_test_setup_teardown(test_a_file_whose_filling_was_stopped_is_new, home_setup,
                                        home_teardown),
        cmocka_unit_test_setup_teardown(test_a_file_whose_loading_was_stopped_is_as_it_was,
                                        home_setup, home_teardown),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
