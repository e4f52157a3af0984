#!/usr/bin/python3
"""The life of pondd on a machine, from installation to purge: what an administrator does to it, one step after the other.
Runs as root where a systemd is process 1 and nothing else matters (tests/service/boot).

usage: story.py FOLDER [STEP ...]       FOLDER has the packages and what test_boot.sh copies
"""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.dont_write_bytecode = True
FOLDER = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(FOLDER))
import wire  # noqa: E402
from faults import FAULTS  # noqa: E402
from machine import (CONF, ENDLESS, PATIENCE, configure, connect, drop_in, journal, last_words, once, pid, rows,  # noqa: E402
                     run, seed_slower_than_allowed, show, slow_database, until, visitors)
from settings import SETTINGS  # noqa: E402


def step_install():
    debs = sorted(str(path) for path in FOLDER.glob("*.deb"))
    assert len(debs) == 4, debs
    run("dpkg", "-i", *debs)
    for unit in ("pondd.service", "pondd.socket"):
        assert show("ActiveState", unit) == "active", run("systemctl", "status", unit, code=None)
        assert run("systemctl", "is-enabled", unit).strip() == "enabled"
    assert run("systemctl", "is-enabled", "pondd-tcp.socket", code=1).strip() == "disabled"
    assert once("SELECT 1", "example") == [("1",)]
    listening = run("ss", "-Hltn") if shutil.which("ss") else pathlib.Path("/proc/net/tcp").read_text()
    assert ":7432" not in listening and ":1D08" not in listening, listening
    assert "/usr/share/man/man8/pondd.8.gz" in run("dpkg", "-L", "pondd")
    assert re.match(r"pondd \d", run("/usr/sbin/pondd", "-V"))
    run("pond", "query", "-d", "host=/run/pondd port=7432 user=root dbname=example", "SELECT 1")
    assert "pond" in run("bash", "-c", ". /usr/share/bash-completion/completions/pond && complete -p pond")


def blocks(text):
    """What docs/operations.md has for the machine: (file or None, lines of the block)."""
    return re.findall(r"(?ms)^<!-- machine(?: file=(\S+))? -->\n```\w+\n(.*?)^```$", text)


def step_operations_page():
    """An administrator does what the page says, from top to bottom."""
    text = CONF.read_text(encoding="utf-8")
    found = blocks((FOLDER / "operations.md").read_text(encoding="utf-8"))
    assert len(found) >= 8, found
    for path, block in found:
        if path:
            pathlib.Path(path).write_text(block, encoding="utf-8")
        else:
            run("bash", "-euxc", block)
    told = [entry["MESSAGE"] for entry in journal()]
    assert any(line.startswith("reloaded ") for line in told), told
    assert any("connection authorized: user=me database=shop host=127.0.0.1" in line for line in told), told
    assert len(list(pathlib.Path("/var/lib/pondd/backup").glob("app-*.db"))) == 1
    run("systemctl", "disable", "--now", "pondd-tcp.socket")
    shutil.rmtree("/var/lib/pondd/backup")
    CONF.write_text(text, encoding="utf-8")
    run("systemctl", "restart", "pondd.service")
    for path in pathlib.Path("/var/lib/pondd").glob("app.db*"):
        path.unlink()


def step_library():
    """A program is built with what libpond-dev has, against either library."""
    text = (FOLDER / "blocking.c").read_text(encoding="utf-8").replace('"client/pond.h"', "<pond.h>")
    wanted = (FOLDER / "blocking.expected").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "program.c").write_text(text, encoding="utf-8")
        for libraries in ("$(pkg-config --libs libpond)",
                          "-l:libpond.a $(pkg-config --static --libs libpond | sed 's/-lpond //')"):
            said = run("bash", "-ec", "cd %s; cc $(pkg-config --cflags libpond) program.c -o program %s; "
                       "PGHOST=/run/pondd PGPORT=7432 PGDATABASE=example ./program" % (folder, libraries))
            assert said == wanted, said


def step_start():
    pathlib.Path("/etc/pondd/shop.sql").write_text("CREATE TABLE t AS SELECT i FROM generate_series(1, 1000) AS g(i);\n",
                                                   encoding="utf-8")
    configure("log_connections = on\nlog_disconnections = on")
    assert once("SELECT count(*) FROM t") == [("1000",)]
    assert show("Type") == "notify" and show("SubState") == "running"
    until(lambda: re.match(r"\d+ clients, \d+ sessions in use", show("StatusText")), show("StatusText"))
    with connect(), connect():
        until(lambda: show("StatusText").startswith("2 clients"), "the status stands still: " + show("StatusText"))


