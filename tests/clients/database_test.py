"""What the tests of databases that are clones share: a daemon of their own, raw clients, and that nothing is left.

usage of such a test: TEST PONDD [unittest's arguments]
"""
import os
import struct
import sys
import tempfile
import time
import unittest

import wire
from pond_daemon import Daemon
from wire import Wire, query, TERMINATE

FOLDER = os.path.dirname(os.path.abspath(__file__))
SHOP = "[database shop]\nseed = %s/clients.sql\n" % FOLDER
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
SLACK_BYTES = 6 << 20  # caches of plans, stacks and pages that the daemon keeps on purpose


class Test(unittest.TestCase):
    """Each class has a pondd with the configuration `conf`; after each test nobody and nothing may be left in it."""
    conf = SHOP
    options = ()

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="pond-test.")
        cls.addClassCleanup(folder.cleanup)
        path = os.path.join(folder.name, "pond.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write("[pond]\n" + cls.conf)
        cls.prepare(folder.name)
        cls.daemon = Daemon(PONDD, path, folder.name, *cls.options)
        cls.addClassCleanup(cls.end_daemon)
        cls.used = None

    @classmethod
    def prepare(cls, folder):
        """Writes what else must be there before the daemon starts."""

    @classmethod
    def end_daemon(cls):
        code = cls.daemon.stop()
        if code != 0:
            print(cls.daemon.log()[-20000:])
        assert code == 0, "pondd ended with %s" % code

    def setUp(self):
        self.addCleanup(self.check_nothing_left)

    def revive(self):
        """For setUp(), where tests end their daemon: the next one has another."""
        if self.daemon.process.poll() is not None:
            self.doClassCleanups()
            type(self).setUpClass()

    def check_nothing_left(self):
        if self.daemon.process.poll() is not None:
            return  # it was the test's part to end it
        now = self.daemon.settled()
        self.assertEqual((now["sessions"], now["waiting"], now["clones"]), ("0", "0", "0"), now)
        memory = int(now["memory"])
        if type(self).used is None:
            type(self).used = memory
        self.assertLess(memory, self.used + SLACK_BYTES, "after the first test: %d" % self.used)

    # ---- raw clients ----

    def start(self, database, user="tester", **keys):
        """Sends the start-up packet only."""
        w = Wire()
        self.addCleanup(w.socket.close)
        w.send(wire.startup(user=user, database=database, **keys))
        return w

    def greet(self, w):
        """Reads up to the first ReadyForQuery; notes the key for cancels."""
        got = w.until("Z")
        self.assertEqual(got[-1][0] if got else None, "Z", [wire.fields(b) for k, b in got if k == "E"])
        w.key = dict(got)["K"]
        w.pid = struct.unpack("!i", w.key[:4])[0]
        return w

    def connect(self, database, **keys):
        return self.greet(self.start(database, **keys))

    def refused(self, database, **keys):
        """The fields of the error that ends the start-up."""
        return self.last_words(self.start(database, **keys))

    def last_words(self, w):
        """The fields of the FATAL error after which the server hangs up."""
        got = w.until("end of the stream")
        self.assertTrue(got and got[-1][0] == "E", got)
        error = wire.fields(got[-1][1])
        self.assertEqual(error["S"], "FATAL", error)
        return error

    def run_sql(self, w, text):
        """All rows of a simple query that has no error, their values as text."""
        types, got = w.ask(query(text))
        self.assertTrue("E" not in types and types.endswith("Z"), (text, [wire.fields(b) for k, b in got if k == "E"]))
        return [tuple(v if v is None else v.decode() for v in wire.values(b)) for k, b in got if k == "D"]

    def fails(self, w, text, sqlstate):
        """The fields of the error that the simple query gives."""
        error, _ = w.error(query(text))
        self.assertEqual(error["C"], sqlstate, error)
        return error

    def once(self, database, text):
        w = self.connect(database)
        rows = self.run_sql(w, text)
        self.leave(w)
        return rows

    def leave(self, w):
        """Terminate, and all that the connection had is given back: the server hangs up last of all."""
        w.send(TERMINATE)
        self.assertEqual(w.until("end of the stream"), [])
        w.socket.close()

    def hang_up(self, w, reset=False):
        if reset:
            w.socket.setsockopt(wire.socket.SOL_SOCKET, wire.socket.SO_LINGER, struct.pack("ii", 1, 0))
        w.socket.close()

    def cancel(self, w):
        with Wire() as other:
            other.send(struct.pack("!ii", 16, 80877102) + w.key)
            self.assertIsNone(other.next())

    # ---- what others see ----

    def eventually(self, condition, what):
        end = time.monotonic() + wire.PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), end, what)

    def wait_event(self, admin, w):
        rows = self.run_sql(admin, "SELECT wait_event_type || ' ' || wait_event FROM pg_stat_activity WHERE pid = %d" % w.pid)
        return rows[0][0] if rows else None

    def until_it_waits(self, w):
        """For the writer's place."""
        admin = self.connect("postgres")
        self.eventually(lambda: self.wait_event(admin, w) == "Lock transactionid", "nobody waits")
        self.leave(admin)

    def until_it_runs(self, w):
        admin = self.connect("postgres")
        state = "SELECT state FROM pg_stat_activity WHERE pid = %d" % w.pid
        self.eventually(lambda: self.run_sql(admin, state) == [("active",)], "nothing runs")
        self.leave(admin)


PONDD = sys.argv.pop(1)


def main():
    unittest.main(verbosity=2)
