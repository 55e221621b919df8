#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# measure.py SECONDS MIB COMMAND...: run it, and fail with status 99 and a line on stderr where it and what it started
# took more processor time than SECONDS, or any of them more memory than MIB. Processor time, because other tests run at
# the same time; a command that waits instead of working is ended after thirty times as long.
import os
import resource
import subprocess
import sys

seconds, mib, command = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
try:
    rc = subprocess.run(command, timeout=seconds * 30).returncode
except subprocess.TimeoutExpired:
    print(f"measure: {command[0]}: still running after {seconds * 30:.0f} s", file=sys.stderr)
    os._exit(99)
use = resource.getrusage(resource.RUSAGE_CHILDREN)
cpu, rss = use.ru_utime + use.ru_stime, use.ru_maxrss / 1024
if cpu > seconds or rss > mib:
    print(f"measure: {' '.join(command)}: {cpu:.2f} s of {seconds} s, {rss:.0f} MiB of {mib} MiB", file=sys.stderr)
    os._exit(99)
sys.exit(rc if rc >= 0 else 128 - rc)
