/* The VFS is proved: the same random statements on a clone and on an ordinary file must say the
 * same.
 *
 * One connection: every statement's code, its changed rows and the rows of half-run SELECTs are
 * compared, and after each round the dumps. Several connections: what they committed is replayed
 * one after the other on a file. POND_TEST_SEED repeats a run, POND_TEST_ROUNDS makes it longer. */
#include "support_vfs.h"

#include "pool/clone_impl.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { connections = 4, readers = 3, statements_per_round = 25 };

/* ---- random statements ---- */

enum kind { ROWS, SCHEMA, BLOCK, SETTING, UPKEEP };

struct recipe {
    enum kind kind;
    uint32_t weight;
    const char *sql; /* for sqlite3_mprintf: table 0..3, then four numbers */
};

#define SERIES "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n LIMIT %3$u%%40+1)"

static const struct recipe recipes[] = {
    { ROWS, 20, "INSERT OR REPLACE INTO t%1$u(id, a, b) VALUES(%2$u, %3$u, 'row %4$u')" },
    { ROWS, 6,
      "INSERT OR REPLACE INTO t%1$u(id, a, b) VALUES(%2$u, %3$u, zeroblob(%4$u*%4$u%%30000))" },
    { ROWS, 6, "INSERT INTO t%1$u(id, a, b) VALUES(%2$u, %3$u, printf('%%.*c', %4$u, 'x'))" },
    { ROWS, 10,
      SERIES "INSERT OR IGNORE INTO t%1$u(id, a, b) SELECT %2$u+i, i*%4$u, zeroblob(i*37) FROM n" },
    { ROWS, 12, "UPDATE t%1$u SET a=a+1, b=b||'%4$u' WHERE id BETWEEN %2$u AND %2$u+%3$u%%60" },
    { ROWS, 4, "UPDATE t%1$u SET b=zeroblob(%4$u*9) WHERE id%%7=%3$u%%7" },
    { ROWS, 2, "UPDATE t%1$u SET id=id+%3$u WHERE id=%2$u" },
    { ROWS, 10, "DELETE FROM t%1$u WHERE id BETWEEN %2$u AND %2$u+%3$u%%100" },
    { ROWS, 1, "DELETE FROM t%1$u" },
    { ROWS, 3, "INSERT INTO t%1$u(id, a, b) SELECT id+%3$u, a, b FROM t0 WHERE id<%2$u%%50" },
    { ROWS, 2, "INSERT INTO fts VALUES('word%2$u word%3$u'), ('word%4$u')" },
    { ROWS, 1, "DELETE FROM fts WHERE fts MATCH 'word%2$u'" },
    { SCHEMA, 2, "CREATE TABLE IF NOT EXISTS t%1$u(id INTEGER PRIMARY KEY, a, b UNIQUE)" },
    { SCHEMA, 2, "CREATE TABLE IF NOT EXISTS t%1$u(id PRIMARY KEY, a, b) WITHOUT ROWID" },
    { SCHEMA, 2, "DROP TABLE IF EXISTS t%1$u" },
    { SCHEMA, 2, "CREATE INDEX IF NOT EXISTS i%1$u ON t%1$u(a, b)" },
    { SCHEMA, 2, "DROP INDEX IF EXISTS i%1$u" },
    { SCHEMA, 1, "ALTER TABLE t%1$u ADD COLUMN c%3$u DEFAULT %4$u" },
    { SCHEMA, 1, "ALTER TABLE t%1$u RENAME COLUMN a TO a" },
    { SCHEMA, 1, "CREATE TABLE t%1$u AS SELECT id, a, b FROM t0" },
    { SCHEMA, 1, "CREATE TEMP TABLE IF NOT EXISTS tmp(x); INSERT INTO tmp SELECT b FROM t%1$u" },
    { SCHEMA, 1, "DROP TABLE IF EXISTS temp.tmp" },
    { BLOCK, 6, "BEGIN" },
    { BLOCK, 3, "BEGIN IMMEDIATE" },
    { BLOCK, 8, "COMMIT" },
    { BLOCK, 4, "ROLLBACK" },
    { BLOCK, 4, "SAVEPOINT s%1$u" },
    { BLOCK, 3, "RELEASE s%1$u" },
    { BLOCK, 3, "ROLLBACK TO s%1$u" },
    { SETTING, 2, "PRAGMA cache_size=%1$u" },
    { SETTING, 1, "PRAGMA cache_size=-2000" },
    { UPKEEP, 1, "VACUUM" },
    { UPKEEP, 1, "ANALYZE" },
    { UPKEEP, 1, "REINDEX" },
};

