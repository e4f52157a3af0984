#!/usr/bin/python3
"""Clients without manners: messages in random order, half messages, cancels and hang-ups, many at once.

usage: test_chaos.py PONDD CONF [SEED [ROUNDS]]

Nothing is asked of the single answers but that they are messages. After each round the daemon answers others at once,
no connection is left, and memory is back where it was; at the end it stops cleanly (under a sanitizer: without a report).
"""
import os
import random
import select
import socket
import struct
import sys
import tempfile
import time

import wire
from pond_daemon import Daemon
from wire import bind, close, describe, execute, message, parse, query, FLUSH, SYNC, TERMINATE

CONNECTIONS = 50
STEPS = 1500
SLACK_BYTES = 6 << 20  # caches of plans, stacks and pages that the daemon keeps on purpose

STATEMENTS = [
    "SELECT 1", "SELECT $1::int + 1", "SELECT * FROM customers WHERE id = $1", "SELECT 1/0", "", ";", "SELEC", "BEGIN",
    "BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN READ ONLY", "COMMIT", "ROLLBACK", "END", "SAVEPOINT a",
    "SAVEPOINT b", "ROLLBACK TO a", "ROLLBACK TO b", "RELEASE a", "RELEASE b", "COMMIT AND CHAIN",
    "INSERT INTO customers (email, name) VALUES ($1, 'x') RETURNING id", "INSERT INTO orders VALUES (1, 1, 'x', 1, 1)",
    "INSERT INTO orders (id, customer_id, total) VALUES (99, 12345, 1)", "UPDATE customers SET name = name || $1",
    "DELETE FROM orders", "TRUNCATE orders", "DROP TABLE orders", "CREATE TABLE made (a serial PRIMARY KEY, b text)",
    "INSERT INTO made (b) SELECT repeat('x', 500) FROM generate_series(1, 300)", "DROP TABLE made", "SELECT * FROM made",
    "CREATE TEMP TABLE t AS SELECT * FROM customers", "DROP TABLE t", "SELECT * FROM t", "CREATE INDEX i ON made (b)",
    "ALTER TABLE made ADD COLUMN c int DEFAULT 7", "ALTER TABLE made DROP COLUMN b", "CREATE VIEW v AS SELECT * FROM made",
    "ALTER TABLE made RENAME TO made2", "ALTER TABLE made2 RENAME TO made", "DROP VIEW v", "VACUUM", "ANALYZE",
    "DISCARD ALL", "RESET ALL", "DEALLOCATE ALL", "CLOSE ALL", "SET statement_timeout = 5", "SET statement_timeout = 0",
    "SET LOCAL TimeZone = 'Europe/Berlin'", "SHOW TimeZone", "PREPARE p AS SELECT $1::text", "EXECUTE p('x')",
    "DEALLOCATE p", "SELECT i, repeat('y', 1000) FROM generate_series(1, 2000) i",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
    "SELECT count(*) FROM customers a, customers b, customers c FOR UPDATE", "SELECT * FROM customers FOR UPDATE",
    "SELECT nextval('customers_id_seq')", "SELECT now(), random()", "SELECT repeat('z', 300000)", "SELECT E'\\\\x00'::bytea",
    "SELECT 1; BEGIN; SELECT 2", "SELECT 1; SELECT 1/0; SELECT 3", "INSERT INTO made DEFAULT VALUES; SELECT 1/0",
    "DECLARE c CURSOR FOR SELECT i, repeat('c', 500) FROM generate_series(1, 3000) AS g(i)", "FETCH 100 c", "CLOSE c",
    "DECLARE s SCROLL CURSOR WITH HOLD FOR SELECT i, repeat('s', 1000) FROM generate_series(1, 9000) AS g(i)", "CLOSE s",
    "MOVE ALL s", "FETCH BACKWARD 10 s", "MOVE 300 c", "FETCH PRIOR c", "DECLARE m CURSOR FOR SELECT * FROM made", "FETCH m",
    "INSERT INTO customers (email, name) SELECT i::text, 'c' FROM generate_series(1, 9) AS g(i) RETURNING repeat(name, 99999)",
    "COMMIT; SELECT 1", "SELECT * FROM nowhere", "SELECT string_agg(name, ',') FROM customers", "LOCK TABLE customers",
]
NAMES = ["", "", "a", "b", "S_1"]


def random_values(rng):
    choices = [None, b"1", b"x", b"", b"\0\0\0\1", b"2024-02-29", b"9" * 40, b"\xff\xfe", b"y" * 5000]
    return [rng.choice(choices) for _ in range(rng.choice([0, 1, 1, 1, 2, 9]))]


