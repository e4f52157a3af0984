#!/usr/bin/python3
"""pond beside PostgreSQL 15 and PgBouncer: the same data, the same client, in turns, in one run.

Machines are shared and noisy: what counts is the ratio, the server's CPU per unit of work before wall time, and the median of the
rounds. PostgreSQL runs with fsync, synchronous_commit and full_page_writes off, so that no disk is in the comparison.
"""
import argparse
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PG_BIN = "/usr/lib/postgresql/15/bin"
TICK = os.sysconf("SC_CLK_TCK")

SELECT = "\\set id random(1, 100000)\nSELECT customer_id FROM orders WHERE id = :id;\n"
UPDATE = "\\set id random(1, 100000)\nUPDATE orders SET customer_id = customer_id WHERE id = :id;\n"
POINT_QUERY = "SELECT customer_id FROM orders WHERE id = 4711"


def as_postgres(command):
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--"] + command if os.getuid() == 0 else command


def process_cpu_seconds(pid, with_children):
    """User and system time of a process, and of all that it started, ended or alive."""
    try:
        with open("/proc/%d/stat" % pid) as stat:
            words = stat.read().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    total = int(words[11]) + int(words[12])
    if not with_children:
        return total / TICK
    total += int(words[13]) + int(words[14])
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as children:
            alive = [int(child) for child in children.read().split()]
    except FileNotFoundError:
        alive = []
    return total / TICK + sum(process_cpu_seconds(child, True) for child in alive)