static const struct recipe *random_recipe(uint64_t *seed)
{
    uint32_t total = 0;

    for (size_t i = 0; i < ARRAY_LEN(recipes); i++) {
        total += recipes[i].weight;
    }
    uint32_t left = rnd_below(seed, total);
    const struct recipe *r = recipes;
    while (left >= r->weight) {
        left -= r->weight;
        r++;
    }
    return r;
}

/* SQLite's printf has no positions: each %N$u is filled in here. */
static char *random_sql(uint64_t *seed, const struct recipe *recipe)
{
    uint32_t numbers[] = { rnd_below(seed, 4), rnd_below(seed, 400), rnd_below(seed, 1000),
                           rnd_below(seed, 3000) };
    sqlite3_str *out = sqlite3_str_new(NULL);

    for (const char *at = recipe->sql; *at != '\0'; at++) {
        if (at[0] == '%' && at[1] == '%') {
            sqlite3_str_appendchar(out, 1, *at++);
        } else if (at[0] == '%') {
            sqlite3_str_appendf(out, "%u", numbers[at[1] - '1']);
            at += 3;
        } else {
            sqlite3_str_appendchar(out, 1, *at);
        }
    }
    return sqlite3_str_finish(out);
}

static const char seed_sql[] =
    "CREATE TABLE t0(id INTEGER PRIMARY KEY, a, b);"
    "CREATE TABLE t1(id INTEGER PRIMARY KEY, a, b UNIQUE); CREATE INDEX i1 ON t1(a, b);"
    "CREATE TABLE t2(id PRIMARY KEY, a, b) WITHOUT ROWID;"
    "CREATE VIRTUAL TABLE fts USING fts5(text);"
    "CREATE TRIGGER after0 AFTER DELETE ON t0 BEGIN UPDATE t1 SET a=old.id WHERE id=old.a; END;"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 200)"
    "INSERT INTO t0 SELECT i, i*i%97, 'seed ' || i FROM n;"
    "INSERT INTO t1 SELECT * FROM t0; INSERT INTO t2 SELECT * FROM t0;";

/* ---- the ordinary file, and the template made of it ---- */

struct files {
    char path[64];
    struct template *template_;
};

static sqlite3 *open_file(const char *path)
{
    sqlite3 *db = NULL;

    assert_int_equal(
        sqlite3_open_v2(path, &db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE, NULL),
        SQLITE_OK);
    db_exec(db, "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA mmap_size=0");
    return db;
}

static void files_make(struct files *f, uint64_t *seed)
{
    static const unsigned sizes[] = { 512, 1024, 4096, 4096, 65536 };
    unsigned page_bytes = sizes[rnd_below(seed, ARRAY_LEN(sizes))];
    unsigned vacuum = rnd_below(seed, 3) == 0;
    struct failure failure = { 0 };

    snprintf(f->path, sizeof(f->path), "/tmp/pond-proof-%d.db", (int)getpid());
    unlink(f->path);
    sqlite3 *db = open_file(f->path);
    db_execf(db, "PRAGMA page_size=%u; PRAGMA auto_vacuum=%u", page_bytes, vacuum);
    db_exec(db, seed_sql);
    sqlite3_close(db);
    assert_int_equal(template_load_file(f->path, NULL, &f->template_, &failure), 0);
    assert_int_equal(template_page_bytes(f->template_), page_bytes);
}

