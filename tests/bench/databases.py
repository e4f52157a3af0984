#!/usr/bin/python3
"""Databases that are clones beside PostgreSQL 15: fresh ones, going back, a thousand at once, and the line for sessions.

One run, the same raw client, in turns; see servers.py for the rules. PostgreSQL copies the big template for each database:
few rounds do.
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

QUERY = "SELECT customer_id FROM orders WHERE id = 4711"
WRITE = "UPDATE orders SET customer_id = customer_id + 1 WHERE id = 4711"
POND = """[pond]
listen_addr =
listen_port = 6000
unix_socket_dir = {dir}
max_client_conn = 3000
[database shop]
seed = {root}/conf/demo.sql
[database large]
seed = large.db
[database line]
seed = {root}/conf/demo.sql
pool_size = 8
max_waiters = 2000
"""
THOUSAND = """[pond]
listen_addr =
listen_port = 6003
unix_socket_dir = {dir}
max_client_conn = 3000
[database middle]
seed = middle.db
"""


class Bench(Servers):
    def program(self, name, *words):
        out = subprocess.run([os.path.join(self.options.build, "bin", name), *map(str, words)], capture_output=True, text=True)
        if out.returncode != 0:
            sys.exit("%s: %s" % (name, out.stderr))
        return out.stdout

    def psql(self, server, database, *texts):
        words = [word for text in texts for word in ("-c", text)]
        return subprocess.run(["psql", "-X", "-q", "-A", "-t", "-h", server.host, "-p", str(server.port), "-U", "tester", *words,
                               database], check=True, capture_output=True, text=True).stdout.strip()

    def fresh(self, server, count, template):
        """Wall and server CPU microseconds of CREATE DATABASE, connect, query, DROP."""
        before = server.cpu()
        wall = self.client(server, "fresh", count, QUERY, template)[0]
        time.sleep(0.1)  # a backend's time is known to its parent only once that has waited for it
        return wall, (server.cpu() - before) * 1e6 / count


def median(samples, which):
    return statistics.median(sample[which] for sample in samples)


def compare_fresh(bench, pond, postgres, what, templates, counts, rounds, floor):
    mine, theirs = [], []
    for _ in range(rounds):
        mine.append(bench.fresh(pond, counts[0], templates[0]))
        theirs.append(bench.fresh(postgres, counts[1], templates[1]))
    for which, unit in ((0, "us"), (1, "server CPU us")):
        us, them = median(mine, which), median(theirs, which)
        row("a fresh database from %s: %s" % (what, unit), "%.0f" % us, "%.0f" % them, "%.0f" % (them / us), floor if which == 0 else "")
    print("    all rounds, us: pond %s; PostgreSQL %s" % tuple(" ".join("%.0f" % w for w, _ in s) for s in (mine, theirs)))


def fill_postgres(bench, postgres, rows):
    bench.psql(postgres, "postgres", "CREATE DATABASE large")
    bench.psql(postgres, "large", "CREATE TABLE orders (id int PRIMARY KEY, customer_id int, filler text)",
               "ALTER TABLE orders ALTER filler SET STORAGE PLAIN",
               "INSERT INTO orders SELECT i, i %% 1000, repeat(md5(i::text), 28) FROM generate_series(1, %d) i" % rows, "VACUUM ANALYZE orders", "CHECKPOINT")
    return bench.psql(postgres, "postgres", "SELECT pg_size_pretty(pg_database_size('large'))")


def show_inside(bench, pond):
    lines = bench.program("bench_clone", 300, 20000)
    clone = re.search(r"clone create \+ drop +([\d.]+) +([\d.]+)", lines)
    row("clone alone, 4 MB and 300 MB: CPU us", "%s, %s" % clone.groups(), "", "", "< 10")
    count, us, most, later = re.search(r"rewind of (\d+) changed pages: ([\d.]+) us, at most ([\d.]+), later ([\d.]+)", lines).groups()
    row("rewind of %s changed pages: CPU us, most" % count, "%s, %s" % (us, most), "", "", "< 1000")
    row("  and to free them, in short turns after it: CPU us", later, "", "", "")
    samples = [bench.client(pond, "after", 20, "UPDATE orders SET customer_id = customer_id + 1 WHERE id <= 40000|SELECT pond_reset()",
                            "large") for _ in range(bench.options.rounds)]
    row("reset of as many over the wire: us, most", "%.0f, %.0f" % (median(samples, 0), max(m for _, m in samples)), "", "", "< 1000")


def show_thousand(bench, pond):
    """Memory for each of 1,000 shared clones that are connected to and have changed a row: the kernel's count, and pondd's own."""
    before = bench.memory(pond), int(bench.statistics(pond, "thousand")["memory"]) / 1024
    holder = subprocess.Popen(bench.client_command(pond, "hold", 1000, WRITE, "middle~#"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holder.stdout.readline()
    held = bench.memory(pond) - before[0], int(bench.statistics(pond, "thousand")["memory"]) / 1024 - before[1]
    own = int(bench.psql(pond, "postgres", "SELECT sum(pg_database_size(oid)) FROM pg_database WHERE datname LIKE 'middle~%'"))
    holder.stdin.close()
    holder.wait()
    row("1,000 live clones of 100 MB: KiB each, by its own count", "%.0f, %.0f" % (held[0] / 1000, held[1] / 1000), "", "",
        "<= 300 + %.0f" % (own / 1024000))


def show_line(bench, pond):
    for hold in (1000, 0):
        found = [re.search(r"p50 ([\d.]+) p99 ([\d.]+).*at most (\d+)", bench.program("bench_line", hold)).groups()
                 for _ in range(bench.options.rounds)]
        row("hand-over of a place, held %d us, inside: us p50, p99" % hold, "%.1f, %.1f" % (
            median([(float(a), float(b)) for a, b, _ in found], 0), median([(float(a), float(b)) for a, b, _ in found], 1)),
            "", "", "p99 < 1000")
    found = [[float(n) for n in bench.program("bench_waiters", pond.host, pond.port, 8, 1000, "line").split()]
             for _ in range(bench.options.rounds)]
    row("1,000 clients for 8 sessions, over the wire: us p50, p99", "%.0f, %.0f" % (median(found, 0), median(found, 1)), "", "",
        "p99 < 1000")
    row("of these, served out of their turn", "%d" % sum(one[3] for one in found), "", "", "0")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--big-rounds", type=int, default=3, help="with the 1 GB template")
    parser.add_argument("--large-rows", type=int, default=1000000, help="rows of the 1 GB template")
    parser.add_argument("--middle-rows", type=int, default=107000, help="rows of the 100 MB template")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="pond-bench.") as folder:
        os.chmod(folder, 0o755)
        bench = Bench(options, folder)
        try:
            for name, rows in (("large", options.large_rows), ("middle", options.middle_rows)):
                bench.make_orders(name, rows)
                print("%s.db: %d MB" % (name, os.path.getsize(bench.path(name + ".db")) >> 20))
            pond = bench.start_pond("pond", POND, "shop")
            postgres = bench.start_postgres()
            row("what", "pond", "PostgreSQL", "ratio", "floor (goal)")
            compare_fresh(bench, pond, postgres, "a small template", ("shop", "untouched"), (2000, 10), options.rounds, ">= 100 (1000)")
            print("    PostgreSQL's large template: " + fill_postgres(bench, postgres, options.large_rows), flush=True)
            compare_fresh(bench, pond, postgres, "a 1 GB template", ("large", "large"), (1000, 1), options.big_rounds, ">= 5000")
            show_inside(bench, pond)
            show_thousand(bench, bench.start_pond("thousand", THOUSAND, "middle"))
            show_line(bench, pond)
        finally:
            bench.stop()


if __name__ == "__main__":
    main()
