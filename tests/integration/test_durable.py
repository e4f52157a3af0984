#!/usr/bin/python3
"""A durable database from one run of pondd to the next: what was committed is in an ordinary SQLite file."""
import sqlite3
import subprocess
import sys

from durable_test import Test, look, look_at_crashed, main
from wire import query

BOTH_ENDS = ("stop", "kill")


class Survives(Test):
    """Everything here is done twice: the daemon ends as it should, or is killed."""

    def after(self, end, *texts, database="shop"):
        """A daemon that has run these statements, and is no more; what the file has then stays as it is."""
        self.run_daemon()
        w = self.connect(database)
        for text in texts:
            self.run_sql(w, text)
        getattr(self, end)()
        w.socket.close()

    def found(self, text):
        """By a new daemon, which is ended."""
        self.run_daemon()
        rows = self.once("shop", text)
        self.stop()
        return rows

    def start_over(self):
        for path in (self.file, self.log_file):
            path.unlink(missing_ok=True)

    def check(self, texts, question, expected):
        for end in BOTH_ENDS:
            with self.subTest(end):
                self.start_over()
                self.after(end, *texts)
                looked = look_at_crashed(self.file, question)
                self.assertEqual([tuple(None if v is None else str(v) for v in row) for row in looked], expected)
                self.assertEqual(self.found(question), expected)

    def test_rows(self):
        self.check(["INSERT INTO t VALUES (2, 'two')", "BEGIN; INSERT INTO t VALUES (3, 'three'); UPDATE t SET s = 'one' WHERE i = 1; COMMIT",
                    "INSERT INTO t VALUES (4, 'four'); DELETE FROM t WHERE i = 4"],
                   "SELECT i, s FROM t ORDER BY i", [("1", "one"), ("2", "two"), ("3", "three")])

    def test_nothing_that_was_not_committed(self):
        self.check(["BEGIN; INSERT INTO t VALUES (2, 'rolled back'); ROLLBACK",
                    "BEGIN; INSERT INTO t VALUES (5, 'kept'); SAVEPOINT s; INSERT INTO t VALUES (6, 'undone'); ROLLBACK TO s; COMMIT",
                    "BEGIN; INSERT INTO t VALUES (7, 'still open')"],
                   "SELECT i, s FROM t ORDER BY i", [("1", "seed"), ("5", "kept")])

    def test_schema(self):
        self.check(["CREATE TABLE u (id serial PRIMARY KEY, t int REFERENCES t, n numeric(6, 2), at timestamptz)",
                    "CREATE INDEX u_n ON u (n)", "CREATE VIEW v AS SELECT t FROM u WHERE n = 12.5", "ALTER TABLE t ADD COLUMN more text DEFAULT 'm'",
                    "INSERT INTO u (t, n) VALUES (1, 12.5)", "CREATE TABLE gone (i int); DROP TABLE gone"],
                   "SELECT v.t, t.more FROM v, t", [("1", "m")])

    def test_a_file_that_has_got_smaller(self):
        self.check(["SELECT pond_mark('small')", "INSERT INTO t SELECT g, repeat('x', 1000) FROM generate_series(10, 5000) g(g)",
                    "SELECT pond_rewind('small')"],
                   "SELECT count(*) FROM t", [("1",)])
        self.assertLess(self.file.stat().st_size, 100000)

    def test_a_big_transaction(self):
        self.check(["BEGIN", "INSERT INTO t SELECT g, repeat('x', 1000) FROM generate_series(2, 20000) g(g)",
                    "UPDATE t SET s = s || 'y' WHERE i % 2 = 0", "COMMIT"],
                   "SELECT count(*), sum(length(s)) FROM t", [("20000", str(19999 * 1000 + 10000 + 4))])

    def test_big_values(self):
        self.check(["CREATE TABLE b (data bytea)"] +
                   ["INSERT INTO b VALUES (zeroblob(%d))" % size for size in (1, 4096, 5 << 20)] +
                   ["UPDATE b SET data = zeroblob(100) WHERE length(data) = 4096"],
                   "SELECT length(data) FROM b ORDER BY 1", [("1",), ("100",), (str(5 << 20),)])

    def test_many_small_ones(self):
        self.check(["INSERT INTO t VALUES (%d, '%s')" % (i, "x" * i) for i in range(2, 400)],
                   "SELECT count(*), max(i) FROM t", [("399", "399")])

    def test_a_rewind(self):
        self.check(["SELECT pond_mark('m')", "INSERT INTO t SELECT g, 'x' FROM generate_series(2, 3000) g(g)", "CREATE TABLE u (i int)",
                    "SELECT pond_rewind('m')", "INSERT INTO t VALUES (9, 'after')"],
                   "SELECT i, s FROM t ORDER BY i", [("1", "seed"), ("9", "after")])
        self.assertEqual(look(self.file, "SELECT count(*) FROM sqlite_schema WHERE name = 'u'"), [(0,)])

    def test_a_rewind_that_is_the_last_word(self):
        self.check(["SELECT pond_mark('m')", "INSERT INTO t VALUES (2, 'x')", "SELECT pond_rewind('m')"],
                   "SELECT i, s FROM t", [("1", "seed")])

    def test_no_rows_of_a_copy_of_it(self):
        for end in BOTH_ENDS:
            with self.subTest(end):
                self.start_over()
                self.after(end, "DELETE FROM t", database="shop~copy")
                self.assertEqual(self.found("SELECT i FROM t"), [("1",)])

    def test_numbers_of_a_sequence_go_on(self):
        for end in BOTH_ENDS:
            with self.subTest(end):
                self.start_over()
                self.after(end, "CREATE TABLE u (id serial PRIMARY KEY, s text)", "INSERT INTO u (s) VALUES ('a'), ('b'), ('c')",
                           "DELETE FROM u WHERE id = 3")
                self.assertEqual(self.found("INSERT INTO u (s) VALUES ('d') RETURNING id"), [("4",)])

    def test_rows_of_a_copy_from_the_client(self):
        for end in BOTH_ENDS:
            with self.subTest(end):
                self.start_over()
                self.run_daemon()
                w = self.connect("shop")
                w.send(query("COPY t FROM STDIN"))
                self.assertEqual(w.next()[0], "G")
                w.send(b"d" + (4 + 8 * 1000).to_bytes(4, "big") + b"".join(b"%04d\tx%d\n" % (i, i % 10) for i in range(1000, 2000)))
                w.send(b"c\0\0\0\4")
                self.assertEqual([kind for kind, _ in w.until("Z")], ["C", "Z"])
                getattr(self, end)()
                w.socket.close()
                self.assertEqual(self.found("SELECT count(*), max(i) FROM t"), [("1001", "1999")])


