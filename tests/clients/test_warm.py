"""The same session is lent again, and again, and nothing of its last lease is in it.

test_lease.py looks at more, through whatever sessions it gets. Here one loop has one session, and it is counted how many
had to be made: what cannot be taken back (a changed schema) ends the session, all else must not.
"""
import sys

import database_test
from database_test import ENDLESS, Test
from test_lease import LOOKS
from wire import bind, execute, parse, query, FLUSH, SYNC

BIG_ROWS = "SELECT i, repeat('x', 1000) FROM generate_series(1, %d) i"

# What is left behind, and whether the session can be taken back.
LEASES = {
    "nothing": ([], True),
    "rows": (["INSERT INTO customers (email, name) VALUES ('a', 'b')", "DELETE FROM orders", "UPDATE everything SET label = 'x'"],
             True),
    "many rows": (["INSERT INTO customers (email, name) SELECT i::text, repeat('x', 500) FROM generate_series(1, 5000) i"], True),
    "a transaction": (["BEGIN", "DELETE FROM orders", "SAVEPOINT s", "DELETE FROM everything"], True),
    "a transaction of another kind": (["BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY", "SELECT count(*) FROM orders"], True),
    "a failed transaction": (["BEGIN", "DELETE FROM orders", "SELECT 1/0"], True),
    "settings": (["SET TimeZone = 'Asia/Tokyo'", "SET DateStyle = 'German, DMY'", "SET my.own = 'mine'", "SET search_path = x",
                  "SELECT set_config('statement_timeout', '5s', false)", "SET lock_timeout = 77",
                  "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE READ ONLY"], True),
    "prepared statements": (["PREPARE p AS SELECT count(*) FROM orders", "EXECUTE p",
                             parse("named", "SELECT $1::int") + bind("", "named", [b"1"]) + execute() + SYNC], True),
    "cursors": (["DECLARE held CURSOR WITH HOLD FOR SELECT * FROM everything, orders", "FETCH 1 FROM held", "BEGIN",
                 parse("", "SELECT * FROM everything, orders") + bind("open", "") + execute("open", 1) + SYNC], True),
    "sequences": (["SELECT nextval('customers_id_seq'), nextval('customers_id_seq')", "SELECT setval('customers_id_seq', 1000)",
                   "SELECT lastval(), currval('customers_id_seq')"], True),
    "the last row's number, and changes": (["INSERT INTO everything (id) VALUES (4711)", "DELETE FROM everything"], True),
    "marks": (["DELETE FROM orders", "SELECT pond_mark('a_mark')", "INSERT INTO orders VALUES (9, 1, 'x', 1, 1)",
               "SELECT pond_rewind('a_mark')"], True),
    "a reset": (["DELETE FROM orders", "SELECT pond_mark('a_mark')", "SELECT pond_reset()"], True),
    "deferred constraints": (["BEGIN", "SET CONSTRAINTS ALL DEFERRED", "DELETE FROM orders"], True),
    "a time-out": (["SET statement_timeout = 20", ENDLESS], True),
    "a schema that was rolled back": (["BEGIN", "CREATE TABLE scratch (a int)", "SELECT * FROM scratch", "ROLLBACK"], True),
    "a schema that was rewound": (["CREATE TABLE scratch (a int)", "SELECT pond_reset()", "SELECT count(*) FROM orders"], True),
    "a schema": (["CREATE TABLE scratch (a int)", "ALTER TABLE orders ADD COLUMN extra int", "CREATE VIEW a_view AS SELECT 1"],
                 False),
    "a temporary table": (["CREATE TEMP TABLE temporary_thing (a int)", "INSERT INTO temporary_thing VALUES (1)"], False),
    "a full copy": (["CREATE TABLE scratch AS " + BIG_ROWS % 20000], True),
    "a full copy, rolled back": (["BEGIN", "CREATE TABLE scratch AS " + BIG_ROWS % 20000, "SELECT 1"], True),
    "a full memory": (["SELECT string_agg(t, '') FROM (%s) AS big (i, t)" % BIG_ROWS % 20000], True),
}


