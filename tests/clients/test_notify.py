"""LISTEN, NOTIFY and UNLISTEN between the connections of one database."""
import asyncio
import struct
import threading
import unittest

import asyncpg
import psycopg
import psycopg2
import wire
from database_test import Test, main
from wire import query


def told(messages):
    """(pid, channel, payload) of each NotificationResponse."""
    found = []
    for kind, body in messages:
        if kind == "A":
            channel, payload, _ = body[4:].split(b"\0")
            found.append((struct.unpack("!i", body[:4])[0], channel.decode(), payload.decode()))
    return found


class Notify(Test):
    options = ("loops=2",)

    def enter(self, count, database="shop~talk", **keys):
        made = [self.connect(database, **keys) for _ in range(count)]
        for w in made:
            self.addCleanup(w.socket.close)
        return made

    def said(self, w, text):
        """What it is told with the answer, between its last CommandComplete and ReadyForQuery."""
        types, got = w.ask(query(text))
        self.assertNotIn("E", types, [wire.fields(body) for kind, body in got if kind == "E"])
        self.assertTrue(types.rstrip("Z").endswith("A") or "A" not in types, types)
        return told(got)

    def hears(self, w, *expected):
        """An idle one is told so, without asking."""
        got = [w.next() for _ in expected]
        self.assertEqual(told(got), list(expected))

    def hears_nothing(self, *clients):
        for w in clients:
            self.assertEqual(self.said(w, "SELECT 1"), [])

    # ---- who hears what ----

    def test_an_idle_one_hears_it(self):
        a, b, c = self.enter(3)
        self.assertEqual(self.said(a, "LISTEN one; LISTEN one; LISTEN two"), [])
        self.assertEqual(self.said(b, "NOTIFY one"), [])
        self.hears(a, (b.pid, "one", ""))
        self.said(b, "NOTIFY two, 'what''s up?'; NOTIFY three, 'nobody listens'")
        self.hears(a, (b.pid, "two", "what's up?"))
        self.assertEqual(self.said(c, "SELECT pg_notify('one', 'by ' || 'function'), pg_notify('two', NULL)"), [])
        self.hears(a, (c.pid, "one", "by function"), (c.pid, "two", ""))
        self.hears_nothing(a, b, c)

    def test_one_hears_oneself(self):
        a, = self.enter(1)
        self.assertEqual(self.said(a, "BEGIN; LISTEN one; NOTIFY one, 'x'; COMMIT"), [(a.pid, "one", "x")])
        self.assertEqual(self.said(a, "NOTIFY one, 'y'"), [(a.pid, "one", "y")])

    def test_channels_are_names(self):
        a, b = self.enter(2)
        self.said(a, 'LISTEN One; LISTEN "Two words"; LISTEN %s' % ("l" * 70))
        self.said(b, 'NOTIFY ONE; NOTIFY "One"; NOTIFY "Two words"; NOTIFY %s' % ("l" * 80))
        self.hears(a, (b.pid, "one", ""), (b.pid, "Two words", ""), (b.pid, "l" * 63, ""))
        self.fails(a, "SELECT pg_notify('', 'x')", "22023")
        self.fails(a, "SELECT pg_notify(NULL, 'x')", "22023")
        self.fails(a, "SELECT pg_notify('%s', 'x')" % ("l" * 64), "22023")

    def test_other_databases_hear_nothing(self):
        a, = self.enter(1)
        b, = self.enter(1, "shop~other")
        c, d = self.enter(2, "shop")
        for w in (a, b, c, d):
            self.said(w, "LISTEN one")
        self.assertEqual(self.said(c, "NOTIFY one"), [(c.pid, "one", "")])
        self.hears_nothing(a, b, d)

    def test_unlisten(self):
        a, b = self.enter(2)
        for end in ("UNLISTEN one", "UNLISTEN *", "DISCARD ALL", "UNLISTEN never; UNLISTEN one"):
            self.said(a, "LISTEN one")
            self.said(a, end)
            self.said(b, "NOTIFY one")
        self.said(a, "LISTEN one; LISTEN two; UNLISTEN one; NOTIFY one")
        self.said(b, "NOTIFY one; NOTIFY two")
        self.hears(a, (b.pid, "two", ""))
        self.hears_nothing(a)

    def test_who_leaves_is_forgotten(self):
        a, b = self.enter(2)
        for end in (self.leave, self.hang_up):
            w, = self.enter(1)
            self.said(w, "LISTEN one")
            end(w)
            self.said(b, "NOTIFY one")
        warm = self.connect("shop")
        self.said(warm, "LISTEN one")
        self.leave(warm)
        self.assertEqual(self.said(self.enter(1, "shop")[0], "NOTIFY one"), [])
        self.hears_nothing(a, b)

    # ---- transactions ----

    def test_it_is_said_at_commit(self):
        a, b = self.enter(2)
        self.said(a, "LISTEN one")
        self.said(b, "BEGIN; NOTIFY one, 'later'; SELECT pg_notify('one', 'last')")
        self.hears_nothing(a)
        self.said(b, "COMMIT")
        self.hears(a, (b.pid, "one", "later"), (b.pid, "one", "last"))
        self.said(b, "BEGIN; NOTIFY one, 'never'; ROLLBACK")
        self.said(b, "BEGIN; NOTIFY one, 'never'")
        self.fails(b, "SELECT nothing", "42703")
        self.said(b, "COMMIT")
        self.fails(b, "SELECT pg_notify('one', 'never'), 1 / (SELECT 0)", "22012")
        self.fails(b, "NOTIFY one, 'never'; SELECT nothing", "42703")
        self.hears_nothing(a)

    def test_a_commit_that_fails_says_nothing(self):
        a, b = self.enter(2)
        self.said(b, "CREATE TABLE child(parent int REFERENCES child(id) DEFERRABLE INITIALLY DEFERRED, id int UNIQUE)")
        self.said(a, "LISTEN one")
        types, got = b.ask(query("INSERT INTO child VALUES(99, 1); NOTIFY one"))
        self.assertIn("23503", [wire.fields(body)["C"] for kind, body in got if kind == "E"], types)
        self.hears_nothing(a)
        self.said(b, "NOTIFY one, 'this time'")
        self.hears(a, (b.pid, "one", "this time"))

    def test_listening_begins_and_ends_at_commit(self):
        a, b = self.enter(2)
        self.said(a, "BEGIN; LISTEN one")
        self.said(b, "NOTIFY one, 'early'")
        self.assertEqual(self.said(a, "COMMIT"), [])
        self.said(a, "BEGIN; UNLISTEN *; LISTEN two; ROLLBACK")
        self.said(b, "NOTIFY one, 'heard'; NOTIFY two")
        self.hears(a, (b.pid, "one", "heard"))

    def test_savepoints(self):
        a, b = self.enter(2)
        self.said(a, "LISTEN one")
        self.said(b, "BEGIN; NOTIFY one, '1'; SAVEPOINT s; NOTIFY one, '2'; SAVEPOINT t; NOTIFY one, '3'; RELEASE t;"
                     "ROLLBACK TO s; NOTIFY one, '2'; SAVEPOINT u; NOTIFY one, '4'; RELEASE u; RELEASE s; COMMIT")
        self.hears(a, *[(b.pid, "one", text) for text in ("1", "2", "4")])

    def test_what_is_said_twice_is_said_once(self):
        a, b = self.enter(2)
        self.said(a, "LISTEN one; LISTEN \"on\"")
        self.said(b, "BEGIN; NOTIFY one, 'x'; NOTIFY one, 'y'; NOTIFY one, 'x'; NOTIFY one; NOTIFY one, ''; NOTIFY \"on\", 'ex'; COMMIT")
        self.hears(a, *[(b.pid, *what) for what in (("one", "x"), ("one", "y"), ("one", ""), ("on", "ex"))])
        self.said(b, "NOTIFY one, 'x'")
        self.hears(a, (b.pid, "one", "x"))

    def test_one_in_a_transaction_is_told_after_it(self):
        a, b = self.enter(2)
        self.said(a, "LISTEN one")
        self.said(a, "BEGIN; SELECT 1")
        self.said(b, "NOTIFY one, 'wait'")
        self.assertEqual(self.said(a, "SELECT 1"), [])
        self.assertEqual(self.said(a, "COMMIT"), [(b.pid, "one", "wait")])

    # ---- much ----

    def test_a_payload_has_7999_bytes(self):
        a, b = self.enter(2)
        self.said(a, "LISTEN one")
        self.said(b, "NOTIFY one, '%s'" % ("x" * 7999))
        self.hears(a, (b.pid, "one", "x" * 7999))
        self.fails(b, "NOTIFY one, '%s'" % ("x" * 8000), "22023")
        self.fails(b, "SELECT pg_notify('one', repeat('x', 8000))", "22023")

    def test_many(self):
        a, b = self.enter(2)
        self.said(a, "LISTEN one")
        self.said(b, "SELECT count(pg_notify('one', i::text)) FROM generate_series(1, 30000) i")
        self.hears(a, *[(b.pid, "one", str(i)) for i in range(1, 30001)])

    def test_one_who_does_not_take_them_is_cut_off(self):
        a, b = self.enter(2)
        self.said(a, "LISTEN one")
        self.said(a, "BEGIN; SELECT 1")
        self.said(b, "SELECT count(pg_notify('one', repeat('x', 7900) || i)) FROM generate_series(1, 3000) i")
        self.assertEqual(self.last_words(a)["C"], "54000")
        self.hears_nothing(b)

    # ---- drivers ----

    def test_psycopg3(self):
        def say():
            with psycopg2.connect(host=wire.HOST, port=wire.PORT, user="tester", dbname="shop~talk") as conn:
                with conn.cursor() as cursor:
                    for i in range(3):
                        cursor.execute("SELECT pg_notify('news', %s)", (str(i),))
            conn.close()
        with psycopg.connect(host=wire.HOST, port=wire.PORT, user="tester", dbname="shop~talk", autocommit=True) as conn:
            conn.execute("LISTEN news")
            thread = threading.Thread(target=say)
            thread.start()
            heard = []
            for notify in conn.notifies():
                heard.append((notify.channel, notify.payload))
                if len(heard) == 3:
                    break
            thread.join()
        self.assertEqual(heard, [("news", "0"), ("news", "1"), ("news", "2")])

    def test_asyncpg(self):
        async def talk():
            where = {"host": wire.HOST, "port": wire.PORT, "user": "tester", "database": "shop~talk"}
            hears, speaks = await asyncpg.connect(**where), await asyncpg.connect(**where)
            queue = asyncio.Queue()
            await hears.add_listener("news", lambda conn, pid, channel, payload: queue.put_nowait((channel, payload)))
            await speaks.execute("NOTIFY news, 'x'")
            got = [await asyncio.wait_for(queue.get(), wire.PATIENCE)]
            await speaks.fetch("SELECT pg_notify($1, $2)", "news", "y")
            got.append(await asyncio.wait_for(queue.get(), wire.PATIENCE))
            await hears.reset()
            await hears.close()
            await speaks.close()
            return got
        self.assertEqual(asyncio.run(talk()), [("news", "x"), ("news", "y")])


if __name__ == "__main__":
    main()
