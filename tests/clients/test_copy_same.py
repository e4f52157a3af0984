#!/usr/bin/python3
"""COPY with data and options of all kinds, good and bad: the same answers as PostgreSQL 15, byte for byte.

Each case is a statement and what is sent after it, in one message and cut into pieces of one byte. copy.expected keeps
what PostgreSQL 15 answered: the error with its detail, hint, context and position, or the tag; the bytes of COPY TO;
and what was put into the table, in a transaction that is rolled back.
copy.differs keeps what pond answers where it does not do the same, each with the reason; such an answer is checked as
well, and one that has become PostgreSQL's is an error.

  test_copy_same.py --write     asks a real PostgreSQL (PG*) and writes copy.expected
  test_copy_same.py --differs   prints pond's answers that are in neither file, as copy.differs has them
"""
import os
import struct
import sys

import wire
from wire import message, query

EXPECTED, DIFFERS = "copy.expected", "copy.differs"

TABLES = """
CREATE TABLE t (a int PRIMARY KEY, b text, c numeric(6,2));
CREATE TABLE u (a int NOT NULL CHECK (a < 100), b varchar(3), c bool DEFAULT true, d date UNIQUE,
                e int REFERENCES t (a));
CREATE TABLE one (a text);
CREATE TABLE g (a int, b int GENERATED ALWAYS AS (a + 1) STORED, c int GENERATED ALWAYS AS IDENTITY, d text DEFAULT 'd');
CREATE TABLE types (i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, b bool, t text, v varchar(4), x bytea,
                    d date, tm time, ts timestamp, tz timestamptz, iv interval, id uuid, j json, jb jsonb);
CREATE TABLE "Odd ""name" (a int, "b c" text);
INSERT INTO t VALUES (1, 'one', 1.5), (2, NULL, NULL), (3, '', -0.01), (4, E'tab\\t,"quote''\\\\ \\n\\r end', 4),
                     (5, E'\\\\N', 5), (6, E'\\\\.', 6), (7, ' ', 7), (8, 'NULL', 8);
INSERT INTO one VALUES (''), (NULL), (E'\\\\.'), ('x'), (E'\\\\N'), (' '), ('"');
INSERT INTO u VALUES (1, 'x', false, '2024-02-29', 1), (2, NULL, NULL, NULL, NULL);
"""
NUMBERS = "COPY (SELECT i, i * 2 AS j FROM generate_series(1, 3) AS g(i)) TO STDOUT"


def cases():
    """(statement, data) in order; data None: nothing is sent but what the statement asks for. A third word is the reason
    that the client gives for taking it back (CopyFail)."""
    yield from text_data()
    yield from csv_data()
    yield from header_data()
    yield from binary_data()
    yield from values()
    yield from constraints()
    yield from conditions()
    yield from endings()
    yield from options()
    yield from copy_to()


