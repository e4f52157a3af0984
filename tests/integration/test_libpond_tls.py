#!/usr/bin/python3
"""libpond's TLS beside libpq's: to the same servers with the same settings both get in or both do not, encrypted or not
alike; and what servers, or somebody in between, may say instead of a hand-shake.

usage: test_libpond_tls.py PONDD POND MAKE_CERTIFICATES
"""
import itertools
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "clients"))
import tls_daemon  # noqa: E402
import wire  # noqa: E402
from tls_daemon import TlsTest, certificate, options  # noqa: E402

MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# A whole greeting in plain text: AuthenticationOk, BackendKeyData, ReadyForQuery.
GREETING = b"R\0\0\0\x08\0\0\0\0K\0\0\0\x0c\0\0\0\1\0\0\0\2Z\0\0\0\5I"
FATAL = wire.message("E", b"SFATAL\0VFATAL\0C28000\0Mnot like this\0\0")


def run(command, home, env=()):
    """Exit code and what it says of errors; nothing of ours may be found in the environment or in its home."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    clean.update({"HOME": home, "PGSYSCONFDIR": home, "LC_ALL": "C"})
    clean.update(env)
    done = subprocess.run(command, env=clean, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=60, check=False)
    return done.returncode, done.stderr


class Both(TlsTest):
    options = None
    pond = ""

    def clients(self, conninfo, env=()):
        """What libpq and libpond make of it: ("psql", exit code, words), ..."""
        for name, command in (("psql", ["psql", "-XAtc", "SELECT 1", conninfo]),
                              ("pond", [self.pond, "query", "-d", conninfo, "SELECT 1"])):
            code, words = run(command, self.folder, env)
            yield name, code, words

    def outcome(self, conninfo, env=()):
        """For each of the two: "plain", "encrypted" or "refused"; and what libpond says."""
        outcomes, said = [], ""
        for _, code, words in self.clients(conninfo, env):
            before = "refused"
            if code == 0:
                line = [line for line in self.daemon.log().splitlines() if "user=tester" in line][-1]
                before = "encrypted" if "SSL enabled" in line else "plain"
            outcomes.append(before)
            said = words
        return outcomes, said

    def conninfo(self, **more):
        words = dict({"host": "localhost", "port": wire.PORT, "user": "tester", "dbname": "shop"}, **more)
        return " ".join("%s=%s" % word for word in words.items())

    def alike(self, wanted, words=None, env=(), **more):
        conninfo = self.conninfo(**more)
        outcomes, said = self.outcome(conninfo, env)
        self.assertEqual(outcomes, [wanted, wanted], "%s: %s" % (conninfo, said))
        if words:
            self.assertIn(words, said)


class Modes(Both):
    def every_setting(self, **wanted):
        self.start(log_connections="on", **wanted)
        for mode, root, crl in itertools.product(MODES, ("none", "root.crt", "other-root.crt"), ("none", "root.crl")):
            if (root, crl) in (("none", "root.crl"), ("other-root.crt", "root.crl")):
                continue
            more = {"sslmode": mode, "sslrootcert": certificate(root)}
            if crl != "none":
                more["sslcrl"] = certificate(crl)
            conninfo = self.conninfo(**more)
            outcomes, said = self.outcome(conninfo)
            self.assertEqual(outcomes[0], outcomes[1], "%s: %s" % (conninfo, said))

    def test_disable(self):
        self.every_setting()
        self.alike("refused", "server does not support SSL, but SSL was required", sslmode="require")
        self.alike("plain", sslmode="prefer")

    def test_allow(self):
        self.every_setting(**options("allow"))
        self.alike("encrypted", sslmode="prefer")
        self.alike("plain", sslmode="allow")
        self.alike("encrypted", sslmode="verify-full", sslrootcert=certificate("root.crt"))
        self.alike("encrypted", sslmode="verify-full", sslrootcert=certificate("root.crt"), host="127.0.0.1")
        self.alike("plain", sslmode="require", host=self.folder)  # a unix socket has none

    def test_require(self):
        self.every_setting(**options("require"))
        self.alike("refused", "SSL required", sslmode="disable")
        self.alike("encrypted", sslmode="allow")

    def test_names(self):
        self.every_setting(**options("allow", server="server-elsewhere"))
        root = certificate("root.crt")
        self.alike("encrypted", sslmode="verify-ca", sslrootcert=root)
        self.alike("refused", "does not match host name \"localhost\"", sslmode="verify-full", sslrootcert=root)
        self.alike("encrypted", sslmode="verify-full", sslrootcert=root, host="elsewhere.example", hostaddr="127.0.0.1")
        self.alike("refused", "does not match host name \"127.0.0.1\"", sslmode="verify-full", sslrootcert=root,
                   host="127.0.0.1")

    def test_an_address_without_a_name(self):
        self.start(log_connections="on", **options("allow"))
        conninfo = self.conninfo(sslmode="verify-full", sslrootcert=certificate("root.crt"), hostaddr="127.0.0.1")
        outcomes, said = self.outcome(conninfo.replace("host=localhost ", ""))
        self.assertEqual(outcomes, ["refused"] * 2)
        self.assertIn("host name must be specified", said)

    def test_a_certificate_of_its_own(self):
        self.every_setting(**options("allow", server="server-self"))
        self.alike("refused", "certificate verify failed: self-signed certificate", sslmode="verify-ca",
                   sslrootcert=certificate("root.crt"))

    def test_an_expired_one(self):
        self.every_setting(**options("require", server="server-expired"))
        self.alike("refused", "certificate has expired", sslmode="require", sslrootcert=certificate("root.crt"))
        self.alike("encrypted", sslmode="require")

    def test_a_revoked_one(self):
        self.every_setting(**options("require", server="server-revoked"))
        root = certificate("root.crt")
        self.alike("encrypted", sslmode="verify-full", sslrootcert=root)
        self.alike("refused", "certificate revoked", sslmode="verify-full", sslrootcert=root, sslcrl=certificate("root.crl"))

    def test_a_chain(self):
        self.every_setting(**options("require", server="server-chain"))
        self.alike("encrypted", sslmode="verify-full", sslrootcert=certificate("root.crt"))

    def test_authorities_of_the_system(self):
        """libpq has that since 16; OpenSSL takes their file from the environment."""
        self.start(log_connections="on", **options("allow"))
        for root, host, mode, words in (
                ("root.crt", "localhost", None, ""), ("root.crt", "localhost", "verify-full", ""),
                ("other-root.crt", "localhost", None, "certificate verify failed"),
                ("root.crt", "elsewhere", None, "does not match host name"),
                *(("root.crt", "localhost", weak, "weak sslmode \"%s\"" % weak) for weak in MODES[:-1])):
            more = {"sslmode": mode} if mode else {}
            conninfo = self.conninfo(sslrootcert="system", host=host, hostaddr="127.0.0.1", **more)
            code, said = run([self.pond, "query", "-d", conninfo, "SELECT 1"], self.folder,
                             {"SSL_CERT_FILE": certificate(root), "SSL_CERT_DIR": "/nowhere"})
            self.assertEqual(code == 0, not words, said)
            self.assertIn(words, said)
        self.assertIn("SSL enabled", self.daemon.log())

    def test_missing_files(self):
        self.start(log_connections="on", **options("allow"))
        self.alike("refused", "root certificate file", sslmode="verify-ca", sslrootcert="/nowhere/root.crt")
        self.alike("encrypted", sslmode="require", sslrootcert="/nowhere/root.crt")
        self.alike("refused", "certificate present, but not private key file", sslmode="require",
                   sslcert=certificate("client.crt"), sslkey="/nowhere/key")
        self.alike("refused", "could not load root certificate file", sslmode="require", sslrootcert=certificate("root.key"))
        code, said = run([self.pond, "query", "-d", self.conninfo(sslmode="verify-ca", sslcrl="/nowhere/crl",
                                                                 sslrootcert=certificate("root.crt")), "SELECT 1"], self.folder)
        self.assertNotEqual(code, 0)  # libpq goes on without the list that it was told to use
        self.assertIn("certificate revocation list \"/nowhere/crl\"", said)


class Clients(Both):
    def wanted(self):
        return options("verify-ca", client_tls_ca_file=certificate("root.crt"), client_tls_crl_file=certificate("root.crl"),
                       log_connections="on")

    def test_certificates(self):
        self.start(**self.wanted())
        for name, wanted in (("client", "encrypted"), ("client-other", "refused"), ("client-expired", "refused"),
                             ("client-revoked", "refused"), ("nobody", "refused")):
            self.alike(wanted, sslmode="require", sslcert=certificate(name + ".crt"), sslkey=certificate(name + ".key"))

    def test_keys(self):
        self.start(**self.wanted())
        shutil.copy(certificate("client.key"), self.folder + "/open.key")
        os.chmod(self.folder + "/open.key", 0o644)
        self.alike("refused", "has group or world access", sslmode="require", sslcert=certificate("client.crt"),
                   sslkey=self.folder + "/open.key")
        self.alike("refused", "key values mismatch", sslmode="require", sslcert=certificate("client.crt"),
                   sslkey=certificate("client-other.key"))
        locked = {"sslmode": "require", "sslcert": certificate("server-locked.crt"), "sslkey": certificate("server-locked.key")}
        self.alike("encrypted", sslpassword="secret", **locked)
        self.alike("refused", "could not load private key file", sslpassword="wrong", **locked)

    def test_the_folder_in_the_home(self):
        self.start(**self.wanted())
        home = os.path.join(self.folder, ".postgresql")
        os.mkdir(home)
        for source, target in (("root.crt", "root.crt"), ("client.crt", "postgresql.crt"), ("client.key", "postgresql.key")):
            shutil.copy(certificate(source), os.path.join(home, target))
            os.chmod(os.path.join(home, target), 0o600)
        self.alike("encrypted", sslmode="verify-full")
        shutil.copy(certificate("root.crl"), os.path.join(home, "root.crl"))
        self.alike("encrypted", sslmode="verify-full")
        shutil.copy(certificate("other-root.crt"), os.path.join(home, "root.crt"))
        self.alike("refused", sslmode="verify-full")

    def test_the_environment(self):
        self.start(**self.wanted())
        env = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": certificate("root.crt"), "PGSSLCERT": certificate("client.crt"),
               "PGSSLKEY": certificate("client.key"), "PGSSLCRL": certificate("root.crl"), "PGSSLSNI": "0"}
        self.alike("encrypted", env=env)
        self.alike("refused", env=dict(env, PGSSLCERT="/nowhere"))
        self.alike("encrypted", env=dict(env, PGSSLMINPROTOCOLVERSION="TLSv1.3"))
        self.alike("refused", env=dict(env, PGSSLMAXPROTOCOLVERSION="TLSv9"))
        self.alike("refused", "invalid sslmode value: \"full\"", env=dict(env, PGSSLMODE="full"))


class Handing(Both):
    def test_pond_run_hands_it_on(self):
        self.start(**options("require"))
        conninfo = self.conninfo(sslmode="verify-full", sslrootcert=certificate("root.crt"))
        done = subprocess.run([self.pond, "run", conninfo, "--", "sh", "-c", "psql -XAtc '\\conninfo' && psql -XAtc 'SELECT 7' "
                               "\"$DATABASE_URL\" && echo $PGSSLMODE"], stdout=subprocess.PIPE, text=True, timeout=60, check=True,
                              env=dict(os.environ, HOME=self.folder))
        self.assertIn("SSL connection (protocol: TLSv1.3", done.stdout)
        self.assertEqual(done.stdout.splitlines()[-2:], ["7", "verify-full"])


class Server(threading.Thread):
    """Says one thing to each client, after its first packet, and hangs up."""

    def __init__(self, *answers):
        super().__init__(daemon=True)
        self.answers, self.heard = list(answers), []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        for answer in self.answers:
            client, _ = self.listener.accept()
            with client:
                self.heard.append(client.recv(65536))
                try:
                    client.sendall(answer)
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(65536):
                        pass
                except OSError:
                    pass
        self.listener.close()


class Liars(Both):
    def told(self, mode, *answers):
        server = Server(*answers)
        code, words = run([self.pond, "query", "-d", "host=127.0.0.1 port=%d user=u sslmode=%s" % (server.port, mode),
                           "SELECT 1"], self.folder)
        return code, words, server

    def test_answers_to_the_request(self):
        for answer, expected in (
                (b"N", "server does not support SSL, but SSL was required"),
                (FATAL, "server sent an error response during SSL exchange"),
                (b"HTTP/1.1 400 Bad Request", "the server does not speak PostgreSQL's protocol"),
                (b"", "hung up when it was asked for TLS"),
                (b"S", "SSL error: the other side hung up"),
                (b"S" + GREETING, "SSL error: wrong version number"),  # CVE-2021-23222: nothing plain is taken for its answer
                (b"S\x16\x03\x03\xff\xff", "SSL error"),
                (b"S\x15\x03\x03\x00\x02\x02\x28", "SSL error: sslv3 alert handshake failure")):
            code, words, _ = self.told("require", answer)
            self.assertNotEqual(code, 0)
            self.assertIn(expected, words)
            self.assertNotIn("not like this", words)

    def test_prefer_goes_on_without(self):
        for answer in (b"S\x15\x03\x03\x00\x02\x02\x28", FATAL):
            code, words, server = self.told("prefer", answer, FATAL)
            self.assertNotEqual(code, 0)
            self.assertIn("not like this", words)
            self.assertIn(b"user\0u\0", server.heard[1])

    def test_allow_comes_back_with_it(self):
        _, words, server = self.told("allow", FATAL, b"N")
        self.assertIn("not like this", words)
        self.assertEqual(server.heard[1], tls_daemon.SSL_REQUEST)

    def test_who_demands_it_never_goes_without(self):
        for mode in ("require", "verify-ca", "verify-full"):
            more = "" if mode == "require" else " sslrootcert=" + certificate("root.crt")
            for answer in (b"N", FATAL, b"S\x15\x03\x03\x00\x02\x02\x28"):
                code, _, server = self.told(mode + more, answer)
                server.join(20)
                self.assertNotEqual(code, 0)
                self.assertEqual(server.heard, [tls_daemon.SSL_REQUEST])


if __name__ == "__main__":
    if not shutil.which("psql"):
        print("skipped: psql is missing")
        sys.exit(77)
    TlsTest.pondd, Both.pond, MAKE = (os.path.abspath(word) for word in sys.argv[1:4])
    del sys.argv[1:4]
    CERTIFICATES = tls_daemon.Certificates.make(MAKE)
    unittest.main(verbosity=2)
