"""What the soak's clients have committed, as far as they know.

A group is the rows of one transaction. It is committed when the server has said so; it may be when the connection ended
between the COMMIT and the answer; else it is not. Whatever it is, all of its rows are there or none.
"""
from soak_client import SqlError


class Group:
    def __init__(self, number, dice):
        self.number, self.size = number, dice.randrange(1, 20)
        self.insert = "INSERT INTO soak SELECT %d, i, repeat('x', %d) FROM generate_series(1, %d) i" % (
            number, dice.randrange(600), self.size)


class Database:
    def __init__(self, name):
        self.name, self.committed, self.maybe = name, set(), set()

    def send_commit(self, client, group, text):
        self.maybe.add(group)
        client.send(text)

    async def commit(self, client, group, text):
        """Sends what commits the group; it ends in one of the two sets, or in none when the server has said no."""
        self.send_commit(client, group, text)
        try:
            await client.ready()
        except SqlError:
            self.maybe.discard(group)
            raise
        self.maybe.discard(group)
        self.committed.add(group)

    def problems(self, rows, at_end):
        """What is wrong with these (group, count) rows. While others write, only what is there by half."""
        known = {group.number: group for group in self.committed | self.maybe}
        seen = {int(number): int(count) for number, count in rows}
        for number, count in seen.items():
            if at_end and number not in known:
                yield "%s: group %d is there, though it was not committed" % (self.name, number)
            elif number in known and known[number].size != count:
                yield "%s: group %d has %d rows of %d" % (self.name, number, count, known[number].size)
        if at_end:
            for group in self.committed:
                if group.number not in seen:
                    yield "%s: group %d was committed and is lost" % (self.name, group.number)


class Model:
    def __init__(self):
        self.databases, self.groups = [], 0

    def new_group(self, dice):
        self.groups += 1
        return Group(self.groups, dice)
