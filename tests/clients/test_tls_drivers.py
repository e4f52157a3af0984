#!/usr/bin/python3
"""Drivers that verify whom they talk to: they come in where the certificate is right, and nowhere else.

usage: test_tls_drivers.py PONDD MAKE_CERTIFICATES
"""
import asyncio
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import unittest

import tls_daemon
import wire
from client_test import driver
from tls_daemon import TlsTest, certificate, context, options

HERE = os.path.dirname(os.path.abspath(__file__))
SERVERS = {"server": True, "server-chain": True, "server-rsa": True, "server-slow": True, "server-elsewhere": False,
           "server-self": False, "server-expired": False}
TEXT = "SELECT count(*), min(name) FROM customers"
JAVA = """import java.sql.DriverManager;
public class TlsJdbc {
    public static void main(String[] urls) {
        for (String url : urls) {
            try (var connection = DriverManager.getConnection(url);
                 var rows = connection.createStatement().executeQuery("SELECT 'i' || 'n'")) {
                rows.next();
                System.out.println(rows.getString(1));
            } catch (Exception e) {
                System.out.println("out: " + e);
            }
        }
    }
}
"""
NODE = """const { Client } = require('pg');
const ca = require('fs').readFileSync(process.argv[2]);
const cert = process.argv[4] && require('fs').readFileSync(process.argv[4] + '.crt');
const key = process.argv[4] && require('fs').readFileSync(process.argv[4] + '.key');
const client = new Client({ host: 'localhost', port: +process.argv[3], user: 'tester', database: 'shop', ssl: { ca, cert, key } });
client.on('error', () => {});
client.connect().then(() => client.query("SELECT 'i' || 'n' AS r")).then((r) => console.log(r.rows[0].r), (e) => console.log('out: ' + e))
    .finally(() => client.end().catch(() => {}));
"""


class Drivers(TlsTest):
    """Each asks every server, and one that wants its certificate."""
    options = None

    def servers(self):
        for name, good in SERVERS.items():
            self.start(**options("require", server=name))
            yield name, good, None
            self.end(self.daemon)
        for client, good in (("client", True), ("client-other", False), ("client-revoked", False)):
            self.start(**options("verify-full", client_tls_ca_file=certificate("root.crt"),
                                 client_tls_crl_file=certificate("root.crl")))
            yield client, good, client
            self.end(self.daemon)

    def conninfo(self, client):
        words = "host=localhost port=%d user=tester dbname=shop sslmode=verify-full sslrootcert=%s" % (
            wire.PORT, certificate("root.crt"))
        if client:
            words += " sslcert=%s sslkey=%s" % (certificate(client + ".crt"), certificate(client + ".key"))
        return words

    def test_psql(self):
        for name, good, client in self.servers():
            done = subprocess.run(["psql", "-XAtc", "SELECT 'i' || 'n'", self.conninfo(client)], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(done.stdout == "in\n", good, (name, done))

    def test_psycopg(self):
        psycopg = driver("psycopg")
        for name, good, client in self.servers():
            try:
                with psycopg.connect(self.conninfo(client)) as conn:
                    self.assertTrue(conn.pgconn.ssl_in_use)
                    with conn.pipeline():
                        cursors = [conn.execute("SELECT %s::int", [i]) for i in range(50)]
                    self.assertEqual([cursor.fetchone()[0] for cursor in cursors], list(range(50)))
                    with conn.cursor().copy("COPY customers TO STDOUT") as copy:
                        self.assertGreater(sum(len(data) for data in copy), 10)
                came_in = True
            except psycopg.OperationalError as error:
                came_in = str(error)
            self.assertEqual(came_in is True, good, (name, came_in))

    def test_asyncpg(self):
        asyncpg = driver("asyncpg")

        async def ask(client):
            conn = await asyncpg.connect(host="localhost", port=wire.PORT, user="tester", database="shop", ssl=context(client))
            try:
                async with conn.transaction():
                    rows = [row async for row in conn.cursor("SELECT i FROM generate_series(1, 5000) AS g(i)", prefetch=100)]
                return len(rows) == 5000
            finally:
                await conn.close()

        for name, good, client in self.servers():
            try:
                came_in = asyncio.run(ask(client))
            except (OSError, ssl.SSLError, asyncpg.PostgresError) as error:
                came_in = str(error)
            self.assertEqual(came_in is True, good, (name, came_in))

    def test_node(self):
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "tls.js")
            with open(program, "w", encoding="utf-8") as file:
                file.write(NODE)
            for name, good, client in self.servers():
                command = "cd '%s' && . ./node.sh && exec node '%s' '%s' %d %s" % (
                    HERE, program, certificate("root.crt"), wire.PORT, certificate(client) if client else "")
                done = subprocess.run(["bash", "-euc", command], stdout=subprocess.PIPE, text=True, timeout=120, check=False)
                if done.returncode == 77:
                    self.skipTest(done.stdout)
                self.assertEqual(done.stdout.strip() == "in", good, (name, done))

    def key_for_java(self, client, folder):
        """pgjdbc takes keys as PKCS #8 in DER only."""
        made = os.path.join(folder, client + ".pk8")
        subprocess.run(["openssl", "pkcs8", "-topk8", "-inform", "PEM", "-outform", "DER", "-nocrypt", "-in",
                        certificate(client + ".key"), "-out", made], check=True)
        return made

    def test_jdbc(self):
        if not shutil.which("javac") or not os.path.exists("/usr/share/java/postgresql.jar"):
            self.skipTest("a JDK or pgjdbc is missing")
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "TlsJdbc.java"), "w", encoding="utf-8") as file:
                file.write(JAVA)
            subprocess.run(["javac", "-d", folder, os.path.join(folder, "TlsJdbc.java")], check=True)
            for name, good, client in self.servers():
                url = "jdbc:postgresql://localhost:%d/shop?user=tester&sslmode=verify-full&sslrootcert=%s" % (
                    wire.PORT, certificate("root.crt"))
                if client:
                    url += "&sslcert=%s&sslkey=%s" % (certificate(client + ".crt"), self.key_for_java(client, folder))
                done = subprocess.run(["java", "-XX:TieredStopAtLevel=1", "-cp", folder + ":/usr/share/java/postgresql.jar",
                                       "TlsJdbc", url], stdout=subprocess.PIPE, text=True, timeout=120, check=True)
                self.assertEqual(done.stdout.strip() == "in", good, (name, done.stdout))


if __name__ == "__main__":
    TlsTest.pondd = os.path.abspath(sys.argv.pop(1))
    CERTIFICATES = tls_daemon.Certificates.make(os.path.abspath(sys.argv.pop(1)))
    unittest.main(verbosity=2)
