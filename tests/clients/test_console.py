"""The admin console: the database `pond`, in PgBouncer's words."""
import calendar
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import client_test
import database_test
import wire
from database_test import SHOP, Test
from wire import Wire, query

psycopg2 = client_test.driver("psycopg2")

PGBOUNCER = "/usr/sbin/pgbouncer"
PGBOUNCER_INI = """[databases]
shop = host=/nowhere
[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
listen_port = 6432
auth_type = any
admin_users = boss
"""
TEXT, INT4, INT8 = 25, 23, 20


def columns(got):
    """Name and type of each column of the RowDescription among the messages."""
    body = dict(got)["T"]
    count, = struct.unpack_from("!h", body)
    at, found = 2, []
    for _ in range(count):
        end = body.index(b"\0", at)
        name = body[at:end].decode()
        type_oid, = struct.unpack_from("!i", body, end + 7)
        found.append((name, type_oid))
        at = end + 19
    return found


def over_unix(folder, port):
    """A raw client of the unix socket in the folder."""
    w = Wire.__new__(Wire)
    w.socket, w.buffer, w.key = socket.socket(socket.AF_UNIX), b"", None
    w.socket.settimeout(wire.PATIENCE)
    try:
        w.socket.connect("%s/.s.PGSQL.%d" % (folder, port))
    except OSError:
        w.socket.close()
        raise
    return w


