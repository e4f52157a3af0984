#!/usr/bin/python3
"""generate_series without an end: its rows come at once and for ever, and the daemon keeps none of them.

usage: test_series.py PONDD CONF
"""
import struct
import sys
import tempfile
import unittest

import wire
from pond_daemon import Daemon
from wire import Wire, bind, close, execute, parse, query, FLUSH, SYNC

ENDLESS = {
    "integers": "SELECT g FROM generate_series(1, 9223372036854775807) AS g",
    "numerics": "SELECT g FROM generate_series(0.1, 99999999999999, 0.1) AS g",
    "timestamps": "SELECT g FROM generate_series(now(), 'infinity', '1 second') AS g",
    "for ever": "SELECT g FROM generate_series('infinity'::timestamptz, 'infinity', '1 day') AS g",
    "a join": "SELECT a, b, c.name FROM generate_series(1, 9223372036854775807) a JOIN generate_series(1, a) b ON b > a - 2 "
              "JOIN customers c ON c.id = a % 3 + 1",
    "a WITH query": "WITH n AS (SELECT g FROM generate_series(1, 9223372036854775807) AS g) SELECT g * 2 FROM n WHERE g % 3 = 0",
}
STREAM_BYTES = 6 << 20  # some 400,000 rows
SLACK_BYTES = 256 << 10
daemon = None


def cancel(key):
    with Wire() as other:
        other.send(struct.pack("!ii", 16, 80877102) + key)
        assert other.next() is None


class Series(unittest.TestCase):
    def setUp(self):
        self.w = Wire("shop")
        self.addCleanup(self.w.socket.close)

    def skip_bytes(self, count):
        """Reads so much, whatever it is, and goes on to the next message behind it."""
        while count > 0:
            kind, body = self.w.next()
            self.assertEqual(kind, "D")
            count -= len(body) + 5
            if count > 1 << 20 and kind == "D":  # quicker than message by message
                data = self.w.buffer
                while len(data) < 1 << 19:
                    data += self.w.socket.recv(1 << 19)
                at = 0
                while at + 5 <= len(data):
                    size = 1 + struct.unpack_from("!i", data, at + 1)[0]
                    if at + size > len(data):
                        break
                    at += size
                self.w.buffer = data[at:]
                count -= at

    def usable(self):
        self.assertEqual(self.w.ask(query("SELECT count(*) FROM customers"))[0], "TDCZ")

    def test_rows_stream_until_they_are_cancelled(self):
        for name, text in ENDLESS.items():
            with self.subTest(name):
                self.w.send(query(text))
                self.assertEqual([self.w.next()[0] for _ in range(2)], ["T", "D"])
                self.skip_bytes(1 << 20)
                before = int(daemon.statistics()["memory"])
                self.skip_bytes(STREAM_BYTES)
                self.assertLess(int(daemon.statistics()["memory"]), before + SLACK_BYTES)
                cancel(self.w.key)
                got = self.w.until("Z")
                self.assertEqual((wire.fields(got[-2][1])["C"], got[-1]), ("57014", ("Z", b"I")))
                self.usable()

    def test_pages_are_closed_half_way(self):
        for name, text in ENDLESS.items():
            with self.subTest(name):
                self.w.send(parse("", text) + bind("p", ""))
                before = None
                for page in range(200):
                    self.w.send(execute("p", 500) + FLUSH)
                    got = self.w.until("s")
                    self.assertEqual(sum(kind == "D" for kind, _ in got), 500)
                    if page == 20:
                        before = int(daemon.statistics()["memory"])
                self.assertLess(int(daemon.statistics()["memory"]), before + SLACK_BYTES)
                self.assertEqual(self.w.ask(close("P", "p") + SYNC)[0], "3Z")
                self.usable()

    def test_a_cursor_goes_on_where_it_was(self):
        self.w.ask(query("BEGIN; DECLARE c NO SCROLL CURSOR FOR " + ENDLESS["integers"]))
        self.assertEqual(wire.values(self.w.ask(query("FETCH c"))[1][1][1]), [b"1"])
        self.assertEqual(self.w.ask(query("MOVE 100000 IN c"))[1][0][1], b"MOVE 100000\0")
        self.assertEqual(wire.values(self.w.ask(query("FETCH c"))[1][1][1]), [b"100002"])
        self.assertEqual(self.w.ask(query("COMMIT"))[0], "CZ")

    def test_a_time_out_ends_it(self):
        self.w.ask(query("SET statement_timeout = 50"))
        self.w.send(query("SELECT count(*) FROM generate_series(1, 9223372036854775807)"))
        got = self.w.until("Z")
        self.assertEqual(wire.fields(got[-2][1])["C"], "57014")
        self.usable()

    def test_zz_nothing_is_left_of_who_hangs_up(self):
        for text in ENDLESS.values():
            with Wire("shop") as other:
                other.send(query(text))
                self.assertEqual([other.next()[0] for _ in range(2)], ["T", "D"])
        self.w.socket.close()
        daemon.settled()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="pond-test.") as folder:
        daemon = Daemon(sys.argv[1], sys.argv[2], folder)
        try:
            program = unittest.main(argv=sys.argv[:1], verbosity=2, exit=False)
        finally:
            code = daemon.stop()
            if code != 0:
                print(daemon.log()[-20000:])
    sys.exit(code or not program.result.wasSuccessful())
