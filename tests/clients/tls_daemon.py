"""A pondd with TLS, and a client of the wire that speaks it, for test_tls*.py."""
import os
import socket
import ssl
import struct
import subprocess
import tempfile
import time
import unittest

import wire
from pond_daemon import Daemon

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
GSSENC_REQUEST = struct.pack("!ii", 8, 80877104)
CONF = """[pond]
listen_addr = 127.0.0.1
listen_port = 0
[database shop]
seed = %s/clients.sql
""" % os.path.dirname(os.path.abspath(__file__))


class Certificates:
    """A folder of them, named as tests/support/certificates.c says."""
    folder = None

    @classmethod
    def make(cls, program):
        made = tempfile.TemporaryDirectory(prefix="pond-tls.")
        os.chmod(made.name, 0o755)
        subprocess.run([program, made.name], check=True)
        cls.folder = made.name
        return made


def certificate(name):
    return os.path.join(Certificates.folder, name)


def options(mode, server="server", **more):
    """Of a pondd with that certificate."""
    files = {"client_tls_sslmode": mode, "client_tls_cert_file": certificate(server + ".crt"),
             "client_tls_key_file": certificate(server + ".key")}
    return dict(files, **more)


def context(client=None, alpn=None):
    """That trusts our root, and shows that certificate."""
    made = ssl.create_default_context(cafile=certificate("root.crt"))
    if client:
        made.load_cert_chain(certificate(client + ".crt"), certificate(client + ".key"))
    if alpn:
        made.set_alpn_protocols([alpn])
    return made


class Secure(wire.Wire):
    """A Wire that is encrypted."""

    def __init__(self, database=None, tls=None, direct=False, name="localhost", small=False, **keys):
        plain = socket.socket()
        if small:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.settimeout(wire.PATIENCE)
        plain.connect((wire.HOST, wire.PORT))
        self.socket, self.buffer, self.key = plain, b"", None
        try:
            if not direct:
                plain.sendall(SSL_REQUEST)
                answer = plain.recv(1)
                assert answer == b"S", answer
            self.socket = (tls or context()).wrap_socket(plain, server_hostname=name)
            if database:
                self.send(wire.startup(user="tester", database=database, **keys))
                self.key = next(body for kind, body in self.until("Z") if kind == "K")
        except BaseException:
            self.socket.close()
            raise


class TlsTest(unittest.TestCase):
    """Each test has a daemon of its own."""
    options = {}

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pond-test.")
        self.addCleanup(folder.cleanup)
        self.conf = os.path.join(folder.name, "conf")
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(CONF)
        self.folder = folder.name
        self.daemon = None
        if self.options is not None:
            self.start(**self.wanted_options())

    def wanted_options(self):
        return dict(self.options)

    def start(self, **wanted):
        self.daemon = Daemon(self.pondd, self.conf, self.folder, **wanted)
        self.addCleanup(self.end, self.daemon)

    def end(self, daemon):
        self.assertEqual(daemon.stop(), 0, daemon.log()[-5000:])

    def logged(self, words):
        """Until the log has them: the client may know before the log does."""
        end = time.monotonic() + wire.PATIENCE
        while words not in self.daemon.log():
            self.assertLess(time.monotonic(), end, "not in the log: " + words)
            time.sleep(0.01)

    def others_are_served(self):
        with Secure("shop") as other:
            self.assertEqual(other.ask(wire.query("SELECT count(*) FROM customers"))[0], "TDCZ")
