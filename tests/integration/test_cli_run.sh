#!/usr/bin/env bash
# pond run with one command: its exit code, its database, and what becomes of both when somebody is killed. Runs under
# tests/support/with-pondd.
#
# usage: test_cli_run.sh POND PONDD CONF
set -uo pipefail
. "$(dirname "$0")/cli.sh"

# `run` is short for `pond run shop`, also for what runs commands itself.
mkdir "$folder/bin"
printf '#!/bin/sh\nexec "%s" run shop "$@"\n' "$pond" > "$folder/bin/run"
chmod +x "$folder/bin/run"
PATH=$folder/bin:$PATH

# ---- exit codes ----

seq 0 255 | xargs -P 4 -I{} sh -c 'run -- sh -c "exit {}"; got=$?; [ $got -eq {} ] || echo "the command said {}, pond run said $got"' > "$folder/codes"
[ ! -s "$folder/codes" ] || fail "$(cat "$folder/codes")"
for number in 1 2 3 4 6 7 8 9 10 11 12 13 14 15 24 25 31 34 64; do
    run -- sh -c "ulimit -c 0; kill -$number \$\$" 2> /dev/null
    got=$?
    [ $got -eq $((128 + number)) ] || fail "signal $number made pond run say $got"
done
expect 127 "" "pond run: nonesuch: No such file or directory" run -- nonesuch
expect 127 "" "pond run: /dev/null/x: Not a directory" run -- /dev/null/x
expect 126 "" "pond run: /etc/passwd: Permission denied" run -- /etc/passwd
expect 126 "" "pond run: /tmp: Permission denied" run -- /tmp
expect 125 "" "*database \"nowhere\" does not exist (3D000)" "$pond" run nowhere -- true
expect 125 "" "*port 1: Connection refused*" "$pond" run -p 1 shop -- true
expect 125 "" "*has at most 63 bytes (42622)" run -n "$(printf 'x%.0s' {1..70})" -- true
expect 125 "" "pond run: expected -- and a command*" run
expect 125 "" "pond run: expected -- and a command*" run --
expect 125 "" "pond run: expected DB*" "$pond" run -- true
expect 125 "" "pond run: there are arguments behind DB*" "$pond" run shop true -- true
expect 125 "" "pond run: --bogus: no such option*" run --bogus -- true
expect 0 "usage: pond run*--keep-on-failure*" "" run --help

# ---- what the command gets ----

# Variables that lead to a fresh copy, whichever of them is looked at.
ask="SELECT current_database() || ' ' || count(*) FROM orders"
expect 0 "shop~mine 100000" "" run -n mine -- psql -XAtc "$ask"
expect 0 "shop~mine 100000" "" run -n mine -- \
    sh -c 'url=$DATABASE_URL; unset PGHOST PGPORT PGUSER PGDATABASE DATABASE_URL; psql "$url" -XAtc "$0"' "$ask"
expect 0 "jdbc:postgresql://$PGHOST:$PGPORT/shop~mine?user=tester" "" run -n mine -- sh -c 'echo $JDBC_DATABASE_URL'
expect 0 "postgresql://t%20%C3%BC@/shop~a%2Fb%25?host=${POND_SOCKET_DIR//\//%2F}&port=$PGPORT" "" \
    env JDBC_DATABASE_URL=x "$pond" run -h "$POND_SOCKET_DIR" -U "t ü" -n "a/b%" shop -- \
    sh -c 'psql "$DATABASE_URL" -XAtc "SELECT 1/(CASE current_user WHEN '"'t ü'"' THEN 1 ELSE 0 END)" > /dev/null || exit 1
        [ -z "${JDBC_DATABASE_URL+set}" ] || exit 2; echo $DATABASE_URL'
expect 0 "shop~n" "" env PGHOSTADDR=127.0.0.9 "$pond" run -n n "hostaddr=$PGHOST dbname=shop" -- psql -XAtc "SELECT current_database()"
expect 0 "shop~n on 128kB" "" env PGOPTIONS="-c work_mem=128kB" "$pond" run -n n \
    "postgresql://me@$PGHOST:$PGPORT/shop?connect_timeout=5" -- psql -XAtc "SELECT current_database() || ' on ' || current_setting('work_mem')"
# Nothing else is different for it: descriptors, signals, the other variables.
state='ls /proc/self/fd; grep -E "Sig(Blk|Ign|Cgt)" /proc/self/status; env | grep -vE "^(_|PG|DATABASE_URL|JDBC)" | sort; env | grep PGCONN'
sh -c "$state" > "$folder/outside"
run -- sh -c "$state" > "$folder/inside"
diff "$folder/outside" "$folder/inside" || fail "the command is started differently"
[ "$(echo text | run -- cat)" = text ] || fail "standard input is not the command's"

