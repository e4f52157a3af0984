"""Each limit: at it all is well, behind it there is PostgreSQL's error, and nobody else notices."""
import re
import select
import socket
import struct
import subprocess
import time
import unittest

import wire
from database_test import ENDLESS, PONDD, SHOP, Test, main
from http_test import HTTP, Served
from wire import SYNC, Wire, bind, execute, parse, query

MB = 1 << 20
with open(PONDD, "rb") as program:
    SANITIZED = re.search(b"__[at]san_init", program.read()) is not None  # such a one keeps what was freed


class Limit(Test):
    def back_in(self, come):
        """Who has seen another one leave may be faster than the daemon's count of them."""
        clients = []

        def try_it():
            w = come()
            got = w.until("Z")
            if got[-1][0] == "Z":
                clients.append(w)
            return clients
        self.eventually(try_it, "he counts for ever")
        return clients[0]


    def resident(self, what="VmRSS"):
        """Bytes of the process: now, or the most ever."""
        with open("/proc/%d/status" % self.daemon.process.pid, encoding="ascii") as file:
            return 1024 * int(next(line.split()[1] for line in file if line.startswith(what)))


class Clients(Limit):
    conf = "max_client_conn = 3\n" + SHOP

    def test_one_too_many(self):
        clients = [self.connect("shop") for _ in range(3)]
        error = self.refused("shop")
        self.assertEqual((error["C"], error["M"]), ("53300", "sorry, too many clients already"))
        self.leave(clients.pop())
        clients.append(self.back_in(lambda: self.start("shop")))
        for w in clients:
            self.leave(w)


    def owner(self, user="pond", database="pond"):
        """By the unix socket, as the daemon's own user or root."""
        connected = socket.socket(socket.AF_UNIX)
        connected.settimeout(wire.PATIENCE)
        connected.connect("%s/.s.PGSQL.%d" % (self.daemon.folder, wire.PORT))
        w = Wire(connected=connected)
        self.addCleanup(w.socket.close)
        w.send(wire.startup(user=user, database=database))
        return w

    def test_its_owner_can_look_what_is_going_on(self):
        """However many stand before the door."""
        clients = [self.connect("shop") for _ in range(3)]
        silent = [socket.create_connection((wire.HOST, wire.PORT), wire.PATIENCE) for _ in range(80)]
        told = select.select(silent, [], [], wire.PATIENCE)[0]
        self.assertTrue(told)
        console = self.greet(self.owner())
        self.assertGreaterEqual(len(self.run_sql(console, "SHOW CLIENTS")), 4)
        for user, database in (("pond", "shop"), ("tester", "pond"), ("tester", "shop")):
            self.assertEqual(self.last_words(self.owner(user, database))["C"], "53300")
        console.send(query("KILL %d" % clients.pop().pid))
        self.assertEqual(console.until("Z")[-1][0], "Z")
        for s in silent:
            s.close()
        clients.append(self.back_in(lambda: self.start("shop")))
        for w in clients + [console]:
            self.leave(w)
        self.daemon.settled()


