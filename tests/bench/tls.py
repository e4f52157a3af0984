#!/usr/bin/python3
"""TLS: pond beside PostgreSQL 15 with the same certificate, the same client, over loopback TCP, in turns. See servers.py for the
rules. What a hand-shake costs depends on the key: P-256 and RSA of 2048 bits are measured."""
import argparse
import os
import re
import shutil
import socket
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
import time

from servers import Server, Servers, row

SELECT = "\\set id random(1, 100000)\nSELECT customer_id FROM orders WHERE id = :id;\n"
SCAN = "SELECT i, md5(i::text) FROM generate_series(1, 300000) AS g(i)"
PORTS = {"pond": 6100, "rsa": 6101, "slow": 6102, "plain": 6103, "tls": 6104}
CONF = """[pond]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir = {dir}
max_client_conn = 1200
client_tls_sslmode = allow
client_tls_cert_file = %s.crt
client_tls_key_file = %s.key
[database shop]
seed = {root}/conf/demo.sql
"""


class Bench(Servers):
    def certify(self):
        made = self.path("certificates")
        os.mkdir(made)
        subprocess.run([os.path.join(self.options.build, "bin/make_certificates"), made], check=True)
        self.for_postgres = {}
        for name in ("server", "server-rsa"):
            for ending in (".crt", ".key"):
                copy = shutil.copy(os.path.join(made, name + ending), self.path("pg-" + name + ending))
                os.chmod(copy, 0o600)
                if os.getuid() == 0:
                    shutil.chown(copy, "postgres")

    def pond(self, name, certificate):
        path = os.path.join(self.path("certificates"), certificate)
        made = self.start_pond(name, CONF % (PORTS[name], path, path), "shop")
        return Server("pond", "127.0.0.1", PORTS[name], "shop", made.pids)

    def postgres(self):
        self.socket = self.start_postgres(settings=(
            "-c", "port=%d" % 6001, "-c", "listen_addresses=127.0.0.1", "-c", "ssl=on", "-c",
            "ssl_cert_file=" + self.path("pg-server.crt"), "-c", "ssl_key_file=" + self.path("pg-server.key")))
        return Server("PostgreSQL", "127.0.0.1", 6001, "shop", self.socket.pids)

    def use_rsa(self):
        psql = ["psql", "-Xq", "-h", self.socket.host, "-p", "6001", "-U", "tester", "-d", "postgres"]
        for ending, name in ((".crt", "ssl_cert_file"), (".key", "ssl_key_file")):
            subprocess.run(psql + ["-c", "ALTER SYSTEM SET %s = '%s'" % (name, self.path("pg-server-rsa" + ending))], check=True)

    def pgbench(self, server, sslmode, *words):
        """Server CPU microseconds per transaction."""
        before = server.cpu()
        out = subprocess.run(["pgbench", "-n", "-c", "4", "-T", str(self.options.seconds), "-f", self.write("select.sql", SELECT),
                              "-h", server.host, "-p", str(server.port), "-U", "tester", *words, server.database],
                             env=dict(os.environ, PGSSLMODE=sslmode, HOME=self.folder), capture_output=True, text=True, check=False)
        if out.returncode != 0 or "aborted" in out.stderr:
            sys.exit("pgbench on %s: %s%s" % (server.name, out.stdout, out.stderr))
        time.sleep(0.1)
        done = int(re.search(r"number of transactions actually processed: (\d+)", out.stdout).group(1))
        return (server.cpu() - before) * 1e6 / done

    def scan(self, server, sslmode):
        """Server CPU microseconds per row."""
        before = server.cpu()
        subprocess.run(["psql", "-XAtqc", "\\copy (%s) TO /dev/null" % SCAN, "host=%s port=%d user=tester dbname=shop" %
                        (server.host, server.port)], env=dict(os.environ, PGSSLMODE=sslmode, HOME=self.folder), check=True)
        time.sleep(0.1)
        return (server.cpu() - before) * 1e6 / 300000

    def compare(self, what, measure, pond, postgres, form="%.1f"):
        samples = {pond: [], postgres: []}
        for _ in range(self.options.rounds):
            for server in samples:
                samples[server].append(measure(server))
        mine, theirs = (statistics.median(samples[server]) for server in (pond, postgres))
        row(what, form % mine, form % theirs, "%.2f" % (mine / theirs), "")

    def memory_per_connection(self, server, count, secure):
        """KiB of the daemon's own memory per connection that ran a query and idles."""
        held = []
        before = self.memory(server)
        for _ in range(count):
            one = socket.create_connection((server.host, server.port))
            if secure:
                one.sendall(struct.pack("!ii", 8, 80877103))
                assert one.recv(1) == b"S"
                made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
                one = made.wrap_socket(one)
            body = struct.pack("!i", 0x30000) + b"user\0tester\0database\0shop\0\0"
            one.sendall(struct.pack("!i", len(body) + 4) + body)
            self.until_ready(one)
            one.sendall(b"Q\0\0\0\x0dSELECT 1\0")
            self.until_ready(one)
            held.append(one)
        return (self.memory(server) - before) / count

    @staticmethod
    def until_ready(one):
        got = b""
        while not got.endswith(b"Z\0\0\0\5I"):
            got += one.recv(65536)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each pgbench run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pond-bench.") as folder:
        os.chmod(folder, 0o755)
        bench = Bench(options, folder)
        try:
            bench.certify()
            pond, rsa, slow = bench.pond("pond", "server"), bench.pond("rsa", "server-rsa"), bench.pond("slow", "server-slow")
            postgres = bench.postgres()
            row("what: server CPU us", "pond", "PostgreSQL", "ratio", "")
            for sslmode in ("disable", "require"):
                for mode in ("simple", "prepared"):
                    bench.compare("point query, %s, sslmode=%s" % (mode, sslmode),
                                  lambda server: bench.pgbench(server, sslmode, "-M", mode), pond, postgres)
                bench.compare("row of COPY TO, sslmode=%s" % sslmode, lambda server: bench.scan(server, sslmode), pond, postgres,
                              "%.3f")
                bench.compare("connect, query, disconnect, sslmode=%s" % sslmode,
                              lambda server: bench.pgbench(server, sslmode, "-C"), pond, postgres, "%.0f")
            bench.use_rsa()
            os.kill(next(iter(postgres.pids)), 1)
            time.sleep(1)
            bench.compare("the same, RSA of 2048 bits", lambda server: bench.pgbench(server, "require", "-C"), rsa, postgres, "%.0f")
            row("the same, RSA of 3072 bits", "%.0f" % bench.pgbench(slow, "require", "-C"), "", "", "")
            for secure in (False, True):  # on daemons that have served nobody yet
                fresh = bench.pond("tls" if secure else "plain", "server")
                row("KiB of an idle connection, of 500, %s" % ("TLS" if secure else "plain"),
                    "%.0f" % bench.memory_per_connection(fresh, 500, secure), "", "", "")
        finally:
            bench.stop()


if __name__ == "__main__":
    main()
