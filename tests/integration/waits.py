#!/usr/bin/env python3
"""A command that waits for a signal, and misses none.

usage: waits.py READY GOT CODE

Appends its process number to READY, then waits; appends the signal's name to GOT and exits with CODE.
(A shell in `read` is no good for this: a signal that comes just before its system call is seen when that ends.)
"""
import os
import signal
import sys

ready, got, code = sys.argv[1:]
awaited = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2]
signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
with open(ready, "a") as file:
    file.write(f"{os.getpid()}\n")
number = signal.sigwait(awaited)
with open(got, "a") as file:
    file.write(f"{signal.Signals(number).name.removeprefix('SIG')}\n")
sys.exit(int(code))
