"""Who is next for the write lock of a file that several processes write.

SQLite knows no queue: a writer that commits back to back leaves the lock free for microseconds, and whoever looks from
time to time misses them for seconds. Here each takes a second lock first, the turnstile, and leaves it once it has the
write lock: a writer that comes back finds it taken by the one who waits, and waits in turn.
"""

from __future__ import annotations

import fcntl
import os
import random
import time
from typing import TYPE_CHECKING

from ...ports.errors import Unavailable
from .connection import begun

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

_OUTSIDE = (0.0002, 0.003)
_INSIDE = (0.0001, 0.0005)
"""Seconds between two looks: many look at the turnstile, one at the write lock."""


class Turnstile:
    """One per writing connection: flock belongs to the open file, and ends with the process whatever ends it."""

    def __init__(self, path: Path, timeout: float) -> None:
        self._name = path.name
        self._timeout = timeout
        turn = path.with_name(path.name + "-turn")
        self._descriptor = os.open(turn, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def close(self) -> None:
        os.close(self._descriptor)

    def begin(self, connection: sqlite3.Connection, abandoned: Callable[[], bool]) -> None:
        """Take the write lock; `Unavailable` after the timeout, or once nobody wants it any more."""
        deadline = time.monotonic() + self._timeout
        self._poll(self._enter, _OUTSIDE, deadline, abandoned)
        try:
            self._poll(lambda: begun(connection), _INSIDE, deadline, abandoned)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _poll(
        self,
        attempt: Callable[[], bool],
        pause: tuple[float, float],
        deadline: float,
        abandoned: Callable[[], bool],
    ) -> None:
        while not attempt():
            if abandoned() or time.monotonic() >= deadline:
                raise Unavailable(
                    f"{self._name}: other processes kept the write lock for longer than the busy timeout"
                )
            time.sleep(random.uniform(*pause))  # noqa: S311 - jitter, not a secret

    def _enter(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
