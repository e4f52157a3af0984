"""http_listen: what is not asked for nicely, and what is asked for too often, harms nobody."""
import contextlib
import os
import random
import re
import socket
import subprocess
import time

import wire
from database_test import PONDD, SHOP, main
from http_test import HTTP, Served

MOST = 32


class Requests(Served):
    conf = HTTP + SHOP

    def test_paths(self):
        self.assertEqual(self.ask("/healthz")[0], 200)
        self.assertEqual(self.ask("/healthz?x=1")[0], 200)
        for path in ("/nothing", "/metrics/", "/healthz/../metrics", "/%6detrics", "/METRICS", "/healthz%00"):
            self.assertEqual(self.ask(path)[0], 404, path)

    def test_methods(self):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"):
            self.assertIn(self.ask("/healthz", method=method)[0], (501, 400, 413), method)
        for path in ("/healthz", "/metrics", "/nothing"):
            head, body = self.say(b"HEAD %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path.encode()).split(b"\r\n\r\n", 1)
            self.assertEqual(body, b"")
            self.assertRegex(head, rb"Content-Length: [1-9]")

    def test_headers(self):
        _, headers, _ = self.ask("/healthz")
        self.assertEqual((headers["Cache-Control"], headers["X-Content-Type-Options"], headers["Connection"]),
                         ("no-store", "nosniff", "close"))
        self.assertNotIn("Access-Control-Allow-Origin", headers)

    def test_page(self):
        """Small, alone, and with a word of its own that lets its script run."""
        words = set()
        for _ in range(2):
            status, headers, text = self.ask("/")
            self.assertEqual((status, headers["Content-Type"], headers["X-Frame-Options"]), (200, "text/html; charset=utf-8", "DENY"))
            self.assertLess(len(text), 20000)
            self.assertNotIn("@NONCE@", text)
            self.assertEqual(set(re.findall(r"https?://[^\s\"]+", text)), {"http://www.w3.org/2000/svg"})
            words |= set(re.findall(r"nonce[-=]\"?([0-9a-f]+)", text))
        self.assertEqual(sorted(len(word) for word in words), [32, 32])

    def test_names_that_a_foreign_page_cannot_have(self):
        own = socket.gethostname()
        for host in ("127.0.0.1", "127.0.0.1:%d" % self.http[1], "localhost", "LOCALHOST:80", "[::1]:80", own, own + ":80"):
            self.assertEqual(self.ask("/metrics", Host=host)[0], 200, host)
        for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "1.2.3", "0x7f000001", "x" + own):
            status, _, body = self.ask("/metrics", Host=host)
            self.assertEqual((status, body), (421, "ask for it by its address, or as localhost\n"), host)
        self.assertIn(b"421", self.say(b"GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").split(b"\r\n")[0])
        self.assertIn(b"200", self.say(b"GET /healthz HTTP/1.0\r\n\r\n").split(b"\r\n")[0])

    def test_one_request_for_each_connection(self):
        got = self.say(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n" * 3)
        self.assertEqual(got.count(b"HTTP/1.1 200"), 1)

    def test_long_ones(self):
        """Of a header, of all headers, of the path and of a body."""
        for data in (b"GET /healthz HTTP/1.1\r\nX: " + b"y" * 100000 + b"\r\n\r\n",
                     b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n",
                     b"GET /" + b"y" * 100000 + b" HTTP/1.1\r\n\r\n",
                     b"GET /healthz HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + b"y" * 100000,
                     b"GET /healthz HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"ffff\r\n" + b"y" * 100000,
                     b"y" * 1000000):
            s = self.door()
            try:
                s.sendall(data)
            except (ConnectionResetError, BrokenPipeError):
                pass
            self.assertNotIn(b" 200 ", self.rest(s)[:20], data[:40])
        self.assertEqual(self.ask("/healthz")[0], 200)

    def test_nonsense(self):
        seed = int(os.environ.get("POND_SEED", str(time.time_ns() % 1000000)))
        print("seed", seed)
        random.seed(seed)
        good = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n"
        for _ in range(300):
            data = bytearray(good)
            for _ in range(random.randint(1, 8)):
                at = random.randrange(len(data))
                data[at:at + random.randint(0, 3)] = random.randbytes(random.randint(0, 3))
            s = self.door()
            s.sendall(data)
            if random.random() < 0.8:
                with contextlib.suppress(OSError):  # it was quicker, and has hung up
                    s.shutdown(socket.SHUT_WR)
                self.rest(s)
            s.close()
        self.assertEqual(self.ask("/healthz")[0], 200)

    def test_hang_ups_before_the_answer(self):
        for i in range(200):
            s = self.door()
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"[:10 + i])
            if i % 2:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, wire.struct.pack("ii", 1, 0))
            s.close()
        self.assertEqual(self.ask("/metrics")[0], 200)


class Crowd(Served):
    conf = HTTP + SHOP

    def test_more_than_there_is_room_for_wait_outside(self):
        crowd = [self.door() for _ in range(MOST + 10)]
        late = self.door()
        late.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        late.settimeout(0.3)
        self.assertRaises(TimeoutError, late.recv, 1)
        self.assertEqual(self.once("shop", "SELECT 1"), [("1",)])
        late.settimeout(wire.PATIENCE)
        for s in crowd:
            s.close()
        self.assertTrue(self.rest(late).endswith(b"ok\n"))

    def test_all_at_once(self):
        crowd = [self.door() for _ in range(MOST + 60)]
        for s in crowd:
            s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        for s in crowd:
            self.assertEqual(self.rest(s).split(b"\r\n")[0][-6:], b"200 OK")

    def test_nobody_stays_for_long(self):
        """Neither who says nothing, nor who says a little again and again, nor who does not read."""
        begin = time.monotonic()
        silent, slow, deaf = self.door(), self.door(), self.door()
        deaf.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        slow.sendall(b"GET /healthz HTTP/1.1\r\n")
        slow.settimeout(0.5)
        while True:
            try:
                slow.sendall(b"X: y\r\n")
                if not slow.recv(1):
                    break
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                break
        self.assertEqual(self.rest(silent), b"")
        self.assertLess(time.monotonic() - begin, 25)
        self.rest(deaf)


class Address(Served):
    conf = HTTP + SHOP

    def fails(self, at):
        done = subprocess.run([PONDD, "-c", self.daemon.folder + "/pond.conf", "-o", "listen_port=0", "-o", "unix_socket_dir=",
                               "-o", "http_listen=" + at], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1, at)
        return done.stderr

    def test_bad_ones(self):
        for at in ("x", "9187", ":9187", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999", "127.0.0.1:-1", "[::1",
                   "evil.example:80", "1.2.3:80", "x" * 100 + ":80"):
            self.assertIn('http_listen: expected ADDRESS:PORT, as 127.0.0.1:9187 or [::1]:9187, not "%s"' % at, self.fails(at))

    def test_one_that_is_taken(self):
        self.assertIn("http_listen: cannot listen at 127.0.0.1:%d: Address already in use" % self.http[1],
                      self.fails("127.0.0.1:%d" % self.http[1]))


class OfAnotherFamily(Served):
    conf = "http_listen = %s:0\n" % ("[::1]" if socket.has_ipv6 and os.path.exists("/proc/net/if_inet6") else "localhost") + SHOP

    def test_it_answers(self):
        self.assertEqual(self.ask("/healthz")[0], 200)


if __name__ == "__main__":
    main()
