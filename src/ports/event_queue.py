"""A subscriber's events, for adapters of the event bus: bounded, and what was lost is said in its place."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Self

from .records import Event, Gap

if TYPE_CHECKING:
    from collections.abc import Callable


class EventQueue:
    """At most one `Gap` waits, always first: it says to read again, so what waited before it is dropped with it.

    `reachable`: whether the backend is; an adapter calls `lose` before it says so again.
    """

    def __init__(self, capacity: int, *, reachable: Callable[[], bool]) -> None:
        self._capacity = capacity
        self._reachable = reachable
        self._events: deque[Event] = deque()
        self._gap: Gap | None = None
        self._closed = False
        self._stirred = asyncio.Event()

    def offer(self, event: Event) -> None:
        if len(self._events) >= self._capacity:
            self.lose(f"overflow: more than {self._capacity} events waited")
        self._events.append(event)
        self._stirred.set()

    def lose(self, reason: str) -> None:
        """Say that events were lost here."""
        self._events.clear()
        self._gap = Gap(reason)
        self._stirred.set()

    def close(self) -> None:
        """What waits can still be read."""
        self._closed = True
        self._stirred.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event | Gap:
        while (item := self.poll()) is None:
            if self._closed:
                raise StopAsyncIteration
            self._stirred.clear()
            await self._stirred.wait()
        return item

    def poll(self) -> Event | Gap | None:
        if self._gap is not None:
            gap, self._gap = self._gap, None
            return gap
        return self._events.popleft() if self._events else None

    @property
    def live(self) -> bool:
        return not self._closed and self._reachable()
