#!/usr/bin/env bash
# pond with a PostgreSQL for its server: what is SQL alone works there as well. Runs under tests/support/with-postgres.
#
# usage: test_cli_postgresql.sh POND
set -uo pipefail
. "$(dirname "$0")/cli.sh"
export LC_ALL=C.UTF-8
command -v psql > "$folder/which" || { echo "skipped: psql is missing"; exit 77; }

while IFS= read -r sql; do
    same csv "$sql" --csv
    same table "$sql"
done <<'END'
SELECT 1 AS a, 'x,y' AS b, NULL AS c, 2.50::numeric(5,2) AS d, true AS e, ARRAY['a', 'b c'] AS f, '1 day'::interval AS g
SELECT * FROM pg_database ORDER BY oid
SELECT oid, proname, prosrc FROM pg_proc ORDER BY oid LIMIT 1500
SELECT
SELECT 1; SELECT 'two' AS b WHERE 1 = 0; SELECT 3 AS c
SELECT g, g::text AS t FROM generate_series(10001, 40000) AS g
END
expect 0 "ready after * ms" "" "$pond" ping
expect 0 $'a\n6' "" "$pond" query -F csv --param 5 'SELECT $1::int + 1 AS a'
expect 0 "*
30000" "" "$pond" query -F csv --page 777 "SELECT g FROM generate_series(1, 30000) AS g"
expect 0 "\\[*30000}*\\]" "" "$pond" query -F json "SELECT g FROM generate_series(1, 30000) AS g"
expect 1 "" $'pond query: ERROR:  column "nothing" does not exist (42703)\nLINE 1: SELECT nothing\n               ^' \
    "$pond" query "SELECT nothing"
expect 4 "" "pond query: timeout expired" "$pond" query --timeout 0.3 "SELECT pg_sleep(60)"
expect 0 $'1\tx' "" "$pond" query "COPY (SELECT 1, 'x') TO STDOUT"
expect 1 "" "pond status: the server is no pondd, or an older one: *" "$pond" status
expect 3 "" "*database \"nowhere\" does not exist (3D000)" "$pond" query -d nowhere "SELECT 1"
passed
