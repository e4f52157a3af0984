#!/usr/bin/python3
"""The packages as files: which there are, what is in them and what they need; and lintian has nothing to say that is not
answered in an override, where it is installed.

usage: test_packages.py PACKAGES [unittest's arguments]
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

PACKAGES = pathlib.Path(sys.argv[1])

HAS = {
    "pondd": ["/usr/sbin/pondd", "/etc/pondd/pond.conf", "/usr/lib/systemd/system/pondd.service",
              "/usr/lib/systemd/system/pondd.socket", "/usr/lib/systemd/system/pondd-tcp.socket",
              "/usr/lib/sysusers.d/pondd.conf", "/usr/lib/tmpfiles.d/pondd.conf", "/usr/share/man/man8/pondd.8.gz",
              "/usr/share/man/man5/pond.conf.5.gz", "/usr/share/doc/pondd/examples/pond.conf.sample"],
    "pond-client": ["/usr/bin/pond", "/usr/share/man/man1/pond.1.gz", "/usr/share/bash-completion/completions/pond"],
    "libpond0": ["libpond.so.0"],
    "libpond-dev": ["/usr/include/pond.h", "libpond.so", "libpond.a", "libpond.pc", "pond-config.cmake",
                    "/usr/share/man/man3/libpond.3.gz"],
}
DEPENDS = {
    "pondd": ["libc6", "libevent-core-2.1-7", "libssl3", "libsystemd0", "init-system-helpers", "systemd"],
    "pond-client": ["libc6", "libevent-core-2.1-7", "libssl3", "libidn12"],
    "libpond0": ["libc6", "libevent-core-2.1-7", "libssl3", "libidn12"],
    "libpond-dev": ["libpond0", "libevent-dev", "libssl-dev", "libidn-dev"],
}


def run(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True).stdout


class Packages(unittest.TestCase):
    def path(self, name):
        found = list(PACKAGES.glob(name + "_*.deb"))
        self.assertEqual(len(found), 1, found)
        return str(found[0])

    def test_each_is_there_with_what_it_should_have_and_nothing_twice(self):
        self.assertEqual(len(list(PACKAGES.glob("*.deb"))), len(HAS))
        owner = {}
        for name, wanted in HAS.items():
            files = [line.split()[5].lstrip(".") for line in run("dpkg-deb", "-c", self.path(name)).splitlines()
                     if not line.startswith("d")]
            for path in wanted:
                self.assertTrue(any(file == path or file.endswith("/" + path) for file in files), (name, path, files))
            for path in ("copyright", "changelog.gz"):
                self.assertIn("/usr/share/doc/%s/%s" % (name, path), files)
            for path in files:
                self.assertNotIn(path, owner)
                owner[path] = name

    def test_each_names_what_it_needs(self):
        for name, wanted in DEPENDS.items():
            words = run("dpkg-deb", "-f", self.path(name), "Depends")
            found = {word.split()[0] for word in words.split(",")}
            self.assertLessEqual(set(wanted), found, name)
        version = run("dpkg-deb", "-f", self.path("libpond0"), "Version").strip()
        self.assertIn("libpond0 (= %s)" % version, run("dpkg-deb", "-f", self.path("libpond-dev"), "Depends"))

    def test_who_links_libpond_has_what_pkg_config_asks_for(self):
        text = run("sh", "-c", 'dpkg-deb --fsys-tarfile "$1" | tar -xO --wildcards "*/libpond.pc"', "sh", self.path("libpond-dev"))
        wanted = re.search(r"(?m)^Requires.private: (.*)$", text).group(1).replace(",", " ").split()
        self.assertGreaterEqual(len(wanted), 3)
        needed = {word.split()[0] for word in run("dpkg-deb", "-f", self.path("libpond-dev"), "Depends").split(",")}
        for module in wanted:
            owner = run("dpkg", "-S", "*/pkgconfig/%s.pc" % module).split(":")[0]
            self.assertIn(owner, needed, module)

    def test_the_changelog_is_that_of_the_version(self):
        for name in HAS:
            text = run("sh", "-c", 'dpkg-deb --fsys-tarfile "$1" | tar -xO ./usr/share/doc/$2/changelog.gz | zcat', "sh",
                       self.path(name), name)
            version = run("dpkg-deb", "-f", self.path(name), "Version").strip()
            self.assertEqual(text.split(";")[0], "pond (%s) unstable" % version)

    def test_the_configuration_is_the_administrators(self):
        self.assertEqual(run("dpkg-deb", "-I", self.path("pondd"), "conffiles"), "/etc/pondd/pond.conf\n")

    def test_the_scripts_are_good_shell(self):
        for script in ("postinst", "prerm", "postrm"):
            text = run("dpkg-deb", "-I", self.path("pondd"), script)
            self.assertRegex(text, r"^#!/bin/sh\n(#.*\n)*set -e\n")
            subprocess.run(["/bin/sh", "-n"], input=text, text=True, check=True)

    def test_lintian_has_nothing_to_say(self):
        if shutil.which("lintian") is None:
            self.assertNotEqual(os.environ.get("POND_REQUIRE_ALL"), "1", "lintian is not installed")
            self.skipTest("lintian is not installed")
        done = subprocess.run(["lintian", "--fail-on", "error,warning", *map(self.path, HAS)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(re.findall(r"(?m)^[EW]: .*$", done.stdout), [])
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
