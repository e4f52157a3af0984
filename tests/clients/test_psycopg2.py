"""psycopg2: everything by the simple protocol, literals inlined by the driver."""
import datetime
import decimal
import unittest
import uuid

import client_test

psycopg2 = client_test.driver("psycopg2")
import psycopg2.errors  # noqa: E402
import psycopg2.extras  # noqa: E402

psycopg2.extras.register_uuid()


def connect(**more):
    return psycopg2.connect(host=client_test.HOST, port=client_test.PORT, user=client_test.USER,
                            dbname=client_test.DATABASE, **more)


def query(connection, text, args=None):
    with connection.cursor() as cursor:
        cursor.execute(text, args)
        return cursor.fetchall() if cursor.description else cursor.rowcount


class Psycopg2(unittest.TestCase):
    def setUp(self):
        client_test.fresh()
        self.db = connect()
        self.addCleanup(self.db.close)

    def test_reads_seeded_rows(self):
        self.assertEqual(query(self.db, "SELECT name, vip, joined FROM customers ORDER BY id"), [
            ("Ada", True, datetime.date(2023, 5, 6)),
            ("Bob", False, datetime.date(2024, 2, 29)),
            ("Eve", False, datetime.date(2024, 12, 31))])

    def test_every_type_reads_as_its_python_type(self):
        row = query(self.db, "SELECT * FROM everything WHERE id = 1")[0]
        utc = datetime.timezone.utc
        self.assertEqual(row[:10], (1, True, -32768, 2147483647, 9223372036854775807, 1.5, 0.1,
                                    decimal.Decimal("1234.500"), "grüße", "code"))
        self.assertEqual(str(row[7]), "1234.500")
        self.assertEqual(bytes(row[10]), b"\x00\xff\x10")
        self.assertEqual(row[11:16], (
            datetime.date(2024, 2, 29), datetime.time(13, 14, 15, 500000),
            datetime.datetime(2024, 2, 29, 13, 14, 15, 250000),
            datetime.datetime(2024, 2, 29, 13, 14, 15, tzinfo=utc),
            datetime.timedelta(days=1, hours=2, minutes=3, seconds=4)))
        self.assertEqual(row[16:], (uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), {"a": [1, 2]}, {"b": None}))

    def test_parameters_go_out_and_come_back(self):
        values = (7, False, 1, -5, 1 << 40, 2.25, -0.5, decimal.Decimal("3.125"), "it's \\ 'q'", "c",
                  psycopg2.Binary(b"\x01\x00'"), datetime.date(1999, 12, 31), datetime.time(1, 2, 3),
                  datetime.datetime(2001, 1, 1, 0, 0, 0, 1),
                  datetime.datetime(2001, 1, 1, 12, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
                  datetime.timedelta(hours=36), uuid.UUID(int=5), psycopg2.extras.Json({"k": 1}),
                  psycopg2.extras.Json([True]))
        query(self.db, "INSERT INTO everything VALUES (" + ", ".join(["%s"] * len(values)) + ")", values)
        row = query(self.db, "SELECT * FROM everything WHERE id = %s", (7,))[0]
        self.assertEqual(row[1:10], values[1:10])
        self.assertEqual(bytes(row[10]), b"\x01\x00'")
        self.assertEqual(row[11:16], values[11:16])
        self.assertEqual(row[16:], (uuid.UUID(int=5), {"k": 1}, [True]))
        found = query(self.db, "SELECT count(*) FROM everything WHERE flag = 'false' AND day < '2000-01-01'")
        self.assertEqual(found, [(1,)])

    @unittest.skipIf(client_test.IS_DURABLE, "all share a durable database")
    def test_what_one_connection_does_no_other_sees(self):
        query(self.db, "INSERT INTO customers (email, name) VALUES ('new@example.org', 'New')")
        query(self.db, "DROP TABLE orders")
        query(self.db, "ALTER TABLE customers ADD COLUMN age integer")
        self.db.commit()
        self.assertEqual(query(self.db, "SELECT count(*) FROM customers"), [(4,)])
        for _ in range(2):
            other = connect()
            try:
                self.assertEqual(query(other, "SELECT count(*) FROM customers"), [(3,)])
                self.assertEqual(query(other, "SELECT count(*) FROM orders"), [(3,)])
                with self.assertRaises(psycopg2.errors.UndefinedColumn):
                    query(other, "SELECT age FROM customers")
            finally:
                other.close()

    def test_rollback_undoes_and_serial_goes_on(self):
        query(self.db, "INSERT INTO customers (email, name) VALUES ('a@b', 'A')")
        self.db.rollback()
        self.assertEqual(query(self.db, "SELECT count(*) FROM customers"), [(3,)])
        rows = query(self.db, "INSERT INTO customers (email, name) VALUES ('a@b', 'A') RETURNING id, name")
        self.assertGreaterEqual(rows[0][0], 4)
        self.assertEqual(rows[0][1], "A")

    def test_errors_carry_sqlstate_and_the_block_waits_for_rollback(self):
        with self.assertRaises(psycopg2.errors.UniqueViolation) as caught:
            query(self.db, "INSERT INTO orders VALUES (9, 1, 'apple', 1, 1)")
        self.assertEqual(caught.exception.diag.constraint_name, "orders_sku_key")
        self.assertEqual(caught.exception.diag.table_name, "orders")
        with self.assertRaises(psycopg2.errors.InFailedSqlTransaction):
            query(self.db, "SELECT 1")
        self.db.rollback()
        with self.assertRaises(psycopg2.errors.UniqueViolation) as caught:
            query(self.db, "INSERT INTO orders VALUES (1, 1, 'x', 1, 1)")
        self.assertEqual(caught.exception.diag.constraint_name, "orders_pkey")
        self.db.rollback()
        for state, text in (("23503", "INSERT INTO orders VALUES (9, 99, 'x', 1, 1)"),
                            ("23514", "INSERT INTO orders VALUES (9, 1, 'x', 0, 1)"),
                            ("23502", "INSERT INTO customers (email) VALUES ('x')"),
                            ("22P02", "INSERT INTO customers (email, name, vip) VALUES ('x', 'y', 'maybe')"),
                            ("22012", "SELECT 1 / 0"), ("42P01", "SELECT * FROM nowhere"),
                            ("42703", "SELECT nothing FROM orders"), ("42601", "SELEC 1"),
                            ("42883", "SELECT no_such_function(1)")):
            with self.subTest(text), self.assertRaises(psycopg2.Error) as caught:
                query(self.db, text)
            self.assertEqual(caught.exception.pgcode, state, text)
            self.db.rollback()
        self.assertEqual(query(self.db, "SELECT count(*) FROM orders"), [(3,)])

    def test_savepoints(self):
        query(self.db, "UPDATE orders SET quantity = 7 WHERE id = 1")
        query(self.db, "SAVEPOINT one")
        query(self.db, "DELETE FROM orders")
        query(self.db, "ROLLBACK TO SAVEPOINT one")
        query(self.db, "RELEASE SAVEPOINT one")
        self.db.commit()
        self.assertEqual(query(self.db, "SELECT sum(quantity), count(*) FROM orders"), [(13, 3)])

    def test_settings(self):
        self.assertEqual(self.db.get_parameter_status("server_encoding"), "UTF8")
        self.assertTrue(self.db.server_version >= 150000)
        query(self.db, "SET TIME ZONE 'Europe/Berlin'")
        instant = query(self.db, "SELECT instant FROM everything WHERE id = 1")[0][0]
        self.assertEqual(instant.utcoffset(), datetime.timedelta(hours=1))
        query(self.db, "SET application_name TO 'x y'")
        self.assertEqual(query(self.db, "SHOW application_name"), [("x y",)])

    def test_isolation_levels(self):
        self.db.set_session(isolation_level="SERIALIZABLE", readonly=True)
        with self.assertRaises(psycopg2.errors.ReadOnlySqlTransaction):
            query(self.db, "DELETE FROM orders")
        self.db.rollback()
        self.assertEqual(query(self.db, "SHOW transaction_isolation"), [("serializable",)])

    def test_cancel_from_another_thread(self):
        import threading
        endless = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
        over = threading.Event()

        def cancel():
            while not over.wait(0.05):  # one that comes before its statement is lost
                self.db.cancel()
        canceller = threading.Thread(target=cancel)
        canceller.start()
        try:
            with self.assertRaises(psycopg2.errors.QueryCanceled):
                query(self.db, endless)
        finally:
            over.set()
            canceller.join()
        self.db.rollback()
        self.assertEqual(query(self.db, "SELECT 1"), [(1,)])


client_test.main()
