"""Portals and pipelines by raw bytes, with good manners and bad ones. With POND_TEST_PEER=1 the same expectations are
checked against a real PostgreSQL; where pond says something else on purpose, the test says what and why."""
import unittest

import client_test
import wire
from wire import Wire, bind, close, describe, execute, parse, query, FLUSH, SYNC

SERIES = "SELECT i FROM generate_series(1, 5) AS g(i)"
INSERT = "INSERT INTO customers (email, name) VALUES ('a', 'Ann'), ('b', 'Ben'), ('c', 'Cid')"
COUNT = query("SELECT count(*) FROM customers")
ABORTED = "25P02 current transaction is aborted, commands ignored until end of transaction block"


def bound(portal, text, statement=""):
    return parse(statement, text) + bind(portal, statement)


def pipeline(*texts):
    """Each by the unnamed statement and portal, with one Sync behind all."""
    return b"".join(bound("", text) + execute() for text in texts) + SYNC


def told(messages):
    """'1 2 D1 D2 s Z T': rows by their first value, tags, SQLSTATEs and messages, the transaction's state. Without
    ParameterStatus and NOTICE, and without columns before an error: PostgreSQL folds constants and fails before it has
    described what pond fails to run."""
    words = []
    for kind, body in messages:
        if kind == "D":
            values = wire.values(body)
            words.append("D" + ("" if not values else "~" if values[0] is None else values[0].decode()))
        elif kind == "C":
            words.append("[%s]" % body[:-1].decode())
        elif kind == "E":
            f = wire.fields(body)
            if words and words[-1] == "T":
                words.pop()
            words.append("(%s %s)" % (f["C"], f["M"]))
        elif kind == "Z":
            words.append(body.decode())
        elif kind not in "SN":
            words.append(kind)
    return " ".join(words)


