"""Who gets in, and what he may do: SCRAM in the raw, rules, peers, failed logins, the rights of [users].

usage: test_auth.py PONDD POND [unittest's arguments]
"""
import base64
import getpass
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

import database_test
import wire
from database_test import Test
from pond_daemon import Daemon
from scram import FINAL, Login, initial, refusal_in
from wire import Wire, fields, message, query, startup, values

POND = sys.argv.pop(1)
FOLDER = os.path.dirname(os.path.abspath(__file__))
USERS = os.path.join(FOLDER, "login.users")
DATABASES = "[database shop]\n[database empty]\n"


def file_for(test_class, text):
    """The path of a file with that text, for as long as the class's tests run."""
    file = tempfile.NamedTemporaryFile("w", prefix="pond-test.", encoding="utf-8", delete=False)
    with file:
        file.write(text)
    test_class.addClassCleanup(os.unlink, file.name)
    return file.name


def over_unix(daemon, **keys):
    """The messages that answer a start-up packet that came by the unix socket."""
    with Wire(connected=by_path(daemon.folder)) as w:
        w.send(startup(**keys))
        return w.until("Z")


def by_path(folder):
    one = socket.socket(socket.AF_UNIX)
    one.settimeout(wire.PATIENCE)
    one.connect("%s/.s.PGSQL.%d" % (folder, wire.PORT))
    return one


