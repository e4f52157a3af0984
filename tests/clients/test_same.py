#!/usr/bin/python3
"""The same answers as PostgreSQL 15: each statement of same.sql, in the simple and the extended protocol.

same.expected keeps what PostgreSQL 15 answered: columns (name, type, modifier), rows as text, notices, tag or SQLSTATE
and message, and of constraint errors the fields that drivers look at. same.differs keeps what pond answers where it does not do the same, each with the reason; such an answer is
checked as well, and one that has become PostgreSQL's is an error.

Each section of same.sql (`-- # name`) has a connection, and with that a database, of its own.

  test_same.py --write    asks a real PostgreSQL (PG*: a superuser; LC_COLLATE "C") and writes same.expected
  test_same.py --differs  prints pond's answers that are neither expected nor in same.differs, as same.differs has them
"""
import os
import struct
import subprocess
import sys

import wire
from wire import bind, describe, execute, parse, query, SYNC

# What constraint errors carry, and others at most the last of.
FIELDS = [("D", "detail"), ("s", "schema"), ("t", "table"), ("c", "column"), ("n", "constraint")]
HERE = os.path.dirname(os.path.abspath(__file__))


def path(name):
    return os.path.join(HERE, name)


def sections():
    """(name, [statement, ...]) in order; a statement ends with a semicolon at the end of a line."""
    found, text = [], []
    for line in open(path("same.sql"), encoding="utf-8"):
        line = line.rstrip("\n")
        if line.startswith("-- # "):
            found.append((line[5:], []))
        elif line.strip() and not (line.startswith("--") and not text):
            text.append(line)
            if line.endswith(";"):
                found[-1][1].append("\n".join(text)[:-1])
                text = []
    assert not text, text
    return found


def column(body, at):
    end = body.index(b"\0", at)
    _, _, oid, _, typmod, _ = struct.unpack_from("!ihihih", body, end + 1)
    return "%s:%d%s" % (body[at:end].decode(), oid, "" if typmod < 0 else "(%d)" % typmod), end + 19


def columns(body):
    count, = struct.unpack_from("!h", body)
    at, names = 2, []
    for _ in range(count):
        name, at = column(body, at)
        names.append(name)
    return " | ".join(names)


def row(body):
    return " | ".join("~" if v is None else v.decode().replace("\n", "\\n") for v in wire.values(body))


def answer(messages):
    """The answer's lines."""
    lines = []
    for kind, body in messages:
        if kind == "T":
            lines.append("columns " + columns(body))
        elif kind == "D":
            lines.append("row " + row(body))
        elif kind == "C":
            lines.append("tag " + body[:-1].decode())
        elif kind in "EN":
            f = wire.fields(body)
            text = "%s %s" % (f["C"], f["M"])
            for letter, name in FIELDS if f["C"].startswith("23") else FIELDS[-1:]:
                text += " / %s %s" % (name, f[letter]) if letter in f else ""
            lines.append(("error " if kind == "E" else "notice ") + text.replace("\n", "\\n"))
    if any(line.startswith("error ") for line in lines):
        # Whether columns and rows came before it hangs on when the fault was found: PostgreSQL folds constants.
        lines = [line for line in lines if not line.startswith(("columns ", "row "))]
    return lines


def ask(w, statement, extended):
    message = parse("", statement) + bind("", "") + describe("P") + execute() + SYNC if extended else query(statement)
    return answer(w.ask(message)[1])


def run_section(statements, extended, database="shop"):
    with wire.Wire(database, user=os.environ.get("PGUSER", "tester")) as w:
        return [(statement, ask(w, statement, extended)) for statement in statements]


def block(statement, lines):
    return "".join("> %s\n" % line for line in statement.split("\n")) + "".join(line + "\n" for line in lines)


def read_blocks(name):
    """{(section, statement, which of those that are alike): [line, ...]}"""
    found, section, statement, lines = {}, "", [], []

    def keep():
        if statement:
            key, number = (section, "\n".join(statement)), 0
            while key + (number,) in found:
                number += 1
            found[key + (number,)] = list(lines)

    for line in open(path(name), encoding="utf-8"):
        line = line.rstrip("\n")
        if line.startswith("# ") or line == "":
            keep()
            statement, lines = [], []
            section = line[2:].split(" # ")[0] if line.startswith("# section ") else section
        elif line.startswith("> "):
            if lines:
                keep()
                statement, lines = [], []
            statement.append(line[2:])
        else:
            lines.append(line)
    keep()
    return found


def keyed(section, answers):
    seen = {}
    for statement, lines in answers:
        number = seen.get(statement, 0)
        seen[statement] = number + 1
        yield ("section " + section, statement, number), lines


def fresh_peer():
    psql = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres"]
    for command in ("DROP DATABASE IF EXISTS shop WITH (FORCE)", "CREATE DATABASE shop TEMPLATE same_template"):
        subprocess.run(psql + ["-c", command], check=True, stderr=subprocess.DEVNULL)


def write():
    psql = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"]
    for command in ("DROP DATABASE IF EXISTS same_template", "CREATE DATABASE same_template"):
        subprocess.run(psql + ["-d", "postgres", "-c", command], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(psql + ["-d", "same_template", "-f", path("clients.sql")], check=True)
    with open(path("same.expected"), "w", encoding="utf-8") as out:
        for name, statements in sections():
            fresh_peer()
            out.write("# section %s\n" % name)
            for statement, lines in run_section(statements, False):
                out.write(block(statement, lines))
            out.write("\n")


def check(report):
    expected, differs = read_blocks("same.expected"), read_blocks("same.differs")
    count = bad = 0
    used = set()
    for name, statements in sections():
        for extended in (False, True):
            for key, lines in keyed(name, run_section(statements, extended)):
                count += 1
                used.add(key)
                wanted = differs.get(key, expected[key])
                if lines != wanted or (key in differs and lines == expected[key]):
                    bad += 1
                    report(key, lines, expected[key], extended, key in differs)
    for key in set(differs) - used:
        bad += 1
        print("same.differs has a statement that same.sql has not: %r" % (key,))
    return count, bad


def tell(key, lines, expected, extended, listed):
    print("%s (%s)%s\n%s" % (key[0], "extended" if extended else "simple", ", in same.differs" if listed else "",
                            block(key[1], ["PostgreSQL: " + line for line in expected] + ["pond:       " + line for line in lines])))


def list_differing(key, lines, expected, extended, listed):
    if not extended:
        print(block(key[1], lines))


def main():
    if "--write" in sys.argv:
        return write()
    count, bad = check(list_differing if "--differs" in sys.argv else tell)
    print("%d answers, %d known differences, %d wrong" % (count, len(read_blocks("same.differs")), bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
