"""The soak's client: simple queries over asyncio, ended in any way at any moment."""
import asyncio
import struct

import wire
from wire import query, TERMINATE


class SqlError(Exception):
    """An error after which the connection goes on."""

    def __init__(self, fields):
        super().__init__("%s %s" % (fields["C"], fields["M"]))
        self.sqlstate = fields["C"]


class Gone(Exception):
    """The connection is over, perhaps with last words of the server."""

    def __init__(self, why, fields=None):
        super().__init__("%s %s" % (fields["C"], fields["M"]) if fields else why)
        self.sqlstate = fields["C"] if fields else None


class Client:
    def __init__(self, socket_dir):
        self.socket_dir = socket_dir  # None: by TCP
        self.reader = self.writer = self.key = self.pid = None

    async def dial(self):
        try:
            if self.socket_dir:
                self.reader, self.writer = await asyncio.open_unix_connection("%s/.s.PGSQL.%d" % (self.socket_dir, wire.PORT))
            else:
                self.reader, self.writer = await asyncio.open_connection(wire.HOST, wire.PORT)
        except OSError as error:
            raise Gone(str(error)) from error

    async def open(self, name, **keys):
        await self.dial()
        self.writer.write(wire.startup(user="soak", database=name, **keys))
        await self.ready()

    async def message(self):
        try:
            head = await self.reader.readexactly(5)
            return head[:1].decode(), await self.reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise Gone("hung up") from error

    async def ready(self):
        """The rows up to ReadyForQuery; SqlError when there was an error before it."""
        rows, error = [], None
        while True:
            try:
                kind, body = await self.message()
            except Gone:
                if error:
                    raise Gone("", error) from None
                raise
            if kind == "D":
                rows.append(tuple(wire.values(body)))
            elif kind == "E":
                error = error or wire.fields(body)
            elif kind == "K":
                self.key, self.pid = body, struct.unpack("!i", body[:4])[0]
            elif kind == "Z":
                if error:
                    raise SqlError(error)
                return rows

    def send(self, text):
        if self.writer.is_closing():
            raise Gone("closed by another")
        self.writer.write(query(text))

    async def ask(self, text):
        self.send(text)
        return await self.ready()

    async def cancel(self):
        other = Client(self.socket_dir)
        try:
            await other.dial()
        except Gone:
            return
        other.writer.write(struct.pack("!ii", 16, 80877102) + self.key)
        other.close(False)

    async def say_goodbye(self):
        if self.writer and not self.writer.is_closing():
            self.writer.write(TERMINATE)

    def close(self, abort):
        """With what is still to be sent, or at once and by a reset."""
        if self.writer is None:
            return
        if abort:
            self.writer.transport.abort()
        else:
            self.writer.close()