def step_ready_means_ready():
    """The job of the start ends only when a seed that takes its time is loaded, though it is more than systemd gave."""
    with seed_slower_than_allowed() as database:
        configure(database=database)
    assert show("NRestarts") == "0"
    told = [entry["MESSAGE"] for entry in journal()]
    assert any(re.match("database slow: .* loaded in", text) for text in told), told


def step_shut_off():
    configure()
    once("SELECT 1")
    status = dict(line.split(":\t", 1) for line in pathlib.Path("/proc/%d/status" % pid()).read_text().splitlines() if ":\t" in line)
    assert status["CapEff"] == status["CapBnd"] == "0" * 16, status
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), status
    user = run("id", "-u", "pondd").strip()
    assert status["Uid"].split() == [user] * 4 and user != "0", status
    assert [line for line in pathlib.Path("/proc/%d/mounts" % pid()).read_text().splitlines()
            if line.split()[1] == "/" and "ro" in line.split()[3].split(",")]
    run("systemd-analyze", "security", "--threshold=15", "--no-pager", "pondd.service")
    # rows that do not fit into memory go to a file of its /tmp
    with connect() as client:
        rows(client, "SET work_mem = '64kB'; BEGIN; DECLARE c SCROLL CURSOR FOR SELECT i FROM generate_series(1, 50000) AS g(i)")
        rows(client, "MOVE ALL c")


def step_journal():
    configure("log_connections = on\nlog_min_duration_statement = 0\n")
    with connect(application_name="story") as client:
        client.ask(wire.query("SELECT 'what I say'"))
        client.ask(wire.query("SELECT * FROM nowhere"))
        client.ask(wire.parse("", "SELECT $1::text") + wire.bind("", "", [b"secret"]) + wire.execute() + wire.SYNC)
        number = str(int.from_bytes(client.key[:4], "big"))
    entries = journal("POND_CONNECTION=" + number)
    texts = [entry["MESSAGE"] for entry in entries]
    assert any("connection authorized: user=root database=shop" in text for text in texts), texts
    said = next(entry for entry in entries if "what I say" in entry["MESSAGE"])
    assert (said["POND_USER"], said["POND_DATABASE"], said["PRIORITY"]) == ("root", "shop", "6"), said
    assert int(said["POND_DURATION_US"]) > 0 and said["SYSLOG_IDENTIFIER"] == "pondd", said
    assert any("SELECT $1::text" in text for text in texts), texts
    assert not any("secret" in entry["MESSAGE"] for entry in journal())
    client = connect()
    run("systemctl", "stop", "pondd.socket", "pondd.service")
    assert last_words(client) == "57P01"
    gone = journal("POND_SQLSTATE=57P01")
    assert gone and gone[-1]["POND_USER"] == "root", gone
    run("systemctl", "start", "pondd.service")


def step_tcp():
    """Both loopbacks, beside the unix socket."""
    run("systemctl", "enable", "pondd-tcp.socket")
    run("systemctl", "stop", "pondd.service")
    run("systemctl", "start", "pondd-tcp.socket", "pondd.service")
    for host in ("127.0.0.1", "::1"):
        with socket.create_connection((host, 7432), timeout=PATIENCE) as client:
            client.sendall(wire.startup(user="root", database="shop"))
            assert client.recv(1) in (b"R", b"E")  # whatever the rules say, it answers
    once("SELECT 1")
    listening = [entry["MESSAGE"] for entry in journal() if entry["MESSAGE"].startswith("listening")][-3:]
    assert sorted(listening) == ["listening: host=/run/pondd port=7432", "listening: host=127.0.0.1 port=7432",
                                 "listening: host=::1 port=7432"], listening
    configure("auth_type = trust")
    with visitors(("127.0.0.1", 7432)):
        for _ in range(3):
            run("systemctl", "restart", "pondd.service")
    run("systemctl", "disable", "--now", "pondd-tcp.socket")
    run("systemctl", "restart", "pondd.service")
    once("SELECT 1")


def step_http():
    """Shut off as it is, it answers on loopback."""
    configure("http_listen = 127.0.0.1:9187")
    for path, wanted in (("readyz", ""), ("healthz", ""), ("metrics", "pond_ready 1"), ("", "<html")):
        with urllib.request.urlopen("http://127.0.0.1:9187/" + path, timeout=PATIENCE) as answer:
            assert wanted in answer.read().decode(), path
    configure()


def step_restart_refuses_nobody():
    configure()
    with visitors():
        for _ in range(3):
            before = pid()
            run("systemctl", "restart", "pondd.service")
            assert pid() not in (0, before)


