/* The DETAIL of constraint errors; and that there is none where it cannot be known. What PostgreSQL
 * says to all of it is in tests/clients/same.sql. */
#include "base/alloc.h"
#include "support_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void ok(struct test_session *t, const char *text)
{
    if (!run(t, text)) {
        print_error("%s: %s %s\n", text, t->failure.sqlstate,
                    failure_get(&t->failure, FIELD_MESSAGE));
        fail();
    }
}

/* Of a statement that must fail; "" when there is none. */
static const char *detail(struct test_session *t, const char *text)
{
    (void)state(t, text);
    const char *found = failure_get(&t->failure, FIELD_DETAIL);

    return found == NULL ? "" : found;
}

struct told {
    const char *text, *detail;
};

static void check_all(struct test_session *t, const struct told *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *found = detail(t, cases[i].text);

        if (strcmp(found, cases[i].detail) != 0) {
            fail_msg("%s: %s: \"%s\"", cases[i].text, failure_get(&t->failure, FIELD_MESSAGE),
                     found);
        }
    }
}

/* ---- what is told ---- */

static void keys_body(struct test_session *t)
{
    static const struct told cases[] = {
        { "INSERT INTO t VALUES (1)", "Key (id)=(1) already exists." },
        { "INSERT INTO t VALUES (7), (8), (2), (1)", "Key (id)=(2) already exists." },
        { "INSERT INTO t (id, b) VALUES (7, 'p'), (8, 'q'), (9, 'p'), (1, 'z')",
          "Key (b)=(p) already exists." },
        { "INSERT INTO t (id, \"C\", d) VALUES (9, true, 1.5)",
          "Key (\"C\", d)=(t, 1.50) already exists." },
        { "INSERT INTO t (id, b) SELECT id + 10, 'w' FROM t", "Key (b)=(w) already exists." },
        { "UPDATE t SET b = 'y' WHERE id = 1", "Key (b)=(y) already exists." },
        { "UPDATE t SET b = 'all'", "Key (b)=(all) already exists." },
        { "INSERT INTO t VALUES (1, 'y') ON CONFLICT (id) DO UPDATE SET b = excluded.b",
          "Key (b)=(y) already exists." },
        { "INSERT INTO t VALUES (6, 'y') ON CONFLICT (id) DO NOTHING",
          "Key (b)=(y) already exists." },
        { "INSERT INTO t VALUES (1, 'y'), (5, 'g'), (6, 'y') ON CONFLICT (id) DO UPDATE SET d = 3",
          "Key (b)=(y) already exists." },
    };

    ok(t, "CREATE TABLE t (id int PRIMARY KEY, b text UNIQUE, \"C\" bool, d numeric(6,2), "
          "UNIQUE (\"C\", d))");
    ok(t, "INSERT INTO t VALUES (1, 'x', true, 1.5), (2, 'y', false, 1.5)");
    check_all(t, cases, ARRAY_LEN(cases));
}

/* Of several keys the oldest is told, and expressions are, as far as they are lower() and upper().
 */
static void order_body(struct test_session *t)
{
    static const struct told cases[] = {
        { "INSERT INTO t VALUES ('A', 'b', 'C', 1, 5)", "Key (id)=(1) already exists." },
        { "INSERT INTO t VALUES ('A', 'b', 'C', 2, 5)", "Key (a)=(A) already exists." },
        { "INSERT INTO t VALUES ('n', 'b', 'C', 2, 5)",
          "Key (upper(b::text))=(B) already exists." },
        { "INSERT INTO t VALUES ('n', 'n', 'C', 2, 5)",
          "Key (lower(\"C\"), n)=(c, 5) already exists." },
    };

    ok(t, "CREATE TABLE t (a text UNIQUE, b varchar(9), \"C\" text, id int PRIMARY KEY, n int)");
    ok(t, "CREATE UNIQUE INDEX ON t (upper(b)); CREATE UNIQUE INDEX ON t (lower(\"C\") DESC, n)");
    ok(t, "CREATE UNIQUE INDEX ON t (substr(a, 1, 1))"); /* SQLite's first, and not to be read */
    ok(t, "INSERT INTO t VALUES ('A', 'B', 'c', 1, 5)");
    check_all(t, cases, ARRAY_LEN(cases));
    (void)state(t, cases[2].text);
    assert_string_equal(failure_get(&t->failure, FIELD_CONSTRAINT), "t_upper_idx");
    assert_string_equal(failure_get(&t->failure, FIELD_MESSAGE),
                        "duplicate key value violates unique constraint \"t_upper_idx\"");
}

