#!/usr/bin/python3
"""Two minutes of clients that connect, write, roll back, hang up, are killed and time out at random, on four loops.

usage: soak.py [--pondd PONDD] [--seconds N] [--warm-up N] [--clients N] [--seed N] [--slack BYTES]

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
from pond_daemon import Daemon  # noqa: E402
from soak_client import Client  # noqa: E402
from soak_scenes import Scenes  # noqa: E402

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


class Soak(Scenes):
    def __init__(self, daemon, clients, seed):
        super().__init__(daemon.folder, random.Random(seed))
        self.daemon, self.most = daemon, clients

    async def keep_going(self, end):
        while time.monotonic() < end:
            assert self.daemon.process.poll() is None, "pondd has ended"
            await self.one()

    async def trouble(self, end):
        """Somebody's statement is cancelled, somebody's backend terminated, somebody's socket reset."""
        admin = Client(None)
        await admin.open("postgres")
        while time.monotonic() < end:
            await asyncio.sleep(self.dice.random() * 0.02)
            known = [client for client in self.live if client.key]
            if known:
                await self.hit(self.dice.choice(known), admin)
        await admin.say_goodbye()
        admin.close(False)

    async def hit(self, victim, admin):
        how = self.dice.choice(("terminated", "cancelled", "reset"))
        self.count("trouble: " + how)
        if how == "terminated":
            await admin.ask("SELECT pg_terminate_backend(%d)" % victim.pid)
        elif how == "cancelled":
            await victim.cancel()
        else:
            victim.close(True)

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
        await asyncio.gather(*(self.trouble(end) for _ in range(6)), *(self.keep_going(end) for _ in range(self.most)))
        for client in list(self.live):
            self.leave_now(client)
        for database in self.model.databases:
            await self.check(database, keepers.get(database.name))
        for keeper in keepers.values():
            keeper.close(False)
        # A copy may be among them: the statement of one who was ended in the middle of it went on.
        rows = await admin.ask("SELECT datname FROM pg_database WHERE datname LIKE 'lasting%' OR datname LIKE 'built%'"
                               " OR datname LIKE 'copy%'")
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
    if memory[1] > memory[0] * 1.05 + options.slack:
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
    parser.add_argument("--slack", type=int, default=0, help="bytes that memory may grow beyond that, after a short warm-up")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("POND_TEST_SEED") or random.randrange(1 << 32)))
    options = parser.parse_args()
    print("seed %d, %d clients at once" % (options.seed, options.clients), flush=True)
    with tempfile.TemporaryDirectory(prefix="pond-soak.") as folder:
        return run(options, folder)


if __name__ == "__main__":
    sys.exit(main())
