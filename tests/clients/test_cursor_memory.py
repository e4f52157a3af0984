#!/usr/bin/python3
"""A large result that is open while its session goes on: the daemon's memory does not grow by it.

usage: test_cursor_memory.py PONDD CONF
"""
import os
import sys
import tempfile
import unittest

import wire
from pond_daemon import Daemon
from wire import query

ROWS = 200000
RESULT_BYTES = ROWS * 100  # what its rows need in memory, at least
ALLOWED_BYTES = RESULT_BYTES // 3
CREATE = ("CREATE TABLE numbers AS SELECT i, 'a label that makes it a row of more than a hundred bytes, so that the "
          "result as a whole is not small: ' || i AS label FROM generate_series(1, %d) AS g(i)" % ROWS)


class Memory(unittest.TestCase):
    daemon = None

    def setUp(self):
        self.wire = wire.Wire("shop")
        self.addCleanup(self.wire.socket.close)
        self.ask(CREATE)

    def ask(self, text):
        """The tags."""
        types, got = self.wire.ask(query(text))
        self.assertNotIn("E", types, got)
        return [body[:-1].decode() for kind, body in got if kind == "C"]

    def memory(self):
        return int(self.daemon.statistics()["memory"])

    def grows_little(self, before, what):
        grown = self.memory() - before
        print("%s: %.1f of %.1f MB" % (what, grown / 1e6, RESULT_BYTES / 1e6), flush=True)
        self.assertLess(grown, ALLOWED_BYTES)

    def test_a_cursor_from_before_the_first_write(self):
        self.ask("BEGIN; DECLARE c NO SCROLL CURSOR FOR SELECT * FROM numbers; MOVE 1000 c")
        before = self.memory()
        self.ask("DELETE FROM numbers")
        self.grows_little(before, "after the DELETE")
        self.assertEqual(self.ask("MOVE %d c" % (ROWS // 2)), ["MOVE %d" % (ROWS // 2)])
        self.grows_little(before, "half-way through the rows")
        self.assertEqual(self.ask("MOVE ALL c"), ["MOVE %d" % (ROWS // 2 - 1000)])
        self.assertEqual(self.ask("SELECT 1 FROM numbers"), ["SELECT 0"])

    def test_a_cursor_from_after_it(self):
        self.ask("BEGIN; DELETE FROM numbers WHERE i = 1")
        self.ask("DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT * FROM numbers; MOVE 1000 c")
        before = self.memory()
        self.ask("UPDATE numbers SET i = 0 WHERE i = 2; COMMIT")
        self.grows_little(before, "after the COMMIT")
        self.assertEqual(self.ask("MOVE ALL c"), ["MOVE %d" % (ROWS - 1001)])
        self.assertEqual(self.ask("MOVE BACKWARD ALL c; FETCH c"), ["MOVE %d" % (ROWS - 1), "FETCH 1"])
        self.grows_little(before, "there and back again")
        self.ask("CLOSE c")

    def test_returning(self):
        self.ask("CREATE TABLE few (i integer); BEGIN")
        before = self.memory()
        self.wire.ask(wire.parse("s", "INSERT INTO few SELECT i FROM generate_series(1, %d) AS g(i) "
                                      "RETURNING repeat('x', 10000)" % (RESULT_BYTES // 10000)) +
                      wire.bind("p", "s") + wire.SYNC)
        types, _ = self.wire.ask(wire.execute("p", 10) + wire.SYNC)
        self.assertEqual(types, "D" * 10 + "sZ")
        self.grows_little(before, "RETURNING")


def main(pondd, conf):
    with tempfile.TemporaryDirectory(prefix="pond-test.") as folder:
        os.environ["TMPDIR"] = folder  # where the daemon's files go
        Memory.daemon = Daemon(pondd, conf, folder)
        try:
            result = unittest.main(argv=sys.argv[:1], verbosity=2, exit=False).result
        finally:
            code = Memory.daemon.stop()
        if code != 0:
            print(Memory.daemon.log()[-20000:])
        sys.exit(0 if result.wasSuccessful() and code == 0 else 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