static void foreign_body(struct test_session *t)
{
    static const struct told cases[] = {
        { "INSERT INTO kid VALUES (1, 1, 9)", "Key (q)=(9) is not present in table \"mother\"." },
        { "INSERT INTO kid VALUES (1, 8, 9)", "Key (p)=(8) is not present in table \"mother\"." },
        { "INSERT INTO kid (id, a, b) VALUES (1, 2, 'n')",
          "Key (a, b)=(2, n) is not present in table \"two\"." },
        { "UPDATE kid SET q = 5", "Key (q)=(5) is not present in table \"mother\"." },
        { "DELETE FROM mother WHERE id = 1",
          "Key (id)=(1) is still referenced from table \"kid\"." },
        { "DELETE FROM mother", "Key (id)=(1) is still referenced from table \"kid\"." },
        { "UPDATE mother SET id = 7 WHERE id = 1",
          "Key (id)=(1) is still referenced from table \"kid\"." },
        { "DELETE FROM top WHERE id = 1",
          "Key (id)=(20) is still referenced from table \"leaf\"." },
        { "DELETE FROM top", "Key (id)=(20) is still referenced from table \"leaf\"." },
        { "BEGIN; SET CONSTRAINTS ALL DEFERRED; INSERT INTO kid VALUES (1, 1, 9); SET CONSTRAINTS "
          "ALL "
          "IMMEDIATE",
          "Key (q)=(9) is not present in table \"mother\"." },
        { "ROLLBACK; INSERT INTO self VALUES (1, 1), (2, 3), (3, 4)",
          "Key (up)=(4) is not present in table \"self\"." },
        { "ROLLBACK; INSERT INTO t_kid VALUES (2)",
          "Key (m)=(2) is not present in table \"t_mother\"." },
        { "DELETE FROM t_mother", "Key (id)=(1) is still referenced from table \"t_kid\"." },
    };

    ok(t, "CREATE TABLE mother (id int PRIMARY KEY); CREATE TABLE two (a int, b text, PRIMARY KEY "
          "(a, b))");
    ok(t, "CREATE TABLE kid (id int, p int REFERENCES mother ON DELETE RESTRICT, q int REFERENCES "
          "mother (id), a int, b text, CONSTRAINT \"odd\" FOREIGN KEY (a, b) REFERENCES two)");
    ok(t,
       "CREATE TABLE top (id int PRIMARY KEY); CREATE TABLE middle (id int PRIMARY KEY, t int "
       "REFERENCES top ON DELETE CASCADE); CREATE TABLE low (id int PRIMARY KEY, m int REFERENCES "
       "middle ON DELETE CASCADE); CREATE TABLE leaf (l int REFERENCES low)");
    ok(t,
       "INSERT INTO top VALUES (1), (2); INSERT INTO middle VALUES (10, 1), (11, 2); INSERT INTO "
       "low VALUES (20, 10), (21, 11); INSERT INTO leaf VALUES (20)");
    ok(t, "CREATE TABLE self (id int PRIMARY KEY, up int REFERENCES self)");
    ok(t, "INSERT INTO mother VALUES (1), (2); INSERT INTO kid VALUES (0, 1, 1)");
    ok(t, "CREATE TEMP TABLE t_mother (id int PRIMARY KEY)");
    ok(t, "CREATE TEMP TABLE t_kid (m int REFERENCES t_mother)");
    ok(t, "INSERT INTO t_mother VALUES (1); INSERT INTO t_kid VALUES (1)");
    check_all(t, cases, ARRAY_LEN(cases));
    (void)state(t, "INSERT INTO kid (id, a, b) VALUES (1, 2, 'n')");
    assert_string_equal(failure_get(&t->failure, FIELD_CONSTRAINT), "odd");
    assert_string_equal(failure_get(&t->failure, FIELD_TABLE), "kid");
}

/* A table that refers to itself by several keys: rows go by each of them, and by each of these. */
static void web_body(struct test_session *t)
{
    ok(t,
       "CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree ON DELETE CASCADE, root int "
       "REFERENCES tree ON DELETE CASCADE); CREATE TABLE leaf (l int REFERENCES tree)");
    ok(t, "INSERT INTO tree (id, up) VALUES (1, NULL), (2, 1), (3, 2), (4, 3), (5, 4), (6, 5), (7, "
          "6)");
    ok(t, "INSERT INTO tree VALUES (10, NULL, 1), (11, NULL, 10); INSERT INTO leaf VALUES (11)");
    assert_string_equal(detail(t, "DELETE FROM tree WHERE id = 1"),
                        "Key (id)=(11) is still referenced from table \"leaf\".");
    ok(t, "CREATE TABLE web (id int PRIMARY KEY, a int REFERENCES web ON DELETE CASCADE, b int "
          "REFERENCES web ON DELETE CASCADE, c int REFERENCES web ON DELETE CASCADE)");
    ok(t, "CREATE TABLE end_ (l int REFERENCES web); INSERT INTO web VALUES (1)");
    ok(t, "INSERT INTO web SELECT n, n - 1, n - 1, n - 1 FROM generate_series(2, 12) AS g (n)");
    ok(t, "INSERT INTO end_ VALUES (12)");
    (void)mem_fail_at(0, false);
    assert_string_equal(detail(t, "DELETE FROM web WHERE id = 1"), "");
    assert_in_range(mem_fail_at(0, false), 1, 500000); /* 165,691; without a limit 16 millions */
}

