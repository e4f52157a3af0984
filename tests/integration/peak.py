#!/usr/bin/python3
"""usage: peak.py FILE COMMAND...: runs it, writes its peak memory in KiB to FILE, and ends with its code."""
import os
import resource
import subprocess
import sys

code = subprocess.call(sys.argv[2:], env=dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=1:detect_leaks=0"))
with open(sys.argv[1], "w") as file:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=file)
sys.exit(code)
