"""Pages through a result with a Python driver. See paging.py for what it says and hears.

usage: page.py psycopg3-cursor|psycopg3-stream|psycopg2-cursor|asyncpg-cursor ROWS PAGE STATEMENT
"""
import asyncio
import importlib
import os
import sys
import time

TARGET = dict(host=os.environ["PGHOST"], port=int(os.environ["PGPORT"]), user=os.environ["PGUSER"])
DATABASE = os.environ["PGDATABASE"]


def driver(name):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        print("skipped: %s" % error)
        sys.exit(77)


def say(words):
    print(words, flush=True)
    sys.stdin.readline()


class Progress:
    """Counts the rows of one reading, and waits half-way for whoever looks on."""

    def __init__(self, rows):
        self.half, self.count, self.sum, self.waited, self.begin = rows // 2, 0, 0, 0, time.monotonic()

    def add(self, row):
        self.sum += row[0]
        self.count += 1
        if self.count == self.half:
            pause = time.monotonic()
            say("half")
            self.waited = time.monotonic() - pause

    def say(self):
        say("all %d %d %f" % (self.count, self.sum, time.monotonic() - self.begin - self.waited))


def read_dbapi(db, cursor_of, rows):
    """cursor_of gives an iterator of rows and what ends it."""
    db.cursor().execute("SELECT 1")
    say("ready")
    progress = Progress(rows)
    reading, end = cursor_of(db)
    for row in reading:
        progress.add(row)
    end()
    progress.say()
    reading, end = cursor_of(db)
    some = sum(1 for _, _ in zip(range(rows // 2), reading))
    end()
    after = db.cursor()
    after.execute("SELECT 7")
    say("after %d %d" % (some, after.fetchone()[0]))
    db.close()


def psycopg3_cursor(rows, page, text):
    psycopg = driver("psycopg")

    def cursor_of(db):
        cursor = db.cursor(name="paging")
        cursor.itersize = page
        cursor.execute(text)
        return iter(cursor), cursor.close

    read_dbapi(psycopg.connect(dbname=DATABASE, **TARGET), cursor_of, rows)


def psycopg3_stream(rows, _, text):
    psycopg = driver("psycopg")

    def cursor_of(db):
        reading = db.cursor().stream(text)
        return reading, reading.close

    read_dbapi(psycopg.connect(dbname=DATABASE, autocommit=True, **TARGET), cursor_of, rows)


def psycopg2_cursor(rows, page, text):
    psycopg2 = driver("psycopg2")

    def cursor_of(db):
        cursor = db.cursor("paging")
        cursor.itersize = page
        cursor.execute(text)
        return cursor, cursor.close

    read_dbapi(psycopg2.connect(dbname=DATABASE, **TARGET), cursor_of, rows)


def asyncpg_cursor(rows, page, text):
    asyncpg = driver("asyncpg")

    async def read():
        db = await asyncpg.connect(database=DATABASE, **TARGET)
        await db.fetchval("SELECT 1")
        say("ready")
        progress = Progress(rows)
        async with db.transaction():
            async for row in db.cursor(text, prefetch=page):
                progress.add(row)
        progress.say()
        some = 0
        async with db.transaction():
            async for _ in db.cursor(text, prefetch=page):
                some += 1
                if some == rows // 2:
                    break
        say("after %d %d" % (some, await db.fetchval("SELECT 7")))
        await db.close()

    asyncio.run(read())


if __name__ == "__main__":
    globals()[sys.argv[1].replace("-", "_")](int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
