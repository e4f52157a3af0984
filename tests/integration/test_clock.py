#!/usr/bin/python3
"""Somebody sets the clock while pondd runs: no time-out comes early or stays away for it, and what tells the time tells the
new one. The clock is that of the daemon alone (tests/support/programs/shift_clock.c).

usage: test_clock.py PONDD ROOT SHIFT_CLOCK [unittest's arguments]
"""
import json
import os
import re
import select
import struct
import sys
import time
import unittest
import urllib.request

sys.dont_write_bytecode = True
import test_daemon  # noqa: E402
import wire  # noqa: E402

SHIFT_CLOCK = sys.argv[3]
DAY = 86400
YEARS = 3650 * DAY
LATER = "60s"  # a time-out that must not come
SOON = "100ms"


class Clock(test_daemon.Test):
    def setUp(self):
        super().setUp()
        self.shift = self.folder / "shift"
        self.set_clock(0)
        environment = {"LD_PRELOAD": SHIFT_CLOCK, "POND_CLOCK_SHIFT": str(self.shift),
                       "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        was = {name: os.environ.get(name) for name in environment}
        os.environ.update(environment)
        try:
            self.daemon = self.start_ready("[database shop]\n", "-o", "log_statement=all", "-o", "http_listen=127.0.0.1:0",
                                           "-o", "client_login_timeout=" + LATER, "-o", "client_idle_timeout=" + LATER)
        finally:
            for name, value in was.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})

    def set_clock(self, seconds):
        with open(self.shift, "r+b" if self.shift.exists() else "wb") as file:
            file.write(struct.pack("=q", seconds * 1000000))

    def values(self, client, text):
        _, got = client.ask(wire.query(text))
        self.assertEqual([wire.fields(body) for kind, body in got if kind == "E"], [])
        return [wire.values(body)[0] for kind, body in got if kind == "D"]

    def sqlstate(self, got):
        return [wire.fields(body)["C"] for kind, body in got if kind == "E"]

    def begin_waiting(self):
        """One of each kind of those for whom a time-out runs. Gives the one who sleeps a second, the one who waits for a
        lock and its holder, the one in a transaction and the one who has not logged in."""
        sleeper, holder, waiter, idle = (self.wire("shop~all") for _ in range(4))
        self.values(holder, "SELECT pg_advisory_lock(1)")
        self.values(waiter, "SET lock_timeout = '%s'" % LATER)
        self.values(idle, "SET idle_in_transaction_session_timeout = '%s'; BEGIN; SELECT 1" % LATER)
        self.values(sleeper, "SET statement_timeout = '%s'" % LATER)
        stranger = wire.Wire()
        self.addCleanup(stranger.socket.close)
        stranger.send(wire.startup(user="tester", database="shop")[:8])
        waiter.send(wire.query("SELECT pg_advisory_lock(1)"))
        while self.values(holder, "SELECT count(*) FROM pg_locks WHERE NOT granted") != [b"1"]:
            pass
        sleeper.send(wire.query("SELECT pg_sleep(1)"))
        while self.values(holder, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' "
                                  "AND state = 'active' AND pid <> pg_backend_pid()") != [b"1"]:
            if select.select([sleeper.socket], [], [], 0)[0]:  # it is awake already: once more
                self.assertEqual(self.sqlstate(sleeper.until("Z")), [])
                sleeper.send(wire.query("SELECT pg_sleep(1)"))
        return sleeper, holder, waiter, idle, stranger

    def status(self):
        where = re.search(r"listening: (http://\S+)", self.daemon.log()).group(1)
        with urllib.request.urlopen(where + "status.json", timeout=wire.PATIENCE) as answer:
            return json.load(answer)

    def expect_nothing_happens(self, *jumps):
        begun = time.monotonic()
        sleeper, holder, waiter, idle, stranger = self.begin_waiting()
        for seconds in jumps:
            self.set_clock(seconds)
            self.assertEqual(len(self.values(holder, "SELECT 1")), 1)
        for row in self.status()["running"]:
            self.assertTrue(0 <= row["took"] < 30, row)
        self.assertEqual(self.sqlstate(sleeper.until("Z")), [])
        self.assertTrue(0.9 < time.monotonic() - begun < 30)
        self.values(idle, "SELECT 1; COMMIT")
        self.values(holder, "SELECT pg_advisory_unlock(1)")
        self.assertEqual(self.sqlstate(waiter.until("Z")), [])
        stranger.send(wire.startup(user="tester", database="shop")[8:])
        self.assertEqual(stranger.until("Z")[-1][0], "Z")

    def test_a_jump_ahead_ends_no_time_out_before_its_time(self):
        self.expect_nothing_happens(DAY, YEARS)

    def test_nor_does_a_jump_back(self):
        self.expect_nothing_happens(-DAY, -YEARS)

    def test_time_outs_come_in_time_whatever_the_clock_says(self):
        holder = self.wire("shop~all")
        self.values(holder, "SELECT pg_advisory_lock(1)")
        for seconds in (-YEARS, YEARS, -DAY):
            begun = time.monotonic()
            busy, waiter, idle = (self.wire("shop~all") for _ in range(3))
            self.values(busy, "SET statement_timeout = '%s'" % SOON)
            self.values(waiter, "SET lock_timeout = '%s'" % SOON)
            self.values(idle, "SET idle_in_transaction_session_timeout = '%s'; BEGIN; SELECT 1" % SOON)
            busy.send(wire.query(test_daemon.ENDLESS % "count(*)"))
            waiter.send(wire.query("SELECT pg_advisory_lock(1)"))
            self.set_clock(seconds)
            self.assertEqual(self.sqlstate(busy.until("Z")), ["57014"])
            self.assertEqual(self.sqlstate(waiter.until("Z")), ["55P03"])
            self.assertEqual(self.sqlstate(idle.until("nothing")), ["25P03"])
            self.assertLess(time.monotonic() - begun, 15)

    def test_what_tells_the_time_tells_the_new_one_and_the_log_goes_on(self):
        client = self.wire()
        year = int(self.values(client, "SELECT extract(year FROM now())")[0])
        for seconds in (YEARS, -YEARS):
            self.set_clock(seconds)
            then = int(self.values(client, "SELECT extract(year FROM now())")[0])
            self.assertAlmostEqual(then, year + seconds / YEARS * 10, delta=1)
            self.values(client, "SELECT 'at %d'" % then)
            self.assertRegex(self.daemon.log(), r"(?m)^%d-\d+-\d+ [:.\d]+ UTC \[\d+\] LOG: .*'at %d'" % (then, then))
        self.assertEqual(self.daemon.end(), 0, self.daemon.log())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=2)
