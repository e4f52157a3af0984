"""What the tests of http_listen share: asking a daemon by HTTP, byte by byte where it matters."""
import re
import socket
import urllib.error
import urllib.request

import wire
from database_test import Test

HTTP = "http_listen = 127.0.0.1:0\n"


def address(log):
    """(host, port) that the daemon's log names."""
    host, port = re.search(r"listening: http://(.+):(\d+)/", log).groups()
    return host, int(port)


class Served(Test):
    """self.http is where the daemon listens; `conf` begins with HTTP."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.http = address(cls.daemon.log())

    def url(self, path):
        return "http://%s:%d%s" % (*self.http, path)

    def ask(self, path, method="GET", **headers):
        """(status, headers, body)"""
        request = urllib.request.Request(self.url(path), method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=wire.PATIENCE) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read().decode()

    def door(self):
        """A connection that has said nothing yet."""
        s = socket.create_connection(self.http, timeout=wire.PATIENCE)
        self.addCleanup(s.close)
        return s

    def rest(self, s):
        """All that comes until it hangs up."""
        got = b""
        try:
            while chunk := s.recv(65536):
                got += chunk
        except ConnectionResetError:
            pass
        s.close()
        return got

    def say(self, data):
        s = self.door()
        s.sendall(data)
        return self.rest(s)

    def metrics(self):
        """Each sample's value by its name with its labels."""
        status, _, text = self.ask("/metrics")
        self.assertEqual(status, 200)
        return {name: float(value) for name, value in re.findall(r"^([a-z][^ ]*) (\S+)$", text, re.M)}
