#!/usr/bin/python3
"""The rules of the house that a compiler does not see.

usage: layout.py CHECK ROOT

includes   a folder includes only what stands below it, by rooted paths, nothing that is not there, and no *_state.h
           or *_impl.h of another folder
pthread    threads are named in the three files that may
format     clang-format would change nothing
options    each row of conf/option.c has its paragraph in pond.conf.5 and its line in pond.conf.sample, with its default,
           and both say when it needs a restart
manuals    mandoc has nothing to say against a manual
selftest   each of the above finds what it is for

Prints one line for each violation and ends with 1 when there is one, with 77 when a tool is missing.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# The floors of the house (README, "Design"): each looks down only.
FLOORS = {
    "base": [],
    "async": ["base"],
    "protocol": ["base"],
    "conf": ["base"],
    "pool": ["async", "base"],
    "sql": ["pool", "protocol", "async", "base"],
    "daemon": ["sql", "conf", "pool", "protocol", "async", "base"],
    "client": ["async", "protocol", "base"],
}
THREAD_FILES = ["async/thread.c", "async/offload.c", "async/lock.h"]
SKIPPED = 77


def sources(root):
    """The C files of the floors, and of the tests."""
    for folder in list(FLOORS) + ["tests"]:
        for path in sorted((root / folder).rglob("*.[ch]")):
            yield folder, path


def lines_of(path):
    return enumerate(path.read_text(encoding="utf-8").splitlines(), 1)


def check_includes(root):
    for folder, path in sources(root):
        for number, line in lines_of(path):
            found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not found:
                continue
            where = "%s:%d" % (path.relative_to(root), number)
            target = found.group(1)
            floor = target.split("/")[0]
            if folder == "tests" and (path.parent / target).is_file():
                continue
            if not (root / target).is_file():
                yield '%s: "%s" is not a path from the root of the tree' % (where, target)
            elif folder != "tests" and floor != folder and floor not in FLOORS[folder]:
                yield "%s: %s/ may not include %s/" % (where, folder, floor)
            elif folder not in (floor, "tests") and re.search(r"_(state|impl)\.h$", target):
                yield "%s: %s is for the files of %s/ only" % (where, target, floor)


def check_pthread(root):
    for folder, path in sources(root):
        name = str(path.relative_to(root))
        if folder == "tests" or name in THREAD_FILES:
            continue
        for number, line in lines_of(path):
            if re.search(r"\b(pthread_\w+|thrd_\w+)\b|<(pthread|threads)\.h>", line):
                yield "%s:%d: threads are for %s only" % (name, number, ", ".join(THREAD_FILES))


def run_tool(command):
    """Lines that the tool printed, when it was not content."""
    if shutil.which(command[0]) is None:
        print("%s is not installed" % command[0])
        sys.exit(SKIPPED)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode("utf-8", "replace").splitlines()
    return text or ["%s ended with %d" % (command[0], done.returncode)] if done.returncode else []


def check_format(root):
    files = [str(path) for _, path in sources(root)]
    found = run_tool(["clang-format", "--dry-run", "-Werror"] + files) if files else []
    return sorted({line.split(":")[0] + ": clang-format would change it" for line in found if " error: " in line})


def check_manuals(root):
    manuals = [str(path) for folder in FLOORS for path in sorted((root / folder).rglob("*.[1-9]"))]
    if not manuals:
        yield "no manual was found"
    yield from run_tool(["mandoc", "-T", "lint", "-W", "warning"] + manuals)


def table_rows(root):
    """(section, name, default) of each row of the option table."""
    text = (root / "conf/option.c").read_text(encoding="utf-8")
    rows = re.findall(r'^\s*ROW\("(\w+)",\s*(POND|BASE)\(\w+\),\s*\w+,\s*"([^"]*)"', text, re.M)
    return [("pond" if section == "POND" else "database", name, preset) for name, section, preset in rows]


def sample_lines(root):
    """(section, name, default) of each line of the sample that is an option, commented out or not."""
    section = None
    for _, line in lines_of(root / "conf/pond.conf.sample"):
        opened = re.match(r"\[(\w+)", line)
        option = re.match(r";?(\w+) =\s*(.*)$", line)
        if opened:
            section = opened.group(1)
        elif option:
            yield section, option.group(1), option.group(2).strip()


def manual_paragraphs(root):
    """(section, name, default) of each paragraph of the manual's two lists of options."""
    section = name = None
    default = ""
    wanted = False
    for _, line in lines_of(root / "conf/pond.conf.5"):
        opened = re.match(r"\.Sh OPTIONS OF \[(\w+)", line)
        item = re.match(r"\.It Ic (\w+)", line)
        if name is not None and (item or line.startswith(".El")):
            yield section, name, default
            name = None
        if opened:
            section = opened.group(1)
        elif item and section:
            name, default, wanted = item.group(1), None, False
        elif line.endswith("efault: empty."):
            default = ""
        elif line.endswith("efault:"):
            wanted = True
        elif wanted:
            default = re.sub(r"^\.(Li|Pa) (\S+).*", r"\2", line).replace("\\-", "-")
            wanted = False


def table_restarts(root):
    """(section, name) of each row that needs a restart."""
    text = (root / "conf/option.c").read_text(encoding="utf-8")
    rows = re.findall(r'^\s*ROW\("(\w+)",\s*(POND|BASE)[^;]*?\),\n', text, re.M)
    bodies = re.split(r'^\s*ROW\(', text, flags=re.M)[1:]
    return {("pond" if section == "POND" else "database", name)
            for (name, section), body in zip(rows, bodies) if ".needs_restart = true" in body}