class Seed(Test):
    def test_a_seed_fills_a_new_file_only(self):
        self.run_daemon()
        self.assertTrue(self.file.exists())
        self.assertEqual(self.once("shop", "SELECT s FROM t"), [("seed",)])
        self.once("shop", "UPDATE t SET s = 'changed'")
        self.stop()
        self.write("seed.sql", "this is no SQL")
        self.conf_without_other()
        self.assertEqual(self.once("shop", "SELECT s FROM t"), [("changed",)])

    def conf_without_other(self):
        self.conf = lambda *lines: self.write("pond.conf", "[pond]\n[database shop]\nfile = shop.db\nseed = seed.sql\n")
        return self.run_daemon()

    def test_a_seed_that_fails_leaves_nothing_behind_that_would_not_be_filled_later(self):
        self.write("seed.sql", "CREATE TABLE t (i int); INSERT INTO nowhere VALUES (1);")
        with self.assertRaises(AssertionError):
            self.conf_without_other()
        self.write("seed.sql", "CREATE TABLE t (i int); INSERT INTO t VALUES (7);")
        self.conf_without_other()
        self.assertEqual(self.once("shop", "SELECT i FROM t"), [("7",)])

    def test_a_seed_that_is_an_sqlite_file_of_another_page_size(self):
        for bytes_ in (512, 65536):
            with self.subTest(bytes_):
                self.file.unlink(missing_ok=True)
                (self.folder / "seed.sql").unlink()
                db = sqlite3.connect(self.folder / "seed.sql")
                db.executescript("PRAGMA page_size=%d; CREATE TABLE t (i int); INSERT INTO t VALUES (8)" % bytes_)
                db.close()
                self.run_daemon()
                self.once("shop", "INSERT INTO t SELECT g FROM generate_series(9, 5000) g(g)")
                self.kill()
                self.assertEqual(look_at_crashed(self.file, "PRAGMA page_size"), [(bytes_,)])
                self.run_daemon()
                self.assertEqual(self.once("shop", "SELECT count(*) FROM t"), [("4993",)])
                self.stop()

    def test_no_seed_is_an_empty_database(self):
        self.write("seed.sql", "")
        self.run_daemon()
        self.once("shop", "CREATE TABLE t (i int)")
        self.stop()
        self.assertEqual(look(self.file, "SELECT name FROM sqlite_schema"), [("t",)])

    def test_an_empty_database_that_nobody_wrote_to(self):
        self.write("seed.sql", "")
        self.run_daemon()
        self.assertEqual(self.once("shop", "SELECT 1"), [("1",)])
        self.stop()
        self.run_daemon()
        self.assertEqual(self.once("shop", "SELECT 1"), [("1",)])


