"""A `~` database ends with its last connection, or with its owner's; its name and its memory are free again."""
import socket
import subprocess
import sys

import database_test
import wire
from database_test import ENDLESS, SHOP, Test
from wire import bind, execute, parse, query, SYNC

OWNER = dict(options="-c pond.owner=on")


class LastOne(Test):
    def make(self):
        """Its maker, with a row that tells it from the next one of that name."""
        w = self.connect("shop~a")
        self.run_sql(w, "CREATE TABLE mine (n int); INSERT INTO mine VALUES (1)")
        return w

    def check_gone(self):
        """The name can be used at once, and means a new database."""
        w = self.connect("shop~a")
        self.fails(w, "SELECT * FROM mine", "42P01")
        self.leave(w)

    def check_goes(self):
        self.daemon.until(clones=0)
        self.check_gone()

    def test_the_last_one_says_goodbye(self):
        first, second = self.make(), self.connect("shop~a")
        self.leave(first)
        self.assertEqual(self.run_sql(second, "SELECT n FROM mine"), [("1",)])
        self.leave(second)
        self.check_gone()

    def test_the_last_one_hangs_up(self):
        for reset in (False, True):
            self.hang_up(self.make(), reset)
            self.check_goes()

    def test_the_last_one_hangs_up_in_a_transaction(self):
        w = self.make()
        self.run_sql(w, "BEGIN; INSERT INTO mine VALUES (2)")
        self.hang_up(w)
        self.check_goes()

    def test_the_last_one_hangs_up_in_the_middle_of_a_statement(self):
        w = self.make()
        w.send(query(ENDLESS))
        self.until_it_runs(w)
        self.hang_up(w)
        self.check_goes()

    def test_the_last_ones_hang_up_while_they_wait_for_each_other(self):
        w, waiting = self.make(), self.connect("shop~a")
        self.run_sql(w, "BEGIN; INSERT INTO mine VALUES (2)")
        waiting.send(query("INSERT INTO mine VALUES (3)"))
        self.until_it_waits(waiting)
        self.hang_up(waiting)
        self.hang_up(w)
        self.check_goes()

    def test_the_last_ones_client_is_killed(self):
        client = subprocess.Popen(["psql", "-X", "-h", wire.HOST, "-p", str(wire.PORT), "-U", "tester", "-c", ENDLESS, "shop~a"],
                                  stdout=subprocess.DEVNULL)
        self.daemon.until(clones=1)
        client.kill()
        client.wait()
        self.check_goes()

    def test_the_last_one_is_terminated(self):
        admin = self.connect("postgres")
        for running in (False, True):
            w = self.make()
            if running:
                w.send(query(ENDLESS))
                self.until_it_runs(w)
            self.assertEqual(self.run_sql(admin, "SELECT pg_terminate_backend(%d)" % w.pid), [("t",)])
            self.assertEqual(self.last_words(w)["C"], "57P01")
            self.check_gone()
        self.leave(admin)

    def test_the_last_one_is_cancelled_and_goes(self):
        w = self.make()
        w.send(query("BEGIN; INSERT INTO mine VALUES (2); " + ENDLESS))
        self.until_it_runs(w)
        self.cancel(w)
        self.assertEqual(wire.fields(w.until("Z")[-2][1])["C"], "57014")
        self.leave(w)
        self.check_gone()

    def test_a_half_read_result_is_no_reason_to_stay(self):
        w = self.make()
        w.send(parse("", "SELECT i, repeat('x', 1000) FROM generate_series(1, 100000) i") + bind("", "") + execute() + SYNC)
        w.read(100000)
        self.hang_up(w)
        self.check_goes()

    def test_a_start_up_that_fails_leaves_nothing(self):
        """Each of these makes the database before it is refused."""
        for sqlstate, keys in (("0A000", dict(replication="database")), ("22021", dict(user=b"\xff")),
                               ("42704", dict(options="-c nothing=1")), ("22023", dict(statement_timeout="soon")),
                               ("42601", dict(options="-c")), ("28000", dict(user=""))):
            with self.subTest(keys):
                self.assertEqual(self.refused("shop~a", **keys)["C"], sqlstate)
                self.assertEqual(self.daemon.settled()["clones"], "0")

    def test_many_come_and_go_at_once(self):
        """Whoever is in the same database as another sees the other's rows."""
        clients = [self.start("shop~a") for _ in range(40)]
        for w in clients:
            self.greet(w)
        self.run_sql(clients[7], "CREATE TABLE mine (n int)")
        for n, w in enumerate(clients):
            self.run_sql(w, "INSERT INTO mine VALUES (%d)" % n)
        self.assertEqual(self.run_sql(clients[30], "SELECT count(*) FROM mine"), [("40",)])
        for n, w in enumerate(clients):
            self.hang_up(w) if n % 2 else self.leave(w)
        self.check_goes()

    def test_names_made_and_left_in_a_hurry(self):
        """Connections that move to another loop meet a database that ends at that moment."""
        for _ in range(30):
            clients = [self.start("shop~hurry%d" % (n % 3)) for n in range(12)]
            for w in clients:
                self.greet(w)
                self.hang_up(w, reset=True)
        self.daemon.until(clones=0, connections=0)

    def test_copies_of_copies(self):
        w = self.make()
        nested = self.connect("shop~a~b")
        self.run_sql(nested, "INSERT INTO mine VALUES (2)")
        self.assertEqual(self.run_sql(w, "SELECT count(*) FROM mine"), [("1",)])
        self.leave(w)
        self.assertEqual(self.run_sql(nested, "SELECT count(*) FROM mine"), [("2",)])
        self.assertEqual(self.refused("shop~a~c")["C"], "3D000")
        self.leave(nested)
        self.check_gone()

    def test_memory(self):
        """50 MB of pages, and marks on some of them, are given back."""
        self.leave(self.make())
        before = int(self.daemon.settled()["memory"])
        w = self.make()
        for mark in ("a", "b"):
            self.run_sql(w, "CREATE TABLE big_%s AS SELECT i, repeat('x', 1000) AS t FROM generate_series(1, 25000) i" % mark)
            self.run_sql(w, "SELECT pond_mark('%s')" % mark)
        self.assertGreater(int(self.daemon.statistics()["memory"]), before + 50 * 1000 * 1000)
        self.leave(w)
        now = self.daemon.settled()
        self.assertEqual((now["sessions"], now["clones"]), ("0", "0"))
        self.assertLess(int(now["memory"]), before + (1 << 20))


