#!/usr/bin/python3
"""Two minutes of clients that connect, write, roll back, hang up, are killed and time out at random, on four loops.

usage: soak.py [--pondd PONDD] [--seconds N] [--warm-up N] [--clients N] [--seed N]

What each of them committed is kept in a model (soak_model.py). At the end each committed row must be where it belongs and
no other, every counter of the daemon must be back at zero, and its memory within 5 % of what it was after the warm-up,
which is the same in short.
"""
import argparse
import asyncio
import os
import random
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.insert(0, ROOT + "/tests/clients")

import soak_model  # noqa: E402
import wire  # noqa: E402
from pond_daemon import Daemon  # noqa: E402
from soak_client import Client, Gone, SqlError  # noqa: E402

CONF = """[pond]
max_client_conn = 2000
client_login_timeout = 2s
max_templates = 3
[database shop]
seed = shop.sql
server_idle_timeout = 500ms
[database postgres]
server_idle_timeout = 500ms
[database narrow]
seed = shop.sql
pool_size = 6
max_waiters = 20
query_wait_timeout = 1s
server_idle_timeout = 500ms
"""
SEED_SQL = "CREATE TABLE soak (grp int NOT NULL, part int NOT NULL, filler text);\nCREATE INDEX soak_grp ON soak (grp);\n"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

# What may happen to anybody here: terminated, cancelled or out of time, its turn or its session came too late, a stale
# snapshot, idle in a transaction, in a transaction that one of these made fail.
EXPECTED = {"57P01", "57014", "55P03", "53300", "40001", "25P03", "25P02"}


