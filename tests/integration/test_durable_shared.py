#!/usr/bin/python3
"""A durable database while it is up: its connections share it, as those of a PostgreSQL do."""
import os
import random
import struct
import threading

from durable_test import database_test, look_at_crashed, main
import wire
from wire import bind, execute, parse, query, FLUSH, SYNC

ALL = "SELECT string_agg(i || s, ',') FROM (SELECT i, s FROM t ORDER BY i) x"
SEED = "CREATE TABLE t (i int PRIMARY KEY, s text); INSERT INTO t VALUES (1, 'a')"


class Shared(database_test.Test):
    """One daemon for all of them; each has the table t with one row."""
    conf = "[database shop]\nfile = shop.db\n[database other]\nseed = %s/clients.sql\n" % database_test.FOLDER
    options = ("loops=4",)

    def setUp(self):
        super().setUp()
        self.w = self.connect("shop")
        self.run_sql(self.w, "DROP TABLE IF EXISTS t; " + SEED)
        self.addCleanup(self.w.socket.close)

    def enter(self, count=1, database="shop", **keys):
        made = [self.connect(database, **keys) for _ in range(count)]
        for w in made:
            self.addCleanup(w.socket.close)
        return made if count > 1 else made[0]

    def path(self):
        return os.path.join(self.daemon.folder, "shop.db")


