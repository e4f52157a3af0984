"""Starts pond, PostgreSQL 15 and PgBouncer for the benchmarks, and reads what their processes cost.

Machines are shared and noisy: what counts is the ratio, the server's CPU per unit of work before wall time, and the median of the
rounds. PostgreSQL runs with fsync, synchronous_commit and full_page_writes off, so that no disk is in the comparison; but where
that is what is compared.
"""
import os
import re
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PG_BIN = "/usr/lib/postgresql/15/bin"
TICK = os.sysconf("SC_CLK_TCK")


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


def children_of(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as children:
            return [int(child) for child in children.read().split()]
    except FileNotFoundError:
        return []


class Servers:
    """The servers of one run; `options.build` has the programs, `folder` takes all files."""

    def __init__(self, options, folder):
        self.options, self.folder, self.daemons = options, folder, []

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as out:
            out.write(text)
        return self.path(name)

    def make_orders(self, name, rows):
        """NAME.db: an SQLite file with rows of about 1 kB."""
        subprocess.run(["sqlite3", self.path(name + ".db"),
                        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id int4, filler text);"
                        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
                        "INSERT INTO orders SELECT i, i %% 1000, hex(randomblob(450)) FROM n;" % rows], check=True)

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

    def start_postgres(self, seed=ROOT + "/conf/demo.sql", durable=False):
        careless = [] if durable else ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
        data, socket_dir = self.path("pg"), self.path("pgsock")
        for folder in (data, socket_dir):
            os.mkdir(folder)
            if os.getuid() == 0:
                subprocess.run(["chown", "postgres", folder], check=True)
        subprocess.run(as_postgres([PG_BIN + "/initdb", "-A", "trust", "-U", "tester", "-E", "UTF8", "--locale=C", data]),
                       check=True, stdout=subprocess.DEVNULL)
        self.daemons.append(subprocess.Popen(
            as_postgres([PG_BIN + "/postgres", "-D", data, "-k", socket_dir, "-p", "6001", "-c", "listen_addresses=",
                         *careless, "-c", "max_connections=1200", "-c", "shared_buffers=512MB"]),
            stderr=open(self.path("pg.log"), "w")))
        psql = ["psql", "-X", "-q", "-h", socket_dir, "-p", "6001", "-U", "tester"]
        while subprocess.run(psql + ["-d", "postgres", "-c", "SELECT 1"], capture_output=True).returncode != 0:
            if self.daemons[-1].poll() is not None:
                sys.exit("PostgreSQL did not start: " + open(self.path("pg.log")).read())
            time.sleep(0.05)
        subprocess.run(psql + ["-d", "postgres", "-c", "CREATE DATABASE shop"], check=True)
        subprocess.run(psql + ["-d", "shop", "-v", "ON_ERROR_STOP=1", "-f", seed], check=True,
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

    def client_command(self, server, mode, count, query, database=None):
        return [os.path.join(self.options.build, "bin/bench_client"), server.host, str(server.port), mode, str(count),
                database or server.database, query]

    def client(self, server, mode, count, query, database=None):
        """The numbers that the raw client printed: for most modes, wall microseconds per round."""
        out = subprocess.run(self.client_command(server, mode, count, query, database), capture_output=True, text=True)
        if out.returncode != 0:
            sys.exit("bench_client %s on %s: %s" % (mode, server.name, out.stderr))
        return [float(word) for word in out.stdout.split()]

    def memory(self, server):
        """KiB of the server's own memory."""
        with open("/proc/%d/smaps_rollup" % next(iter(server.pids))) as rollup:
            return int(re.search(r"Pss:\s+(\d+)", rollup.read()).group(1))

    def statistics(self, server, name):
        """The daemon's own statistics, asked for by SIGUSR1."""
        pid = next(iter(server.pids))
        log = self.path(name + ".log")
        size = os.path.getsize(log)
        os.kill(pid, signal.SIGUSR1)
        for _ in range(200):
            with open(log) as text:
                text.seek(size)
                found = dict(word.split("=", 1) for word in text.read().split() if "=" in word)
            if "longest_hold_us" in found:
                return found
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


def row(what, pond, other, ratio, floor):
    print("%-58s %12s %12s %8s   %s" % (what, pond, other, ratio, floor))