class Owner(Test):
    conf = SHOP + "pool_size = 3\n"

    def test_the_owner_takes_all_with_it(self):
        """Others are in the middle of a statement, idle, and in line for a session."""
        for how in (self.leave, self.hang_up):
            owner = self.connect("shop~own", **OWNER)
            running, idle, waiting = self.connect("shop~own"), self.connect("shop~own"), self.start("shop~own")
            self.daemon.until(waiting=1)
            self.run_sql(idle, "CREATE TABLE mine (n int)")
            running.send(query(ENDLESS))
            self.until_it_runs(running)
            how(owner)
            for other in (running, idle, waiting):
                error = self.last_words(other)
                self.assertEqual((error["C"], error["M"]),
                                 ("57P01", "terminating connection due to administrator command"))
            w = self.connect("shop~own")
            self.fails(w, "SELECT * FROM mine", "42P01")
            self.leave(w)

    def test_the_owner_goes_while_another_waits_for_its_writes(self):
        owner, other = self.connect("shop~own", **OWNER), self.connect("shop~own")
        self.run_sql(owner, "BEGIN; DELETE FROM orders")
        other.send(query("DELETE FROM orders"))
        self.until_it_waits(other)
        self.hang_up(owner)
        self.assertEqual(self.last_words(other)["C"], "57P01")

    def test_the_owner_goes_while_another_copies_in(self):
        owner, other = self.connect("shop~own", **OWNER), self.connect("shop~own")
        other.send(query("COPY customers (email, name) FROM STDIN"))
        other.until("G")
        self.leave(owner)
        self.assertEqual(self.last_words(other)["C"], "57P01")

    def test_the_owner_goes_while_another_does_not_read(self):
        owner, other = self.connect("shop~own", **OWNER), self.connect("shop~own")
        other.send(query("SELECT repeat('x', 1000) FROM generate_series(1, 1000000)"))
        other.read(1000)
        self.leave(owner)
        self.daemon.until(clones=0, connections=0)

    def test_the_owner_is_terminated(self):
        owner, other, admin = self.connect("shop~own", **OWNER), self.connect("shop~own"), self.connect("postgres")
        self.run_sql(admin, "SELECT pg_terminate_backend(%d)" % owner.pid)
        for w in (owner, other):
            self.assertEqual(self.last_words(w)["C"], "57P01")
        self.leave(admin)

    def test_the_others_go_first(self):
        owner, other = self.connect("shop~own", **OWNER), self.connect("shop~own")
        self.leave(other)
        self.assertEqual(self.run_sql(owner, "SELECT count(*) FROM orders"), [("3",)])
        self.leave(owner)

    def test_who_did_not_make_it_does_not_own_it(self):
        maker, other = self.connect("shop~own"), self.connect("shop~own", **OWNER)
        self.leave(other)
        self.assertEqual(self.run_sql(maker, "SELECT count(*) FROM orders"), [("3",)])
        self.leave(maker)

    def test_who_owns_it_can_be_asked(self):
        owner, other, private = self.connect("shop~own", **OWNER), self.connect("shop~own", **OWNER), self.connect("shop", **OWNER)
        for w, answer in ((other, "off"), (private, "off"), (owner, "on")):
            self.assertEqual(self.run_sql(w, "SHOW pond.owner"), [(answer,)])
            self.leave(w)

    def test_it_cannot_be_said_later(self):
        w = self.connect("shop~own")
        self.fails(w, "SET pond.owner = on", "55P02")
        self.assertEqual(self.run_sql(w, "SHOW pond.owner"), [("off",)])
        self.leave(w)

    def test_a_private_database_has_nobody_else_to_end(self):
        w, other = self.connect("shop", **OWNER), self.connect("shop")
        self.leave(w)
        self.assertEqual(self.run_sql(other, "SELECT count(*) FROM orders"), [("3",)])
        self.leave(other)

    def test_a_database_of_create_database_stays(self):
        self.once("postgres", "CREATE DATABASE lasting TEMPLATE shop")
        self.leave(self.connect("lasting", **OWNER))
        self.assertEqual(self.once("lasting", "SELECT count(*) FROM orders"), [("3",)])
        self.once("postgres", "DROP DATABASE lasting")


