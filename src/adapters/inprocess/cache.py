from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from ...ports.cache import CacheCapabilities, CacheStats
from ...ports.errors import Rejected
from .lru import LruStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from ...ports.clock import Clock

_CLOSING_GRACE = 5.0


class _Flight:
    """A loader under way. It is joined, and puts its result, only while `CacheState.flights` names it."""

    __slots__ = ("abandoned", "key", "passengers", "task")

    task: asyncio.Task[bytes]

    def __init__(self, key: str) -> None:
        self.key = key
        self.passengers = 0
        self.abandoned = False


class CacheState:
    """What is kept and what is being loaded. Adapters that share one are clients of one cache."""

    def __init__(self, *, max_bytes: int = 64 * 2**20, max_entries: int = 100_000) -> None:
        self.store = LruStore(max_bytes=max_bytes, max_entries=max_entries)
        self.flights: dict[str, _Flight] = {}

    def ground(self, flight: _Flight) -> None:
        if self.flights.get(flight.key) is flight:
            del self.flights[flight.key]


class InProcessCache:
    """A client of `state`. Whatever changes a key also bars a load of it that is under way from putting a result
    that is older, and callers from joining it.
    """

    def __init__(self, *, clock: Clock, state: CacheState | None = None) -> None:
        self._clock = clock
        self._state = CacheState() if state is None else state
        self._store = self._state.store
        self._own: set[_Flight] = set()

    @property
    def capabilities(self) -> CacheCapabilities:
        return CacheCapabilities(name="in-process", shared="process")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Loads begun here are cancelled; callers that still wait for one run their own loader."""
        tasks = [flight.task for flight in self._own]
        for flight in self._own:
            flight.abandoned = True
            flight.task.cancel()
            self._state.ground(flight)
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSING_GRACE)

    async def get(self, key: str) -> bytes | None:
        return self._store.get(key, self._clock.monotonic())

    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        _check(ttl)
        self._state.flights.pop(key, None)
        self._store.put(key, value, self._clock.monotonic() + ttl)

    async def delete(self, key: str) -> None:
        self._state.flights.pop(key, None)
        self._store.delete(key)

    async def clear(self, *, prefix: str = "") -> None:
        for key in [k for k in self._state.flights if k.startswith(prefix)]:
            del self._state.flights[key]
        self._store.clear(prefix)

    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        _check(ttl)
        value = self._store.get(key, self._clock.monotonic())
        if value is not None:
            return value
        flight = self._state.flights.get(key)
        if flight is None:
            flight = self._take_off(key, loader, ttl)
        return await self._ride(flight, loader)

    def stats(self) -> CacheStats:
        return self._store.stats()

    def _take_off(self, key: str, loader: Callable[[], Awaitable[bytes]], ttl: float) -> _Flight:
        flight = _Flight(key)
        self._state.flights[key] = flight
        self._own.add(flight)
        flight.task = asyncio.create_task(self._fly(flight, loader, ttl))
        flight.task.add_done_callback(lambda task: self._landed(flight, task))
        return flight

    async def _fly(self, flight: _Flight, loader: Callable[[], Awaitable[bytes]], ttl: float) -> bytes:
        """The ttl counts from here: a value is as old as the question that it answers."""
        until = self._clock.monotonic() + ttl
        try:
            value = await loader()
            if self._state.flights.get(flight.key) is flight and self._clock.monotonic() < until:
                self._store.put(flight.key, value, until)
            return value
        finally:
            self._state.ground(flight)

    def _landed(self, flight: _Flight, task: asyncio.Task[bytes]) -> None:
        self._own.discard(flight)
        if not task.cancelled():
            task.exception()  # Seen: if every caller left in this very turn, asyncio would report it as lost.

    async def _ride(self, flight: _Flight, loader: Callable[[], Awaitable[bytes]]) -> bytes:
        flight.passengers += 1
        try:
            await asyncio.wait((flight.task,))
        finally:
            flight.passengers -= 1
            if not flight.passengers and not flight.task.done():
                flight.task.cancel()
                self._state.ground(flight)
        if flight.abandoned and flight.task.cancelled():
            return await loader()
        return flight.task.result()


def _check(ttl: float) -> None:
    if not ttl > 0:
        raise Rejected(f"ttl {ttl}: not allowed (more than 0 seconds)", "ttl")
