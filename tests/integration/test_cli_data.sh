#!/usr/bin/env bash
# pond load, dump, save, mark, rewind and reset: round trips, bad input, a full disk, memory. Runs under with-pondd.
#
# usage: test_cli_data.sh POND PONDD CONF
set -uo pipefail
. "$(dirname "$0")/cli.sh"
here=$(cd "$(dirname "$0")" && pwd)
rich=$here/../clients/schema_rich.sql
cd "$folder" || exit 1

# A name of its own for each; the helper that holds a shared one keeps it alive.
sql() { psql -X -q -At -v ON_ERROR_STOP=1 -d "$1" -c "$2"; }
made() { for name; do sql shop "CREATE DATABASE $name TEMPLATE empty"; done; }
made one two three four five

# What dump writes, load reads, and psql: the same schema, rows, sequences, keys, indexes and views.
expect 0 "" "" "$pond" load one "$rich"
expect 0 "" "" "$pond" dump one -o one.sql
expect 0 "" "" "$pond" load two one.sql
expect 0 "" "" "$pond" dump two -o two.sql
expect 0 "" "" psql -X -q -v ON_ERROR_STOP=1 -d three -f two.sql -o /dev/null
expect 0 "" "" "$pond" dump three --output three.sql
diff <(sed 1d two.sql) <(sed 1d three.sql) || fail "another dump of the copy"
[ "$(sql three 'SELECT sum(double_ticket) FROM child')" = 630 ] || fail "other rows"
# ... the demo's 300,000 rows through a pipe, with constant memory on both sides
"$here/peak.py" small "$pond" dump one > /dev/null || fail "dump one"
"$here/peak.py" dumped "$pond" dump shop | "$here/peak.py" loaded "$pond" load four - || fail "dump | load"
diff <("$pond" dump shop | sed 1d) <("$pond" dump four | sed 1d) > /dev/null || fail "another dump of the demo"
for peak in dumped loaded; do
    [ $(($(cat $peak) - $(cat small))) -lt 6000 ] || fail "$peak: $(cat $peak) KiB, for nothing $(cat small) KiB"
done

# CSV: a file per table, and back.
expect 0 "" "" "$pond" dump one --format csv -o csv
[ "$(ls csv | tr '\n' ' ')" = "Parent.csv child.csv circle_a.csv circle_b.csv couple.csv keyed_later.csv renamed.csv " ] || fail "$(ls csv)"
sed -e '/^COPY/,/^\\\.$/d' -e '/FOREIGN KEY/d' one.sql > schema.sql
expect 0 "" "" "$pond" load five schema.sql csv/*.csv
diff <("$pond" dump one -t Parent -t child | grep -A4 ^COPY) <("$pond" dump five -t Parent -t child | grep -A4 ^COPY) ||
    fail "other rows from CSV"
expect 0 "x,y,z"$'\n'"a,1,1" "" "$pond" dump one --format csv --table couple
expect 0 "" "" "$pond" load five --format csv --no-header -t circle_b <(printf '7,\n8,7\n')
[ "$(sql five 'SELECT count(*) FROM circle_b')" = 3 ] || fail "rows without a header"
sql one 'CREATE TABLE "a/b%" (x int); INSERT INTO "a/b%" VALUES (5)'
expect 0 "" "" "$pond" dump one --format csv -t a/b% -o csv
sql two 'CREATE TABLE "a/b%" (x int)'
expect 0 "" "" "$pond" load two csv/a%2Fb%25.csv
[ "$(sql two 'SELECT x FROM "a/b%"')" = 5 ] || fail "a name that is none of a file"

# One transaction, or not; a script's own brackets.
printf 'BEGIN;\nINSERT INTO keyed_later VALUES (10);\nCOMMIT;\nSELECT 1 / 0;\n' > half.sql
expect 1 "" "pond load: ERROR:  division by zero (22012)
pond load: that was at line 4 of half.sql: SELECT 1 / 0" "$pond" load five half.sql
[ "$(sql five 'SELECT count(*) FROM keyed_later')" = 1 ] || fail "half a load stayed"
expect 1 "" "*division by zero*" "$pond" load --no-transaction five half.sql
[ "$(sql five 'SELECT count(*) FROM keyed_later')" = 2 ] || fail "what was committed is gone"
printf 'ROLLBACK;' > back.sql
expect 1 "" "*rolls back: load it with --no-transaction*" "$pond" load five back.sql

# Bad input, with its place.
printf -- '-- a; comment\nCREATE TABLE z (x int); /* ; */ INSERT\n  INTO zz VALUES (2);\n' > bad.sql
expect 1 "" "*relation \"zz\" does not exist (42P01)
LINE 2:   INTO zz VALUES (2)
               ^