class Scram(Test):
    conf = "auth_file = %s\nauth_delay = 0\nmax_failed_logins = 0\nclient_login_timeout = 20\n" % USERS + DATABASES
    options = ("auth_type=scram-sha-256",)

    def test_the_right_password_gets_in_and_the_server_proves_itself(self):
        with Login("alice") as w:
            self.assertEqual(w.mechanisms(), ["SCRAM-SHA-256"])
            got = w.login("wonderland")
            self.assertEqual("".join(kind for kind, _ in got)[:2] + got[-1][0], "RRZ")
            self.assertEqual(got[0][1], struct.pack("!i", FINAL) + b"v=" + base64.b64encode(w.expected))
            self.assertEqual(values(dict(w.ask(query("SELECT current_user"))[1])["D"]), [b"alice"])

    def test_start_up_parameters_wait_for_the_password(self):
        with Login("alice", application_name="patience", options="-c statement_timeout=7s") as w:
            w.login("wonderland")
            self.assertEqual(values(dict(w.ask(query("SHOW application_name"))[1])["D"]), [b"patience"])
            self.assertEqual(values(dict(w.ask(query("SHOW statement_timeout"))[1])["D"]), [b"7s"])

    def test_a_newer_protocol_is_negotiated_before_the_password_is_asked_for(self):
        with Wire() as w:
            w.send(startup(0x30002, user="alice", database="shop"))
            self.assertEqual([w.next()[0], w.next()[0]], ["v", "R"])

    def test_wrong_and_empty_passwords_do_not(self):
        for password in ("", "Wonderland", "wonderland ", "x" * 1000):
            with Login("alice") as w:
                error = refusal_in(w.login(password))
                self.assertEqual((error["C"], error["M"]), ("28P01", 'password authentication failed for user "alice"'))

    def test_a_user_who_is_not_there_looks_like_one_who_is(self):
        seen = []
        for user in ("nobody", "nobody", "somebody", "alice", "alice"):
            with Login(user) as w:
                got = w.challenge()
                error = refusal_in(w.prove(w.final("wrong", got)))
                seen.append((got[b"s"], got[b"i"], error["C"], error["M"].replace(user, "X")))
        self.assertEqual(seen[0], seen[1])
        self.assertEqual(seen[3], seen[4])
        self.assertNotEqual(seen[0][0], seen[2][0])
        self.assertEqual(len({(len(s[0]), *s[1:]) for s in seen}), 1, seen)

    def test_a_database_that_is_not_there_is_told_to_users_only(self):
        with Login("alice", database="nowhere") as w:
            error = refusal_in(w.login("wrong"))
            self.assertEqual(error["C"], "28P01")
        with Login("alice", database="nowhere") as w:
            error = refusal_in(w.login("wonderland"))
            self.assertEqual(error["C"], "3D000")

    def test_strangers_make_no_clones(self):
        with Login("alice", database="shop~strange") as w:
            w.mechanisms()
            self.assertEqual(self.daemon.statistics()["clones"], "0")
            refusal_in(w.login("wrong"))
        with Login("alice", database="shop~mine") as w:
            self.assertEqual(w.login("wonderland")[-1][0], "Z")
            self.assertEqual(self.daemon.statistics()["clones"], "1")

    def test_many_at_once_find_their_shared_clone(self):
        logins = [Login("alice", database="shop~all") for _ in range(12)]
        try:
            for w in logins:
                self.assertEqual(w.login("wonderland")[-1][0], "Z")
            logins[0].ask(query("CREATE TABLE t (a int)"))
            for w in logins:
                kinds, _ = w.ask(query("SELECT * FROM t"))
                self.assertNotIn("E", kinds)
        finally:
            for w in logins:
                w.socket.close()

    def test_a_replayed_proof_is_refused(self):
        with Login("alice") as w:
            final = w.final("wonderland", w.challenge())
            self.assertEqual(w.prove(final)[-1][0], "Z")
        with Login("alice") as again:
            again.nonce = w.nonce
            again.challenge()
            error = refusal_in(again.prove(final))
            self.assertEqual((error["C"], error["M"], error["D"]),
                             ("08P01", "invalid SCRAM response", "Nonce does not match."))

    def test_broken_messages_are_told(self):
        for body, code in ((initial(b""), "08P01"), (initial(b"n,,n=,r="), "08P01"), (initial(b"n,,n=,r=a", "PLAIN"), "08P01"),
                           (initial(b"p=tls-unique,,n=,r=a"), "08P01"), (initial(b"n,a=root,n=,r=a"), "0A000"),
                           (initial(b"p=tls-server-end-point,,n=,r=a", "SCRAM-SHA-256-PLUS"), "08P01"),
                           (message("p", b"wonderland\0"), "08P01"), (message("p", b""), "08P01"),
                           (message("p", b"SCRAM-SHA-256\0"), "08P01"), (query("SELECT 1"), "08P01"),
                           (initial(b"n,,n=,r=" + b"a" * 1100), "08P01"), (b"\0\0\0\0\0", "08P01")):
            with Login("alice") as w:
                w.send(body)
                self.assertEqual(w.refusal()["C"], code, body[:60])

    def test_truncated_finals_are_told(self):
        for cut in (0, 1, 20, -1, -2):
            with Login("alice") as w:
                final = w.final("wonderland", w.challenge())
                self.assertEqual(refusal_in(w.prove(final[:cut]))["C"], "08P01")

    def test_ten_megabytes_of_password_are_not_read(self):
        with Login("alice") as w:
            w.socket.sendall(struct.pack("!ci", b"p", 10 << 20))
            error = w.refusal()
            self.assertEqual((error["C"], error["M"]), ("08P01", "invalid message length"))

    def test_a_client_may_leave_when_it_is_asked(self):
        for farewell in (b"", message("X"), initial(b"n,,n=,r=a")):
            with Login("alice") as w:
                w.send(farewell)

    def test_a_message_may_come_byte_by_byte(self):
        with Login("alice") as w:
            got = w.challenge()
            for byte in message("p", w.final("wonderland", got)):
                w.send(bytes([byte]))
            self.assertEqual(w.until("Z")[-1][0], "Z")

    def test_what_comes_with_the_proof_is_served_after_it(self):
        with Login("alice", database="shop~piped") as w:
            final = w.final("wonderland", w.challenge())
            w.send(message("p", final) + query("SELECT 7"))
            w.until("Z")
            self.assertEqual(dict(w.until("Z"))["D"][-1:], b"7")

    def test_the_console_asks_too(self):
        for user, password, code in (("alice", "wonderland", "42501"), ("alice", "wrong", "28P01"), ("pond", "x", "28P01")):
            with Login(user, database="pond") as w:
                self.assertEqual(refusal_in(w.login(password))["C"], code)

    def test_passwords_are_in_no_log(self):
        log = self.daemon.log()
        self.assertIn("password authentication failed for user \"alice\" (user=alice database=shop host=127.0.0.1)\n", log)  # whom to shut out
        for secret in ("onderland", "SCRAM-SHA-256$", "p="):
            self.assertNotIn(secret, log)

    def test_the_unix_socket_asks_too(self):
        with Login("alice", connected=by_path(self.daemon.folder)) as w:
            self.assertEqual(w.login("wonderland")[-1][0], "Z")


