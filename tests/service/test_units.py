#!/usr/bin/python3
"""The units without a systemd that runs: every key is known, what is exposed is little, and the configuration that comes
with them is a good one, which an installation gives once.

usage: test_units.py PONDD UNITS [unittest's arguments]       UNITS is in the folder of the build
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PONDD, UNITS = sys.argv[1], pathlib.Path(sys.argv[2])
MOST_EXPOSED = 15  # tenths


class Units(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="pond-units.")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        for unit in UNITS.glob("pondd*"):
            text = unit.read_text(encoding="utf-8")
            # it need not be installed yet
            text = re.sub(r"^ExecStart=\S+/pondd ", "ExecStart=%s " % pathlib.Path(PONDD).resolve(), text, flags=re.M)
            (self.folder / unit.name).write_text(text, encoding="utf-8")

    def analyze(self, *words):
        return subprocess.run(["systemd-analyze", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)

    def verify(self):
        units = [str(path) for path in sorted(self.folder.glob("pondd*"))]
        self.assertEqual(len(units), 3)
        return self.analyze("verify", "--recursive-errors=one", "--man=no", *units)

    def change(self, unit, old, new):
        path = self.folder / unit
        text = path.read_text(encoding="utf-8")
        self.assertIn(old, text)
        path.write_text(text.replace(old, new), encoding="utf-8")

    def test_systemd_understands_every_line(self):
        done = self.verify()
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_a_mistake_in_a_unit_would_be_found(self):
        for unit, old, new in (("pondd.service", "PrivateTmp=", "PrivateTemp="),
                               ("pondd-tcp.socket", "NoDelay=", "NoDelays=")):
            with self.subTest(unit):
                self.change(unit, old, new)
                done = self.verify()
                self.assertIn("Unknown key", done.stdout)
                self.assertNotEqual(done.returncode, 0)
                self.change(unit, new, old)

    def security(self):
        return self.analyze("security", "--offline=true", "--no-pager", "--threshold=%d" % MOST_EXPOSED,
                            str(self.folder / "pondd.service"))

    def test_little_is_exposed(self):
        done = self.security()
        self.assertEqual(done.returncode, 0, done.stdout)
        print(done.stdout.strip().splitlines()[-1])

    def test_more_would_be_found(self):
        self.change("pondd.service", "MemoryDenyWriteExecute=yes", "CapabilityBoundingSet=CAP_SYS_ADMIN")
        self.assertNotEqual(self.security().returncode, 0)

    def test_the_configuration_is_fine_and_listens_on_the_unix_socket_alone(self):
        done = subprocess.run([PONDD, "-t", "-c", str(UNITS / "pond.conf")], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        text = (UNITS / "pond.conf").read_text(encoding="utf-8")
        self.assertRegex(text, r"(?m)^listen_addr =$")
        socket = (UNITS / "pondd.socket").read_text(encoding="utf-8")
        folder = re.search(r"(?m)^unix_socket_dir = (\S+)$", text).group(1)
        self.assertEqual(re.findall(r"(?m)^Listen\w+=(.*)$", socket), [folder + "/.s.PGSQL.7432"])

    def install(self, *words):
        subprocess.run(["cmake", "--install", str(UNITS.parent), *words], check=True, stdout=subprocess.DEVNULL,
                       env=dict(os.environ, DESTDIR=str(self.folder / "root")))

    def installed(self, name):
        found = list((self.folder / "root").rglob(name))
        self.assertEqual(len(found), 1, (name, found))
        return found[0]

    def test_an_installation_has_it_all_and_leaves_a_configuration_alone(self):
        self.install("--component", "pondd")
        for name in ("pondd.service", "pondd.socket", "pondd-tcp.socket", "sysusers.d/pondd.conf", "tmpfiles.d/pondd.conf",
                     "examples/pond.conf.sample"):
            self.assertTrue(self.installed(name).is_file(), name)
        program = re.search(r"(?m)^ExecStart=(\S+) -c (\S+)$", self.installed("pondd.service").read_text(encoding="utf-8"))
        for path in program.groups():
            self.assertTrue((self.folder / "root" / path.lstrip("/")).is_file(), path)
        conf = self.installed("pond.conf")
        conf.write_text("mine", encoding="utf-8")
        self.install("--component", "pondd")
        self.assertEqual(conf.read_text(encoding="utf-8"), "mine")

    def test_everything_goes_to_the_gnu_directories(self):
        self.install()
        root = self.folder / "root"
        prefix = "/" + str(self.installed("sbin/pondd").parent.parent.relative_to(root)) + "/"
        sysconf = "/etc/" if prefix == "/usr/" else prefix + "etc/"
        homes = [prefix + home for home in (
            r"bin/pond", r"sbin/pondd", r"include/pond\.h", r"lib/systemd/system/.*", r"lib/(sysusers|tmpfiles)\.d/pondd\.conf",
            r"lib/([^/]*/)?libpond\..*", r"lib/([^/]*/)?pkgconfig/libpond\.pc", r"lib/([^/]*/)?cmake/pond/.*",
            r"share/man/man[1358]/.*\.[1358](\.gz)?", r"share/doc/(pondd?|pond-client|libpond0|libpond-dev)/.*",
            r"share/bash-completion/completions/pond", r"share/lintian/overrides/.*")] + [sysconf + r"pondd/pond\.conf"]
        files = ["/" + str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()]
        self.assertEqual([path for path in files if not any(re.fullmatch(home, path) for home in homes)], [])
        self.assertEqual([home for home in homes if "lintian" not in home
                          and not any(re.fullmatch(home, path) for path in files)], [])


if __name__ == "__main__":
    if shutil.which("systemd-analyze") is None:
        print("skipped: systemd-analyze is not installed")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
