#!/usr/bin/env python3
"""Writes the hand-made part of tests/fuzz/corpus/. Inputs that a fuzzer found are added beside it under other names."""
import os
import re
import struct

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


def put(target, name, data):
    os.makedirs(os.path.join(here, target), exist_ok=True)
    with open(os.path.join(here, target, name), "wb") as f:
        f.write(data)


def msg(kind, body=b""):
    return kind + struct.pack("!i", len(body) + 4) + body


def packet(code, body=b""):
    return struct.pack("!iI", len(body) + 8, code) + body


def value(v):
    return struct.pack("!i", -1) if v is None else struct.pack("!i", len(v)) + v


def counted(items):
    return struct.pack("!H", len(items)) + b"".join(items)


def i16(*ns):
    return [struct.pack("!h", n) for n in ns]


def i32(*ns):
    return [struct.pack("!I", n) for n in ns]


bind = b"p\0s\0" + counted(i16(0, 1)) + counted([value(b"x"), value(None)]) + counted(i16(1))
parse = b"s\0SELECT $1, $2\0" + counted(i32(23, 25))
field = b"id\0" + struct.pack("!IhIhih", 16384, 1, 23, 4, -1, 0)
error = b"SERROR\0VERROR\0C42601\0Msyntax error at or near \"x\"\0P8\0Fscan.l\0L1\0Rscanner_yyerror\0\0"

front = [("B", bind), ("E", b"p\0" + struct.pack("!i", 100)), ("S", b""), ("Q", b"SELECT 1\0"), ("P", parse),
         ("D", b"Ss\0"), ("C", b"Pp\0"), ("H", b""), ("d", b"1\ta\n"), ("c", b""), ("f", b"no\0"),
         ("F", struct.pack("!I", 1598) + counted(i16(1)) + counted([value(b"\0\0\0\1")]) + b"\0\1"), ("X", b""),
         ("p", b"secret\0"), ("p", b"SCRAM-SHA-256\0" + value(b"n,,n=,r=abc")), ("p", b"c=biws,r=abc,p=proof"),
         ("p", b"\1\2\3")]
back = [("D", counted([value(b"7"), value(None)])), ("C", b"SELECT 1\0"), ("Z", b"I"), ("1", b""), ("2", b""),
        ("3", b""), ("T", counted([field, field])), ("t", counted(i32(23, 25))), ("n", b""), ("s", b""), ("I", b""),
        ("E", error), ("N", error), ("A", struct.pack("!i", 7) + b"channel\0payload\0"), ("S", b"TimeZone\0UTC\0"),
        ("d", b"1\n"), ("c", b""), ("G", b"\0" + counted(i16(0, 0))), ("H", b"\1" + counted(i16(1))),
        ("W", b"\0" + counted([])), ("V", value(b"9")), ("K", struct.pack("!ii", 42, 7)),
        ("v", struct.pack("!ii", 0, 1) + b"_pq_.x\0"), ("R", struct.pack("!i", 0)), ("R", struct.pack("!i", 2)),
        ("R", struct.pack("!i", 3)), ("R", struct.pack("!i", 5) + b"salt"), ("R", struct.pack("!i", 7)),
        ("R", struct.pack("!i", 8) + b"x"), ("R", struct.pack("!i", 9)),
        ("R", struct.pack("!i", 10) + b"SCRAM-SHA-256\0\0"), ("R", struct.pack("!i", 11) + b"r=abc"),
        ("R", struct.pack("!i", 12) + b"v=abc")]

# frame: side and cap, then a stream
all_front = b"".join(msg(k.encode(), b) for k, b in front)
all_back = b"".join(msg(k.encode(), b) for k, b in back)
put("frame", "frontend-all", b"\xfe" + all_front)
put("frame", "backend-all", b"\xff" + all_back)
put("frame", "pipeline", b"\xfe" + msg(b"Q", b"DISCARD ALL\0") + msg(b"P", parse) + msg(b"B", bind) + msg(b"D", b"Pp\0")
    + msg(b"E", b"p\0\0\0\0\0") + msg(b"S"))
put("frame", "too-long", b"\x02Q\x7f\xff\xff\xff")
put("frame", "negative", b"\xfeQ\xff\xff\xff\xff")
put("frame", "short-length", b"\xfeQ\0\0\0\3")
put("frame", "bad-type", b"\xfez\0\0\0\4")