class Transactions(Shared):
    def test_all_its_connections_see_what_one_commits(self):
        a, b = self.enter(2)
        self.run_sql(a, "INSERT INTO t VALUES (2, 'b')")
        for w in (b, self.w, self.enter()):
            self.assertEqual(self.run_sql(w, ALL), [("1a,2b",)])

    def test_who_has_committed_sees_it_himself_at_once(self):
        a, b = self.enter(2)
        for number in range(100, 150):
            self.run_sql(a, "INSERT INTO t VALUES (%d, 'x')" % number)
            for w in (a, b):
                self.assertEqual(self.run_sql(w, "SELECT max(i) FROM t"), [(str(number),)])

    def test_read_committed(self):
        a, b = self.enter(2)
        self.run_sql(a, "BEGIN; INSERT INTO t VALUES (2, 'b')")
        self.run_sql(b, "BEGIN")
        self.assertEqual(self.run_sql(b, ALL), [("1a",)])
        self.run_sql(a, "COMMIT")
        self.assertEqual(self.run_sql(b, ALL), [("1a,2b",)])
        self.run_sql(b, "UPDATE t SET s = s || '+'; COMMIT")
        self.assertEqual(self.run_sql(a, ALL), [("1a+,2b+",)])

    def test_repeatable_read(self):
        a, b = self.enter(2)
        self.run_sql(b, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        self.assertEqual(self.run_sql(b, ALL), [("1a",)])
        self.run_sql(a, "INSERT INTO t VALUES (2, 'b')")
        self.assertEqual(self.run_sql(b, ALL), [("1a",)])
        self.fails(b, "INSERT INTO t VALUES (3, 'c')", "40001")
        self.run_sql(b, "ROLLBACK")
        self.assertEqual(self.run_sql(b, ALL), [("1a,2b",)])

    def test_a_writer_that_waited_is_told_40001_when_his_root_is_old(self):
        a, b = self.enter(2)
        self.run_sql(b, "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1 FROM t")
        self.run_sql(a, "BEGIN; UPDATE t SET s = 'x'")
        b.send(query("UPDATE t SET s = 'y'"))
        self.until_it_waits(b)
        self.run_sql(a, "COMMIT")
        got = b.until("Z")
        self.assertEqual([wire.fields(body)["C"] for kind, body in got if kind == "E"], ["40001"])

    def test_writers_stand_in_line(self):
        holder, *waiting = self.enter(6)
        self.run_sql(holder, "BEGIN; UPDATE t SET s = ''")
        for number, w in enumerate(waiting):
            w.send(query("UPDATE t SET s = s || '%d'" % number))
            self.until_it_waits(w)
        self.run_sql(holder, "COMMIT")
        for w in waiting:
            self.assertEqual("".join(kind for kind, _ in w.until("Z")), "CZ")
        self.assertEqual(self.run_sql(holder, "SELECT s FROM t"), [("01234",)])

    def test_lock_timeout(self):
        a, b = self.enter(2)
        self.run_sql(a, "BEGIN; UPDATE t SET s = 'x'")
        self.run_sql(b, "SET lock_timeout = 20")
        self.fails(b, "UPDATE t SET s = 'y'", "55P03")
        self.assertEqual(self.run_sql(b, "SELECT s FROM t"), [("a",)])
        self.run_sql(a, "ROLLBACK")
        self.run_sql(b, "UPDATE t SET s = 'y'")

    def test_eight_connections_lose_no_update(self):
        self.run_sql(self.w, "CREATE TABLE IF NOT EXISTS sums (i int, n int); DELETE FROM sums; INSERT INTO sums VALUES (1, 0)")
        def count():
            w = wire.Wire("shop")
            for _ in range(25):
                types, got = w.ask(query("UPDATE sums SET n = n + 1"))
                assert types == "CZ", got
            w.send(wire.TERMINATE)
            w.socket.close()
        threads = [threading.Thread(target=count) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.run_sql(self.w, "SELECT n FROM sums"), [("200",)])

    def test_a_pipeline_of_writes(self):
        one = parse("", "INSERT INTO t VALUES ($1, $2)") + b"".join(
            bind("", "", [b"%d" % i, b"p"]) + execute() for i in range(100, 300))
        types, _ = self.w.ask(one + SYNC)
        self.assertEqual(types, "1" + "2C" * 200 + "Z")
        each = b"".join(parse("", "DELETE FROM t WHERE i = %d" % i) + bind("", "") + execute() + SYNC for i in range(100, 300))
        self.w.send(each)
        for _ in range(200):
            self.assertEqual("".join(kind for kind, _ in self.w.until("Z")), "12CZ")
        self.assertEqual(self.run_sql(self.w, ALL), [("1a",)])

    def test_a_failed_commit_of_a_deferred_key_leaves_nothing(self):
        self.run_sql(self.w, "CREATE TABLE IF NOT EXISTS child (t int REFERENCES t DEFERRABLE INITIALLY DEFERRED)")
        self.run_sql(self.w, "BEGIN; INSERT INTO child VALUES (77)")
        self.fails(self.w, "COMMIT", "23503")
        self.assertEqual(self.run_sql(self.w, "SELECT count(*) FROM child"), [("0",)])
        self.run_sql(self.w, "DROP TABLE child")

    def test_advisory_locks_are_between_its_connections(self):
        a, b = self.enter(2)
        self.run_sql(a, "SELECT pg_advisory_lock(5)")
        self.assertEqual(self.run_sql(b, "SELECT pg_try_advisory_lock(5)"), [("f",)])
        self.run_sql(a, "SELECT pg_advisory_unlock(5)")
        self.assertEqual(self.run_sql(b, "SELECT pg_try_advisory_lock(5)"), [("t",)])

    def test_listeners_hear_what_is_committed(self):
        a, b = self.enter(2)
        self.run_sql(a, "LISTEN news")
        self.run_sql(b, "BEGIN; NOTIFY news, 'never'; ROLLBACK")
        self.run_sql(b, "BEGIN; NOTIFY news, 'row 2'; INSERT INTO t VALUES (2, 'b'); COMMIT")
        kind, body = a.next()
        self.assertEqual((kind, body[4:]), ("A", b"news\0row 2\0"))
        self.assertEqual(self.run_sql(a, ALL), [("1a,2b",)])  # and it is there when they hear of it


class Cursors(Shared):
    def test_a_cursor_keeps_what_it_saw_while_others_commit(self):
        a, b = self.enter(2)
        self.run_sql(a, "INSERT INTO t SELECT g, 'x' FROM generate_series(2, 2000) g(g)")
        self.run_sql(a, "BEGIN; DECLARE c CURSOR FOR SELECT i FROM t ORDER BY i")
        self.assertEqual(self.run_sql(a, "FETCH 2 FROM c"), [("1",), ("2",)])
        self.run_sql(b, "DELETE FROM t WHERE i > 5")
        self.assertEqual(len(self.run_sql(a, "FETCH ALL FROM c")), 1998)
        self.assertEqual(self.run_sql(a, "SELECT count(*) FROM t"), [("5",)])
        self.run_sql(a, "COMMIT")

    def test_with_hold(self):
        a, b = self.enter(2)
        self.run_sql(a, "BEGIN; INSERT INTO t SELECT g, 'x' FROM generate_series(2, 500) g(g); "
                        "DECLARE c CURSOR WITH HOLD FOR SELECT i FROM t ORDER BY i; FETCH 1 FROM c; COMMIT")
        self.run_sql(b, "DELETE FROM t")
        self.assertEqual(len(self.run_sql(a, "FETCH ALL FROM c")), 499)
        self.run_sql(a, "CLOSE c")

    def test_pages_of_a_portal_between_commits_of_others(self):
        a, b = self.enter(2)
        self.run_sql(a, "INSERT INTO t SELECT g, 'x' FROM generate_series(2, 300) g(g)")
        a.send(parse("", "SELECT i FROM t ORDER BY i") + bind("", "") + execute("", 100) + FLUSH)
        count = sum(kind == "D" for kind, _ in a.until("s"))
        self.run_sql(b, "DELETE FROM t")
        a.send(execute("", 0) + SYNC)
        count += sum(kind == "D" for kind, _ in a.until("Z"))
        self.assertEqual(count, 300)

    def test_the_log_is_begun_anew_while_cursors_are_open(self):
        """It grows to some megabytes, then it is written over."""
        readers, writer = self.enter(3), self.enter()
        self.run_sql(writer, "CREATE TABLE IF NOT EXISTS big (i int, data bytea); DELETE FROM big")
        self.run_sql(writer, "INSERT INTO big SELECT g, randomblob(2000) FROM generate_series(1, 300) g(g)")
        for w in readers:
            self.run_sql(w, "BEGIN; DECLARE c CURSOR FOR SELECT i, length(data) FROM big ORDER BY i; FETCH 3 FROM c")
        log, sizes, written = self.path() + "-wal", [], 0
        while written < 40 << 20:
            self.run_sql(writer, "UPDATE big SET data = randomblob(2001) WHERE i <= 100")
            written += 100 * 4096
            sizes.append(os.stat(log).st_size)
        self.assertLess(max(sizes), 24 << 20)
        for w in readers:
            self.assertEqual(self.run_sql(w, "FETCH ALL FROM c"), [(str(i), "2000") for i in range(4, 301)])
            self.run_sql(w, "COMMIT")
        looked = look_at_crashed(self.path(), "SELECT length(data), count(*) FROM big GROUP BY 1 ORDER BY 1")
        self.assertEqual(looked, [(2000, 200), (2001, 100)])
        self.run_sql(writer, "DROP TABLE big")


class Cancels(Shared):
    """Whatever is asked for while a commit is on its way: what is answered is what is true."""

    def write_while(self, disturb, setup=""):
        seed = random.randrange(1 << 32)
        print("seed %d" % seed)
        rng, w, told = random.Random(seed), self.enter(), {}
        self.run_sql(w, "DELETE FROM t" + setup)
        stop = threading.Event()
        threads = [threading.Thread(target=disturb, args=(w, stop))] if disturb else []
        for thread in threads:
            thread.start()
        for number in range(200):
            text = "INSERT INTO t VALUES (%d, '%s')" % (number, "x" * rng.randrange(20000))
            if rng.random() < 0.5:
                text = "BEGIN; %s; COMMIT" % text
            _, got = w.ask(query(text))
            errors = [wire.fields(body)["C"] for kind, body in got if kind == "E"]
            self.assertIn(errors, ([], ["57014"]))
            told[number] = not errors
            if errors and got[-1][1] != b"I":
                self.until_rolled_back(w)
        stop.set()
        for thread in threads:
            thread.join()
        found = {int(i) for i, in self.run_sql(self.w, "SELECT i FROM t")}
        self.assertEqual(found, {number for number, is_there in told.items() if is_there})
        return told

    def until_rolled_back(self, w):
        while "E" in w.ask(query("ROLLBACK"))[0]:
            pass

    def test_a_cancel(self):
        def disturb(w, stop):
            while not stop.is_set():
                self.cancel(w)
        self.write_while(disturb)

    def test_statement_timeout(self):
        """Some are in time, on a slow disk those of a longer one."""
        told, milliseconds = {}, 1
        while True not in told.values():
            told = self.write_while(None, "; SET statement_timeout = %d" % milliseconds)
            milliseconds *= 4

    def test_a_termination_leaves_all_or_nothing(self):
        admin = self.enter(database="other")
        for number in range(20):
            w = self.enter()
            w.send(query("BEGIN; INSERT INTO t VALUES (%d, 'x'); INSERT INTO t VALUES (%d, 'x'); COMMIT" % (1000 + number, 2000 + number)))
            self.run_sql(admin, "SELECT pg_terminate_backend(%d)" % w.pid)
            w.until("end of the stream")
        half = "SELECT i FROM t WHERE i >= 1000 AND NOT EXISTS (SELECT 1 FROM t o WHERE abs(o.i - t.i) = 1000)"
        self.assertEqual(self.run_sql(self.w, half), [])

    def test_a_client_that_hangs_up_right_after_its_commit(self):
        for number in range(20):
            w = self.enter()
            w.send(query("INSERT INTO t VALUES (%d, 'x')" % (1000 + number)))
            self.hang_up(w, reset=number % 2 == 0)
        self.run_sql(self.w, "INSERT INTO t VALUES (2, 'b')")
        self.assertEqual(self.run_sql(self.w, "SELECT count(*) FROM t WHERE i IN (1, 2)"), [("2",)])


class Names(Shared):
    def test_a_copy_has_what_is_committed_at_that_moment(self):
        self.run_sql(self.w, "INSERT INTO t VALUES (2, 'b')")
        self.run_sql(self.w, "BEGIN; INSERT INTO t VALUES (3, 'c')")
        copy = self.enter(database="shop~copy")
        self.assertEqual(self.run_sql(copy, ALL), [("1a,2b",)])
        self.run_sql(self.w, "COMMIT")
        self.assertEqual(self.run_sql(copy, ALL), [("1a,2b",)])
        self.run_sql(copy, "DELETE FROM t WHERE i = 1; INSERT INTO t VALUES (9, 'z')")
        self.assertEqual(self.run_sql(self.enter(database="shop~copy"), ALL), [("2b,9z",)])
        self.assertEqual(self.run_sql(self.enter(database="shop~later"), ALL), [("1a,2b,3c",)])
        self.assertEqual(look_at_crashed(self.path(), "SELECT count(*) FROM t"), [(3,)])

    def test_a_copy_of_a_copy_and_its_marks(self):
        copy = self.enter(database="shop~copy")
        self.run_sql(copy, "SELECT pond_mark('m')")
        self.run_sql(copy, "DELETE FROM t")
        self.run_sql(copy, "SELECT pond_rewind('m')")
        self.assertEqual(self.run_sql(copy, ALL), [("1a",)])
        self.run_sql(copy, "SELECT pond_reset()")
        self.assertEqual(self.run_sql(copy, ALL), [("1a",)])

    def test_create_database_takes_it_as_its_template(self):
        self.run_sql(self.w, "CREATE DATABASE made TEMPLATE shop")
        self.run_sql(self.w, "DELETE FROM t")
        self.assertEqual(self.once("made", ALL), [("1a",)])
        self.run_sql(self.w, "DROP DATABASE made")

    def test_it_is_dropped_and_renamed_by_nobody(self):
        other = self.enter(database="other")
        for w in (self.w, other):
            for text in ("DROP DATABASE shop", "DROP DATABASE shop WITH (FORCE)", "ALTER DATABASE shop RENAME TO shed"):
                self.assertNotIn("C", w.ask(query(text))[0], text)
        self.assertEqual(self.fails(other, "DROP DATABASE shop", "42809")["M"], "cannot drop a durable database")
        self.assertEqual(self.run_sql(self.w, ALL), [("1a",)])

    def test_it_is_in_the_lists(self):
        self.assertEqual(self.run_sql(self.w, "SELECT count(*) FROM pg_database WHERE datname = 'shop'"), [("1",)])
        size, = self.run_sql(self.w, "SELECT pg_database_size('shop') > 8000")
        self.assertEqual(size, ("t",))

    def test_marks(self):
        a = self.enter()
        self.run_sql(self.w, "SELECT pond_mark('m')")
        self.run_sql(a, "INSERT INTO t VALUES (2, 'b'); CREATE TABLE extra (i int)")
        self.run_sql(self.w, "SELECT pond_rewind('m')")
        self.assertEqual(self.run_sql(a, ALL), [("1a",)])
        self.fails(a, "SELECT * FROM extra", "42P01")
        self.assertIn("pond_mark", self.fails(a, "SELECT pond_reset()", "0A000")["H"])
        self.assertEqual(look_at_crashed(self.path(), "SELECT i, s FROM t"), [(1, "a")])

    def test_a_rewind_waits_for_who_writes_and_ends_who_has_read(self):
        a, b, c = self.enter(3)
        self.run_sql(self.w, "SELECT pond_mark('m')")
        self.run_sql(a, "BEGIN; INSERT INTO t VALUES (2, 'b')")
        self.run_sql(c, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM t")
        b.send(query("SELECT pond_rewind('m')"))
        self.until_it_waits(b)
        self.run_sql(a, "COMMIT")
        self.assertEqual("".join(kind for kind, _ in b.until("Z")), "TDCZ")
        self.assertEqual(self.run_sql(a, ALL), [("1a",)])
        self.fails(c, "SELECT 1 FROM t", "40001")

    def test_oid_and_backends_of_it(self):
        rows = self.run_sql(self.w, "SELECT DISTINCT datname FROM pg_stat_activity WHERE pid = %d" % self.w.pid)
        self.assertEqual(rows, [("shop",)])
        self.assertEqual(struct.unpack("!i", self.w.key[:4])[0], self.w.pid)


if __name__ == "__main__":
    main()