def text_data():
    plain = "COPY t (a, b) FROM STDIN"
    for data in (b"", b"10\tx\n", b"10\tx", b"10\tx\n11\ty", b"10\n", b"10\tx\ty\n", b"10", b"\n", b"\t\n", b"x\ty\n", b"10\tx\n\n",
                 b"10\tx\n11\ty\n12\n", b"10\tx\n11\ty\n12\tz\tz\n", b"10\t\\N\n", b"\\N\tx\n", b"10\t\\\\N\n", b"10\t\\n\\r\\t\\b\\f\\v\n",
                 b"10\t\\x41\\101\\x4\\1012\\q\\8\n", b"10\t\\x\n", b"10\t\\xzz\n", b"10\tx\\\n", b"10\tx\\", b"10\tx\\\n11\ty\n",
                 b"10\tx\n\\.\n", b"10\tx\n\\.", b"10\tx\n\\.\n11\ty\n", b"10\tx\n\\.x\n", b"10\tx\n\\..\n", b"10\tx\\.\n", b"10\tx\\.",
                 b"10\tx\\.y\n", b"\\.\n", b"\\.", b"\\", b"10\tx\r\n11\ty\r\n", b"10\tx\r\n11\ty\n", b"10\tx\n11\ty\r\n", b"10\tx\r11\ty\r",
                 b"10\tx\r11\ty\n", b"10\tx\n11\ty\r", b"10\tx\r\n11\ty\r", b"10\tx\r\n\\.\r\n", b"10\tx\r\n\\.\n", b"10\tx\n\\.\r\n",
                 b"10\tx\r\\.\r", b"10\tx\r\\.\n", b"10\tx\r\n\\.", b"10\tx\r\n\\.\r", b"10\tx\\\r\n", b"10\tx\r\n\r\n", b"10\tx\ry\n",
                 b"10\tgr\xc3\xbc\xc3\x9fe\n", b"10\t\xff\n", b"10\t\xc3\n", b"10\t\xc3", b"10\t\xc3\\\xbc\n", b"10\tx\n11\t\xed\xa0\x80\n",
                 b"10\t\\xc3\\xbc\n", b"10\t\\xff\n", b"10\t\\303\\274\n", b"10\ta\0b\n", b"\0\n", b"10\t\\0\n", b"10\t\\x00\n",
                 b"10\t\\000\n", b" 10\tx\n", b"10 \tx\n", b"10x\tx\n", b"\tx\n", b"9999999999\tx\n", b"-\tx\n", b"10,x\n", b"10\tx\x0b\n",
                 b"10\t" + b"y" * 150 + b"\tz\n", b"q" * 150 + b"\tx\n", b"q" * 99 + b"\xc3\xbc\tx\n", b"10\t" + b"y" * 95 + b"\xc3\xbc\xc3\xbc\tz\n",
                 b"10\t\\" + b"x\n11\ty\n", b"10\tx\n10\ty\n", b"1\tx\n", b"10\tx\n\xff\n"):
        yield plain, data
    for data in (b"x\n", b"", b"\n", b"\\.\n", b"\\\\.\n", b"\\N\n", b"a\tb\n", b"\\\n", b"\\\n\n"):
        yield "COPY one FROM STDIN", data
    for command, data in (("COPY t (a, b) FROM STDIN (DELIMITER '|')", b"10|x\\|y\n"),
                          ("COPY t (a, b) FROM STDIN (DELIMITER '|', NULL 'x')", b"10|x\n11|\\x\n12|xx\n"),
                          ("COPY t (a, b) FROM STDIN (NULL '')", b"10\t\n11\t\\N\n"),
                          ("COPY t (a, b) FROM STDIN (NULL 'NULL')", b"10\tNULL\n11\tnull\n12\tNU\\LL\nNULL\tx\n"),
                          ("COPY t (a, b) FROM STDIN (NULL '\\N', DELIMITER ' ')", b"10 \\N\n11 a\\ b\n"),
                          ("COPY t (a, b) FROM STDIN DELIMITERS ','", b"10,x\n"), ("COPY t (b) FROM STDIN", b"x\n"),
                          ("COPY t (c, b, a) FROM STDIN", b"1.005\tx\t10\n12345\ty\t11\n"), ("COPY t FROM STDIN", b"10\tx\n"),
                          ("COPY \"Odd \"\"name\" FROM STDIN", b"1\tx\nx\ty\n"), ("COPY \"Odd \"\"name\" FROM STDIN", b"1\n"),
                          ("COPY public.t (a) FROM STDIN", b"x\n")):
        yield command, data


