"""pond_mark, pond_rewind and pond_reset: while others are connected, in their transactions, and in wrong places."""
import functools
import sys

import database_test
import wire
from database_test import SHOP, Test
from wire import bind, describe, execute, parse, query, FLUSH, SYNC

NAMES = "SELECT string_agg(name, ',') FROM (SELECT name FROM customers ORDER BY id) c"


def with_both(test):
    """On a private and on a shared database."""
    @functools.wraps(test)
    def run(self):
        for name in ("shop", "shop~marks"):
            with self.subTest(name):
                w = self.connect(name)
                test(self, w)
                self.leave(w)
    return run


class OneConnection(Test):
    conf = SHOP + "max_marks = 3\n"

    @with_both
    def test_back_to_marks_and_to_the_template(self, w):
        self.assertEqual(self.run_sql(w, "SELECT pond_mark('seeded')"), [("",)])
        self.run_sql(w, "UPDATE customers SET name = 'x'")
        self.run_sql(w, "SELECT pond_mark('renamed')")
        self.run_sql(w, "DELETE FROM orders; DELETE FROM customers")
        for mark, names in (("renamed", "x,x,x"), ("seeded", "Ada,Bob,Eve"), ("renamed", "x,x,x")):
            self.assertEqual(self.run_sql(w, "SELECT pond_rewind('%s')" % mark), [("",)])
            self.assertEqual(self.run_sql(w, NAMES), [(names,)])
        self.run_sql(w, "SELECT pond_reset()")
        self.assertEqual(self.run_sql(w, NAMES), [("Ada,Bob,Eve",)])
        self.run_sql(w, "SELECT pond_rewind('renamed')")  # marks outlive a reset
        self.assertEqual(self.run_sql(w, NAMES), [("x,x,x",)])

    @with_both
    def test_schema_sequences_and_temporary_tables(self, w):
        self.run_sql(w, "CREATE SEQUENCE s; SELECT nextval('s'), nextval('s')")
        self.run_sql(w, "SELECT pond_mark('m')")
        self.run_sql(w, "ALTER TABLE orders ADD COLUMN extra int DEFAULT 7")
        self.run_sql(w, "DROP TABLE everything; CREATE TABLE made (a int)")
        self.assertEqual(self.run_sql(w, "SELECT nextval('s')"), [("3",)])
        self.run_sql(w, "CREATE TEMP TABLE mine AS SELECT 5 AS five")
        self.run_sql(w, "SELECT pond_rewind('m')")
        self.fails(w, "SELECT extra FROM orders", "42703")
        self.fails(w, "SELECT * FROM made", "42P01")
        self.assertEqual(self.run_sql(w, "SELECT count(*) FROM everything"), [("2",)])
        self.assertEqual(self.run_sql(w, "SELECT nextval('s')"), [("3",)])
        self.assertEqual(self.run_sql(w, "SELECT five FROM mine"), [("5",)])  # they are not the database's
        self.run_sql(w, "SELECT pond_reset()")
        self.fails(w, "SELECT nextval('s')", "42P01")

    @with_both
    def test_a_prepared_statement_sees_the_other_schema(self, w):
        self.run_sql(w, "SELECT pond_mark('m')")
        self.run_sql(w, "CREATE TABLE made (a int); INSERT INTO made VALUES (1)")
        w.ask(parse("p", "SELECT a FROM made") + SYNC)
        self.run_sql(w, "SELECT pond_rewind('m')")
        self.assertEqual(w.error(bind("", "p") + execute() + SYNC)[0]["C"], "42P01")
        self.run_sql(w, "CREATE TABLE made (a int); INSERT INTO made VALUES (2)")
        types, got = w.ask(bind("", "p") + execute() + SYNC)
        self.assertEqual((types, wire.values(got[1][1])), ("2DCZ", [b"2"]))

    @with_both
    def test_by_the_extended_protocol(self, w):
        for text in ("SELECT pond_mark($1)", "SELECT pond_rewind($1)"):
            types, got = w.ask(parse("", text, (25,)) + bind("", "", [b"m"]) + describe("P") + execute() + SYNC)
            self.assertEqual(types, "12TDCZ")
            self.assertEqual(got[2][1][-12:-8], b"\0\0\x08\xe6")  # void
        self.assertEqual(w.ask(parse("", "SELECT pond_reset()") + bind("", "") + execute() + SYNC)[0], "12DCZ")

    @with_both
    def test_not_in_a_transaction(self, w):
        for call in ("pond_mark('m')", "pond_rewind('m')", "pond_reset()"):
            self.run_sql(w, "BEGIN")
            self.assertIn("cannot run inside a transaction block", self.fails(w, "SELECT " + call, "25001")["M"])
            self.run_sql(w, "ROLLBACK")
            self.fails(w, "SELECT 1; SELECT " + call, "25001")
            self.fails(w, "INSERT INTO customers (email, name) SELECT 'x', %s::text" % call, "25001")
            self.assertEqual(w.error(parse("", "INSERT INTO customers (email, name) VALUES ('a', 'b')") + bind("", "")
                                     + execute() + parse("", "SELECT " + call) + bind("", "") + execute() + SYNC)[0]["C"],
                             "25001")
        self.assertEqual(self.run_sql(w, NAMES), [("Ada,Bob,Eve",)])

    @with_both
    def test_names(self, w):
        self.assertIn('"nowhere"', self.fails(w, "SELECT pond_rewind('nowhere')", "42704")["M"])
        self.fails(w, "SELECT pond_mark('')", "42602")
        self.fails(w, "SELECT pond_mark(NULL)", "22004")
        self.fails(w, "SELECT pond_mark(repeat('x', 64))", "42622")
        self.fails(w, "SELECT pond_mark()", "42883")
        odd = "/'\"~ ü" + "x" * 55
        self.run_sql(w, "SELECT pond_mark('%s')" % odd.replace("'", "''"))
        self.run_sql(w, "SELECT pond_rewind('%s')" % odd.replace("'", "''"))

    @with_both
    def test_at_most_max_marks(self, w):
        for mark in "abc":
            self.run_sql(w, "SELECT pond_mark('%s')" % mark)
        error = self.fails(w, "SELECT pond_mark('d')", "53400")
        self.assertEqual(error["M"], "too many marks: there are 3")
        self.run_sql(w, "DELETE FROM orders")
        self.run_sql(w, "SELECT pond_mark('b')")  # one that is there may move
        self.run_sql(w, "SELECT pond_reset()")
        self.run_sql(w, "SELECT pond_rewind('b')")
        self.assertEqual(self.run_sql(w, "SELECT count(*) FROM orders"), [("0",)])

    def test_marks_end_with_the_private_copy(self):
        w = self.connect("shop")
        self.run_sql(w, "SELECT pond_mark('mine')")
        other = self.connect("shop")
        self.fails(other, "SELECT pond_rewind('mine')", "42704")
        self.leave(w)
        self.leave(other)
        next_one = self.connect("shop")
        self.fails(next_one, "SELECT pond_rewind('mine')", "42704")
        self.leave(next_one)

    @with_both
    def test_own_cursor_keeps_what_it_reads(self, w):
        self.run_sql(w, "DECLARE c CURSOR WITH HOLD FOR SELECT id FROM orders ORDER BY id")
        self.assertEqual(self.run_sql(w, "FETCH 1 FROM c"), [("1",)])
        self.run_sql(w, "DELETE FROM orders")
        self.run_sql(w, "SELECT pond_reset()")
        self.assertEqual(self.run_sql(w, "FETCH ALL FROM c"), [("2",), ("3",)])
        self.run_sql(w, "CLOSE c")


