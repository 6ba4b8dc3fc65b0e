"""Adapters that keep what is over, or leave before it is."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from .registry import breaks
from .remote_bus import RemoteBus
from .remote_cache import RemoteCache
from .remote_limiter import RemoteLimiter
from .remote_lock import RemoteLock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from types import TracebackType

    from agent_memory.adapters.inprocess.cache import CacheState
    from agent_memory.adapters.inprocess.event_bus import EventHub
    from agent_memory.adapters.inprocess.lock_table import LockTable
    from agent_memory.adapters.inprocess.sliding_log import SlidingLogs
    from agent_memory.ports.event_bus import Subscription
    from agent_memory.ports.lock import Lease
    from agent_memory.ports.rate_limiter import Decision, Window
    from agent_memory_contract.manual_clock import ManualClock

    from .lines import Line


@breaks("CACHE-49")
class LeavesBeforeItsLoads(RemoteCache):
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.line.later(self.inner.__aexit__(kind, error, trace))


@breaks("CACHE-49")
class InterruptsTidying(RemoteCache):
    """Whoever is tidying up already is cancelled once more."""

    def __init__(self, clock: ManualClock, line: Line, state: CacheState) -> None:
        super().__init__(clock, line, state)
        self.loads: set[asyncio.Task[bytes]] = set()

    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        async def noted() -> bytes:
            task = asyncio.current_task()
            assert task is not None
            self.loads.add(task)
            return await loader()

        return await super().load(key, noted, ttl=ttl)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for load in self.loads:
            if load.cancelling():
                load.cancel()
        await super().__aexit__(kind, error, trace)


@breaks("CACHE-50")
class TriesAgainWhenCancelled(RemoteCache):
    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        async def again() -> bytes:
            try:
                return await loader()
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise
                return await loader()

        return await super().load(key, again, ttl=ttl)


@breaks("CACHE-61")
class RemembersKeys(RemoteCache):
    def __init__(self, clock: ManualClock, line: Line, state: CacheState) -> None:
        super().__init__(clock, line, state)
        self.keys: dict[str, list[str]] = {}

    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        self.keys[f"key of the cache: {key}"] = [f"for {ttl} s"]
        return await super().load(key, loader, ttl=ttl)


@breaks("LOCK-61")
class RemembersLeases(RemoteLock):
    def __init__(self, clock: ManualClock, line: Line, table: LockTable) -> None:
        super().__init__(clock, line, table)
        self.leases: list[Lease] = []

    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        lease = await super().acquire(name, owner=owner, ttl=ttl, wait=wait)
        if not wait:
            self.leases.append(lease)
        return lease


@breaks("LOCK-62")
class RemembersWaiters(RemoteLock):
    def __init__(self, clock: ManualClock, line: Line, table: LockTable) -> None:
        super().__init__(clock, line, table)
        self.waits: list[dict[str, str]] = []

    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        if wait:
            self.waits.append({f"{name} of": f"{owner}, {ttl} s", f"{name} until": f"{wait} s"})
        return await super().acquire(name, owner=owner, ttl=ttl, wait=wait)


@breaks("LOCK-63")
class SleepsTillTheEndOfTheWait(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        if wait:
            self.line.later(self.clock.sleep(wait))
        return await super().acquire(name, owner=owner, ttl=ttl, wait=wait)


@breaks("BUS-61")
class RemembersWhoLeft(RemoteBus):
    def __init__(self, line: Line, hub: EventHub) -> None:
        super().__init__(line, hub)
        self.left: list[Subscription] = []

    @asynccontextmanager
    async def subscribe(self, *, capacity: int = 1024) -> AsyncGenerator[Subscription]:
        async with super().subscribe(capacity=capacity) as subscription:
            yield subscription
        self.left.append(subscription)


@breaks("LIMITER-61")
class RemembersKeysThatCountNoMore(RemoteLimiter):
    def __init__(self, clock: ManualClock, line: Line, logs: SlidingLogs) -> None:
        super().__init__(clock, line, logs)
        self.seen: dict[str, list[str]] = {}

    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        for window in windows:
            self.seen[f"{window.key}/{window.period}"] = [f"limit {window.limit}"]
        return await super().hit(windows, cost=cost)