class Server:
    """One way to reach a server; `pids` maps the processes whose CPU counts to whether their children do."""

    def __init__(self, name, host, port, database, pids):
        self.name, self.host, self.port, self.database, self.pids = name, host, port, database, pids

    def cpu(self):
        return sum(process_cpu_seconds(pid, children) for pid, children in self.pids.items())


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder, self.daemons = options, folder, []

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as out:
            out.write(text)
        return self.path(name)

    def start_pond(self, name, conf, database):
        folder = self.path(name)
        os.mkdir(folder)
        conf = self.write(name + ".conf", conf.format(dir=folder, root=ROOT))
        read_end, write_end = os.pipe()
        os.set_inheritable(write_end, True)
        log = open(self.path(name + ".log"), "w")
        daemon = subprocess.Popen([os.path.join(self.options.build, "bin/pondd"), "-c", conf, "--ready-fd", str(write_end)],
                                  close_fds=False, stderr=log)
        os.close(write_end)
        self.daemons.append(daemon)
        with os.fdopen(read_end) as ready:
            lines = [dict(word.split("=", 1) for word in line.split()) for line in ready]
        if not lines:
            sys.exit("pondd did not start: " + open(log.name).read())
        address = next(line for line in lines if line["host"].startswith("/"))
        return Server("pond", address["host"], int(address["port"]), database, {daemon.pid: False})

    def start_postgres(self):
        data, socket_dir = self.path("pg"), self.path("pgsock")
        for folder in (data, socket_dir):
            os.mkdir(folder)
            if os.getuid() == 0:
                subprocess.run(["chown", "postgres", folder], check=True)
        subprocess.run(as_postgres([PG_BIN + "/initdb", "-A", "trust", "-U", "tester", "-E", "UTF8", "--locale=C", data]),
                       check=True, stdout=subprocess.DEVNULL)
        self.daemons.append(subprocess.Popen(
            as_postgres([PG_BIN + "/postgres", "-D", data, "-k", socket_dir, "-p", "6001", "-c", "listen_addresses=",
                         "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
                         "-c", "max_connections=1200", "-c", "shared_buffers=512MB"]),
            stderr=open(self.path("pg.log"), "w")))
        psql = ["psql", "-X", "-q", "-h", socket_dir, "-p", "6001", "-U", "tester"]
        while subprocess.run(psql + ["-d", "postgres", "-c", "SELECT 1"], capture_output=True).returncode != 0:
            if self.daemons[-1].poll() is not None:
                sys.exit("PostgreSQL did not start: " + open(self.path("pg.log")).read())
            time.sleep(0.05)
        subprocess.run(psql + ["-d", "postgres", "-c", "CREATE DATABASE shop"], check=True)
        subprocess.run(psql + ["-d", "shop", "-v", "ON_ERROR_STOP=1", "-f", ROOT + "/conf/demo.sql"], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run(psql + ["-d", "shop", "-c", "VACUUM ANALYZE"], check=True)
        # PostgreSQL takes only a template that nobody is connected to.
        subprocess.run(psql + ["-d", "postgres", "-c", "CREATE DATABASE untouched TEMPLATE shop"], check=True)
        with open(os.path.join(data, "postmaster.pid")) as pid_file:
            pid = int(pid_file.readline())
        return Server("PostgreSQL", socket_dir, 6001, "shop", {pid: True})

    def start_pgbouncer(self, postgres):
        folder = self.path("bouncer")
        os.mkdir(folder)
        users = self.write("bouncer/users.txt", '"tester" ""\n')
        conf = self.write("bouncer/pgbouncer.ini", """[databases]
shop = host={host} port={port} dbname=shop
[pgbouncer]
listen_addr =
unix_socket_dir = {dir}
listen_port = 6002
auth_type = trust
auth_file = {users}
pool_mode = session
max_client_conn = 1200
""".format(host=postgres.host, port=postgres.port, dir=folder, users=users))
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", "postgres", folder], check=True)
        subprocess.run(["chmod", "a+rx", self.folder], check=True)
        daemon = subprocess.Popen(as_postgres(["/usr/sbin/pgbouncer", conf]), stderr=open(self.path("bouncer.log"), "w"))
        self.daemons.append(daemon)
        while not os.path.exists(folder + "/.s.PGSQL.6002"):
            if daemon.poll() is not None:
                sys.exit("PgBouncer did not start: " + open(self.path("bouncer.log")).read())
            time.sleep(0.05)
        # runuser is the parent; the bouncer its only child.
        return Server("PgBouncer", folder, 6002, "shop", {daemon.pid: True, **postgres.pids})

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

    def client(self, server, mode, count, database=None):
        """Wall microseconds per round of the raw client."""
        out = subprocess.run([os.path.join(self.options.build, "bin/bench_client"), server.host, str(server.port), mode, str(count),
                              database or server.database, POINT_QUERY], capture_output=True, text=True)
        if out.returncode != 0:
            sys.exit("bench_client %s on %s: %s" % (mode, server.name, out.stderr))
        return float(out.stdout)

    def memory_per_connection(self, server, count):
        """KiB of the daemon's own memory per connection that ran a query and idles."""
        pid = next(iter(server.pids))
        self.client(server, "connect", 50)

        def resident():
            with open("/proc/%d/smaps_rollup" % pid) as rollup:
                return int(re.search(r"Pss:\s+(\d+)", rollup.read()).group(1))
        before = resident()
        holder = subprocess.Popen([os.path.join(self.options.build, "bin/bench_client"), server.host, str(server.port), "hold",
                                   str(count), server.database, POINT_QUERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holder.stdout.readline()
        held = resident() - before
        holder.stdin.close()
        holder.wait()
        return held / count

    def inside(self, server, name):
        """The daemon's own statistic of clone + session + first query, in microseconds: asked for by SIGUSR1."""
        pid = next(iter(server.pids))
        log = self.path(name + ".log")
        size = os.path.getsize(log)
        os.kill(pid, signal.SIGUSR1)
        for _ in range(200):
            with open(log) as text:
                text.seek(size)
                found = re.search(r"clone_open_us_mean=([\d.]+)", text.read())
            if found:
                return float(found.group(1))
            time.sleep(0.01)
        sys.exit("pondd logged no statistics")

    def stop(self):
        for daemon in reversed(self.daemons):
            for pid in [daemon.pid] + children_of(daemon.pid):
                try:
                    os.kill(pid, signal.SIGINT)
                except ProcessLookupError:
                    pass
            daemon.wait()


def children_of(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as children:
            return [int(child) for child in children.read().split()]
    except FileNotFoundError:
        return []


def row(what, pond, other, ratio, floor):
    print("%-58s %12s %12s %8s   %s" % (what, pond, other, ratio, floor))


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
    mine = [bench.client(pond, "connect", 2000) for _ in range(rounds)]
    theirs = [bench.client(postgres, "connect", 200) for _ in range(rounds)]
    fresh = [bench.client(postgres, "fresh", 10, "untouched") for _ in range(rounds)]
    us, them, made = statistics.median(mine), statistics.median(theirs), statistics.median(fresh)
    row("connect + query + disconnect: us", "%.0f" % us, "%.0f" % them, "%.1f" % (them / us), ">= 10 (20)")
    row("a fresh isolated database: us", "%.0f" % us, "%.0f" % made, "%.0f" % (made / us), ">= 100 (1000)")


def compare_templates(bench):
    """Clone + first query inside the daemon, on templates of very different size with the same schema."""
    means = {}
    for name, rows in (("small", bench.options.small_rows), ("large", bench.options.large_rows)):
        subprocess.run(["sqlite3", bench.path(name + ".db"),
                        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id int4, filler text);"
                        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
                        "INSERT INTO orders SELECT i, i %% 1000, hex(randomblob(450)) FROM n;" % rows], check=True)
        server = bench.start_pond(name, "[pond]\nlisten_addr =\nlisten_port = 6%03d\nunix_socket_dir = {dir}\n"
                                  "[database shop]\nseed = %s.db\n" % (100 + rows % 7, name), "shop")
        bench.client(server, "connect", 2000)
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