class Others(Test):
    conf = SHOP + "lock_timeout = 100ms\n"

    def setUp(self):
        super().setUp()
        self.boss, self.other = self.connect("shop~marks"), self.connect("shop~marks")
        self.run_sql(self.boss, "SELECT pond_mark('seeded')")
        self.run_sql(self.boss, "UPDATE customers SET name = 'x'")

    def end(self):
        self.leave(self.boss)
        self.leave(self.other)

    def rewind(self):
        self.run_sql(self.boss, "SELECT pond_rewind('seeded')")

    def test_the_next_statement_sees_it(self):
        self.assertEqual(self.run_sql(self.other, NAMES), [("x,x,x",)])
        self.rewind()
        self.assertEqual(self.run_sql(self.other, NAMES), [("Ada,Bob,Eve",)])
        self.run_sql(self.other, "DROP TABLE orders; CREATE TABLE made (a int)")
        self.rewind()
        self.assertEqual(self.run_sql(self.other, "SELECT count(*) FROM orders"), [("3",)])
        self.fails(self.other, "SELECT * FROM made", "42P01")
        self.end()

    def test_marks_are_for_all(self):
        self.run_sql(self.other, "SELECT pond_mark('of the other')")
        self.run_sql(self.boss, "SELECT pond_reset()")
        self.run_sql(self.boss, "SELECT pond_rewind('of the other')")
        self.leave(self.other)
        self.run_sql(self.boss, "SELECT pond_rewind('of the other')")  # and outlive who set them
        self.assertEqual(self.run_sql(self.boss, NAMES), [("x,x,x",)])
        self.leave(self.boss)

    def test_open_transactions_fail(self):
        """Whatever their isolation, and whether the next thing they want is to read, to write or to lock."""
        for isolation in ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE", "READ COMMITTED READ ONLY"):
            for text in (NAMES, "DELETE FROM orders", "SELECT id FROM orders FOR UPDATE", "CREATE TABLE made (a int)"):
                if "READ ONLY" in isolation and text != NAMES:
                    continue
                with self.subTest(isolation, text=text):
                    self.run_sql(self.other, "BEGIN ISOLATION LEVEL %s; %s" % (isolation, NAMES))
                    self.rewind()
                    error = self.fails(self.other, text, "40001")
                    self.assertEqual(error["M"], "could not serialize access due to a rewind of the database")
                    self.fails(self.other, "SELECT 1", "25P02")
                    self.run_sql(self.other, "ROLLBACK")
                    self.assertEqual(self.run_sql(self.other, NAMES), [("Ada,Bob,Eve",)])
        self.end()

    def test_a_transaction_that_has_read_nothing_yet_begins_after_it(self):
        for isolation in ("READ COMMITTED", "REPEATABLE READ"):
            self.run_sql(self.other, "BEGIN ISOLATION LEVEL " + isolation)
            self.rewind()
            self.assertEqual(self.run_sql(self.other, NAMES), [("Ada,Bob,Eve",)])
            self.run_sql(self.other, "COMMIT")
        self.end()

    def test_savepoints_do_not_save(self):
        self.run_sql(self.other, "BEGIN; %s; SAVEPOINT s" % NAMES)
        self.rewind()
        self.fails(self.other, NAMES, "40001")
        self.fails(self.other, "ROLLBACK TO s; " + NAMES, "40001")
        self.run_sql(self.other, "ROLLBACK")
        self.end()

    def test_it_waits_for_who_has_written(self):
        self.run_sql(self.other, "BEGIN; DELETE FROM orders")
        self.run_sql(self.boss, "SET lock_timeout = '30s'")
        self.boss.send(query("SELECT pond_rewind('seeded')"))
        self.until_it_waits(self.boss)
        self.run_sql(self.other, "COMMIT")
        self.assertEqual("".join(k for k, _ in self.boss.until("Z")), "TDCZ")
        self.assertEqual(self.run_sql(self.other, "SELECT count(*) FROM orders"), [("3",)])
        self.end()

    def test_it_does_not_wait_for_ever(self):
        self.run_sql(self.other, "BEGIN; DELETE FROM orders")
        for call in ("pond_mark('m')", "pond_rewind('seeded')", "pond_reset()"):
            error = self.fails(self.boss, "SELECT " + call, "55P03")
            self.assertRegex(error["D"], "^Process %d has been writing to the database for [0-9.]+ s; its statement is: "
                             "BEGIN; DELETE FROM orders$" % self.other.pid)
        self.run_sql(self.boss, "SET lock_timeout = 0; SET statement_timeout = 100")
        self.fails(self.boss, "SELECT pond_rewind('seeded')", "57014")
        self.run_sql(self.other, "COMMIT")
        self.assertEqual(self.run_sql(self.boss, "SELECT count(*) FROM orders"), [("0",)])
        self.end()

    def test_its_wait_can_be_cancelled(self):
        self.run_sql(self.other, "BEGIN; DELETE FROM orders")
        self.run_sql(self.boss, "SET lock_timeout = 0")
        self.boss.send(query("SELECT pond_reset()"))
        self.until_it_waits(self.boss)
        self.cancel(self.boss)
        self.assertEqual(wire.fields(self.boss.until("Z")[-2][1])["C"], "57014")
        self.run_sql(self.other, "ROLLBACK")
        self.rewind()
        self.end()

    def test_who_waits_to_write_writes_after_it(self):
        third = self.connect("shop~marks")
        self.run_sql(self.other, "BEGIN; DELETE FROM orders")
        for w in (self.boss, third):
            self.run_sql(w, "SET lock_timeout = '30s'")
        self.boss.send(query("SELECT pond_rewind('seeded')"))
        self.until_it_waits(self.boss)
        third.send(query("UPDATE customers SET name = name || '!'"))
        self.until_it_waits(third)
        self.run_sql(self.other, "COMMIT")
        self.assertEqual("".join(k for k, _ in self.boss.until("Z")), "TDCZ")
        self.assertEqual("".join(k for k, _ in third.until("Z")), "CZ")
        self.assertEqual(self.run_sql(self.boss, NAMES), [("Ada!,Bob!,Eve!",)])
        self.leave(third)
        self.end()

    def test_half_read_results_keep_what_they_read(self):
        self.run_sql(self.boss, "CREATE TABLE many AS SELECT i FROM generate_series(1, 50000) i")
        text = parse("", "SELECT i FROM many") + bind("half", "") + execute("half", 10)
        self.other.send(text + FLUSH)
        got = [self.other.next() for _ in range(13)]
        self.assertEqual("".join(k for k, _ in got), "12" + "D" * 10 + "s")
        self.rewind()  # the table is not there any more
        types, got = self.other.ask(execute("half") + SYNC)
        self.assertEqual((types.count("D"), types[-2:]), (49990, "CZ"))
        self.fails(self.other, "SELECT * FROM many", "42P01")
        self.end()

    def test_a_running_statement_is_not_disturbed(self):
        """It waits at its first row, and reads the others when the rewind is done."""
        admin = self.connect("postgres")
        self.run_sql(self.boss, "SELECT pg_advisory_lock(1)")
        self.run_sql(self.other, "SET lock_timeout = 0")
        self.other.send(query("SELECT name, pg_advisory_lock(1) FROM customers"))
        self.eventually(lambda: self.wait_event(admin, self.other) == "Lock advisory", "it does not wait")
        self.rewind()
        self.run_sql(self.boss, "SELECT pg_advisory_unlock(1)")
        self.assertEqual([wire.values(body)[0] for kind, body in self.other.until("Z") if kind == "D"], 3 * [b"x"])
        self.leave(admin)
        self.end()

    def test_the_database_goes_while_one_waits_to_rewind(self):
        owner = self.connect("shop~own", options="-c pond.owner=on")
        writer, waiting = self.connect("shop~own"), self.connect("shop~own", lock_timeout="0")
        self.run_sql(writer, "BEGIN; DELETE FROM orders")
        waiting.send(query("SELECT pond_reset()"))
        self.until_it_waits(waiting)
        self.leave(owner)
        for w in (writer, waiting):
            self.assertEqual(self.last_words(w)["C"], "57P01")
        self.end()

    def test_many_at_once(self):
        """Rewinds between transfers that keep a sum: nobody sees another sum, and what fails is 40001."""
        clients = [self.connect("shop~marks", lock_timeout="0") for _ in range(8)]
        self.run_sql(self.boss, "CREATE TABLE accounts (id int PRIMARY KEY, n int); INSERT INTO accounts VALUES (1, 50), (2, 50)")
        self.run_sql(self.boss, "SELECT pond_mark('accounts')")
        self.run_sql(self.boss, "SET lock_timeout = 0")
        transfer = ("BEGIN; UPDATE accounts SET n = n - 1 WHERE id = 1; UPDATE accounts SET n = n + 1 WHERE id = 2; COMMIT;"
                    "SELECT sum(n) FROM accounts")
        for _ in range(20):
            for w in clients:
                w.send(query(transfer))
            self.boss.send(query("SELECT pond_rewind('accounts')"))
            self.assertEqual("".join(k for k, _ in self.boss.until("Z")), "TDCZ")
            for w in clients:
                got = w.until("Z")
                errors = [wire.fields(b)["C"] for k, b in got if k == "E"]
                self.assertLessEqual(set(errors), {"40001"})
                if errors:
                    self.run_sql(w, "ROLLBACK")
                else:
                    self.assertEqual([wire.values(b) for k, b in got if k == "D"], [[b"100"]])
        for w in clients:
            self.leave(w)
        self.end()


if __name__ == "__main__":
    sys.exit(database_test.main())
