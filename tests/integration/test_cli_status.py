#!/usr/bin/python3
"""pond status: what a daemon with one session for its database says while others use it and wait for it.

usage: test_cli_status.py POND PONDD CONF [unittest's arguments]
"""
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import unittest

POND, PONDD = sys.argv[1:3]
CONF = "[database shop]\npool_size = 1\n[database other]\n"


class Test(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="pond-test.")
        self.addCleanup(temporary.cleanup)
        folder = pathlib.Path(temporary.name)
        (folder / "pond.conf").write_text(CONF, encoding="utf-8")
        read_end, write_end = os.pipe()
        self.daemon = subprocess.Popen([PONDD, "-c", folder / "pond.conf", "-o", "listen_port=0", "-o", "auth_type=trust", "-o",
                                        "unix_socket_dir=" + str(folder), "--ready-fd", str(write_end)],
                                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=[write_end])
        os.close(write_end)
        self.addCleanup(self.end_daemon)
        with os.fdopen(read_end) as ready:
            address = dict(word.split("=", 1) for word in ready.readline().split())
        self.env = dict(os.environ, PGHOST=address["host"], PGPORT=address["port"], PGUSER="tester")
        self.env.pop("PGDATABASE", None)

    def end_daemon(self):
        if self.daemon.poll() is None:
            self.daemon.terminate()
        self.assertEqual(self.daemon.wait(timeout=60), 0)

    def connect(self, database):
        """psql that holds a session until its stdin is closed."""
        process = subprocess.Popen(["psql", "-X", "-q", "-A", "-t", "-d", database], env=self.env, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

        def end():
            process.kill()
            process.communicate()
        self.addCleanup(end)
        return process

    def status(self, *arguments):
        return subprocess.run([POND, "status", *arguments], env=self.env, capture_output=True, encoding="utf-8", timeout=60,
                              check=False)

    def row(self, text, name):
        """The values of the line that has `name` in its first column but one, or its first."""
        for line in text.splitlines():
            values = [value.strip() for value in line.split("|")]
            if name in values[:2]:
                return values
        raise AssertionError("no line of %s: %s" % (name, text))

    def hold(self, database):
        process = self.connect(database)
        process.stdin.write(b"SELECT 'here';\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), b"here\n")
        return process

    def test_users_waiters_and_clones(self):
        self.hold("shop")
        self.hold("other~mine")
        self.connect("shop")
        text = ""
        while "waiting: 1" not in text:  # it has been in line since its start-up packet came
            done = self.status()
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            text = done.stdout
        self.assertRegex(text, r"^\d\d:\d\d:\d\d  pondd at 127.0.0.1, port \d+: \d+ (kB|MB) in use, connections: 3, waiting: 1\n")
        database, in_use, idle, waiting, longest, limit = self.row(text, "shop")[:6]
        self.assertEqual((database, in_use, idle, waiting, limit), ("shop", "1", "0", "1", "1"))
        self.assertRegex(longest, r"^\d+$")
        self.assertEqual(self.row(text, "other")[9], "1")
        self.assertEqual(self.row(text, "other~mine")[:3], ["other~mine", "tester", "1"])
        connections = text.split("Connections: 3")[1]
        self.assertIn("session", connections.splitlines()[3])  # who waits comes first
        self.assertIn("SELECT 'here';", connections)

    def test_nobody_there(self):
        text = self.status().stdout
        self.assertIn("connections: 0, waiting: 0", text)
        self.assertIn("Named clones: 0\n\nConnections: 0\n", text)

    def test_other_servers_and_names(self):
        done = self.status("nowhere")
        self.assertEqual(done.returncode, 3)
        self.assertIn("database \"nowhere\" does not exist", done.stderr)
        self.assertEqual(self.status("other").returncode, 0)
        self.assertEqual(self.status("-d", "other").returncode, 0)

    # ---- watching ----

    def watch(self, seconds="0.1"):
        master, slave = pty.openpty()
        process = subprocess.Popen([POND, "status", "--watch", "--interval", seconds], env=self.env, stdin=slave, stdout=slave,
                                   stderr=slave)
        os.close(slave)

        def end():
            process.kill()
            process.wait()
            os.close(master)
        self.addCleanup(end)
        return master, process

    def read_until(self, master, pattern):
        text = ""
        while not re.search(pattern, text, re.S):
            self.assertTrue(select.select([master], [], [], 60)[0], text)
            try:
                text += os.read(master, 65536).decode()
            except OSError:
                raise AssertionError("%s did not come: %r" % (pattern, text)) from None
        return text

    def test_it_is_drawn_again_and_again_until_q(self):
        master, process = self.watch()
        text = self.read_until(master, r"\x1b\[H(?!\x1b\[2J).*\x1b\[H.*\x1b\[H")
        self.assertIn("connections: 0", text)
        self.hold("other")
        self.read_until(master, r"connections: 1.*SELECT 'here'")
        os.write(master, b"xq")
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertIn("\x1b[?25h", self.read_until(master, r"\x1b\[\?25h"))

    def test_a_signal_ends_it_and_leaves_the_terminal_as_it_was(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            master, process = self.watch("60")
            self.read_until(master, "Connections: 0")
            process.send_signal(number)
            self.assertEqual(process.wait(timeout=60), -number)
            self.read_until(master, r"\x1b\[\?25h")

    def test_the_end_of_the_daemon_is_told(self):
        master, process = self.watch()
        self.read_until(master, "Connections: 0")
        self.end_daemon()
        self.assertEqual(process.wait(timeout=60), 3)
        self.read_until(master, "pond status: .*(08006|57P01)")

    def test_elsewhere_than_on_a_terminal_it_is_a_block_each_time(self):
        process = subprocess.Popen([POND, "status", "-w", "-i", "0.05"], env=self.env, stdout=subprocess.PIPE)
        text = ""
        while text.count("Connections: 0") < 3:
            line = process.stdout.readline().decode()
            self.assertNotIn("\x1b", line)
            text += line
        process.send_signal(signal.SIGINT)
        process.stdout.close()
        self.assertIn(process.wait(timeout=60), (-signal.SIGINT, -signal.SIGPIPE))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
