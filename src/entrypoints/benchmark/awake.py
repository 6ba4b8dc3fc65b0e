"""Cores that do not sleep while something is measured.

A core with nothing to do is stopped. On a virtual machine the host takes it back meanwhile, and has to be asked for it:
the way between two threads was seen to take 60 microseconds so, and 27 where cores are awake. With this the figures are
of the program, without it of the program and the machine's way of resting.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from ...ports.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Generator

_NEVER_RESTS = """
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
print(flush=True)
while os.getppid() == int(sys.argv[2]):
    for _ in range(100_000):
        pass
"""
"""Runs when nothing else wants to, and ends with its parent."""


@contextmanager
def awake() -> Generator[None]:
    """`Rejected` where the system has no such priority (it is Linux's)."""
    if not hasattr(os, "SCHED_IDLE"):
        raise Rejected(
            "awake: this system has no process that runs only when no other wants to (Linux has)", "awake"
        )
    with ExitStack() as stack:
        for core in os.sched_getaffinity(0):
            command = [sys.executable, "-S", "-c", _NEVER_RESTS, str(core), str(os.getpid())]
            child = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))  # noqa: S603 - our own
            stack.callback(child.kill)
            assert child.stdout is not None
            child.stdout.readline()
        yield
