"""What one connection did, no later one sees. The database has one place, so that each lease gets the session of the
last one, warm: the first connection's answers are what all later ones must give."""
import os
import struct
import time
import unittest

import client_test
import wire
from wire import Wire, bind, execute, message, parse, query, FLUSH, SYNC, TERMINATE

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
MANY = "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) "

# Each is one simple query or bytes of the extended protocol; none may depend on another.
LOOKS = [
    "SELECT count(*), sum(total), min(sku), max(quantity) FROM orders",
    "SELECT count(*), max(id), min(name) FROM customers",
    "SELECT label, day, instant, span, raw, double FROM everything WHERE id = 1",
    "SHOW TimeZone", "SHOW DateStyle", "SHOW IntervalStyle", "SHOW search_path", "SHOW application_name",
    "SHOW statement_timeout", "SHOW lock_timeout", "SHOW idle_in_transaction_session_timeout", "SHOW bytea_output",
    "SHOW extra_float_digits", "SHOW default_transaction_isolation", "SHOW transaction_isolation",
    "SHOW default_transaction_read_only", "SHOW transaction_read_only", "SHOW client_min_messages",
    "SELECT current_setting('my.own', true), current_setting('TimeZone'), current_setting('application_name')",
    "SELECT current_user, session_user, current_database(), current_schema()",
    "SELECT '2024-07-01 12:00:00+00'::timestamptz::text, '01/02/2024'::date::text, '2024-07-01'::timestamptz::text",
    "SELECT extract(hour from instant), to_char(instant, 'HH24 TZ'), instant::date FROM everything WHERE id = 1",
    "SELECT lastval()", "SELECT currval('customers_id_seq')", "SELECT nextval('scratch_seq')",
    "SELECT * FROM scratch", "SELECT * FROM temporary_thing", "SELECT extra FROM orders LIMIT 1",
    "SELECT * FROM a_view", "EXECUTE p", "DEALLOCATE p",
    bind("", "named") + execute() + SYNC, bind("", "") + execute() + SYNC, execute("open") + SYNC, execute("") + SYNC,
    "SAVEPOINT s", "ROLLBACK TO s",
    "INSERT INTO orders (id, customer_id, sku, total) VALUES (50, 999, 'none', 1)",
    "INSERT INTO orders (id, customer_id, sku, total) VALUES (51, 1, 'apple', 1)",
    "INSERT INTO orders VALUES (52, 1, 'few', 0, 1, '2024-07-01 12:00:00+00')",  # the error shows the row
    "INSERT INTO customers (email, name) VALUES ('new@example.org', 'New') RETURNING id, vip, joined",
    "FETCH 1 FROM held", "MOVE 1 IN held", "CLOSE held", "SELECT name FROM pg_cursors",
    "SELECT name, statement FROM pg_prepared_statements", "SELECT changes()",
    "SELECT last_insert_rowid()", "SELECT pond_rewind('a_mark')",
    "DELETE FROM orders", "SELECT count(*) FROM orders",
]