static void files_drop(struct files *f)
{
    unlink(f->path);
    template_unref(f->template_);
}

static void assert_same_dump(sqlite3 *a, sqlite3 *b)
{
    char *da = db_dump(a);
    char *db = db_dump(b);

    assert_non_null(strstr(da, "\nok\n"));
    assert_string_equal(da, db);
    sqlite3_free(da);
    sqlite3_free(db);
}

/* ---- one connection ---- */

struct twins {
    sqlite3 *clone, *file;
    sqlite3_stmt *reader[readers][2];
};

static void reader_close(struct twins *t, size_t i)
{
    sqlite3_finalize(t->reader[i][0]);
    sqlite3_finalize(t->reader[i][1]);
    t->reader[i][0] = t->reader[i][1] = NULL;
}

static void reader_open(struct twins *t, size_t i, uint64_t *seed)
{
    char *sql = sqlite3_mprintf("SELECT id, a, hex(b) FROM t%u WHERE id>=%u %s", rnd_below(seed, 4),
                                rnd_below(seed, 300), rnd_below(seed, 2) ? "ORDER BY a, id" : "");

    int rc = sqlite3_prepare_v2(t->clone, sql, -1, &t->reader[i][0], NULL);
    assert_int_equal(sqlite3_prepare_v2(t->file, sql, -1, &t->reader[i][1], NULL), rc);
    sqlite3_free(sql);
}

/* A few rows of a SELECT that may have been half-run for a long time. */
static void reader_step(struct twins *t, uint64_t *seed)
{
    size_t i = rnd_below(seed, readers);
    int rc = SQLITE_ROW;

    if (t->reader[i][0] == NULL) {
        reader_open(t, i, seed);
    }
    for (uint32_t n = rnd_below(seed, 20); n > 0 && rc == SQLITE_ROW; n--) {
        rc = t->reader[i][0] == NULL ? SQLITE_DONE : sqlite3_step(t->reader[i][0]);
        if (t->reader[i][0] != NULL) {
            assert_int_equal(sqlite3_step(t->reader[i][1]), rc);
        }
        for (int c = 0; rc == SQLITE_ROW && c < 3; c++) {
            const char *a = (const char *)sqlite3_column_text(t->reader[i][0], c);
            const char *b = (const char *)sqlite3_column_text(t->reader[i][1], c);
            assert_string_equal(a == NULL ? "(null)" : a, b == NULL ? "(null)" : b);
        }
    }
    if (rc != SQLITE_ROW) {
        reader_close(t, i);
    }
}

static void twins_run(struct twins *t, uint64_t *seed)
{
    const struct recipe *recipe = random_recipe(seed);
    char *sql = random_sql(seed, recipe);
    int rc = db_try(t->clone, sql);
    int file_rc = db_try(t->file, sql);

    if (rc != file_rc) {
        fail_msg("clone %d, file %d by: %s", rc, file_rc, sql);
    }
    assert_int_equal(sqlite3_changes(t->clone), sqlite3_changes(t->file));
    assert_int_equal(sqlite3_get_autocommit(t->clone), sqlite3_get_autocommit(t->file));
    sqlite3_free(sql);
}

static void twins_compare(struct twins *t)
{
    for (size_t i = 0; i < readers; i++) {
        reader_close(t, i);
    }
    assert_same_dump(t->clone, t->file); /* in the middle of a transaction too */
    assert_int_equal(db_int(t->clone, "PRAGMA page_count"), db_int(t->file, "PRAGMA page_count"));
}

