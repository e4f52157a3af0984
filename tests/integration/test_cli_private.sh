#!/usr/bin/env bash
# pond run --seed: a pondd of one's own, without any other. (The one of tests/support/with-pondd is not used.)
#
# usage: test_cli_private.sh POND PONDD CONF
set -uo pipefail
. "$(dirname "$0")/cli.sh"
unset PGHOST PGPORT PGUSER PGDATABASE
export TMPDIR=$folder/tmp
mkdir "$TMPDIR"
nothing_left() { [ -z "$(ls -A "$TMPDIR")" ]; }
pondds() { pgrep -f "[p]ondd .*unix_socket_dir=$TMPDIR" || true; }
no_pondd() { [ -z "$(pondds)" ]; }

cd "$folder" || exit 1
printf 'CREATE TABLE t (n int PRIMARY KEY, s text);\nINSERT INTO t VALUES (1, $$one$$), (2, $$two$$);\n' > 'a seed.sql'
/usr/bin/python3 -c 'import sqlite3
c = sqlite3.connect("seed.db"); c.execute("CREATE TABLE t (n int)"); c.execute("INSERT INTO t VALUES (7)"); c.commit()'

# A script and an SQLite file; the folder is its user's only, and gone afterwards.
expect 0 "test~*|3|drwx------" "" "$pond" run --seed 'a seed.sql' -- \
    sh -c 'psql -XAtc "SELECT current_database(), sum(n) FROM t" | tr "\n" "|"; ls -ld "$PGHOST" | cut -c1-10'
nothing_left && no_pondd || fail "something is left: $(ls "$TMPDIR") $(pondds)"
expect 0 "test~mine 7" "" "$pond" run -n mine -s "$PWD/seed.db" -- sh -c 'echo $PGDATABASE $(psql "$DATABASE_URL" -XAtc "SELECT n FROM t")'
expect 9 "" "" "$pond" run --seed seed.db -- sh -c 'exit 9'
# Whatever the environment says about other servers.
expect 0 "7" "" env PGHOST=nowhere PGPORT=1 PGSERVICE=x PGHOSTADDR=127.0.0.9 PGDATABASE=y PGUSER=z PGSSLMODE=require "$pond" run -s seed.db -- psql -XAtc "SELECT n FROM t"
# Many commands on one.
seq 20 | "$pond" run -s 'a seed.sql' -j 4 -- sh -c '[ "$(psql -XAtc "DELETE FROM t WHERE n = 1; SELECT count(*) FROM t")" = "$(printf "DELETE 1\n1")" ]' > out \
    || fail "a suite: $(cat out)"
[ "$(grep -c '^ok' out)" = 20 ] || fail "a suite: $(cat out)"
# Two at once do not meet.
mkfifo one two
"$pond" run -s seed.db -- sh -c 'psql -Xqc "DELETE FROM t"; echo > one; read -r x < two; psql -XAtc "SELECT count(*) FROM t"' > out &
running=$!
read -r x < one
expect 0 "1" "" "$pond" run -s seed.db -- psql -XAtc "SELECT count(*) FROM t"
echo > two
wait $running && [ "$(cat out)" = 0 ] || fail "two at once: $(cat out)"

# What is wrong with the seed is pondd's to say.
printf 'SELECT 1;\n\nINSRT INTO t;\n' > bad.sql
expect 125 "" "pond run: FATAL: cannot start: 42601 $folder/bad.sql:3: syntax error at or near \"INSRT\" (INSRT INTO t)" "$pond" run -s bad.sql -- true
expect 125 "" "pond run: none.sql: No such file or directory" "$pond" run -s none.sql -- true
expect 125 "" "pond run: FATAL: *Is a directory*" "$pond" run -s "$folder/tmp" -- true
expect 125 "" "pond run: --keep-on-failure needs a pondd that stays*" "$pond" run -k -s seed.db -- true
# The program can be named, and is found beside pond or in PATH.
expect 125 "" "pond run: FATAL: could not start /none/pondd: No such file or directory" env POND_PONDD=/none/pondd "$pond" run -s seed.db -- true
mkdir bin sbin
cp "$pond" bin/pond
expect 125 "" "pond run: FATAL: could not start pondd: No such file or directory" bin/pond run -s seed.db -- true
ln -s "$pondd" sbin/pondd
expect 0 "" "" bin/pond run -s seed.db -- true
mv sbin/pondd sbin/other
expect 0 "" "" env PATH="$(dirname "$pondd"):$PATH" bin/pond run -s seed.db -- true
expect 0 "" "" env POND_PONDD="$folder/sbin/other" bin/pond run -s seed.db -- true
# It is not the service of whoever runs pond as one.
expect 0 "" "" /usr/bin/python3 -c '
import os, socket, subprocess, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind("notify")
manager.setblocking(False)
subprocess.run([sys.argv[1], "run", "-s", "seed.db", "--", "true"], check=True,
               env=dict(os.environ, NOTIFY_SOCKET=os.path.abspath("notify")))
try:
    print(manager.recv(1000))
except BlockingIOError:
    pass' "$pond"
# A folder whose name is too long for a socket is not used.
long=$folder/$(printf 'x%.0s' {1..90})
mkdir "$long"
expect 0 "/tmp/pond.*" "" env TMPDIR="$long" "$pond" run -s seed.db -- sh -c 'echo "$PGHOST"'
nothing_left && no_pondd || fail "something is left: $(ls "$TMPDIR") $(pondds)"

# pond is killed: its pondd ends, the folder goes, the command is told.
mkfifo ready
"$pond" run -s seed.db -- "$waits" ready got 0 &
running=$!
read -r child < ready
[ -n "$(pondds)" ] || fail "there is no private pondd"
kill -KILL $running
wait $running 2> /dev/null
eventually no_pondd
eventually nothing_left
gone() { ! kill -0 "$child" 2> /dev/null; }
eventually gone
[ "$(cat got)" = TERM ] || fail "after SIGKILL the command was not told"
# Its pondd is killed: the command is told.
rm got
"$pond" run -s seed.db -- "$waits" ready got 0 2> err &
running=$!
read -r child < ready
kill -KILL "$(pondds)"
wait $running
got=$?
[ $got -eq 125 ] && [ "$(cat got)" = TERM ] && nothing_left || fail "pondd was killed: $got $(cat err) $(ls "$TMPDIR")"
# The start is interrupted: a seed that takes for ever.
printf 'CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n;' > endless.sql
expect 125 "" "pond run: the private pondd was not ready in time" "$pond" run --timeout 0.2 -s endless.sql -- true
nothing_left && no_pondd || fail "something is left: $(ls "$TMPDIR") $(pondds)"
"$pond" run -s endless.sql -- true &
running=$!
eventually pgrep -f "[p]ondd .*unix_socket_dir=$TMPDIR" > /dev/null
kill -TERM $running
wait $running
[ $? -eq 143 ] || fail "a start that was stopped"
eventually no_pondd
eventually nothing_left
passed