static void rows_body(struct test_session *t)
{
    static const struct told cases[] = {
        { "INSERT INTO t (b, c) VALUES (NULL, '2024-01-02')",
          "Failing row contains (1, null, 2024-01-02, 3)." },
        { "INSERT INTO t (b, n) VALUES ('ok', 4), ('no', 11)",
          "Failing row contains (2, no, null, 11)." },
        { "INSERT INTO t (id, b) VALUES (NULL, 'x')", "Failing row contains (null, x, null, 3)." },
        { "INSERT INTO t (id, b) VALUES (7, 'x'), (8, NULL) ON CONFLICT (id) DO UPDATE SET b = "
          "excluded.b, c = NULL",
          "Failing row contains (8, null, null, 3)." },
        { "INSERT INTO t (b, n) VALUES (repeat('ä', 40), 12)",
          "Failing row contains (1, ääääääääääääääääääääääääääääääää..., null, 12)." },
    };

    ok(t, "CREATE TABLE t (id serial PRIMARY KEY, b text NOT NULL, c date, n int DEFAULT 3 CHECK "
          "(n < 10))");
    check_all(t, cases, ARRAY_LEN(cases));
    ok(t, "INSERT INTO t (b) VALUES ('x')");
    assert_string_equal(detail(t, "UPDATE t SET n = n * 5"),
                        "Failing row contains (1, x, null, 15).");
}

static void index_body(struct test_session *t)
{
    static const struct told cases[] = {
        { "CREATE UNIQUE INDEX i ON t (a, b)", "Key (a, b)=(2, x) is duplicated." },
        { "ALTER TABLE t ADD UNIQUE (b)", "Key (b)=(x) is duplicated." },
        { "CREATE UNIQUE INDEX i ON t (a) WHERE b IS NOT NULL", "Key (a)=(2) is duplicated." },
        { "CREATE UNIQUE INDEX i ON t (lower(b), a)", "Key (lower(b), a)=(x, 2) is duplicated." },
        { "CREATE UNIQUE INDEX i ON t ((a + 1))", "" },
        { "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u",
          "Key (a)=(2) is not present in table \"u\"." },
    };

    ok(t, "CREATE TABLE t (a int, b text); CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u "
          "VALUES (1)");
    ok(t, "INSERT INTO t VALUES (1, NULL), (1, NULL), (2, 'x'), (2, 'x')");
    check_all(t, cases, ARRAY_LEN(cases));
    (void)state(t, "CREATE UNIQUE INDEX i ON t (b)");
    assert_string_equal(failure_get(&t->failure, FIELD_MESSAGE),
                        "could not create unique index \"i\"");
    assert_string_equal(failure_get(&t->failure, FIELD_CONSTRAINT), "i");
}

static void numbers_body(struct test_session *t)
{
    ok(t, "CREATE SEQUENCE s; CREATE TABLE t (a int DEFAULT nextval('s'), b text UNIQUE, c int NOT "
          "NULL)");
    ok(t, "INSERT INTO t (b, c) VALUES ('x', 1)");
    assert_string_equal(detail(t, "INSERT INTO t (b) VALUES ('y')"),
                        "Failing row contains (2, y, null).");
    /* which number the second row got cannot be known any more */
    assert_string_equal(detail(t, "INSERT INTO t (b, c) VALUES ('y', 1), ('z', NULL)"), "");
    assert_string_equal(detail(t, "INSERT INTO t (b, c) VALUES ('y', 1), ('x', 1)"),
                        "Key (b)=(x) already exists.");
    ok(t, "INSERT INTO t (b, c) VALUES ('q', 1)");
    /* nor which of two calls gave what */
    assert_string_equal(detail(t, "INSERT INTO t VALUES (nextval('s'), nextval('s')::text, NULL)"),
                        "");
    assert_string_equal(detail(t, "INSERT INTO t (a) VALUES ((SELECT min(nextval('s')) FROM t))"),
                        "");
}

