"""The line for sessions: its order, its limits and their messages, waiters that go, warm sessions, and the end."""
import re
import select
import socket
import sys

import database_test
import wire
from database_test import ENDLESS, SHOP, Test
from wire import query, TERMINATE


class Line(Test):
    def fill(self, database, count, **keys):
        return [self.connect(database, **keys) for _ in range(count)]

    def wait(self, database, number, **keys):
        """A client that is the number'th in line."""
        w = self.start(database, **keys)
        self.daemon.until(waiting=number)
        return w

    def until_seen(self):
        """Each loop has seen what was sent: it takes part in statistics; in the first in the middle of a turn."""
        self.daemon.statistics()
        self.daemon.statistics()

    def has_answer(self, w):
        return bool(select.select([w.socket], [], [], 0)[0])

    def leave_all(self, clients):
        for w in clients:
            self.leave(w)


class Order(Line):
    conf = "max_user_connections = 4\n" + SHOP + "pool_size = 3\n[database other]\npool_size = 1\n"

    def test_first_come_first_served(self):
        """On whatever loops they are, private and named databases of one section together."""
        inside = self.fill("shop", 2) + self.fill("shop~a", 1)
        waiting = [self.wait(("shop", "shop~a", "shop~b")[n % 3], n + 1, user="u%d" % n) for n in range(12)]
        while waiting:
            self.leave(inside.pop(0))
            inside.append(self.greet(waiting.pop(0)))
            self.assertEqual([self.has_answer(w) for w in waiting], [False] * len(waiting))
        self.leave_all(inside)

    def test_one_held_back_by_his_user_does_not_hold_the_others(self):
        mine = self.fill("postgres", 4, user="busy")
        waiting_user = self.wait("shop", 1, user="busy")
        other = self.connect("shop", user="free")
        waiting_other = self.start("other", user="free")
        self.greet(waiting_other)
        self.assertFalse(self.has_answer(waiting_user))
        self.leave(mine.pop())
        self.greet(waiting_user)
        self.leave_all(mine + [other, waiting_other, waiting_user])

    def test_one_held_back_by_two_limits_keeps_his_place(self):
        """He gets in when both allow it, before those who came after him to the same database."""
        inside, mine = self.fill("shop", 3, user="x"), self.fill("postgres", 4, user="busy")
        first = self.wait("shop", 1, user="busy")
        second, third = self.wait("shop", 2, user="y"), self.wait("shop", 3, user="z")
        self.leave(mine.pop())  # now only the database holds him
        self.leave(inside.pop())
        self.greet(first)
        self.assertFalse(self.has_answer(second))
        self.leave(inside.pop())
        self.greet(second)
        self.assertFalse(self.has_answer(third))
        self.leave(first)
        self.greet(third)
        self.leave_all(inside + mine + [second, third])

    def test_waiters_that_go_do_not_disturb_the_order(self):
        inside = self.fill("shop", 3)
        admin = self.connect("postgres", user="admin")
        waiting = [self.wait("shop~a" if n % 2 else "shop", n + 1, user="u%d" % n) for n in range(7)]
        pids = dict(self.run_sql(admin, "SELECT usename, pid FROM pg_stat_activity WHERE wait_event = 'session'"))
        self.assertEqual(sorted(pids), ["u%d" % n for n in range(7)])
        self.hang_up(waiting[0])
        self.hang_up(waiting[3], reset=True)
        for n in (1, 5):
            self.assertEqual(self.run_sql(admin, "SELECT pg_terminate_backend(%s)" % pids["u%d" % n]), [("t",)])
            self.assertEqual(self.last_words(waiting[n])["C"], "57P01")
        self.daemon.until(waiting=3)
        for n in (2, 4, 6):
            self.leave(inside.pop(0))
            inside.append(self.greet(waiting[n]))
        self.leave_all(inside + [admin])

    def test_a_waiter_that_has_said_more_and_hangs_up(self):
        """What it sent is not read while it waits; its end is noticed all the same."""
        inside = self.fill("shop", 3)
        w = self.wait("shop", 1)
        w.send(query("SELECT 1"))
        self.until_seen()
        self.hang_up(w)
        self.daemon.until(waiting=0)
        self.leave_all(inside)

    def test_one_that_waits_in_a_statement_and_has_said_more(self):
        """The same for the writer's place and for a template, which have lines of their own."""
        holder, boss = self.connect("shop~a", user="x"), self.connect("other", user="x")
        self.run_sql(holder, "BEGIN; DELETE FROM orders")
        self.run_sql(boss, "SELECT pond_template('it')")
        writer, asker = self.connect("shop~a", user="y", lock_timeout="0"), self.connect("postgres", user="y")
        writer.send(query("DELETE FROM orders"))
        self.until_it_waits(writer)
        asker.send(query("SELECT pond_template('it')"))
        self.until_it_runs(asker)
        for w in (writer, asker):
            w.send(TERMINATE)
        self.until_seen()
        for w in (writer, asker):
            self.hang_up(w)
        self.daemon.until(connections=2)
        self.leave_all([holder, boss])

    def test_what_a_waiter_has_sent_ahead_is_answered_in_its_turn(self):
        inside = self.fill("shop", 3)
        w = self.wait("shop", 1)
        w.send(query("SELECT 7"))
        self.leave(inside.pop())
        self.greet(w)
        self.assertEqual(wire.values(w.until("Z")[1][1]), [b"7"])
        self.leave_all(inside + [w])

    def test_a_cancel_finds_nobody_in_the_line(self):
        """The key is told at the end of the start-up only: cancels go to those who have it."""
        inside = self.fill("shop", 3)
        waiting = self.wait("shop", 1)
        inside[0].send(query(ENDLESS))
        self.until_it_runs(inside[0])
        self.cancel(inside[0])
        self.assertEqual(wire.fields(inside[0].until("Z")[-2][1])["C"], "57014")
        self.leave(inside.pop())
        self.leave_all(inside + [self.greet(waiting)])


