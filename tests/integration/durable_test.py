"""What the tests of durable databases share: a folder and daemons of their own, and a look into the file by SQLite itself.

usage of such a test: TEST PONDD [unittest's arguments]
"""
import os
import pathlib
import shutil
import signal
import sqlite3
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests/clients"))
import database_test  # noqa: E402
import wire  # noqa: E402
from database_test import PONDD, main  # noqa: E402, F401
from pond_daemon import Daemon  # noqa: E402

SEED = "CREATE TABLE t (i int PRIMARY KEY, s text);\nINSERT INTO t VALUES (1, 'seed');\n"


def look(path, text="SELECT 1"):
    """Rows of a database file, by an SQLite that has nothing to do with pondd; and the file is sound."""
    db = sqlite3.connect(path, timeout=0)
    try:
        check = db.execute("PRAGMA integrity_check").fetchall()
        assert check == [("ok",)], check
        return db.execute(text).fetchall()
    finally:
        db.close()


def look_at_crashed(path, text="SELECT 1"):
    """The same with a copy of the file and its log, so that both stay as they are."""
    with tempfile.TemporaryDirectory(prefix="pond-test.") as folder:
        for end in ("", "-wal"):
            if os.path.exists(str(path) + end):
                shutil.copyfile(str(path) + end, os.path.join(folder, "copy.db" + end))
        return look(os.path.join(folder, "copy.db"), text)


class Test(database_test.Test):
    """Each test has a folder, in which it starts and ends daemons as it likes."""

    @classmethod
    def setUpClass(cls):
        pass

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="pond-test.")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.file = self.folder / "shop.db"
        self.log_file = self.folder / "shop.db-wal"
        self.write("seed.sql", SEED)
        self.runs = 0

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def conf(self, *lines):
        """A configuration whose shop is durable; the lines belong to it."""
        return self.write("pond.conf", "\n".join(("[pond]", "[database other]", "seed = seed.sql", "[database shop]",
                                                  "file = shop.db", "seed = seed.sql", "lock_timeout = 10min", *lines, "")))

    def run_daemon(self, *lines, pondd=PONDD, **options):
        conf = self.conf(*lines)
        self.runs += 1
        folder = self.folder / ("run%d" % self.runs)
        folder.mkdir()
        daemon = Daemon(pondd, str(conf), str(folder), **options)

        def put_away():
            daemon.process.kill()
            daemon.process.wait()
        self.addCleanup(put_away)
        self.daemon = daemon
        return daemon

    def fails_to_start(self, *lines):
        """The line of the log that says why."""
        with self.assertRaises(AssertionError):
            self.run_daemon(*lines)
        log = (self.folder / ("run%d" % self.runs) / "log").read_text(encoding="utf-8")
        return next(line for line in log.splitlines() if " FATAL: " in line)

    def stop(self):
        """As an operator does; and then the file is one that SQLite has closed: whole, and alone."""
        self.assertEqual(self.daemon.stop(), 0, self.daemon.log()[-20000:])
        self.assertEqual(sorted(path.name for path in self.folder.glob(self.file.name + "*")), [self.file.name])
        look(self.file)

    def kill(self):
        self.daemon.process.send_signal(signal.SIGKILL)
        self.assertEqual(self.daemon.process.wait(), -signal.SIGKILL)

    def outcome(self, w, text):
        """The SQLSTATE of a simple query's first error; 00000: none."""
        _, got = w.ask(wire.query(text))
        return next((wire.fields(body)["C"] for kind, body in got if kind == "E"), "00000")