# ---- isolation ----

# Eight at once: each has its own rows, waits until all have, and sees no other's.
mkfifo "$folder/all"
exec 5<> "$folder/all"
for n in 1 2 3 4 5 6 7 8; do
    mkfifo "$folder/go$n"
    run -- sh -c "psql -Xqc 'DELETE FROM order_items WHERE order_id = $n' -c 'CREATE TABLE mine AS SELECT $n AS n' &&
        echo done > $folder/all && read -r go < $folder/go$n &&
        psql -XAtc 'SELECT n, (SELECT count(DISTINCT order_id) FROM order_items WHERE order_id <= 8) FROM mine' \
            -c 'SELECT count(*) FROM order_items WHERE order_id = $n'" > "$folder/saw$n" &
    runs[n]=$!
done
for n in 1 2 3 4 5 6 7 8; do read -r -t 60 -u 5 || fail "not all of the eight began"; done
for n in 1 2 3 4 5 6 7 8; do echo > "$folder/go$n"; done
for n in 1 2 3 4 5 6 7 8; do
    wait "${runs[n]}" || fail "run $n of the eight failed"
    [ "$(cat "$folder/saw$n")" = "$n|7"$'\n'0 ] || fail "run $n saw $(cat "$folder/saw$n")"
done
expect 0 "8" "" psql -XAtc "SELECT count(DISTINCT order_id) FROM order_items WHERE order_id <= 8"

# ---- the copy's end ----

clones() { psql -XAt -d postgres -c "SELECT count(*) FROM pg_database WHERE datname LIKE '%~%'"; }
no_clones() { [ "$(clones)" = 0 ]; }
no_clones || fail "copies are left: $(clones)"
# Gone when pond run returns, and with it who is still connected to it.
for n in 1 2 3 4 5; do
    run -n mine -- sh -c 'mkfifo '"$folder/pipe$n"'; psql -Xqc "SELECT 1" -c "\! echo in > '"$folder/pipe$n"'" -c "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n" > /dev/null 2> '"$folder/left$n"' &
        read -r in < '"$folder/pipe$n"'; exit 3'
    [ $? -eq 3 ] || fail "a command with a child in the background"
    [ "$(clones)" = 0 ] || fail "the copy outlived pond run"
done
eventually grep -qE "terminating connection|server closed" "$folder/left1"
# A name that is taken is not shared.
run -n taken -- sh -c "'$pond' run shop -n taken -- true" 2> "$folder/err"
[ $? -eq 125 ] && grep -q 'there is a copy named "taken" already' "$folder/err" || fail "a name was shared"

# ---- signals ----

# waits NAME: in the background, a command that says when it is ready and writes down the signals it gets.
waits()
{
    rm -f "$folder/got"
    mkfifo "$folder/ready"
    "$pond" run "$2" -n "$1" "${@:3}" -- "$waits" "$folder/ready" "$folder/got" 42 2> "$folder/err" &
    running=$!
    read -r child < "$folder/ready"
    rm "$folder/ready"
}
gone() { ! kill -0 "$1" 2> /dev/null; }

# A shell's background jobs ignore INT and QUIT, and so does what they start: those two come below.
for signal in HUP TERM USR1 USR2; do
    waits passed shop
    kill -$signal $running
    wait $running
    got=$?
    [ "$got $(cat "$folder/got")" = "42 $signal" ] || fail "SIG$signal: exit code $got, the command got $(cat "$folder/got")"
done
# The command is killed.
waits killed shop
kill -KILL "$child"
wait $running
got=$?
[ $got -eq 137 ] && [ "$(clones)" = 0 ] || fail "a killed command: exit code $got, $(clones) copies"
# pond is killed: the copy goes, and the command is told.
waits orphan shop
kill -KILL $running
wait $running 2> /dev/null
eventually gone "$child"
[ "$(cat "$folder/got")" = TERM ] || fail "after SIGKILL the command got $(cat "$folder/got")"
eventually no_clones
# A signal before there is a command.
silent_server
"$pond" run -h 127.0.0.1 -p "$silent_port" shop -- true &
running=$!
# not before the shell has become pond, which then takes SIGTERM itself
takes_signals() { [ "$(cat "/proc/$1/comm")" = pond ] && grep -q '^SigBlk:.*[4-7c-f]...$' "/proc/$1/status"; }
eventually takes_signals $running
kill -TERM $running
wait $running
[ $? -eq 143 ] || fail "a signal while connecting"