def csv_data():
    csv = "COPY t (a, b) FROM STDIN (FORMAT csv)"
    for data in (b"", b"10,x\n", b"10,x", b"10\n", b"10,x,y\n", b"\n", b",\n", b"x,y\n", b"10,\n", b'10,""\n', b'10,"a,b"\n', b'10,"a\nb"\n',
                 b'10,"a\r\nb"\n', b'10,"a\r\nb"\r\n', b'10,"a\rb"\n11,y\n', b'10,"a""b"\n', b'10,"a"b"\n', b'10,"a"b"c"\n', b'10,a"b\n', b'10,"a\n', b'10,"a',
                 b'10,"', b'10,"""\n', b'10,""""\n', b'"10","x"\n', b'"1"0,x\n', b' 10,x\n', b'10, "x"\n', b"10,\\N\n", b"10,\\n\n", b"10,x\\\n",
                 b"10,x\n\\.\n", b"10,x\n\\.", b"10,x\n\\.\n11,y\n", b"10,x\n\\.x\n", b"10,\\.\n", b'10,"x\n\\.\ny"\n', b"\\.\n", b"\\.,x\n",
                 b"10,x\r\n11,y\r\n", b"10,x\r\n11,y\n", b"10,x\n11,y\r\n", b"10,x\r11,y\r", b"10,x\ry\n", b"10,x\r11,y\n", b"10,gr\xc3\xbc\xc3\x9fe\n",
                 b"10,\xff\n", b'10,"\xff"\n', b"10,a\0b\n", b'10,"a\0b"\n', b"10,x\n\n", b"10,x\n11,y\n11,z\n", b'10,"a\nb"\nx,y\n',
                 b'10,"a\nb\nc"\n11,"d\n', b'10,"a\nb"\n11\n', b"10," + b"y" * 150 + b",z\n", b'10,"' + b"y" * 150 + b"\n", b'x,"a\nb"\n',
                 b'10,"a\nb",z\n', b'"x\ny",z\n', b"10,x\r\n\\.\r\n", b"10,x\r\n\\.\n", b'10,"x""'):
        yield csv, data
    for data in (b"\n", b'""\n', b"x\n", b"\\.\n", b'"\\."\n', b'"a\n\\.\nb"\n', b"a\n\nb\n"):
        yield "COPY one FROM STDIN CSV", data
    for command, data in (("(FORMAT csv, DELIMITER ';')", b"10;a,b\n"), ("(FORMAT csv, DELIMITER E'\\t')", b"10\t\"a\tb\"\n"),
                          ("(FORMAT csv, QUOTE '''')", b"10,'a''b'\n"), ("(FORMAT csv, QUOTE '''', ESCAPE '\\')", b"10,'a\\'b\\\\c\\d'\n"),
                          ("(FORMAT csv, ESCAPE '\\')", b'10,"a\\"b"\n11,"a""b"\n12,"a\\\n"\n'), ("(FORMAT csv, ESCAPE '\\')", b'10,"a\\'),
                          ("(FORMAT csv, ESCAPE 'x')", b'10,"ax"b"\n'), ("(FORMAT csv, QUOTE '\\')", b"10,\\a,b\\\n"),
                          ("(FORMAT csv, NULL 'nil')", b'10,nil\n11,"nil"\n12,\n'), ("(FORMAT csv, NULL '\\N')", b'10,\\N\n11,\n'),
                          ("(FORMAT csv, NULL ' ')", b"10, \n11,  \n"), ("(FORMAT csv, FORCE_NOT_NULL (b))", b'10,\n11,""\n'),
                          ("(FORMAT csv, FORCE_NULL (b))", b'10,\n11,""\n12,x\n'),
                          ("(FORMAT csv, FORCE_NULL (b), FORCE_NOT_NULL (b))", b'10,\n11,""\n'),
                          ("(FORMAT csv, NULL 'nil', FORCE_NULL (b))", b'10,nil\n11,"nil"\n'),
                          ("(FORMAT csv, NULL 'nil', FORCE_NOT_NULL (b))", b'10,nil\n11,"nil"\n'),
                          ("(FORMAT csv, FORCE_NOT_NULL (a))", b",x\n"), ("(FORMAT csv, FORCE_NULL (a))", b'"",x\n'),
                          ("(FORMAT csv, FORCE_NOT_NULL (a), FORCE_NULL (b))", b'1,""\n'), ("CSV FORCE NOT NULL b", b"10,\n"),
                          ("CSV QUOTE AS '''' ESCAPE AS '\\' DELIMITER AS ';' NULL AS '-'", b"10;-\n11;'a\\'b;c'\n")):
        yield "COPY t (a, b) FROM STDIN " + command, data


def header_data():
    for form in ("(HEADER)", "(FORMAT csv, HEADER true)"):
        d = b"," if "csv" in form else b"\t"
        for data in (b"", b"a%sb\n", b"a%sb\n10%sx\n", b"a\n10%sx\n", b"\n10%sx\n", b"a%sb", b"\xff\n10%sx\n", b"a%sb\n10\n", b"a%sb\nx%sy\n",
                     b"a%sb\r\n10%sx\r\n", b'"a\nb"%sc\n10%sx\n', b'"a\n10%sx\n', b"\\.\n10%sx\n", b"a\0%sb\n10%sx\n"):
            yield "COPY t (a, b) FROM STDIN " + form, data.replace(b"%s", d)
    for form in ("(HEADER match)", "(FORMAT csv, HEADER MATCH)"):
        d = b"," if "csv" in form else b"\t"
        for data in (b"", b"a%sb\n", b"a%sb\n10%sx\n", b"a%sc\n10%sx\n", b"A%sb\n", b"b%sa\n", b"a\n10%sx\n", b"a%sb%sc\n", b"\\N%sb\n", b"%sb\n",
                     b"a%s\n", b'"a"%s"b"\n10%sx\n', b" a%sb\n", b"\n", b"a%s\xff\n", b"a%sb\r\n10%sx\r\n", b"a%sb\nx%sy\n", b"a%s" + b"y" * 150 + b"\n",
                     b'"a%sb\n', b"\\a%sb\n10%sx\n", b"\\.\n", b"a%sb"):
            yield "COPY t (a, b) FROM STDIN " + form, data.replace(b"%s", d)
    yield "COPY g FROM STDIN (HEADER match)", b"a\tc\td\n1\t2\t3\n"
    yield "COPY g FROM STDIN (HEADER match)", b"a\tb\tc\td\n1\t2\t3\t4\n"
    yield "COPY \"Odd \"\"name\" FROM STDIN (HEADER match, FORMAT csv)", b"a,b c\n1,x\n"
    yield "COPY t (a, b) FROM STDIN (HEADER match, NULL 'b')", b"a\tb\n"