def random_message(rng):
    kind = rng.randrange(100)
    if kind < 35:
        return query(rng.choice(STATEMENTS))
    if kind < 50:
        return parse(rng.choice(NAMES), rng.choice(STATEMENTS), rng.choice([(), (), (23, ), (25, ), (16, 17), (99999, )]))
    if kind < 62:
        return bind(rng.choice(NAMES), rng.choice(NAMES), random_values(rng), rng.choice([(), (0, ), (1, ), (1, 0)]),
                    rng.choice([(), (0, ), (1, ), (7, )]))
    if kind < 75:
        return execute(rng.choice(NAMES), rng.choice([0, 0, 1, 2, 100, -1]))
    if kind < 81:
        return describe(rng.choice("SPx"), rng.choice(NAMES))
    if kind < 85:
        return close(rng.choice("SPx"), rng.choice(NAMES))
    if kind < 95:
        return SYNC
    if kind < 98:
        return FLUSH
    return rng.choice([message("d", b"x"), message("c"), message("f", b"x\0"), message("F", b"\0\0\0\1"),
                       message("p", b"x\0"), message("B", b"\0"), message("P", b"x"), message("?"), TERMINATE,
                       b"Q\xff\xff\xff\xff", b"Q\0\0\0\3", b"\0\0\0\0\0"])


class Client:
    """A connection that sends what the dice say and reads when it likes."""

    def __init__(self, rng):
        self.socket = socket.create_connection((wire.HOST, wire.PORT), timeout=wire.PATIENCE)
        self.rng = rng
        self.key = None
        self.head = b""
        self.pending = b""
        start = wire.startup(user="chaos", database=rng.choice(["shop", "shop", "shop", "empty", "nowhere"]))
        if rng.random() < 0.05:
            start = start[:rng.randrange(len(start))] if rng.random() < 0.5 else rng.randbytes(rng.randrange(1, 60))
        self.pending = start
        self.socket.setblocking(False)

    def write(self):
        """False: the server has hung up."""
        try:
            self.pending = self.pending[self.socket.send(self.pending):]
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def read(self):
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if self.key is None:
            self.head += data
            at = self.head.find(b"K\0\0\0\x0c")
            if at >= 0 and len(self.head) >= at + 13:
                self.key = self.head[at + 5:at + 13]
        return data != b""

    def cancel(self):
        key = self.key if self.key and self.rng.random() < 0.9 else self.rng.randbytes(8)
        with socket.create_connection((wire.HOST, wire.PORT), timeout=wire.PATIENCE) as s:
            s.sendall(struct.pack("!ii", 16, 80877102) + key)

    def step(self):
        """One thing at random. False: this client is done."""
        dice = self.rng.random()
        if dice < 0.55:
            if len(self.pending) < 1 << 18:
                self.pending += b"".join(random_message(self.rng) for _ in range(self.rng.randrange(1, 6)))
            if dice < 0.02:
                self.pending = self.pending[:self.rng.randrange(len(self.pending))]
                return self.write() and False
            return self.write()
        if dice < 0.93:
            return self.read()
        if dice < 0.97:
            self.cancel()
            return True
        if dice < 0.98:
            try:
                self.socket.shutdown(self.rng.choice([socket.SHUT_WR, socket.SHUT_RDWR]))
            except OSError:
                pass  # the server was faster
        return False

    def leave(self):
        if self.rng.random() < 0.3:  # with a reset instead of a FIN
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def one_round(rng):
    clients = []
    for _ in range(STEPS):
        if len(clients) < rng.randrange(1, CONNECTIONS + 1):
            clients.append(Client(rng))
        client = rng.choice(clients)
        if not client.step():
            client.leave()
            clients.remove(client)
        if rng.random() < 0.02:
            select.select([], [], [], 0.005)  # let something run
    rng.shuffle(clients)
    for client in clients:
        client.leave()


def answers():
    """A few times: one answer may be late on a busy machine."""
    took = []
    for _ in range(3):
        begin = time.monotonic()
        with wire.Wire("shop") as w:
            types, _ = w.ask(query("SELECT count(*) FROM customers"))
            assert types == "TDCZ", types
        took.append(time.monotonic() - begin)
    assert min(took) < 5, "another client waited for %s s" % took


def main(pondd, conf, seed=None, rounds=None):
    seed = int(seed or os.environ.get("POND_TEST_SEED") or random.randrange(1 << 32))
    rounds = int(rounds or os.environ.get("POND_TEST_ROUNDS") or 6)
    print("seed %d, %d rounds" % (seed, rounds), flush=True)
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="pond-test.") as folder:
        daemon = Daemon(pondd, conf, folder)
        try:
            used = None
            for i in range(rounds):
                one_round(rng)
                answers()
                now = daemon.settled()
                print("round %d: %s" % (i, now), flush=True)
                used = int(now["memory"]) if used is None else used
                assert int(now["memory"]) < used + SLACK_BYTES, "memory: %s, after the first round %d" % (now["memory"], used)
        finally:
            code = daemon.stop()
            if code != 0:
                print(daemon.log()[-20000:])
        assert code == 0, "pondd ended with %s" % code


if __name__ == "__main__":
    main(*sys.argv[1:])
