#!/usr/bin/python3
"""The command against servers that misbehave and outputs that fail: a message, the right exit code, no leak, no hang.

usage: test_cli_bad_input.py POND PONDD CONF [unittest's arguments]     (a good server is named by PG*)

That nothing leaks is seen where the command is built with AddressSanitizer: its report would be on stderr, with code 1.
"""
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "clients"))
from wire import cstr, message  # noqa: E402

POND = sys.argv[1]
GREETING = (message("R", struct.pack("!i", 0)) + message("K", struct.pack("!ii", 7, 7)) +
            message("S", cstr("server_version") + cstr("15.0")) + message("Z", b"I"))
READY = message("Z", b"I")
DONE = message("C", cstr("SELECT 1")) + READY


def columns(*names):
    fields = b"".join(cstr(name) + struct.pack("!ihihih", 0, 0, 25, -1, -1, 0) for name in names)
    return message("T", struct.pack("!h", len(names)) + fields)


def data(*values):
    return message("D", struct.pack("!h", len(values)) +
                   b"".join(struct.pack("!i", len(value)) + value for value in values))


class Server:
    """Answers each connection's start-up packet with `greeting` and its first message with `answer`; then it hangs up, or
    says nothing any more. Cancel requests are closed at once."""

    def __init__(self, greeting=GREETING, answer=b"", hangs_up=False):
        self.greeting, self.answer, self.hangs_up = greeting, answer, hangs_up
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.kept = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            self.kept.append(peer)
            threading.Thread(target=self.talk, args=(peer,), daemon=True).start()

    def talk(self, peer):
        try:
            packet = peer.recv(65536)
            if len(packet) >= 8 and struct.unpack("!i", packet[4:8])[0] == 80877102:
                peer.close()
                return
            peer.sendall(self.greeting)
            if self.answer is not None and peer.recv(65536):
                peer.sendall(self.answer)
            if self.hangs_up:
                peer.close()
        except OSError:
            pass

    def close(self):
        self.socket.close()
        for peer in self.kept:
            peer.close()


