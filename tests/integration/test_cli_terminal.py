#!/usr/bin/python3
"""pond query as its user sees it: on a terminal, with ^C, with slow rows, into a pipe that closes.

usage: test_cli_terminal.py POND PONDD CONF [unittest's arguments]     (a server is named by PG*)
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unittest

POND = sys.argv[1]
# So much that no server holds it back until the next statement is done.
FIRST = "SELECT repeat('first', 1000000) AS a; "
FOR_EVER = "SELECT count(*) FROM generate_series(1, 100000000000)"


def start(*arguments, **keys):
    return subprocess.Popen([POND, "query", *arguments], **keys)


class Terminal:
    """Runs it with the slave of a pseudo terminal for the streams named."""

    def __init__(self, *arguments, columns=80, streams=("stdout", "stderr"), **keys):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = start(*arguments, **{stream: slave for stream in streams}, **keys)
        os.close(slave)
        self.text = ""

    def read_until(self, pattern, seconds=60):
        """What was shown when the pattern came; everything until the end when it is None."""
        end = time.monotonic() + seconds
        while pattern is None or not re.search(pattern, self.text):
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError("%r did not come: %r" % (pattern, self.text))
            try:
                data = os.read(self.master, 65536)
            except OSError:
                data = b""
            if not data:
                if pattern is None:
                    break
                raise AssertionError("%r did not come: %r" % (pattern, self.text))
            self.text += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return self.text

    def end(self):
        text = self.read_until(None)
        os.close(self.master)
        return self.process.wait(timeout=60), text


class Test(unittest.TestCase):
    def test_a_table_fits_the_terminal(self):
        for columns in (20, 40, 61, 80):
            code, text = Terminal("SELECT 1 AS id, repeat('漢', 30) AS wide, repeat('x', 100) AS long", columns=columns).end()
            self.assertEqual(code, 0)
            lines = text.split("\n")
            self.assertIn("…", lines[2])
            for line in lines:
                width = sum(2 if char == "漢" else 1 for char in line)
                self.assertLessEqual(width, columns, line)
            self.assertGreaterEqual(len(lines[1]), columns - 1)

    def test_a_wider_row_behind_the_first_page_is_shortened_on_a_terminal_only(self):
        sql = "SELECT CASE WHEN g > 1000 THEN repeat('x', 30) ELSE 'x' END AS a, g FROM generate_series(1, 1001) AS g"
        code, text = Terminal(sql).end()
        self.assertEqual(code, 0)
        self.assertIn("\n … | 1001\n", text)
        piped = subprocess.run([POND, "query", sql], capture_output=True, encoding="utf-8", check=True).stdout
        self.assertIn("\n %s | 1001\n" % ("x" * 30), piped)

    def test_what_a_terminal_would_obey_does_not_reach_it(self):
        code, text = Terminal("SELECT E'\\x1b[31mred\\x1b[0m\\nnext' AS a").end()
        self.assertEqual(code, 0)
        self.assertNotIn("\x1b", text)
        self.assertIn("\\x1b[31mred\\x1b[0m\\nnext", text)

    def test_tags_and_progress_are_for_terminals(self):
        code, text = Terminal("CREATE TABLE t (i int)").end()
        self.assertEqual((code, text), (0, "CREATE TABLE\n"))
        terminal = Terminal(FOR_EVER)
        terminal.read_until(r"\r0 rows in \d+ s\x1b\[K")
        terminal.process.send_signal(signal.SIGINT)
        code, text = terminal.end()
        self.assertEqual(code, -signal.SIGINT)
        self.assertTrue(text.endswith("\r\x1b[K"), text)

    def test_progress_counts_rows_that_go_elsewhere(self):
        terminal = Terminal("-F", "csv", "SELECT g FROM generate_series(1, 100000000000) AS g", streams=("stderr",),
                            stdout=subprocess.DEVNULL)
        terminal.read_until(r"\r[\d,]{5,} rows in \d+ s\x1b\[K")
        terminal.process.send_signal(signal.SIGINT)
        self.assertEqual(terminal.end()[0], -signal.SIGINT)
        quiet = Terminal("-q", "--timeout", "2", FOR_EVER)
        self.assertEqual(quiet.end(), (4, "pond query: timeout expired\n"))

    def test_the_interrupt_cancels_what_the_server_does(self):
        process = start(FIRST + FOR_EVER, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.read(100)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, err), (-signal.SIGINT, b""))
        end = time.monotonic() + 60
        left = None
        while left != "count\n0\n":  # who did not wait for the answer was a moment earlier than the server
            self.assertLess(time.monotonic(), end, "it runs on: %s" % left)
            left = subprocess.run([POND, "query", "-F", "csv", "SELECT count(*) FROM pg_stat_activity WHERE query LIKE "
                                   "'%100000000000%' AND state = 'active' AND pid <> pg_backend_pid()"],
                                  capture_output=True, encoding="utf-8", check=True).stdout

    def test_the_interrupt_ends_also_a_write_that_waits(self):
        read_end, write_end = os.pipe()
        process = start("-F", "csv", "SELECT g FROM generate_series(1, 100000000000) AS g", stdout=write_end,
                        stderr=subprocess.DEVNULL)
        while select.select([], [write_end], [], 0)[1]:
            os.sched_yield()  # the pipe fills up, whatever the size of each write, and nobody reads
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=60), -signal.SIGINT)
        os.close(read_end)
        os.close(write_end)

    def test_a_pipe_that_closes_kills_as_it_does_others(self):
        for arguments in (["-F", "csv"], ["--page", "100"], ["-F", "json"], []):
            process = start(*arguments, "SELECT g FROM generate_series(1, 100000000000) AS g", stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)
            process.stdout.read(10)
            process.stdout.close()
            self.assertEqual(process.wait(timeout=60), -signal.SIGPIPE, arguments)
            self.assertEqual(process.stderr.read(), b"")
            process.stderr.close()

    def test_rows_are_shown_while_the_rest_is_awaited(self):
        for arguments in (["-F", "csv"], ["-F", "jsonl"], []):
            process = start(*arguments, FIRST + FOR_EVER, stdout=subprocess.PIPE)
            while b"first" not in process.stdout.read(5000):
                pass
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)

    def test_a_table_is_laid_out_by_what_has_come_when_the_rest_is_slow(self):
        slow = "SELECT g, CASE WHEN g < 3 THEN 0 ELSE (%s) END AS n FROM generate_series(1, 3) AS g" % FOR_EVER
        process = start("--page", "2", slow, stdout=subprocess.PIPE)
        lines = [process.stdout.readline() for _ in range(4)]
        self.assertEqual(lines, [b" g | n \n", b"---+---\n", b" 1 | 0\n", b" 2 | 0\n"])
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
