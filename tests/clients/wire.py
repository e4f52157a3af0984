"""A PostgreSQL v3 client that says exactly the bytes it is told to, for tests of bad manners."""
import os
import socket
import struct

HOST = os.environ.get("PGHOST", "127.0.0.1")
PORT = int(os.environ.get("PGPORT", "7432"))
PATIENCE = 60  # seconds: what takes so long hangs, on a slow machine, too


def pondd_options():
    """Arguments for a pondd that a test starts: whoever can connect is let in, and POND_TEST_OPTIONS, as
    tests/support/with-pondd has them."""
    options = ["auth_type=trust", *os.environ.get("POND_TEST_OPTIONS", "").split()]
    return [word for option in options for word in ("-o", option)]


def cstr(text):
    return (text if isinstance(text, bytes) else text.encode()) + b"\0"


def message(kind, body=b""):
    return kind.encode() + struct.pack("!i", len(body) + 4) + body


def startup(version=0x30000, **keys):
    body = struct.pack("!i", version)
    for key, value in keys.items():
        body += cstr(key) + cstr(value)
    body += b"\0"
    return struct.pack("!i", len(body) + 4) + body


def parse(name, query, oids=()):
    return message("P", cstr(name) + cstr(query) + struct.pack("!h%di" % len(oids), len(oids), *oids))


def bind(portal, statement, values=(), formats=(), result_formats=()):
    body = cstr(portal) + cstr(statement) + struct.pack("!h%dh" % len(formats), len(formats), *formats)
    body += struct.pack("!H", len(values))
    for value in values:
        body += struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value
    return message("B", body + struct.pack("!h%dh" % len(result_formats), len(result_formats), *result_formats))


def execute(portal="", rows=0):
    return message("E", cstr(portal) + struct.pack("!i", rows))


def describe(kind, name=""):
    return message("D", kind.encode() + cstr(name))


def close(kind, name=""):
    return message("C", kind.encode() + cstr(name))


def query(text):
    return message("Q", cstr(text))


SYNC = message("S")
FLUSH = message("H")
TERMINATE = message("X")


def fields(body):
    """ErrorResponse and NoticeResponse: field letter -> text."""
    return {part[:1].decode(): part[1:].decode() for part in body.split(b"\0") if part}


def values(body):
    """DataRow: the values as bytes or None."""
    count, = struct.unpack_from("!h", body)
    at, row = 2, []
    for _ in range(count):
        size, = struct.unpack_from("!i", body, at)
        at += 4
        row.append(None if size < 0 else body[at:at + size])
        at += max(size, 0)
    return row


class Wire:
    """A socket, with or without a start-up behind it."""

    def __init__(self, database=None, user="tester", timeout=PATIENCE, connected=None, **keys):
        self.socket = connected or socket.create_connection((HOST, PORT), timeout=timeout)
        self.buffer = b""
        self.key = None
        if database:
            self.send(startup(user=user, database=database, **keys))
            self.greeting = self.until("Z")
            for kind, body in self.greeting:
                if kind == "K":
                    self.key = body

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def read(self, count):
        """Exactly count bytes, or None at the end of the stream."""
        while len(self.buffer) < count:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.buffer += data
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def next(self):
        """The next message as (type, body), or None at the end of the stream."""
        head = self.read(5)
        if head is None:
            return None
        size, = struct.unpack("!i", head[1:])
        return head[:1].decode(), self.read(size - 4)

    def until(self, kind):
        """All messages up to and including the first of that type; up to the end when the server hangs up."""
        got = []
        while True:
            one = self.next()
            if one is None:
                return got
            got.append(one)
            if one[0] == kind:
                return got

    def ask(self, data):
        """Sends and collects up to ReadyForQuery; gives the types as a string and the messages."""
        self.send(data)
        got = self.until("Z")
        return "".join(kind for kind, _ in got), got

    def error(self, data):
        """Sends, expects an error and gives its fields and what came after it."""
        types, got = self.ask(data)
        errors = [fields(body) for kind, body in got if kind == "E"]
        assert len(errors) == 1, (types, got)
        return errors[0], types[types.index("E") + 1:]
