"""The EventBus port on one NATS subject."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

import msgspec
import nats
import nats.errors

from agent_memory.ports.errors import Rejected, Unavailable
from agent_memory.ports.event_queue import EventQueue
from agent_memory.ports.records import Event

from . import CAPABILITIES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from types import TracebackType

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from agent_memory.ports.event_bus import EventBusCapabilities, Subscription

_log = logging.getLogger(__name__)

FAILURES = (nats.errors.Error, OSError, TimeoutError)
_PATIENCE = 3.0
"""Seconds for an answer of the server."""
_PAUSE = 0.2
"""Seconds between two attempts to reach it again."""
_NO_LIMIT = -1


class NatsEventBus:
    """All goes over one connection. Each subscriber has a queue of its own here, so none holds up another.

    A publish is over when a message to ourselves, sent after it, has come back. (The client's own `flush` returns
    without an answer where its reader has just ended: nats-py 2.16.)
    """

    def __init__(self, server: str, *, subject: str, user: str = "", password: str = "") -> None:
        self._server = server
        self._subject = subject
        self._login: dict[str, str] = {"user": user, "password": password} if user else {}
        self._queues: dict[EventQueue, None] = {}
        self._echoes: dict[bytes, asyncio.Future[None]] = {}
        self._sent = 0
        self._connected = False
        self._closed = True

    @property
    def capabilities(self) -> EventBusCapabilities:
        return CAPABILITIES

    async def __aenter__(self) -> Self:
        try:
            # For ever is for a connection that was there once.
            async with asyncio.timeout(_PATIENCE):
                self._client = await self._connect()
        except FAILURES as error:
            raise Unavailable(f"nats {self._server}: {error or 'not reached'}") from error
        try:
            await self._listen()
        except FAILURES as error:
            with suppress(*FAILURES):
                await self._client.close()
            raise Unavailable(f"nats {self._server}: {error}") from error
        self._connected = True
        self._closed = False
        return self

    async def _listen(self) -> None:
        # Bounded by the subscribers' queues, which say what they lose.
        await self._client.subscribe(
            self._subject, cb=self._hear, pending_msgs_limit=_NO_LIMIT, pending_bytes_limit=_NO_LIMIT
        )
        self._inbox = self._client.new_inbox()
        await self._client.subscribe(self._inbox, cb=self._hear_echo)
        await self._come_back_from_server()

    async def _connect(self) -> Client:
        return await nats.connect(
            self._server,
            **self._login,
            connect_timeout=_PATIENCE,
            reconnect_time_wait=_PAUSE,
            max_reconnect_attempts=_NO_LIMIT,
            disconnected_cb=self._went,
            reconnected_cb=self._came_back,
            error_cb=self._failed,
        )

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        self._connected = False
        for queue in self._queues:
            queue.close()
        self._queues.clear()
        # One that is gone has nothing more to be told. Where something is still to be written asyncio says that, from
        # Python 3.12 on, by a TypeError.
        with suppress(*FAILURES, TypeError):
            await self._client.close()

    async def publish(self, events: Sequence[Event]) -> None:
        if self._closed:
            raise Unavailable("event bus: closed")
        try:
            if not self._connected:
                # The client would keep it, and send it when nobody believes in it any more.
                raise nats.errors.ConnectionReconnectingError
            for event in events:
                await self._client.publish(self._subject, _message(event))
            await self._come_back_from_server()
        except FAILURES as error:
            self._lose("an event could not be published")
            raise Unavailable(f"nats {self._server}: {error}") from error

    @asynccontextmanager
    async def subscribe(self, *, capacity: int = 1024) -> AsyncGenerator[Subscription]:
        if capacity < 1:
            raise Rejected(f"capacity {capacity}: not allowed (1 or more)", "capacity")
        if self._closed:
            raise Unavailable("event bus: closed")
        queue = EventQueue(capacity, reachable=lambda: self._connected)
        self._queues[queue] = None
        try:
            yield queue
        finally:
            self._queues.pop(queue, None)
            queue.close()

    async def _hear(self, message: Msg) -> None:
        try:
            event = msgspec.msgpack.decode(message.data, type=Event)
        except msgspec.DecodeError:
            _log.warning("nats %s: subject %r: not ours", self._server, self._subject)
            return
        for queue in self._queues:
            queue.offer(event)

    async def _come_back_from_server(self) -> None:
        """All that was sent before is there."""
        self._sent += 1
        name = b"%d" % self._sent
        echo = self._echoes[name] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._client.publish(self._inbox, name)
                await echo
        finally:
            del self._echoes[name]

    async def _hear_echo(self, message: Msg) -> None:
        echo = self._echoes.get(message.data)
        if echo is not None and not echo.done():
            echo.set_result(None)

    def _lose(self, reason: str) -> None:
        for queue in self._queues:
            queue.lose(reason)

    async def _went(self) -> None:
        self._connected = False
        for echo in self._echoes.values():
            if not echo.done():
                echo.set_exception(nats.errors.ConnectionReconnectingError())

    async def _came_back(self) -> None:
        self._lose("the connection was renewed")
        self._connected = not self._closed

    async def _failed(self, error: Any) -> None:
        _log.warning("nats %s: %r", self._server, error)


def _message(event: Event) -> bytes:
    limit = CAPABILITIES.max_payload
    if limit is not None and len(event.payload) > limit:
        event = msgspec.structs.replace(event, payload=b"")
    return msgspec.msgpack.encode(event)
