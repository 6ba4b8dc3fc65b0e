"""Changes as they are committed, by this process or another, for whoever listens."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from ..core.relay import relay
from ..ports.errors import PortError
from ..ports.records import Gap
from ..ports.scopes import within

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from ..ports.clock import Clock
    from ..ports.event_bus import EventBus, Subscription
    from ..ports.records import Event
    from ..ports.storage import Storage
    from .logs import Log

_POLL_SECONDS = 0.05
"""SQLite tells nobody of another process's commit, so the outbox is looked at. Only while someone listens."""


class Feed:
    """One relay from the outbox to the bus, running while there is at least one watcher.

    Without `relays` there is none: the store's own commits tell the bus.
    """

    def __init__(self, storage: Storage, bus: EventBus, clock: Clock, log: Log, *, relays: bool) -> None:
        self._storage = storage
        self._bus = bus
        self._clock = clock
        self._log = log
        self._relays = relays
        self._watchers = 0
        self._starting = asyncio.Lock()
        self._relay: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def watch(self, scope: str) -> AsyncGenerator[AsyncIterator[Event | Gap]]:
        """Everything committed in `scope` and below it from now on, in commit order.

        A `Gap` says that events were missed: read again what you derived from them.
        """
        async with self.subscribe() as subscription:
            yield _only(subscription, scope)

    @asynccontextmanager
    async def subscribe(self) -> AsyncGenerator[Subscription]:
        """Everything committed in any scope."""
        self._watchers += 1
        try:
            async with self._bus.subscribe() as subscription:
                async with self._starting:
                    if self._relays and self._relay is None:
                        head = await self._storage.outbox_head()
                        self._relay = asyncio.create_task(self._run(head), name="outbox relay")
                yield subscription
        finally:
            self._watchers -= 1
            if self._watchers == 0 and self._relay is not None:
                running, self._relay = self._relay, None
                running.cancel()
                await asyncio.wait([running])

    async def _run(self, after: int) -> None:
        failed = False
        while True:
            try:
                if await self._storage.outbox_head() > after:
                    after = await relay(self._storage, self._bus, after)
                failed = False
            except PortError:
                if not failed:
                    self._log.warning("relay waits for the store", exc_info=True)
                failed = True
            await self._clock.sleep(_POLL_SECONDS * (20 if failed else 1))


async def _only(subscription: Subscription, scope: str) -> AsyncIterator[Event | Gap]:
    async for event in subscription:
        if isinstance(event, Gap):
            yield event
        elif within(event.scope, scope):
            # It may name what lies elsewhere: the other end of a relation.
            yield msgspec.structs.replace(event, payload=b"") if event.payload else event
