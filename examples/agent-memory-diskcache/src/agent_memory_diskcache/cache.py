"""The Cache port on a shelf."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Self

import diskcache

from agent_memory.ports.cache import CacheStats
from agent_memory.ports.errors import Rejected, Unavailable
from agent_memory.ports.instants import to_micros
from agent_memory.ports.single_flight import Hangar

from . import CAPABILITIES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from agent_memory.ports.cache import CacheCapabilities
    from agent_memory.ports.clock import Clock
    from agent_memory.ports.single_flight import Flight

    from .shelf import Shelf

FAILURES = (OSError, sqlite3.Error, diskcache.Timeout)
_MICROS = 1_000_000


class DiskCache:
    """A client of `shelf`. A disk that fails is a miss, and whatever was on it is not given any more."""

    def __init__(self, shelf: Shelf, *, clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock
        self._hangar = Hangar(shelf.flights)
        self._hits = 0
        self._misses = 0
        self._failures = 0

    @property
    def capabilities(self) -> CacheCapabilities:
        return CAPABILITIES

    async def __aenter__(self) -> Self:
        try:
            await self._shelf.enter()
        except FAILURES as error:
            raise Unavailable(f"diskcache: {error}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._hangar.close()
        await self._shelf.leave()

    async def get(self, key: str) -> bytes | None:
        value = None
        try:
            value = await self._shelf.read(key, self._now())
        except FAILURES:
            self._failed()
        self._hits += value is not None
        self._misses += value is None
        return value

    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        _check(ttl)
        self._shelf.flights.bar(key)
        await self._change(self._shelf.write(key, value, self._now() + round(ttl * _MICROS)))

    async def delete(self, key: str) -> None:
        self._shelf.flights.bar(key)
        await self._change(self._shelf.drop(key))

    async def clear(self, *, prefix: str = "") -> None:
        self._shelf.flights.bar_all(prefix)
        await self._change(self._shelf.drop_all(prefix))

    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        _check(ttl)
        value = await self.get(key)
        if value is not None:
            return value
        flight = self._hangar.find_or_begin(key, lambda flight: self._fly(flight, loader, ttl))
        return await flight.ride(loader)

    def stats(self) -> CacheStats:
        return CacheStats(
            entries=len(self._shelf),
            bytes=self._shelf.bytes,
            hits=self._hits,
            misses=self._misses,
            evictions=self._shelf.evictions,
            failures=self._failures,
        )

    async def _fly(self, flight: Flight, loader: Callable[[], Awaitable[bytes]], ttl: float) -> bytes:
        """The ttl counts from here: a value is as old as the question that it answers."""
        until = self._now() + round(ttl * _MICROS)
        value = await loader()
        if flight.stands and self._now() < until:
            await self._change(self._shelf.write(flight.key, value, until))
        return value

    async def _change(self, work: Awaitable[None]) -> None:
        try:
            await work
        except FAILURES:
            self._failed()

    def _failed(self) -> None:
        self._failures += 1
        self._shelf.distrust()

    def _now(self) -> int:
        """By the wall clock: it goes on while the program does not run."""
        return to_micros(self._clock.now())


def _check(ttl: float) -> None:
    if not ttl > 0:
        raise Rejected(f"ttl {ttl}: not allowed (more than 0 seconds)", "ttl")
