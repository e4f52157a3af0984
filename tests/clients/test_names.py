"""Databases by SQL with wrong names, at wrong times, in use, over their limits; and how long one waits for a turn."""
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest

import database_test
import wire
from database_test import ENDLESS, PONDD, SHOP, Test
from wire import message, query

LONG = "x" * 70
LONG_WIDE = "ü" * 40  # 63 bytes would end in the middle of a letter


class Names(Test):
    conf = "max_clones = 3\n" + SHOP

    def setUp(self):
        super().setUp()
        self.admin = self.connect("postgres")
        self.addCleanup(self.admin.socket.close)

    def test_unknown_ones(self):
        for name in ("nowhere", "nowhere~a", "shop~a~b", "~a", "a/b", 'a"b', "shop ", "SHOP"):
            error = self.refused(name)
            self.assertEqual((error["S"], error["C"]), ("FATAL", "3D000"), name)
            self.assertEqual(error["M"], 'database "%s" does not exist' % re.sub("~[^~]*$", "", name))
        self.fails(self.admin, "DROP DATABASE nowhere", "3D000")
        self.fails(self.admin, "ALTER DATABASE nowhere RENAME TO somewhere", "3D000")
        self.assertEqual(self.fails(self.admin, "CREATE DATABASE a TEMPLATE nowhere", "3D000")["M"],
                         'template database "nowhere" does not exist')
        types, got = self.admin.ask(query("DROP DATABASE IF EXISTS nowhere"))
        self.assertEqual((types, wire.fields(got[0][1])["M"]), ("NCZ", 'database "nowhere" does not exist, skipping'))

    def test_a_tilde(self):
        for text in ('CREATE DATABASE "a~b"', 'CREATE DATABASE "shop~b" TEMPLATE shop', 'CREATE DATABASE "~"'):
            self.fails(self.admin, text, "42602")
        self.run_sql(self.admin, "CREATE DATABASE a")
        self.fails(self.admin, 'ALTER DATABASE a RENAME TO "a~b"', "42602")
        self.run_sql(self.admin, "DROP DATABASE a")
        for name in ("shop~", "shop~a~"):
            error = self.refused(name)
            self.assertIn(error["C"], ("42602", "3D000"))
        w = self.connect("shop~ a/'\"\\ü;")
        self.assertEqual(self.run_sql(w, "SELECT current_database()"), [("shop~ a/'\"\\ü;",)])
        self.leave(w)

    def test_quotes_and_slashes(self):
        for name in ("a/b", "../a", 'a"b', "a'b", "a b", "ü", "a\\b", "a;b", "%s", "A"):
            quoted = '"%s"' % name.replace('"', '""')
            self.run_sql(self.admin, "CREATE DATABASE %s TEMPLATE shop" % quoted)
            w = self.connect(name)
            self.assertEqual(self.run_sql(w, "SELECT current_database(), count(*) FROM orders"), [(name, "3")])
            self.leave(w)
            shown = self.run_sql(self.admin, "SELECT count(*) FROM pg_database WHERE datname = '%s'" % name.replace("'", "''"))
            self.assertEqual(shown, [("1",)])
            self.run_sql(self.admin, "DROP DATABASE " + quoted)
        self.fails(self.admin, 'CREATE DATABASE ""', "42601")

    def test_clones_are_listed_with_what_is_theirs_alone(self):
        ask = "SELECT owner, is_lasting, is_template, created > now() - interval '1 hour', bytes FROM pond_clones WHERE name = '%s'"
        self.assertEqual(self.run_sql(self.admin, "SELECT count(*) FROM pond_clones"), [("0",)])
        self.run_sql(self.admin, "CREATE DATABASE kept TEMPLATE shop")
        w = self.connect("shop~passing")
        kept, passing = (self.run_sql(self.admin, ask % name)[0] for name in ("kept", "shop~passing"))
        self.assertEqual(kept[1:4], ("t", "f", "t"))
        self.assertEqual(passing[:4], ("tester", "f", "f", "t"))
        self.run_sql(w, "CREATE TABLE big AS SELECT repeat('x', 1000) FROM generate_series(1, 1000)")
        grown = self.run_sql(self.admin, ask % "shop~passing")[0]
        self.assertGreater(int(grown[4]), int(passing[4]) + 1000000)
        self.leave(w)
        self.assertEqual(self.run_sql(self.admin, "SELECT name FROM pg_catalog.pond_clones WHERE is_lasting"), [("kept",)])
        self.run_sql(self.admin, "DROP DATABASE kept")

    def test_over_63_bytes(self):
        """As PostgreSQL: CREATE DATABASE cuts with a notice, a start-up packet without one."""
        for name, kept in ((LONG, "x" * 63), (LONG_WIDE, "ü" * 31)):
            types, got = self.admin.ask(query('CREATE DATABASE "%s"' % name))
            self.assertEqual(types, "NCZ")
            self.assertEqual(wire.fields(got[0][1])["M"], 'identifier "%s" will be truncated to "%s"' % (name, kept))
            for asked in (name, kept):
                w = self.connect(asked)
                self.assertEqual(self.run_sql(w, "SELECT current_database()"), [(kept,)])
                self.assertEqual(self.run_sql(w, "SELECT datname FROM pg_stat_activity WHERE pid = %d" % w.pid), [(kept,)])
                self.fails(w, 'DROP DATABASE "%s"' % name, "55006")
                self.leave(w)
            self.run_sql(self.admin, 'DROP DATABASE "%s"' % name)

    def test_over_63_bytes_with_a_tilde(self):
        """Two who are told apart by what would be cut must not share a database unawares."""
        self.assertEqual(self.refused("shop~" + "x" * 59)["C"], "42622")
        self.assertEqual(self.refused("x" * 1000 + "~a")["C"], "42622")
        w = self.connect("shop~" + "x" * 58)
        self.leave(w)

    def test_users_over_63_bytes(self):
        """PostgreSQL cuts them, too. Shown names stay whole letters."""
        for user, kept in (("u" * 70, "u" * 63), ("ü" * 40, "ü" * 31)):
            w = self.connect("shop~a", user=user)
            self.assertEqual(self.run_sql(w, "SELECT current_user"), [(kept,)])
            self.assertEqual(self.run_sql(w, "SELECT usename FROM pg_stat_activity WHERE pid = %d" % w.pid), [(kept,)])
            owner = "SELECT rolname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba WHERE datname = 'shop~a'"
            self.assertEqual(self.run_sql(w, owner), [(kept,)])
            self.leave(w)

    def test_bytes_that_are_no_text(self):
        for name in (b"\xff\xfe", b"shop~\xff", b"\xc3", b"shop~\xed\xa0\x80"):
            self.assertEqual(self.refused(name)["C"], "22021")
        error, _ = self.admin.error(message("Q", b'CREATE DATABASE "a\xff"\0'))
        self.assertEqual(error["C"], "22021")

    def test_twice(self):
        self.run_sql(self.admin, "CREATE DATABASE a")
        for text in ("CREATE DATABASE a", "CREATE DATABASE shop", "CREATE DATABASE postgres", "CREATE DATABASE a TEMPLATE a"):
            self.assertIn("already exists", self.fails(self.admin, text, "42P04")["M"])
        self.run_sql(self.admin, "CREATE DATABASE b")
        self.fails(self.admin, "ALTER DATABASE b RENAME TO a", "42P04")
        self.fails(self.admin, "ALTER DATABASE b RENAME TO shop", "42P04")
        self.run_sql(self.admin, "ALTER DATABASE b RENAME TO c")
        for name in "ac":
            self.run_sql(self.admin, "DROP DATABASE " + name)

    def test_names_that_are_never_used_again(self):
        """A suite that numbers its databases does not fill the daemon's memory."""
        def some(first):
            for n in range(first, first + 200):
                self.run_sql(self.admin, "CREATE DATABASE test_%d TEMPLATE shop" % n)
                self.run_sql(self.admin, "ALTER DATABASE test_%d CONNECTION LIMIT 5" % n)
                self.run_sql(self.admin, "DROP DATABASE test_%d" % n)
            return int(self.daemon.statistics()["memory"])

        before = some(0)
        self.assertLess(some(1000), before + (100 << 10))

    def test_those_of_the_configuration_stay(self):
        for name in ("shop", "template0", "template1"):
            self.fails(self.admin, "DROP DATABASE " + name, "42809")
            self.fails(self.admin, "DROP DATABASE %s WITH (FORCE)" % name, "42809")
            self.fails(self.admin, "ALTER DATABASE %s RENAME TO other" % name, "0A000")
        self.fails(self.admin, "DROP DATABASE postgres", "55006")

    def test_in_a_transaction(self):
        self.run_sql(self.admin, "CREATE DATABASE a")
        for text in ("CREATE DATABASE b", "DROP DATABASE a", "DROP DATABASE IF EXISTS a", "ALTER DATABASE a RENAME TO b"):
            self.run_sql(self.admin, "BEGIN")
            error = self.fails(self.admin, text, "25001")
            self.assertRegex(error["M"], "^(CREATE|DROP|ALTER) DATABASE cannot run inside a transaction block$")
            self.run_sql(self.admin, "ROLLBACK")
            self.fails(self.admin, "SELECT 1; " + text, "25001")
            self.fails(self.admin, text + "; SELECT 1", "25001")
        self.run_sql(self.admin, "DROP DATABASE a")

    def test_more_than_max_clones(self):
        self.run_sql(self.admin, "CREATE DATABASE a")
        shared = [self.connect("shop~a"), self.connect("shop~b")]
        error = self.fails(self.admin, "CREATE DATABASE b", "53400")
        self.assertEqual((error["M"], error["D"]), ("too many named databases", "There are max_clones = 3 of them."))
        self.assertEqual(self.refused("shop~c")["C"], "53400")
        self.fails(self.admin, "SELECT pond_template('it')", "53400")
        self.leave(self.connect("shop~a"))  # those that are there go on
        self.leave(self.connect("shop"))
        self.leave(shared.pop())
        self.run_sql(self.admin, "SELECT pond_template('it')")
        self.run_sql(self.admin, "SELECT pond_template_failed('it')")
        self.leave(self.connect("shop~c"))
        self.leave(shared.pop())
        self.run_sql(self.admin, "DROP DATABASE a")