class Keep(Test):
    """pond_keep(): from now on it is as if CREATE DATABASE had made it."""

    def check_stays(self, *clients):
        for w in clients:
            self.leave(w)
        self.daemon.until(connections=0)
        self.assertEqual(self.once("shop~kept", "SELECT n FROM mine"), [("1",)])
        self.once("postgres", 'DROP DATABASE "shop~kept"')
        self.daemon.until(clones=0)

    def make(self, **keys):
        w = self.connect("shop~kept", **keys)
        self.run_sql(w, "CREATE TABLE mine (n int); INSERT INTO mine VALUES (1)")
        return w

    def test_the_owner_keeps_it(self):
        w, other = self.make(**OWNER), self.connect("shop~kept")
        self.assertEqual(self.run_sql(w, "SELECT pond_keep()"), [("",)])
        self.check_stays(w, other)

    def test_another_keeps_it(self):
        w, other = self.make(**OWNER), self.connect("shop~kept")
        self.run_sql(other, "SELECT pond_keep(), pond_keep()")
        self.check_stays(other, w)

    def test_nobody_owns_it(self):
        w = self.make()
        self.run_sql(w, "SELECT pond_keep()")
        self.check_stays(w)

    def test_it_has_another_name_then(self):
        w = self.make(**OWNER)
        self.run_sql(w, "SELECT pond_keep()")
        self.leave(w)
        self.daemon.until(connections=0)
        self.once("postgres", 'ALTER DATABASE "shop~kept" RENAME TO kept')
        self.assertEqual(self.once("kept", "SELECT n FROM mine"), [("1",)])
        self.once("postgres", "DROP DATABASE kept")

    def test_not_what_is_private(self):
        w = self.connect("shop")
        error = self.fails(w, "SELECT pond_keep()", "0A000")
        self.assertEqual((error["M"], error["H"]), ("a private copy of a database cannot be kept",
                                                    'Connect to "shop~NAME" for one that can.'))
        self.leave(w)

    def test_not_in_a_transaction(self):
        w = self.make()
        self.run_sql(w, "BEGIN")
        self.fails(w, "SELECT pond_keep()", "25001")
        self.leave(w)
        self.daemon.until(clones=0)


