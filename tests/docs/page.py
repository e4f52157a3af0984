#!/usr/bin/python3
"""Runs what a page of docs/ shows, as the page shows it.

usage: page.py run PAGE TEST BIN CONF    one test; BIN is the folder of pond and pondd
       page.py check ROOT                what holds for all pages: links, the index, no block that nobody runs
       page.py selftest                  each of the above finds what it is for

A fenced block belongs to a test when this stands in the line before it, to several when there are several such lines, and
to none when it says why not:

    <!-- test: NAME -->                      its commands: sh as it stands, of yaml the `run:` of each step
    <!-- test: NAME needs=psycopg,pytest --> the same; see needs.sh for what can be needed
    <!-- test: NAME file=conftest.py -->     a file for the commands of that test
    <!-- test: NAME output -->               all that the commands before it print; "..." stands for anything in a line
    <!-- not run: REASON -->

The blocks of a test are taken in the order of the page, in a folder of the test's own, without PG* variables: what they say
has to be enough. Where they name pond's port, 7432, they get that of a pondd of the test's own, with CONF; 7433 becomes a
port that is free. In a workflow a step that says "# not run by ./test" is not.
"""
import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PORT = "7432"
FREE_PORT = "7433"
SKIPPED = 77
MARKER = re.compile(r"<!-- test: (?P<test>[\w-]+)(?P<words>(?: [\w=.,/-]+)*) -->$")
NOT_RUN = re.compile(r"<!-- not run: .+ -->$")


class Wrong(Exception):
    """The page, or what it shows, is wrong."""


class Block:
    """A fenced block as one marker has it."""

    def __init__(self, language, text, line, marker):
        found = MARKER.match(marker)
        self.language, self.text, self.line = language, text, line
        self.marked = bool(found or NOT_RUN.match(marker))
        self.test = found["test"] if found else None
        self.words = dict(word.partition("=")[::2] for word in found["words"].split()) if found else {}
        self.needs = [need for need in self.words.get("needs", "").split(",") if need]

    def role(self):
        return "file" if "file" in self.words else "output" if "output" in self.words else "commands"


def blocks_of(text):
    """The fenced blocks of a page, once for each marker, or for none."""
    blocks, markers, opened = [], [], None
    for number, line in enumerate(text.splitlines(), 1):
        if opened is None and line.startswith("```"):
            opened, lines = (line[3:].strip(), number), []
        elif opened is not None and line == "```":
            blocks += [Block(opened[0], "".join(lines), opened[1], marker) for marker in markers or [""]]
            opened, markers = None, []
        elif opened is not None:
            lines.append(line + "\n")
        else:
            markers = markers + [line] if line.startswith("<!--") else []
    if opened is not None:
        raise Wrong("line %d: a block without an end" % opened[1])
    return blocks


# ---- running ----

def steps_of(text):
    """The commands of a workflow: what stands behind each `run:`, on that line or indented under a `run: |`."""
    steps, indent = [], None
    for line in text.splitlines():
        found = None if line.endswith("# not run by ./test") else re.match(r"(\s*)(?:- )?run: (.*)$", line)
        depth = len(line) - len(line.lstrip())
        if found:
            indent = len(found[1]) if found[2] == "|" else None
            steps.append("" if found[2] == "|" else found[2] + "\n")
        elif indent is not None and (depth > indent or not line):
            steps[-1] += line.strip() + "\n"
        else:
            indent = None
    if not steps:
        raise Wrong("no step has a `run: `")
    return "".join("(set -e\n%s)\n" % step for step in steps)


def script_of(block):
    """What bash runs for a block of commands."""
    if block.language == "sh":
        return block.text
    if block.language == "yaml":
        return steps_of(block.text)
    raise Wrong("line %d: nothing runs a block of %s" % (block.line, block.language or "no language"))


def same(expected, got):
    pattern = "[^\n]*".join(re.escape(part) for part in expected.split("..."))
    return re.fullmatch(pattern, got) is not None


def environment(bin_folder):
    env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    env["PATH"] = "%s:/usr/bin:%s" % (os.path.abspath(bin_folder), env["PATH"])
    return env


