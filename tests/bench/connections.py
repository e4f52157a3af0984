#!/usr/bin/python3
"""Many connections held open on one daemon, each on a clone of its own: how long it takes to open them, what a query costs among
them, and what each of them weighs.

The daemon is started with a soft limit of 1,024 descriptors, as a shell or systemd would, and has to raise it itself.
"""
import argparse
import os
import resource
import statistics
import subprocess
import tempfile

from servers import Servers, row

POND = ("[pond]\nlisten_addr = {address}\nlisten_port = 6000\nunix_socket_dir = {{dir}}\nmax_client_conn = {count}\n{loops}"
        "[database shop]\nseed = {{root}}/conf/demo.sql\n")
POINT = "SELECT customer_id FROM orders WHERE id = #"


class Crowd:
    """A client that holds the connections."""

    def __init__(self, bench, server, count):
        self.process = subprocess.Popen(bench.client_command(server, "crowd", count, POINT), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.opened_us = self.numbers()[0]

    def numbers(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the client ended with %d" % self.process.wait())
        return [float(word) for word in line.split()[1:]]

    def round(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.numbers()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def counter(bench, server):
    return int(bench.statistics(server, "pond")["memory"]) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loops", type=int, help="else one for each core")
    parser.add_argument("--tcp", action="store_true", help="not over the unix socket")
    options = parser.parse_args()
    count = options.connections

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, hard), hard))
    with tempfile.TemporaryDirectory(prefix="pond-bench.") as folder:
        os.chmod(folder, 0o755)
        bench = Servers(options, folder)
        conf = POND.format(address="127.0.0.1" if options.tcp else "", count=count + 100,
                           loops="" if options.loops is None else "loops = %d\n" % options.loops)
        try:
            pond = bench.start_pond("pond", conf, "shop")
            if options.tcp:
                pond.host = "127.0.0.1"
            bench.client(pond, "connect", 50, POINT.replace("#", "1"))
            pss, used = bench.memory(pond), counter(bench, pond)
            crowd = Crowd(bench, pond, count)
            row("what", "pond", "", "", "floor")
            row("%d connections opened, one after the other: s" % count, "%.2f" % (crowd.opened_us / 1e6), "", "", "")
            row("  each: us", "%.0f" % (crowd.opened_us / count), "", "", "")
            row("of them alive", bench.statistics(pond, "pond")["connections"], "", "", ">= %d" % count)
            before = pond.cpu()
            rounds = [crowd.round() for _ in range(options.rounds)]
            cpu_us = (pond.cpu() - before) * 1e6 / (2 * count * options.rounds)
            for name, at, scale in (("point query on one at random: p50 us", 0, 1), ("  p99 us", 1, 1), ("  longest us", 2, 1),
                                    ("a query on all at the same time: ms", 3, 1000)):
                row(name, "%.0f" % (statistics.median(numbers[at] for numbers in rounds) / scale), "", "", "")
            row("server CPU per query: us", "%.1f" % cpu_us, "", "", "")
            row("memory of each that idles: KiB (PSS)", "%.1f" % ((bench.memory(pond) - pss) / count), "", "", "<= 32")
            row("  by the daemon's own counter", "%.1f" % ((counter(bench, pond) - used) / count), "", "", "")
            crowd.close()
            found = bench.statistics(pond, "pond")
            for kind in ("hold", "cpu"):
                row("longest %s of one task: ms, by %s" % (kind, found["longest_%s_by" % kind]),
                    "%.2f" % (int(found["longest_%s_us" % kind]) / 1000), "", "", "")
        finally:
            bench.stop()


if __name__ == "__main__":
    main()
