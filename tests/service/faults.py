"""What can go wrong on a machine, each a step of story.py: the journal hangs or is gone, the daemon hangs, is killed or does
not start."""
import contextlib
import ctypes
import os
import pathlib
import re
import signal
import sys
import threading

sys.dont_write_bytecode = True
import wire  # noqa: E402
from machine import (CONF, ENDLESS, configure, connect, drop_in, journal, once, pid, read_journal, rows, run,  # noqa: E402
                     seed_slower_than_allowed, show, until, visitors)


def step_journal_hangs():
    """Nobody waits for a journal that does not read."""
    configure("log_statement = all\nlog_limit = 0")
    with connect() as client:
        reader = int(show("MainPID", "systemd-journald.service"))
        os.kill(reader, signal.SIGSTOP)
        try:
            for i in range(5000):
                rows(client, "SELECT %d" % i)
        finally:
            os.kill(reader, signal.SIGCONT)
    read_journal()  # there is room for the last words
    run("systemctl", "stop", "pondd.socket", "pondd.service")
    texts = [entry["MESSAGE"] for entry in journal()]
    left_out = [text for text in texts if re.match(r"\d+ lines of clients were left out", text)]
    assert left_out, texts[-5:]
    run("systemctl", "start", "pondd.service")


def step_journal_gone():
    """Its socket is away, and so is the reader of standard error. The daemon goes on, and is heard again afterwards."""
    configure("log_statement = all\nlog_limit = 0")
    units = [name + suffix for name in ("systemd-journald", "systemd-journald-dev-log", "systemd-journald-audit")
             for suffix in (".socket", ".service") if show("ActiveState", name + suffix) == "active"]
    assert "systemd-journald.service" in units, units
    with connect() as client:
        before = pid()
        run("systemctl", "stop", *units)
        try:
            for unit in units:
                assert show("ActiveState", unit) == "inactive", unit
            for i in range(5000):
                rows(client, "SELECT 'unheard %d'" % i)
            with connect() as another:
                rows(another, "SELECT 'unheard, too'")
        finally:
            run("systemctl", "start", *units)
        rows(client, "SELECT 'heard again'")
    until(lambda: [entry for entry in journal() if "heard again" in entry["MESSAGE"]], "the journal hears nothing")
    assert pid() == before and show("NRestarts") == "0"
    run("systemctl", "stop", "pondd.socket", "pondd.service")
    texts = [entry["MESSAGE"] for entry in journal("_PID=%d" % before)]
    lost = [int(found[1]) for text in texts for found in [re.match(r"(\d+) lines of clients were left out", text)] if found]
    assert sum(lost) >= 5001, texts[-5:]
    run("systemctl", "start", "pondd.service")


def step_reload_of_long_seeds():
    """It may take longer than systemd gave it."""
    configure()
    before = pid()
    with seed_slower_than_allowed() as database:
        CONF.write_text(CONF.read_text(encoding="utf-8") + database, encoding="utf-8")
        run("systemctl", "reload", "pondd.service")
    assert pid() == before and show("Result") == "success"
    assert not [entry for entry in journal() if "Reload operation timed out" in entry["MESSAGE"]]


def step_killed_under_load():
    configure()
    clients = [connect() for _ in range(8)]
    for client in clients:
        client.send(wire.query(ENDLESS))
    before, restarts = pid(), int(show("NRestarts"))
    os.kill(before, signal.SIGKILL)
    with connect() as client:  # has waited in the socket
        assert rows(client, "SELECT count(*) FROM t") == [("1000",)]
    for client in clients:
        assert "Z" not in [kind for kind, _ in client.until("nothing")]  # an end, and no answer
    assert pid() != before and int(show("NRestarts")) == restarts + 1


def step_crash_loop():
    """More often than systemd's own limit for starts (5 in 10 s) has it: nobody is refused, and it is not given up."""
    drop_in("RestartSec=100ms")
    configure()
    with visitors():
        for _ in range(8):
            before = pid()
            os.kill(before, signal.SIGKILL)
            until(lambda: pid() not in (0, before), "it is not started again")
    assert int(show("NRestarts")) >= 8, show("NRestarts")
    assert show("ActiveState", "pondd.socket") == "active"
    drop_in("")