class Iterations(Test):
    """Half of the users have twice as many as the others."""
    conf = "auth_delay = 0\nmax_failed_logins = 0\n" + DATABASES
    line = open(USERS, encoding="utf-8").read().splitlines()[1].replace('"alice"', '"user%d"')

    @classmethod
    def setUpClass(cls):
        lines = [(cls.line % i).replace("$4096:", "$8192:" if i % 2 else "$4096:") for i in range(10)]
        cls.options = ("auth_type=scram-sha-256", "auth_file=" + file_for(cls, "\n".join(lines)))
        super().setUpClass()

    def iterations(self, user):
        with Login(user) as w:
            got = w.challenge()
            self.assertEqual(refusal_in(w.prove(w.final("wrong", got)))["C"], "28P01")
            return int(got[b"i"])

    def test_strangers_have_as_many_as_users(self):
        self.assertEqual([self.iterations("user%d" % i) for i in range(4)], [4096, 8192, 4096, 8192])
        strangers = {name: self.iterations(name) for name in ("nobody%d" % i for i in range(40))}
        self.assertEqual(set(strangers.values()), {4096, 8192})  # none in 2 ** 39 runs has one kind alone
        for name, count in strangers.items():
            self.assertEqual(self.iterations(name), count)


class Restart(unittest.TestCase):
    def test_a_stranger_is_asked_with_the_same_salt_after_a_restart(self):
        """Or one who has asked twice would know who is none; and there are restarts now and then."""
        seen = []
        with tempfile.TemporaryDirectory(prefix="pond-test.") as folder:
            conf = os.path.join(folder, "pond.conf")
            with open(conf, "w", encoding="utf-8") as file:
                file.write("[pond]\n[database shop]\n")
            for _ in range(2):
                daemon = Daemon(database_test.PONDD, conf, folder, "auth_type=scram-sha-256", "auth_file=" + USERS)
                for user in ("nobody", "alice", "somebody"):
                    with Login(user) as w:
                        seen.append(w.challenge()[b"s"])
                self.assertEqual(daemon.stop(), 0)
        self.assertEqual(seen[:3], seen[3:])
        self.assertEqual(len(set(seen)), 3)


class Timeout(Test):
    conf = "auth_file = %s\nclient_login_timeout = 2s\nauth_delay = 60\n" % USERS + DATABASES
    options = ("auth_type=scram-sha-256",)

    def test_who_says_nothing_is_cut_off(self):
        with Login("alice") as w:
            w.mechanisms()
            self.assertIsNone(w.next())

    def test_a_delay_lasts_no_longer_than_a_login_may(self):
        begin = time.monotonic()
        with Login("alice") as w:
            self.assertEqual(w.login("wrong"), [])
        self.assertLess(time.monotonic() - begin, 50)


class Delay(Test):
    conf = "auth_file = %s\nauth_delay = 400ms\nmax_failed_logins = 3\n" % USERS + DATABASES
    options = ("auth_type=scram-sha-256",)

    def test_guessing_takes_time_and_ends(self):
        for user in ("alice", "nobody", "alice"):
            begin = time.monotonic()
            with Login(user) as w:
                self.assertEqual(refusal_in(w.login("wrong"))["C"], "28P01")
            self.assertGreater(time.monotonic() - begin, 0.39)
        with Login("alice") as w:
            error = fields(w.asked[1])
            self.assertEqual((error["C"], error["M"]), ("28000", "too many failed logins from this address"))
        another = socket.create_connection((wire.HOST, wire.PORT), timeout=wire.PATIENCE, source_address=("127.0.0.2", 0))
        for connected in (another, by_path(self.daemon.folder)):
            with Login("alice", connected=connected) as w:  # those are asked as before
                self.assertEqual(w.login("wonderland")[-1][0], "Z")


