#!/usr/bin/env bash
# pond ping, and what all commands have: exit codes, --help, messages. Runs under tests/support/with-pondd.
#
# usage: test_cli_ping.sh POND PONDD CONF
set -uo pipefail
. "$(dirname "$0")/cli.sh"

# Ready means that a query was answered, over TCP and over the socket, however the database is named.
expect 0 "ready after * ms" "" "$pond" ping
expect 0 "ready after * ms" "" env -u PGDATABASE -u PGUSER "$pond" ping -U nobody_knows
expect 3 "" "*database \"nowhere\" does not exist (3D000)*" env PGDATABASE=nowhere "$pond" ping
expect 0 "ready after * ms" "" "$pond" ping shop
expect 0 "" "" "$pond" ping -q "postgresql://tester@$PGHOST:$PGPORT/shop"
expect 0 "" "" "$pond" -q -h "$POND_SOCKET_DIR" ping "dbname=shop user=someone"

# Options win over the argument, the argument over the environment.
expect 0 "ready*" "" env PGPORT=1 "$pond" ping "port=$PGPORT"
expect 0 "ready*" "" "$pond" ping -p "$PGPORT" "port=1 host=127.0.0.1"
expect 0 "ready*" "" "$pond" ping -h "$PGHOST" -p "$PGPORT" "postgresql://127.0.0.9:1/shop?user=a%20b"

# The port is 7432 when nobody says one.
expect 3 "" "pond ping: connection to server at \"127.0.0.9\", port 7432: Connection refused (08001)" \
    env -u PGPORT "$pond" ping -h 127.0.0.9

# Failures: nobody there, no such database, bad strings, bad options.
expect 3 "" "pond ping: *port 1: Connection refused*" "$pond" ping -p 1
expect 3 "" "*database \"nowhere\" does not exist (3D000)*" "$pond" ping nowhere
expect 2 "" "pond ping: missing \"=\" after \"b\" in connection info string" "$pond" ping "dbname=a b"
expect 2 "" "pond ping: invalid percent-encoded token: \"%zz\"" "$pond" ping "postgresql://%zz"
expect 2 "" "pond ping: --wait: expected a number of seconds, not \"soon\"" "$pond" ping --wait soon
expect 2 "" "pond ping: --wait: expected SECONDS" "$pond" ping --wait
expect 2 "" "pond ping: --bogus: no such option" "$pond" ping --bogus
expect 2 "" "pond ping: -x: no such option" "$pond" ping -x
expect 2 "" "pond ping: --quiet=1: takes no value" "$pond" ping --quiet=1
expect 2 "" "pond ping: expected *: there are 2 arguments*" "$pond" ping a b
expect 2 "" "pond: expected a command*" "$pond"
expect 2 "" "pond: bogus: no such command*" "$pond" bogus
expect 0 "usage: pond *ping*" "" "$pond" --help
expect 0 "usage: pond ping *--wait SECONDS*" "" "$pond" ping --help
expect 0 "pond [0-9]*" "" "$pond" --version
expect 1 "" "pond: could not write to standard output: No space left on device" \
    sh -c "'$pond' --help > /dev/full"

# --wait ends as soon as the server is there ...
reserve_port
port=$free_port
printf '[database shop]\n' > "$folder/small.conf"
"$pond" ping --wait 60 -p "$port" > "$folder/waited" 2>&1 &
waiter=$!
"$pondd" -c "$folder/small.conf" -o listen_port="$port" -o auth_type=trust -o unix_socket_dir="$folder" 2> "$folder/log" &
daemon=$!
wait $waiter
code=$?
kill -TERM $daemon
wait $daemon
[ $code -eq 0 ] || fail "--wait ended with $code: $(cat "$folder/waited")"
# ... and when the time is over.
expect 3 "" "*Connection refused*" "$pond" ping --wait 0.2 -p "$port"
# A server that takes connections and says nothing.
silent_server
expect 4 "" "*timeout expired*" "$pond" ping --connect-timeout 1 -h 127.0.0.1 -p "$silent_port"
expect 4 "" "*timeout expired*" "$pond" ping --wait 0.5 -h 127.0.0.1 -p "$silent_port"
passed
