#!/usr/bin/python3
"""Strangers at the door, while 50 clients who are in ask a query ten times a second each.

In turns, each beside a quiet time right before it, --rounds times: 1,000 logins a second with wrong passwords, each heard out and
refused after auth_delay; the same from an address that may fail 20 times a minute; as many half-open connections as --half-open
says, which send a start-up packet and then nothing; 1,000 start-up packets that come a byte a second. Also how long a login with a
password takes meanwhile, from an address that nobody attacks from. Loopback only, and for --seconds each. The strangers run at
the lowest priority (nice 19): real ones would not use this machine's processors.
"""
import argparse
import base64
import hashlib
import hmac
import os
import resource
import socket
import statistics
import struct
import subprocess
import tempfile
import time

from servers import ROOT, Servers, row

POND = ("[pond]\nlisten_addr = 127.0.0.1\nlisten_port = 0\nunix_socket_dir = {{dir}}\nauth_hba_file = {rules}\n"
        "auth_file = {root}/tests/clients/login.users\nmax_client_conn = {clients}\nlog_limit = 100\n[database shop]\n")
RULES = "host all tester all trust\nhost all all all scram-sha-256\n"
HONEST, GUESSES, SLOW = 50, 1000, 1000


# ---- a login with a password ----

def message(kind, body):
    return kind + struct.pack("!i", len(body) + 4) + body


def read(reader):
    head = reader.read(5)
    return head[:1], reader.read(struct.unpack("!i", head[1:])[0] - 4)


def proof(password, said, first, challenge, bare):
    salted = hashlib.pbkdf2_hmac("sha256", password, base64.b64decode(said[b"s"]), int(said[b"i"]))
    key = hmac.digest(salted, b"Client Key", "sha256")
    signature = hmac.digest(hashlib.sha256(key).digest(), b",".join([first, challenge, bare]), "sha256")
    return base64.b64encode(bytes(a ^ b for a, b in zip(key, signature)))


def log_in(port):
    """Seconds from connect to ReadyForQuery."""
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0)) as connection, \
            connection.makefile("rb") as reader:
        names = b"user\0alice\0database\0shop\0\0"
        connection.sendall(struct.pack("!ii", len(names) + 8, 0x30000) + names)
        read(reader)
        first = b"n=,r=" + base64.b64encode(os.urandom(18))
        connection.sendall(message(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first) + 3) + b"n,," + first))
        challenge = read(reader)[1][4:]
        said = dict(part.split(b"=", 1) for part in challenge.split(b","))
        bare = b"c=biws,r=" + said[b"r"]
        connection.sendall(message(b"p", bare + b",p=" + proof(b"wonderland", said, first, challenge, bare)))
        while True:
            kind, body = read(reader)
            if kind == b"E":
                raise SystemExit("the login was refused: %r" % body)
            if kind == b"Z":
                return time.monotonic() - begin


# ---- one turn ----

class Bench(Servers):
    def start(self, server, mode, count, seconds, nice=0):
        command = [os.path.join(self.options.build, "bin/bench_attack"), "127.0.0.1", str(server.port), mode, str(count),
                   str(seconds), "shop"]
        return subprocess.Popen(["nice", "-n", str(nice)] + command, stdout=subprocess.PIPE, text=True)

    def honest(self, server):
        """p50, p99 and longest query, longest login: milliseconds."""
        clients = self.start(server, "honest", HONEST, self.options.seconds)
        logins = []
        while clients.poll() is None:
            logins.append(log_in(server.port))
            time.sleep(0.5)
        return [float(us) / 1e3 for us in clients.communicate()[0].split()[:3]] + [max(logins) * 1e3]

    def turn(self, server, mode, count):
        """The honest in quiet and under attack, and the daemon's CPU for each attempt in microseconds."""
        start = server.cpu()
        quiet = self.honest(server)
        begin = server.cpu()
        strangers = self.start(server, mode, count, self.options.seconds + 4, nice=19)
        if mode == "guesses":
            time.sleep(2)
        else:
            strangers.stdout.readline()
        attacked = self.honest(server)
        open_now = int(self.statistics(server, server.log)["connections"])
        out = strangers.communicate()[0].split()
        made, refused = map(int, out) if out else (count, 0)
        while int(self.statistics(server, server.log)["connections"]) > 0:  # the next turn begins in quiet
            time.sleep(0.1)
        cost = (server.cpu() - begin - (begin - start)) * 1e6 / made  # less what the honest take
        return {"quiet": quiet, "attacked": attacked, "open": open_now, "made": made, "refused": refused, "cpu": cost}


def median(turns, what, index=None):
    return statistics.median(turn[what] if index is None else turn[what][index] for turn in turns)


def report(name, turns):
    row(name, "%d made" % median(turns, "made"), "%d refused" % median(turns, "refused"), "", "")
    row("  connections meanwhile", "", "%d" % median(turns, "open"), "", "")
    for index, what in enumerate(("query p50 ms", "query p99 ms", "longest query ms", "longest login ms")):
        quiet, attacked = median(turns, "quiet", index), median(turns, "attacked", index)
        row("  " + what, "%.2f" % quiet, "%.2f" % attacked, "%.2f" % (attacked / quiet), "<= 3" if "p99" in what else "")
    row("  daemon's CPU for each attempt: us", "", "%.0f" % median(turns, "cpu"), "", "")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--half-open", type=int, default=10000)
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    with tempfile.TemporaryDirectory(prefix="pond-bench.") as folder:
        os.chmod(folder, 0o755)
        bench = Bench(options, folder)
        try:
            conf = POND.format(root=ROOT, rules=bench.write("rules", RULES), clients=options.half_open + 5000)
            servers = {limit: bench.start_pond(name, conf, "shop", "auth_type=hba", "max_failed_logins=%d" % limit)
                       for name, limit in (("patient", 0), ("strict", 20))}
            for name, server in zip(("patient", "strict"), servers.values()):
                server.log = name
            attacks = (("wrong passwords, 1,000 a second", servers[0], "guesses", GUESSES),
                       ("the same, over the limit of failed logins", servers[20], "guesses", GUESSES),
                       ("half-open", servers[0], "half-open", options.half_open),
                       ("start-up packets a byte a second", servers[0], "slow", SLOW))
            turns = {name: [] for name, *_ in attacks}
            for _ in range(options.rounds):
                for name, server, mode, count in attacks:
                    turns[name].append(bench.turn(server, mode, count))
            row("what", "quiet", "attacked", "ratio", "floor")
            for name, *_ in attacks:
                report(name, turns[name])
        finally:
            bench.stop()


if __name__ == "__main__":
    main()
