"""The EventBus port on LISTEN and NOTIFY."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

from ...ports.errors import PortError, Rejected, Unavailable
from ...ports.event_bus import EventBusCapabilities
from ...ports.event_queue import EventQueue
from .event_bus_message import MAX_PAYLOAD, from_message, to_message
from .link import Link

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from types import TracebackType

    from ...ports.clock import Clock
    from ...ports.event_bus import Subscription
    from ...ports.records import Event
    from .config import PostgresSettings

CHANNEL = "agent_memory_events"

# Sorted before anything is told, and not told while sorting.
_PUBLISH = (
    f"SELECT pg_notify('{CHANNEL}', m.message) FROM "  # noqa: S608 - a constant of this file
    "(SELECT message FROM unnest($1::text[]) WITH ORDINALITY AS u (message, n) ORDER BY n) m"
)


class PostgresEventBus:
    """What PostgresStorage commits is told here too, by the commit itself and in commit order, whoever made it.

    All goes over one connection of its own. It is renewed for ever; then every subscriber gets a `Gap`.
    """

    def __init__(self, settings: PostgresSettings, *, clock: Clock, origin: str = "events") -> None:
        self._queues: dict[EventQueue, None] = {}
        self._closed = True
        self._link = Link(
            settings,
            origin=origin,
            clock=clock,
            channel=CHANNEL,
            on_message=self._hear,
            on_renewed=lambda: self._lose("the connection was renewed"),
        )

    @property
    def capabilities(self) -> EventBusCapabilities:
        return EventBusCapabilities(name="postgresql", shared="network", max_payload=MAX_PAYLOAD)

    async def __aenter__(self) -> Self:
        await self._link.start()
        self._closed = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        for queue in self._queues:
            queue.close()
        self._queues.clear()
        await self._link.close()

    async def publish(self, events: Sequence[Event]) -> None:
        if not events:
            return
        messages = [to_message(number, event) for number, event in enumerate(events)]
        try:
            await self._link.submit(_PUBLISH, messages)
        except PortError as error:
            self._lose(f"not published: {error}")
            raise

    @asynccontextmanager
    async def subscribe(self, *, capacity: int = 1024) -> AsyncGenerator[Subscription]:
        if capacity < 1:
            raise Rejected(f"capacity {capacity}: not allowed (1 or more)", "capacity")
        if self._closed:
            raise Unavailable("event bus: closed")
        queue = EventQueue(capacity, reachable=self._link.is_connected)
        self._queues[queue] = None
        try:
            yield queue
        finally:
            self._queues.pop(queue, None)
            queue.close()

    def _hear(self, message: str) -> None:
        event = from_message(message)
        if event is None:
            self._lose("an event that could not be carried")
            return
        for queue in self._queues:
            queue.offer(event)

    def _lose(self, reason: str) -> None:
        for queue in self._queues:
            queue.lose(reason)