class Soak:
    def __init__(self, daemon, clients, seed):
        self.daemon, self.most = daemon, clients
        self.dice = random.Random(seed)
        self.model = soak_model.Model()
        self.live, self.wrong = set(), []
        self.names = 0
        self.counts = {}

    # ---- clients ----

    async def connect(self, name, **keys):
        client = Client(self.daemon.folder if self.dice.random() < 0.5 else None)
        self.live.add(client)
        try:
            await client.open(name, **keys)
        except BaseException:
            self.leave_now(client)
            raise
        return client

    def leave_now(self, client):
        self.live.discard(client)
        client.close(self.dice.random() < 0.5)

    async def leave(self, client):
        self.live.discard(client)
        if self.dice.random() < 0.7:
            await client.say_goodbye()
        client.close(self.dice.random() < 0.5)

    def note_wrong(self, what):
        if len(self.wrong) < 20:
            print("WRONG:", what, flush=True)
        self.wrong.append(what)

    # ---- what a client may do; each ends with its connection ----

    async def write(self, client, database):
        """One transaction, in one of many ways, of which some keep its rows."""
        group = self.model.new_group(self.dice)
        how = self.dice.randrange(9)
        if how == 0:
            await database.commit(client, group, group.insert)
        elif how == 1:
            await client.ask("BEGIN")
            await client.ask(group.insert)
            await client.ask("SAVEPOINT s")
            await client.ask(self.model.new_group(self.dice).insert)
            await client.ask("ROLLBACK TO s")
            await database.commit(client, group, "COMMIT")
        elif how == 2:
            await database.commit(client, group, "BEGIN; %s; COMMIT" % group.insert)
        elif how == 3:
            await client.ask("BEGIN; " + group.insert)
            await client.ask("ROLLBACK")
        elif how == 4:
            await client.ask("BEGIN; " + group.insert)
            raise Gone("left in a transaction")
        elif how == 5:
            database.send_commit(client, group, "BEGIN; %s; COMMIT" % group.insert)
            raise Gone("did not wait for the answer")
        elif how == 6:
            await client.ask("SET statement_timeout = 30")
            await client.ask("BEGIN; %s; %s" % (group.insert, ENDLESS))
        elif how == 7:
            await client.ask("SET idle_in_transaction_session_timeout = 20")
            await client.ask("BEGIN; " + group.insert)
            await client.ready()  # the server ends it
        else:
            await client.ask("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM soak")
            await client.ask(group.insert)
            await database.commit(client, group, "COMMIT")

    async def look(self, client, database):
        """No transaction is ever seen by half."""
        rows = await client.ask("SELECT grp, count(*) FROM soak GROUP BY grp")
        for problem in database.problems(rows, at_end=False):
            self.note_wrong(problem)

    async def share(self, database):
        client = await self.connect(database.name, **self.dice.choice(({}, dict(lock_timeout="50"), dict(lock_timeout="0"))))
        try:
            for _ in range(self.dice.randrange(1, 6)):
                await self.dice.choice((self.write, self.write, self.look))(client, database)
        finally:
            await self.leave(client)

    async def be_alone(self):
        """A private copy: nobody else's rows, and back to a mark."""
        client = await self.connect(self.dice.choice(("shop", "shop", "narrow")))
        try:
            seen = [await client.ask("SELECT count(*) FROM soak")]
            await client.ask(self.model.new_group(self.dice).insert)
            await client.ask("SELECT pond_mark('m')")
            marked = await client.ask("SELECT count(*) FROM soak")
            await client.ask("DELETE FROM soak; CREATE TABLE more (a int)")
            await client.ask("SELECT pond_rewind('m')")
            if await client.ask("SELECT count(*) FROM soak") != marked:
                self.note_wrong("a rewind of a private copy lost rows")
            await client.ask("SELECT pond_reset()")
            seen.append(await client.ask("SELECT count(*) FROM soak"))
            if seen != [[(b"0",)], [(b"0",)]]:
                self.note_wrong("a private copy begins with %s" % seen)
        finally:
            await self.leave(client)

    async def meet(self):
        """A `~` database that lives as long as those who happen to be in it, or its owner."""
        keys = dict(options="-c pond.owner=on") if self.dice.random() < 0.3 else {}
        client = await self.connect("%s~m%d" % (self.dice.choice(("shop", "narrow")), self.dice.randrange(8)), **keys)
        try:
            before = (await client.ask("SELECT count(*) FROM soak"))[0]
            await client.ask(self.model.new_group(self.dice).insert)
            after = (await client.ask("SELECT count(*) FROM soak"))[0]
            if not int(before[0]) < int(after[0]):
                self.note_wrong("a row was not there after its insert")
        finally:
            await self.leave(client)

    async def copy_database(self):
        """CREATE DATABASE of one that others write to, and DROP while others are in it."""
        source, name = self.dice.choice(self.model.databases), "copy%d" % self.names
        self.names += 1
        admin = await self.connect("postgres")
        try:
            await admin.ask("CREATE DATABASE %s TEMPLATE \"%s\"" % (name, source.name))
            try:
                for _ in range(self.dice.randrange(1, 4)):
                    client = await self.connect(name)
                    await client.ask("INSERT INTO soak VALUES (-1, 0, 'x')")
                    rows = await client.ask("SELECT grp, count(*) FROM soak WHERE grp > 0 GROUP BY grp")
                    for problem in source.problems(rows, at_end=False):
                        self.note_wrong(problem)
                    if self.dice.random() < 0.7:
                        await self.leave(client)
            finally:
                await self.drop_for_sure(name)
        finally:
            await self.leave(admin)

    async def drop_for_sure(self, name):
        """Whatever happens to those who try."""
        while True:
            try:
                client = await self.connect("postgres")
                try:
                    await client.ask("DROP DATABASE IF EXISTS %s WITH (FORCE)" % name)
                    return
                finally:
                    await self.leave(client)
            except (Gone, SqlError):
                pass

    async def build_once(self):
        client = await self.connect("postgres")
        name = "built%d" % self.dice.randrange(4)
        try:
            if await client.ask("SELECT pond_template('%s', 'shop')" % name) == [(b"t",)]:
                tool = await self.connect(name)
                await tool.ask("INSERT INTO soak VALUES (0, 0, 'built')")
                await self.leave(tool)
                if self.dice.random() < 0.7:
                    await client.ask("SELECT pond_template_ready('%s')" % name)
            else:
                copy = await self.connect(name)
                if await copy.ask("SELECT count(*) FROM soak") != [(b"1",)]:
                    self.note_wrong("%s is not what was built" % name)
                await self.leave(copy)
        finally:
            await self.leave(client)

    async def be_rude(self):
        """Half a start-up packet, no start-up at all, or one that is left alone while it waits in line."""
        client = Client(None)
        self.live.add(client)
        try:
            await client.dial()
            packet = wire.startup(user="rude", database=self.dice.choice(("narrow", "narrow~r", "nowhere")))
            client.writer.write(packet[:self.dice.randrange(len(packet) + 1)])
            await asyncio.sleep(self.dice.random() * 0.3)
        finally:
            self.leave_now(client)

    async def one(self):
        what = self.dice.choices(("share", "be_alone", "meet", "copy_database", "build_once", "be_rude"), (50, 20, 15, 6, 4, 5))[0]
        expected = EXPECTED | {"3D000", "42P04", "55000"} if what in ("copy_database", "build_once") else EXPECTED
        ended = "done"
        try:
            await asyncio.wait_for(self.share(self.dice.choice(self.model.databases)) if what == "share"
                                   else getattr(self, what)(), 60)
        except SqlError as error:
            ended = error.sqlstate
            if ended not in expected:
                self.note_wrong("%s: %s" % (what, error))
        except Gone as gone:
            ended = gone.sqlstate or "gone"
            if gone.sqlstate and gone.sqlstate not in expected:
                self.note_wrong("%s: %s" % (what, gone))
        except asyncio.TimeoutError:
            self.note_wrong("%s has waited for a minute" % what)
        key = "%s: %s" % (what, ended)
        self.counts[key] = self.counts.get(key, 0) + 1

    async def keep_going(self, end):
        while time.monotonic() < end:
            await self.one()

    async def trouble(self, end):
        """Somebody's statement is cancelled, somebody's backend terminated, somebody's socket reset."""
        admin = Client(None)
        await admin.open("postgres")
        while time.monotonic() < end:
            await asyncio.sleep(self.dice.random() * 0.02)
            victim = self.dice.choice(list(self.live)) if self.live else None
            if victim is None or victim.key is None:
                continue
            how = self.dice.randrange(3)
            if how == 0:
                await admin.ask("SELECT pg_terminate_backend(%d)" % victim.pid)
            elif how == 1:
                await victim.cancel()
            else:
                victim.close(True)
        await admin.say_goodbye()
        admin.close(False)

    # ---- a phase: databases come, clients do what they do, rows are counted, databases go ----

    async def phase(self, seconds):
        admin = Client(None)
        await admin.open("postgres")
        for n in range(4):
            await admin.ask("CREATE DATABASE lasting%d TEMPLATE shop" % n)
        names = ["lasting%d" % n for n in range(4)] + ["shop~kept%d" % n for n in range(3)] + ["narrow~kept"]
        self.model.databases = [soak_model.Database(name) for name in names]
        keepers = {name: Client(None) for name in names if "~" in name}
        for name, keeper in keepers.items():
            await keeper.open(name)
        end = time.monotonic() + seconds
        await asyncio.gather(self.trouble(end), *(self.keep_going(end) for _ in range(self.most)))
        for client in list(self.live):
            self.leave_now(client)
        for database in self.model.databases:
            await self.check(database, keepers.get(database.name))
        for keeper in keepers.values():
            keeper.close(False)
        rows = await admin.ask("SELECT datname FROM pg_database WHERE datname LIKE 'lasting%' OR datname LIKE 'built%'")
        await admin.ask("UPDATE pg_database SET datistemplate = false WHERE datname LIKE 'built%'")
        for name, in rows:
            await admin.ask("DROP DATABASE IF EXISTS %s WITH (FORCE)" % name.decode())
        await admin.say_goodbye()
        admin.close(False)

    async def check(self, database, keeper):
        client = keeper or Client(None)
        if keeper is None:
            await client.open(database.name)
        for problem in database.problems(await client.ask("SELECT grp, count(*) FROM soak GROUP BY grp"), at_end=True):
            self.note_wrong(problem)
        print("%s: %d transactions of %d rows; of %d it is not known whether they were committed"
              % (database.name, len(database.committed), sum(g.size for g in database.committed), len(database.maybe)), flush=True)
        if keeper is None:
            client.close(False)