class Linger(Test):
    conf = SHOP + "linger = 1h\n[database short]\nlinger = 20ms\n"

    def test_it_waits_for_the_next_one(self):
        self.leave(self.connect("shop~stays"))
        self.once("shop~stays", "CREATE TABLE mine (n int)")
        self.assertEqual(self.daemon.until(connections=0)["clones"], "1")
        self.assertEqual(self.once("shop~stays", "SELECT count(*) FROM mine"), [("0",)])
        self.once("postgres", 'DROP DATABASE "shop~stays"')

    def test_it_goes_in_the_end(self):
        self.once("short~goes", "CREATE TABLE mine (n int)")
        self.daemon.until(clones=0)
        w = self.connect("short~goes")
        self.fails(w, "SELECT * FROM mine", "42P01")
        self.leave(w)
        self.daemon.until(clones=0)

    def test_what_is_kept_when_its_end_is_near_stays(self):
        """The wait that was begun before would pass while nobody uses it."""
        types = "E"
        while "E" in types:  # it came too late, and has another one
            self.once("short~kept", "CREATE TABLE mine (n int)")
            w = self.connect("short~kept")
            types, _ = w.ask(query("SELECT * FROM mine"))
            if "E" in types:
                self.leave(w)
        self.run_sql(w, "SELECT pond_keep()")
        self.leave(w)
        self.once("short~later", "SELECT 1")
        self.daemon.until(connections=0, clones=1)
        self.once("short~kept", "SELECT * FROM mine")
        self.once("postgres", 'DROP DATABASE "short~kept"')

    def test_who_comes_in_time_stays(self):
        """Ends of waits pass while it is in use again."""
        w = self.connect("short~goes")
        self.run_sql(w, "CREATE TABLE mine (n int)")
        for _ in range(10):
            other = self.connect("short~goes")
            self.leave(w)
            w = other
        self.run_sql(w, "SELECT count(*) FROM mine")
        self.leave(w)
        self.daemon.until(clones=0)

    def test_the_owner_does_not_linger(self):
        self.leave(self.connect("shop~own", **OWNER))
        self.assertEqual(self.daemon.until(connections=0)["clones"], "0")


class LingerOn(Test):
    conf = SHOP + "linger = 1h\n"

    def test_pondd_ends_while_some_linger(self):
        for n in range(5):
            self.leave(self.connect("shop~left%d" % n))
        self.assertEqual(self.daemon.stop(), 0)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection((wire.HOST, wire.PORT))


if __name__ == "__main__":
    sys.exit(database_test.main())
