"""PgBouncer 1.18 in front of pondd, in session and in transaction mode."""
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import psycopg2
import wire
from database_test import Test, main

PGBOUNCER = "/usr/sbin/pgbouncer"
CONF = """[databases]
shared = host={host} port={port} dbname=shop~pooled
fresh = host={host} port={port} dbname=shop
shop = host={host} port={port}
[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
listen_port = 6432
auth_type = trust
auth_file = {folder}/users
pool_mode = {mode}
default_pool_size = 3
server_reset_query = {reset}
"""


@unittest.skipUnless(os.path.exists(PGBOUNCER), "PgBouncer is missing")
class Behind(Test):
    mode = reset = None

    @classmethod
    def setUpClass(cls):
        if cls.mode is None:
            raise unittest.SkipTest("what the modes share")
        super().setUpClass()
        cls.addClassCleanup(cls.daemon.settled)
        folder = tempfile.TemporaryDirectory(prefix="pond-bouncer.")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.start_bouncer()

    @classmethod
    def write(cls, name, text):
        with open(os.path.join(cls.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    @classmethod
    def start_bouncer(cls):
        cls.write("users", '"tester" ""\n')
        cls.write("ini", CONF.format(host=wire.HOST, port=wire.PORT, folder=cls.folder, mode=cls.mode, reset=cls.reset))
        command = [PGBOUNCER, "-q", cls.folder + "/ini"]
        if os.getuid() == 0:  # it refuses to be root
            subprocess.run(["chown", "-R", "postgres", cls.folder], check=True)
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"] + command
        bouncer = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        cls.addClassCleanup(lambda: (bouncer.terminate(), bouncer.wait(timeout=60)))
        end = time.monotonic() + wire.PATIENCE
        while not cls.listens():
            assert bouncer.poll() is None and time.monotonic() < end, "PgBouncer did not start"

    @classmethod
    def listens(cls):
        with socket.socket(socket.AF_UNIX) as door:
            return door.connect_ex(cls.folder + "/.s.PGSQL.6432") == 0

    def check_nothing_left(self):
        """PgBouncer keeps its connections to the server."""

    def connect_to(self, database):
        conn = psycopg2.connect(host=self.folder, port=6432, user="tester", dbname=database)
        self.addCleanup(conn.close)
        return conn

    def ask(self, conn, text, *values):
        with conn.cursor() as cursor:
            cursor.execute(text, values)
            return cursor.fetchall() if cursor.description else cursor.rowcount

    def once(self, database, text):
        conn = self.connect_to(database)
        try:
            found = self.ask(conn, text)
            conn.commit()
        finally:
            conn.close()
        return found


class Shared(Behind):
    """What works in both modes, on a database that all clients share."""
    def test_transactions(self):
        a, b = self.connect_to("shared"), self.connect_to("shared")
        self.ask(a, "CREATE TABLE IF NOT EXISTS said (n int)")
        a.commit()
        before = self.ask(b, "SELECT count(*) FROM said")[0][0]
        b.commit()
        self.ask(a, "INSERT INTO said VALUES (%s)", 1)
        self.assertEqual(self.ask(b, "SELECT count(*) FROM said"), [(before,)])
        b.commit()
        a.commit()
        self.assertEqual(self.ask(b, "SELECT count(*) FROM said"), [(before + 1,)])
        b.rollback()

    def test_forty_clients_on_three_connections(self):
        self.once("shared", "CREATE TABLE counted (n int)")
        failures = []

        def count():
            try:
                for _ in range(10):
                    self.once("shared", "INSERT INTO counted VALUES (1)")
            except Exception as e:  # pylint: disable=broad-except
                failures.append(e)
        threads = [threading.Thread(target=count) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(self.once("shared", "SELECT sum(n) FROM counted"), [(400,)])
        self.once("shared", "DROP TABLE counted")

    def test_an_error_goes_through(self):
        conn = self.connect_to("shared")
        with self.assertRaises(psycopg2.errors.UndefinedTable):
            self.ask(conn, "SELECT * FROM nowhere")
        conn.rollback()
        self.assertEqual(self.ask(conn, "SELECT 1"), [(1,)])


class Fresh(Behind):
    """Each client has a server connection for himself, whose private copy goes back to the template between two clients."""
    mode, reset = "session", "SELECT pond_reset()"

    def test_each_client_finds_the_database_fresh(self):
        for _ in range(10):
            conn = self.connect_to("fresh")
            self.assertEqual(self.ask(conn, "SELECT count(*) FROM customers"), [(3,)])
            self.ask(conn, "DELETE FROM everything")
            self.ask(conn, "CREATE TABLE left_behind (n int)")
            conn.commit()
            self.assertEqual(self.ask(conn, "SELECT count(*) FROM left_behind"), [(0,)])
            conn.commit()
            conn.close()


class Session(Shared):
    mode, reset = "session", "DISCARD ALL"

    def test_prepared_statements_and_cursors_of_one_client(self):
        conn = self.connect_to("shared")
        self.ask(conn, "PREPARE twice AS SELECT 2 * $1::int")
        self.assertEqual(self.ask(conn, "EXECUTE twice (21)"), [(42,)])
        with conn.cursor("pages") as cursor:
            cursor.itersize = 2
            cursor.execute("SELECT id FROM customers ORDER BY id")
            self.assertEqual([row[0] for row in cursor], [1, 2, 3])
        conn.commit()


class Transaction(Shared):
    """As PgBouncer has it, nothing is reset between transactions: clients share a named database."""
    mode, reset = "transaction", "DISCARD ALL"

    def test_locks_of_a_transaction(self):
        a, b = self.connect_to("shared"), self.connect_to("shared")
        self.ask(a, "SELECT pg_advisory_xact_lock(1)")
        self.assertEqual(self.ask(b, "SELECT pg_try_advisory_xact_lock(1)"), [(False,)])
        b.commit()
        a.commit()
        self.assertEqual(self.ask(b, "SELECT pg_try_advisory_xact_lock(1)"), [(True,)])
        b.commit()


if __name__ == "__main__":
    if not os.path.exists(PGBOUNCER):
        print("skipped: PgBouncer is missing")
        sys.exit(77)
    main()
