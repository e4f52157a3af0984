"""pond_template: the first of many builds, the others wait; who fails hands the right on; the unused ones go."""
import concurrent.futures
import sys
import threading

import database_test
import wire
from database_test import SHOP, Test
from wire import query

WORKERS = 20


class Builder(Test):
    def ask(self, w, name="it", from_=None):
        more = ", '%s'" % from_ if from_ else ""
        return self.run_sql(w, "SELECT pond_template('%s'%s)" % (name, more)) == [("t",)]

    def send_ask(self, name="it"):
        """A connection that asks and will have to wait."""
        w = self.connect("postgres")
        w.send(query("SELECT pond_template('%s')" % name))
        self.until_it_runs(w)
        return w

    def answer(self, w):
        got = w.until("Z")
        self.assertEqual("".join(k for k, _ in got), "TDCZ", [wire.fields(b) for k, b in got if k == "E"])
        return wire.values(got[1][1]) == [b"t"]

    def build(self, boss, name="it", value=1):
        """What a migration tool does on its own connection."""
        w = self.connect(name)
        self.run_sql(w, "CREATE TABLE built (n int); INSERT INTO built VALUES (%d)" % value)
        self.leave(w)
        self.run_sql(boss, "SELECT pond_template_ready('%s')" % name)

    def build_nothing(self, boss, name):
        self.run_sql(boss, "SELECT pond_template_ready('%s')" % name)

    def drop(self, name="it"):
        self.once("postgres", "UPDATE pg_database SET datistemplate = false WHERE datname = '%s'" % name)
        self.once("postgres", "DROP DATABASE " + name)

    def start_building(self):
        boss = self.connect("postgres")
        self.assertTrue(self.ask(boss))
        w = self.connect("it")
        self.run_sql(w, "CREATE TABLE half (n int)")
        self.leave(w)
        return boss

    def check_next_builds(self, w):
        """It waited, and begins anew: nothing of the first builder is there."""
        self.assertTrue(self.answer(w))
        own = self.connect("it")
        self.fails(own, "SELECT * FROM half", "42P01")
        self.leave(own)
        self.build(w)
        self.leave(w)
        self.assertEqual(self.once("it", "SELECT n FROM built"), [("1",)])
        self.drop()


class Race(Builder):
    def race(self, fail_first):
        """All workers at once; the first `fail_first` builders fail, each in another way."""
        failing, lock = list(fail_first), threading.Lock()

        def work(number):
            w = self.connect("postgres")
            while self.ask(w):
                with lock:
                    how = failing.pop() if failing else None
                if how is None:
                    self.build(w, value=number)
                    self.leave(w)
                    return number
                own = self.connect("it")
                self.run_sql(own, "CREATE TABLE half (n int)")
                how(w)
                w = self.connect("postgres")
            private, shared = self.connect("it"), self.connect("it~%d" % (number % 3))
            for one in (private, shared):
                self.fails(one, "SELECT * FROM half", "42P01")
            seen = self.run_sql(private, "SELECT n FROM built")
            self.run_sql(private, "DELETE FROM built")
            self.assertEqual(self.run_sql(shared, "SELECT n FROM built"), seen)
            self.run_sql(w, "CREATE DATABASE copy%d TEMPLATE it" % number)
            self.assertEqual(self.once("copy%d" % number, "SELECT n FROM built"), seen)
            self.run_sql(w, "DROP DATABASE copy%d" % number)
            for one in (private, shared, w):
                self.leave(one)
            return int(seen[0][0])

        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            seen = list(pool.map(work, range(WORKERS)))
        self.assertEqual(failing, [])
        self.assertEqual(len(set(seen)), 1, "built more than once: %s" % seen)
        self.drop()

    def test_twenty_race_and_one_builds(self):
        self.race([])

    def test_twenty_race_and_the_first_builders_fail(self):
        def says_so(w):
            self.run_sql(w, "SELECT pond_template_failed('it')")
            self.leave(w)

        def is_killed(w):
            admin = self.connect("postgres")
            self.run_sql(admin, "SELECT pg_terminate_backend(%d)" % w.pid)
            self.assertEqual(self.last_words(w)["C"], "57P01")
            self.leave(admin)

        self.race([says_so, self.hang_up, is_killed, self.leave, says_so, self.hang_up])