class InUse(Test):
    def setUp(self):
        super().setUp()
        self.admin = self.connect("postgres")
        self.run_sql(self.admin, "CREATE DATABASE a TEMPLATE shop")

    def tearDown(self):
        self.run_sql(self.admin, "DROP DATABASE IF EXISTS a WITH (FORCE)")
        self.leave(self.admin)

    def test_it_is_not_dropped_and_at_once(self):
        """PostgreSQL waits 5 s for others to go. Here it is seen at once that nobody is about to."""
        for others in (1, 3):
            clients = [self.connect("a") for _ in range(others)]
            if others == 3:
                clients[1].send(query(ENDLESS))
                self.until_it_runs(clients[1])
                self.run_sql(clients[2], "BEGIN; DELETE FROM orders")
            took = []
            for text in ("DROP DATABASE a", "DROP DATABASE IF EXISTS a", "ALTER DATABASE a RENAME TO b"):
                begin = time.monotonic()
                error = self.fails(self.admin, text, "55006")
                took.append(time.monotonic() - begin)
                self.assertEqual(error["M"], 'database "a" is being accessed by other users')
                self.assertEqual(error["D"], "There is 1 other session using the database." if others == 1 else
                                 "There are 3 other sessions using the database.")
            self.assertLess(sorted(took)[1], 2)  # one may be unlucky on a busy machine
            for w in clients:
                self.hang_up(w)
        self.run_sql(self.admin, "DROP DATABASE a")

    def test_force_ends_the_others(self):
        idle, running, writing, waiting = (self.connect("a") for _ in range(4))
        running.send(query(ENDLESS))
        self.until_it_runs(running)
        self.run_sql(writing, "BEGIN; DELETE FROM orders")
        waiting.send(query("DELETE FROM orders"))
        self.until_it_waits(waiting)
        self.run_sql(self.admin, "DROP DATABASE a WITH (FORCE)")
        self.assertEqual(self.refused("a")["C"], "3D000")
        for w in (idle, running, writing, waiting):
            self.assertEqual(self.last_words(w)["C"], "57P01")

    def test_a_copy_of_one_in_use(self):
        """PostgreSQL says 55006. Here it is what is committed now."""
        w = self.connect("a")
        self.run_sql(w, "DELETE FROM orders WHERE id = 1")
        self.run_sql(w, "BEGIN; DELETE FROM orders")
        self.run_sql(self.admin, "CREATE DATABASE b TEMPLATE a")
        self.assertEqual(self.once("b", "SELECT count(*) FROM orders"), [("2",)])
        self.run_sql(w, "COMMIT")
        self.assertEqual(self.once("b", "SELECT count(*) FROM orders"), [("2",)])
        self.run_sql(self.admin, "DROP DATABASE b")
        self.leave(w)

    def test_a_copy_outlives_what_it_was_made_of(self):
        self.once("a", "CREATE TABLE mine AS SELECT i FROM generate_series(1, 1000) i")
        self.run_sql(self.admin, "CREATE DATABASE b TEMPLATE a")
        self.run_sql(self.admin, "DROP DATABASE a")
        self.assertEqual(self.once("b", "SELECT sum(i) FROM mine"), [("500500",)])
        w = self.connect("b~c")
        self.run_sql(self.admin, "DROP DATABASE b")
        self.assertEqual(self.run_sql(w, "SELECT sum(i) FROM mine"), [("500500",)])
        self.leave(w)

    def test_no_connections_allowed_and_too_many(self):
        self.run_sql(self.admin, "ALTER DATABASE a ALLOW_CONNECTIONS false")
        self.assertEqual(self.refused("a")["C"], "55000")
        self.run_sql(self.admin, "ALTER DATABASE a ALLOW_CONNECTIONS true CONNECTION LIMIT 1")
        w = self.connect("a")
        error = self.refused("a")
        self.assertEqual((error["C"], error["M"]), ("53300", 'too many connections for database "a"'))
        self.leave(w)
        self.leave(self.connect("a"))


