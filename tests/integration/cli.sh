# What the tests of the command share; sourced with the arguments POND [PONDD CONF].
pond=$1
pondd=${2-}
conf=${3-}
waits=$(dirname "$(realpath "${BASH_SOURCE[0]}")")/waits.py
count=0
folder=$(mktemp -d /tmp/pond-test.XXXXXX)
helpers=()
trap 'for pid in "${helpers[@]}"; do kill "$pid" 2>/dev/null; done; rm -rf "$folder"' EXIT

fail()
{
    printf 'FAILED: %s\n' "$*"
    exit 1
}

# A parenthesis is just that: [[ ]] knows extended patterns.
matches()
{
    local pattern=${2//\(/\\(}
    # shellcheck disable=SC2053
    if [ -n "${literal-}" ]; then [[ $1 == "$2" ]]; else [[ $1 == $pattern ]]; fi
}

# expect CODE OUT ERR COMMAND...: runs it and compares; OUT and ERR are patterns for the whole output.
expect()
{
    local code=$1 out=$2 err=$3 got
    shift 3
    timeout 60 "$@" > "$folder/out" 2> "$folder/err"
    got=$?
    count=$((count + 1))
    if [ $got -ne "$code" ] || ! matches "$(cat "$folder/out")" "$out" || ! matches "$(cat "$folder/err")" "$err"; then
        printf 'expected %s\nstdout: %s\nstderr: %s\n' "$code" "$out" "$err"
        printf 'got      %s\nstdout: %s\nstderr: %s\n' "$got" "$(head -c 3000 "$folder/out")" "$(head -c 3000 "$folder/err")"
        fail "$*"
    fi
}

# The same, with texts that are no patterns.
expect_text()
{
    local literal=1
    expect "$@"
}

# same FORMAT SQL PSQL-OPTION...: what psql and pond write for it, byte for byte.
same()
{
    local format=$1 sql=$2
    shift 2
    psql -X -q "$@" -c "$sql" > "$folder/psql" 2> "$folder/err" || fail "psql: $(cat "$folder/err")"
    "$pond" query -q -F "$format" "$sql" > "$folder/pond" 2> "$folder/err" || fail "pond: $(cat "$folder/err")"
    cmp "$folder/psql" "$folder/pond" || fail "$format is not as psql's: $sql"
    count=$((count + 1))
}

passed()
{
    printf '%d commands did what they should\n' "$count"
    [ "$count" -gt 0 ]
}

# A port of 127.0.0.1 that nobody else is given, in $free_port: a server with SO_REUSEADDR, as all are, can listen on it.
reserve_port()
{
    mkfifo "$folder/reserved"
    /usr/bin/python3 -c 'import signal, socket, sys
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True); sys.stdout.close()
signal.pause()' > "$folder/reserved" &
    helpers+=($!)
    read -r free_port < "$folder/reserved"
}

# Listens on $silent_port of 127.0.0.1 and never says a word.
silent_server()
{
    mkfifo "$folder/silent"
    /usr/bin/python3 -c 'import signal, socket, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1], flush=True); sys.stdout.close()
signal.pause()' > "$folder/silent" &
    helpers+=($!)
    read -r silent_port < "$folder/silent"
}

# eventually COMMAND...: it will succeed, within a minute.
eventually()
{
    local end=$((SECONDS + 60))
    until "$@"; do
        [ $SECONDS -lt $end ] || fail "still not: $*"
        sleep 0.02
    done
}