class ClientsOfAnAddress(Limit):
    conf = "max_client_conn_per_addr = 2\nloops = 2\n" + SHOP

    def come_from(self, address):
        w = Wire.__new__(Wire)
        w.socket, w.buffer, w.key = socket.create_connection((wire.HOST, wire.PORT), wire.PATIENCE, (address, 0)), b"", None
        self.addCleanup(w.socket.close)
        w.send(wire.startup(user="tester", database="shop"))
        return w

    def test_one_too_many(self):
        here = [self.greet(self.come_from("127.0.0.1")) for _ in range(2)]
        error = self.last_words(self.come_from("127.0.0.1"))
        self.assertEqual((error["C"], error["M"], error["D"]),
                         ("53300", "too many connections from this address", "max_client_conn_per_addr allows 2."))
        there = [self.greet(self.come_from("127.0.0.2")) for _ in range(2)]
        done = subprocess.run(["psql", "-XAtc", "SELECT 1", "-h", self.daemon.folder, "-p", str(wire.PORT), "-U", "tester", "shop"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.stdout, done.stderr), ("1\n", ""))  # nobody counts on the unix socket
        self.leave(here.pop())
        here.append(self.back_in(lambda: self.come_from("127.0.0.1")))
        here[0].send(query(ENDLESS))
        here[0].socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        here.pop(0).socket.close()  # in the middle of it
        here.append(self.back_in(lambda: self.come_from("127.0.0.1")))
        for w in here + there:
            self.leave(w)

    def test_those_who_are_told_at_once(self):
        """More than are heard out."""
        here = [self.greet(self.come_from("127.0.0.1")) for _ in range(2)]
        silent = [socket.create_connection((wire.HOST, wire.PORT), wire.PATIENCE) for _ in range(80)]
        told = []
        self.eventually(lambda: told.extend(s for s in select.select(silent, [], [], 0)[0] if s not in told) or len(told) == 16,
                        "nobody is told")
        for s in told:
            self.assertIn(b"too many connections from this address", s.recv(4096))
        for s in silent:
            s.close()
        for w in here:
            self.leave(w)
        self.daemon.settled()
        self.leave(self.greet(self.come_from("127.0.0.1")))

    def test_a_cancel_is_no_client(self):
        here = [self.greet(self.come_from("127.0.0.1")) for _ in range(2)]
        here[0].send(query(ENDLESS))
        self.cancel(here[0])
        self.assertEqual(wire.fields(dict(here[0].until("Z"))["E"])["C"], "57014")
        for w in here:
            self.leave(w)


class LoginTime(Test):
    conf = "client_login_timeout = 300ms\n" + SHOP  # nobody else logs in here

    def test_login(self):
        for said in (b"", b"\0", wire.startup(user="tester", database="shop")[:-1]):
            begin = time.monotonic()
            w = Wire()
            w.send(said)
            self.assertEqual(w.until("the end"), [])
            self.assertGreaterEqual(time.monotonic() - begin, 0.29)
            w.socket.close()


class Times(Test):
    conf = SHOP + "statement_timeout = 1s\nidle_in_transaction_session_timeout = 300ms\n"

    def test_statement(self):
        w = self.connect("shop")
        self.fails(w, ENDLESS, "57014")
        self.run_sql(w, "SELECT 1")
        self.leave(w)

    def test_a_simple_query_leaves_no_clock_behind(self):
        """Drivers begin a transaction by one, and go on with extended ones when they have something to say."""
        w = self.connect("shop")
        self.fails(w, ENDLESS, "57014")  # its time is up by now
        extended = parse("", "SELECT count(*) FROM generate_series(1, 20000)") + bind("", "") + execute() + SYNC
        self.assertEqual(w.ask(extended)[0], "12DCZ")
        w.ask(query("SELECT nothing"))
        other = self.connect("shop")
        self.fails(other, ENDLESS, "57014")
        self.assertEqual(w.ask(extended)[0], "12DCZ")
        for one in (w, other):
            self.leave(one)

    def test_the_pages_of_a_portal_have_one_time(self):
        """Up to its Sync; as PostgreSQL does it."""
        w = self.connect("shop")
        portal = parse("", "SELECT pg_sleep(0.05) FROM generate_series(1, 100)") + bind("", "")
        error, then = w.error(portal + execute(rows=1) * 100 + SYNC)
        self.assertEqual((error["C"], then), ("57014", "Z"))
        self.leave(w)

    def test_idle_in_transaction(self):
        w = self.connect("shop")
        self.run_sql(w, "BEGIN")
        self.assertEqual(self.last_words(w)["C"], "25P03")


