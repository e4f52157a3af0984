#!/usr/bin/python3
"""Every client pages through a big result, and stops half-way through another: the rows are right, and the daemon keeps no
more than a page of them.

usage: test_paging.py PONDD

POND_TEST_CURSOR_ROWS says how many rows there are (20000).
"""
import os
import sys
import tempfile
import unittest

import paging
import wire
from pond_daemon import Daemon

ROWS = int(os.environ.get("POND_TEST_CURSOR_ROWS", "20000"))
GROWTH_MOST = 200 << 10
CONF = "[pond]\nlisten_addr = 127.0.0.1\nlisten_port = 0\n[database shop]\nseed = seed.sql\n"


class Paging(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="pond-test.")
        for name, text in (("seed.sql", paging.SEED % ROWS), ("conf", CONF)):
            with open(os.path.join(cls.folder.name, name), "w", encoding="utf-8") as file:
                file.write(text)
        cls.daemon = Daemon(PONDD, os.path.join(cls.folder.name, "conf"), cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        code = cls.daemon.stop()
        assert code == 0, "pondd ended with %s: %s" % (code, cls.daemon.log()[-5000:])
        cls.folder.cleanup()

    def memory(self):
        return int(self.daemon.statistics()["memory"])

    def read(self, client):
        for source in paging.SOURCES:
            with self.subTest(source):
                got = paging.read(client, wire.HOST, wire.PORT, "shop", source, ROWS, self.memory)
                print("%s, %s: %.2f s, %d KiB" % (client, source, got.seconds, (got.held - got.idle) >> 10), flush=True)
                self.assertEqual((got.count, got.sum), (ROWS, ROWS * (ROWS + 1) // 2))
                self.assertLess(got.held - got.idle, GROWTH_MOST)
                self.assertGreaterEqual(got.again, ROWS // 2)
                self.assertLess(got.again, ROWS)
                self.assertEqual(got.after, 7)
                self.daemon.settled()


def test_of(client):
    def test(self):
        try:
            self.read(client)
        except paging.Missing as missing:
            if os.environ.get("POND_REQUIRE_ALL") == "1":
                raise
            self.skipTest(str(missing))
    return test


for one in paging.CLIENTS:
    setattr(Paging, "test_" + "".join(c if c.isalnum() else "_" for c in one), test_of(one))

if __name__ == "__main__":
    PONDD = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