static void prove_one_connection(uint64_t *seed, unsigned rounds)
{
    struct files files = { 0 };

    files_make(&files, seed);
    struct clone *clone = clone_of(files.template_, 0);
    struct twins t = { .clone = db_open(clone), .file = open_file(files.path) };
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < statements_per_round; i++) {
            twins_run(&t, seed);
            if (rnd_below(seed, 3) == 0) {
                reader_step(&t, seed);
            }
        }
        twins_compare(&t);
    }
    db_try(t.clone, "ROLLBACK");
    db_try(t.file, "ROLLBACK");
    twins_compare(&t);
    assert_true(clone->version > 0); /* a long transaction leaves few commits */
    assert_int_equal(sqlite3_close(t.clone), SQLITE_OK);
    assert_int_equal(sqlite3_close(t.file), SQLITE_OK);
    clone_unref(clone);
    files_drop(&files);
}

static void test_one_connection_says_what_a_file_says(void **state maybe_unused)
{
    uint64_t seed = test_seed();
    unsigned rounds = test_rounds(20);

    /* Several page sizes. */
    for (unsigned i = 0; i < 5; i++) {
        prove_one_connection(&seed, rounds / 5 + 1);
    }
}

/* ---- several connections ---- */

/* What one transaction did so far, and what SQLite answered. */
struct entry {
    char *sql;
    int rc;
};
struct journal {
    struct entry entries[4096];
    size_t count;
};

struct crowd {
    struct clone *clone;
    sqlite3 *db[connections];
    struct journal open[connections]; /* not committed yet */
    struct journal committed;
    uint64_t seed;
    unsigned full; /* statements that met the cap */
};

static void journal_add(struct journal *j, char *sql, int rc)
{
    assert_true(j->count < ARRAY_LEN(j->entries));
    j->entries[j->count++] = (struct entry){ sql, rc };
}

static void journal_clear(struct journal *j)
{
    for (size_t i = 0; i < j->count; i++) {
        sqlite3_free(j->entries[i].sql);
    }
    j->count = 0;
}

/* Its transaction is over: committed, if anything was published. */
static void settle(struct crowd *w, size_t c, bool committed)
{
    struct journal *mine = &w->open[c];

    for (size_t i = 0; committed && i < mine->count; i++) {
        journal_add(&w->committed, mine->entries[i].sql, mine->entries[i].rc);
    }
    if (committed) {
        mine->count = 0;
    }
    journal_clear(mine);
}

static bool is_writing(const struct crowd *w, size_t c)
{
    sqlite3_file *file = NULL;

    sqlite3_file_control(w->db[c], "main", SQLITE_FCNTL_FILE_POINTER, &file);
    return w->clone->writer == (struct vfs_file *)file;
}

/* SQLite looks whether its parsed schema is still the clone's when a statement runs, or misses a
 * table; not if a trigger misses it. So whoever prepares lets a statement run first
 * (sql/prepare.c). */
static void follow_schema(sqlite3 *db, enum kind kind)
{
    if (kind != BLOCK && kind != SETTING) {
        db_exec(db, "SELECT 1 FROM sqlite_schema LIMIT 0");
    }
}

static void crowd_run(struct crowd *w)
{
    size_t c = rnd_below(&w->seed, connections);
    const struct recipe *recipe = random_recipe(&w->seed);
    sqlite3 *db = w->db[c];
    uint64_t version = w->clone->version;
    char *sql = random_sql(&w->seed, recipe);

    if (strstr(sql, "tmp") != NULL) {
        sqlite3_free(sql);
        return;
    }
    follow_schema(db, recipe->kind);
    int rc = db_try(db, sql);
    bool is_open = !sqlite3_get_autocommit(db);
    if ((rc & 0xff) == SQLITE_BUSY || rc == SQLITE_FULL) {
        sqlite3_free(sql);
        assert_int_equal(w->clone->version, version);
        if (is_open) {
            db_try(db,
                   "ROLLBACK"); /* at the cap it may fail too, and has done its work all the same */
        }
        assert_true(sqlite3_get_autocommit(db));
        settle(w, c, false);
        w->full += rc == SQLITE_FULL;
        return;
    }
    if (rc == SQLITE_OK || is_writing(w, c)) {
        journal_add(&w->open[c], sql, rc);
    } else {
        sqlite3_free(sql); /* an error on what may be an old root: it did nothing */
    }
    if (!is_open) {
        settle(w, c, w->clone->version != version);
    } else {
        assert_int_equal(w->clone->version, version);
    }
}

