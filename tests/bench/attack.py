#!/usr/bin/python3
"""Strangers at the door, while 50 clients who are in ask a query ten times a second each.

In turns, each beside a quiet time right before it: 1,000 logins a second with wrong passwords; as many half-open connections
as --half-open says, which send a start-up packet and then nothing; start-up packets that come a byte at a time. Loopback
only, and for --seconds each. Also how long a login takes meanwhile, from an address that nobody attacks from. How many failed
logins an address may have is not limited here, so that each is heard out, and each waits for auth_delay. The attackers are
programs in Python, which come last when it is about this machine's CPU: strangers would use their own.
"""
import argparse
import asyncio
import base64
import hashlib
import hmac
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time

from servers import ROOT, Servers, row

POND = ("[pond]\nlisten_addr = 127.0.0.1\nlisten_port = 0\nunix_socket_dir = {{dir}}\nauth_file = {root}/tests/clients/login.users\n"
        "max_client_conn = {clients}\nmax_failed_logins = 0\n[database shop]\n")
HONEST, PER_SECOND, GUESSES = 50, 10, 1000


def message(kind, body):
    return kind + struct.pack("!i", len(body) + 4) + body


def startup(user):
    body = struct.pack("!i", 0x30000) + b"user\0" + user + b"\0database\0shop\0\0"
    return struct.pack("!i", len(body) + 4) + body


async def read(reader):
    head = await reader.readexactly(5)
    return head[:1], await reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)