class Sizes(Test):
    conf = SHOP + "max_result_size = 100kB\nmax_statement_size = 2kB\n"
    ROWS = "SELECT repeat('x', 1000) FROM generate_series(1, %d)"

    def test_result(self):
        w = self.connect("shop")
        self.assertEqual(len(self.run_sql(w, self.ROWS % 100)), 100)
        types, got = w.ask(query(self.ROWS % 1000000))
        error = wire.fields(dict(got)["E"])
        self.assertEqual((error["C"], error["M"]), ("54000", "result is too large"))
        self.assertIn("102400 bytes", error["D"])
        self.assertIn(types.count("D"), (100, 101))
        self.assertEqual(len(self.run_sql(w, self.ROWS % 100 + "; " + self.ROWS % 100)), 200)  # each for itself
        self.leave(w)

    def test_result_of_one_row(self):
        w = self.connect("shop")
        types, got = w.ask(query("SELECT repeat('x', 1000000)"))
        self.assertEqual((types, wire.fields(dict(got)["E"])["C"]), ("TEZ", "54000"))
        self.leave(w)

    def test_result_in_parts(self):
        w = self.connect("shop")
        pages = wire.parse("", self.ROWS % 500) + wire.bind("", "") + 5 * wire.execute(rows=90) + wire.SYNC
        self.assertEqual(w.ask(pages)[0].count("D"), 450)
        error, _ = w.error(wire.parse("", self.ROWS % 500) + wire.bind("", "") + wire.execute(rows=110) + wire.SYNC)
        self.assertEqual(error["C"], "54000")
        self.run_sql(w, "BEGIN; DECLARE c CURSOR FOR " + self.ROWS % 500)
        for _ in range(5):
            self.assertEqual(len(self.run_sql(w, "FETCH 90 FROM c")), 90)
        self.run_sql(w, "ROLLBACK")
        self.leave(w)

    def test_result_of_copy(self):
        w = self.connect("shop")
        error, _ = w.error(query("COPY (%s) TO STDOUT" % (self.ROWS % 1000)))
        self.assertEqual(error["C"], "54000")
        self.assertEqual(w.ask(query("COPY (%s) TO STDOUT" % (self.ROWS % 90)))[0].count("d"), 90)
        self.leave(w)

    def test_statement(self):
        w = self.connect("shop")
        self.run_sql(w, "SELECT '%s'" % ("x" * 1900))
        error = self.fails(w, "SELECT '%s' || lower('%s')" % ("x" * 1100, "y" * 1100), "54000")
        self.assertEqual(error["M"], "statement is too long")
        error, _ = w.error(wire.parse("", "SELECT $1, " + ", ".join(["id"] * 700) + " FROM customers") + wire.SYNC)
        self.assertEqual(error["C"], "54000")
        self.run_sql(w, "SELECT 1")
        self.leave(w)


class MemoryOfOne(Test):
    conf = SHOP + "clone_memory = 2MB\nsession_memory = 4MB\n"

    def test_clone(self):
        w, other = self.connect("shop"), self.connect("shop")
        self.run_sql(w, "CREATE TABLE t (x text)")
        self.fails(w, "INSERT INTO t SELECT repeat('x', 1000) FROM generate_series(1, 4000)", "53100")
        self.run_sql(w, "INSERT INTO t SELECT repeat('x', 1000) FROM generate_series(1, 1000)")
        self.run_sql(other, "CREATE TABLE t AS SELECT repeat('x', 1000) AS x FROM generate_series(1, 1000)")
        for one in (w, other):
            self.assertEqual(self.run_sql(one, "SELECT count(*) FROM t"), [("1000",)])
            self.leave(one)

    def test_session(self):
        w, other = self.connect("shop"), self.connect("shop")
        self.fails(w, "SELECT length(group_concat(repeat('x', 1000), '')) FROM generate_series(1, 10000)", "53200")
        for one in (w, other):
            self.run_sql(one, "SELECT 1")
            self.leave(one)