static void crowd_replay(struct crowd *w, sqlite3 *file)
{
    struct journal *j = &w->committed;

    for (size_t i = 0; i < j->count; i++) {
        int rc = db_try(file, j->entries[i].sql);
        if (rc != j->entries[i].rc) {
            fail_msg("clone %d, replay %d by: %s", j->entries[i].rc, rc, j->entries[i].sql);
        }
    }
    assert_true(sqlite3_get_autocommit(file));
    journal_clear(j);
}

/* All see the newest root that have no transaction; a dump per round by one of them. */
static void crowd_compare(struct crowd *w, sqlite3 *file)
{
    size_t c = rnd_below(&w->seed, connections);

    crowd_replay(w, file);
    if (!sqlite3_get_autocommit(w->db[c])) {
        db_exec(w->db[c], "ROLLBACK");
        settle(w, c, false);
    }
    assert_same_dump(w->db[c], file);
}

/* `cap`: pages of its own that the clone may have; 0: as many as it likes. */
static void prove_a_crowd(uint64_t *seed, unsigned rounds, size_t cap)
{
    static struct crowd w;
    struct files files = { 0 };

    files_make(&files, seed);
    memset(&w, 0, sizeof(w));
    w.clone = clone_of(files.template_, cap * template_page_bytes(files.template_));
    w.seed = *seed;
    for (size_t c = 0; c < connections; c++) {
        w.db[c] = db_open(w.clone);
    }
    sqlite3 *file = open_file(files.path);
    /* Some seeds need longer to fill the clone. */
    for (unsigned round = 0; round < rounds || (cap != 0 && w.full == 0 && round < 20 * rounds);
         round++) {
        for (unsigned i = 0; i < connections * statements_per_round; i++) {
            crowd_run(&w);
        }
        crowd_compare(&w, file);
        if (rnd_below(&w.seed, 4) == 0) { /* one leaves, in the middle of whatever it does */
            size_t c = rnd_below(&w.seed, connections);
            assert_int_equal(sqlite3_close(w.db[c]), SQLITE_OK);
            settle(&w, c, false);
            w.db[c] = db_open(w.clone);
        }
    }
    for (size_t c = 0; c < connections; c++) {
        assert_int_equal(sqlite3_close(w.db[c]), SQLITE_OK);
        journal_clear(&w.open[c]);
    }
    assert_true(cap != 0 ? w.full > 0 : w.clone->version > 0);
    *seed = w.seed;
    sqlite3_close(file);
    clone_unref(w.clone);
    files_drop(&files);
}

static void test_many_connections_say_what_their_commits_say_one_after_the_other(
    void **state maybe_unused)
{
    uint64_t seed = test_seed();
    unsigned rounds = test_rounds(12);

    for (unsigned i = 0; i < 3; i++) {
        prove_a_crowd(&seed, rounds / 3 + 1, 0);
    }
}

static void test_many_connections_at_the_cap_lose_nothing(void **state maybe_unused)
{
    uint64_t seed = test_seed();
    unsigned rounds = test_rounds(15);

    for (unsigned i = 0; i < 5; i++) {
        prove_a_crowd(&seed, rounds / 5 + 1, 8 + rnd_below(&seed, 40));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_connection_says_what_a_file_says),
        cmocka_unit_test(test_many_connections_say_what_their_commits_say_one_after_the_other),
        cmocka_unit_test(test_many_connections_at_the_cap_lose_nothing),
    };
    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
