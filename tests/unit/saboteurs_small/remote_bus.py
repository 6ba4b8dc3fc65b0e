"""An upright event bus, as a client behind a line."""

from __future__ import annotations

from collections import deque
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

import msgspec

from agent_memory.adapters.inprocess.event_bus import EventHub, InProcessEventBus
from agent_memory.ports.errors import Unavailable
from agent_memory.ports.event_bus import EventBusCapabilities
from agent_memory.ports.records import Event, Gap

from .lines import CutHarness, Line

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from agent_memory.ports.event_bus import Subscription


MAX_PAYLOAD = 4_096
LOST = Event(kind="line lost", scope="", subject="", at=datetime(2026, 1, 1, tzinfo=UTC))
"""Stands in the stream for a connection that was lost; subscribers see a `Gap`."""


class RemoteSubscription:
    def __init__(self, inner: Subscription, line: Line) -> None:
        self.inner = inner
        self.line = line
        self.first: deque[Event | Gap] = deque()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event | Gap:
        if self.first:
            return self.first.popleft()
        item = await anext(self.inner)
        return Gap("the line was lost") if item == LOST else item

    def poll(self) -> Event | Gap | None:
        item = self.first.popleft() if self.first else self.inner.poll()
        return Gap("the line was lost") if item == LOST else item

    @property
    def live(self) -> bool:
        return self.inner.live and not self.line.is_cut


class RemoteBus:
    subscription: type[RemoteSubscription] = RemoteSubscription

    def __init__(self, line: Line, hub: EventHub) -> None:
        self.line = line
        self.inner = InProcessEventBus(hub=hub)

    @property
    def capabilities(self) -> EventBusCapabilities:
        return EventBusCapabilities(name="remote", shared="process", max_payload=MAX_PAYLOAD)

    async def __aenter__(self) -> Self:
        await self.inner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.inner.__aexit__(kind, error, trace)

    def fit(self, event: Event) -> Event:
        return event if len(event.payload) <= MAX_PAYLOAD else msgspec.structs.replace(event, payload=b"")

    async def publish(self, events: Sequence[Event]) -> None:
        if self.line.is_cut:
            await self.inner.publish([LOST])
            raise Unavailable("the line is cut")
        await self.inner.publish([self.fit(event) for event in events])

    def subscribe(self, *, capacity: int = 1024) -> AbstractAsyncContextManager[Subscription]:
        return self.listen(capacity)

    @asynccontextmanager
    async def listen(self, capacity: int) -> AsyncGenerator[Subscription]:
        async with self.inner.subscribe(capacity=capacity) as inner:
            yield self.subscription(inner, self.line)


def bus_harness(kind: type[RemoteBus]) -> CutHarness[RemoteBus]:
    hub = EventHub()
    backend = InProcessEventBus(hub=hub)
    harness = CutHarness(lambda _, line: kind(line, hub))
    harness.line.on_heal.append(lambda: backend.publish([LOST]))
    return harness
