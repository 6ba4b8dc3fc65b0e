"""Brief reads on the event loop itself, as long as they are quick.

The way to a reader's thread and back is two wake-ups of sleeping cores, twenty times what a read of pages in memory
takes. Whether the pages are in memory only reading them tells. So each read is timed, and one that was slow sends the
next ones to the threads for a while: at worst the loop waits for one slow read, now and then (ADR 18).
"""

from __future__ import annotations

import sqlite3
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from .loop_connection import Late

if TYPE_CHECKING:
    from collections.abc import Callable

    from .loop_connection import LoopConnection

T = TypeVar("T")

_SHARE = 50
"""A pause is at least so many times as long as the read that led to it: slow reads take two parts in a hundred."""
_LONGEST = 30.0
_FORGIVEN = 64
"""Quick reads in a row after which a slow one counts as the first again. Until then each doubles the pause."""
_DOUBLINGS = 16
_TURN = 64
"""Reads after which the loop has its turn: a caller that reads in a row would not let others run."""


class Pauses:
    """When the loop may read. Seconds by any clock that goes on; `limit` is how long a quick read takes at most."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._until = float("-inf")
        self._slow = 0
        self._quick = 0

    def over(self, now: float) -> bool:
        return now >= self._until

    def took(self, seconds: float, now: float) -> bool:
        """Note a read that has ended now. Whether it was slow."""
        if seconds <= self._limit:
            self._quick += 1
            if self._quick == _FORGIVEN:
                self._slow = 0
            return False
        self._until = now + min(_LONGEST, seconds * _SHARE * 2**self._slow)
        self._slow = min(self._slow + 1, _DOUBLINGS)
        self._quick = 0
        return True


class LoopReads:
    """`limit` in seconds; 0: never on the loop. `done` and `slow` count."""

    def __init__(
        self, connection: LoopConnection, *, limit: float, timer: Callable[[], float] = monotonic
    ) -> None:
        self._connection = connection
        self._limit = limit
        self._timer = timer
        self._pauses = Pauses(limit)
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
        now = self._timer()
        if self._pauses.took(now - began, now):
            self.slow += 1
        return answer

    def _late(self) -> bool:
        return self._timer() > self._deadline
