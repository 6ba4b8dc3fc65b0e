from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

from ...ports.errors import Rejected, Unavailable
from ...ports.event_bus import EventBusCapabilities
from ...ports.event_queue import EventQueue

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from types import TracebackType

    from ...ports.event_bus import Subscription
    from ...ports.records import Event


class EventHub:
    """Who listens in this process. Buses that share one are clients of one backend."""

    def __init__(self) -> None:
        self.queues: dict[EventQueue, None] = {}


class InProcessEventBus:
    """A client of `hub`. Publishing runs no subscriber's code: it puts events into queues and returns."""

    def __init__(self, *, hub: EventHub | None = None) -> None:
        self._hub = EventHub() if hub is None else hub
        self._own: set[EventQueue] = set()
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
        queue = EventQueue(capacity, reachable=lambda: True)
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
