from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

from ...ports.errors import Rejected, Unavailable
from ...ports.event_bus import EventBusCapabilities
from ...ports.records import Event, Gap

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from types import TracebackType

    from ...ports.event_bus import Subscription


class _Queue:
    """A subscriber's events. At most one `Gap` waits, always first, since an overflow drops all that waits."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._events: deque[Event] = deque()
        self._gap: Gap | None = None
        self._closed = False
        self._stirred = asyncio.Event()

    def offer(self, event: Event) -> None:
        if len(self._events) >= self._capacity:
            self._events.clear()
            self._gap = Gap(f"overflow: more than {self._capacity} events waited")
        self._events.append(event)
        self._stirred.set()

    def close(self) -> None:
        """What waits can still be read."""
        self._closed = True
        self._stirred.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event | Gap:
        while True:
            if self._gap is not None:
                gap, self._gap = self._gap, None
                return gap
            if self._events:
                return self._events.popleft()
            if self._closed:
                raise StopAsyncIteration
            self._stirred.clear()
            await self._stirred.wait()


class EventHub:
    """Who listens in this process. Buses that share one are clients of one backend."""

    def __init__(self) -> None:
        self.queues: dict[_Queue, None] = {}


class InProcessEventBus:
    """A client of `hub`. Publishing runs no subscriber's code: it puts events into queues and returns."""

    def __init__(self, *, hub: EventHub | None = None) -> None:
        self._hub = EventHub() if hub is None else hub
        self._own: set[_Queue] = set()
        self._closed = False

    @property
    def capabilities(self) -> EventBusCapabilities:
        return EventBusCapabilities(name="in-process", shared="process")

    async def __aenter__(self) -> Self:
        self._closed = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        for queue in self._own:
            self._hub.queues.pop(queue, None)
            queue.close()
        self._own.clear()

    async def publish(self, events: Sequence[Event]) -> None:
        self._check_open()
        for queue in self._hub.queues:
            for event in events:
                queue.offer(event)

    @asynccontextmanager
    async def subscribe(self, *, capacity: int = 1024) -> AsyncGenerator[Subscription]:
        if capacity < 1:
            raise Rejected(f"capacity {capacity}: not allowed (1 or more)", "capacity")
        self._check_open()
        queue = _Queue(capacity)
        self._own.add(queue)
        self._hub.queues[queue] = None
        try:
            yield queue
        finally:
            self._own.discard(queue)
            self._hub.queues.pop(queue, None)
            queue.close()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("event bus: closed")