def manual_restarts(root):
    """The same, whose paragraph in the manual says so."""
    section = name = None
    for _, line in lines_of(root / "conf/pond.conf.5"):
        opened = re.match(r"\.Sh OPTIONS OF \[(\w+)", line)
        item = re.match(r"\.It Ic (\w+)", line)
        section = opened.group(1) if opened else section
        name = item.group(1) if item else name
        if line == "Needs a restart.":
            yield section, name


def sample_restarts(root):
    """The same, for which the comment above says so."""
    section, comment, was_option = None, "", False
    for _, line in lines_of(root / "conf/pond.conf.sample"):
        opened = re.match(r"\[(\w+)", line)
        option = re.match(r";?(\w+) =", line)
        section = opened.group(1) if opened else section
        if option and "needs a restart" in comment:
            yield section, option.group(1)
        if line.startswith("; "):
            comment = line if was_option else comment + line
        elif not option:
            comment = ""
        was_option = bool(option)


def check_restarts(root):
    wanted = table_restarts(root)
    for where, found in (("conf/pond.conf.5", set(manual_restarts(root))), ("conf/pond.conf.sample", set(sample_restarts(root)))):
        for section, name in sorted(wanted - found):
            yield "%s: expected that %s of [%s] needs a restart" % (where, name, section)
        for section, name in sorted(found - wanted):
            yield "%s: %s of [%s] needs no restart" % (where, name, section)


def check_options(root):
    yield from check_restarts(root)
    rows = table_rows(root)
    names = (root / "conf/option.c").read_text(encoding="utf-8").count("    ROW(")
    if names != len(rows) or not rows:
        yield "conf/option.c: %d of %d rows were understood" % (len(rows), names)
    for where, found in (("conf/pond.conf.5", list(manual_paragraphs(root))),
                         ("conf/pond.conf.sample", list(sample_lines(root)))):
        for row in rows:
            if row not in found:
                yield "%s: expected option %s of [%s] with the default \"%s\"" % (where, row[1], row[0], row[2])
        for entry in found:
            if entry not in rows:
                yield "%s: conf/option.c has no option %s in [%s] with the default \"%s\"" % (
                    where, entry[1], entry[0], entry[2])
        if len(found) != len(set(found)):
            yield "%s: an option is there twice" % where


CHECKS = {"includes": check_includes, "pthread": check_pthread, "format": check_format,
          "options": check_options, "manuals": check_manuals}

# What each check must find in a tree that has only this file: (check, path, text, how many violations).
SELFTEST = [
    ("includes", "base/a.c", '#include "async/a.h"\n', 1),
    ("includes", "base/a.c", '#include "a.c"\n', 1),
    ("includes", "async/a.c", '#include "async/a.h"\n', 0),
    ("includes", "pool/a.c", '#include "async/b_state.h"\n', 1),
    ("includes", "pool/a.c", '#include "async/b_impl.h"\n', 1),
    ("includes", "async/a.c", '#include "async/b_impl.h"\n', 0),
    ("includes", "sql/a.c", '#include <errno.h>\n# include "sql/a.c"\n', 0),
    ("pthread", "pool/a.c", "#include <pthread.h>\nvoid f(void);\n", 1),
    ("pthread", "async/offload.c", "#include <pthread.h>\n", 0),
    ("pthread", "async/lock.h", "#include <pthread.h>\n", 0),
    ("format", "base/a.c", "int  x ;\n", 1),
    ("format", "base/a.c", "int x;\n", 0),
    ("manuals", "daemon/a.8", ".Dd November 23, 2026\n.Dt A 8\n.Os\n.Sh NAME\n.Nm a\n.Nd b\n.Bogus\n", 1),
]


def options_selftest(root):
    """What is taken out of one of the three must be missed in another."""
    files = {name: (root / name).read_text(encoding="utf-8")
             for name in ("conf/option.c", "conf/pond.conf.5", "conf/pond.conf.sample")}
    for name, spoil in (("conf/pond.conf.5", (".It Ic time_slice", ".It Ic time_slices")),
                        ("conf/pond.conf.sample", (";pool_size = 0", ";pool_size = 1")),
                        ("conf/pond.conf.sample", (";pool_size = 0\n", "")),
                        ("conf/option.c", (", .needs_restart = true", "")),
                        ("conf/option.c", (".max = 16 * TIB),", ".max = 16 * TIB, .needs_restart = true),")),
                        ("conf/pond.conf.5", ("\nNeeds a restart.\n", "\n")),
                        ("conf/pond.conf.sample", ("each core; needs a restart", "each core"))):
        with tempfile.TemporaryDirectory() as folder:
            tree = pathlib.Path(folder)
            (tree / "conf").mkdir()
            for path, text in files.items():
                (tree / path).write_text(text.replace(*spoil, 1) if path == name else text, encoding="utf-8")
            if not list(check_options(tree)):
                yield "options: %r was not missed" % (spoil,)


def check_selftest(root):
    yield from options_selftest(root)
    for check, path, text, expected in SELFTEST:
        with tempfile.TemporaryDirectory() as folder:
            tree = pathlib.Path(folder)
            shutil.copy(root / ".clang-format", tree)
            (tree / "async").mkdir()
            for name in ("a.h", "b_state.h", "b_impl.h"):
                (tree / "async" / name).touch()
            (tree / path).parent.mkdir(exist_ok=True)
            (tree / path).write_text(text, encoding="utf-8")
            found = list(CHECKS[check](tree))
            if bool(found) != bool(expected):
                yield "%s: %r in %s gave %s" % (check, text, path, found)


def main(check, root):
    CHECKS["selftest"] = check_selftest
    violations = list(CHECKS[check](pathlib.Path(root)))
    for line in violations:
        print(line)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
