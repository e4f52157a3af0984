#!/usr/bin/python3
"""Clients that do not read, or do not stop sending: they hold up nobody but themselves, and cost little.

usage: test_backpressure.py PONDD
"""
import os
import select
import socket
import struct
import sys
import tempfile
import threading
import time
import unittest

import wire
from pond_daemon import Daemon
from wire import bind, execute, message, parse, query, SYNC

HELD = 100
HELD_BYTES_MOST = 200 << 10
STALL_SECONDS = 2
ENDLESS = "SELECT i, repeat('x', 200) FROM generate_series(1, 1000000000) AS g(i)"
FORMS = {"simple": query(ENDLESS), "extended": parse("", ENDLESS) + bind("", "") + execute() + SYNC,
         "copy": query("COPY (%s) TO STDOUT" % ENDLESS)}
CONF = """[pond]
listen_addr = 127.0.0.1
listen_port = 0
[database shop]
seed = %s/clients.sql
clone_memory = 8MB
""" % os.path.dirname(os.path.abspath(__file__))


class Small(wire.Wire):
    """A connection whose own side has room for little."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(wire.PATIENCE)
        self.socket.connect((wire.HOST, wire.PORT))
        self.buffer = b""
        self.send(wire.startup(user="u", database="shop"))
        self.key = next(body for kind, body in self.until("Z") if kind == "K")

    def cancel(self):
        with socket.create_connection((wire.HOST, wire.PORT), timeout=wire.PATIENCE) as other:
            other.sendall(struct.pack("!ii", 16, 80877102) + self.key)
            other.recv(1)  # its end: the cancel was heard

    def last_error(self):
        """Reads all that is left; the SQLSTATE at its end."""
        state = None
        while True:
            kind, body = self.next()
            if kind == "E":
                state = wire.fields(body)["C"]
            elif kind == "Z":
                return state


def unsent_sockets():
    """Sockets of the daemon's port that wait for their end with bytes to send (FIN_WAIT1)."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table]
    return sum(row[1].endswith(":%04X" % wire.PORT) and row[3] == "04" for row in rows)


