"""One load a key for all who ask, for adapters of the cache."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_CLOSING_GRACE = 5.0


class Flight:
    """A load under way. It is joined, and keeps its result, only while it `stands`."""

    __slots__ = ("_flights", "abandoned", "key", "passengers", "task")

    task: asyncio.Task[bytes]

    def __init__(self, key: str, flights: Flights) -> None:
        self.key = key
        self.passengers = 0
        self.abandoned = False
        self._flights = flights

    @property
    def stands(self) -> bool:
        """Nothing has changed its key since it began."""
        return self._flights.under_way.get(self.key) is self

    def ground(self) -> None:
        if self.stands:
            del self._flights.under_way[self.key]

    async def ride(self, loader: Callable[[], Awaitable[bytes]]) -> bytes:
        """Its outcome. It is cancelled with the last who waits; one that its cache gave up sends each to `loader`."""
        self.passengers += 1
        try:
            await asyncio.wait((self.task,))
        finally:
            self.passengers -= 1
            if not self.passengers and not self.task.done():
                self.task.cancel()
                self.ground()
        if self.abandoned and self.task.cancelled():
            return await loader()
        return self.task.result()


class Flights:
    """What is being loaded. Whoever changes a key bars the load of it: the result is older than the change."""

    def __init__(self) -> None:
        self.under_way: dict[str, Flight] = {}

    def bar(self, key: str) -> None:
        self.under_way.pop(key, None)

    def bar_all(self, prefix: str) -> None:
        for key in [k for k in self.under_way if k.startswith(prefix)]:
            del self.under_way[key]


class Hangar:
    """The flights that one client of a cache has begun."""

    def __init__(self, flights: Flights) -> None:
        self._flights = flights
        self._own: set[Flight] = set()

    def find_or_begin(self, key: str, work: Callable[[Flight], Awaitable[bytes]]) -> Flight:
        flight = self._flights.under_way.get(key)
        if flight is None:
            flight = Flight(key, self._flights)
            self._flights.under_way[key] = flight
            self._own.add(flight)
            flight.task = asyncio.create_task(_fly(flight, work))
            flight.task.add_done_callback(lambda task: self._landed(flight, task))
        return flight

    async def close(self) -> None:
        """Loads begun here are cancelled, and waited for; callers that still wait for one run their own loader."""
        tasks = [flight.task for flight in self._own]
        for flight in self._own:
            flight.abandoned = True
            # A second time would cut short what its loader does when it is cancelled.
            if not flight.task.cancelling():
                flight.task.cancel()
            flight.ground()
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSING_GRACE)

    def _landed(self, flight: Flight, task: asyncio.Task[bytes]) -> None:
        self._own.discard(flight)
        flight.ground()  # also one that was cancelled before its first step
        if not task.cancelled():
            task.exception()  # Seen: if every caller left in this very turn, asyncio would report it as lost.


async def _fly(flight: Flight, work: Callable[[Flight], Awaitable[bytes]]) -> bytes:
    try:
        return await work(flight)
    finally:
        flight.ground()
