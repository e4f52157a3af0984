#!/usr/bin/python3
"""Where a limit allows only so many threads (tests/support/programs/few_threads.c): what is told, and what still works.

usage: test_threads.py PONDD ROOT FEW_THREADS POND [unittest's arguments]
"""
import os
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
import test_daemon  # noqa: E402

FEW_THREADS, POND = sys.argv[3:5]
TOLD = ("53000 could not start a thread: Resource temporarily unavailable (TasksMax= and LimitNPROC= of a service, pids.max "
        "of a container and ulimit -u limit their number; so does the memory that is left.)")


def environment(threads):
    return {"LD_PRELOAD": FEW_THREADS, "POND_THREADS": str(threads),
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}


class Threads(test_daemon.Test):
    def start_with(self, threads, loops):
        """Besides its first one, it wants one for each other loop, and at least one that helps."""
        was = dict(os.environ)
        os.environ.update(environment(threads))
        try:
            return self.start(self.write("pond.conf", "[database shop]\n"), "-o", "loops=%d" % loops)
        finally:
            os.environ.clear()
            os.environ.update(was)

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
        done = subprocess.run([POND, "ping", "-h", "localhost", "-p", "1"], env={**os.environ, **environment(0)},
                              stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=60, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("could not start a thread: Resource temporarily unavailable", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[5:], verbosity=2)