SIGNATURE = b"PGCOPY\n\xff\r\n\0"
HEAD = SIGNATURE + struct.pack("!ii", 0, 0)


def tuple_of(*fields):
    data = struct.pack("!h", len(fields))
    for field in fields:
        data += struct.pack("!i", -1) if field is None else struct.pack("!i", len(field)) + field
    return data


def binary_data():
    four = struct.pack("!i", 10)
    row, end = tuple_of(four, b"x"), b"\xff\xff"
    for data in (b"", HEAD, HEAD + end, HEAD + row + end, HEAD + row, HEAD + row + tuple_of(struct.pack("!i", 11), None) + end,
                 HEAD + row + row + end, SIGNATURE, SIGNATURE[:-1], b"PGCOPY\n\xff\r\r\0" + HEAD[11:] + row, b"10\tx\n", SIGNATURE + b"\0\0",
                 SIGNATURE + struct.pack("!i", 0), SIGNATURE + struct.pack("!i", 0) + b"\0", SIGNATURE + struct.pack("!ii", 1 << 16, 0) + row + end,
                 SIGNATURE + struct.pack("!ii", 1 << 17, 0) + row + end, SIGNATURE + struct.pack("!ii", 1, 0) + row + end,
                 SIGNATURE + struct.pack("!ii", -1, 0) + row + end, SIGNATURE + struct.pack("!ii", 0, 3) + b"abc" + row + end,
                 SIGNATURE + struct.pack("!ii", 0, 3) + b"ab", SIGNATURE + struct.pack("!ii", 0, -1) + row, HEAD + b"\0", HEAD + row + b"\0",
                 HEAD + row + b"\0\2", HEAD + row + b"\0\2\0\0", HEAD + row + b"\0\2\0\0\0\4\0", HEAD + row + end + b"x", HEAD + row + end + row,
                 HEAD + tuple_of(four) + end, HEAD + tuple_of(four, b"x", b"y") + end, HEAD + tuple_of() + end, HEAD + b"\xff\xfe", HEAD + b"\x7f\xff",
                 HEAD + b"\0\2" + struct.pack("!i", -2) + end, HEAD + b"\0\2" + struct.pack("!i", 4) + four + struct.pack("!i", -7) + end,
                 HEAD + b"\0\2" + struct.pack("!i", 0x7fffffff), HEAD + tuple_of(b"\0\0", b"x") + end, HEAD + tuple_of(four + b"\0", b"x") + end,
                 HEAD + tuple_of(b"", b"x") + end, HEAD + row + tuple_of(struct.pack("!i", 11), b"\xff") + end,
                 HEAD + tuple_of(four, b"a\0b") + end, HEAD + tuple_of(None, b"x") + end, HEAD + tuple_of(four, b"") + end, HEAD + b"\xff"):
        yield "COPY t (a, b) FROM STDIN (FORMAT binary)", data
    for column, data in (("i2", b"\0\0\0\1"), ("i8", b"\0"), ("f4", b"\0" * 8), ("f8", struct.pack("!d", float("nan"))), ("b", b"\2"), ("b", b""), ("b", b"\0\1"),
                         ("n", struct.pack("!hhhhh", 1, 0, 0, 2, 1)), ("n", struct.pack("!hhHh", 0, 0, 0xc000, 0)), ("n", struct.pack("!hhHh", 0, 0, 7, 0)),
                         ("n", struct.pack("!hhhhh", 1, 0, 0, 0, 10000)), ("n", struct.pack("!hhh", 1, 0, 0)), ("v", b"abcde"), ("v", b"abc  "), ("d", b"\0"),
                         ("d", struct.pack("!i", 0x7fffffff)), ("d", struct.pack("!i", 0x7ffffffe)), ("tm", struct.pack("!q", -1)), ("ts", struct.pack("!q", 0)),
                         ("ts", struct.pack("!q", (1 << 63) - 2)), ("tz", b"\0" * 7), ("iv", b"\0" * 16), ("iv", b"\0" * 15), ("id", b"\1" * 16), ("id", b"\1" * 15),
                         ("j", b"{"), ("j", b"{}"), ("jb", b"\1{}"), ("jb", b"\2{}"), ("jb", b"{}"), ("jb", b""), ("x", b"\0\xff"), ("i4", b"abcde")):
        yield "COPY types (%s) FROM STDIN (FORMAT binary)" % column, HEAD + tuple_of(data) + end


