"""Reload: the configuration file read anew, by SIGHUP and by RELOAD in the console, while clients are there; and SET."""
import os
import signal
import sys
import threading

import database_test
import wire
from database_test import ENDLESS, Test
from wire import Wire, query

POND = "admin_users = boss\nstats_users = looker\nloops = 4\n"
SHOP = "[database shop]\nseed = shop.sql\nmin_pool_size = 1\n"
WHAT = "SELECT v FROM t"


def seed(value):
    return "CREATE TABLE t (v int);\nINSERT INTO t VALUES (%s);\n" % value


class Reload(Test):
    """Each test begins with POND and SHOP in the file, and with 1 in the table of shop's seed."""
    conf = POND + SHOP

    @classmethod
    def prepare(cls, folder):
        cls.folder = folder
        cls.write("shop.sql", seed(1))

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    @classmethod
    def write(cls, name, text):
        """A whole new file, as editors do it."""
        with open(cls.path("new"), "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(cls.path("new"), cls.path(name))

    def conf_is(self, text):
        self.write("pond.conf", "[pond]\n" + text)

    def setUp(self):
        super().setUp()
        self.write("shop.sql", seed(1))
        self.conf_is(POND + SHOP)
        self.boss = self.connect("pond", user="boss")
        self.addCleanup(self.leave_console)
        self.reload()

    def leave_console(self):
        if self.boss is not None and self.daemon.process.poll() is None:
            self.leave(self.boss)

    def reload(self):
        """The messages of its notices."""
        types, got = self.boss.ask(query("RELOAD"))
        self.assertEqual(types.replace("N", ""), "CZ", [wire.fields(b) for k, b in got if k == "E"])
        self.assertEqual(dict(got)["C"], b"RELOAD\0")
        return [wire.fields(b)["M"] for k, b in got if k == "N"]

    def by_signal(self):
        self.daemon.signal(signal.SIGHUP, "LOG: reloaded ")

    def show(self, what):
        return self.run_sql(self.boss, "SHOW " + what)

    def config(self, name):
        return next(row for row in self.show("CONFIG") if row[0] == name)[1]

    def databases(self):
        return {row[0]: row for row in self.show("DATABASES")}

    def value(self, database="shop"):
        """What the seed says to one who connects now."""
        return int(self.once(database, WHAT)[0][0])

    def refusal(self, database):
        return self.refused(database)["C"]


class Templates(Reload):
    def test_who_is_there_keeps_what_he_has(self):
        private, named, other = self.connect("shop"), self.connect("shop~a"), self.connect("shop")
        self.run_sql(private, "UPDATE t SET v = v + 100")
        self.run_sql(named, "UPDATE t SET v = v + 200")
        self.run_sql(other, "BEGIN; INSERT INTO t VALUES (7)")
        for value, reload in ((2, self.reload), (3, self.by_signal)):
            self.write("shop.sql", seed(value))
            reload()
            for _ in range(10):  # every loop's warm ones, too
                self.assertEqual(self.value(), value)
            self.assertEqual(self.run_sql(private, WHAT), [("101", )])
            self.assertEqual(self.run_sql(named, WHAT), [("201", )])
            self.assertEqual(self.run_sql(other, WHAT), [("1", ), ("7", )])
            self.assertEqual(self.value("shop~a"), 201)
            self.assertEqual(self.value("shop~b"), value)
        self.run_sql(other, "ROLLBACK")
        self.run_sql(private, "SELECT pond_reset()")
        self.assertEqual(self.run_sql(private, WHAT), [("1", )])
        for w in (private, named, other):
            self.leave(w)
        self.assertEqual(self.value("shop~a"), 3)

    def test_clones_that_last_keep_what_they_have(self):
        w = self.connect("shop")
        self.run_sql(w, "CREATE DATABASE mine TEMPLATE shop")
        self.write("shop.sql", seed(2))
        self.reload()
        self.run_sql(w, "CREATE DATABASE yours TEMPLATE shop")
        self.assertEqual((self.value("mine"), self.value("yours")), (1, 2))
        for name in ("mine", "yours"):
            self.run_sql(w, "DROP DATABASE " + name)
        self.leave(w)

    def test_sessions_of_the_old_one_are_not_kept(self):
        """min_pool_size of the new one are made ahead instead of them."""
        loops = int(self.daemon.statistics()["loops"])
        self.daemon.until(sessions_idle=loops)
        clients = [self.connect("shop") for _ in range(8)]
        self.write("shop.sql", seed(2))
        self.reload()
        for w in clients:
            self.leave(w)
        self.daemon.until(sessions=0, sessions_idle=loops)
        self.assertEqual(self.value(), 2)

    def test_a_database_without_a_seed_is_not_made_anew(self):
        self.conf_is(POND + SHOP + "[database empty]\nmin_pool_size = 1\n")
        self.reload()
        loops = int(self.daemon.statistics()["loops"])
        self.daemon.until(sessions_idle=2 * loops)
        self.conf_is(POND + SHOP.replace("min_pool_size = 1", "") + "[database empty]\nmin_pool_size = 1\n")
        self.reload()
        before = self.daemon.until(sessions_idle=loops)["sessions_created"]
        self.reload()
        self.assertEqual(self.daemon.statistics()["sessions_created"], before)
        self.once("empty", "CREATE TABLE x (i int)")

    def test_a_seed_that_was_an_empty_one(self):
        self.conf_is(POND + "[database shop]\n")
        self.reload()
        w = self.connect("shop")
        self.fails(w, WHAT, "42P01")
        self.conf_is(POND + SHOP)
        self.reload()
        self.assertEqual(self.value(), 1)
        self.fails(w, WHAT, "42P01")
        self.leave(w)

    def test_under_load_nobody_is_dropped(self):
        """Who connects when a reload is done has what it brought; nobody sees two states in one connection."""
        done, last = threading.Event(), [1]
        seen = set()

        def client(number):
            rounds, through = 0, False
            while not through or rounds < 3:
                through = done.is_set()  # so that the last round has what the last reload brought
                least = last[0]
                with Wire("shop" if number % 3 else "shop~%d" % number) as w:
                    assert w.key is not None, w.greeting
                    values = set()
                    for _ in range(5):
                        types, got = w.ask(query(WHAT))
                        assert types == "TDCZ", (types, got)
                        values.add(int(wire.values(got[1][1])[0]))
                    self.leave(w)
                assert len(values) == 1, values
                value = values.pop()
                assert value >= least, (value, least)  # another loop may be a moment ahead of the last reload that is done
                rounds += 1
                seen.add(value)

        problems = []

        def guarded(number):
            try:
                client(number)
            except BaseException as problem:  # pylint: disable=broad-except
                problems.append(problem)

        threads = [threading.Thread(target=guarded, args=(n, )) for n in range(8)]
        for thread in threads:
            thread.start()
        for value in range(2, 22):
            self.write("shop.sql", seed(value))
            (self.by_signal if value % 2 else self.reload)()
            last[0] = value
        done.set()
        for thread in threads:
            thread.join(120)
            self.assertFalse(thread.is_alive())
        self.assertEqual(problems, [])
        self.assertIn(21, seen)


class Options(Reload):
    def test_those_of_a_database_are_for_new_sessions(self):
        old = self.connect("shop")
        self.conf_is(POND + SHOP + "statement_timeout = 77s\nmax_marks = 1\nwork_mem = 1MB\n")
        self.reload()
        new = self.connect("shop")
        for name, before, after in (("statement_timeout", "0", "77s"), ("work_mem", "4MB", "1MB")):
            self.assertEqual((self.run_sql(old, "SHOW " + name), self.run_sql(new, "SHOW " + name)), ([(before, )], [(after, )]))
        self.run_sql(new, "SELECT pond_mark('a')")
        self.fails(new, "SELECT pond_mark('b')", "53400")
        for w in (old, new):
            self.leave(w)

    def test_a_larger_pool_lets_in_who_waits(self):
        self.conf_is(POND + SHOP + "pool_size = 1\n")
        self.reload()
        first, second = self.connect("shop"), self.start("shop")
        self.daemon.until(waiting=1)
        self.conf_is(POND + SHOP + "pool_size = 2\n")
        self.reload()
        self.greet(second)
        self.assertEqual(self.databases()["shop"][5], "2")
        for w in (first, second):
            self.leave(w)

    def test_limits_of_the_daemon(self):
        for line in ("max_db_connections = 1\n", "max_user_connections = 1\n"):
            self.conf_is(POND + line + SHOP + "max_waiters = 0\n")
            self.reload()
            w = self.connect("shop")
            self.assertEqual(self.refusal("shop"), "53300")
            self.conf_is(POND + SHOP)
            self.reload()
            self.leave(self.connect("shop"))
            self.leave(w)
        self.conf_is(POND + "max_client_conn = 1\n" + SHOP)
        self.reload()
        self.assertEqual(self.refusal("shop"), "53300")
        self.conf_is(POND + "max_clones = 1\n" + SHOP)
        self.reload()
        w = self.connect("shop~a")
        self.assertEqual(self.refusal("shop~b"), "53400")
        self.leave(w)

    def test_what_is_logged(self):
        w = self.connect("shop")
        self.run_sql(w, "SELECT 'not this'")
        self.conf_is(POND + "log_statement = all\nlog_connections = on\n" + SHOP)
        self.reload()
        self.run_sql(w, "SELECT 'but this'")
        self.leave(self.connect("shop", user="somebody"))
        log = self.daemon.log()
        self.assertNotIn("not this", log)
        self.assertIn("SELECT 'but this'", log)
        self.assertIn("user=somebody", log)
        self.leave(w)

    def test_users_of_the_console(self):
        self.conf_is(POND.replace("boss", "chief") + SHOP)
        self.reload()  # who is there keeps what he has
        self.assertEqual(self.refused("pond", user="boss")["C"], "42501")
        self.leave(self.connect("pond", user="chief"))
        self.conf_is(POND + SHOP)
        self.reload()

    def test_time_outs_of_clients(self):
        w = self.connect("shop")
        self.conf_is(POND + "client_idle_timeout = 50ms\n" + SHOP)
        self.reload()
        self.run_sql(w, "SELECT 1")
        self.assertEqual(self.last_words(w)["C"], "57P05")
        self.assertEqual(self.last_words(self.boss)["C"], "57P05")
        self.boss = None
        self.conf_is(POND + SHOP)
        self.by_signal()

    def test_what_needs_a_restart_is_told_and_stays(self):
        before = {row[0]: row for row in self.show("CONFIG")}
        changed = POND.replace("loops = 4", "loops = 2") + "listen_addr = *\ntemp_dir = /nowhere\nmax_packet_size = 1MB\n"
        wanted = ["parameter \"%s\" cannot be changed without restarting pondd" % name
                  for name in ("listen_addr", "loops", "temp_dir")]
        if "loops" in " ".join(wire.pondd_options()):
            wanted.pop(1)  # the command line has the last word
        self.conf_is(changed + SHOP)
        self.assertEqual(self.reload(), wanted)
        for message in wanted:
            self.assertIn("LOG: %s\n" % message, self.daemon.log())
        after = {row[0]: row for row in self.show("CONFIG")}
        self.assertEqual({name for name in after if after[name] != before[name]}, {"max_packet_size"})
        self.conf_is(POND + SHOP)
        self.assertEqual(self.reload(), [])


class Databases(Reload):
    OTHER = "[database other]\nseed = other.sql\nmin_pool_size = 1\n"

    def setUp(self):
        super().setUp()
        self.write("other.sql", seed(50))

    def oid(self, name):
        return self.once("postgres", "SELECT oid FROM pg_database WHERE datname = '%s'" % name)

    def test_a_new_one(self):
        self.assertEqual(self.refusal("other"), "3D000")
        self.eventually(lambda: "other" not in [row[0] for row in self.show("STATS")], "it is there already")
        self.conf_is(POND + SHOP + self.OTHER)
        self.reload()
        before = {row[0]: int(row[2]) for row in self.show("STATS_TOTALS")}
        self.assertEqual((self.value("other"), self.value("other~x"), self.value("shop")), (50, 50, 1))
        after = {row[0]: int(row[2]) for row in self.show("STATS_TOTALS")}
        self.assertEqual({name: after[name] - before[name] for name in ("other", "shop")}, {"other": 2, "shop": 1})
        self.assertEqual(len(self.oid("other")), 1)

    def test_one_that_is_gone(self):
        self.conf_is(POND + SHOP + self.OTHER)
        self.reload()
        oid = self.oid("other")
        private, named = self.connect("other"), self.connect("other~x")
        self.run_sql(private, "CREATE DATABASE mine TEMPLATE other")
        self.run_sql(private, "SELECT pond_template('built', 'other'), pond_template_ready('built')")
        self.conf_is(POND + SHOP)
        self.reload()
        for name in ("other", "other~y"):
            self.assertEqual(self.refusal(name), "3D000")
        self.fails(private, "CREATE DATABASE more TEMPLATE other", "3D000")
        self.assertEqual(self.oid("other"), [])
        self.assertEqual(self.run_sql(private, WHAT), [("50", )])
        for name in ("other~x", "mine", "built"):
            self.assertEqual(self.value(name), 50, name)
        self.assertEqual(self.databases()["other"][-1], "1")  # disabled
        self.run_sql(private, "ALTER DATABASE built IS_TEMPLATE false")
        for name in ("mine", "built"):
            self.run_sql(private, "DROP DATABASE " + name)
        self.leave(private)
        self.leave(named)
        self.eventually(lambda: "other" not in self.databases(), "it is still there")

        self.write("other.sql", seed(51))
        self.conf_is(POND + SHOP + self.OTHER)
        self.reload()
        self.assertEqual((self.value("other"), self.databases()["other"][-1]), (51, "0"))
        self.assertEqual(self.oid("other"), oid)

    def test_who_waits_for_one_that_goes(self):
        self.conf_is(POND + SHOP + self.OTHER + "pool_size = 1\n")
        self.reload()
        first, second = self.connect("other"), self.start("other")
        self.daemon.until(waiting=1)
        self.conf_is(POND + SHOP)
        self.reload()
        self.leave(first)
        self.assertEqual(self.last_words(second)["C"], "3D000")

    def test_pause_goes_on(self):
        self.run_sql(self.boss, "PAUSE shop")
        waiting = self.start("shop")
        self.daemon.until(waiting=1)
        self.write("shop.sql", seed(2))
        self.reload()
        self.assertEqual(self.databases()["shop"][-2], "1")
        self.run_sql(self.boss, "RESUME shop")
        self.greet(waiting)
        self.assertEqual(self.run_sql(waiting, WHAT), [("2", )])
        self.leave(waiting)

    def test_a_name_that_a_clone_has(self):
        w = self.connect("shop")
        self.run_sql(w, "CREATE DATABASE other")
        self.conf_is(POND + "max_packet_size = 1MB\n" + SHOP + self.OTHER)
        error = self.fails(self.boss, "RELOAD", "42P04")
        self.assertEqual(error["M"], 'database "other" already exists')
        self.assertEqual(self.config("max_packet_size"), "16MB")
        self.run_sql(w, "ALTER DATABASE other RENAME TO another")
        self.reload()
        self.assertEqual(self.value("other"), 50)
        self.fails(w, "ALTER DATABASE another RENAME TO other", "42P04")
        self.fails(w, "CREATE DATABASE other", "42P04")
        self.run_sql(w, "DROP DATABASE another")
        self.leave(w)


class Durable(Reload):
    KEPT = "[database kept]\nfile = kept.db\nseed = shop.sql\n"
    conf = POND + SHOP + KEPT

    def stays(self, text, *notices):
        self.conf_is(text)
        self.assertEqual(self.reload(), list(notices))
        for notice in notices:
            self.assertIn("LOG: %s\n" % notice, self.daemon.log())

    def test_it_keeps_what_it_holds(self):
        w = self.connect("kept")
        self.run_sql(w, "UPDATE t SET v = 7")
        self.run_sql(w, "BEGIN; UPDATE t SET v = 8")
        self.write("shop.sql", seed(2))
        self.stays(POND + SHOP + self.KEPT + "statement_timeout = 77s\nmin_pool_size = 3\npool_size = 20\n")
        self.assertEqual(self.once("kept", WHAT), [("7", )])
        self.assertEqual(self.once("kept", "SHOW statement_timeout"), [("77s", )])
        self.run_sql(w, "COMMIT")
        self.assertEqual(self.value("kept"), 8)
        self.assertEqual((self.value("kept~x"), self.value()), (8, 2))
        self.assertEqual(self.run_sql(w, "SHOW statement_timeout"), [("0", )])
        self.assertEqual(self.databases()["kept"][5], "20")
        self.run_sql(w, "UPDATE t SET v = 1")
        self.leave(w)

    def test_it_does_not_go(self):
        notice = 'durable database "kept" cannot come or go without restarting pondd'
        self.stays(POND + SHOP, notice)
        self.stays(POND + SHOP, notice)
        self.assertEqual(self.value("kept"), 1)
        self.stays(POND + SHOP + self.KEPT)

    def test_another_does_not_come(self):
        self.stays(POND + SHOP + self.KEPT + "[database more]\nfile = more.db\n",
                   'durable database "more" cannot come or go without restarting pondd')
        self.assertEqual(self.refusal("more"), "3D000")
        self.assertFalse(os.path.exists(self.path("more.db")))

    def test_its_file_does_not_change(self):
        parameter = 'parameter "%s" of database "%s" cannot be changed without restarting pondd'
        self.stays(POND + SHOP + "file = shop.db\n[database kept]\nsynchronous = off\n",
                   parameter % ("file", "shop"), parameter % ("file", "kept"), parameter % ("synchronous", "kept"))
        self.assertEqual((self.value("kept"), self.value()), (1, 1))
        self.assertFalse(os.path.exists(self.path("shop.db")))


class Refused(Reload):
    """Everything stays as it was, and it is told why: by RELOAD, and in the log."""
    def state(self):
        databases = [row[:10] + row[11:] for row in self.show("DATABASES")]  # without current_connections: some are being made
        return (self.show("CONFIG"), databases, self.show("TEMPLATES"), self.value(), self.value("shop~new"))

    def refuses(self, sqlstate, *words):
        before, was = self.state(), len(self.daemon.log())
        error = self.fails(self.boss, "RELOAD", sqlstate)
        for word in words:
            self.assertIn(word, error["M"])
        self.daemon.signal(signal.SIGHUP, "ERROR: cannot reload, everything stays as it is: %s %s" % (sqlstate, error["M"]))
        self.assertGreaterEqual(self.daemon.log()[was:].count("cannot reload"), 2)
        self.assertEqual(self.state(), before)


class Broken(Refused):
    def test_files(self):
        conf = self.path("pond.conf")
        for text, *words in (
                ("log_connections = on\nnonsense\n" + SHOP, conf + ":3:", "expected"),
                ("log_connections = on\nlog_statment = all\n" + SHOP, conf + ":3:", "did you mean log_statement?"),
                ("log_connections = on\nmax_client_conn = 0\n" + SHOP, conf + ":3:", "max_client_conn", "not \"0\""),
                ("log_connections = on\nloops = none\n" + SHOP, conf + ":3:", "loops"),
                ("log_connections = on\n[database shop\n", conf + ":3:", "\"]\""),
                ("log_connections = on\n" + SHOP + SHOP, conf + ":6:", "second section"),
                ("log_connections = on\n" + SHOP + "pool_size = x\n", conf + ":6:", "pool_size"),
                ("log_connections = on\n", "at least one [database NAME]"),
                ("log_connections = on\n" + "x" * 2000, "longer than 1024"),
                ("log_connections = on\n" + SHOP + "seed = a\n", conf + ":6:", "given before")):
            with self.subTest(text):
                self.conf_is(text)
                self.refuses("F0000", *words)

    def test_no_file(self):
        os.rename(self.path("pond.conf"), self.path("away"))
        self.refuses("58P01", self.path("pond.conf"), "No such file")
        os.mkdir(self.path("pond.conf"))
        self.refuses("58030", self.path("pond.conf"), "directory")
        os.rmdir(self.path("pond.conf"))

    def test_seeds(self):
        """The first database's was good: it is not used either."""
        path = self.path("bad.sql")
        self.write("shop.sql", seed(2))
        self.conf_is("admin_users = nobody\nlog_connections = on\n" + SHOP + "[database bad]\nseed = bad.sql\n")
        self.refuses("58P01", path + ": No such file")
        for text, sqlstate, *words in (
                ("SELECT 1;\n\nSELEC 2;\n", "42601", path + ":3:", "syntax error"),
                ("CREATE TABLE a (i int);\nINSERT INTO b VALUES (1);\n", "42P01", path + ":2:", '"b"'),
                ("CREATE TABLE a (i int PRIMARY KEY);\nINSERT INTO a VALUES (1), (1);\n", "23505", path + ":2:"),
                ("BEGIN;\nCREATE TABLE a (i int);\n", "25000", path, "expected COMMIT"),
                ("SQLite format 3\0" + "x" * 100, "58030", path)):
            with self.subTest(text):
                self.write("bad.sql", text)
                self.refuses(sqlstate, *words)
        os.remove(path)

    def test_no_memory(self):
        """The new seed needs more than memory_limit has left; who is there goes on."""
        limit = "memory_limit = %dkB\n" % (int(self.daemon.statistics()["memory"]) // 1024 + 20000)
        self.conf_is(POND + limit + SHOP)
        self.reload()
        w = self.connect("shop")
        self.write("shop.sql", "CREATE TABLE t AS SELECT i AS v FROM generate_series(1, 100) i ORDER BY repeat('x', 1000000);\n")
        self.refuses("53200", self.path("shop.sql") + ":1:", "memory")
        self.assertEqual(self.run_sql(w, WHAT), [("1", )])
        self.leave(w)
        self.write("shop.sql", seed(2))
        self.reload()
        self.assertEqual(self.value(), 2)


class Overrides(Refused):
    options = ("database.shop.statement_timeout=5s", )

    def test_the_command_line_wins(self):
        self.conf_is(POND + "listen_port = 1\nunix_socket_dir = /nowhere\n" + SHOP + "statement_timeout = 1s\n")
        self.assertEqual(self.reload(), [])
        self.assertEqual(self.once("shop", "SHOW statement_timeout"), [("5s", )])

    def test_one_of_a_section_that_is_not_there(self):
        self.conf_is(POND + "[database other]\n")
        self.refuses("F0000", "-o database.shop.statement_timeout=5s", "no section [database shop]")


class Slow(Reload):
    """A seed from a pipe comes when the test wants it to."""
    def setUp(self):
        super().setUp()
        os.mkfifo(self.path("pipe.sql"))
        self.addCleanup(os.remove, self.path("pipe.sql"))

    def begin_reload(self, w=None):
        """It is at the seed then, as the pipe has a reader."""
        self.conf_is(POND + "log_connections = on\n" + SHOP.replace("shop.sql", "pipe.sql"))
        (w or self.boss).send(query("RELOAD"))
        return open(self.path("pipe.sql"), "w", encoding="utf-8")

    def finish(self, pipe, text):
        pipe.write(text)
        pipe.close()

    def ends(self, w):
        got = w.until("Z")
        return [wire.fields(b)["C"] if k == "E" else k for k, b in got if k != "N"]

    def second(self):
        w = self.connect("pond", user="boss")
        w.send(query("RELOAD"))
        return w

    def until_asked(self, number):
        self.eventually(lambda: self.daemon.log().count("user=boss RELOAD") == number, "it has not come")


class Turns(Slow):
    def test_nobody_waits_for_a_reload(self):
        with self.begin_reload() as pipe:
            clients = [self.connect("shop") for _ in range(12)]  # on every loop
            for w in clients:
                self.assertEqual(self.run_sql(w, WHAT), [("1", )])
                self.leave(w)
            self.finish(pipe, seed(2))
        self.assertEqual(self.ends(self.boss), ["C", "Z"])
        self.assertEqual(self.value(), 2)

    def test_the_second_waits_for_the_first(self):
        asked = self.daemon.log().count("user=boss RELOAD")
        with self.begin_reload() as pipe:
            other, third = self.second(), self.connect("pond", user="boss")
            third.send(query("SET log_connections = off"))
            self.until_asked(asked + 2)
            self.eventually(lambda: "user=boss SET" in self.daemon.log(), "it has not come")
            self.conf_is(POND + SHOP)
            self.finish(pipe, seed(2))
        for w in (self.boss, other, third):
            self.assertEqual(self.ends(w), ["C", "Z"])
        self.assertEqual(self.value(), 1)
        self.assertEqual(self.config("log_connections"), "off")
        for w in (other, third):
            self.leave(w)

    def test_one_who_waits_may_go(self):
        asked = self.daemon.log().count("user=boss RELOAD")
        with self.begin_reload() as pipe:
            cancelled, gone = self.second(), self.second()
            self.until_asked(asked + 3)
            self.cancel(cancelled)
            self.assertEqual(self.ends(cancelled), ["57014", "Z"])
            self.hang_up(gone)
            self.eventually(lambda: int(self.daemon.statistics()["connections"]) == 2, "he is still there")
            self.finish(pipe, seed(2))
        self.assertEqual(self.ends(self.boss), ["C", "Z"])
        self.leave(cancelled)

    def test_its_client_hangs_up(self):
        """It is done nevertheless."""
        w = self.connect("pond", user="boss")
        before = self.daemon.log().count("LOG: reloaded")
        with self.begin_reload(w) as pipe:
            self.hang_up(w, reset=True)
            self.finish(pipe, seed(2))
        self.eventually(lambda: self.daemon.log().count("LOG: reloaded") > before, "it was not done")
        self.assertEqual(self.value(), 2)

    def test_many_signals_are_one_more_reload(self):
        before = self.daemon.log().count("LOG: reloaded")
        self.conf_is(POND + SHOP.replace("shop.sql", "pipe.sql"))
        self.daemon.signal(signal.SIGHUP, "LOG: Hangup")
        with open(self.path("pipe.sql"), "w", encoding="utf-8") as pipe:
            for _ in range(3):
                self.daemon.signal(signal.SIGHUP, "LOG: Hangup")
            self.conf_is(POND + SHOP)
            self.finish(pipe, seed(2))
        self.eventually(lambda: self.daemon.log().count("LOG: reloaded") == before + 2, "they are lost")
        self.reload()
        self.assertEqual(self.daemon.log().count("LOG: reloaded"), before + 3)
        self.assertEqual(self.value(), 1)


class AtTheEnd(Slow):
    """Each test ends the daemon."""
    def setUp(self):
        self.revive()
        super().setUp()

    def ended(self):
        self.assertEqual(self.daemon.process.wait(timeout=60), 0, self.daemon.log())

    def test_a_reload_while_it_stops_is_refused(self):
        other = self.connect("pond", user="boss")
        client = self.connect("shop")
        self.run_sql(other, "SHUTDOWN WAIT_FOR_CLIENTS")
        error = self.fails(self.boss, "RELOAD", "57P03")
        self.assertEqual(error["M"], "the database system is shutting down")
        self.fails(self.boss, "SET log_connections = on", "57P03")
        self.daemon.signal(signal.SIGHUP, "LOG: no reload: pondd stops")
        for w in (client, other, self.boss):
            self.leave(w)
        self.ended()

    def stop_ends(self, pipe):
        with pipe:
            self.finish(pipe, "CREATE TABLE t AS %s;\n" % ENDLESS)
        self.daemon.terminate()
        self.ended()
        self.assertIn("ERROR: cannot reload, everything stays as it is: 57P01", self.daemon.log())

    def test_a_stop_ends_a_reload(self):
        self.stop_ends(self.begin_reload())

    def test_a_stop_ends_a_signals_reload(self):
        self.conf_is(POND + SHOP.replace("shop.sql", "pipe.sql"))
        self.daemon.signal(signal.SIGHUP, "LOG: Hangup")
        self.stop_ends(open(self.path("pipe.sql"), "w", encoding="utf-8"))

    def test_one_who_waits_is_sent_away(self):
        asked = self.daemon.log().count("user=boss RELOAD")
        with self.begin_reload() as pipe:
            other = self.second()
            self.until_asked(asked + 2)
            self.daemon.terminate()
            self.assertEqual(self.last_words(other)["C"], "57P01")
            self.finish(pipe, seed(2))
        self.ended()


class Set(Reload):
    NEEDS_RESTART = {"http_listen", "listen_addr", "listen_port", "unix_socket_dir", "loops", "temp_dir"}
    IN_THE_FILE = {"auth_type", "auth_file", "auth_hba_file"}  # who gets in: all of it at once, by a reload
    VALUES = {"off": "on", "on": "off", "none": "all", "": "'boss, somebody'", "-1": "1h",
              "secure": "'tlsv1.3'"}

    def test_changeable_tells_the_truth(self):
        for name, value, _, changeable in self.show("CONFIG"):
            if name in self.NEEDS_RESTART:
                self.assertEqual(changeable, "no", name)
                error = self.fails(self.boss, "SET %s = '%s'" % (name, value), "55P02")
                self.assertEqual(error["M"], 'parameter "%s" cannot be changed without restarting pondd' % name)
                continue
            if name in self.IN_THE_FILE:
                self.assertEqual(changeable, "no", name)
                self.fails(self.boss, "SET %s = '%s'" % (name, value), "55P02")
                continue
            self.assertEqual(changeable, "yes", name)
            if name == "client_tls_sslmode":  # it needs files, and tells so
                self.assertIn("client_tls_cert_file", self.fails(self.boss, "SET %s = allow" % name, "F0000")["M"])
                continue
            new = self.VALUES.get(value, {"time_slice": "3ms", "client_login_timeout": "2min", "shutdown_grace": "7s", "auth_delay": "2s"}.get(
                name, "'boss, x'" if name.endswith("_users") else "64MB" if value.endswith("B") else "10000000"))
            new = "900" if name.startswith("max_") and new == "10000000" else new
            new = "2h" if name.endswith("_timeout") and value == "0" else new
            self.assertEqual(self.boss.ask(query("SET %s = %s" % (name, new)))[0], "CZ", (name, new))
            self.assertNotEqual(self.config(name), value, name)
        self.reload()
        for name, value, preset, _ in self.show("CONFIG"):
            if name not in self.NEEDS_RESTART | self.IN_THE_FILE and not name.endswith("_users"):
                self.assertEqual(value, preset, name)

    def test_until_the_next_reload(self):
        types, got = self.boss.ask(query("SET log_statement = 'mod'"))
        self.assertEqual((types, dict(got)["C"]), ("CZ", b"SET\0"))
        self.assertEqual(self.config("log_statement"), "mod")
        self.assertEqual(self.run_sql(self.boss, "SET log_min_duration_statement TO 5s;"), [])
        self.assertEqual(self.config("log_min_duration_statement"), "5s")
        self.assertEqual(self.config("log_statement"), "mod")
        self.by_signal()
        self.assertEqual((self.config("log_statement"), self.config("log_min_duration_statement")), ("none", "-1"))

    def test_on_every_loop(self):
        clients = [self.connect("shop") for _ in range(12)]
        self.run_sql(self.boss, "SET log_statement = all")
        for n, w in enumerate(clients):
            self.run_sql(w, "SELECT 'client %d'" % n)
        log = self.daemon.log()
        for n, w in enumerate(clients):
            self.assertIn("SELECT 'client %d'" % n, log)
            self.leave(w)

    def test_mistakes(self):
        for text, sqlstate, word in (("SET max_client_con = 1", "42704", "did you mean max_client_conn?"),
                                     ("SET pool_size = 1", "42704", "[database NAME]"),
                                     ("SET max_client_conn = 0", "22023", "from 1 to 1000000"),
                                     ("SET log_statement = most", "22023", "none, ddl, mod, all"),
                                     ("SET log_statement", "08P01", "invalid command"),
                                     ("SET log_statement = all; SHOW VERSION", "08P01", "invalid command")):
            self.assertIn(word, self.fails(self.boss, text, sqlstate)["M"])
        self.assertEqual(self.config("log_statement"), "none")

    def test_not_by_others(self):
        w = self.connect("pond", user="looker")
        for text in ("SET log_statement = all", "RELOAD"):
            self.fails(w, text, "42501")
        self.fails(self.boss, "RELOAD now", "08P01")
        self.leave(w)


if __name__ == "__main__":
    sys.exit(database_test.main())
