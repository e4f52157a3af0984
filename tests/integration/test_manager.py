#!/usr/bin/python3
"""The daemon under a service manager: what it tells it, and the sockets that it is given. The manager is this test;
tests/service/ has a real one.

usage: test_manager.py PONDD ROOT [unittest's arguments]
"""
import ctypes
import fcntl
import os
import pathlib
import queue
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True
PONDD = sys.argv[1]
ROOT = pathlib.Path(sys.argv[2])
sys.path.insert(0, str(ROOT / "tests/clients"))
import scram  # noqa: E402
import wire  # noqa: E402

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT %s FROM n"
PATIENCE = 60


class Manager(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="pond-test.")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notes.bind(str(self.folder / "notify"))
        self.said = queue.Queue()
        reader = threading.Thread(target=self.read_notes)
        reader.start()

        def end_reader():
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
                last.connect(str(self.folder / "notify"))
                last.send(b"")
            reader.join()
            self.notes.close()
        self.addCleanup(end_reader)

    def start(self, sections="[database shop]\n", options=(), sockets=(), names="", **environment):
        """Starts it with the sockets, as a manager does: from descriptor 3 on, and told so by its process number."""
        conf = self.folder / "pond.conf"
        conf.write_text(sections, encoding="utf-8")
        words = [PONDD, "-c", str(conf), *wire.pondd_options()]
        for option in ("listen_addr=", "listen_port=0", "unix_socket_dir=%s" % self.folder, *options):
            words += ["-o", option]
        numbers = [fcntl.fcntl(sock, fcntl.F_DUPFD, 100) for sock in sockets]
        script = "".join("exec %d<&%d %d<&-\n" % (3 + i, number, number) for i, number in enumerate(numbers))
        env = {**os.environ, "NOTIFY_SOCKET": str(self.folder / "notify"), **environment}
        if sockets:
            script += "export LISTEN_PID=$$\n"
            env["LISTEN_FDS"] = str(len(sockets))
        if names:
            env["LISTEN_FDNAMES"] = names
        if "WATCHDOG_USEC" in environment:
            script += "export WATCHDOG_PID=$$\n"
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(["/bin/bash", "-c", script + 'exec "$@"', "sh", *words], stderr=log, env=env,
                                            stdin=subprocess.DEVNULL, pass_fds=numbers)
        for number in numbers:
            os.close(number)
        process = self.process
        self.addCleanup(lambda: (process.kill(), process.wait()))

    def log(self):
        return (self.folder / "log").read_text(encoding="utf-8")

    def read_notes(self):
        """All the time: it waits for a manager that does not."""
        while True:
            note = self.notes.recv(4096)
            if not note:
                return
            self.said.put(note.decode())

    def until(self, pattern):
        """All that it says up to something that matches."""
        said = []
        ended = False
        while not said or not re.search(pattern, said[-1]):
            try:
                said.append(self.said.get(timeout=1))
            except queue.Empty:
                if ended:
                    self.fail("%r was not said, but %r\n%s" % (pattern, said, self.log()))
                ended = self.process.poll() is not None
        return said

    def all_said(self):
        """What it has said since then, now that it says no more, or so far."""
        said = []
        while not self.said.empty():
            said.append(self.said.get())
        return said

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE)

    # ---- sockets ----

    def tcp(self):
        sock = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(sock.close)
        return sock

    def unix(self, name=".s.PGSQL.5432", kind=socket.SOCK_STREAM):
        sock = socket.socket(socket.AF_UNIX, kind)
        self.addCleanup(sock.close)
        sock.bind(str(self.folder / name))
        if kind == socket.SOCK_STREAM:
            sock.listen(100)
        return sock

    def connect(self, sock, user="tester", database="shop"):
        """A start-up packet into the listening socket, whoever accepts it."""
        client = socket.socket(sock.family)
        self.addCleanup(client.close)
        client.settimeout(PATIENCE)
        client.connect(sock.getsockname())
        client.sendall(wire.startup(user=user, database=database))
        return client

    def console(self, sock):
        console = wire.Wire(connected=self.connect(sock, "pond", "pond"))
        console.until("Z")
        return console