class Rules(Test):
    conf = "auth_file = %s\nauth_delay = 0\nadmin_users = alice\n" % USERS + DATABASES
    rules = """
# type database    user  address         method
local  all         all                   peer
host   shop        guest 127.0.0.1/32    trust
host   shop        evil  all             reject
host   empty       all   10.0.0.0/8      trust
host   shop,pond   alice 127.0.0.0 255.0.0.0 scram-sha-256
hostssl all        all   all             cert
"""

    @classmethod
    def setUpClass(cls):
        cls.options = ("auth_type=hba", "auth_hba_file=" + file_for(cls, cls.rules))
        super().setUpClass()

    def test_each_rule_is_for_those_it_names(self):
        self.leave(self.connect("shop", user="guest"))
        self.leave(self.connect("shop~x", user="guest"))
        error = self.refused("shop", user="evil")
        self.assertEqual((error["C"], error["M"]), (
            "28000", 'pg_hba.conf rejects connection for host "127.0.0.1", user "evil", database "shop", no encryption'))
        for user, database in (("bob", "shop"), ("guest", "empty"), ("guest", "nowhere"), ("bob", "pond")):
            error = self.refused(database, user=user)
            self.assertEqual((error["C"], error["M"]), (
                "28000", 'no pg_hba.conf entry for host "127.0.0.1", user "%s", database "%s", no encryption' % (user, database)))
        with Login("alice") as w:
            self.assertEqual(w.login("wonderland")[-1][0], "Z")

    def test_the_console_is_for_admins_who_have_proved_it(self):
        with Login("alice", database="pond") as w:
            self.assertEqual(w.login("wonderland")[-1][0], "Z")
            self.assertIn("D", w.ask(query("SHOW VERSION"))[0])
        with Login("alice", database="pond") as w:
            self.assertEqual(refusal_in(w.login("wrong"))["C"], "28P01")

    def test_the_unix_socket_knows_its_peer(self):
        me = getpass.getuser()
        got = over_unix(self.daemon, user=me, database="empty")
        self.assertEqual(got[-1][0], "Z", got)
        error = refusal_in(over_unix(self.daemon, user="alice", database="empty"))
        self.assertEqual((error["C"], error["M"]), ("28000", 'Peer authentication failed for user "alice"'))

    def test_its_owner_has_the_console_over_the_unix_socket(self):
        got = over_unix(self.daemon, user="pond", database="pond")
        self.assertEqual(got[-1][0], "Z", got)


class Peer(Test):
    conf = DATABASES
    options = ("auth_type=peer", "log_limit=60")

    def test_those_who_are_refused_fill_no_disk(self):
        for _ in range(100):
            self.assertEqual(refusal_in(over_unix(self.daemon, user="nobody else", database="shop"))["C"], "28000")
        self.daemon.statistics()  # in a line of its own
        log = self.daemon.log()
        shown = log.count("at the other end of the unix socket") + log.count("FATAL: 28000")
        self.assertLess(shown, 121)  # the minute may change once
        self.assertNotIn("of the daemon itself", log)

    def test_nobody_gets_in_by_tcp(self):
        error = self.refused("shop", user=getpass.getuser())
        self.assertEqual(error["C"], "28000")
        self.assertIn("auth_type", error["H"])

    def test_peers_get_in(self):
        self.assertEqual(over_unix(self.daemon, user=getpass.getuser(), database="shop")[-1][0], "Z")