class Portals(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        client_test.fresh()
        self.w = Wire(client_test.DATABASE, user=client_test.USER)
        self.addCleanup(self.w.socket.close)

    def says(self, data, expected):
        self.assertEqual(told(self.w.ask(data)[1]), expected)

    def until(self, kind, data, expected):
        """The same up to a message of that kind: no Sync has been sent."""
        self.w.send(data)
        self.assertEqual(told(self.w.until(kind)), expected)

    def begin(self):
        self.says(query("BEGIN"), "[BEGIN] T")

    def rollback(self):
        self.says(query("ROLLBACK"), "[ROLLBACK] I")


class Pages(Portals):
    def test_sizes(self):
        for size, expected in ((0, "1 2 D1 D2 D3 D4 D5 [SELECT 5] I"), (2147483647, "1 2 D1 D2 D3 D4 D5 [SELECT 5] I"),
                               (-1, "1 2 D1 D2 D3 D4 D5 [SELECT 5] I"), (-2147483648, "1 2 D1 D2 D3 D4 D5 [SELECT 5] I"),
                               (1, "1 2 D1 s I"), (5, "1 2 D1 D2 D3 D4 D5 s I"), (6, "1 2 D1 D2 D3 D4 D5 [SELECT 5] I")):
            with self.subTest(size):
                self.says(bound("", SERIES) + execute("", size) + SYNC, expected)

    def test_the_last_page_counts_its_own_rows(self):
        self.says(bound("", SERIES) + execute("", 3) + execute("", 3) + execute("", 3) + SYNC,
                  "1 2 D1 D2 D3 s D4 D5 [SELECT 2] [SELECT 0] I")
        self.says(bound("", SERIES) + execute("", 5) + execute("", 5) + SYNC, "1 2 D1 D2 D3 D4 D5 s [SELECT 0] I")

    def test_flush_without_sync(self):
        """pg-cursor's shape."""
        self.until("T", bound("C_1", SERIES) + describe("P", "C_1") + FLUSH, "1 2 T")
        self.until("s", execute("C_1", 2) + FLUSH, "D1 D2 s")
        self.until("s", execute("C_1", 2) + FLUSH, "D3 D4 s")
        self.until("C", execute("C_1", 2) + FLUSH, "D5 [SELECT 1]")
        self.says(close("P", "C_1") + SYNC, "3 I")

    def test_sync_per_page_in_a_block(self):
        """JDBC's shape, with another statement in between."""
        self.says(bound("", "BEGIN") + execute() + bound("C_1", SERIES) + describe("P", "C_1") + execute("C_1", 2) + SYNC,
                  "1 2 [BEGIN] 1 2 T D1 D2 s T")
        self.says(pipeline("UPDATE customers SET name = 'x' WHERE id = 1"), "1 2 [UPDATE 1] T")
        self.says(execute("C_1", 2) + SYNC, "D3 D4 s T")
        self.says(execute("C_1", 2) + SYNC, "D5 [SELECT 1] T")
        self.says(pipeline("COMMIT"), "1 2 [COMMIT] I")
        self.says(execute("C_1", 2) + SYNC, '(34000 portal "C_1" does not exist) I')

    def test_sync_per_page_outside_of_a_block(self):
        for name in ("p", ""):
            self.says(bound(name, SERIES) + execute(name, 2) + SYNC, "1 2 D1 D2 s I")
            self.says(execute(name, 2) + SYNC, '(34000 portal "%s" does not exist) I' % name)

    def test_an_abandoned_page_harms_nothing(self):
        """asyncpg's fetchrow()."""
        self.says(bound("", SERIES) + execute("", 1) + SYNC, "1 2 D1 s I")
        self.says(bound("", "SELECT 7") + execute("", 1) + SYNC, "1 2 D7 s I")
        self.says(bound("", SERIES) + execute("", 1) + bound("", INSERT) + execute("", 1) + SYNC,
                  "1 2 D1 s 1 2 [INSERT 0 3] I")
        self.says(COUNT, "T D6 [SELECT 1] I")

    def test_many_at_once(self):
        self.begin()
        names = ["p%d" % i for i in range(50)]
        self.says(parse("s", SERIES) + b"".join(bind(name, "s") for name in names) + SYNC, "1 " + "2 " * 50 + "T")
        for row in range(1, 6):
            self.says(b"".join(execute(name, 1) for name in names) + SYNC, ("D%d s " % row) * 50 + "T")
            self.says(query("UPDATE orders SET quantity = quantity + 1"), "[UPDATE 3] T")
        self.says(b"".join(execute(name, 1) for name in names) + SYNC, "[SELECT 0] " * 50 + "T")
        self.rollback()

    def test_for_update_and_with(self):
        self.begin()
        self.says(bound("p", "SELECT id FROM orders ORDER BY id FOR UPDATE") + execute("p", 2) + SYNC, "1 2 D1 D2 s T")
        self.says(execute("p", 2) + SYNC, "D3 [SELECT 1] T")
        self.says(bound("q", "WITH x AS (%s) SELECT * FROM x" % SERIES) + execute("q", 4) + execute("q", 4) + SYNC,
                  "1 2 D1 D2 D3 D4 s D5 [SELECT 1] T")
        self.rollback()

    def test_rows_without_columns(self):
        self.says(bound("", "SELECT FROM generate_series(1, 3)") + describe("P") + execute("", 2) + execute("", 2) + SYNC,
                  "1 2 T D D s D [SELECT 1] I")


class Returning(Portals):
    def test_pages(self):
        self.begin()
        self.says(bound("p", INSERT + " RETURNING name") + execute("p", 1) + SYNC, "1 2 DAnn s T")
        self.says(COUNT, "T D6 [SELECT 1] T")
        self.says(execute("p", 1) + SYNC, "DBen s T")
        self.says(execute("p", 0) + SYNC, "DCid [INSERT 0 1] T")
        self.says(execute("p", 0) + SYNC, "[INSERT 0 0] T")
        self.says(bound("q", "DELETE FROM orders RETURNING id") + execute("q", 2) + close("P", "q") + SYNC,
                  "1 2 D1 D2 s 3 T")
        self.says(query("SELECT count(*) FROM orders"), "T D0 [SELECT 1] T")
        self.rollback()

    def test_an_abandoned_page_has_changed_all_rows(self):
        self.says(bound("", INSERT + " RETURNING name") + execute("", 1) + SYNC, "1 2 DAnn s I")
        self.says(COUNT, "T D6 [SELECT 1] I")

    def test_fetch(self):
        self.begin()
        self.says(bound("p", INSERT + " RETURNING name") + SYNC, "1 2 T")
        self.says(query("FETCH 1 FROM p"), "T DAnn [FETCH 1] T")
        self.says(COUNT, "T D6 [SELECT 1] T")
        self.says(execute("p", 1) + SYNC, "DBen s T")
        self.says(query("FETCH ALL FROM p"), "T DCid [FETCH 1] T")
        self.says(query("FETCH BACKWARD 1 FROM p"), "(55000 cursor can only scan forward) E")
        self.rollback()


class Again(Portals):
    def test_what_gives_rows_gives_no_more(self):
        for text, rows, tag in ((SERIES, "D1 D2 D3 D4 D5", "SELECT %d"), ("VALUES (1), (2)", "D1 D2", "SELECT %d"),
                                ("SHOW TimeZone", "DUTC", "SHOW"), (INSERT + " RETURNING name", "DAnn DBen DCid", "INSERT 0 %d")):
            with self.subTest(text):
                self.begin()
                count = rows.count("D")
                end = "[%s]" % (tag % 0 if "%" in tag else tag)
                self.says(bound("p", text) + execute("p") + execute("p") + SYNC,
                          "1 2 %s [%s] %s T" % (rows, tag % count if "%" in tag else tag, end))
                self.says(execute("p", 1) + SYNC, end + " T")
                self.rollback()

    def test_what_gives_none_cannot_be_run(self):
        for text, tag, state in ((INSERT, "INSERT 0 3", "E"), ("UPDATE customers SET name = name", "UPDATE 3", "E"),
                                 ("SET application_name = 'x'", "SET", "E"), ("CREATE TABLE made (a int)", "CREATE TABLE", "E"),
                                 ("BEGIN", "BEGIN", "E")):
            with self.subTest(text):
                self.begin()
                self.says(bound("p", text) + execute("p") + SYNC, "1 2 [%s] T" % tag)
                self.says(execute("p") + SYNC, '(55000 portal "p" cannot be run) ' + state)
                self.rollback()
        self.says(bound("", "") + execute() + execute() + SYNC, "1 2 I I I")

    def test_after_an_error(self):
        self.begin()
        self.says(bound("p", "SELECT 6 / (3 - i) FROM generate_series(1, 5) g(i)") + execute("p", 2) + SYNC,
                  "1 2 D3 D6 s T")
        self.says(query("SAVEPOINT a"), "[SAVEPOINT] T")
        self.says(execute("p", 2) + SYNC, "(22012 division by zero) E")
        self.says(execute("p", 2) + SYNC, "(%s) E" % ABORTED)
        self.says(query("ROLLBACK TO a"), "[ROLLBACK] T")
        self.says(execute("p", 2) + SYNC, '(55000 portal "p" cannot be run) E')
        self.rollback()


class Names(Portals):
    def test_unknown(self):
        self.says(execute("nope") + SYNC, '(34000 portal "nope" does not exist) I')
        self.says(execute("") + SYNC, '(34000 portal "" does not exist) I')
        self.says(describe("P", "nope") + SYNC, '(34000 portal "nope" does not exist) I')
        self.says(describe("S", "nope") + SYNC, '(26000 prepared statement "nope" does not exist) I')
        self.says(bind("p", "nope") + SYNC, '(26000 prepared statement "nope" does not exist) I')
        self.says(close("P", "x") + close("S", "x") + close("P", "") + close("S", "") + SYNC, "3 3 3 3 I")
        self.begin()
        self.says(execute("nope") + SYNC, '(34000 portal "nope" does not exist) E')
        self.says(close("P", "x") + close("S", "x") + SYNC, "3 3 E")
        self.rollback()

    def test_taken(self):
        self.begin()
        self.says(bound("p", SERIES, "s") + execute("p") + bind("p", "s") + SYNC,
                  '1 2 D1 D2 D3 D4 D5 [SELECT 5] (42P03 cursor "p" already exists) E')
        self.rollback()
        self.says(query("BEGIN; DECLARE c CURSOR FOR SELECT 1"), "[BEGIN] [DECLARE CURSOR] T")
        self.says(bind("c", "s") + SYNC, '(42P03 cursor "c" already exists) E')
        self.rollback()
        self.begin()
        self.says(bind("p", "s") + SYNC, "2 T")
        self.says(query("DECLARE p CURSOR FOR SELECT 1"), '(42P03 cursor "p" already exists) E')
        self.rollback()
        self.says(bind("", "s") + execute("", 1) + bind("", "s") + execute("", 1) + SYNC, "2 D1 s 2 D1 s I")

    def test_closed(self):
        self.begin()
        self.says(bound("p", SERIES, "s") + execute("p", 1) + close("P", "p") + bind("p", "s") + execute("p", 1) + SYNC,
                  "1 2 D1 s 3 2 D1 s T")
        self.says(close("P", "p") + execute("p", 1) + SYNC, '3 (34000 portal "p" does not exist) E')
        self.rollback()
        self.begin()
        self.says(bind("p", "s") + execute("p", 1) + close("S", "s") + describe("P", "p") + execute("p", 1) + SYNC,
                  "2 D1 s 3 T D2 s T")
        self.says(query("CLOSE p"), "[CLOSE CURSOR] T")
        self.says(execute("p") + SYNC, '(34000 portal "p" does not exist) E')
        self.rollback()

    def test_a_simple_query_takes_the_unnamed_one(self):
        self.begin()
        self.says(bound("", SERIES) + execute("", 1) + SYNC, "1 2 D1 s T")
        self.says(execute("", 1) + SYNC, "D2 s T")
        self.says(query("SELECT 1"), "T D1 [SELECT 1] T")
        self.says(execute("", 1) + SYNC, '(34000 portal "" does not exist) E')
        self.rollback()

    def test_a_bind_that_fails_leaves_none(self):
        self.begin()
        self.says(parse("s", "SELECT $1::int") + bind("p", "s", [b"x"]) + SYNC,
                  '1 (22P02 invalid input syntax for type integer: "x") E')
        self.rollback()
        self.begin()
        self.says(bind("p", "s", [b"1"]) + execute("p") + SYNC, "2 D1 [SELECT 1] T")
        self.rollback()


class Describe(Portals):
    def test_at_any_point(self):
        self.begin()
        d = describe("P", "p")
        self.says(bound("p", SERIES) + d + execute("p", 1) + d + execute("p", 9) + d + execute("p", 9) + d + SYNC,
                  "1 2 T D1 s T D2 D3 D4 D5 [SELECT 4] T [SELECT 0] T T")
        self.says(bound("q", INSERT) + describe("P", "q") + execute("q") + describe("P", "q") + SYNC, "1 2 n [INSERT 0 3] n T")
        self.says(close("P", "p") + d + SYNC, '3 (34000 portal "p" does not exist) E')
        self.rollback()
        self.says(bound("p", SERIES) + execute("p") + SYNC, "1 2 D1 D2 D3 D4 D5 [SELECT 5] I")
        self.says(d + SYNC, '(34000 portal "p" does not exist) I')

    def test_in_a_failed_block(self):
        self.begin()
        self.says(bound("p", SERIES, "s") + bound("q", INSERT, "t") + SYNC, "1 2 1 2 T")
        self.says(query("SELECT 1/0"), "(22012 division by zero) E")
        for data in (describe("P", "p"), describe("S", "s"), execute("p", 1), execute("q"), bind("r", "s")):
            self.says(data + SYNC, "(%s) E" % ABORTED)
        self.says(describe("P", "q") + describe("S", "t") + close("P", "p") + SYNC, "n t n 3 E")
        self.rollback()


class Ends(Portals):
    def test_with_the_transaction(self):
        for end, tag in (("COMMIT", "COMMIT"), ("ROLLBACK", "ROLLBACK")):
            self.begin()
            self.says(bound("p", SERIES) + execute("p", 1) + SYNC, "1 2 D1 s T")
            self.says(query(end), "[%s] I" % tag)
            self.says(execute("p", 1) + SYNC, '(34000 portal "p" does not exist) I')
            self.says(bound("", "BEGIN") + execute() + bound("p", SERIES) + execute("p", 1) + bound("", end) + execute() +
                      execute("p", 1) + SYNC,
                      '1 2 [BEGIN] 1 2 D1 s 1 2 [%s] (34000 portal "p" does not exist) I' % tag)

    def test_begin_takes_in_what_was_bound_before(self):
        self.says(bound("p", SERIES, "s") + bound("", "BEGIN") + execute() + execute("p", 1) + SYNC,
                  "1 2 1 2 [BEGIN] D1 s T")
        self.says(execute("p", 1) + SYNC, "D2 s T")
        self.rollback()

    def test_an_error_skips_to_sync(self):
        failing = bound("p", SERIES) + execute("p", 1) + parse("", "SELECT i / 0 FROM generate_series(1, 1) g(i)") + bind("", "") + \
            execute() + execute("p", 1) + close("P", "p") + describe("P", "p") + query("SELECT 1") + FLUSH + SYNC
        self.begin()
        self.says(failing, "1 2 D1 s 1 2 (22012 division by zero) E")
        self.says(execute("p", 1) + SYNC, "(%s) E" % ABORTED)
        self.rollback()
        self.says(execute("p", 1) + SYNC, '(34000 portal "p" does not exist) I')
        self.says(failing, "1 2 D1 s 1 2 (22012 division by zero) I")
        self.says(execute("p", 1) + SYNC, '(34000 portal "p" does not exist) I')

    def test_rollback_to_a_savepoint(self):
        self.begin()
        self.says(bound("p", SERIES, "s") + execute("p", 1) + bind("idle", "s") + SYNC, "1 2 D1 s 2 T")
        self.says(query("SAVEPOINT a"), "[SAVEPOINT] T")
        self.says(bind("q", "s") + execute("q", 1) + bind("r", "s") + execute("p", 1) + execute("idle", 1) + SYNC,
                  "2 D1 s 2 D2 s D1 s T")
        self.says(query("DELETE FROM orders"), "[DELETE 3] T")
        self.says(query("ROLLBACK TO a"), "[ROLLBACK] T")
        self.says(execute("p", 1) + execute("idle", 1) + SYNC, "D3 s D2 s T")
        self.says(bind("q", "s") + SYNC, "2 T")  # the name is free again
        self.says(execute("r", 1) + SYNC, '(34000 portal "r" does not exist) E')
        self.rollback()

    def test_release_gives_them_to_the_parent(self):
        self.says(query("BEGIN; SAVEPOINT a; SAVEPOINT b"), "[BEGIN] [SAVEPOINT] [SAVEPOINT] T")
        self.says(bound("p", SERIES) + execute("p", 1) + SYNC, "1 2 D1 s T")
        self.says(query("RELEASE b; SAVEPOINT c"), "[RELEASE] [SAVEPOINT] T")
        self.says(execute("p", 1) + SYNC, "D2 s T")
        self.says(query("ROLLBACK TO c"), "[ROLLBACK] T")
        self.says(execute("p", 1) + SYNC, "D3 s T")
        self.says(query("ROLLBACK TO a"), "[ROLLBACK] T")
        self.says(execute("p", 1) + SYNC, '(34000 portal "p" does not exist) E')
        self.rollback()

    def test_returning_and_a_savepoint(self):
        self.begin()
        self.says(bound("p", "DELETE FROM orders RETURNING id") + SYNC, "1 2 T")
        self.says(query("SAVEPOINT a"), "[SAVEPOINT] T")
        self.says(execute("p", 1) + SYNC, "D1 s T")
        self.says(query("ROLLBACK TO a"), "[ROLLBACK] T")
        self.says(execute("p", 1) + SYNC, "D2 s T")
        self.says(query("SELECT count(*) FROM orders"), "T D3 [SELECT 1] T")
        self.rollback()


class Fetch(Portals):
    def test_a_portal_of_bind(self):
        self.begin()
        self.says(bound("p", SERIES) + execute("p", 1) + SYNC, "1 2 D1 s T")
        self.says(query("FETCH 1 FROM p"), "T D2 [FETCH 1] T")
        self.says(query("MOVE 1 FROM p"), "[MOVE 1] T")
        self.says(execute("p", 1) + SYNC, "D4 s T")
        self.says(query("FETCH ABSOLUTE 5 FROM p"), "T D5 [FETCH 1] T")
        self.says(query("MOVE ALL FROM p"), "[MOVE 0] T")
        self.says(execute("p", 1) + SYNC, "[SELECT 0] T")
        self.rollback()

    def test_backward(self):
        for text in ("FETCH BACKWARD 1 FROM p", "FETCH PRIOR FROM p", "FETCH 0 FROM p", "FETCH ABSOLUTE 1 FROM p"):
            with self.subTest(text):
                self.begin()
                self.says(bound("p", SERIES) + execute("p", 2) + SYNC, "1 2 D1 D2 s T")
                self.says(query(text), "(55000 cursor can only scan forward) E")
                self.rollback()
        self.says(query("BEGIN; DECLARE c NO SCROLL CURSOR FOR %s; FETCH 2 c" % SERIES),
                  "[BEGIN] [DECLARE CURSOR] T D1 D2 [FETCH 2] T")
        self.says(query("FETCH BACKWARD 1 c"), "(55000 cursor can only scan forward) E")
        self.rollback()

    def test_a_cursor_by_execute(self):
        self.says(query("BEGIN; DECLARE c CURSOR FOR " + SERIES), "[BEGIN] [DECLARE CURSOR] T")
        self.says(describe("P", "c") + execute("c", 2) + SYNC, "T D1 D2 s T")
        self.says(query("FETCH c"), "T D3 [FETCH 1] T")
        self.says(execute("c", 0) + execute("c", 0) + SYNC, "D4 D5 [SELECT 2] [SELECT 0] T")
        self.says(close("P", "c") + SYNC, "3 T")
        self.says(query("FETCH c"), '(34000 cursor "c" does not exist) E')
        self.rollback()

    def test_declare(self):
        text = "(25P01 DECLARE CURSOR can only be used in transaction blocks) I"
        self.says(query("DECLARE c CURSOR FOR SELECT 1"), text)
        self.says(pipeline("DECLARE c CURSOR FOR SELECT 1"), "1 2 " + text)
        self.says(pipeline("SELECT 1", "DECLARE c CURSOR FOR SELECT 1"), "1 2 D1 [SELECT 1] 1 2 " + text)
        self.says(query("DECLARE c CURSOR FOR SELECT 1; FETCH c"), "[DECLARE CURSOR] T D1 [FETCH 1] I")
        self.says(query("DECLARE h CURSOR WITH HOLD FOR " + SERIES), "[DECLARE CURSOR] I")
        self.says(execute("h", 2) + FLUSH + SYNC, "D1 D2 s I")
        self.says(query("FETCH 2 h"), "T D3 D4 [FETCH 2] I")
        self.says(execute("h", 2) + SYNC, "D5 [SELECT 1] I")
        self.says(query("CLOSE h"), "[CLOSE CURSOR] I")

    def test_portals_of_show_explain_and_execute(self):
        self.says(query("PREPARE e AS " + SERIES), "[PREPARE] I")
        self.begin()
        self.says(bound("p", "SHOW TimeZone") + SYNC, "1 2 T")
        self.says(query("FETCH 1 FROM p; FETCH 1 FROM p"), "T DUTC [FETCH 1] T [FETCH 0] T")
        self.says(query("MOVE ALL FROM p"), "[MOVE 0] T")
        self.says(bound("x", "EXPLAIN (COSTS OFF) SELECT 1 AS a") + SYNC, "1 2 T")
        self.assertRegex(told(self.w.ask(query("FETCH ALL FROM x; FETCH 1 FROM x"))[1]), r"^T D.* \[FETCH 1\] T \[FETCH 0\] T$")
        self.says(bound("e", "EXECUTE e") + SYNC, "1 2 T")
        self.says(query("FETCH 2 FROM e"), "T D1 D2 [FETCH 2] T")
        self.says(execute("e", 2) + execute("e", 2) + execute("e", 2) + SYNC, "D3 D4 s D5 [SELECT 1] [SELECT 0] T")
        self.says(query("FETCH PRIOR FROM p"), "(55000 cursor can only scan forward) E")
        self.rollback()

    def test_execute_of_a_name_that_means_another_statement_now(self):
        self.says(query("PREPARE e AS SELECT 1"), "[PREPARE] I")
        self.says(parse("named", "EXECUTE e") + bind("", "named") + execute() + SYNC, "1 2 D1 [SELECT 1] I")
        self.says(query("DEALLOCATE e; PREPARE e AS SELECT 2, 'x'"), "[DEALLOCATE] [PREPARE] I")
        self.says(bind("", "named") + execute() + SYNC, "2 D2 [SELECT 1] I")
        self.begin()
        self.says(bind("p", "named") + SYNC, "2 T")
        self.says(query("DEALLOCATE e; PREPARE e AS SELECT 3"), "[DEALLOCATE] [PREPARE] T")
        stale = "(0A000 cached plan must not change result type) E"  # PostgreSQL gives rows that nobody was told of
        self.says(execute("p") + SYNC, stale)
        self.rollback()
        self.says(bind("", "named") + execute() + SYNC, "2 D3 [SELECT 1] I")
        self.says(query("DEALLOCATE e"), "[DEALLOCATE] I")

    def test_pages_of_show_explain_and_execute(self):
        self.says(query("PREPARE e AS " + SERIES), "[PREPARE] I")
        types, _ = self.w.ask(bound("p", "SHOW ALL") + execute("p", 2) + execute("p", 3) + close("P", "p") + SYNC)
        self.assertEqual(types, "12DDsDDDs3Z")
        types, got = self.w.ask(bound("p", "SHOW ALL") + execute("p", 2) + execute("p") + execute("p", 1) + SYNC)
        self.assertEqual((types[:5], types[-3:], got[-2][1]), ("12DDs", "CCZ", b"SHOW\0"))
        types, _ = self.w.ask(bound("x", "EXPLAIN (COSTS OFF) SELECT * FROM customers WHERE id > 2 ORDER BY name") + execute("x", 1) + SYNC)
        self.assertEqual(types, "12DsZ")
        self.says(bound("p", "EXECUTE e") + execute("p", 2) + execute("p", 2) + execute("p", 2) + SYNC,
                  "1 2 D1 D2 s D3 D4 s D5 [SELECT 1] I")

    def test_pages_of_fetch(self):
        self.says(query("BEGIN; DECLARE c CURSOR FOR " + SERIES), "[BEGIN] [DECLARE CURSOR] T")
        self.says(bound("f", "FETCH 3 FROM c") + execute("f", 1) + execute("f", 1) + execute("f", 5) + execute("f", 5) + SYNC,
                  "1 2 D1 s D2 s D3 [FETCH 1] [FETCH 0] T")
        self.says(bound("m", "MOVE 1 FROM c") + execute("m", 1) + SYNC, "1 2 [MOVE 1] T")
        self.says(bound("g", "FETCH 2 FROM c") + SYNC, "1 2 T")
        self.says(query("FETCH 1 FROM g; FETCH 2 FROM g"), "T D5 [FETCH 1] T [FETCH 0] T")
        self.says(bound("i", "FETCH 1 FROM i") + execute("i") + SYNC, '1 2 (55000 portal "i" cannot be run) E')
        self.rollback()

    def test_portals_without_rows(self):
        """PostgreSQL's answer is XX000 "unsupported portal strategy", its word for a fault of its own; pond's is 0A000."""
        for text in (INSERT, "SET application_name = 'x'", ""):
            with self.subTest(text):
                self.begin()
                self.w.ask(bound("p", text) + SYNC)
                error, _ = self.w.error(query("MOVE 1 FROM p"))
                self.assertEqual(error["C"], "0A000" if client_test.IS_POND else "XX000")
                self.rollback()

    def test_binary_formats_stay_with_their_portal(self):
        self.begin()
        self.w.ask(parse("s", SERIES) + bind("p", "s", (), (), (1, )) + SYNC)
        _, got = self.w.ask(execute("p", 1) + SYNC)
        self.assertEqual(wire.values(got[0][1]), [b"\0\0\0\1"])
        self.says(query("FETCH 1 FROM p"), "T D2 [FETCH 1] T")
        self.rollback()


class Alone(Portals):
    """What commits by itself: not in a block, not among several statements, not behind another one of a pipeline."""

    def test_in_a_pipeline(self):
        for text, what in (("VACUUM", "VACUUM"), ("DISCARD ALL", "DISCARD ALL"), ("REINDEX SCHEMA public", "REINDEX SCHEMA"),
                           ("CREATE DATABASE made", "CREATE DATABASE"), ("DROP DATABASE made", "DROP DATABASE"),
                           ("CREATE INDEX CONCURRENTLY made ON orders (sku)", "CREATE INDEX CONCURRENTLY")):
            with self.subTest(text):
                refused = "1 2 (25001 %s cannot be executed within a pipeline) I" % what
                self.says(pipeline("SELECT 1", text), "1 2 D1 [SELECT 1] " + refused)
                self.says(pipeline("SET application_name = 'x'", text), "1 2 [SET] " + refused)
                self.says(bound("p", SERIES) + execute("p", 1) + pipeline(text), "1 2 D1 s " + refused)

    def test_first_in_a_pipeline(self):
        self.says(pipeline("VACUUM", "SELECT 1"), "1 2 [VACUUM] 1 2 D1 [SELECT 1] I")
        self.says(pipeline("DISCARD ALL", "SELECT 1"), "1 2 [DISCARD ALL] 1 2 D1 [SELECT 1] I")
        self.says(bound("p", SERIES) + pipeline("VACUUM"), "1 2 1 2 [VACUUM] I")
        self.says(pipeline("", "VACUUM"), "1 2 I 1 2 [VACUUM] I")
        self.says(pipeline("BEGIN", "COMMIT", "VACUUM"), "1 2 [BEGIN] 1 2 [COMMIT] 1 2 [VACUUM] I")
        self.says(pipeline("SELECT 1"), "1 2 D1 [SELECT 1] I")
        self.says(pipeline("VACUUM"), "1 2 [VACUUM] I")

    def test_it_is_not_undone(self):
        self.says(pipeline("CREATE INDEX CONCURRENTLY made ON orders (sku)", "SELECT i / 0 FROM generate_series(1, 1) g(i)"),
                  "1 2 [CREATE INDEX] 1 2 (22012 division by zero) I")
        self.says(query("DROP INDEX CONCURRENTLY made"), "[DROP INDEX] I")

    def test_among_several_statements_and_in_a_block(self):
        for text, what in (("VACUUM", "VACUUM"), ("DISCARD ALL", "DISCARD ALL"), ("REINDEX DATABASE shop", "REINDEX DATABASE"),
                           ("REINDEX TABLE CONCURRENTLY orders", "REINDEX CONCURRENTLY"),
                           ("DROP INDEX CONCURRENTLY orders_sku_key", "DROP INDEX CONCURRENTLY")):
            with self.subTest(text):
                refused = "(25001 %s cannot run inside a transaction block) " % what
                self.says(query("SELECT 1; " + text), "T D1 [SELECT 1] " + refused + "I")
                self.says(query(text + "; SELECT 1"), refused + "I")
                self.begin()
                self.says(pipeline(text), "1 2 " + refused + "E")
                self.rollback()
        self.says(query("SELECT 1; ANALYZE; REINDEX TABLE orders; DISCARD TEMP"),
                  "T D1 [SELECT 1] [ANALYZE] [REINDEX] [DISCARD TEMP] I")


class Implicit(Portals):
    """What is no block to the client and yet one transaction."""

    def test_commit_keeps_what_was_done_so_far(self):
        failing = "SELECT i / 0 FROM generate_series(1, 1) g(i)"
        more = INSERT.replace("'a'", "'d'").replace("'b'", "'e'").replace("'c'", "'f'")
        self.says(pipeline(INSERT, "COMMIT", more, failing),
                  "1 2 [INSERT 0 3] 1 2 [COMMIT] 1 2 [INSERT 0 3] 1 2 (22012 division by zero) I")
        self.says(COUNT, "T D6 [SELECT 1] I")
        self.assertRegex(told(self.w.ask(query("; ".join((more, "COMMIT", INSERT.replace("'a'", "'x'"), failing))))[1]),
                         r"^\[INSERT 0 3\] \[COMMIT\] \(23505 duplicate key .*\) I$")
        self.says(COUNT, "T D9 [SELECT 1] I")

    def test_rollback_undoes_it(self):
        self.says(pipeline(INSERT, "ROLLBACK", "SELECT count(*) FROM customers"), "1 2 [INSERT 0 3] 1 2 [ROLLBACK] 1 2 D3 [SELECT 1] I")
        self.says(query(INSERT + "; ROLLBACK; SELECT count(*) FROM customers"), "[INSERT 0 3] [ROLLBACK] T D3 [SELECT 1] I")

    def test_begin_takes_it_in(self):
        self.says(pipeline(INSERT, "BEGIN"), "1 2 [INSERT 0 3] 1 2 [BEGIN] T")
        self.rollback()
        self.says(COUNT, "T D3 [SELECT 1] I")

    def test_several_statements_of_a_query_are_a_block_to_some(self):
        self.says(query("LOCK TABLE orders; SELECT 1"), "[LOCK TABLE] T D1 [SELECT 1] I")
        self.says(query("LOCK TABLE orders"), "(25P01 LOCK TABLE can only be used in transaction blocks) I")
        self.says(pipeline("SELECT 1", "LOCK TABLE orders"),
                  "1 2 D1 [SELECT 1] 1 2 (25P01 LOCK TABLE can only be used in transaction blocks) I")
        self.says(query("SELECT 1; SAVEPOINT a"), "T D1 [SELECT 1] (25P01 SAVEPOINT can only be used in transaction blocks) I")
        for text, warned in (("SET LOCAL application_name = 'x'", True), ("SET CONSTRAINTS ALL DEFERRED", True),
                             ("SET LOCAL application_name = 'x'; SELECT 1", False),
                             ("SET CONSTRAINTS ALL DEFERRED; SELECT 1", False)):
            with self.subTest(text):
                types, _ = self.w.ask(query(text))
                self.assertEqual("N" in types, warned)


client_test.main()
