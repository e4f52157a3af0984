"""Raw bytes: what the protocol promises, and what bad manners get. Nobody else may notice."""
import os
import signal
import socket
import struct
import time
import unittest

import client_test
import wire
from wire import Wire, bind, close, cstr, describe, execute, message, parse, query, FLUSH, SYNC, TERMINATE

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


class Startup(unittest.TestCase):
    def test_ssl_and_gss_are_declined_and_then_start(self):
        with Wire() as w:
            for code in (80877103, 80877104):
                w.send(struct.pack("!ii", 8, code))
                self.assertEqual(w.read(1), b"N")
            w.send(wire.startup(user="u", database="shop"))
            types = "".join(kind for kind, _ in w.until("Z"))
            self.assertTrue(types.startswith("R") and types.endswith("KZ"), types)

    def test_bytes_behind_an_ssl_request_close_the_connection(self):
        with Wire() as w:
            w.send(struct.pack("!ii", 8, 80877103) + wire.startup(user="u", database="shop"))
            self.assertIn(w.read(2), (None, ))

    def test_byte_by_byte(self):
        with Wire() as w:
            w.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in wire.startup(user="u", database="shop") + query("SELECT 42"):
                w.send(bytes([byte]))
            w.until("Z")
            self.assertEqual("".join(kind for kind, _ in w.until("Z")), "TDCZ")

    def test_parameters_are_postgresql_15s(self):
        with Wire("shop", application_name="me") as w:
            status = dict(tuple(part.decode() for part in body.split(b"\0")[:2])
                          for kind, body in w.greeting if kind == "S")
        self.assertEqual(sorted(status), sorted([
            "application_name", "client_encoding", "DateStyle", "default_transaction_read_only", "in_hot_standby",
            "integer_datetimes", "IntervalStyle", "is_superuser", "server_encoding", "server_version",
            "session_authorization", "standard_conforming_strings", "TimeZone"]))
        self.assertEqual(status["application_name"], "me")
        self.assertRegex(status["server_version"], r"^15\.")

    def test_a_higher_minor_version_is_negotiated(self):
        with Wire() as w:
            w.send(wire.startup(version=0x30002, user="u", database="shop", **{"_pq_.what": "1"}))
            kind, body = w.next()
            self.assertEqual(kind, "v")
            self.assertEqual(struct.unpack_from("!ii", body), (0x30000, 1))
            self.assertEqual(body[8:], b"_pq_.what\0")
            self.assertEqual(w.until("Z")[-1], ("Z", b"I"))

    def test_errors_at_start(self):
        for packet, state in ((wire.startup(user="u", database="nowhere"), "3D000"),
                              (wire.startup(database="shop"), "28000"),
                              (wire.startup(version=0x20000, user="u"), "0A000"),
                              (wire.startup(user="u", database="shop", client_encoding="KLINGON"), "22023"),
                              (wire.startup(user="u", database="shop", no_such_setting="1"), "42704")):
            with self.subTest(state), Wire() as w:
                w.send(packet)
                got = w.until("E")
                self.assertEqual(got[-1][0], "E", got)
                error = wire.fields(got[-1][1])
                self.assertEqual((error["S"], error["V"], error["C"]), ("FATAL", "FATAL", state))
                self.assertIsNone(w.next())

    def test_absurd_packets_are_closed(self):
        for data in (struct.pack("!i", 4), struct.pack("!i", -1), struct.pack("!i", 1 << 30), b"GET / HTTP/1.0\r\n\r\n",
                     struct.pack("!ii", 9, 0x30000) + b"x"):
            with self.subTest(data), Wire() as w:
                w.send(data)
                w.until("?")
        with Wire("shop") as w:
            self.assertEqual(w.ask(query("SELECT 1"))[0], "TDCZ")


