"""What looks at a PgBouncer can look at pondd: an exporter for Prometheus as Debian ships it, and the queries of others."""
import re
import subprocess
import sys
import urllib.request

import client_test
import wire
from database_test import SHOP, main
from test_console import Console

psycopg2 = client_test.driver("psycopg2")
extras = client_test.driver("psycopg2.extras")
client_test.driver("prometheus_pgbouncer_exporter")

# Debian's exporter asks for a column that PgBouncer has no more since 1.8, and so does not run with Debian's PgBouncer
# either: it is given the name that the column has now. All else is as it is shipped. It says its port.
EXPORTER = """
from prometheus_pgbouncer_exporter import cli, collectors
stats = collectors.StatsCollector.metrics
stats["total_query_count"] = stats.pop("total_requests")
class Server(cli.HTTPServer):
    def serve_forever(self):
        print(self.server_port, flush=True)
        super().serve_forever()
cli.HTTPServer = Server
cli.main()
"""
NAMES = {"STATS": {"requests_total": "total_query_count", "received_bytes_total": "total_received",
                   "sent_bytes_total": "total_sent", "query_microseconds_total": "total_query_time"},
         "POOLS": {"active_clients": "cl_active", "waiting_clients": "cl_waiting"},
         "DATABASES": {"pool_size": "pool_size", "reserve_pool": "reserve_pool"}}
LISTS = ["databases", "users", "pools", "free_clients", "used_clients", "login_clients", "free_servers", "used_servers",
         "dns_names", "dns_zones", "dns_queries", "dns_pending"]


class Monitored(Console):
    conf = "admin_users = boss\nstats_users = pgbouncer\n" + SHOP + "pool_size = 3\n"

    def busy(self):
        """Two clients of shop and some work behind it."""
        for database in ("shop", "shop~both"):
            w = self.connect(database)
            self.run_sql(w, "SELECT * FROM customers")
            self.addCleanup(self.leave, w)


class DebiansExporter(Monitored):
    def start_exporter(self):
        """Gives its port."""
        host = self.daemon.folder
        exporter = subprocess.Popen([sys.executable, "-c", EXPORTER, "--host", "127.0.0.1", "--port", "0",
                                     "--pgbouncer-host", host, "--pgbouncer-port", str(wire.PORT)],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (exporter.terminate(), exporter.communicate()))
        line = exporter.stdout.readline()
        self.assertTrue(line, "it did not start: " + (exporter.stderr.read() if not line else ""))
        return int(line)

    def scrape(self, port):
        """Each sample's value by its name and its database."""
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % port, timeout=wire.PATIENCE) as answer:
            text = answer.read().decode()
        samples = re.findall(r'^pgbouncer_(\w+)(?:\{.*?database="([^"]*)".*?\})? (\S+)$', text, re.M)
        return {(name, database): float(value) for name, database, value in samples}

    def test_its_metrics_are_what_the_console_shows(self):
        self.busy()
        console = self.console()
        samples = self.scrape(self.start_exporter())
        for what, names in NAMES.items():
            key = "name" if what == "DATABASES" else "database"
            shown = {row[key]: row for row in self.show(what, console)}
            for name, column in names.items():
                if what != "DATABASES":
                    self.assertEqual(samples[name, "shop"], float(shown["shop"][column]), name)
                self.assertIn((name, "shop"), samples)
        lists = {row["list"]: row["items"] for row in self.show("LISTS", console)}
        self.assertEqual({name: samples[name, ""] for name in LISTS}, {name: float(lists[name]) for name in LISTS})
        self.assertGreaterEqual(samples["requests_total", "shop"], 2)
        self.assertEqual((samples["active_clients", "shop"], samples["pool_size", "shop"]), (2, 3))
        self.leave(console)


class Queries(Monitored):
    """Those of other monitors, sent as they send them."""

    def monitor(self, **keys):
        conn = psycopg2.connect(host=wire.HOST, port=wire.PORT, user="pgbouncer", dbname="pgbouncer", **keys)
        conn.set_isolation_level(psycopg2.extensions.ISOLATION_LEVEL_AUTOCOMMIT)
        self.addCleanup(conn.close)
        return conn

    def rows(self, conn, text):
        with conn.cursor(cursor_factory=extras.DictCursor) as cursor:
            cursor.execute(text)
            return [dict(row) for row in cursor.fetchall()]

    def number(self, row, column):
        self.assertEqual(float(row[column]), int(row[column]), column)

    def test_of_the_exporter_of_prometheus_community(self):
        """lib/pq: simple queries, numbers by their types, and a start-up parameter that PgBouncer must be told to ignore."""
        self.busy()
        conn = self.monitor(options="-c extra_float_digits=2")
        self.rows(conn, "SHOW STATS")
        self.assertEqual(list(self.rows(conn, "SHOW VERSION;")[0]), ["version"])
        for row in self.rows(conn, "SHOW LISTS;"):
            self.assertEqual(list(row), ["list", "items"])
            self.number(row, "items")
        config = {row["key"]: row for row in self.rows(conn, "SHOW CONFIG;")}
        self.assertEqual(len(config["max_client_conn"]), 4)
        self.assertEqual([float(config[key]["value"]) for key in ("max_client_conn", "max_user_connections")], [1000, 0])
        wanted = {"databases": "name host port database force_user pool_mode | pool_size reserve_pool max_connections "
                               "current_connections paused disabled",
                  "stats_totals": "database | query_count query_time bytes_received bytes_sent wait_time xact_count xact_time",
                  "pools": "database user | cl_active cl_active_cancel_req cl_waiting cl_waiting_cancel_req sv_active "
                           "sv_active_cancel sv_being_canceled sv_idle sv_used sv_tested sv_login maxwait"}
        for name, columns in wanted.items():
            labels, numbers = columns.split(" | ")
            shown = self.rows(conn, "SHOW %s;" % name)
            self.assertIn("shop", [row.get("name", row["database"]) for row in shown])
            for row in shown:
                for label in labels.split():
                    self.assertIsInstance(row[label], (str, int, type(None)), label)
                for column in numbers.split():
                    self.number(row, column)

    def test_of_datadogs_agent(self):
        self.busy()
        conn = self.monitor()
        wanted = {"STATS": "total_xact_count total_query_count total_received total_sent total_query_time total_xact_time "
                           "total_wait_time avg_xact_count avg_query_count avg_wait_time avg_recv avg_sent avg_xact_time "
                           "avg_query_time",
                  "POOLS": "cl_active cl_waiting sv_active sv_idle sv_used sv_tested sv_login maxwait maxwait_us",
                  "DATABASES": "pool_size max_connections current_connections"}
        for name, columns in wanted.items():
            for row in self.rows(conn, "SHOW " + name):
                for column in columns.split():
                    self.number(row, column)
        for row in self.rows(conn, "SHOW CLIENTS"):
            self.is_now(row["connect_time"])
        self.assertRegex(self.rows(conn, "SHOW VERSION;")[0]["version"], r"\d+\.\d+\.\d+")

    def test_of_telegraf(self):
        """Its driver pings with an empty statement, and wants these two settings for its simple protocol."""
        w = self.start("pgbouncer", user="pgbouncer")
        got = w.until("Z")
        settings = dict(body[:-1].decode().split("\0") for kind, body in got if kind == "S")
        self.assertEqual((settings["standard_conforming_strings"], settings["client_encoding"]), ("on", "UTF8"))
        self.assertEqual(w.ask(wire.query(";"))[0], "IZ")
        self.assertTrue(self.show("STATS", w))
        self.assertTrue(self.show("POOLS", w))
        self.leave(w)


if __name__ == "__main__":
    main()
