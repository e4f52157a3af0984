"""The status page in a browser: that it shows a busy daemon as it is, live, and others' words as words.

POND_SCREENSHOTS=FOLDER keeps the pictures there."""
import json
import os
import struct
import sys
import tempfile
import threading

import wire
from chromium import PROGRAM, Browser
from database_test import SHOP, main
from http_test import HTTP, Served

NASTY = "</script><script>document.title = 'bad'</script><img src=x onerror=\"document.title = 'bad'\">&amp;{{1}}"
POOLS = "".join("[database %s]\nseed = %s/clients.sql\npool_size = %d\n" % (name, os.path.dirname(os.path.abspath(__file__)), size)
                for name, size in (("inventory", 4), ("accounts", 20), ("billing_reports", 8)))


class Page(Served):
    conf = HTTP + "loops = 2\n" + SHOP + "lock_timeout = 10min\n" + POOLS

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def open(self):
        self.browser.open("about:blank")
        self.browser.until("location.href == 'about:blank'", "it stays")
        self.browser.complaints.clear()
        self.browser.requests.clear()
        self.browser.open(self.url("/"))
        self.browser.until("document.getElementById('state')?.textContent == 'ready'", "it does not come up")

    def text(self, part):
        return self.browser.run("document.getElementById('%s').innerText" % part)

    def until_shown(self, part, text):
        self.browser.until("document.getElementById('%s').innerText.includes(%s)" % (part, json.dumps(text)), (part, text))

    def status(self):
        status, headers, body = self.ask("/status.json")
        self.assertEqual((status, headers["Content-Type"]), (200, "application/json"))
        return json.loads(body)

    def keep(self, name):
        with tempfile.TemporaryDirectory(prefix="pond-page.") as folder:
            path = os.path.join(os.environ.get("POND_SCREENSHOTS", folder), "page-%s.png" % name)
            self.browser.screenshot(path)
            with open(path, "rb") as file:
                head = file.read(24)
        self.assertEqual(head[:8], b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack("!II", head[16:24])
        self.assertGreater(width * height, 300000)


class Idle(Page):
    def test_nothing_goes_on(self):
        self.open()
        for part, text in (("running", "Nothing runs."), ("waiting", "Nobody waits."), ("slow", "None yet."), ("clones", "There are none.")):
            self.assertEqual(self.text(part), text)
        self.assertRegex(self.text("pools"), r"accounts\s+0 / 20")
        self.assertNotIn("template0", self.text("pools"))
        self.browser.size(1200, 900)
        self.keep("idle")
        self.assertEqual(self.browser.complaints, [])

    def test_nothing_comes_from_elsewhere(self):
        self.open()
        outside = [url for url in self.browser.requests if not url.startswith((self.url("/"), "data:", "about:"))]
        self.assertEqual(outside, [])
        self.assertGreaterEqual(len([url for url in self.browser.requests if url == self.url("/status.json")]), 1)

    def test_no_other_script_runs(self):
        self.open()
        self.browser.run("document.body.append(Object.assign(document.createElement('script'), {textContent: 'document.title = \"bad\"'}))")
        self.assertEqual(self.browser.run("document.title"), "pond")
        self.assertIn("Content Security Policy", "".join(self.browser.complaints))

    def test_a_daemon_that_went_away(self):
        self.open()
        self.browser.run("fetch = () => Promise.reject(1)")
        self.browser.until("document.body.classList.contains('lost')", "it does not say so")
        self.assertRegex(self.text("lost"), r"^no answer for [\d.]+ m?s$")
        self.assertEqual(self.browser.run("['lost', 'state'].map((id) => getComputedStyle(document.getElementById(id)).display != 'none')"),
                         [True, False])
        self.assertEqual(self.browser.run("document.title"), "pond (no answer)")
        self.keep("lost")


class Words(Page):
    def test_written_from_right_to_left_turn_nothing_around(self):
        name = "\u202ereversed \u05d0\u05d1"
        w = self.connect("shop~" + name, user=name)
        w.send(wire.query("SELECT pg_sleep(100)"))
        self.open()
        self.until_shown("running", name)
        self.until_shown("clones", name)
        self.assertEqual(self.browser.run("[...document.querySelectorAll('#running bdi, #clones bdi')].map((e) => e.textContent)"),
                         [name, "shop~" + name, "shop~" + name])
        self.cancel(w)
        w.until("Z")
        self.leave(w)

    def test_of_others_stay_words(self):
        w = self.connect("shop~" + NASTY[:40], user=NASTY[:60])
        w.send(wire.query("SELECT pg_sleep(100), '%s'" % NASTY.replace("'", "''")))
        self.open()
        self.until_shown("running", NASTY.replace("'", "''"))
        self.until_shown("running", NASTY[:60])
        self.until_shown("clones", NASTY[:40])
        self.assertEqual(self.browser.run("[document.title, document.querySelectorAll('img').length, document.scripts.length]"),
                         ["pond", 0, 1])
        self.assertEqual(self.browser.complaints, [])
        self.cancel(w)
        w.until("Z")
        self.leave(w)


class Busy(Page):
    """Eight clients work, others wait, sleep and hold locks."""

    def keep_busy(self):
        stop = threading.Event()

        def work(number):
            with wire.Wire(("shop", "accounts", "accounts", "inventory")[number % 4]) as w:
                while not stop.is_set():
                    w.ask(wire.query("SELECT * FROM customers WHERE id = %d" % (number % 3)))
                    if number == 3:
                        w.ask(wire.query("SELECT nonsense"))
                w.send(wire.TERMINATE)
        workers = [threading.Thread(target=work, args=(i,)) for i in range(8)]
        for worker in workers:
            worker.start()

        def rest():
            stop.set()
            for worker in workers:
                worker.join()
        self.addCleanup(rest)
        return rest

    def run_and_leave(self, database, text, user="tester"):
        w = self.connect(database, user=user)
        w.send(wire.query(text))
        self.addCleanup(self.end, w)
        return w

    def end(self, w):
        self.cancel(w)
        w.until("Z")
        self.leave(w)

    def make_scene(self):
        """Gives what ends it."""
        rest = self.keep_busy()
        self.once("billing_reports", "SELECT pg_sleep(0.15)")
        self.once("shop", "SELECT count(*) FROM generate_series(1, 3) AS s(i), (SELECT pg_sleep(0.2)) AS slept")
        for i in range(5):
            w = self.connect("shop~checkout_%d" % i, user="ci")
            self.run_sql(w, "CREATE TABLE t%d AS SELECT i FROM generate_series(1, %d) AS s(i)" % (i, 1000 * i + 1))
            self.addCleanup(self.leave, w)
        holder = self.connect("shop~locked", user="migrations")
        self.run_sql(holder, "BEGIN; CREATE TABLE m (i int)")
        self.addCleanup(self.leave, holder)
        self.run_and_leave("shop~locked", "UPDATE customers SET name = upper(name) WHERE id IN (SELECT id FROM customers)", user="worker")
        self.run_and_leave("billing_reports", "SELECT pg_sleep(1000) -- the report that nobody waits for any more", user="reports")
        waiting = [self.start("inventory", user="worker-%d" % i) for i in range(5)]

        def end():
            rest()
            for w in waiting:
                self.leave(self.greet(w))
        return end

    def test_what_goes_on_is_shown(self):
        end = self.make_scene()
        self.browser.size(1200, 900)
        self.open()
        self.until_shown("running", "waits for a lock")
        self.until_shown("running", "the report that nobody waits for any more")
        self.until_shown("slow", "AS slept")
        self.until_shown("clones", "shop~checkout_4")
        self.browser.until("history.length > 5", "it is not live")
        tiles = self.text("tiles")
        self.assertRegex(tiles, r"waiting\s+[1-5]\s")
        self.assertRegex(tiles, r"queries per second\s+[\d.]*[1-9]")
        self.assertRegex(self.text("pools"), r"inventory\s+4 / 4\s")
        self.assertRegex(self.browser.run("document.title"), r"^pond \([1-5] waiting\)$")
        for width, height, dark, name in ((1200, 900, False, "wide-light"), (1200, 900, True, "wide-dark"),
                                          (380, 800, False, "phone-light"), (380, 800, True, "phone-dark")):
            self.browser.size(width, height, dark)
            self.browser.until("innerWidth == %d" % width, "it keeps its size")
            self.assertLessEqual(self.browser.run("document.documentElement.scrollWidth"), width, "it must not scroll sideways")
            self.assertEqual(self.browser.run("[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth).length"),
                             0, (name, "nor its tables"))
            self.keep(name)
        now = self.status()
        pools = {pool["name"]: pool for pool in now["pools"]}
        self.assertEqual((pools["accounts"]["in_use"], pools["accounts"]["size"]), (4, 20))
        self.assertEqual(now["clones_total"], 6)
        self.assertEqual(self.browser.complaints, [])
        end()

    def test_it_is_live(self):
        self.open()
        self.assertEqual(self.text("running"), "Nothing runs.")
        w = self.connect("shop", user="late")
        w.send(wire.query("SELECT pg_sleep(1000)"))
        self.until_shown("running", "late in shop")
        self.eventually(lambda: self.status()["running"][0]["took"] > 0.2, "time stands still")  # it counts as slow then
        self.end(w)
        self.until_shown("running", "Nothing runs.")
        self.until_shown("slow", "late in shop")
        self.assertEqual(self.browser.complaints, [])


class Json(Page):
    def test_of_what_there_are_many_the_first_ones_come(self):
        w = self.connect("shop")
        for i in range(60):
            self.run_sql(w, "CREATE DATABASE c%d TEMPLATE shop" % i)
        now = self.status()
        self.assertEqual((len(now["clones"]), now["clones_total"]), (50, 60))
        sleepers = [self.connect("accounts" if i < 20 else "shop", user="u%d" % i) for i in range(25)]
        for s in sleepers:
            s.send(wire.query("SELECT pg_sleep(1000), '%s'" % ("ä" * 300)))
        self.eventually(lambda: self.status()["running_total"] == 25, "they do not run")
        now = self.status()
        self.assertEqual(len(now["running"]), 20)
        took = [row["took"] for row in now["running"]]
        self.assertEqual(took, sorted(took, reverse=True))
        self.assertTrue(all(len(row["sql"].encode()) in (199, 200) for row in now["running"]))
        waiting = [self.start("accounts", user="w%d" % i) for i in range(25)]
        self.eventually(lambda: self.status()["waiting_total"] == 25, "they do not wait")
        now = self.status()
        self.assertEqual((len(now["waiting"]), now["pools"][0]["name"]), (20, "accounts"))
        self.eventually(lambda: min(row["took"] for row in self.status()["running"]) > 0.1, "time stands still")
        for s in sleepers:
            self.cancel(s)
            s.until("Z")
            self.leave(s)
        for s in waiting:
            self.leave(self.greet(s))
        for i in range(60):
            self.run_sql(w, "DROP DATABASE c%d" % i)
        slow = self.status()["slow"]
        self.assertEqual((len(slow), {s["database"] for s in slow} - {"shop", "accounts"}), (16, set()))
        ago = [row["ago"] for row in slow]
        self.assertEqual(ago, sorted(ago))
        self.leave(w)

    def test_who_has_not_said_who_he_is(self):
        s = wire.Wire()
        self.assertEqual(self.status()["waiting"], [])
        s.socket.close()


if __name__ == "__main__":
    if PROGRAM is None:
        print("skipped: Chromium is missing")
        sys.exit(77)
    main()