def step_started_by_a_client():
    run("systemctl", "stop", "pondd.service")
    assert show("ActiveState") == "inactive" and show("ActiveState", "pondd.socket") == "active"
    assert once("SELECT 1") == [("1",)]
    until(lambda: show("ActiveState") == "active", "it is not ready")  # a moment after it serves


def active(words):
    """Somebody runs a statement with these words."""
    return once("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%%%s%%' AND pid <> pg_backend_pid()"
                % words) == [("1",)]


def step_drain():
    """Idle clients go at once: the lock that one has is what another one's statement waits for, which comes to its end then. And
    so does one that takes longer than systemd gave."""
    drop_in("TimeoutStopSec=2s")  # it asks for more
    configure("shutdown_grace = 60s")
    before = str(pid())
    idle, waiting, busy = connect("shop~drain"), connect("shop~drain"), connect()
    rows(idle, "SELECT pg_advisory_lock(1)")
    rows(waiting, "SET lock_timeout = 0")
    waiting.send(wire.query("SELECT pg_advisory_lock(1), 'locked'"))
    until(lambda: active("locked"), "nobody waits")
    busy.send(wire.query("SELECT pg_sleep(4), 'done'"))
    until(lambda: active("done"), "nobody is busy")
    run("systemctl", "stop", "--no-block", "pondd.socket", "pondd.service")
    assert last_words(idle) == "57P01"
    for client, word in ((waiting, b"locked"), (busy, b"done")):
        got = client.until("C")
        assert got[-1][0] == "C" and wire.values(got[-2][1])[1] == word, got
        assert last_words(client) == "57P01"
    until(lambda: show("ActiveState") == "inactive", "it does not end")
    assert (show("Result"), show("ExecMainStatus")) == ("success", "0")
    assert [entry for entry in journal("_PID=" + before) if entry["MESSAGE"].startswith("stopping: 3 connections")]
    assert pathlib.Path("/run/pondd").is_dir()
    drop_in("")
    run("systemctl", "start", "pondd.service")


def step_second_signal():
    configure("shutdown_grace = 1h")
    busy = connect()
    busy.send(wire.query(ENDLESS))
    until(lambda: active("1000000000000"), "nobody is busy")
    run("systemctl", "stop", "--no-block", "pondd.socket", "pondd.service")
    until(lambda: show("StatusText") == "stopping", "it does not stop")
    run("systemctl", "kill", "--signal=TERM", "pondd.service")
    assert last_words(busy) == "57P01"
    until(lambda: show("ActiveState") == "inactive", "it does not end")
    assert show("Result") == "success"
    run("systemctl", "start", "pondd.service")


def step_reload():
    """Nobody is dropped, a broken file changes nothing, and a mended one does; systemctl waits for it."""
    configure()
    before = pid()
    with connect() as client:
        client.send(wire.query("SELECT pg_sleep(1)"))
        text = CONF.read_text(encoding="utf-8")
        for more, said in (("nonsense = 1\n", "nonsense: no such option"), ("[database added]\n", "reloaded ")):
            CONF.write_text(text + more, encoding="utf-8")
            run("systemctl", "reload", "pondd.service")
            assert [entry for entry in journal("_PID=%d" % before) if said in entry["MESSAGE"]], "not " + said
            assert show("SubState") == "running"
        assert once("SELECT 1", "added") == [("1",)]
        assert client.until("Z")[-1][0] == "Z"
        assert rows(client, "SELECT count(*) FROM t") == [("1000",)]
    assert pid() == before


def step_reload_of_a_busy_daemon():
    """It hears of the reload late, and systemctl waits all the same."""
    configure()
    CONF.write_text(CONF.read_text(encoding="utf-8") + "[database added]\n", encoding="utf-8")
    os.kill(pid(), signal.SIGSTOP)
    try:
        reload = subprocess.Popen(["systemctl", "reload", "pondd.service"])
        until(lambda: show("SubState") == "reload" and show("ControlPID") == "0", "no reload")
        assert reload.poll() is None
    finally:
        os.kill(pid(), signal.SIGCONT)
    assert reload.wait(PATIENCE) == 0
    assert once("SELECT 1", "added") == [("1",)]
    assert show("SubState") == "running"


