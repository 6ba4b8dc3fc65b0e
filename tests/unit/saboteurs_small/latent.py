"""Upright clients whose backend answers late, by way of a thread: the clauses must not take them for broken.

An adapter in the process decides between two turns of the event loop. No clause may count on that.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from agent_memory.ports.errors import Unavailable

from .remote_blobs import RemoteBlobs
from .remote_breaker import RemoteBreaker
from .remote_bus import LOST, RemoteBus
from .remote_cache import RemoteCache
from .remote_embedder import RemoteEmbedder
from .remote_limiter import RemoteLimiter
from .remote_lock import RemoteLock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
    from types import TracebackType

    from agent_memory.adapters.inprocess.event_bus import EventHub
    from agent_memory.ports.blobs import Blob
    from agent_memory.ports.circuit_breaker import BreakerStatus
    from agent_memory.ports.embedder import Kind, Span
    from agent_memory.ports.lock import Held, Lease
    from agent_memory.ports.rate_limiter import Decision, Window
    from agent_memory.ports.records import Event

    from .lines import Line


async def hop() -> None:
    """To another thread and back."""
    await asyncio.to_thread(bool)


class LatentLock(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        await hop()
        lease = await super().acquire(name, owner=owner, ttl=ttl, wait=wait)
        try:
            await hop()
        except asyncio.CancelledError:
            await super().release(lease)
            raise
        return lease

    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        await hop()
        return await super().renew(lease, ttl=ttl)

    async def release(self, lease: Lease) -> None:
        await hop()
        await super().release(lease)
        await hop()

    async def inspect(self, name: str) -> Held | None:
        await hop()
        return await super().inspect(name)


class LatentCache(RemoteCache):
    async def get(self, key: str) -> bytes | None:
        await hop()
        return await super().get(key)

    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        await hop()
        await super().put(key, value, ttl=ttl)

    async def delete(self, key: str) -> None:
        await hop()
        await super().delete(key)

    async def clear(self, *, prefix: str = "") -> None:
        await hop()
        await super().clear(prefix=prefix)

    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        await hop()
        return await super().load(key, loader, ttl=ttl)


class LatentBus(RemoteBus):
    """Delivers some time after `publish` has returned."""

    def __init__(self, line: Line, hub: EventHub) -> None:
        super().__init__(line, hub)
        self.order = asyncio.Lock()
        self.accepted = 0
        self.idle = asyncio.Event()
        self.idle.set()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What the backend has is delivered, also when its publisher leaves."""
        await self.idle.wait()
        await super().__aexit__(kind, error, trace)

    async def publish(self, events: Sequence[Event]) -> None:
        await hop()
        cut = self.line.is_cut
        self.accepted += 1
        self.idle.clear()
        self.line.later(self.deliver([LOST] if cut else events))  # behind what is on its way
        if cut:
            raise Unavailable("the line is cut")

    async def deliver(self, events: Sequence[Event]) -> None:
        try:
            async with self.order:
                await hop()
                # What the backend has is delivered, also where the line was cut since.
                await self.inner.publish([self.fit(event) for event in events])
        finally:
            self.accepted -= 1
            if not self.accepted:
                self.idle.set()


class LatentLimiter(RemoteLimiter):
    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        await hop()
        return await super().hit(windows, cost=cost)

    async def peek(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        await hop()
        return await super().peek(windows, cost=cost)


class LatentBreaker(RemoteBreaker):
    @asynccontextmanager
    async def guard(self) -> AsyncGenerator[None]:
        await hop()
        async with super().guard():
            yield
        await hop()

    async def status(self) -> BreakerStatus:
        await hop()
        return await super().status()


class LatentEmbedder(RemoteEmbedder):
    async def prepare(self) -> None:
        await hop()
        await super().prepare()

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        await hop()
        found = await super().embed(texts, kind=kind)
        await hop()
        return found

    async def split(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        await hop()
        return await super().split(texts)


class LatentBlobs(RemoteBlobs):
    async def put(self, name: str, parts: AsyncIterator[bytes], *, replace: bool = False) -> Blob:
        await hop()
        blob = await super().put(name, parts, replace=replace)
        await hop()
        return blob

    async def get(self, name: str) -> AsyncIterator[bytes]:
        await hop()
        async for part in super().get(name):
            await hop()
            yield part

    async def delete(self, name: str) -> bool:
        await hop()
        return await super().delete(name)
