"""What an administrator may set otherwise, each a step of story.py: units with drop-ins, and a machine that is not like others."""
import pathlib
import re
import socket
import sys

sys.dont_write_bytecode = True
from machine import CONF, PATIENCE, configure, drop_in, journal, once, pid, run, until  # noqa: E402


def step_tcp_without_ipv6():
    """What is there is served, and the other when it comes."""
    switch = pathlib.Path("/proc/sys/net/ipv6/conf/all/disable_ipv6")
    switch.write_text("1")
    run("systemctl", "stop", "pondd.service")
    run("systemctl", "start", "pondd-tcp.socket", "pondd.service")
    socket.create_connection(("127.0.0.1", 7432), timeout=PATIENCE).close()
    switch.write_text("0")
    socket.create_connection(("::1", 7432), timeout=PATIENCE).close()
    run("systemctl", "stop", "pondd-tcp.socket")
    run("systemctl", "restart", "pondd.service")


def step_dynamic_user():
    """As docs/operations.md has it: a file comes along, and clients of all users find the socket, there and back."""
    configure(database="[database kept]\nfile = /var/lib/pondd/kept.db")
    once("CREATE TABLE kept AS SELECT 1 AS i", "kept")
    own = int(run("id", "-u", "pondd"))
    for lines, users in (("DynamicUser=yes\nUser=frog\nGroup=frog\nRuntimeDirectory=", range(61184, 65520)), ("", [own])):
        drop_in(lines)
        run("systemctl", "restart", "pondd.service")
        assert int(re.search(r"(?m)^Uid:\t(\d+)", pathlib.Path("/proc/%d/status" % pid()).read_text()).group(1)) in users
        assert once("SELECT i FROM kept", "kept") == [("1",)]
        run("setpriv", "--reuid=nobody", "--clear-groups", "pond", "query", "-d",
            "host=/run/pondd port=7432 user=nobody dbname=shop", "SELECT 1")
    configure()
    pathlib.Path("/var/lib/pondd/kept.db").unlink()


def step_reload_without_notes():
    """Of a daemon that systemd does not listen to: the signal is all."""
    drop_in("Type=exec\nNotifyAccess=none")
    configure()
    once("SELECT 1")  # systemd knows no more than that the program runs: the signal would end one that has just begun
    CONF.write_text(CONF.read_text(encoding="utf-8") + "[database added]\n", encoding="utf-8")
    run("systemctl", "reload", "pondd.service")
    until(lambda: any(entry["MESSAGE"].startswith("reloaded ") for entry in journal("_PID=%d" % pid())), "no reload")
    drop_in("")


SETTINGS = [value for name, value in list(globals().items()) if name.startswith("step_")]