/* A deferred key may be violated as well, without being the one that failed. */
static void deferred_body(struct test_session *t)
{
    ok(t, "CREATE TABLE p (id int PRIMARY KEY)");
    ok(t, "CREATE TABLE one (a int REFERENCES p DEFERRABLE INITIALLY DEFERRED)");
    ok(t,
       "CREATE TABLE two (a int REFERENCES p DEFERRABLE INITIALLY DEFERRED, b int REFERENCES p)");
    assert_string_equal(detail(t, "INSERT INTO two VALUES (7, 8)"), "");
    assert_string_equal(t->failure.sqlstate, "23503");
    assert_string_equal(
        detail(t, "BEGIN; INSERT INTO one VALUES (7); SET CONSTRAINTS ALL IMMEDIATE"),
        "Key (a)=(7) is not present in table \"p\".");
    ok(t, "ROLLBACK");
    assert_string_equal(
        detail(t, "BEGIN; INSERT INTO p VALUES (1); INSERT INTO one VALUES (1), (8); COMMIT"),
        "Key (a)=(8) is not present in table \"p\".");
    assert_string_equal(rows(t, "SELECT count(*) FROM p"), "0\n"); /* no longer in a block */
    assert_string_equal(detail(t, "BEGIN; INSERT INTO two VALUES (7, NULL), (9, NULL); COMMIT"),
                        "Key (a)=(7) is not present in table \"p\".");
    ok(t, "CREATE TABLE three (c int, a int REFERENCES p DEFERRABLE INITIALLY DEFERRED)");
    assert_string_equal(detail(t, "BEGIN; INSERT INTO three VALUES (5, 6); ALTER TABLE three ADD "
                                  "CONSTRAINT f FOREIGN KEY (c) REFERENCES p"),
                        "Key (c)=(5) is not present in table \"p\".");
    assert_string_equal(failure_get(&t->failure, FIELD_CONSTRAINT), "f");
    ok(t, "ROLLBACK");
    assert_string_equal(detail(t, "INSERT INTO one VALUES (9)"),
                        "Key (a)=(9) is not present in table \"p\".");
    ok(t, "CREATE TABLE q (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE)");
    ok(t, "CREATE TABLE later (a int REFERENCES q DEFERRABLE INITIALLY DEFERRED)");
    ok(t, "CREATE TABLE now (a int REFERENCES q)");
    ok(t, "INSERT INTO p VALUES (1); INSERT INTO q VALUES (10, 1), (11, 1)");
    ok(t, "INSERT INTO later VALUES (10); INSERT INTO now VALUES (11)");
    assert_string_equal(detail(t, "DELETE FROM p"), ""); /* nor one below a cascade */
    ok(t, "DROP TABLE later");
    assert_string_equal(detail(t, "DELETE FROM p"), "");
    ok(t, "DROP TABLE one; DROP TABLE two; DROP TABLE three");
    assert_string_equal(detail(t, "DELETE FROM p"),
                        "Key (id)=(11) is still referenced from table \"now\".");
}

static void uuid_body(struct test_session *t)
{
    char wanted[128];

    ok(t, "CREATE TABLE u (id uuid DEFAULT gen_random_uuid(), a text NOT NULL)");
    (void)snprintf(wanted, sizeof(wanted), "%s", detail(t, "INSERT INTO u (a) VALUES (NULL)"));
    assert_int_equal(strlen(wanted),
                     strlen("Failing row contains (01234567-89ab-cdef-0123-456789abcdef, null)."));
    assert_string_equal(detail(t, "INSERT INTO u (a) VALUES (NULL), (NULL)"), "");
    assert_string_equal(detail(t, "INSERT INTO u VALUES (gen_random_uuid(), "
                                  "nullif(gen_random_uuid()::text, 'x')), (NULL, NULL)"),
                        "");
    ok(t, "INSERT INTO u (a) VALUES ('x')");
}

static void generated_body(struct test_session *t)
{
    static const struct told cases[] = {
        { "INSERT INTO g (a, c) VALUES (1, 1)", "Key (b)=(2) already exists." },
        { "INSERT INTO g (a) VALUES (7)", "Failing row contains (7, 14, null, 3)." },
        { "UPDATE g SET c = NULL WHERE a = 1", "Failing row contains (1, 2, null, 3)." },
        { "UPDATE g SET a = 1, c = 3", "" }, /* it would be computed from the old value */
        { "INSERT INTO g (c) VALUES (NULL)", "" },
    };

    ok(t, "CREATE TABLE g (a int, b int GENERATED ALWAYS AS (a * 2) STORED UNIQUE, c int NOT NULL, "
          "d int DEFAULT 3)");
    ok(t, "INSERT INTO g (a, c) VALUES (1, 1), (2, 2)");
    check_all(t, cases, ARRAY_LEN(cases));
}

/* ---- what is not ---- */

