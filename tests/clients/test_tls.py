#!/usr/bin/python3
"""TLS as the wire has it: how it begins, who is refused and how, and that all that goes on over plain sockets goes on
over it as well.

usage: test_tls.py PONDD MAKE_CERTIFICATES
"""
import base64
import hashlib
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
import unittest
import warnings

import scram
import tls_daemon
import wire
from tls_daemon import GSSENC_REQUEST, SSL_REQUEST, Secure, TlsTest, certificate, context, options
from wire import bind, execute, message, parse, query, startup, SYNC

ENDLESS = "SELECT i, repeat('x', 200) FROM generate_series(1, 1000000000) AS g(i)"
MANY = "SELECT i, md5(i::text) FROM generate_series(1, 100000) AS g(i)"
LOGIN_SECONDS = 6

warnings.simplefilter("ignore", DeprecationWarning)  # of versions that are not to be used


def end_of(w):
    """All that comes until the hang-up; what is not TLS is read as it is."""
    got = b""
    try:
        while True:
            data = w.recv(65536)
            if not data:
                return got
            got += data
    except ConnectionResetError:
        return got


class Beginning(TlsTest):
    def wanted_options(self):
        return options("require", log_connections="on")

    def test_by_request(self):
        with wire.Wire() as w:
            w.send(GSSENC_REQUEST)
            self.assertEqual(w.read(1), b"N")
            w.send(SSL_REQUEST)
            self.assertEqual(w.read(1), b"S")
            w.socket = context().wrap_socket(w.socket, server_hostname="127.0.0.1")
            self.assertEqual(w.socket.version(), "TLSv1.3")
            w.send(startup(user="u", database="shop"))
            self.assertEqual(w.until("Z")[0][0], "R")
            self.assertEqual(w.ask(query("SELECT 1"))[0], "TDCZ")
        self.logged("SSL enabled (protocol=TLSv1.3, cipher=TLS_AES_256_GCM_SHA384, bits=256)")

    def test_at_once(self):
        with Secure("shop", context(alpn="postgresql"), direct=True) as w:
            self.assertEqual(w.socket.selected_alpn_protocol(), "postgresql")
            self.assertEqual(w.ask(query("SELECT 1"))[0], "TDCZ")

    def test_at_once_but_without_a_name_or_with_another(self):
        with Secure(tls=context(), direct=True) as w:
            self.assertEqual(end_of(w.socket), b"")
        self.logged("it came without a request and named no protocol (ALPN)")
        for direct in (True, False):
            with self.assertRaisesRegex(ssl.SSLError, "no application protocol"):
                Secure(tls=context(alpn="http/1.1"), direct=direct)
        self.others_are_served()

    def test_no_second_encryption_in_it(self):
        for request in (SSL_REQUEST, GSSENC_REQUEST):
            for direct in (False, True):
                with Secure(tls=context(alpn="postgresql"), direct=direct) as w:
                    w.send(request)
                    kind, body = w.next()
                    self.assertEqual((kind, wire.fields(body)["C"]), ("E", "08P01"))

    def test_byte_by_byte(self):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context().wrap_bio(incoming, outgoing, server_hostname="localhost")
        with wire.Wire() as w:
            w.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            w.send(SSL_REQUEST)
            self.assertEqual(w.read(1), b"S")
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    self.send_bytes(w, outgoing.read())
                    incoming.write(w.socket.recv(65536))
            tls.write(startup(user="u", database="shop") + query("SELECT 42"))
            self.send_bytes(w, outgoing.read())
            got = b""
            while got.count(b"Z\0\0\0\5I") < 2:
                try:
                    got += tls.read(65536)
                except ssl.SSLWantReadError:
                    incoming.write(w.socket.recv(65536))
            self.assertIn(b"SELECT 1\0", got)

    @staticmethod
    def send_bytes(w, data):
        for byte in data:
            w.send(bytes([byte]))

    def test_start_up_and_query_in_one_record(self):
        """Also where the connection moves to another loop in between."""
        for i in range(20):
            with Secure() as w:
                w.send(startup(user="u", database="shop~n%d" % i) + query("SELECT 1") + query("SELECT 2"))
                for _ in range(3):
                    self.assertEqual(w.until("Z")[-1], ("Z", b"I"))
        for i in range(20):
            with Secure() as w:
                w.send(startup(user="u", database="shop~n%d" % i))
                w.send(query("SELECT 1"))
                for _ in range(2):
                    self.assertEqual(w.until("Z")[-1], ("Z", b"I"))


