"""/metrics: that Prometheus can read it, and that its numbers are true."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import wire
from database_test import ENDLESS, PONDD, SHOP, main
from http_test import HTTP, Served, address
from test_console import Console

BOUNDS = [1e-05, 2.5e-05, 5e-05, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
          10, 30, 60, float("inf")]
ONE = "[database one]\nseed = %s/clients.sql\npool_size = 1\n" % os.path.dirname(os.path.abspath(__file__))


class Metrics(Served, Console):
    conf = HTTP + "admin_users = boss\nloops = 2\nmax_client_conn = 77\nmemory_limit = 1GB\n" + SHOP + "pool_size = 9\n" + ONE

    def histogram(self, name, label, samples=None):
        """{bound: how many were not longer}, sum, count"""
        samples = samples or self.metrics()
        found = re.escape("pond_%s_bucket{%s,le=" % (name, label)) + r'"([^"]+)"}$'
        buckets = {float(m.group(1)): value for key, value in samples.items() if (m := re.match(found, key))}
        return buckets, *(samples.get("pond_%s_%s{%s}" % (name, what, label), 0) for what in ("sum", "count"))

    def of_loops(self, name, samples):
        """Of all together, however many there are."""
        return sum(value for key, value in samples.items() if key.startswith("pond_loop_%s{" % name))

    def grown(self, before, after, bound):
        return after[0][bound] - before[0].get(bound, 0)


class Format(Metrics):
    @unittest.skipUnless(shutil.which("promtool"), "promtool is missing")
    def test_promtool_finds_nothing(self):
        self.once("shop", "SELECT 1")
        _, _, text = self.ask("/metrics")
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_each_has_its_help_and_type_once_and_its_samples_behind_them(self):
        self.once("shop", "SELECT 1")
        status, headers, text = self.ask("/metrics")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        seen, name = set(), None
        for line in text.splitlines():
            if line.startswith("# HELP "):
                name = line.split()[2]
                self.assertNotIn(name, seen)
                self.assertGreater(len(line.split()), 4)
                seen.add(name)
            elif line.startswith("# TYPE "):
                self.assertEqual(line.split()[2], name)
                kind = line.split()[3]
                self.assertEqual(kind == "counter", name.endswith("_total"), name)
            else:
                self.assertRegex(line, r"^%s(_bucket|_sum|_count)?(\{[a-z]+=\"[^\"]*\"(,le=\"[^\"]*\")?\})? [0-9.]+$" % name)

    def test_docs_have_them_all(self):
        self.once("shop", "SELECT 1")
        _, _, text = self.ask("/metrics")
        with open(os.path.join(os.path.dirname(__file__), "../../docs/operations.md"), encoding="utf-8") as file:
            told = set(re.findall(r"`((?:pond|process)_[a-z_]+)", file.read()))
        self.assertEqual(told, set(re.findall(r"^# TYPE (\S+)", text, re.M)))


class Numbers(Metrics):
    def test_they_are_those_of_the_console(self):
        console = self.console()
        clients = [self.connect("shop"), self.connect("shop~a"), self.connect("shop~b")]
        for w in clients:
            self.run_sql(w, "BEGIN; SELECT * FROM customers")
            self.run_sql(w, "COMMIT")
            self.fails(w, "nonsense", "42601")
        samples = self.metrics()
        stats, pool, base = (self.row(what, console, **{key: "shop"})
                             for what, key in (("STATS", "database"), ("POOLS", "database"), ("DATABASES", "name")))
        for name, shown, scale in (("queries_total", stats["total_query_count"], 1),
                                   ("transactions_total", stats["total_xact_count"], 1),
                                   ("received_bytes_total", stats["total_received"], 1),
                                   ("sent_bytes_total", stats["total_sent"], 1),
                                   ("query_seconds_total", stats["total_query_time"], 1e-6),
                                   ("transaction_seconds_total", stats["total_xact_time"], 1e-6),
                                   ("acquire_wait_seconds_sum", stats["total_wait_time"], 1e-6),
                                   ("pool_sessions_in_use", pool["sv_active"], 1),
                                   ("pool_sessions_idle", pool["sv_idle"], 1),
                                   ("pool_waiting_clients", pool["cl_waiting"], 1),
                                   ("pool_size", base["pool_size"], 1),
                                   ("pool_paused", base["paused"], 1)):
            self.assertAlmostEqual(samples['pond_%s{database="shop"}' % name], float(shown) * scale, 6, name)
        self.assertEqual(samples['pond_named_clones{database="shop"}'], 2)
        self.assertEqual(samples["pond_connections"], 4)
        self.assertEqual(self.of_loops("connections", samples), 4)
        self.assertGreaterEqual(samples['pond_statement_errors_total{database="shop"}'], 3)
        self.assertGreaterEqual(samples['pond_queries_total{database="pond"}'], 0)
        self.assertNotIn('pond_pool_size{database="pond"}', samples)
        for w in clients + [console]:
            self.leave(w)

    def test_of_the_daemon(self):
        samples = self.metrics()
        self.assertLess(abs(time.time() - samples["pond_start_time_seconds"]), 600)
        self.assertEqual((samples["pond_connections_limit"], samples["pond_memory_limit_bytes"]), (77, 1 << 30))
        self.assertEqual((samples["pond_ready"], samples["pond_connections"]), (1, 0))
        self.assertGreater(samples["pond_memory_bytes"], 10000)
        self.assertGreater(samples["process_cpu_seconds_total"], 0)
        self.assertGreater(samples["process_resident_memory_bytes"], 1 << 20)
        self.assertIn("pond_build_info{version=", "".join(samples))

    def test_paused(self):
        console = self.console()
        self.run_sql(console, "PAUSE one")
        self.assertEqual(self.metrics()['pond_pool_paused{database="one"}'], 1)
        self.run_sql(console, "RESUME one")
        self.assertEqual(self.metrics()['pond_pool_paused{database="one"}'], 0)
        self.leave(console)


class Latencies(Metrics):
    def test_buckets_rise_to_their_count(self):
        self.once("shop", "SELECT 1")
        samples = self.metrics()
        for name, label in (("statement_seconds", 'database="shop"'), ("first_row_seconds", 'database="shop"'),
                            ("acquire_wait_seconds", 'database="shop"'), ("loop_hold_seconds", 'loop="0"'),
                            ("loop_hold_seconds", 'loop="1"')):
            buckets, total, count = self.histogram(name, label, samples)
            self.assertEqual(list(buckets), BOUNDS, name)
            self.assertEqual(list(buckets.values()), sorted(buckets.values()), name)
            self.assertEqual(buckets[float("inf")], count, name)
            if "loop" not in name:
                self.assertGreater(total, 0, name)

    def test_who_was_never_used_has_none(self):
        self.assertEqual(self.histogram("statement_seconds", 'database="template0"'), ({}, 0, 0))
        self.assertIn('pond_queries_total{database="template0"}', self.metrics())

    def test_statements(self):
        w = self.connect("shop")
        self.run_sql(w, "SELECT 1")
        before = self.histogram("statement_seconds", 'database="shop"')
        self.run_sql(w, "SELECT pg_sleep(0.3); SELECT 2; CREATE TEMP TABLE t (i int)")
        w.ask(wire.parse("", "SELECT 3") + 2 * (wire.bind("", "") + wire.execute()) + wire.SYNC)
        after = self.histogram("statement_seconds", 'database="shop"')
        self.assertEqual(after[2] - before[2], 5)
        self.assertEqual(self.grown(before, after, 0.25), 4)
        self.assertGreaterEqual(after[1] - before[1], 0.3)
        self.leave(w)

    def test_those_of_a_pipeline_do_not_count_what_was_before_them(self):
        w = self.connect("shop")
        self.run_sql(w, "SELECT 1")
        before = self.histogram("statement_seconds", 'database="shop"')
        w.ask(wire.parse("", "SELECT pg_sleep(0.3)") + wire.bind("", "") + wire.execute() + wire.parse("", "SELECT 3") +
              wire.bind("", "") + wire.execute() + wire.SYNC)
        self.assertEqual(self.grown(before, self.histogram("statement_seconds", 'database="shop"'), 0.25), 1)
        self.leave(w)

    def test_nor_the_time_in_which_the_client_thinks(self):
        w = self.connect("shop")
        self.run_sql(w, "SELECT 1")
        before = self.histogram("statement_seconds", 'database="shop"')
        w.send(wire.parse("", "SELECT 3") + wire.bind("", "") + wire.FLUSH)
        w.until("2")
        time.sleep(0.3)
        w.ask(wire.execute() + wire.SYNC)
        self.assertEqual(self.grown(before, self.histogram("statement_seconds", 'database="shop"'), 0.25), 1)
        self.leave(w)

    def test_first_rows(self):
        w = self.connect("shop")
        self.run_sql(w, "SELECT 1")
        before = self.histogram("first_row_seconds", 'database="shop"')
        self.run_sql(w, "SELECT i, CASE WHEN i = 3 THEN pg_sleep(0.3) END FROM generate_series(1, 3) AS s(i)")
        self.run_sql(w, "SELECT 1 WHERE false")
        self.run_sql(w, "CREATE TEMP TABLE t (i int)")
        after = self.histogram("first_row_seconds", 'database="shop"')
        self.assertEqual((after[2] - before[2], self.grown(before, after, 0.25)), (1, 1))
        self.leave(w)

    def test_statements_that_fail(self):
        w = self.connect("shop")
        self.run_sql(w, "SET statement_timeout = '300ms'")
        before = self.histogram("statement_seconds", 'database="shop"')
        self.fails(w, ENDLESS, "57014")
        after = self.histogram("statement_seconds", 'database="shop"')
        self.assertEqual((after[2] - before[2], self.grown(before, after, 0.25)), (1, 0))
        self.leave(w)

    def test_waits_for_a_session(self):
        console = self.console()
        self.once("one", "SELECT 1")
        before = self.histogram("acquire_wait_seconds", 'database="one"')
        first, second = self.connect("one"), self.start("one")
        waiting = 'pond_pool_%s{database="one"}'
        self.eventually(lambda: self.metrics()[waiting % "oldest_wait_seconds"] > 0.25, "he does not wait")
        self.assertEqual(self.metrics()[waiting % "waiting_clients"], 1)
        self.leave(first)
        self.leave(self.greet(second))
        after = self.histogram("acquire_wait_seconds", 'database="one"')
        self.assertEqual((after[2] - before[2], self.grown(before, after, 0.25)), (2, 1))
        self.leave(console)

    def test_holds(self):
        before = self.of_loops("hold_seconds_count", self.metrics())
        w = self.connect("shop")
        for _ in range(50):
            self.run_sql(w, "SELECT 1")
        self.assertGreaterEqual(self.of_loops("hold_seconds_count", self.metrics()) - before, 50)
        self.leave(w)


class Many(Metrics):
    """However much there is to tell, nobody waits longer for it than for anybody else."""
    databases = 150
    conf = HTTP + "".join(SHOP.replace("shop", "shop%d" % i) for i in range(databases))

    def test_databases_and_clones(self):
        w = self.connect("shop0")
        for i in range(self.databases):
            self.once("shop%d" % i, "SELECT 1")  # the second one: each was asked before the daemon was ready
        for i in range(1000):
            self.run_sql(w, "CREATE DATABASE c%d TEMPLATE shop%d" % (i, i % self.databases))
        samples = self.metrics()
        self.assertEqual([samples['pond_named_clones{database="shop%d"}' % i] for i in (0, self.databases - 1)], [7, 6])
        self.assertEqual(self.histogram("statement_seconds", 'database="shop%d"' % (self.databases - 1), samples)[2], 2)
        longest = self.daemon.statistics()
        if longest["longest_cpu_by"] == "http":  # a slice of 1 ms, what is done until it is looked at, and a sanitizer
            self.assertLess(int(longest["longest_cpu_us"]), 5000, longest)
        for i in range(1000):
            self.run_sql(w, "DROP DATABASE c%d" % i)
        self.leave(w)


class Health(unittest.TestCase):
    def test_until_it_is_ready(self):
        """The seed comes by a pipe, so that it takes as long as the test wants."""
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="pond-test."))
        pipe, conf = folder + "/seed.sql", folder + "/pond.conf"
        os.mkfifo(pipe)
        with open(conf, "w", encoding="utf-8") as file:
            file.write("[pond]\nlisten_port = 0\nunix_socket_dir = %s\nshutdown_grace = 60s\n%s[database shop]\nseed = seed.sql\n"
                       % (folder, HTTP))
        with open(folder + "/log", "wb") as log:
            daemon = subprocess.Popen([PONDD, "-c", conf, *wire.pondd_options()], stdin=subprocess.DEVNULL, stderr=log)
        self.addCleanup(daemon.kill)
        self.until(folder, "listening: http:")
        self.assertEqual([self.ask(folder, path) for path in ("/healthz", "/readyz")], [(200, "ok\n"), (503, "starting\n")])
        with open(pipe, "w", encoding="utf-8") as file:
            file.write("CREATE TABLE t (i int);\n")
        self.until(folder, "is ready")
        self.assertEqual(self.ask(folder, "/readyz"), (200, "ok\n"))
        self.stop(daemon, folder)

    def stop(self, daemon, folder):
        """A statement runs on; who sends clients here hears of it."""
        wire.HOST, wire.PORT = re.search(r"listening: host=([\d.]+) port=(\d+)", self.log(folder)).groups()
        wire.PORT = int(wire.PORT)
        with wire.Wire("shop") as w, wire.Wire("postgres") as other:
            w.send(wire.query("SELECT pg_sleep(100)"))
            active = wire.query("SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND datname = 'shop'")
            while "D" not in other.ask(active)[0]:
                pass
            daemon.send_signal(signal.SIGTERM)
            self.assertEqual(other.until("end of the stream")[-1][0], "E")
            self.assertEqual(self.ask(folder, "/readyz"), (503, "stopping\n"))
            self.assertEqual(self.ask(folder, "/healthz"), (200, "ok\n"))
        daemon.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(timeout=60), 0)

    def log(self, folder):
        with open(folder + "/log", encoding="utf-8") as file:
            return file.read()

    def until(self, folder, mark):
        end = time.monotonic() + wire.PATIENCE
        while mark not in self.log(folder):
            self.assertLess(time.monotonic(), end, self.log(folder))
            time.sleep(0.01)

    def ask(self, folder, path):
        try:
            with urllib.request.urlopen("http://%s:%d%s" % (*address(self.log(folder)), path), timeout=wire.PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


if __name__ == "__main__":
    main()