*line 2 of bad.sql: INSERT" "$pond" load five bad.sql
printf 'x,y\n20,a\nnone,b\n' > keyed_later.csv
expect 1 "" "*invalid input syntax for type integer: \"none\"*keyed_later.csv: COPY \"keyed_later\" (\"x\", \"y\")*" \
    "$pond" load five keyed_later.csv
# A quoted name may go over the end of its line, and a long statement is not told whole.
psql -Xq -d five -c $'CREATE TABLE broken ("a\nb" int, c int)'
printf '"a\nb",c\n1,2\n' > broken.csv
expect 0 "" "" "$pond" load five broken.csv
expect 0 "1|2" "" psql -XAt -d five -c "TABLE broken"
printf '"a,c\n1,2\n' > broken.csv
expect 1 "" "pond load: broken.csv: a quote in the first line has no end" "$pond" load five broken.csv
expect 1 "" "pond load: COPY TO STDOUT cannot be had here*line 1 of standard input: COPY broken TO STDOUT" sh -c "echo 'COPY broken TO STDOUT' | '$pond' load five -"
printf 'SELECT %s FROM; SELECT 1' "$(seq -s , 3000)" > long.sql
expect 1 "" "*LINE 1: ...*,2999,3000 FROM"$'\n'"* ^"$'\n'"*" "$pond" load five long.sql
[ "$(wc -c < "$folder/err")" -lt 1500 ] || fail "a long line is told whole"
# What stands behind a COPY in its line comes after its rows.
printf 'CREATE TABLE line (x int); COPY line FROM stdin; INSERT INTO line VALUES (9); COPY line FROM stdin; SELECT x;\n1\n\\.\n2\n\\.\n' > line.sql
expect 1 "" "*column \"x\" does not exist*line 1 of line.sql: SELECT x" "$pond" load five line.sql
sed -i 's/ SELECT x;//' line.sql
expect 0 "" "" "$pond" load five line.sql
expect 0 "1"$'\n'"9"$'\n'"2" "" psql -XAt -d five -c "SELECT x FROM line"
printf 'COPY keyed_later FROM stdin;\n30\ta\nnone\tb\n\\.\n' > rows.sql
expect 1 "" "*\"none\"*line 1 of rows.sql: COPY keyed_later FROM stdin" "$pond" load five rows.sql
printf 'SELECT $x$ a\n' > open.sql
expect 1 "" "*open.sql: a dollar quote that begins after line 1 has no end" "$pond" load five open.sql
printf 'SELECT 1;\n\\connect x\n' > meta.sql
expect 1 "" "*meta.sql, line 2: this is a command of psql's own*" "$pond" load five meta.sql
printf 'SELECT 1\0;\n' > nul.sql
expect 1 "" "*nul.sql, line 1: there is a NUL*" "$pond" load five nul.sql
printf 'SELECT "\xff";\n' > latin.sql
expect 1 "" "*invalid byte sequence*line 1 of latin.sql*" "$pond" load five latin.sql
expect 1 "" "*could not read nowhere.sql: No such file*" "$pond" load five nowhere.sql
expect 1 "" "*could not read .: Is a directory*" "$pond" load five .
expect 1 "" "*\"shop\" is a template*" "$pond" load shop one.sql
expect 2 "" "*needs --table NAME*" "$pond" load five --format csv -
expect 2 "" "*expected DB FILE...*" "$pond" load five
expect 3 "" "*does not exist*" "$pond" load nowhere one.sql
expect 1 "" "*there is no table \"nowhere\"" "$pond" dump one -t nowhere
# A database's name is no way into a script that psql obeys.
expect 0 "-- pond dump of \"shop~a \\\\! touch obeyed b\""$'\n\n'"SET client_encoding*" "" "$pond" dump $'shop~a\n\\! touch obeyed\rb' -t orders -o -
expect 2 "" "*needs a folder*" "$pond" dump one --format csv
expect 1 "" "*could not create \"no/where.sql\"*" "$pond" dump one -o no/where.sql
sql one "CREATE TABLE base (a text); CREATE VIEW lost AS SELECT upper(a) FROM base; ALTER TABLE base RENAME a TO c"
expect 1 "" "pond dump: \"lost\" cannot be given in PostgreSQL's words; see the script" "$pond" dump one -o lost.sql

