#!/usr/bin/env bash
# Each driver logs in by SCRAM-SHA-256 with the right password, and fails in the same way with a wrong one and with a
# user that is not there. The daemon has login.conf.
#
# usage: test_login.sh [psql | psycopg | asyncpg | node | jdbc]
set -euo pipefail
cd "$(dirname "$0")"
export LC_ALL=C.UTF-8
cases=(alice wonderland bob grüße alice "Wonderland" alice " wonderland" bob wonderland nobody wonderland)
expected=$'ok alice\nok bob\n28P01\n28P01\n28P01\n28P01'

run() { # DRIVER
    case $1 in
    node)
        . ./node.sh
        node login.js "${cases[@]}"
        ;;
    jdbc)
        . ./java.sh
        classes=$(mktemp -d)
        trap 'rm -rf "$classes"' EXIT
        javac -encoding UTF-8 -d "$classes" -cp "$jdbc_jar" jdbc/Login.java
        java -XX:TieredStopAtLevel=1 -Dsun.jnu.encoding=UTF-8 -cp "$classes:$jdbc_jar" Login "${cases[@]}"
        ;;
    *) /usr/bin/python3 -B login.py "$1" "${cases[@]}" ;;
    esac
}

got=$(run "$1") || { code=$?; echo "$got"; exit $code; }
if [ "$got" != "$expected" ]; then
    printf '%s: expected\n%s\ngot\n%s\n' "$1" "$expected" "$got"
    exit 1
fi
