"""A clock that moves when a test says so."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta

ROUNDS = 50
"""Turns of the event loop given to woken tasks: how long a chain of wake-ups may be and still be over in time."""

_EPOCH = datetime(2025, 1, 1, tzinfo=UTC)


async def settle() -> None:
    """Let the tasks that can run do so, and those that they wake in turn."""
    for _ in range(ROUNDS):
        await asyncio.sleep(0)


class ManualClock:
    """The `Clock` port without real time: `sleep` ends when `advance` has come that far."""

    def __init__(self, start: datetime = _EPOCH) -> None:
        self._start = start
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        awake = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._order), awake))
        await awake

    async def advance(self, seconds: float) -> None:
        """Move on by `seconds`, waking at its own moment each sleeper due by then, those included that go to sleep on
        the way. Tasks that are ready run before time moves, after each wake-up and before this returns.
        """
        target = self._elapsed + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, awake = heapq.heappop(self._sleepers)
            if awake.done():
                continue
            self._elapsed = max(self._elapsed, due)
            awake.set_result(None)
            await settle()
        self._elapsed = max(self._elapsed, target)
        await settle()
