#!/usr/bin/env bash
# pond lease and pond release. Runs under tests/support/with-pondd.
#
# usage: test_cli_lease.sh POND PONDD CONF
set -uo pipefail
. "$(dirname "$0")/cli.sh"
export pond
clones() { psql -XAt -d postgres -c "SELECT datname FROM pg_database WHERE datname LIKE '%~%'"; }
no_clones() { [ -z "$(clones)" ]; }
# Those of this test: its server's port is theirs alone.
holders()
{
    local pid
    for pid in $(pgrep -f "[p]ond lease shop"); do
        grep -qzx "PGPORT=$PGPORT" "/proc/$pid/environ" 2> /dev/null && echo "$pid"
    done
}
no_holders() { [ -z "$(holders)" ]; }

# The lines, and what they lead to; it returns although the holder stays.
expect 0 "export PGHOST='$PGHOST';?export PGPORT='$PGPORT';?export PGUSER='tester';?export PGDATABASE='shop~it'\\\\''s';?unset PGHOSTADDR;?unset PGSERVICE;?export DATABASE_URL='postgresql://tester@$PGHOST:$PGPORT/shop~it%27s';?export JDBC_DATABASE_URL='jdbc:postgresql://$PGHOST:$PGPORT/shop~it%27s?user=tester';?export POND_LEASE='shop~it'\\\\''s';" "" \
    "$pond" lease shop -n "it's" --pid $$
eval "$(cat "$folder/out")"
expect 0 "shop~it's|100000" "" psql -XAtc "SELECT current_database(), count(*) FROM orders"
expect 0 "shop~it's" "" psql "$DATABASE_URL" -XAtc "SELECT current_database()"
# It is there between two connections.
psql -Xqc "CREATE TABLE mine (n int)"
expect 0 "0" "" psql -XAtc "SELECT count(*) FROM mine"
# Nobody else gets the name.
expect 2 "false" "pond lease: there is a copy named \"it's\" already" "$pond" lease "dbname=shop" -n "it's"
expect 125 "" "*already" "$pond" run shop -n "it's" -- true
# Released: gone, with who is connected to it, and the holder.
expect 0 "" "" "$pond" release
no_clones || fail "the copy is there after the release"
eventually no_holders
expect 1 "" "pond release: there is no lease \"shop~it's\" any more" "$pond" release
unset POND_LEASE
export PGDATABASE=shop
expect 2 "" "pond release: there is no lease: POND_LEASE is not set, and no NAME was given*" "$pond" release
expect 2 "" "pond release: \"shop\" is no lease*" "$pond" release shop
expect 2 "" "pond lease: expected DB*" "$pond" lease

# ---- the end of the shell ----

# eval in shells of all kinds, with quotes and without: the lease lives while they do.
for shell in bash "bash --posix" sh; do
    for form in 'eval "$("$pond" lease shop)"' 'eval $("$pond" lease shop)' '"$pond" lease shop > $0; . $0' 'eval "$(timeout 60 "$pond" lease shop)"' \
        'x=$("$pond" lease shop); eval "$x"' 'eval "`(true; "$pond" lease shop -n a; true)`"'; do
        mkfifo "$folder/go"
        $shell -c "$form"'; psql -Xqc "CREATE TABLE mine (n int)"; read -r go < '"$folder/go"'; psql -XAtc "SELECT current_database(), count(*) FROM mine"' \
            "$folder/lease.sh" > "$folder/out" 2> "$folder/err" &
        running=$!
        leased() { [ -n "$(clones)" ]; }
        eventually leased
        echo > "$folder/go"
        wait $running || fail "$shell: $form: $(cat "$folder/err")"
        [[ $(cat "$folder/out") == "shop~"*"|0" ]] || fail "$shell: $form: $(cat "$folder/out" "$folder/err")"
        eventually no_clones
        eventually no_holders
        rm "$folder/go"
    done
done

# However the process ends, and whoever's it is.
for signal in TERM KILL; do
    sleep 1000 &
    process=$!
    eval "$("$pond" lease shop --pid $process)"
    [ "$(clones)" = "$POND_LEASE" ] || fail "the copies are: $(clones)"
    kill -$signal $process
    wait $process 2> /dev/null
    eventually no_clones
    eventually no_holders
done
expect 1 "false" "pond lease: process $process: No such process" "$pond" lease shop --pid $process
expect 1 "false" "pond lease: process 4294967297: No such process" "$pond" lease shop --pid 4294967297

# ---- the holder ----

# It keeps nothing of its beginner's: no descriptor, no folder, no terminal.
mkfifo "$folder/pipe"
exec 7<> "$folder/pipe"
(cd "$folder" && "$pond" lease shop -n held --pid $$ > /dev/null)
holder=$(holders)
[ "$(readlink /proc/"$holder"/cwd)" = / ] || fail "the holder is in $(readlink /proc/"$holder"/cwd)"
! readlink /proc/"$holder"/fd/* | grep -q "$folder" || fail "the holder has a file of the test's"
[ "$(readlink /proc/"$holder"/fd/[012] | sort -u)" = /dev/null ] || fail "the holder has somebody's output"
[ "$(ps -o sid= -p "$holder" | tr -d ' ')" = "$holder" ] || fail "the holder is of this session"
exec 7>&-
# It is killed: the lease ends.
kill -KILL "$holder"
eventually no_clones
# No lease without somebody who knows of it.
expect 1 "" "pond lease: could not write to standard output: No space left on device" sh -c "'$pond' lease shop > /dev/full"
eventually no_clones
expect 3 "false" "pond lease: *database \"nowhere\" does not exist (3D000)" "$pond" lease nowhere
expect 3 "false" "pond lease: *Connection refused*" "$pond" lease shop -p 1
# A script that minds failures does not go on without it.
expect 1 "" "pond lease: *does not exist (3D000)" bash -c "set -e; eval \"\$('$pond' lease nowhere)\"; echo went on"
expect 2 "" "pond lease: --pid: expected a number*" "$pond" lease shop --pid me
eventually no_holders
passed