class Rights(Test):
    conf = DATABASES + """[users]
bob = databases=empty
carol = createdb=off
dave = max_user_connections=2 statement_timeout=5s
erin = statement_timeout=500ms
* = databases=shop,postgres
"""
    options = ("database.shop.query_wait_timeout=300ms", "database.shop.statement_timeout=9s")

    def test_databases(self):
        error = self.refused("shop", user="bob")
        self.assertEqual((error["C"], error["M"]), ("42501", 'permission denied for database "shop"'))
        for user, database in (("bob", "shop~mine"), ("bob", "postgres"), ("tester", "empty"), ("tester", "empty~mine")):
            self.assertEqual(self.refused(database, user=user)["C"], "42501", (user, database))
        for user, database in (("bob", "empty"), ("bob", "empty~mine"), ("carol", "empty"), ("tester", "shop"),
                               ("tester", "shop~x")):
            self.leave(self.connect(database, user=user))

    def test_a_database_is_of_the_one_that_it_was_made_of(self):
        w = self.connect("postgres")
        self.assertEqual(self.fails(w, "CREATE DATABASE mine TEMPLATE empty", "42501")["M"],
                         'permission denied for database "empty"')
        self.run_sql(w, "CREATE DATABASE mine TEMPLATE shop")
        self.assertEqual(self.refused("mine", user="bob")["C"], "42501")
        self.leave(self.connect("mine"))
        for user, database in (("carol", "shop"), ("bob", "empty")):
            other = self.connect(database, user=user)
            self.assertEqual(self.fails(other, "DROP DATABASE mine", "42501")["M"], "must be owner of database \"mine\"")
            self.fails(other, "ALTER DATABASE mine RENAME TO yours", "42501")
            self.fails(other, "DROP DATABASE nowhere", "3D000")
            self.leave(other)
        self.run_sql(w, "DROP DATABASE mine")
        self.leave(w)

    def test_createdb(self):
        w = self.connect("shop", user="carol")
        self.assertEqual(self.fails(w, "CREATE DATABASE mine", "42501")["M"], "permission denied to create database")
        self.fails(w, "SELECT pond_template('seeded')", "42501")
        self.assertEqual(self.refused("shop~mine", user="carol")["C"], "42501")
        maker = self.connect("shop~mine")
        guest = self.connect("shop~mine", user="carol")  # it is there
        self.fails(guest, "SELECT pond_keep()", "42501")
        self.leave(guest)
        self.leave(maker)
        self.leave(w)

    def test_what_others_do_is_seen_and_ended_by_who_may_use_their_database(self):
        w, bob, carol = self.connect("shop"), self.connect("empty", user="bob"), self.connect("empty", user="carol")
        (pid,), = self.run_sql(w, "SELECT pg_backend_pid() AS secret")
        look = "SELECT query FROM pg_stat_activity WHERE pid = %s" % pid
        self.assertEqual(self.run_sql(bob, look), [("<insufficient privilege>",)])
        self.assertEqual(self.run_sql(carol, look), [("SELECT pg_backend_pid() AS secret",)])
        (own,), = self.run_sql(bob, "SELECT pg_backend_pid()")
        look_at_own = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%count%%' AND pid = %s" % own
        self.assertEqual(self.run_sql(bob, look_at_own), [("1",)])
        self.assertEqual(self.fails(bob, "SELECT pg_cancel_backend(%s)" % pid, "42501")["M"], (
            "must be a member of the role whose query is being canceled or member of pg_signal_backend"))
        self.assertEqual(self.fails(bob, "SELECT pg_terminate_backend(%s)" % pid, "42501")["M"], (
            "must be a member of the role whose process is being terminated or member of pg_signal_backend"))
        another = self.connect("empty~his", user="bob")
        (its,), = self.run_sql(another, "SELECT pg_backend_pid()")
        for who, whom, ended in ((bob, its, another), (carol, pid, w)):
            self.assertEqual(self.run_sql(who, "SELECT pg_terminate_backend(%s)" % whom), [("t",)])
            self.assertEqual(fields(ended.next()[1])["C"], "57P01")
            ended.socket.close()
        for other in (bob, carol):
            self.leave(other)

    def test_nobody_gives_himself_more_time(self):
        w = self.connect("shop", user="erin", options="-c statement_timeout=0")
        for wish in ("SHOW statement_timeout", "SET statement_timeout = 0", "SET statement_timeout = '1h'", "RESET ALL"):
            self.run_sql(w, wish)
            self.fails(w, database_test.ENDLESS, "57014")
        self.leave(w)

    def test_but_less_he_may(self):
        w = self.connect("shop", user="dave")
        self.run_sql(w, "SET statement_timeout = '20ms'")
        begin = time.monotonic()
        self.fails(w, database_test.ENDLESS, "57014")
        self.assertLess(time.monotonic() - begin, 5)
        self.leave(w)

    def test_sessions_and_their_time(self):
        first, second = self.connect("shop", user="dave"), self.connect("shop", user="dave")
        error = self.refused("shop", user="dave")
        self.assertEqual((error["C"], error["M"]), ("53300", 'too many connections for user "dave"'))
        others = [self.connect("shop", user="carol") for _ in range(4)]
        self.assertEqual(self.run_sql(first, "SHOW statement_timeout"), [("5s",)])
        self.assertEqual(self.run_sql(others[0], "SHOW statement_timeout"), [("9s",)])
        self.leave(first)
        self.leave(self.connect("shop", user="dave"))
        for w in (second, *others):
            self.leave(w)