# save: SQLite finds it whole, also beside a writer.
expect 0 "" "" "$pond" save shop shop.db
sql four "CREATE TABLE pairs (a int, b int)"
(while [ ! -e enough ]; do sql four "INSERT INTO pairs SELECT g, g FROM generate_series(1, 50) g" || exit 1; done) &
writer=$!
for i in 1 2 3 4 5; do "$pond" save four four$i.db || fail "save beside a writer"; done
touch enough
wait $writer || fail "the writer was in the way"
"$pond" save shop - > piped.db || fail "save to stdout"
cmp shop.db piped.db || fail "another file through a pipe"
/usr/bin/python3 - << 'END' || fail "the files are not whole"
import sqlite3
for name in ["shop.db"] + ["four%d.db" % i for i in range(1, 6)]:
    db = sqlite3.connect(name)
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)], name
    assert db.execute("SELECT count(*) FROM orders").fetchall() == [(100000,)], name
    if name != "shop.db":
        assert db.execute("SELECT count(*) % 50 FROM pairs").fetchall() == [(0,)], name
END
# such a file may be a seed again
printf '[database again]\nseed = %s\n' "$folder/shop.db" > again.conf
"$here/../support/with-pondd" "$pondd" again.conf -o listen_port=0 -o auth_type=trust -- \
    psql -X -At -d again -c 'SELECT count(*), sum(total) > 0 FROM orders' 2> /dev/null > again || fail "not a seed again"
[ "$(cat again)" = "100000|t" ] || fail "other rows in the seed: $(cat again)"
expect 1 "" "*shop.db is an SQLite database*" "$pond" load five shop.db

# A full disk: a message, and never half a file; what was there stays.
expect 1 "" "pond save: could not write to /dev/full: No space left on device" "$pond" save shop /dev/full
expect 1 "" "pond dump: could not write to standard output: No space left on device" sh -c "'$pond' dump shop > /dev/full"
mkdir disk && echo before > disk/shop.db
for command in "save shop disk/shop.db" "save shop disk/new.db" "dump shop -o disk/shop.sql" "dump shop --format csv -o disk"; do
    # shellcheck disable=SC2086
    expect 1 "" "pond *: could not write to disk/*: File too large" \
        bash -c "trap '' XFSZ; ulimit -f 20; '$pond' $command"
done
[ "$(ls disk)" = shop.db ] && [ "$(cat disk/shop.db)" = before ] || fail "left on the disk: $(ls disk)"
"$pond" dump shop | head -c 1 > /dev/null
[ "${PIPESTATUS[0]}" -eq 141 ] || fail "a closed pipe is no SIGPIPE"