class BuilderFails(Builder):
    def test_the_builder_says_failed(self):
        boss, waiting = self.start_building(), self.send_ask()
        self.run_sql(boss, "SELECT pond_template_failed('it')")
        self.check_next_builds(waiting)
        self.leave(boss)

    def test_another_says_failed_for_the_builder(self):
        boss, waiting, other = self.start_building(), self.send_ask(), self.connect("postgres")
        self.run_sql(other, "SELECT pond_template_failed('it')")
        self.check_next_builds(waiting)
        self.fails(boss, "SELECT pond_template_ready('it')", "55000")
        self.leave(boss)
        self.leave(other)

    def test_the_builder_leaves_or_hangs_up(self):
        for how in (self.leave, self.hang_up):
            boss, waiting = self.start_building(), self.send_ask()
            how(boss)
            self.check_next_builds(waiting)

    def test_the_builder_is_terminated_in_the_middle_of_a_statement(self):
        boss, waiting, admin = self.start_building(), self.send_ask(), self.connect("postgres")
        boss.send(query(database_test.ENDLESS))
        self.until_it_runs(boss)
        self.run_sql(admin, "SELECT pg_terminate_backend(%d)" % boss.pid)
        self.assertEqual(self.last_words(boss)["C"], "57P01")
        self.leave(admin)
        self.check_next_builds(waiting)

    def test_the_migration_goes_on_while_the_builder_has_gone(self):
        """Its connection is to a database that is not there any more."""
        boss, waiting, tool = self.start_building(), self.send_ask(), self.connect("it")
        self.run_sql(tool, "BEGIN; INSERT INTO half VALUES (1)")
        self.hang_up(boss)
        self.assertEqual(self.last_words(tool)["C"], "57P01")
        self.check_next_builds(waiting)

    def test_the_builder_fails_and_nobody_waits(self):
        self.leave(self.start_building())
        self.daemon.until(clones=0)
        boss = self.connect("postgres")
        self.assertTrue(self.ask(boss))
        self.build(boss)
        self.leave(boss)
        self.drop()

    def test_the_database_is_dropped_under_its_builder(self):
        boss, waiting = self.start_building(), self.send_ask()
        self.once("postgres", "DROP DATABASE it")
        self.fails(boss, "SELECT pond_template_ready('it')", "3D000")
        self.check_next_builds(waiting)
        self.leave(boss)

    def test_it_cannot_begin(self):
        boss = self.connect("postgres")
        self.fails(boss, "SELECT pond_template('it', 'nowhere')", "3D000")
        self.run_sql(boss, "CREATE DATABASE it")
        self.fails(boss, "SELECT pond_template('it')", "42P04")
        self.run_sql(boss, "DROP DATABASE it")
        self.assertTrue(self.ask(boss))
        self.run_sql(boss, "SELECT pond_template_failed('it')")
        self.leave(boss)


class Waiters(Builder):
    def check_no_trace(self, boss):
        self.build(boss)
        self.assertFalse(self.ask(boss))
        self.leave(boss)
        self.drop()

    def test_a_waiter_is_cancelled(self):
        boss, waiting = self.start_building(), self.send_ask()
        self.cancel(waiting)
        self.assertEqual(wire.fields(waiting.until("Z")[-2][1])["C"], "57014")
        self.assertEqual(self.run_sql(waiting, "SELECT 1"), [("1",)])
        self.leave(waiting)
        self.check_no_trace(boss)

    def test_a_waiter_has_a_time_out(self):
        boss, waiting = self.start_building(), self.connect("postgres")
        self.run_sql(waiting, "SET statement_timeout = 50")
        self.assertIn("statement timeout", self.fails(waiting, "SELECT pond_template('it')", "57014")["M"])
        self.leave(waiting)
        self.check_no_trace(boss)

    def test_a_waiter_hangs_up_or_is_terminated(self):
        boss, gone, killed, stays = self.start_building(), self.send_ask(), self.send_ask(), self.send_ask()
        self.hang_up(gone)
        admin = self.connect("postgres")
        self.run_sql(admin, "SELECT pg_terminate_backend(%d)" % killed.pid)
        self.assertEqual(self.last_words(killed)["C"], "57P01")
        self.leave(boss)
        self.check_next_builds(stays)
        self.leave(admin)

    def test_those_who_wait_build_in_their_order(self):
        boss, waiting = self.start_building(), [self.send_ask() for _ in range(5)]
        self.hang_up(boss)
        for w in waiting:
            self.assertTrue(self.answer(w))
            self.hang_up(w)
        self.daemon.until(clones=0)