class Alone(Test):
    """One pondd, and nobody else."""

    def test_a_second_pondd_is_told_so_and_the_first_goes_on(self):
        first = self.run_daemon()
        w = self.connect("shop")
        line = self.fails_to_start()
        self.assertIn('55006 database file "%s" is being used by another process' % self.file, line)
        self.run_sql(w, "INSERT INTO t VALUES (2, 'x')")
        self.daemon = first
        self.stop()
        self.assertEqual(look(self.file, "SELECT count(*) FROM t"), [(2,)])

    def test_others_may_neither_read_nor_write_until_it_ends(self):
        self.run_daemon()
        for text in ("SELECT * FROM t", "DELETE FROM t"):
            with self.assertRaisesRegex(sqlite3.OperationalError, "database is locked"):
                look(self.file, text)
        self.stop()
        self.assertEqual(look(self.file, "SELECT i FROM t"), [(1,)])

    def test_a_file_that_somebody_writes_to_is_not_taken(self):
        db = sqlite3.connect(self.file)
        db.executescript("CREATE TABLE t (i int); BEGIN IMMEDIATE; INSERT INTO t VALUES (5)")
        self.assertIn("55006", self.fails_to_start())
        db.commit()
        db.close()
        self.run_daemon()
        self.assertEqual(self.once("shop", "SELECT i FROM t"), [("5",)])

    def test_a_log_that_a_killed_sqlite_left_is_recovered(self):
        subprocess.run([sys.executable, "-c", """
import os, signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.executescript("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (i int, s text)")
for i in range(50):
    db.execute("INSERT INTO t VALUES (?, ?)", (i, "x" * 3000))
    db.commit()
db.execute("PRAGMA cache_size=5")
db.execute("INSERT INTO t SELECT i + 1000, s FROM t")
os.kill(os.getpid(), signal.SIGKILL)
""", self.file], check=False)
        self.assertGreater(self.log_file.stat().st_size, 50 * 4096)
        self.run_daemon()
        self.assertEqual(self.once("shop", "SELECT count(*), max(i) FROM t"), [("50", "49")])
        self.once("shop", "INSERT INTO t VALUES (50, 'y')")
        self.kill()
        self.run_daemon()
        self.assertEqual(self.once("shop", "SELECT count(*) FROM t"), [("51",)])
        (self.folder / "shop.db-shm").unlink()  # of the killed one, which SQLite does not need
        self.stop()

    def test_a_rollback_journal_that_a_killed_sqlite_left_is_rolled_back(self):
        subprocess.run([sys.executable, "-c", """
import os, signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.executescript("CREATE TABLE t (i int, s text)")
db.executemany("INSERT INTO t VALUES (?, ?)", [(i, "x" * 3000) for i in range(50)])
db.commit()
db.execute("PRAGMA cache_size=2")
db.execute("UPDATE t SET i = -1, s = 'y'")
os.kill(os.getpid(), signal.SIGKILL)
""", self.file], check=False)
        self.assertTrue((self.folder / "shop.db-journal").exists())
        self.run_daemon()
        self.assertEqual(self.once("shop", "SELECT count(*), min(i) FROM t"), [("50", "0")])
        self.stop()
        self.assertFalse((self.folder / "shop.db-journal").exists())


class Synchronous(Test):
    def test_each_kind_outlives_the_process(self):
        for which in ("full", "normal", "off"):
            with self.subTest(which):
                self.run_daemon("synchronous = " + which)
                w = self.connect("shop")
                for i in range(100, 200):
                    self.run_sql(w, "INSERT INTO t VALUES (%d, '%s')" % (i, which))
                self.kill()
                self.run_daemon("synchronous = " + which)
                self.assertEqual(self.once("shop", "SELECT count(*) FROM t WHERE s = '%s'" % which), [("100",)])
                self.once("shop", "DELETE FROM t WHERE i > 1")
                self.stop()


if __name__ == "__main__":
    main()
