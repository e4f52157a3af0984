#!/usr/bin/python3
"""`pond query --format csv` beside `psql --csv` and psql's COPY: 1,000,000 rows of the same server.

In turns, the median of the rounds; what counts is the client's CPU per row, and that its memory does not grow with the rows.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

from servers import PG_BIN, Servers, row

ROWS = 1000000
POND = ("[pond]\nlisten_addr =\nlisten_port = 6000\nunix_socket_dir = {dir}\n"
        "[database shop]\nseed = {root}/tests/bench/scan.sql\nclone_memory = 1GB\n")
PSQL = PG_BIN + "/psql"  # what is in PATH may be a script that looks for it
SELECT = "SELECT * FROM scan ORDER BY 1 LIMIT %d"


def commands(build, rows):
    select = SELECT % rows
    return {"pond query": [os.path.join(build, "bin/pond"), "query", "-q", "--format", "csv", select],
            "psql --csv": [PSQL, "-X", "-q", "--csv", "-c", select],
            "psql COPY": [PSQL, "-X", "-q", "-c", "COPY (%s) TO STDOUT (FORMAT csv, HEADER)" % select]}


def measure(command, env, out=subprocess.DEVNULL):
    """Seconds, and seconds of the client's CPU."""
    begin = time.monotonic()
    process = subprocess.Popen(command, env=env, stdout=out)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit("%s ended with %d" % (command, process.returncode))
    return time.monotonic() - begin, usage.ru_utime + usage.ru_stime


def most_memory(command, env):
    """KiB. Looked at while it runs: ru_maxrss begins with what Python has."""
    most = 0
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            with open("/proc/%d/status" % process.pid) as text:
                found = [int(line.split()[1]) for line in text if line.startswith("VmHWM:")]
        except FileNotFoundError:
            found = []
        most = max([most] + found)
        time.sleep(0.002)
    return most


def check_same(options, env, folder):
    """All three must have written the same bytes."""
    written = []
    for name, command in commands(options.build, ROWS).items():
        path = os.path.join(folder, "out")
        with open(path, "wb") as out:
            measure(command, env, out)
        written.append(subprocess.run(["md5sum", path], capture_output=True, check=True).stdout)
        os.unlink(path)
        if written[-1] != written[0]:
            sys.exit("%s wrote something else" % name)


def compare(options, env, rows):
    samples = {name: [] for name in commands(options.build, rows)}
    for _ in range(options.rounds):
        for name, command in commands(options.build, rows).items():
            samples[name].append(measure(command, env))
    middle = {name: [statistics.median(values) for values in zip(*taken)] for name, taken in samples.items()}
    memory = {name: most_memory(command, env) for name, command in commands(options.build, rows).items()}
    mine = middle.pop("pond query")
    for name, theirs in middle.items():
        what = "%d rows, pond query beside %s: " % (rows, name)
        row(what + "rows/s", "%.0f" % (rows / mine[0]), "%.0f" % (rows / theirs[0]), "%.2f" % (theirs[0] / mine[0]), "")
        row(what + "client CPU us per row", "%.3f" % (mine[1] / rows * 1e6), "%.3f" % (theirs[1] / rows * 1e6),
            "%.2f" % (mine[1] / theirs[1]), "<= 0.80" if name == "psql --csv" else "")
        row(what + "most memory, KiB", "%d" % memory["pond query"], "%d" % memory[name],
            "%.2f" % (memory["pond query"] / memory[name]), "")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="pond-bench.") as folder:
        servers = Servers(options, folder)
        try:
            pond = servers.start_pond("pond", POND, "shop")
            env = dict(os.environ, PGHOST=pond.host, PGPORT=str(pond.port), PGUSER="tester", PGDATABASE="shop")
            check_same(options, env, folder)
            row("what", "pond", "psql", "ratio", "goal")
            for rows in (ROWS // 10, ROWS):
                compare(options, env, rows)
        finally:
            servers.stop()


if __name__ == "__main__":
    main()
