"""What clients have logged: who they were and where they came from, nothing that they wanted kept, and no line of their own making."""
import re
import signal
import struct

import wire
from database_test import SHOP, Test, main
from wire import Wire, query


class Refused(Test):
    conf = SHOP

    def line_of(self, mark):
        self.eventually(lambda: mark in self.daemon.log(), mark)
        return [line for line in self.daemon.log().splitlines() if mark in line][-1]

    def test_a_line_says_who_came_from_where(self):
        self.refused("nowhere", user="mallory")
        self.assertRegex(self.line_of("FATAL: 3D000"), r'database "nowhere" does not exist \(user=mallory database=nowhere host=127\.0\.0\.1\)$')

    def test_before_anybody_has_said_who_he_is(self):
        with Wire() as w:
            w.send(struct.pack("!ii", 8, 0x50000))
            self.last_words(w)
        self.assertRegex(self.line_of("FATAL: 0A000"), r"\(user=- database=- host=127\.0\.0\.1\)$")
        with Wire() as w:
            w.send(struct.pack("!ii", 8, 80877103) + b"SELECT")
            w.until("the end")
        self.assertRegex(self.line_of("unencrypted"), r"request for encryption: user=- database=- host=127\.0\.0\.1$")

    def test_where_one_came_from_who_has_left_again(self):
        """He is gone before the daemon has even accepted him."""
        before = self.daemon.log().count("unencrypted")
        self.daemon.process.send_signal(signal.SIGSTOP)
        try:
            w = Wire()
            w.send(struct.pack("!ii", 8, 80877103) + b"SELECT")
            self.hang_up(w, reset=True)
        finally:
            self.daemon.process.send_signal(signal.SIGCONT)
        self.eventually(lambda: self.daemon.log().count("unencrypted") > before, "the line")
        self.assertRegex(self.line_of("unencrypted"), r"host=127\.0\.0\.1$")

    def test_names_of_any_length_are_cut(self):
        self.refused("x" * 3000, user="y" * 3000)
        self.assertLess(max(len(line) for line in self.daemon.log().splitlines()), 2048)


class Flood(Test):
    conf = "log_limit = 5\n" + SHOP

    def test_what_is_not_even_a_login_counts_as_the_clients(self):
        for _ in range(30):
            with Wire() as w:
                w.send(struct.pack("!ii", 8, 80877103) + b"SELECT")
                w.until("the end")
        self.assertLessEqual(self.daemon.log().count("unencrypted"), 10)  # the minute may change once
        self.daemon.stop()
        self.assertRegex(self.daemon.log(), r"WARNING: \d+ lines of clients were left out: over log_limit")


class Forged(Test):
    """Line breaks and what terminals obey are blanks, wherever a client puts them."""
    conf = "log_connections = on\nlog_disconnections = on\nlog_statement = all\nadmin_users = boss\n" + SHOP
    EVIL = "a\r\nFATAL: forged\x1b[2J\x7f\u009b31m\u0085\tz"
    LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC \[\d+\] [A-Z]+: [^\x00-\x1f\x7f-\x9f]*")

    def test_in_names_and_texts(self):
        name = self.EVIL[:40]
        self.refused(name, user=name)
        w = self.connect("shop", user=name, application_name=name)
        self.run_sql(w, "SELECT '%s'" % self.EVIL)
        w.error(query(self.EVIL))
        w.ask(wire.parse(self.EVIL, "SELECT 1") + wire.bind(self.EVIL, self.EVIL) + wire.execute(self.EVIL) + wire.SYNC)
        self.leave(w)
        console = self.connect("pond", user="boss")
        console.error(query("KILL " + self.EVIL))
        self.leave(console)
        lines = self.daemon.log().split("\n")[:-1]
        self.assertTrue(any("forged" in line for line in lines))
        for line in lines:
            self.assertRegex(line, r"\A" + self.LINE.pattern + r"\Z")
            self.assertNotRegex(line, r"^\S+ \S+ UTC \[\d+\] FATAL: forged")


class Values(Test):
    conf = "log_connections = on\nlog_disconnections = on\nlog_statement = all\nlog_min_duration_statement = 0\n" + SHOP

    def test_those_of_parameters_are_not_logged(self):
        w = self.connect("shop")
        w.ask(wire.parse("", "SELECT $1::text || length($2::text)") + wire.bind("", "", [b"hidden-1", b"hidden-2"]) + wire.execute() + wire.SYNC)
        error, _ = w.error(wire.parse("", "SELECT $1::int") + wire.bind("", "", [b"hidden-3"]) + wire.execute() + wire.SYNC)
        self.assertEqual(error["C"], "22P02")
        self.run_sql(w, "CREATE TABLE kept (x text)")
        w.send(query("COPY kept FROM STDIN"))
        w.until("G")
        w.ask(wire.message("d", b"hidden-4\n") + wire.message("c"))
        self.leave(w)
        self.assertIn("SELECT $1::text || length($2::text)", self.daemon.log())
        self.assertNotIn("hidden", self.daemon.log())


class Quiet(Test):
    """Nobody has asked for anything."""
    conf = SHOP

    def test_nothing_that_a_client_says_is_logged(self):
        w = self.connect("shop", application_name="hidden")
        self.run_sql(w, "SELECT 'hidden'")
        self.fails(w, "SELECT 'hidden", "42601")
        self.fails(w, "SELECT 'hidden'::int", "22P02")
        self.fails(w, "ALTER ROLE me PASSWORD 'hidden'", "0A000")
        self.run_sql(w, "CREATE TABLE t (x text UNIQUE); INSERT INTO t VALUES ('hidden')")
        self.fails(w, "INSERT INTO t VALUES ('hidden')", "23505")
        self.leave(w)
        self.assertNotIn("hidden", self.daemon.log())


if __name__ == "__main__":
    main()
