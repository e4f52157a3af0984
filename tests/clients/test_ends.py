"""Clients that go, and databases that are dropped or replaced, while something is under way."""
import signal
import socket

import database_test
import wire
from database_test import Test
from wire import query


class Hangups(Test):
    def activity(self, admin, w):
        return self.run_sql(admin, "SELECT state FROM pg_stat_activity WHERE pid = %d" % w.pid)

    def send_ahead(self, admin, w):
        """And that has been seen: each list asks its loop, which looks at what has come."""
        w.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        w.send(query("SELECT 1"))
        for _ in range(3):
            self.activity(admin, w)

    def test_one_who_has_sent_ahead_and_hangs_up_waits_no_more(self):
        admin, holder, waiting = self.connect("postgres"), self.connect("shop~a"), self.connect("shop~a")
        self.run_sql(holder, "BEGIN; UPDATE customers SET vip = true")
        self.run_sql(waiting, "SET lock_timeout = 0")
        waiting.send(query("UPDATE customers SET vip = false"))
        self.until_it_waits(waiting)
        self.send_ahead(admin, waiting)
        self.hang_up(waiting)
        self.eventually(lambda: self.activity(admin, waiting) == [], "it waits for ever")
        self.run_sql(holder, "COMMIT")
        for w in (admin, holder):
            self.leave(w)

    def test_the_same_for_one_who_waits_for_a_template(self):
        admin, builder, waiting = (self.connect("postgres") for _ in range(3))
        self.assertEqual(self.run_sql(builder, "SELECT pond_template('ahead')"), [("t",)])
        waiting.send(query("SELECT pond_template('ahead')"))
        self.until_it_runs(waiting)
        self.send_ahead(admin, waiting)
        self.hang_up(waiting)
        self.eventually(lambda: self.activity(admin, waiting) == [], "it waits for ever")
        self.run_sql(builder, "SELECT pond_template_failed('ahead')")
        for w in (admin, builder):
            self.leave(w)


class Templates(Test):
    def test_a_private_copy_says_what_it_is_a_copy_of(self):
        w = self.connect("postgres")
        self.run_sql(w, "SELECT pond_template('it')")
        self.run_sql(w, "SELECT pond_template_ready('it')")
        text = ("SELECT count(*) FROM pg_stat_activity a JOIN pg_database d ON d.oid = a.datid "
                "WHERE a.pid = pg_backend_pid() AND a.datname = d.datname AND d.datname = current_database()")
        for name in ("it", "shop", "it~x", "postgres"):
            self.assertEqual(self.once(name, text), [("1",)], name)
        self.run_sql(w, "ALTER DATABASE it IS_TEMPLATE false")
        self.run_sql(w, "DROP DATABASE it")
        self.leave(w)

    def test_one_that_lets_nobody_in_makes_no_private_copies_either(self):
        w = self.connect("postgres")
        self.run_sql(w, "SELECT pond_template('closed')")
        self.run_sql(w, "SELECT pond_template_ready('closed')")
        self.run_sql(w, "ALTER DATABASE closed ALLOW_CONNECTIONS false")
        self.assertEqual(self.refused("closed")["C"], "55000")
        self.run_sql(w, "CREATE DATABASE copied TEMPLATE closed")
        self.once("copied", "SELECT 1")
        self.run_sql(w, "ALTER DATABASE closed IS_TEMPLATE false")
        for name in ("closed", "copied"):
            self.run_sql(w, "DROP DATABASE " + name)
        self.leave(w)


class Builders(Test):
    """What a builder was given may be dropped under him, and the name be taken by others."""

    def setUp(self):
        super().setUp()
        self.admin, self.builder = self.connect("postgres"), self.connect("postgres")
        self.addCleanup(self.drop_all)

    def drop_all(self):
        with self.connect("postgres") as w:
            w.ask(query("ALTER DATABASE made IS_TEMPLATE false"))
            self.run_sql(w, "DROP DATABASE IF EXISTS made")

    def build(self, w):
        return self.run_sql(w, "SELECT pond_template('made')")

    def replace(self):
        """By a database that has nothing to do with it."""
        self.run_sql(self.admin, "DROP DATABASE made")
        self.run_sql(self.admin, "CREATE DATABASE made TEMPLATE shop")

    def check_the_other_is_there(self):
        self.assertEqual(self.once("made", "SELECT count(*) FROM customers"), [("3",)])
        self.assertEqual(self.once("postgres", "SELECT datistemplate FROM pg_database WHERE datname = 'made'"), [("f",)])

    def test_one_who_goes_takes_no_other_database_along(self):
        self.build(self.builder)
        self.replace()
        self.leave(self.builder)
        self.check_the_other_is_there()

    def test_one_who_fails_drops_no_other_database(self):
        self.build(self.builder)
        self.replace()
        self.run_sql(self.builder, "SELECT pond_template_failed('made')")
        self.check_the_other_is_there()

    def test_one_who_is_ready_makes_no_template_of_another_database(self):
        self.build(self.builder)
        self.replace()
        self.fails(self.builder, "SELECT pond_template_ready('made')", "3D000")
        self.check_the_other_is_there()

    def test_one_who_fails_takes_his_own_along_though_it_says_that_it_is_a_template(self):
        self.build(self.builder)
        self.run_sql(self.builder, "ALTER DATABASE made IS_TEMPLATE true")
        self.run_sql(self.builder, "SELECT pond_template_failed('made')")
        self.assertEqual(self.build(self.admin), [("t",)])


class Stop(Test):
    conf = "shutdown_grace = 1h\n" + database_test.SHOP

    def test_who_waits_for_a_template_is_not_waited_for(self):
        """Nor does he become its builder, now that this one is told to go. Another's statement may go on."""
        builder, busy, waiting = (self.connect(name) for name in ("postgres", "shop", "postgres"))
        self.assertEqual(self.run_sql(builder, "SELECT pond_template('stopped')"), [("t",)])
        busy.send(query(database_test.ENDLESS))
        waiting.send(query("SELECT pond_template('stopped')"))
        self.eventually(lambda: self.wait_event(builder, waiting) == "Lock template", "nobody waits")
        self.daemon.process.send_signal(signal.SIGTERM)
        words = waiting.until("end of the stream")
        self.assertNotIn("D", [kind for kind, _ in words])
        self.assertEqual({wire.fields(body)["C"] for kind, body in words if kind == "E"}, {"57P01"})
        self.hang_up(busy)
        self.assertEqual(self.daemon.process.wait(timeout=60), 0)


if __name__ == "__main__":
    database_test.main()
