"""asyncpg: binary everywhere, types from ParameterDescription, Flush instead of Sync, its pool's reset."""
import asyncio
import datetime
import decimal
import unittest
import uuid

import client_test

asyncpg = client_test.driver("asyncpg")
TARGET = dict(host=client_test.HOST, port=client_test.PORT, user=client_test.USER, database=client_test.DATABASE)


class Asyncpg(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        client_test.fresh()
        self.db = await asyncpg.connect(**TARGET)
        self.addAsyncCleanup(self.db.close)

    async def test_every_type(self):
        row = await self.db.fetchrow("SELECT * FROM everything WHERE id = $1", 1)
        self.assertEqual(tuple(row), (
            1, True, -32768, 2147483647, 9223372036854775807, 1.5, 0.1, decimal.Decimal("1234.500"), "grüße", "code",
            b"\x00\xff\x10", datetime.date(2024, 2, 29), datetime.time(13, 14, 15, 500000),
            datetime.datetime(2024, 2, 29, 13, 14, 15, 250000),
            datetime.datetime(2024, 2, 29, 13, 14, 15, tzinfo=datetime.timezone.utc),
            datetime.timedelta(days=1, hours=2, minutes=3, seconds=4),
            uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), '{"a": [1, 2]}', '{"b": null}'))

    async def test_parameters_typed_by_the_server(self):
        values = [5, False, 3, 4, 5, 0.5, 0.75, decimal.Decimal("1.5"), "text", "code", b"\xff",
                  datetime.date(2020, 1, 2), datetime.time(1, 1, 1), datetime.datetime(2020, 1, 2, 3, 4, 5),
                  datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc), datetime.timedelta(minutes=5),
                  uuid.UUID(int=1), '{"j": 1}', '[2]']
        marks = ", ".join("$%d" % (n + 1) for n in range(len(values)))
        self.assertEqual(await self.db.execute("INSERT INTO everything VALUES (" + marks + ")", *values),
                         "INSERT 0 1")
        row = await self.db.fetchrow("SELECT * FROM everything WHERE id = $1 AND flag = $2 AND day = $3",
                                     5, False, datetime.date(2020, 1, 2))
        self.assertEqual(list(row), values)

    async def test_parameters_out_of_order_and_cast(self):
        row = await self.db.fetchrow("SELECT $2::int AS b, $1::text AS a, $2 + 1 AS c", "x", 41)
        self.assertEqual(tuple(row), (41, "x", 42))

    async def test_fetchrow_abandons_its_portal(self):
        for _ in range(5):
            self.assertEqual((await self.db.fetchrow("SELECT id FROM orders ORDER BY id"))["id"], 1)
        self.assertEqual(await self.db.fetchval("SELECT count(*) FROM orders"), 3)

    async def test_transactions_and_savepoints(self):
        async with self.db.transaction():
            await self.db.execute("DELETE FROM orders WHERE id = 1")
            try:
                async with self.db.transaction():
                    await self.db.execute("DELETE FROM orders")
                    raise ValueError
            except ValueError:
                pass
        self.assertEqual(await self.db.fetchval("SELECT count(*) FROM orders"), 2)

    async def test_error_in_a_transaction(self):
        with self.assertRaises(asyncpg.UniqueViolationError):
            async with self.db.transaction():
                await self.db.execute("INSERT INTO customers (id, email, name) VALUES (1, 'x', 'y')")
        self.assertEqual(await self.db.fetchval("SELECT count(*) FROM customers"), 3)

    async def test_executemany_and_scripts(self):
        await self.db.executemany("INSERT INTO customers (email, name) VALUES ($1, $2)",
                                  [("e%d" % i, "n") for i in range(20)])
        self.assertEqual(await self.db.fetchval("SELECT count(*) FROM customers"), 23)
        await self.db.execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2); DELETE FROM t WHERE a = 1")
        self.assertEqual(await self.db.fetch("SELECT a FROM t"), [(2,)])

    async def test_pool_resets_and_isolates(self):
        async with asyncpg.create_pool(min_size=2, max_size=4, **TARGET) as pool:
            async def one(number):
                async with pool.acquire() as db:
                    await db.execute("SET application_name = 'p%d'" % number)
                    return await db.fetchval("SELECT $1::int * 2", number)
            self.assertEqual(await asyncio.gather(*(one(n) for n in range(40))), [2 * n for n in range(40)])
            async with pool.acquire() as db:
                self.assertEqual(await db.fetchval("SHOW application_name"), "")

    async def test_cancel_by_timeout(self):
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        with self.assertRaises(asyncio.TimeoutError):
            await self.db.fetchval(endless, timeout=0.2)
        self.assertEqual(await self.db.fetchval("SELECT 1"), 1)


client_test.main()
