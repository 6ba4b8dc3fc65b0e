"""Takes standard input and output for the protocol alone, and gives them back as they were."""

from __future__ import annotations

import fcntl
import os
import stat
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from ...ports.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Generator


def check_usable(stdin: int, stdout: int) -> None:
    """`Misconfigured` where the protocol could not run over them."""
    for number, stream in ((0, sys.stdin), (1, sys.stdout)):
        # Python found the number closed when it started: by now it may be anything, the loop's own poll included.
        if number in {stdin, stdout} and cast("object", stream) is None:
            raise Misconfigured(f"descriptor {number} is closed: start this program with both ends of a pipe")
    ends = os.fstat(stdin), os.fstat(stdout)
    if stat.S_ISSOCK(ends[0].st_mode) and os.path.samestat(*ends):
        # The loop's pipe transports take anything readable on the outgoing socket for a hang-up.
        raise Misconfigured("standard input and output are one socket: give each a pipe or socket of its own")


@contextmanager
def claimed_input(number: int) -> Generator[int]:
    """A descriptor of its own for what `number` reads. `number` itself is empty meanwhile, so that neither
    `input()` nor a child process can eat a message.
    """
    with _claimed(number, os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)) as private:
        yield private


@contextmanager
def claimed_output(number: int) -> Generator[int]:
    """A descriptor of its own for what `number` writes. `number` itself leads to stderr meanwhile, so that a
    stray `print` cannot break the protocol.
    """
    _flush_stdout()
    try:
        diversion = _duplicate(2)
    except OSError:
        # Started without stderr.
        diversion = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    with _claimed(number, diversion) as private:
        try:
            yield private
        finally:
            _flush_stdout()


@contextmanager
def _claimed(number: int, diversion: int) -> Generator[int]:
    """Takes over `diversion`. The blocking flag belongs to the open file, which the parent may share."""
    try:
        private = _duplicate(number)
        try:
            blocking = os.get_blocking(private)
            os.dup2(diversion, number)
            try:
                yield private
            finally:
                os.set_blocking(private, blocking)
                os.dup2(private, number)
        finally:
            os.close(private)
    finally:
        os.close(diversion)


def _duplicate(number: int) -> int:
    # Never one of the three standard numbers, which some child may inherit as its own.
    return fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 3)


def _flush_stdout() -> None:
    """What is buffered goes where it was meant to go when it was printed."""
    if sys.stdout is not None and not sys.stdout.closed:
        sys.stdout.flush()