class Test(unittest.TestCase):
    def pond(self, *arguments, server=None, **keys):
        """(code, stdout, stderr); it must end, and a sanitizer must have nothing to say."""
        env = dict(os.environ, PGHOST="127.0.0.1", PGPORT=str(server.port), PGSSLMODE="disable") if server else None
        done = subprocess.run([POND, *arguments], stdin=subprocess.DEVNULL, timeout=60, check=False, env=env,
                              **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **keys})
        self.assertNotIn(b"Sanitizer", done.stderr or b"")
        return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace") if done.stderr is not None else None

    def against(self, *arguments, **keys):
        server = Server(**keys)
        self.addCleanup(server.close)
        return (*self.pond(*arguments, server=server), server)

    def query(self, answer, *arguments, **keys):
        return self.against("query", "--connect-timeout", "2", *arguments, "SELECT 1", answer=answer, **keys)

    # ---- nobody there, or somebody else ----

    def test_nobody_there(self):
        code, _, err = self.pond("query", "-h", "127.0.0.1", "-p", "1", "SELECT 1")
        self.assertEqual((code, err), (3, "pond query: connection to server at \"127.0.0.1\", port 1: Connection refused (08001)\n"))
        code, _, err = self.pond("query", "-h", "/nowhere", "-p", "1", "SELECT 1")
        self.assertEqual(code, 3)
        self.assertIn("/nowhere/.s.PGSQL.1", err)

    def test_no_such_name(self):
        code, _, err = self.pond("query", "-h", "nobody.invalid", "SELECT 1")
        self.assertEqual(code, 3)
        self.assertIn("nobody.invalid", err)

    def test_another_protocol(self):
        for greeting in (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n",
                         b"J\x00\x00\x00\x0a8.0.36\x00", b"220 mail.example ESMTP\r\n", b"\x15\x03\x01\x00\x02\x02\x50"):
            for hangs_up in (False, True):
                code, out, err, server = self.against("ping", "--connect-timeout", "60", greeting=greeting, answer=None,
                                                      hangs_up=hangs_up)
                self.assertEqual((code, out), (3, b""), (greeting, err))
                self.assertEqual(err, "pond ping: connection to server at \"127.0.0.1\", port %d: the server does not speak "
                                 "PostgreSQL's protocol (08P01)\n" % server.port)

    def test_a_server_that_says_nothing(self):
        code, _, err, server = self.against("query", "--connect-timeout", "1", "SELECT 1", greeting=b"", answer=None)
        self.assertEqual(code, 4)
        self.assertIn("port %d: timeout expired" % server.port, err)

    def test_a_server_that_hangs_up_at_once(self):
        code, _, err, server = self.against("query", "SELECT 1", greeting=b"", answer=None, hangs_up=True)
        self.assertEqual(code, 3)
        self.assertIn("port %d" % server.port, err)

    def test_a_server_that_wants_a_password(self):
        code, _, err, _ = self.against("query", "SELECT 1", greeting=message("R", struct.pack("!i", 3)), answer=None)
        self.assertEqual(code, 3)
        self.assertIn("password", err)

    def test_unknown_databases_and_bad_strings(self):
        for arguments, expected, pattern in (
                (["-d", "nowhere"], 3, "database \"nowhere\" does not exist (3D000)"),
                (["-d", "shop~"], 3, "shop~"),
                (["-d", "postgresql://%zz/shop"], 2, "invalid percent-encoded token: \"%zz\""),
                (["-d", "postgresql://[::1/shop"], 2, "IPv6"),
                (["-d", "postgresql://h:99999/shop"], 2, "99999"),
                (["-d", "port=x dbname=shop"], 2, "\"x\""),
                (["-d", "dbname='shop"], 2, "unterminated quoted string"),
                (["-d", "sslmode=fer"], 2, "invalid sslmode value: \"fer\""),
                (["-d", "sslmode=require"], 3, "server does not support SSL, but SSL was required"),
                (["-d", "service=nobody"], 2, "definition of service \"nobody\" not found"),
                (["-d", "x" * 100000], 2, "too long")):
            code, out, err = self.pond("query", *arguments, "SELECT 1")
            self.assertEqual((code, out), (expected, b""), err)
            self.assertIn(pattern, err)

    # ---- in the middle of an answer ----

    def test_a_server_that_stops_in_mid_message(self):
        whole = columns("a") + data(b"x" * 100) + DONE
        for cut in (1, 4, 5, 20, len(columns("a")) + 3, len(columns("a")) + 50, len(whole) - 2):
            code, _, err, server = self.query(whole[:cut])
            self.assertEqual((code, err), (4, "pond query: connection to server at \"127.0.0.1\", port %d: timeout expired: the "
                                           "server stopped in the middle of a message\n" % server.port), cut)

    def test_a_server_that_stops_between_messages_is_limited_by_the_timeout(self):
        for answer in (b"", columns("a"), columns("a") + data(b"x")):
            code, _, err, _ = self.query(answer, "--timeout", "0.5")
            self.assertEqual((code, err), (4, "pond query: timeout expired\n"))

    def test_a_ping_waits_for_an_answer_but_not_for_ever(self):
        self.assertEqual(self.against("ping", "--timeout", "0.3")[:3], (4, b"", "pond ping: timeout expired\n"))
        self.assertEqual(self.against("ping", "--wait", "0.3")[:3], (4, b"", "pond ping: timeout expired\n"))
        self.assertEqual(self.against("ping")[0], 4)

    def test_a_server_that_goes_away(self):
        whole = columns("a") + data(b"x" * 100) + DONE
        for cut in (0, 1, 5, len(columns("a")), len(columns("a")) + 50, len(whole) - 1):
            for arguments in ([], ["--page", "10"], ["-F", "csv"]):
                code, _, err, server = self.query(whole[:cut], *arguments, hangs_up=True)
                self.assertEqual(code, 3, (cut, err))
                self.assertRegex(err, r"the connection was lost: (the server closed it|Connection reset by peer) \(08006\)")
                self.assertIn("port %d" % server.port, err)

    def test_absurd_lengths_and_messages(self):
        for answer, pattern in ((b"D\xff\xff\xff\xff", "impossible length"), (b"D\x00\x00\x00\x03", "impossible length"),
                                (b"D\x7f\xff\xff\xff", "longer than the limit"), (b"T\x40\x00\x00\x00", "longer than the limit"),
                                (data(b"x"), "no place here"), (columns("a") + data(b"x", b"y"), "no place here"),
                                (columns("a") + message("D", b"\x00\x01\x7f\xff\xff\xff"), "no place here"),
                                (columns("a") + message("D", b"\x00"), "pond query: "),
                                (message("T", b"\x7f\xff"), "pond query: "), (columns("a") + READY, "no place here"),
                                (columns("a") + columns("b"), "no place here"), (message("~"), "08P01")):
            for arguments in ([], ["-F", "json"]):
                code, _, err, server = self.query(answer, *arguments)
                self.assertEqual(code, 3, (answer, err))
                self.assertIn(pattern, err)
                self.assertIn("port %d" % server.port, err)

    # ---- what cannot be shown as it is ----

    def test_invalid_utf8_is_made_visible_or_passed_on(self):
        raw = b"a\xff\xc3(\xed\xa0\x80z"
        answer = columns(b"n\xfe") + data(raw) + DONE
        self.assertEqual(self.query(answer, "-F", "csv")[:2], (0, b"n\xfe\n" + raw + b"\n"))
        code, out, _, _ = self.query(answer)
        self.assertEqual((code, out), (0, b"          n\\xfe          \n" + b"-" * 25 + b"\n"
                                       b" a\\xff\\xc3(\\xed\\xa0\\x80z\n(1 row)\n\n"))
        code, out, _, _ = self.query(answer, "-F", "jsonl")
        self.assertEqual((code, out.decode()), (0, "{\"n\ufffd\": \"a\ufffd\ufffd(\ufffd\ufffd\ufffdz\"}\n"))

    def test_messages_of_a_server_do_not_command_the_terminal(self):
        evil = b"\x1b]0;owned\x07\xff"
        notice = message("N", b"SNOTICE\0C00000\0M" + evil + b"\0\0")
        error = message("E", b"SERROR\0VERROR\0C22012\0M" + evil + b"\0D" + evil + b"\0H" + evil + b"\0\0")
        code, _, err, _ = self.query(notice + error + READY)
        shown = "\\x1b]0;owned\\a\\xff"
        self.assertEqual((code, err), (1, "NOTICE:  %s\npond query: ERROR:  %s (22012)\nDETAIL:  %s\nHINT:  %s\n" %
                                       (shown, shown, shown, shown)))

    # ---- outputs that fail ----

    def test_a_full_disk(self):
        for size in (1, 1000000):
            for form in ("table", "csv", "tsv", "json", "jsonl"):
                with open("/dev/full", "wb") as full:
                    code, _, err = self.pond("query", "-F", form, "SELECT repeat('x', %d) AS a" % size, stdout=full)
                self.assertEqual((code, err), (1, "pond query: could not write to standard output: No space left on device\n"))
        with open("/dev/full", "wb") as full:
            self.assertEqual(self.pond("ping", stdout=full)[0], 1)

    def test_a_full_disk_stops_the_query(self):
        for arguments in ([], ["--page", "100"]):
            with open("/dev/full", "wb") as full:
                code, _, err = self.pond("query", *arguments, "SELECT * FROM generate_series(1, 100000000000)", stdout=full)
            self.assertEqual((code, err), (1, "pond query: could not write to standard output: No space left on device\n"))

    def test_a_closed_output(self):
        done = subprocess.run("exec '%s' query 'SELECT 1' >&-" % POND, shell=True, stderr=subprocess.PIPE, check=False)
        self.assertEqual((done.returncode, done.stderr),
                         (1, b"pond query: could not write to standard output: Bad file descriptor\n"))

    def test_a_closed_pipe(self):
        read_end, write_end = os.pipe()
        os.close(read_end)
        process = subprocess.Popen([POND, "query", "SELECT 1"], stdout=write_end)
        os.close(write_end)
        self.assertEqual(process.wait(timeout=60), -signal.SIGPIPE)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