class Ready(Builder):
    def test_who_may_say_that_it_is_ready(self):
        boss, tool = self.start_building(), self.connect("it")
        self.run_sql(tool, "SELECT pond_template_ready('it')")  # from the database itself, by another connection
        self.run_sql(tool, "INSERT INTO half VALUES (1)")       # too late
        self.assertEqual(self.once("it", "SELECT count(*) FROM half"), [("0",)])
        self.fails(boss, "SELECT pond_template_ready('it')", "55000")
        self.fails(boss, "SELECT pond_template_failed('it')", "55000")
        self.leave(boss)
        self.leave(tool)
        self.drop()

    def test_what_is_not_committed_is_not_in_it(self):
        boss, tool = self.start_building(), self.connect("it")
        self.run_sql(tool, "BEGIN; INSERT INTO half VALUES (1)")
        self.run_sql(boss, "SELECT pond_template_ready('it')")
        self.assertEqual(self.once("it", "SELECT count(*) FROM half"), [("0",)])
        self.run_sql(tool, "COMMIT")
        self.assertEqual(self.once("it", "SELECT count(*) FROM half"), [("0",)])
        self.leave(boss)
        self.leave(tool)
        self.drop()

    def test_one_that_begins_as_a_copy(self):
        boss = self.connect("postgres")
        self.assertTrue(self.ask(boss, from_="shop"))
        self.build(boss)
        self.assertFalse(self.ask(boss, from_="shop"))
        self.assertEqual(self.once("it", "SELECT count(*) FROM orders, built"), [("3",)])
        self.assertTrue(self.ask(boss, "second", "it"))
        self.build_nothing(boss, "second")
        self.assertEqual(self.once("second", "SELECT count(*) FROM orders, built"), [("3",)])
        self.leave(boss)
        self.drop("second")
        self.drop()

    def test_no_copy_is_made_of_a_half_built_one(self):
        boss, other = self.start_building(), self.connect("postgres")
        for text in ("CREATE DATABASE copy TEMPLATE it", "SELECT pond_template('second', 'it')"):
            self.fails(other, text, "55006")
            self.fails(boss, text, "55006")
        self.assertEqual(self.refused("it~x")["C"], "55006")
        self.run_sql(boss, "SELECT pond_template_ready('it')")
        self.run_sql(other, "CREATE DATABASE copy TEMPLATE it")
        self.leave(self.connect("it~x"))
        self.run_sql(other, "DROP DATABASE copy")
        self.leave(boss)
        self.leave(other)
        self.drop()

    def test_a_database_of_the_configuration_is_ready(self):
        w = self.connect("postgres")
        self.assertFalse(self.ask(w, "shop"))
        self.leave(w)

    def test_it_is_a_template_in_the_list(self):
        boss = self.start_building()
        look = "SELECT datistemplate, datallowconn FROM pg_database WHERE datname = 'it'"
        self.assertEqual(self.run_sql(boss, look), [("f", "t")])
        self.build(boss)
        self.assertEqual(self.run_sql(boss, look), [("t", "t")])
        self.assertIn("template", self.fails(boss, "DROP DATABASE it", "42809")["M"])
        self.leave(boss)
        self.drop()

    def test_bad_calls(self):
        w = self.connect("postgres")
        for call, sqlstate in (("pond_template('')", "42602"), ("pond_template(NULL)", "22004"),
                               ("pond_template(repeat('x', 64))", "42622"), ("pond_template('a~b')", "42602"),
                               ("pond_template_ready('nowhere')", "55000"), ("pond_template_failed('shop')", "55000")):
            self.fails(w, "SELECT " + call, sqlstate)
        for call in ("pond_template('it')", "pond_template_ready('it')", "pond_template_failed('it')"):
            self.run_sql(w, "BEGIN")
            self.fails(w, "SELECT " + call, "25001")
            self.run_sql(w, "ROLLBACK")
        self.leave(w)


