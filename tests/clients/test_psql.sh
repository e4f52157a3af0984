#!/usr/bin/env bash
# psql 15 against a running server: what a person at a prompt and a shell script rely on.
set -uo pipefail
cd "$(dirname "$0")"
command -v psql >/dev/null || { echo "skipped: psql is missing"; exit 77; }
failed=0

# expect NAME EXPECTED psql-arguments...: compares psql's whole output, standard error included.
expect() {
    local name=$1 want=$2 got
    shift 2
    got=$(psql -X -q -A -t "$@" 2>&1)
    if [ "$got" == "$want" ]; then
        echo "ok - $name"
    else
        failed=1
        printf 'not ok - %s\n  expected: %s\n  got:      %s\n' "$name" "$want" "$got"
    fi
}

expect 'select 1' '1' -c 'SELECT 1'
expect 'seeded rows' $'Ada|t|2023-05-06\nBob|f|2024-02-29\nEve|f|2024-12-31' \
    -c 'SELECT name, vip, joined FROM customers ORDER BY id'
expect 'join and aggregate' $'Ada|2|19.50\nBob|1|100.05' -c \
    'SELECT c.name, count(*), sum(o.total) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.name ORDER BY 1'
expect 'several statements in one string' $'1\n2' -c 'SELECT 1; SELECT 2'
expect 'an error rolls the whole string back' $'ERROR:  division by zero\n3' \
    -c 'DELETE FROM orders; SELECT 1 / 0' -c 'SELECT count(*) FROM orders'
expect 'transaction block' $'ERROR:  relation "nowhere" does not exist\nLINE 1: SELECT * FROM nowhere\n                      ^\nERROR:  current transaction is aborted, commands ignored until end of transaction block\n3' \
    -c 'BEGIN' -c 'DELETE FROM orders' -c 'SELECT * FROM nowhere' -c 'SELECT 1' -c 'COMMIT' -c 'SELECT count(*) FROM orders'
expect 'syntax error with its place' $'ERROR:  syntax error at or near "SELEC"\nLINE 1: SELEC 1\n        ^' -c 'SELEC 1'
expect 'null and boolean' 't||f' -c 'SELECT true, NULL, false'
expect 'a table of its own' '6' \
    -c 'CREATE TABLE t (id serial PRIMARY KEY, n int)' -c 'INSERT INTO t (n) VALUES (1), (2), (3)' -c 'SELECT sum(id) FROM t'
expect 'and nobody saw it' $'ERROR:  relation "t" does not exist\nLINE 1: SELECT * FROM t\n                      ^' -c 'SELECT * FROM t'
expect 'returning' '4|Zoe' -c "INSERT INTO customers (email, name) VALUES ('z@x', 'Zoe') RETURNING id, name"
expect 'upsert' '9' -c "INSERT INTO orders (id, customer_id, total) VALUES (1, 1, 9) ON CONFLICT (id) DO UPDATE SET quantity = 9" \
    -c 'SELECT quantity FROM orders WHERE id = 1'
expect 'nulls sort last' $'1\n2' -c 'SELECT id FROM everything ORDER BY small'
expect 'show' 'UTF8' -c 'SHOW server_encoding'
expect 'prepare and execute' 'Bob' -c 'PREPARE p (int) AS SELECT name FROM customers WHERE id = $1' -c 'EXECUTE p(2)'
expect 'set local ends with its transaction' $'5s\n0' -c 'BEGIN' -c "SET LOCAL statement_timeout = '5s'" -c 'SHOW statement_timeout' \
    -c 'COMMIT' -c 'SHOW statement_timeout'
expect 'notice' $'NOTICE:  table "nothing" does not exist, skipping' -c 'DROP TABLE IF EXISTS nothing'
expect 'warning' $'WARNING:  there is no transaction in progress' -c 'ROLLBACK'
expect 'truncate' '0' -c 'TRUNCATE orders' -c 'SELECT count(*) FROM orders'
expect 'add a primary key later' $'ERROR:  duplicate key value violates unique constraint "u_pkey"' -v VERBOSITY=terse \
    -c 'CREATE TABLE u (a int, b text)' -c "INSERT INTO u VALUES (1, 'x')" -c 'ALTER TABLE u ADD PRIMARY KEY (a)' -c "INSERT INTO u VALUES (1, 'y')"
expect 'unicode' 'grüße' -c 'SELECT label FROM everything WHERE id = 1'
expect 'ping' '' -c ';'

# An error in a script ends it with ON_ERROR_STOP.
if psql -X -q -v ON_ERROR_STOP=1 >/dev/null 2>&1 <<<$'SELECT 1;\nSELECT * FROM nowhere;\nSELECT 2;'; then
    echo 'not ok - exit code of a failed script'
    failed=1
fi
exit $failed
