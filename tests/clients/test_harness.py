"""A test suite as Python has them: each test its own database by CREATE DATABASE ... TEMPLATE, four at a time; and the
tools of PostgreSQL. Nothing here knows of pond but the address.

POND_TEST_HARNESS: how many tests the suite has (500).
"""
import concurrent.futures
import os
import socket
import subprocess
import sys
import time

import client_test
import database_test
import wire
from database_test import SHOP, Test

psycopg2 = client_test.driver("psycopg2")

TESTS = int(os.environ.get("POND_TEST_HARNESS") or 500)
AT_ONCE = 4


def connect(name, autocommit=False):
    db = psycopg2.connect(host=wire.HOST, port=wire.PORT, user="tester", dbname=name)
    db.autocommit = autocommit
    return db


def ask(db, text, *values):
    with db.cursor() as cursor:
        cursor.execute(text, values)
        return cursor.fetchall() if cursor.description else None


class Suite(Test):
    conf = SHOP

    # ---- how harnesses drop a database that somebody may still use ----

    def drop_after_terminating(self, admin, name, db):
        """pytest-postgresql, Rails, and many a script. The connection was left open."""
        ask(admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", name)
        ask(admin, 'DROP DATABASE "%s"' % name)
        self.check_ended(db)

    def drop_after_forbidding(self, admin, name, db):
        """The same with new ones shut out first."""
        ask(admin, "UPDATE pg_database SET datallowconn = false WHERE datname = %s", name)
        ask(admin, "SELECT pg_terminate_backend(pg_stat_activity.pid) FROM pg_stat_activity WHERE pg_stat_activity.datname = %s",
            name)
        ask(admin, 'DROP DATABASE IF EXISTS "%s"' % name)
        self.check_ended(db)

    def drop_by_force(self, admin, name, db):
        """Django 4.2, Ecto."""
        ask(admin, 'DROP DATABASE IF EXISTS "%s" WITH (FORCE)' % name)
        self.check_ended(db)

    def drop_right_after_close(self, admin, name, db):
        """The server may not have seen the goodbye yet."""
        db.close()
        ask(admin, 'DROP DATABASE "%s"' % name)

    def drop_after_losing_it(self, admin, name, db):
        """A worker that was killed: the server sees a hang-up, in the middle of a transaction."""
        ask(db, "INSERT INTO orders (id, customer_id, total) VALUES (77, 1, 1)")
        with socket.socket(fileno=os.dup(db.fileno())) as s:
            s.shutdown(socket.SHUT_RDWR)
        ask(admin, 'DROP DATABASE "%s"' % name)

    def check_ended(self, db):
        with self.assertRaises(psycopg2.Error) as caught:
            ask(db, "SELECT 1")
        self.assertIn(caught.exception.pgcode, ("57P01", None))  # None: the hang-up was read before the reason
        self.assertNotEqual(db.closed, 0)

    # ---- one test of the suite ----

    def run_one(self, number):
        name = "test_%d" % number
        drops = [self.drop_after_terminating, self.drop_by_force, self.drop_right_after_close, self.drop_after_forbidding,
                 self.drop_after_losing_it]
        admin = connect("postgres", autocommit=True)
        ask(admin, 'CREATE DATABASE "%s" TEMPLATE shop' % name)
        db, second = connect(name), connect(name)
        self.assertEqual(ask(db, "SELECT count(*), current_database() FROM customers"), [(3, name)])
        ask(db, "INSERT INTO customers (email, name) VALUES (%s, %s)", name, "Test")
        ask(db, "CREATE TABLE mine AS SELECT %s AS n", number)
        self.assertEqual(ask(second, "SELECT count(*) FROM customers"), [(3,)])
        db.commit()
        self.assertEqual(ask(second, "SELECT email, n FROM customers, mine WHERE name = 'Test'"), [(name, number)])
        second.close()
        drops[number % len(drops)](admin, name, db)
        self.assertEqual(ask(admin, "SELECT count(*) FROM pg_database WHERE datname = %s", name), [(0,)])
        db.close()
        admin.close()

    def test_the_whole_suite(self):
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.run_one, range(TESTS)))
        print("%d tests, %d at a time, took %.1f s" % (TESTS, AT_ONCE, time.monotonic() - begin), flush=True)

    def test_names_of_parallel_workers(self):
        """pytest-django with xdist: each worker clones the database that the first one has migrated, while that is open."""
        admin = connect("postgres", autocommit=True)
        ask(admin, 'CREATE DATABASE "test_app"')
        first = connect("test_app", autocommit=True)
        ask(first, "CREATE TABLE migrated (n int); INSERT INTO migrated VALUES (1)")

        def worker(number):
            name = "test_app_gw%d" % number
            mine = connect("postgres", autocommit=True)
            ask(mine, 'CREATE DATABASE "%s" WITH TEMPLATE "test_app"' % name)
            db = connect(name)
            ask(db, "UPDATE migrated SET n = %s", number)
            db.commit()
            self.assertEqual(ask(db, "SELECT n FROM migrated"), [(number,)])
            db.close()
            ask(mine, 'DROP DATABASE "%s"' % name)
            mine.close()

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(worker, range(24)))
        self.assertEqual(ask(first, "SELECT n FROM migrated"), [(1,)])
        first.close()
        ask(admin, 'DROP DATABASE "test_app"')
        admin.close()


