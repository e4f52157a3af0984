// Logs in with each USER PASSWORD pair and prints whom the server knows, or the SQLSTATE that it said; over TLS
// when PGSSLROOTCERT is set.
'use strict';
const fs = require('node:fs');
const { Client } = require('pg');

const root = process.env.PGSSLROOTCERT;
delete process.env.PGSSLMODE; // says nothing that `ssl` does not
const ssl = root ? { ca: fs.readFileSync(root) } : false;

async function login(user, password) {
    const client = new Client({ user, password, ssl });
    try {
        await client.connect();
        const { rows } = await client.query('SELECT current_user AS name');
        return 'ok ' + rows[0].name;
    } catch (error) {
        return error.code;
    } finally {
        await client.end().catch(() => {});
    }
}

(async () => {
    const words = process.argv.slice(2);
    for (let i = 0; i < words.length; i += 2) {
        console.log(await login(words[i], words[i + 1]));
    }
})();
