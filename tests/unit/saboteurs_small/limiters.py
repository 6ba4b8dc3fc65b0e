"""Rate limiters that break one promise each."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import msgspec

from agent_memory.adapters.inprocess.sliding_log import SlidingLogs
from agent_memory.ports.rate_limiter import Decision, Window

from .registry import breaks
from .remote_limiter import RemoteLimiter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_memory_contract.manual_clock import ManualClock

    from .lines import Line


changed = msgspec.structs.replace


@breaks("LIMITER-01")
class AdmitsOneMore(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        return await super().hit([changed(each, limit=each.limit + 1) for each in windows], cost=cost)


@breaks("LIMITER-02")
class AsksAndThenCounts(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        decision = await self.peek(windows, cost=cost)
        await asyncio.sleep(0)
        await super().hit(windows, cost=cost)
        return decision


@breaks("LIMITER-03", "LIMITER-20")
class CountsWindowByWindow(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        decisions = [await self.inner.hit([each], cost=cost) for each in windows]
        return next((each for each in decisions if not each.allowed), decisions[0])


@breaks("LIMITER-04")
class BeginsAnewEachPeriod(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        now = self.clock.monotonic()
        fixed = [changed(each, key=f"{each.key} {math.floor(now / each.period)}") for each in windows]
        return await super().hit(fixed, cost=cost)


@breaks("LIMITER-05")
class HoldsRoomBack(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        return await super().hit([changed(each, period=1.5 * each.period) for each in windows], cost=cost)


@breaks("LIMITER-06")
class SaysThePeriod(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        decision = await super().hit(windows, cost=cost)
        return decision if decision.allowed else changed(decision, retry_after=windows[0].period)


@breaks("LIMITER-24")
class SaysWholeMilliseconds(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        decision = await super().hit(windows, cost=cost)
        return changed(decision, retry_after=math.floor(1e3 * decision.retry_after) / 1e3)


@breaks("LIMITER-06", "LIMITER-07")
class SaysAMomentLess(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        decision = await super().hit(windows, cost=cost)
        return decision if decision.allowed else changed(decision, retry_after=decision.retry_after - 0.001)


@breaks("LIMITER-07")
class WaitsForTheFirstToRunOut(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        decision = await super().hit(windows, cost=cost)
        if decision.allowed:
            return decision
        return changed(decision, retry_after=(await self.peek(windows)).retry_after)


@breaks("LIMITER-08")
class StopsAtTheFirstRefusal(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        for each in windows:
            decision = await self.peek([each], cost=cost)
            if not decision.allowed:
                return decision
        return await super().hit(windows, cost=cost)


@breaks("LIMITER-09")
class BlamesTheLongest(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        decision = await super().hit(windows, cost=cost)
        longest = max(windows, key=lambda each: each.period)
        return decision if decision.allowed else changed(decision, refused_by=longest.key)


@breaks("LIMITER-10")
class SpeaksOfTheNextCall(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        decision = await super().hit(windows, cost=cost)
        coming = await self.peek(windows, cost=cost)
        return changed(decision, retry_after=coming.retry_after, refused_by=coming.refused_by)


@breaks("LIMITER-11")
class RemainingBeforeTheCall(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        decision = await super().hit(windows, cost=cost)
        return changed(decision, remaining=decision.remaining + cost * decision.allowed)


@breaks("LIMITER-12")
class RemainingOfTheFirst(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        first = await self.peek(windows[:1], cost=cost)
        return changed(await super().hit(windows, cost=cost), remaining=first.remaining)


@breaks("LIMITER-13")
class PeeksByHitting(RemoteLimiter):
    async def peek(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        return await self.hit(windows, cost=cost)


@breaks("LIMITER-14")
class PeeksTooFar(RemoteLimiter):
    async def peek(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        return await super().peek(windows, cost=cost + 1)


@breaks("LIMITER-15")
class EveryCallCostsOne(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        return await super().hit(windows)


@breaks("LIMITER-16")
class FoldsKeys(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        return await super().hit(
            [changed(each, key=each.key.strip().casefold()) for each in windows], cost=cost
        )


@breaks("LIMITER-17")
class CountsOncePerWindow(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        shared = len(windows) - len({each.key for each in windows})
        return await super().hit(windows, cost=cost + shared)


@breaks("LIMITER-25")
class CountsTwiceUnderTwoLimits(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        alike = len(windows) - len({(each.key, each.period) for each in windows})
        return await super().hit(windows, cost=cost + alike)


@breaks("LIMITER-18")
class RefusesWithoutWindows(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        if not windows:
            return Decision(allowed=False, remaining=0)
        return await super().hit(windows, cost=cost)


@breaks("LIMITER-19")
class RefusesNonsense(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        if any(cost > each.limit for each in windows):
            return Decision(allowed=False, remaining=0)
        return await super().hit(windows, cost=cost)


@breaks("LIMITER-21")
class PunishesTheImpatient(RemoteLimiter):
    until = 0.0

    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        decision = await super().hit(windows, cost=cost)
        if decision.allowed and self.clock.monotonic() >= self.until:
            return decision
        self.until = self.clock.monotonic() + windows[0].period
        return changed(decision, allowed=False)


@breaks("LIMITER-22")
class OneCountForEachClient(RemoteLimiter):
    def __init__(self, clock: ManualClock, line: Line, logs: SlidingLogs) -> None:
        super().__init__(clock, line, SlidingLogs())


@breaks("LIMITER-23")
class AdmitsWhenCutOff(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        return await self.inner.hit(windows, cost=cost)
