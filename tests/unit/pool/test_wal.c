/* pool/wal.h: byte for byte what SQLite itself writes, and SQLite reads what we write. */
#include "support_disk.h"
#include "support_vfs.h"

#include "pool/wal.h"

#include <string.h>

enum { page_bytes = 1024, log_most = 200 * (page_bytes + wal_frame_bytes) };

static uint8_t theirs[log_most];
static uint8_t ours[log_most];

static uint32_t get(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static sqlite3 *open_logged(void)
{
    sqlite3 *db = disk_connect("x.db");

    db_exec(db, "PRAGMA page_size=1024;"
                "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0");
    return db;
}

/* A log as that one, from its pages and salts alone. */
static size_t write_again(size_t len)
{
    struct wal wal = { .sequence = get(theirs + 12) - 1, .salt = { get(theirs + 16) - 1, 0 } };
    uint32_t salt = get(theirs + 20);
    size_t at = wal_header_bytes;

    wal_begin(&wal, page_bytes, salt, ours);
    while (at + wal_frame_bytes + page_bytes <= len) {
        const uint8_t *page = theirs + at + wal_frame_bytes;

        wal_frame(&wal, get(theirs + at), get(theirs + at + 4), page, ours + at);
        memcpy(ours + at + wal_frame_bytes, page, page_bytes);
        at += wal_frame_bytes + page_bytes;
    }
    return at;
}

static void test_it_is_what_sqlite_writes(void **state maybe_unused)
{
    disk_begin();
    sqlite3 *db = open_logged();

    db_exec(db,
            "CREATE TABLE t(x); INSERT INTO t VALUES(randomblob(5000)); INSERT INTO t VALUES(1)");
    size_t len = disk_read("x.db-wal", theirs, sizeof(theirs));
    assert_true(len > 7 * page_bytes && len < sizeof(theirs));
    assert_int_equal(write_again(len), len);
    assert_memory_equal(ours, theirs, len);

    /* its second log */
    db_exec(db, "PRAGMA wal_checkpoint; INSERT INTO t VALUES(2)");
    len = wal_header_bytes + 2 * (wal_frame_bytes + page_bytes);
    assert_int_equal(disk_read("x.db-wal", theirs, len), len);
    assert_int_equal(get(theirs + 12), 1);
    assert_int_equal(write_again(len), len);
    assert_memory_equal(ours, theirs, wal_header_bytes + wal_frame_bytes + page_bytes);
    sqlite3_close(db);
    disk_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_what_sqlite_writes),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