class Reload(Test):
    conf = DATABASES

    @classmethod
    def setUpClass(cls):
        cls.rules = file_for(cls, "host all guest all trust\n")
        cls.options = ("auth_type=hba", "auth_hba_file=" + cls.rules)
        super().setUpClass()

    def write(self, text, mark):
        with open(self.rules, "w", encoding="utf-8") as file:
            file.write(text)
        self.daemon.signal(signal.SIGHUP, mark)

    def test_rules_are_read_again_and_a_mistake_changes_nothing(self):
        stays = self.connect("shop", user="guest")
        self.write("host all all all trust\nhost all guest all md5\n",
                   "%s:2: expected trust, reject, peer, scram-sha-256 or cert, not \"md5\"" % self.rules)
        self.leave(self.connect("shop", user="guest"))
        self.assertEqual(self.refused("shop", user="other")["C"], "28000")
        self.write("host all guest all reject\nhost all other all trust\n", "LOG: reloaded ")
        self.assertEqual(self.refused("shop", user="guest")["C"], "28000")
        self.leave(self.connect("shop", user="other"))
        self.assertEqual(self.run_sql(stays, "SELECT current_user"), [("guest",)])
        self.leave(stays)


class ReloadUsers(Test):
    conf = DATABASES

    @classmethod
    def setUpClass(cls):
        with open(USERS, encoding="utf-8") as file:
            lines = [line for line in file if line.startswith('"')]
        cls.alice = next(line for line in lines if line.startswith('"alice"'))
        cls.others = "".join(line for line in lines if line != cls.alice)
        cls.users = file_for(cls, cls.alice + cls.others)
        cls.options = ("auth_type=scram-sha-256", "auth_file=" + cls.users, "auth_delay=0", "max_failed_logins=0")
        super().setUpClass()

    def write(self, text, mark):
        with open(self.users, "w", encoding="utf-8") as file:
            file.write(text)
        self.daemon.signal(signal.SIGHUP, mark)

    def answer(self):
        with Login("alice") as w:
            return w.login("wonderland")[-1][0]

    def test_users_come_and_go_and_a_mistake_changes_nothing(self):
        self.assertEqual(self.answer(), "Z")
        self.write(self.others, "LOG: reloaded ")
        self.assertEqual(self.answer(), "E")
        self.write(self.alice + '"bob" "hunter2hunter2"\n', self.users + ":2: expected a SCRAM-SHA-256 verifier for user")
        self.assertEqual(self.answer(), "E")
        self.write(self.alice + self.others, "LOG: reloaded ")
        self.assertEqual(self.answer(), "Z")
        for secret in ("hunter2", "SCRAM-SHA-256$", "onderland"):
            self.assertNotIn(secret, self.daemon.log())

    def test_who_has_begun_to_log_in_is_not_let_in_once_he_is_gone(self):
        self.addCleanup(self.write, self.alice + self.others, "LOG: reloaded ")
        with Login("alice") as asked, Login("alice") as challenged, Login("bob") as other:
            got = challenged.challenge()
            self.write(self.others, "LOG: reloaded ")
            for end in (lambda: challenged.prove(challenged.final("wonderland", got)), lambda: asked.login("wonderland")):
                error = refusal_in(end())
                self.assertEqual((error["C"], error["M"]), ("28P01", 'password authentication failed for user "alice"'))
            self.assertEqual(other.login("grüße")[-1][0], "Z")


