#!/usr/bin/python3
"""`pond run DB -- true`, its process's start included, beside createdb -T and dropdb on PostgreSQL 15: wall ms, in turns.

Also a pondd of its own (--seed), and what the command alone takes: `true`, and a psql that asks nothing, which shows what
processes cost on this machine. See servers.py for the rules.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

from servers import PG_BIN, Servers

POND = """[pond]
listen_addr =
listen_port = 6000
unix_socket_dir = {dir}
[database shop]
seed = {root}/conf/demo.sql
"""
SEED = "CREATE TABLE t (n int PRIMARY KEY, s text); INSERT INTO t VALUES (1, 'one'), (2, 'two');"


def wall_ms(*commands):
    begin = time.monotonic()
    for command in commands:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit("%s: %s" % (" ".join(command), done.stderr))
    return (time.monotonic() - begin) * 1000


def p90(samples):
    return sorted(samples)[int(len(samples) * 0.9)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    pond = os.path.join(options.build, "bin/pond")
    createdb, dropdb = PG_BIN + "/createdb", PG_BIN + "/dropdb"  # those in PATH are Debian's, behind a script in Perl

    with tempfile.TemporaryDirectory(prefix="pond-bench.") as folder:
        os.chmod(folder, 0o755)
        bench = Servers(options, folder)
        try:
            server, postgres = bench.start_pond("pond", POND, "shop"), bench.start_postgres()
            seed = bench.write("seed.sql", SEED)
            at = ["-h", server.host, "-p", str(server.port), "-U", "tester"]
            peer = ["-h", postgres.host, "-p", str(postgres.port), "-U", "tester"]
            ways = {
                "pond run shop -- true": [[pond, "run", *at, "shop", "--", "true"]],
                "createdb -T untouched x; dropdb x": [[createdb, *peer, "-T", "untouched", "x"], [dropdb, *peer, "x"]],
                "the same two programs on pond": [[createdb, *at, "-T", "shop", "x"], [dropdb, *at, "x"]],
                "pond run --seed small.sql -- true": [[pond, "run", "--seed", seed, "--", "true"]],
                "true": [["true"]],
                "psql --version": [[PG_BIN + "/psql", "--version"]],
            }
            samples = {what: [] for what in ways}
            for _ in range(options.rounds):
                for what, commands in ways.items():
                    samples[what].append(wall_ms(*commands))
        finally:
            bench.stop()
    print("%-40s %10s %10s" % ("wall ms, %d rounds in turns" % options.rounds, "median", "p90"))
    for what, found in samples.items():
        print("%-40s %10.2f %10.2f" % (what, statistics.median(found), p90(found)))
    first, second = (statistics.median(found) for found in list(samples.values())[:2])
    print("%-40s %10.1f %10s   floor: pond run <= 15 ms" % ("PostgreSQL's over pond's", second / first, ""))


if __name__ == "__main__":
    main()
