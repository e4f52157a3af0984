"""What the soak's clients do, each at random: one scene is one connection, or a few, from the first byte to the last."""
import asyncio

import soak_model
import wire
from soak_client import Client, Gone, SqlError

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

# What may happen to anybody here: terminated, cancelled or out of time, its turn or its session came too late, a stale
# snapshot, idle in a transaction, in a transaction that one of these made fail.
EXPECTED = {"57P01", "57014", "55P03", "53300", "40001", "25P03", "25P02"}

# What clients do, and how often.
WEIGHTS = dict(share=50, be_alone=20, meet=15, copy_database=6, build_once=4, be_rude=5, be_killed=1)


class Scenes:
    def __init__(self, folder, dice):
        self.folder, self.dice = folder, dice
        self.model = soak_model.Model()
        self.live, self.wrong, self.counts = set(), [], {}
        self.names, self.copies, self.free_names = 0, 0, []

    # ---- clients ----

    async def connect(self, name, **keys):
        client = Client(self.folder if self.dice.random() < 0.5 else None)
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
        source, name = self.dice.choice(self.model.databases), self.take_name()
        try:
            admin = await self.connect("postgres")
            try:
                await admin.ask("CREATE DATABASE %s TEMPLATE \"%s\"" % (name, source.name))
                for _ in range(self.dice.randrange(1, 4)):
                    await self.use_copy(name, source)
            finally:
                await self.leave(admin)
        finally:
            await self.drop_for_sure(name)  # it may be there even if nobody heard of it
            self.free_names.append(name)

    async def use_copy(self, name, source):
        client = await self.connect(name)
        await client.ask("INSERT INTO soak VALUES (-1, 0, 'x')")
        rows = await client.ask("SELECT grp, count(*) FROM soak WHERE grp > 0 GROUP BY grp")
        for problem in source.problems(rows, at_end=False):
            self.note_wrong(problem)
        if self.dice.random() < 0.7:
            await self.leave(client)

    def take_name(self):
        """Few names, used again: pondd keeps plans by their texts."""
        self.copies += 1
        if not self.free_names:
            self.names += 1
            self.free_names.append("copy%d" % self.names)
        return self.free_names.pop()

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
        name = "built%d" % (self.copies // 100 % 8)  # the last one is still there when its turn comes again, or not
        try:
            if await client.ask("SELECT pond_template('%s', 'shop')" % name) == [(b"t",)]:
                tool = await self.connect(name)
                await tool.ask("INSERT INTO soak VALUES (0, 0, 'built')")
                await self.leave(tool)
                if self.dice.random() < 0.7:
                    await client.ask("SELECT pond_template_ready('%s')" % name)
            else:
                copy = await self.connect(name)
                # More than one row: the tool of a builder that was ended wrote to the next one's database.
                if await copy.ask("SELECT count(*) FROM soak") == [(b"0",)]:
                    self.note_wrong("%s is not what was built" % name)
                await self.leave(copy)
        finally:
            await self.leave(client)

    async def be_killed(self):
        """A client process that is killed somewhere between its start and the answer to its commit."""
        database, group = self.dice.choice(self.model.databases), self.model.new_group(self.dice)
        database.maybe.add(group)
        process = await asyncio.create_subprocess_exec(
            "psql", "-X", "-q", "-h", self.folder, "-p", str(wire.PORT), "-U", "soak", "-d", database.name,
            "-c", "BEGIN", "-c", group.insert, "-c", "COMMIT", "-c", ENDLESS,
            stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)
        await asyncio.sleep(self.dice.random() * 0.2)
        if process.returncode is None:
            process.kill()
        await process.wait()

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
        what = self.dice.choices(list(WEIGHTS), WEIGHTS.values())[0]
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
        self.count("%s: %s" % (what, ended))

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1