@contextlib.contextmanager
def ports():
    """What stands for the ports of the page. The free one is kept from all who ask for any while a test runs; pondd, which sets
    SO_REUSEADDR, can listen on it."""
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        yield {PORT: os.environ.get("PGPORT", PORT), FREE_PORT: str(kept.getsockname()[1])}


def output_of(script, env):
    """What it prints, and its exit code. What it has left running is ended."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
        process = subprocess.Popen(["bash", "-c", script], env=env, stdin=subprocess.DEVNULL, stdout=printed,
                                   start_new_session=True)
        try:
            code = process.wait(timeout=500)
        except subprocess.TimeoutExpired:
            code = "a time-out"
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        printed.seek(0)
        return printed.read(), code


def run_commands(block, needs, folder, env):
    """What they print. The commands see a failure at once, and no terminal."""
    script = '. "%s"\nneed %s\ncd "%s"\nset -euo pipefail\n%s' % (HERE / "needs.sh", " ".join(needs), folder, script_of(block))
    printed, code = output_of(script, env)
    if code == SKIPPED and printed.startswith("skipped: "):
        print(printed, end="")
        sys.exit(SKIPPED)
    if code != 0:
        raise Wrong("line %d: the block ended with %s\n%s" % (block.line, code, printed))
    return printed


def run_blocks(blocks, folder, env, port_of):
    needs = [need for block in blocks for need in block.needs]
    printed, ran = None, 0
    for block in blocks:
        block.text = re.sub("|".join(port_of), lambda found: port_of[found[0]], block.text)
        if block.role() == "file":
            path = pathlib.Path(folder) / block.words["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.role() == "commands":
            printed = run_commands(block, needs, folder, env)
            ran += 1
        elif printed is None:
            raise Wrong("line %d: output of nothing" % block.line)
        elif not same(block.text, printed):
            raise Wrong("line %d: it says\n%s\nbut this was printed\n%s" % (block.line, block.text, printed))
    if not ran:
        raise Wrong("no block has commands")


def run(page, test, bin_folder, conf):
    blocks = [block for block in blocks_of(pathlib.Path(page).read_text(encoding="utf-8")) if block.test == test]
    if "PGPORT" not in os.environ and any(PORT in block.text for block in blocks):
        with_pondd = str(HERE.parent / "support" / "with-pondd")  # the same again, with a daemon
        os.execv(with_pondd, [with_pondd, os.path.join(bin_folder, "pondd"), conf, "--"] + sys.orig_argv)
    env = environment(bin_folder)
    with tempfile.TemporaryDirectory(prefix="pond-docs.") as folder:
        env["POND_DOCS_TOOLS"] = os.path.join(folder, "tools")
        work = os.path.join(folder, "work")
        os.mkdir(work)
        try:
            with ports() as port_of:
                run_blocks(blocks, work, env, port_of)
        except Wrong as wrong:
            sys.exit("%s, %s" % (page, wrong))


# ---- checking ----

def links_of(text):
    """Targets of links outside of code, without what stands behind a #."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    return [target for target in re.findall(r"\]\(([^)#\s]+)[^)\s]*\)", prose) if "://" not in target]


def check_page(path, text):
    for target in links_of(text):
        if not (path.parent / target).exists():
            yield "a link leads to %s, which is not there" % target
    blocks = blocks_of(text)
    if any(block.test for block in blocks):
        for block in blocks:
            if not block.marked:
                yield "line %d: this block belongs to no test and does not say why" % block.line


def check(root):
    docs = pathlib.Path(root) / "docs"
    listed = links_of((docs / "README.md").read_text(encoding="utf-8"))
    for path in sorted(docs.glob("*.md")):
        for wrong in check_page(path, path.read_text(encoding="utf-8")):
            yield "%s: %s" % (path.name, wrong)
        if path.name != "README.md" and path.name not in listed:
            yield "README.md: %s is missing" % path.name


# ---- the test of this test ----