static void nothing_body(struct test_session *t)
{
    static const struct told cases[] = {
        /* what would be another value the second time */
        { "INSERT INTO t VALUES (1 + 0 * random()::int)", "" },
        { "INSERT INTO t SELECT 1 WHERE clock_timestamp() > '2000-01-01'", "" },
        { "INSERT INTO t SELECT setval('s', 5) - 4", "" },
        { "INSERT INTO t SELECT n FROM v", "" },
        { "INSERT INTO u (r) VALUES (md5(random()::text)::uuid)", "" },
        /* it may have been one or the other */
        { "UPDATE t SET id = id + 1", "" },
        { "UPDATE t SET (id, b) = (SELECT 1, 'x')", "" },
        { "INSERT INTO t (id, b) VALUES (6, 'x'), (1, 'x'), (7, 'y') ON CONFLICT (id) DO UPDATE "
          "SET b = 'y'",
          "" },
        { "INSERT INTO u (a, r, g, k) VALUES (4, NULL, 1, 1), (NULL, NULL, 2, 2) ON CONFLICT (g) "
          "DO UPDATE SET a = NULL",
          "" },
        { "INSERT INTO u (a, k) VALUES (4, 1), (12, 2) ON CONFLICT (k) DO UPDATE SET a = 11", "" },
        { "INSERT INTO k (id, g) VALUES (1, 1) ON CONFLICT (g) DO UPDATE SET b = NULL", "" },
        /* it was not called */
        { "INSERT INTO k (id, b) VALUES (NULL, nextval('s2'))", "" },
        /* expressions */
        { "INSERT INTO t (id, b) VALUES (9, 'xx')", "" },
    };

    ok(t,
       "CREATE TABLE t (id int PRIMARY KEY, b text); CREATE UNIQUE INDEX ON t (substr(b, 1, 1))");
    ok(t, "CREATE TABLE u (a int NOT NULL CHECK (a < 10), r uuid DEFAULT gen_random_uuid(), g int "
          "UNIQUE, k int UNIQUE)");
    ok(t,
       "CREATE TABLE k (id int PRIMARY KEY, b int NOT NULL, g int UNIQUE, d int GENERATED ALWAYS "
       "AS (id + 1) STORED)");
    ok(t, "INSERT INTO u (a, g, k) VALUES (1, 1, 1); INSERT INTO k VALUES (5, 5, 1)");
    ok(t, "CREATE SEQUENCE s2; SELECT nextval('s2')");
    ok(t, "CREATE SEQUENCE s; CREATE VIEW v AS SELECT 1 + 0 * random()::int AS n");
    ok(t, "INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z')");
    check_all(t, cases, ARRAY_LEN(cases));
    assert_string_equal(rows(t, "SELECT nextval('s')"), "1\n"); /* undone, and not called again */
    raw(t, "CREATE TRIGGER g AFTER INSERT ON u BEGIN INSERT INTO t VALUES (1, 'trigger'); END");
    assert_string_equal(detail(t, "INSERT INTO u VALUES (5)"), "");
    assert_string_equal(t->failure.sqlstate, "23505");
    assert_string_equal(detail(t, "INSERT INTO t VALUES (1)"), "");
}

/* What would take long is given up; the first row of very many is found at once. */
static void many_body(struct test_session *t)
{
    static const struct told cases[] = {
        { "INSERT INTO t SELECT i FROM generate_series(1, 100000) AS g(i)",
          "Key (a)=(50000) already exists." },
        { "INSERT INTO t SELECT i FROM generate_series(1, 10000000000) AS g(i)", "" },
        { "INSERT INTO t SELECT NULL FROM generate_series(1, 10000000000)",
          "Failing row contains (null)." },
        { "INSERT INTO k SELECT i + 7 FROM generate_series(1, 100) AS g(i)",
          "Key (a)=(8) is not present in table \"t\"." },
        { "UPDATE m SET c = c - 7", "Failing row contains (-6)." },
        { "INSERT INTO t SELECT 50000 FROM m AS x, m AS y, m AS z WHERE x.c + y.c + z.c IN (3, 9)",
          "" },
    };

    ok(t, "CREATE TABLE t (a int NOT NULL UNIQUE); INSERT INTO t VALUES (50000)");
    ok(t, "CREATE TABLE k (a int REFERENCES t (a)); CREATE TABLE m (c int CHECK (c > 0))");
    ok(t, "INSERT INTO m SELECT i FROM generate_series(1, 100000) AS g(i)");
    check_all(t, cases, ARRAY_LEN(cases));
    ok(t, "SELECT count(*) FROM m AS a, m AS b WHERE a.c < 500"); /* that was for those alone */
}