class Messages(unittest.TestCase):
    def setUp(self):
        self.w = Wire("shop")
        self.addCleanup(self.w.socket.close)

    def test_empty_queries(self):
        for text in ("", ";", "  -- ping", "/* */ ; ;"):
            self.assertEqual(self.w.ask(query(text))[0], "IZ", text)
        self.assertEqual(self.w.ask(parse("", "-- ping") + bind("", "") + describe("P") + execute() + SYNC)[0], "12nIZ")
        self.assertEqual(self.w.ask(SYNC)[0], "Z")

    def test_extended_round(self):
        types, got = self.w.ask(parse("s", "SELECT id, sku FROM orders WHERE id >= $1 ORDER BY id") + describe("S", "s") +
                                bind("", "s", [b"2"]) + execute() + SYNC)
        self.assertEqual(types, "1tT2DDCZ")
        self.assertEqual(got[1][1], struct.pack("!hi", 1, 23))
        self.assertEqual([wire.values(b) for k, b in got if k == "D"], [[b"2", b"pear"], [b"3", b"plum"]])
        self.assertEqual(got[-2][1], b"SELECT 2\0")

    def test_binary_both_ways(self):
        types, got = self.w.ask(parse("", "SELECT id, total, sku FROM orders WHERE id = $1") +
                                bind("", "", [struct.pack("!i", 3)], [1], [1]) + describe("P") + execute() + SYNC)
        self.assertEqual(types, "12TDCZ")
        row = wire.values(got[3][1])
        self.assertEqual(row[0], struct.pack("!i", 3))
        self.assertEqual(row[1], struct.pack("!hhhhhh", 2, 0, 0, 2, 100, 500))
        self.assertEqual(row[2], b"plum")

    def test_pages(self):
        w = self.w
        head = parse("", "SELECT id FROM orders ORDER BY id") + bind("p", "")
        w.send(head + execute("p", 2) + FLUSH)
        self.assertEqual("".join(k for k, _ in w.until("s")), "12DDs")
        w.send(execute("p", 2) + FLUSH)
        self.assertEqual("".join(k for k, _ in w.until("C")), "DC")
        self.assertEqual(w.ask(close("P", "p") + SYNC)[0], "3Z")
        self.assertEqual(w.error(execute("p") + SYNC)[0]["C"], "34000")

    def test_a_portal_survives_a_write_of_its_own_transaction(self):
        w = self.w
        w.ask(query("BEGIN"))
        w.ask(parse("", "SELECT id, quantity FROM orders ORDER BY id") + bind("p", "") + execute("p", 1) + SYNC)
        self.assertEqual(w.ask(query("UPDATE orders SET quantity = 99"))[0], "CZ")
        types, got = w.ask(execute("p", 0) + SYNC)
        self.assertEqual(types, "DDCZ")
        self.assertEqual([wire.values(b)[1] for k, b in got if k == "D"], [b"1", b"5"])
        w.ask(query("COMMIT"))
        self.assertEqual(w.error(execute("p", 0) + SYNC)[0]["C"], "34000")

    def test_skip_to_sync_and_implicit_transaction(self):
        w = self.w
        error, rest = w.error(parse("", "DELETE FROM orders") + bind("", "") + execute() + parse("", "SELECT 1/0") +
                              bind("", "") + execute() + parse("", "SELECT 1") + bind("", "") + execute() + SYNC)
        self.assertEqual((error["C"], rest), ("22012", "Z"))
        types, got = w.ask(query("SELECT count(*) FROM orders"))
        self.assertEqual(wire.values(got[1][1]), [b"3"])

    def test_what_cannot_be_taken_back_runs_outside_of_transactions_only(self):
        w = self.w

        def once(text):
            return parse("", text) + bind("", "") + execute()

        for text in ("CREATE DATABASE wire_alone", "SELECT pond_mark('wire')"):
            # alone up to its Sync, though that comes later: whatever else is wrong, it is no transaction
            w.send(once(text) + FLUSH)
            kind, body = next(m for m in iter(w.next, None) if m[0] in "CE")
            self.assertFalse(kind == "E" and wire.fields(body)["C"] == "25001", body)
            w.ask(SYNC)
            for data in (once("SELECT 1") + once(text) + SYNC, query("SELECT 1; " + text), query(text + "; SELECT 1"),
                         once("BEGIN") + once(text) + SYNC):
                self.assertEqual(w.error(data)[0]["C"], "25001")
            w.ask(query("ROLLBACK"))

    def test_wrong_counts_names_and_portals(self):
        w = self.w
        for data, state in ((parse("", "SELECT $1::int") + bind("", "") + SYNC, "08P01"),
                            (parse("", "SELECT 1") + bind("", "", [], [], [1, 1]) + SYNC, "08P01"),
                            (bind("", "nothing") + SYNC, "26000"), (describe("S", "nothing") + SYNC, "26000"),
                            (execute("nothing") + SYNC, "34000"), (parse("", "SELECT 1; SELECT 2") + SYNC, "42601"),
                            (parse("", "SELECT $1::int") + bind("", "", [b"abc"]) + SYNC, "22P02"),
                            (parse("", "SELECT $1::int") + bind("", "", [b"abc"], [1]) + SYNC, "08P01"),
                            (parse("", "SELECT $1::int") + bind("", "", [b"abcde"], [1]) + SYNC, "22P03"),
                            (parse("a", "SELECT 1") + parse("a", "SELECT 1") + SYNC, "42P05"),
                            (parse("", "SELECT $1::int") + bind("", "", [b"\x00\x00\x00\x01"], [7]) + SYNC, "22023")):
            with self.subTest(state):
                error, rest = w.error(data)
                self.assertEqual((error["C"], rest), (state, "Z"), error)
        self.assertEqual(w.ask(query("SELECT 1"))[0], "TDCZ")

    def test_text_that_is_not_utf8_or_has_nul(self):
        error, _ = self.w.error(message("Q", b"SELECT '\xff\xfe'\0"))
        self.assertEqual(error["C"], "22021")
        error, _ = self.w.error(parse("", "SELECT $1::text") + bind("", "", [b"a\xc3("]) + SYNC)
        self.assertEqual(error["C"], "22021")
        error, _ = self.w.error(parse("", "SELECT $1::text") + bind("", "", [b"a\0b"]) + SYNC)
        self.assertEqual(error["C"], "22021")
        self.assertEqual(self.w.ask(query("SELECT 1"))[0], "TDCZ")

    def test_fatal_manners(self):
        for data, state in ((b"\x07\0\0\0\4", "08P01"), (b"Q\0\0\0\3", "08P01"), (b"Q\xff\xff\xff\xff", "08P01"),
                            (b"Q" + struct.pack("!i", 0x7fffffff), "54000"), (message("p", cstr("pw")), "08P01")):
            with self.subTest(data), Wire("shop") as w:
                w.send(data)
                got = w.until("E")
                self.assertEqual(got[-1][0], "E", got)
                error = wire.fields(got[-1][1])
                self.assertEqual((error["S"], error["C"]), ("FATAL", state), error)
        self.assertEqual(self.w.ask(query("SELECT 1"))[0], "TDCZ")

    def test_many_parameters(self):
        count = 65535
        marks = ",".join("($%d::int)" % (n + 1) for n in range(count))
        types, got = self.w.ask(parse("", "SELECT 1") + SYNC)
        error_or_rows, got = self.w.ask(parse("", "SELECT count(*) FROM (VALUES " + marks + ") v(a)") +
                                        bind("", "", [b"1"] * count) + execute() + SYNC)
        if "E" in error_or_rows:
            self.assertIn(wire.fields(got[[k for k, _ in got].index("E")][1])["C"], ("54000", "54001", "54011"))
        else:
            self.assertEqual(wire.values(got[-3][1]), [str(count).encode()])
        error, rest = self.w.error(parse("", "SELECT $65536::int") + SYNC)
        self.assertEqual(rest, "Z")
        self.assertEqual(self.w.ask(query("SELECT 1"))[0], "TDCZ")

    def test_too_deep_and_too_long(self):
        for text in ("SELECT " + "(" * 5000 + "1" + ")" * 5000, "SELECT " + " + ".join(["1"] * 5000),
                     "SELECT " + " UNION ALL SELECT ".join(["1"] * 2000), "SELECT " + "NOT " * 5000 + "true",
                     "SELECT " + "CASE WHEN true THEN " * 3000 + "1" + " END" * 3000, "SELECT " + "-" * 0 + "- " * 5000 + "1"):
            with self.subTest(text[:40]):
                error, rest = self.w.error(query(text))
                self.assertIn(error["C"], ("54001", "54000"), error)
        self.assertEqual(self.w.ask(query("SELECT 1"))[0], "TDCZ")

    def test_long_lists(self):
        for text, state in (("SELECT id FROM orders WHERE id IN (" + ",".join(map(str, range(20000))) + ")", None),
                            ("INSERT INTO customers (email, name) VALUES " +
                             ",".join("('mail %d', 'name')" % i for i in range(5000)), None),
                            ("SELECT id FROM orders WHERE " + " OR ".join("id = %d" % i for i in range(5000)), None),
                            ("SELECT id FROM orders WHERE " + " OR ".join("id = %d" % i for i in range(60000)), "54001"),
                            ("DROP TABLE IF EXISTS " + ", ".join("t%d" % i for i in range(10000)), None),
                            ("BEGIN;COMMIT;" * 5000, None)):
            with self.subTest(text[:60]):
                types, got = self.w.ask(query(text))
                errors = [wire.fields(body)["C"] for kind, body in got if kind == "E"]
                self.assertEqual(errors, [state] if state else [])
        self.assertEqual(self.w.ask(query("SELECT 1"))[0], "TDCZ")

    def test_forbidden_things(self):
        for text in ("ATTACH '/tmp/x' AS x", "DETACH main", "PRAGMA journal_mode = wal", "PRAGMA locking_mode = exclusive",
                     "SELECT load_extension('x')", "SELECT writefile('/tmp/x', 'y')", "SELECT readfile('/etc/passwd')",
                     "UPDATE sqlite_schema SET sql = ''"):
            with self.subTest(text):
                error, _ = self.w.error(query(text))
                self.assertIn(error["C"], ("42501", "42601", "42883", "42P01"), error)
        self.assertEqual(self.w.ask(query("SELECT count(*) FROM orders"))[0], "TDCZ")

    def test_function_call_is_refused(self):
        error, rest = self.w.error(message("F", struct.pack("!ihhh", 1, 0, 0, 0)))
        self.assertEqual((error["C"], rest), ("0A000", "Z"))

    def test_terminate_is_quiet(self):
        self.w.send(TERMINATE)
        self.assertIsNone(self.w.next())

    def test_an_empty_statement_in_a_failed_block(self):
        with Wire("shop") as w:
            w.ask(query("BEGIN; SELECT 1/0"))
            self.assertEqual(w.ask(query(""))[0], "IZ")
            failure, after = w.error(parse("", "") + bind("", "") + execute() + SYNC)
            self.assertEqual((failure["C"], after), ("25P02", "Z"))


