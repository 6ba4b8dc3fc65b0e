"""Adapters that break a promise only where steps meet in a certain way: what random schedules are for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from agent_memory.ports.errors import NotHeld, Unavailable
from agent_memory.ports.records import Event, Gap

from .registry import breaks
from .remote_breaker import Rewired
from .remote_bus import RemoteBus, RemoteSubscription
from .remote_cache import RemoteCache
from .remote_limiter import RemoteLimiter
from .remote_lock import RemoteLock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from agent_memory.adapters.inprocess.breaker_machine import BreakerMachine
    from agent_memory.adapters.inprocess.cache import CacheState
    from agent_memory.adapters.inprocess.lock_table import LockTable
    from agent_memory.adapters.inprocess.sliding_log import SlidingLogs
    from agent_memory.ports.event_bus import Subscription
    from agent_memory.ports.lock import Lease
    from agent_memory.ports.rate_limiter import Decision, Window
    from agent_memory_contract.manual_clock import ManualClock

    from .lines import Line


@breaks("LOCK-51")
class OnlyTheFirstRenewalCounts(RemoteLock):
    def __init__(self, clock: ManualClock, line: Line, table: LockTable) -> None:
        super().__init__(clock, line, table)
        self.renewed: set[int] = set()

    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        if lease.token not in self.renewed:
            renewed = await super().renew(lease, ttl=ttl)
            self.renewed.add(lease.token)
            return renewed
        held = await self.inspect(lease.name)
        if held is None or held.token != lease.token:
            raise NotHeld(lease.name)
        return lease


@breaks("LOCK-52")
class EndsOnlyWhatItGranted(RemoteLock):
    def __init__(self, clock: ManualClock, line: Line, table: LockTable) -> None:
        super().__init__(clock, line, table)
        self.granted: set[int] = set()

    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        lease = await super().acquire(name, owner=owner, ttl=ttl, wait=wait)
        self.granted.add(lease.token)
        return lease

    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        if lease.token not in self.granted:
            raise NotHeld(lease.name)
        return await super().renew(lease, ttl=ttl)


@breaks("LOCK-53")
class ReleasesInWordWhenCutOff(RemoteLock):
    async def release(self, lease: Lease) -> None:
        if not self.line.is_cut:
            await super().release(lease)


@breaks("CACHE-51")
class KeepsTheEmptyForGood(RemoteCache):
    async def delete(self, key: str) -> None:
        if await self.get(key) != b"":
            await super().delete(key)


@breaks("CACHE-52")
class ItsOwnDeleteBarsNoLoad(RemoteCache):
    def __init__(self, clock: ManualClock, line: Line, state: CacheState) -> None:
        super().__init__(clock, line, state)
        self.loading: set[str] = set()
        self.deleted: set[str] = set()

    async def delete(self, key: str) -> None:
        if key in self.loading:
            self.deleted.add(key)
        await super().delete(key)

    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        self.loading.add(key)
        value = await super().load(key, loader, ttl=ttl)
        self.loading.discard(key)
        if key in self.deleted:
            self.deleted.discard(key)
            await self.put(key, value, ttl=ttl)
        return value


@breaks("CACHE-53")
class AnswersFromMemoryWhenCutOff(RemoteCache):
    def __init__(self, clock: ManualClock, line: Line, state: CacheState) -> None:
        super().__init__(clock, line, state)
        self.seen: dict[str, bytes] = {}

    async def get(self, key: str) -> bytes | None:
        if self.line.is_cut:
            return self.seen.get(key)
        value = await super().get(key)
        if value is not None:
            self.seen[key] = value
        return value


@breaks("LIMITER-31")
class ForetellsTheWaitOfACheapCall(RemoteLimiter):
    async def peek(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        decision = await super().peek(windows, cost=cost)
        if decision.allowed:
            return decision
        cheap = await super().peek(windows)
        return msgspec.structs.replace(decision, retry_after=cheap.retry_after)


@breaks("LIMITER-32")
class WhoIsCancelledTakesMore(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            for _ in range(3):
                await super().hit(windows, cost=cost)
            raise
        return await super().hit(windows, cost=cost)


@breaks("LIMITER-33")
class TheSecondLostCallCountsTwice(RemoteLimiter):
    def __init__(self, clock: ManualClock, line: Line, logs: SlidingLogs) -> None:
        super().__init__(clock, line, logs)
        self.lost = 0

    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        if not self.line.is_cut:
            self.lost = 0
            return await super().hit(windows, cost=cost)
        self.lost += 1
        for _ in range(2 if self.lost > 1 else 0):
            await self.inner.hit(windows, cost=cost)
        raise Unavailable("the line is cut")


@breaks("BUS-31")
class SkipsOneAfterACancelledWait(RemoteBus):
    class subscription(RemoteSubscription):
        skips = False

        async def __anext__(self) -> Event | Gap:
            try:
                return await super().__anext__()
            except asyncio.CancelledError:
                self.skips = True
                raise

        def poll(self) -> Event | Gap | None:
            if self.skips and super().poll() is not None:
                self.skips = False
            return super().poll()


@breaks("BUS-32")
class TellsOfOneOutage(RemoteBus):
    class subscription(RemoteSubscription):
        def __init__(self, inner: Subscription, line: Line) -> None:
            super().__init__(inner, line)
            self.outages = 0

        async def __anext__(self) -> Event | Gap:
            while self.hides(item := await super().__anext__()):
                continue
            return item

        def poll(self) -> Event | Gap | None:
            while self.hides(item := super().poll()):
                continue
            return item

        def hides(self, item: Event | Gap | None) -> bool:
            if item != Gap("the line was lost"):
                return False
            self.outages += 1
            return self.outages > 1


@breaks("BREAKER-51")
class ASuccessBesideOtherCallsIsNone(Rewired):
    """While closed, it leaves the failures counted where another call is under way."""

    def __init__(self, clock: ManualClock, line: Line, machine: BreakerMachine) -> None:
        super().__init__(clock, line, machine)
        self.under_way = 0

    def admit(self) -> int:
        generation = super().admit()
        self.under_way += 1
        return generation

    def failed(self, generation: int) -> None:
        self.under_way -= 1
        super().failed(generation)

    def withdrawn(self, generation: int) -> None:
        self.under_way -= 1
        super().withdrawn(generation)

    def succeeded(self, generation: int) -> None:
        if self.state == "closed" and self.under_way > 1:
            self.withdrawn(generation)
            return
        self.under_way -= 1
        super().succeeded(generation)


@breaks("BREAKER-52")
class ForgetsOnlyItsOwnFailures(Rewired):
    """A success of one client leaves what another counted."""

    def __init__(self, clock: ManualClock, line: Line, machine: BreakerMachine) -> None:
        super().__init__(clock, line, machine)
        self.failures = 0

    def failed(self, generation: int) -> None:
        self.failures += 1
        super().failed(generation)

    def succeeded(self, generation: int) -> None:
        if self.state == "closed" and not self.failures:
            self.withdrawn(generation)
            return
        self.failures = 0
        super().succeeded(generation)
