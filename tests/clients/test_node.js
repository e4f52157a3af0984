// node-postgres: untyped text parameters, types from the server's descriptions, its own pool.
'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { Client, Pool } = require('pg');
const Cursor = require('pg-cursor');
const QueryStream = require('pg-query-stream');

async function withClient(work) {
    const client = new Client();
    await client.connect();
    try {
        return await work(client);
    } finally {
        await client.end();
    }
}

// A durable database goes back to its first state before each test; other clients have a fresh one of their own.
if (process.env.POND_TEST_DURABLE) {
    test.before(() => withClient((db) => db.query("SELECT pond_mark('fresh')")));
    test.beforeEach(() => withClient((db) => db.query("SELECT pond_rewind('fresh')")));
}

test('reads every type', () => withClient(async (db) => {
    const { rows } = await db.query('SELECT * FROM everything WHERE id = $1', [1]);
    const row = rows[0];
    assert.strictEqual(row.flag, true);
    assert.strictEqual(row.small, -32768);
    assert.strictEqual(row.number, 2147483647);
    assert.strictEqual(row.big, '9223372036854775807');
    assert.strictEqual(row.double, 0.1);
    assert.strictEqual(row.exact, '1234.500');
    assert.strictEqual(row.label, 'grüße');
    assert.deepStrictEqual(row.raw, Buffer.from([0, 255, 16]));
    assert.strictEqual(row.instant.toISOString(), '2024-02-29T13:14:15.000Z');
    assert.strictEqual(row.span.days, 1);
    assert.deepStrictEqual(row.doc, { a: [1, 2] });
    assert.deepStrictEqual(row.docb, { b: null });
}));

test('untyped parameters become what the column is', () => withClient(async (db) => {
    await db.query('INSERT INTO everything (id, flag, number, exact, raw, day, instant, doc) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)',
        [7, true, '12', 1.25, Buffer.from('ab'), '2024-05-06', new Date(0), { z: 1 }]);
    const { rows } = await db.query(
        "SELECT flag, number, exact, raw, day::text AS day, instant, doc FROM everything WHERE flag = $1 AND id > $2 LIMIT $3",
        ['true', 1, 5]);
    assert.strictEqual(rows.length, 1);
    assert.strictEqual(rows[0].flag, true);
    assert.strictEqual(rows[0].number, 12);
    assert.strictEqual(rows[0].exact, '1.250');
    assert.strictEqual(rows[0].raw.toString(), 'ab');
    assert.strictEqual(rows[0].day, '2024-05-06');
    assert.strictEqual(rows[0].instant.getTime(), 0);
    assert.deepStrictEqual(rows[0].doc, { z: 1 });
}));

test('named statements, tags and counts', () => withClient(async (db) => {
    for (let id = 1; id <= 3; id++) {
        const result = await db.query({ name: 'by-id', text: 'SELECT sku FROM orders WHERE id = $1', values: [id] });
        assert.strictEqual(result.rows[0].sku, ['apple', 'pear', 'plum'][id - 1]);
    }
    const updated = await db.query('UPDATE orders SET quantity = quantity + 1');
    assert.strictEqual(updated.command, 'UPDATE');
    assert.strictEqual(updated.rowCount, 3);
    const { rows } = await db.query('SELECT count(*)::int AS n FROM orders');
    assert.strictEqual(rows[0].n, 3);
}));

test('errors have their code and the client goes on', () => withClient(async (db) => {
    await assert.rejects(db.query("INSERT INTO orders VALUES (1, 1, 'x', 1, 1)"),
        { code: '23505', constraint: 'orders_pkey', table: 'orders' });
    await assert.rejects(db.query('SELECT $1::int', ['abc']), { code: '22P02' });
    await db.query('BEGIN');
    await assert.rejects(db.query('SELECT * FROM nowhere'), { code: '42P01' });
    await assert.rejects(db.query('SELECT 1'), { code: '25P02' });
    await db.query('ROLLBACK');
    assert.strictEqual((await db.query('SELECT 1 AS one')).rows[0].one, 1);
}));

const shared = process.env.POND_TEST_DURABLE ? 'all share a durable database' : false;
test('clients of a pool do not see each other', { skip: shared }, async () => {
    const pool = new Pool({ max: 3 });
    const [a, b] = [await pool.connect(), await pool.connect()];
    try {
        await a.query("INSERT INTO customers (email, name) VALUES ('n@x', 'N')");
        assert.strictEqual((await a.query('SELECT count(*)::int AS n FROM customers')).rows[0].n, 4);
        assert.strictEqual((await b.query('SELECT count(*)::int AS n FROM customers')).rows[0].n, 3);
    } finally {
        a.release();
        b.release();
        await pool.end();
    }
});

test('a transaction rolls back', () => withClient(async (db) => {
    await db.query('BEGIN');
    await db.query('DELETE FROM orders');
    await db.query('ROLLBACK');
    assert.strictEqual((await db.query('SELECT count(*)::int AS n FROM orders')).rows[0].n, 3);
}));

const ROWS = Number(process.env.POND_TEST_CURSOR_ROWS || 20000);
const SERIES = "SELECT i, 'row ' || i AS label FROM generate_series(1, $1::int) AS g(i)";

test('pg-cursor reads page by page without Sync, and stops half-way', () => withClient(async (db) => {
    const cursor = db.query(new Cursor(SERIES, [ROWS]));
    let sum = 0;
    for (let rows = await cursor.read(700); rows.length > 0; rows = await cursor.read(700)) {
        sum = rows.reduce((all, row) => all + row.i, sum);
    }
    assert.strictEqual(sum, ROWS * (ROWS + 1) / 2);
    await cursor.close();
    const half = db.query(new Cursor(SERIES, [10000000]));
    assert.strictEqual((await half.read(10)).length, 10);
    await half.close();
    assert.strictEqual((await db.query('SELECT 1 AS one')).rows[0].one, 1);
}));

test('pg-query-stream reads to the end, and stops half-way', () => withClient(async (db) => {
    let sum = 0;
    for await (const row of db.query(new QueryStream(SERIES, [ROWS]))) {
        sum += row.i;
    }
    assert.strictEqual(sum, ROWS * (ROWS + 1) / 2);
    for await (const row of db.query(new QueryStream(SERIES, [10000000]))) {
        if (row.i === 500) {
            break;
        }
    }
    assert.strictEqual((await db.query('SELECT 2 AS two')).rows[0].two, 2);
}));
