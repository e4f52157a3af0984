#!/usr/bin/python3
"""SIGKILL under write load: eight connections commit to one durable database until pondd is killed, round after round.

Each transaction puts rows into one table and their sum into another. What a client was told is noted. After each kill an ordinary
SQLite recovers a copy of the file and its log, and a new pondd comes up with the file itself; both must have every transaction
that was acknowledged, none by halves, and of those that were under way at most the next of each connection.
The kill comes after a random number of commits; or in a checkpoint (the file itself has just been written to); or once more
while the new pondd is starting. `synchronous` changes from round to round. --seed repeats the choices, not the timing.
"""
import argparse
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/clients"))
import wire  # noqa: E402

CONNECTIONS = 8
SCHEMA = """CREATE TABLE entries (client int, seq int, part int, parts int, amount int, filler bytea, PRIMARY KEY (client, seq, part));
CREATE TABLE totals (client int PRIMARY KEY, seq int, amount int);
""" + "".join("INSERT INTO totals VALUES (%d, 0, 0);\n" % client for client in range(CONNECTIONS))
# Entries that are too old are thrown away, so that pages are used again; the totals still have them.
ENTRIES = "SELECT client, seq, count(*), min(parts), max(parts), sum(amount) FROM entries GROUP BY client, seq ORDER BY client, seq"
TOTALS = "SELECT client, seq, amount FROM totals ORDER BY client"
KEPT = 200
MODES = ("commits", "checkpoint", "start")
SYNCHRONOUS = ("full", "full", "normal", "off")
FILLERS = (20, 20, 300, 3000, 20000)


class Client(threading.Thread):
    """One connection; it knows the sum that each of its transactions leaves behind."""

    def __init__(self, number, seed):
        super().__init__()
        self.number, self.rng = number, random.Random(seed)
        self.sums, self.acknowledged, self.error = {0: 0}, 0, None

    def text(self, seq):
        parts = self.rng.randint(1, 5)
        amounts = [self.rng.randrange(1000) for _ in range(parts)]
        self.sums[seq] = self.sums[seq - 1] + sum(amounts)
        rows = ", ".join("(%d, %d, %d, %d, %d, randomblob(%d))" % (self.number, seq, part, parts, amount, self.rng.choice(FILLERS))
                         for part, amount in enumerate(amounts))
        return ("BEGIN; INSERT INTO entries VALUES %s; UPDATE totals SET seq = %d, amount = amount + %d WHERE client = %d; "
                "DELETE FROM entries WHERE client = %d AND seq <= %d; COMMIT"
                % (rows, seq, sum(amounts), self.number, self.number, seq - KEPT))

    def run(self):
        try:
            w = wire.Wire("shop", timeout=60)
            while True:
                types, got = w.ask(wire.query(self.text(self.acknowledged + 1)))
                if not types.endswith("Z"):
                    break  # it was killed
                if "E" in types:
                    raise AssertionError([wire.fields(body) for kind, body in got if kind == "E"])
                self.acknowledged += 1
            w.socket.close()
        except OSError:
            pass
        except Exception as error:  # for who joins it
            self.error = error


class Pondd:
    def __init__(self, pondd, folder, synchronous):
        self.folder = folder
        conf = os.path.join(folder, "pond.conf")
        with open(conf, "w") as out:
            out.write("[pond]\n[database shop]\nfile = shop.db\nseed = seed.sql\nsynchronous = %s\n" % synchronous)
        self.ready, write_end = os.pipe()
        with open(os.path.join(folder, "log"), "ab") as log:
            self.process = subprocess.Popen([pondd, "-c", conf, "-o", "listen_port=0", "-o", "unix_socket_dir=" + folder, "--ready-fd",
                                             str(write_end), *wire.pondd_options()],
                                            stdin=subprocess.DEVNULL, stderr=log, pass_fds=[write_end])
        os.close(write_end)

    def await_ready(self):
        with os.fdopen(self.ready) as ready:
            lines = [dict(word.split("=", 1) for word in line.split()) for line in ready]
        if not lines:
            sys.exit("pondd did not start: " + open(os.path.join(self.folder, "log")).read()[-2000:])
        wire.HOST, wire.PORT = next((a["host"], int(a["port"])) for a in lines if not a["host"].startswith("/"))

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def check(rows, ask, clients):
    """Every acknowledged transaction, at most one more of each connection, and none by halves."""
    totals = ask(TOTALS)
    assert [client for client, _, _ in totals] == list(range(CONNECTIONS)), totals
    seen = {client: [] for client in range(CONNECTIONS)}
    for client, seq, count, least, most, amount in rows:
        assert count == least == most, "half a transaction: client %d, number %d" % (client, seq)
        assert amount == clients[client].sums[seq] - clients[client].sums[seq - 1], "wrong rows: client %d, number %d" % (client, seq)
        seen[client].append(seq)
    for client, seq, amount in totals:
        c = clients[client]
        assert seq in (c.acknowledged, c.acknowledged + 1), "client %d: %d acknowledged, %d there" % (client, c.acknowledged, seq)
        assert amount == c.sums[seq], "client %d: the sum is wrong" % client
        assert seen[client] == list(range(max(seq - KEPT, 0) + 1, seq + 1)), "client %d: entries are missing" % client
    return {client: seq for client, seq, _ in totals}