class Writer(threading.Thread):
    """Commits one row after the other until it is cut off, and notes which of them were acknowledged."""

    def __init__(self, name):
        super().__init__()
        self.name, self.acknowledged, self.end = name, [], None

    def run(self):
        with connect("kept") as client:
            try:
                for i in range(10**9):
                    kinds, _ = client.ask(wire.query("INSERT INTO kept VALUES ('%s', %d)" % (self.name, i)))
                    if "C" not in kinds:
                        break
                    self.acknowledged.append((self.name, str(i)))
                self.end = "end of stream" if "E" not in kinds else "error"
            except OSError as error:
                self.end = repr(error)


def step_killed_while_it_commits():
    """What was acknowledged is there, and every client gets to know that it is cut off."""
    configure(database="[database kept]\nfile = /var/lib/pondd/kept.db")
    once("CREATE TABLE kept (writer text, i bigint)", "kept")
    acknowledged = []
    for life in range(4):
        before = pid()
        writers = [Writer("%d.%d" % (life, i)) for i in range(8)]
        for writer in writers:
            writer.start()
        until(lambda: all(len(writer.acknowledged) > 50 for writer in writers), "nobody commits")
        os.kill(before, signal.SIGKILL)
        for writer in writers:
            writer.join()
            assert writer.end, writer.name
            acknowledged += writer.acknowledged
        there = set(once("SELECT writer, i FROM kept", "kept"))
        assert pid() not in (0, before)
        assert not set(acknowledged) - there, sorted(set(acknowledged) - there)[:5]
        assert len(there) <= len(acknowledged) + 8 * (life + 1), "rows that nobody wrote"
    configure()
    pathlib.Path("/var/lib/pondd/kept.db").unlink()


def expect_watchdog(before):
    until(lambda: pid() not in (0, before), "the watchdog sleeps")
    assert once("SELECT 1") == [("1",)]
    assert any("Watchdog timeout" in entry["MESSAGE"] for entry in journal()), [entry["MESSAGE"] for entry in journal()][-20:]


def step_watchdog():
    drop_in("WatchdogSec=4s")
    configure()
    fed = show("WatchdogTimestampMonotonic")
    until(lambda: show("WatchdogTimestampMonotonic") != fed, "the watchdog is not fed")
    before = pid()
    os.kill(before, signal.SIGSTOP)
    expect_watchdog(before)


def step_watchdog_of_one_loop():
    """One loop of two hangs: ptrace(2) holds its thread."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    until(lambda: show("ActiveState") == "active", "it is not ready")  # a moment after it serves
    before = pid()
    tids = [int(task.name) for task in pathlib.Path("/proc/%d/task" % before).iterdir()
            if (task / "comm").read_text().strip() == "pondd-1"]
    assert len(tids) == 1, tids
    assert libc.ptrace(16, tids[0], None, None) == 0, os.strerror(ctypes.get_errno())  # PTRACE_ATTACH
    os.waitpid(tids[0], 0x40000000)  # __WALL
    until(lambda: show("SubState") != "running", "the watchdog sleeps")
    with contextlib.suppress(ChildProcessError):
        os.waitpid(tids[0], 0x40000000)  # killed: lets go of it
    expect_watchdog(before)
    assert any(re.match("loop 1 has not turned for", entry["MESSAGE"]) for entry in journal())
    drop_in("")


def step_broken_configuration():
    """It is tried again and again, and those who wait in the socket are served when it is mended."""
    drop_in("RestartSec=200ms")
    configure()
    text = CONF.read_text(encoding="utf-8")
    CONF.write_text(text + "nonsense = 1\n", encoding="utf-8")
    run("systemctl", "restart", "pondd.service", code=1)
    results = []
    waiting = [threading.Thread(target=lambda: results.append(once("SELECT 1"))) for _ in range(3)]
    for thread in waiting:
        thread.start()
    until(lambda: int(show("NRestarts")) >= 10, "it is given up")
    errors = journal("PRIORITY=2", of=("-t", "pondd"))  # whose unit it was the journal may not find out: they are gone at once
    assert any("nonsense: no such option" in entry["MESSAGE"] for entry in errors), errors
    assert show("ActiveState", "pondd.socket") == "active"
    CONF.write_text(text, encoding="utf-8")
    for thread in waiting:
        thread.join()
    assert results == 3 * [[("1",)]], results
    drop_in("")


FAULTS = [value for name, value in list(globals().items()) if name.startswith("step_")]