class Warm(Test):
    conf = ("[database single]\nseed = %s/clients.sql\npool_size = 1\nmax_waiters = 1\nclone_memory = 4MB\nsession_memory = 4MB\n"
            % database_test.FOLDER)
    options = ("loops=1", )

    def look(self, w):
        seen = []
        for what in LOOKS:
            types, got = w.ask(query(what) if isinstance(what, str) else what)
            seen.append((what, types, got))
        return seen

    def lease(self, steps=(), leave=None):
        w = self.connect("single")
        for step in steps:
            w.ask(query(step) if isinstance(step, str) else step)
        (leave or self.leave)(w)

    def created(self):
        return int(self.daemon.settled()["sessions_created"])

    def setUp(self):
        super().setUp()
        w = self.connect("single")
        self.first = self.look(w)
        self.leave(w)

    def check_next(self, what, before, reused):
        w = self.connect("single")
        seen = self.look(w)
        self.leave(w)
        for expected, found in zip(self.first, seen):
            self.assertEqual(found, expected, what)
        self.assertEqual(self.created() - before, 0 if reused else 1, what)

    def test_each_kind_of_thing(self):
        for leave in (self.leave, self.hang_up):
            for what, (steps, reused) in LEASES.items():
                with self.subTest(what, leave=leave.__name__):
                    before = self.created()
                    self.lease(steps, leave)
                    self.check_next(what, before, reused)

    def test_a_schema_that_was_taken_back_last_of_all(self):
        """The next one's statements, which nobody has said before, are for the template's."""
        for number, last in enumerate(("SELECT pond_reset()", "SELECT pond_rewind('a_mark')", "DROP TABLE left_behind")):
            before = self.created()
            self.lease(["CREATE TABLE left_behind (a int)", "DROP TABLE left_behind", "SELECT pond_mark('a_mark')",
                        "ALTER TABLE orders ADD COLUMN extra int", "CREATE TABLE left_behind (a int)", last])
            w = self.connect("single")
            self.assertEqual(len(self.run_sql(w, "SELECT * FROM orders AS o%d" % number)[0]), 6)
            self.fails(w, "SELECT * FROM left_behind AS l%d" % number, "42P01")
            self.leave(w)
            self.assertEqual(self.created() - before, 0 if last == "SELECT pond_reset()" else 1, last)

    def test_one_after_the_other(self):
        """A session that has been through all that can be taken back is still as good as new."""
        before = self.created()
        for _ in range(3):
            for steps, reused in LEASES.values():
                if reused:
                    self.lease(steps)
        self.check_next("all", before, True)

    def test_hang_up_in_the_middle(self):
        for data in (query(ENDLESS), query("BEGIN; DELETE FROM orders; " + ENDLESS), query("DELETE FROM orders")[:9],
                     parse("", "SELECT * FROM everything, orders") + bind("open", "") + execute("open", 1) + FLUSH):
            before = self.created()
            w = self.connect("single")
            w.send(data)
            self.hang_up(w)
            self.check_next(data, before, True)

    def test_memory_is_given_back(self):
        """What one lease used of its limits, the next one may use again; and the daemon has no more than before."""
        hungry = [("SELECT count(*) FROM (%s ORDER BY 2 DESC) b" % BIG_ROWS % 1500), "BEGIN",
                  "INSERT INTO customers (email, name) SELECT i::text, repeat('x', 1000) FROM generate_series(1, 1500) i"]
        held = ["DECLARE held%d CURSOR WITH HOLD FOR %s" % (n, BIG_ROWS % 200) for n in range(5)]
        prepared = ["PREPARE p%d AS SELECT %d FROM %s" % (n, n, ", ".join("customers c%d" % k for k in range(30))) for n in range(20)]
        before, memory = self.created(), []
        for _ in range(5):
            for steps in (hungry, held, prepared):
                w = self.connect("single")
                for step in steps:
                    self.run_sql(w, step)
                self.leave(w)
            now = self.daemon.settled()
            memory.append(int(now["memory"]))
        self.assertLess(memory[-1], memory[0] + (1 << 20), memory)
        self.check_next("memory", before, True)


if __name__ == "__main__":
    sys.exit(database_test.main())
