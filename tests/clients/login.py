"""Logs in with each USER PASSWORD pair and prints whom the server knows, or the SQLSTATE that it said; over TLS when
PGSSLROOTCERT is set.

usage: login.py psycopg|asyncpg|psql USER PASSWORD [USER PASSWORD ...]
"""
import asyncio
import os
import re
import ssl
import subprocess
import sys

import client_test


def psycopg(user, password):
    module = client_test.driver("psycopg")
    try:
        with module.connect(user=user, password=password) as db:
            return "ok " + db.execute("SELECT current_user").fetchone()[0]
    except module.OperationalError as error:  # a failed start-up has no SQLSTATE in psycopg: PostgreSQL's words, then
        return "28P01" if "password authentication failed for user" in str(error) else str(error)


def psql(user, password):
    done = subprocess.run(["psql", "-X", "-At", "-c", "SELECT current_user", "-U", user], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, encoding="utf-8", env=dict(os.environ, PGPASSWORD=password))
    if done.returncode == 0:
        return "ok " + done.stdout.strip()
    return "28P01" if re.search("FATAL:  password authentication failed for user", done.stderr) else done.stderr


def asyncpg(user, password):
    module = client_test.driver("asyncpg")

    root = os.environ.get("PGSSLROOTCERT")
    tls = ssl.create_default_context(cafile=root) if root else False

    async def login():
        db = await module.connect(host=client_test.HOST, port=client_test.PORT, user=user, password=password,
                                  database=client_test.DATABASE, ssl=tls)
        try:
            return "ok " + await db.fetchval("SELECT current_user")
        finally:
            await db.close()

    try:
        return asyncio.run(login())
    except module.PostgresError as error:
        return error.sqlstate


def main(name, *words):
    for user, password in zip(words[::2], words[1::2]):
        print({"psycopg": psycopg, "psql": psql, "asyncpg": asyncpg}[name](user, password))


main(*sys.argv[1:])