def values():
    for column, texts in (("i2", "1 32768 -32768 x 1.0 0x1"), ("i4", "2147483647 2147483648 1e3"), ("i8", "9223372036854775808 -9223372036854775808"),
                          ("f4", "1e39 1e-50 nan -Infinity 1.5x .5"), ("f8", "1e309 1e-400 0x10 1_0"), ("n", "1.50 NaN 1e5 1.2.3 -.5 infinity"),
                          ("b", "t yes on 1 TRUE tr o x 2"), ("v", "abcd abcde"), ("x", "\\\\x00ff \\\\x0 \\\\xzz abc \\\\001 \\\\\\\\"),
                          ("d", "2024-02-29 2024-02-30 20240229 infinity 2024-13-01 x 1/2/2024"), ("tm", "24:00 25:00 12:30 x 13:14:15.5"),
                          ("ts", "2024-02-29T10:00 2024-02-30 x infinity"), ("tz", "2024-02-29T10:00+02 2024-02-29T25:00 x"), ("iv", "1day P1D x 1y2mon"),
                          ("id", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 {a0eebc999c0b4ef8bb6d6bb9bd380a11} x a0"), ("j", "{} {\"a\":1} {x 1"), ("jb", "{\"a\":1,\"a\":2} {x [")):
        for value in texts.split():
            yield "COPY types (%s) FROM STDIN" % column, value.encode() + b"\n"
    yield "COPY types (v) FROM STDIN", b"ab   \nabc    \nabcd  x\n"
    yield "COPY types (i4, n, d) FROM STDIN (FORMAT csv)", b"1,2.5,2024-02-29\n ,,\n"
    yield "COPY types (i4) FROM STDIN (FORMAT csv)", b'""\n'


def constraints():
    good = b"10\tx\tt\t2024-01-01\t1\n"
    for bad in (b"\\N\tx\tt\t2024-01-02\t1\n", b"100\tx\tt\t2024-01-02\t1\n", b"11\txxxx\tt\t2024-01-02\t1\n", b"11\tx\tt\t2024-01-01\t1\n", b"11\tx\tt\t2024-02-29\t1\n",
                b"11\tx\tt\t2024-01-02\t99\n", b"11\tx\tt\t\\N\t\\N\n", b"\\N\txxxx\tt\t2024-01-02\t1\n", b"100\txxxx\tt\tx\t1\n"):
        yield "COPY u FROM STDIN", good + bad + good.replace(b"01-01", b"01-03")
    for bad in (b",x,t,2024-01-02,1\n", b"100,x,t,2024-01-02,1\n", b'11,"x\nx",t,2024-01-02,99\n', b'100,"x\nx",t,2024-01-02,1\n'):
        yield "COPY u FROM STDIN CSV", good.replace(b"\t", b",") + bad
    yield "COPY u (b) FROM STDIN", b"x\n"
    yield "COPY u (a, d) FROM STDIN", b"10\t2024-01-01\n"
    yield "COPY u (a) FROM STDIN (FORMAT binary)", HEAD + tuple_of(struct.pack("!i", 100)) + b"\xff\xff"
    yield "COPY u (a) FROM STDIN (FORMAT binary)", HEAD + tuple_of(struct.pack("!i", 10)) + tuple_of(None) + b"\xff\xff"
    yield "COPY g (a) FROM STDIN", b"1\n2\n"
    yield "COPY g FROM STDIN", b"1\t7\tx\n"
    yield "COPY g (a, b) FROM STDIN", None
    yield "COPY g (a, d) FROM STDIN (NULL 'n')", b"1\tn\n"


def conditions():
    rows = b"10\tx\t1\n11\ty\t\\N\n12\t\\N\t-1\n"
    for text in ("a > 10", "t.a > 10", "c > 0", "b = 'x' OR b IS NULL", "true", "NULL", "a", "nope > 1", "b > 1", "u.a > 1", "a > $1", "count(*) > 1", "a > 10 AND", "lower(b) = 'y'",
                 "a IN (10, 12)", "(a > 10) -- where", "b LIKE '%where%'", "'1' = a::text || ''", "grüße > 0 AND nope", "1 / (a - 11) > 0", "a BETWEEN 10 AND 11", "CASE WHEN a > 10 THEN true END"):
        yield "COPY t FROM STDIN WHERE " + text, rows
    yield "COPY t FROM STDIN (FORMAT csv, NULL 'where', HEADER) WHERE a < 11", b"a,b,c\n10,where,1\n11,x,2\n"
    yield "COPY t (a, b) FROM STDIN WHERE a <> 11", b"10\tx\n11\ty\nz\tz\n"
    yield "COPY t (a, b) FROM STDIN WHERE a <> 1", b"10\tx\n1\ty\n"
    yield "COPY t (a, b) FROM STDIN WHERE b <> 'y'", b"10\tx\n1\ty\n1\tz\n"
    yield "COPY u (a, b) FROM STDIN WHERE a < 100", b"10\tx\n100\ty\n11\txxxx\n"
    yield "COPY g (a, d) FROM STDIN WHERE a = 2", b"1\tx\n2\ty\n3\tz\n"
    yield "COPY \"Odd \"\"name\" FROM STDIN WHERE \"b c\" > 'a' AND \"Odd \"\"name\".a = 1", b"1\tx\n2\ty\n"
    yield "COPY t FROM STDIN (FORMAT binary) WHERE a = 11", HEAD + b"".join(
        tuple_of(struct.pack("!i", i), b"x", None) for i in (10, 11, 12)) + b"\xff\xff"
    yield "COPY public.t (a) FROM STDIN WHERE a > 10", b"10\n11\n"


def endings():
    for reason in (b"enough", b"", "grüße".encode(), b"\xff", b"a\nb"):
        yield "COPY t (a, b) FROM STDIN", b"10\tx\n", reason
    for data in (b"", b"10\tx\n11", b"10\tx\n\\.\n", b"10\tx\n11\ty\n12\t"):
        yield "COPY t (a, b) FROM STDIN", data, b"no"
        yield "COPY t (a, b) FROM STDIN CSV", data.replace(b"\t", b","), b"no"
    yield "COPY t (a, b) FROM STDIN (FORMAT binary)", HEAD, b"no"
    yield "COPY t (a, b) FROM STDIN (FORMAT binary)", HEAD + tuple_of(struct.pack("!i", 10), b"x"), b"no"


def options():
    names = {
        "DELIMITER": ["','", "''", "'ab'", "'ü'", "E'\\n'", "E'\\r'", "'\\'", "'.'", "'a'", "'0'", "'N'", "'\"'", "' '", "E'\\t'", "1", "a", "DEFAULT"],
        "NULL": ["''", "','", "E'\\n'", "E'a\\rb'", "'a,b'", "E'a\\tb'", "'\"'", "'a\"b'", "'\\N'", "5", "NULL"], "QUOTE": ["'x'", "''", "'xy'", "'ü'", "','", "E'\\n'", "'\\'", "5"],
        "ESCAPE": ["'x'", "''", "'xy'", "'ü'", "','", "'\\'"], "HEADER": ["", "true", "false", "on", "0", "1", "2", "match", "'MATCH'", "'x'", "*", "1.5"],
        "FORMAT": ["text", "csv", "binary", "'csv'", "CSV", "xml", "''", "5", ""], "FREEZE": ["", "true", "off", "x"], "ENCODING": ["'utf8'", "'UTF-8'", "UTF8", "'x'", "5", ""],
        "FORCE_QUOTE": ["*", "(b)", "(a, b)", "(c)", "(nope)", "b", "", "(b, b)"], "FORCE_NOT_NULL": ["*", "(b)", "(c)", "(nope)", "b", "", "(b, b)"],
        "FORCE_NULL": ["*", "(b)", "(c)", "(nope)", "b", "", "(b, b)"], "NOPE": ["", "1", "'x'"]}
    for name, choices in names.items():
        for choice in choices:
            for form in ("", "FORMAT csv, ", "FORMAT binary, "):
                if name == "FORMAT" and form:
                    continue
                for way in ("FROM STDIN", "TO STDOUT"):
                    yield "COPY t (a, b) %s (%s%s %s)" % (way, form, name, choice), None
    for extra in ("DELIMITER ',', DELIMITER ','", "FORMAT csv, FORMAT csv", "FORMAT csv, QUOTE 'x', DELIMITER 'x'", "FORMAT csv, NULL 'x', QUOTE 'x'", "FORMAT csv, DELIMITER ';', NULL ';'",
                  "FORMAT csv, QUOTE 'x', ESCAPE 'x'", "DELIMITER 'x', FORMAT csv", "FORMAT binary, DELIMITER ',', NULL 'x'", "HEADER, HEADER", "FORMAT binary, HEADER false", "FORCE_QUOTE *, FORMAT csv",
                  "FORMAT csv, FORCE_NULL (b), FORCE_NOT_NULL (b)", "FORMAT csv, NULL E'\\n', DELIMITER E'\\n'", "FORMAT csv, ESCAPE ',', DELIMITER ','", "FORMAT csv, NULL 'x', ESCAPE 'x'", ""):
        for way in ("FROM STDIN", "TO STDOUT"):
            yield "COPY t (a, b) %s (%s)" % (way, extra), None
    for text in ("COPY t FROM STDIN BINARY", "COPY BINARY t FROM STDIN", "COPY t TO STDOUT WITH CSV HEADER", "COPY t TO STDOUT WITH NULL 'x' DELIMITER ';'", "COPY t TO STDOUT CSV FORCE QUOTE *",
                 "COPY t TO STDOUT CSV FORCE QUOTE b, c", "COPY t TO STDOUT CSV FORCE NOT NULL b", "COPY t FROM STDIN CSV FORCE NULL b", "COPY t FROM STDIN CSV CSV", "COPY t FROM STDIN FREEZE",
                 "COPY t FROM STDOUT", "COPY t TO STDIN", "COPY t FROM", "COPY t", "COPY FROM STDIN", "COPY nope FROM STDIN", "COPY nope TO STDOUT", "COPY t (nope) FROM STDIN", "COPY t (a, a) FROM STDIN",
                 "COPY t () FROM STDIN", "COPY t (a) TO STDOUT WHERE a > 1", "COPY t (ctid) TO STDOUT", "COPY nope.t TO STDOUT", "COPY (SELECT 1) FROM STDIN", "COPY (DELETE FROM one) TO STDOUT",
                 "COPY (SELECT a FROM t ORDER BY a) (a) TO STDOUT", "COPY (SELECT nope FROM t) TO STDOUT", "COPY (SELECT 1 AS x INTO y) TO STDOUT", "COPY (VALUES (1, 'a'), (2, NULL)) TO STDOUT",
                 "COPY (INSERT INTO one VALUES ('n') RETURNING a) TO STDOUT", "COPY (UPDATE one SET a = 'm' WHERE a = 'x' RETURNING a, 1) TO STDOUT CSV HEADER", "COPY (SELECT $1) TO STDOUT",
                 "COPY (SELECT 1/0) TO STDOUT", "COPY (SELECT 6 / (4 - a) FROM t WHERE a < 6 ORDER BY a) TO STDOUT", "COPY (SELECT) TO STDOUT", "COPY (SELECT FROM t) TO STDOUT", "COPY (CREATE TABLE z (a int)) TO STDOUT"):
        yield text, None


def copy_to():
    for table in ("t", "one", "u", "g", '"Odd ""name"'):
        for form in ("", " CSV", " (FORMAT binary)", " CSV HEADER", " (HEADER)", " CSV FORCE QUOTE *", " (FORMAT csv, NULL 'NULL')", " (NULL '')", " (FORMAT csv, NULL ' ')",
                     " (FORMAT csv, QUOTE '''', ESCAPE '\\', DELIMITER ';')", " (DELIMITER '|')", " (FORMAT csv, DELIMITER ' ')", " (FORMAT csv, QUOTE 'e')", " (FORMAT csv, FORCE_QUOTE (a))",
                     " (DELIMITER 'D')", " (FORMAT csv, ESCAPE 'o')"):
            yield "COPY %s TO STDOUT%s" % (table, form), None
    for form in ("", " CSV HEADER", " (FORMAT binary)"):
        yield NUMBERS + form, None
        yield "COPY (SELECT NULL, '', 1.50, true, '\\x00ff'::bytea, date '2024-02-29', '1 day'::interval, '{\"a\": \"x,y\"}'::json) TO STDOUT" + form, None
    # Numbers have no byte that means something else, unless the options are odd.
    for text, options in (("-1, 2, -2.5::numeric(5,2), true", "DELIMITER '-'"), ("-1, 2, NULL::int", "FORMAT csv, DELIMITER '-'"),
                          ("1, 2, NULL::int, false", "FORMAT csv, NULL '1'"), ("12 AS a, true AS b", "FORMAT csv, FORCE_QUOTE (a)"),
                          ("12.5::float8, true", "FORMAT csv, QUOTE '2', ESCAPE '1'"), ("true, 1e30::float8", "FORMAT csv, QUOTE 't'"),
                          ("7::int8, 1.5::float4", "NULL '7'")):
        yield "COPY (SELECT %s) TO STDOUT (%s)" % (text, options), None
    yield "COPY (SELECT 1 AS \"a,b\", 2 AS \"c\"\"d\", 3 AS \"e\tf\") TO STDOUT CSV HEADER", None
    yield "COPY (SELECT 1 AS \"a\tb\", 2 AS \"c\\d\") TO STDOUT (HEADER)", None


# ---- asking ----

def fields(body):
    try:
        f = wire.fields(body)
    except UnicodeDecodeError:
        return ["error that is not UTF-8: %r" % body]
    lines = ["error %s %s" % (f["C"], f["M"])]
    lines += ["  %s %s" % (name, f[key]) for key, name in (("D", "detail"), ("H", "hint"), ("W", "context"), ("P", "position"),
                                                            ("t", "table"), ("c", "column"), ("n", "constraint")) if key in f]
    return [line.replace("\n", "\\n").replace("\r", "\\r") for line in lines]


def answer(w, text, data, piece, reason=None):
    """What came back, as lines; the data goes out in pieces of that size."""
    w.send(query(text))
    got = []
    while True:
        kind, body = w.next()
        if kind == "Z":
            failed = any(line.startswith("error") for line in got)
            # How much was sent before an error hangs on when it was found: PostgreSQL folds constants.
            return [line for line in got if not (failed and line.startswith(("out ", "data ")))]
        if kind == "E":
            got += fields(body)
        elif kind == "G":
            got.append("in " + body.hex())
            pieces = [data[at:at + piece] for at in range(0, len(data or b""), piece)]
            end = message("c") if reason is None else message("f", reason + b"\0")
            w.send(b"".join(message("d", part) for part in pieces) + end)
        elif kind == "H":
            got.append("out " + body.hex())
        elif kind == "d":
            got.append("data %r" % body)
        elif kind == "C":
            got.append("tag " + body[:-1].decode())
        elif kind in "TDI":
            got.append("?? " + kind)


def rows_of(w, table):
    return [line for line in answer(w, "COPY %s TO STDOUT" % table, None, 1) if line.startswith("data")]


def make_tables(w):
    """The rows of each, once they are made."""
    w.ask(query("DROP TABLE IF EXISTS u, t, one, g, types, \"Odd \"\"name\""))
    w.ask(query(TABLES))
    return {table: rows_of(w, table) for table in ("t", "u", "one", "g", "types", '"Odd ""name"')}


def ask(w, text, data, piece, reason, before):
    table = text.split(" FROM ")[0][len("COPY "):].split(" (")[0].replace("public.", "")
    w.ask(query("BEGIN"))
    lines = answer(w, text, data, piece, reason)
    if " FROM STD" in text and any(line.startswith("tag COPY") for line in lines):
        lines += ["left " + line[5:] for line in rows_of(w, table)[len(before[table]):]]
    w.ask(query("ROLLBACK"))
    if table == "g":
        make_tables(w)  # its numbers do not come back
    return lines


def ask_all(w):
    """Pairs of a case's heading and its answer."""
    before = make_tables(w)
    for text, data, *reason in cases():
        heading = "> %s" % text.replace("\n", "\\n") + ("" if data is None else " < %r" % data)
        heading += " fail %r" % reason[0] if reason else ""
        reason = reason[0] if reason else None
        whole = ask(w, text, data, 1 << 20, reason, before)
        if data:
            pieces = ask(w, text, data, 1, reason, before)
            if pieces != whole:
                whole = whole + ["in pieces:"] + pieces
        yield heading, whole


def read_answers(path):
    """Heading -> lines; comments and blank lines do not count."""
    found, heading = {}, None
    for line in open(path, encoding="utf-8"):
        line = line.rstrip("\n")
        if line.startswith("> "):
            heading = line
            found[heading] = []
        elif line and not line.startswith("#"):
            found[heading].append(line)
    return found


def write(w):
    with open(EXPECTED, "w", encoding="utf-8") as out:
        for heading, lines in ask_all(w):
            out.write("\n".join([heading] + lines) + "\n")


def compare(w, show):
    """How many answers are wrong; show: the new ones are printed for copy.differs."""
    expected, differs = read_answers(EXPECTED), read_answers(DIFFERS)
    wrong = count = 0
    for heading, lines in ask_all(w):
        count += 1
        wanted = differs.get(heading, expected.get(heading))
        if heading in differs and lines == expected[heading]:
            wrong += 1
            print(heading, "    is PostgreSQL's answer now: take it out of %s" % DIFFERS, sep="\n")
        elif lines != wanted:
            wrong += 1
            print(heading, *(lines if show else ["    expected %s" % wanted, "    got      %s" % lines]), sep="\n")
    print("%d cases, %d wrong" % (count, wrong))
    return wrong


def main():
    is_peer = os.environ.get("POND_TEST_PEER")
    with wire.Wire(os.environ["PGDATABASE"] if is_peer else "empty") as w:
        if "--write" in sys.argv:
            write(w)
            return 0
        return compare(w, "--differs" in sys.argv) > 0


if __name__ == "__main__":
    sys.exit(main())
