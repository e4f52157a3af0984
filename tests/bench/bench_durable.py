#!/usr/bin/python3
"""Commits per second on one durable database beside PostgreSQL 15 with fsync on, and what a point query elsewhere notices.

One run, one disk, the same client (pgbench), in turns; see servers.py for the rules. Each commit changes one of 100,000 rows,
as one statement or, with `block`, in a block of three. Then the same load once more while another client asks another database
of the same server for single rows.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

from servers import Servers, row

COMMIT = "\\set id random(1, 100000)\nUPDATE orders SET total = total + 1 WHERE id = :id;\n"
BLOCK = ("\\set id random(1, 100000)\n\\set other random(1, 100000)\nBEGIN;\nUPDATE orders SET total = total + 1 WHERE id = :id;\n"
         "SELECT customer_id FROM orders WHERE id = :other;\nUPDATE orders SET total = total - 1 WHERE id = :id;\nEND;\n")
POINT = "SELECT customer_id FROM orders WHERE id = #"
POND = """[pond]
listen_addr =
listen_port = 6000
unix_socket_dir = {dir}
max_client_conn = 1200
[database shop]
file = {dir}/shop.db
seed = {root}/conf/demo.sql
synchronous = %s
[database untouched]
seed = {root}/conf/demo.sql
"""
CONNECTIONS = (1, 8, 64)


class Bench(Servers):
    def pgbench(self, server, text, connections):
        script = self.write("commit.sql", text)
        return subprocess.Popen(["pgbench", "-n", "-M", "prepared", "-c", str(connections), "-T", str(self.options.seconds), "-f", script,
                                 "-h", server.host, "-p", str(server.port), "-U", "tester", server.database],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def result(self, server, process):
        """Commits per second, and how many there were."""
        out, err = process.communicate()
        if process.returncode != 0 or "aborted" in err:
            sys.exit("pgbench on %s: %s%s" % (server.name, out, err))
        return (float(re.search(r"tps = ([\d.]+)", out).group(1)),
                int(re.search(r"number of transactions actually processed: (\d+)", out).group(1)))

    def commits(self, server, text, connections):
        """Per second, and the server's CPU microseconds for each."""
        before = server.cpu()
        tps, count = self.result(server, self.pgbench(server, text, connections))
        time.sleep(0.1)  # a backend's time is known to its parent only once that has waited for it
        return tps, (server.cpu() - before) * 1e6 / count

    def beside(self, server, connections):
        """Point queries' p50, p99 and maximum in milliseconds while others commit; and when nobody does."""
        process = self.pgbench(server, COMMIT, connections) if connections else None
        found = self.client(server, "latency", max(self.options.seconds - 1, 1), POINT, "untouched")
        if process:
            self.result(server, process)
        return [found[which] / 1000 for which in (0, 1, 3)]


def sync_ms(folder, grows):
    """The median of fdatasync() after 8 KiB, in a file that grows or in one that does not."""
    times, path = [], os.path.join(folder, "sync")
    with open(path, "wb", buffering=0) as file:
        if not grows:
            file.write(b"x" * (200 * 8192))
            os.fsync(file.fileno())
            file.seek(0)
        for _ in range(200):
            file.write(b"y" * 8192)
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begun)
    os.unlink(path)
    return statistics.median(times) * 1000


def compare(bench, servers, what, text):
    for connections in CONNECTIONS:
        samples = {server.name: [] for server in servers}
        for _ in range(bench.options.rounds):
            for server in servers:
                samples[server.name].append(bench.commits(server, text, connections))
        mine, theirs = ([statistics.median(values) for values in zip(*samples[server.name])] for server in servers)
        row("%s, %d connections: commits/s" % (what, connections), "%.0f" % mine[0], "%.0f" % theirs[0], "%.2f" % (mine[0] / theirs[0]), ">= 1")
        row("%s, %d connections: server CPU us" % (what, connections), "%.0f" % mine[1], "%.0f" % theirs[1], "%.2f" % (mine[1] / theirs[1]), "")
        print("    all rounds, commits/s: pond %s; PostgreSQL %s" % tuple(
            " ".join("%.0f" % tps for tps, _ in samples[server.name]) for server in servers), flush=True)


def compare_beside(bench, servers):
    for connections in (0,) + CONNECTIONS:
        found = []
        for server in servers:
            runs = [bench.beside(server, connections) for _ in range(bench.options.rounds)]
            found.append([statistics.median(values) for values in zip(*runs)])
        for which, name in enumerate(("p50", "p99", "longest")):
            row("point query beside %d that commit: %s ms" % (connections, name), "%.2f" % found[0][which], "%.2f" % found[1][which],
                "%.2f" % (found[0][which] / found[1][which]), "< 5" if name == "p99" else "")
        sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each pgbench run")
    parser.add_argument("--synchronous", default="full")
    parser.add_argument("--only", choices=("commits", "block", "beside"))
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="pond-bench.") as folder:
        os.chmod(folder, 0o755)
        bench = Bench(options, folder)
        try:
            servers = (bench.start_pond("pond", POND.replace("%s", options.synchronous), "shop"), bench.start_postgres(durable=True))
            print("load %.2f; fdatasync of 8 KiB: %.2f ms in a file that grows, %.2f ms in one that does not"
                  % (os.getloadavg()[0], sync_ms(folder, True), sync_ms(folder, False)))
            row("what", "pond", "PostgreSQL", "ratio", "floor")
            if options.only in (None, "commits"):
                compare(bench, servers, "one statement", COMMIT)
            if options.only in (None, "block"):
                compare(bench, servers, "a block of three", BLOCK)
            if options.only in (None, "beside"):
                compare_beside(bench, servers)
            print("load %.2f; fdatasync of 8 KiB: %.2f ms in a file that grows, %.2f ms in one that does not"
                  % (os.getloadavg()[0], sync_ms(folder, True), sync_ms(folder, False)))
        finally:
            bench.stop()


if __name__ == "__main__":
    main()
