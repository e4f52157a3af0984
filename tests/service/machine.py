"""The machine that story.py and faults.py run on: commands, units, the journal, and clients of pondd's unix socket."""
import contextlib
import json
import pathlib
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
import wire  # noqa: E402

PATIENCE = 60
CONF = pathlib.Path("/etc/pondd/pond.conf")
SOCKET = "/run/pondd/.s.PGSQL.7432"
ENDLESS = "SELECT count(*) FROM generate_series(1, 1000000000000)"
SLOW_SECONDS = 8
SLOW_SEED = """CREATE TABLE slow AS WITH RECURSIVE turn(n) AS (
    SELECT 1 UNION ALL SELECT n + 1 FROM turn WHERE clock_timestamp() < statement_timestamp() + interval '%d seconds'
) SELECT count(*) > 1 AS loaded FROM turn;
"""


def run(*words, code=0):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=5 * PATIENCE, check=False)
    assert code is None or done.returncode == code, "%s ended with %d:\n%s" % (" ".join(words), done.returncode, done.stdout)
    return done.stdout


def show(name, unit="pondd.service"):
    return run("systemctl", "show", "--value", "-p", name, unit).strip()


def pid():
    return int(show("MainPID"))


def until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def read_journal():
    """Until it has taken what was sent to it so far."""
    run("journalctl", "--sync")


def journal(*matches, of=("-u", "pondd.service")):
    read_journal()
    return [json.loads(line) for line in run("journalctl", "-b", "-o", "json", *of, *matches).splitlines() if line.startswith("{")]


def dial(database, at=SOCKET, **keys):
    """`at`: the path of a unix socket, or an address and a port."""
    dialed = socket.socket(socket.AF_UNIX if isinstance(at, str) else socket.AF_INET)
    dialed.settimeout(PATIENCE)
    dialed.connect(at)
    return wire.Wire(database, user="root", connected=dialed, **keys)


def connect(database="shop", **keys):
    client = dial(database, **keys)
    assert client.greeting and client.greeting[-1][0] == "Z", client.greeting
    return client


def rows(client, text):
    kinds, got = client.ask(wire.query(text))
    assert "E" not in kinds, [wire.fields(body) for kind, body in got if kind == "E"]
    return [tuple(value.decode() for value in wire.values(body)) for kind, body in got if kind == "D"]


def once(text, database="shop"):
    """The daemon has forgotten the client then."""
    with connect(database) as client:
        found = rows(client, text)
        client.send(wire.TERMINATE)
        client.until("nothing")
        return found


def last_words(client):
    """The SQLSTATE with which it is sent away."""
    errors = [wire.fields(body)["C"] for kind, body in client.until("nothing") if kind == "E"]
    return errors[-1] if errors else None


def configure(more="", database=""):
    CONF.write_text("[pond]\nlisten_addr =\nunix_socket_dir = /run/pondd\nloops = 2\n%s\n[database shop]\nseed = shop.sql\n%s\n"
                    % (more, database), encoding="utf-8")
    run("systemctl", "restart", "pondd.service")


def slow_database(seconds):
    """Its section; its seed keeps a thread busy for so long."""
    (CONF.parent / "slow.sql").write_text(SLOW_SEED % seconds, encoding="utf-8")
    return "[database slow]\nseed = slow.sql\n"


@contextlib.contextmanager
def seed_slower_than_allowed():
    """Database slow may be named inside: its seed keeps a thread busy for SLOW_SECONDS, which is longer than systemd gives for a
    start or a reload, and than its watchdog waits. At the end the database is there."""
    drop_in("TimeoutStartSec=4s\nWatchdogSec=5s")
    begun = time.monotonic()
    yield slow_database(SLOW_SECONDS)
    assert time.monotonic() - begun >= SLOW_SECONDS, "nobody has waited for the seed"
    assert once("SELECT loaded FROM slow", "slow") == [("t",)]
    drop_in("")


def drop_in(text):
    folder = pathlib.Path("/run/systemd/system/pondd.service.d")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test.conf").write_text("[Service]\n%s\n" % text, encoding="utf-8")
    run("systemctl", "daemon-reload")


@contextlib.contextmanager
def visitors(at=SOCKET):
    """Clients that come and go all the time, by that way. Gives the list of what they were told when they could not come in: nobody
    must be refused. Those who are in when the daemon ends get an error, or the end of the stream."""
    refused, count, stop = [], [0], threading.Event()

    def visit():
        while not stop.is_set():
            try:
                with dial("shop", at) as client:
                    if client.greeting and client.greeting[-1][0] == "Z":
                        client.ask(wire.query("SELECT 1"))
                        count[0] += 1
            except BrokenPipeError:
                pass  # it ended while they spoke
            except OSError as error:
                refused.append(repr(error))

    threads = [threading.Thread(target=visit) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: count[0] > 20, "nobody comes in")
        yield refused
        before = count[0]
        until(lambda: count[0] > before + 20 or refused, "nobody comes in any more")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert refused == [], refused[:3]
