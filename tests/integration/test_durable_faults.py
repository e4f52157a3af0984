#!/usr/bin/python3
"""Files that are none, files that vanish, disks that are full: clear errors, nothing acknowledged is lost, nobody else notices.

A full disk is a small tmpfs in a mount namespace of the test's own, which it enters by running itself under unshare(1).
"""
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading

from durable_test import PONDD, Test, look, look_at_crashed, main
import wire
from wire import query

NAMESPACE = "POND_TEST_OWN_MOUNTS"
NOBODY = 65534


def make_database(path, rows=1, mode="WAL"):
    db = sqlite3.connect(path)
    db.executescript("PRAGMA journal_mode=%s; CREATE TABLE t (i int PRIMARY KEY, s text)" % mode)
    db.executemany("INSERT INTO t VALUES (?, ?)", [(i, "x" * 1000) for i in range(1, rows + 1)])
    db.commit()
    db.close()


class BadFile(Test):
    """The daemon does not start, says which file and why, and leaves it as it is."""

    def check(self, sqlstate, *words):
        line = self.fails_to_start()
        self.assertIn("cannot start: %s " % sqlstate, line)
        for word in words:
            self.assertIn(word, line)

    def test_it_is_no_database(self):
        self.file.write_bytes(b"This is a letter to a friend. " * 1000)
        before = self.file.read_bytes()
        self.check("XX001", str(self.file), "not a database")
        self.assertEqual(self.file.read_bytes(), before)

    def test_it_is_short_and_no_database(self):
        self.file.write_bytes(b"hello")
        self.check("XX001", str(self.file))
        self.assertEqual(self.file.read_bytes(), b"hello")

    def test_it_is_cut_off(self):
        make_database(self.file, 200)
        size = self.file.stat().st_size
        for keep in (size // 2, size - 100, 4096, 50):
            with self.subTest(keep):
                os.truncate(self.file, keep)
                self.check("XX001", str(self.file))
                self.assertEqual(self.file.stat().st_size, keep)

    def test_its_pages_are_nonsense(self):
        make_database(self.file, 200)
        with open(self.file, "r+b") as file:
            file.seek(4096)
            file.write(os.urandom(4096 * 3))
        self.run_daemon()  # SQLite looks at a page when it is asked for it
        w = self.connect("shop")
        self.assertEqual(self.outcome(w, "SELECT sum(length(s)) FROM t"), "XX001")
        self.assertEqual(self.once("other", "SELECT s FROM t"), [("seed",)])
        self.run_sql(w, "SELECT 1")

    def test_it_is_a_folder(self):
        self.file.mkdir()
        self.check("42809", str(self.file), "Is a directory")

    def test_it_is_in_a_folder_that_is_not_there(self):
        self.file = self.folder / "nowhere/shop.db"
        conf = self.conf
        self.conf = lambda *lines: self.write("pond.conf", conf(*lines).read_text(encoding="utf-8").replace("file = ", "file = nowhere/"))
        self.check("58P01", str(self.file), "No such file or directory")

    def test_it_has_more_than_clone_memory(self):
        make_database(self.file, 2000)
        line = self.fails_to_start("clone_memory = 1MB")
        self.assertIn("53200", line)
        self.assertIn(str(self.file), line)
        look(self.file)
        self.run_daemon("clone_memory = 20MB")
        self.assertEqual(self.once("shop", "SELECT count(*) FROM t"), [("2000",)])
        self.stop()

    def test_two_databases_of_one_file(self):
        text = self.conf().read_text(encoding="utf-8") + "[database twin]\nfile = shop.db\n"
        self.conf = lambda *lines: self.write("pond.conf", text)
        self.check("55006", str(self.file))

    def test_a_link_to_a_file(self):
        make_database(self.folder / "real.db", 3, "DELETE")
        self.file.symlink_to(self.folder / "real.db")
        self.run_daemon()
        w = self.connect("shop")
        self.run_sql(w, "INSERT INTO t VALUES (4, 'y')")
        self.kill()
        self.run_daemon()
        self.assertEqual(self.once("shop", "SELECT count(*) FROM t"), [("4",)])
        self.assertEqual(self.daemon.stop(), 0)
        self.assertTrue(self.file.is_symlink())
        self.assertEqual(look(self.folder / "real.db", "SELECT count(*) FROM t"), [(4,)])


class OtherUser(Test):
    """What the daemon's user may not write to; where the test is root, the daemon runs as nobody."""

    def setUp(self):
        super().setUp()
        self.place = self.folder / "place"
        self.place.mkdir()
        self.file = self.place / "shop.db"
        make_database(self.file, 3, "DELETE")
        self.folder.chmod(0o777)

    def run_daemon(self, *lines, **options):
        conf = self.conf
        self.conf = lambda *more: self.write("pond.conf", conf(*more).read_text(encoding="utf-8").replace("shop.db", "place/shop.db"))
        try:
            os.umask(0)
            if os.getuid() == 0:
                script = self.write("pondd", '#!/bin/sh\nexec setpriv --reuid=%d --regid=%d --clear-groups %s "$@"\n'
                                    % (NOBODY, NOBODY, os.path.abspath(PONDD)))
                script.chmod(0o755)
                options["pondd"] = str(script)
            return super().run_daemon(*lines, **options)
        finally:
            os.umask(0o022)
            self.conf = conf

    def check(self):
        line = self.fails_to_start()
        self.assertRegex(line, "cannot start: 42501 .*%s" % self.file)
        self.place.chmod(0o755)
        self.file.chmod(0o644)
        self.assertEqual(look(self.file, "SELECT count(*) FROM t"), [(3,)])
        self.assertEqual(sorted(os.listdir(self.place)), ["shop.db"])

    def test_a_file_that_may_only_be_read(self):
        self.place.chmod(0o777)
        self.file.chmod(0o444)
        self.check()

    def test_a_file_that_may_only_be_read_as_the_daemon_left_it(self):
        """In WAL mode: what root has brought back from a backup, for one."""
        self.file.unlink()
        make_database(self.file, 3, "WAL")
        self.test_a_file_that_may_only_be_read()

    def test_a_file_that_may_not_even_be_read(self):
        self.place.chmod(0o777)
        self.file.chmod(0)
        self.check()

    def test_a_folder_that_takes_no_log(self):
        self.place.chmod(0o555)
        self.file.chmod(0o666)
        self.check()


class Vanishes(Test):
    def setUp(self):
        super().setUp()
        self.run_daemon()
        self.w = self.connect("shop")
        self.other = self.connect("other")
        self.run_sql(self.w, "INSERT INTO t VALUES (2, 'b')")

    def nobody_else_notices(self):
        self.assertEqual(self.run_sql(self.other, "SELECT s FROM t"), [("seed",)])
        self.run_sql(self.other, "UPDATE t SET s = s")

    def refused(self):
        error = self.fails(self.w, "INSERT INTO t VALUES (3, 'c')", "58030")
        self.assertIn(str(self.file), error["M"])
        self.assertEqual(self.run_sql(self.w, "SELECT i FROM t"), [("1",), ("2",)])
        self.assertEqual(self.run_sql(self.connect("shop~copy"), "SELECT i FROM t"), [("1",), ("2",)])
        self.nobody_else_notices()
        return error

    def works_again(self):
        self.run_sql(self.w, "INSERT INTO t VALUES (4, 'd')")
        self.kill()
        self.run_daemon()
        self.assertEqual(self.once("shop", "SELECT i FROM t"), [("1",), ("2",), ("4",)])
        self.stop()

    def test_the_file_is_moved_and_put_back(self):
        os.rename(self.file, self.folder / "elsewhere")
        self.assertIn("Put it back", self.refused()["H"])
        self.refused()
        os.rename(self.folder / "elsewhere", self.file)
        self.works_again()

    def test_the_log_is_moved_and_put_back(self):
        os.rename(self.log_file, self.folder / "elsewhere")
        self.refused()
        os.rename(self.folder / "elsewhere", self.log_file)
        self.works_again()

    def test_both_are_moved_and_put_back(self):
        os.rename(self.file, self.folder / "a")
        os.rename(self.log_file, self.folder / "b")
        self.refused()
        os.rename(self.folder / "b", self.log_file)
        self.refused()
        os.rename(self.folder / "a", self.file)
        self.works_again()

    def test_the_whole_folder_is_moved_and_put_back(self):
        self.w.socket.settimeout(wire.PATIENCE)
        moved = self.folder.with_name(self.folder.name + "-moved")
        os.rename(self.folder, moved)
        try:
            self.fails(self.w, "INSERT INTO t VALUES (3, 'c')", "58030")
        finally:
            os.rename(moved, self.folder)
        self.works_again()

    def test_another_file_is_in_its_place(self):
        make_database(self.folder / "another.db", 7, "DELETE")
        os.rename(self.file, self.folder / "elsewhere")
        shutil.copyfile(self.folder / "another.db", self.file)
        self.refused()
        self.assertEqual(self.file.read_bytes(), (self.folder / "another.db").read_bytes())
        os.rename(self.folder / "elsewhere", self.file)
        self.works_again()

    def test_a_file_that_was_removed_does_not_keep_the_daemon_from_its_end(self):
        os.unlink(self.file)
        self.refused()
        os.unlink(self.log_file)
        self.refused()
        self.w.socket.close()
        self.other.socket.close()
        self.assertEqual(self.daemon.stop(), 0, self.daemon.log())

    def test_a_log_that_was_removed_costs_nothing_when_the_daemon_ends_as_it_should(self):
        os.unlink(self.log_file)
        self.refused()
        self.w.socket.close()
        self.other.socket.close()
        self.assertEqual(self.daemon.stop(), 0, self.daemon.log())
        self.assertEqual(look(self.file, "SELECT i FROM t"), [(1,), (2,)])

    def test_a_transaction_that_is_open_meanwhile(self):
        self.run_sql(self.w, "BEGIN; INSERT INTO t VALUES (5, 'e')")
        os.rename(self.file, self.folder / "elsewhere")
        self.run_sql(self.w, "INSERT INTO t VALUES (6, 'f')")
        self.fails(self.w, "COMMIT", "58030")
        self.assertEqual(self.run_sql(self.w, "SELECT i FROM t"), [("1",), ("2",)])
        self.run_sql(self.w, "BEGIN; INSERT INTO t VALUES (5, 'e')")
        os.rename(self.folder / "elsewhere", self.file)
        self.run_sql(self.w, "DELETE FROM t WHERE i = 5; COMMIT")
        self.works_again()

    def test_those_who_stand_in_line_are_all_told(self):
        waiting = [self.connect("shop") for _ in range(4)]
        self.run_sql(self.w, "BEGIN; UPDATE t SET s = 'x'")
        for i, w in enumerate(waiting):
            w.send(query("INSERT INTO t VALUES (%d, 'w')" % (10 + i)))
            self.until_it_waits(w)
        os.rename(self.file, self.folder / "elsewhere")
        self.fails(self.w, "COMMIT", "58030")
        for w in waiting:
            error = [wire.fields(body)["C"] for kind, body in w.until("Z") if kind == "E"]
            self.assertIn(error, (["58030"], ["40001"]))
        os.rename(self.folder / "elsewhere", self.file)
        self.assertEqual(self.run_sql(self.w, "SELECT i, s FROM t"), [("1", "seed"), ("2", "b")])
        self.works_again()


class Full(Test):
    """`fill` and `make_room` say what "full" is."""
    sqlstates = ("53100",)

    def setUp(self):
        super().setUp()
        self.place = self.folder / "small"
        self.place.mkdir()
        if not os.environ.get(NAMESPACE):
            self.skipTest("no mount namespace")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", self.place], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.place], check=True)
        self.file, self.log_file = self.place / "shop.db", self.place / "shop.db-wal"
        text = self.conf().read_text(encoding="utf-8").replace("file = ", "file = small/")
        self.conf = lambda *lines: self.write("pond.conf", text + "".join(line + "\n" for line in lines))
        (self.place / "reserve").write_bytes(b"x" * (5 << 20))  # what is in the log has to fit into the file, too
        self.run_daemon()
        self.w = self.connect("shop")

    def stop(self):
        self.assertEqual(self.daemon.stop(), 0, self.daemon.log())
        self.assertFalse(self.log_file.exists())
        look(self.file)

    def fill(self):
        """All but what the last commits left."""
        with open(self.place / "ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"x" * 4096)
            except OSError:
                pass

    def make_room(self):
        for name in ("ballast", "reserve"):
            (self.place / name).unlink(missing_ok=True)

    def write_until_full(self, w, size, first=100):
        """The numbers that were acknowledged, and the error."""
        done, number = [], first
        while True:
            _, got = w.ask(query("INSERT INTO t VALUES (%d, '%s')" % (number, "x" * size)))
            errors = [wire.fields(body) for kind, body in got if kind == "E"]
            if errors:
                self.assertIn(errors[0]["C"], self.sqlstates)
                self.assertIn(str(self.file), errors[0]["M"])
                return done, errors[0]
            done.append(number)
            number += 1

    def numbers(self, w=None):
        return [int(i) for i, in self.run_sql(w or self.w, "SELECT i FROM t WHERE i >= 100 ORDER BY i")]

    def on_disk(self):
        """By another SQLite, with a copy on a disk that has room."""
        return [i for i, in look_at_crashed(self.file, "SELECT i FROM t WHERE i >= 100 ORDER BY i")]

    def test_it_fills_up_and_gets_room(self):
        done, error = self.write_until_full(self.w, 3000)
        self.assertIn("room", error["H"])
        self.assertGreater(len(done), 100)
        self.fill()
        self.assertEqual(self.numbers(), done)
        self.assertEqual(self.on_disk(), done)
        self.assertIn(self.outcome(self.w, "INSERT INTO t VALUES (50, '%s')" % ("x" * 9000)), self.sqlstates)
        self.assertEqual(self.once("other", "SELECT s FROM t"), [("seed",)])
        self.make_room()
        self.run_sql(self.w, "DELETE FROM t WHERE i %% 2 = 0 AND i > %d" % (len(done) // 2))
        kept = self.numbers()
        self.kill()
        self.assertEqual(self.on_disk(), kept)
        self.run_daemon()
        self.assertEqual(self.numbers(self.connect("shop")), kept)
        self.stop()

    def test_a_kill_while_it_is_full(self):
        done, _ = self.write_until_full(self.w, 3000)
        self.fill()
        self.write_until_full(self.w, 100, 100000)
        done = self.numbers()
        self.kill()
        self.assertEqual(self.on_disk(), done)
        self.make_room()
        self.run_daemon()
        self.assertEqual(self.numbers(self.connect("shop")), done)
        self.stop()

    def test_a_clean_end_while_it_is_full(self):
        self.write_until_full(self.w, 3000)
        self.fill()
        done = self.numbers()
        self.w.socket.close()
        self.assertEqual(self.daemon.stop(), 0, self.daemon.log())
        self.assertEqual(self.on_disk(), done)  # the log is still there, should the file not have taken all
        self.make_room()
        self.run_daemon()
        self.assertEqual(self.numbers(self.connect("shop")), done)
        self.stop()

    def test_a_start_where_nothing_fits(self):
        self.w.socket.close()
        self.stop()
        self.file.unlink()
        self.fill()
        line = self.fails_to_start()
        self.assertIn("cannot start: 53100 ", line)
        self.assertIn(str(self.file), line)
        self.make_room()
        self.run_daemon()
        self.assertEqual(self.once("shop", "SELECT s FROM t"), [("seed",)])
        self.stop()

    def test_eight_connections_that_all_hit_the_end(self):
        clients = [self.connect("shop") for _ in range(8)]
        done = [None] * 8

        def work(number):
            done[number], _ = self.write_until_full(clients[number], 2000, 100000 * (number + 1))
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        acknowledged = sorted(sum(done, []))
        self.assertEqual(self.numbers(), acknowledged)
        self.assertEqual(self.on_disk(), acknowledged)
        self.kill()
        self.make_room()
        self.run_daemon()
        self.assertEqual(self.numbers(self.connect("shop")), acknowledged)

    def test_a_transaction_that_never_fits(self):
        text = "INSERT INTO t SELECT g, '%s' FROM generate_series(100, 4000) g(g)" % ("x" * 4000)
        for _ in range(3):
            self.assertIn(self.outcome(self.w, text), self.sqlstates)
            self.run_sql(self.w, "UPDATE t SET s = s || '+' WHERE i = 1")
        self.assertEqual(self.run_sql(self.w, "SELECT i, s FROM t"), [("1", "seed+++")])
        self.kill()
        self.assertEqual(look_at_crashed(self.file, "SELECT i, s FROM t"), [(1, "seed+++")])
        self.run_daemon()
        self.stop()


class Limit(Test):
    """The process may not write files of more than so many bytes: the log comes to its end before the disk does."""

    def set_limit(self, size):
        resource.prlimit(self.daemon.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def test_it_is_told_and_lifted(self):
        self.run_daemon()
        w = self.connect("shop")
        self.run_sql(w, "INSERT INTO t SELECT g, repeat('x', 900) FROM generate_series(2, 500) g(g)")
        self.set_limit(self.log_file.stat().st_size + 20000)
        done = 0
        while self.outcome(w, "INSERT INTO t VALUES (%d, 'y')" % (1000 + done)) == "00000":
            done += 1
        self.assertIn(self.outcome(w, "INSERT INTO t VALUES (900, '%s')" % ("x" * 900000)), ("58030", "53100"))
        self.assertEqual(self.run_sql(w, "SELECT count(*) FROM t"), [(str(500 + done),)])
        self.set_limit(resource.RLIM_INFINITY)
        self.run_sql(w, "INSERT INTO t VALUES (2000, 'z')")
        self.kill()
        self.run_daemon()
        self.assertEqual(self.once("shop", "SELECT count(*), max(i) FROM t"), [(str(501 + done), "2000")])
        self.stop()


def enter_namespace():
    """Runs this program again where it may mount, if it can be had; without it, the tests of full disks are skipped."""
    if os.environ.get(NAMESPACE) or not shutil.which("unshare"):
        return
    for options in (["--mount"], ["--user", "--map-root-user", "--mount"]):
        command = ["unshare", *options, "--"]
        if subprocess.run(command + ["sh", "-c", "mount -t tmpfs none /mnt"], capture_output=True, check=False).returncode == 0:
            os.environ[NAMESPACE] = "1"
            os.execvp("unshare", command + [sys.executable, "-B", sys.argv[0], PONDD, *sys.argv[1:]])
    if os.environ.get("POND_REQUIRE_ALL") == "1":
        sys.exit("a mount namespace is needed for the tests of full disks")


if __name__ == "__main__":
    enter_namespace()
    main()
