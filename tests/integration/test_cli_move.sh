#!/usr/bin/env bash
# What pond dump writes is PostgreSQL: a real one makes the same database from it, by pond load and by psql. Runs under
# with-pondd; ends with 77 where there is no PostgreSQL.
#
# usage: test_cli_move.sh POND PONDD CONF
set -uo pipefail
. "$(dirname "$0")/cli.sh"
here=$(cd "$(dirname "$0")" && pwd)
cd "$folder" || exit 1

psql -X -q -d shop -c "CREATE DATABASE rich TEMPLATE empty"
expect 0 "" "" "$pond" load rich "$here/../clients/schema_rich.sql"
expect 0 "" "" "$pond" dump shop -o shop.sql
expect 0 "" "" "$pond" dump rich -o rich.sql

# The same questions to both.
cat > questions.sql << 'END'
SELECT count(*), sum(total), min(created_at), max(note) FROM orders;
SELECT sum(quantity * unit_price), count(DISTINCT order_id) FROM order_items;
SELECT count(*), sum(length(avatar)), max(attributes->>'color') FROM customers, (SELECT attributes FROM products) p WHERE customers.id < 100;
INSERT INTO products (sku, name, price) VALUES ('new', 'new', 1) RETURNING id, in_stock;
END
cat > rich_questions.sql << 'END'
SELECT id, name, price, ok, doc, span, numbers, "Weird ""Col", code, single, raw FROM "Parent" ORDER BY id;
SELECT * FROM child ORDER BY id;
SELECT * FROM counts ORDER BY id;
SELECT * FROM star;
INSERT INTO couple (x) VALUES ('c') RETURNING y, z;
SELECT nextval('tickets');
END
ask() { psql -X -q -At -v ON_ERROR_STOP=1 -d "$1" -f "$2" -c "SET timezone = 'UTC'"; }
export PGTZ=UTC
ask shop questions.sql > shop.pond && ask rich rich_questions.sql > rich.pond || fail "the questions to pond"
export -f ask
export pond folder
(cd / && exec env -u PGPORT "$here/../support/with-postgres" bash -c '
    cd "$folder" && psql -X -q -c "CREATE DATABASE demo" -c "CREATE DATABASE rich" &&
    "$pond" load demo shop.sql && psql -X -q -v ON_ERROR_STOP=1 -d rich -o /dev/null -f rich.sql &&
    ask demo questions.sql > shop.postgres && ask rich rich_questions.sql > rich.postgres') > said 2>&1
code=$?
[ $code -eq 77 ] && exit 77
[ $code -eq 0 ] || fail "PostgreSQL: $(cat said)"
diff shop.pond shop.postgres || fail "other answers about the demo"
diff rich.pond rich.postgres || fail "other answers about the rich schema"
passed