def step_stop_in_a_reload():
    """Others than systemd end it; systemd sees it at once, though the reload was not over."""
    configure("shutdown_grace = 1h")
    CONF.write_text(CONF.read_text(encoding="utf-8") + slow_database(3600), encoding="utf-8")
    with connect() as busy:
        busy.send(wire.query(ENDLESS))
        run("systemctl", "reload", "--no-block", "pondd.service")
        until(lambda: show("StatusText") == "reloading: loading database slow", "no reload")
        stopped = pid()
        os.kill(stopped, signal.SIGTERM)
        until(lambda: show("ActiveState") == "deactivating", "it is " + show("ActiveState"))
        os.kill(stopped, signal.SIGTERM)
        assert last_words(busy) == "57P01"
    until(lambda: pid() != stopped, "it does not end")
    assert show("Result") == "success"
    configure()


def newer_package():
    """The same with a higher version and another configuration."""
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder) / "tree"
        run("dpkg-deb", "-R", str(next(FOLDER.glob("pondd_*.deb"))), str(tree))
        control = tree / "DEBIAN/control"
        control.write_text(re.sub(r"(?m)^Version: (.*)$", r"Version: \1+newer", control.read_text()))
        with open(tree / "etc/pondd/pond.conf", "a", encoding="utf-8") as conf:
            conf.write("; of the newer package\n")
        run("dpkg-deb", "-b", str(tree), "/tmp/newer.deb")
    return "/tmp/newer.deb"


def step_upgrade():
    deb = newer_package()
    run("systemctl", "disable", "pondd.service")
    text = CONF.read_text(encoding="utf-8")
    before = pid()
    with visitors():
        run("dpkg", "--force-confold", "-i", deb)  # as apt answers for those who are not there to be asked
    assert "+newer" in run("dpkg-query", "-W", "-f", "${Version}", "pondd")
    assert pid() not in (0, before)
    assert CONF.read_text(encoding="utf-8") == text, "the administrator's configuration was lost"
    assert pathlib.Path(str(CONF) + ".dpkg-dist").read_text(encoding="utf-8").endswith("; of the newer package\n")
    assert run("systemctl", "is-enabled", "pondd.service", code=1).strip() == "disabled"
    run("systemctl", "enable", "pondd.service")


def step_remove_and_install_again():
    run("dpkg", "-r", "pondd")
    for unit in ("pondd.service", "pondd.socket"):
        assert show("ActiveState", unit) in ("inactive", "failed"), unit
    assert CONF.exists() and not pathlib.Path("/usr/sbin/pondd").exists()
    run("dpkg", "--force-confold", "-i", str(next(FOLDER.glob("pondd_*.deb"))))
    assert once("SELECT count(*) FROM t") == [("1000",)]


def step_purge():
    kept = pathlib.Path("/var/lib/pondd/mine.db")
    kept.write_text("mine")
    for extra in pathlib.Path("/etc/pondd").glob("*.sql"):
        extra.unlink()
    said = run("dpkg", "-P", "pondd")
    assert "/var/lib/pondd is not empty and was left" in said and kept.exists(), said
    for path in ("/etc/pondd", "/run/pondd", "/usr/sbin/pondd", "/usr/share/doc/pondd"):
        assert not pathlib.Path(path).exists(), path
    assert show("LoadState", "pondd.service") == "not-found"
    assert list(pathlib.Path("/etc/systemd/system").rglob("pondd*")) == []
    kept.unlink()
    run("dpkg", "-i", str(next(FOLDER.glob("pondd_*.deb"))))
    assert once("SELECT 1", "example") == [("1",)]
    run("dpkg", "-P", "pondd", "pond-client", "libpond-dev", "libpond0")
    left = run("find", "/etc", "/run", "/usr", "/var", "(", "-iname", "*pondd*", "-o", "-iname", "*libpond*", ")",
               "-not", "-path", "/var/lib/dpkg/*", "-not", "-path", "/run/systemd/*", "-print", code=None).split()
    assert left == [], left


STEPS = [value for name, value in list(globals().items()) if name.startswith("step_")]
STEPS[STEPS.index(step_upgrade):STEPS.index(step_upgrade)] = SETTINGS + FAULTS  # they are of the daemon that is installed


def main(wanted):
    unknown = set(wanted) - {step.__name__[len("step_"):] for step in STEPS}
    assert not unknown, unknown
    for step in STEPS:
        name = step.__name__[len("step_"):]
        if wanted and name not in wanted:
            continue
        begun = time.monotonic()
        try:
            step()
        except BaseException:
            print("FAILED %s after %.1f s" % (name, time.monotonic() - begun), flush=True)
            print(run("systemctl", "status", "--no-pager", "-n", "30", "pondd.service", "pondd.socket", code=None),
                  flush=True)
            raise
        print("ok %s %.1f s" % (name, time.monotonic() - begun), flush=True)


if __name__ == "__main__":
    main(sys.argv[2:])
