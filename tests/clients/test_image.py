"""pond_image(): its pages, put together, are an SQLite file that a stock SQLite finds whole: the database as the statement
sees it, also beside a writer, from an old snapshot and inside a transaction that has written."""
import os
import sqlite3
import tempfile
import threading
import unittest

import client_test

psycopg2 = client_test.driver("psycopg2")
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ  # noqa: E402


def connect(name):
    return psycopg2.connect(host=client_test.HOST, port=client_test.PORT, user=client_test.USER, dbname=name)


def run(db, text):
    with db.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchall() if cursor.description else None


class Image(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="pond-image.")
        self.addCleanup(self.folder.cleanup)

    def connect(self, name):
        db = connect(name)
        self.addCleanup(db.close)
        return db

    def opened(self, pages):
        """The pages as a database of SQLite's; they are all there, in order, and of one size."""
        self.assertEqual([number for number, data in pages], list(range(1, len(pages) + 1)))
        self.assertEqual(len({len(data) for number, data in pages}), 1)
        path = os.path.join(self.folder.name, "image.db")
        with open(path, "wb") as file:
            for number, data in pages:
                file.write(data)
        file = sqlite3.connect(path)
        self.addCleanup(file.close)
        self.assertEqual(file.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        return file

    def image(self, db, text="SELECT page, data FROM pond_image()"):
        return self.opened(run(db, text))

    def test_it_is_the_database(self):
        db = self.connect("shop")
        run(db, "INSERT INTO customers (email, name) VALUES ('image', 'Zoë')")
        file = self.image(db)
        self.assertEqual(file.execute("SELECT name FROM customers WHERE email = 'image'").fetchall(), [("Zoë",)])
        self.assertEqual(file.execute("SELECT count(*) FROM everything").fetchall(), [(2,)])

    def test_in_a_transaction_that_has_written_and_goes_on(self):
        db, other = self.connect("shop~image1"), self.connect("shop~image1")
        run(db, "CREATE TABLE made (x int)")
        run(db, "INSERT INTO made VALUES (1), (2)")
        self.assertEqual(self.image(db).execute("SELECT count(*) FROM made").fetchall(), [(2,)])
        run(db, "SAVEPOINT s")
        run(db, "INSERT INTO made VALUES (3)")
        self.assertEqual(self.image(db).execute("SELECT count(*) FROM made").fetchall(), [(3,)])
        run(db, "ROLLBACK TO s")
        with self.assertRaises(psycopg2.errors.UndefinedTable):
            run(other, "SELECT count(*) FROM made")
        other.rollback()
        db.commit()
        self.assertEqual(run(other, "SELECT count(*) FROM made"), [(2,)])

    def test_of_a_snapshot_beside_a_writer(self):
        db, other = self.connect("shop~image2"), self.connect("shop~image2")
        run(other, "CREATE TABLE many (id int PRIMARY KEY, twice int)")
        other.commit()
        db.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ)
        self.assertEqual(run(db, "SELECT count(*) FROM many"), [(0,)])
        stop = threading.Event()

        def write():
            number = 0
            while not stop.is_set():
                number += 1
                run(other, "INSERT INTO many SELECT %d * 100 + g, 2 * (%d * 100 + g) FROM generate_series(0, 99) AS g"
                    % (number, number))
                other.commit()

        thread = threading.Thread(target=write)
        thread.start()
        try:
            newest = self.connect("shop~image2")
            for _ in range(10):
                file = self.image(newest)
                newest.commit()
                self.assertEqual(file.execute("SELECT count(*) % 100, sum(twice <> 2 * id) FROM many").fetchone()[0], 0)
                self.assertEqual(self.image(db).execute("SELECT count(*) FROM many").fetchall(), [(0,)])
        finally:
            stop.set()
            thread.join()

    def test_a_half_read_one_stays_what_it_was(self):
        db = self.connect("shop")
        with db.cursor("half") as half:
            half.itersize = 1
            half.execute("SELECT page, data FROM pond_image()")
            pages = [half.fetchone()]
            run(db, "DELETE FROM orders")
            run(db, "CREATE TABLE later (x int)")
            pages += half.fetchall()
        file = self.opened(pages)
        self.assertGreater(file.execute("SELECT count(*) FROM orders").fetchone()[0], 0)
        self.assertEqual(file.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'later'").fetchall(), [(0,)])
        self.assertEqual(self.image(db).execute("SELECT count(*) FROM orders").fetchall(), [(0,)])

    def test_it_is_a_relation_as_others(self):
        db = self.connect("shop")
        self.assertEqual(run(db, "SELECT count(*) = max(n) FROM pond_image() AS i (n, bytes)"), [(True,)])
        self.assertEqual(run(db, "SELECT length(i.data) FROM pond_image() i WHERE i.page = 1"), [(4096,)])

    def test_where_it_cannot_be(self):
        for text, state in (("SELECT pond_image()", "42883"), ("SELECT * FROM pond_image(1)", "42883"),
                            ("SELECT * FROM pond_image", "42P01"),
                            ("CREATE TABLE copied AS SELECT page FROM pond_image()", "0A000"),
                            ("INSERT INTO shelf SELECT page FROM pond_image()", "0A000"),
                            ("UPDATE shelf SET n = (SELECT count(*) FROM pond_image())", "0A000"),
                            ("DELETE FROM shelf WHERE n IN (SELECT page FROM pond_image())", "0A000"),
                            ("INSERT INTO shelf VALUES (1) RETURNING (SELECT count(*) FROM pond_image())", "0A000"),
                            ("SELECT * FROM pond_image() WITH ORDINALITY", "0A000")):
            with self.subTest(text):
                db = self.connect("shop")
                db.autocommit = True
                run(db, "CREATE TABLE shelf AS SELECT 7 AS n")
                with self.assertRaises(psycopg2.Error) as raised:
                    run(db, text)
                self.assertEqual(raised.exception.pgcode, state)
                self.assertEqual(run(db, "SELECT n FROM shelf"), [(7,)])


if __name__ == "__main__":
    client_test.main()
