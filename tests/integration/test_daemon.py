#!/usr/bin/python3
"""The daemon as its operator sees it: command line, configuration, start, ready, signals, exit.

usage: test_daemon.py PONDD ROOT [unittest's arguments]
"""
import os
import pathlib
import re
import resource
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
PONDD = sys.argv[1]
ROOT = pathlib.Path(sys.argv[2])
sys.path.insert(0, str(ROOT / "tests/clients"))
import wire  # noqa: E402

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT %s FROM n"


def http_address(log):
    host, port = re.search(r"listening: http://(.+):(\d+)/", log).groups()
    return host, int(port)


class Daemon:
    """A pondd on a free port, with its log in a file unless it is given another; ended by kill when a test forgets it."""

    def __init__(self, folder, conf, *arguments, stderr=None):
        self.log_path = folder / "log"
        read_end, write_end = os.pipe()
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [PONDD, "-c", str(conf), "-o", "listen_port=0", "-o", "unix_socket_dir=" + str(folder),
                 "--ready-fd", str(write_end), *wire.pondd_options(), *arguments],
                stdin=subprocess.DEVNULL, stderr=stderr or log, pass_fds=[write_end])
        os.close(write_end)
        self.ready = os.fdopen(read_end)

    def await_ready(self):
        """The address lines as dictionaries; none when the start failed."""
        with self.ready:
            addresses = [dict(word.split("=", 1) for word in line.split()) for line in self.ready]
        if addresses:
            wire.HOST, wire.PORT = "127.0.0.1", int(addresses[0]["port"])
        return addresses

    def send(self, number):
        self.process.send_signal(number)

    def end(self, number=signal.SIGTERM):
        """Ends it and gives its exit code."""
        self.send(number)
        return self.process.wait(timeout=60)

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")