class Refused(Line):
    conf = SHOP + ("pool_size = 2\nmax_waiters = 2\n[database hasty]\npool_size = 1\nquery_wait_timeout = 100ms\n"
                   "[database never]\npool_size = 1\nmax_waiters = 0\n")

    def test_the_line_is_full(self):
        inside = self.fill("shop", 1) + self.fill("shop~a", 1)
        waiting = [self.wait("shop", 1), self.wait("shop~b", 2)]
        for name in ("shop", "shop~a", "shop~c"):
            error = self.refused(name)
            self.assertEqual((error["S"], error["C"], error["M"]), ("FATAL", "53300", 'too many connections for database "shop"'))
            self.assertRegex(error["D"], r"^All of its 2 sessions are in use; 2 clients wait, the first for [0-9]+\.[0-9] s\.$")
        self.hang_up(waiting.pop(0))
        self.daemon.until(waiting=1)
        waiting.append(self.wait("shop", 2))
        self.leave_all(inside)
        self.leave_all([self.greet(w) for w in waiting])

    def test_nobody_may_wait(self):
        inside = self.connect("never")
        error = self.refused("never")
        self.assertEqual((error["C"], error["D"]), ("53300", "All of its 1 sessions are in use."))
        self.leave(inside)

    def test_one_has_waited_for_too_long(self):
        inside = self.connect("hasty~a")
        for name in ("hasty", "hasty~a", "hasty~b"):
            error = self.refused(name)
            self.assertEqual((error["C"], error["M"]), ("53300", 'too many connections for database "hasty"'))
            self.assertRegex(error["D"], r"^All of its 1 sessions are in use(; \d+ clients wait, the first for [0-9.]+ s)?\.$")
            self.assertIn("query_wait_timeout", error["H"])
        self.leave(inside)
        self.leave(self.connect("hasty"))


class Daemonwide(Line):
    conf = "max_db_connections = 3\nmax_user_connections = 2\n" + SHOP + "max_waiters = 1\n[database other]\nmax_waiters = 1\n"

    def test_the_user_is_told(self):
        mine = self.fill("shop", 2, user="me")
        waiting = self.wait("other", 1, user="me")
        error = self.refused("other", user="me")
        self.assertEqual((error["C"], error["M"]), ("53300", 'too many connections for user "me"'))
        self.assertRegex(error["D"], r"^All of its 2 sessions are in use; 1 clients wait, the first for [0-9.]+ s\.$")
        you = self.connect("shop", user="you")
        self.leave_all(mine)
        self.leave_all([self.greet(waiting), you])

    def test_the_daemon_is_full(self):
        inside = [self.connect(("shop", "other", "shop~a")[n], user="u%d" % n) for n in range(3)]
        waiting = self.wait("shop", 1, user="v")
        error = self.refused("shop", user="w")
        self.assertEqual((error["C"], error["M"]), ("53300", "too many sessions"))
        self.assertRegex(error["D"], r"^All of its 3 sessions are in use; 1 clients wait")
        also_waiting = self.wait("other", 2, user="w")  # another database's line
        self.leave(inside.pop())
        self.greet(waiting)
        self.leave(inside.pop())
        self.leave_all(inside + [waiting, self.greet(also_waiting)])


