#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""terminal.py [-s ROWSxCOLS] COMMAND [ARG...] < STEPS: run a command on a terminal of its own and play a user.

Steps, one a line, arguments with Python's escapes:
    expect TEXT     wait until TEXT comes (what came before it is passed over)
    lacks TEXT      so far TEXT has not come
    send TEXT       type it
    resize R C      another size, with the SIGWINCH that goes with it
    is raw|cooked   the terminal's mode
    kill NAME       a signal for the command
    host COMMAND    run this in a shell beside it, until it ends
    sleep SECONDS
    exit CODE       the command ends, with this status (128 + n for a signal)
Everything must happen within 20 seconds. The output is printed when something does not.
"""
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

LIMIT = 20


class Failed(Exception):
    pass


def size_of(fd, rows, cols):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


class Session:
    def __init__(self, argv, rows, cols):
        self.all = b""
        self.at = 0
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            size_of(0, rows, cols)
            for fd in range(3, 64):
                try:
                    os.close(fd)
                except OSError:
                    pass
            os.execvp(argv[0], argv)
        size_of(self.fd, rows, cols)

    def read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.all += data
        return bool(data)

    def expect(self, text):
        end = time.monotonic() + LIMIT
        more = True
        while True:
            i = self.all.find(text, self.at)
            if i >= 0:
                self.at = i + len(text)
                return
            if not more or time.monotonic() > end:
                raise Failed("%r did not come" % text)
            more = self.read(0.1)

    def exit(self, code):
        end = time.monotonic() + LIMIT
        while self.status is None:
            self.read(0.02)
            pid, st = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.WEXITSTATUS(st) if os.WIFEXITED(st) else 128 + os.WTERMSIG(st)
            elif time.monotonic() > end:
                raise Failed("it does not end")
        while self.read(0.05) and select.select([self.fd], [], [], 0.05)[0]:
            pass
        if self.status != code:
            raise Failed("exit status %d, not %d" % (self.status, code))

    def mode(self, want):
        end = time.monotonic() + 5
        while True:
            lflag = termios.tcgetattr(self.fd)[3]
            now = "cooked" if lflag & termios.ICANON and lflag & termios.ECHO else "raw"
            if now == want:
                return
            if time.monotonic() > end:
                raise Failed("the terminal is %s" % now)
            time.sleep(0.02)

    def step(self, word, arg):
        text = arg.encode().decode("unicode_escape").encode("latin-1")
        if word == "expect":
            self.expect(text)
        elif word == "lacks":
            self.read(0.2)
            if text in self.all:
                raise Failed("%r came" % text)
        elif word == "send":
            os.write(self.fd, text)
        elif word == "resize":
            size_of(self.fd, *map(int, arg.split()))
        elif word == "is":
            self.mode(arg)
        elif word == "kill":
            os.kill(self.pid, getattr(signal, "SIG" + arg))
        elif word == "host":
            subprocess.run(arg, shell=True, check=False, timeout=LIMIT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        elif word == "sleep":
            end = time.monotonic() + float(arg)
            while time.monotonic() < end and self.read(0.02):
                pass
        elif word == "exit":
            self.exit(int(arg))
        else:
            raise Failed("what is that?")


def main():
    argv = sys.argv[1:]
    rows, cols = 24, 80
    if argv[0] == "-s":
        rows, cols = map(int, argv[1].split("x"))
        argv = argv[2:]
    steps = [line.rstrip("\n").lstrip() for line in sys.stdin]
    s = Session(argv, rows, cols)
    step = ""
    try:
        for step in steps:
            if step:
                s.step(*(step.split(" ", 1) + [""])[:2])
        return 0
    except Failed as e:
        print("%s: %s\n--- the terminal:\n%s" % (step, e, s.all.decode("utf-8", "backslashreplace")))
        return 1
    finally:
        if s.status is None:
            os.kill(s.pid, signal.SIGKILL)
            os.waitpid(s.pid, 0)


sys.exit(main())
