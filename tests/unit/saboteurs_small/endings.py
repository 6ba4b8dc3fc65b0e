"""Adapters that end badly, or take what they must refuse and refuse what they must take."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from agent_memory.ports.errors import Misconfigured, Rejected, Unavailable

from .caches import SharesTasks
from .registry import breaks
from .remote_breaker import RemoteBreaker
from .remote_bus import RemoteBus, RemoteSubscription
from .remote_cache import RemoteCache
from .remote_lock import RemoteLock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from agent_memory.adapters.inprocess.breaker_machine import BreakerMachine
    from agent_memory.ports.circuit_breaker import Thresholds
    from agent_memory.ports.event_bus import Subscription
    from agent_memory.ports.lock import Lease
    from agent_memory.ports.records import Event


@breaks("CACHE-23")
class CountsInWholeSeconds(RemoteCache):
    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        if 0 < ttl < 1:
            raise Rejected(f"ttl {ttl}: less than a second", "ttl")
        await super().put(key, value, ttl=ttl)


@breaks("CACHE-47")
class LoadsForNobody(SharesTasks):
    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        return await asyncio.shield(self.task(key, loader, ttl))


@breaks("CACHE-48")
class LeavesItsLoadsBehind(RemoteCache):
    """Those who wait for one of them wait for ever."""

    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        task = asyncio.ensure_future(super().load(key, loader, ttl=ttl))
        return await asyncio.shield(task)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@breaks("LOCK-49")
class LeavesWaitersBehind(RemoteLock):
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@breaks("LOCK-50")
class WaitersSleepTillTheOldEnd(RemoteLock):
    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        table: Any = self.inner._table  # pyright: ignore[reportPrivateUsage] - what it sabotages
        waiters = list(table._waiting.get(lease.name, ()))
        alarms = [waiter.alarm for waiter in waiters]
        for waiter in waiters:
            waiter.alarm = None
        renewed = await super().renew(lease, ttl=ttl)
        for waiter, alarm in zip(waiters, alarms, strict=True):
            waiter.alarm = alarm
        return renewed


@breaks("BUS-20")
class TakesWhatNobodyHears(RemoteBus):
    async def publish(self, events: Sequence[Event]) -> None:
        try:
            await super().publish(events)
        except Unavailable:
            if self.line.is_cut:
                raise


@breaks("BUS-33")
class MakesTheBestOfAnyCapacity(RemoteBus):
    def subscribe(self, *, capacity: int = 1024) -> AbstractAsyncContextManager[Subscription]:
        return super().subscribe(capacity=max(1, capacity))


@breaks("BUS-34")
class HoldsOneMore(RemoteBus):
    @asynccontextmanager
    async def subscribe(self, *, capacity: int = 1024) -> AsyncGenerator[Subscription]:
        if capacity < 1:
            raise Rejected("capacity", "capacity")
        async with self.inner.subscribe(capacity=capacity + 1) as inner:
            yield RemoteSubscription(inner, self.line)


@breaks("BUS-35")
class HoldsAThousand(RemoteBus):
    @asynccontextmanager
    async def subscribe(self, *, capacity: int = 1000) -> AsyncGenerator[Subscription]:
        async with super().subscribe(capacity=capacity) as subscription:
            yield subscription


@breaks("BUS-35")
class HoldsOneMoreUnasked(RemoteBus):
    @asynccontextmanager
    async def subscribe(self, *, capacity: int = 1025) -> AsyncGenerator[Subscription]:
        async with super().subscribe(capacity=capacity) as subscription:
            yield subscription


@breaks("BREAKER-42")
class TellsThoseWhoLeft(RemoteBreaker):
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@breaks("BREAKER-43")
class GuessesThresholds(RemoteBreaker):
    @classmethod
    def circuit(cls, thresholds: Thresholds | None) -> BreakerMachine:
        try:
            return super().circuit(thresholds)
        except Misconfigured:
            return super().circuit(None)
