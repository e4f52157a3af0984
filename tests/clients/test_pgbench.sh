#!/usr/bin/env bash
# pgbench, all three query modes, with and without reconnecting, with its own scripts and ours: no transaction may fail.
set -euo pipefail
cd "$(dirname "$0")"
command -v pgbench >/dev/null || { echo "skipped: pgbench is missing"; exit 77; }

# pgbench -i makes its tables, fills them by COPY and adds the keys, all in one connection. What it made is gone with
# that, so a second time finds an empty database again.
for steps in dtgvp dtgvpf dtGvp; do
    out=$(PGDATABASE=empty pgbench -i -s 1 -I "$steps" 2>&1) || { echo "$out"; exit 1; }
    if ! grep -q '^done in' <<<"$out" || grep -q ERROR <<<"$out"; then
        echo "$out"
        exit 1
    fi
done
echo "pgbench -i"

export PGDATABASE=bench

check() {
    local out
    echo "pgbench $*"
    out=$(pgbench --no-vacuum "$@" 2>&1) || { echo "$out"; exit 1; }
    if grep -qE 'number of failed transactions: [1-9]|aborted|ERROR' <<<"$out"; then
        echo "$out"
        exit 1
    fi
}

script=$(mktemp)
trap 'rm -f "$script"' EXIT
cat >"$script" <<'SQL'
\set aid random(1, 100000)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
SAVEPOINT s;
DELETE FROM pgbench_accounts WHERE aid = :aid;
ROLLBACK TO SAVEPOINT s;
SELECT count(*) FROM pgbench_accounts WHERE aid BETWEEN :aid AND :aid + 10;
COMMIT;
SQL

for mode in simple extended prepared; do
    check -M "$mode" -c 4 -t 200
    check -M "$mode" -S -c 8 -t 500
    check -M "$mode" -N -c 2 -t 100
    check -M "$mode" -c 4 -t 50 -f "$script"
    check -M "$mode" -S -C -c 4 -t 50
done