class Refusing(TlsTest):
    def wanted_options(self):
        return options("require", client_login_timeout="%ds" % LOGIN_SECONDS)

    def test_plain(self):
        with wire.Wire() as w:
            error, _ = w.error(startup(user="tester", database="shop"))
            self.assertEqual((error["S"], error["C"], error["M"]), ("FATAL", "28000", "SSL required"))
            self.assertIn("sslmode=require", error["H"])

    def test_plain_on_the_unix_socket_is_fine(self):
        with wire.Wire.__new__(wire.Wire) as w:
            w.socket, w.buffer = socket.socket(socket.AF_UNIX), b""
            w.socket.connect("%s/.s.PGSQL.%d" % (self.folder, wire.PORT))
            w.send(SSL_REQUEST)
            self.assertEqual(w.read(1), b"N")
            self.assertEqual(w.ask(startup(user="u", database="shop"))[0][-1], "Z")

    def test_injected_plain_text(self):
        for more in (startup(user="evil", database="shop"), b"\x16"):
            with wire.Wire() as w:
                w.send(SSL_REQUEST + more)
                self.assertEqual(end_of(w.socket), b"")
        self.logged("received unencrypted data after a request for encryption: user=- database=- host=127.0.0.1")

    def test_plain_text_instead_of_a_hand_shake(self):
        for plain in (startup(user="tester", database="shop"), query("SELECT 1") * 100, SSL_REQUEST * 10):
            with wire.Wire() as w:
                w.send(SSL_REQUEST)
                self.assertEqual(w.read(1), b"S")
                w.send(plain)
                self.assertNotIn(b"SFATAL", end_of(w.socket))
        self.logged("could not accept a TLS connection from 127.0.0.1: wrong version number")

    def test_old_versions(self):
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            old = context()
            old.set_ciphers("ALL:@SECLEVEL=0")
            old.minimum_version = old.maximum_version = version
            with self.assertRaisesRegex(ssl.SSLError, "PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL"):
                Secure(tls=old)
        self.logged("unsupported protocol")
        new = context()
        new.maximum_version = ssl.TLSVersion.TLSv1_2
        with Secure("shop", new) as w:
            self.assertEqual(w.socket.version(), "TLSv1.2")

    def test_half_open(self):
        """Those who stop in the middle of a hand-shake are cut off, and hold up nobody."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        with self.assertRaises(ssl.SSLWantReadError):
            context().wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
        hello = outgoing.read()
        crowd = []
        for i in range(60):
            w = wire.Wire()
            self.addCleanup(w.socket.close)
            w.send(SSL_REQUEST)
            self.assertEqual(w.read(1), b"S")
            w.send(hello[:(0, 5, len(hello) // 2, len(hello) - 1, len(hello))[i % 5]])
            crowd.append(w)
        self.others_are_served()
        begin = time.monotonic()
        for w in crowd:
            end_of(w.socket)
        self.assertLess(time.monotonic() - begin, LOGIN_SECONDS + 10)
        self.daemon.settled()
        self.assertEqual(self.daemon.log().count("did not finish its start-up: user=- database=- host=127.0.0.1"), len(crowd))

    def test_a_stop_does_not_wait_for_them(self):
        with wire.Wire() as w, Secure("shop") as idle:
            w.send(SSL_REQUEST)
            self.assertEqual(w.read(1), b"S")
            w.send(b"\x16\x03\x01")
            begin = time.monotonic()
            self.daemon.terminate()
            self.assertEqual(end_of(w.socket), b"")
            kind, body = idle.next()
            self.assertEqual((kind, wire.fields(body)["C"]), ("E", "57P01"))
            self.assertIsNone(idle.next())  # a clean end: an unclean one would raise SSLEOFError
            self.assertLess(time.monotonic() - begin, LOGIN_SECONDS)  # that long for who has just begun

    def test_rubbish(self):
        """Records that are none, in the middle of a connection."""
        for rubbish in (b"\x17\x03\x03\x40\x00" + b"x" * 20000, b"\x15\x03\x03\x00\x02\x02\x28", b"\x17\x03\x03\x00\x00" * 99,
                        b"Q\0\0\0\x0dSELECT 1\0", b"\x16\x03\x03\xff\xff"):
            with Secure("shop") as w:
                os.write(w.socket.fileno(), rubbish)
                with self.assertRaises((ssl.SSLError, AssertionError, OSError)):
                    w.socket.settimeout(wire.PATIENCE)
                    assert w.socket.recv(1) != b""
        self.others_are_served()

    def test_cancel_with_and_without(self):
        for secure in (False, True):
            with Secure("shop") as w:
                w.send(query("SELECT pg_sleep(60)"))
                with Secure() if secure else wire.Wire() as other:
                    other.send(struct.pack("!ii", 16, 80877102) + w.key)
                    self.assertIsNone(other.read(1))
                self.assertEqual([wire.fields(body)["C"] for kind, body in w.until("Z") if kind == "E"], ["57014"])


class Flood(TlsTest):
    def wanted_options(self):
        return options("require", log_limit="20")

    def test_hand_shakes_that_fail_fill_no_disk_and_drown_nothing(self):
        for words in (b"\x16", startup(user="evil", database="shop"), b""):
            for _ in range(30):
                with wire.Wire() as w:
                    w.send(SSL_REQUEST + words if len(words) == 1 else SSL_REQUEST)
                    if len(words) != 1:
                        self.assertEqual(w.read(1), b"S")
                        w.send(words or b"GET / HTTP/1.1\r\n\r\n")
                    end_of(w.socket)
        self.daemon.statistics()  # in a line of its own
        self.assertEqual(self.daemon.stop(), 0)
        log = self.daemon.log()
        shown = log.count("could not accept a TLS connection") + log.count("received unencrypted data")
        left_out = sum(int(n) for n in re.findall(r"(\d+) lines of clients were left out: over log_limit", log))
        self.assertLess(shown, 41)  # the minute may change once
        self.assertEqual(shown + left_out, 90)
        self.assertNotIn("of the daemon itself", log)


class Working(TlsTest):
    def wanted_options(self):
        return options("allow", client_stall_timeout="2s", output_buffer="16kB")

    @staticmethod
    def digest(w, text):
        sums = hashlib.sha256()
        rows = 0
        w.send(query(text))
        for kind, body in iter(w.next, None):
            if kind in "Dd":
                sums.update(body)
                rows += 1
            if kind == "Z":
                return rows, sums.hexdigest()

    def test_big_results_are_the_same(self):
        with wire.Wire("shop") as plain, Secure("shop") as secure:
            for text in (MANY, "COPY (%s) TO STDOUT" % MANY, "SELECT repeat('y', 5000000)"):
                self.assertEqual(self.digest(plain, text), self.digest(secure, text))

    def test_a_client_that_does_not_read(self):
        for text in (ENDLESS, "COPY (%s) TO STDOUT" % ENDLESS):
            with Secure("shop", small=True) as w:
                w.send(query(text))
                with wire.Wire() as other:
                    other.send(struct.pack("!ii", 16, 80877102) + w.key)
                    self.assertIsNone(other.read(1))
                self.assertEqual([wire.fields(body)["C"] for kind, body in w.until("Z") if kind == "E"], ["57014"])
                self.assertEqual(w.ask(query("SELECT 1"))[0], "TDCZ")

    def test_one_who_stalls_is_given_up(self):
        with Secure("shop", small=True) as w:
            w.send(query(ENDLESS))
            self.daemon.until(connections=0)
        self.logged("Connection timed out")

    def test_copy_in(self):
        rows = b"".join(b"%d\t%s\n" % (i, b"v" * 50) for i in range(50000))
        with Secure("shop") as w:
            w.ask(query("CREATE TABLE t (a int, b text)"))
            w.send(query("COPY t FROM STDIN"))
            self.assertEqual(w.next()[0], "G")
            for at in range(0, len(rows), 7000):
                w.send(message("d", rows[at:at + 7000]))
            self.assertEqual(w.ask(message("c")), ("CZ", [("C", b"COPY 50000\0"), ("Z", b"I")]))
            w.send(query("COPY t TO STDOUT"))
            self.assertEqual(b"".join(body for kind, body in w.until("Z") if kind == "d"), rows)

    def test_pipelines(self):
        step = parse("", "SELECT $1::text") + bind("", "", [b"z" * 3000]) + execute() + SYNC
        with Secure("shop") as w:
            for count in (1, 50, 500):
                w.send(step * count)
                for _ in range(count):
                    self.assertEqual("".join(kind for kind, _ in w.until("Z")), "12DCZ")

    def test_half_messages_in_records_of_their_own(self):
        whole = query("SELECT '%s'" % ("q" * 40000))
        with Secure("shop") as w:
            for at in range(0, len(whole), 1111):
                w.send(whole[at:at + 1111])
            self.assertEqual(w.until("Z")[1], ("D", struct.pack("!hi", 1, 40000) + b"q" * 40000))

    def test_plain_clients_as_before(self):
        with wire.Wire("shop") as w:
            self.assertEqual(w.ask(query("SELECT 1"))[0], "TDCZ")

    def test_memory_comes_back(self):
        self.daemon.settled()
        before = int(self.daemon.statistics()["memory"])
        crowd = [Secure("shop") for _ in range(50)]
        for w in crowd:
            w.ask(query(MANY))
        held = int(self.daemon.statistics()["memory"])
        self.assertGreater(held - before, 50 * 20 * 1024)  # what OpenSSL takes is counted
        for w in crowd:
            w.socket.close()
        self.daemon.settled()


class Disabled(TlsTest):
    def test_it_is_declined(self):
        with wire.Wire() as w:
            w.send(SSL_REQUEST)
            self.assertEqual(w.read(1), b"N")
            self.assertEqual(w.ask(startup(user="u", database="shop"))[0][-1], "Z")
        with self.assertRaises(ssl.SSLError):
            Secure(tls=context(alpn="postgresql"), direct=True)


class Verifying(TlsTest):
    def wanted_options(self):
        return options("verify-ca", client_tls_ca_file=certificate("root.crt"),
                       client_tls_crl_file=certificate("root.crl"))

    def refused(self, client, words, alert):
        with self.assertRaisesRegex((ssl.SSLError, AssertionError), alert):
            with Secure(tls=context(client)) as w:
                w.socket.recv(1)
        self.logged(words)

    def test_clients(self):
        with Secure("shop", context("client")) as w:
            self.assertEqual(w.ask(query("SELECT 1"))[0], "TDCZ")
        self.refused(None, "peer did not return a certificate", "CERTIFICATE_REQUIRED")
        self.refused("client-other", "unable to get local issuer certificate", "UNKNOWN_CA")
        self.refused("client-expired", "certificate has expired", "CERTIFICATE_EXPIRED")
        self.refused("client-revoked", "certificate revoked", "CERTIFICATE_REVOKED")
        with wire.Wire() as w:
            self.assertEqual(w.error(startup(user="tester", database="shop"))[0]["C"], "28000")


class Bound(TlsTest):
    """SCRAM inside of TLS: what is bound to the certificate, and what somebody in between would have a client say."""
    users = os.path.join(os.path.dirname(os.path.abspath(__file__)), "login.users")

    def wanted_options(self):
        return options("allow", auth_type="scram-sha-256", auth_file=self.users, auth_delay="0", max_failed_logins="0")

    def login(self, tls=True):
        w = Secure() if tls else wire.Wire()
        self.addCleanup(w.socket.close)
        return scram.Login("alice", connected=w.socket)

    def refused(self, first, mechanism, code, message, tls=True):
        w = self.login(tls)
        w.send(scram.initial(first, mechanism))
        error = w.refusal()
        self.assertEqual((error["C"], error["M"]), (code, message), (first, mechanism))

    def test_it_is_offered_inside_of_tls_only(self):
        self.assertEqual(self.login().mechanisms(), ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"])
        self.assertEqual(self.login(tls=False).mechanisms(), ["SCRAM-SHA-256"])

    def test_whoever_was_told_that_there_is_none_has_been_lied_to(self):
        self.refused(b"y,,n=,r=abc", "SCRAM-SHA-256", "28000", "SCRAM channel binding negotiation error")
        plain = self.login(tls=False)
        self.assertIn(b"s", plain.challenge(b"y,,n=,r=" + plain.nonce))  # there is none

    def test_mechanism_and_header_must_agree(self):
        self.refused(b"n,,n=,r=abc", "SCRAM-SHA-256-PLUS", "08P01", "malformed SCRAM message")
        self.refused(b"p=tls-server-end-point,,n=,r=abc", "SCRAM-SHA-256", "08P01", "malformed SCRAM message")
        self.refused(b"p=tls-unique,,n=,r=abc", "SCRAM-SHA-256-PLUS", "08P01", "unsupported SCRAM channel-binding type")
        self.refused(b"p=tls-server-end-point,,n=,r=abc", "SCRAM-SHA-256-PLUS", "08P01",
                     "client selected an invalid SASL authentication mechanism", tls=False)

    def final_with(self, binding):
        """The answer to the right password with that binding."""
        w = self.login()
        first = b"p=tls-server-end-point,,n=,r=" + w.nonce
        w.send(scram.initial(first, "SCRAM-SHA-256-PLUS"))
        kind, body = w.next()
        self.assertEqual(kind, "R")
        w.first, w.server_first = b"n,," + first.split(b",,")[1], body[4:]  # what is signed begins behind the header
        got = dict(part.split(b"=", 1) for part in w.server_first.split(b","))
        return w.prove(w.final("wonderland", got, b"c=" + base64.b64encode(b"p=tls-server-end-point,," + binding)))

    def test_a_proof_is_good_for_one_certificate(self):
        with open(certificate("server.crt"), encoding="ascii") as file:
            own = hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).digest()
        self.assertEqual(self.final_with(own)[-1][0], "Z")
        for other in (hashlib.sha256(b"of another").digest(), own[:-1], own + b"x", b""):
            error = scram.refusal_in(self.final_with(other))
            self.assertEqual((error["C"], error["M"]), ("28000", "SCRAM channel binding check failed"))

    def test_messages_out_of_turn(self):
        for early in (message("p", b"wonderland\0"), query("SELECT 1"), scram.initial(b"n,,n=,r=abc")):
            with Secure() as w:  # before any start-up packet: their lengths make none
                w.send(early)
                got = w.until("Z")
                self.assertEqual((got[-1][0], wire.fields(got[-1][1])["C"]), ("E", "08P01"))
        for late in (startup(user="bob", database="shop"), SSL_REQUEST, GSSENC_REQUEST, query("SELECT 1"), SYNC):
            w = self.login()
            w.send(late)
            self.assertEqual(w.refusal()["C"], "08P01", late)
            w = self.login()
            w.challenge()
            w.send(late)
            self.assertEqual(w.refusal()["C"], "08P01", late)


class ByCertificate(TlsTest):
    def wanted_options(self):
        return options("allow", client_tls_ca_file=certificate("root.crt"), client_tls_crl_file=certificate("root.crl"),
                       auth_type="cert")

    def test_who_has_one_of_his_name_gets_in(self):
        with Secure("shop", context("client")) as w:
            self.assertEqual(w.ask(query("SELECT current_user"))[1][1], ("D", struct.pack("!hi", 1, 6) + b"tester"))
        for client, user in (("client", "other"), (None, "tester")):
            with Secure(tls=context(client)) as w:
                error, _ = w.error(startup(user=user, database="shop"))
                self.assertEqual((error["C"], error["M"]), ("28000", 'certificate authentication failed for user "%s"' % user))
        with wire.Wire() as w:
            error, _ = w.error(startup(user="tester", database="shop"))
            self.assertEqual((error["C"], error["M"].split(" for ")[0]), ("28000", "no pg_hba.conf entry"))
        for client in ("client-other", "client-expired", "client-revoked"):
            with self.assertRaises((ssl.SSLError, AssertionError, StopIteration)):
                Secure("shop", context(client))


class Slow(TlsTest):
    """A key whose signatures take longer than a time slice."""

    def wanted_options(self):
        return options("require", server="server-slow", client_login_timeout="%ds" % LOGIN_SECONDS)

    def test_a_helper_thread_signs(self):
        crowd = [Secure("shop") for _ in range(20)]
        for w in crowd:
            self.assertEqual(w.ask(query("SELECT 1"))[0], "TDCZ")
            w.socket.close()
        with wire.Wire() as w:
            w.send(SSL_REQUEST)
            self.assertEqual(w.read(1), b"S")
            w.send(b"no TLS at all")
            end_of(w.socket)
        self.daemon.settled()


class Protocols(TlsTest):
    options = None

    def test_versions_and_ciphers(self):
        self.start(**options("require", client_tls_protocols="tlsv1.2",
                             client_tls_ciphers="ECDHE-ECDSA-CHACHA20-POLY1305"))
        with Secure("shop") as w:
            self.assertEqual(w.socket.cipher()[:2], ("ECDHE-ECDSA-CHACHA20-POLY1305", "TLSv1.2"))
        self.assertEqual(self.daemon.stop(), 0)
        self.start(**options("require", client_tls_protocols="tlsv1.3"))
        old = context()
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with self.assertRaisesRegex(ssl.SSLError, "PROTOCOL_VERSION"):
            Secure(tls=old)


class Reloading(TlsTest):
    options = None

    def use(self, name):
        for ending in (".crt", ".key"):
            shutil.copy(certificate(name + ending), self.folder + "/tls" + ending)
            os.chmod(self.folder + "/tls" + ending, 0o600)

    @staticmethod
    def name_of(w):
        return dict(pair[0] for pair in w.socket.getpeercert()["subject"])["commonName"]

    def test_certificates_are_read_again(self):
        self.use("server")
        self.start(client_tls_sslmode="require", client_tls_cert_file=self.folder + "/tls.crt",
                   client_tls_key_file=self.folder + "/tls.key")
        with Secure("shop") as old:
            self.use("server-revoked")
            self.daemon.signal(signal.SIGHUP, "reloaded ")
            with Secure("shop") as new:
                self.assertEqual((self.name_of(old), self.name_of(new)), ("localhost", "revoked"))
            os.chmod(self.folder + "/tls.key", 0o644)
            self.daemon.signal(signal.SIGHUP, "cannot reload, everything stays as it is")
            self.logged("has group or world access")
            with Secure("shop") as new:
                self.assertEqual(self.name_of(new), "revoked")
            self.assertEqual(old.ask(query("SELECT 1"))[0], "TDCZ")


class Starting(TlsTest):
    options = None

    def refused(self, *words, **wanted):
        command = [self.pondd, "-c", self.conf, "-o", "unix_socket_dir="]
        for name, value in wanted.items():
            command += ["-o", "%s=%s" % (name, value)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertNotIn("loaded in", done.stderr)  # before any seed

    def test_what_is_wrong_is_named(self):
        self.refused("client_tls_sslmode needs client_tls_cert_file and client_tls_key_file", client_tls_sslmode="allow")
        self.refused("needs client_tls_ca_file", **options("verify-ca"))
        self.refused("client_tls_crl_file needs client_tls_ca_file",
                     **options("allow", client_tls_crl_file=certificate("root.crl")))
        self.refused("nowhere.crt\": No such file", **options("allow", server="nowhere"))
        self.refused("server-locked.key\"", **options("allow", server="server-locked"))
        self.refused("no cipher", **options("allow", client_tls_ciphers="NONE"))
        os.chmod(certificate("server-new.key"), 0o644)
        self.refused("server-new.key\" has group or world access", "u=rw (0600)", **options("allow", server="server-new"))


if __name__ == "__main__":
    TlsTest.pondd = os.path.abspath(sys.argv.pop(1))
    CERTIFICATES = tls_daemon.Certificates.make(os.path.abspath(sys.argv.pop(1)))
    unittest.main(verbosity=2)
