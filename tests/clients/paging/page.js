// Pages through a result with node-postgres: pg-cursor or pg-query-stream. See paging.py for what it says and hears.
'use strict';
const readline = require('node:readline');
const { Client } = require('pg');
const Cursor = require('pg-cursor');
const QueryStream = require('pg-query-stream');

const [mode, rows, page, text] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4]), process.argv[5]];
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function say(words) {
    process.stdout.write(words + '\n');
    await lines.next();
}

/** Rows one by one, whichever way; what is left is dropped when the caller breaks out. */
async function* read(db) {
    if (mode === 'stream') {
        yield* db.query(new QueryStream(text, [], { batchSize: page, highWaterMark: page }));
        return;
    }
    const cursor = db.query(new Cursor(text));
    try {
        for (let got = await cursor.read(page); got.length > 0; got = await cursor.read(page)) {
            yield* got;
        }
    } finally {
        await cursor.close();
    }
}

async function main() {
    const db = new Client();
    await db.connect();
    await db.query('SELECT 1');
    await say('ready');
    let [count, sum, waited] = [0, 0, 0n];
    const begin = process.hrtime.bigint();
    for await (const row of read(db)) {
        sum += row.i;
        if (++count === rows / 2) {
            const pause = process.hrtime.bigint();
            await say('half');
            waited = process.hrtime.bigint() - pause;
        }
    }
    const seconds = Number(process.hrtime.bigint() - begin - waited) / 1e9;
    await say(`all ${count} ${sum} ${seconds}`);
    let some = 0;
    for await (const row of read(db)) {
        if (++some === rows / 2) {
            break;
        }
    }
    const { rows: [after] } = await db.query('SELECT 7 AS n');
    await say(`after ${some} ${after.n}`);
    await db.end();
    process.exit(0);
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
