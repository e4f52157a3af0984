#!/usr/bin/env bash
# pond run --jobs: many commands, each with a database of its own, and TAP. Runs under tests/support/with-pondd.
#
# usage: test_cli_jobs.sh POND PONDD CONF
set -uo pipefail
. "$(dirname "$0")/cli.sh"

clones() { psql -XAt -d postgres -c "SELECT count(*) FROM pg_database WHERE datname LIKE '%~%'"; }
no_clones() { [ "$(clones)" = 0 ]; }

# tap PLANNED PASSED FAILED: what is in $folder/out is TAP 13, numbered in order, with so many tests.
tap()
{
    /usr/bin/python3 - "$folder/out" "$@" <<'END' || fail "not the TAP that was expected: $(head -c 3000 "$folder/out")"
import re, sys
lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
planned, passed, failed = map(int, sys.argv[2:])
assert lines[0] == "TAP version 13" and lines[1] == "1..%d" % planned, lines[:2]
found = [re.fullmatch(r"(not )?ok (\d+) - (.*)", line) for line in lines[2:]]
tests = [test for test in found if test]
assert all(test or line.startswith(("# ", "Bail out! ")) for test, line in zip(found, lines[2:])), lines
assert [int(test[2]) for test in tests] == list(range(1, len(tests) + 1))
assert (sum(not test[1] for test in tests), sum(bool(test[1]) for test in tests)) == (passed, failed)
assert re.match("# %d commands: %d passed, %d failed, %d not run; " % (planned, passed, failed, planned - passed - failed), lines[-1])
END
}

# ---- a suite of 200 tiny tests, each with a copy of its own ----

# Each makes the table that the others make, too, changes the order that they change, and looks what there is.
cat > "$folder/tiny.sh" <<'END'
psql -Xqc "CREATE TABLE mine AS SELECT $1 AS n" -c "UPDATE orders SET total = $1 WHERE id = 1" || exit 1
[ "$(psql -XAtc 'SELECT n, total::int, current_database() FROM mine, orders WHERE id = 1')" = "$1|$1|$PGDATABASE" ]
END
seq 200 | "$pond" run --jobs 8 shop -- bash "$folder/tiny.sh" > "$folder/out" || fail "the suite of 200: $?: $(tail -n 5 "$folder/out")"
tap 200 200 0
[ "$(grep '^ok' "$folder/out" | sed 's/.* - //' | sort -n | tr '\n' ' ')" = "$(seq -s ' ' 200) " ] || fail "not each of the 200 ran once"
no_clones || fail "the suite left copies"
expect 0 "100000" "" psql -XAtc "SELECT count(*) FROM orders"

# ---- what is run ----

# {} anywhere in the words, more than once; a line may have blanks, quotes and {} of its own.
printf '%s\n' 'a b' "c'd" '' '   ' '{}' '$HOME' > "$folder/lines"
expect 0 "*ok * - a b*" "" sh -c "'$pond' run -j 1 shop -- sh -c 'echo \"\$0|\$1\" >> $folder/words' '{}-{}' x{} < '$folder/lines'"
tap 4 4 0
diff "$folder/words" - <<'END' || fail "the words were made wrong"
a b-a b|xa b
c'd-c'd|xc'd
{}-{}|x{}
$HOME-$HOME|x$HOME
END
# Without words a line is for the shell ...
expect 1 "*not ok 2 - exit 3*# exit code 3 after*ok 3 - exit 0 \\\\# fine*" "" \
    sh -c "printf 'true\nexit 3\nexit 0 # fine\n' | '$pond' run -j 1 shop"
tap 3 2 1
# ... and a file is a program.
printf '#!/bin/sh\npsql -XAtc "SELECT current_database()"\nexit 5\n' > "$folder/program"
chmod +x "$folder/program"
expect 1 "*not ok 1 - $folder/program*# exit code 5 after*# shop~*" "" "$pond" run -j 1 shop "$folder/program"
expect 1 "*not ok 1 - program*" "" sh -c "cd $folder && '$pond' run -j 1 shop program --"
expect 1 "*# $folder/lines: Permission denied*" "" "$pond" run -j 1 shop "$folder/lines"
# Files as arguments of a command, given before the --.
printf 'SELECT 1;' > "$folder/good one.sql"
printf 'SELECT 1/0;' > "$folder/bad.sql"
expect 1 "*ok 1 - $folder/good one.sql*not ok 2 - $folder/bad.sql*exit code 3*# *division by zero*" "" \
    "$pond" run -j 1 shop "$folder/good one.sql" "$folder/bad.sql" -- psql -Xv ON_ERROR_STOP=1 -f
tap 2 1 1
expect 0 "TAP version 13?1..0?# 0 commands: *" "" sh -c "'$pond' run -j 3 shop < /dev/null"

# Standard input is empty, output is quoted only of those that failed, and of much of it the end.
expect 1 "*# exit code 1 after *" "" \
    sh -c "printf 'cat; seq 10; true\nseq 30000; echo error >&2; false\n' | '$pond' run -j 2 shop"
