"""The EventBus port on PUBLISH and SUBSCRIBE."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import TYPE_CHECKING, Self

from ...ports.errors import Rejected, Unavailable
from ...ports.event_bus import EventBusCapabilities
from ...ports.event_queue import EventQueue
from .ear import Ear
from .event_bus_message import MAX_PAYLOAD, from_bytes
from .event_bus_outlet import Outlet

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from types import TracebackType

    from ...ports.event_bus import Subscription
    from ...ports.records import Event
    from .connection import RedisServer
    from .event_bus_message import Message

_MOST_PUBLISHERS = 4096


class RedisEventBus:
    """Everything comes in over one connection, this instance's own messages too: so they come once, in the order that
    the server gave them. Each time that connection is renewed, every subscriber gets a `Gap`; and so it does where a
    publisher's numbers have a hole.

    Redis may be absent when it is entered: then subscribers get their `Gap` once it is there.
    """

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._instance = ""
        self._queues: dict[EventQueue, None] = {}
        self._heard: OrderedDict[str, int] = OrderedDict()
        self._closed = True
        channel = server.settings.event_channel
        self._outlet = Outlet(server, channel, on_failure=lambda error: self._lose(f"not published: {error}"))
        self._ear = Ear(server, channel, on_message=self._hear, on_hearing=self._begin)

    @property
    def capabilities(self) -> EventBusCapabilities:
        return EventBusCapabilities(name="redis", shared="network", max_payload=MAX_PAYLOAD)

    @property
    def is_hearing(self) -> bool:
        """Whether events arrive, as far as is known."""
        return self._ear.is_hearing

    async def __aenter__(self) -> Self:
        self._instance = token_hex(8)
        self._closed = False
        self._ear.start()
        self._outlet.start(self._instance)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        for queue in self._queues:
            queue.close()
        self._queues.clear()
        try:
            await self._outlet.close()
        finally:
            await self._ear.close()

    async def publish(self, events: Sequence[Event]) -> None:
        if events:
            await self._outlet.publish(events)

    @asynccontextmanager
    async def subscribe(self, *, capacity: int = 1024) -> AsyncGenerator[Subscription]:
        """Waits until the channel is heard, but not for a server that is away."""
        if capacity < 1:
            raise Rejected(f"capacity {capacity}: not allowed (1 or more)", "capacity")
        if not self._closed:
            await self._ear.until_hearing(self._server.settings.command_timeout)
        if self._closed:
            raise Unavailable("event bus: closed")
        queue = EventQueue(capacity, reachable=lambda: self.is_hearing)
        self._queues[queue] = None
        try:
            yield queue
        finally:
            self._queues.pop(queue, None)
            queue.close()

    def _begin(self) -> None:
        self._heard.clear()
        self._lose("the connection was renewed")

    def _hear(self, data: bytes) -> None:
        message = from_bytes(data)
        if message is None:
            self._lose("an event that could not be carried")
            return
        before = self._heard.get(message.by)
        if before is not None and message.number <= before:
            return  # it has come
        self._heard[message.by] = message.number
        self._heard.move_to_end(message.by)
        if len(self._heard) > _MOST_PUBLISHERS:
            self._heard.popitem(last=False)
        if self._is_torn(message, before):
            self._lose(f"messages of {message.by} before number {message.number} did not arrive")
        for event in message.events:
            for queue in self._queues:
                queue.offer(event)

    def _is_torn(self, message: Message, before: int | None) -> bool:
        """Whether others before it are missing, of which subscribers have not been told."""
        following = not message.lost if before is None else message.number == before + 1 and not message.lost
        if following:
            return False
        missing = message.number if message.lost else message.number - 1
        return message.by != self._instance or missing > self._outlet.in_doubt

    def _lose(self, reason: str) -> None:
        for queue in self._queues:
            queue.lose(reason)
