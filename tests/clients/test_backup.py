"""pond_backup(): a whole file of what its caller sees, in one folder only, while others write."""
import os
import sqlite3
import stat
import tempfile
import threading
import unittest

import database_test
from database_test import FOLDER, SHOP, Test
from wire import Wire, query

FILES = tempfile.TemporaryDirectory(prefix="pond-backup.")
BACKUPS = os.path.join(FILES.name, "backups")
BANK = "[database bank]\nfile = %s/bank.db\nseed = %s/bank.sql\n" % (FILES.name, FILES.name)
ACCOUNTS = 50


def setUpModule():
    unittest.addModuleCleanup(FILES.cleanup)
    os.mkdir(BACKUPS)
    with open(os.path.join(FILES.name, "bank.sql"), "w", encoding="utf-8") as file:
        file.write("CREATE TABLE bank (id int PRIMARY KEY, money int, pad text);\n"
                   "INSERT INTO bank SELECT n, 100, repeat('x', 900) FROM generate_series(1, %d) AS g(n);\n" % ACCOUNTS)


class Backup(Test):
    conf = SHOP + BANK
    options = ("backup_dir=" + BACKUPS, "loops=2")

    def rows(self, name, sql):
        with sqlite3.connect("file:%s/%s?mode=ro" % (BACKUPS, name), uri=True) as db:
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            return db.execute(sql).fetchall()

    def test_names_that_lead_elsewhere(self):
        w = self.connect("shop")
        before = os.listdir(BACKUPS)
        for name in ("'a/b'", "'../b'", "'/tmp/b'", "'.b'", "'..'", "''", "E'a\\nb'"):
            self.fails(w, "SELECT pond_backup(%s)" % name, "42602")
        self.fails(w, "SELECT pond_backup(repeat('x', 201))", "42622")
        self.fails(w, "SELECT pond_backup(NULL)", "22004")
        self.fails(w, "BEGIN; SELECT pond_backup('b')", "25001")
        self.run_sql(w, "ROLLBACK")
        self.assertEqual(os.listdir(BACKUPS), before)
        self.leave(w)

    def test_a_private_clone(self):
        w = self.connect("shop")
        self.run_sql(w, "DELETE FROM orders; UPDATE customers SET name = 'x'")
        (bytes_,), = self.run_sql(w, "SELECT pond_backup('private.db')")
        self.assertEqual(int(bytes_), os.path.getsize(os.path.join(BACKUPS, "private.db")))
        self.assertEqual(self.rows("private.db", "SELECT DISTINCT name FROM customers"), [("x",)])
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(BACKUPS, "private.db")).st_mode), 0o600)
        self.fails(w, "SELECT pond_backup('private.db')", "58P02")
        os.symlink(os.path.join(FILES.name, "elsewhere"), os.path.join(BACKUPS, "link"))
        self.fails(w, "SELECT pond_backup('link')", "58P02")
        self.assertFalse(os.path.exists(os.path.join(FILES.name, "elsewhere")))
        self.leave(w)

    def test_while_others_write(self):
        stop = threading.Event()
        failures = []

        def move(number):
            try:
                with Wire("bank", user="mover") as w:
                    count = 0
                    while not stop.is_set():
                        a, b = 1 + (count + number) % ACCOUNTS, 1 + (count * 7 + number * 3 + 1) % ACCOUNTS
                        kinds, _ = w.ask(query("UPDATE bank SET money = money + CASE id WHEN %d THEN -1 ELSE 1 END "
                                               "WHERE id IN (%d, %d) AND %d <> %d" % (a, a, b, a, b)))
                        assert "E" not in kinds, kinds
                        count += 1
            except BaseException as failure:  # pylint: disable=broad-except
                failures.append(failure)

        movers = [threading.Thread(target=move, args=(i,)) for i in range(4)]
        for mover in movers:
            mover.start()
        w = self.connect("bank")
        sums, states = [], set()
        while not failures and (len(sums) < 20 or len(states) < 2):  # until somebody has written meanwhile
            name = "bank-%d.db" % len(sums)
            self.run_sql(w, "SELECT pond_backup('%s')" % name)
            sums.append(self.rows(name, "SELECT sum(money), count(*) FROM bank"))
            states.add(tuple(self.rows(name, "SELECT money FROM bank ORDER BY id")))
        stop.set()
        for mover in movers:
            mover.join()
        self.assertEqual(failures, [])
        self.assertEqual(sums, [[(100 * ACCOUNTS, ACCOUNTS)]] * len(sums))
        self.leave(w)
        self.assertEqual([name for name in os.listdir(BACKUPS) if name.startswith(".")], [])

    def test_a_folder_that_cannot_be_written_to(self):
        w = self.connect("shop")
        os.rename(BACKUPS, BACKUPS + ".away")
        self.addCleanup(os.rename, BACKUPS + ".away", BACKUPS)
        self.fails(w, "SELECT pond_backup('b')", "58030")
        self.leave(w)


class NoFolder(Test):
    conf = SHOP

    def test_there_are_no_backups_without_a_folder(self):
        w = self.connect("shop")
        self.assertIn("backup_dir", self.fails(w, "SELECT pond_backup('b')", "55000")["H"])
        self.leave(w)


if __name__ == "__main__":
    database_test.main()