# From the terminal a signal comes to the command once, from pond or not.
/usr/bin/python3 - "$pond" "$folder" <<'END' || fail "signals of the terminal"
import os, pty, signal, sys, time
TELLS = """
import os, signal
awaited = (signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1)
signal.pthread_sigmask(signal.SIG_BLOCK, awaited)  # pause() would miss one that comes just before it
os.write(1, b"<ready>")
while True: os.write(1, b"<%d>" % signal.sigwait(awaited))
"""
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "run", "shop", "--", "/usr/bin/python3", "-c", TELLS])
text = b""
def until(word):
    """The command has told, and pond has none of its own left that it might take for the next one."""
    global text
    while word not in text:
        text += os.read(terminal, 1000)
    text = text.split(word, 1)[1]
    end = time.monotonic() + 60
    while "ShdPnd:\t0000000000000000" not in open("/proc/%d/status" % pid).read():
        assert time.monotonic() < end
        time.sleep(0.01)
until(b"<ready>")
os.write(terminal, b"\x03")  # to all of the foreground group: the command, and pond
until(b"<2>")
os.write(terminal, b"\x1c")
until(b"<3>")
os.kill(pid, signal.SIGUSR1)
until(b"<10>")
assert b"<" not in text, text  # what was passed on would have come before this one
os.kill(pid, signal.SIGINT)   # to pond alone
until(b"<2>")
os.kill(pid, signal.SIGTERM)
_, status = os.waitpid(pid, 0)
assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGTERM, status
END

# ---- --keep-on-failure ----

expect 7 "" "pond run: \"shop~kept\" is kept: psql 'postgresql://tester@$PGHOST:$PGPORT/shop~kept'; drop it by: pond release -h '$PGHOST' -p $PGPORT 'shop~kept'" \
    run -k -n kept -- sh -c 'psql -Xqc "CREATE TABLE mine AS SELECT 1 AS n"; exit 7'
line=$(cat "$folder/err")
expect 0 "1" "" sh -c "$(sed "s/.* is kept: \(psql '[^']*'\).*/\1/" <<< "$line") -XAtc 'SELECT n FROM mine'"
expect 125 "" "*already" run -n kept -- true
expect 0 "" "" sh -c "$(sed 's/.*drop it by: //' <<< "$line" | sed "s|^pond|'$pond'|")"
[ "$(clones)" = 0 ] || fail "what was kept is there after pond release"
expect 0 "" "" run --keep-on-failure -- true
expect 1 "" "*is kept*" run -k -n "it's" -h "$POND_SOCKET_DIR" -- false
expect 0 "" "" sh -c "$(sed "s/.*drop it by: //; s|^pond|'$pond'|" "$folder/err")"
expect 137 "" "*is kept*" run -k -n kept -- sh -c 'kill -KILL $$'
expect 0 "" "" "$pond" release "shop~kept"
expect 127 "" "*: nonesuch: No such file or directory" run -k -- nonesuch
[ "$(clones)" = 0 ] || fail "a copy was kept without need"

# ---- the server goes ----

"$pondd" -c "$conf" -o listen_addr= -o listen_port=7432 -o unix_socket_dir="$folder" --ready-fd 5 5> "$folder/address" 2> "$folder/log" &
daemon=$!
eventually [ -s "$folder/address" ]
waits lost "host=$folder port=7432 dbname=shop"
kill -KILL $daemon
wait $daemon 2> /dev/null
wait $running
got=$?
[ $got -eq 125 ] && [ "$(cat "$folder/got")" = TERM ] && grep -qE "the server closed it|Connection reset by peer" "$folder/err" \
    || fail "the server was killed: exit code $got, the command got $(cat "$folder/got"): $(cat "$folder/err")"
# A server that sends away who says nothing for 5 s does not send away the owner: two idle clients, one after the other, are
# sent away in the meantime.
"$pondd" -c "$conf" -o listen_addr= -o listen_port=7433 -o client_idle_timeout=5s -o unix_socket_dir="$folder" --ready-fd 5 5> "$folder/address" 2> "$folder/log" &
helpers+=($!)
eventually grep -q 7433 "$folder/address"
cat > "$folder/idle.py" <<'END'
import psycopg2, select
for _ in range(2):
    idle = psycopg2.connect("")
    select.select([idle], [], [], 60)
idle = psycopg2.connect("")
idle.cursor().execute("SELECT * FROM mine")
END
expect 0 "" "" "$pond" run "host=$folder port=7433 dbname=shop" -- sh -c "psql -Xqc 'CREATE TABLE mine (n int)' && /usr/bin/python3 $folder/idle.py"
# Somebody drops the database.
waits dropped shop
psql -Xq -d postgres -c 'DROP DATABASE "shop~dropped" WITH (FORCE)'
wait $running
got=$?
[ $got -eq 125 ] && [ "$(cat "$folder/got")" = TERM ] && grep -q 57P01 "$folder/err" || fail "the copy was dropped: exit code $got"
passed
