"""SQL cursors as drivers use them: psycopg 3 server cursors, psycopg2 named cursors, asyncpg, psql, raw wire."""
import os
import subprocess
import unittest

import client_test
import wire
from wire import Wire, bind, describe, execute, parse, query, SYNC

psycopg = client_test.driver("psycopg")
psycopg2 = client_test.driver("psycopg2")
asyncpg = client_test.driver("asyncpg")

ROWS = int(os.environ.get("POND_TEST_CURSOR_ROWS", "20000"))
LARGE = 10 * ROWS  # of these nothing may be copied, or in a file at most
SERIES = "SELECT i, 'row ' || i AS label FROM generate_series(1, %d) AS g(i)"
TARGET = dict(host=client_test.HOST, port=client_test.PORT, user=client_test.USER)


def fill(db, rows=10):
    db.cursor().execute("CREATE TABLE numbers (i integer PRIMARY KEY, label text)")
    db.cursor().execute("INSERT INTO numbers SELECT i, 'row ' || i FROM generate_series(1, %d) AS g(i)" % rows)
    db.commit()


class Psycopg3(unittest.TestCase):
    def setUp(self):
        client_test.fresh()
        self.db = psycopg.connect(dbname=client_test.DATABASE, **TARGET)
        self.addCleanup(self.db.close)

    def test_server_cursor_with_parameters(self):
        fill(self.db)
        with self.db.cursor(name="c") as cursor:
            cursor.execute("SELECT i, label FROM numbers WHERE i > %s AND label <> %s ORDER BY i", (4, "row 7"))
            self.assertEqual([(c.name, c.type_code) for c in cursor.description], [("i", 23), ("label", 25)])
            self.assertEqual(cursor.fetchone(), (5, "row 5"))
            self.assertEqual([row[0] for row in cursor.fetchmany(2)], [6, 8])
            self.assertEqual([row[0] for row in cursor], [9, 10])
        self.assertEqual(self.db.execute("SELECT count(*) FROM pg_cursors").fetchone(), (0,))

    def test_binary_server_cursor(self):
        fill(self.db)
        with self.db.cursor(name="c", binary=True) as cursor:
            cursor.execute("SELECT i, i::float8 / 2, label FROM numbers WHERE i = %b", (3,))
            self.assertEqual(cursor.fetchall(), [(3, 1.5, "row 3")])

    def test_scroll(self):
        fill(self.db)
        with self.db.cursor(name="c", scrollable=True) as cursor:
            cursor.execute("SELECT i FROM numbers ORDER BY i")
            cursor.scroll(3)
            self.assertEqual(cursor.fetchone(), (4,))
            cursor.scroll(-2)
            self.assertEqual(cursor.fetchone(), (3,))
            cursor.scroll(9, mode="absolute")
            self.assertEqual(cursor.fetchall(), [(10,)])
            cursor.scroll(0, mode="absolute")
            self.assertEqual(len(cursor.fetchall()), 10)

    def test_no_scroll(self):
        with self.db.cursor(name="c", scrollable=False) as cursor:
            cursor.execute("SELECT 1 UNION ALL SELECT 2")
            cursor.fetchone()
            with self.assertRaises(psycopg.errors.ObjectNotInPrerequisiteState):
                cursor.scroll(-1)
        self.db.rollback()

    def test_hold_survives_the_commit_and_what_came_with_it(self):
        fill(self.db)
        cursor = self.db.cursor(name="h", withhold=True, scrollable=True)
        cursor.execute("SELECT i FROM numbers ORDER BY i")
        self.assertEqual(cursor.fetchmany(2), [(1,), (2,)])
        self.db.execute("DELETE FROM numbers")
        self.db.commit()
        self.assertEqual(cursor.fetchmany(2), [(3,), (4,)])
        self.db.rollback()
        self.assertEqual(len(cursor.fetchall()), 6)
        cursor.scroll(0, mode="absolute")
        self.assertEqual(cursor.fetchone(), (1,))
        cursor.close()
        gone = self.db.cursor(name="gone", withhold=True)
        gone.execute("SELECT 1")
        self.db.rollback()
        with self.assertRaises(psycopg.errors.InvalidCursorName):
            gone.fetchone()

    def test_hold_in_autocommit(self):
        self.db.autocommit = True
        with self.db.cursor(name="h", withhold=True) as cursor:
            cursor.execute(SERIES % 100)
            cursor.itersize = 30
            self.assertEqual(sum(row[0] for row in cursor), 5050)
        with self.assertRaises(psycopg.errors.NoActiveSqlTransaction):
            self.db.cursor(name="c").execute("SELECT 1")

    def test_many_rows_then_half_of_them(self):
        with self.db.cursor(name="c") as cursor:
            cursor.itersize = 1000
            cursor.execute(SERIES % ROWS)
            self.assertEqual(sum(row[0] for row in cursor), ROWS * (ROWS + 1) // 2)
        with self.db.cursor(name="c") as cursor:
            cursor.execute(SERIES % (ROWS * 1000))
            self.assertEqual(len(cursor.fetchmany(500)), 500)
        self.assertEqual(self.db.execute("SELECT 1").fetchone(), (1,))
        self.db.commit()

    def test_all_rows_come_though_they_were_deleted(self):
        fill(self.db, LARGE)
        with self.db.cursor(name="c", scrollable=False) as cursor:
            cursor.itersize = 5000
            cursor.execute("SELECT i, label FROM numbers ORDER BY i")
            first = cursor.fetchmany(1000)
            self.assertEqual(self.db.execute("DELETE FROM numbers").rowcount, LARGE)
            self.assertEqual(self.db.execute("SELECT count(*) FROM numbers").fetchone(), (0,))
            rest = cursor.fetchall()
        self.assertEqual([i for i, _ in first + rest], list(range(1, LARGE + 1)))
        self.assertEqual(rest[-1], (LARGE, "row %d" % LARGE))
        self.db.rollback()
        self.assertEqual(self.db.execute("SELECT count(*) FROM numbers").fetchone(), (LARGE,))

    def test_stream(self):
        got = 0
        for row in self.db.cursor().stream(SERIES % ROWS):
            got += row[0]
        self.assertEqual(got, ROWS * (ROWS + 1) // 2)


class Psycopg2(unittest.TestCase):
    def setUp(self):
        client_test.fresh()
        self.db = psycopg2.connect(dbname=client_test.DATABASE, **TARGET)
        self.addCleanup(self.db.close)

    def test_named_cursors_interleaved_with_writes(self):
        fill(self.db, 100)
        one, two = self.db.cursor("one"), self.db.cursor("two")
        one.itersize = 7
        one.execute("SELECT i FROM numbers ORDER BY i")
        two.execute("SELECT i FROM numbers WHERE i > %s ORDER BY i DESC", (50,))
        got = 0
        for row in one:
            got += row[0] + two.fetchone()[0] if row[0] <= 50 else row[0]
            self.db.cursor().execute("DELETE FROM numbers WHERE i = %s", (row[0] + 1,))
        self.assertEqual(got, 5050 + sum(range(51, 101)))
        self.db.rollback()

    def test_scroll_and_withhold(self):
        fill(self.db)
        cursor = self.db.cursor("c", scrollable=True, withhold=True)
        cursor.execute("SELECT i FROM numbers ORDER BY i")
        cursor.scroll(4)
        self.assertEqual(cursor.fetchone(), (5,))
        self.db.commit()
        cursor.scroll(-3)
        self.assertEqual(cursor.fetchmany(2), [(3,), (4,)])
        cursor.scroll(1, mode="absolute")
        self.assertEqual(cursor.fetchone(), (2,))
        cursor.close()

    def test_all_rows_come_after_the_commit_of_their_end(self):
        fill(self.db, LARGE)
        plain = self.db.cursor()
        held = self.db.cursor("held", scrollable=False, withhold=True)
        held.itersize = 7000
        held.execute("SELECT i FROM numbers ORDER BY i")
        self.assertEqual(held.fetchone(), (1,))
        plain.execute("UPDATE numbers SET label = 'x' WHERE i = 7")
        written = self.db.cursor("written", withhold=True)  # sees what is not committed, and so is copied
        written.execute("SELECT i FROM numbers WHERE label <> 'x' ORDER BY i DESC")
        plain.execute("DELETE FROM numbers")
        self.db.commit()
        plain.execute("SELECT count(*) FROM numbers")
        self.assertEqual(plain.fetchone(), (0,))
        self.assertEqual(sum(row[0] for row in held), LARGE * (LARGE + 1) // 2 - 1)
        self.assertEqual(sum(row[0] for row in written), LARGE * (LARGE + 1) // 2 - 7)
        held.close()
        written.close()

    def test_scrolling_back_without_having_asked_for_it(self):
        fill(self.db, ROWS)
        cursor = self.db.cursor("c")
        cursor.execute("SELECT i FROM numbers ORDER BY i")
        self.assertEqual(len(cursor.fetchmany(ROWS - 5)), ROWS - 5)
        self.db.cursor().execute("DELETE FROM numbers")
        cursor.scroll(-3)
        self.assertEqual(cursor.fetchone(), (ROWS - 7,))
        cursor.scroll(ROWS, mode="absolute")
        cursor.scroll(-2)
        self.assertEqual(cursor.fetchall(), [(ROWS - 1,), (ROWS,)])
        self.db.rollback()

    def test_scrolling_back_is_refused(self):
        cursor = self.db.cursor("c", scrollable=False)
        cursor.execute("SELECT 1")
        cursor.fetchone()
        with self.assertRaises(psycopg2.errors.ObjectNotInPrerequisiteState):
            cursor.scroll(-1)

    def test_a_savepoint_that_is_rolled_back_ends_its_cursors_only(self):
        fill(self.db)
        old = self.db.cursor("old")
        old.itersize = 2
        old.execute("SELECT i FROM numbers ORDER BY i")
        self.assertEqual(old.fetchone(), (1,))
        plain = self.db.cursor()
        plain.execute("SAVEPOINT s; DELETE FROM numbers")
        young = self.db.cursor("young")
        young.execute("SELECT count(*) FROM numbers")
        plain.execute("ROLLBACK TO s")
        self.assertEqual(len(old.fetchall()), 9)
        with self.assertRaises(psycopg2.errors.InvalidCursorName):
            young.fetchone()


class Asyncpg(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        client_test.fresh()
        self.db = await asyncpg.connect(database=client_test.DATABASE, **TARGET)
        self.addAsyncCleanup(self.db.close)

    async def test_iteration(self):
        async with self.db.transaction():
            got = 0
            async for row in self.db.cursor(SERIES % ROWS, prefetch=500):
                got += row["i"]
        self.assertEqual(got, ROWS * (ROWS + 1) // 2)

    async def test_forward_and_fetch(self):
        async with self.db.transaction():
            cursor = await self.db.cursor("SELECT i FROM generate_series(1, $1::int) AS g(i)", 20)
            self.assertEqual(await cursor.forward(5), 5)
            self.assertEqual([row["i"] for row in await cursor.fetch(3)], [6, 7, 8])
            self.assertEqual((await cursor.fetchrow())["i"], 9)
            self.assertEqual(await cursor.forward(100), 11)
            self.assertEqual(await cursor.fetch(1), [])
        self.assertEqual(await self.db.fetchval("SELECT 1"), 1)

    async def test_a_declared_cursor(self):
        async with self.db.transaction():
            await self.db.execute("DECLARE c SCROLL CURSOR FOR SELECT i FROM generate_series(1, 5) AS g(i)")
            self.assertEqual([row["i"] for row in await self.db.fetch("FETCH 2 FROM c")], [1, 2])
            self.assertEqual(await self.db.fetchval("FETCH LAST FROM c"), 5)
            self.assertEqual(await self.db.execute("MOVE BACKWARD ALL IN c"), "MOVE 4")
            self.assertEqual(await self.db.fetchval("FETCH ALL FROM c"), 1)  # Execute with a limit of one row
            self.assertEqual(await self.db.fetch("FETCH 1 FROM c"), [])
            await self.db.execute("CLOSE c")


class Psql(unittest.TestCase):
    def psql(self, *commands, **variables):
        words = ["psql", "-X", "-A", "-t", "-q", "-h", client_test.HOST, "-p", str(client_test.PORT), "-U",
                 client_test.USER, "-d", client_test.DATABASE]
        for name, value in variables.items():
            words += ["-v", "%s=%s" % (name, value)]
        return subprocess.run(words, input="\n".join(commands), capture_output=True, text=True, check=True).stdout

    def test_fetch_count(self):
        lines = self.psql(SERIES % ROWS + ";", "SELECT 'after';", FETCH_COUNT=777).splitlines()
        self.assertEqual(len(lines), ROWS + 1)
        self.assertEqual((lines[0], lines[ROWS - 1], lines[ROWS]),
                         ("1|row 1", "%d|row %d" % (ROWS, ROWS), "after"))


class Bytes(unittest.TestCase):
    def setUp(self):
        client_test.fresh()
        self.wire = Wire(client_test.DATABASE)
        self.addCleanup(self.wire.socket.close)

    def tags(self, data):
        return [body[:-1].decode() for kind, body in self.wire.ask(data)[1] if kind == "C"]

    def test_declare_with_parameters_describe_execute_close(self):
        self.wire.ask(query("BEGIN"))
        types, _ = self.wire.ask(parse("", "DECLARE c CURSOR FOR SELECT $1::int AS a, $2::text AS b") +
                                 describe("S") + bind("", "", (b"7", b"x")) + execute() + SYNC)
        self.assertEqual(types, "1tn2CZ")
        types, got = self.wire.ask(describe("P", "c") + execute("c", 1) + execute("c") + SYNC)
        self.assertEqual(types, "TDsCZ")
        self.assertEqual(wire.values(got[1][1]), [b"7", b"x"])
        self.assertEqual(self.tags(query("CLOSE c")), ["CLOSE CURSOR"])
        fields, _ = self.wire.error(describe("P", "c") + SYNC)
        self.assertEqual(fields["C"], "34000")

    def test_a_named_fetch_follows_the_cursor_of_its_name(self):
        self.wire.ask(query("BEGIN; DECLARE c CURSOR FOR SELECT 1 AS a"))
        self.wire.ask(parse("f", "FETCH c") + SYNC)
        types, got = self.wire.ask(bind("", "f") + describe("P") + execute() + SYNC)
        self.assertEqual(types, "2TDCZ")
        self.wire.ask(query("CLOSE c; DECLARE c CURSOR FOR SELECT 'x' AS a, 'y' AS b"))
        types, got = self.wire.ask(bind("", "f") + describe("P") + execute() + SYNC)
        self.assertEqual((types, wire.values(got[2][1])), ("2TDCZ", [b"x", b"y"]))

    def test_fetch_and_close_on_a_portal_of_bind(self):
        self.wire.ask(query("BEGIN"))
        self.wire.ask(parse("s", "SELECT i FROM generate_series(1, 9) AS g(i)") + bind("p", "s") + SYNC)
        self.assertEqual(self.tags(query("MOVE 2 FROM p; FETCH 3 FROM p; MOVE ALL FROM p; CLOSE p")),
                         ["MOVE 2", "FETCH 3", "MOVE 4", "CLOSE CURSOR"])
        self.assertEqual(self.wire.error(execute("p") + SYNC)[0]["C"], "34000")

    def test_pages_of_a_fetch(self):
        self.wire.ask(query("BEGIN; DECLARE c CURSOR FOR SELECT i FROM generate_series(1, 9) AS g(i)"))
        types, _ = self.wire.ask(parse("", "FETCH 5 FROM c") + bind("", "") + execute("", 3) + execute("", 3) + SYNC)
        self.assertEqual(types, "12DDDsDDCZ")
        self.assertEqual(self.tags(query("FETCH ALL FROM c")), ["FETCH 4"])

    def test_a_binary_cursor_in_a_simple_query(self):
        types, got = self.wire.ask(query("BEGIN; DECLARE b BINARY CURSOR FOR SELECT 258 AS a, 'x' AS b; FETCH b"))
        self.assertEqual(types, "CCTDCZ")
        self.assertEqual(wire.values(got[3][1]), [b"\0\0\1\2", b"x"])
        self.assertEqual([got[2][1][-2:], got[2][1][:2]], [b"\0\1", b"\0\2"])
        types, got = self.wire.ask(query("MOVE ALL FROM b; FETCH b; SELECT is_binary FROM pg_cursors"))
        self.assertEqual((types, wire.values(got[4][1])), ("CTCTDCZ", [b"t"]))

    def test_a_suspended_portal_over_rows_that_are_deleted(self):
        self.wire.ask(query("BEGIN; CREATE TABLE numbers AS SELECT i FROM generate_series(1, %d) AS g(i)" % LARGE))
        self.wire.ask(query("COMMIT; BEGIN"))
        self.wire.ask(parse("s", "SELECT i FROM numbers") + bind("p", "s") + SYNC)
        types, got = self.wire.ask(execute("p", 1000) + SYNC)
        self.assertEqual((types.count("D"), types[-2:]), (1000, "sZ"))
        self.assertEqual(self.tags(query("DELETE FROM numbers")), ["DELETE %d" % LARGE])
        types, got = self.wire.ask(execute("p") + SYNC)
        self.assertEqual((types.count("D"), types[-2:]), (LARGE - 1000, "CZ"))
        self.assertEqual({wire.values(body)[0] for kind, body in got if kind == "D"},
                         {b"%d" % i for i in range(1001, LARGE + 1)})

    def test_errors(self):
        for text, code in (("DECLARE c CURSOR FOR SELECT 1", "25P01"), ("FETCH c", "34000"), ("MOVE c", "34000"),
                           ("CLOSE c", "34000"), ("BEGIN; DECLARE c CURSOR FOR SELECT 1; "
                                                  "DECLARE c CURSOR FOR SELECT 2", "42P03"),
                           ("BEGIN; DECLARE c NO SCROLL CURSOR FOR SELECT 1; FETCH PRIOR c", "55000")):
            with self.subTest(text):
                self.assertEqual(self.wire.error(query(text))[0]["C"], code)
                self.wire.ask(query("ROLLBACK"))

    def test_statements_in_one_query(self):
        self.assertEqual(self.tags(query("DECLARE c CURSOR FOR SELECT 1; FETCH c")), ["DECLARE CURSOR", "FETCH 1"])
        self.assertEqual(self.wire.error(query("FETCH c"))[0]["C"], "34000")

    def test_a_hang_up_with_open_cursors_harms_nobody(self):
        for _ in range(5):
            other = Wire(client_test.DATABASE)
            other.ask(query("BEGIN; DECLARE a SCROLL CURSOR FOR SELECT i FROM generate_series(1, 100000) AS g(i); "
                            "DECLARE b CURSOR WITH HOLD FOR SELECT 1; FETCH 100 a"))
            other.send(query("FETCH ALL a"))
            other.socket.close()
        self.assertEqual(self.tags(query("SELECT 1")), ["SELECT 1"])


if __name__ == "__main__":
    client_test.main()
