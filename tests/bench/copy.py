#!/usr/bin/python3
"""COPY of 1,000,000 rows in its three formats, pond beside PostgreSQL 15: rows per second, server CPU per row.

Both read the same bytes, which PostgreSQL wrote. PostgreSQL's table is truncated before each COPY FROM; pond's is empty in each
new session. Freeing what was copied counts: pond does that when the session ends.
"""
import argparse
import os
import statistics
import subprocess
import tempfile
import time

from servers import ROOT, Servers, row

ROWS = 1000000
POND = ("[pond]\nlisten_addr =\nlisten_port = 6000\nunix_socket_dir = {dir}\n"
        "[database shop]\nseed = {root}/tests/bench/scan.sql\nclone_memory = 1GB\n")
FLOOR = {"TO": "<= 1.00 (0.70)", "FROM": "<= 1.00"}


class Bench(Servers):
    def save(self, server, form):
        """A file with what the server sends."""
        with open(self.path("data." + form), "wb") as out:
            subprocess.run(self.client_command(server, "copy-save", 1, "COPY scan TO STDOUT (FORMAT %s)" % form), stdout=out,
                           check=True)

    def empty(self, server):
        if server.name != "pond":
            self.client(server, "connect", 1, "TRUNCATE copied")

    def copy(self, server, way, form):
        """Rows per second, and microseconds of server CPU per row."""
        name = "scan TO STDOUT" if way == "TO" else "copied FROM STDIN"
        command = self.client_command(server, "copy-" + way.lower(), 1, "COPY %s (FORMAT %s)" % (name, form))
        self.empty(server)
        before = server.cpu()
        with open(self.path("data." + form), "rb") as data:
            us = float(subprocess.run(command, stdin=data, stdout=subprocess.PIPE, check=True).stdout.split()[0])
        # A backend's time is known to its parent only once that has waited for it.
        time.sleep(0.3)
        return ROWS / us * 1e6, (server.cpu() - before) * 1e6 / ROWS


def compare(bench, pond, postgres, way, form):
    mine, theirs = [], []
    for _ in range(bench.options.rounds):
        mine.append(bench.copy(pond, way, form))
        theirs.append(bench.copy(postgres, way, form))
    for what, at, digits, floor in (("rows/s", 0, "%.0f", ""), ("server CPU us per row", 1, "%.3f", FLOOR[way])):
        us, them = (statistics.median(sample[at] for sample in samples) for samples in (mine, theirs))
        row("COPY %s, %s: %s" % (way, form, what), digits % us, digits % them, "%.2f" % (us / them), floor)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="pond-bench.") as folder:
        os.chmod(folder, 0o755)
        bench = Bench(options, folder)
        try:
            pond = bench.start_pond("pond", POND, "shop")
            postgres = bench.start_postgres(ROOT + "/tests/bench/scan.sql")
            bench.client(postgres, "connect", 1, "ALTER TABLE copied SET (autovacuum_enabled = off)")
            row("what", "pond", "PostgreSQL", "ratio", "floor (goal)")
            for form in ("text", "csv", "binary"):
                bench.save(postgres, form)
                for way in ("TO", "FROM"):
                    compare(bench, pond, postgres, way, form)
        finally:
            bench.stop()


if __name__ == "__main__":
    main()