class Accounts(Builder):
    """Sessions are ended at once, and must not have paid for what stays."""
    conf = "loops = 1\n" + SHOP + "[database postgres]\nserver_lifetime = 1us\n"
    options = ("loops=1", )

    def test_what_is_made_outlives_the_session_that_asked(self):
        boss = self.connect("postgres")
        self.assertTrue(self.ask(boss))
        self.build(boss)
        self.leave(boss)
        self.assertEqual(self.once("it", "SELECT n FROM built"), [("1",)])
        self.once("postgres", "CREATE DATABASE other TEMPLATE it")
        self.once("postgres", "ALTER DATABASE other RENAME TO another")
        self.once("postgres", "UPDATE pg_database SET datconnlimit = 5 WHERE datname = 'another'")
        w = self.connect("another")
        self.once("postgres", "SELECT pg_terminate_backend(%d)" % w.pid)
        self.assertEqual(self.last_words(w)["C"], "57P01")
        self.once("postgres", "DROP DATABASE another")
        self.drop()


class Eviction(Builder):
    """Room for one template only."""
    conf = "max_templates = 1\n" + SHOP

    def make(self, name):
        boss = self.connect("postgres")
        self.assertTrue(self.ask(boss, name))
        self.build(boss, name)
        self.leave(boss)

    def test_the_new_one_takes_the_place_of_the_old_one(self):
        self.make("a")
        private, shared = self.connect("a"), self.connect("a~x")
        self.once("postgres", "CREATE DATABASE copy TEMPLATE a")
        self.make("b")
        self.assertEqual(self.refused("a")["C"], "3D000")
        for w in (private, shared):  # what was made of it stays
            self.assertEqual(self.run_sql(w, "SELECT n FROM built"), [("1",)])
            self.leave(w)
        self.assertEqual(self.once("copy", "SELECT n FROM built"), [("1",)])
        self.once("postgres", "DROP DATABASE copy")
        self.make("a")  # and it can be built again
        self.assertEqual(self.refused("b")["C"], "3D000")
        self.drop("a")

    def test_memory(self):
        before = None
        for n in range(6):
            name = "big%d" % n
            boss = self.connect("postgres")
            self.assertTrue(self.ask(boss, name))
            self.once(name, "CREATE TABLE big AS SELECT i, repeat('x', 1000) AS t FROM generate_series(1, 10000) i")
            self.run_sql(boss, "SELECT pond_template_ready('%s')" % name)
            self.leave(boss)
            now = int(self.daemon.settled()["memory"])
            before = now if before is None else before
            self.assertLess(now, before + (2 << 20))
        self.drop("big5")


class LeastUsed(Builder):
    conf = "max_templates = 3\n" + SHOP

    def test_the_least_recently_used_goes(self):
        boss = self.connect("postgres")
        for name in "abc":
            self.assertTrue(self.ask(boss, name))
            self.build_nothing(boss, name)
        self.leave(self.connect("a"))  # a is used now, and b by pond_template(), and c by a copy that is made of it
        self.assertFalse(self.ask(boss, "b"))
        self.run_sql(boss, "CREATE DATABASE copy TEMPLATE c")
        for name, gone in (("d", "a"), ("e", "b"), ("f", "c")):
            self.assertTrue(self.ask(boss, name))
            self.build_nothing(boss, name)
            self.assertEqual(self.refused(gone)["C"], "3D000")
        self.run_sql(boss, "DROP DATABASE copy")
        self.leave(boss)
        for name in "def":
            self.drop(name)


if __name__ == "__main__":
    sys.exit(database_test.main())