# message: the row's number, then a body; start-up rows keep their place between the two lists
rows = [b for _, b in front] + [b"\0\3\0\0user\0me\0\0", struct.pack("!I", 80877102) + b"\0\0\0\1key!",
                                struct.pack("!I", 80877103), struct.pack("!I", 80877104)] + [b for _, b in back]
for i, body in enumerate(rows):
    put("message", "row-%02d" % i, bytes([i]) + body)
put("message", "bind-bad-format", b"\0\0\0" + counted(i16(2)) + b"\0\0\0\0")
put("message", "bind-count-mismatch", b"\0\0\0" + counted(i16(0, 1)) + counted([value(b"x")]) + b"\0\0")
put("message", "bind-many", b"\0\0\0" + b"\0\0" + b"\xff\xff" + value(None) * 50 + b"\0\0")

# startup
params = b"user\0me\0database\0shop\0client_encoding\0'utf-8'\0options\0-c a=b --search-path=x,\\ y -cz=1\0"
put("startup", "ssl-then-message", packet(80877103) + packet(0x30000, params + b"\0"))
put("startup", "gssenc", packet(80877104))
put("startup", "cancel", packet(80877102, struct.pack("!iI", 42, 0xdeadbeef)))
put("startup", "cancel-long-key", packet(80877102, struct.pack("!i", 42) + b"k" * 256))
put("startup", "negotiate", packet(0x30002, b"user\0me\0_pq_.a\0001\0_pq_.b\0\0\0"))
put("startup", "version-2", packet(0x20000, b"\0"))
put("startup", "tls-hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
put("startup", "no-terminator", packet(0x30000, b"user\0me\0"))
put("startup", "bad-options", packet(0x30000, b"user\0me\0options\0-c x -d \\\0\0"))

# value: type, format and style, then the value; the order of types is that of fuzz_value.c
texts = {0: ["t", "off", "maybe"], 1: ["\\xdeadbeef", "a\\\\b\\001", "\\xz"], 2: ["a"], 3: ["name"],
         4: ["-9223372036854775808", "9223372036854775808"], 5: ["-32768"], 6: ["42", "abc"], 7: ["tëxt"],
         8: ["4294967295"], 9: ['{"a":[1,2.5e3,{"b":null}],"c":"\\u00e9"}', "[", "tru"],
         10: ["0.1", "1e-45", "3.4028235e38"], 11: ["0.1", "5e-324", "1e23", "NaN", "-Infinity"], 12: ["x"],
         13: ["abc  "], 14: ["abc"], 15: ["2024-01-31", "Jan 31, 2024", "31.1.2024", "0044-03-15 BC", "infinity"],
         16: ["10:00:00.5", "24:00", "10:00 PM"], 17: ["2024-01-31T10:00:00.123456", "-infinity", "epoch"],
         18: ["2024-01-31 10:00:00+05:30", "Wed Jan 31 10:00:00 2024 UTC", "20240131T101112Z"],
         19: ["1 year 2 mons 3 days 04:05:06.7", "P1Y2M3DT4H5M6.7S", "@ 1 day ago", "1-2", "1.5 months"],
         20: ["10:00:00-03:30"], 21: ["-12345.000678", "1e20", "0.1234567890123456", "NaN", "1e-300"], 22: [""],
         23: ["{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}"], 24: ["[1]"], 25: ["{1,2}"], 26: ["7"],
         27: ["10.1.2.3/8", "fe80::1:2/64", "1.2.3.4/33"]}
for t, list_ in texts.items():
    for i, text in enumerate(list_):
        put("value", "text-%02d-%d" % (t, i), bytes([t, 0]) + text.encode())
binaries = {0: b"\1", 1: b"\0\xff", 2: b"a", 4: struct.pack("!q", -1), 5: struct.pack("!h", -1),
            6: struct.pack("!i", -1), 8: struct.pack("!I", 7), 10: struct.pack("!f", 0.1), 11: struct.pack("!d", 0.1),
            15: struct.pack("!i", 8796), 16: struct.pack("!q", 36000000000), 17: struct.pack("!q", 760010400500000),
            18: struct.pack("!q", -(1 << 63)), 19: struct.pack("!qii", -1, 2, -3), 20: struct.pack("!qi", 1, 12600),
            21: struct.pack("!hhhhhhh", 3, 1, 0x4000, 6, 1, 2345, 7), 23: bytes(range(16)), 24: b"\1{}",
            26: struct.pack("!I", 7), 27: b"\3\x40\0\x10" + bytes(range(16))}
for t, data in binaries.items():
    put("value", "binary-%02d" % t, bytes([t, 0x55]) + data)

header = b"PGCOPY\n\xff\r\n\0" + bytes(8)
row = struct.pack("!h", 2) + value(b"a") + value(None)
streams = {"text": (0, b"1\ta\\tb\n2\t\\N\n\\x41\\101\n\\.\n"), "text-crlf": (0, b"a\r\nb\\\nc\r\n\\.\r\n"),
           "text-mixed": (0, b"a\nb\r\n"), "text-bar": (3 | 4, b"a|b\\|c\n"), "text-null": (18, b"a\tNULL\n"),
           "csv": (1, b'a,"b ""c"",d"\n"two\nlines",\n'), "csv-escape": (13, b'a|"b\\"c\\\\"\n'),
           "csv-open": (1, b'a,"b\n'), "csv-end": (1, b"\\.x\n\\.\n"), "binary": (2, header + row + row + b"\xff\xff"),
           "binary-short": (2, header + row[:5]), "binary-bad": (2, b"PGCOPY\n\xff\r\n\0\0\1" + bytes(6))}
for name, (selector, data) in streams.items():
    put("copyfmt", name, bytes([selector, 2]) + data)

# conninfo: the first byte says which parser
infos = {"uri": b"0postgresql://u%40x:p%3aw@h1:1,[::1]:2,%2ftmp/db%20x?application_name=a%26b&ssl=true",
         "words": b"0host = a,b port='1,2' dbname='x \\' y' user=a\\ b connect_timeout=3",
         "bad-percent": b"0postgres://a%4", "service": b"1# x\n[s]\nhost=h\nport=1\n[t]\n",
         "passfile": b"2h:1:d:u:first\n*:*:*:u:a\\:b\n"}
for name, data in infos.items():
    put("conninfo", name, data)

# console: one command
commands = {"show": b" SHOW\tPools ;\n", "kill": b'KILL "a ""b""; c"', "open": b'KILL "a', "broken": b"SET x = 1", "four": b"a b c d",
            "long": b"KILL " + b"x" * 70, "nul": b"SHOW\0POOLS", "semicolons": b"SHOW POOLS;;", "nothing": b" ; ",
            "set": b" SET a = 'x; ''y''' ;", "set-to": b"set a to 64kB", "set-open": b"SET a = 'x"}
for name, data in commands.items():
    put("console", name, data)

# client: what it is asked to do, then what the server says
ready, done = msg(b"Z", b"I"), msg(b"C", b"SELECT 1\0")
greeting = msg(b"R", struct.pack("!i", 0)) + msg(b"S", b"a\0b\0") + msg(b"K", struct.pack("!ii", 42, 7)) + ready
columns, one = msg(b"T", counted([field])), msg(b"D", counted([value(b"7")]))
started = msg(b"1") + msg(b"2") + columns
talks = {"exec": b"\0" + greeting + columns + one + done + done + ready,
         "exec-error": b"\0" + greeting + msg(b"N", error) + msg(b"E", error) + ready,
         "exec-copy": b"\0" + greeting + msg(b"G", b"\0" + counted(i16(0))) + msg(b"E", error) + ready,
         "query": b"\1" + greeting + started + one + done + ready,
         "rows": b"\2" + greeting + started + one + one + msg(b"s") + one + msg(b"s") + done + ready,
         "rows-error": b"\2" + greeting + started + one + msg(b"s") + msg(b"E", error) + ready,
         "rows-in-transaction": b"\2" + greeting[:-1] + b"T" + started + one + one + msg(b"s") + msg(b"Z", b"T") +
                                one + done + msg(b"Z", b"T") + msg(b"3") + msg(b"Z", b"T"),
         "stmt": b"\3" + greeting + msg(b"1") + msg(b"t", counted(i32(23))) + columns + ready + msg(b"2") + columns +
                 one + done + ready + msg(b"3") + ready,
         "copy-in": b"\4" + greeting + msg(b"G", b"\0" + counted(i16(0))) + msg(b"C", b"COPY 3\0") + ready,
         "copy-out": b"\4" + greeting + msg(b"H", b"\0" + counted(i16(0))) + msg(b"d", b"1\n") + msg(b"c") +
                     msg(b"C", b"COPY 1\0") + ready,
         "transaction": b"\5" + greeting + msg(b"C", b"BEGIN\0") + msg(b"Z", b"T") + msg(b"C", b"SAVEPOINT\0") +
                        msg(b"Z", b"T") + msg(b"C", b"RELEASE\0") + msg(b"Z", b"T") + msg(b"C", b"COMMIT\0") + ready,
         "stream": b"\7" + greeting + columns + one + done + msg(b"C", b"INSERT 0 1\0") + msg(b"I") + ready + started + one +
                   done + ready,
         "stream-copy": b"\7" + greeting + msg(b"H", b"\0" + counted(i16(0))) + msg(b"d", b"1\n") + msg(b"c") +
                        msg(b"C", b"COPY 1\0") + ready,
         "notify": b"\6" + greeting + msg(b"A", struct.pack("!i", 7) + b"channel\0payload\0"),
         "password": b"\0" + msg(b"R", struct.pack("!i", 3)), "http": b"\0HTTP/1.1 400 Bad Request\r\n"}
for name, data in talks.items():
    put("client", name, data)

# tls: who is attacked and how, then bytes, or changes of three bytes each to what a real peer sends
def hello(versions=b"\3\4\3\3", more=b""):
    extensions = struct.pack("!HHB", 43, 1 + len(versions), len(versions)) + versions + more
    body = (b"\3\3" + bytes(32) + b"\0" + struct.pack("!H", 4) + b"\x13\1\xc0\x2b" + b"\1\0" +
            struct.pack("!H", len(extensions)) + extensions)
    body = b"\1" + struct.pack("!I", len(body))[1:] + body
    return b"\x16\3\1" + struct.pack("!H", len(body)) + body


alpn = struct.pack("!HHHB", 16, 13, 11, 10) + b"postgresql"
groups = struct.pack("!HHHH", 10, 4, 2, 29) + struct.pack("!HHHH", 13, 4, 2, 0x0403)
share = struct.pack("!HHHHH", 51, 38, 36, 29, 32) + bytes(range(32))
starts = {"hello": b"\0" + hello(more=alpn + groups + share), "hello-odd": b"\0" + hello(more=groups + share) + b"\x14\3\3\0\1\1",
          "hello-1.2": b"\0" + hello(b"\3\3", groups), "hello-old": b"\0" + hello(b"\3\2\3\1"),
          "hello-cut": b"\0" + hello()[:40], "ssl2": b"\0\x80\x2e\1\3\1\0\x15\0\0\0\x10" + bytes(36),
          "plain": b"\0" + packet(196608, b"user\0x\0\0"), "alert": b"\0\x15\3\3\0\2\2\x28", "empty-records": b"\0" + b"\x17\3\3\0\0" * 50,
          "to-client": b"\1\x16\3\3\0\4\2\0\0\0", "to-client-alert": b"\1\x15\3\3\0\2\2\x46", "to-client-http": b"\1HTTP/1.1 400 Bad",
          "untouched": b"\2", "untouched-client": b"\3", "changed-version": b"\2\0\2\1", "changed-type": b"\2\0\0\1",
          "changed-length": b"\2\0\4\1", "changed-random": b"\2\0\x10\xff", "changed-late": b"\2\2\0\1\2\x40\1",
          "changed-certificate": b"\3\1\0\1", "changed-said": b"\3\3\0\x80\3\x10\x80\3\x20\x80"}
for name, data in starts.items():
    put("tls", name, data)

texts = {"plain": b"\x05plain text", "unicode": "\x07h\u00e9llo \u6f22\u5b57 e\u0301 \U0001f600".encode(),
         "control": b"\x04\x1b[31m\n\t\x7f\0\xc2\x85", "direction": "\x09\u202eabc\u2066".encode(),
         "invalid": b"\x06a\xff\xc3(\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80",
         "json": b'\x14{"a": [1, -2.5e+3, true, null, {}],\n "b\\u00e9\\n": ""}', "json-cut": b'\x14{"a": [1, {"b": "c\\u00',
         "number": b"\0-12345678901234567890.125e-7", "deep": b"\0" + b"[" * 600 + b"]" * 600}
for name, data in texts.items():
    put("text", name, data)

# scram: the first byte says who reads it; the server's two messages have a zero byte in between
scram = {"server": b"\0n,,n=,r=abc\0c=biws,r=abcAAAAAAAAAAAAAAAAAAAAAAAA,x=1,p=" + b"A" * 43 + b"=",
         "server-plus": b"\1p=tls-server-end-point,,n=,r=abc\0c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsAA==,r=abc" + b"A" * 24 +
                        b",p=" + b"A" * 43 + b"=",
         "server-authzid": b"\0y,a=x,n=,r=abc", "client": b"\2r=" + b"A" * 24 + b"x,s=QUFBQQ==,i=4096",
         "client-final": b"\2v=" + b"A" * 43 + b"=", "client-error": b"\2e=other-error",
         "verifier": b"\3SCRAM-SHA-256$4096:QUFBQQ==$" + b"A" * 43 + b"=:" + b"A" * 43 + b"="}
for name, data in scram.items():
    put("scram", name, data)

# auth: rules, then users
verifier = b"SCRAM-SHA-256$4096:QUFBQQ==$" + b"A" * 43 + b"=:" + b"A" * 43 + b"="
auth = {"hba": b'\0# x\nlocal all,"a ""b" all peer\nhost shop, empty bob 10.0.0.0/8 reject\nhostssl sameuser all ::1 ffff:: cert\n'
               b"hostnossl all all all \\\n trust # y\nhost replication all 1.2.3.4 255.0.0.0 scram-sha-256\n",
        "hba-option": b"\0local all all peer map=x", "hba-quote": b'\0local "all', "hba-host": b"\0host all all samehost trust",
        "users": b'\1; x\n"bob" "' + verifier + b'"\r\n"a""b"\t"' + verifier + b'"', "users-md5": b'\1"bob" "md5' + b"a" * 32 + b'"',
        "users-twice": b'\1"bob" "' + verifier + b'"\n"bob" "' + verifier + b'"'}
for name, data in auth.items():
    put("auth", name, data)

# conf: the sample with each option said, and what goes wrong; overrides after a zero byte each
with open(os.path.join(here, "..", "..", "..", "conf", "pond.conf.sample"), encoding="utf-8") as f:
    said = [line.lstrip(";").strip() for line in f if re.match(r";?(\[|[a-z_]+ =)", line)]
shop = b"[database shop]\n"
conf = {"sample": "\n".join(said).encode(), "empty": b"", "least": shop, "demo": b"[pond]\nlisten_port=7432\n" + shop + b"seed = demo.sql\n",
        "quantities": b"[pond]\nmemory_limit = 1.5GB\ntime_slice=0.25 ms\nshutdown_grace=2min\nlog_min_duration_statement=-1\n" + shop +
                      b"lock_timeout = 9223372036854775807d\n", "quantity-odd": b"[pond]\nmemory_limit = 0.0000001TB\n" + shop,
        "users": shop + b"[users]\nalice = databases=shop,,postgres createdb=off\tmax_user_connections=3\n* = statement_timeout=30s\n\"o'x\" =\n",
        "users-twice": shop + b"[users]\na = \na = createdb=off\n", "users-nowhere": shop + b"[users]\na = databases=elsewhere\n",
        "users-odd": shop + b"[users]\na = createdb\n", "unknown": b"[pond]\nlisten_prot = 1\n" + shop, "elsewhere": b"[pond]\nseed = a\n" + shop,
        "twice": b"[pond]\nloops=1\nloops=2\n" + shop, "again": shop + shop, "console": b"[database pond]\n", "tilde": b"[database a~b]\n",
        "open": b"[pond\n", "nameless": shop + b" = 1\n", "outside": b"loops = 1\n", "control": b"[pond]\nlisten_addr = \x1b[m\n",
        "long": b"[pond]\nadmin_users = " + b"a" * 1100 + b"\n", "durable": shop + b"file=s.db\nsynchronous=off\r\n;x\n# y\n",
        "overrides": shop + b"\0listen_port=0\0database.shop.seed=a.sql\0unix_socket_dir=", "override-odd": shop + b"\0loops",
        "override-nowhere": shop + b"\0database.a.b.seed=x", "nowhere-to-listen": b"[pond]\nlisten_addr=\nunix_socket_dir=\n" + shop,
        "trust": b"[pond]\nauth_type = scram-sha-256\nauth_file = users\nclient_tls_sslmode = verify-full\n" + shop}
for name, data in conf.items():
    put("conf", name, data)
