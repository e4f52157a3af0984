"""psycopg 3: the extended protocol with text and binary values, prepared statements, pipelines."""
import datetime
import decimal
import unittest
import uuid

import client_test

psycopg = client_test.driver("psycopg")
from psycopg.types.json import Json, Jsonb  # noqa: E402


def connect(**more):
    return psycopg.connect(host=client_test.HOST, port=client_test.PORT, user=client_test.USER,
                           dbname=client_test.DATABASE, **more)


class Psycopg3(unittest.TestCase):
    def setUp(self):
        client_test.fresh()
        self.db = connect()
        self.addCleanup(self.db.close)

    def test_text_and_binary_read_the_same(self):
        expected = (1, True, -32768, 2147483647, 9223372036854775807, 1.5, 0.1, decimal.Decimal("1234.500"),
                    "grüße", "code", b"\x00\xff\x10", datetime.date(2024, 2, 29),
                    datetime.time(13, 14, 15, 500000), datetime.datetime(2024, 2, 29, 13, 14, 15, 250000),
                    datetime.datetime(2024, 2, 29, 13, 14, 15, tzinfo=datetime.timezone.utc),
                    datetime.timedelta(days=1, hours=2, minutes=3, seconds=4),
                    uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), {"a": [1, 2]}, {"b": None})
        for binary in (False, True):
            with self.subTest(binary=binary):
                cursor = self.db.cursor(binary=binary)
                row = cursor.execute("SELECT * FROM everything WHERE id = %s", (1,)).fetchone()
                self.assertEqual(row, expected)
                row = cursor.execute("SELECT * FROM everything WHERE id = %s", (2,)).fetchone()
                self.assertEqual(row[1:], (None,) * 18)

    def test_parameters_of_every_type_both_ways(self):
        values = (8, True, -2, 100000, 1 << 50, 0.25, 1e300, decimal.Decimal("-99.001"), "ü'\\", "abc",
                  b"\x00\x01", datetime.date(2000, 1, 1), datetime.time(23, 59, 59, 999999),
                  datetime.datetime(1970, 1, 1), datetime.datetime(2024, 6, 1, tzinfo=datetime.timezone.utc),
                  datetime.timedelta(days=-1, seconds=30), uuid.UUID(int=9), Json({"x": "y"}), Jsonb([1, 2]))
        for form in ("%s", "%t", "%b"):
            with self.subTest(form):
                marks = ", ".join([form] * len(values))
                self.db.execute("INSERT INTO everything VALUES (" + marks + ")", values)
                row = self.db.execute("SELECT * FROM everything WHERE id = " + form, (8,)).fetchone()
                self.assertEqual(row[:17], values[:17])
                self.assertEqual(row[17:], ({"x": "y"}, [1, 2]))
                self.db.rollback()

    def test_prepared_after_five_runs(self):
        for number in range(12):
            row = self.db.execute("SELECT %s::int + 1, name FROM customers WHERE id = %s",
                                  (number, 1 + number % 3)).fetchone()
            self.assertEqual(row, (number + 1, ("Ada", "Bob", "Eve")[number % 3]))

    def test_schema_change_under_a_prepared_statement(self):
        self.db.autocommit = True
        text = "SELECT * FROM orders WHERE id = %s"
        for _ in range(7):
            self.assertEqual(len(self.db.execute(text, (1,), prepare=True).fetchone()), 6)
        self.db.execute("ALTER TABLE orders ADD COLUMN note text")
        with self.assertRaises(psycopg.errors.FeatureNotSupported):
            self.db.execute(text, (1,), prepare=True)
        self.assertEqual(len(self.db.execute("SELECT * FROM orders WHERE id = 2").fetchone()), 7)

    def test_pipeline_and_executemany(self):
        with self.db.pipeline():
            one = self.db.execute("SELECT 1")
            two = self.db.execute("UPDATE orders SET quantity = 3 WHERE id = %s", (1,))
            three = self.db.execute("SELECT quantity FROM orders WHERE id = %s", (1,))
        self.assertEqual((one.fetchone(), two.rowcount, three.fetchone()), ((1,), 1, (3,)))
        with self.db.cursor() as cursor:
            cursor.executemany("INSERT INTO customers (email, name) VALUES (%s, %s)",
                               [("m%d@x" % i, "M%d" % i) for i in range(50)])
            self.assertEqual(cursor.rowcount, 50)
        self.assertEqual(self.db.execute("SELECT count(*) FROM customers").fetchone(), (53,))

    def test_pipeline_error_skips_to_sync(self):
        with self.assertRaises(psycopg.errors.UndefinedTable):
            with self.db.pipeline():
                self.db.execute("SELECT * FROM nowhere")
                self.db.execute("SELECT 1")
        self.db.rollback()
        self.assertEqual(self.db.execute("SELECT 2").fetchone(), (2,))

    def test_nested_transactions(self):
        with self.db.transaction():
            self.db.execute("UPDATE orders SET total = 1 WHERE id = 1")
            try:
                with self.db.transaction():
                    self.db.execute("DELETE FROM orders")
                    raise ZeroDivisionError
            except ZeroDivisionError:
                pass
        self.assertEqual(self.db.execute("SELECT count(*), min(total) FROM orders").fetchone(),
                         (3, decimal.Decimal("1.00")))

    @unittest.skipIf(client_test.IS_DURABLE, "all share a durable database")
    def test_isolation_of_two_connections(self):
        self.db.execute("CREATE TABLE mine (a int)")
        self.db.execute("DELETE FROM orders")
        self.db.commit()
        with connect() as other:
            self.assertEqual(other.execute("SELECT count(*) FROM orders").fetchone(), (3,))
            with self.assertRaises(psycopg.errors.UndefinedTable):
                other.execute("SELECT * FROM mine")

    def test_bad_values_never_get_in(self):
        for text, value in (("UPDATE customers SET vip = %s", "maybe"), ("UPDATE orders SET total = %s", "abc"),
                            ("UPDATE customers SET joined = %s", "2024-02-30")):
            with self.subTest(text), self.assertRaises(psycopg.errors.DataError):
                self.db.execute(text, (value,))
            self.db.rollback()

    def test_statement_timeout(self):
        self.db.execute("SET statement_timeout = 100")
        with self.assertRaises(psycopg.errors.QueryCanceled):
            self.db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
        self.db.rollback()
        self.assertEqual(self.db.execute("SELECT 1").fetchone(), (1,))

    def test_description(self):
        cursor = self.db.execute("SELECT id, total, email, count(*) OVER (), 1 AS one, 'x' || 'y' "
                                 "FROM orders JOIN customers USING (id)")
        self.assertEqual([c.name for c in cursor.description], ["id", "total", "email", "count", "one", "?column?"])
        self.assertEqual([c.type_code for c in cursor.description], [23, 1700, 1043, 20, 23, 25])
        self.assertEqual((cursor.description[1].precision, cursor.description[1].scale), (10, 2))

    def test_unix_socket(self):
        if not client_test.IS_POND:
            self.skipTest("the peer's socket is elsewhere")
        import os
        with psycopg.connect(host=os.environ["POND_SOCKET_DIR"], port=client_test.PORT, user="u",
                             dbname="shop") as other:
            self.assertEqual(other.execute("SELECT current_user, current_database()").fetchone(), ("u", "shop"))

    def test_unknown_database(self):
        with self.assertRaises(psycopg.OperationalError) as caught:
            psycopg.connect(host=client_test.HOST, port=client_test.PORT, user=client_test.USER, dbname="nowhere")
        self.assertIn('database "nowhere" does not exist', str(caught.exception))


client_test.main()