def settled(daemon, soak):
    """The counters once all has ended, which must be soon."""
    try:
        return daemon.until(connections=0, tasks=0, sessions=0, sessions_idle=0, waiting=0, clones=0)
    except AssertionError as error:
        soak.note_wrong("something is left: %s" % error)
        return daemon.statistics()


def resident(daemon):
    with open("/proc/%d/status" % daemon.process.pid, encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def run(options, folder):
    for name, text in (("pond.conf", CONF), ("shop.sql", SEED_SQL)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    daemon = Daemon(options.pondd, os.path.join(folder, "pond.conf"), folder, "loops=4")
    soak = Soak(daemon, options.clients, options.seed)
    memory = []
    for what, seconds in (("warm-up", options.warm_up), ("soak", options.seconds)):
        try:
            asyncio.run(soak.phase(seconds))
        except BaseException:
            print("pondd: %s\n%s" % (daemon.process.poll(), daemon.log()[-5000:]))
            raise
        now = settled(daemon, soak)
        memory.append(int(now["memory"]))
        print("after the %s: memory %d, resident %d KiB, %s connections and %s statements so far"
              % (what, memory[-1], resident(daemon), now["connections_total"], now["statements"]), flush=True)
    for what in sorted(soak.counts):
        print("%7d %s" % (soak.counts[what], what))
    if memory[1] > memory[0] * 1.05:
        soak.note_wrong("memory grew from %d to %d" % tuple(memory))
    code = daemon.stop()
    if code != 0:
        soak.note_wrong("pondd ended with %d: %s" % (code, daemon.log()[-10000:]))
    print("seed %d: %d things wrong" % (options.seed, len(soak.wrong)))
    return 1 if soak.wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pondd", default=ROOT + "/build/release/bin/pondd")
    parser.add_argument("--seconds", type=float, default=130)
    parser.add_argument("--warm-up", type=float, default=20)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("POND_TEST_SEED") or random.randrange(1 << 32)))
    options = parser.parse_args()
    print("seed %d, %d clients at once" % (options.seed, options.clients), flush=True)
    with tempfile.TemporaryDirectory(prefix="pond-soak.") as folder:
        return run(options, folder)


if __name__ == "__main__":
    sys.exit(main())
