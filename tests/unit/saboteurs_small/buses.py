"""Event buses that break one promise each."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from agent_memory.adapters.inprocess.event_bus import EventHub
from agent_memory.ports.records import Event, Gap

from .registry import breaks
from .remote_bus import LOST, MAX_PAYLOAD, RemoteBus, RemoteSubscription

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from agent_memory.ports.event_bus import Subscription

    from .lines import Line


async def for_ever() -> None:
    await asyncio.get_running_loop().create_future()


@breaks("BUS-01")
class ReversesEachCall(RemoteBus):
    async def publish(self, events: Sequence[Event]) -> None:
        await super().publish(events[::-1])


@breaks("BUS-02")
class DeliversTwice(RemoteBus):
    async def publish(self, events: Sequence[Event]) -> None:
        await super().publish([*events[:-1], *events[:-1], *events[-1:]])


@breaks("BUS-03")
class FirstToReadTakes(RemoteBus):
    shared: Subscription | None = None

    @asynccontextmanager
    async def subscribe(self, *, capacity: int = 1024) -> AsyncGenerator[Subscription]:
        async with super().subscribe(capacity=capacity) as own:
            self.shared = self.shared or own
            yield self.shared


@breaks("BUS-04")
class RepeatsTheLast(RemoteBus):
    async def publish(self, events: Sequence[Event]) -> None:
        self.last = events[-1]
        await super().publish(events)

    @asynccontextmanager
    async def subscribe(self, *, capacity: int = 1024) -> AsyncGenerator[Subscription]:
        async with self.inner.subscribe(capacity=capacity) as inner:
            own = RemoteSubscription(inner, self.line)
            if hasattr(self, "last"):
                own.first.append(self.last)
            yield own


@breaks("BUS-05")
class HearsFromTheCallOn(RemoteBus):
    def __init__(self, line: Line, hub: EventHub) -> None:
        super().__init__(line, hub)
        self.published: list[Event] = []

    async def publish(self, events: Sequence[Event]) -> None:
        self.published += events
        await super().publish(events)

    def subscribe(self, *, capacity: int = 1024) -> AbstractAsyncContextManager[Subscription]:
        return self.hear(capacity, len(self.published))

    @asynccontextmanager
    async def hear(self, capacity: int, called_at: int) -> AsyncGenerator[Subscription]:
        async with self.inner.subscribe(capacity=capacity) as inner:
            own = RemoteSubscription(inner, self.line)
            own.first.extend(self.published[called_at:])
            yield own


@breaks("BUS-06")
class LosesOneInAThousand(RemoteBus):
    async def publish(self, events: Sequence[Event]) -> None:
        await super().publish([event for event in events if event.seq % 1_000 != 777])


@breaks("BUS-07")
class WakesNobody(RemoteBus):
    class subscription(RemoteSubscription):
        async def __anext__(self) -> Event | Gap:
            reading = asyncio.ensure_future(anext(self.inner))
            for _ in range(3):
                await asyncio.sleep(0)
            if not reading.done():
                reading.cancel()
                await for_ever()
            return reading.result()


@breaks("BUS-08")
class RoundsTime(RemoteBus):
    def fit(self, event: Event) -> Event:
        return msgspec.structs.replace(event, at=event.at.replace(microsecond=0))


@breaks("BUS-09")
class SendsPartOfAPayload(RemoteBus):
    def fit(self, event: Event) -> Event:
        return msgspec.structs.replace(event, payload=event.payload[:MAX_PAYLOAD])


@breaks("BUS-10")
class SpeaksWithoutNeed(RemoteBus):
    async def publish(self, events: Sequence[Event]) -> None:
        await super().publish(events or [LOST])


@breaks("BUS-11")
class SendsInPairsTurnedRound(RemoteBus):
    def __init__(self, line: Line, hub: EventHub) -> None:
        super().__init__(line, hub)
        self.held: list[Event] = []

    async def publish(self, events: Sequence[Event]) -> None:
        self.held += events
        if len(self.held) > 1:
            await super().publish(self.held[::-1])
            self.held.clear()


@breaks("BUS-12")
class TakesBeforeItGives(RemoteBus):
    class subscription(RemoteSubscription):
        async def __anext__(self) -> Event | Gap:
            item = await super().__anext__()
            for _ in range(3):
                await asyncio.sleep(0)
            return item


@breaks("BUS-13")
class StaysSubscribed(RemoteBus):
    @asynccontextmanager
    async def subscribe(self, *, capacity: int = 1024) -> AsyncGenerator[Subscription]:
        self.kept = self.inner.subscribe(capacity=capacity)
        yield RemoteSubscription(await self.kept.__aenter__(), self.line)


@breaks("BUS-14")
class OneFailureClosesAll(RemoteBus):
    @asynccontextmanager
    async def subscribe(self, *, capacity: int = 1024) -> AsyncGenerator[Subscription]:
        async with super().subscribe(capacity=capacity) as own:
            try:
                yield own
            except ZeroDivisionError:
                await self.inner.__aexit__(None, None, None)
                raise


@breaks("BUS-15")
class NeverEnds(RemoteBus):
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@breaks("BUS-16")
class OneHubForEachClient(RemoteBus):
    def __init__(self, line: Line, hub: EventHub) -> None:
        super().__init__(line, EventHub())


@breaks("BUS-17")
class OneLeavesAllLeave(RemoteBus):
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        self.line.is_cut = True


@breaks("BUS-21")
class SaysNothingOfLoss(RemoteBus):
    class subscription(RemoteSubscription):
        async def __anext__(self) -> Event | Gap:
            while isinstance(item := await super().__anext__(), Gap):
                continue
            return item


@breaks("BUS-22")
class GoesLameAfterAGap(RemoteBus):
    class subscription(RemoteSubscription):
        lame = False

        async def __anext__(self) -> Event | Gap:
            item = await super().__anext__()
            if self.lame and isinstance(item, Event) and item.seq % 2:
                item = await super().__anext__()
            self.lame = self.lame or isinstance(item, Gap)
            return item


@breaks("BUS-23")
class TellsOfLossTooLate(RemoteBus):
    class subscription(RemoteSubscription):
        async def __anext__(self) -> Event | Gap:
            item = await super().__anext__()
            if isinstance(item, Gap):
                self.first.append(item)
                item = await anext(self.inner)
            return item


@breaks("BUS-24")
class KeepsAll(RemoteBus):
    def subscribe(self, *, capacity: int = 1024) -> AbstractAsyncContextManager[Subscription]:
        return super().subscribe(capacity=100 * capacity)


@breaks("BUS-25")
class HoldsOneLess(RemoteBus):
    def subscribe(self, *, capacity: int = 1024) -> AbstractAsyncContextManager[Subscription]:
        return super().subscribe(capacity=max(1, capacity - 1))


@breaks("BUS-26")
class WaitsForTheSlowest(RemoteBus):
    smallest = 1024

    def subscribe(self, *, capacity: int = 1024) -> AbstractAsyncContextManager[Subscription]:
        self.smallest = min(self.smallest, capacity)
        return super().subscribe(capacity=capacity)

    async def publish(self, events: Sequence[Event]) -> None:
        await super().publish(events[: self.smallest])
        if len(events) > self.smallest:
            await for_ever()


@breaks("BUS-27")
class GreetsWithAGap(RemoteBus):
    published = 0

    async def publish(self, events: Sequence[Event]) -> None:
        self.published += len(events)
        await super().publish(events)

    @asynccontextmanager
    async def subscribe(self, *, capacity: int = 1024) -> AsyncGenerator[Subscription]:
        async with self.inner.subscribe(capacity=capacity) as inner:
            own = RemoteSubscription(inner, self.line)
            own.first.extend([Gap("there was a loss once")] if self.published > 100 else [])
            yield own


@breaks("BUS-28", "BUS-29")
class SaysNothingOfTheLine(RemoteBus):
    class subscription(RemoteSubscription):
        async def __anext__(self) -> Event | Gap:
            while (item := await anext(self.inner)) == LOST:
                continue
            return item


@breaks("BUS-18")
class SeesNothingWaiting(RemoteBus):
    class subscription(RemoteSubscription):
        def poll(self) -> Event | Gap | None:
            return None


@breaks("BUS-18")
class LooksWithoutTaking(RemoteBus):
    class subscription(RemoteSubscription):
        def poll(self) -> Event | Gap | None:
            item = super().poll()
            if item is not None:
                self.first.appendleft(item)
            return item


@breaks("BUS-19", "BUS-30")
class SaysThatAllIsWell(RemoteBus):
    class subscription(RemoteSubscription):
        @property
        def live(self) -> bool:
            return True


@breaks("BUS-30")
class LivesBeforeTheGap(RemoteBus):
    class subscription(RemoteSubscription):
        def poll(self) -> Event | Gap | None:
            while isinstance(item := super().poll(), Gap):
                continue
            return item
