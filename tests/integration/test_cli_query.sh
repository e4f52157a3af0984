#!/usr/bin/env bash
# pond query: formats, files, parameters, pages, errors. Runs under tests/support/with-pondd. What psql can do as well
# must come out the same, byte for byte.
#
# usage: test_cli_query.sh POND PONDD CONF
set -uo pipefail
. "$(dirname "$0")/cli.sh"
export PGOPTIONS="" LC_ALL=C.UTF-8
command -v psql > "$folder/which" || { echo "skipped: psql is missing"; exit 77; }

while IFS= read -r sql; do
    same csv "$sql" --csv
    same table "$sql"
done <<'END'
SELECT 1
SELECT 1 AS a, 'x' AS b, NULL AS c, 2.50::numeric(5,2) AS d, true AS e
SELECT 'a,b' AS "x,y", 'say "hi"' AS "q""q", '' AS empty, NULL AS nothing
SELECT E'\\.' AS dot, E'\\' AS backslash, '.' AS point, ' blank ' AS blanks
SELECT * FROM orders ORDER BY id LIMIT 1500
SELECT id, name, price FROM products ORDER BY id LIMIT 50
SELECT * FROM orders WHERE id < 0
SELECT 'héllo' AS a, '漢字' AS "幅", 'e' || chr(769) AS c UNION ALL SELECT 'x', 'y', 'z'
SELECT 'longer than its name' AS n, 1 AS "a name longer than the number"
SELECT
SELECT 1; SELECT 'two' AS b; SELECT 3 AS c, 4 AS d
SELECT g FROM generate_series(1, 2500) AS g
SELECT repeat('x', 70000) AS wide, 'y' AS narrow
SELECT true AS a, 1.5::float8 AS b, '2026-01-02'::date AS c, '\xff00'::bytea AS d, '{"a": 1}'::json AS e
END
same csv $'SELECT E\'two\\nlines\' AS a, E\'car\\rriage\' AS b, \'semi;colon\' AS c' --csv

# The other formats.
every="SELECT 1 AS i, 1.50::numeric AS n, 'NaN'::float8 AS f, true AS b, E'a\"\\\\\\t\\né' AS t, NULL AS z, '{\"k\": [1, null]}'::jsonb AS j"
expect_text 0 '{"i": 1, "n": 1.50, "f": "NaN", "b": true, "t": "a\"\\\t\né", "z": null, "j": {"k": [1, null]}}' "" \
    "$pond" query -F jsonl "$every"
expect_text 0 $'[\n{"i": 1}\n]\n[\n{"i": 2},\n{"i": 3}\n]\n[]' "" "$pond" query -F json \
    "SELECT 1 AS i; SELECT 2 AS i UNION ALL SELECT 3; SELECT 1 AS i WHERE 1 = 0"
expect_text 0 $'i\tt\tz\n1\ta\\tb\\\\c\\nd\t\\N' "" "$pond" query -F tsv "SELECT 1 AS i, E'a\\tb\\\\c\\nd' AS t, NULL AS z"
expect 0 $'a,b\n-,' "" "$pond" query -F csv --null - "SELECT NULL AS a, '' AS b"
expect 0 '*"z": "none"*' "" "$pond" query -F jsonl --null '"none"' "SELECT NULL AS z"
/usr/bin/python3 - "$pond" <<'END' || fail "JSON that Python cannot read"
import json, subprocess, sys
text = subprocess.run([sys.argv[1], "query", "-F", "json", "SELECT * FROM customers ORDER BY id LIMIT 3000"],
                      capture_output=True, check=True).stdout
rows = json.loads(text)
assert len(rows) == 3000 and rows[0]["id"] == 1, rows[:1]
END