# Marks: of a shared database only.
expect 0 "" "" "$pond" mark four begun
sql four "DELETE FROM order_items"
expect 0 "" "" "$pond" rewind four begun
[ "$(sql four 'SELECT count(*) FROM order_items')" = 200000 ] || fail "not rewound"
expect 0 "" "" "$pond" reset four
[ "$(sql four 'SELECT count(*) FROM sqlite_schema')" = 0 ] || fail "not reset"
expect 1 "" "*mark \"never\" does not exist (42704)" "$pond" rewind four never
expect 1 "" "*\"shop\" is a template*" "$pond" mark shop x
expect 2 "" "*expected DB NAME*" "$pond" mark four

# clones: what is there, and of which template.
sql four "CREATE TABLE filled AS SELECT repeat('x', 1000) AS x FROM generate_series(1, 1000)"
sql shop "CREATE DATABASE copy TEMPLATE shop"
expect 0 "name,origin,owner,lasts,connections,age_s,bytes
copy,shop,$PGUSER,until dropped,0,*,0" "" "$pond" clones shop -F csv
expect 0 '{"name": "four", "origin": "empty"*"lasts": "until dropped"*"bytes": [1-9]??????*}' "" "$pond" clones four -F jsonl
expect 0 "*(6 rows)*" "" env -u PGDATABASE "$pond" clones
expect 0 "name,origin,owner,lasts,connections,age_s,bytes" "" "$pond" clones -F csv nowhere
sql shop "DROP DATABASE copy"

# shell: psql, or else a plain one.
expect 0 "1|Ada's" "" bash -c "echo \"SELECT 1, 'Ada''s';\" | PGOPTIONS= '$pond' shell shop | sed -n 's/^ *\([0-9]\) .*| \(.*\)/\1|\2/p'"
expect 0 "shop one" "" env -u PGPORT bash -c "echo '\\echo :DBNAME one' | '$pond' shell -p $PGPORT shop"
printf 'SELECT 1 AS one;\nSELECT 1 / 0; SELECT\n 2 AS two;\nCOPY pairs FROM stdin; COPY (SELECT 4) TO stdout;\n\\d\nBEGIN; SELECT 3 AS three' > typed
expect 0 " one *  1*two*  2*(1 row)"$'\n\n4\n'" three*  3*(1 row)" "pond shell: ERROR:  division by zero (22012)
pond shell: rows cannot be typed in here*
pond shell: the plain shell has no commands but \\\\q" bash -c "'$pond' shell --plain four < typed"
expect 0 "" "" bash -c "printf '%s\nSELECT 1;' '\\q' | '$pond' shell --plain four"
mkdir bin && ln -s "$(command -v bash)" bin/bash
expect 0 "*five*  5*" "" env PATH="$folder/bin" bash -c "echo 'SELECT 5 AS five;' | '$pond' shell four"
# ... on a server of its own, which is gone afterwards
mkdir servers
for plain in "" --plain; do
    expect 0 "*6*" "" env TMPDIR="$folder/servers" POND_PONDD="$pondd" \
        bash -c "echo 'SELECT count(*) + 3 FROM child, circle_b;' | '$pond' shell $plain --seed '$rich'"
    [ -z "$(ls servers)" ] || fail "left of a private server: $(ls servers)"
done
expect 0 "*9*" "" env PATH="$folder/bin" POND_PONDD="$pondd" \
    bash -c "echo 'SELECT count(*) + 6 FROM child, circle_b;' | '$pond' shell -s '$rich'"
expect 1 "" "*FATAL*zz*" env POND_PONDD="$pondd" "$pond" shell --seed bad.sql
expect 2 "" "*no argument DB*" "$pond" shell --seed "$rich" shop
expect 3 "" "*does not exist (3D000)*" bash -c "'$pond' shell --plain nowhere < typed"
expect 3 "*" "*terminating connection*" bash -c "echo 'SELECT pg_terminate_backend(pg_backend_pid()); SELECT 1;' | '$pond' shell --plain four"
passed
