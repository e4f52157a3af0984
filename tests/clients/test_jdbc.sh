#!/usr/bin/env bash
# pgjdbc as Debian has it, driven by the programs in jdbc/.
#
# usage: test_jdbc.sh [METHOD ...]   by default all tests
set -euo pipefail
cd "$(dirname "$0")"
. ./java.sh
classes=$(mktemp -d)
trap 'rm -rf "$classes"' EXIT
javac -d "$classes" -cp "$jdbc_jar" jdbc/*.java
java -XX:TieredStopAtLevel=1 -cp "$classes:$jdbc_jar" JdbcTest "$@"
