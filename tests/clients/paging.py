"""Every client pages through the same result: what test_paging.py and tests/bench/clients.py share.

A client is a program of its own (paging/, jdbc/PageJdbc.java) that is told the number of rows, a page's size and a
statement whose first column counts from 1. It says, a line each, and waits for a line after each:

    ready                    it is connected
    half                     it has read half of the rows, and holds the result
    all COUNT SUM SECONDS    it has read them all; the seconds are without those it waited
    after COUNT N            it has read the same again up to the half, stopped, and asked the same connection for SELECT 7

psql cannot be told to wait: it is held up half-way by its full pipe, and stopped half-way by Ctrl-C at a terminal.
"""
import os
import pty
import signal
import subprocess
import tempfile
import time
import tty

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = 1000
SOURCES = {"series": "SELECT i, 'row ' || i AS label FROM generate_series(1, %d) AS g(i)",
           "table": "SELECT i, label FROM numbers WHERE i <= %d"}
SEED = """CREATE TABLE numbers (i integer PRIMARY KEY, label text NOT NULL);
INSERT INTO numbers SELECT i, 'row ' || i FROM generate_series(1, %d) AS g(i);
"""


class Missing(Exception):
    """The client is not installed."""


class Reading:
    """What a client has read, how long it took, and what the daemon's memory was: idle, and with the half-read result."""

    def __init__(self):
        self.count = self.sum = self.seconds = self.idle = self.held = self.again = self.after = None


# ---- clients that are programs ----

def python(name):
    return lambda folder, words: ["/usr/bin/python3", os.path.join(HERE, "paging", "page.py"), name] + words


def node(mode):
    return lambda folder, words: ["bash", "-c", '. ./node.sh; exec node paging/page.js "$@"', "--", mode] + words


def jdbc(folder, words):
    return ["bash", "-c", '. ./java.sh; classes=$1; shift; javac -d "$classes" -cp "$jdbc_jar" jdbc/*.java; '
                          'exec java -cp "$classes:$jdbc_jar" PageJdbc "$@"', "--", folder] + words


def converse(command, env, look):
    """Starts a client and answers it to its end; look() gives the daemon's memory."""
    reading = Reading()
    with subprocess.Popen(command, cwd=HERE, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        for line in client.stdout:
            word, *rest = line.split()
            if word == "skipped:":
                raise Missing(line)
            if word == "ready":
                reading.idle = look()
            elif word == "half":
                reading.held = look()
            elif word == "all":
                reading.count, reading.sum, reading.seconds = int(rest[0]), int(rest[1]), float(rest[2])
            elif word == "after":
                reading.again, reading.after = int(rest[0]), int(rest[1])
            client.stdin.write("\n")
            client.stdin.flush()
    assert client.returncode == 0, "%s ended with %d" % (command, client.returncode)
    return reading


# ---- psql ----

def psql_command(page):
    return ["psql", "-X", "-A", "-t", "-q", "-n", "-v", "FETCH_COUNT=%d" % page, "-v", "PROMPT1=", "-v", "PROMPT2="]


def psql_reads_all(env, text, rows, page, look, reading):
    with subprocess.Popen(psql_command(page), env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        client.stdin.write(b"SELECT 'ready';\n")
        client.stdin.flush()
        assert client.stdout.readline() == b"ready\n"
        reading.idle = look()
        client.stdin.write(b"%s;\nSELECT 'end';\n" % text.encode())
        client.stdin.close()
        reading.count = reading.sum = 0
        begin, waited = time.monotonic(), 0
        for line in client.stdout:
            if line == b"end\n":
                break
            reading.count += 1
            reading.sum += int(line[:line.index(b"|")])
            if reading.count == rows // 2:
                pause = time.monotonic()
                reading.held = look()
                waited = time.monotonic() - pause
        reading.seconds = time.monotonic() - begin - waited


def psql_stops(env, text, rows, page, reading):
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    with subprocess.Popen(psql_command(page), env=dict(env, PAGER=""), stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL,
                          start_new_session=True) as client, open(ours, "rb+", buffering=0) as terminal:
        os.close(theirs)
        terminal.write(b"%s;\n" % text.encode())
        buffered = b""
        reading.again = 0
        while reading.again < rows // 2:
            buffered += terminal.read(65536)
            *lines, buffered = buffered.split(b"\n")
            reading.again += len(lines)
        client.send_signal(signal.SIGINT)
        terminal.write(b"SELECT 'after', 7;\n")
        while b"after|7" not in buffered:
            data = terminal.read(65536)
            reading.again += data.count(b"|row ")
            buffered = buffered[-100:] + data
        reading.after = 7
        terminal.write(b"\\q\n")
    assert client.returncode == 0, "psql ended with %d" % client.returncode


def psql(env, text, rows, page, look):
    reading = Reading()
    try:
        psql_reads_all(env, text, rows, page, look, reading)
        psql_stops(env, text, rows, page, reading)
    except FileNotFoundError as error:
        raise Missing(error) from error
    return reading


# ---- all of them ----

PROGRAMS = {"pg-cursor": node("cursor"), "pg-query-stream": node("stream"), "psycopg 3 server cursor": python("psycopg3-cursor"),
            "psycopg 3 stream()": python("psycopg3-stream"), "psycopg2 named cursor": python("psycopg2-cursor"),
            "asyncpg cursor": python("asyncpg-cursor"), "JDBC setFetchSize": jdbc}
CLIENTS = list(PROGRAMS) + ["psql FETCH_COUNT"]


def read(client, host, port, database, source, rows, look, page=PAGE):
    """One client's reading of a source; Missing when it is not installed. Leaves nothing connected."""
    env = dict(os.environ, PGHOST=host, PGPORT=str(port), PGUSER="tester", PGDATABASE=database, PYTHONDONTWRITEBYTECODE="1")
    text = SOURCES[source] % rows
    if client not in PROGRAMS:
        return psql(env, text, rows, page, look)
    with tempfile.TemporaryDirectory(prefix="pond-paging.") as folder:
        return converse(PROGRAMS[client](folder, [str(rows), str(page), text]), env, look)
