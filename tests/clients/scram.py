"""A client of SCRAM-SHA-256 in the raw, step by step, so that each may go wrong."""
import base64
import hashlib
import hmac
import os
import struct

from wire import Wire, cstr, fields, message, startup

SASL, CONTINUE, FINAL = 10, 11, 12


def initial(data, mechanism="SCRAM-SHA-256"):
    return message("p", cstr(mechanism) + struct.pack("!i", len(data)) + data)


class Login(Wire):
    """Connected, and asked for a password; `asked` is the server's answer to the start-up packet."""

    def __init__(self, user, database="shop", connected=None, **keys):
        super().__init__(connected=connected)
        self.send(startup(user=user, database=database, **keys))
        self.asked = self.next()
        self.nonce = base64.b64encode(os.urandom(18))

    def mechanisms(self):
        kind, body = self.asked
        assert kind == "R" and struct.unpack("!i", body[:4])[0] == SASL, self.asked
        return [name.decode() for name in body[4:].split(b"\0") if name]

    def challenge(self, first=None):
        """Sends client-first-message and gives server-first-message."""
        self.first = first or b"n,,n=,r=" + self.nonce
        self.send(initial(self.first))
        kind, body = self.next()
        assert kind == "R" and struct.unpack("!i", body[:4])[0] == CONTINUE, fields(body)
        self.server_first = body[4:]
        return dict(part.split(b"=", 1) for part in self.server_first.split(b","))

    def final(self, password, got, binding=b"c=biws"):
        """client-final-message for what challenge() gave."""
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(got[b"s"]), int(got[b"i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        bare = binding + b",r=" + got[b"r"]
        said = b",".join([self.first[3:], self.server_first, bare])
        signature = hmac.digest(hashlib.sha256(key).digest(), said, "sha256")
        self.expected = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), said, "sha256")
        return bare + b",p=" + base64.b64encode(bytes(a ^ b for a, b in zip(key, signature)))

    def prove(self, final):
        """Sends it and gives what comes up to ReadyForQuery, or the end."""
        self.send(message("p", final))
        return self.until("Z")

    def login(self, password):
        return self.prove(self.final(password, self.challenge()))

    def refusal(self):
        """The fields of the error that it ends with."""
        got = self.until("Z")
        return refusal_in(got)


def refusal_in(got):
    assert got and got[-1][0] == "E", got
    error = fields(got[-1][1])
    assert error["S"] == "FATAL", error
    return error