# Where the SQL comes from.
printf '\xef\xbb\xbfSELECT 1 AS a;\n-- a comment\nSELECT 2 AS a;\n' > "$folder/two.sql"
expect 0 $'a\n1\na\n2' "" "$pond" query -F csv -f "$folder/two.sql"
expect 0 $'a\n7' "" sh -c "echo 'SELECT 7 AS a' | '$pond' query -F csv -f -"
expect 1 "" "pond query: could not read $folder/none.sql: No such file or directory" "$pond" query -f "$folder/none.sql"
expect 1 "" "pond query: could not read $folder: Is a directory" "$pond" query -f "$folder"
expect 1 "" "*zero byte*" sh -c "head -c 10 /dev/zero | '$pond' query -f -"
expect 2 "" "*expected SQL*" "$pond" query
expect 2 "" "*expected SQL*" "$pond" query -f - "SELECT 1"
expect 2 "" "*--format: expected table|csv|tsv|json|jsonl, not \"xml\"" "$pond" query -F xml "SELECT 1"
expect 0 "" "" "$pond" query ""
expect 0 "" "" "$pond" query -- "-- nothing"

# Parameters, pages.
expect 0 $'a,b\n6,x y' "" "$pond" query -F csv --param 5 -P "x y" 'SELECT $1::int + 1 AS a, $2::text AS b'
expect 1 "" "*multiple commands*(42601)*" "$pond" query --param 5 'SELECT $1::int; SELECT 2'
expect 1 "" "*(22P02)*" "$pond" query --param five 'SELECT $1::int'
for page in 1 7 1000 100000; do
    expect 0 $'g\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10' "" "$pond" query -F csv --page $page "SELECT g FROM generate_series(1, 10) AS g"
done
expect 0 $'a' "" "$pond" query -F csv --page 5 "SELECT 1 AS a WHERE 1 = 0"
expect 0 "*(3 rows)" "" "$pond" query --page 2 "SELECT g FROM generate_series(1, 3) AS g"
expect 1 "*" "*division by zero*" "$pond" query --page 2 "SELECT 1 / (5 - g) FROM generate_series(1, 10) AS g"

# What has no rows, and COPY.
expect 0 "" "" "$pond" query "CREATE TABLE t (i int); INSERT INTO t VALUES (1)"
expect 0 "" $'CREATE TABLE\nINSERT 0 2' "$pond" query -v "CREATE TABLE t (i int); INSERT INTO t VALUES (1), (2)"
expect_text 0 $'1\tone\n2\t\\N' "" "$pond" query "COPY (SELECT 1, 'one' UNION ALL SELECT 2, NULL) TO STDOUT"
expect 1 "" "pond query: COPY FROM STDIN, *" "$pond" query "CREATE TABLE t (i int); COPY t FROM STDIN"
expect 1 "" "pond query: COPY *" "$pond" query --page 3 "COPY (SELECT 1) TO STDOUT"
expect 0 "" "NOTICE:  *" "$pond" query "DROP TABLE IF EXISTS nowhere"
expect 0 "" "" "$pond" query -q "DROP TABLE IF EXISTS nowhere"

# Errors: what came before is there, the place is shown, the code is 1.
expect 1 $'a\n1*' $'pond query: ERROR:  division by zero (22012)' "$pond" query -F csv "SELECT 1 AS a; SELECT 1/0; SELECT 3"
expect 1 "" $'pond query: ERROR:  *(42P01)\nLINE 2: FROM nowhere\n             ^' "$pond" query $'SELECT *\nFROM nowhere'
expect 4 "" "pond query: timeout expired" "$pond" query --timeout 0.3 "SELECT count(*) FROM generate_series(1, 10000000000)"

# Memory stays the same, however many rows: a million within a third of what they take. (Sanitizers reserve terabytes.)
if [ "$(nm "$pond" | grep -cE '__(asan|tsan)_init')" -eq 0 ]; then
    expect 0 "1000000,x*" "" sh -c "ulimit -v 40000; '$pond' query -F csv \"SELECT g, repeat('x', 100)
        FROM generate_series(1, 1000000) AS g\" | tail -n 1"
fi
passed
