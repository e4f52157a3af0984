#!/usr/bin/python3
"""Fair turns on one loop: eight endless aggregates and one endless sort beside a client that asks for single rows.

A heavy client's share is the CPU that its statement takes alone, by the time that it takes in the crowd. Where others use the
machine too, point queries and the longest hold have the time in them that the daemon's thread waited for a processor.
"""
import argparse
import os
import subprocess
import tempfile

from servers import Servers, row

POND = ("[pond]\nlisten_addr =\nlisten_port = 6000\nunix_socket_dir = {dir}\nloops = 1\n"
        "[database shop]\nseed = {root}/tests/bench/scan.sql\n")
AGGREGATE = "SELECT count(*), sum(amount), max(label) FROM scan WHERE id <= 100000"
SORT = "SELECT id FROM scan ORDER BY label"
POINT = "SELECT amount, label FROM scan WHERE id = #"
AGGREGATES = 8


class Bench(Servers):
    def alone(self, server, query):
        """Mean microseconds of the daemon's CPU for a statement when nothing else runs."""
        before = server.cpu()
        # One more than have ended in time was run.
        count = self.client(server, "latency", self.options.alone_seconds, query)[-1] + 1
        return (server.cpu() - before) * 1e6 / count

    def start(self, server, query, seconds):
        return subprocess.Popen(self.client_command(server, "latency", seconds, query), stdout=subprocess.PIPE, text=True)


def numbers(process):
    return [float(word) for word in process.communicate()[0].split()]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--alone-seconds", type=int, default=5)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="pond-bench.") as folder:
        os.chmod(folder, 0o755)
        bench = Bench(options, folder)
        try:
            pond = bench.start_pond("pond", POND, "shop")
            queries = [AGGREGATE] * AGGREGATES + [SORT]
            alone = {query: bench.alone(pond, query) for query in (AGGREGATE, SORT)}
            heavy = [bench.start(pond, query, options.seconds + 2) for query in queries]
            p50, p99, p999, most = bench.client(pond, "latency", options.seconds, POINT)[:4]
            crowd = [numbers(process)[4] for process in heavy]
            shares = [alone[query] / us for query, us in zip(queries, crowd)]
            equal = sum(shares) / len(shares)
            row("what", "pond", "", "", "floor")
            row("point query: p50 ms", "%.2f" % (p50 / 1000), "", "", "")
            row("point query: p99 ms", "%.2f" % (p99 / 1000), "", "", "<= 5")
            row("point query: p99.9 ms", "%.2f" % (p999 / 1000), "", "", "")
            row("point query: longest ms", "%.2f" % (most / 1000), "", "", "")
            row("least share of an aggregate / equal", "%.2f" % (min(shares[:-1]) / equal), "", "", ">= 0.80")
            row("largest share of an aggregate / equal", "%.2f" % (max(shares[:-1]) / equal), "", "", "<= 1.20")
            row("share of the sort / equal", "%.2f" % (shares[-1] / equal), "", "", "0.80 .. 1.20")
            found = bench.statistics(pond, "pond")
            for kind in ("hold", "cpu"):
                row("longest %s of one task: ms, by %s" % (kind, found["longest_%s_by" % kind]),
                    "%.2f" % (int(found["longest_%s_us" % kind]) / 1000), "", "", "")
        finally:
            bench.stop()


if __name__ == "__main__":
    main()