class Others(unittest.TestCase):
    def wait_for_place(self):
        """Until the database that has one place lets in another."""
        end = time.monotonic() + wire.PATIENCE
        while time.monotonic() < end:
            with Wire() as w:
                w.send(wire.startup(user="u", database="single"))
                got = w.until("Z")
                if got and got[-1][0] == "Z":
                    return
                self.assertEqual(wire.fields(got[-1][1])["C"], "53300")
        self.fail("nobody freed the place")

    def test_the_pool_has_its_size(self):
        with Wire("single"):
            with Wire() as w:
                w.send(wire.startup(user="u", database="single"))
                error = wire.fields(w.until("E")[-1][1])
                self.assertEqual((error["S"], error["C"]), ("FATAL", "53300"))
        self.wait_for_place()

    def test_a_client_that_vanishes_stops_its_statement(self):
        with Wire("single") as w:
            w.send(query(ENDLESS))
            os.kill(int(os.environ["PONDD_PID"]), 0)
        self.wait_for_place()

    def test_cancel(self):
        w = Wire("shop")
        w.send(query(ENDLESS))
        with Wire() as other:
            other.send(struct.pack("!ii", 16, 80877102) + struct.pack("!ii", 1, 1))
            self.assertIsNone(other.next())
        with Wire() as other:
            other.send(struct.pack("!ii", 16, 80877102) + w.key)
            self.assertIsNone(other.next())
        got = w.until("Z")
        self.assertEqual(wire.fields(got[-2][1])["C"], "57014")
        self.assertEqual(w.ask(query("SELECT 1"))[0], "TDCZ")
        w.socket.close()

    def test_others_have_their_turns_beside_a_long_statement(self):
        with Wire("shop") as slow, Wire("shop") as quick:
            slow.send(query(ENDLESS))
            for _ in range(50):
                self.assertEqual(quick.ask(query("SELECT name FROM customers WHERE id = 1"))[0], "TDCZ")

    def test_half_closed_sockets_get_their_answers(self):
        with Wire("shop") as w:
            w.send(query("SELECT 7"))
            w.socket.shutdown(socket.SHUT_WR)
            self.assertEqual("".join(kind for kind, _ in w.until("Z")), "TDCZ")
            self.assertIsNone(w.next())

    def test_a_client_that_does_not_read_holds_nobody(self):
        with Wire("bench") as w, Wire("shop") as quick:
            w.send(query("SELECT * FROM pgbench_accounts a"))
            for _ in range(20):
                self.assertEqual(quick.ask(query("SELECT 1"))[0], "TDCZ")
            self.assertEqual(sum(1 for kind, _ in w.until("Z") if kind == "D"), 100000)

    def test_many_come_and_go(self):
        crowd = [Wire("shop") for _ in range(150)]
        for w in crowd:
            w.send(query("DELETE FROM orders WHERE id = 1; SELECT count(*) FROM orders"))
        for w in crowd:
            self.assertEqual([wire.values(b) for k, b in w.until("Z") if k == "D"], [[b"2"]])
            w.socket.close()


class ZShutdown(unittest.TestCase):
    """Last by its name: ends the daemon."""

    def test_sigterm_ends_idle_clients_with_57p01(self):
        if not client_test.IS_POND:
            self.skipTest("not ours to end")
        with Wire("shop") as idle, Wire("shop") as busy:
            busy.send(query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200000) "
                            "SELECT count(*) FROM n"))
            has_read = query("SELECT 1 FROM pg_stat_activity WHERE pid = %d AND query LIKE 'WITH%%'" % struct.unpack("!i", busy.key[:4]))
            while idle.ask(has_read)[0] != "TDCZ":
                pass
            os.kill(int(os.environ["PONDD_PID"]), signal.SIGTERM)
            error = wire.fields(idle.until("E")[-1][1])
            self.assertEqual((error["S"], error["C"]), ("FATAL", "57P01"))
            rest = busy.until("?")
            self.assertIn("D", [kind for kind, _ in rest])


client_test.main()