class Passwd(unittest.TestCase):
    def line(self, user, password, *options):
        return subprocess.run([POND, "passwd", user, *options], input=password, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              encoding="utf-8", timeout=60)

    def test_a_line_that_it_makes_lets_in(self):
        with tempfile.TemporaryDirectory(prefix="pond-test.") as folder:
            users, conf = os.path.join(folder, "users"), os.path.join(folder, "pond.conf")
            with open(users, "w", encoding="utf-8") as file:
                file.write(self.line('a "b"', "wonder land\n").stdout + self.line("quick", "q", "-i", "1").stdout)
            with open(conf, "w", encoding="utf-8") as file:
                file.write("[pond]\n[database shop]\n")
            daemon = Daemon(database_test.PONDD, conf, folder, "auth_type=scram-sha-256", "auth_file=" + users)
            try:
                for user, password in (('a "b"', "wonder land"), ("quick", "q")):
                    with Login(user) as w:
                        self.assertEqual(w.login(password)[-1][0], "Z")
            finally:
                self.assertEqual(daemon.stop(), 0)

    def on_terminal(self, *answers):
        """Types them at its questions; gives its exit status, all that the terminal showed, and whether it echoes then."""
        pid, master = pty.fork()
        if pid == 0:
            os.execv(POND, [POND, "passwd", "alice"])
        shown, asked = b"", 0
        while True:
            if not select.select([master], [], [], 60)[0]:
                os.kill(pid, signal.SIGKILL)
                self.fail("it waits: %r" % shown)
            try:
                data = os.read(master, 4096)
            except OSError:
                break
            shown += data
            if asked < len(answers) and shown.count(b": ") > asked:
                os.write(master, answers[asked])
                asked += 1
        _, status = os.waitpid(pid, 0)
        echoes = bool(termios.tcgetattr(master)[3] & termios.ECHO)
        os.close(master)
        return status, shown.decode(), echoes

    def test_on_a_terminal_it_asks_twice_and_shows_nothing(self):
        status, shown, echoes = self.on_terminal(b"secret\n", b"secret\n")
        self.assertEqual((os.waitstatus_to_exitcode(status), echoes), (0, True), shown)
        self.assertRegex(shown, r'"alice" "SCRAM-SHA-256\$4096:')
        self.assertNotIn("secret", shown)
        status, shown, echoes = self.on_terminal(b"secret\n", b"secrets\n")
        self.assertEqual((os.waitstatus_to_exitcode(status), echoes), (1, True), shown)
        self.assertIn("the two are not the same", shown)

    def test_an_interrupt_leaves_the_terminal_as_it_was(self):
        status, shown, echoes = self.on_terminal(b"sec\x03")
        self.assertEqual((os.waitstatus_to_exitcode(status), echoes), (-signal.SIGINT, True), shown)
        self.assertNotIn("sec", shown)

    def test_what_it_does_not_take(self):
        for user, password, options in (("x", "", ()), ("x", "\n", ()), ("", "a", ()), ("a\nb", "a", ()), ("u" * 64, "a", ()),
                                        ("x", "a", ("-i", "x")),
                                        ("x", "a", ("-i", "99999999")), ("x", "a" * 70000, ()), ("x", "a\0b", ())):
            done = self.line(user, password, *options)
            self.assertIn(done.returncode, (1, 2))
            self.assertEqual(done.stdout, "")
            self.assertNotIn("aaa", done.stderr)


if __name__ == "__main__":
    database_test.main()