class Tools(Test):
    conf = SHOP

    def tool(self, *words, code=0):
        env = dict(os.environ, PGHOST=wire.HOST, PGPORT=str(wire.PORT), PGUSER="tester", LC_ALL="C.UTF-8")
        env.pop("PGDATABASE", None)
        done = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout + done.stderr

    def psql(self, name, text):
        return self.tool("psql", "-X", "-A", "-t", "-c", text, name).strip()

    def list(self):
        return [line.split("|") for line in self.tool("psql", "-X", "-A", "-t", "-l").splitlines() if "|" in line]

    def setUp(self):
        super().setUp()
        try:
            subprocess.run(["psql", "--version"], stdout=subprocess.DEVNULL, check=True)
        except FileNotFoundError:
            self.skipTest("psql is missing")

    def test_createdb_and_dropdb(self):
        self.assertEqual(self.tool("createdb", "-T", "shop", "t1"), "")
        self.assertEqual(self.psql("t1", "SELECT count(*) FROM orders"), "3")
        self.psql("t1", "DELETE FROM orders")
        self.assertEqual(self.psql("t1", "SELECT count(*) FROM orders"), "0")
        names = {row[0]: row for row in self.list()}
        self.assertEqual(names["t1"][1:5], ["tester", "UTF8", "C", "C.UTF-8"])
        self.assertLessEqual({"postgres", "template0", "template1", "shop", "t1"}, set(names))
        self.assertEqual(self.tool("dropdb", "t1"), "")
        self.assertNotIn("t1", [row[0] for row in self.list()])

    def test_dropdb_force(self):
        self.tool("createdb", "-T", "shop", "t1")
        open_one = self.connect("t1")
        told = self.tool("dropdb", "t1", code=1)
        self.assertEqual(told, 'dropdb: error: database removal failed: ERROR:  database "t1" is being accessed by other users\n'
                         "DETAIL:  There is 1 other session using the database.\n")
        self.assertEqual(self.tool("dropdb", "--force", "t1"), "")
        self.assertEqual(self.last_words(open_one)["C"], "57P01")

    def test_what_they_say_when_it_goes_wrong(self):
        self.assertEqual(self.tool("createdb", "-T", "nowhere", "t1", code=1),
                         'createdb: error: database creation failed: ERROR:  template database "nowhere" does not exist\n')
        self.tool("createdb", "t1")
        self.assertEqual(self.tool("createdb", "t1", code=1),
                         'createdb: error: database creation failed: ERROR:  database "t1" already exists\n')
        self.tool("dropdb", "t1")
        self.assertEqual(self.tool("dropdb", "t1", code=1),
                         'dropdb: error: database removal failed: ERROR:  database "t1" does not exist\n')
        self.assertEqual(self.tool("dropdb", "--if-exists", "t1"), 'NOTICE:  database "t1" does not exist, skipping\n')
        self.assertIn('FATAL:  database "t1" does not exist', self.tool("psql", "-X", "-c", "SELECT 1", "t1", code=2))

    def test_options(self):
        self.tool("createdb", "-O", "someone", "-E", "UTF8", "--maintenance-db", "template1", "t1", "a comment")
        self.assertEqual([row[1] for row in self.list() if row[0] == "t1"], ["someone"])
        self.tool("dropdb", "--maintenance-db", "postgres", "-e", "t1")

    def test_odd_names(self):
        for name in ("a b", 'a"b', "a/b", "Ä"):
            self.tool("createdb", "-T", "shop", name)
            self.assertEqual(self.psql(name, "SELECT current_database()"), name)
            self.tool("dropdb", name)
        self.assertIn('invalid database name: "a~b"', self.tool("createdb", "a~b", code=1))

    def test_a_tilde_by_psql(self):
        self.assertEqual(self.psql("shop~t", "SELECT count(*) FROM orders"), "3")
        keeper = self.connect("shop~t")
        self.psql("shop~t", "DELETE FROM orders")
        self.assertEqual(self.psql("shop~t", "SELECT count(*) FROM orders"), "0")
        self.assertIn("shop~t", [row[0] for row in self.list()])
        self.leave(keeper)


if __name__ == "__main__":
    sys.exit(database_test.main())
