#!/usr/bin/python3
"""Where a limit allows only so many threads (tests/support/programs/few_threads.c), or those that help hang in a directory
(slow_names.c): what is told, and what still works.

usage: test_threads.py PONDD ROOT FEW_THREADS SLOW_NAMES POND [unittest's arguments]
"""
import os
import pwd
import select
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
import test_daemon  # noqa: E402
import wire  # noqa: E402

FEW_THREADS, SLOW_NAMES, POND = sys.argv[3:6]
TOLD = ("53000 could not start a thread: Resource temporarily unavailable (TasksMax= and LimitNPROC= of a service, pids.max "
        "of a container and ulimit -u limit their number; so does the memory that is left.)")


def preloaded(library, **variables):
    return {"LD_PRELOAD": library, **variables,
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}


class Preloaded(test_daemon.Test):
    def start_in(self, environment, *options):
        was = dict(os.environ)
        os.environ.update(environment)
        try:
            return self.start(self.write("pond.conf", "[database shop]\n"), *options)
        finally:
            os.environ.clear()
            os.environ.update(was)


class Few(Preloaded):
    def start_with(self, threads, loops):
        """Besides its first one, it wants one for each other loop, and at least one that helps."""
        return self.start_in(preloaded(FEW_THREADS, POND_THREADS=str(threads)), "-o", "loops=%d" % loops)

    def assert_fails(self, threads, loops):
        daemon = self.start_with(threads, loops)
        self.assertEqual(daemon.await_ready(), [])
        self.assertEqual(daemon.process.wait(timeout=60), 1)
        self.assertIn("FATAL: cannot start: " + TOLD, daemon.log())

    def test_the_start_says_when_there_is_none_to_help(self):
        self.assert_fails(0, loops=1)

    def test_the_start_says_when_there_is_none_for_a_loop(self):
        self.assert_fails(2, loops=3)

    def test_one_helper_is_enough(self):
        daemon = self.start_with(1, loops=1)
        self.assertTrue(daemon.await_ready(), daemon.log())
        self.assertEqual(self.rows("shop", "SELECT 42"), [(b"42",)])
        self.assertEqual(daemon.end(), 0)

    def test_a_client_says_so(self):
        """A host's name is looked up by a helper."""
        done = subprocess.run([POND, "ping", "-h", "localhost", "-p", "1"], env={**os.environ, **preloaded(FEW_THREADS, POND_THREADS="0")},
                              stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=60, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("could not start a thread: Resource temporarily unavailable", done.stderr)


class Hanging(Preloaded):
    CLIENTS = 6  # more than there are threads that help

    def come(self, address):
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.settimeout(wire.PATIENCE)
        client.connect("%s/.s.PGSQL.%s" % (address["host"], address["port"]))
        client.sendall(wire.startup(user=pwd.getpwuid(os.geteuid()).pw_name, database="shop"))
        return client

    def until(self, daemon, it_is_so):
        end = time.monotonic() + wire.PATIENCE
        while not it_is_so():
            self.assertIsNone(daemon.process.poll(), daemon.log())
            self.assertLess(time.monotonic(), end, daemon.log())
            time.sleep(0.01)

    def start_slow(self, *options):
        """The daemon, its clients, and the directory's pipe and what it was asked."""
        pipe, asked = self.folder / "names", self.folder / "asked"
        os.mkfifo(pipe)
        daemon = self.start_in(preloaded(SLOW_NAMES, POND_NAMES=str(pipe), POND_NAMES_ASKED=str(asked)),
                               "-o", "auth_type=peer", "-o", "loops=2", *options)
        address = next(one for one in daemon.await_ready() if one["host"].startswith("/"))
        clients = [self.come(address) for _ in range(self.CLIENTS)]
        self.until(daemon, lambda: asked.exists() and asked.stat().st_size >= 2)
        return daemon, clients, pipe, asked

    def test_names_that_are_looked_up_leave_threads_to_others(self):
        daemon, clients, pipe, asked = self.start_slow()
        self.write("seed.sql", "CREATE TABLE t (i int);\n")
        self.write("pond.conf", "[database shop]\n[database other]\nseed = seed.sql\n")
        daemon.send(signal.SIGHUP)
        self.until(daemon, lambda: "reloaded" in daemon.log())
        self.assertEqual(asked.stat().st_size, 2)
        clients.pop().close()  # while he waits for his turn
        with open(pipe, "w", encoding="utf-8"):
            for client in clients:
                self.assertEqual(client.recv(1), b"R")
            self.assertEqual(daemon.end(), 0)

    def test_who_waits_for_a_look_up_waits_no_longer_than_a_login_may_take(self):
        daemon, clients, pipe, asked = self.start_slow("-o", "client_login_timeout=1s")  # two are asked for within that time
        while len(clients) > 2:
            ended = select.select(clients, [], [], wire.PATIENCE)[0]
            self.assertTrue(ended, daemon.log())
            for client in ended:
                self.assertEqual(client.recv(1), b"")
                clients.remove(client)
        self.assertEqual(asked.stat().st_size, 2)
        with open(pipe, "w", encoding="utf-8"):
            for client in clients:
                self.assertEqual(client.recv(1), b"")
            self.assertEqual(daemon.end(), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[6:], verbosity=2)