class Memory(Test):
    conf = SHOP + "clone_memory = 1MB\n"
    FILL = "INSERT INTO big SELECT i, repeat('x', 1000) FROM generate_series(1, 5000) i"

    def test_one_at_its_cap_and_the_others_unhurt(self):
        for name in ("shop", "shop~a"):
            w, other = self.connect(name), self.connect("shop~b")
            self.run_sql(w, "CREATE TABLE big (i int, t text); INSERT INTO big VALUES (0, 'kept')")
            self.fails(w, self.FILL, "53100")
            self.assertEqual(self.run_sql(w, "SELECT t FROM big"), [("kept",)])
            self.run_sql(w, "BEGIN; INSERT INTO big VALUES (1, 'gone')")
            self.fails(w, self.FILL, "53100")
            self.run_sql(w, "ROLLBACK")
            self.assertEqual(self.run_sql(w, "SELECT count(*) FROM big"), [("1",)])
            self.run_sql(other, "UPDATE customers SET name = 'x'")
            self.run_sql(w, "INSERT INTO big VALUES (2, 'small')")
            self.leave(w)
            self.leave(other)

    def test_an_image_that_there_is_no_room_for(self):
        w = self.connect("shop~a")
        self.run_sql(w, "CREATE TABLE big (i int, t text)")
        self.run_sql(w, "BEGIN; " + self.FILL.replace("5000", "1200"))  # in SQLite's cache
        error = self.fails(w, "SELECT count(*) FROM pond_image()", "53100")
        self.assertEqual(error["M"], "the clone is full")
        self.run_sql(w, "ROLLBACK")
        self.assertEqual(self.run_sql(w, "SELECT count(*) FROM big"), [("0",)])
        self.leave(w)

    def test_marks_count(self):
        """What only a mark still holds is charged to the database."""
        w = self.connect("shop~a")
        self.run_sql(w, "CREATE TABLE big AS SELECT i, repeat('x', 1000) AS t FROM generate_series(1, 600) i")
        self.run_sql(w, "SELECT pond_mark('m')")
        self.fails(w, "UPDATE big SET t = repeat('y', 1000)", "53100")
        self.run_sql(w, "SELECT pond_reset()")
        self.fails(w, "CREATE TABLE big AS SELECT i, repeat('x', 1000) AS t FROM generate_series(1, 600) i", "53100")
        self.run_sql(w, "SELECT pond_mark('m')")  # it moves, and frees what it held
        self.run_sql(w, "CREATE TABLE big AS SELECT i, repeat('x', 1000) AS t FROM generate_series(1, 600) i")
        self.leave(w)


