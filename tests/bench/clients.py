#!/usr/bin/python3
"""Every client pages through 1,000,000 rows, of a series and of a table: rows per second, and what the daemon holds half-way.

The numbers are mostly the client's own: what it costs a driver to make its rows. The growth is the daemon's proportional
set size (PSS) with the result half read, over an idle connection.
"""
import argparse
import os
import re
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "clients"))

import paging  # noqa: E402
import wire  # noqa: E402
from pond_daemon import Daemon  # noqa: E402

CONF = "[pond]\nlisten_addr = 127.0.0.1\nlisten_port = 0\n[database shop]\nseed = seed.sql\n"


def start(options, folder):
    for name, text in (("seed.sql", paging.SEED % options.rows), ("conf", CONF)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    return Daemon(os.path.join(options.build, "bin/pondd"), os.path.join(folder, "conf"), folder)


def pss_bytes(daemon):
    with open("/proc/%d/smaps_rollup" % daemon.process.pid, encoding="ascii") as rollup:
        return int(re.search(r"Pss:\s+(\d+)", rollup.read()).group(1)) << 10


def row(*words):
    print("%-26s %-8s %10s %14s %12s" % words, flush=True)


def measure(daemon, options, client, source):
    try:
        got = paging.read(client, wire.HOST, wire.PORT, "shop", source, options.rows, lambda: pss_bytes(daemon), options.page)
    except paging.Missing as missing:
        row(client, source, "-", str(missing).strip(), "")
        return
    assert (got.count, got.sum) == (options.rows, options.rows * (options.rows + 1) // 2), "the rows are not right"
    row(client, source, "%.2f" % got.seconds, "%d" % (got.count / got.seconds), "%d" % ((got.held - got.idle) >> 10))
    daemon.settled()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--page", type=int, default=paging.PAGE)
    parser.add_argument("clients", nargs="*", default=paging.CLIENTS, help="by default all: %s" % ", ".join(paging.CLIENTS))
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="pond-bench.") as folder:
        daemon = start(options, folder)
        try:
            row("client", "of", "seconds", "rows/s", "growth KiB")
            for client in options.clients:
                for source in paging.SOURCES:
                    measure(daemon, options, client, source)
        finally:
            daemon.stop()


if __name__ == "__main__":
    main()