/* What SQLite's own files have. */
static void foreign_file_body(struct test_session *t)
{
    raw(t, "CREATE TABLE f (a INTEGER PRIMARY KEY, b TEXT UNIQUE, c DATETIME DEFAULT "
           "CURRENT_TIMESTAMP, "
           "d INT NOT NULL)");
    ok(t, "INSERT INTO f (b, d) VALUES ('x', 1)");
    assert_string_equal(detail(t, "INSERT INTO f (b, d) VALUES ('x', 1)"),
                        "Key (b)=(x) already exists.");
    assert_string_equal(detail(t, "INSERT INTO f (a, d) VALUES (1, 1)"),
                        "Key (a)=(1) already exists.");
    assert_string_equal(detail(t, "INSERT INTO f (b) VALUES ('y')"), ""); /* the time has gone on */
    assert_string_equal(detail(t, "INSERT INTO f (a, b, c, d) VALUES (NULL, 'y', NULL, NULL)"),
                        "Failing row contains (2, y, null, null).");
    assert_string_equal(detail(t, "INSERT INTO f (a, d) VALUES (NULL, 1), (2, 1)"), "");
    raw(t, "CREATE TABLE folding (a TEXT COLLATE nocase UNIQUE)");
    ok(t, "INSERT INTO folding VALUES ('x')");
    assert_string_equal(detail(t, "INSERT INTO folding VALUES ('X')"),
                        "Key (a)=(X) already exists.");
    assert_string_equal(detail(t, "INSERT INTO folding VALUES ('a'), ('A'), ('x')"), "");
}

static void functions_body(struct test_session *t)
{
    ok(t, "CREATE TABLE t (a int UNIQUE); INSERT INTO t VALUES (1)");
    assert_string_equal(detail(t, "INSERT INTO t VALUES (1)"), "Key (a)=(1) already exists.");
    /* the next statement may call what it likes */
    ok(t, "SELECT random(), gen_random_uuid(), clock_timestamp()");
    ok(t, "BEGIN; SAVEPOINT a");
    assert_string_equal(detail(t, "INSERT INTO t VALUES (2), (2)"), "Key (a)=(2) already exists.");
    ok(t, "ROLLBACK TO a; INSERT INTO t VALUES (2); COMMIT");
    assert_string_equal(rows(t, "SELECT count(*) FROM t"), "2\n");
}

/* ---- random ones ---- */

struct trial {
    char many[1024];
    char wanted[256]; /* the DETAIL of the first row that fails by itself */
    char sqlstate[8]; /* empty: none fails */
};

static void add_row(struct test_session *t, struct trial *trial, const char *row, const char *tail)
{
    char one[256];
    size_t used = strlen(trial->many);

    (void)snprintf(trial->many + used, sizeof(trial->many) - used, "%s%s",
                   used > strlen("INSERT INTO t VALUES ") ? ", " : "", row);
    (void)snprintf(one, sizeof(one), "INSERT INTO t VALUES %s%s", row, tail);
    if (trial->sqlstate[0] == '\0' && !run(t, one)) {
        const char *found = failure_get(&t->failure, FIELD_DETAIL);

        (void)snprintf(trial->wanted, sizeof(trial->wanted), "%s", found == NULL ? "" : found);
        (void)snprintf(trial->sqlstate, sizeof(trial->sqlstate), "%s", t->failure.sqlstate);
    }
}

/* Whether there must be a DETAIL, too. */
static void check_trial(struct test_session *t, const struct trial *trial, bool must)
{
    if (trial->sqlstate[0] == '\0') {
        ok(t, trial->many);
        return;
    }
    const char *found = detail(t, trial->many);

    assert_string_equal(t->failure.sqlstate, trial->sqlstate);
    if (strcmp(found, trial->wanted) != 0 && (must || found[0] != '\0')) {
        fail_msg("%s: \"%s\", not \"%s\"", trial->many, found, trial->wanted);
    }
}

static unsigned test_seed(void)
{
    const char *given = getenv("POND_TEST_SEED");
    unsigned seed = given == NULL ? (unsigned)time(NULL) : (unsigned)strtoul(given, NULL, 10);

    print_message("POND_TEST_SEED=%u\n", seed);
    return seed;
}

