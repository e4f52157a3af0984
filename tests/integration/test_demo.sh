#!/usr/bin/env bash
# The demo's script means the same to pond and to PostgreSQL 15: loads it into a throw-away cluster, asks both the same
# questions through psql and compares the answers. Runs under tests/support/with-pondd, which names pond by PG*.
#
# usage: test_demo.sh DEMO.SQL
set -euo pipefail
script=$(readlink -f "$1")
bin=/usr/lib/postgresql/15/bin
[ -x $bin/initdb ] || { echo "skipped: PostgreSQL 15 is missing"; exit 77; }

folder=$(mktemp -d /tmp/pond-test.XXXXXX)
as=()
if [ "$(id -u)" -eq 0 ]; then
    as=(runuser -u postgres --)
    chown postgres "$folder"
fi
cluster() { (cd "$folder" && "${as[@]}" "$@"); }
finish() {
    cluster $bin/pg_ctl -D "$folder/data" -m immediate -s stop || true
    rm -rf "$folder"
}
trap finish EXIT
cluster $bin/initdb -D "$folder/data" -U tester -A trust -N >/dev/null
cluster $bin/pg_ctl -D "$folder/data" -s -w -l "$folder/log" \
    -o "-p 5432 -k $folder -c listen_addresses= -c fsync=off -c timezone=UTC" start

peer() { PGHOST=$folder PGPORT=5432 psql -X -q -v ON_ERROR_STOP=1 -d postgres "$@"; }
pond() { psql -X -q -v ON_ERROR_STOP=1 -d shop "$@"; }
peer -f "$script"

count=0
while IFS= read -r question; do
    [ -n "$question" ] || continue
    expected=$(peer -c "$question")
    got=$(pond -c "$question")
    if [ "$expected" != "$got" ]; then
        printf '%s\nPostgreSQL:\n%s\npond:\n%s\n' "$question" "$expected" "$got"
        exit 1
    fi
    count=$((count + 1))
done <<'END'
SELECT count(*), count(note), sum(total), min(ordered_on), max(created_at) FROM orders;
SELECT * FROM orders WHERE id % 9973 = 1 ORDER BY id;
SELECT * FROM products WHERE id <= 20 ORDER BY id;
SELECT * FROM customers WHERE id % 997 = 0 ORDER BY id;
SELECT * FROM order_items WHERE order_id IN (1, 2, 77777, 100000) ORDER BY order_id, line;
SELECT count(*), sum(quantity), sum(quantity * unit_price) FROM order_items;
SELECT sum(total * 1.19), round(avg(total), 3), sum(total) / 100000 > 600, max(total) - min(total) FROM orders;
SELECT id, sum(total) OVER (ORDER BY id ROWS 2 PRECEDING) FROM orders WHERE id < 30 ORDER BY id;
SELECT coalesce(sum(total), 0), sum(total)::text, sum(quantity * unit_price) FROM orders JOIN order_items ON order_id = id WHERE id < 5000;
SELECT status, count(*), sum(total) FROM orders GROUP BY status ORDER BY status;
SELECT in_stock, count(*) FROM products GROUP BY in_stock ORDER BY in_stock;
SELECT c.name, count(*) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.name ORDER BY c.name;
SELECT newsletter, count(*), count(avatar) FROM customers GROUP BY newsletter ORDER BY newsletter;
INSERT INTO products (sku, name, price) VALUES ('SKU-X', 'last', 1.5) RETURNING id, price, in_stock, attributes;
END
echo "$count questions, the same answers"
[ "$count" -eq 14 ]
