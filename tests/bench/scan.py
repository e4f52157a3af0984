#!/usr/bin/python3
"""Big results, pond beside PostgreSQL 15: rows per second, server CPU per row, first row, memory of half-read results."""
import argparse
import os
import statistics
import subprocess
import tempfile
import time

from servers import ROOT, Servers, row

SCAN = "SELECT id, amount, price, created_at, label, active FROM scan"
CROSS = "SELECT id, label, ten.n FROM scan CROSS JOIN (VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)) AS ten(n)"
SERIES = "SELECT n FROM generate_series(1, 10000000) AS s(n)"
POND = "[pond]\nlisten_addr =\nlisten_port = 6000\nunix_socket_dir = {dir}\n[database shop]\nseed = {root}/tests/bench/scan.sql\n"


class Bench(Servers):
    def scan(self, server, form):
        """Rows per second, and microseconds of server CPU per row."""
        before = server.cpu()
        us, rows = self.client(server, "scan-" + form, self.options.scans, SCAN)
        # A backend's time is known to its parent only once that has waited for it.
        time.sleep(0.1)
        return rows / us * 1e6, (server.cpu() - before) * 1e6 / (rows * self.options.scans)

    def growth(self, server, count):
        """KiB that each of `count` half-read results takes, over a session that idles."""
        holder = subprocess.Popen(self.client_command(server, "half", count, SCAN), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holder.stdout.readline()
        idle = self.memory(server)
        holder.stdin.write(b"\n")
        holder.stdin.flush()
        holder.stdout.readline()
        held = self.memory(server) - idle
        holder.stdin.close()
        holder.wait()
        return held / count


def compare_scan(bench, pond, postgres, form):
    mine, theirs = [], []
    for _ in range(bench.options.rounds):
        mine.append(bench.scan(pond, form))
        theirs.append(bench.scan(postgres, form))
    for what, at, digits, floor in (("rows/s", 0, "%.0f", ""), ("server CPU us per row", 1, "%.3f", "<= 1.00 (0.70)")):
        us, them = (statistics.median(sample[at] for sample in samples) for samples in (mine, theirs))
        row("1,000,000 rows, %s: %s" % (form, what), digits % us, digits % them, "%.2f" % (us / them), floor)


def compare_first_row(bench, pond, postgres, what, query):
    us, them = (statistics.median(bench.client(server, "first", 1, query)[0] for _ in range(bench.options.rounds)) / 1000
                for server in (pond, postgres))
    row("first of 10,000,000 rows, %s: ms" % what, "%.2f" % us, "%.2f" % them, "%.2f" % (us / them), "< 5 ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scans", type=int, default=2, help="scans of one round")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="pond-bench.") as folder:
        os.chmod(folder, 0o755)
        bench = Bench(options, folder)
        try:
            pond = bench.start_pond("pond", POND, "shop")
            postgres = bench.start_postgres(ROOT + "/tests/bench/scan.sql")
            row("what", "pond", "PostgreSQL", "ratio", "floor (goal)")
            for form in ("text", "binary"):
                compare_scan(bench, pond, postgres, form)
            compare_first_row(bench, pond, postgres, "cross join", CROSS)
            compare_first_row(bench, pond, postgres, "generate_series", SERIES)
            row("growth per half-read result of 100: KiB", "%.0f" % bench.growth(pond, 100), "", "", "<= 200")
        finally:
            bench.stop()


if __name__ == "__main__":
    main()
