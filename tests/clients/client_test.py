"""What the Python client tests share: skipping without the driver, and a verdict as exit code."""
import importlib
import os
import subprocess
import sys
import unittest

import wire

HOST = os.environ.get("PGHOST", "127.0.0.1")
PORT = int(os.environ.get("PGPORT", "7432"))
USER = os.environ.get("PGUSER", "tester")
DATABASE = os.environ.get("PGDATABASE", "shop")
IS_POND = not os.environ.get("POND_TEST_PEER")
IS_DURABLE = bool(os.environ.get("POND_TEST_DURABLE"))


def driver(name):
    """The driver's module; ends the program with 77 when it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        print("skipped: %s" % error)
        sys.exit(77)


is_marked = False


def rewind():
    """A durable database goes back to what the first test found."""
    global is_marked
    with wire.Wire(DATABASE, user=USER) as w:
        types, _ = w.ask(wire.query("SELECT pond_%s('fresh')" % ("rewind" if is_marked else "mark")))
        assert types == "TDCZ", types
    is_marked = True


def fresh():
    """Before each test: a real PostgreSQL needs its database made anew, a durable one its first state; pond's other clients
    always have a fresh one."""
    if IS_DURABLE:
        rewind()
    if not IS_POND:
        psql = ["psql", "-q", "-v", "ON_ERROR_STOP=1"]
        subprocess.run(psql + ["-d", "postgres", "-c", "DROP DATABASE IF EXISTS %s WITH (FORCE)" % DATABASE,
                               "-c", "CREATE DATABASE %s" % DATABASE], check=True, stderr=subprocess.DEVNULL)
        subprocess.run(psql + ["-d", DATABASE, "-f", "clients.sql"], check=True)


def main():
    unittest.main(verbosity=2)
