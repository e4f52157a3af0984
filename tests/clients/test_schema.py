"""pond_schema(): what it says makes the same database again, from psql; and what it cannot say it names."""
import io
import os
import re
import subprocess
import tempfile
import unittest

import client_test

psycopg2 = client_test.driver("psycopg2")


def connect(name):
    db = psycopg2.connect(host=client_test.HOST, port=client_test.PORT, user=client_test.USER, dbname=name)
    db.autocommit = True
    return db


def run(db, text):
    with db.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchall() if cursor.description else None


def load(name, text):
    """By psql, which knows nothing of pond."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(text)
        file.flush()
        done = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", name, "-f", file.name], timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=dict(os.environ, PGCLIENTENCODING="UTF8"))
    assert done.returncode == 0 and done.stderr == "", done.stderr


def rows_of(db, copy):
    """`copy` is COPY ... FROM stdin; of pond_schema()."""
    out = io.StringIO()
    with db.cursor() as cursor:
        cursor.copy_expert(copy.replace(" FROM stdin;", " TO STDOUT"), out)
    return out.getvalue()


def dump(db):
    parts = []
    for definition, known in run(db, "SELECT definition, known FROM pond_schema()"):
        assert known, definition
        parts.append(definition + "\n")
        if definition.startswith("COPY "):
            parts.append(rows_of(db, definition) + "\\.\n")
    return "".join(parts)


def without_star(text):
    """The parser has its own opinion about quotes, which the first copy has not seen."""
    return re.sub(r'CREATE VIEW "star".*\n.*\n', "", text)


def stored(db):
    """SQLite's own texts: foreign keys have come behind what was behind them, and indexes stand in another order."""
    return sorted((kind, name, sorted(filter(None, re.split(r"\)*,?(?:\n|\Z)", sql or "")))) for kind, name, sql in
                  run(db, "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_auto%'"))


class Schema(unittest.TestCase):
    def connect(self, name):
        db = connect(name)
        self.addCleanup(db.close)
        return db

    def round_trip(self, source, name):
        text = dump(source)
        copy = self.connect(name)
        load(name, text)
        self.assertEqual(without_star(dump(copy)), without_star(text))
        return copy

    def test_all_of_it_comes_back(self):
        source = self.connect("empty~rich1")
        with open("schema_rich.sql", encoding="utf-8") as file:
            load("empty~rich1", file.read())
        copy = self.round_trip(source, "empty~rich2")
        # the renamed table's sequence has its old name, and a star in a view is spelt out
        gone = ("couple", "star", "renamed")
        self.assertEqual([row for row in stored(copy) if row[1] not in gone],
                         [row for row in stored(source) if row[1] not in gone])
        self.round_trip(copy, "empty~rich3")
        for db in (source, copy):
            self.assertEqual(run(db, "SELECT x, y, z FROM couple"), [("a", 1, 1)])
            self.assertEqual(run(db, "INSERT INTO couple (x) VALUES ('c') RETURNING y, z"), [(3, 3)])
            self.assertEqual(run(db, 'INSERT INTO "Parent" (price) VALUES (8) RETURNING id, name, raw = %s'
                                 % "'\\x0102'"), [(3, "it's */ 100%", True)])
            self.assertEqual(run(db, "SELECT nextval('tickets')"), [(115,)])
            self.assertEqual(run(db, "SELECT double_ticket, word, boss FROM child ORDER BY id"),
                             [(200, "one", None), (210, "two", 1), (220, None, 2)])
            self.assertEqual(run(db, "SELECT * FROM star"), [(1, 1, 1)])
            for text, state in (("INSERT INTO child (word) VALUES ('XY')", "23514"),
                                ("UPDATE renamed SET qty = 1", None), ("INSERT INTO renamed VALUES (1)", "23514"),
                                ("INSERT INTO keyed_later VALUES (1)", "23505"),
                                ("INSERT INTO circle_a VALUES (2, 9)", "23503")):
                with self.subTest(text):
                    try:
                        run(db, text)
                        self.assertIsNone(state)
                    except psycopg2.Error as error:
                        self.assertEqual(error.pgcode, state)

    def test_the_seeded_database_comes_back(self):
        source = self.connect("shop")
        copy = self.round_trip(source, "empty~shop")
        self.assertEqual(stored(copy), stored(source))

    def test_it_is_the_snapshots(self):
        db, other = self.connect("empty~snap"), self.connect("empty~snap")
        run(db, "CREATE TABLE a (x int)")
        run(db, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        self.assertEqual(run(db, "SELECT count(*) FROM a"), [(0,)])
        run(other, "CREATE TABLE b (x int)")
        run(other, "INSERT INTO a VALUES (1)")
        names = "SELECT name FROM pond_schema() WHERE section = 'pre-data' ORDER BY 1"
        self.assertEqual(run(db, names), [("a",)])
        run(db, "COMMIT")
        self.assertEqual(run(db, names), [("a",), ("b",)])

    def test_a_table_follows_the_renaming_of_its_columns(self):
        db = self.connect("empty~follows")
        run(db, """CREATE TABLE t (length text DEFAULT upper('length') CHECK (length ILIKE 'len%' AND length(Length) > 1),
                                   text text, "Odd" int CHECK ("Odd"::text <> text::text),
                                   twice int GENERATED ALWAYS AS ("Odd"::int * 2) STORED)""")
        for old, new in (("length", '"New ""one"'), ("text", "words"), ('"Odd"', "even")):
            run(db, "ALTER TABLE t RENAME COLUMN %s TO %s" % (old, new))
        definition, known = run(db, "SELECT definition, known FROM pond_schema() WHERE section = 'pre-data'")[0]
        self.assertTrue(known)
        for part in ("""DEFAULT (upper('length'))""", """CHECK ("New ""one" ILIKE 'len%' AND length("New ""one") > 1)""",
                     """CHECK ("even"::text <> "words"::text)""", """AS ("even"::int * 2) STORED"""):
            self.assertIn(part, definition)
        copy = self.connect("empty~followed")
        load("empty~followed", dump(db))
        self.assertEqual(dump(copy).replace('"', ""), dump(db).replace('"', ""))

    def test_what_a_renaming_took_is_named(self):
        db = self.connect("empty~lost")
        run(db, "CREATE TABLE t (word text CHECK (word ILIKE 'a%'), kept int)")
        run(db, "CREATE VIEW v AS SELECT upper(word) AS w FROM t")
        run(db, "CREATE INDEX i ON t (lower(word))")
        self.assertEqual(run(db, "SELECT count(*) FROM pond_schema() WHERE NOT known"), [(0,)])
        run(db, "ALTER TABLE t RENAME COLUMN word TO wort")
        self.assertEqual(run(db, "SELECT section, name FROM pond_schema() WHERE NOT known"),
                         [("post-data", "i"), ("post-data", "v")])


if __name__ == "__main__":
    client_test.main()