class Turns(Test):
    def test_five_seconds_where_others_share(self):
        for name, shown in (("shop", "0"), ("shop~a", "5s")):
            w = self.connect(name)
            self.assertEqual(self.run_sql(w, "SHOW lock_timeout"), [(shown,)])
            self.run_sql(w, "SET lock_timeout = 7")
            self.run_sql(w, "RESET ALL")
            self.assertEqual(self.run_sql(w, "SHOW lock_timeout"), [(shown,)])
            self.run_sql(w, "DISCARD ALL")
            self.assertEqual(self.run_sql(w, "SHOW lock_timeout"), [(shown,)])
            self.leave(w)
        for how in (dict(lock_timeout="0"), dict(options="-c lock_timeout=0")):
            w = self.connect("shop~a", **how)
            self.assertEqual(self.run_sql(w, "SHOW lock_timeout"), [("0",)])
            self.leave(w)

    def test_who_was_in_the_way(self):
        holder, waiting = self.connect("shop~a"), self.connect("shop~a", lock_timeout="50ms")
        self.run_sql(holder, "BEGIN")
        self.run_sql(holder, "UPDATE customers SET name = 'x'")
        for text in ("DELETE FROM orders", "SELECT id FROM orders FOR UPDATE", "CREATE TABLE made (a int)",
                     "LOCK TABLE orders", "TRUNCATE orders"):
            error = self.fails(waiting, "BEGIN; " + text, "55P03")
            self.assertEqual(error["M"], "canceling statement due to lock timeout")
            self.assertRegex(error["D"], "^Process %d has been writing to the database for [0-9.]+ s; its statement is: "
                             "UPDATE customers SET name = 'x'$" % holder.pid)
            self.assertEqual(error["H"], "Writers of one database take turns: commit early, or raise lock_timeout.")
            self.run_sql(waiting, "ROLLBACK")
            self.assertEqual(self.run_sql(waiting, "SELECT count(*) FROM customers WHERE name = 'x'"), [("0",)])
        self.run_sql(holder, "COMMIT")
        self.run_sql(waiting, "DELETE FROM orders")
        self.leave(holder)
        self.leave(waiting)

    def test_readers_never_wait(self):
        holder, reader = self.connect("shop~a"), self.connect("shop~a", statement_timeout="10s")
        self.run_sql(holder, "BEGIN; DELETE FROM orders; CREATE TABLE made (a int); ALTER TABLE customers ADD COLUMN c int")
        for isolation in ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"):
            self.run_sql(reader, "BEGIN ISOLATION LEVEL " + isolation)
            self.assertEqual(self.run_sql(reader, "SELECT count(*) FROM orders"), [("3",)])
            self.run_sql(reader, "COMMIT")
        self.fails(reader, "SELECT * FROM made", "42P01")
        self.run_sql(holder, "COMMIT")
        self.assertEqual(self.run_sql(reader, "SELECT count(*) FROM orders, made"), [("0",)])
        self.leave(holder)
        self.leave(reader)

    def test_writers_take_turns_in_their_order(self):
        holder = self.connect("shop~a")
        self.run_sql(holder, "CREATE TABLE turns (n serial, who int)")
        self.run_sql(holder, "BEGIN; INSERT INTO turns (who) VALUES (-1)")
        waiting = [self.connect("shop~a", lock_timeout="0") for _ in range(8)]
        for n, w in enumerate(waiting):
            w.send(query("INSERT INTO turns (who) VALUES (%d)" % n))
            self.until_it_waits(w)
        self.run_sql(holder, "COMMIT")
        for w in waiting:
            self.assertEqual("".join(k for k, _ in w.until("Z")), "CZ")
        rows = self.run_sql(holder, "SELECT who FROM turns ORDER BY n")
        self.assertEqual(rows, [(str(n),) for n in range(-1, 8)])
        for w in waiting + [holder]:
            self.leave(w)

    def test_a_stale_snapshot(self):
        old, new = self.connect("shop~a"), self.connect("shop~a")
        for isolation in ("REPEATABLE READ", "SERIALIZABLE"):
            self.run_sql(old, "BEGIN ISOLATION LEVEL %s; SELECT count(*) FROM orders" % isolation)
            self.run_sql(new, "UPDATE customers SET name = name || '!'")
            self.assertEqual(self.fails(old, "DELETE FROM orders", "40001")["M"],
                             "could not serialize access due to concurrent update")
            self.run_sql(old, "ROLLBACK")
        self.leave(old)
        self.leave(new)


class Seed(unittest.TestCase):
    def start_with(self, seed):
        with tempfile.TemporaryDirectory(prefix="pond-test.") as folder:
            for name, text in (("seed.sql", seed), ("pond.conf", "[pond]\nlisten_port = 0\n[database shop]\nseed = seed.sql\n")):
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(text)
            done = subprocess.run([PONDD, "-c", folder + "/pond.conf", "-o", "unix_socket_dir=" + folder], capture_output=True,
                                  text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        return done.stderr

    def test_the_message_names_file_line_and_statement(self):
        log = self.start_with("CREATE TABLE a (i int);\n\n-- more\nINSERT INTO a VALUES (1);\nINSERT INTO b\n  VALUES (2);\nSELECT 1;\n")
        self.assertRegex(log, r'FATAL: .*seed\.sql:5')
        self.assertRegex(log, r'relation "b" does not exist')
        self.assertIn("INSERT INTO b", log)


if __name__ == "__main__":
    sys.exit(database_test.main())