class MemoryOfAll(Served, Limit):
    """24 MB: from 18 on idle sessions go, from 21 on nobody new gets in."""
    conf = HTTP + "memory_limit = 24MB\nloops = 2\n" + SHOP + "clone_memory = 0\nsession_memory = 0\nmin_pool_size = 2\n"

    def charged(self):
        return self.metrics()["pond_memory_charged_bytes"]

    def fill(self, w, most):
        """Until so many bytes are used."""
        self.run_sql(w, "CREATE TABLE IF NOT EXISTS t (x text)")
        while self.charged() < most:
            self.run_sql(w, "INSERT INTO t SELECT repeat('x', 1000) FROM generate_series(1, 100)")

    def test_at_the_limit_those_who_are_there_go_on(self):
        w, worker = self.connect("shop"), self.connect("shop")
        self.fill(w, 21 * MB)
        worker.send(query("SELECT count(*) FROM generate_series(1, 300000) AS s(i) WHERE i % 7 = 3"))
        error = self.refused("shop")
        self.assertEqual((error["C"], error["M"]), ("53200", "out of memory"))
        self.assertIn("of the 24576 kB that it may use (memory_limit)", error["D"])
        self.assertIn("memory_limit", error["H"])
        self.assertEqual(self.refused("shop~new")["C"], "53200")
        self.assertEqual(self.ask("/readyz")[::2], (200, "ok\n"), "it is full, not ill")
        self.assertEqual([wire.values(b) for k, b in worker.until("Z") if k == "D"], [[b"42857"]])
        self.run_sql(worker, "CREATE TABLE mine AS SELECT * FROM customers")
        self.run_sql(w, "INSERT INTO t VALUES ('more')")
        self.fails(w, "INSERT INTO t SELECT repeat('x', 1000) FROM generate_series(1, 100000)", "53200")
        self.assertEqual(self.run_sql(w, "SELECT x FROM t WHERE x = 'more'"), [("more",)])
        self.leave(w)
        self.leave(self.connect("shop"))  # at once: the memory that is about to come back is waited for
        self.leave(worker)

    def fill_to_the_brim(self, w):
        """Smaller and smaller statements, until it is refused one row."""
        self.run_sql(w, "CREATE TABLE IF NOT EXISTS t (x text)")
        for rows in (1000, 100, 10, 1):
            types = ""
            while "E" not in types:
                types, got = w.ask(query("INSERT INTO t SELECT repeat('x', 1000) FROM generate_series(1, %d)" % rows))
            self.assertEqual(wire.fields(dict(got)["E"])["C"], "53200")

    def test_what_one_takes_the_others_do_not_lack(self):
        """Who has much is refused while there is some left, for those who have little."""
        greedy, modest, named = self.connect("shop"), self.connect("shop"), self.connect("shop~named")
        modest.send(query("SELECT count(*) FROM generate_series(1, 3000000) AS s(i) WHERE i % 7 = 3"))
        self.fill_to_the_brim(greedy)
        self.assertGreater(self.charged(), 21 * MB)
        self.assertEqual([wire.values(b) for k, b in modest.until("Z") if k == "D"], [[b"428572"]])
        for i in range(50):
            for w in (modest, named):
                self.run_sql(w, "SELECT * FROM customers AS c%d ORDER BY name" % i)  # each is a statement of its own
                self.run_sql(w, "BEGIN; CREATE TABLE IF NOT EXISTS mine (i int, x text); INSERT INTO mine VALUES (%d, 'y'); COMMIT" % i)
            self.run_sql(greedy, "SELECT count(*) FROM t")
        self.assertEqual(self.run_sql(modest, "SELECT count(*) FROM mine"), [("50",)])
        for w in (greedy, modest, named):
            self.leave(w)

    def test_many_who_are_greedy(self):
        """They share what the limit leaves, and he who has less than any of them still gets some."""
        modest = self.connect("shop")
        crowd = [self.connect("shop") for _ in range(30)]
        for w in crowd:
            self.run_sql(w, "CREATE TABLE t (x text)")
        refused = set()
        while len(refused) < len(crowd):
            for w in crowd:
                w.send(query("INSERT INTO t SELECT repeat('x', 1000) FROM generate_series(1, 20)"))
            refused |= {w for w in crowd if "E" in dict(w.until("Z"))}
        for i in range(15):  # their plans are kept, and count as his
            self.run_sql(modest, "SELECT * FROM customers AS c%d ORDER BY name" % i)
        self.run_sql(modest, "CREATE TABLE mine AS SELECT * FROM customers")
        for w in crowd + [modest]:
            self.leave(w)

    def test_what_a_parser_takes_counts(self):
        """A kilobyte for each "a,": many long statements at once would be the end of the daemon."""
        w = self.connect("shop")
        self.run_sql(w, "SELECT " + "name," * 1000 + "id FROM customers")
        before = self.resident("VmHWM")
        crowd = [self.connect("shop") for _ in range(10)]
        for one in crowd:
            one.send(query("SELECT " + "a," * 400000 + "a"))
        for one in crowd + [w]:
            if one is not w:
                self.assertEqual(wire.fields(dict(one.until("Z"))["E"])["C"], "53200")
            self.leave(one)
        if not SANITIZED:
            self.assertLess(self.resident("VmHWM") - before, 24 * MB)

    def test_idle_sessions_go_first(self):
        crowd = [self.connect("shop") for _ in range(40)]
        for one in crowd:
            self.run_sql(one, "SELECT * FROM customers")
            self.leave(one)
        self.assertGreaterEqual(int(self.daemon.statistics()["sessions_idle"]), 20)
        w = self.connect("shop")
        self.fill(w, 19 * MB)
        self.run_sql(w, "SELECT 1")
        self.daemon.until(sessions_idle=0)
        refused = self.metrics()["pond_memory_refused_total"]
        other = self.connect("shop")  # is let in
        self.run_sql(other, "SELECT 1")
        self.assertEqual(self.metrics()["pond_memory_refused_total"], refused)
        self.leave(w)
        self.leave(other)
        self.daemon.until(sessions=0)
        self.eventually(lambda: int(self.daemon.statistics()["sessions_idle"]) >= 2, "min_pool_size is forgotten")

    def test_who_comes_waits_for_them_to_go(self):
        """Between two looks at the memory a single statement takes what was left."""
        crowd = [self.connect("shop") for _ in range(40)]
        for one in crowd:
            self.run_sql(one, "SELECT * FROM customers")
        before = self.charged()
        w = self.connect("shop")
        self.fill(w, 16 * MB)
        for one in crowd:
            self.leave(one)
        idle = int(self.daemon.statistics()["sessions_idle"])
        self.assertGreaterEqual(idle, 20)
        rows = (21 * MB - int(self.charged())) // 1024 + 200
        self.run_sql(w, "INSERT INTO t SELECT repeat('x', 1000) FROM generate_series(1, %d)" % rows)
        self.assertGreater(self.charged(), 21 * MB)
        self.leave(self.connect("shop"))
        self.assertLess(self.charged(), 21 * MB)
        self.leave(w)


class GivenBack(Limit):
    """What was freed is the system's again, though those who stay have pieces of their own all over the place."""
    conf = SHOP

    @unittest.skipIf(SANITIZED, "sanitizers keep what was freed")
    def test_after_a_crowd_has_left(self):
        stays = [self.connect("shop") for _ in range(10)]
        crowd = [self.connect("shop") for _ in range(60)]
        for w in stays + crowd:
            self.run_sql(w, "CREATE TABLE t (x text)")
        before = self.resident()
        for i in range(8):
            for w in crowd:
                self.run_sql(w, "INSERT INTO t SELECT repeat('x', 1000) FROM generate_series(1, 400)")
            for w in stays:
                self.run_sql(w, "INSERT INTO t SELECT repeat('x', 1000) FROM generate_series(1, 4)")
        self.assertGreater(self.resident() - before, 150 * MB)
        for w in crowd:
            self.leave(w)
        self.eventually(lambda: self.resident() - before < 40 * MB, "it is kept")
        for w in stays:
            self.assertEqual(self.run_sql(w, "SELECT count(*) FROM t"), [("32",)])
            self.leave(w)


if __name__ == "__main__":
    main()
