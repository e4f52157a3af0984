#!/usr/bin/python3
"""Many clients that make, share, copy, mark, rewind, rename, drop and build databases by name, all at once, that cancel
and terminate each other and leave without a word.

usage: test_chaos_names.py PONDD [SEED [ROUNDS [OPTION=VALUE ...]]]

Every answer must be one that its statement can have. No client sees half a transaction of another, nor a database that
others changed for its private one. After each round nobody is connected, no database is left but those that were made to
stay, no template is being built by somebody who has gone, and memory is back where it was. In the last round the daemon
is told to stop in the middle of it all; it does so cleanly (under a sanitizer: without a report).
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
from wire import query, TERMINATE

CLIENTS = 40
STEPS = 6000
SLACK_BYTES = 8 << 20  # caches of plans, stacks and pages that the daemon keeps on purpose

CONF = """
[pond]
listen_addr = 127.0.0.1
listen_port = 0
max_clones = 10
max_templates = 2
max_user_connections = 30
shutdown_grace = 500ms

[database shop]
seed = shop.sql
max_marks = 3
min_pool_size = 2

[database tight]
seed = shop.sql
pool_size = 3
max_waiters = 4
query_wait_timeout = 300ms

[database slow]
seed = shop.sql
linger = 20ms
"""

SEED = """
CREATE TABLE pair (a int, b int);
INSERT INTO pair VALUES (0, 0);
CREATE TABLE bulk (id serial PRIMARY KEY, t text);
INSERT INTO bulk (t) SELECT repeat('x', 200) FROM generate_series(1, 300);
"""

SEEDED = ["shop", "tight", "slow"]
LASTING = ["d%d" % i for i in range(5)] + ["d \N{LATIN SMALL LETTER E WITH ACUTE}"]
SCOPED = ["shop~a", "shop~b", "tight~a", "slow~a", "slow~b", "d0~a", "d1~b", "t0~a", "nowhere~a"]
TEMPLATES = ["t0", "t1", "t2", "t3"]
NAMES = SEEDED + LASTING + SCOPED + TEMPLATES + ["postgres", "template1", "nowhere"]
MARKS = ["m%d" % i for i in range(4)]

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

# What a statement may be told, whatever it is: it was stopped, or its connection.
ALWAYS = {"57014", "57P01", "25P02", "53200", "40001"}
ON_LOGIN = {"3D000", "55006", "53300", "53400", "55000", "57P01", "57P03", "0A000", "42602", "53200"}
ABOUT_DATABASES = {"3D000", "42P04", "42809", "53400", "55000", "55006", "0A000", "25001", "42602", "40P01", "22023"}
ABOUT_DATA = {"55P03", "42P01", "42P07", "42701", "42704", "53400", "25001", "53100"}


def quoted(name):
    return '"%s"' % name


def about_databases(rng):
    name, other = rng.choice(LASTING + TEMPLATES), rng.choice(LASTING)
    return rng.choice([
        "CREATE DATABASE %s TEMPLATE %s" % (quoted(name), quoted(rng.choice(SEEDED + LASTING + TEMPLATES))),
        "CREATE DATABASE %s" % quoted(name),
        "CREATE DATABASE %s TEMPLATE %s CONNECTION LIMIT 2" % (quoted(name), quoted(rng.choice(SEEDED + SCOPED))),
        "DROP DATABASE %s" % quoted(name),
        "DROP DATABASE IF EXISTS %s WITH (FORCE)" % quoted(name),
        "DROP DATABASE %s" % quoted(rng.choice(NAMES)),
        "ALTER DATABASE %s RENAME TO %s" % (quoted(name), quoted(other)),
        "ALTER DATABASE %s IS_TEMPLATE %s" % (quoted(name), rng.choice(["true", "false"])),
        "ALTER DATABASE %s ALLOW_CONNECTIONS %s" % (quoted(name), rng.choice(["true", "true", "false"])),
        "UPDATE pg_database SET datistemplate = false WHERE datname LIKE 't_'",
        "SELECT pond_template('%s')" % rng.choice(TEMPLATES),
        "SELECT pond_template('%s')" % rng.choice(TEMPLATES),
        "SELECT pond_template('%s', '%s')" % (rng.choice(TEMPLATES), rng.choice(SEEDED + LASTING)),
        "SELECT pond_template_ready('%s')" % rng.choice(TEMPLATES),
        "SELECT pond_template_ready('%s')" % rng.choice(TEMPLATES),
        "SELECT pond_template_failed('%s')" % rng.choice(TEMPLATES),
    ])


def about_others(rng):
    which = "(SELECT pid FROM pg_stat_activity WHERE pid %% %d = 0 ORDER BY pid %% %d LIMIT 1)" % (
        rng.randrange(1, 4), rng.randrange(1, 50))
    return rng.choice([
        "SELECT pg_terminate_backend(%s)" % which,
        "SELECT pg_cancel_backend(%s)" % which,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'" % rng.choice(LASTING + SCOPED),
        "SELECT * FROM pg_stat_activity",
        "SELECT * FROM pg_database",
    ])


ADD = "UPDATE pair SET a = a + 1; UPDATE pair SET b = b + 1"


def about_data(rng):
    return rng.choice([
        ADD, ADD, ADD, "BEGIN; " + ADD, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT a - b FROM pair", "COMMIT",
        "COMMIT", "ROLLBACK", "ROLLBACK", "SELECT a - b FROM pair", "SELECT a - b FROM pair",
        "BEGIN; UPDATE pair SET a = a + 1; SAVEPOINT s; UPDATE pair SET b = b - 1; ROLLBACK TO s; "
        "UPDATE pair SET b = b + 1; COMMIT",
        "INSERT INTO bulk (t) SELECT repeat('y', 300) FROM generate_series(1, 200)", "DELETE FROM bulk WHERE id > 250",
        "CREATE TABLE made (a int)", "DROP TABLE made", "ALTER TABLE pair ADD COLUMN c int", "VACUUM",
        "SELECT count(*), sum(length(t)) FROM bulk", "CREATE TEMP TABLE temporary AS SELECT * FROM bulk",
        "SELECT pond_mark('%s')" % rng.choice(MARKS), "SELECT pond_mark('%s')" % rng.choice(MARKS),
        "SELECT pond_rewind('%s')" % rng.choice(MARKS), "SELECT pond_rewind('%s')" % rng.choice(MARKS),
        "SELECT pond_reset()", "SET statement_timeout = %d" % rng.choice([0, 0, 3, 50]),
        "SET lock_timeout = %d" % rng.choice([10, 100, 1000]), ENDLESS,
    ])


class Client:
    """One that says its next word once it has heard the answer to the last, and not always then."""

    def __init__(self, rng, name):
        self.rng = rng
        self.name = name
        self.said = "start"
        self.allowed = ON_LOGIN
        self.ready = False
        self.over = False
        self.key = None
        self.buffer = b""
        self.socket = socket.create_connection((wire.HOST, wire.PORT), timeout=wire.PATIENCE)
        keys = {"options": "-c pond.owner=on"} if rng.random() < 0.2 else {}
        if rng.random() < 0.02:
            keys["replication"] = "database"
        self.socket.sendall(wire.startup(user=rng.choice(["ann", "bob"]), database=name, **keys))
        self.socket.setblocking(False)

    def fileno(self):
        return self.socket.fileno()

    def speak(self):
        dice = self.rng.random()
        if dice < 0.3:
            self.say(about_databases(self.rng), ABOUT_DATABASES)
        elif dice < 0.38:
            self.say(about_others(self.rng), set())
        else:
            self.say(about_data(self.rng), ABOUT_DATA)

    def say(self, text, allowed):
        self.said, self.allowed, self.ready = text, allowed | ALWAYS, False
        try:
            self.socket.sendall(query(text))
        except OSError:
            self.over = True

    def hear(self):
        try:
            data = self.socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.over = self.over or not data
        self.buffer += data
        while len(self.buffer) >= 5:
            size, = struct.unpack_from("!i", self.buffer, 1)
            if len(self.buffer) < size + 1:
                break
            self.take(chr(self.buffer[0]), self.buffer[5:size + 1])
            self.buffer = self.buffer[size + 1:]

    def take(self, kind, body):
        if kind == "K":
            self.key = body
        elif kind == "Z":
            self.ready = True
        elif kind == "E":
            error = wire.fields(body)
            assert error["C"] in self.allowed, "%s: %s: %s" % (self.name, self.said, error)
        elif kind == "D":
            row = [None if value is None else value.decode() for value in wire.values(body)]
            if self.said.endswith("SELECT a - b FROM pair"):
                assert row == ["0"], "%s: %s: half a transaction: %s" % (self.name, self.said, row)

    def cancel(self):
        if self.key:
            with socket.create_connection((wire.HOST, wire.PORT), timeout=wire.PATIENCE) as s:
                s.sendall(struct.pack("!ii", 16, 80877102) + self.key)

    def leave(self):
        try:
            if self.rng.random() < 0.5:
                self.socket.sendall(TERMINATE)
            if self.rng.random() < 0.3:  # with a reset instead of a FIN
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        self.socket.close()


class Crowd:
    def __init__(self, rng):
        self.rng = rng
        self.clients = []

    def listen(self, timeout):
        for client in select.select(self.clients, [], [], timeout)[0]:
            client.hear()
        for client in [c for c in self.clients if c.over]:
            client.socket.close()
            self.clients.remove(client)

    def step(self):
        if len(self.clients) < self.rng.randrange(1, CLIENTS + 1):
            self.clients.append(Client(self.rng, self.rng.choice(NAMES)))
        client = self.rng.choice(self.clients)
        dice = self.rng.random()
        if dice < 0.02:
            client.leave()
            self.clients.remove(client)
        elif dice < 0.06:
            client.cancel()
        elif client.ready:
            client.speak()
        self.listen(0.002 if dice > 0.9 else 0)

    def leave(self):
        self.rng.shuffle(self.clients)
        for client in self.clients:
            client.leave()
        self.clients = []


def ask(w, text):
    types, got = w.ask(query(text))
    errors = [wire.fields(body) for kind, body in got if kind == "E"]
    assert not errors, (text, errors)
    return [[v and v.decode() for v in wire.values(body)] for kind, body in got if kind == "D"]


def drop(w, names):
    there = [name for name, in ask(w, "SELECT datname FROM pg_database")]
    for name in set(names) & set(there):
        ask(w, "ALTER DATABASE %s IS_TEMPLATE false" % quoted(name))
        ask(w, "DROP DATABASE %s" % quoted(name))


def check_nothing_is_left(daemon):
    """But what was made to stay; that is dropped."""
    daemon.settled()
    with wire.Wire("postgres", timeout=wire.PATIENCE) as w:
        end = time.monotonic() + wire.PATIENCE
        while True:
            scoped = ask(w, "SELECT datname FROM pg_database WHERE datname LIKE '%~%'")
            if not scoped:
                break
            assert time.monotonic() < end, "left behind: %s" % scoped
        drop(w, LASTING + TEMPLATES)
        for name in TEMPLATES:  # nobody builds one any more
            built = ask(w, "SELECT pond_template('%s')" % name)
            assert built == [["t"]], (name, built)
        drop(w, TEMPLATES)
    for name in SEEDED:
        with wire.Wire(name) as w:
            assert ask(w, "SELECT * FROM pair") == [["0", "0"]] and ask(w, "SELECT count(*) FROM bulk") == [["300"]]


def one_round(daemon, rng, stop):
    crowd = Crowd(rng)
    steps = STEPS if not stop else rng.randrange(STEPS)
    for _ in range(steps):
        crowd.step()
        assert daemon.process.poll() is None, "pondd has ended"
    if not stop:
        crowd.leave()
        return
    daemon.terminate()
    end = time.monotonic() + wire.PATIENCE
    while daemon.process.poll() is None:
        assert time.monotonic() < end, "pondd does not stop"
        crowd.listen(0.005)
    crowd.leave()


def main(pondd, seed=None, rounds=None, *options):
    seed = int(seed or os.environ.get("POND_TEST_SEED") or random.randrange(1 << 32))
    rounds = int(rounds or os.environ.get("POND_TEST_ROUNDS") or 4)
    print("seed %d, %d rounds" % (seed, rounds), flush=True)
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="pond-test.") as folder:
        conf = os.path.join(folder, "names.conf")
        for path, text in ((conf, CONF), (os.path.join(folder, "shop.sql"), SEED)):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        daemon = Daemon(pondd, conf, folder, *options)
        code = None
        try:
            used = None
            for i in range(rounds):
                one_round(daemon, rng, False)
                check_nothing_is_left(daemon)
                now = daemon.settled()
                print("round %d: %s" % (i, now), flush=True)
                used = int(now["memory"]) if used is None else used
                assert int(now["memory"]) < used + SLACK_BYTES, "memory: %s, after the first round %d" % (now["memory"], used)
            one_round(daemon, rng, True)
        finally:
            code = daemon.stop() if daemon.process.poll() is None else daemon.process.returncode
            if code != 0 or sys.exc_info()[0]:
                print(daemon.log()[-20000:])
        assert code == 0, "pondd ended with %s" % code


if __name__ == "__main__":
    main(*sys.argv[1:])
