#!/usr/bin/python3
"""Every command and option that `pond --help` names is in the manual and in the bash completion, and nothing else is.

usage: test_cli_docs.py POND ROOT
"""
import pathlib
import re
import subprocess
import sys
import unittest

POND = sys.argv[1]
ROOT = pathlib.Path(sys.argv[2])
MANUAL = (ROOT / "client/cli/pond.1").read_text(encoding="utf-8")
COMPLETION = ROOT / "client/cli/pond.bash"


def run(*command):
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=True).stdout


def long_options(text):
    """The --names at the beginnings of lines, but for those that everything has."""
    return set(re.findall(r"^\s+(?:-\w, )?--([\w-]+)", text, re.M))


COMMANDS = re.findall(r"^  (\w+) ", run(POND, "--help").split("\nOptions")[0], re.M)
COMMON = long_options(run(POND, "--help"))
OWN = {name: long_options(run(POND, name, "--help").split("\nOptions of all")[0]) for name in COMMANDS}


def manual_options(text):
    return set(re.findall(r"^\.It .*?Fl -([\w-]+)", text, re.M))


def complete(*words):
    script = "source %s; COMP_WORDS=(%s); COMP_CWORD=%d; _pond; printf '%%s\\n' \"${COMPREPLY[@]}\"" % (
        COMPLETION, " ".join("'%s'" % word for word in words), len(words) - 1)
    return set(run("bash", "-uc", script).split())


class Test(unittest.TestCase):
    def setUp(self):
        self.assertIn("ping", COMMANDS)
        self.assertIn("wait", OWN["ping"])

    def test_the_manual_has_a_section_for_each_command(self):
        sections = re.split(r"^\.Ss pond (\w+).*$", MANUAL.split(".Sh SIGNALS")[0], flags=re.M)
        self.assertEqual(sorted(sections[1::2]), sorted(COMMANDS))
        self.assertEqual(manual_options(sections[0]), COMMON)
        for name, text in zip(sections[1::2], sections[2::2]):
            self.assertEqual(manual_options(text), OWN[name], name)

    def test_the_completion_knows_commands_and_their_options(self):
        self.assertEqual(complete("pond", ""), set(COMMANDS))
        self.assertEqual(complete("pond", "--"), {"--" + option for option in COMMON})
        for name in COMMANDS:
            expected = {"--" + option for option in OWN[name] | COMMON}
            self.assertEqual(complete("pond", "-q", name, "--"), expected, name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