class Lease(unittest.TestCase):
    def connect(self, **keys):
        """The only place, as soon as the last client's end was seen."""
        deadline = time.monotonic() + wire.PATIENCE
        while True:
            w = Wire()
            w.send(wire.startup(**dict(dict(user="tester", database="single"), **keys)))
            w.greeting = w.until("Z")
            if w.greeting and w.greeting[-1][0] == "Z":
                w.key = dict(w.greeting)["K"]
                return w
            w.socket.close()
            self.assertEqual(wire.fields(w.greeting[-1][1])["C"], "53300")
            self.assertLess(time.monotonic(), deadline, "nobody freed the place")

    def rows(self, w, text):
        types, got = w.ask(query(text))
        self.assertNotIn("E", types, [wire.fields(body) for kind, body in got if kind == "E"])
        return [wire.values(body) for kind, body in got if kind == "D"]

    def look(self, w):
        """All that a client can see of its session, errors by their fields; the greeting, too."""
        seen = [("greeting", [one for one in w.greeting if one[0] != "K"])]
        for what in LOOKS:
            types, got = w.ask(query(what) if isinstance(what, str) else what)
            seen.append((what, types, [wire.fields(body) if kind == "E" else body for kind, body in got]))
        return seen

    def check_next(self):
        """The next leases are like the first: three, since one may clean up for another."""
        for number in range(3):
            with self.connect() as w:
                for expected, found in zip(self.first, self.look(w)):
                    self.assertEqual(found, expected, "lease %d later" % (number + 1))

    def setUp(self):
        if not hasattr(Lease, "first"):
            with self.connect() as w:
                Lease.first = self.look(w)

    def leave_behind(self, *steps, polite=True, hear_last=True, allow_errors=False, **keys):
        w = self.connect(**keys)
        for number, step in enumerate(steps):
            data = query(step) if isinstance(step, str) else step
            if number + 1 == len(steps) and not hear_last:
                w.send(data)
            else:
                types, got = w.ask(data)
                if not allow_errors:
                    self.assertNotIn("E", types, (step, [wire.fields(b) for k, b in got if k == "E"]))
        if polite and hear_last:
            w.send(TERMINATE)
        w.socket.close()
        self.check_next()

    def test_the_first_is_not_all_errors(self):
        wrong = [one[0] for one in self.first[1:] if "E" in one[1]]
        self.assertLess(len(wrong), len(LOOKS) / 2, wrong)

    def test_rows(self):
        self.leave_behind("INSERT INTO customers (email, name) VALUES ('a', 'b'), ('c', 'd')", "DELETE FROM orders",
                          "UPDATE customers SET name = 'Zed'", "UPDATE everything SET label = 'x'")

    def test_schema(self):
        self.leave_behind("CREATE TABLE scratch (a int)", "INSERT INTO scratch VALUES (1)",
                          "ALTER TABLE orders ADD COLUMN extra int", "CREATE VIEW a_view AS SELECT 1 AS one",
                          "DROP TABLE everything", "CREATE SEQUENCE scratch_seq", "SELECT nextval('scratch_seq')")

    def test_schema_rolled_back(self):
        self.leave_behind("BEGIN", "CREATE TABLE scratch (a int)", "ALTER TABLE orders ADD COLUMN extra int",
                          "SELECT extra FROM orders", "DROP TABLE everything", "ROLLBACK", "SELECT count(*) FROM orders")

    def test_schema_in_an_open_transaction(self):
        self.leave_behind("BEGIN", "CREATE TABLE scratch (a int)", "ALTER TABLE orders ADD COLUMN extra int",
                          "CREATE VIEW a_view AS SELECT 1 AS one", "DROP TABLE everything", polite=False)

    def test_constraints_and_indexes(self):
        self.leave_behind("ALTER TABLE orders DROP CONSTRAINT orders_quantity_check",
                          "ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey",
                          "ALTER TABLE customers ALTER COLUMN vip SET DEFAULT true")

    def test_temporary_tables(self):
        self.leave_behind("CREATE TEMP TABLE temporary_thing (a int)", "INSERT INTO temporary_thing VALUES (1)")
        self.leave_behind("BEGIN", "CREATE TEMP TABLE temporary_thing (a int)", "ROLLBACK")
        self.leave_behind("BEGIN", "CREATE TEMP TABLE temporary_thing (a int)", polite=False)

    def test_settings(self):
        self.leave_behind("SET TimeZone = 'Asia/Tokyo'", "SET DateStyle = 'German, DMY'", "SET search_path = nowhere",
                          "SET application_name = 'left'", "SET statement_timeout = '7s'", "SET lock_timeout = 77",
                          "SET idle_in_transaction_session_timeout = '9s'", "SET bytea_output = 'escape'",
                          "SET IntervalStyle = 'iso_8601'", "SET extra_float_digits = 0", "SET my.own = 'mine'",
                          "SET client_min_messages = error",
                          "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE READ ONLY",
                          "SELECT instant, '2024-01-01'::timestamptz FROM public.everything")

    def test_set_config_and_set_local(self):
        self.leave_behind("SELECT set_config('TimeZone', 'Asia/Tokyo', false), set_config('my.own', 'x', false)",
                          "BEGIN READ ONLY", "SET LOCAL DateStyle = 'SQL, DMY'", "SELECT set_config('my.own', 'y', true)",
                          "SELECT now()::text")

    def test_start_up_parameters(self):
        self.leave_behind("SELECT now()::text, current_user", "SHOW TimeZone", user="someone", TimeZone="Asia/Tokyo",
                          application_name="other", DateStyle="German",
                          options="-c statement_timeout=5s -c lock_timeout=5s -c search_path=x")

    def test_prepared_statements(self):
        self.leave_behind("PREPARE p AS SELECT 1", "EXECUTE p",
                          parse("named", "SELECT $1::int") + bind("", "named", [b"1"]) + execute() + SYNC,
                          parse("", "SELECT id FROM orders") + SYNC)

    def test_open_portals(self):
        rows = parse("", "SELECT * FROM everything, orders") + bind("open", "") + execute("open", 1)
        self.leave_behind("BEGIN", rows + SYNC)
        self.leave_behind("BEGIN", "DELETE FROM orders WHERE id = 1", rows + SYNC, polite=False)
        self.leave_behind(rows + FLUSH, hear_last=False)
        self.leave_behind(parse("", "SELECT id FROM orders") + bind("", "") + execute("", 1) + SYNC)

    def test_open_transactions(self):
        for polite in (True, False):
            self.leave_behind("BEGIN", "DELETE FROM orders", "SAVEPOINT s", "DELETE FROM everything", polite=polite)
            self.leave_behind("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SELECT now()", polite=polite)
            self.leave_behind("BEGIN", polite=polite)
            self.leave_behind("BEGIN", "DELETE FROM orders", "SAVEPOINT s", "SELECT 1/0", polite=polite, allow_errors=True)

    def test_sequences(self):
        self.leave_behind("SELECT nextval('customers_id_seq'), nextval('customers_id_seq')",
                          "SELECT setval('customers_id_seq', 1000)", "SELECT lastval(), currval('customers_id_seq')",
                          "INSERT INTO customers (email, name) VALUES ('a', 'b') RETURNING id")

    def test_deferred_constraints(self):
        self.leave_behind("BEGIN", "SET CONSTRAINTS ALL DEFERRED", "DELETE FROM everything", polite=False)
        self.leave_behind("BEGIN", "SET CONSTRAINTS ALL DEFERRED", "ROLLBACK")

    def test_hang_up_in_the_middle(self):
        for steps in ((ENDLESS, ), ("BEGIN", "DELETE FROM orders", ENDLESS),
                      (MANY + "INSERT INTO customers (email, name) SELECT 'n' || i, 'n' FROM n", ),
                      ("BEGIN", "CREATE TABLE scratch AS " + MANY + "SELECT i FROM n"),
                      (parse("", ENDLESS) + bind("", "") + execute() + SYNC, ),
                      ("SELECT a.* FROM everything a, orders b, orders c, customers d; " + ENDLESS, ),
                      (message("Q", b"BEGIN\0")[:3], ), ("SET TimeZone = 'Asia/Tokyo'; SELECT now(); " + ENDLESS, )):
            with self.subTest(steps[-1][:60]):
                self.leave_behind(*steps, hear_last=False)

    def test_a_cancelled_statement(self):
        w = self.connect()
        self.assertNotIn("E", w.ask(query("BEGIN"))[0])
        w.send(query(ENDLESS))
        with Wire() as other:
            other.send(struct.pack("!ii", 16, 80877102) + w.key)
        self.assertEqual(wire.fields(w.until("Z")[-2][1])["C"], "57014")
        w.socket.close()
        self.check_next()

    def test_a_timed_out_statement(self):
        self.leave_behind("SET statement_timeout = 30", ENDLESS, allow_errors=True)

    def test_functions_are_of_the_client_that_calls_them(self):
        """Pond's functions stay on the connection; whose clock, zone, user and process they say does not."""
        text = ("SELECT pg_backend_pid(), current_user, current_setting('TimeZone'), current_setting('application_name'),"
                " extract(epoch FROM now()), extract(hour FROM '2024-01-01 00:00+00'::timestamptz)::int,"
                " '2024-01-01 00:00'::text::timestamptz::text, to_char('2024-01-01 00:00+00'::timestamptz, 'HH24')")
        zones = [("Asia/Tokyo", b"9", b"2024-01-01 00:00:00+09", b"09"), ("UTC", b"0", b"2024-01-01 00:00:00+00", b"00"),
                 ("America/New_York", b"19", b"2024-01-01 00:00:00-05", b"19")]
        for number in range(6):
            zone, hour, moment, shown = zones[number % 3]
            user, name = "user%d" % number, "application%d" % number
            start = time.time()
            with self.connect(user=user, TimeZone=zone, application_name=name) as w:
                for how in (query(text), parse("", text) + bind("", "") + execute() + SYNC):
                    _, got = w.ask(how)
                    row, = [wire.values(body) for kind, body in got if kind == "D"]
                    self.assertEqual(int(row[0]), struct.unpack("!i", w.key[:4])[0])
                    self.assertEqual(row[1:4], [user.encode(), zone.encode(), name.encode()])
                    self.assertLessEqual(abs(float(row[4]) - start), wire.PATIENCE)
                    self.assertGreaterEqual(float(row[4]), start - 0.01)
                    self.assertEqual(row[5:], [hour, moment, shown])
                self.assertEqual(w.ask(query("BEGIN; SELECT now()"))[1][-1], ("Z", b"T"))

    def test_held_cursors(self):
        self.leave_behind("DECLARE held CURSOR WITH HOLD FOR SELECT id FROM orders", "FETCH 1 FROM held")
        self.leave_behind("BEGIN", "DECLARE held SCROLL CURSOR WITH HOLD FOR SELECT id FROM orders", "FETCH 1 FROM held",
                          "COMMIT", "FETCH 1 FROM held", polite=False)

    def test_marks(self):
        self.leave_behind("DELETE FROM orders", "SELECT pond_mark('a_mark')", "INSERT INTO orders VALUES (9, 1, 'x', 1, 1)")
        self.leave_behind("SELECT pond_mark('a_mark')", "DELETE FROM orders", "SELECT pond_rewind('a_mark')")
        self.leave_behind("DELETE FROM orders", "SELECT pond_reset()", "DELETE FROM everything", polite=False)

    def test_row_numbers_and_changes(self):
        self.leave_behind("INSERT INTO everything (id) VALUES (4711)", "DELETE FROM everything")
        with self.connect() as w:
            self.assertEqual(w.error(query("SELECT lastval()"))[0]["C"], "55000")
            self.assertEqual(self.rows(w, "SELECT count(*) FROM everything"), [[b"2"]])


if __name__ == "__main__":
    if not client_test.IS_POND:
        print("skipped: only pond has leases")
        raise SystemExit(77 if not os.environ.get("POND_REQUIRE_ALL") else 0)
    client_test.main()
