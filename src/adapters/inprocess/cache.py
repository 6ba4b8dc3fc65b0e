from __future__ import annotations

from typing import TYPE_CHECKING, Self

from ...ports.cache import CacheCapabilities, CacheStats
from ...ports.errors import Rejected
from ...ports.lru import LruStore
from ...ports.single_flight import Flights, Hangar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from ...ports.clock import Clock
    from ...ports.single_flight import Flight


class CacheState:
    """What is kept and what is being loaded. Adapters that share one are clients of one cache."""

    def __init__(self, *, max_bytes: int = 64 * 2**20, max_entries: int = 100_000) -> None:
        self.store = LruStore(max_bytes=max_bytes, max_entries=max_entries)
        self.flights = Flights()


class InProcessCache:
    """A client of `state`. Whatever changes a key also bars a load of it that is under way from putting a result
    that is older, and callers from joining it.
    """

    def __init__(self, *, clock: Clock, state: CacheState | None = None) -> None:
        self._clock = clock
        self._state = CacheState() if state is None else state
        self._store = self._state.store
        self._flights = self._state.flights
        self._hangar = Hangar(self._flights)

    @property
    def capabilities(self) -> CacheCapabilities:
        return CacheCapabilities(name="in-process", shared="process")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._hangar.close()

    async def get(self, key: str) -> bytes | None:
        return self._store.get(key, self._clock.monotonic())

    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        _check(ttl)
        self._flights.bar(key)
        self._store.put(key, value, self._clock.monotonic() + ttl)

    async def delete(self, key: str) -> None:
        self._flights.bar(key)
        self._store.delete(key)

    async def clear(self, *, prefix: str = "") -> None:
        self._flights.bar_all(prefix)
        self._store.clear(prefix)

    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        _check(ttl)
        value = self._store.get(key, self._clock.monotonic())
        if value is not None:
            return value
        flight = self._hangar.find_or_begin(key, lambda flight: self._fly(flight, loader, ttl))
        return await flight.ride(loader)

    def stats(self) -> CacheStats:
        return self._store.stats()

    async def _fly(self, flight: Flight, loader: Callable[[], Awaitable[bytes]], ttl: float) -> bytes:
        """The ttl counts from here: a value is as old as the question that it answers."""
        until = self._clock.monotonic() + ttl
        value = await loader()
        if flight.stands and self._clock.monotonic() < until:
            self._store.put(flight.key, value, until)
        return value


def _check(ttl: float) -> None:
    if not ttl > 0:
        raise Rejected(f"ttl {ttl}: not allowed (more than 0 seconds)", "ttl")