async def log_in(address, password, local=None):
    """Reader and writer of a connection that is in, or None. Without a password the proof is nonsense."""
    reader, writer = await asyncio.open_connection(*address, local_addr=local)
    writer.write(startup(b"alice"))
    await read(reader)
    nonce = base64.b64encode(os.urandom(18))
    first = b"n=,r=" + nonce
    writer.write(message(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first) + 3) + b"n,," + first))
    _, body = await read(reader)
    said = dict(part.split(b"=", 1) for part in body[4:].split(b","))
    bare, proof = b"c=biws,r=" + said[b"r"], os.urandom(32)
    if password:
        salted = hashlib.pbkdf2_hmac("sha256", password, base64.b64decode(said[b"s"]), int(said[b"i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        auth = b",".join([first, body[4:], bare])
        proof = bytes(a ^ b for a, b in zip(key, hmac.digest(hashlib.sha256(key).digest(), auth, "sha256")))
    writer.write(message(b"p", bare + b",p=" + base64.b64encode(proof)))
    while True:
        kind, body = await read(reader)
        if kind == b"E":
            writer.close()
            return None
        if kind == b"Z":
            return reader, writer


# ---- the attackers, each a process of its own ----

async def guesses(address, seconds):
    """Failed logins: each in a task, so many a second, however long an answer takes."""
    done = set()
    begin, count, failed = time.monotonic(), 0, 0

    async def one():
        nonlocal failed
        try:
            refused = await log_in(address, b"") is None
        except (OSError, asyncio.IncompleteReadError):
            refused = False
        failed += refused

    while time.monotonic() < begin + seconds:
        while count < (time.monotonic() - begin) * GUESSES:
            task = asyncio.create_task(one())
            done.add(task)
            task.add_done_callback(done.discard)
            count += 1
        await asyncio.sleep(0.005)
    print(count, failed)


async def half_open(address, seconds, count):
    writers = []
    for _ in range(count):
        _, writer = await asyncio.open_connection(*address)
        writer.write(startup(b"alice"))
        writers.append(writer)
    print("open", flush=True)
    await asyncio.sleep(seconds)
    print(len(writers), len(writers))


async def slow(address, seconds, count):
    writers = [(await asyncio.open_connection(*address))[1] for _ in range(count)]
    end, at, packet = time.monotonic() + seconds, 0, startup(b"alice" * 10)
    print("open", flush=True)
    while time.monotonic() < end:
        for writer in writers:
            writer.write(packet[at:at + 1])
        at += 1
        await asyncio.sleep(1)
    print(count, count)


# ---- the honest ----

async def ask(reader, writer, times):
    begin = time.monotonic()
    writer.write(message(b"Q", b"SELECT 1\0"))
    while (await read(reader))[0] != b"Z":
        pass
    times.append(time.monotonic() - begin)


async def honest(connection, number, seconds, times):
    begin = time.monotonic() + number / HONEST / PER_SECOND
    for i in range(int(seconds * PER_SECOND)):
        await asyncio.sleep(max(0, begin + i / PER_SECOND - time.monotonic()))
        await ask(*connection, times)


async def measure(address, connections, seconds):
    """p50 and p99 of queries, the longest login, all in ms."""
    times, logins = [], []

    async def log_in_now_and_then():
        for _ in range(int(seconds)):
            begin = time.monotonic()
            _, writer = await log_in(address, b"wonderland", ("127.0.0.2", 0))
            logins.append(time.monotonic() - begin)
            writer.close()
            await asyncio.sleep(1)

    await asyncio.gather(log_in_now_and_then(), *(honest(c, i, seconds, times) for i, c in enumerate(connections)))
    times.sort()
    return times[len(times) // 2] * 1e3, times[len(times) * 99 // 100] * 1e3, max(logins) * 1e3


async def run(bench, pond, address, options):
    connections = [await log_in(address, b"wonderland") for _ in range(HONEST)]
    row("what", "quiet", "attacked", "", "floor")
    for name, count in (("guesses", 0), ("half_open", options.half_open), ("slow", 1000)):
        before = pond.cpu()
        quiet = await measure(address, connections, options.seconds)
        idle, before = pond.cpu() - before, pond.cpu()
        attacker = subprocess.Popen([sys.executable, __file__, name, str(options.seconds + 4), str(count), str(address[1])],
                                    stdout=subprocess.PIPE, text=True, preexec_fn=lambda: os.nice(19))
        if count:
            await asyncio.get_running_loop().run_in_executor(None, attacker.stdout.readline)
        else:
            await asyncio.sleep(2)
        attacked = await measure(address, connections, options.seconds)
        open_now = bench.statistics(pond, "pond")["connections"]
        made, ended = attacker.communicate()[0].split()[-2:]
        await asyncio.sleep(3)  # what it has left behind is over
        cpu_us = (pond.cpu() - before - idle) * 1e6 / int(made)
        row("%s: %s, %s of them refused; connections then" % (name, made, ended if name == "guesses" else 0), "", open_now, "", "")
        for what, a, b, floor in (("  query p50 ms", quiet[0], attacked[0], ""), ("  query p99 ms", quiet[1], attacked[1],
                                                                                "<= %.2f" % (3 * quiet[1])),
                                  ("  longest login ms", quiet[2], attacked[2], "")):
            row(what, "%.2f" % a, "%.2f" % b, "", floor)
        row("  daemon's CPU for each of them: us", "", "%.0f" % cpu_us, "", "")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--half-open", type=int, default=10000)
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    with tempfile.TemporaryDirectory(prefix="pond-bench.") as folder:
        os.chmod(folder, 0o755)
        bench = Servers(options, folder)
        try:
            pond = bench.start_pond("pond", POND.format(root=ROOT, clients=options.half_open + 5000), "shop",
                                    "auth_type=scram-sha-256")
            asyncio.run(run(bench, pond, ("127.0.0.1", pond.port), options))
        finally:
            bench.stop()


if __name__ == "__main__":
    if len(sys.argv) == 5 and sys.argv[1] in ("guesses", "half_open", "slow"):
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        seconds, count, port = map(int, sys.argv[2:])
        attack = {"guesses": lambda a: guesses(a, seconds), "half_open": lambda a: half_open(a, seconds, count),
                  "slow": lambda a: slow(a, seconds, count)}[sys.argv[1]]
        asyncio.run(attack(("127.0.0.1", port)))
    else:
        main()