class Test(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="pond-test.")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def start(self, conf, *arguments, **keys):
        daemon = Daemon(self.folder, conf, *arguments, **keys)

        def put_away():
            daemon.process.kill()
            daemon.process.wait()
            daemon.ready.close()
        self.addCleanup(put_away)
        return daemon

    def start_ready(self, sections="[database shop]\n", *arguments, **keys):
        daemon = self.start(self.write("pond.conf", sections), *arguments, **keys)
        self.assertTrue(daemon.await_ready(), daemon.log())
        return daemon

    def run_pondd(self, *arguments):
        return subprocess.run([PONDD, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                              encoding="utf-8", timeout=60, check=False)

    def wire(self, database="shop", **keys):
        client = wire.Wire(database, **keys)
        self.addCleanup(client.socket.close)
        self.assertEqual(client.greeting[-1][0], "Z", client.greeting)
        return client

    def rows(self, database, text):
        _, got = self.wire(database).ask(wire.query(text))
        self.assertEqual([wire.fields(body) for kind, body in got if kind == "E"], [])
        return [tuple(wire.values(body)) for kind, body in got if kind == "D"]


class CommandLine(Test):
    def test_version_and_help(self):
        self.assertRegex(self.run_pondd("-V").stdout, r"^pondd \d+\.\d+\.\d+\n$")
        self.assertIn("--ready-fd N", self.run_pondd("--help").stdout)

    def test_a_mistake_in_the_command_line_is_exit_code_2(self):
        done = self.run_pondd("-c")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(done.stderr, "pondd: -c: expected FILE\n")

    def test_the_check_accepts_the_demo_and_the_sample_with_every_option_set(self):
        sample = (ROOT / "conf/pond.conf.sample").read_text(encoding="utf-8")
        lines = [line[1:] if line.startswith(";") and not line.startswith("; ") else line
                 for line in sample.splitlines()]
        self.assertGreater(sum(" = " in line or line.endswith(" =") for line in lines), 20)
        for conf in (ROOT / "conf/demo.conf", self.write("sample.conf", "\n".join(lines) + "\n")):
            done = self.run_pondd("-t", "-c", conf)
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_mistake_in_the_configuration_names_it_and_nothing_starts(self):
        conf = self.write("pond.conf", "[pond]\nlisten_prot = 5\n")
        for arguments in (["-t", "-c", conf], ["-c", conf]):
            done = self.run_pondd(*arguments)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(done.stderr,
                             "pondd: %s:2: listen_prot: no such option; did you mean listen_port?\n" % conf)

    def test_an_override_of_the_wrong_type_is_named(self):
        conf = self.write("pond.conf", "[database shop]\n")
        done = self.run_pondd("-t", "-c", conf, "-o", "output_buffer=lots")
        self.assertEqual(done.returncode, 2)
        self.assertIn("-o output_buffer=lots: output_buffer: expected a size", done.stderr)


class Start(Test):
    def test_ready_means_that_both_addresses_answer(self):
        daemon = self.start(self.write("pond.conf", "[database shop]\n"))
        addresses = daemon.await_ready()
        self.assertEqual([a["host"] for a in addresses], ["127.0.0.1", str(self.folder)])
        self.assertEqual(self.rows("shop", "SELECT 1"), [(b"1",)])
        with socket.socket(socket.AF_UNIX) as local:
            local.connect("%s/.s.PGSQL.%s" % (self.folder, addresses[1]["port"]))
            local.sendall(wire.startup(user="tester", database="shop"))
            self.assertEqual(local.recv(1), b"R")
        self.assertEqual(daemon.end(), 0, daemon.log())

    def test_each_kind_of_seed(self):
        self.write("a.sql", "-- a comment; with a semicolon\nCREATE TABLE t (i int);\n"
                            "INSERT INTO t VALUES (1), (2);\nBEGIN;\nINSERT INTO t VALUES (3);\nCOMMIT;\n")
        with sqlite3.connect(self.folder / "b.db") as file:
            file.executescript("PRAGMA journal_mode = wal; CREATE TABLE u (s text); INSERT INTO u VALUES ('frog');")
        file.close()
        self.write("empty.sql", "-- nothing\n")
        self.start_ready("[database a]\nseed = a.sql\n[database b]\nseed = b.db\n[database c]\n"
                         "[database d]\nseed = empty.sql\n")
        self.assertEqual(self.rows("a", "SELECT i FROM t ORDER BY i"), [(b"1",), (b"2",), (b"3",)])
        self.assertEqual(self.rows("b", "SELECT s FROM u"), [(b"frog",)])
        for name in "cd":
            self.assertEqual(self.rows(name, "SELECT 1"), [(b"1",)])

    # ---- cursors whose rows do not fit in memory ----

    SCROLL = "BEGIN; DECLARE c SCROLL CURSOR FOR SELECT i FROM generate_series(1, 20000) AS g(i); MOVE ALL c"

    def error_of(self, text):
        _, got = self.wire().ask(wire.query(text))
        return next((wire.fields(body) for kind, body in got if kind == "E"), {"C": "00000"})

    def test_a_session_starts_with_its_databases_work_mem(self):
        self.start_ready("[database shop]\nwork_mem = 96kB\n[database other]\n")
        self.assertEqual(self.rows("shop", "SHOW work_mem"), [(b"96kB",)])
        self.assertEqual(self.rows("other", "SHOW work_mem"), [(b"4MB",)])

    def test_the_limits_of_temporary_files(self):
        for limit, code in (("1MB", "00000"), ("-1", "00000"), ("128kB", "53100"), ("0", "53200")):
            with self.subTest(limit):
                daemon = self.start_ready("[pond]\ntemp_dir = %s\n[database shop]\nwork_mem = 64kB\n"
                                          "temp_file_limit = %s\n" % (self.folder, limit))
                self.assertEqual(self.error_of(self.SCROLL)["C"], code)
                self.assertEqual(daemon.end(), 0, daemon.log())

    def test_a_temp_dir_that_is_not_there_is_told_at_the_start_and_when_it_is_needed(self):
        daemon = self.start_ready("[pond]\ntemp_dir = nowhere\n[database shop]\nwork_mem = 64kB\n")
        self.assertIn('WARNING: temp_dir: 58P01 could not use a temporary file in "%s/nowhere"' % self.folder, daemon.log())
        self.assertEqual(self.error_of("SELECT 1")["C"], "00000")
        self.assertEqual(self.error_of(self.SCROLL)["C"], "58P01")

    def test_the_processs_limit_for_files_ends_a_statement_only(self):
        conf = self.write("pond.conf", "[database shop]\nwork_mem = 64kB\n")
        resource.setrlimit(resource.RLIMIT_FSIZE, (100000, self.file_limit[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_FSIZE, self.file_limit)
        daemon = self.start(conf)
        resource.setrlimit(resource.RLIMIT_FSIZE, self.file_limit)
        self.assertTrue(daemon.await_ready(), daemon.log())
        self.assertEqual(self.error_of(self.SCROLL)["C"], "53100")
        self.assertEqual(self.error_of("SELECT 1")["C"], "00000")
        self.assertEqual(daemon.end(), 0, daemon.log())

    file_limit = resource.getrlimit(resource.RLIMIT_FSIZE)

    def test_a_seed_may_have_large_results(self):
        self.write("a.sql", "CREATE TABLE t (i int);\nINSERT INTO t SELECT i FROM generate_series(1, 50000) AS g(i) "
                            "RETURNING i, repeat('x', 200);\n")
        self.start_ready("[database shop]\nseed = a.sql\n")
        self.assertEqual(self.rows("shop", "SELECT count(*) FROM t"), [(b"50000",)])

    def assert_does_not_start(self, conf, *expected):
        daemon = self.start(conf)
        self.assertEqual(daemon.await_ready(), [])
        self.assertEqual(daemon.process.wait(timeout=60), 1)
        for text in expected:
            self.assertIn(text, daemon.log())

    def test_a_script_that_fails_is_named_with_line_and_statement(self):
        seed = self.write("a.sql", "CREATE TABLE t (i int);\n\n-- next\nINSERT INTO\n  nowhere VALUES (1);\n")
        conf = self.write("pond.conf", "[database a]\nseed = a.sql\n")
        self.assert_does_not_start(conf, "%s:" % seed, "42P01", "INSERT INTO   nowhere VALUES (1)")
        self.assertRegex((self.folder / "log").read_text(), r"a\.sql:[45]: ")

    def test_a_script_that_leaves_its_transaction_open_is_refused(self):
        self.write("a.sql", "BEGIN;\nCREATE TABLE t (i int);\n")
        self.assert_does_not_start(self.write("pond.conf", "[database a]\nseed = a.sql\n"),
                                   "a.sql: the script ends inside a transaction: expected COMMIT")

    def test_a_seed_that_is_not_there_or_no_seed_is_named(self):
        self.assert_does_not_start(self.write("pond.conf", "[database a]\nseed = b.sql\n"),
                                   "%s/b.sql: No such file or directory" % self.folder)
        (self.folder / "c.db").write_bytes(b"SQLite format 3\0" + b"\1" * 2000)
        self.assert_does_not_start(self.write("pond.conf", "[database a]\nseed = c.db\n"), "c.db")

    def test_a_second_daemon_leaves_the_first_one_alone(self):
        first = self.start(self.write("pond.conf", "[database shop]\n"))
        port = first.await_ready()[0]["port"]
        conf = self.write("second.conf", "[database shop]\n")
        done = self.run_pondd("-c", conf, "-o", "listen_addr=", "-o", "listen_port=" + port, "-o",
                              "unix_socket_dir=%s" % self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn("another pondd serves this socket", done.stderr)
        done = self.run_pondd("-c", conf, "-o", "listen_port=" + port, "-o", "unix_socket_dir=")
        self.assertEqual(done.returncode, 1)
        self.assertIn("127.0.0.1 port %s: cannot listen: Address already in use" % port, done.stderr)
        self.assertEqual(self.rows("shop", "SELECT 1"), [(b"1",)])

    def test_what_a_killed_daemon_left_behind_is_no_hindrance(self):
        first = self.start_ready("[pond]\nlisten_addr =\n[database shop]\n")
        left = next(self.folder.glob(".s.PGSQL.*[0-9]"))
        self.assertEqual(first.end(signal.SIGKILL), -signal.SIGKILL)
        self.assertTrue(left.exists())
        second = self.start_ready("[pond]\nlisten_addr =\n[database shop]\n", "-o",
                                  "listen_port=" + left.name.rsplit(".", 1)[1])
        self.assertEqual(second.end(), 0)
        self.assertFalse(left.exists())

    def test_a_hang_up_during_the_start_is_a_reload_after_it(self):
        self.write("late.sql", "CREATE TABLE t AS SELECT 'late' AS v;\n")
        os.mkfifo(self.folder / "pipe.sql")
        daemon = self.start(self.write("pond.conf", "[database shop]\nseed = pipe.sql\n"))
        with open(self.folder / "pipe.sql", "w", encoding="utf-8") as pipe:  # it is being read now
            daemon.send(signal.SIGHUP)
            while "Hangup" not in daemon.log():
                self.assertIsNone(daemon.process.poll(), daemon.log())
                os.sched_yield()
            self.write("pond.conf", "[database shop]\nseed = late.sql\n")
            pipe.write("CREATE TABLE t AS SELECT 'early' AS v;\n")
        self.assertTrue(daemon.await_ready(), daemon.log())
        while "reloaded" not in daemon.log():
            self.assertNotIn("cannot reload", daemon.log())
            os.sched_yield()
        self.assertEqual(self.rows("shop", "SELECT v FROM t"), [(b"late", )])

    def test_signals_that_come_while_the_configuration_is_read_wait_for_the_start(self):
        os.mkfifo(self.folder / "pond.conf")
        daemon = self.start(self.folder / "pond.conf")
        with open(self.folder / "pond.conf", "w", encoding="utf-8") as pipe:  # it is being read now
            daemon.send(signal.SIGHUP)
            daemon.send(signal.SIGUSR1)
            (self.folder / "pond.conf").unlink()
            self.write("pond.conf", "[database late]\n")
            pipe.write("[database early]\n")
        self.assertTrue(daemon.await_ready(), "%s\n%s" % (daemon.process.poll(), daemon.log()))
        for words in ("reloaded", "connections=0"):  # in either order
            while words not in daemon.log():
                self.assertIsNone(daemon.process.poll(), daemon.log())
                os.sched_yield()
        self.assertEqual(self.rows("late", "SELECT 1"), [(b"1", )])


    def test_no_signal_that_it_waits_for_interrupts_a_thread(self):
        """A handler would run within whatever a task does, and ThreadSanitizer loses it with the task."""
        daemon = self.start_ready("[database shop]\n", "-o", "loops=3")
        wanted = sum(1 << (number - 1) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1))
        for thread in pathlib.Path("/proc/%d/task" % daemon.process.pid).iterdir():
            status = (thread / "status").read_text()
            held, caught = (int(re.search(r"(?m)^Sig%s:\t(\w+)$" % name, status)[1], 16) for name in ("Blk", "Cgt"))
            self.assertEqual((held & wanted, caught & wanted), (wanted, 0), status)
        self.assertEqual(daemon.end(), 0, daemon.log())


class Log(Test):
    def test_a_flood_is_cut_and_counted_and_the_daemons_own_lines_are_there(self):
        daemon = self.start_ready("[database shop]\n", "-o", "log_limit=20", "-o", "log_statement=all")
        client = self.wire()
        for i in range(200):
            client.ask(wire.query("SELECT %d" % i))
        client.socket.close()
        self.assertEqual(daemon.end(), 0)
        log = daemon.log()
        shown = log.count("statement: SELECT")
        left_out = sum(int(n) for n in re.findall(r"WARNING: (\d+) lines of clients were left out: over log_limit", log))
        self.assertGreaterEqual(left_out, 160)  # the minute may change once
        self.assertEqual(shown + left_out, 201)  # the first is of the daemon, which asks itself
        self.assertIn("LOG: stopping: ", log)

    def test_those_who_are_not_let_in_drown_nothing_either(self):
        daemon = self.start_ready("[database shop]\n", "-o", "log_limit=20")
        for _ in range(100):
            client = wire.Wire("nowhere")
            self.assertEqual(client.greeting[-1][0], "E")
            client.socket.close()
        self.assertEqual(daemon.end(), 0)
        self.assertLess(daemon.log().count("FATAL: 3D000"), 45)
        self.assertRegex(daemon.log(), r"WARNING: \d+ lines of clients were left out: over log_limit")
        self.assertIn("LOG: stopping: ", daemon.log())

    def test_nobody_waits_for_a_log_that_nobody_reads(self):
        """A pipe takes 64 kB."""
        read_end, write_end = os.pipe()
        daemon = self.start_ready("[database shop]\n", "-o", "log_limit=0", "-o", "log_statement=all", stderr=write_end)
        os.close(write_end)
        client = self.wire()
        for i in range(2000):
            client.ask(wire.query("SELECT %d" % i))
        client.socket.close()
        os.set_blocking(read_end, False)
        early = os.read(read_end, 1 << 20)
        os.set_blocking(read_end, True)
        daemon.send(signal.SIGTERM)
        with os.fdopen(read_end, "rb") as log:
            lines = (early + log.read()).decode().splitlines()
        self.assertEqual(daemon.process.wait(timeout=60), 0)
        self.assertEqual([line for line in lines if not re.match(r"[-\d]+ [:.\d]+ UTC \[\d+\] [A-Z]+: ", line)], [])
        shown = len([line for line in lines if "statement: SELECT" in line])
        left_out = sum(int(n) for n in re.findall(r"WARNING: (\d+) lines of clients were left out", "\n".join(lines)))
        self.assertGreater(left_out, 1000)
        self.assertEqual(shown + left_out, 2001)  # the first is of the daemon, which asks itself

    def test_clients_that_come_and_go_are_logged_without_what_they_say(self):
        daemon = self.start_ready("[database shop]\n", "-o", "log_connections=on", "-o", "log_disconnections=on")
        client = self.wire()
        client.ask(wire.query("SELECT 'secret'"))
        client.socket.close()
        self.assertEqual(daemon.end(), 0)
        self.assertRegex(daemon.log(), r"LOG: \[\d+\] connection authorized: user=tester database=shop host=127\.0\.0\.1\n")
        self.assertRegex(daemon.log(), r"LOG: \[\d+\] disconnection: session time: \d+\.\d+ s user=tester database=shop\n")
        self.assertNotIn("secret", daemon.log())


class Descriptors(Test):
    """The process may open no more: clients wait at the door, those who are in notice nothing, and nothing spins."""
    room = 8
    tries = 64

    def cpu_seconds(self, daemon):
        fields = pathlib.Path("/proc/%d/stat" % daemon.process.pid).read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def limit(self, daemon, more):
        """Its limit is what it has open, and so many more; none: as before."""
        taken = [int(path.name) for path in pathlib.Path("/proc/%d/fd" % daemon.process.pid).iterdir()]
        most = max(taken) + 1 + more if more is not None else self.before[0]
        self.before = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (most, self.before[1]))

    def answered(self, clients, count, seconds):
        """Those who have been let in, once they are `count`, or when the time is over."""
        deadline = time.monotonic() + seconds
        while True:
            ready, _, _ = select.select(clients, [], [], max(0, min(0.1, deadline - time.monotonic())))
            if len(ready) >= count or time.monotonic() >= deadline:
                return ready

    def test_without_any_left_clients_wait_and_the_daemon_rests(self):
        daemon = self.start_ready("[database shop]\n", "-o", "http_listen=127.0.0.1:0")
        pid = daemon.process.pid
        self.before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        inside = self.wire()
        inside.ask(wire.query("SELECT 1"))
        self.limit(daemon, self.room)
        clients = [socket.create_connection(("127.0.0.1", wire.PORT)) for _ in range(self.tries)]
        http = [socket.create_connection(http_address(daemon.log())) for _ in range(4)]
        for client in clients + http:
            self.addCleanup(client.close)
        for client in clients:
            client.sendall(wire.startup(user="tester", database="shop"))
        for client in http:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while "new clients wait: Too many open files" not in daemon.log():
            self.assertIsNone(daemon.process.poll())
            os.sched_yield()
        used = self.cpu_seconds(daemon)
        inside.ask(wire.query("SELECT pg_sleep(1)"))
        self.assertLess(self.cpu_seconds(daemon) - used, 0.3)
        let_in = self.answered(clients, self.tries, 0)
        self.assertTrue(0 < len(let_in) <= self.room, len(let_in))
        self.assertEqual(daemon.log().count("new clients wait"), 1)
        for client in let_in:  # who leaves makes room for the next
            clients.remove(client)
            client.close()
        self.assertGreater(len(self.answered(clients, 1, 60)), 0)
        self.limit(daemon, None)
        for client in clients + http:
            client.settimeout(60)
        self.assertEqual({client.recv(1) for client in clients}, {b"R"})
        self.assertEqual({client.recv(12) for client in http}, {b"HTTP/1.1 200"})
        self.assertEqual(daemon.end(), 0, daemon.log())

    def test_clients_do_not_take_what_the_daemon_needs_itself(self):
        """Of a limit so low it is half."""
        daemon = self.start_ready()
        inside = self.wire()
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (160, 160))
        clients = [socket.create_connection(("127.0.0.1", wire.PORT)) for _ in range(120)]
        for client in clients:
            self.addCleanup(client.close)
            client.sendall(wire.startup(user="tester", database="shop"))
        while "new clients wait" not in daemon.log():
            self.assertIsNone(daemon.process.poll())
            os.sched_yield()
        self.assertEqual(len(self.answered(clients, 79, 60)), 79)
        kinds, _ = inside.ask(wire.query("SET work_mem = '64kB'; BEGIN; DECLARE c SCROLL CURSOR FOR "
                                         "SELECT i FROM generate_series(1, 50000) AS g(i); MOVE ALL c"))
        self.assertNotIn("E", kinds)
        self.assertEqual(len(self.answered(clients, 80, 0)), 79)
        self.assertEqual(daemon.end(), 0, daemon.log())


class Stop(Test):
    def assert_sent_away(self, client):
        got = client.until("nothing")
        self.assertEqual([kind for kind, _ in got], ["E"])
        error = wire.fields(got[0][1])
        self.assertEqual((error["S"], error["C"]), ("FATAL", "57P01"))

    def test_each_signal_is_a_clean_stop_that_leaves_no_files(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            daemon = self.start_ready()
            client = self.wire()
            self.assertEqual(daemon.end(number), 0, daemon.log())
            self.assert_sent_away(client)
            self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["log", "pond.conf"])

    def test_a_running_statement_may_finish(self):
        daemon = self.start_ready("[database shop]\n", "-o", "shutdown_grace=60s", "-o", "output_buffer=4kB")
        client = self.wire()
        client.send(wire.query(ENDLESS % "i" + " LIMIT 200000"))
        self.assertEqual(client.next()[0], "T")
        daemon.send(signal.SIGTERM)
        got = client.until("C")
        self.assertEqual(got[-1], ("C", b"SELECT 200000\0"))
        self.assertEqual(client.until("E")[-1][0], "E")
        self.assertEqual(daemon.process.wait(timeout=60), 0, daemon.log())

    def assert_cut(self, daemon, client):
        error = wire.fields(client.until("E")[-1][1])
        self.assertEqual((error["S"], error["C"]), ("FATAL", "57P01"))
        self.assertEqual(daemon.process.wait(timeout=60), 0, daemon.log())

    def test_a_statement_that_outlasts_the_grace_is_cut(self):
        daemon = self.start_ready("[database shop]\n", "-o", "shutdown_grace=10ms")
        client = self.wire()
        client.send(wire.query(ENDLESS % "count(*)"))
        daemon.send(signal.SIGTERM)
        self.assert_cut(daemon, client)

    def test_a_second_signal_cuts_the_grace(self):
        daemon = self.start_ready("[database shop]\n", "-o", "shutdown_grace=1d")
        client = self.wire()
        client.send(wire.query(ENDLESS % "i"))
        self.assertEqual(client.next()[0], "T")
        daemon.send(signal.SIGTERM)
        while "stopping" not in daemon.log():
            client.next()
        daemon.send(signal.SIGTERM)
        self.assert_cut(daemon, client)

    def test_a_stop_while_a_seed_is_loaded_ends_it(self):
        self.write("a.sql", "CREATE TABLE t AS " + ENDLESS % "i" + ";\n")
        daemon = self.start(self.write("pond.conf", "[database a]\nseed = a.sql\nclone_memory = 0\n"))
        while "starts" not in daemon.log() and daemon.process.poll() is None:
            os.sched_yield()
        self.assertEqual(daemon.end(), 0, daemon.log())
        self.assertEqual(daemon.await_ready(), [])

    def test_no_client_comes_in_after_the_signal(self):
        daemon = self.start_ready("[database shop]\n", "-o", "shutdown_grace=60s", "-o", "output_buffer=4kB")
        client = self.wire()
        client.send(wire.query(ENDLESS % "i" + " LIMIT 200000"))
        self.assertEqual(client.next()[0], "T")
        daemon.send(signal.SIGTERM)
        while "stopping" not in daemon.log():
            client.next()
        client.until("C")
        with self.assertRaises(ConnectionRefusedError):
            wire.Wire("shop")
        self.assertEqual(daemon.process.wait(timeout=60), 0, daemon.log())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
