"""Brief reads on the event loop itself, as long as they are quick.

The way to a reader's thread and back is two wake-ups of sleeping cores, twenty times what a read of pages in memory
takes. Whether the pages are in memory only reading them tells. So each read is timed, and one that was slow sends the
next ones to the threads for a while: at worst the loop waits for one slow read, now and then (ADR 18). One that only
waited for a processor, as any code on the loop does, does so for a shorter while.
"""

from __future__ import annotations

import sqlite3
import sys
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from .loop_connection import Late

if TYPE_CHECKING:
    from collections.abc import Callable

    from .loop_connection import LoopConnection

T = TypeVar("T")

_SHARE = 50
"""A pause is at least so many times as long as the read that led to it: reads that wait for the disk take two parts in
a hundred of the loop's time.
"""
_LONGEST = 30.0
_FORGIVEN = 64
"""Quick reads in a row after which one that waits counts as the first again. Until then each doubles the pause."""
_BUSY_SHARE = 10
_DOUBLINGS = 16
_TURN = 64
"""Reads after which the loop has its turn: a caller that reads in a row would not let others run."""


class Pauses:
    """When the loop may read. Seconds by any clock that goes on."""

    def __init__(self) -> None:
        self._until = float("-inf")
        self._slow = 0
        self._quick = 0

    def over(self, now: float) -> bool:
        return now >= self._until

    def quick(self) -> None:
        """Note a read that was."""
        self._quick += 1
        if self._quick == _FORGIVEN:
            self._slow = 0

    def slow(self, seconds: float, now: float, *, disk: bool) -> None:
        """Note a read that was, and has ended now. `disk`: it may have waited for that."""
        self._quick = 0
        if not disk:
            self._until = now + min(_LONGEST, seconds * _BUSY_SHARE)
            return
        self._until = now + min(_LONGEST, seconds * _SHARE * 2**self._slow)
        self._slow = min(self._slow + 1, _DOUBLINGS)


def disk_reads() -> int | None:
    """Of this thread, so far: pages that were not in memory, and blocks. None where the system does not say."""
    if sys.platform != "linux":
        return None
    from resource import RUSAGE_THREAD, getrusage  # noqa: PLC0415 - only after a slow read

    used = getrusage(RUSAGE_THREAD)
    return used.ru_majflt + used.ru_inblock


class LoopReads:
    """A read is quick up to `limit` seconds; 0: never on the loop. `disk_reads` counts what this thread has read from a
    disk. `done` and `slow` count reads.
    """

    def __init__(
        self,
        connection: LoopConnection,
        *,
        limit: float,
        timer: Callable[[], float] = monotonic,
        disk_reads: Callable[[], int | None] = disk_reads,
    ) -> None:
        self._connection = connection
        self._limit = limit
        self._timer = timer
        self._disk_reads = disk_reads
        self._disk_reads_before: int | None = 0
        self._pauses = Pauses()
        self._deadline = 0.0
        self.done = 0
        self.slow = 0

    @property
    def turn_due(self) -> bool:
        return self.done % _TURN == 0

    def prepare(self) -> None:
        if self._limit > 0:
            self._connection.open_soon()

    def attempt(self, read: Callable[[sqlite3.Connection], T]) -> tuple[T] | None:
        """What it reads, from what is committed now. None where a thread has to, for whatever reason: what is wrong
        with the read or with the store, that one will find too, and say.
        """
        connection = self._connection.current
        if connection is None or self._limit <= 0:
            return None
        began = self._timer()
        if not self._pauses.over(began):
            return None
        self._deadline = began + self._limit
        connection.late = self._late
        answer: tuple[T] | None = None
        try:
            answer = (read(connection),)
            self.done += 1
        except Late:
            pass
        except sqlite3.Error as error:
            self._connection.failed(error)
        except Exception:  # noqa: BLE001 - the thread meets it again, as its caller's error
            answer = None
        if connection is self._connection.current and connection.in_transaction:
            self._connection.drop()
        self._note(began, self._timer())
        return answer

    def _note(self, began: float, ended: float) -> None:
        seconds = ended - began
        if seconds <= self._limit:
            self._pauses.quick()
            return
        self.slow += 1
        before, self._disk_reads_before = self._disk_reads_before, self._disk_reads()
        disk = before is None or self._disk_reads_before != before
        self._pauses.slow(seconds, ended, disk=disk)

    def _late(self) -> bool:
        return self._timer() > self._deadline