class Backpressure(unittest.TestCase):
    options = {}

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pond-test.")
        self.addCleanup(folder.cleanup)
        conf = os.path.join(folder.name, "conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(CONF)
        self.daemon = Daemon(PONDD, conf, folder.name, **self.options)
        self.addCleanup(self.end)

    def end(self):
        self.assertEqual(self.daemon.stop(), 0, self.daemon.log()[-5000:])

    def memory(self):
        return int(self.daemon.statistics()["memory"])

    def wait_until_quiet(self):
        """Until the daemon does nothing but to print its statistics."""
        last, end = -10, time.monotonic() + 5 * wire.PATIENCE  # the kernel takes megabytes for each of a hundred clients
        while True:
            now = self.daemon.statistics()
            turns = int(now["turns"])
            if turns - last <= max(2, int(now["loops"])):  # who prints them visits each loop
                return
            self.assertLess(time.monotonic(), end, "the daemon is never quiet")
            last = turns

    def others_are_served(self):
        """Without end: those who hold something hold it all the time. One or the other may be unlucky on a busy machine."""
        took = []
        with wire.Wire("shop") as other:
            for _ in range(20):
                begin = time.monotonic()
                self.assertEqual(other.ask(query("SELECT count(*) FROM customers"))[0], "TDCZ")
                took.append(time.monotonic() - begin)
        self.assertLess(sorted(took)[10], 2)


class Holding(Backpressure):
    def hold(self, form):
        crowd = [Small() for _ in range(HELD)]
        for w in crowd:
            self.addCleanup(w.socket.close)
            w.ask(query("SELECT count(*) FROM customers"))
        before = self.memory()
        for w in crowd:
            w.send(FORMS[form])
        self.wait_until_quiet()
        each = (self.memory() - before) // HELD
        print("%s: %d KiB for each result that is held" % (form, each >> 10), flush=True)
        self.assertLessEqual(each, HELD_BYTES_MOST)
        self.others_are_served()
        for w in crowd[:5]:
            w.cancel()
            self.assertEqual(w.last_error(), "57014")
            self.assertEqual(w.ask(query("SELECT 1"))[0], "TDCZ")
        for w in crowd:
            w.socket.close()
        self.daemon.settled()

    def test_simple(self):
        self.hold("simple")

    def test_extended(self):
        self.hold("extended")

    def test_copy(self):
        self.hold("copy")


class Stalling(Backpressure):
    options = {"client_stall_timeout": "%ds" % STALL_SECONDS}

    @staticmethod
    def sip(slow, enough):
        """A little now and then, far too slowly for the socket to become writable within the time."""
        while not enough.wait(0.01):
            slow.socket.recv(2048)

    def test_those_who_never_read_are_ended_and_a_slow_one_is_not(self):
        slow = Small()
        self.addCleanup(slow.socket.close)
        slow.send(FORMS["simple"])
        stalled = [Small() for _ in range(9)]
        for i, w in enumerate(stalled):
            self.addCleanup(w.socket.close)
            w.send(list(FORMS.values())[i % 3])
        enough = threading.Event()
        sipper = threading.Thread(target=self.sip, args=(slow, enough))
        sipper.start()
        begin, left = time.monotonic(), None
        while left != "1" or time.monotonic() - begin < 3 * STALL_SECONDS:
            self.assertLess(time.monotonic() - begin, 30 * STALL_SECONDS, "these were not ended: %s" % left)
            left = self.daemon.statistics()["connections"]
        enough.set()
        sipper.join()
        self.others_are_served()
        self.assertEqual(unsent_sockets(), 0, "the kernel still holds what a stalled client did not take")
        for w in stalled:
            with self.assertRaises((ConnectionError, TypeError)):  # a reset, or the end amid a message
                w.last_error()
        slow.cancel()
        tail = b""
        while tail != b"Z\0\0\0\5I":  # what was read so far ended amid a message
            tail = (tail + slow.socket.recv(1 << 20))[-6:]
        self.assertEqual(slow.ask(query("SELECT 1"))[0], "TDCZ")
        slow.socket.close()
        self.daemon.settled()


class Sending(Backpressure):
    """COPY FROM by clients that never stop."""

    def begin(self):
        w = wire.Wire("shop")
        self.addCleanup(w.socket.close)
        w.ask(query("CREATE TABLE t (a int, b text)"))
        w.send(query("COPY t FROM STDIN"))
        w.until("G")
        return w

    def send_until_answered(self, w, data, most):
        """Sends it again and again until something comes back; the error, and how much went out."""
        sent = 0
        while not select.select([w.socket], [], [], 0)[0]:
            self.assertLess(sent, most, "no answer yet")
            w.send(data)
            sent += len(data)
        return wire.fields(w.until("Z")[0][1]), sent

    def goes_on(self, w, data):
        """What is sent behind the error is dropped, others are served meanwhile, and then it is as if nothing was."""
        before = self.memory()
        for _ in range(20):
            w.send(data)
        self.others_are_served()
        self.assertLess(self.memory() - before, 1 << 20)
        types, got = w.ask(message("c") + query("SELECT count(*) FROM t"))
        self.assertEqual((types, wire.values(got[1][1])), ("TDCZ", [b"0"]))

    def test_rows_without_end(self):
        w = self.begin()
        data = message("d", b"1\t%s\n" % (b"x" * 1000) * 1000)
        error, sent = self.send_until_answered(w, data, 100 << 20)
        self.assertEqual(error["C"], "53100")
        self.assertTrue(error["W"].startswith("COPY t, line "), error)
        self.goes_on(w, data)

    def test_a_row_without_end(self):
        w = self.begin()
        before = self.memory()
        data = message("d", b"x" * (1 << 20))
        error, _ = self.send_until_answered(w, data, 200 << 20)
        self.assertEqual((error["C"], error["W"]), ("54000", "COPY t, line 1"))
        self.assertLess(self.memory() - before, 4 << 20)
        self.goes_on(w, data)

    def test_bad_rows_without_end(self):
        w = self.begin()
        data = message("d", b"x\ty\n" * 10000)
        error, _ = self.send_until_answered(w, data, 100 << 20)
        self.assertEqual((error["C"], error["W"]), ("22P02", 'COPY t, line 1, column a: "x"'))
        self.goes_on(w, data)

    def test_many_half_rows(self):
        before = self.memory()
        crowd = [self.begin() for _ in range(50)]
        for w in crowd:
            w.send(message("d", b"1\thalf a row"))
        self.wait_until_quiet()
        self.assertLess((self.memory() - before) // len(crowd), HELD_BYTES_MOST)
        self.others_are_served()
        for w in crowd:
            w.socket.close()
        self.daemon.settled()


if __name__ == "__main__":
    PONDD = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