class Warm(Line):
    conf = (SHOP + "min_pool_size = 2\nserver_idle_timeout = 20ms\n[database kept]\nserver_idle_timeout = 0\nserver_lifetime = 0\n"
            "[database fresh]\nserver_lifetime = 1us\n")

    def numbers(self):
        now = self.daemon.settled()
        return int(now["leases"]), int(now["sessions_created"]), int(now["sessions_idle"])

    def check_nothing_left(self):
        self.daemon.settled()

    def test_some_are_ready_on_each_loop(self):
        loops = int(self.daemon.statistics()["loops"])
        self.eventually(lambda: self.numbers()[2] >= 2 * loops, "min_pool_size")

    def test_more_than_that_end_by_themselves(self):
        loops = int(self.daemon.statistics()["loops"])
        for w in self.fill("shop", 5 * loops):
            self.hang_up(w)
        self.daemon.until(sessions=0)
        self.eventually(lambda: self.numbers()[2] <= 2 * loops + 3 * loops, "server_idle_timeout")  # of each other database one

    def test_one_is_lent_again(self):
        self.leave(self.connect("kept"))
        leases, created, _ = self.numbers()
        for _ in range(20):
            self.leave(self.connect("kept"))
        now = self.numbers()
        loops = int(self.daemon.statistics()["loops"])
        self.assertEqual(now[0], leases + 20)
        self.assertLess(now[1], created + loops)  # at most one more on each other loop

    def test_one_that_is_too_old_is_not(self):
        leases, created, _ = self.numbers()
        for _ in range(10):
            self.leave(self.connect("fresh"))
        now = self.numbers()
        self.assertEqual((now[0] - leases, now[1] - created), (10, 10))


class End(Line):
    conf = "shutdown_grace = 1h\n" + SHOP + "pool_size = 2\n[database other]\n"

    def end(self, *inside):
        self.daemon.terminate()
        for w in inside:
            self.assertEqual(self.last_words(w)["C"], "57P01")
        self.assertEqual(self.daemon.process.wait(timeout=wire.PATIENCE), 0, self.daemon.log()[-5000:])

    def setUp(self):
        self.revive()
        super().setUp()

    def test_the_daemon_stops_while_clients_wait(self):
        """Idle ones and those in line are told; new ones come too late."""
        inside = self.fill("shop", 1) + self.fill("shop~a", 1)
        waiting = [self.wait(("shop", "shop~a", "shop~b")[n % 3], n + 1) for n in range(9)]
        self.end(*inside, *waiting)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection((wire.HOST, wire.PORT))

    def test_a_running_statement_may_end_while_those_in_line_go(self):
        """It waits for a lock that an idle one has, who goes."""
        inside = self.fill("shop~a", 2)
        waiting = self.wait("shop", 1)
        self.run_sql(inside[1], "SELECT pg_advisory_lock(1)")
        self.run_sql(inside[0], "SET lock_timeout = 0")
        inside[0].send(query("SELECT pg_advisory_lock(1), 'done'"))
        self.until_it_runs(inside[0])
        late = wire.Wire()  # connected, but has not said who it is
        self.addCleanup(late.socket.close)
        self.eventually(lambda: self.daemon.statistics()["connections"] == "4", "the late one")
        self.daemon.terminate()
        for w in (waiting, late):
            self.assertEqual(self.last_words(w)["C"], "57P01")
        got = inside[0].until("end")
        self.assertEqual(wire.values(got[1][1])[1], b"done")
        self.assertEqual(wire.fields(got[-1][1])["C"], "57P01")
        self.assertEqual(self.last_words(inside[1])["C"], "57P01")
        self.assertEqual(self.daemon.process.wait(timeout=wire.PATIENCE), 0)

    def test_a_second_signal_cuts_what_runs(self):
        inside = self.fill("shop", 2)
        waiting = self.wait("shop~a", 1)
        inside[0].send(query(ENDLESS))
        self.run_sql(inside[1], "BEGIN; DELETE FROM orders")
        self.until_it_runs(inside[0])
        self.daemon.terminate()
        self.eventually(lambda: re.search("stopping", self.daemon.log()), "the stop")
        self.end(*inside, waiting)

    def test_waiters_for_a_turn_and_for_a_template(self):
        holder, writer = self.fill("shop~a", 2)
        self.run_sql(holder, "BEGIN; DELETE FROM orders")
        self.run_sql(writer, "SET lock_timeout = 0")
        writer.send(query("DELETE FROM orders"))
        self.until_it_waits(writer)
        boss, asker = self.fill("other", 2)
        self.run_sql(boss, "SELECT pond_template('it')")
        asker.send(query("SELECT pond_template('it')"))
        self.until_it_runs(asker)
        self.daemon.terminate()
        self.eventually(lambda: re.search("stopping", self.daemon.log()), "the stop")
        for w in (holder, boss):
            self.assertEqual(self.last_words(w)["C"], "57P01")
        self.daemon.terminate()
        for w in (writer, asker):
            w.until("end")
        self.assertEqual(self.daemon.process.wait(timeout=wire.PATIENCE), 0)


if __name__ == "__main__":
    sys.exit(database_test.main())
