"""Advisory locks, pg_locks and pg_sleep(), between the connections of one database."""
import threading
import time
import unittest

import psycopg2
import wire
from database_test import SHOP, Test, main
from wire import bind, execute, message, parse, query, SYNC

LOCKS = ("SELECT pid, classid, objid, objsubid, mode, granted FROM pg_locks WHERE locktype = 'advisory' "
         "ORDER BY granted DESC, pid, objid")

WRITE = "UPDATE customers SET vip = NOT vip"


class Locks(Test):
    conf = SHOP + "lock_timeout = 10min\n"  # no shared database's 5 s
    options = ("loops=2",)

    def setUp(self):
        super().setUp()
        self.open = []
        self.addCleanup(lambda: [w.socket.close() for w in self.open])

    def enter(self, count, database="shop~locks", **keys):
        made = [self.connect(database, **keys) for _ in range(count)]
        self.open += made
        return made

    def waits(self, w, among):
        """w waits for an advisory lock, and `among`, which asks, does not."""
        self.eventually(lambda: self.run_sql(among, "SELECT 1 FROM pg_locks WHERE NOT granted AND pid = %d" % w.pid) == [("1",)],
                        "it does not wait")

    def ask_and_wait(self, w, text, among):
        w.send(query(text))
        self.waits(w, among)

    def got(self, w):
        """The answer to what was sent has come, without an error."""
        answer = w.until("Z")
        self.assertEqual([wire.fields(b) for k, b in answer if k == "E"], [])

    def lock(self, w, *keys, kind=""):
        return self.run_sql(w, "SELECT pg_advisory%s(%s)" % (kind or "_lock", ", ".join(map(str, keys))))

    def try_lock(self, w, *keys, kind=""):
        return self.run_sql(w, "SELECT pg_try_advisory_%s(%s)" % (kind or "lock", ", ".join(map(str, keys)))) == [("t",)]

    def unlock(self, w, *keys, kind=""):
        return self.run_sql(w, "SELECT pg_advisory_unlock%s(%s)" % (kind, ", ".join(map(str, keys)))) == [("t",)]

    # ---- first come, first served ----

    def test_those_who_wait_get_it_in_their_order(self):
        a, b, c, d = self.enter(4)
        self.lock(a, 1)
        for w in (b, c, d):
            self.ask_and_wait(w, "SELECT pg_advisory_lock(1)", a)
        for have, then in ((a, b), (b, c), (c, d)):
            self.assertTrue(self.unlock(have, 1))
            self.got(then)
            self.assertFalse(self.try_lock(have, 1))
        self.assertTrue(self.unlock(d, 1))

    def test_those_who_share_let_nobody_in_who_came_later(self):
        a, b, c, d = self.enter(4)
        self.lock(a, 1, kind="_lock_shared")
        self.lock(b, 1, kind="_lock_shared")
        self.ask_and_wait(c, "SELECT pg_advisory_lock(1)", a)
        self.ask_and_wait(d, "SELECT pg_advisory_lock_shared(1)", a)
        self.assertTrue(self.unlock(a, 1, kind="_shared"))
        self.assertFalse(self.try_lock(a, 1, kind="lock_shared"))
        self.assertTrue(self.unlock(b, 1, kind="_shared"))
        self.got(c)
        self.ask_and_wait(a, "SELECT pg_advisory_lock_shared(1)", b)
        self.assertTrue(self.unlock(c, 1))
        self.got(d)
        self.got(a)

    def test_who_has_it_may_ask_for_more_of_it(self):
        a, b, c = self.enter(3)
        self.lock(a, 1, kind="_lock_shared")
        self.lock(c, 1, kind="_lock_shared")
        self.ask_and_wait(b, "SELECT pg_advisory_lock(1)", c)
        self.lock(a, 1, kind="_lock_shared")
        self.ask_and_wait(a, "SELECT pg_advisory_lock(1)", c)  # for c, not for b, who waits for it
        self.assertTrue(self.unlock(c, 1, kind="_shared"))
        self.got(a)
        self.waits(b, c)
        self.assertTrue(self.unlock(a, 1))
        self.run_sql(a, "SELECT pg_advisory_unlock_all()")
        self.got(b)

    def test_it_is_counted(self):
        a, b = self.enter(2)
        for _ in range(3):
            self.lock(a, 7)
        self.assertTrue(self.try_lock(a, 7))
        for _ in range(4):
            self.assertFalse(self.try_lock(b, 7))
            self.assertTrue(self.unlock(a, 7))
        types, got = a.ask(query("SELECT pg_advisory_unlock(7)"))
        self.assertIn("N", types)
        self.assertEqual([wire.fields(body)["M"] for kind, body in got if kind == "N"], ["you don't own a lock of type ExclusiveLock"])
        self.assertTrue(self.try_lock(b, 7))
        self.assertFalse(self.unlock(a, 7))

    # ---- keys ----

    def test_keys(self):
        a, b = self.enter(2)
        self.lock(a, 4294967298)  # the same bits as (1, 2), and another lock
        self.assertTrue(self.try_lock(b, 1, 2))
        self.assertFalse(self.try_lock(a, 1, 2))
        self.assertFalse(self.try_lock(b, 4294967298))
        for keys in ((-1,), (-9223372036854775808,), (9223372036854775807,), (-1, -2), (-2147483648, 2147483647)):
            self.assertTrue(self.try_lock(a, *keys), keys)
            self.assertFalse(self.try_lock(b, *keys), keys)
        self.assertIn((str(a.pid), "4294967295", "4294967294", "2", "ExclusiveLock", "t"), self.run_sql(b, LOCKS))
        self.fails(a, "SELECT pg_advisory_lock(1, 2147483648)", "22003")
        self.fails(a, "SELECT pg_advisory_lock('x')", "22P02")
        self.fails(a, "SELECT pg_advisory_lock()", "42883")
        self.assertEqual(self.run_sql(a, "SELECT pg_advisory_lock(NULL), pg_try_advisory_lock(1, NULL)"), [(None, None)])

    def test_each_database_has_its_own(self):
        a, = self.enter(1)
        b, = self.enter(1, "shop~other")
        c, d = self.enter(2, "shop")
        for w in (a, b, c, d):
            self.assertTrue(self.try_lock(w, 1))
            self.assertEqual(len(self.run_sql(w, LOCKS)), 1)

    # ---- ends ----

    def test_a_transaction_ends(self):
        a, b = self.enter(2)
        for end in ("COMMIT", "ROLLBACK"):
            self.run_sql(a, "BEGIN; SELECT pg_advisory_xact_lock(1), pg_advisory_lock(2)")
            self.assertFalse(self.try_lock(b, 1))
            self.assertFalse(self.unlock(a, 1))
            self.run_sql(a, end)
            self.assertTrue(self.try_lock(b, 1))
            self.assertFalse(self.try_lock(b, 2))  # for the session, whatever becomes of the transaction
            self.assertTrue(self.unlock(b, 1))
        self.run_sql(a, "SELECT pg_advisory_xact_lock(1)")  # its statement is its transaction
        self.assertTrue(self.try_lock(b, 1))
        self.assertTrue(self.unlock(b, 1))
        self.fails(a, "SELECT pg_advisory_xact_lock(1), 1 / (SELECT 0)", "22012")
        self.assertTrue(self.try_lock(b, 1))

    def test_a_failed_transaction_has_ended(self):
        a, b = self.enter(2)
        self.run_sql(a, "BEGIN; SELECT pg_advisory_xact_lock(1)")
        self.fails(a, "SELECT nothing", "42703")
        self.assertTrue(self.try_lock(b, 1))
        self.run_sql(a, "ROLLBACK")

    def test_a_savepoint_ends(self):
        a, b = self.enter(2)
        self.run_sql(a, "BEGIN; SELECT pg_advisory_xact_lock(1); SAVEPOINT one; SELECT pg_advisory_xact_lock(2);"
                        "SAVEPOINT two; SELECT pg_advisory_xact_lock(3); RELEASE two; SAVEPOINT three; SELECT pg_advisory_xact_lock(4)")
        self.run_sql(a, "ROLLBACK TO three")
        self.assertEqual([self.try_lock(b, n) for n in (1, 2, 3, 4)], [False, False, False, True])
        self.run_sql(a, "ROLLBACK TO one")
        self.assertEqual([self.try_lock(b, n) for n in (1, 2, 3)], [False, True, True])
        self.run_sql(a, "SAVEPOINT four; SELECT pg_advisory_xact_lock(5)")
        self.fails(a, "SELECT nothing", "42703")
        self.assertEqual([self.try_lock(b, n) for n in (1, 5)], [False, True])
        self.run_sql(a, "ROLLBACK TO four; COMMIT")
        self.assertTrue(self.try_lock(b, 1))

    def test_a_connection_ends(self):
        b, = self.enter(1)
        for end in (self.leave, self.hang_up, lambda w: self.run_sql(b, "SELECT pg_terminate_backend(%d)" % w.pid)):
            a, = self.enter(1)
            self.lock(a, 1)
            self.lock(a, 2, kind="_lock_shared")
            end(a)
            self.lock(b, 1)
            self.lock(b, 2)
            self.run_sql(b, "SELECT pg_advisory_unlock_all()")

    def test_discard_all(self):
        a, b = self.enter(2)
        self.run_sql(a, "SELECT pg_advisory_lock(1), pg_advisory_lock(1), pg_advisory_lock_shared(2)")
        self.run_sql(a, "DISCARD ALL")
        self.assertTrue(self.try_lock(b, 1) and self.try_lock(b, 2))

    def test_the_next_one_on_a_warm_session_has_none(self):
        for _ in range(3):
            w, = self.enter(1, "shop")
            self.assertEqual(self.run_sql(w, LOCKS), [])
            self.lock(w, 1)
            self.leave(w)

    # ---- waits that end otherwise ----

    def test_time_outs_and_cancels(self):
        a, b, c = self.enter(3)
        self.lock(a, 1)
        self.run_sql(b, "SET lock_timeout = '30ms'")
        self.fails(b, "SELECT pg_advisory_lock(1)", "55P03")
        self.run_sql(b, "SET lock_timeout = 0; SET statement_timeout = '30ms'")
        self.fails(b, "SELECT pg_advisory_lock(1)", "57014")
        self.run_sql(b, "SET statement_timeout = 0")
        self.ask_and_wait(b, "SELECT pg_advisory_lock(1)", a)
        self.assertEqual(self.wait_event(a, b), "Lock advisory")
        self.ask_and_wait(c, "SELECT pg_advisory_lock_shared(1)", a)
        self.cancel(b)
        self.assertEqual([wire.fields(body)["C"] for kind, body in b.until("Z") if kind == "E"], ["57014"])
        self.assertTrue(self.unlock(a, 1))
        self.got(c)
        self.assertFalse(self.try_lock(b, 1))

    def test_who_stood_behind_one_who_gave_up_may_go_on(self):
        a, b, c = self.enter(3)
        self.lock(a, 1, kind="_lock_shared")
        self.ask_and_wait(b, "SELECT pg_advisory_lock(1)", a)
        self.ask_and_wait(c, "SELECT pg_advisory_lock_shared(1)", a)
        self.hang_up(b)
        self.got(c)

    # ---- circles ----

    def check_circle(self, error, *clients):
        self.assertEqual(error["C"], "40P01", error)
        for w in clients:
            self.assertIn("Process %d waits for " % w.pid, error["D"])
            self.assertIn("blocked by process %d." % w.pid, error["D"])

    def test_a_circle_of_two_and_of_three(self):
        for count in (2, 3):
            clients = self.enter(count)
            for i, w in enumerate(clients):
                self.lock(w, i)
            for i, w in enumerate(clients[:-1]):
                self.ask_and_wait(w, "SELECT pg_advisory_lock(%d)" % (i + 1), clients[-1])
            self.check_circle(self.fails(clients[-1], "SELECT pg_advisory_lock(0)", "40P01"), *clients)
            self.leave(clients.pop())
            while clients:  # who goes lets the one before him go on
                self.got(clients[-1])
                self.leave(clients.pop())

    def test_two_who_share_and_want_more(self):
        a, b = self.enter(2)
        for w in (a, b):
            self.lock(w, 1, kind="_lock_shared")
        self.ask_and_wait(a, "SELECT pg_advisory_lock(1)", b)
        self.check_circle(self.fails(b, "SELECT pg_advisory_lock(1)", "40P01"), a, b)
        self.assertTrue(self.unlock(b, 1, kind="_shared"))
        self.got(a)

    def test_a_circle_that_a_writer_closes(self):
        a, b = self.enter(2)
        self.lock(b, 1)
        self.run_sql(a, "BEGIN; " + WRITE)
        self.ask_and_wait(a, "SELECT pg_advisory_lock(1)", b)
        error = self.fails(b, WRITE, "40P01")
        self.check_circle(error, a, b)
        self.assertIn("Process %d waits for the writer's place of the database" % b.pid, error["D"])
        self.leave(b)
        self.got(a)

    def test_a_circle_that_a_lock_closes(self):
        a, b = self.enter(2)
        self.lock(b, 1)
        self.run_sql(a, "BEGIN; " + WRITE)
        b.send(query(WRITE))
        self.until_it_waits(b)
        error = self.fails(a, "SELECT pg_advisory_lock(1)", "40P01")
        self.check_circle(error, a, b)
        self.got(b)  # a's transaction has failed, and its place is free

    # ---- the schema that is there when the turn comes ----

    def after_a_writer(self, changes, statement):
        """What a statement is told that waited for the writer's place while the schema changed."""
        a, b = self.enter(2)
        self.run_sql(a, "DROP TABLE IF EXISTS moved; CREATE TABLE moved (i int, v text); INSERT INTO moved VALUES (1, 'x')")
        self.run_sql(a, "BEGIN; UPDATE moved SET i = 2")
        b.send(query(statement) if isinstance(statement, str) else statement)
        self.until_it_waits(b)
        self.run_sql(a, changes + "; COMMIT")
        told = [wire.fields(body)["C"] if kind == "E" else body[:-1].decode() for kind, body in b.until("Z") if kind in "EC"]
        return told, self.run_sql(a, "SELECT * FROM moved ORDER BY i")

    def test_who_waited_to_write_is_planned_for_the_schema_that_is_there_now(self):
        anew = "DROP TABLE moved; CREATE TABLE moved (%s)"
        a, = self.enter(1)
        told, rows = self.after_a_writer(anew % "v boolean, i int", "INSERT INTO moved (v, i) VALUES ('yes', 5)")
        self.assertEqual((told, rows), (["INSERT 0 1"], [("t", "5")]))
        self.assertEqual(self.run_sql(a, "SELECT i FROM moved WHERE v"), [("5",)])
        told, rows = self.after_a_writer(anew % "i int, v date", parse("", "INSERT INTO moved VALUES (5, '2024-01-31')") + bind("", "") +
                                         execute() + SYNC)
        self.assertEqual(self.run_sql(a, "SELECT v + 1 FROM moved WHERE v = '2024-01-31'"), [("2024-02-01",)])
        told, _ = self.after_a_writer(anew % "i int, v date", parse("", "INSERT INTO moved VALUES (5, $1)", (25,)) + bind("", "", [b"x"]) +
                                      execute() + SYNC)
        self.assertEqual(told, ["42804"])
        told, _ = self.after_a_writer("ALTER TABLE moved ADD COLUMN w int DEFAULT 7", "UPDATE moved SET i = 3 RETURNING *")
        self.assertEqual(told, ["0A000"])
        for columns, expected in (("*", "0A000"), ("v, i", "SELECT 1")):
            told, _ = self.after_a_writer("ALTER TABLE moved ADD COLUMN w int", "SELECT %s FROM moved FOR UPDATE" % columns)
            self.assertEqual(told, [expected])
        told, _ = self.after_a_writer(anew % "v text, i int", "PREPARE p AS INSERT INTO moved VALUES (9, 'y'); EXECUTE p")
        self.assertEqual(told, ["PREPARE", "22P02"])
        told, rows = self.after_a_writer(anew % "v boolean, i int", query("COPY moved (v, i) FROM STDIN") + message("d", b"yes\t5\n") +
                                         message("c", b""))
        self.assertEqual((told, rows), (["COPY 1"], [("t", "5")]))
        self.assertEqual(self.run_sql(a, "SELECT i FROM moved WHERE v"), [("5",)])
        told, rows = self.after_a_writer("CREATE TABLE elsewhere (i int)", "INSERT INTO moved VALUES (3, 'y') RETURNING i")
        self.assertEqual((told, rows), (["INSERT 0 1"], [("2", "x"), ("3", "y")]))

    def test_who_waited_to_alter_a_table_takes_nothing_back(self):
        for statement, told in (("ADD COLUMN w int", "42701"), ("ALTER COLUMN v SET NOT NULL", "42703"), ("DROP COLUMN v", "42703"),
                                ("ADD CONSTRAINT c CHECK (v <> 'y')", "42703"), ("ADD COLUMN z int", "ALTER TABLE")):
            with self.subTest(statement):
                changes = "ALTER TABLE moved ADD COLUMN w int DEFAULT 7; ALTER TABLE moved RENAME COLUMN v TO u"
                got, rows = self.after_a_writer(changes, "ALTER TABLE moved " + statement)
                self.assertEqual((got, [row[:3] for row in rows]), ([told], [("2", "x", "7")]))
        self.assertEqual(self.after_a_writer("ALTER TABLE moved ADD COLUMN w int", "CREATE TABLE copied AS SELECT * FROM moved")[0],
                         ["SELECT 1"])
        self.assertEqual(self.run_sql(self.enter(1)[0], "SELECT * FROM copied"), [("2", "x", None)])

    # ---- what is shown ----

    def test_pg_locks(self):
        a, b, c = self.enter(3)
        self.lock(a, 1)
        self.lock(a, 5, 6, kind="_lock_shared")
        self.ask_and_wait(b, "SELECT pg_advisory_lock_shared(1)", a)
        self.assertEqual(self.run_sql(c, LOCKS), [
            (str(a.pid), "0", "1", "1", "ExclusiveLock", "t"),
            (str(a.pid), "5", "6", "2", "ShareLock", "t"),
            (str(b.pid), "0", "1", "1", "ShareLock", "f")])
        self.assertEqual(self.run_sql(c, "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database "
                                         "WHERE datname = current_database()"), [("3",)])
        self.assertEqual(self.run_sql(c, "SELECT now() - waitstart < interval '1 min', fastpath FROM pg_locks WHERE NOT granted"),
                         [("t", "f")])
        self.run_sql(c, "BEGIN; " + WRITE)
        self.assertEqual(self.run_sql(a, "SELECT pid, mode, granted FROM pg_locks WHERE locktype = 'transactionid'"),
                         [(str(c.pid), "ExclusiveLock", "t")])

    def test_many_locks(self):
        a, b = self.enter(2)
        self.run_sql(a, "SELECT pg_advisory_lock(i) FROM generate_series(1, 20000) i")
        self.assertEqual(self.run_sql(b, "SELECT count(*) FROM pg_locks"), [("20000",)])
        self.assertEqual(self.run_sql(b, "SELECT count(*) FROM generate_series(1, 20001) i WHERE pg_try_advisory_lock(i)"), [("1",)])
        self.run_sql(a, "SELECT pg_advisory_unlock_all()")
        self.assertEqual(self.run_sql(b, "SELECT count(*) FROM pg_locks"), [("1",)])

    # ---- pg_sleep() ----

    def test_sleep(self):
        a, b = self.enter(2)
        start = time.monotonic()
        self.run_sql(a, "SELECT pg_sleep(0.05), pg_sleep(-1), pg_sleep(0), pg_sleep(NULL)")
        self.assertGreaterEqual(time.monotonic() - start, 0.05)
        self.run_sql(a, "SET statement_timeout = '20ms'")
        self.fails(a, "SELECT pg_sleep(1e300)", "57014")
        self.run_sql(a, "SET statement_timeout = 0")
        a.send(query("SELECT pg_sleep(1000)"))
        self.until_it_runs(a)
        self.run_sql(b, "SELECT count(*) FROM orders")  # its loop goes on
        self.cancel(a)
        self.assertEqual([wire.fields(body)["C"] for kind, body in a.until("Z") if kind == "E"], ["57014"])

    # ---- what they are for ----

    def test_twenty_that_race_migrate_once(self):
        keep, = self.enter(1, "shop~migrated")
        failures = []

        def migrate():
            try:
                conn = psycopg2.connect(host=wire.HOST, port=wire.PORT, user="tester", dbname="shop~migrated")
                conn.autocommit = True
                with conn.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_lock(815)")
                    cursor.execute("CREATE TABLE IF NOT EXISTS migrations (version int PRIMARY KEY)")
                    cursor.execute("SELECT count(*) FROM migrations")
                    if cursor.fetchone()[0] == 0:
                        cursor.execute("CREATE TABLE made_once (i int)")
                        cursor.execute("INSERT INTO migrations VALUES (1)")
                    cursor.execute("SELECT pg_advisory_unlock(815)")
                conn.close()
            except Exception as e:  # pylint: disable=broad-except
                failures.append(e)

        threads = [threading.Thread(target=migrate) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(self.run_sql(keep, "SELECT count(*) FROM migrations"), [("1",)])


if __name__ == "__main__":
    main()