def fenced(marker, language, *lines):
    return "%s\n```%s\n%s\n```\n" % (marker, language, "\n".join(lines))


SELFTEST_PAGES = [  # a page, and what is wrong with the test "a" in it
    (fenced("<!-- test: a -->", "sh", "echo it is 7") + fenced("<!-- test: a output -->", "", "it ... 7"), None),
    (fenced("<!-- test: a -->", "sh", "echo it is 7") + fenced("<!-- test: a output -->", "", "it is 8"), "it is 8"),
    (fenced("<!-- test: a -->", "sh", "echo 7; echo 8") + fenced("<!-- test: a output -->", "", "7..."), "7..."),
    (fenced("<!-- test: a -->", "sh", "false", "true"), "ended with 1"),
    (fenced("<!-- test: a -->", "sh", "echo $undefined_by_anyone"), "ended with 1"),
    (fenced("<!-- test: a -->", "sh", "sleep 1000 &", "false"), "ended with 1"),
    (fenced("<!-- test: a file=x/y.txt -->", "", "seven") + fenced("<!-- test: a -->", "sh", "cat x/y.txt")
     + fenced("<!-- test: a output -->", "", "seven"), None),
    (fenced("<!-- test: a file=x -->", "", "seven"), "no block has commands"),
    (fenced("<!-- test: a output -->", "", "seven"), "output of nothing"),
    (fenced("<!-- test: a needs=what-nobody-knows -->", "sh", "true"), "ended with 1"),
    (fenced("<!-- test: a -->", "cobol", "STOP RUN."), "nothing runs a block of cobol"),
    (fenced("<!-- test: b -->", "sh", "true"), "no block has commands"),
    (fenced("<!-- test: a -->", "yaml", "- name: x", "  run: |", "    x=1", "    echo $x", "- run: echo 2")
     + fenced("<!-- test: a output -->", "", "1", "2"), None),
    (fenced("<!-- test: a -->", "yaml", "- run: false", "- run: true"), "ended with 1"),
    (fenced("<!-- test: a -->", "yaml", "- run: true", "- run: false # not run by ./test"), None),
    (fenced("<!-- test: b -->\n<!-- test: a -->", "sh", "echo 7") + fenced("<!-- test: a output -->", "", "7"), None),
    (fenced("<!-- test: a -->\n", "sh", "echo 7"), "no block has commands"),
]
SELFTEST_CHECKS = [  # a page, and how much the check has to say
    ("[a](page.md), [b](page.md#there), [c](https://example.org/)", 0),
    ("[a](nowhere.md)", 1),
    (fenced("<!-- not run: no reason -->", "sh", "x") + fenced("<!-- test: a -->", "sh", "x") + fenced("", "sh", "x"), 1),
    (fenced("", "sh", "x"), 0),
]


def wrong_with(page):
    with tempfile.TemporaryDirectory() as folder:
        blocks = [block for block in blocks_of(page) if block.test == "a"]
        try:
            run_blocks(blocks, folder, environment(HERE), {PORT: PORT, FREE_PORT: FREE_PORT})
        except Wrong as wrong:
            return str(wrong)
    return None


def selftest():
    for page, expected in SELFTEST_PAGES:
        got = wrong_with(page)
        if (got is None) != (expected is None) or (expected or "") not in (got or ""):
            yield "expected %s, got %s of\n%s" % (expected, got, page)
    for page, count in SELFTEST_CHECKS:
        with tempfile.TemporaryDirectory() as folder:
            docs = pathlib.Path(folder) / "docs"
            docs.mkdir()
            (docs / "page.md").write_text(page, encoding="utf-8")
            (docs / "README.md").write_text("nothing", encoding="utf-8")
            got = list(check(folder))
            if len(got) != count + 1:  # it is not in the index, either
                yield "expected %d, got %s of\n%s" % (count + 1, got, page)


def report(violations):
    lines = list(violations)
    print("\n".join(lines), end="\n" if lines else "")
    return 1 if lines else 0


def main(words):
    if words[0] == "run":
        return run(*words[1:])
    return report(check(words[1]) if words[0] == "check" else selftest())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
