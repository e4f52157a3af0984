#!/usr/bin/python3
"""pond beside PostgreSQL 15 and PgBouncer: the same data, the same client, in turns, in one run. See servers.py for the rules."""
import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

from servers import Servers, row

SELECT = "\\set id random(1, 100000)\nSELECT customer_id FROM orders WHERE id = :id;\n"
UPDATE = "\\set id random(1, 100000)\nUPDATE orders SET customer_id = customer_id WHERE id = :id;\n"
POINT_QUERY = "SELECT customer_id FROM orders WHERE id = 4711"


class Bench(Servers):
    def pgbench(self, server, mode, seconds):
        """Transactions per second and server CPU microseconds per transaction."""
        select, update = self.write("select.sql", SELECT), self.write("update.sql", UPDATE)
        before = server.cpu()
        out = subprocess.run(["pgbench", "-n", "-M", mode, "-c", "8", "-T", str(seconds), "-f", select + "@99", "-f", update + "@1",
                              "-h", server.host, "-p", str(server.port), "-U", "tester", server.database],
                             capture_output=True, text=True)
        if out.returncode != 0 or "aborted" in out.stderr:
            sys.exit("pgbench on %s: %s%s" % (server.name, out.stdout, out.stderr))
        # A backend's time is known to its parent only once that has waited for it.
        time.sleep(0.1)
        done = int(re.search(r"number of transactions actually processed: (\d+)", out.stdout).group(1))
        return float(re.search(r"tps = ([\d.]+)", out.stdout).group(1)), (server.cpu() - before) * 1e6 / done

    def memory_per_connection(self, server, count):
        """KiB of the daemon's own memory per connection that ran a query and idles."""
        self.client(server, "connect", 50, POINT_QUERY)
        before = self.memory(server)
        holder = subprocess.Popen(self.client_command(server, "hold", count, POINT_QUERY), stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        holder.stdout.readline()
        held = self.memory(server) - before
        holder.stdin.close()
        holder.wait()
        return held / count

    def inside(self, server, name):
        """Microseconds of clone + session + first query inside the daemon."""
        return float(self.statistics(server, name)["clone_open_us_mean"])


def compare_point_query(bench, servers):
    for mode in ("simple", "extended", "prepared"):
        samples = {server.name: [] for server in servers}
        for _ in range(bench.options.rounds):
            for server in servers:
                samples[server.name].append(bench.pgbench(server, mode, bench.options.seconds))
        tps = {name: statistics.median(t for t, _ in runs) for name, runs in samples.items()}
        cpu = {name: statistics.median(c for _, c in runs) for name, runs in samples.items()}
        for peer in ("PostgreSQL", "PgBouncer"):
            floor = {("simple", "PostgreSQL"): "<= 0.60", ("prepared", "PostgreSQL"): "<= 0.40 (0.33)",
                     ("prepared", "PgBouncer"): "<= 0.30"}.get((mode, peer), "")
            row("point query %s: server CPU us, %s" % (mode, peer), "%.1f" % cpu["pond"], "%.1f" % cpu[peer],
                "%.2f" % (cpu["pond"] / cpu[peer]), floor)
            row("point query %s: transactions/s, %s" % (mode, peer), "%.0f" % tps["pond"], "%.0f" % tps[peer],
                "%.2f" % (tps["pond"] / tps[peer]), "")


def compare_connections(bench, pond, postgres):
    rounds = bench.options.rounds
    mine = [bench.client(pond, "connect", 2000, POINT_QUERY)[0] for _ in range(rounds)]
    theirs = [bench.client(postgres, "connect", 200, POINT_QUERY)[0] for _ in range(rounds)]
    fresh = [bench.client(postgres, "fresh", 10, POINT_QUERY, "untouched")[0] for _ in range(rounds)]
    us, them, made = statistics.median(mine), statistics.median(theirs), statistics.median(fresh)
    row("connect + query + disconnect: us", "%.0f" % us, "%.0f" % them, "%.1f" % (them / us), ">= 10 (20)")
    row("a fresh isolated database: us", "%.0f" % us, "%.0f" % made, "%.0f" % (made / us), ">= 100 (1000)")


def compare_templates(bench):
    """Clone + first query inside the daemon, on templates of very different size with the same schema."""
    means = {}
    for name, rows in (("small", bench.options.small_rows), ("large", bench.options.large_rows)):
        bench.make_orders(name, rows)
        server = bench.start_pond(name, "[pond]\nlisten_addr =\nlisten_port = 6%03d\nunix_socket_dir = {dir}\n"
                                  "[database shop]\nseed = %s.db\n" % (100 + rows % 7, name), "shop")
        bench.client(server, "connect", 2000, POINT_QUERY)
        size = os.path.getsize(bench.path(name + ".db"))
        means[name] = bench.inside(server, name)
        row("clone + first query inside, %d MB template: us" % (size >> 20), "%.0f" % means[name], "", "", "<= 100")
    row("large template / small template", "", "", "%.2f" % (means["large"] / means["small"]), "0.80 .. 1.20")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each pgbench run")
    parser.add_argument("--small-rows", type=int, default=4300, help="rows of the 4 MB template")
    parser.add_argument("--large-rows", type=int, default=1000000, help="rows of the 1 GB template")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="pond-bench.") as folder:
        os.chmod(folder, 0o755)
        bench = Bench(options, folder)
        try:
            pond = bench.start_pond("pond", "[pond]\nlisten_addr =\nlisten_port = 6000\nunix_socket_dir = {dir}\n"
                                    "max_client_conn = 1200\n[database shop]\nseed = {root}/conf/demo.sql\n", "shop")
            postgres = bench.start_postgres()
            servers = (pond, postgres, bench.start_pgbouncer(postgres))
            row("what", "pond", "peer", "ratio", "floor (goal)")
            compare_point_query(bench, servers)
            compare_connections(bench, pond, postgres)
            row("clone + first query inside, demo: us", "%.0f" % bench.inside(pond, "pond"), "", "", "<= 100")
            row("memory per idle connection of 1,000: KiB", "%.0f" % bench.memory_per_connection(pond, 1000), "", "", "<= 96 (64)")
            compare_templates(bench)
        finally:
            bench.stop()


if __name__ == "__main__":
    main()
