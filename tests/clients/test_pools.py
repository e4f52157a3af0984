"""Clients that know nothing of pond: their pools on one shared database, under many workers, with their own resets."""
import asyncio
import concurrent.futures
import logging
import os
import random
import re
import sys

import client_test
import database_test
import wire
from database_test import SHOP, Test

psycopg = client_test.driver("psycopg")
psycopg_pool = client_test.driver("psycopg_pool")
asyncpg = client_test.driver("asyncpg")

SEED = int(os.environ.get("POND_TEST_SEED") or random.randrange(1 << 32))
WORKERS = 50
JOBS = 6  # of each worker
ACCOUNTS, TOTAL = 10, 1000
SCHEMA = ("CREATE TABLE accounts (id int PRIMARY KEY, n int NOT NULL); CREATE TABLE rows (worker int, job int);"
          "CREATE TABLE turns (n int); INSERT INTO turns VALUES (0);"
          "INSERT INTO accounts SELECT i, %d FROM generate_series(1, %d) i" % (TOTAL // ACCOUNTS, ACCOUNTS))
SUM = "SELECT sum(n)::int, count(*)::int FROM accounts"


class GaveUp(Exception):
    """Rolls a transaction back."""


class Job:
    """What a worker does in one transaction, whatever the driver: the statements, and whether they stay."""

    def __init__(self, worker, number):
        dice = random.Random("%d %d %d" % (SEED, worker, number))
        self.worker, self.number = worker, number
        self.gives_up = dice.random() < 0.3
        self.from_, self.to = dice.sample(range(1, ACCOUNTS + 1), 2)
        self.amount = dice.randrange(1, 50)


class Pools(Test):
    conf = "log_statement = all\n" + SHOP + "lock_timeout = 10min\n"  # each waits for a turn behind 20 others

    def setUp(self):
        super().setUp()
        print("seed %d" % SEED, flush=True)
        self.keeper = self.connect("shop~pools")  # what the database lives by between the pools
        self.run_sql(self.keeper, SCHEMA)

    def check_was_sent(self, text):
        self.assertTrue(re.search(r"statement:\s+%s\n" % re.escape(text), self.daemon.log()), text)

    # ---- psycopg 3 ----

    def psycopg_job(self, pool, job):
        """The number of its turn; None when it gave up."""
        try:
            with pool.connection() as db:  # a transaction
                db.execute("INSERT INTO rows VALUES (%s, %s)", (job.worker, job.number))
                db.execute("UPDATE accounts SET n = n - %s WHERE id = %s", (job.amount, job.from_))
                turn = db.execute("UPDATE turns SET n = n + 1 RETURNING n").fetchone()[0]
                db.execute("UPDATE accounts SET n = n + %s WHERE id = %s", (job.amount, job.to))
                if job.gives_up:
                    raise GaveUp
        except GaveUp:
            turn = None
        with pool.connection() as db:
            self.assertEqual(db.execute(SUM).fetchone(), (TOTAL, ACCOUNTS))
        return turn

    def psycopg_workers(self):
        target = "host=%s port=%d user=tester dbname=shop~pools" % (wire.HOST, wire.PORT)
        resets = []

        def reset(db):
            db.autocommit = True
            db.execute("RESET ALL")
            db.autocommit = False
            resets.append(1)

        def work(worker):
            jobs = [Job(worker, number) for number in range(JOBS)]
            return [(job, self.psycopg_job(pool, job)) for job in jobs]

        with psycopg_pool.ConnectionPool(target, min_size=10, max_size=10, timeout=60, reset=reset) as pool:
            pool.wait(60)
            with concurrent.futures.ThreadPoolExecutor(WORKERS) as threads:
                done = [one for jobs in threads.map(work, range(WORKERS)) for one in jobs]
            # A thread of the pool's resets what comes back, behind the one who has given it.
            self.eventually(lambda: len(resets) >= 2 * WORKERS * JOBS, "not all were reset")
            self.assertEqual(pool.get_stats().get("connections_lost", 0), 0)
        self.assertEqual(len(resets), 2 * WORKERS * JOBS)
        return done

    # ---- asyncpg ----

    async def asyncpg_job(self, pool, job):
        try:
            async with pool.acquire() as db, db.transaction():
                await db.execute("INSERT INTO rows VALUES ($1, $2)", job.worker, job.number)
                await db.execute("UPDATE accounts SET n = n - $1 WHERE id = $2", job.amount, job.from_)
                turn = await db.fetchval("UPDATE turns SET n = n + 1 RETURNING n")
                await db.execute("UPDATE accounts SET n = n + $1 WHERE id = $2", job.amount, job.to)
                if job.gives_up:
                    raise GaveUp
        except GaveUp:
            turn = None
        async with pool.acquire() as db:
            self.assertEqual(tuple(await db.fetchrow(SUM)), (TOTAL, ACCOUNTS))
            async with db.transaction(isolation="repeatable_read", readonly=True):
                seen = await db.fetch("SELECT id, n FROM accounts")
                async for row in db.cursor("SELECT id, n FROM accounts", prefetch=3):
                    self.assertIn(row, seen)
        return turn

    async def asyncpg_workers_async(self):
        async def work(worker):
            return [(job, await self.asyncpg_job(pool, job)) for job in (Job(worker, number) for number in range(JOBS))]

        target = dict(host=wire.HOST, port=wire.PORT, user="tester", database="shop~pools")
        async with asyncpg.create_pool(min_size=10, max_size=10, **target) as pool:
            done = await asyncio.gather(*(work(WORKERS + n) for n in range(WORKERS)))
            self.assertEqual(pool.get_size(), 10)  # none was lost on the way
        return [one for jobs in done for one in jobs]

    def asyncpg_workers(self):
        return asyncio.run(self.asyncpg_workers_async())

    # ---- what must be true of both ----

    def check(self, done):
        """Every committed row is there and no other, money is neither made nor lost, each turn was taken by one alone."""
        kept = sorted((job.worker, job.number) for job, turn in done if turn is not None)
        self.assertEqual(len(kept), sum(not job.gives_up for job, _ in done))
        rows = self.run_sql(self.keeper, "SELECT worker, job FROM rows ORDER BY 1, 2")
        self.assertEqual([(int(a), int(b)) for a, b in rows], kept)
        self.assertEqual(sorted(turn for _, turn in done if turn is not None), list(range(1, len(kept) + 1)))
        accounts = {i: TOTAL // ACCOUNTS for i in range(1, ACCOUNTS + 1)}
        for job, turn in done:
            if turn is not None:
                accounts[job.from_] -= job.amount
                accounts[job.to] += job.amount
        self.assertEqual({int(a): int(b) for a, b in self.run_sql(self.keeper, "SELECT id, n FROM accounts")}, accounts)
        self.leave(self.keeper)

    def test_psycopg(self):
        self.check(self.psycopg_workers())
        self.check_was_sent("RESET ALL")

    def test_asyncpg(self):
        self.check(self.asyncpg_workers())
        self.check_was_sent("SELECT pg_advisory_unlock_all()")  # its own reset
        self.check_was_sent("RESET ALL")

    def test_both_at_once(self):
        with concurrent.futures.ThreadPoolExecutor(2) as threads:
            mine, yours = threads.submit(self.psycopg_workers), threads.submit(self.asyncpg_workers)
            done = mine.result() + yours.result()
        self.check(done)

    # ---- what pools do when something goes wrong ----

    def test_a_connection_that_comes_back_in_a_transaction(self):
        """psycopg_pool rolls it back, and warns."""
        target = "host=%s port=%d user=tester dbname=shop~pools" % (wire.HOST, wire.PORT)
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
        with psycopg_pool.ConnectionPool(target, min_size=1, max_size=1, timeout=60) as pool:
            db = pool.getconn()
            db.execute("UPDATE turns SET n = 100")
            pid = db.info.backend_pid
            pool.putconn(db)
            with pool.connection() as db:
                self.assertEqual(db.info.backend_pid, pid)
                self.assertEqual(db.execute("SELECT n FROM turns").fetchone(), (0,))
        self.leave(self.keeper)

    def test_a_pool_replaces_what_is_terminated(self):
        target = "host=%s port=%d user=tester dbname=shop~pools" % (wire.HOST, wire.PORT)
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
        with psycopg_pool.ConnectionPool(target, min_size=2, max_size=2, timeout=60) as pool:
            pool.wait(60)
            self.run_sql(self.keeper, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                         " WHERE datname = current_database() AND pid <> pg_backend_pid()")
            pool.check()
            pool.wait(60)
            with pool.connection() as db:
                self.assertEqual(db.execute("SELECT n FROM turns").fetchone(), (0,))
        self.leave(self.keeper)

    def test_asyncpg_gives_up_a_statement(self):
        """Its time-outs cancel; the connection is as good as before."""
        async def run():
            target = dict(host=wire.HOST, port=wire.PORT, user="tester", database="shop~pools")
            async with asyncpg.create_pool(min_size=1, max_size=1, **target) as pool:
                async with pool.acquire() as db:
                    with self.assertRaises(asyncio.TimeoutError):
                        await db.execute("UPDATE turns SET n = 5", timeout=0.1)
                    return await db.fetchval("SELECT n FROM turns")

        self.run_sql(self.keeper, "BEGIN; UPDATE turns SET n = 1")
        self.assertEqual(asyncio.run(run()), 0)
        self.run_sql(self.keeper, "ROLLBACK")
        self.leave(self.keeper)


if __name__ == "__main__":
    sys.exit(database_test.main())