/* The DETAIL of many rows is that of the first that fails when they come one by one. */
static void random_body(struct test_session *t)
{
    static const char *const tails[] = { "", "", " ON CONFLICT (a) DO NOTHING",
                                         " ON CONFLICT (a) DO UPDATE SET d = 6",
                                         " ON CONFLICT (a) DO UPDATE SET b = excluded.b" };
    unsigned seed = test_seed();

    ok(t, "CREATE TABLE t (a int PRIMARY KEY, b text, c int CHECK (c < 9), d int NOT NULL, UNIQUE "
          "(b, c))");
    for (int round = 0; round < 300; round++) {
        struct trial trial = { .many = "INSERT INTO t VALUES " };
        const char *tail = tails[(size_t)rand_r(&seed) % ARRAY_LEN(tails)];
        int count = 1 + rand_r(&seed) % 6;

        ok(t, "BEGIN; DELETE FROM t; INSERT INTO t VALUES (1, 'x', 1, 1), (3, 'y', 2, 2); "
              "SAVEPOINT s");
        for (int i = 0; i < count; i++) {
            char row[64];

            (void)snprintf(row, sizeof(row), "(%d, '%c', %d, %s)", rand_r(&seed) % 20,
                           'x' + rand_r(&seed) % 2, rand_r(&seed) % 10,
                           rand_r(&seed) % 12 == 0 ? "NULL" : "5");
            add_row(t, &trial, row, tail);
        }
        ok(t, "ROLLBACK TO s");
        (void)snprintf(trial.many + strlen(trial.many), sizeof(trial.many) - strlen(trial.many),
                       "%s", tail);
        check_trial(t, &trial, tail[0] == '\0');
        ok(t, "ROLLBACK");
    }
}

/* That of an UPDATE is that of the first row that fails when they come one by one; or there is
 * none. */
static void random_update_body(struct test_session *t)
{
    static const char *const values[] = {
        "a + 1", "a - 2", "7", "a / 2", "a + id", "nullif(a, 4)"
    };
    unsigned seed = test_seed();
    int told = 0;

    ok(t, "CREATE TABLE v (id int PRIMARY KEY, a int UNIQUE)");
    for (int round = 0; round < 300; round++) {
        const char *value = values[(size_t)rand_r(&seed) % ARRAY_LEN(values)];
        int below = rand_r(&seed) % 12;
        char text[128], wanted[256] = "";
        bool failed = false;

        ok(t, "BEGIN; DELETE FROM v");
        for (int id = 0; id < 8; id++) {
            (void)snprintf(text, sizeof(text),
                           "INSERT INTO v VALUES (%d, %d) ON CONFLICT DO NOTHING", id,
                           rand_r(&seed) % 14);
            ok(t, text);
        }
        ok(t, "SAVEPOINT s");
        for (int id = 0; id < 8 && !failed; id++) {
            (void)snprintf(text, sizeof(text), "UPDATE v SET a = %s WHERE a < %d AND id = %d",
                           value, below, id);
            failed = !run(t, text);
        }
        if (failed) {
            (void)snprintf(wanted, sizeof(wanted), "%s", failure_get(&t->failure, FIELD_DETAIL));
        }
        ok(t, "ROLLBACK TO s");
        (void)snprintf(text, sizeof(text), "UPDATE v SET a = %s WHERE a < %d", value, below);
        if (failed) {
            const char *found = detail(t, text);

            told += found[0] != '\0';
            if (found[0] != '\0' && strcmp(found, wanted) != 0) {
                fail_msg("%s: \"%s\", not \"%s\"", text, found, wanted);
            }
        } else {
            ok(t, text);
        }
        ok(t, "ROLLBACK");
    }
    print_message("told %d\n", told);
    assert_true(told > 10);
}

/* ---- others ---- */

static struct {
    struct test_session *neighbour;
    size_t calls;
} meanwhile;

/* Is asked once by the statement, and again when it is looked back at. */
static int32_t commit_meanwhile(void *host)
{
    (void)host;
    if (++meanwhile.calls == 2) {
        ok(meanwhile.neighbour, "INSERT INTO other VALUES (1)");
    }
    return 0;
}

static void others_body(struct test_session *t)
{
    static const char insert[] = "INSERT INTO t SELECT 7 + pg_backend_pid()";
    static const char upsert[] = "INSERT INTO u VALUES (1, 6 + pg_backend_pid()) ON CONFLICT (a) "
                                 "DO UPDATE SET b = excluded.b";

    ok(t, "CREATE TABLE t (a int UNIQUE); CREATE TABLE other (b int); INSERT INTO t VALUES (7)");
    meanwhile.neighbour = neighbour_session(t);
    meanwhile.calls = 0;
    assert_string_equal(detail(t, insert), "");
    assert_string_equal(t->failure.sqlstate, "23505");
    assert_string_equal(failure_get(&t->failure, FIELD_CONSTRAINT), "t_a_key");
    assert_string_equal(rows(t, "SELECT * FROM other"), "1\n");
    assert_string_equal(detail(t, insert), "Key (a)=(7) already exists.");
    meanwhile.calls = 0;
    assert_string_equal(detail(t, "INSERT INTO t VALUES (7 + pg_backend_pid())"),
                        "Key (a)=(7) already exists."); /* whatever they did */
    assert_string_equal(rows(t, "SELECT count(*) FROM other"), "2\n");
    ok(t, "CREATE TABLE u (a int PRIMARY KEY, b int UNIQUE); INSERT INTO u VALUES (1, 5), (2, 6)");
    meanwhile.calls = 0;
    assert_string_equal(detail(t, upsert), ""); /* which row it has met, they may have changed */
    assert_string_equal(rows(t, "SELECT count(*) FROM other"), "3\n");
    assert_string_equal(detail(t, upsert), "Key (b)=(6) already exists.");
    ok(t, "BEGIN; INSERT INTO t VALUES (8)"); /* nobody commits beside it */
    assert_string_equal(detail(t, insert), "Key (a)=(7) already exists.");
    ok(t, "ROLLBACK");
    second_session_close(meanwhile.neighbour);
}