def check_copy(folder, clients):
    """As an ordinary SQLite recovers it."""
    copy = os.path.join(folder, "copy.db")
    for end in ("", "-wal"):
        if os.path.exists(os.path.join(folder, "shop.db" + end)):
            shutil.copyfile(os.path.join(folder, "shop.db" + end), copy + end)
    db = sqlite3.connect(copy)
    sound = db.execute("PRAGMA integrity_check").fetchall()
    assert sound == [("ok",)], sound
    found = check(db.execute(ENTRIES).fetchall(), lambda text: db.execute(text).fetchall(), clients)
    db.close()
    os.unlink(copy)
    return found


def check_daemon(clients):
    w = wire.Wire("shop", timeout=60)

    def ask(text):
        _, got = w.ask(wire.query(text))
        assert not any(kind == "E" for kind, _ in got), [wire.fields(body) for kind, body in got if kind == "E"]
        return [tuple(int(value) for value in wire.values(body)) for kind, body in got if kind == "D"]
    found = check(ask(ENTRIES), ask, clients)
    w.socket.close()
    return found


def await_moment(mode, count, clients, path):
    """Looks every now and then; too often would keep those from the processor that it waits for."""
    def written_at():
        return os.stat(path).st_mtime_ns
    while sum(c.acknowledged - c.began_at for c in clients) < count:
        if any(not c.is_alive() for c in clients):
            raise next((c.error for c in clients if c.error), AssertionError("a client ended"))
        time.sleep(0.0005)
    before = written_at()
    deadline = time.monotonic() + 10
    while mode == "checkpoint" and written_at() == before and time.monotonic() < deadline:
        time.sleep(0.0002)
    return written_at() != before


class Run:
    def __init__(self, options, folder):
        self.options, self.folder, self.rng = options, folder, random.Random(options.seed)
        self.path = os.path.join(folder, "shop.db")
        self.clients = [Client(number, self.rng.random()) for number in range(CONNECTIONS)]
        self.commits = self.checkpoints = 0

    def load(self, number):
        """Until the kill; the row of the table."""
        mode, synchronous = MODES[number % len(MODES)], self.rng.choice(SYNCHRONOUS)
        count = self.rng.randint(1, self.options.commits)
        daemon = Pondd(self.options.pondd, self.folder, synchronous)
        if mode == "start" and number > len(MODES):
            time.sleep(self.rng.random() * self.options.start_ms / 1000)  # it may be recovering, filling or up
            daemon.kill()
            os.close(daemon.ready)
            check_copy(self.folder, self.clients)
            daemon = Pondd(self.options.pondd, self.folder, synchronous)
        begun = time.monotonic()
        daemon.await_ready()
        ready = time.monotonic() - begun
        found = check_daemon(self.clients)
        again = [Client(c.number, self.rng.random()) for c in self.clients]
        for c, old in zip(again, self.clients):
            c.sums, c.acknowledged, c.began_at = old.sums, found[c.number], found[c.number]
        self.clients = again
        begun = time.monotonic()
        for c in again:
            c.start()
        try:
            hit = await_moment(mode, count, again, self.path)
        finally:
            daemon.kill()
            for c in again:
                c.join()
        seconds = time.monotonic() - begun
        for c in again:
            if c.error:
                raise c.error
        return mode, synchronous, ready, seconds, hit

    def round(self, number):
        mode, synchronous, ready, seconds, hit = self.load(number)
        log_bytes = os.path.getsize(self.path + "-wal") if os.path.exists(self.path + "-wal") else 0
        found = check_copy(self.folder, self.clients)
        acknowledged = sum(c.acknowledged - c.began_at for c in self.clients)
        more = sum(found[c.number] - c.acknowledged for c in self.clients)
        self.commits += acknowledged
        self.checkpoints += hit
        print("%5d  %-10s %-6s %8d %8.0f %6d %9.1f %9.1f %8.0f" % (
            number, mode + ("*" if hit else ""), synchronous, acknowledged, acknowledged / seconds, more, log_bytes / 1e6,
            os.path.getsize(self.path) / 1e6, ready * 1000), flush=True)

    def finish(self):
        """The last daemon ends as it should."""
        daemon = Pondd(self.options.pondd, self.folder, "full")
        daemon.await_ready()
        check_daemon(self.clients)
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(timeout=60) == 0
        assert not os.path.exists(self.path + "-wal")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pondd", default="build/release/bin/pondd")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--commits", type=int, default=1500, help="the most that a round waits for")
    parser.add_argument("--start-ms", type=float, default=60, help="the longest that a start that is killed may take")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()

    print("seed %d; * in a checkpoint" % options.seed)
    print("%5s  %-10s %-6s %8s %8s %6s %9s %9s %8s" % ("round", "kill after", "sync", "commits", "per s", "more", "log MB", "file MB",
                                                       "start ms"))
    with tempfile.TemporaryDirectory(prefix="pond-kill.") as folder:
        with open(os.path.join(folder, "seed.sql"), "w") as out:
            out.write(SCHEMA)
        run = Run(options, folder)
        try:
            for number in range(1, options.rounds + 1):
                run.round(number)
            run.finish()
        except BaseException:
            kept = tempfile.mkdtemp(prefix="pond-kill-failed.")
            shutil.copytree(folder, kept, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".s.*"))
            print("the files are in " + kept)
            raise
    print("%d kills, %d of them in a checkpoint: all of %d acknowledged commits were there, none was half there, and each file was sound"
          % (options.rounds, run.checkpoints, run.commits))


if __name__ == "__main__":
    main()