class Notes(Manager):
    def test_it_tells_how_the_start_goes_and_that_it_stops(self):
        self.start("[database one]\n[database two]\n")
        said = self.until("READY=1")
        self.assertEqual(said[0], "EXTEND_TIMEOUT_USEC=30000000", "before anything can take its time")
        news = [note for note in said if note != said[0]]
        self.assertEqual(news[:2] + news[-1:], ["STATUS=loading database one", "STATUS=loading database two", "READY=1"])
        self.assertRegex(self.until("STATUS=")[-1],
                         r"^STATUS=\d+ clients, 0 sessions in use, 0 waiting, 0 named databases, \d+ statements so far, "
                         r"\d+ MB$")
        self.assertEqual(self.end(), 0)
        self.assertRegex("\n".join(self.until("STOPPING=1")), r"STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=20000000$")

    def test_a_start_that_fails_is_never_ready(self):
        self.start("[database one]\nseed = nowhere.sql\n")
        self.assertEqual(self.process.wait(timeout=PATIENCE), 1)
        self.until("loading database one")
        self.assertNotIn("READY", "\n".join(self.all_said()))

    def test_a_manager_that_does_not_read_is_not_waited_for(self):
        """Its queue is full; what it has to know is there when it reads."""
        sock = self.unix()
        deaf = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(deaf.close)
        deaf.bind(str(self.folder / "deaf"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as chatterer:
            chatterer.setblocking(False)
            chatterer.connect(str(self.folder / "deaf"))
            with self.assertRaises(BlockingIOError):
                while True:
                    chatterer.send(b"X=1")
        self.start(sockets=[sock], WATCHDOG_USEC="400000", NOTIFY_SOCKET=str(self.folder / "deaf"))
        client = wire.Wire(connected=self.connect(sock))
        client.until("Z")
        while "is ready" not in self.log():
            self.assertIsNone(self.process.poll())
            os.sched_yield()
        for _ in range(3):
            client.ask(wire.query("SELECT pg_sleep(0.2)"))
        deaf.settimeout(PATIENCE)
        said = b""
        while said != b"READY=1":
            said = deaf.recv(4096)
        self.process.send_signal(signal.SIGTERM)
        while not said.startswith(b"STOPPING=1"):
            said = deaf.recv(4096)
        self.assertEqual(self.process.wait(timeout=PATIENCE), 0)

    def test_a_database_that_does_not_answer_is_never_ready(self):
        """It loads, and a query finds no memory."""
        self.start(options=["memory_limit=32kB"])
        self.assertEqual(self.process.wait(timeout=PATIENCE), 1)
        self.assertRegex(self.log(), "FATAL: cannot start: 53200 out of memory")
        self.assertNotIn("READY", "\n".join(self.all_said()))

    def test_a_long_seed_moves_the_time_out_of_the_start_on(self):
        (self.folder / "endless.sql").write_text("CREATE TABLE t AS " + ENDLESS % "i" + ";\n", encoding="utf-8")
        self.start("[database a]\nseed = endless.sql\nclone_memory = 0\n", WATCHDOG_USEC="400000")
        for _ in range(3):
            self.assertNotIn("READY", "\n".join(self.until("^EXTEND_TIMEOUT_USEC=30000000$")))
        self.assertEqual(self.end(), 0)

    def test_the_status_has_live_numbers(self):
        sock = self.unix()
        self.start(sockets=[sock], WATCHDOG_USEC="400000")
        self.until("READY=1")
        self.until("STATUS=0 clients")
        client = self.connect(sock)
        self.until("STATUS=1 clients")
        client.close()
        self.until("STATUS=0 clients")

    def test_a_reload_is_told_with_its_end_whether_it_was_one_or_not(self):
        self.start()
        self.until("READY=1")
        for words, logged in (("[database shop]\n[database other]\n", "reloaded"), ("nonsense\n", "cannot reload")):
            (self.folder / "pond.conf").write_text(words, encoding="utf-8")
            self.process.send_signal(signal.SIGHUP)
            self.until(r"^RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=reloading$")
            self.assertEqual(self.until(".")[0], "EXTEND_TIMEOUT_USEC=30000000", "before anything can take its time")
            self.until("^READY=1$")
            self.until("^STATUS=0 clients")
            self.assertIn(logged, self.log())
        self.assertEqual(self.end(), 0)

    def test_a_reload_by_the_console_is_told_as_well(self):
        sock = self.unix()
        self.start(sockets=[sock], options=["loops=2"])
        self.until("READY=1")
        consoles = [self.console(sock) for _ in range(2)]  # one on each loop
        for words, kinds in (("[database shop]\n[database other]\n", "CZ"), ("nonsense\n", "EZ")):
            (self.folder / "pond.conf").write_text(words, encoding="utf-8")
            for console in consoles:
                self.assertTrue(console.ask(wire.query("RELOAD"))[0].endswith(kinds))
                self.until("^RELOADING=1")
                said = self.until("^READY=1$")
                self.assertEqual(said.count("STATUS=reloading: loading database other"), kinds == "CZ" and console == consoles[0],
                                 "what was empty and still is, is not loaded")
                self.until("^STATUS=2 clients")

    def test_a_reload_of_long_seeds_moves_its_time_out_on(self):
        (self.folder / "endless.sql").write_text("CREATE TABLE t AS " + ENDLESS % "i" + ";\n", encoding="utf-8")
        self.start(WATCHDOG_USEC="400000")
        self.until("READY=1")
        self.assertNotIn("EXTEND_TIMEOUT_USEC", "\n".join(self.until("STATUS=0 clients")))
        (self.folder / "pond.conf").write_text("[database a]\nseed = endless.sql\nclone_memory = 0\n", encoding="utf-8")
        self.process.send_signal(signal.SIGHUP)
        self.until("^RELOADING=1")
        self.until("^STATUS=reloading: loading database a$")
        for _ in range(3):
            self.assertNotIn("READY", "\n".join(self.until("^EXTEND_TIMEOUT_USEC=30000000$")))
        self.assertEqual(self.end(), 0)

    def test_more_time_is_asked_for_sooner_than_it_can_be_over(self):
        """Nobody tells the daemon how long the time-outs are, and it is not watched here."""
        slow = ("CREATE TABLE %s AS WITH RECURSIVE turn(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM turn "
                "WHERE clock_timestamp() < statement_timestamp() + interval '3 seconds') SELECT count(*) FROM turn;\n")
        (self.folder / "slow.sql").write_text(slow % "t", encoding="utf-8")
        self.start("[database a]\nseed = slow.sql\n")
        self.assertGreater(self.until("^READY=1$").count("EXTEND_TIMEOUT_USEC=30000000"), 3)
        (self.folder / "slow.sql").write_text(slow % "other", encoding="utf-8")
        self.process.send_signal(signal.SIGHUP)
        self.until("^RELOADING=1")
        self.assertGreater(self.until("^READY=1$").count("EXTEND_TIMEOUT_USEC=30000000"), 3)
        self.assertEqual(self.end(), 0)

    def test_a_patient_stop_is_one_when_the_last_client_has_left(self):
        """The manager would run out of patience."""
        sock = self.unix()
        self.start(sockets=[sock])
        self.until("READY=1")
        client = self.connect(sock)
        self.assertEqual(client.recv(1), b"R")
        console = self.console(sock)
        kinds, _ = console.ask(wire.query("SHUTDOWN WAIT_FOR_CLIENTS"))
        self.assertNotIn("E", kinds)
        console.socket.close()
        while "waiting for" not in self.log():
            self.assertIsNone(self.process.poll())
            time.sleep(0.01)
        self.assertNotIn("STOPPING", "\n".join(self.all_said()))
        client.close()
        self.until("STOPPING=1")
        self.assertEqual(self.process.wait(timeout=PATIENCE), 0)

    def test_a_stop_in_a_reload_is_the_last_word(self):
        """The manager would wait for the end of the reload before it looks at the stop, and take one that came later for news."""
        (self.folder / "endless.sql").write_text("CREATE TABLE t AS " + ENDLESS % "i" + ";\n", encoding="utf-8")
        self.start()
        self.until("READY=1")
        (self.folder / "pond.conf").write_text("[database a]\nseed = endless.sql\nclone_memory = 0\n", encoding="utf-8")
        self.process.send_signal(signal.SIGHUP)
        self.until("^RELOADING=1")
        self.assertEqual(self.end(), 0)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"END", str(self.folder / "notify"))
        said = [note for note in self.until("^END$") if re.search("READY=|STOPPING=|RELOADING=", note)]
        self.assertEqual([note.splitlines()[0] for note in said], ["READY=1", "STOPPING=1"])

    def test_a_stop_is_not_put_off_by_a_reload_that_hangs(self):
        """In a seed that cannot be read: the manager ends it when its patience is over."""
        os.mkfifo(self.folder / "pipe.sql")
        self.start(WATCHDOG_USEC="400000")
        self.until("READY=1")
        (self.folder / "pond.conf").write_text("[database a]\nseed = pipe.sql\n", encoding="utf-8")
        self.process.send_signal(signal.SIGHUP)
        with open(self.folder / "pipe.sql", "w", encoding="utf-8"):  # it is being read now
            self.process.send_signal(signal.SIGTERM)
            self.until("STOPPING=1")
            said = [note for _ in range(3) for note in self.until("^WATCHDOG=1$")]
        self.assertNotIn("EXTEND", "\n".join(said))
        self.assertEqual(self.process.wait(timeout=PATIENCE), 0)

    def test_a_second_stop_does_not_wait_for_what_hangs(self):
        """In a seed that cannot be opened: nothing ends that but the process."""
        os.mkfifo(self.folder / "pipe.sql")
        for reload in (False, True):
            with self.subTest(reload=reload):
                if reload:
                    self.start()
                    self.until("READY=1")
                    (self.folder / "pond.conf").write_text("[database a]\nseed = pipe.sql\n", encoding="utf-8")
                    self.process.send_signal(signal.SIGHUP)
                else:
                    self.start("[database a]\nseed = pipe.sql\n")
                self.until("loading database a$")
                self.process.send_signal(signal.SIGTERM)
                self.until("STOPPING=1")
                self.assertEqual(self.end(), 1)
                self.assertRegex(self.log(), "ERROR: .* does not end")

    def test_a_reload_that_does_not_begin_ends(self):
        """As the manager was told that it has begun by who asked for it."""
        sock = self.unix()
        self.start(sockets=[sock])
        self.until("READY=1")
        console = self.console(sock)
        self.assertNotIn("E", console.ask(wire.query("SHUTDOWN WAIT_FOR_CLIENTS"))[0])
        self.all_said()
        self.process.send_signal(signal.SIGHUP)
        self.until("^READY=1$")
        self.assertIn("no reload: pondd stops", self.log())
        console.socket.close()
        self.until("STOPPING=1")
        self.assertEqual(self.process.wait(timeout=PATIENCE), 0)

    def test_a_grace_longer_than_the_managers_patience_is_asked_for(self):
        self.start(options=["shutdown_grace=1h"])
        self.until("READY=1")
        self.assertEqual(self.end(), 0)
        self.until(r"STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=3615000000")


class Watchdog(Manager):
    WATCHDOG_USEC = "400000"

    def thread_named(self, name):
        for folder in pathlib.Path("/proc/%d/task" % self.process.pid).iterdir():
            if (folder / "comm").read_text().strip() == name:
                return int(folder.name)
        return self.fail("no thread %s" % name)

    def test_it_is_fed_while_all_loops_turn(self):
        self.start(options=["loops=3"], WATCHDOG_USEC=self.WATCHDOG_USEC)
        self.until("READY=1")
        for _ in range(5):
            self.until("^WATCHDOG=1$")
        self.assertEqual(self.end(), 0)

    def test_it_is_not_fed_when_nobody_watches(self):
        self.start()
        self.assertNotIn("WATCHDOG=1", "\n".join(self.until("STATUS=0 clients")))

    def test_one_loop_that_hangs_starves_it(self):
        """ptrace(2) holds one thread, as a bug would."""
        libc = ctypes.CDLL(None, use_errno=True)
        libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        attach, detach = 16, 17
        self.start(options=["loops=3"], WATCHDOG_USEC=self.WATCHDOG_USEC)
        self.until("READY=1")
        self.until("^WATCHDOG=1$")
        tid = self.thread_named("pondd-2")
        if libc.ptrace(attach, tid, None, None) != 0:
            self.skipTest("ptrace: " + os.strerror(ctypes.get_errno()))
        os.waitpid(tid, 0x40000000)  # __WALL
        while "loop 2 has not turned for" not in self.log():
            self.assertIsNone(self.process.poll())
            time.sleep(0.01)
        self.all_said()
        self.process.send_signal(signal.SIGHUP)  # a reload waits for the loop; more time would let the watchdog wait, too
        self.until("^RELOADING=1")
        with self.assertRaises(queue.Empty):  # neither the next time nor the one after it
            while not re.match("WATCHDOG=1|EXTEND_TIMEOUT_USEC=", self.said.get(timeout=1)):
                pass
        self.assertEqual(libc.ptrace(detach, tid, None, None), 0)
        self.until("^WATCHDOG=1$")
        self.assertIn("all loops turn again", self.log())
        self.assertEqual(self.end(), 0, self.log())


class Activation(Manager):
    def assert_served(self, client):
        self.assertEqual(client.recv(1), b"R")

    def test_whoever_comes_by_a_socket_of_both_families_is_judged_by_his_own_address(self):
        """ListenStream=7432 is one; 10.0.0.0/8 means a client of IPv4 there, too."""
        (self.folder / "hba").write_text("host shop all 127.0.0.2/32 reject\nhost shop all 127.0.0.1/32 trust\n"
                                         "host all alice all scram-sha-256\nhost all all ::/0 reject\n", encoding="utf-8")
        both = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.addCleanup(both.close)
        self.start(sockets=[both], options=[
            "auth_type=hba", "auth_hba_file=%s/hba" % self.folder, "auth_file=%s/tests/clients/login.users" % ROOT,
            "auth_delay=0", "max_failed_logins=1"])
        self.until("READY=1")

        def come(source):
            client = socket.create_connection(("127.0.0.1", both.getsockname()[1]), PATIENCE, (source, 0))
            self.addCleanup(client.close)
            return client
        self.assertEqual(wire.Wire("shop", connected=come("127.0.0.1")).greeting[-1][0], "Z")
        kind, body = wire.Wire("shop", connected=come("127.0.0.2")).greeting[-1]
        self.assertEqual((kind, wire.fields(body)["M"]), (
            "E", 'pg_hba.conf rejects connection for host "127.0.0.2", user "tester", database "shop", no encryption'))
        for source, asked in (("127.0.0.3", True), ("127.0.0.3", False), ("127.0.0.4", True)):  # failures are of one address
            w = scram.Login("alice", connected=come(source))
            self.assertEqual(w.asked[0] == "R", asked, source)
            if asked:
                self.assertEqual(scram.refusal_in(w.login("wrong"))["C"], "28P01")

    def test_clients_are_served_on_sockets_of_both_kinds(self):
        tcp, unix = self.tcp(), self.unix()
        self.start(sockets=[tcp, unix], names="tcp:unix")
        self.until("READY=1")
        for sock in (tcp, unix):
            self.assert_served(self.connect(sock))
        self.assertIn("listening: host=127.0.0.1 port=%d\n" % tcp.getsockname()[1], self.log())
        self.assertIn("listening: host=%s port=5432\n" % self.folder, self.log())
        self.assertEqual(self.end(), 0)

    def test_a_given_kind_is_not_opened_besides(self):
        unix = self.unix()
        self.start(sockets=[unix], options=["listen_addr=127.0.0.1", "listen_port=0",
                                            "unix_socket_dir=/nonexistent"])
        self.until("READY=1")
        self.assertEqual(len(re.findall(r"listening: host=127\.0\.0\.1 port=\d+\n", self.log())), 1)
        self.assertEqual(self.log().count("listening: "), 2)
        self.assert_served(self.connect(unix))
        self.assertEqual(self.end(), 0)

    def test_no_client_is_refused_while_it_restarts(self):
        unix, tcp = self.unix(), self.tcp()
        self.start(sockets=[unix, tcp])
        self.until("READY=1")
        self.assertEqual(self.end(), 0)
        waiting = [self.connect(sock) for sock in (unix, tcp)]
        self.start(sockets=[unix, tcp])
        for client in waiting:
            self.assert_served(client)
        self.process.kill()
        self.process.wait()
        waiting = [self.connect(sock) for sock in (unix, tcp)]
        self.start(sockets=[unix, tcp])
        for client in waiting:
            self.assert_served(client)
        self.assertEqual(self.end(), 0)
        self.assertTrue((self.folder / ".s.PGSQL.5432").exists(), "the socket's file is the manager's")

    def test_who_waited_takes_no_place_before_all_have_answered(self):
        """Else the query that each database is asked first would wait for him, in vain, and the start fail."""
        unix = self.unix()
        waiting = [self.connect(unix, database="two") for _ in range(3)]
        self.start("[database one]\n[database two]\npool_size = 1\n", sockets=[unix], options=["max_client_conn=3", "loops=2"])
        self.until("READY=1")
        while waiting:
            served = select.select(waiting, [], [], PATIENCE)[0]
            self.assert_served(served[0])
            served[0].close()
            waiting.remove(served[0])
        self.assertEqual(self.end(), 0)

    def test_sockets_that_nobody_can_use_are_named(self):
        closed = socket.socket(socket.AF_INET)
        self.addCleanup(closed.close)
        for sock, words in ((self.unix("other"), "expected a path that ends in .s.PGSQL.PORT"),
                            (self.unix(".s.PGSQL.70000"), "expected a path that ends in .s.PGSQL.PORT"),
                            (self.unix(".s.PGSQL.1x"), "expected a path that ends in .s.PGSQL.PORT"),
                            (self.unix("datagrams", socket.SOCK_DGRAM), "expected a stream socket that listens"),
                            (closed, "expected a stream socket that listens")):
            with self.subTest(words):
                self.start(sockets=[sock], names="frog")
                self.assertEqual(self.process.wait(timeout=PATIENCE), 1)
                self.assertIn('cannot start: 22023 socket "frog" from the service manager: ' + words, self.log())

    def test_more_sockets_than_it_takes(self):
        self.start(sockets=[self.tcp() for _ in range(17)])
        self.assertEqual(self.process.wait(timeout=PATIENCE), 1)
        self.assertIn("54000 more than 16 sockets", self.log())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