tap 2 1 1
[ "$(grep -c '' "$folder/out")" -lt 30000 ] && ! grep -q '^# 10$' "$folder/out" && grep -q '^# error$' "$folder/out" &&
    grep -q '^# 30000$' "$folder/out" && grep -q '^# \[the first [0-9]* bytes are left out\]$' "$folder/out" || fail "wrong output was quoted"
expect 1 "*# ended by SIGKILL after*" "" sh -c "echo 'kill -KILL \$\$' | '$pond' run -j 1 shop"
# A code above 128 that is no signal's is just that.
expect 1 "*not ok 1 - exit 255*# exit code 255 after*" "" sh -c "echo 'exit 255' | '$pond' run -j 1 shop"
expect 125 "*Bail out! could not open a temporary file*" "pond run: could not open a temporary file: *" \
    env TMPDIR=/proc "$pond" run -j 1 shop "$folder/program"
expect 1 "*# nonesuch: No such file or directory*" "" sh -c "echo x | '$pond' run -j 1 shop -- nonesuch"

# ---- so many at a time ----

# The first four wait until four are there: with three places they would never be.
cat > "$folder/meet.sh" <<'END'
cd "$1" && mkdir "here.$$" && echo "$(ls -d here.* | wc -l)" >> most
until [ "$(cat arrived 2> /dev/null | wc -l)" -ge 4 ] || ! echo >> arrived; do :; done
rmdir "here.$$"
END
mkdir "$folder/meeting"
seq 12 | timeout 60 "$pond" run -j 4 shop -- sh "$folder/meet.sh" "$folder/meeting" > "$folder/out" || fail "four did not run at once"
tap 12 12 0
[ "$(sort -n "$folder/meeting/most" | tail -n 1)" -le 4 ] || fail "more than four ran at once"

# ---- ends ----

# A copy is kept of what failed only.
expect 1 "*not ok * - false*# \"shop~*\" is kept: psql '*'; drop it by: pond release *" "" \
    sh -c "printf 'true\nfalse\ntrue\n' | '$pond' run -k -j 2 shop"
[ "$(clones)" = 1 ] || fail "$(clones) copies were kept"
expect 0 "" "" "$pond" release "$(sed -n 's/.*# "\(shop~[^"]*\)" is kept.*/\1/p' "$folder/out")"
# No server, no such database: nothing is begun any more.
expect 125 "*not ok 1 - 1?# *database \"nowhere\" does not exist (3D000)?Bail out! connection to server*database \"nowhere\" does not exist?# 9 commands: *" "" sh -c "seq 9 | '$pond' run -j 1 nowhere -- true"
tap 9 0 1
# What cannot be told has not happened.
expect 125 "" "pond run: could not write to standard output: No space left on device" sh -c "seq 9 | '$pond' run -j 2 shop -- true > /dev/full"
# The server is killed: those that run are told, and nothing is begun any more.
"$pondd" -c "$conf" -o listen_addr= -o listen_port=7432 -o unix_socket_dir="$folder" --ready-fd 5 5> "$folder/address" 2> "$folder/log" &
daemon=$!
eventually [ -s "$folder/address" ]
mkdir "$folder/lost"
(cd "$folder/lost" && printf '%s\n' a b c d | exec "$pond" run -j 2 "host=$folder port=7432 dbname=shop" -- sh -c ": {}; exec $waits began all 1") > "$folder/out" &
running=$!
both() { [ "$(cat "$folder/lost/began" 2> /dev/null | wc -l)" = 2 ]; }
eventually both
kill -KILL $daemon
wait $daemon 2> /dev/null
wait $running
got=$?
tap 4 0 2
[ $got -eq 125 ] && grep -q '^Bail out! connection to server' "$folder/out" && [ "$(cat "$folder/lost/all")" = "$(printf 'TERM\nTERM')" ] \
    || fail "the server was killed: $got $(cat "$folder/out")"
# SIGUSR1 is for those that run, some of which die of it; it keeps nothing from being begun.
seq 60 | "$pond" run -j 4 shop -- sh -c 'kill -USR1 "$PPID"' > "$folder/out"
grep -q '^# 60 commands: .*, 0 not run; ' "$folder/out" || fail "SIGUSR1: $(tail -n 5 "$folder/out")"
# A signal goes to all, groups included, and nothing is begun any more.
mkdir "$folder/stop"
(cd "$folder/stop" && printf '%s\n' a b c d | exec "$pond" run -j 2 shop -- sh -c "touch {}; $waits began all 1; wait") > "$folder/out" &
running=$!
both() { [ "$(cat "$folder/stop/began" 2> /dev/null | wc -l)" = 2 ]; }
eventually both
pkill -TERM -P $running -x pond || kill -TERM $running
wait $running
got=$?
[ $got -eq 143 ] && grep -q '^Bail out! Terminated$' "$folder/out" || fail "a suite that was stopped said $got: $(cat "$folder/out")"
[ "$(cat "$folder/stop/all")" = "$(printf 'TERM\nTERM')" ] || fail "not all were told"
[ ! -e "$folder/stop/c" ] && no_clones || fail "something was begun after the end"
passed