static void others_commit_meanwhile(void **state_)
{
    struct host_ops ops = test_host;

    (void)state_;
    ops.backend_pid = commit_meanwhile;
    with_host(&ops, others_body);
}

/* ---- memory ---- */

/* Each allocation fails once: then there may be no DETAIL, but never another one. */
static void memory_body(struct test_session *t)
{
    static const struct told told[] = {
        { "INSERT INTO t VALUES (5, 1), (1, 1)", "Key (a)=(1) already exists." },
        { "INSERT INTO t VALUES (6, 9)", "Key (b)=(9) is not present in table \"t\"." },
        { "INSERT INTO t (a) VALUES (NULL)", "Failing row contains (null, null)." },
    };

    ok(t, "CREATE TABLE t (a int PRIMARY KEY, b int REFERENCES t); INSERT INTO t VALUES (1)");
    for (size_t i = 0; i < ARRAY_LEN(told); i++) {
        bool hit = true;

        for (uint64_t n = 1; hit && n < 5000; n += 1 + n / 50) {
            (void)mem_fail_at(n, false);
            bool worked = run(t, told[i].text);
            hit = mem_fail_hit();
            (void)mem_fail_at(0, false);
            assert_false(worked);
            const char *found = failure_get(&t->failure, FIELD_DETAIL);
            if (strcmp(t->failure.sqlstate, "53200") != 0 && found != NULL) {
                assert_string_equal(found, told[i].detail);
            }
        }
        assert_false(hit);
        assert_string_equal(detail(t, told[i].text), told[i].detail);
    }
}

#define TEST(name, body)            \
    static void name(void **state_) \
    {                               \
        (void)state_;               \
        with_session(body);         \
    }

TEST(a_key_that_is_there_is_told, keys_body)
TEST(of_several_keys_the_oldest_is_told, order_body)
TEST(the_foreign_key_and_its_values_are_told, foreign_body)
TEST(not_all_ways_down_are_gone, web_body)
TEST(the_failing_row_is_told, rows_body)
TEST(keys_that_are_there_twice_are_told, index_body)
TEST(a_sequences_number_is_remembered_for_one_row, numbers_body)
TEST(a_deferred_key_is_not_told_for_another, deferred_body)
TEST(a_random_key_is_remembered_for_one_row, uuid_body)
TEST(generated_columns_are_told, generated_body)
TEST(nothing_is_told_that_may_be_wrong, nothing_body)
TEST(what_would_take_long_is_not_told, many_body)
TEST(other_files_of_sqlites_are_understood, foreign_file_body)
TEST(what_follows_is_not_touched, functions_body)
TEST(many_rows_fail_as_the_first_of_them, random_body)
TEST(an_update_is_told_its_first_row_or_nothing, random_update_body)
TEST(memory_may_be_short, memory_body)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_that_is_there_is_told),
        cmocka_unit_test(of_several_keys_the_oldest_is_told),
        cmocka_unit_test(the_foreign_key_and_its_values_are_told),
        cmocka_unit_test(not_all_ways_down_are_gone),
        cmocka_unit_test(the_failing_row_is_told),
        cmocka_unit_test(keys_that_are_there_twice_are_told),
        cmocka_unit_test(a_sequences_number_is_remembered_for_one_row),
        cmocka_unit_test(a_deferred_key_is_not_told_for_another),
        cmocka_unit_test(a_random_key_is_remembered_for_one_row),
        cmocka_unit_test(generated_columns_are_told),
        cmocka_unit_test(nothing_is_told_that_may_be_wrong),
        cmocka_unit_test(what_would_take_long_is_not_told),
        cmocka_unit_test(other_files_of_sqlites_are_understood),
        cmocka_unit_test(what_follows_is_not_touched),
        cmocka_unit_test(many_rows_fail_as_the_first_of_them),
        cmocka_unit_test(an_update_is_told_its_first_row_or_nothing),
        cmocka_unit_test(others_commit_meanwhile),
        cmocka_unit_test(memory_may_be_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