class Console(Test):
    """The folder with the unix socket is self.daemon.folder."""
    conf = "admin_users = boss, chief\nstats_users = looker,boss\nloops = 2\n" + SHOP

    def console(self, user="boss"):
        return self.connect("pond", user=user)

    def show(self, what, console=None):
        """Its rows as dicts."""
        w = console or self.console()
        types, got = w.ask(query("SHOW " + what))
        self.assertEqual(types.replace("D", ""), "TCZ", [wire.fields(b) for k, b in got if k == "E"])
        self.assertEqual(dict(got)["C"], b"SHOW\0")
        names = [name for name, _ in columns(got)]
        rows = [dict(zip(names, (v if v is None else v.decode() for v in wire.values(body)))) for k, body in got if k == "D"]
        if console is None:
            self.leave(w)
        return rows

    def row(self, what, console=None, **wanted):
        """The only row with these values."""
        rows = [r for r in self.show(what, console) if all(r[k] == str(v) for k, v in wanted.items())]
        self.assertEqual(len(rows), 1, (what, wanted, rows))
        return rows[0]

    def is_now(self, text):
        self.assertLess(abs(calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M:%S UTC")) - time.time()), 60)


class Login(Console):
    def test_those_of_admin_users_are_let_in(self):
        for user in ("boss", "chief"):
            self.leave(self.console(user))

    def test_others_are_not(self):
        for user in ("tester", "pond", "boss, chief", "bos", "bosss", "BOSS", " "):
            error = self.refused("pond", user=user)
            self.assertEqual((error["C"], error["M"]), ("42501", 'permission denied for database "pond"'), user)

    def test_the_users_own_database(self):
        """Without a database in the packet it is the user's name."""
        w = Wire()
        self.addCleanup(w.socket.close)
        w.send(wire.startup(user="pond"))
        self.assertEqual(self.last_words(w)["C"], "42501")

    def unix(self, user):
        w = over_unix(self.daemon.folder, wire.PORT)
        self.addCleanup(w.socket.close)
        w.send(wire.startup(user=user, database="pond"))
        return w

    def test_who_runs_the_daemon_is_let_in(self):
        w = self.greet(self.unix("pond"))
        self.assertEqual(self.show("VERSION", w)[0]["version"][:5], "pond ")
        self.assertEqual(self.row("CLIENTS", w, user="pond")["addr"], "unix")
        self.leave(w)
        self.assertEqual(self.last_words(self.unix("tester"))["C"], "42501")

    @unittest.skipUnless(os.getuid() == 0, "only root may become another user")
    def test_another_user_of_the_machine_is_not(self):
        os.chmod(self.daemon.folder, 0o755)
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "psql", "-X", "-h",
                               self.daemon.folder, "-p", str(wire.PORT), "-U", "pond", "-c", "SHOW VERSION", "pond"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertIn("permission denied", done.stderr)
        self.assertEqual(done.returncode, 2)

    def test_its_other_name(self):
        """Monitors of PgBouncer know no other."""
        w = self.connect("pgbouncer", user="looker")
        self.assertEqual(self.row("CLIENTS", w, user="looker")["database"], "pgbouncer")
        self.leave(w)
        self.assertEqual(self.refused("pgbouncer")["M"], 'permission denied for database "pgbouncer"')

    def test_it_takes_no_session(self):
        w = self.console()
        self.assertEqual(self.daemon.statistics()["sessions"], "0")
        self.assertEqual(self.show("SERVERS", w), [])
        self.leave(w)

    def test_its_name_is_taken(self):
        w = self.connect("shop")
        self.fails(w, "CREATE DATABASE pond", "42P04")
        self.fails(w, "CREATE DATABASE pgbouncer", "42P04")
        self.run_sql(w, "CREATE DATABASE other")
        self.fails(w, "ALTER DATABASE other RENAME TO pond", "42P04")
        self.fails(w, "ALTER DATABASE other RENAME TO pgbouncer", "42P04")
        self.fails(w, "SELECT pond_template('pond')", "42P04")
        self.run_sql(w, "DROP DATABASE other")
        self.leave(w)

    def test_replication_is_refused(self):
        self.assertEqual(self.refused("pond", user="boss", replication="true")["C"], "0A000")

    def test_others_see_it_in_pg_stat_activity(self):
        console, w = self.console(), self.connect("shop")
        self.assertEqual(self.run_sql(w, "SELECT usename, state FROM pg_stat_activity WHERE datname = 'pond'"), [("boss", "idle")])
        self.run_sql(w, "SELECT pg_cancel_backend(%d)" % console.pid)
        self.show("VERSION", console)
        self.run_sql(w, "SELECT pg_terminate_backend(%d)" % console.pid)
        self.assertEqual(self.last_words(console)["C"], "57P01")
        self.leave(w)


class Commands(Console):
    def test_words(self):
        w = self.console()
        for text in ("SHOW VERSION", "show version;", " Show\n Version ; ", 'show "version"'):
            self.assertEqual(len(self.run_sql(w, text)), 1, text)
        self.leave(w)

    def test_unknown_ones(self):
        w = self.console()
        for text in ("SELECT 1", "SHOW", "SHOW nothing", "SHOW POOLS x", "SHOW POOLS; SHOW POOLS", "BEGIN", "/* x */ SHOW POOLS"):
            error = self.fails(w, text, "08P01")
            self.assertEqual(error["M"], "invalid command '%s', use SHOW HELP;" % text)
            self.assertIn("SHOW HELP", error["H"])
        self.assertEqual(len(self.fails(w, "x" * 5000, "08P01")["M"]), 200 + len("invalid command '', use SHOW HELP;"))
        for text in ("DISABLE shop", "RECONNECT", "SUSPEND;"):
            self.fails(w, text, "0A000")
        self.fails(w, b"SHOW \xff", "22021")
        for text in ("", ";", " \n"):
            self.assertEqual(w.ask(query(text))[0], "IZ", text)
        self.leave(w)

    def test_the_extended_protocol(self):
        w = self.console()
        for ask in (wire.parse("", "SHOW POOLS") + wire.bind("", "") + wire.execute(), wire.bind("", ""), wire.describe("S"),
                    wire.execute(), wire.close("S")):
            error, rest = w.error(ask + wire.SYNC)
            self.assertEqual((error["C"], rest), ("0A000", "Z"))
            self.show("VERSION", w)
        self.assertEqual(w.ask(wire.FLUSH + wire.SYNC)[0], "Z")
        error, _ = w.error(wire.message("F", struct.pack("!ihhh", 1, 0, 0, 0)))
        self.assertEqual(error["C"], "0A000")
        self.leave(w)

    def test_many_at_once(self):
        w = self.console()
        w.send(query("SHOW VERSION") * 100)
        for _ in range(100):
            self.assertEqual("".join(k for k, _ in w.until("Z")), "TDCZ")
        self.leave(w)

    def test_help(self):
        w = self.console()
        types, got = w.ask(query("SHOW HELP"))
        self.assertEqual(types, "NCZ")
        notice = wire.fields(got[0][1])
        self.assertEqual((notice["S"], notice["M"]), ("NOTICE", "Console usage"))
        listed = {word for line in notice["D"].split("\n") if line.startswith("\tSHOW ") for word in line[6:].split("|")}
        self.assertEqual({line.split()[0] for line in notice["D"].split("\n") if line}, {"SHOW", "SET", "RELOAD", "PAUSE", "RESUME", "KILL", "SHUTDOWN"})
        for word in listed - {"HELP"}:
            self.show(word, w)
        self.assertGreater(len(listed), 10)
        self.leave(w)

    def test_stats_users_may_show(self):
        w = self.console("looker")
        self.show("POOLS", w)
        self.leave(w)

    def test_psql(self):
        done = subprocess.run(["psql", "-XAt", "-h", wire.HOST, "-p", str(wire.PORT), "-U", "boss", "-c", "SHOW LISTS", "pond"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("used_clients|1\n", done.stdout)

    def test_psycopg3(self):
        """It uses the extended protocol where there are parameters, and says what became of it."""
        psycopg = client_test.driver("psycopg")
        with psycopg.connect(host=wire.HOST, port=wire.PORT, user="boss", dbname="pond", autocommit=True) as conn:
            self.assertIn("pond", [row[0] for row in conn.execute("SHOW POOLS")])
            with self.assertRaises(psycopg.errors.FeatureNotSupported):
                conn.execute("SHOW POOLS", prepare=True)
            self.assertEqual(len(conn.execute("SHOW VERSION").fetchall()), 1)

    def test_psycopg2(self):
        conn = psycopg2.connect(host=wire.HOST, port=wire.PORT, user="boss", dbname="pond")
        conn.autocommit = True
        with conn.cursor() as cursor:
            cursor.execute("SHOW POOLS")
            self.assertIn("shop", [row[0] for row in cursor.fetchall()])
        conn.close()


class Values(Console):
    conf = Console.conf + "pool_size = 2\nmin_pool_size = 1\n"

    def test_pools(self):
        console = self.console()
        private, named, other = self.connect("shop"), self.connect("shop~a"), self.start("shop")
        self.eventually(lambda: self.row("POOLS", console, database="shop")["cl_waiting"] == "1", "nobody waits")
        pool = self.row("POOLS", console, database="shop")
        self.assertEqual((pool["cl_active"], pool["sv_active"], pool["user"]), ("2", "2", "pond"))
        self.eventually(lambda: self.row("POOLS", console, database="shop")["maxwait_us"] != "0", "he does not wait")
        self.assertEqual(self.row("POOLS", console, database="pond")["cl_active"], "1")
        self.assertEqual(self.row("CLIENTS", console, state="waiting")["database"], "shop")
        database = self.row("DATABASES", console, name="shop")
        self.assertEqual((database["pool_size"], database["min_pool_size"]), ("2", "1"))
        self.assertGreaterEqual(int(database["current_connections"]), 2)
        self.leave(private)
        self.greet(other)
        pool = self.row("POOLS", console, database="shop")
        self.assertEqual((pool["cl_active"], pool["cl_waiting"], pool["maxwait_us"]), ("2", "0", "0"))
        for w in (named, other, console):
            self.leave(w)

    def test_clients_and_servers(self):
        console = self.console()
        one = self.connect("shop", application_name="an app")
        two = self.connect("shop~b", user="other")
        for w, user, database in ((one, "tester", "shop"), (two, "other", "shop~b")):
            client = self.row("CLIENTS", console, remote_pid=w.pid)
            host, port = w.socket.getsockname()
            self.assertEqual((client["type"], client["user"], client["database"], client["state"]), ("C", user, database, "active"))
            self.assertEqual((client["addr"], client["port"]), (host, str(port)))
            self.assertEqual((client["local_addr"], client["local_port"]), (wire.HOST, str(wire.PORT)))
            self.is_now(client["connect_time"])
            server = self.row("SERVERS", console, remote_pid=w.pid)
            self.assertEqual((server["type"], server["database"], server["link"]), ("S", database, client["ptr"]))
            self.assertEqual(client["link"], server["ptr"])
        self.assertEqual(self.row("CLIENTS", console, remote_pid=one.pid)["application_name"], "an app")
        self.assertEqual(self.row("CLIENTS", console, database="pond")["link"], "")
        for w in (one, two):
            self.leave(w)
        self.assertEqual([r["database"] for r in self.show("CLIENTS", console)], ["pond"])
        self.assertEqual(self.show("SERVERS", console), [])
        self.leave(console)

    def test_lists(self):
        console = self.console()
        more = [self.console("chief"), self.connect("shop"), self.connect("postgres"), Wire()]
        self.eventually(lambda: self.row("LISTS", console, list="login_clients")["items"] == "1", "nobody logs in")
        lists = {r["list"]: int(r["items"]) for r in self.show("LISTS", console)}
        self.assertEqual((lists["used_clients"], lists["users"], lists["used_servers"]), (4, 3, 2))
        self.assertEqual(lists["free_clients"], 1000 - 5)
        self.assertEqual(lists["databases"], len(self.show("DATABASES", console)))
        self.assertEqual(lists["pools"], len(self.show("POOLS", console)))
        more.pop().socket.close()
        for w in more + [console]:
            self.leave(w)

    def test_config(self):
        config = {r["key"]: r for r in self.show("CONFIG")}
        self.assertEqual((config["loops"]["value"], config["loops"]["default"]), (self.daemon.statistics()["loops"], "0"))
        self.assertEqual(config["admin_users"]["value"], "boss, chief")
        self.assertEqual(config["client_login_timeout"]["value"], config["client_login_timeout"]["default"])
        self.assertEqual((config["loops"]["changeable"], config["log_statement"]["changeable"]), ("no", "yes"))

    def test_loops(self):
        console = self.console()
        others = [self.connect("shop~l%d" % i) for i in range(2)]
        self.run_sql(others[0], "SELECT 1")
        loops = self.show("LOOPS", console)
        self.assertEqual([r["loop"] for r in loops], [str(i) for i in range(int(self.daemon.statistics()["loops"]))])
        self.assertEqual(sum(int(r["clients"]) for r in loops), 3)
        self.assertGreaterEqual(sum(int(r["statements"]) for r in loops), 1)
        for w in others + [console]:
            self.leave(w)

    def test_mem(self):
        console = self.console()
        w = self.connect("shop~m")
        before = {r["name"]: r for r in self.show("MEM", console)}
        self.run_sql(w, "CREATE TABLE big AS SELECT i, repeat('x', 100) FROM generate_series(1, 10000) i")
        after = {r["name"]: r for r in self.show("MEM", console)}
        self.assertGreater(int(after["clones"]["memtotal"]), int(before["clones"]["memtotal"]) + 1000000)
        self.assertGreater(int(after["total"]["memtotal"]), int(before["total"]["memtotal"]) + 1000000)
        self.assertEqual((after["clones"]["used"], after["connections"]["used"], after["sessions"]["used"]), ("1", "2", "1"))
        for w in (w, console):
            self.leave(w)


class Stats(Console):
    """What is counted, while the connections are there and when they are gone; on both loops."""
    conf = Console.conf + "[database one]\npool_size = 1\n"

    def stats(self, console, database="shop"):
        return {k: int(v) for k, v in self.row("STATS", console, database=database).items() if k != "database"}

    def test_queries(self):
        console = self.console()
        before = self.stats(console)
        clients = [self.connect("shop"), self.connect("shop~s"), self.connect("shop~t")]
        for w in clients:
            self.run_sql(w, "SELECT 1; SELECT 2")  # one
            self.run_sql(w, "BEGIN")
            self.run_sql(w, "SELECT 1")
            self.run_sql(w, "COMMIT")
            self.fails(w, "nonsense", "42601")
            self.assertEqual(w.ask(wire.parse("", "SELECT 3") + wire.bind("", "") + wire.execute() + wire.SYNC)[0], "12DCZ")
        for left in (False, True):
            now = self.stats(console)
            self.assertEqual(now["total_query_count"] - before["total_query_count"], 3 * 6, left)
            self.assertEqual(now["total_xact_count"] - before["total_xact_count"], 3 * 4, left)
            for w in clients if not left else ():
                self.leave(w)
        self.assertEqual(self.stats(console, "postgres")["total_query_count"], 0)
        self.leave(console)

    def test_bytes(self):
        console, w = self.console(), self.connect("shop")
        before = self.stats(console)
        ask = query("SELECT repeat('x', 100000)" + " " * 50000)
        size = sum(len(body) + 5 for _, body in w.ask(ask)[1])
        now = self.stats(console)
        self.assertEqual(now["total_received"] - before["total_received"], len(ask))
        self.assertEqual(now["total_sent"] - before["total_sent"], size)
        self.leave(w)
        self.assertEqual(self.stats(console)["total_received"] - now["total_received"], len(wire.TERMINATE))
        self.leave(console)

    def test_times(self):
        console, w = self.console(), self.connect("shop")
        before = self.stats(console)
        self.run_sql(w, "SELECT pg_sleep(0.2)")
        self.run_sql(w, "BEGIN")
        time.sleep(0.1)  # a transaction's time goes on
        self.run_sql(w, "COMMIT")
        now = self.stats(console)
        query_us, xact_us = (now[k] - before[k] for k in ("total_query_time", "total_xact_time"))
        self.assertGreaterEqual(query_us, 200000)
        self.assertGreaterEqual(xact_us, query_us + 100000)
        self.assertLess(xact_us, 20000000)
        self.assertGreater(before["total_wait_time"], 0)
        self.assertGreater(now["avg_query_time"], 0)
        self.leave(w)
        self.leave(console)

    def test_those_who_wait(self):
        console = self.console()
        before = self.stats(console, "one")["total_wait_time"]
        first, second = self.connect("one"), self.start("one")
        self.eventually(lambda: self.row("POOLS", console, database="one")["maxwait_us"] != "0", "he does not wait")
        waited = int(self.row("POOLS", console, database="one")["maxwait_us"])
        self.leave(first)
        self.leave(self.greet(second))
        self.assertGreater(self.stats(console, "one")["total_wait_time"] - before, waited)
        self.leave(console)

    def test_the_console_itself(self):
        console = self.console()
        before = self.stats(console, "pond")["total_query_count"]
        self.assertEqual(self.stats(console, "pond")["total_query_count"], before + 1)
        self.leave(console)

    def test_parts(self):
        console, w = self.console(), self.connect("shop")
        self.run_sql(w, "SELECT 1")
        whole = self.row("STATS", console, database="shop")
        totals = self.row("STATS_TOTALS", console, database="shop")
        self.assertEqual([totals[k] for k in list(totals)[1:]], list(whole.values())[1:8])
        averages = self.row("STATS_AVERAGES", console, database="shop")
        self.assertEqual((averages["xact_time"], averages["query_time"]), (whole["avg_xact_time"], whole["avg_query_time"]))
        self.leave(w)
        self.leave(console)


class Clones(Console):
    def test_clones_come_and_go(self):
        console = self.console()
        names = ["shop~c%d" % i for i in range(4)]
        clients = [self.connect(name) for name in names]
        self.run_sql(clients[0], "CREATE DATABASE lasting TEMPLATE shop")
        clones = {r["name"]: r for r in self.show("CLONES", console)}
        self.assertEqual(set(clones), set(names) | {"lasting"})
        loops = int(self.daemon.statistics()["loops"])
        self.assertGreaterEqual(len({r["loop"] for r in clones.values()}), min(loops, 2))  # they went to several
        self.assertEqual([clones[n]["clients"] for n in names], ["1"] * 4)
        self.assertEqual((clones["lasting"]["clients"], clones["lasting"]["lasting"]), ("0", "1"))
        self.assertEqual((clones["shop~c0"]["database"], clones["shop~c0"]["owner"], clones["shop~c0"]["lasting"]),
                         ("shop", "tester", "0"))
        for clone in clones.values():
            self.is_now(clone["create_time"])
        self.run_sql(clients[0], "DROP DATABASE lasting")
        for w in clients:
            self.leave(w)
        self.assertEqual(self.show("CLONES", console), [])
        self.leave(console)

    def test_templates(self):
        console, w = self.console(), self.connect("shop")
        self.assertEqual(self.row("TEMPLATES", console, name="shop")["source"], "configuration")
        self.assertEqual(self.run_sql(w, "SELECT pond_template('made')"), [("t",)])
        self.assertEqual([r["name"] for r in self.show("CLONES", console)], ["made"])
        self.run_sql(w, "SELECT pond_template_ready('made')")
        made = self.row("TEMPLATES", console, name="made")
        self.assertEqual(made["source"], "made")
        self.assertEqual(self.show("CLONES", console), [])
        self.run_sql(w, "ALTER DATABASE made IS_TEMPLATE false")
        self.run_sql(w, "DROP DATABASE made")
        self.leave(w)
        self.leave(console)

    def test_locks(self):
        console, a, b, c = self.console(), self.connect("shop~l"), self.connect("shop~l"), self.connect("shop")
        self.run_sql(a, "SELECT pg_advisory_lock(5); SELECT pg_advisory_lock_shared(1, 2)")
        self.run_sql(c, "SELECT pg_advisory_lock(5)")
        b.send(query("SELECT pg_advisory_lock(5)"))
        self.eventually(lambda: len(self.show("LOCKS", console)) == 4, "the lock is not waited for")
        locks = sorted((int(r["pid"]), r["database"], r["locktype"], r["classid"], r["objid"], r["objsubid"], r["mode"],
                        r["granted"]) for r in self.show("LOCKS", console))
        self.assertEqual(locks, sorted([
            (a.pid, "shop~l", "advisory", "0", "5", "1", "ExclusiveLock", "1"),
            (a.pid, "shop~l", "advisory", "1", "2", "2", "ShareLock", "1"),
            (b.pid, "shop~l", "advisory", "0", "5", "1", "ExclusiveLock", "0"),
            (c.pid, "shop", "advisory", "0", "5", "1", "ExclusiveLock", "1")]))
        self.eventually(lambda: self.row("LOCKS", console, pid=b.pid)["wait_us"] != "0", "it does not wait")
        self.leave(a)
        b.until("Z")
        self.run_sql(b, "BEGIN; CREATE TABLE t (i int)")
        writer = self.row("LOCKS", console, locktype="transactionid")
        self.assertEqual((writer["pid"], writer["granted"], writer["objid"]), (str(b.pid), "1", None))
        for w in (b, c):
            self.leave(w)
        self.assertEqual(self.show("LOCKS", console), [])
        self.leave(console)


class Kill(Console):
    def test_a_client(self):
        console = self.console()
        clients = [self.connect("shop"), self.connect("shop~k"), self.connect("shop~other")]
        clients[0].send(query(database_test.ENDLESS))
        for w in clients:
            self.assertEqual(console.ask(query("KILL %d" % w.pid))[0], "CZ")
            self.assertEqual(self.last_words(w)["C"], "57P01")
        self.eventually(lambda: self.show("SERVERS", console) == [], "some stay")
        self.assertEqual(self.show("CLONES", console), [])
        self.leave(console)
        self.assertIn("console: user=boss KILL %d\n" % clients[0].pid, self.daemon.log())

    def test_a_clone(self):
        console = self.console()
        a, b, other, waits = self.connect("shop~k"), self.connect("shop~k"), self.connect("shop~other"), self.connect("shop~k")
        self.run_sql(a, "SELECT pg_advisory_lock(1)")
        waits.send(query("SELECT pg_advisory_lock(1)"))
        self.eventually(lambda: any(r["granted"] == "0" for r in self.show("LOCKS", console)), "it does not wait")
        self.run_sql(console, "KILL shop~k")
        for w in (a, b, waits):
            self.assertEqual(self.last_words(w)["C"], "57P01")
        self.assertEqual([r["name"] for r in self.show("CLONES", console)], ["shop~other"])
        self.run_sql(other, "CREATE DATABASE \"a; b\" TEMPLATE shop")
        self.run_sql(console, 'KILL "a; b";')
        self.assertEqual([r["name"] for r in self.show("CLONES", console)], ["shop~other"])
        self.leave(other)
        self.leave(console)

    def test_what_is_not_there(self):
        console = self.console()
        for name in ("shop~nothing", "1000000", "0", "99999999999999999999", "nothing"):
            self.assertEqual(self.fails(console, "KILL " + name, "42704")["M"], 'there is no client or clone "%s"' % name)
        self.fails(console, "KILL shop", "42809")
        self.fails(console, "KILL", "08P01")
        self.fails(console, "KILL a b", "08P01")
        self.leave(console)

    def test_itself(self):
        console = self.console()
        console.send(query("KILL %d" % console.pid))
        self.assertEqual([k for k, _ in console.until("Z")], ["C", "Z"])
        self.assertEqual(self.last_words(console)["C"], "57P01")

    def test_others_may_not(self):
        w, looker = self.connect("shop~k"), self.console("looker")
        for what in (w.pid, "shop~k"):
            self.assertEqual(self.fails(looker, "KILL %s" % what, "42501")["M"], "admin access needed")
        self.run_sql(w, "SELECT 1")
        self.leave(w)
        self.leave(looker)


class Pause(Console):
    conf = Console.conf + "query_wait_timeout = 0\n[database one]\npool_size = 1\n[database hasty]\nquery_wait_timeout = 0.2\n"

    def paused(self, console):
        return {r["name"] for r in self.show("DATABASES", console) if r["paused"] == "1"}

    def check_nothing_left(self):
        console = self.console()
        self.assertEqual(self.paused(console), set())
        self.leave(console)
        super().check_nothing_left()

    def waits(self, console, database, count=1):
        self.eventually(lambda: self.row("POOLS", console, database=database)["cl_waiting"] == str(count), "not so many wait")

    def test_one_database(self):
        console, there, other = self.console(), [self.connect("shop"), self.connect("shop~p")], self.console()
        console.send(query("PAUSE shop"))
        self.eventually(lambda: self.paused(other) == {"shop"}, "it is not paused")
        late = [self.start("shop"), self.start("shop~p"), self.start("shop~new")]
        self.waits(other, "shop", 3)
        for w in there:
            self.run_sql(w, "SELECT 1")  # who is there goes on
        self.leave(self.connect("one"))  # so does another database
        self.leave(there[0])
        self.assertEqual(self.row("POOLS", other, database="shop")["sv_active"], "1")
        self.leave(there[1])
        self.assertEqual("".join(k for k, _ in console.until("Z")), "CZ")  # PAUSE is done
        self.assertEqual(self.row("POOLS", other, database="shop")["sv_active"], "0")
        self.waits(other, "shop", 3)
        self.run_sql(console, "RESUME shop")
        for w in late:
            self.leave(self.greet(w))
        for w in (console, other):
            self.leave(w)

    def test_all(self):
        console = self.console()
        self.run_sql(console, "PAUSE")
        self.assertEqual(self.paused(console), {"shop", "one", "hasty", "postgres", "template0", "template1"})
        late = [self.start("shop"), self.start("one")]
        self.waits(console, "one")
        late.append(self.start("one"))
        self.waits(console, "one", 2)
        self.waits(console, "shop")
        self.assertEqual(self.fails(console, "PAUSE", "55000")["M"], "already suspended/paused")
        self.run_sql(console, "RESUME one")
        self.leave(self.greet(late[1]))
        self.leave(self.greet(late[2]))
        self.run_sql(console, "RESUME;")
        self.leave(self.greet(late[0]))
        self.assertEqual(self.fails(console, "RESUME", "55000")["M"], "pooler is not paused/suspended")
        self.assertEqual(self.fails(console, "RESUME shop", "55000")["M"], "database shop is not paused")
        self.leave(console)

    def test_who_does_not_wait_for_ever(self):
        console = self.console()
        self.run_sql(console, "PAUSE hasty")
        error = self.refused("hasty")
        self.assertEqual((error["C"], error["M"]), ("57P03", 'database "hasty" is paused'))
        self.hang_up(self.start("hasty"))
        self.run_sql(console, "RESUME hasty")
        self.leave(console)

    def begun(self, text):
        """A PAUSE of shop that waits; another console, and who is waited for."""
        console, other, w = self.console(), self.console("chief"), self.connect("shop")
        console.send(query(text))
        self.eventually(lambda: "shop" in self.paused(other), "it is not paused")
        return console, other, w

    def test_cancelled(self):
        console, other, w = self.begun("PAUSE")
        self.assertEqual(self.run_sql(w, "SELECT wait_event FROM pg_stat_activity WHERE pid = %d" % console.pid), [("pause",)])
        self.cancel(console)
        got = console.until("Z")
        self.assertEqual([wire.fields(b)["C"] for k, b in got if k == "E"], ["57014"])
        self.assertEqual(self.paused(other), set())
        self.show("VERSION", console)
        for one in (w, other, console):
            self.leave(one)

    def test_its_client_hangs_up(self):
        console, other, w = self.begun("PAUSE shop")
        self.hang_up(console)
        self.eventually(lambda: self.paused(other) == set(), "it is paused")
        for one in (w, other):
            self.leave(one)

    def test_its_client_is_killed(self):
        console, other, w = self.begun("PAUSE shop")
        self.run_sql(other, "KILL %d" % console.pid)
        self.assertEqual(self.last_words(console)["C"], "57P01")
        self.eventually(lambda: self.paused(other) == set(), "it is paused")
        for one in (w, other):
            self.leave(one)

    def test_another_resumes(self):
        console, other, w = self.begun("PAUSE shop")
        self.run_sql(other, "RESUME shop")
        self.assertEqual([wire.fields(b)["C"] for k, b in console.until("Z") if k == "E"], ["55000"])
        for one in (w, other, console):
            self.leave(one)

    def test_others_may_not_and_what_is_not_there(self):
        looker, console = self.console("looker"), self.console()
        for word in ("PAUSE", "RESUME"):
            self.fails(looker, word, "42501")
            self.assertEqual(self.fails(console, word + " nothing", "3D000")["M"], "no such database: nothing")
            self.fails(console, word + " pond", "0A000")
            self.fails(console, word + " a b", "08P01")
        for w in (looker, console):
            self.leave(w)


class PauseAndStop(Console):
    def test_a_stop_while_all_is_paused(self):
        console, w = self.console(), self.connect("shop")
        console.send(query("PAUSE"))
        other = self.console()
        self.eventually(lambda: self.row("DATABASES", other, name="shop")["paused"] == "1", "it is not paused")
        late = self.start("shop")
        self.eventually(lambda: self.row("POOLS", other, database="shop")["cl_waiting"] == "1", "he does not wait")
        self.run_sql(other, "SHUTDOWN")
        for one in (console, w, late, other):
            self.assertEqual(self.last_words(one)["C"], "57P01")
        self.assertEqual(self.daemon.process.wait(timeout=60), 0)


class Shutdown(Console):
    """Each test has a daemon of its own, and ends it."""
    def setUp(self):
        super().setUp()
        self.revive()

    def ended(self):
        self.assertEqual(self.daemon.process.wait(timeout=60), 0, self.daemon.log())

    def is_deaf(self):
        """Nobody listens any more."""
        try:
            socket.create_connection((wire.HOST, wire.PORT)).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            pass  # right then
        return False

    def test_now(self):
        """What runs waits for a lock that an idle one has."""
        console, idle, busy = self.console(), self.connect("shop~a"), self.connect("shop~a")
        self.run_sql(idle, "SELECT pg_advisory_lock(1)")
        self.run_sql(busy, "SET lock_timeout = 0")
        busy.send(query("SELECT pg_advisory_lock(1), 'done'"))
        self.eventually(lambda: self.wait_event(idle, busy) == "Lock advisory", "it does not wait")
        console.send(query("SHUTDOWN"))
        self.assertEqual([k for k, _ in console.until("Z")], ["C", "Z"])
        self.assertEqual(self.last_words(console)["C"], "57P01")
        self.assertEqual(self.last_words(idle)["C"], "57P01")
        got = busy.until("Z")
        self.assertEqual("".join(k for k, _ in got), "TDCZ")  # it had the time
        self.assertEqual(self.last_words(busy)["C"], "57P01")
        self.ended()

    def test_a_signal_behind_it_ends_the_grace(self):
        console, other, busy = self.console(), self.console(), self.connect("shop")
        busy.send(query(database_test.ENDLESS))
        console.send(query("SHUTDOWN"))
        for w in (console, other):
            w.until("end of the stream")
        self.daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.last_words(busy)["C"], "57P01")
        self.ended()

    def test_when_all_have_left(self):
        console, w = self.console(), self.connect("shop")
        self.run_sql(console, "shutdown wait_for_clients;")
        self.eventually(self.is_deaf, "somebody listens")
        self.assertEqual(self.fails(console, "SHUTDOWN WAIT_FOR_CLIENTS", "55000")["M"], "already shutting down")
        self.run_sql(w, "SELECT 1")
        self.assertIsNone(self.daemon.process.poll())
        self.leave(console)
        self.run_sql(w, "SELECT 1")
        self.assertIsNone(self.daemon.process.poll())
        self.leave(w)
        self.ended()

    def test_the_waiting_ends(self):
        console, w = self.console(), self.connect("shop~w")
        self.run_sql(console, "SHUTDOWN WAIT_FOR_CLIENTS")
        self.run_sql(console, "SHUTDOWN")
        self.assertEqual(self.last_words(w)["C"], "57P01")
        self.ended()

    def test_not_by_others_nor_in_other_words(self):
        looker, console = self.console("looker"), self.console()
        self.fails(looker, "SHUTDOWN", "42501")
        self.fails(console, "SHUTDOWN now", "08P01")
        self.fails(console, "SHUTDOWN WAIT_FOR_CLIENTS x", "08P01")
        for w in (looker, console):
            self.leave(w)


@unittest.skipUnless(os.path.exists(PGBOUNCER), "PgBouncer is missing")
class Same(Console):
    """As PgBouncer 1.18 has it."""
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="pond-bouncer.")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        with open(cls.folder + "/ini", "w", encoding="utf-8") as file:
            file.write(PGBOUNCER_INI.format(folder=cls.folder))
        command = [PGBOUNCER, "-q", cls.folder + "/ini"]
        if os.getuid() == 0:  # it refuses to be root
            subprocess.run(["chown", "-R", "postgres", cls.folder], check=True)
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"] + command
        bouncer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.addClassCleanup(lambda: (bouncer.terminate(), bouncer.wait(timeout=60)))
        end = time.monotonic() + wire.PATIENCE
        while not cls.listens():
            assert bouncer.poll() is None and time.monotonic() < end, "PgBouncer did not start"
            time.sleep(0.01)

    @classmethod
    def listens(cls):
        try:
            over_unix(cls.folder, 6432).socket.close()
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

    def bouncer(self):
        w = over_unix(self.folder, 6432)
        self.addCleanup(w.socket.close)
        w.send(wire.startup(user="boss", database="pgbouncer"))
        return self.greet(w)

    def test_columns(self):
        ours, theirs = self.console(), self.bouncer()
        for what in ("POOLS", "DATABASES", "CLIENTS", "SERVERS", "LISTS", "CONFIG", "VERSION", "STATS", "STATS_TOTALS",
                     "STATS_AVERAGES"):
            mine, yours = (w.ask(query("SHOW " + what)) for w in (ours, theirs))
            self.assertEqual(columns(mine[1]), columns(yours[1]), what)
            self.assertEqual(dict(mine[1])["C"], dict(yours[1])["C"], what)
        mine, yours = (columns(w.ask(query("SHOW MEM"))[1]) for w in (ours, theirs))
        self.assertEqual(mine, yours[:-1] + [("memtotal", INT8)])  # of more than 2 GB, too
        self.leave(ours)

    def test_lists(self):
        ours, theirs = self.console(), self.bouncer()
        mine, yours = ([r[0] for r in self.run_sql(w, "SHOW LISTS")] for w in (ours, theirs))
        self.assertEqual(mine, yours)
        self.leave(ours)

    def test_errors(self):
        ours, theirs = self.console(), self.bouncer()
        for text in ("SHOW nothing", "nothing", "SHOW POOLS; SHOW POOLS", "SHOW POOLS x", "SELECT 1", "show 'version'"):
            mine, yours = (w.error(query(text))[0] for w in (ours, theirs))
            self.assertEqual({k: mine[k] for k in "SCM"}, {k: yours[k] for k in "SCM"}, text)
        self.leave(ours)


if __name__ == "__main__":
    sys.exit(database_test.main())
