"""The Cache port in two tiers: what this process has read lately, and what the fleet keeps in Redis."""

from __future__ import annotations

import math
from secrets import token_hex
from typing import TYPE_CHECKING, Self

from ...ports.cache import CacheCapabilities, CacheStats
from ...ports.errors import Rejected
from ...ports.lru import LruStore
from ...ports.single_flight import Flights, Hangar
from .cache_claims import Claims
from .cache_keys import CacheKeys
from .cache_lane import CacheLane
from .cache_steps import Step
from .tracking import Tracking

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from types import TracebackType

    from ...ports.clock import Clock
    from ...ports.single_flight import Flight
    from .cache_claims import Claim
    from .cache_steps import Read
    from .connection import RedisServer


class RedisCache:
    """`max_bytes` and `max_entries` bound the near tier, `max_value` what goes to Redis at all.

    Only reads fill the near tier, and it is used only while the server's own word on changes is heard (tracking.py): it
    is `lag` seconds behind at most. Losing that word empties it.

    Redis may be absent, and come and go as it likes: then everything is a miss, within `patience` seconds, and at once
    where it refuses or was slow before. What is changed meanwhile is removed there before anything is read again.
    """

    def __init__(
        self,
        server: RedisServer,
        *,
        clock: Clock,
        max_bytes: int = 64 * 2**20,
        max_entries: int = 100_000,
        max_value: int = 4 * 2**20,
        lag: float = 1.0,
        patience: float = 0.5,
    ) -> None:
        self._clock = clock
        self._lag = lag
        self._max_value = max_value
        self._near = LruStore(max_bytes=max_bytes, max_entries=max_entries)
        self._hits = 0
        self._misses = 0
        self._flights = Flights()
        self._hangar = Hangar(self._flights)
        self._keys = CacheKeys(server.prefix)
        self._lane = CacheLane(server, self._keys, clock=clock, patience=patience, on_read=self._keep_near)
        self._claims = Claims(self._lane, self._keys)
        self._claimed: dict[Flight, Claim] = {}
        self._doubted: set[Flight] = set()
        """Loads of whose keys the server has said something since they began: our own claim, or a change by others."""
        self._tracking = Tracking(server, self._keys.all, clock=clock, lag=lag, on_change=self._forget)

    @property
    def capabilities(self) -> CacheCapabilities:
        return CacheCapabilities(name="redis", shared="network", lag=self._lag)

    async def __aenter__(self) -> Self:
        self._lane.start()
        self._tracking.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._hangar.close()
        finally:
            try:
                await self._lane.close()
            finally:
                await self._tracking.close()

    async def get(self, key: str) -> bytes | None:
        value = self._look_near(key)
        if value is None:
            read = await self._lane.read(key)
            found = None if read is None else read.answer.result()
            if found is None:
                self._misses += 1
                return None
            value = found[0]
        self._hits += 1
        return value

    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        _check(ttl)
        if len(value) > self._max_value:
            await self.delete(key)
            return
        self._change(key)
        await self._lane.ask(
            Step("cache_put", (self._keys.value(key), self._keys.claim(key)), (value, _millis(ttl)), owed=key)
        )

    async def delete(self, key: str) -> None:
        self._change(key)
        await self._lane.ask(Step("UNLINK", (self._keys.value(key), self._keys.claim(key)), owed=key))

    async def clear(self, *, prefix: str = "") -> None:
        self._flights.bar_all(prefix)
        self._near.clear(prefix)
        await self._lane.clear(prefix)

    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        """Loads of other instances are waited for, for a while: then this one runs its loader too."""
        _check(ttl)
        flight = self._flights.under_way.get(key)
        if flight is not None and not await self._is_outdated(flight):
            self._misses += 1
        else:
            value = await self.get(key)
            if value is not None:
                return value
        flight = self._hangar.find_or_begin(key, lambda flight: self._fly(flight, loader, ttl))
        return await flight.ride(loader)

    def stats(self) -> CacheStats:
        """Entries and bytes are those of the near tier."""
        near = self._near.stats()
        return CacheStats(
            entries=near.entries,
            bytes=near.bytes,
            hits=self._hits,
            misses=self._misses,
            evictions=near.evictions,
            failures=self._lane.failures,
        )

    async def _is_outdated(self, flight: Flight) -> bool:
        """Whether another instance has changed its key since it began: whoever asks now must not join it."""
        claim = self._claimed.get(flight)
        if claim is None or (flight not in self._doubted and self._tracking.is_current):
            return False
        self._doubted.discard(flight)
        if await claim.stands():
            return False
        flight.ground()
        return True

    async def _fly(self, flight: Flight, loader: Callable[[], Awaitable[bytes]], ttl: float) -> bytes:
        """The ttl counts from here: a value is as old as the question that it answers."""
        until = self._clock.monotonic() + ttl
        claim = await self._claims.stake(flight.key, token_hex(8))
        if isinstance(claim, bytes):
            return claim
        if claim is None:
            return await loader()
        self._claimed[flight] = claim
        try:
            with claim:
                value = await loader()
                left = until - self._clock.monotonic()
                if flight.stands and left > 0 and len(value) <= self._max_value:
                    await claim.give(value, _millis(left))
        finally:
            del self._claimed[flight]
            self._doubted.discard(flight)
        return value

    def _look_near(self, key: str) -> bytes | None:
        return self._near.get(key, self._clock.monotonic()) if self._tracking.is_current else None

    def _keep_near(self, read: Read, value: bytes, left: float) -> None:
        if not read.is_stale and self._tracking.is_current:
            self._near.put(read.key, value, read.asked_at + left)

    def _change(self, key: str) -> None:
        self._flights.bar(key)
        self._near.delete(key)

    def _forget(self, names: Sequence[bytes] | None) -> None:
        """What the server says was changed; None: whatever was."""
        if names is None:
            self._near.clear("")
            self._lane.outdate_all()
            self._claims.stir_all()
            self._doubted.update(self._claimed)
            return
        for name in names:
            key = self._keys.named(name)
            if key is not None:
                self._near.delete(key)
                self._lane.outdate(key)
                self._claims.stir(key)
                self._doubted.update(flight for flight in self._claimed if flight.key == key)


def _check(ttl: float) -> None:
    if not ttl > 0:
        raise Rejected(f"ttl {ttl}: not allowed (more than 0 seconds)", "ttl")


def _millis(ttl: float) -> int:
    """One less than it is, since the server lets a key live into the millisecond after its last."""
    return max(1, math.floor(min(ttl, 10**9) * 1_000) - 1)
